/* SPDX-License-Identifier: Apache-2.0 */
/* The rig's inside. */
#include "link_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "muster/clock.h"

/* The pushes' owner */

static struct rig *rig_of(const struct mst_push *push)
{
	return MST_HOME(push, struct rig, push);
}

static void park(struct rig *r, struct push_item *item)
{
	r->num_back++;
	r->parked[r->num_parked++] = item;
}

void rig_again(struct rig *r)
{
	uint64_t again_ms;

	while (r->num_parked && mst_topic_send(r->topic, r->parked[r->num_parked - 1], &again_ms))
		r->num_parked--;
}

void mst_push_given_back(struct mst_push *push, struct push_item *item)
{
	cr_expect_null(item->on);
	park(rig_of(push), item);
}

void mst_push_reload(struct mst_push *push)
{
	rig_of(push)->num_reloads++;
}

static void judge(struct rig *r, struct push_item *item)
{
	struct push_topic *topic = item->topic;

	switch (mst_answer_judge(&item->answer)) {
	case VERDICT_DONE:
	case VERDICT_GONE:
		mst_topic_worked(topic);
		break;
	case VERDICT_RETRY:
		mst_topic_failed(topic);
		break;
	case VERDICT_RETRY_ELSEWHERE:
		if (item->answer.end == PUSH_ANSWERED)
			mst_topic_reopen(topic, item);
		break;
	case VERDICT_RETRY_TOKEN:
		mst_topic_renew_token(topic);
		break;
	case VERDICT_HOLD:
	case VERDICT_BAD_TOKEN:
		break;
	case VERDICT_STOP_TOPIC:
	case VERDICT_BUG:
		r->num_stops += mst_topic_stop(topic, item->answer.reason);
		break;
	case NUM_PUSH_VERDICTS:
		break;
	}
}

static void on_answer(struct push_item *item)
{
	struct rig *r = rig_of(item->push);
	uint64_t again_ms;

	r->num_answers++;
	r->last = item->answer;
	r->num_lost += item->answer.end == PUSH_LOST;
	r->num_unsent += item->answer.end == PUSH_UNSENT;
	if (item->answer.end == PUSH_ANSWERED) {
		r->num_ok += item->answer.status == 200;
		r->num_other += item->answer.status != 200;
	}
	if (r->judges)
		judge(r, item);
	if (r->resends && (item->answer.end != PUSH_ANSWERED || item->answer.status != 200))
		if (!mst_topic_send(item->topic, item, &again_ms))
			park(r, item);
}

bool rig_send(struct rig *r)
{
	struct push_item *item = &r->items[r->num_items];
	uint64_t again_ms = 0;

	cr_assert_lt(r->num_items, RIG_ITEMS);
	*item = (struct push_item){.push = &r->push, .priority = 10, .expiry_s = 3600, .on_answer = on_answer};
	mst_push_due_make(&item->due, &(struct mst_id){.device = {1}}, MST_PUSH_COMMAND, 0);
	mst_apns_id_put(item->apns_id, item->due.apns_id);
	item->path_len = (uint16_t)snprintf(item->path, sizeof(item->path), "/3/device/%064u", r->num_items);
	item->payload_len = (uint16_t)snprintf(item->payload, sizeof(item->payload), "{\"mdm\":\"%u\"}", r->num_items);
	if (!mst_topic_send(r->topic, item, &again_ms))
		return false;
	r->num_items++;
	return true;
}

void rig_send_many(struct rig *r, uint32_t num)
{
	for (uint32_t i = 0; i < num; i++)
		cr_assert(rig_send(r));
}

/* The service: HTTP/2 */

static int on_put(void *context, struct mst_slice bytes, struct mst_err *e)
{
	struct rig_conn *rc = context;
	return mst_tls_write(rc->tls, bytes, e);
}

static void flush(struct rig_conn *rc)
{
	if (rc->h2 && mst_h2_flush(rc->h2, NULL) < 0)
		mst_conn_close(rc->conn, "broken");
	else
		mst_conn_flush(rc->conn);
}

static void *on_stream(void *context, uint32_t id)
{
	struct rig_conn *rc = context;
	struct rig_service *s = &rc->rig->service;
	struct rig_stream *stream = rc->streams;

	while (stream->is_used)
		cr_assert_lt(++stream, rc->streams + RIG_STREAMS);
	*stream = (struct rig_stream){.conn = rc, .id = id, .is_used = true};
	s->head[0] = s->payload[0] = '\0';
	if (++s->num_open_now > s->num_most_open)
		s->num_most_open = s->num_open_now;
	return stream;
}

