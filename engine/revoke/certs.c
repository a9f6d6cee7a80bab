/* SPDX-License-Identifier: Apache-2.0 */
/* The list of issued certificates, and one of them: read on a worker, told as JSON. */
#include "muster/clock.h"
#include "muster/text.h"
#include "own.h"

#define ROOM          ((size_t)64 << 20) /* a page of a thousand records and its JSON have 2 MiB */
#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define SCAN_MAX      50000 /* records one page looks at, however few of them match */

struct certs {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_read read;
	struct mst_job job;
	struct mst_arena arena;
	struct mst_json json;
	struct mst_slice body;
	struct mst_slice name;      /* one authority; empty: all */
	uint8_t authority[16], serial[16];
	struct mst_slice cursor;    /* NAME:SERIAL as given */
	uint8_t cursor_authority[16], cursor_serial[16];
	struct mst_slice state;     /* empty: any */
	uint64_t limit;
	uint32_t num_seen, num_told;
	int64_t now_s;
};

static struct certs *of(struct mst_read *r)
{
	return MST_HOME(r, struct certs, read);
}

static void on_worker(struct mst_job *job)
{
	struct certs *c = MST_HOME(job, struct certs, job);
	c->read.rc = mst_store_read_here(c->app->store, &c->read);
}

static void on_ran(struct mst_job *job)
{
	struct certs *c = MST_HOME(job, struct certs, job);
	mst_arena_adopt(&c->x->arena, &c->arena);
	mst_xchg_resume(c->x);
}

static enum mst_step ask(struct certs *c, int (*plan)(struct mst_read *r))
{
	mst_arena_init(&c->arena, NULL, ROOM / 2);
	c->read = (struct mst_read){.arena = &c->arena, .plan = plan};
	c->job = (struct mst_job){.home = c->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(c->app->work, MST_LANE_BULK, &c->job, &c->x->err) < 0 ? mst_xchg_fail(c->x) : STEP_WAIT;
}

static struct certs *certs_new(struct mst_xchg *x)
{
	struct certs *c;

