/* SPDX-License-Identifier: Apache-2.0 */
/* A provider's connection: TLS that says the topic, HTTP/2 above it, and the ways it ends. */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "muster/clock.h"
#include "muster/file.h"

#define FILE_MAX       65536
#define OUT_HIGH       (1u << 20) /* answers not taken yet: no more is read */
#define TOPICS_MAX     1024       /* certificates remembered */
#define LEAVE_MS       30         /* how long a GOAWAY waits for pushes to leave out */
#define PART_MS        2000       /* answers go on for this long after a GOAWAY */
#define RESETS_MAX     1000000    /* of 1,000 requests: no limit */
#define TOKEN_STREAMS  1          /* before the first good provider token */

/* The topic is kept beside the verdict: a peer has no place for it. */
static int verify(void *context, struct mst_peer *out, const struct mst_slice *chain, size_t num_chain, int64_t now_s,
		  struct mst_err *e)
{
	struct sink *sink = context;
	struct mst_cert cert;
	char topic[SINK_TOPIC_MAX + 1], *place;

	if (mst_trust_verify(sink->trust, out, chain, num_chain, now_s, e) < 0 || mst_cert_parse(&cert, chain[0], e) < 0)
		return -1;
	mst_topic_of(topic, cert.subject);
	if (!topic[0])
		return mst_fail(e, MST_E_TYPE, "the certificate names no topic");
	place = mst_map_set(sink->topics, out->sha256);
	if (!place)
		return mst_fail(e, MST_E_BUSY, "no memory");
	memcpy(place, topic, sizeof(topic));
	return 0;
}

int mst_link_ctx(struct sink *sink, struct mst_err *e)
{
	struct mst_tls_conf conf = {.client = MST_TLS_CLIENT_ASK,
				    .allows_12 = true,
				    .alpn = "h2",
				    .verify = {.context = sink, .verify = verify}};
	struct mst_arena arena;
	struct mst_slice ca;
	int rc;

	mst_arena_init(&arena, NULL, 0);
	rc = mst_file_read(&conf.chain_pem, &arena, sink->conf.certificate, FILE_MAX, e);
	if (rc == 0)
		rc = mst_file_read(&conf.key_pem, &arena, sink->conf.key, FILE_MAX, e);
	if (rc == 0)
		rc = mst_file_read(&ca, &arena, sink->conf.client_ca, FILE_MAX, e);
	if (rc == 0)
		rc = mst_trust_new(&sink->trust, ca, e);
	if (rc == 0 && !(sink->topics = mst_map_new(32, SINK_TOPIC_MAX + 1, TOPICS_MAX, true)))
		rc = mst_fail(e, MST_E_BUSY, "no memory");
	if (rc == 0)
		rc = mst_tls_ctx_new(&sink->ctx, &conf, NULL, sink->loop, e);
	mst_arena_done(&arena);
	return rc;
}

static void end(struct sink_link *link, const char *why)
{
	link->is_over = true;
	mst_conn_close(link->conn, why);
}

static void part(struct sink_link *link, const char *why)
{
	if (link->is_over)
		return;
	link->is_over = true;
	if (mst_tls_is_open(link->tls))
		mst_tls_shut(link->tls);
	mst_conn_finish(link->conn, why);
}

void mst_link_dirty(struct sink_link *link)
{
	mst_list_drop(&link->link);
	mst_list_add(&link->sink->dirty, &link->link);
}

static void flush(struct sink_link *link)
{
	struct mst_err e;

	if (link->is_over)
		return;
	if (link->h2 && mst_h2_flush(link->h2, &e) < 0) {
		end(link, "cannot send");
		return;
	}
	mst_conn_flush(link->conn);
	if (link->is_dropping && mst_conn_unsent(link->conn) == 0)
		end(link, "dropped by script");
	if (mst_conn_unsent(link->conn) > OUT_HIGH)
		mst_conn_pause(link->conn);
	if (link->h2 && mst_h2_is_over(link->h2))
		part(link, "done");
}

void mst_link_flush_all(struct sink *sink)
{
	MST_LIST_EACH(at, keep, &sink->dirty) {
		mst_list_drop(at);
		flush(MST_HOME(at, struct sink_link, link));
	}
}

