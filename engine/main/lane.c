/* SPDX-License-Identifier: Apache-2.0 */
/* One event loop with everything that lives on it: network, HTTP edge, TLS contexts, services; its thread; its drain. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "muster/clock.h"
#include "muster/barred.h"
#include "muster/enroll.h"
#include "muster/fetch.h"
#include "muster/flow.h"
#include "muster/log.h"
#include "muster/revoke.h"
#include "muster/scep.h"
#include "muster/text.h"
#include "muster/vouched.h"

#define CA_NAMES_MAX  256 /* CAs a client is told of; each has some 60 bytes in every handshake */
#define DRAIN_LOOK_MS 50 /* how often a draining loop looks whether it may end */

static void fill_net(struct mst_net_conf *out, const struct mst_conf *conf)
{
	*out = (struct mst_net_conf){
		.num_conns_max = conf->conns_max,
		.num_per_source_max = conf->conns_per_source,
		.out_bytes_max = conf->out_bytes_max,
		.state_ms = {[MST_CONN_DIAL] = conf->handshake_ms,
			     [MST_CONN_HELLO] = conf->handshake_ms,
			     [MST_CONN_IDLE] = conf->idle_ms,
			     [MST_CONN_HEAD] = conf->head_ms,
			     [MST_CONN_BODY] = conf->body_ms,
			     [MST_CONN_WRITE] = conf->write_ms,
			     [MST_CONN_DRAIN] = conf->drain_ms},
	};
}

static void fill_http(struct mst_http_conf *out, const struct mst_conf *conf)
{
	*out = (struct mst_http_conf){
		.line_max = conf->line_max,
		.head_max = conf->head_max,
		.headers_max = conf->headers_max,
		.arena_max = conf->arena_max,
		.head_ms = conf->head_ms,
		.body_ms = conf->body_ms,
		.write_ms = conf->write_ms,
		.requests_max = conf->requests_max,
		.exchanges_max = conf->exchanges_max,
		.takes_bare_lf = conf->takes_bare_lf,
	};
}

/* The CA in `out` says who this is: a device, or a front end. */
static int judge(void *context, struct mst_peer *out, const struct mst_slice *chain, size_t num_chain, int64_t now_s, struct mst_err *e)
{
	const struct mst_judge *judge_of = context;

	return mst_trust_verify_any(judge_of->trusts, MST_LEN(judge_of->trusts), out, chain, num_chain, now_s, e);
}

static int judge_again(void *context, const struct mst_peer *peer, struct mst_err *e)
{
	const struct mst_judge *judge_of = context;

	return mst_barred_recheck(judge_of->barred, peer, e);
}

static void tune_judge(struct mst_lane_loop *lane)
{
	const struct mst_issuers *issuers = lane->app.issuers;

	lane->judge = (struct mst_judge){
		.trusts = {lane->facts->trust, issuers ? issuers->trust : NULL, lane->facts->front_ends},
		.barred = lane->app.barred,
	};
	mst_vouched_forget(lane->app.vouched);
}

/* The CAs a client is told of: a device may choose its certificate by them. */
static size_t gather_names(struct mst_slice *out, size_t room, struct mst_trust *const *trusts, size_t num_trusts)
{
	const struct mst_slice *names;
	size_t num = 0;

	for (size_t i = 0; i < num_trusts; i++) {
		size_t more = trusts[i] ? mst_trust_names(trusts[i], &names) : 0;
		if (more > room - num)
			return 0; /* none is any */
		for (size_t k = 0; k < more; k++)
			out[num++] = names[k];
	}
	return num;
}

