/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange: one request and its answer, and the walk through the stages of its way.
 *
 * A way is a const row of stages. The walk enters them in order; the index grows before a stage is entered and never
 * shrinks, so a stage that waits is resumed one stage further and no stage runs twice. All memory of an exchange is its
 * arena. When the connection dies while a stage waits, the exchange becomes an orphan: the walk goes on (what was posted
 * must complete), the reply goes nowhere. One loop's thread.
 */
#ifndef MUSTER_XCHG_H
#define MUSTER_XCHG_H

#include "muster/arena.h"
#include "muster/header.h"
#include "muster/lent.h"
#include "muster/peer.h"

struct mst_xchg;

enum mst_step {
	STEP_NEXT,  /* enter the next stage */
	STEP_WAIT,  /* something was posted; mst_xchg_resume will be called, never from inside the stage */
	STEP_REPLY, /* jump to the way's last stage, which replies */
	STEP_DROP,  /* no answer: close the connection */
};

struct mst_stage {
	const char *name;
	enum mst_step (*enter)(struct mst_xchg *x);
};

struct mst_way {
	const char *name; /* for logs and metrics */
	const struct mst_stage *stages; /* the last one replies */
	uint8_t num_stages;
	bool has_plain_errors; /* errors answered as text (devices) instead of JSON (API) */
};

/* Which listener the request came through. */
enum mst_gate { MST_GATE_PORTAL, MST_GATE_SYNC, MST_GATE_PLAIN, MST_GATE_CONTROL, MST_NUM_GATES };

struct mst_request {
	enum mst_method method;
	struct mst_slice target; /* as sent */
	struct mst_slice path;   /* without query, percent-decoded, checked: starts with '/', no "..", no NUL, no empty part but a last one */
	struct mst_slice query;  /* raw, without '?' */
	const struct mst_header *headers;
	size_t num_headers;
	struct mst_slice body; /* one piece */
};

struct mst_reply {
	int status; /* 0: not set yet */
	const char *type; /* content type, constant; NULL with an empty body */
	struct mst_slice body;
	struct mst_lent *lent; /* whose bytes the body is, when it is longer-lived than the exchange; NULL: the exchange's */
	uint32_t retry_after_s; /* 0: none */
	bool closes;            /* the connection ends after this answer */
	struct mst_header extra[4]; /* further headers; name.len 0 ends */
};

#define MST_KEEP_ROOM 48

struct mst_xchg {
	struct mst_arena arena;
	struct mst_request in;
	struct mst_reply out;
	struct mst_err err; /* filled with the first failure; mst_xchg_refuse turns it into the answer */
	const struct mst_way *way;
	uint8_t at; /* index of the next stage */
	bool is_waiting, is_orphan, is_walking;
	enum mst_gate gate;
	struct mst_addr addr;
	struct mst_local local;
	const struct mst_peer *peer; /* NULL: no client certificate */
	uint64_t id;                 /* for logs; unique in the process */
	uint64_t began_ns;           /* when the request was complete */
	size_t body_max;             /* set by on_head; the edge refuses longer bodies */
	void *app;                   /* the program's services (struct mst_app of flow) */
	void *state;                 /* the way's own, in the arena */
	void *keep;                  /* MST_KEEP_ROOM bytes that live as long as the connection, zeroed at its start */
	const char *who;             /* constant or arena: the identity for logs, NULL none */
	/* The edge's own. */
	void (*on_finished)(struct mst_xchg *x, bool drop); /* the walk is over */
	void *edge;
	uint32_t slot, gen;
};

/* mst_xchg_walk starts or goes on; returns when a stage waits or the walk is over (on_finished was called then). */
void mst_xchg_walk(struct mst_xchg *x);
/* mst_xchg_resume goes on after a wait. From completions only. */
void mst_xchg_resume(struct mst_xchg *x);
/* mst_xchg_fail answers with x->err: status of its code, {"error": text} or plain text, Retry-After on 503. Returns STEP_REPLY.
 * Texts of our own failures (500, 503) are not shown to peers, only their word; the log has them. */
enum mst_step mst_xchg_fail(struct mst_xchg *x);
/* mst_xchg_refuse fills x->err (constant text) and is then as mst_xchg_fail. */
enum mst_step mst_xchg_refuse(struct mst_xchg *x, enum mst_code code, const char *text);
/* mst_xchg_answer sets status, type and body. Returns STEP_REPLY. */
enum mst_step mst_xchg_answer(struct mst_xchg *x, int status, const char *type, struct mst_slice body);
/* mst_xchg_header finds a header by its lower-case name; empty slice with at NULL when absent. */
struct mst_slice mst_xchg_header(const struct mst_xchg *x, struct mst_slice name);
/* mst_xchg_query finds a parameter of the query, percent-decoded into the arena. False when absent or malformed. */
bool mst_xchg_query(struct mst_xchg *x, struct mst_slice *out, struct mst_slice name);

#endif
