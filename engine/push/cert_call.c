/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/pushcert and /v1/pushkey: operators bring credentials for the push service, look at them, take them back. Each request is one
 * turn on a worker; what changed is durable before the push engine is told to read it and before the answer leaves.
 */
#include <time.h>

#include "muster/clock.h"
#include "muster/json.h"
#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define ROOM         ((size_t)4 << 20) /* a list of some thousand credentials, and JSON of it */
#define BODY_DEPTH   2
#define APPLE_ID_LEN 10 /* of key and team identifiers */

struct cert_ask {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_job job;
	struct mst_arena arena; /* the worker's, until it is home */
	int (*work)(struct cert_ask *ask, struct mst_err *e);
	int rc;
	struct mst_read read;
	struct mst_slice topic; /* asked for; empty: all */
	enum mst_push_env env;
	bool is_found, is_changed;
	struct mst_json json;
	struct mst_slice body;
};

static void on_worker(struct mst_job *job)
{
	struct cert_ask *ask = MST_HOME(job, struct cert_ask, job);

	mst_json_begin(&ask->json, &ask->arena);
	ask->rc = ask->work(ask, &ask->x->err);
	if (ask->rc == 0)
		ask->rc = mst_json_end(&ask->json, &ask->body, &ask->x->err);
}

static void on_ran(struct mst_job *job)
{
	struct cert_ask *ask = MST_HOME(job, struct cert_ask, job);

	mst_arena_adopt(&ask->x->arena, &ask->arena);
	mst_xchg_resume(ask->x);
}

/* 0, -1 with x->err. */
static int read_query(struct cert_ask *ask)
{
	struct mst_xchg *x = ask->x;
	struct mst_slice word;

	if (mst_xchg_query(x, &ask->topic, MST_S("topic")) && (ask->topic.len == 0 || ask->topic.len > MST_TOPIC_MAX))
		return mst_fail(&x->err, MST_E_SYNTAX, "a topic has 1 to %d bytes", MST_TOPIC_MAX);
	if (!mst_xchg_query(x, &word, MST_S("environment")) || mst_slice_eq(word, MST_S("production")))
		return 0;
	if (!mst_slice_eq(word, MST_S("sandbox")))
		return mst_fail(&x->err, MST_E_SYNTAX, "environment is production or sandbox");
	ask->env = MST_PUSH_SANDBOX;
	return 0;
}

static enum mst_step turn(struct mst_xchg *x, int (*work)(struct cert_ask *ask, struct mst_err *e))
{
	struct cert_ask *ask;