static void depart(struct sink_link *link)
{
	link->has_departed = true;
	link->sink->tally.num_goaways++;
	mst_h2_depart(link->h2, link->last_stream, 0, MST_S("{\"reason\":\"Shutdown\"}"));
	mst_timer_set(link->sink->loop, &link->timer, PART_MS);
	mst_link_dirty(link);
}

static void on_due(struct mst_timer *timer)
{
	struct sink_link *link = MST_HOME(timer, struct sink_link, timer);

	if (link->is_over)
		return;
	if (link->has_departed)
		part(link, "sent away");
	else
		depart(link);
}

bool mst_link_counted(struct sink_link *link, uint32_t stream)
{
	const struct sink_conf *conf = &link->sink->conf;

	if (link->is_over || link->is_dropping)
		return false;
	if (link->last_stream && stream > link->last_stream) {
		if (++link->num_left >= conf->goaway_back && !link->has_departed)
			depart(link);
		return false;
	}
	link->num_pushes++;
	if (conf->drop_every && link->num_pushes >= conf->drop_every) {
		link->sink->tally.num_drops++;
		link->is_dropping = true;
		return true; /* it is taken, its answer is lost; those before it leave */
	}
	if (conf->goaway_every && link->num_pushes >= conf->goaway_every && !link->last_stream) {
		link->last_stream = stream;
		mst_timer_set(link->sink->loop, &link->timer, LEAVE_MS);
	}
	return true;
}

static int start_h2(struct sink_link *link, struct mst_err *e)
{
	/* What our own GOAWAY leaves counts as taken back; nobody here is to be kept from it. */
	struct mst_h2_limits limits = {.streams_max = link->topic[0] ? link->sink->conf.streams : TOKEN_STREAMS,
				       .resets_max = RESETS_MAX};
	struct mst_h2_hooks hooks = mst_push_hooks;

	hooks.context = link;
	return mst_h2_new(&link->h2, false, &limits, &hooks, e);
}

/* The handshake is done: who is it? */
static int opened(struct sink_link *link, struct mst_err *e)
{
	const struct mst_peer *peer = mst_tls_peer0(link->tls);
	const char *topic = peer ? mst_map_get0(link->sink->topics, peer->sha256) : link->sink->conf.plain_topic;

	if (!mst_slice_eq(mst_tls_alpn0(link->tls), MST_S("h2")))
		return mst_fail(e, MST_E_SYNTAX, "the peer does not speak h2");
	snprintf(link->topic, sizeof(link->topic), "%s", topic ? topic : "");
	mst_conn_set(link->conn, MST_CONN_IDLE);
	link->sink->tally.num_links++;
	return start_h2(link, e);
}

static int read_dry(struct sink_link *link, struct mst_err *e)
{
	static _Thread_local uint8_t plain[16384];
	int n;

	while ((n = mst_tls_read(link->tls, plain, sizeof(plain), e)) > 0) {
		if (!link->h2 && opened(link, e) < 0)
			return -1;
		if (mst_h2_feed(link->h2, mst_slice(plain, (size_t)n), e) < 0)
			return -1;
		if (link->is_over)
			return 0;
	}
	if (n == 0 && !link->h2 && mst_tls_is_open(link->tls))
		return opened(link, e);
	return n;
}

static void pump(struct sink_link *link)
{
	struct mst_err e;

	if (read_dry(link, &e) < 0) {
		link->sink->tally.num_broken++;
		if (link->h2)
			(void)!mst_h2_flush(link->h2, &e); /* its GOAWAY */
		part(link, "broken");
	} else if (mst_tls_is_ended(link->tls)) {
		part(link, "closed by peer");
	} else {
		mst_link_dirty(link);
	}
}

static int put(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct sink_link *link = context;

	return mst_conn_put(link->conn, cipher, e);
}

static void on_ready(void *context)
{
	pump(context);
}

