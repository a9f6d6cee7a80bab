/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes records: each becomes one line on the writer's stack and goes out in one write.
 *
 *     time=2026-01-02T03:04:05.678Z level=info msg="check-in stored" bytes=812
 *     {"time":"2026-01-02T03:04:05.678Z","level":"info","msg":"check-in stored","bytes":812}
 */
#include "muster/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/text.h"

#define LINE_MOST  4096 /* a pipe takes so many bytes in one piece (PIPE_BUF) */
#define VALUE_MOST 1024 /* bytes of one value; longer ones are cut and end in CUT_MARK */
#define END_ROOM   48   /* kept free for the held and cut fields and the line's end */
#define CUT_MARK   "..."

struct line {
	char *at;
	size_t len, room;
	bool json, is_over; /* over: something did not fit, what stands there is not whole */
};

_Atomic(enum mst_level) mst_log_least = MST_INFO;

static _Atomic bool writes_json;
static _Atomic uint64_t num_written[MST_NUM_LEVELS];

static const char *const level_words[MST_NUM_LEVELS] = {
	[MST_DEBUG] = "debug", [MST_INFO] = "info", [MST_WARN] = "warn", [MST_ERROR] = "error"};

/* Characters that end a line, hide text or steer a terminal: C1 controls, separators, writing
 * directions. */
static const struct {
	uint32_t first, last;
} hidden_rows[] = {{0x7f, 0x9f}, {0x2028, 0x202e}, {0x2066, 0x2069}};

struct mst_field mst_f_err(const struct mst_err *e)
{
	return mst_f_str("error", e->text);
}

struct mst_field mst_f_code(const struct mst_err *e)
{
	return mst_f_str("code", mst_code_word(e->code));
}

static void put(struct line *l, const char *text, size_t len)
{
	if (len > l->room - l->len) {
		l->is_over = true;
		return;
	}
	memcpy(l->at + l->len, text, len);
	l->len += len;
}

static void put_text(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static uint32_t utf8_value(const uint8_t *at, size_t len)
{
	uint32_t value = len == 1 ? at[0] : at[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++)
		value = value << 6 | (at[i] & 0x3f);
	return value;
}

static bool is_hidden(uint32_t c)
{
	for (size_t i = 0; i < MST_LEN(hidden_rows); i++)
		if (c >= hidden_rows[i].first && c <= hidden_rows[i].last)
			return true;
	return false;
}

/* One character as it stands inside quotes (RFC 8259 7). Returns how many bytes of `s` it took. */
static size_t put_char(struct line *l, struct mst_slice s)
{
	static const char short_escapes[128] = {
		['"'] = '"',  ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r',
		['\t'] = 't', ['\b'] = 'b',  ['\f'] = 'f'};
	size_t step = mst_utf8_step(s);
	if (step == 0) { /* not UTF-8: the replacement character */
		put_text(l, "\\ufffd");
		return 1;
	}
	uint32_t c = utf8_value(s.at, step);
	char escape[8];
	if (c < 128 && short_escapes[c]) {
		escape[0] = '\\';
		escape[1] = short_escapes[c];
		put(l, escape, 2);
	} else if (c < 0x20 || is_hidden(c)) {
		put(l, escape,
		    (size_t)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c & 0xffff));
	} else {
		put(l, (const char *)s.at, step);
	}
	return step;
}

