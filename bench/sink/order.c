/* SPDX-License-Identifier: Apache-2.0 */
/* A tester's commands that every loop carries out, as rows. */
#include "parts.h"

#include "muster/text.h"

#define WORD_MAX 300

struct mst_slice mst_order_word(struct mst_slice *line)
{
	struct mst_slice word, rest;

	*line = mst_slice_trim(*line);
	mst_slice_cut(&word, &rest, *line, ' ');
	*line = rest;
	return word;
}

static int read_number(uint64_t *out, struct mst_slice value, struct mst_err *e)
{
	return mst_slice_u64(out, value, e);
}

/* "timestamp=MS", "times=N", "retry-after=S", "topic=NAME" */
static int read_extra(struct sink_rule *rule, struct mst_slice word, struct mst_err *e)
{
	struct mst_slice name, value;
	uint64_t n = 0;

	mst_slice_cut(&name, &value, word, '=');
	if (mst_slice_eq(name, MST_S("topic"))) {
		rule->topic = mst_topic_hash(value);
		return 0;
	}
	if (read_number(&n, value, e) < 0)
		return -1;
	if (mst_slice_eq(name, MST_S("timestamp")))
		rule->timestamp_ms = (int64_t)n;
	else if (mst_slice_eq(name, MST_S("times")))
		rule->num_left = (uint32_t)n;
	else if (mst_slice_eq(name, MST_S("retry-after")))
		rule->retry_after_s = (uint32_t)n;
	else
		return mst_fail(e, MST_E_SYNTAX, "unknown word %.*s", (int)name.len, (const char *)name.at);
	return 0;
}

static int read_rule(struct sink *sink, const uint8_t key[static 32], struct mst_slice line, struct mst_err *e)
{
	struct sink_rule rule = {.reason = SINK_NONE};
	struct mst_slice word;

	while ((word = mst_order_word(&line)).len) {
		enum sink_reason reason = mst_reason_find(word);
		if (reason != SINK_NONE)
			rule.reason = reason;
		else if (!mst_slice_eq(word, MST_S("ok")) && read_extra(&rule, word, e) < 0)
			return -1;
	}
	return mst_rules_set(sink->rules, key, &rule, e);
}

static int do_token(struct sink *sink, struct mst_slice line, struct mst_err *e)
{
	uint8_t token[SINK_TOKEN_LEN];

	if (mst_hex_get(token, sizeof(token), mst_order_word(&line), e) < 0)
		return -1;
	return read_rule(sink, token, line, e);
}

static int do_topic(struct sink *sink, struct mst_slice line, struct mst_err *e)
{
	uint8_t hash[32];

	mst_sha256(hash, mst_order_word(&line));
	return read_rule(sink, hash, line, e);
}

static int do_set(struct sink *sink, struct mst_slice line, struct mst_err *e)
{
	struct mst_slice name = mst_order_word(&line), value = mst_order_word(&line);
	char name_text[WORD_MAX], value_text[WORD_MAX];
	size_t num;
	const struct mst_opt_row *rows = mst_sink_opt_rows(&num), *row;
	uint32_t streams = sink->conf.streams;

	if (name.len >= WORD_MAX || value.len >= WORD_MAX)
		return mst_fail(e, MST_E_SYNTAX, "a word is too long");
	memcpy(name_text, name.at, name.len);
	memcpy(value_text, value.at, value.len);
	name_text[name.len] = value_text[value.len] = 0;
	row = mst_opt_find(rows, num, rows[0].section, name_text);
	if (!row || !row->live)
		return mst_fail(e, MST_E_ABSENT, "no option that changes in flight: %s", name_text);
	if (mst_opt_set(&sink->conf, NULL, row, value_text, e) < 0)
		return -1;
	if (sink->conf.streams != streams)
		mst_link_settle_all(sink);
	return 0;
}

/* "end", "ever" or milliseconds, as a time on the loop's clock. */
static int read_until(uint64_t *out, const struct sink *sink, struct mst_slice word, struct mst_err *e)
{
	uint64_t ms;

	if (mst_slice_eq(word, MST_S("end"))) {
		*out = 0;
	} else if (mst_slice_eq(word, MST_S("ever"))) {
		*out = UINT64_MAX;
	} else {
		if (read_number(&ms, word, e) < 0)
			return -1;
		*out = mst_loop_now_ms(sink->loop) + ms;
	}
	return 0;
}

static int do_stall(struct sink *sink, struct mst_slice line, struct mst_err *e)
{
	if (read_until(&sink->stalled_until_ms, sink, mst_order_word(&line), e) < 0)
		return -1;
	mst_push_answer_due(sink);
	return 0;
}

static int do_freeze(struct sink *sink, struct mst_slice line, struct mst_err *e)
{
	uint64_t until_ms;

	if (read_until(&until_ms, sink, mst_order_word(&line), e) < 0)
		return -1;
	mst_link_freeze_all(sink, until_ms);
	return 0;
}

static int do_goaway(struct sink *sink, struct mst_slice line, struct mst_err *e)
{
	mst_link_goaway_all(sink);
	return 0;
}

static int do_drop(struct sink *sink, struct mst_slice line, struct mst_err *e)
{
	mst_link_drop_all(sink);
	return 0;
}

/* clang-format off */
static const struct {
	const char *word;
	int (*obey)(struct sink *sink, struct mst_slice line, struct mst_err *e);
	const char *help;
} orders[] = {
	{ "set",    do_set,    "set NAME VALUE: an option that changes in flight" },
	{ "token",  do_token,  "token HEX REASON|ok [timestamp=MS] [times=N] [retry-after=S] [topic=TOPIC]: answers for a token" },
	{ "topic",  do_topic,  "topic TOPIC REASON|ok [times=N] [retry-after=S]: answers for a topic" },
	{ "stall",  do_stall,  "stall MS|ever|end: answers wait" },
	{ "freeze", do_freeze, "freeze MS|ever|end: nothing is read and nothing leaves: a dead peer" },
	{ "goaway", do_goaway, "goaway: every connection is sent away" },
	{ "drop",   do_drop,   "drop: every connection breaks" },
};
/* clang-format on */

static size_t find(struct mst_slice line)
{
	struct mst_slice word = mst_order_word(&line);
	size_t i = 0;

	while (i < MST_LEN(orders) && !mst_slice_eq(word, mst_slice_str(orders[i].word)))
		i++;
	return i;
}

bool mst_order_is(struct mst_slice line)
{
	return find(line) < MST_LEN(orders);
}

int mst_order_obey(struct sink *sink, struct mst_slice line, struct mst_err *e)
{
	size_t i = find(line);

	mst_order_word(&line);
	return orders[i].obey(sink, line, e);
}

void mst_order_help(struct mst_json *j)
{
	for (size_t i = 0; i < MST_LEN(orders); i++)
		mst_json_text(j, NULL, mst_slice_str(orders[i].help));
}
