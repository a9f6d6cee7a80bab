/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: one command a line, one line of JSON as its answer. */
#include "parts.h"

#include <stdlib.h>

#include "muster/text.h"

#define LINE_MOST  4096
#define REPLY_MOST 65536

struct control_link {
	struct mst_buf in;
};

/* A command on its way round the loops, back to the connection that gave it. */
struct round {
	struct mst_mail mail; /* first */
	struct sink_all *all;
	uint32_t at, slot, gen;
	struct mst_err err;
	size_t len;
	char line[];
};

static void reply_with(struct mst_conn *c, void (*tell)(struct sink_desk *desk, struct mst_json *j, const uint8_t *token),
		       const uint8_t *token)
{
	const struct sink_all *all = c->listener_up;
	struct mst_arena arena;
	struct mst_slice text;
	struct mst_json j;
	struct mst_err e;

	mst_arena_init(&arena, NULL, REPLY_MOST);
	mst_json_begin(&j, &arena);
	mst_json_open(&j, NULL);
	tell(all->sinks[0].desk, &j, token);
	mst_json_close(&j);
	if (mst_json_end(&j, &text, &e) < 0 || mst_conn_put(c, text, &e) < 0 || mst_conn_put(c, MST_S("\n"), &e) < 0)
		mst_conn_close(c, "cannot answer");
	else
		mst_conn_flush(c);
	mst_arena_done(&arena);
}

static void tell_error(struct mst_conn *c, const struct mst_err *why)
{
	struct mst_arena arena;
	struct mst_slice text;
	struct mst_json j;
	struct mst_err e;

	mst_arena_init(&arena, NULL, REPLY_MOST);
	mst_json_begin(&j, &arena);
	mst_json_open(&j, NULL);
	if (why)
		mst_json_text(&j, "error", mst_slice_str(why->text));
	else
		mst_json_bool(&j, "ok", true);
	mst_json_close(&j);
	if (mst_json_end(&j, &text, &e) < 0 || mst_conn_put(c, text, &e) < 0 || mst_conn_put(c, MST_S("\n"), &e) < 0)
		mst_conn_close(c, "cannot answer");
	else
		mst_conn_flush(c);
	mst_arena_done(&arena);
}

static void on_mail(struct mst_mail *mail)
{
	struct round *round = MST_HOME(mail, struct round, mail);
	struct sink_all *all = round->all;
	struct mst_conn *c;
	struct mst_err e;

	if (round->at < all->num) {
		if (mst_order_obey(&all->sinks[round->at], mst_slice(round->line, round->len), &e) < 0)
			round->err = e;
		round->at++;
		mst_loop_post(all->sinks[round->at % all->num].loop, &round->mail);
		return;
	}
	c = mst_conn_at(all->sinks[0].net, round->slot, round->gen);
	if (c)
		tell_error(c, round->err.code == MST_E_NONE ? NULL : &round->err);
	free(round);
}

static void send_round(struct mst_conn *c, struct mst_slice line)
{
	struct round *round = calloc(1, sizeof(*round) + line.len);

	if (!round) {
		mst_conn_close(c, "no memory");
		return;
	}
	round->mail.on_mail = on_mail;
	round->all = c->listener_up;
	round->slot = c->slot;
	round->gen = c->gen;
	round->len = line.len;
	memcpy(round->line, line.at, line.len);
	mst_loop_post(round->all->sinks[0].loop, &round->mail);
}

static void tell_stats(struct sink_desk *desk, struct mst_json *j, const uint8_t *token)
{
	mst_desk_tell(desk, j);
}

static void tell_token(struct sink_desk *desk, struct mst_json *j, const uint8_t *token)
{
	mst_desk_tell_token(desk, j, token);
}

static void tell_reset(struct sink_desk *desk, struct mst_json *j, const uint8_t *token)
{
	mst_desk_reset(desk);
	mst_json_bool(j, "ok", true);
}

static void tell_help(struct sink_desk *desk, struct mst_json *j, const uint8_t *token)
{
	mst_json_open_array(j, "commands");
	mst_json_text(j, NULL, MST_S("stats: counts since the start or the last reset"));
	mst_json_text(j, NULL, MST_S("reset: counts begin anew"));
	mst_json_text(j, NULL, MST_S("device HEX: what a token got"));
	mst_order_help(j);
	mst_json_close(j);
}

static const struct {
	const char *word;
	bool has_token;
	void (*tell)(struct sink_desk *desk, struct mst_json *j, const uint8_t *token);
} questions[] = {
	{"stats", false, tell_stats},
	{"reset", false, tell_reset},
	{"device", true, tell_token},
	{"help", false, tell_help},
};

static void take_line(struct mst_conn *c, struct mst_slice line)
{
	struct mst_slice rest = line, word = mst_order_word(&rest);
	uint8_t token[SINK_TOKEN_LEN] = {0};
	struct mst_err e;

	if (mst_order_is(line)) {
		send_round(c, line);
		return;
	}
	for (size_t i = 0; i < MST_LEN(questions); i++) {
		if (!mst_slice_eq(word, mst_slice_str(questions[i].word)))
			continue;
		if (questions[i].has_token && mst_hex_get(token, sizeof(token), mst_order_word(&rest), &e) < 0)
			tell_error(c, &e);
		else
			reply_with(c, questions[i].tell, token);
		return;
	}
	mst_err_fill(&e, MST_E_SYNTAX, "unknown command; \"help\" lists them");
	tell_error(c, &e);
}

static int on_open(struct mst_conn *c)
{
	c->up = calloc(1, sizeof(struct control_link));
	return c->up ? 0 : -1;
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	struct control_link *link = c->up;
	struct mst_err e;
	size_t len;

	if (mst_buf_add(&link->in, bytes, &e) < 0) {
		mst_conn_close(c, "no memory");
		return;
	}
	for (;;) {
		struct mst_slice left = mst_buf_slice(&link->in);
		len = mst_slice_find(left, '\n');
		if (len == left.len || c->state != MST_CONN_IDLE)
			break;
		take_line(c, mst_slice(left.at, len));
		mst_buf_drop(&link->in, len + 1);
	}
	if (mst_buf_slice(&link->in).len > LINE_MOST)
		mst_conn_close(c, "a line is too long");
}

static void on_end(struct mst_conn *c)
{
	mst_conn_finish(c, "closed by peer");
}

static void on_gone(struct mst_conn *c)
{
	struct control_link *link = c->up;

	if (link)
		mst_buf_done(&link->in);
	free(link);
}

const struct mst_edge mst_control_edge = {.on_open = on_open, .on_bytes = on_bytes, .on_end = on_end, .on_gone = on_gone};
