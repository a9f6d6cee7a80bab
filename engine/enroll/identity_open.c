/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at a pair of owner and enrolment setting, judges what is to be done, and claims it when something is to be made. */
#include "identity_own.h"
#include "muster/clock.h"
#include "muster/keypool.h"
#include "muster/text.h"

static bool is_zero(const uint8_t id[static 16])
{
	static const uint8_t zero[16];

	return memcmp(id, zero, sizeof zero) == 0;
}

static int user_read(struct mst_making *m, struct mst_read *r, const uint8_t id[static 16])
{
	int rc = mst_object_get(r, &m->user_room, MST_NOUN_USER, id, NULL);

	m->user = rc == 1 ? &m->user_room : NULL;
	return rc == 1 ? 0 : rc;
}

static int device_read(struct mst_making *m, struct mst_read *r)
{
	struct mst_id id = {.channel = {0}};
	uint8_t user[16];
	int rc;

	memcpy(id.device, m->owner, sizeof id.device);
	rc = mst_detail_get(r, &m->device_room, &id);
	if (rc != 1)
		return rc == 0 ? mst_fail(&r->err, MST_E_GONE, "the device is gone") : rc;
	m->device = &m->device_room;
	if (m->device->user.len == 0 || m->device->user.len > MST_OBJECT_NAME_MAX)
		return 0;
	mst_object_id(user, MST_NOUN_USER, m->device->user);
	return user_read(m, r, user);
}

static bool is_users(const struct mst_object *o)
{
	const struct mst_value *value = mst_make_field(o, "is_user_certificate");

	return (value && value->number != 0) || strcmp(o->shape->type, "user-provided") == 0;
}

/* Who asks for a device gets the user's where the setting says so. */
static int owner_find(struct mst_making *m, struct mst_err *e)
{
	m->is_user = is_users(&m->object);
	if (m->is_user && !m->user)
		return mst_fail(e, MST_E_ABSENT, "a user's certificate, and the device has no user");
	if (m->is_user)
		memcpy(m->owner, m->user->id, sizeof m->owner);
	else
		memcpy(m->owner, m->device->id.device, sizeof m->owner);
	if (m->is_user) { /* no device's setting is in it */
		memset(m->setting, 0, sizeof m->setting);
		m->config_uuid = NULL;
	}
	return 0;
}

static int held_read(struct mst_making *m, struct mst_read *r)
{
	int rc = mst_held_get(r, &m->held, m->owner, m->enrollment, m->setting, m->app->seal);

	if (rc < 0 || rc == MST_LATER)
		return rc;
	m->found = rc;
	return 0;
}

/* The keeper knows the pair only. */
static int owner_read(struct mst_making *m, struct mst_read *r)
{
	int rc = held_read(m, r);

	if (rc != 0)
		return rc;
	if (!m->found)
		return mst_fail(&r->err, MST_E_GONE, "nothing is held there");
	m->is_user = m->held.is_user;
	rc = m->is_user ? user_read(m, r, m->owner) : device_read(m, r);
	if (rc == 0 && m->is_user && !m->user)
		return mst_fail(&r->err, MST_E_GONE, "the user is gone");
	if (rc != 0 || is_zero(m->setting))
		return rc;
	rc = mst_object_get(r, &m->setting_room, MST_NOUN_SETTING, m->setting, NULL);
	m->config_uuid = rc == 1 ? m->setting_room.uuid : NULL;
	return rc == 1 ? 0 : rc;
}

/* Somebody asks for a device; the keeper for one of which it knows no more than the id. */
static int asker_read(struct mst_making *m, struct mst_read *r)
{
	int rc = m->reads_owner ? device_read(m, r) : 0;

	if (rc != 0)
		return rc;
	return owner_find(m, &r->err) < 0 ? -1 : held_read(m, r);
}

/* Who a test certificate is for, if anybody. */
static int test_read(struct mst_making *m, struct mst_read *r)
{
	int rc = m->has_owner ? device_read(m, r) : 0;

	if (rc == 0 && m->has_user)
		rc = user_read(m, r, m->user_id);
	if (rc == 0 && m->has_user && !m->user)
		return mst_fail(&r->err, MST_E_ABSENT, "there is no user of that name");
	return rc;
}

