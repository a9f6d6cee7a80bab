/* SPDX-License-Identifier: Apache-2.0 */
/* The server edge of one loop: made, tuned, listening, draining, freed. */
#include <stdlib.h>

#include "muster/text.h"
#include "own.h"

#define LINE_LEAST 16384 /* a signature of a body travels in one header */

int mst_http_new(struct mst_http **out, struct mst_net *net, const struct mst_http_conf *conf,
		 const struct mst_http_hooks *hooks, struct mst_err *e)
{
	struct mst_http *http = calloc(1, sizeof(*http));
	uint32_t start;
	*out = NULL;
	if (!http)
		return mst_fail(e, MST_E_BUSY, "no memory for the HTTP edge");
	http->net = net;
	http->loop = mst_net_loop0(net);
	http->hooks = *hooks;
	http->edges = mst_slab_new(sizeof(struct http_edge), HTTP_EDGES_MAX);
	http->deals = mst_slab_new(sizeof(struct http_deal), HTTP_EDGES_MAX);
	if (!http->edges || !http->deals) {
		mst_http_free(&http);
		return mst_fail(e, MST_E_BUSY, "no memory for the HTTP edge");
	}
	/* Loops count their exchanges from different places, so that a log's ids differ. */
	mst_random(&start, sizeof(start));
	http->next_id = (uint64_t)start << 32 | 1;
	mst_http_tune(http, conf);
	*out = http;
	return 0;
}

void mst_http_tune(struct mst_http *http, const struct mst_http_conf *conf)
{
	http->conf = *conf;
	if (http->conf.line_max < LINE_LEAST)
		http->conf.line_max = LINE_LEAST;
	http->limits = (struct mst_http1_limits){
		.line_max = http->conf.line_max,
		.head_max = http->conf.head_max,
		.headers_max = http->conf.headers_max,
		.takes_bare_lf = http->conf.takes_bare_lf,
	};
}

/* An exchange whose walk never ended. */
static void free_deal(void *context, void *at, uint32_t slot)
{
	mst_deal_free(context, at);
}

void mst_http_free(struct mst_http **http)
{
	struct mst_http *gone = *http;
	if (!gone)
		return;
	*http = NULL;
	if (gone->deals)
		mst_slab_each(gone->deals, gone, free_deal);
	mst_slab_free(&gone->deals);
	mst_slab_free(&gone->edges);
	mst_chunks_done(&gone->chunks);
	for (size_t i = 0; i < MST_LEN(gone->tls); i++)
		mst_tls_ctx_free(&gone->tls[i]);
	free(gone);
}

int mst_http_listen(struct mst_http *http, enum mst_gate gate, const char *address, uint16_t port,
		    bool is_unix, bool is_tls, struct mst_err *e)
{
	BUG_ON(is_tls && !http->tls[gate]);
	if (http->num_doors == HTTP_DOORS_MAX)
		return mst_fail(e, MST_E_CONF, "more than %d listeners", HTTP_DOORS_MAX);
	struct http_door *door = &http->doors[http->num_doors];
	*door = (struct http_door){.http = http, .gate = gate, .is_tls = is_tls};
	struct mst_listen_conf conf = {
		.address = address,
		.port = port,
		.is_unix = is_unix,
		.first = is_tls ? MST_CONN_HELLO : MST_CONN_IDLE,
		.edge = &mst_http_edge,
		.up = door,
	};
	if (mst_net_listen(http->net, &conf, e) < 0)
		return -1;
	http->num_doors++;
	return 0;
}

void mst_http_set_tls(struct mst_http *http, enum mst_gate gate, struct mst_tls_ctx *ctx)
{
	mst_tls_ctx_free(&http->tls[gate]);
	http->tls[gate] = ctx;
}

static void drain(void *context, struct mst_conn *c)
{
	struct http_edge *edge = c->up;
	if (c->edge == &mst_http_edge && edge && edge->http == context && mst_edge_alive(edge))
		edge->framing->drain(edge);
}

void mst_http_drain(struct mst_http *http)
{
	http->is_draining = true;
	mst_net_each(http->net, http, drain);
}

uint32_t mst_http_busy(const struct mst_http *http)
{
	return http->num_busy;
}

uint64_t mst_http_mark(const struct mst_http *http)
{
	return http->next_id;
}

struct search {
	uint64_t mark;
	bool is_found;
};

static void look(void *context, void *at, uint32_t slot)
{
	struct search *search = context;
	const struct http_deal *deal = at;
	search->is_found |= deal->x.id < search->mark;
}

bool mst_http_is_past(struct mst_http *http, uint64_t mark)
{
	struct search search = {.mark = mark};
	mst_slab_each(http->deals, &search, look);
	return !search.is_found;
}
