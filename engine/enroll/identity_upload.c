/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT /v1/users/{name}/certificates/{enrollment}: a user's own PKCS#12. {"file": base64, "password": text}. Without the password
 * the file waits, sealed, until a request brings it: {"password": text}.
 */
#include "identity_ask.h"
#include "muster/clock.h"
#include "muster/grow.h"
#include "muster/p12.h"
#include "muster/text.h"

#define FILE_MAX (256u << 10)
#define WAITS    "the password of the user's file is not known yet"

struct upload {
	struct identity_ask ask;
	struct mst_slice file, password; /* decoded; in the exchange's arena: wiped when done */
	bool has_password;
	uint8_t owner[16], enrollment[16], setting[16];
	struct mst_object object, user;
	struct mst_held held;
	int found;
};

static int plan(struct mst_read *r)
{
	struct upload *u = MST_HOME(MST_HOME(r, struct identity_ask, read), struct upload, ask);
	int rc = mst_object_get(r, &u->user, MST_NOUN_USER, u->owner, NULL);

	if (rc != 1)
		return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "there is no user of that name") : rc;
	rc = mst_object_get(r, &u->object, MST_NOUN_ENROLLMENT, u->enrollment, NULL);
	if (rc != 1)
		return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "there is no enrolment setting of that name") : rc;
	if (strcmp(u->object.shape->type, "user-provided") != 0)
		return mst_fail(&r->err, MST_E_CONFLICT, "the enrolment setting is of type %s: users provide nothing", u->object.shape->type);
	rc = mst_held_get(r, &u->held, u->owner, u->enrollment, u->setting, u->ask.app->seal);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	u->found = rc;
	return 0;
}

static int chain_of(struct mst_slice *out, struct mst_arena *arena, const struct mst_p12_identity *identity, struct mst_err *e)
{
	struct mst_grow grow;

	mst_grow_init(&grow, arena);
	for (size_t i = 0; i < identity->num_chain; i++)
		mst_grow_put(&grow, identity->chain[i]);
	return mst_grow_end(&grow, out, e);
}

/* Exactly one private key, and its certificate. */
static int open_file(struct upload *u, struct mst_slice file, struct mst_err *e)
{
	struct mst_held *h = &u->held;
	struct mst_arena *arena = &u->ask.arena;
	struct mst_p12 *p12 = mst_arena_get(arena, sizeof *p12);
	struct mst_p12_identity identity;
	struct mst_cert cert;
	struct mst_err why;

	if (!p12)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_p12_read(p12, arena, file, u->password, 0, &why) < 0 || mst_p12_identity(&identity, p12, &why) < 0 ||
	    mst_cert_parse(&cert, identity.cert, &why) < 0)
		return mst_fail(e, why.code == MST_E_BUSY ? MST_E_BUSY : MST_E_SYNTAX, "file: %s", why.text);
	if (cert.not_after <= mst_clock_wall_ms() / 1000)
		return mst_fail(e, MST_E_SYNTAX, "file: its certificate has expired");
	h->cert = identity.cert;
	h->key = identity.key;
	h->not_before = cert.not_before;
	h->not_after = cert.not_after;
	h->state = MST_HELD_READY;
	h->reason = mst_slice(NULL, 0);
	mst_sha256(h->inputs, identity.cert);
	return chain_of(&h->chain, arena, &identity, e);
}

static void close_file(struct upload *u)
{
	struct mst_held *h = &u->held;

	h->state = MST_HELD_WANTED;
	h->cert = h->chain = mst_slice(NULL, 0);
	h->key = u->file; /* sealed like a key */
	h->reason = MST_S(WAITS);
	h->not_before = h->not_after = 0;
}

static int fill(struct upload *u, struct mst_err *e)
{
	struct mst_held *h = &u->held;
	struct mst_slice waiting = u->found && h->state == MST_HELD_WANTED ? h->key : mst_slice(NULL, 0);
	struct mst_slice raw = u->found ? h->raw : mst_slice(NULL, 0);

	if (u->file.len == 0 && waiting.len == 0)
		return mst_fail(e, MST_E_CONFLICT, "no file waits for a password");
	*h = (struct mst_held){.is_user = true, .raw = raw};
	memcpy(h->owner, u->owner, sizeof h->owner);
	memcpy(h->enrollment, u->enrollment, sizeof h->enrollment);
	h->made_ms = h->changed_ms = mst_clock_wall_ms();
	if (u->has_password)
		return open_file(u, u->file.len ? u->file : waiting, e);
	if (open_file(u, u->file, e) == 0) /* some have an empty one */
		return 0;
	if (e->code == MST_E_BUSY)
		return -1;
	close_file(u);
	return 0;
}

