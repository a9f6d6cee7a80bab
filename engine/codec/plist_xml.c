/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads XML property lists in one walk: known elements, nested right, keys and values in turn, one
 * dictionary at the root, no entities of its own, within depth and number. Contents lend from the
 * document unless references, CDATA or comments are in them.
 */
#include "plist_own.h"

enum element {
	PLIST,
	DICT,
	ARRAY, /* containers up to here */
	KEY,
	STRING,
	DATA,
	DATE,
	INTEGER,
	REAL,
	TRUE,
	FALSE
};

/* Looked through from the front: the usual ones first. */
static const struct row {
	struct mst_slice name;
	enum element element;
	enum mst_plist_kind kind;
} rows[] = {
	{MST_S_INIT("key"), KEY, MST_PLIST_TEXT},
	{MST_S_INIT("string"), STRING, MST_PLIST_TEXT},
	{MST_S_INIT("dict"), DICT, MST_PLIST_DICT},
	{MST_S_INIT("data"), DATA, MST_PLIST_DATA},
	{MST_S_INIT("true"), TRUE, MST_PLIST_BOOL},
	{MST_S_INIT("false"), FALSE, MST_PLIST_BOOL},
	{MST_S_INIT("integer"), INTEGER, MST_PLIST_INT},
	{MST_S_INIT("array"), ARRAY, MST_PLIST_ARRAY},
	{MST_S_INIT("date"), DATE, MST_PLIST_DATE},
	{MST_S_INIT("real"), REAL, MST_PLIST_REAL},
	{MST_S_INIT("plist"), PLIST, MST_PLIST_ARRAY},
};

/* A container that is open now; plist itself is level 0. */
struct level {
	struct mst_plist_list list;
	struct mst_slice key;
	enum element element;
	bool has_key; /* dict: a key waits for its value; plist: its value was there */
};

struct walk {
	const uint8_t *at, *end;
	struct mst_plist_value *root;
	struct mst_arena *arena;
	const struct mst_plist_limits *limits;
	struct mst_err *e;
	struct level *levels;
	uint32_t depth, num_nodes;
	bool has_doctype, is_over;
};

struct tag {
	const struct row *row;
	bool closes, is_empty;
};

