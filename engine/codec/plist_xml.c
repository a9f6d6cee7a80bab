/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks that an XML property list is shaped as one: known elements, nested right, keys and values
 * in turn, one dictionary at the root, no entities of its own, within depth and number. Contents of
 * leaves are the tree builder's.
 */
#include "plist_own.h"

enum element {
	PLIST,
	DICT,
	ARRAY,
	KEY,
	STRING,
	DATA,
	DATE,
	INTEGER,
	REAL,
	TRUE,
	FALSE,
	NUM_ELEMENTS
};

static const struct mst_slice names[NUM_ELEMENTS] = {
	[PLIST] = MST_S_INIT("plist"),   [DICT] = MST_S_INIT("dict"),
	[ARRAY] = MST_S_INIT("array"),   [KEY] = MST_S_INIT("key"),
	[STRING] = MST_S_INIT("string"), [DATA] = MST_S_INIT("data"),
	[DATE] = MST_S_INIT("date"),     [INTEGER] = MST_S_INIT("integer"),
	[REAL] = MST_S_INIT("real"),     [TRUE] = MST_S_INIT("true"),
	[FALSE] = MST_S_INIT("false"),
};

struct walk {
	const uint8_t *at, *end;
	const struct mst_plist_limits *limits;
	struct mst_err *e;
	uint32_t depth, num_nodes;
	bool has_doctype, is_over;
	uint8_t open[MST_PLIST_DEPTH_MOST + 3]; /* elements open now: plist, containers, a leaf */
	bool has_key[MST_PLIST_DEPTH_MOST +
		     3]; /* dict: a key waits for its value; plist: its value was there */
};

static int bad(struct walk *w, const char *text)
{
	return mst_fail(w->e, MST_E_SYNTAX, "property list: %s", text);
}

