/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads binary property lists: every object within the document, none over another, references
 * without cycles. Objects may be shared: each is read once, its contents are shared in the tree as
 * well, and size and depth are limited as if they were not.
 *
 *     "bplist00" | objects | offsets: num * offset_len | trailer of 32 bytes
 */
#include "muster/text.h"
#include "plist_own.h"

#define HEAD_LEN    8
#define TRAILER_LEN 32

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
	struct mst_plist_value value;
	uint32_t num_nodes, height;
};
#define OPEN UINT32_MAX

struct walk {
	struct mst_slice bytes;
	struct mst_arena *arena;
	const struct mst_plist_limits *limits;
	struct mst_err *e;
	size_t offset_len, ref_len, num,
		offsets; /* offsets: where the table begins, which is where objects end */
	size_t unread;   /* bytes of objects; an honest document has each read once */
	struct mark *marks;
};

/* One object: its contents behind its marker and length; for containers `len` counts entries. */
struct object {
	enum type type;
	size_t marker, at, len;
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
	*o = (struct object){.type = marker >> 4, .marker = (size_t)at, .at = (size_t)at + 1};
	bool has_len = o->type == DATA || o->type == ASCII || o->type == UTF16 ||
		       o->type == ARRAY || o->type == DICT;
	if (has_len && read_len(w, o, marker & 0xf) < 0)
		return -1;
	size_t len = contents_len(w, o, marker & 0xf);
	if (len == SIZE_MAX)
		return bad(w, "an object of no kind that devices send");
	if (!fits(w, o->at, len))
		return bad(w, "an object is cut");
	len += o->at - o->marker;
	if (len > w->unread)
		return bad(w, "objects lie over each other");
	w->unread -= len;
	return 0;
}

static int read_int(struct walk *w, struct mst_plist_value *v, const struct object *o, size_t len)
{
	size_t at = o->at;
	uint64_t high = 0;
	if (len == 16) {
		high = read_number(w, at, 8);
		at += 8;
		len = 8;
		v->is_negative = high != 0;
	}
	v->bits = read_number(w, at, len);
	if (at == o->at && len == 8) /* shorter ones have no sign */
		v->is_negative = v->bits >> 63;
	if (high && (high != UINT64_MAX || !(v->bits >> 63)))
		return bad(w, "an integer over 64 bits");
	return 0;
}

static int read_utf16(struct walk *w, struct mst_plist_value *v, const struct object *o)
{
	struct mst_slice units = mst_slice(w->bytes.at + o->at, 2 * o->len);
	struct mst_plist_sink s = {NULL, 0};
	if (mst_plist_text_utf16(&s, units, w->e) < 0)
		return -1;
	s.to = mst_arena_get(w->arena, s.len);
	if (!s.to)
		return mst_plist_memory(w->e);
	v->bytes = mst_slice(s.to, s.len);
	s.len = 0;
	return mst_plist_text_utf16(&s, units, w->e);
}

/* All but containers. */
static int read_leaf(struct walk *w, struct mst_plist_value *v, const struct object *o)
{
	static const enum mst_plist_kind kinds[] = {
		[SIMPLE] = MST_PLIST_BOOL, [INT] = MST_PLIST_INT,   [REAL] = MST_PLIST_REAL,
		[DATE] = MST_PLIST_DATE,   [DATA] = MST_PLIST_DATA, [ASCII] = MST_PLIST_TEXT,
		[UTF16] = MST_PLIST_TEXT,  [UID] = MST_PLIST_OTHER,
	};
	uint8_t low = w->bytes.at[o->marker] & 0xf;
	v->kind = kinds[o->type];
	switch (o->type) {
	case SIMPLE:
		v->bits = low == 9;
		return 0;
	case INT:
		return read_int(w, v, o, (size_t)1 << low);
	case DATA:
	case ASCII:
		v->bytes = mst_slice(w->bytes.at + o->at, o->len);
		return 0;
	case UTF16:
		return read_utf16(w, v, o);
	case REAL:
	case DATE:
	case UID:
	case ARRAY:
	case DICT:
		break;
	}
	return 0;
}