static int plan(struct mst_read *r)
{
	struct mst_making *m = MST_HOME(r, struct mst_making, read);
	int rc = m->has_object ? 1 : mst_object_get(r, &m->object, MST_NOUN_ENROLLMENT, m->enrollment, m->app->seal);

	if (rc != 1)
		return rc == 0 ? mst_fail(&r->err, MST_E_GONE, "the enrolment setting is gone") : rc;
	if (m->is_test)
		return test_read(m, r);
	return m->reads_owner && m->why != WHY_ASKED ? owner_read(m, r) : asker_read(m, r);
}

static int look(struct mst_making *m, struct mst_err *e)
{
	m->now_ms = mst_clock_wall_ms();
	m->read = (struct mst_read){.arena = &m->arena, .plan = plan};
	if (mst_store_read_here(m->app->store, &m->read) == 0)
		return 0;
	*e = m->read.err;
	return -1;
}

static void make_begin(struct mst_making *m)
{
	m->make.app = m->app;
	m->make.arena = &m->arena;
	m->make.enrollment = &m->object;
	m->make.device = m->is_user ? NULL : m->device;
	m->make.user = m->user;
	m->make.of = &m->of;
	m->make.now_ms = m->now_ms;
	m->make.issuer = m->issuers && m->issuers->num ? m->issuers->rows[0] : NULL;
}

static bool is_rsa(enum mst_key_kind kind)
{
	return kind == MST_KEY_RSA2048 || kind == MST_KEY_RSA3072 || kind == MST_KEY_RSA4096;
}

static int key_spki(struct mst_making *m, struct mst_err *e)
{
	struct mst_key *key = NULL;
	int rc;

	if (mst_key_read(&key, m->make.key, e) < 0)
		return -1;
	rc = mst_key_spki(&m->make.spki, &m->arena, key, e);
	mst_key_free(&key);
	return rc;
}

/* The key is in the record before anything is made: who goes on after a crash asks for the same one. */
static int key_make(struct mst_making *m, struct mst_err *e)
{
	struct mst_pool_key key;
	uint32_t num = 0;

	if (m->make.key.len)
		return key_spki(m, e);
	if (is_rsa(m->make.kind) &&
	    mst_keypool_take(&key, &num, 1, &m->arena, m->app->store, m->app->seal, m->make.kind, e) < 0)
		return -1;
	if (num == 0 && mst_key_pair(&key.der, &key.spki, &m->arena, m->make.kind, e) < 0)
		return -1;
	m->make.key = key.der;
	m->make.spki = key.spki;
	return 0;
}

static void held_begin(struct mst_making *m)
{
	if (m->found)
		return;
	m->held = (struct mst_held){.is_user = m->is_user};
	memcpy(m->held.owner, m->owner, sizeof m->owner);
	memcpy(m->held.enrollment, m->enrollment, sizeof m->enrollment);
	memcpy(m->held.setting, m->setting, sizeof m->setting);
}

static void wait(struct mst_making *m, int64_t due_ms)
{
	m->verdict = VERDICT_WAIT;
	m->held.due_ms = due_ms;
}

static bool is_live(const struct mst_held *h)
{
	return h->state == MST_HELD_READY || h->state == MST_HELD_DELIVERED;
}

/* 1 the claim is ours, 0 not now, -1. */
static int claim(struct mst_making *m, struct mst_err *e)
{
	struct mst_held *h = &m->held;
	bool is_same = m->found && memcmp(h->inputs, m->inputs, sizeof m->inputs) == 0;
	bool goes_on = is_same && (h->state == MST_HELD_WANTED || h->state == MST_HELD_ASKED || h->state == MST_HELD_FAILED);
	struct mst_batch b;

	held_begin(m);
	if (is_live(h) && h->cert.len) {
		int rc = mst_record_older(m->app, &m->arena, h, e); /* one that waited: two cannot */
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		if (m->why == WHY_RENEW && is_same && h->key.len) {
			m->make.older_cert = h->cert;
			m->make.older_key = h->key;
		}
		mst_identity_past(h, m->why == WHY_RENEW);
	}
	m->make.key = goes_on ? h->key : mst_slice(NULL, 0);
	m->make.ticket = goes_on ? h->ticket : mst_slice(NULL, 0);
	if (mst_make_field(&m->object, "key") && key_make(m, e) < 0)
		return -1;
	h->state = m->make.ticket.len ? MST_HELD_ASKED : MST_HELD_WANTED;
	h->ticket = m->make.ticket;
	h->key = m->make.key;
	h->sealed = mst_slice(NULL, 0);
	h->is_early = m->found && m->why != WHY_ASKED ? h->is_early : m->is_early;
	memcpy(h->inputs, m->inputs, sizeof h->inputs);
	h->due_ms = m->now_ms + (m->maker->here ? LEASE_HERE_MS : LEASE_MS);
	h->changed_ms = m->now_ms;
	mst_batch_init(&b, &m->arena, NULL, NULL);
	if (mst_held_move(&b, h, m->app->seal, e) < 0 || mst_making_commit(m, &b, e) < 0)
		return -1;
	m->found = 1;
	return 1;
}