static int on_open(struct mst_conn *c)
{
	struct sink *sink = c->listener_up;
	struct sink_link *link = calloc(1, sizeof(*link));
	const struct mst_tls_sink tls = {.context = link, .put = put, .on_ready = on_ready};
	struct mst_err e;

	c->up = link;
	if (!link)
		return -1;
	link->sink = sink;
	link->conn = c;
	link->timer.on_due = on_due;
	sink->tally.num_open++;
	if (sink->conf.refuses) {
		sink->tally.num_refused++;
		link->is_over = true;
		return -1;
	}
	if (sink->frozen_until_ms)
		mst_conn_pause(c);
	return mst_tls_new(&link->tls, sink->ctx, &tls, &e);
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	struct sink_link *link = c->up;
	struct mst_err e;

	if (link->is_over)
		return;
	if (link->sink->frozen_until_ms) {
		if (mst_buf_add(&link->held, bytes, &e) < 0)
			end(link, "no memory");
		return;
	}
	if (mst_tls_feed(link->tls, bytes, &e) < 0)
		end(link, "TLS cannot take more");
	else
		pump(link);
}

static void on_sent(struct mst_conn *c)
{
	struct sink_link *link = c->up;

	if (link->is_dropping)
		end(link, "dropped by script");
	else if (c->is_paused && !link->sink->frozen_until_ms)
		mst_conn_resume(c);
}

static void on_end(struct mst_conn *c)
{
	end(c->up, "closed by peer");
}

static void on_gone(struct mst_conn *c)
{
	struct sink_link *link = c->up;

	if (!link)
		return;
	link->is_over = true;
	mst_list_drop(&link->link);
	mst_timer_end(link->sink->loop, &link->timer);
	mst_h2_free(&link->h2);
	mst_tls_free(&link->tls);
	mst_buf_done(&link->held);
	link->sink->tally.num_open--;
	free(link);
}

const struct mst_edge mst_link_edge = {
	.on_open = on_open, .on_bytes = on_bytes, .on_sent = on_sent, .on_end = on_end, .on_gone = on_gone};

static void settle(void *context, struct mst_conn *c)
{
	struct sink_link *link = c->up;

	if (c->edge != &mst_link_edge || !link || !link->h2 || link->is_over)
		return;
	if (link->topic[0] || link->bearer_issued_s)
		mst_h2_settle(link->h2, link->sink->conf.streams);
	mst_link_dirty(link);
}

static void send_away(void *context, struct mst_conn *c)
{
	struct sink_link *link = c->up;

	if (c->edge != &mst_link_edge || !link || !link->h2 || link->is_over || link->has_departed)
		return;
	if (!link->last_stream)
		link->last_stream = link->top_stream;
	depart(link);
}

static void drop(void *context, struct mst_conn *c)
{
	struct sink_link *link = c->up;

	if (c->edge != &mst_link_edge || !link || link->is_over)
		return;
	link->sink->tally.num_drops++;
	end(link, "dropped by command");
}

/* Going on begins with what came meanwhile. */
static void freeze(void *context, struct mst_conn *c)
{
	const struct sink *sink = context;
	struct sink_link *link = c->up;
	struct mst_buf held;

	if (c->edge != &mst_link_edge || !link || link->is_over)
		return;
	if (sink->frozen_until_ms) {
		mst_conn_pause(c);
		return;
	}
	held = link->held;
	link->held = (struct mst_buf){0};
	mst_conn_resume(c);
	if (mst_buf_slice(&held).len)
		on_bytes(c, mst_buf_slice(&held));
	mst_buf_done(&held);
}

void mst_link_settle_all(struct sink *sink)
{
	mst_net_each(sink->net, NULL, settle);
}

void mst_link_goaway_all(struct sink *sink)
{
	mst_net_each(sink->net, NULL, send_away);
}

void mst_link_drop_all(struct sink *sink)
{
	mst_net_each(sink->net, NULL, drop);
}

static void on_thaw(struct mst_timer *timer)
{
	mst_link_freeze_all(MST_HOME(timer, struct sink, thaw), 0);
}

void mst_link_freeze_all(struct sink *sink, uint64_t until_ms)
{
	uint64_t now_ms = mst_loop_now_ms(sink->loop);

	sink->frozen_until_ms = until_ms;
	sink->thaw.on_due = on_thaw;
	if (until_ms && until_ms != UINT64_MAX)
		mst_timer_set(sink->loop, &sink->thaw, until_ms - now_ms);
	else
		mst_timer_end(sink->loop, &sink->thaw);
	mst_net_each(sink->net, sink, freeze);
}