static void add(char *to, size_t room, struct mst_slice text)
{
	size_t at = strlen(to);
	snprintf(to + at, room - at, "%.*s", (int)text.len, (const char *)text.at);
}

static int on_header(void *up, struct mst_slice name, struct mst_slice value)
{
	struct rig_stream *stream = up;
	struct rig_service *s = &stream->conn->rig->service;

	if (mst_slice_eq(name, MST_S(":path")))
		add(stream->path, sizeof(stream->path), value);
	add(s->head, sizeof(s->head), name);
	add(s->head, sizeof(s->head), MST_S(": "));
	add(s->head, sizeof(s->head), value);
	add(s->head, sizeof(s->head), MST_S("\n"));
	return 0;
}

static void on_head(void *up, bool is_end)
{
}

static void on_body(void *up, struct mst_slice bytes)
{
	struct rig_stream *stream = up;
	add(stream->conn->rig->service.payload, sizeof(stream->conn->rig->service.payload), bytes);
	mst_h2_consume(stream->conn->h2, stream->id, bytes.len);
}

static bool is_bad(struct rig_service *s, const struct rig_stream *stream)
{
	if (!s->status || (s->bad_path && !strstr(stream->path, s->bad_path)))
		return false;
	return s->bad_num == 0 || s->num_requests <= s->bad_num;
}

static void answer(struct rig_stream *stream)
{
	struct rig_service *s = &stream->conn->rig->service;
	bool bad = is_bad(s, stream);
	struct mst_h2_header headers[3] = {
		{MST_S(":status"), mst_slice_str(bad ? s->status : "200"), false},
		{MST_S("apns-id"), MST_S("eabeae54-14a8-11e5-b60b-1697f925ec7b"), true},
		{MST_S("retry-after"), mst_slice_str(s->retry_after), true},
	};

	stream->is_answered = true;
	cr_assert_eq(mst_h2_reply(stream->conn->h2, stream->id, headers, bad && s->retry_after ? 3 : 2,
				  mst_slice_str(bad ? s->body : NULL), NULL), 0);
}

static void on_end(void *up)
{
	struct rig_stream *stream = up;
	struct rig_conn *rc = stream->conn;
	struct rig_service *s = &rc->rig->service;

	stream->is_ended = true;
	rc->num_requests++;
	if (s->goaway_at && rc->num_requests >= s->goaway_at) {
		if (!rc->is_told)
			mst_h2_depart(rc->h2, stream->id - 2, 0, MST_S("{\"reason\":\"Shutdown\"}"));
		rc->is_told = true;
		return;
	}
	if (s->drop_at && rc->num_requests >= s->drop_at) {
		mst_conn_close(rc->conn, "dropped");
		return;
	}
	s->num_requests++;
	if (!s->holds)
		answer(stream);
}

static void on_stream_gone(void *up, bool is_done, bool may_retry)
{
	struct rig_stream *stream = up;
	stream->is_used = false;
	stream->conn->rig->service.num_open_now--;
}

static const struct mst_h2_hooks hooks = {
	.put = on_put, .on_stream = on_stream, .on_header = on_header, .on_head = on_head,
	.on_body = on_body, .on_end = on_end, .on_gone = on_stream_gone,
};

void rig_release(struct rig *r)
{
	r->service.holds = false;
	for (size_t i = 0; i < RIG_CONNS; i++) {
		struct rig_conn *rc = r->service.conns[i];
		if (!rc || !rc->h2)
			continue;
		for (size_t k = 0; k < RIG_STREAMS; k++)
			if (rc->streams[k].is_used && rc->streams[k].is_ended && !rc->streams[k].is_answered)
				answer(&rc->streams[k]);
		flush(rc);
	}
}

void rig_settle(struct rig *r, uint32_t streams_max)
{
	r->service.limits.streams_max = streams_max;
	for (size_t i = 0; i < RIG_CONNS; i++)
		if (r->service.conns[i] && r->service.conns[i]->h2) {
			mst_h2_settle(r->service.conns[i]->h2, streams_max);
			flush(r->service.conns[i]);
		}
}

/* The service: connections */

static int put_cipher(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct rig_conn *rc = context;
	return mst_conn_put(rc->conn, cipher, e);
}

static void on_ready(void *context)
{
}

