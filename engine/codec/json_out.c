/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON (RFC 8259) into an arena. */
#include "muster/json.h"
#include "muster/text.h"

#define REPLACEMENT MST_S("\xef\xbf\xbd") /* U+FFFD */

/* The letter behind the backslash; 'u' stands for \u00XX, 0 for a byte that needs none. */
static const char escapes[0x80] = {
	[0] = 'u',  [1] = 'u',  [2] = 'u',  [3] = 'u',  [4] = 'u',   [5] = 'u',     [6] = 'u',
	[7] = 'u',  [8] = 'b',  [9] = 't',  [10] = 'n', [11] = 'u',  [12] = 'f',    [13] = 'r',
	[14] = 'u', [15] = 'u', [16] = 'u', [17] = 'u', [18] = 'u',  [19] = 'u',    [20] = 'u',
	[21] = 'u', [22] = 'u', [23] = 'u', [24] = 'u', [25] = 'u',  [26] = 'u',    [27] = 'u',
	[28] = 'u', [29] = 'u', [30] = 'u', [31] = 'u', ['"'] = '"', ['\\'] = '\\', [0x7f] = 'u',
};

static void put_escape(struct mst_grow *g, uint8_t c)
{
	char text[6] = {'\\', escapes[c], '0', '0'};
	if (escapes[c] != 'u') {
		mst_grow_put(g, mst_slice(text, 2));
		return;
	}
	mst_hex_put(text + 4, mst_slice(&c, 1));
	mst_grow_put(g, mst_slice(text, 6));
}

static void put_string(struct mst_grow *g, struct mst_slice s)
{
	mst_grow_byte(g, '"');
	size_t from = 0, at = 0;
	while (at < s.len) {
		uint8_t c = s.at[at];
		size_t step =
			c < 0x80 ? !escapes[c] : mst_utf8_step(mst_slice(s.at + at, s.len - at));
		if (step) {
			at += step;
			continue;
		}
		mst_grow_put(g, mst_slice(s.at + from, at - from));
		if (c < 0x80)
			put_escape(g, c);
		else
			mst_grow_put(g, REPLACEMENT);
		from = ++at;
	}
	if (at > from)
		mst_grow_put(g, mst_slice(s.at + from, at - from));
	mst_grow_byte(g, '"');
}

/* Comma and name before a value. */
static void put_key(struct mst_json *j, bool has_key, struct mst_slice key)
{
	bool in_object = j->depth && !(j->arrays & MST_B(j->depth));
	BUG_ON(has_key != in_object);
	if (j->needs_comma)
		mst_grow_byte(&j->out, ',');
	j->needs_comma = true;
	if (!in_object)
		return;
	put_string(&j->out, key);
	mst_grow_byte(&j->out, ':');
}

static void before(struct mst_json *j, const char *key)
{
	put_key(j, key != NULL, mst_slice_str(key));
}

static void go_down(struct mst_json *j, bool is_array)
{
	BUG_ON(++j->depth > MST_JSON_DEPTH);
	j->arrays = is_array ? j->arrays | MST_B(j->depth) : j->arrays & ~MST_B(j->depth);
	j->needs_comma = false;
	mst_grow_byte(&j->out, is_array ? '[' : '{');
}

void mst_json_begin(struct mst_json *j, struct mst_arena *arena)
{
	*j = (struct mst_json){.depth = 0};
	mst_grow_init(&j->out, arena);
}

void mst_json_open(struct mst_json *j, const char *key)
{
	before(j, key);
	go_down(j, false);
}

void mst_json_open_named(struct mst_json *j, struct mst_slice key)
{
	put_key(j, true, key);
	go_down(j, false);
}

void mst_json_open_array(struct mst_json *j, const char *key)
{
	before(j, key);
	go_down(j, true);
}

void mst_json_close(struct mst_json *j)
{
	BUG_ON(j->depth == 0);
	mst_grow_byte(&j->out, j->arrays & MST_B(j->depth) ? ']' : '}');
	j->depth--;
	j->needs_comma = true;
}

void mst_json_text(struct mst_json *j, const char *key, struct mst_slice text)
{
	before(j, key);
	put_string(&j->out, text);
}

void mst_json_u64(struct mst_json *j, const char *key, uint64_t n)
{
	before(j, key);
	mst_grow_u64(&j->out, n);
}

void mst_json_i64(struct mst_json *j, const char *key, int64_t n)
{
	before(j, key);
	mst_grow_i64(&j->out, n);
}

void mst_json_bool(struct mst_json *j, const char *key, bool value)
{
	before(j, key);
	mst_grow_put(&j->out, value ? MST_S("true") : MST_S("false"));
}

void mst_json_null(struct mst_json *j, const char *key)
{
	before(j, key);
	mst_grow_put(&j->out, MST_S("null"));
}

void mst_json_base64(struct mst_json *j, const char *key, struct mst_slice bytes)
{
	before(j, key);
	mst_grow_byte(&j->out, '"');
	mst_grow_base64(&j->out, bytes);
	mst_grow_byte(&j->out, '"');
}

void mst_json_hex(struct mst_json *j, const char *key, struct mst_slice bytes)
{
	before(j, key);
	mst_grow_byte(&j->out, '"');
	uint8_t *place = bytes.len ? mst_grow_room(&j->out, 2 * bytes.len) : NULL;
	if (place) {
		mst_hex_put((char *)place, bytes);
		mst_grow_took(&j->out, 2 * bytes.len);
	}
	mst_grow_byte(&j->out, '"');
}

void mst_json_time(struct mst_json *j, const char *key, int64_t ms)
{
	char text[MST_TIME_ROOM];
	if (ms == 0)
		mst_json_null(j, key);
	else
		mst_json_text(j, key, mst_slice(text, mst_time_put(text, ms)));
}

int mst_json_end(struct mst_json *j, struct mst_slice *out, struct mst_err *e)
{
	BUG_ON(j->depth != 0);
	return mst_grow_end(&j->out, out, e);
}
