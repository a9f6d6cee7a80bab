/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators define: users, labels, settings, certificate enrolment settings. Each is a named object whose fields are a
 * table (its shape); one reader, one writer, one check and one history serve them all. A new type is a new table.
 *
 * object   | noun 1 | id 16 |              id: first bytes of SHA-256 of the name; a name is for ever
 * revision | noun 1 | id 16 | version 8 |  who changed what, and which settings that touched
 *
 * SECRET fields are sealed at rest, bound to noun, id and field, and are never shown again.
 */
#ifndef MUSTER_OBJECT_H
#define MUSTER_OBJECT_H

#include "muster/crypt.h"
#include "muster/json.h"
#include "muster/store.h"

#define MST_OBJECT_NAME_MAX 128
#define MST_OBJECT_MAX      (1u << 20) /* bytes of one object's JSON */
#define MST_FIELDS_MAX      64

/* X(name, word, plural of the API's path) */
#define MST_NOUNS(X)                                                                               \
	X(USER, "user", "users")                                                                   \
	X(LABEL, "label", "labels")                                                                \
	X(SETTING, "setting", "settings")                                                          \
	X(ENROLLMENT, "enrollment", "enrollments")
enum mst_noun {
#define X(name, word, plural) MST_NOUN_##name,
	MST_NOUNS(X)
#undef X
	MST_NUM_NOUNS
};

enum mst_field_kind {
	MST_FIELD_TEXT,
	MST_FIELD_SECRET, /* text or bytes in base64, written only */
	MST_FIELD_BOOL,
	MST_FIELD_NUMBER, /* least..most */
	MST_FIELD_WORD,   /* one of `words` */
	MST_FIELD_TEXTS,  /* array of text */
	MST_FIELD_PAIRS,  /* array of {"key","value"}; with `words`: key is one of them */
	MST_FIELD_BYTES,  /* base64 */
	MST_FIELD_REF,    /* name of an object of noun `ref` */
	MST_FIELD_REFS,   /* array of such names */
};
enum {
	MST_FIELD_REQUIRED = 1,
	MST_FIELD_VARIABLES = 2, /* $VARIABLES$ are replaced for each device; checked when saved */
	MST_FIELD_SAN = 4,       /* with VARIABLES: $CONFIG_UUID$ is allowed too */
	MST_FIELD_SHOWS = 8,     /* part of what lists show */
	MST_FIELD_CERT = 16,     /* a change makes certificates anew */
	MST_FIELD_REFERS = 32,   /* PAIRS: the values are names of objects of noun `ref` */
	MST_FIELD_OURS = 64,     /* written by the engine alone; an operator's edit leaves it as it is */
};
struct mst_shape_row {
	const char *name; /* snake_case */
	enum mst_field_kind kind;
	uint32_t flags;
	int64_t least, most;      /* NUMBER: range; TEXT: bytes; TEXTS, PAIRS, REFS: count */
	const char *const *words; /* NULL-terminated */
	enum mst_noun ref;        /* REF, REFS, PAIRS with REFERS */
	const char *fallback;     /* value when absent, NULL: none */
	const char *help;         /* one sentence */
};

struct mst_object;
struct mst_shape {
	enum mst_noun noun;
	const char *type; /* "wifi"; nouns with one shape: the noun's word */
	const char *help;
	const struct mst_shape_row *fields;
	uint32_t num_fields;
	int (*check)(const struct mst_object *object, struct mst_err *e); /* beyond single fields; NULL none */
	/* before it is stored, on a worker: may replace values (a password by its hash); NULL: nothing to do */
	int (*finish)(struct mst_object *object, const struct mst_object *older, struct mst_arena *arena, struct mst_err *e);
};
/* mst_shape_refers: the field names objects: in its text, or in the values of its pairs. */
static inline bool mst_shape_refers(const struct mst_shape_row *row)
{
	return row->kind == MST_FIELD_REF || row->kind == MST_FIELD_REFS || (row->flags & MST_FIELD_REFERS) != 0;
}
/* All shapes, gathered from their tables (model/shape_rows.c lists the tables). */
const struct mst_shape *mst_shape_find(enum mst_noun noun, struct mst_slice type); /* NULL unknown */
const struct mst_shape *mst_shape_at(size_t i); /* NULL beyond the last */