static bool may_try(const struct mst_making *m)
{
	const struct mst_held *h = &m->held;
	bool is_changed = m->object.changed_ms > h->changed_ms || (m->user && m->user->changed_ms > h->changed_ms);
	bool is_due = h->due_ms > 0 && m->now_ms >= h->due_ms;

	return is_changed || is_due || m->why == WHY_ANEW || memcmp(h->inputs, m->inputs, sizeof m->inputs) != 0;
}

/* What stands in the record against making it now: false, with the verdict. */
static bool judge_found(struct mst_making *m)
{
	struct mst_held *h = &m->held;
	bool is_same = memcmp(h->inputs, m->inputs, sizeof m->inputs) == 0;

	switch (h->state) {
	case MST_HELD_READY:
	case MST_HELD_DELIVERED:
		if (is_same && h->not_after > m->now_ms / 1000 && (h->key.len || !m->needs_key || !m->maker->makes) &&
		    m->why != WHY_RENEW && m->why != WHY_ANEW) {
			m->verdict = VERDICT_HAVE;
			return false;
		}
		return true;
	case MST_HELD_WANTED:
	case MST_HELD_ASKED:
		if (m->now_ms >= h->due_ms || m->is_boot || (h->state == MST_HELD_ASKED && !is_same))
			return true;
		m->verdict = VERDICT_WAIT;
		if (h->state == MST_HELD_WANTED)
			h->due_ms = m->now_ms + AGAIN_MS;
		return false;
	case MST_HELD_FAILED:
		if (may_try(m))
			return true;
		m->verdict = VERDICT_FAIL;
		mst_fail(&m->err, MST_E_CONFLICT, "%.*s", (int)h->reason.len, (const char *)h->reason.at);
		return false;
	case MST_HELD_REMOVED:
		return m->why == WHY_ASKED || m->why == WHY_ANEW || (m->verdict = VERDICT_FAIL, false);
	case MST_NUM_HELD_STATES:
		break;
	}
	return false;
}

static bool is_decentralized(const struct mst_object *o)
{
	const struct mst_value *mode = mst_make_field(o, "mode");

	return mode && mst_slice_eq(mode->text, MST_S("decentralized"));
}

/* The user's own file, if it was uploaded and could be opened. */
static void judge_provided(struct mst_making *m)
{
	m->verdict = VERDICT_FAIL;
	if (m->found && is_live(&m->held) && m->held.cert.len)
		m->verdict = VERDICT_HAVE;
	else if (m->found && m->held.reason.len)
		mst_fail(&m->err, MST_E_ABSENT, "%.*s", (int)m->held.reason.len, (const char *)m->held.reason.at);
	else
		m->maker->here(&m->make, &m->err);
}

/* Nothing is made, and the same for all: the record says who has it; the key stays in the setting. */
static int judge_file(struct mst_making *m, struct mst_err *e)
{
	if (m->maker->here(&m->make, e) < 0)
		return -1;
	if (!m->found || judge_found(m)) {
		held_begin(m);
		memcpy(m->held.inputs, m->inputs, sizeof m->inputs);
		m->verdict = VERDICT_MAKE;
	}
	m->held.key = m->make.key;
	return 0;
}

static void judge_made(struct mst_making *m)
{
	int rc;

	if (m->found && !judge_found(m))
		return;
	rc = claim(m, &m->err);
	m->verdict = rc == 1 ? VERDICT_MAKE : VERDICT_FAIL;
	if (rc == 0)
		wait(m, m->now_ms + AGAIN_MS);
}

static void judge_test(struct mst_making *m)
{
	m->make.is_test = true;
	if (!mst_make_field(&m->object, "key") || key_make(m, &m->err) == 0)
		m->verdict = VERDICT_MAKE;
}