static int visit(struct walk *w, size_t index, uint32_t depth);

/* Entry `i` of a container, a dictionary's first half being its keys: reads it and adds what it
 * weighs to the container. */
static struct mark *visit_entry(struct walk *w, const struct object *o, size_t i, uint32_t depth,
				struct mark *sum)
{
	uint64_t index = read_number(w, o->at + i * w->ref_len, w->ref_len);
	if (index >= w->num) {
		bad(w, "a reference to no object");
		return NULL;
	}
	if (visit(w, (size_t)index, depth + 1) < 0)
		return NULL;
	struct mark *mark = &w->marks[index];
	sum->num_nodes += mark->num_nodes;
	if (sum->num_nodes > w->limits->nodes_max) {
		too_big(w, "over the number of nodes");
		return NULL;
	}
	if (mark->height + 1 > sum->height)
		sum->height = mark->height + 1;
	return mark;
}

/* A key is text, without NUL. */
static int take_key(struct walk *w, struct mst_slice *key, struct mst_plist_value *v)
{
	if (!v->is_key && (v->kind != MST_PLIST_TEXT || !mst_utf8_ok(v->bytes)))
		return bad(w, "a key is no text");
	v->is_key = true;
	*key = v->bytes;
	return 0;
}

static int visit_entries(struct walk *w, const struct object *o, uint32_t depth, struct mark *sum)
{
	struct mst_plist_list list;
	struct mst_slice key = {NULL, 0};
	size_t values = o->type == DICT ? o->len : 0;
	mst_plist_list_begin(&list, &sum->value,
			     o->type == DICT ? MST_PLIST_DICT : MST_PLIST_ARRAY);
	for (size_t i = 0; i < o->len; i++) {
		struct mark *mark;
		if (o->type == DICT) {
			mark = visit_entry(w, o, i, depth, sum);
			if (!mark || take_key(w, &key, &mark->value) < 0)
				return -1;
		}
		mark = visit_entry(w, o, values + i, depth, sum);
		struct mst_plist *node =
			mark ? mst_plist_list_add(&list, w->arena, key, w->e) : NULL;
		if (!node)
			return -1;
		node->value = mark->value;
	}
	return mst_plist_list_end(&list, w->arena, w->e);
}

/* Reads and weighs an object once; `depth` containers are open around it, which bounds the
 * recursion. */
static int visit(struct walk *w, size_t index, uint32_t depth)
{
	struct mark *mark = &w->marks[index], sum = {.num_nodes = 1};
	struct object o;
	if (mark->num_nodes == OPEN)
		return bad(w, "an object contains itself");
	if (mark->num_nodes)
		return depth + mark->height > w->limits->depth_max ? too_big(w, "nested too deep")
								   : 0;
	if (read_object(w, &o, index) < 0)
		return -1;
	if (o.type != ARRAY && o.type != DICT) {
		mark->num_nodes = 1;
		return read_leaf(w, &mark->value, &o);
	}
	if (depth >= w->limits->depth_max)
		return too_big(w, "nested too deep");
	sum.height = 1;
	mark->num_nodes = OPEN;
	if (visit_entries(w, &o, depth, &sum) < 0)
		return -1;
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

int mst_plist_bin_read(struct mst_plist_value *root, struct mst_arena *arena,
		       struct mst_slice bytes, const struct mst_plist_limits *limits,
		       struct mst_err *e)
{
	struct walk w = {.bytes = bytes, .arena = arena, .limits = limits, .e = e};
	size_t top;
	BUG_ON(limits->depth_max > MST_PLIST_DEPTH_MOST);
	if (read_trailer(&w, &top) < 0)
		return -1;
	w.unread = w.offsets - HEAD_LEN;
	w.marks = mst_arena_zero(arena, w.num * sizeof(*w.marks));
	if (!w.marks)
		return mst_plist_memory(e);
	if (visit(&w, top, 0) < 0)
		return -1;
	*root = w.marks[top].value;
	return 0;
}
