/* SPDX-License-Identifier: Apache-2.0 */
/* The rig's inside. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "muster/log.h"

#define BIG 200000

static struct rig *rig_of(struct mst_xchg *x)
{
	return x->app;
}

static enum mst_step note(struct mst_xchg *x)
{
	struct rig *r = rig_of(x);
	r->num_walks++;
	mst_buf_drop(&r->last_body, mst_buf_slice(&r->last_body).len);
	cr_assert_eq(mst_buf_add(&r->last_body, x->in.body, NULL), 0);
	snprintf(r->last_path, sizeof(r->last_path), "%.*s", (int)x->in.path.len,
		 (const char *)x->in.path.at);
	snprintf(r->last_peer, sizeof(r->last_peer), "%s", x->peer ? x->peer->name : "");
	return STEP_NEXT;
}

static enum mst_step do_echo(struct mst_xchg *x)
{
	return mst_xchg_answer(x, 200, "text/plain", x->in.body);
}

static enum mst_step do_wait(struct mst_xchg *x)
{
	rig_of(x)->waiting = x;
	return STEP_WAIT;
}

/* Behind a wait: looks at everything that lives with the connection. */
static enum mst_step do_after(struct mst_xchg *x)
{
	rig_of(x)->was_orphan = x->is_orphan;
	*(uint64_t *)x->keep += 1;
	cr_assert(!x->peer || x->peer->name[0]);
	return do_echo(x);
}

static enum mst_step do_drop(struct mst_xchg *x)
{
	return STEP_DROP;
}

static enum mst_step do_big(struct mst_xchg *x)
{
	static uint8_t bytes[BIG];
	memset(bytes, 'x', sizeof(bytes));
	return mst_xchg_answer(x, 200, "text/plain", mst_slice(bytes, sizeof(bytes)));
}

static enum mst_step do_count(struct mst_xchg *x)
{
	struct mst_slice body;
	cr_assert(mst_arena_format(&x->arena, &body, "%u", (unsigned)++*(uint64_t *)x->keep));
	return mst_xchg_answer(x, 200, "text/plain", body);
}

static enum mst_step do_empty(struct mst_xchg *x)
{
	return mst_xchg_answer(x, 204, NULL, (struct mst_slice){NULL, 0});
}

static enum mst_step do_bad(struct mst_xchg *x)
{
	x->out.extra[0] = (struct mst_header){MST_S("X"), MST_S("a\r\nSet-Cookie: b")};
	return mst_xchg_answer(x, 200, NULL, (struct mst_slice){NULL, 0});
}

static enum mst_step do_none(struct mst_xchg *x)
{
	return STEP_NEXT;
}

static const struct mst_stage stages[][4] = {
	{{"note", note}, {"echo", do_echo}, {"reply", mst_http_stage_reply}},
	{{"note", note}, {"wait", do_wait}, {"after", do_after}, {"reply", mst_http_stage_reply}},
	{{"note", note}, {"drop", do_drop}, {"reply", mst_http_stage_reply}},
	{{"note", note}, {"big", do_big}, {"reply", mst_http_stage_reply}},
	{{"note", note}, {"count", do_count}, {"reply", mst_http_stage_reply}},
	{{"note", note}, {"empty", do_empty}, {"reply", mst_http_stage_reply}},
	{{"note", note}, {"bad", do_bad}, {"reply", mst_http_stage_reply}},
	{{"note", note}, {"none", do_none}, {"none", do_none}},
};

static const struct mst_way ways[] = {
	{"/echo", stages[0], 3, true},  {"/wait", stages[1], 4, true},
	{"/drop", stages[2], 3, true},  {"/big", stages[3], 3, true},
	{"/count", stages[4], 3, true}, {"/empty", stages[5], 3, true},
	{"/bad", stages[6], 3, true},   {"/none", stages[7], 3, false},
};

static int on_head(struct mst_xchg *x)
{
	struct rig *r = rig_of(x);
	r->num_heads++;
	x->body_max = r->body_max;
	for (size_t i = 0; i < MST_LEN(ways); i++) {
		if (mst_slice_eq(x->in.path, mst_slice_str(ways[i].name))) {
			x->way = &ways[i];
			return 0;
		}
	}
	return mst_fail(&x->err, MST_E_DENIED, "not here");
}

static void defaults(struct rig *r)
{
	struct mst_http_conf *conf = &r->conf;
	if (!conf->line_max)
		conf->line_max = 16384;
	if (!conf->head_max)
		conf->head_max = 32768;
	if (!conf->headers_max)
		conf->headers_max = 64;
	if (!conf->arena_max)
		conf->arena_max = 1 << 20;
	if (!conf->exchanges_max)
		conf->exchanges_max = 100;
	if (!r->body_max)
		r->body_max = 100000;
	if (!r->net_conf.num_conns_max)
		r->net_conf.num_conns_max = 64;
	if (!r->net_conf.out_bytes_max)
		r->net_conf.out_bytes_max = 1 << 20;
	if (!r->net_conf.state_ms[MST_CONN_DRAIN])
		r->net_conf.state_ms[MST_CONN_DRAIN] = 3000;
}

