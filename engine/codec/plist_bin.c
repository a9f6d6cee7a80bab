/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks a binary property list: every object within the document, references without cycles, and,
 * because objects may be shared, the size and depth of the tree that would be built.
 *
 *     "bplist00" | objects | offsets: num * offset_len | trailer of 32 bytes
 */
#include <stdlib.h>

#include "plist_own.h"

#define HEAD_LEN    8
#define TRAILER_LEN 32
#define FEW         256 /* objects whose marks fit the stack */

enum type {
	SIMPLE = 0x0,
	INT = 0x1,
	REAL = 0x2,
	DATE = 0x3,
	DATA = 0x4,
	ASCII = 0x5,
	UTF16 = 0x6,
	UID = 0x8,
	ARRAY = 0xa,
	DICT = 0xd
};

/* What is known of an object: 0 nodes: nothing yet; OPEN: a path from the root goes through it. */
struct mark {
	uint32_t num_nodes, height;
};
#define OPEN UINT32_MAX

struct walk {
	struct mst_slice bytes;
	const struct mst_plist_limits *limits;
	struct mst_err *e;
	size_t offset_len, ref_len, num,
		offsets; /* offsets: where the table begins, which is where objects end */
	struct mark *marks;
};

/* One object: its contents at `at`; for containers `len` counts entries. */
struct object {
	enum type type;
	size_t at, len;
};

static int bad(struct walk *w, const char *text)
{
	return mst_fail(w->e, MST_E_SYNTAX, "binary property list: %s", text);
}

static int too_big(struct walk *w, const char *text)
{
	return mst_fail(w->e, MST_E_TOO_BIG, "binary property list: %s", text);
}

/* A big-endian number of up to 8 bytes; the caller checked the bounds. */
static uint64_t read_number(const struct walk *w, size_t at, size_t len)
{
	uint64_t n = 0;
	for (size_t i = 0; i < len; i++)
		n = n << 8 | w->bytes.at[at + i];
	return n;
}

static bool fits(const struct walk *w, size_t at, uint64_t len)
{
	return at <= w->offsets && len <= w->offsets - at;
}

/* The length of data, strings and containers: the low four bits, or an integer object behind the
 * marker. */
static int read_len(struct walk *w, struct object *o, uint8_t low)
{
	if (low != 0xf) {
		o->len = low;
		return 0;
	}
	if (!fits(w, o->at, 1) || w->bytes.at[o->at] >> 4 != INT || (w->bytes.at[o->at] & 0xf) > 3)
		return bad(w, "a length is malformed");
	size_t len = (size_t)1 << (w->bytes.at[o->at] & 0xf);
	o->at++;
	if (!fits(w, o->at, len))
		return bad(w, "a length is cut");
	o->len = read_number(w, o->at, len);
	o->at += len;
	return 0;
}

/* Bytes behind the marker; SIZE_MAX for a marker that may not be. */
static size_t contents_len(const struct walk *w, const struct object *o, uint8_t low)
{
	if (o->len > w->bytes.len)
		return SIZE_MAX;
	switch (o->type) {
	case SIMPLE:
		return low == 8 || low == 9 ? 0 : SIZE_MAX;
	case INT:
		return low <= 4 ? (size_t)1 << low : SIZE_MAX;
	case REAL:
		return low == 2 || low == 3 ? (size_t)1 << low : SIZE_MAX;
	case DATE:
		return low == 3 ? 8 : SIZE_MAX;
	case UID:
		return low <= 7 ? (size_t)low + 1 : SIZE_MAX;
	case DATA:
	case ASCII:
		return o->len;
	case UTF16:
		return 2 * o->len;
	case ARRAY:
		return o->len * w->ref_len;
	case DICT:
		return 2 * o->len * w->ref_len;
	}
	return SIZE_MAX;
}

static int read_object(struct walk *w, struct object *o, size_t index)
{
	uint64_t at = read_number(w, w->offsets + index * w->offset_len, w->offset_len);
	if (at < HEAD_LEN || at >= w->offsets)
		return bad(w, "an object lies outside");
	uint8_t marker = w->bytes.at[at];
	*o = (struct object){.type = marker >> 4, .at = (size_t)at + 1};
	bool has_len = o->type == DATA || o->type == ASCII || o->type == UTF16 ||
		       o->type == ARRAY || o->type == DICT;
	if (has_len && read_len(w, o, marker & 0xf) < 0)
		return -1;
	size_t len = contents_len(w, o, marker & 0xf);
	if (len == SIZE_MAX)
		return bad(w, "an object of no kind that devices send");
	return fits(w, o->at, len) ? 0 : bad(w, "an object is cut");
}