static int on_open(struct mst_conn *c)
{
	struct rig *r = c->listener_up;
	struct rig_conn *rc = calloc(1, sizeof(*rc));
	const struct mst_tls_sink sink = {.context = rc, .put = put_cipher, .on_ready = on_ready};
	size_t i = 0;

	cr_assert(rc);
	while (r->service.conns[i])
		cr_assert_lt(++i, RIG_CONNS);
	r->service.conns[i] = rc;
	r->service.num_conns++;
	r->service.num_live++;
	rc->rig = r;
	rc->conn = c;
	c->up = rc;
	return mst_tls_new(&rc->tls, r->service.tls, &sink, NULL);
}

static void speak(struct rig_conn *rc)
{
	struct rig_service *s = &rc->rig->service;
	struct mst_h2_hooks mine = hooks;

	mst_conn_set(rc->conn, MST_CONN_IDLE);
	if (mst_tls_peer0(rc->tls))
		s->peer = *mst_tls_peer0(rc->tls);
	mine.context = rc;
	cr_assert_eq(mst_h2_new(&rc->h2, false, &s->limits, &mine, NULL), 0);
	rc->is_deaf = s->is_deaf;
	if (s->drops_new)
		mst_conn_close(rc->conn, "dropped");
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	static uint8_t plain[17000];
	struct rig_conn *rc = c->up;
	struct mst_err e;
	int len;

	if (rc->is_deaf || rc->rig->service.has_silent_tls || mst_tls_feed(rc->tls, bytes, &e) < 0)
		return;
	while ((len = mst_tls_read(rc->tls, plain, sizeof(plain), &e)) >= 0) {
		if (!rc->h2 && mst_tls_is_open(rc->tls))
			speak(rc);
		if (len == 0 || c->state == MST_CONN_CLOSING)
			break;
		if (mst_h2_feed(rc->h2, mst_slice(plain, (size_t)len), &e) < 0)
			len = -1;
	}
	if (len < 0)
		mst_conn_finish(c, "TLS failed");
	else if (c->state != MST_CONN_CLOSING)
		flush(rc);
}

static void on_gone(struct mst_conn *c)
{
	struct rig_conn *rc = c->up;

	if (!rc)
		return;
	for (size_t i = 0; i < RIG_CONNS; i++)
		if (rc->rig->service.conns[i] == rc)
			rc->rig->service.conns[i] = NULL;
	rc->rig->service.num_live--;
	mst_h2_free(&rc->h2);
	mst_tls_free(&rc->tls);
	free(rc);
}

static const struct mst_edge edge = {.on_open = on_open, .on_bytes = on_bytes, .on_gone = on_gone};

static int verify_client(void *context, struct mst_peer *out, const struct mst_slice *chain, size_t num, int64_t now_s,
			 struct mst_err *e)
{
	struct rig *r = context;

	*out = (struct mst_peer){.not_after = INT64_MAX};
	mst_sha256(out->sha256, chain[0]);
	return r->service.refuses ? mst_fail(e, r->service.refuses, "refused") : 0;
}