static int make_tls(struct mst_tls_ctx **out, const struct mst_engine *engine, const struct mst_facts *facts,
		    struct mst_lane_loop *lane, struct mst_err *e)
{
	const struct mst_issuers *issuers = lane ? lane->app.issuers : NULL;
	struct mst_loop *home = lane ? lane->loop : NULL;
	struct mst_slice names[CA_NAMES_MAX];
	struct mst_tls_conf conf = {
		.chain_pem = facts->chain_pem,
		.key_pem = facts->key_pem,
		.client = MST_TLS_CLIENT_ASK,
		.verify = {.context = lane ? &lane->judge : NULL, .verify = judge, .recheck = judge_again},
		.allows_12 = facts->conf->portal_tls12,
		.ciphers_12 = facts->conf->portal_ciphers[0] ? facts->conf->portal_ciphers : NULL,
		.known_max = facts->conf->known_max,
		.ticket_s = facts->conf->ticket_s,
		.alpn = facts->conf->has_http2 ? "h2,http/1.1" : "http/1.1",
	};
	struct mst_err why = {0};
	int rc;

	conf.ca_names = names;
	conf.num_ca_names = gather_names(names, MST_LEN(names),
					 (struct mst_trust *const[]){facts->trust, issuers ? issuers->trust : NULL}, 2);
	if (facts->conf->has_tickets)
		memcpy(conf.ticket_secret, engine->ticket_secret, sizeof conf.ticket_secret);
	rc = mst_tls_ctx_new(out, &conf, home ? engine->work : NULL, home, &why);
	mst_wipe(conf.ticket_secret, sizeof conf.ticket_secret);
	if (rc != 0)
		return mst_fail(e, MST_E_CONF, "[portal] certificate %s, key %s: %s", facts->conf->portal_certificate,
				facts->conf->portal_key, why.text);
	return 0;
}

static int make_enroll(struct mst_enroll **out, const struct mst_facts *facts, struct mst_err *e)
{
	const struct mst_conf *conf = facts->conf;
	const struct mst_enroll_conf enroll = {
		.url = conf->mdm_url,
		.scep_url = conf->enroll_scep_url,
		.topic = conf->mdm_topic,
		.name = conf->enroll_name,
		.organization = conf->enroll_organization,
		.cert_pem = facts->enroll_cert,
		.key_pem = facts->enroll_key,
		.chain_pem = facts->enroll_chain,
		.roots_pem = facts->enroll_roots,
		.apple_pem = facts->enroll_apple,
		.is_open = conf->enroll_is_open,
		.signs_messages = conf->enroll_signs_messages,
		.link_s = conf->enroll_link_s,
		.challenge_s = conf->enroll_challenge_s,
		.renew_s = conf->enroll_renew_s,
		.per_minute = conf->enroll_per_minute,
	};

	return mst_enroll_new(out, &enroll, e);
}

int mst_lane_check(const struct mst_engine *engine, const struct mst_facts *facts, struct mst_err *e)
{
	struct mst_tls_ctx *ctx = NULL;
	struct mst_enroll *enroll = NULL;

	if (make_tls(&ctx, engine, facts, NULL, e) != 0)
		return -1;
	mst_tls_ctx_free(&ctx);
	if (make_enroll(&enroll, facts, e) != 0)
		return -1;
	mst_enroll_free(&enroll);
	return 0;
}

static void fill_app(struct mst_lane_loop *lane)
{
	const struct mst_conf *conf = lane->facts->conf;

	lane->app.api_keys = (const uint8_t(*)[32])lane->facts->api_keys;
	lane->app.num_api_keys = lane->facts->num_api_keys;
	lane->app.checkin_max = conf->checkin_max;
	lane->app.report_max = conf->report_max;
	lane->app.takes_unknown_certificate = conf->takes_unknown_certificate;
	lane->app.identity_sources = lane->facts->identity_sources;
	lane->app.trust = lane->facts->trust;
	mst_fetcher_trust(lane->app.fetcher, lane->facts->fetch_trust);
	lane->app.is_trust_stored = lane->facts->trust == NULL;
	lane->app.front_ends = lane->facts->front_ends;
	lane->app.front_end_names = conf->front_end_names;
	lane->app.not_now_s = conf->push_not_now_s;
	mst_scep_tune(lane->scep, &(struct mst_scep_conf){
						.rate = conf->scep_rate, .burst = conf->scep_burst, .takes_des = conf->scep_takes_des});
}