/* An identity that is there does not go because a variable became empty. */
static void refuse(struct mst_making *m)
{
	bool is_there = m->is_test || (m->found && (is_live(&m->held) || m->held.state == MST_HELD_ASKED));

	m->verdict = VERDICT_FAIL;
	if (!is_there && m->err.code != MST_E_BUSY) {
		held_begin(m);
		mst_making_fail(m, false);
	}
}

static void once(struct mst_making *m)
{
	m->verdict = VERDICT_FAIL;
	m->err.code = MST_E_NONE;
	m->make = (struct mst_make){.rc = 0};
	if (look(m, &m->err) < 0)
		return;
	m->maker = mst_maker_find(&m->object);
	make_begin(m);
	if (m->maker->form == MST_IDENTITY_CLIENT)
		m->verdict = VERDICT_CLIENT;
	else if (mst_making_fill(m, &m->err) < 0)
		refuse(m);
	else if (is_decentralized(&m->object))
		m->verdict = VERDICT_TELL;
	else if (m->is_test)
		judge_test(m);
	else if (m->maker == &mst_maker_user)
		judge_provided(m);
	else if (m->maker == &mst_maker_file) {
		if (judge_file(m, &m->err) < 0)
			refuse(m);
	} else
		judge_made(m);
}

/* Told for real: a user's identity is shared by devices, so its own record says it here. */
static int note_told(struct mst_making *m, struct mst_err *e)
{
	struct mst_held *h = &m->held;
	struct mst_batch b;

	if (!m->is_user || m->is_early || m->why != WHY_ASKED || h->state == MST_HELD_DELIVERED)
		return 0;
	h->state = MST_HELD_DELIVERED;
	h->is_early = false;
	h->delivered_ms = h->changed_ms = m->now_ms;
	mst_batch_init(&b, &m->arena, NULL, NULL);
	if (mst_held_move(&b, h, m->app->seal, e) < 0)
		return -1;
	return mst_making_commit(m, &b, e);
}

static int have(struct mst_making *m, struct mst_err *e)
{
	if (mst_record_is_ours(m->held.authority) &&
	    mst_record_cert(m->app, &m->arena, &m->held, m->make.common_name, m->is_user ? m->user->name : m->device->text, e) < 0)
		return -1;
	return note_told(m, e);
}

void mst_making_open(struct mst_making *m)
{
	for (int i = 0; i < MAKING_TRIES; i++) {
		once(m);
		if (m->verdict == VERDICT_HAVE && have(m, &m->err) < 0)
			m->verdict = VERDICT_FAIL;
		if (m->verdict != VERDICT_FAIL || m->err.code != MST_E_CONFLICT || m->held.state == MST_HELD_FAILED)
			return;
	}
}

bool mst_making_keeps(const struct mst_making *m)
{
	return !m->is_user && (!m->keeps || m->keeps(m->device));
}

/* One of many: nothing is claimed, because nothing is made outside; the record itself is the claim, and the batch that loses makes
 * nothing true. */
int mst_making_ahead(struct mst_making *m, struct mst_batch *b)
{
	const struct mst_object pristine = m->object;
	struct mst_held *h = &m->held;
	int rc = 0;

	m->verdict = VERDICT_FAIL;
	m->err.code = MST_E_NONE;
	m->make = (struct mst_make){.rc = 0};
	if (look(m, &m->err) < 0)
		return m->err.code == MST_E_GONE ? 0 : -1;
	m->maker = mst_maker_find(&m->object);
	make_begin(m);
	if (!mst_making_keeps(m) || (m->found && h->state != MST_HELD_REMOVED && h->state != MST_HELD_FAILED))
		return 0;
	if (mst_making_fill(m, &m->err) < 0) {
		refuse(m);
	} else if (h->older_cert.len == 0 && key_make(m, &m->err) == 0) {
		held_begin(m);
		memcpy(h->inputs, m->inputs, sizeof h->inputs);
		h->is_early = true;
		m->make.rc = m->maker->here(&m->make, &m->err);
		rc = m->make.rc < 0 ? -1 : mst_making_put(m, b) < 0 ? -1 : 1;
	} else if (m->err.code != MST_E_NONE) {
		rc = -1;
	}
	m->object = pristine; /* of the next device */
	return rc;
}
