/* SPDX-License-Identifier: Apache-2.0 */
/* Writes XML property lists into an arena. */
#include "muster/plist.h"
#include "muster/text.h"

#define HEAD                                                                                       \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                             \
	"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "                                  \
	"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"                                    \
	"<plist version=\"1.0\">\n"
#define TAIL "</plist>\n"

/* What a byte becomes: XML's own characters are escaped, control characters replaced. NULL: stays.
 */
static const char *escape(uint8_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\r':
		return "&#13;"; /* a bare one would be read as a line feed */
	case '\t':
	case '\n':
		return NULL;
	}
	return c < ' ' ? "\xef\xbf\xbd" : NULL;
}

/* The length of a character that may stand as it is, 0 for none. U+FFFE and U+FFFF are no
 * characters of XML. */
static size_t plain_step(struct mst_slice s)
{
	if (s.at[0] < 0x80)
		return escape(s.at[0]) == NULL;
	size_t step = mst_utf8_step(s);
	bool is_none = step == 3 && s.at[0] == 0xef && s.at[1] == 0xbf && s.at[2] >= 0xbe;
	return is_none ? 0 : step;
}

static void put_escaped(struct mst_grow *g, struct mst_slice s)
{
	size_t from = 0, at = 0;
	while (at < s.len) {
		size_t step = plain_step(mst_slice(s.at + at, s.len - at));
		if (step) {
			at += step;
			continue;
		}
		mst_grow_put(g, mst_slice(s.at + from, at - from));
		mst_grow_put(g, mst_slice_str(s.at[at] < 0x80 ? escape(s.at[at]) : "\xef\xbf\xbd"));
		from = ++at;
	}
	if (at > from)
		mst_grow_put(g, mst_slice(s.at + from, at - from));
}

static void put_key(struct mst_plist_out *w, const char *key)
{
	bool in_dict = w->depth && !(w->arrays & MST_B(w->depth));
	BUG_ON(in_dict != (key != NULL));
	if (!key)
		return;
	mst_grow_put(&w->out, MST_S("<key>"));
	put_escaped(&w->out, mst_slice_str(key));
	mst_grow_put(&w->out, MST_S("</key>\n"));
}

void mst_plist_begin(struct mst_plist_out *w, struct mst_arena *arena)
{
	*w = (struct mst_plist_out){.depth = 0};
	mst_grow_init(&w->out, arena);
	mst_grow_put(&w->out, MST_S(HEAD));
}

static void go_down(struct mst_plist_out *w, const char *key, bool is_array)
{
	put_key(w, key);
	BUG_ON(++w->depth > MST_PLIST_DEPTH);
	w->arrays = is_array ? w->arrays | MST_B(w->depth) : w->arrays & ~MST_B(w->depth);
	mst_grow_put(&w->out, is_array ? MST_S("<array>\n") : MST_S("<dict>\n"));
}

void mst_plist_open_dict(struct mst_plist_out *w, const char *key)
{
	go_down(w, key, false);
}

void mst_plist_open_array(struct mst_plist_out *w, const char *key)
{
	go_down(w, key, true);
}

void mst_plist_close(struct mst_plist_out *w)
{
	BUG_ON(w->depth == 0);
	mst_grow_put(&w->out,
		     w->arrays & MST_B(w->depth) ? MST_S("</array>\n") : MST_S("</dict>\n"));
	w->depth--;
}

void mst_plist_put_text(struct mst_plist_out *w, const char *key, struct mst_slice text)
{
	put_key(w, key);
	mst_grow_put(&w->out, MST_S("<string>"));
	put_escaped(&w->out, text);
	mst_grow_put(&w->out, MST_S("</string>\n"));
}

void mst_plist_put_data(struct mst_plist_out *w, const char *key, struct mst_slice bytes)
{
	put_key(w, key);
	mst_grow_put(&w->out, MST_S("<data>"));
	mst_grow_base64(&w->out, bytes);
	mst_grow_put(&w->out, MST_S("</data>\n"));
}

void mst_plist_put_bool(struct mst_plist_out *w, const char *key, bool value)
{
	put_key(w, key);
	mst_grow_put(&w->out, value ? MST_S("<true/>\n") : MST_S("<false/>\n"));
}

void mst_plist_put_i64(struct mst_plist_out *w, const char *key, int64_t value)
{
	put_key(w, key);
	mst_grow_put(&w->out, MST_S("<integer>"));
	mst_grow_i64(&w->out, value);
	mst_grow_put(&w->out, MST_S("</integer>\n"));
}

int mst_plist_end(struct mst_plist_out *w, struct mst_slice *out, struct mst_err *e)
{
	BUG_ON(w->depth != 0);
	mst_grow_put(&w->out, MST_S(TAIL));
	return mst_grow_end(&w->out, out, e);
}