int mst_lane_adopt(struct mst_lane_loop *lane, struct mst_facts *facts, struct mst_err *e)
{
	struct mst_tls_ctx *ctx = NULL;
	struct mst_net_conf net;
	struct mst_http_conf http;
	struct mst_enroll *enroll = NULL;

	if (make_enroll(&enroll, facts, e) != 0)
		return -1;
	if (make_tls(&ctx, lane->engine, facts, lane, e) != 0) {
		mst_enroll_free(&enroll);
		return -1;
	}
	mst_enroll_free(&lane->app.enroll);
	lane->app.enroll = enroll;
	mst_http_set_tls(lane->http, MST_GATE_PORTAL, ctx);
	lane->facts = facts;
	tune_judge(lane);
	fill_net(&net, facts->conf);
	mst_net_tune(lane->net, &net);
	fill_http(&http, facts->conf);
	mst_http_tune(lane->http, &http);
	fill_app(lane);
	return 0;
}

void mst_lane_take(struct mst_lane_loop *lane, const struct mst_issuers *issuers)
{
	struct mst_tls_ctx *ctx = NULL;
	struct mst_err err = {0};

	lane->app.issuers = issuers;
	tune_judge(lane);
	/* Only the names that clients are told of are older when it fails. */
	if (make_tls(&ctx, lane->engine, lane->facts, lane, &err) == 0)
		mst_http_set_tls(lane->http, MST_GATE_PORTAL, ctx);
	else
		mst_log(WARN, "clients are not told of new authorities", mst_f_u64("loop", lane->index), mst_f_err(&err));
}

static int make_fetcher(struct mst_lane_loop *lane, struct mst_err *e)
{
	const struct mst_fetcher_conf conf = {.at_once_max = lane->facts->conf->fetch_at_once,
					      .answer_max = lane->facts->conf->fetch_answer_max};

	return mst_fetcher_new(&lane->app.fetcher, lane->loop, lane->net, lane->engine->work, &conf, e);
}

static int make_parts(struct mst_lane_loop *lane, struct mst_err *e)
{
	const struct mst_conf *conf = lane->facts->conf;
	const struct mst_http_hooks hooks = {.app = &lane->app, .on_head = mst_flow_enter};
	char name[16];
	struct mst_loop_conf ring = {
		.num_entries = conf->ring_entries,
		.num_files = conf->ring_files,
		.num_buffers = conf->ring_buffers,
		.buffer_len = conf->ring_buffer_bytes,
		.cpu = conf->is_pinned ? (int)(conf->first_cpu + lane->index) : -1,
		.name = name,
	};
	struct mst_net_conf net;
	struct mst_http_conf http;

	snprintf(name, sizeof name, "loop-%u", lane->index % 1000);
	fill_net(&net, conf);
	fill_http(&http, conf);
	if (mst_loop_new(&lane->loop, &ring, e) != 0 || mst_net_new(&lane->net, lane->loop, &net, e) != 0 ||
	    mst_http_new(&lane->http, lane->net, &http, &hooks, e) != 0 ||
	    mst_seen_new(&lane->seen, lane->engine->store, lane->loop, conf->seen_flush_ms, e) != 0)
		return -1;
	lane->app = (struct mst_app){
		.loop = lane->loop,
		.store = lane->engine->store,
		.work = lane->engine->work,
		.seal = lane->engine->seal,
		.seen = lane->seen,
		.started_ms = (uint64_t)mst_clock_wall_ms(),
	};
	if (mst_scep_new(&lane->scep, &lane->app, &(struct mst_scep_conf){.is_sweeper = lane->index == 0}, e) != 0)
		return -1;
	lane->app.scep = lane->scep;
	if (make_fetcher(lane, e) != 0)
		return -1;
	mst_lane_snapshots(lane);
	if (mst_barred_new(&lane->app.barred, e) != 0 || mst_revoke_new(&lane->app.revoke, &lane->app, e) != 0)
		return -1;
	if (conf->known_max) {
		lane->app.vouched = mst_vouched_new(conf->known_max);
		if (!lane->app.vouched)
			return mst_fail(e, MST_E_BUSY, "out of memory for the verified certificates");
	}
	return mst_lane_adopt(lane, lane->facts, e);
}