static int bad(struct walk *w, const char *text)
{
	return mst_fail(w->e, MST_E_SYNTAX, "property list: %s", text);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct mst_slice rest_of(const struct walk *w)
{
	return mst_slice(w->at, (size_t)(w->end - w->at));
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

/* The declaration's encoding, if it names one: ="UTF-8" in either kind of quotes. */
static int check_encoding(struct walk *w, struct mst_slice declaration)
{
	static const struct mst_slice word = MST_S_INIT("encoding"), utf8 = MST_S_INIT("utf-8");
	const uint8_t *at = memmem(declaration.at, declaration.len, word.at, word.len);
	const uint8_t *end = declaration.at + declaration.len;
	if (!at)
		return 0;
	at += word.len;
	while (at < end && (is_space(*at) || *at == '='))
		at++;
	const uint8_t *close = at < end && (*at == '"' || *at == '\'')
				       ? memchr(at + 1, *at, (size_t)(end - at) - 1)
				       : NULL;
	if (!close || !mst_slice_case_eq(mst_slice(at + 1, (size_t)(close - at) - 1), utf8))
		return bad(w, "its encoding is not UTF-8");
	return 0;
}

/* "<?...?>" outside the root only. */
static int take_instruction(struct walk *w)
{
	const uint8_t *from = w->at;
	if (w->depth)
		return bad(w, "an instruction inside");
	if (skip_to(w, MST_S("?>")) < 0)
		return -1;
	struct mst_slice all = mst_slice(from, (size_t)(w->at - from));
	return mst_slice_starts(all, MST_S("<?xml")) && is_space(all.at[5]) ? check_encoding(w, all)
									    : 0;
}

/* "<!...": a comment, or the document type, which may not declare anything. */
static int take_declaration(struct walk *w)
{
	static const struct mst_slice comment = MST_S_INIT("<!--"),
				      doctype = MST_S_INIT("<!DOCTYPE");
	const uint8_t *from = w->at;
	if (mst_slice_starts(rest_of(w), comment)) {
		w->at += comment.len;
		return skip_to(w, MST_S("-->"));
	}
	if (!mst_slice_starts(rest_of(w), doctype) || w->has_doctype || w->depth || w->is_over)
		return bad(w, "a declaration that has no place there");
	w->has_doctype = true;
	const uint8_t *close = memchr(from, '>', (size_t)(w->end - from));
	if (!close)
		return bad(w, "it ends inside a tag");
	w->at = close + 1;
	return memchr(from, '[', (size_t)(w->at - from))
		       ? bad(w, "the document type declares entities")
		       : 0;
}

static const struct row *find_row(struct mst_slice name)
{
	for (size_t i = 0; i < MST_LEN(rows); i++)
		if (mst_slice_eq(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* Most tags by far are "<key>" and "<string>", the first two rows. */
static bool read_usual(struct walk *w, struct tag *tag)
{
	const char *at = (const char *)w->at;
	if (w->end - w->at < 8)
		return false;
	size_t which = memcmp(at, "<key>", 5) == 0 ? 0 : memcmp(at, "<string>", 8) == 0 ? 1 : 2;
	if (which == 2)
		return false;
	*tag = (struct tag){.row = &rows[which]};
	w->at += which ? 8 : 5;
	return true;
}

/* "<name>", "<name/>", "</name>" at w->at; attributes on plist only. */
static int read_tag(struct walk *w, struct tag *tag)
{
	const uint8_t *at = w->at + 1, *name;
	if (read_usual(w, tag))
		return 0;
	*tag = (struct tag){.closes = at < w->end && *at == '/'};
	at += tag->closes;
	for (name = at; at < w->end && *at >= 'a' && *at <= 'z';)
		at++;
	tag->row = find_row(mst_slice(name, (size_t)(at - name)));
	if (!tag->row)
		return bad(w, "an element that does not belong there");
	if (tag->row->element == PLIST && !tag->closes && at < w->end && is_space(*at)) {
		at = memchr(at, '>', (size_t)(w->end - at));
		if (!at)
			return bad(w, "it ends inside a tag");
		at -= at[-1] == '/';
	}
	while (at < w->end && is_space(*at))
		at++;
	tag->is_empty = !tag->closes && at < w->end && *at == '/';
	at += tag->is_empty;
	if (at >= w->end || *at != '>')
		return bad(w, "attributes, or it ends inside a tag");
	w->at = at + 1;
	return 0;
}

/* A leaf's text, CDATA and comments up to and with its closing tag. */
static int take_pieces(struct walk *w, struct mst_plist_sink *s, const struct row *row)
{
	static const struct mst_slice cdata = MST_S_INIT("<![CDATA["), comment = MST_S_INIT("<!--");
	for (;;) {
		const uint8_t *tag = memchr(w->at, '<', (size_t)(w->end - w->at)), *from;
		struct tag close;
		if (!tag)
			return bad(w, "it ends inside a value");
		if (mst_plist_text_put(s, mst_slice(w->at, (size_t)(tag - w->at)), w->e) < 0)
			return -1;
		w->at = tag;
		from = tag + cdata.len;
		if (mst_slice_starts(rest_of(w), cdata)) {
			w->at = from;
			if (skip_to(w, MST_S("]]>")) < 0)
				return -1;
			mst_plist_text_raw(s, mst_slice(from, (size_t)(w->at - from) - 3));
		} else if (mst_slice_starts(rest_of(w), comment)) {
			if (take_declaration(w) < 0)
				return -1;
		} else {
			if (read_tag(w, &close) < 0)
				return -1;
			return close.closes && close.row == row ? 0 : bad(w, "tags cross");
		}
	}
}

/* The contents of a leaf that was opened just now, and its closing tag. */
static int take_contents(struct walk *w, struct mst_slice *out, const struct row *row)
{
	const uint8_t *from = w->at, *tag = memchr(from, '<', (size_t)(w->end - from));
	size_t behind = row->name.len + 3; /* "</name>" */
	struct mst_plist_sink s = {NULL, 0};
	if (!tag)
		return bad(w, "it ends inside a value");
	*out = mst_slice(from, (size_t)(tag - from));
	if (MST_LIKELY((size_t)(w->end - tag) >= behind && tag[1] == '/' &&
		       memcmp(tag + 2, row->name.at, row->name.len) == 0 &&
		       tag[behind - 1] == '>' && !memchr(from, '&', out->len))) {
		w->at = tag + behind;
		return 0;
	}
	if (take_pieces(w, &s, row) < 0)
		return -1;
	s.to = mst_arena_get(w->arena, s.len);
	if (!s.to)
		return mst_plist_memory(w->e);
	*out = mst_slice(s.to, s.len);
	s.len = 0;
	w->at = from;
	return take_pieces(w, &s, row);
}

static int fill_value(struct walk *w, struct mst_plist_value *v, const struct row *row,
		      struct mst_slice text)
{
	switch (row->element) {
	case DATA:
		return mst_plist_leaf_data(v, w->arena, text, w->e);
	case INTEGER:
		return mst_plist_leaf_int(v, text, w->e);
	case REAL:
		return mst_plist_leaf_real(text, w->e);
	case DATE:
		return mst_plist_leaf_date(text, w->e);
	case TRUE:
	case FALSE:
		v->bits = row->element == TRUE;
		return text.len ? bad(w, "text in true or false") : 0;
	case STRING:
		v->bytes = text;
		return 0;
	case PLIST:
	case DICT:
	case ARRAY:
	case KEY:
		break;
	}
	BUG_ON(true);
	return -1;
}

static void open_level(struct walk *w, const struct row *row, struct mst_plist_value *v)
{
	struct level *level = &w->levels[w->depth++];
	mst_plist_list_begin(&level->list, v, row->kind);
	level->element = row->element;
	level->has_key = false;
	level->key = (struct mst_slice){NULL, 0};
}

/* May `element` open here? Keeps keys and values in turn. */
static int check_place(struct walk *w, enum element element)
{
	if (w->is_over)
		return bad(w, "a second root");
	if (w->depth == 0)
		return element == PLIST ? 0 : bad(w, "the root is not plist");
	struct level *top = &w->levels[w->depth - 1];
	if (element == PLIST)
		return bad(w, "a root inside");
	if (top->element == PLIST && (top->has_key || element != DICT))
		return bad(w, "the root is not one dictionary");
	if (top->element == DICT && top->has_key == (element == KEY))
		return bad(w, "keys and values are not in turn");
	if (top->element == ARRAY && element == KEY)
		return bad(w, "a key in an array");
	if (top->element != ARRAY)
		top->has_key = top->element == PLIST || element == KEY;
	return 0;
}

static int open_container(struct walk *w, const struct tag *tag, struct mst_plist_value *v)
{
	if (!tag->is_empty && w->depth > w->limits->depth_max)
		return mst_fail(w->e, MST_E_TOO_BIG, "property list: nested deeper than %u",
				w->limits->depth_max);
	open_level(w, tag->row, v);
	w->depth -= tag->is_empty;
	return 0;
}

/* Behind "<name>" or "<name/>" of a leaf. */
static int take_leaf(struct walk *w, const struct tag *tag)
{
	struct level *level = &w->levels[w->depth - 1];
	struct mst_slice text = {NULL, 0};
	if (!tag->is_empty && take_contents(w, &text, tag->row) < 0)
		return -1;
	if (tag->row->element == KEY) {
		level->key = text;
		return tag->is_empty ? bad(w, "an empty key") : 0;
	}
	struct mst_plist *node = mst_plist_list_add(&level->list, w->arena, level->key, w->e);
	if (!node)
		return -1;
	node->value.kind = tag->row->kind;
	return fill_value(w, &node->value, tag->row, text);
}

static int open_element(struct walk *w, const struct tag *tag)
{
	if (check_place(w, tag->row->element) < 0)
		return -1;
	if (++w->num_nodes > w->limits->nodes_max)
		return mst_fail(w->e, MST_E_TOO_BIG, "property list: over %u nodes",
				w->limits->nodes_max);
	if (tag->row->element > ARRAY)
		return take_leaf(w, tag);
	if (tag->row->element == PLIST) {
		open_level(w, tag->row, w->root);
		return tag->is_empty ? bad(w, "an empty root") : 0;
	}
	struct level *level = &w->levels[w->depth - 1];
	if (level->element == PLIST)
		return open_container(w, tag, w->root);
	struct mst_plist *node = mst_plist_list_add(&level->list, w->arena, level->key, w->e);
	return node ? open_container(w, tag, &node->value) : -1;
}

static int close_element(struct walk *w, enum element element)
{
	if (w->depth == 0 || w->levels[w->depth - 1].element != element)
		return bad(w, "tags cross");
	struct level *level = &w->levels[--w->depth];
	if (element == DICT && level->has_key)
		return bad(w, "a key without a value");
	if (element == PLIST && !level->has_key)
		return bad(w, "no dictionary");
	w->is_over = element == PLIST;
	return element == DICT ? mst_plist_list_end(&level->list, w->arena, w->e) : 0;
}

/* What begins with '<' outside of leaves. */
static int take_markup(struct walk *w)
{
	struct tag tag;
	if (w->end - w->at < 3)
		return bad(w, "it ends inside a tag");
	if (w->at[1] == '?')
		return take_instruction(w);
	if (w->at[1] == '!')
		return take_declaration(w);
	if (read_tag(w, &tag) < 0)
		return -1;
	return tag.closes ? close_element(w, tag.row->element) : open_element(w, &tag);
}

int mst_plist_xml_read(struct mst_plist_value *root, struct mst_arena *arena,
		       struct mst_slice bytes, const struct mst_plist_limits *limits,
		       struct mst_err *e)
{
	struct level levels[MST_PLIST_DEPTH_MOST + 2]; /* plist, and one that is empty */
	struct walk w = {.at = bytes.at,
			 .end = bytes.at + bytes.len,
			 .root = root,
			 .arena = arena,
			 .limits = limits,
			 .e = e,
			 .levels = levels};
	BUG_ON(limits->depth_max > MST_PLIST_DEPTH_MOST);
	if (memchr(bytes.at, 0, bytes.len))
		return bad(&w, "a NUL byte");
	while (w.at < w.end) {
		if (is_space(*w.at))
			w.at++;
		else if (*w.at != '<')
			return bad(&w, "text outside a value");
		else if (take_markup(&w) < 0)
			return -1;
	}
	return w.is_over ? 0 : bad(&w, "it is not complete");
}