struct mst_pair {
	struct mst_slice key, value;
};
struct mst_value {
	bool is_set;          /* given, or by its fallback */
	struct mst_slice text; /* TEXT, SECRET (open), WORD, BYTES (decoded), REF */
	struct mst_slice sealed; /* SECRET: as stored */
	int64_t number;       /* NUMBER; BOOL 0/1; WORD: its index */
	const struct mst_pair *pairs; /* TEXTS (value), PAIRS, REFS (value) */
	uint32_t num_pairs;
};
struct mst_object {
	enum mst_noun noun;
	uint8_t id[16];
	struct mst_slice name;
	const struct mst_shape *shape;
	struct mst_value values[MST_FIELDS_MAX]; /* in the shape's order */
	uint64_t version;         /* 1 for a new one */
	int64_t created_ms, changed_ms;
	struct mst_slice changed_by;
	uint8_t uuid[16];         /* random, of its creation: payload identifiers, $CONFIG_UUID$ */
	bool is_old;              /* sealed under an older master key */
	struct mst_slice raw;     /* as read; empty for a new one */
};
void mst_object_id(uint8_t out[static 16], enum mst_noun noun, struct mst_slice name);
const char *mst_noun_word(enum mst_noun noun);
const char *mst_noun_plural(enum mst_noun noun);
/* mst_name_check: a name of 1 to 128 bytes of UTF-8 without control characters, slash, or blanks at its ends. -1 SYNTAX. */
int mst_name_check(struct mst_slice name, struct mst_err *e) MST_MUST;
/* mst_object_value returns the value of a field by name (constant); a name the shape has not is a bug. */
const struct mst_value *mst_object_value(const struct mst_object *o, const char *field);
struct mst_slice mst_object_text(const struct mst_object *o, const char *field); /* empty when not set */
bool mst_object_bool(const struct mst_object *o, const char *field);
int64_t mst_object_number(const struct mst_object *o, const char *field);

/* mst_object_read fills `o` from JSON {"name","type","fields":{...}}; with `older` (an edit) absent fields keep their value and
 * null takes one away. Every field is checked against its row and the shape's check runs; -1 SYNTAX names the field. */
int mst_object_read(struct mst_object *o, struct mst_arena *arena, const struct mst_json_value *json, enum mst_noun noun,
		    const struct mst_object *older, struct mst_err *e) MST_MUST;
/* mst_object_tell writes an object's members (the caller opened the JSON object); secrets as {"set":true}. */
void mst_object_tell(struct mst_json *j, const struct mst_object *o);
/* Store: as the other records. `seal` NULL leaves secrets closed. */
int mst_object_get(struct mst_read *r, struct mst_object *out, enum mst_noun noun, const uint8_t id[static 16],
		   const struct mst_seal *seal) MST_MUST;
int mst_object_put(struct mst_batch *b, const struct mst_object *o, const struct mst_seal *seal, struct mst_err *e) MST_MUST;
void mst_object_drop(struct mst_batch *b, const struct mst_object *o);
int mst_object_next(struct mst_walk *w, struct mst_read *r, struct mst_object *out, enum mst_noun noun, struct mst_slice from,
		    const struct mst_seal *seal) MST_MUST;

/* mst_user_set_pin gives a user a one-time PIN by its hash (mst_password_hash) until `until_ms`; an empty hash takes it away.
 * mst_user_pin0 lends the open hash of a PIN that is good at `now_ms`, empty otherwise. */
void mst_user_set_pin(struct mst_object *user, struct mst_slice hash, int64_t until_ms);
struct mst_slice mst_user_pin0(const struct mst_object *user, int64_t now_ms);

struct mst_revision {
	uint64_t version;
	int64_t at_ms;
	struct mst_slice who, changes; /* changes: JSON {"field":{"from","to"}}; secrets say only that they changed */
	struct mst_slice touched;      /* JSON array of names of settings that this changed too */
};
void mst_revision_put(struct mst_batch *b, const struct mst_object *o, const struct mst_revision *revision);
int mst_revision_next(struct mst_walk *w, struct mst_read *r, struct mst_revision *out, enum mst_noun noun,
		      const uint8_t id[static 16]) MST_MUST;
/* mst_object_differ writes the changes of an edit as JSON; *is_cert: a field with CERT changed. */
int mst_object_differ(struct mst_slice *changes, bool *is_cert, struct mst_arena *arena, const struct mst_object *from,
		      const struct mst_object *to, struct mst_err *e) MST_MUST;

#endif