int mst_lane_make(struct mst_lane_loop *lane, struct mst_engine *engine, uint32_t index, struct mst_err *e)
{
	const struct mst_conf *conf = engine->facts->conf;

	lane->engine = engine;
	lane->index = index;
	lane->facts = engine->facts;
	if (make_parts(lane, e) != 0)
		return -1;
	if (mst_http_listen(lane->http, MST_GATE_PORTAL, conf->portal_address, (uint16_t)conf->portal_port, false, true, e) != 0)
		return -1;
	if (conf->plain_port &&
	    mst_http_listen(lane->http, MST_GATE_PLAIN, conf->plain_address, (uint16_t)conf->plain_port, false, false, e) != 0)
		return -1;
	/* Operators are few: the control socket is the first loop's. */
	if (index == 0 && mst_http_listen(lane->http, MST_GATE_CONTROL, conf->control_path, 0, true, false, e) != 0)
		return -1;
	return 0;
}

static void *run(void *context)
{
	struct mst_lane_loop *lane = context;

	if (mst_loop_run(lane->loop, &lane->err) != 0) {
		mst_log(ERROR, "an event loop failed", mst_f_u64("loop", lane->index), mst_f_err(&lane->err));
		kill(getpid(), SIGTERM); /* the other loops finish what they have */
	}
	return NULL;
}

int mst_lane_start(struct mst_lane_loop *lane, struct mst_err *e)
{
	int rc = pthread_create(&lane->thread, NULL, run, lane);

	if (rc != 0)
		return mst_fail_sys(e, rc, "cannot start the thread of loop %u", lane->index);
	lane->has_thread = true;
	rc = pthread_getcpuclockid(lane->thread, &lane->clock);
	return rc == 0 ? 0 : mst_fail_sys(e, rc, "cannot read the clock of loop %u", lane->index);
}

static void on_drain_look(struct mst_timer *timer)
{
	struct mst_lane_loop *lane = MST_HOME(timer, struct mst_lane_loop, drain_timer);
	bool is_done = mst_http_busy(lane->http) == 0 && mst_net_open(lane->net) == 0;

	if (is_done || mst_clock_ms() >= lane->drain_until_ms) {
		mst_fetcher_stop(lane->app.fetcher); /* who asked can still be told */
		mst_loop_stop(lane->loop);
	} else
		mst_timer_set(lane->loop, &lane->drain_timer, DRAIN_LOOK_MS);
}

static void on_drain(struct mst_mail *mail)
{
	struct mst_lane_loop *lane = MST_HOME(mail, struct mst_lane_loop, drain_mail);

	lane->app.is_draining = true;
	lane->drain_until_ms = mst_clock_ms() + lane->facts->conf->drain_s * 1000ull;
	mst_net_hush(lane->net);
	mst_http_drain(lane->http);
	mst_seen_flush(lane->seen);
	lane->drain_timer.on_due = on_drain_look;
	mst_timer_set(lane->loop, &lane->drain_timer, 0);
}

void mst_lane_drain(struct mst_lane_loop *lane)
{
	if (!lane->has_thread)
		return;
	lane->drain_mail.on_mail = on_drain;
	mst_loop_post(lane->loop, &lane->drain_mail);
}

void mst_lane_join(struct mst_lane_loop *lane)
{
	if (!lane->has_thread)
		return;
	pthread_join(lane->thread, NULL);
	lane->has_thread = false;
}

void mst_lane_free(struct mst_lane_loop *lane)
{
	mst_enroll_free(&lane->app.enroll);
	mst_scep_free(&lane->scep);
	mst_seen_free(&lane->seen);
	mst_fetcher_free(&lane->app.fetcher);
	mst_net_free(&lane->net);
	mst_http_free(&lane->http);
	mst_barred_free(&lane->app.barred);
	mst_vouched_free(&lane->app.vouched);
	mst_loop_free(&lane->loop);
}