void rig_start(struct rig *r)
{
	struct mst_loop_conf loop_conf = {.cpu = -1, .num_buffers = 64, .num_files = 128};
	struct mst_http_hooks hooks = {r, on_head};
	struct mst_err e = {.text = ""};
	signal(SIGPIPE, SIG_IGN);
	mst_log_setup(MST_WARN, false);
	defaults(r);
	r->fd = -1;
	cr_assert_eq(mst_loop_new(&r->loop, &loop_conf, &e), 0, "%s", e.text);
	cr_assert_eq(mst_net_new(&r->net, r->loop, &r->net_conf, &e), 0, "%s", e.text);
	cr_assert_eq(mst_http_new(&r->http, r->net, &r->conf, &hooks, &e), 0, "%s", e.text);
	if (r->tls)
		mst_http_set_tls(r->http, r->gate, r->tls);
	cr_assert_eq(mst_http_listen(r->http, r->gate, "127.0.0.1", 0, false,
				     r->tls != NULL, &e),
		     0, "%s", e.text);
	rig_turn(r, 0);
	r->port = mst_net_port(r->net, 0);
}

void rig_done(struct rig *r)
{
	rig_hang_up(r);
	mst_net_hush(r->net);
	rig_turn(r, 0);
	rig_turn(r, 0);
	mst_net_free(&r->net);
	mst_http_free(&r->http);
	mst_loop_free(&r->loop);
	mst_buf_done(&r->last_body);
	cr_expect_eq(mst_log_count(MST_WARN), r->num_warns, "%u records at WARN",
		     (unsigned)mst_log_count(MST_WARN));
}

void rig_turn(struct rig *r, uint32_t wait_ms)
{
	struct mst_err e;
	cr_assert_eq(mst_loop_turn(r->loop, wait_ms, &e), 0, "%s", e.text);
}

void rig_hang_up(struct rig *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	mst_buf_done(&r->got);
}

void rig_dial(struct rig *r)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(r->port)};
	rig_hang_up(r);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r->has_ended = false;
	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(r->fd >= 0);
	cr_assert_eq(connect(r->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	fcntl(r->fd, F_SETFL, O_NONBLOCK);
}

void rig_read(struct rig *r)
{
	uint8_t bytes[16384];
	ssize_t len;
	while ((len = read(r->fd, bytes, sizeof(bytes))) > 0)
		cr_assert_eq(mst_buf_add(&r->got, mst_slice(bytes, (size_t)len), NULL), 0);
	if (len == 0 || (len < 0 && errno != EAGAIN))
		r->has_ended = true;
}

void rig_give(struct rig *r, struct mst_slice bytes, size_t step)
{
	for (int i = 0; bytes.len && i < 20000 && !r->has_ended; i++) {
		size_t want = step && step < bytes.len ? step : bytes.len;
		ssize_t len = write(r->fd, bytes.at, want);
		if (len > 0)
			bytes = mst_slice(bytes.at + len, bytes.len - (size_t)len);
		else if (len < 0 && errno != EAGAIN)
			r->has_ended = true; /* the peer ended before it had all */
		rig_turn(r, 0);
		rig_turn(r, 0);
	}
}

/* One whole reply at the front of what was got? */
static int parse(struct rig *r, enum mst_method to, char *body, size_t room, bool *closes)
{
	static const struct mst_http1_limits limits = {16384, 65536, 64, false};
	struct mst_slice bytes = mst_buf_slice(&r->got), text;
	struct mst_http1_scan scan = {.seen = 0};
	struct mst_http1_head head;
	struct mst_arena arena = {.pool = NULL};
	struct mst_err e = {.text = ""};
	size_t used;
	if (bytes.len == 0 || mst_http1_scan(&scan, &text, &used, bytes, &limits, &e) != 1)
		return 0;
	cr_assert_eq(mst_http1_reply(&head, text, to, &limits, &arena, &e), 0, "%s", e.text);
	cr_assert_neq(head.framing, MST_HTTP1_TO_END);
	mst_arena_done(&arena);
	size_t len = head.framing == MST_HTTP1_LENGTH ? (size_t)head.body_len : 0;
	if (bytes.len - used < len)
		return 0;
	if (body)
		snprintf(body, room, "%.*s", (int)len, (const char *)bytes.at + used);
	if (closes)
		*closes = !head.keeps_alive;
	mst_buf_drop(&r->got, used + len);
	return head.status;
}

int rig_reply(struct rig *r, enum mst_method to, char *body, size_t room, bool *closes)
{
	for (int i = 0; i < 1000; i++) {
		rig_turn(r, i < 4 ? 0 : 5);
		rig_read(r);
		int status = parse(r, to, body, room, closes);
		if (status || r->has_ended)
			return status;
	}
	cr_assert(false, "no reply");
	return 0;
}

void rig_wake(struct rig *r)
{
	struct mst_xchg *x = r->waiting;
	cr_assert_not_null(x);
	r->waiting = NULL;
	mst_xchg_resume(x);
}

static void keep_edge(void *context, struct mst_conn *c)
{
	*(struct http_edge **)context = c->up;
}

struct http_edge *rig_edge(struct rig *r)
{
	struct http_edge *edge = NULL;
	mst_net_each(r->net, &edge, keep_edge);
	return edge;
}

uint64_t rig_count(enum mst_counter id)
{
	struct mst_counts counts;
	mst_counts_sum(&counts);
	return counts.counters[id];
}
