/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes the text of property lists into UTF-8: XML's references to characters, and UTF-16. */
#include "plist_own.h"

static int bad(struct mst_err *e, const char *text)
{
	return mst_fail(e, MST_E_SYNTAX, "property list: %s", text);
}

void mst_plist_text_raw(struct mst_plist_sink *s, struct mst_slice bytes)
{
	if (s->to && bytes.len)
		memcpy(s->to + s->len, bytes.at, bytes.len);
	s->len += bytes.len;
}

/* RFC 3629 3. */
static void put_character(struct mst_plist_sink *s, uint32_t c)
{
	static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	uint8_t bytes[4];
	for (size_t i = len; i-- > 1; c >>= 6)
		bytes[i] = (uint8_t)(0x80 | (c & 0x3f));
	bytes[0] = (uint8_t)(heads[len] | c);
	mst_plist_text_raw(s, mst_slice(bytes, len));
}

/* The number of "&#65;" or "&#x41;" between the marks, a character that XML has. */
static int put_number(struct mst_plist_sink *s, struct mst_slice digits, struct mst_err *e)
{
	static const char values[] = "0123456789abcdef";
	unsigned base = digits.len && digits.at[0] == 'x' ? 16 : 10;
	uint32_t n = 0;
	size_t i = base == 16;
	if (i == digits.len)
		return bad(e, "a character reference");
	for (; i < digits.len && n <= 0x10ffff; i++) {
		const char *value =
			memchr(values, digits.at[i] | (digits.at[i] > '9' ? 0x20 : 0), base);
		if (!value)
			return bad(e, "a character reference");
		n = n * base + (uint32_t)(value - values);
	}
	bool is_control = n < ' ' && n != '\t' && n != '\n' && n != '\r';
	if (is_control || n > 0x10ffff || (n >= 0xd800 && n < 0xe000))
		return bad(e, "a character that is none");
	put_character(s, n);
	return 0;
}

/* Between '&' and ';': one of XML's own five, or a character by number. */
static int put_entity(struct mst_plist_sink *s, struct mst_slice name, struct mst_err *e)
{
	static const struct {
		struct mst_slice name;
		char c;
	} own[] = {{MST_S_INIT("amp"), '&'},
		   {MST_S_INIT("lt"), '<'},
		   {MST_S_INIT("gt"), '>'},
		   {MST_S_INIT("quot"), '"'},
		   {MST_S_INIT("apos"), '\''}};
	if (name.len > 1 && name.at[0] == '#')
		return put_number(s, mst_slice(name.at + 1, name.len - 1), e);
	for (size_t i = 0; i < MST_LEN(own); i++) {
		if (!mst_slice_eq(own[i].name, name))
			continue;
		mst_plist_text_raw(s, mst_slice(&own[i].c, 1));
		return 0;
	}
	return bad(e, "an unknown entity");
}

int mst_plist_text_put(struct mst_plist_sink *s, struct mst_slice text, struct mst_err *e)
{
	struct mst_slice head, name;
	while (mst_slice_cut(&head, &text, text, '&')) {
		mst_plist_text_raw(s, head);
		if (!mst_slice_cut(&name, &text, text, ';'))
			return bad(e, "an entity without its end");
		if (put_entity(s, name, e) < 0)
			return -1;
	}
	mst_plist_text_raw(s, head);
	return 0;
}

static uint32_t unit_at(struct mst_slice s, size_t i)
{
	return 2 * i + 1 < s.len ? (uint32_t)s.at[2 * i] << 8 | s.at[2 * i + 1] : 0;
}

int mst_plist_text_utf16(struct mst_plist_sink *s, struct mst_slice text, struct mst_err *e)
{
	for (size_t i = 0; 2 * i + 1 < text.len; i++) {
		uint32_t c = unit_at(text, i), low = unit_at(text, i + 1);
		if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i++;
		} else if (c >= 0xd800 && c < 0xe000) {
			return bad(e, "half a character of UTF-16");
		}
		put_character(s, c);
	}
	return 0;
}