/* Moves behind the next `mark`. */
static int skip_to(struct walk *w, struct mst_slice mark)
{
	const uint8_t *found = memmem(w->at, (size_t)(w->end - w->at), mark.at, mark.len);
	if (!found)
		return bad(w, "it ends inside a tag");
	w->at = found + mark.len;
	return 0;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "<!...": comment, CDATA or the document type, which may not declare anything. */
static int take_declaration(struct walk *w)
{
	static const struct mst_slice comment = MST_S_INIT("<!--"), cdata = MST_S_INIT("<![CDATA["),
				      doctype = MST_S_INIT("<!DOCTYPE");
	struct mst_slice rest = mst_slice(w->at, (size_t)(w->end - w->at));
	if (mst_slice_starts(rest, comment)) {
		w->at += comment.len;
		return skip_to(w, MST_S("-->"));
	}
	if (mst_slice_starts(rest, cdata)) {
		if (w->depth == 0 || w->open[w->depth - 1] <= ARRAY)
			return bad(w, "CDATA outside a value");
		w->at += cdata.len;
		return skip_to(w, MST_S("]]>"));
	}
	if (!mst_slice_starts(rest, doctype) || w->has_doctype || w->depth || w->is_over)
		return bad(w, "a declaration that has no place there");
	w->has_doctype = true;
	const uint8_t *from = w->at;
	if (skip_to(w, MST_S(">")) < 0)
		return -1;
	return memchr(from, '[', (size_t)(w->at - from))
		       ? bad(w, "the document type declares entities")
		       : 0;
}

/* May `element` open here? Keeps keys and values in turn. */
static int check_place(struct walk *w, enum element element)
{
	if (w->is_over)
		return bad(w, "a second root");
	if (w->depth == 0)
		return element == PLIST ? 0 : bad(w, "the root is not plist");
	enum element parent = w->open[w->depth - 1];
	bool *has_key = &w->has_key[w->depth - 1];
	if (element == PLIST || parent > ARRAY)
		return bad(w, "an element inside a value");
	if (parent == PLIST && (*has_key || element != DICT))
		return bad(w, "the root is not one dictionary");
	if (parent == DICT && *has_key == (element == KEY))
		return bad(w, "keys and values are not in turn");
	if (parent == ARRAY && element == KEY)
		return bad(w, "a key in an array");
	if (parent == PLIST)
		*has_key = true;
	else if (parent == DICT)
		*has_key = element == KEY;
	return 0;
}

static int open_element(struct walk *w, enum element element, bool is_empty)
{
	if (check_place(w, element) < 0)
		return -1;
	if (++w->num_nodes > w->limits->nodes_max)
		return mst_fail(w->e, MST_E_TOO_BIG, "property list: over %u nodes",
				w->limits->nodes_max);
	if (is_empty && (element == PLIST || element == KEY))
		return bad(w, "an empty key or root");
	if (is_empty)
		return 0;
	/* plist itself is level 0. */
	if (element <= ARRAY && w->depth > w->limits->depth_max)
		return mst_fail(w->e, MST_E_TOO_BIG, "property list: nested deeper than %u",
				w->limits->depth_max);
	w->open[w->depth] = element;
	w->has_key[w->depth++] = false;
	return 0;
}

static int close_element(struct walk *w, enum element element)
{
	if (w->depth == 0 || w->open[w->depth - 1] != element)
		return bad(w, "tags cross");
	w->depth--;
	if (element == DICT && w->has_key[w->depth])
		return bad(w, "a key without a value");
	if (element == PLIST && !w->has_key[0])
		return bad(w, "no dictionary");
	w->is_over = element == PLIST;
	return 0;
}

/* "<name>", "<name/>", "</name>"; attributes on plist only. */
static int take_tag(struct walk *w)
{
	const uint8_t *end = memchr(w->at, '>', (size_t)(w->end - w->at));
	if (!end)
		return bad(w, "it ends inside a tag");
	struct mst_slice name = mst_slice(w->at + 1, (size_t)(end - w->at) - 1);
	w->at = end + 1;
	bool closes = name.len && name.at[0] == '/';
	if (closes)
		name = mst_slice(name.at + 1, name.len - 1);
	bool is_empty = !closes && name.len && name.at[name.len - 1] == '/';
	if (is_empty)
		name.len--;
	size_t len = 0;
	while (len < name.len && !is_space(name.at[len]))
		len++;
	size_t behind = len;
	while (behind < name.len && is_space(name.at[behind]))
		behind++;
	bool has_more = behind < name.len;
	name.len = len;
	for (enum element i = 0; i < NUM_ELEMENTS; i++) {
		if (!mst_slice_eq(names[i], name))
			continue;
		if (has_more && (i != PLIST || closes))
			return bad(w, "attributes");
		return closes ? close_element(w, i) : open_element(w, i, is_empty);
	}
	return bad(w, "an element that does not belong there");
}

/* The number of "&#65;" or "&#x41;" between the marks. A character that XML has not is refused: the
 * tree builder would take NUL and then trip over it. */
static int check_number(struct walk *w, struct mst_slice digits)
{
	unsigned base = digits.len && digits.at[0] == 'x' ? 16 : 10;
	uint32_t n = 0;
	size_t i = base == 16;
	for (; i < digits.len && n <= 0x10ffff; i++) {
		static const char values[] = "0123456789abcdef";
		const char *value =
			memchr(values, digits.at[i] | (digits.at[i] > '9' ? 0x20 : 0), base);
		if (!value)
			return bad(w, "a character reference");
		n = n * base + (uint32_t)(value - values);
	}
	bool is_control = n < ' ' && n != '\t' && n != '\n' && n != '\r';
	if (is_control || n > 0x10ffff || (n >= 0xd800 && n < 0xe000))
		return bad(w, "a character that is none");
	return 0;
}

/* Entities in a leaf's text: XML's own five, and characters by number. */
static int check_entities(struct walk *w, const uint8_t *to)
{
	static const struct mst_slice own[] = {MST_S_INIT("amp"), MST_S_INIT("lt"),
					       MST_S_INIT("gt"), MST_S_INIT("quot"),
					       MST_S_INIT("apos")};
	const uint8_t *at = w->at;
	while ((at = memchr(at, '&', (size_t)(to - at))) != NULL) {
		at++;
		const uint8_t *end = memchr(at, ';', (size_t)(to - at));
		if (!end)
			return bad(w, "an entity without its end");
		struct mst_slice name = mst_slice(at, (size_t)(end - at));
		if (name.len > 1 && name.at[0] == '#') {
			if (check_number(w, mst_slice(name.at + 1, name.len - 1)) < 0)
				return -1;
			continue;
		}
		size_t i = 0;
		while (i < MST_LEN(own) && !mst_slice_eq(own[i], name))
			i++;
		if (i == MST_LEN(own))
			return bad(w, "an unknown entity");
	}
	return 0;
}

/* Text between tags: anything inside a leaf, white space elsewhere. */
static int take_text(struct walk *w, const uint8_t *to)
{
	bool in_leaf = w->depth && w->open[w->depth - 1] > ARRAY;
	if (in_leaf && check_entities(w, to) < 0)
		return -1;
	for (; !in_leaf && w->at < to; w->at++)
		if (!is_space(*w->at))
			return bad(w, "text outside a value");
	w->at = to;
	return 0;
}

int mst_plist_xml_check(struct mst_slice bytes, const struct mst_plist_limits *limits,
			struct mst_err *e)
{
	struct walk w = {.at = bytes.at, .end = bytes.at + bytes.len, .limits = limits, .e = e};
	BUG_ON(limits->depth_max > MST_PLIST_DEPTH_MOST);
	if (memchr(bytes.at, 0, bytes.len))
		return bad(&w, "a NUL byte");
	while (w.at < w.end) {
		const uint8_t *tag = memchr(w.at, '<', (size_t)(w.end - w.at));
		if (take_text(&w, tag ? tag : w.end) < 0)
			return -1;
		if (!tag)
			break;
		int failed;
		if (w.end - w.at < 3)
			failed = bad(&w, "it ends inside a tag");
		else if (w.at[1] == '?')
			failed = w.depth ? bad(&w, "an instruction inside")
					 : skip_to(&w, MST_S("?>"));
		else if (w.at[1] == '!')
			failed = take_declaration(&w);
		else
			failed = take_tag(&w);
		if (failed)
			return -1;
	}
	return w.is_over ? 0 : bad(&w, "it is not complete");
}
