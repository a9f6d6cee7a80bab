/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of a property list, which the readers of both formats build while they check. */
#ifndef CODEC_PLIST_OWN_H
#define CODEC_PLIST_OWN_H

#include "muster/plist.h"

struct mst_plist_value {
	union {
		struct mst_slice
			bytes; /* TEXT, DATA: of the document, or of the arena when decoded */
		struct {
			struct mst_plist *first;
			size_t num;
		} list;        /* DICT, ARRAY */
		uint64_t bits; /* INT: two's complement when negative; BOOL: 0, 1 */
	};
	enum mst_plist_kind kind;
	bool is_negative; /* INT */
	bool is_key;      /* TEXT of a binary list: it may be a key, checked once */
};

struct mst_plist {
	struct mst_slice key; /* in a dictionary */
	struct mst_plist_value value;
	struct mst_plist *next;
};

/* A container under construction. */
struct mst_plist_list {
	struct mst_plist_value *value;
	struct mst_plist **end;
	uint64_t seen; /* keys so far, by a small hash */
};
void mst_plist_list_begin(struct mst_plist_list *l, struct mst_plist_value *value,
			  enum mst_plist_kind kind);
/* mst_plist_list_add appends a node whose value is to be filled; NULL with TOO_BIG, or SYNTAX when
 * the dictionary has the key already. */
struct mst_plist *mst_plist_list_add(struct mst_plist_list *l, struct mst_arena *arena,
				     struct mst_slice key, struct mst_err *e) MST_MUST;
/* mst_plist_list_end looks at the keys of a long dictionary, which are compared all at once. */
int mst_plist_list_end(struct mst_plist_list *l, struct mst_arena *arena,
		       struct mst_err *e) MST_MUST;
/* mst_plist_memory says that the arena has no more. */
int mst_plist_memory(struct mst_err *e);

/* Text that is being decoded: measured only while `to` is NULL, else written there. */
struct mst_plist_sink {
	uint8_t *to;
	size_t len;
};
void mst_plist_text_raw(struct mst_plist_sink *s, struct mst_slice bytes);
/* mst_plist_text_put decodes XML's references; _utf16 takes big-endian units. 0, or -1 SYNTAX. */
int mst_plist_text_put(struct mst_plist_sink *s, struct mst_slice text, struct mst_err *e) MST_MUST;
int mst_plist_text_utf16(struct mst_plist_sink *s, struct mst_slice text,
			 struct mst_err *e) MST_MUST;

/* Contents of XML's leaves, plist_leaf.c. 0, or -1 SYNTAX or TOO_BIG. */
int mst_plist_leaf_data(struct mst_plist_value *v, struct mst_arena *arena, struct mst_slice text,
			struct mst_err *e) MST_MUST;
int mst_plist_leaf_int(struct mst_plist_value *v, struct mst_slice text,
		       struct mst_err *e) MST_MUST;
int mst_plist_leaf_real(struct mst_slice text, struct mst_err *e) MST_MUST;
int mst_plist_leaf_date(struct mst_slice text, struct mst_err *e) MST_MUST;

/* The readers: 0 with the root's value, or -1 SYNTAX or TOO_BIG. `depth_max` of the limits is at
 * most MST_PLIST_DEPTH_MOST. */
#define MST_PLIST_DEPTH_MOST 60
int mst_plist_xml_read(struct mst_plist_value *root, struct mst_arena *arena,
		       struct mst_slice bytes, const struct mst_plist_limits *limits,
		       struct mst_err *e) MST_MUST;
int mst_plist_bin_read(struct mst_plist_value *root, struct mst_arena *arena,
		       struct mst_slice bytes, const struct mst_plist_limits *limits,
		       struct mst_err *e) MST_MUST;

#endif