static int write(struct upload *u, struct mst_err *e)
{
	struct identity_ask *ask = &u->ask;
	struct mst_batch b;

	mst_batch_init(&b, &ask->arena, NULL, NULL);
	mst_audit_add(&b, &(struct mst_audit){.at_ms = u->held.changed_ms, .who = ask->who, .action = MST_S("user's certificate uploaded"),
					      .what = ask->owner, .detail = ask->enrollment});
	if (mst_held_move(&b, &u->held, ask->app->seal, e) < 0)
		return -1;
	if (mst_store_commit_here(ask->app->store, &b) == 0)
		return 0;
	*e = b.err;
	return -1;
}

static int tell(struct upload *u, struct mst_err *e)
{
	struct mst_json *j = &u->ask.json;
	struct mst_cert cert;

	mst_json_begin(j, &u->ask.arena);
	mst_json_open(j, NULL);
	mst_json_text(j, "user", u->ask.owner);
	mst_json_text(j, "enrollment", u->ask.enrollment);
	mst_json_text(j, "state", mst_slice_str(mst_held_state_word(u->held.state)));
	mst_json_bool(j, "needs_password", u->held.state == MST_HELD_WANTED);
	if (u->held.cert.len && mst_cert_parse(&cert, u->held.cert, NULL) == 0) {
		mst_json_hex(j, "serial", cert.serial);
		mst_json_time(j, "not_after", cert.not_after * 1000);
	}
	mst_json_close(j);
	return mst_json_end(j, &u->ask.body, e);
}

static void wipe(struct mst_slice secret)
{
	if (secret.len)
		mst_wipe((void *)(uintptr_t)secret.at, secret.len);
}

static int work(struct identity_ask *ask, struct mst_err *e)
{
	struct upload *u = MST_HOME(ask, struct upload, ask);
	int rc = -1;

	for (int i = 0; i < MAKING_TRIES && rc < 0; i++) {
		ask->read = (struct mst_read){.arena = &ask->arena, .plan = plan};
		if (mst_store_read_here(ask->app->store, &ask->read) < 0) {
			*e = ask->read.err;
			break;
		}
		rc = fill(u, e) < 0 || write(u, e) < 0 ? -1 : 0;
		if (rc < 0 && e->code != MST_E_CONFLICT)
			break;
	}
	if (rc == 0) {
		mst_keeper_look(ask->app->keeper, &u->held); /* who delivers hears of it */
		rc = tell(u, e);
	}
	wipe(u->held.key);
	wipe(u->password);
	wipe(u->file);
	return rc;
}

static int file_take(struct upload *u, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_slice text;
	uint8_t *at;
	size_t len;
	int rc = mst_json_get_text0(root, &text, "file", e);

	if (rc <= 0)
		return rc;
	at = mst_arena_get(&u->ask.x->arena, MST_BASE64_ROOM(text.len));
	if (!at)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_base64_get(at, &len, text, NULL) < 0)
		return mst_fail(e, MST_E_SYNTAX, "file: PKCS#12 in base64");
	if (len > FILE_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "file: at most %u bytes", FILE_MAX);
	u->file = mst_slice(at, len);
	return 0;
}

static int take(struct upload *u, struct mst_xchg *x)
{
	struct mst_json_value *root = NULL;
	struct mst_slice text;
	int rc = mst_json_parse(&root, x->in.body, MST_IDENTITY_BODY_MAX, 4, &x->err);

	if (rc == 0)
		rc = file_take(u, root, &x->err);
	if (rc == 0) {
		rc = mst_json_get_text0(root, &text, "password", &x->err);
		u->has_password = rc == 1;
		if (rc == 1 && !mst_arena_copy(&x->arena, &u->password, text))
			rc = mst_fail(&x->err, MST_E_BUSY, "out of memory");
	}
	mst_json_free(&root);
	if (rc >= 0 && u->file.len == 0 && !u->has_password)
		return mst_fail(&x->err, MST_E_SYNTAX, "a file (PKCS#12 in base64), its password, or both");
	return rc < 0 ? -1 : 0;
}

enum mst_step mst_identities_upload(struct mst_xchg *x)
{
	struct upload *u = mst_identity_ask_new(x, sizeof *u);

	if (!u)
		return STEP_REPLY;
	if (mst_identity_part(x, &u->ask.owner, 2) < 0 || mst_identity_part(x, &u->ask.enrollment, 4) < 0 ||
	    mst_name_check(u->ask.owner, &x->err) < 0 || mst_name_check(u->ask.enrollment, &x->err) < 0 || take(u, x) < 0)
		return mst_xchg_fail(x);
	mst_object_id(u->owner, MST_NOUN_USER, u->ask.owner);
	mst_object_id(u->enrollment, MST_NOUN_ENROLLMENT, u->ask.enrollment);
	u->ask.log = "user's certificate uploaded";
	return mst_identity_turn(&u->ask, MST_LANE_FAST, work);
}