/* A key is text without NUL, which the tree builder takes for a mistake of its own and aborts. */
static bool key_ok(const struct walk *w, const struct object *key)
{
	if (key->type == ASCII) {
		for (size_t i = 0; i < key->len; i++)
			if (w->bytes.at[key->at + i] == 0 || w->bytes.at[key->at + i] >= 0x80)
				return false;
		return true;
	}
	if (key->type != UTF16)
		return false;
	for (size_t i = 0; i < key->len; i++) {
		uint64_t unit = read_number(w, key->at + 2 * i, 2);
		bool has_next = i + 1 < key->len;
		if (unit >= 0xd800 && unit < 0xdc00 && has_next &&
		    read_number(w, key->at + 2 * i + 2, 2) >> 10 == 0xdc00 >> 10)
			i++;
		else if (unit == 0 || (unit >= 0xd800 && unit < 0xe000))
			return false;
	}
	return true;
}

static int visit(struct walk *w, size_t index, uint32_t depth);

/* Entry `i` of a container: checks it and adds what it weighs. A dictionary's first half are its
 * keys. */
static int visit_entry(struct walk *w, const struct object *o, size_t i, uint32_t depth,
		       struct mark *sum)
{
	uint64_t index = read_number(w, o->at + i * w->ref_len, w->ref_len);
	if (index >= w->num)
		return bad(w, "a reference to no object");
	if (o->type == DICT && i < o->len) {
		struct object key;
		if (read_object(w, &key, (size_t)index) < 0)
			return -1;
		if (!key_ok(w, &key))
			return bad(w, "a key is no text");
	}
	if (visit(w, (size_t)index, depth + 1) < 0)
		return -1;
	const struct mark *mark = &w->marks[index];
	sum->num_nodes += mark->num_nodes;
	if (sum->num_nodes > w->limits->nodes_max)
		return too_big(w, "over the number of nodes");
	if (mark->height + 1 > sum->height)
		sum->height = mark->height + 1;
	return 0;
}

/* Weighs an object once; `depth` containers are open around it, which bounds the recursion. */
static int visit(struct walk *w, size_t index, uint32_t depth)
{
	struct mark *mark = &w->marks[index];
	struct object o;
	if (mark->num_nodes == OPEN)
		return bad(w, "an object contains itself");
	if (mark->num_nodes)
		return depth + mark->height > w->limits->depth_max ? too_big(w, "nested too deep")
								   : 0;
	if (read_object(w, &o, index) < 0)
		return -1;
	struct mark sum = {.num_nodes = 1};
	bool is_container = o.type == ARRAY || o.type == DICT;
	if (is_container) {
		sum.height = 1;
		if (depth >= w->limits->depth_max)
			return too_big(w, "nested too deep");
		mark->num_nodes = OPEN;
		for (size_t i = 0; i < o.len * (o.type == DICT ? 2 : 1); i++)
			if (visit_entry(w, &o, i, depth, &sum) < 0)
				return -1;
	}
	*mark = sum;
	return 0;
}

static int read_trailer(struct walk *w, size_t *root)
{
	if (w->bytes.len < HEAD_LEN + TRAILER_LEN)
		return bad(w, "it is cut");
	size_t trailer = w->bytes.len - TRAILER_LEN;
	w->offset_len = w->bytes.at[trailer + 6];
	w->ref_len = w->bytes.at[trailer + 7];
	uint64_t num = read_number(w, trailer + 8, 8), top = read_number(w, trailer + 16, 8),
		 offsets = read_number(w, trailer + 24, 8);
	if (w->offset_len < 1 || w->offset_len > 8 || w->ref_len < 1 || w->ref_len > 8)
		return bad(w, "number sizes in its trailer");
	if (offsets < HEAD_LEN || offsets > trailer || num == 0 ||
	    num > (trailer - offsets) / w->offset_len || top >= num)
		return bad(w, "its trailer");
	if (num > w->limits->nodes_max)
		return too_big(w, "over the number of nodes");
	w->num = (size_t)num;
	w->offsets = (size_t)offsets;
	*root = (size_t)top;
	return 0;
}

int mst_plist_bin_check(struct mst_slice bytes, const struct mst_plist_limits *limits,
			struct mst_err *e)
{
	struct walk w = {.bytes = bytes, .limits = limits, .e = e};
	struct mark few[FEW] = {{0}};
	size_t root;
	BUG_ON(limits->depth_max > MST_PLIST_DEPTH_MOST);
	if (read_trailer(&w, &root) < 0)
		return -1;
	w.marks = w.num <= FEW ? few : calloc(w.num, sizeof(*w.marks));
	if (!w.marks)
		return mst_fail(e, MST_E_BUSY, "no memory to check a property list");
	int failed = visit(&w, root, 0);
	if (w.marks != few)
		free(w.marks);
	return failed;
}