/* How much of `s` is shown: at most VALUE_MOST bytes, no character cut in two. */
static size_t shown_len(struct mst_slice s)
{
	if (s.len <= VALUE_MOST)
		return s.len;
	size_t len = VALUE_MOST;
	while (len > VALUE_MOST - 3 && (s.at[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Bare in logfmt: visible ASCII that a reader cannot take for a delimiter. */
static bool is_bare(struct mst_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] >= 0x7f || s.at[i] == '"' || s.at[i] == '=' ||
		    s.at[i] == '\\')
			return false;
	return s.len > 0 && s.len <= VALUE_MOST;
}

static void put_string(struct line *l, struct mst_slice s)
{
	if (!l->json && is_bare(s)) {
		put(l, (const char *)s.at, s.len);
		return;
	}
	size_t len = shown_len(s), i = 0;
	put_text(l, "\"");
	while (i < len && !l->is_over)
		i += put_char(l, mst_slice(s.at + i, len - i));
	put_text(l, len < s.len ? CUT_MARK "\"" : "\"");
}

static void put_hex(struct line *l, struct mst_slice s)
{
	char digits[VALUE_MOST];
	size_t len = s.len <= sizeof(digits) / 2 ? s.len : sizeof(digits) / 2;
	const char *quote = l->json ? "\"" : "";
	mst_hex_put(digits, mst_slice(s.at, len));
	put_text(l, quote);
	put(l, digits, len * 2);
	put_text(l, len < s.len ? CUT_MARK : "");
	put_text(l, quote);
}

static void put_key(struct line *l, const char *key)
{
	const char *const *parts = l->json ? (const char *const[]){l->len > 1 ? ",\"" : "\"", "\":"}
					   : (const char *const[]){l->len ? " " : "", "="};
	put_text(l, parts[0]);
	put_text(l, key);
	put_text(l, parts[1]);
}

/* A field is there wholly or not at all. */
static void put_field(struct line *l, const struct mst_field *field)
{
	char number[24];
	size_t before = l->len;
	if (l->is_over)
		return;
	put_key(l, field->key);
	switch (field->kind) {
	case MST_F_STR:
		put_string(l, field->value.bytes);
		break;
	case MST_F_HEX:
		put_hex(l, field->value.bytes);
		break;
	case MST_F_U64:
		put(l, number,
		    (size_t)snprintf(number, sizeof(number), "%llu",
				     (unsigned long long)field->value.u64));
		break;
	case MST_F_I64:
		put(l, number,
		    (size_t)snprintf(number, sizeof(number), "%lld", (long long)field->value.i64));
		break;
	}
	if (l->is_over)
		l->len = before;
}

static void put_end(struct line *l, uint32_t num_held)
{
	bool is_cut = l->is_over;
	l->room += END_ROOM;
	l->is_over = false;
	if (num_held)
		put_field(l, &(struct mst_field){"held", MST_F_U64, {.u64 = num_held}});
	if (is_cut)
		put_field(l, &(struct mst_field){"cut", MST_F_U64, {.u64 = 1}});
	put_text(l, l->json ? "}\n" : "\n");
}

/* May this record pass? *num_held says how many did not, since the last that did. */
static bool pass_gate(struct mst_log_gate *gate, uint32_t *num_held)
{
	uint64_t second = mst_clock_ms() / 1000;
	if (gate->second != second) {
		gate->second = second;
		gate->num_passed = 0;
	}
	if (gate->num_passed == MST_LOG_BURST) {
		gate->num_held++;
		return false;
	}
	gate->num_passed++;
	*num_held = gate->num_held;
	gate->num_held = 0;
	return true;
}

static void write_line(const char *at, size_t len)
{
	/* A log that cannot be written has nowhere to say so: the record is lost, the program goes
	 * on. */
	while (len) {
		ssize_t done = write(STDERR_FILENO, at, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		at += done;
		len -= (size_t)done;
	}
}

void mst_log_setup(enum mst_level least, bool as_json)
{
	mst_log_least = least;
	writes_json = as_json;
}

void mst_log_write(enum mst_level level, struct mst_log_gate *gate, const char *text,
		   const struct mst_field *fields, size_t num_fields)
{
	uint32_t num_held = 0;
	if (gate && !pass_gate(gate, &num_held))
		return;
	char bytes[LINE_MOST], time[MST_TIME_ROOM];
	struct line l = {.at = bytes, .room = sizeof(bytes) - END_ROOM, .json = writes_json};
	if (l.json)
		put_text(&l, "{");
	size_t time_len = mst_time_put(time, mst_clock_wall_ms());
	const struct mst_field first[] = {mst_f_slice("time", mst_slice(time, time_len)),
					  mst_f_str("level", level_words[level]),
					  mst_f_str("msg", text)};
	for (size_t i = 0; i < MST_LEN(first); i++)
		put_field(&l, &first[i]);
	for (size_t i = 0; i < num_fields; i++)
		put_field(&l, &fields[i]);
	put_end(&l, num_held);
	atomic_fetch_add_explicit(&num_written[level], 1, memory_order_relaxed);
	write_line(bytes, l.len);
}

uint64_t mst_log_count(enum mst_level level)
{
	uint64_t sum = 0;
	for (uint32_t i = level; i < MST_NUM_LEVELS; i++)
		sum += atomic_load_explicit(&num_written[i], memory_order_relaxed);
	return sum;
}
