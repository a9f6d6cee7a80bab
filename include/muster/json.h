/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259): a streaming writer into an arena, and a reader with limits. A reader's tree is
 * one root; every value and slice lends from it until mst_json_free.
 */
#ifndef MUSTER_JSON_H
#define MUSTER_JSON_H

#include "muster/grow.h"

#define MST_JSON_TYPE  "application/json"
#define MST_JSON_DEPTH 30

/*
 * The writer. Failures stick. `key` (plain ASCII constant) is the name inside an object, NULL
 * inside an array and for the root: mst_json_begin(&j, &x->arena); mst_json_open(&j, NULL);
 * mst_json_text(&j, "id", id); mst_json_close(&j); return mst_json_end(&j, &body, e);
 */
struct mst_json {
	struct mst_grow out;
	uint8_t depth;
	uint32_t arrays; /* bit n: level n is an array */
	bool needs_comma;
};
void mst_json_begin(struct mst_json *j, struct mst_arena *arena);
void mst_json_open(struct mst_json *j, const char *key);       /* { */
void mst_json_open_array(struct mst_json *j, const char *key); /* [ */
void mst_json_close(struct mst_json *j);                       /* } or ] */
/* mst_json_open_named is mst_json_open with a name that is data (an id). */
void mst_json_open_named(struct mst_json *j, struct mst_slice key);
/* mst_json_text escapes; ill-formed UTF-8 becomes U+FFFD. */
void mst_json_text(struct mst_json *j, const char *key, struct mst_slice text);
void mst_json_u64(struct mst_json *j, const char *key, uint64_t n);
void mst_json_i64(struct mst_json *j, const char *key, int64_t n);
void mst_json_bool(struct mst_json *j, const char *key, bool value);
void mst_json_null(struct mst_json *j, const char *key);
void mst_json_base64(struct mst_json *j, const char *key, struct mst_slice bytes);
void mst_json_hex(struct mst_json *j, const char *key, struct mst_slice bytes);
/* mst_json_time writes milliseconds since 1970 as RFC 3339 text, null for 0. */
void mst_json_time(struct mst_json *j, const char *key, int64_t ms);
/* mst_json_end gives the text, as long as the arena lives. -1 TOO_BIG. Everything opened was
 * closed, else a bug. */
int mst_json_end(struct mst_json *j, struct mst_slice *out, struct mst_err *e) MST_MUST;

/* The reader. */
struct mst_json_value; /* opaque: a value; the root is one */

/* mst_json_parse reads one text whose root is an object or array, at most `len_max` bytes and
 * `depth_max` deep; duplicate names are refused. Returns 0, -1 SYNTAX or TOO_BIG. */
int mst_json_parse(struct mst_json_value **out, struct mst_slice text, size_t len_max,
		   uint32_t depth_max, struct mst_err *e) MST_MUST;
void mst_json_free(struct mst_json_value **root);

/* Getters: 1 with `out` set, 0 when absent or null (out: empty, false, 0, NULL), -1 SYNTAX naming
 * the key when of another kind or out of range. With `key` NULL they read the value itself. */
int mst_json_get_text0(const struct mst_json_value *object, struct mst_slice *out, const char *key,
		       struct mst_err *e) MST_MUST;
int mst_json_get_u64(const struct mst_json_value *object, uint64_t *out, const char *key,
		     struct mst_err *e) MST_MUST;
int mst_json_get_i64(const struct mst_json_value *object, int64_t *out, const char *key,
		     struct mst_err *e) MST_MUST;
int mst_json_get_bool(const struct mst_json_value *object, bool *out, const char *key,
		      struct mst_err *e) MST_MUST;
int mst_json_get_object0(const struct mst_json_value *object, const struct mst_json_value **out,
			 const char *key, struct mst_err *e) MST_MUST;
int mst_json_get_array0(const struct mst_json_value *object, const struct mst_json_value **out,
			const char *key, struct mst_err *e) MST_MUST;
/* mst_json_num: items of an array or names of an object, 0 for others. mst_json_at0: item `i` of an
 * array, NULL beyond. */
size_t mst_json_num(const struct mst_json_value *value);
const struct mst_json_value *mst_json_at0(const struct mst_json_value *array, size_t i);
/* mst_json_each visits an object's members in order until one call returns false. */
void mst_json_each(const struct mst_json_value *object, void *context,
		   bool (*on_member)(void *context, struct mst_slice key,
				     const struct mst_json_value *value));

#endif