	if (x->arena.limit < ROOM)
		x->arena.limit = ROOM;
	ask = mst_arena_zero(&x->arena, sizeof(*ask));
	if (!ask)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	ask->x = x;
	ask->app = x->app;
	ask->work = work;
	x->state = ask;
	if (read_query(ask) < 0)
		return mst_xchg_fail(x);
	mst_arena_init(&ask->arena, NULL, ROOM);
	ask->job = (struct mst_job){.home = ask->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(ask->app->work, MST_LANE_FAST, &ask->job, &x->err) < 0 ? mst_xchg_fail(x) : STEP_WAIT;
}

static void tell(struct mst_json *j, const struct mst_pushcert *c)
{
	mst_json_text(j, "topic", c->topic);
	mst_json_time(j, "not_after", c->not_after * 1000);
	mst_json_time(j, "not_before", c->not_before * 1000);
	mst_json_text(j, "environment", c->env == MST_PUSH_SANDBOX ? MST_S("sandbox") : MST_S("production"));
	mst_json_text(j, "kind", c->is_token ? MST_S("key") : MST_S("certificate"));
	mst_json_hex(j, "sha256", mst_slice(c->sha256, sizeof(c->sha256)));
	if (c->is_token) {
		mst_json_text(j, "key_id", c->key_id);
		mst_json_text(j, "team_id", c->team_id);
	}
	mst_json_time(j, "put_at", c->put_ms);
}

static int list_plan(struct mst_read *r)
{
	struct cert_ask *ask = MST_HOME(r, struct cert_ask, read);
	struct mst_walk w = {.r = NULL};
	struct mst_pushcert c;
	int rc;

	mst_json_begin(&ask->json, r->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_open_array(&ask->json, "pushcerts");
	while ((rc = mst_pushcert_next(&w, r, &c, NULL)) == 1) {
		mst_json_open(&ask->json, NULL);
		tell(&ask->json, &c);
		mst_json_close(&ask->json);
	}
	mst_walk_done(&w);
	mst_json_close(&ask->json);
	mst_json_close(&ask->json);
	return rc;
}

static int get_plan(struct mst_read *r)
{
	struct cert_ask *ask = MST_HOME(r, struct cert_ask, read);
	struct mst_pushcert c;
	int rc = mst_pushcert_get(r, &c, ask->topic, NULL);

	if (rc == 0)
		return mst_fail(&r->err, MST_E_ABSENT, "no credential for this topic");
	if (rc != 1)
		return rc;
	mst_json_begin(&ask->json, r->arena);
	mst_json_open(&ask->json, NULL);
	tell(&ask->json, &c);
	mst_json_close(&ask->json);
	return 0;
}

static int read_here(struct cert_ask *ask, int (*plan)(struct mst_read *r), struct mst_err *e)
{
	ask->read = (struct mst_read){.arena = &ask->arena, .plan = plan};
	if (mst_store_read_here(ask->app->store, &ask->read) == 0)
		return 0;
	*e = ask->read.err;
	return -1;
}

static int commit(struct cert_ask *ask, struct mst_batch *b, struct mst_err *e)
{
	if (mst_store_commit_here(ask->app->store, b) == 0) {
		ask->is_changed = true;
		return 0;
	}
	*e = b->err;
	return -1;
}

static int look_work(struct cert_ask *ask, struct mst_err *e)
{
	return read_here(ask, ask->topic.len ? get_plan : list_plan, e);
}

enum mst_step mst_push_cert_look(struct mst_xchg *x)
{
	return turn(x, look_work);
}

static int drop_work(struct cert_ask *ask, struct mst_err *e)
{
	struct mst_batch b;

	if (ask->topic.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "which topic? ?topic=");
	if (read_here(ask, get_plan, e) < 0)
		return -1;
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	mst_pushcert_drop(&b, ask->topic);
	if (commit(ask, &b, e) < 0)
		return -1;
	mst_log(INFO, "push credential dropped", mst_f_str("who", ask->x->who), mst_f_slice("topic", ask->topic));
	return 0;
}

enum mst_step mst_push_cert_drop(struct mst_xchg *x)
{
	return turn(x, drop_work);
}

static void wipe(struct mst_slice secret)
{
	if (secret.len)
		mst_wipe((void *)(uintptr_t)secret.at, secret.len);
}

static int store(struct cert_ask *ask, struct mst_pushcert *c, struct mst_err *e)
{
	struct mst_batch b;

	c->put_ms = mst_clock_wall_ms();
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	if (mst_pushcert_put(&b, c, ask->app->seal, e) < 0 || commit(ask, &b, e) < 0)
		return -1;
	mst_log(INFO, "push credential stored", mst_f_str("who", ask->x->who), mst_f_slice("topic", c->topic),
		mst_f_str("kind", c->is_token ? "key" : "certificate"), mst_f_hex("sha256", mst_slice(c->sha256, sizeof(c->sha256))),
		mst_f_i64("not_after", c->not_after));
	mst_json_open(&ask->json, NULL);
	tell(&ask->json, c);
	mst_json_close(&ask->json);
	return 0;
}

static int cert_work(struct cert_ask *ask, struct mst_err *e)
{
	struct mst_pushcert c = {.key_pem = {NULL, 0}};
	int rc = mst_pushcert_read(&c, &ask->arena, ask->x->in.body, e);

	wipe(ask->x->in.body);
	if (rc < 0 && e->code == MST_E_TYPE)
		e->code = MST_E_SYNTAX; /* it is about the certificate, not about a content type */
	if (rc == 0 && c.not_after * 1000 <= mst_clock_wall_ms())
		rc = mst_fail(e, MST_E_SYNTAX, "the certificate has expired");
	c.env = ask->env;
	if (rc == 0)
		rc = store(ask, &c, e);
	wipe(c.key_pem);
	return rc;
}

enum mst_step mst_push_cert_put(struct mst_xchg *x)
{
	return turn(x, cert_work);
}

static int read_apple_id(struct mst_slice *out, const struct mst_json_value *root, const char *key, struct mst_err *e)
{
	if (mst_json_get_text0(root, out, key, e) < 0)
		return -1;
	for (size_t i = 0; i < out->len; i++)
		if ((out->at[i] < '0' || out->at[i] > '9') && (out->at[i] < 'A' || out->at[i] > 'Z'))
			return mst_fail(e, MST_E_SYNTAX, "%s has digits and capital letters", key);
	return out->len == APPLE_ID_LEN ? 0 : mst_fail(e, MST_E_SYNTAX, "%s has %d characters", key, APPLE_ID_LEN);
}

static int read_env(enum mst_push_env *out, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_slice word;
	int rc = mst_json_get_text0(root, &word, "environment", e);

	if (rc < 0)
		return -1;
	*out = mst_slice_eq(word, MST_S("sandbox")) ? MST_PUSH_SANDBOX : MST_PUSH_PRODUCTION;
	if (rc == 1 && *out == MST_PUSH_PRODUCTION && !mst_slice_eq(word, MST_S("production")))
		return mst_fail(e, MST_E_SYNTAX, "environment is production or sandbox");
	return 0;
}

/* What Apple gives out is a P-256 key: ES256 is the only algorithm the service takes. */
static int read_key(struct mst_pushcert *out, struct mst_arena *arena, struct mst_slice text, struct mst_err *e)
{
	uint32_t rsa_bits, ec_bits;
	struct mst_slice spki;
	struct mst_key *key = NULL;
	int rc;

	if (mst_key_read(&key, text, e) < 0)
		return -1;
	rc = mst_key_spki(&spki, arena, key, e) < 0 || mst_key_check(&rsa_bits, &ec_bits, spki, e) < 0 ? -1 : 0;
	if (rc == 0 && ec_bits != 256)
		rc = mst_fail(e, MST_E_SYNTAX, "the key is not one for P-256");
	if (rc == 0) {
		mst_sha256(out->sha256, spki);
		rc = mst_key_pem(&out->key_pem, arena, key, e);
	}
	mst_key_free(&key);
	return rc;
}

static bool is_topic(struct mst_slice topic)
{
	for (size_t i = 0; i < topic.len; i++)
		if (topic.at[i] <= ' ' || topic.at[i] >= 0x7f)
			return false;
	return topic.len > 0 && topic.len <= MST_TOPIC_MAX;
}

static int read_wish(struct mst_pushcert *out, struct mst_arena *arena, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_slice text;

	*out = (struct mst_pushcert){.is_token = true};
	if (mst_json_get_text0(root, &out->topic, "topic", e) < 0)
		return -1;
	if (!is_topic(out->topic))
		return mst_fail(e, MST_E_SYNTAX, "topic has 1 to %d visible ASCII characters", MST_TOPIC_MAX);
	if (mst_slice_starts(out->topic, MST_S("com.apple.mgmt.")))
		return mst_fail(e, MST_E_SYNTAX, "Apple takes certificates for MDM topics, not keys");
	if (read_apple_id(&out->key_id, root, "key_id", e) < 0 || read_apple_id(&out->team_id, root, "team_id", e) < 0 ||
	    read_env(&out->env, root, e) < 0 || mst_json_get_text0(root, &text, "key", e) < 0)
		return -1;
	if (text.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "no key: the text of the .p8 file");
	return read_key(out, arena, text, e);
}

static int key_work(struct cert_ask *ask, struct mst_err *e)
{
	const struct mst_slice body = ask->x->in.body;
	struct mst_json_value *root = NULL;
	struct mst_pushcert c = {.key_pem = {NULL, 0}};
	int rc = mst_json_parse(&root, body, body.len, BODY_DEPTH, e);

	wipe(body);
	if (rc == 0)
		rc = read_wish(&c, &ask->arena, root, e);
	if (rc == 0)
		rc = store(ask, &c, e);
	wipe(c.key_pem);
	mst_json_free(&root);
	return rc;
}

enum mst_step mst_push_key_put(struct mst_xchg *x)
{
	return turn(x, key_work);
}

enum mst_step mst_push_cert_told(struct mst_xchg *x)
{
	struct cert_ask *ask = x->state;

	if (ask->is_changed && ask->app->push)
		mst_push_reload(ask->app->push);
	return ask->rc < 0 ? mst_xchg_fail(x) : mst_xchg_answer(x, 200, MST_JSON_TYPE, ask->body);
}
