/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property lists as Apple devices send and take them: XML (the PropertyList-1.0 DTD) and binary
 * ("bplist00") are read, small XML ones are written.
 *
 * A reader's tree is one root with nodes inside, all in the caller's arena. Slices lend from the
 * document where it holds the bytes as they are, from the arena where they had to be decoded.
 * Declarations of own entities, other encodings than UTF-8 and keys named twice are refused.
 */
#ifndef MUSTER_PLIST_H
#define MUSTER_PLIST_H

#include "muster/grow.h"

struct mst_plist; /* opaque: a node; the root is one */

struct mst_plist_limits {
	size_t len_max;     /* bytes of the document */
	uint32_t depth_max; /* dictionaries and arrays inside each other */
	uint32_t nodes_max; /* values and keys in all */
};
/* What a check-in message or a report may be: 4 MiB (app and profile lists are long), 24 deep,
 * 200,000 nodes. */
extern const struct mst_plist_limits mst_plist_limits_device;

enum mst_plist_kind {
	MST_PLIST_DICT,
	MST_PLIST_ARRAY,
	MST_PLIST_TEXT,
	MST_PLIST_DATA,
	MST_PLIST_BOOL,
	MST_PLIST_INT,
	MST_PLIST_REAL,
	MST_PLIST_DATE,
	MST_PLIST_OTHER, /* a UID */
};

/* mst_plist_parse reads one document whose root is a dictionary. Returns 0, -1 SYNTAX or TOO_BIG
 * (over the limits, or over the arena's), then with `out` NULL. The tree lives as long as `arena`
 * and `bytes` do. Any thread. */
int mst_plist_parse(const struct mst_plist **out, struct mst_arena *arena, struct mst_slice bytes,
		    const struct mst_plist_limits *limits, struct mst_err *e) MST_MUST;
/* mst_plist_room: what the tree of `len` bytes takes of an arena at most. A node takes 48 bytes and
 * 16 to sort its key; in a binary document, where it is written with 2 bytes or more, 32 for what
 * is known of the object, too. */
static inline size_t mst_plist_room(size_t len, const struct mst_plist_limits *limits)
{
	size_t num = len < limits->nodes_max ? len : limits->nodes_max;
	return 2 * len + 112 * num + 1024;
}

/* Getters: 1 with `out` set, 0 when `key` is absent (out: empty, false, 0, NULL), -1 SYNTAX naming
 * the key when it is of another kind or out of range. With `key` NULL they read the node itself.
 * Text is UTF-8 without NUL, or -1. */
int mst_plist_text0(const struct mst_plist *dict, struct mst_slice *out, const char *key,
		    struct mst_err *e) MST_MUST;
int mst_plist_data0(const struct mst_plist *dict, struct mst_slice *out, const char *key,
		    struct mst_err *e) MST_MUST;
int mst_plist_bool(const struct mst_plist *dict, bool *out, const char *key,
		   struct mst_err *e) MST_MUST;
int mst_plist_u64(const struct mst_plist *dict, uint64_t *out, const char *key,
		  struct mst_err *e) MST_MUST;
int mst_plist_i64(const struct mst_plist *dict, int64_t *out, const char *key,
		  struct mst_err *e) MST_MUST;
int mst_plist_dict0(const struct mst_plist *dict, const struct mst_plist **out, const char *key,
		    struct mst_err *e) MST_MUST;
int mst_plist_array0(const struct mst_plist *dict, const struct mst_plist **out, const char *key,
		     struct mst_err *e) MST_MUST;
enum mst_plist_kind mst_plist_kind(const struct mst_plist *node);
/* mst_plist_num: items of an array or keys of a dictionary, 0 for other kinds. mst_plist_at0: item
 * `i` of an array, NULL beyond. */
size_t mst_plist_num(const struct mst_plist *node);
const struct mst_plist *mst_plist_at0(const struct mst_plist *array, size_t i);
/* mst_plist_each visits the entries of a dictionary, or the items of an array (key empty), in
 * document order until one call returns false. An array is walked with it: mst_plist_at0 counts
 * from the front each time. */
void mst_plist_each(const struct mst_plist *dict, void *context,
		    bool (*on_item)(void *context, struct mst_slice key,
				    const struct mst_plist *value));

/*
 * The writer. Failures stick. `key` is the name inside a dictionary, NULL inside an array and for
 * the root: mst_plist_begin(&w, &x->arena); mst_plist_open_dict(&w, NULL); mst_plist_put_text(&w,
 * "code", s); mst_plist_close(&w); return mst_plist_end(&w, &body, e);
 */
#define MST_PLIST_TYPE  "application/xml; charset=UTF-8"
#define MST_PLIST_DEPTH 16

struct mst_plist_out {
	struct mst_grow out;
	uint8_t depth;
	uint32_t arrays; /* bit n: level n is an array */
};
void mst_plist_begin(struct mst_plist_out *w, struct mst_arena *arena);
void mst_plist_open_dict(struct mst_plist_out *w, const char *key);
void mst_plist_open_array(struct mst_plist_out *w, const char *key);
void mst_plist_close(struct mst_plist_out *w);
/* Bytes of a text that XML 1.0 cannot carry (control characters, ill-formed UTF-8) become U+FFFD.
 */
void mst_plist_put_text(struct mst_plist_out *w, const char *key, struct mst_slice text);
void mst_plist_put_data(struct mst_plist_out *w, const char *key, struct mst_slice bytes);
void mst_plist_put_bool(struct mst_plist_out *w, const char *key, bool value);
void mst_plist_put_i64(struct mst_plist_out *w, const char *key, int64_t value);
/* mst_plist_end gives the document, as long as the arena lives. -1 TOO_BIG. Everything opened was
 * closed, else a bug. */
int mst_plist_end(struct mst_plist_out *w, struct mst_slice *out, struct mst_err *e) MST_MUST;

#endif
