/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: an address taken apart, a request on its way, an answer being read. */
#ifndef FETCH_OWN_H
#define FETCH_OWN_H

#include "muster/buf.h"
#include "muster/fetch.h"
#include "muster/http1.h"

#define URL_MAX       16384 /* a message of SCEP within it */
#define HOST_MAX      253   /* RFC 1035 2.3.4 */
#define ADDRESSES_MAX 8
#define HEAD_MAX      32768
#define HEADERS_MAX   64
#define INTERIM_MAX   8     /* answers of 1xx before the true one */
#define CA_MAX        (1u << 20)

struct fetch_url {
	bool is_secure, is_address;
	uint16_t port;
	char host[HOST_MAX + 1];       /* terminated, without brackets */
	struct mst_slice authority;    /* as Host wants it; lends the URL */
	struct mst_slice target;       /* path and query, or a query alone, or empty; lends the URL */
};
/* url.c: RFC 3986, http and https with a host and nothing that a client must not send. -1 SYNTAX. */
int mst_url_parse(struct fetch_url *out, struct mst_slice url, struct mst_err *e) MST_MUST;

/* prepare.c: what may take long, on a worker: names, and the CAs that came with the request. */
struct fetch_prepare {
	struct mst_job job;
	char host[HOST_MAX + 1];
	uint16_t port;
	struct mst_buf ca_pem;         /* a copy: whoever asked may be gone */
	struct mst_addr found[ADDRESSES_MAX];
	uint32_t num_found;
	struct mst_trust *trust;
	int rc;
	struct mst_err err;
};
void mst_prepare_run(struct mst_job *job);

/* answer.c: the bytes of an answer, as they come. */
struct fetch_answer {
	struct mst_buf in, body;
	struct mst_http1_scan scan;
	struct mst_http1_head head;
	struct mst_http1_chunks chunks;
	uint64_t left;
	uint32_t num_interim, max;
	bool has_head;
};
/* 1: complete; 0: more; -1 SYNTAX, TOO_BIG, BUSY. Headers go to `arena`. */
int mst_answer_take(struct fetch_answer *answer, struct mst_slice bytes, enum mst_method method, struct mst_arena *arena,
		    struct mst_err *e) MST_MUST;
/* No more bytes come. `is_whole`: the server said so itself (TLS), or cannot. 1: complete; -1 GONE: cut short. */
int mst_answer_end(const struct fetch_answer *answer, bool is_whole, struct mst_err *e) MST_MUST;
void mst_answer_done(struct fetch_answer *answer);

/* request.c: the request's bytes. -1 SYNTAX: a header that cannot be sent. */
int mst_request_write(struct mst_buf *out, const struct mst_fetch *f, const struct fetch_url *url, struct mst_err *e) MST_MUST;

#endif