static void make_service(struct rig *r)
{
	const struct mst_tls_conf conf = {
		.chain_pem = r->server.pem, .key_pem = r->server.key_pem, .client = MST_TLS_CLIENT_ASK,
		.verify = {.context = r, .verify = verify_client}, .allows_12 = true, .alpn = r->alpn ? r->alpn : "h2",
	};
	const struct mst_listen_conf listen = {.address = "127.0.0.1", .first = MST_CONN_HELLO, .edge = &edge, .up = r};
	struct mst_err e;

	cr_assert_eq(mst_tls_ctx_new(&r->service.tls, &conf, NULL, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_net_listen(r->net, &listen, &e), 0, "%s", e.text);
	r->service.port = mst_net_port(r->net, 0);
}

void rig_make(struct rig *r)
{
	static const char *const dns[] = {"localhost", NULL}, *const ips[] = {"127.0.0.1", NULL};
	const struct mst_loop_conf loop = {.num_files = 256, .num_buffers = 128, .cpu = -1, .name = "rig"};
	struct mst_err e;

	mst_clock_fake(PKI_NOW * 1000ll);
	mst_arena_init(&r->arena, NULL, 0);
	r->root = pki_make(&r->arena, MST_KEY_P256, PKI_CA(.common_name = "Service CA"), NULL);
	r->other = pki_make(&r->arena, MST_KEY_P256, PKI_CA(.common_name = "Other CA"), NULL);
	r->server = pki_make(&r->arena, MST_KEY_P256,
			     (struct mst_issue){.common_name = "localhost", .key_usage = MST_KU_SIGN, .ext_key_usage = MST_EKU_SERVER,
						.dns = r->dns ? r->dns : dns, .ips = ips}, &r->root);
	r->client = pki_make(&r->arena, r->is_rsa ? MST_KEY_RSA2048 : MST_KEY_P256, PKI_LEAF(.common_name = "APSP:1", .user_id = RIG_TOPIC),
			     NULL);
	r->newer = pki_make(&r->arena, MST_KEY_P256, PKI_LEAF(.common_name = "APSP:1", .user_id = RIG_TOPIC), NULL);
	r->net_conf.num_conns_max = 128;
	r->net_conf.out_bytes_max = 4u << 20;
	r->net_conf.state_ms[MST_CONN_DIAL] = r->net_conf.state_ms[MST_CONN_HELLO] = r->net_conf.state_ms[MST_CONN_DRAIN] = 2000;
	cr_assert_eq(mst_loop_new(&r->loop, &loop, &e), 0, "%s", e.text);
	cr_assert_eq(mst_net_new(&r->net, r->loop, &r->net_conf, &e), 0, "%s", e.text);
	cr_assert_eq(mst_work_new(&r->work, 1, 64, &e), 0, "%s", e.text);
	make_service(r);
	r->items = calloc(RIG_ITEMS, sizeof(*r->items));
	cr_assert(r->items);
}

void rig_load(struct rig *r, const struct pki *client, int64_t put_ms)
{
	if (!r->cert.is_token) {
		r->cert.chain_pem = client->pem;
		mst_sha256(r->cert.sha256, client->der);
	}
	r->cert.topic = MST_S(RIG_TOPIC);
	r->cert.key_pem = client->key_pem;
	r->cert.put_ms = put_ms;
	r->cert.not_after = PKI_NOW + PKI_DAY;
	mst_topics_load(r->topics, &r->cert, 1);
	r->topic = mst_topic_find(r->topics, MST_S(RIG_TOPIC));
	cr_assert(r->topic);
}

void rig_start(struct rig *r)
{
	struct mst_err e;

	r->push = (struct mst_push){.loop = r->loop, .net = r->net, .work = r->work};
	r->push.conf = (struct mst_push_conf){
		.host = r->host ? r->host : "localhost", .sandbox_host = "127.0.0.1", .port = r->service.port,
		.ca_pem = r->is_foreign ? r->other.pem : r->root.pem,
		.links_max = 2, .ping_s = 3600, .idle_s = 600, .expiry_s = 3600, .priority = 10,
	};
	cr_assert_eq(mst_topics_new(&r->topics, &r->push, &e), 0, "%s", e.text);
	/* Quicker than life. */
	r->topics->times = (struct push_times){
		.tick_ms = 20, .open_late_ms = 1000, .stall_ms = 200, .pong_ms = 200, .give_up_ms = 1000, .line_ms = 3000, .apart_ms = 100,
		.replace_ms = 20, .rest_ms = 50, .rest_max_ms = 400,
	};
	rig_load(r, &r->client, 1);
}

void rig_done(struct rig *r)
{
	uint64_t links = rig_count(MST_C_PUSH_LINKS), stopped = rig_count(MST_C_PUSH_STOPPED);

	mst_work_free(&r->work);
	mst_topics_free(&r->topics);
	cr_expect_leq(links, 64);
	cr_expect_leq(stopped, 1);
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS), 0, "the gauge of links");
	cr_expect_eq(rig_count(MST_C_PUSH_STOPPED), 0, "the gauge of stopped topics");
	mst_net_free(&r->net);
	mst_loop_free(&r->loop);
	mst_tls_ctx_free(&r->service.tls);
	mst_key_free(&r->root.key);
	mst_key_free(&r->other.key);
	mst_key_free(&r->server.key);
	mst_key_free(&r->client.key);
	mst_key_free(&r->newer.key);
	mst_arena_done(&r->arena);
	free(r->items);
	mst_clock_fake(0);
}

void rig_turn(struct rig *r)
{
	struct mst_err e;
	cr_assert_eq(mst_loop_turn(r->loop, 5, &e), 0, "%s", e.text);
}

uint64_t rig_count(enum mst_counter id)
{
	return mst_counts_here()->counters[id];
}