	if (x->arena.limit < ROOM)
		x->arena.limit = ROOM;
	c = mst_arena_zero(&x->arena, sizeof(*c));
	if (!c) {
		mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
		return NULL;
	}
	c->x = x;
	c->app = x->app;
	c->now_s = mst_clock_wall_ms() / 1000;
	x->state = c;
	return c;
}

static int read_cursor(struct certs *c)
{
	struct mst_slice name, hex;

	if (!mst_slice_cut(&name, &hex, c->cursor, ':') || mst_parts_serial(c->cursor_serial, hex, NULL) < 0)
		return mst_fail(&c->x->err, MST_E_SYNTAX, "that is no cursor of ours");
	mst_authority_id(c->cursor_authority, name);
	return 0;
}

static int read_query(struct certs *c)
{
	struct mst_xchg *x = c->x;
	struct mst_slice text;

	c->limit = LIMIT_DEFAULT;
	if (mst_xchg_query(x, &text, MST_S("limit")) &&
	    (mst_slice_u64(&c->limit, text, &x->err) < 0 || c->limit == 0 || c->limit > LIMIT_MAX))
		return mst_fail(&x->err, MST_E_SYNTAX, "limit is 1 to %d", LIMIT_MAX);
	if (mst_xchg_query(x, &c->state, MST_S("state")) && !mst_slice_eq(c->state, MST_S("valid")) &&
	    !mst_slice_eq(c->state, MST_S("revoked")) && !mst_slice_eq(c->state, MST_S("expired")))
		return mst_fail(&x->err, MST_E_SYNTAX, "state is valid, revoked or expired");
	if (mst_xchg_query(x, &c->name, MST_S("authority")))
		mst_authority_id(c->authority, c->name);
	return mst_xchg_query(x, &c->cursor, MST_S("cursor")) ? read_cursor(c) : 0;
}

static bool is_full(const struct certs *c)
{
	return c->num_told >= c->limit || c->num_seen >= SCAN_MAX;
}

static void tell(struct certs *c, const struct mst_issued *i, struct mst_slice authority)
{
	c->num_seen++;
	if (c->state.len && !mst_slice_eq(c->state, mst_slice_str(mst_parts_state(i, c->now_s))))
		return;
	c->num_told++;
	mst_json_open(&c->json, NULL);
	mst_parts_put(&c->json, i, authority, c->now_s);
	mst_json_close(&c->json);
}

/* 0 at the end, 1 when the page is full: the last one's number is in c->serial. */
static int list_one(struct mst_read *r, const struct mst_authority *a, struct mst_slice from)
{
	struct certs *c = of(r);
	struct mst_walk walk = {.r = NULL};
	struct mst_issued issued;
	int rc;

	while ((rc = mst_issued_next(&walk, r, &issued, a->id, from, NULL)) == 1) {
		if (is_full(c))
			break;
		tell(c, &issued, a->name);
		memcpy(c->serial, issued.serial, sizeof(c->serial));
	}
	mst_walk_done(&walk);
	return rc;
}

static int put_next(struct certs *c, struct mst_slice name, bool is_more)
{
	char hex[33];
	struct mst_slice next;

	mst_json_close(&c->json);
	if (is_more) {
		mst_hex_put(hex, mst_slice(c->serial, sizeof(c->serial)));
		if (!mst_arena_format(&c->arena, &next, "%.*s:%.32s", (int)name.len, (const char *)name.at, hex))
			return mst_fail(&c->read.err, MST_E_BUSY, "out of memory");
		mst_json_text(&c->json, "next", next);
	} else {
		mst_json_null(&c->json, "next");
	}
	mst_json_close(&c->json);
	return mst_json_end(&c->json, &c->body, &c->read.err);
}

/* Of all authorities, those before the cursor's are behind us. */
static int list_all(struct mst_read *r, struct mst_slice *last)
{
	struct certs *c = of(r);
	struct mst_walk walk = {.r = NULL};
	struct mst_authority a;
	int rc;

	while ((rc = mst_authority_next(&walk, r, &a, NULL)) == 1) {
		int where = c->cursor.len ? memcmp(a.id, c->cursor_authority, 16) : 1;
		if (where < 0 || (c->name.len && memcmp(a.id, c->authority, 16) != 0))
			continue;
		*last = a.name;
		rc = list_one(r, &a, mst_slice(c->cursor_serial, where == 0 ? sizeof(c->cursor_serial) : 0));
		if (rc != 0)
			break;
	}
	mst_walk_done(&walk);
	return rc;
}

static int list_plan(struct mst_read *r)
{
	struct certs *c = of(r);
	struct mst_slice last = {NULL, 0};
	int rc;

	mst_json_begin(&c->json, r->arena);
	mst_json_open(&c->json, NULL);
	mst_json_open_array(&c->json, "certificates");
	c->num_seen = c->num_told = 0;
	rc = list_all(r, &last);
	if (rc < 0)
		return rc;
	if (c->name.len && last.len == 0)
		return mst_fail(&r->err, MST_E_ABSENT, "unknown authority");
	return put_next(c, last, rc == 1);
}

enum mst_step mst_certs_list(struct mst_xchg *x)
{
	struct certs *c = certs_new(x);

	if (!c)
		return STEP_REPLY;
	return read_query(c) < 0 ? mst_xchg_fail(x) : ask(c, list_plan);
}

static int show_plan(struct mst_read *r)
{
	struct certs *c = of(r);
	struct mst_issued issued;
	struct mst_slice pem;
	int rc = mst_issued_get(r, &issued, c->authority, c->serial, NULL);

	if (rc != 1)
		return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "unknown certificate") : rc;
	if (mst_pem_put(&pem, r->arena, "CERTIFICATE", issued.cert, &r->err) < 0)
		return -1;
	mst_json_begin(&c->json, r->arena);
	mst_json_open(&c->json, NULL);
	mst_parts_put(&c->json, &issued, c->name, c->now_s);
	mst_json_text(&c->json, "certificate", pem);
	mst_json_close(&c->json);
	return mst_json_end(&c->json, &c->body, &r->err);
}

enum mst_step mst_certs_show(struct mst_xchg *x)
{
	struct certs *c = certs_new(x);

	if (!c)
		return STEP_REPLY;
	return mst_parts_cert(x, &c->name, c->authority, c->serial) < 0 ? mst_xchg_fail(x) : ask(c, show_plan);
}

enum mst_step mst_certs_told(struct mst_xchg *x)
{
	struct certs *c = x->state;

	if (c->read.rc < 0) {
		x->err = c->read.err;
		return mst_xchg_fail(x);
	}
	return mst_xchg_answer(x, 200, MST_JSON_TYPE, c->body);
}
