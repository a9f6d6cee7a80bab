/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an exchange at the edge: a slot, a walk, one reply; or an orphan's end when its
 * connection is gone. */
#include "own.h"

#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"

static const char *const gate_words[MST_NUM_GATES] = {
	[MST_GATE_PORTAL] = "portal",
	[MST_GATE_SYNC] = "sync",
	[MST_GATE_PLAIN] = "plain",
	[MST_GATE_CONTROL] = "control",
};

static struct http_deal *home(struct mst_xchg *x)
{
	return MST_HOME(x, struct http_deal, x);
}

/* The walk is over. */
static void on_finished(struct mst_xchg *x, bool drop)
{
	struct http_deal *deal = home(x);
	struct mst_http *http = x->edge;
	http->num_busy--;
	deal->is_working = false;
	if (deal->edge && !drop)
		mst_deal_reply(deal); /* nothing, when the last stage has */
	if (deal->edge)
		deal->edge->framing->over(deal, drop);
	else
		mst_deal_free(http, deal);
}

struct http_deal *mst_deal_new(struct http_edge *edge)
{
	struct mst_http *http = edge->http;
	uint32_t slot;
	struct http_deal *deal = mst_slab_get(http->deals, &slot);
	if (!deal)
		return NULL;
	struct mst_xchg *x = &deal->x;
	deal->edge = edge;
	mst_arena_init(&x->arena, &http->chunks, (size_t)http->conf.arena_max + HTTP_BODY_ARENA);
	x->gate = edge->gate;
	x->addr = edge->conn->addr;
	x->local = edge->conn->local;
	x->peer = edge->tls ? mst_tls_peer0(edge->tls) : NULL;
	x->id = http->next_id++;
	x->app = http->hooks.app;
	x->keep = edge->keep;
	x->on_finished = on_finished;
	x->edge = http;
	x->slot = slot;
	x->gen = mst_slab_gen(http->deals, slot);
	return deal;
}

void mst_deal_free(struct mst_http *http, struct http_deal *deal)
{
	if (deal->lent)
		mst_lent_give(deal->lent);
	mst_buf_done(&deal->body);
	mst_arena_done(&deal->x.arena);
	mst_slab_put(http->deals, deal->x.slot);
}

void mst_deal_work(struct http_deal *deal)
{
	struct http_edge *edge = deal->edge;
	struct mst_xchg *x = &deal->x;
	x->in.body =
		deal->place ? mst_slice(deal->place, deal->body_len) : mst_buf_slice(&deal->body);
	x->began_ns = mst_clock_ns();
	edge->http->num_busy++;
	deal->is_working = true;
	mst_xchg_walk(x);
}

/* A walk under way goes on without its connection, or its stream; what it may still look at moves into the deal. */
void mst_deal_part(struct http_deal *deal)
{
	struct mst_xchg *x = &deal->x;
	struct mst_http *http = x->edge;
	struct http_edge *edge = deal->edge;
	if (!deal->is_working) {
		mst_deal_free(http, deal);
		return;
	}
	memcpy(deal->keep, edge->keep, sizeof(deal->keep));
	x->keep = deal->keep;
	if (x->peer) {
		deal->peer = *x->peer;
		x->peer = &deal->peer;
	}
	x->is_orphan = true;
	deal->edge = NULL;
}

/* A device's path may hold a secret, which the first stage takes out: a body that is refused before is known by its way. */
static struct mst_slice path_of(const struct mst_xchg *x)
{
	bool is_body = x->err.code == MST_E_TOO_BIG || x->err.code == MST_E_TIMEOUT;

	return is_body && x->way && x->way->has_plain_errors ? mst_slice_str(x->way->name) : x->in.path;
}

void mst_deal_log(const struct http_deal *deal)
{
	static _Thread_local struct mst_log_gate theirs, ours;
	const struct mst_xchg *x = &deal->x;
	bool is_ours = x->out.status == 500 || x->out.status == 503;
	enum mst_level level = is_ours ? MST_WARN : MST_INFO;
	char addr[MST_ADDR_ROOM];
	if (level < mst_log_least)
		return;
	mst_addr_put(addr, &x->addr);
	const struct mst_field fields[] = {
		mst_f_u64("id", x->id),
		mst_f_str("gate", gate_words[x->gate]),
		mst_f_str("peer", addr),
		mst_f_slice("path", path_of(x)),
		mst_f_str("who", x->who ? x->who : ""),
		mst_f_i64("status", x->out.status),
		mst_f_code(&x->err),
		mst_f_err(&x->err),
	};
	mst_log_write(level, is_ours ? &ours : &theirs,
		      is_ours ? "request failed" : "request refused", fields, MST_LEN(fields));
}

void mst_deal_reply(struct http_deal *deal)
{
	struct http_edge *edge = deal->edge;
	struct mst_xchg *x = &deal->x;
	struct mst_http *http = x->edge;
	if (deal->is_replied || !edge)
		return;
	deal->is_replied = true;
	if (x->out.status == 0)
		mst_xchg_refuse(x, MST_E_BUG, "a way ended without an answer");
	if (x->err.code != MST_E_NONE)
		mst_deal_log(deal);
	bool is_last = http->conf.requests_max && edge->num_requests >= http->conf.requests_max;
	deal->closes |= x->out.closes || http->is_draining || is_last || edge->has_ended;
	struct http_answer answer = {&x->out, x->in.method == MST_HEAD, deal->closes};
	struct mst_err e;
	if (mst_edge_alive(edge) && edge->framing->reply(deal, &answer, &e) < 0)
		mst_log_peer(WARN, "reply could not be written", mst_f_u64("id", x->id),
			     mst_f_code(&e), mst_f_err(&e));
	if (x->began_ns)
		mst_count_time(MST_H_REQUEST, mst_clock_ns() - x->began_ns);
}

void mst_deal_lend(struct http_deal *deal)
{
	deal->lent = deal->x.out.lent;
	mst_lent_take(deal->lent);
}

enum mst_step mst_http_stage_reply(struct mst_xchg *x)
{
	mst_deal_reply(home(x));
	return STEP_NEXT;
}
