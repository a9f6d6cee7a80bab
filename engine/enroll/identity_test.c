/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/enrollments/{name}/test: a certificate is issued as for a device, told, and revoked at once. Nobody holds it. */
#include "identity_ask.h"
#include "muster/log.h"

struct test {
	struct identity_ask ask; /* first: identities_told reads it */
	struct mst_making *making;
};

static void put_pem(struct test *test, const struct mst_making *m)
{
	struct mst_json *j = &test->ask.json;
	struct mst_slice pem;
	struct mst_cert cert;

	if (m->make.cert.len == 0 || mst_pem_put(&pem, &test->ask.x->arena, "CERTIFICATE", m->make.cert, &test->ask.x->err) < 0 ||
	    mst_cert_parse(&cert, m->make.cert, &test->ask.x->err) < 0)
		return;
	mst_json_text(j, "certificate", pem);
	mst_json_hex(j, "serial", cert.serial);
	mst_json_time(j, "not_before", cert.not_before * 1000);
	mst_json_time(j, "not_after", cert.not_after * 1000);
}

/* A challenge is good for a certificate: it is not shown. */
static void put_scep(struct test *test, const struct mst_making *m)
{
	struct mst_json *j = &test->ask.json;
	struct mst_slice subject = {NULL, 0};

	if (mst_make_dn(&subject, &m->make, &test->ask.x->err) < 0)
		return;
	mst_json_text(j, "scep_url", m->make.scep_url);
	mst_json_text(j, "scep_name", m->make.scep_name);
	mst_json_bool(j, "has_challenge", m->make.scep_challenge.len > 0);
	mst_json_text(j, "subject", subject);
}

static void finish(struct test *test, const char *revoked)
{
	struct identity_ask *ask = &test->ask;
	struct mst_making *m = test->making;

	mst_json_begin(&ask->json, &ask->x->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_text(&ask->json, "enrollment", m->object.name);
	if (m->verdict == VERDICT_TELL)
		put_scep(test, m);
	else
		put_pem(test, m);
	mst_json_text(&ask->json, "revoked", mst_slice_str(revoked));
	mst_json_close(&ask->json);
	ask->rc = mst_json_end(&ask->json, &ask->body, &ask->x->err);
	mst_making_free(m);
	mst_xchg_resume(ask->x);
}

static void on_revoked(struct mst_make *make)
{
	struct mst_making *m = MST_HOME(make, struct mst_making, make);

	if (make->rc < 0)
		mst_log(WARN, "a test certificate is not revoked at its CA", mst_f_slice("enrollment", m->object.name), mst_f_err(&make->err));
	finish(m->context, make->rc < 0 ? "no" : "yes");
}

static void on_over(struct mst_making *m)
{
	struct test *test = m->context;
	struct mst_err err;

	if (m->verdict != VERDICT_HAVE && m->verdict != VERDICT_TELL) {
		test->ask.rc = -1;
		test->ask.x->err = m->err;
		if (m->verdict == VERDICT_CLIENT)
			mst_fail(&test->ask.x->err, MST_E_CONFLICT, "client-provided: the client has the certificate, none is issued");
		else if (m->err.code == MST_E_STORE || m->err.code == MST_E_BUSY || m->err.code == MST_E_IO)
			test->ask.x->err.code = m->err.code;
		else /* what the CA said is the answer, not a failure of ours */
			test->ask.x->err.code = MST_E_CONFLICT;
		mst_making_free(m);
		mst_xchg_resume(test->ask.x);
		return;
	}
	if (m->verdict == VERDICT_TELL || !m->maker->makes) {
		finish(test, "not issued here");
		return;
	}
	if (mst_record_is_ours(m->held.authority)) {
		finish(test, "yes");
		return;
	}
	m->make.on_made = on_revoked;
	m->lost = m->held;
	if (!m->maker->revoke || m->maker->revoke(&m->make, &m->lost, &err) < 0)
		finish(test, "no");
}

/* Of whom, if of anybody: {"device": ..., "user": ...}. */
static int take(struct mst_making *m, struct mst_xchg *x)
{
	struct mst_json_value *root = NULL;
	struct mst_slice device = {NULL, 0}, user = {NULL, 0};
	struct mst_id id;
	int rc = 0;

	if (x->in.body.len == 0)
		return 0;
	if (mst_json_parse(&root, x->in.body, MST_IDENTITY_BODY_MAX, 4, &x->err) < 0)
		return -1;
	if (mst_json_get_text0(root, &device, "device", &x->err) < 0 || mst_json_get_text0(root, &user, "user", &x->err) < 0)
		rc = -1;
	if (rc == 0 && device.len) {
		rc = mst_id_from(&id, device, &x->err);
		memcpy(m->owner, id.device, sizeof m->owner);
		m->has_owner = true;
	}
	if (rc == 0 && user.len) {
		rc = mst_name_check(user, &x->err);
		if (rc == 0)
			mst_object_id(m->user_id, MST_NOUN_USER, user);
		m->has_user = true;
	}
	mst_json_free(&root);
	return rc;
}

enum mst_step mst_identities_test(struct mst_xchg *x)
{
	struct test *test = mst_identity_ask_new(x, sizeof *test);
	struct mst_making *m;

	if (!test)
		return STEP_REPLY;
	if (mst_identity_part(x, &test->ask.enrollment, 2) < 0 || mst_name_check(test->ask.enrollment, &x->err) < 0)
		return mst_xchg_fail(x);
	m = mst_making_new(test->ask.app);
	if (!m)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	mst_object_id(m->enrollment, MST_NOUN_ENROLLMENT, test->ask.enrollment);
	m->is_test = true;
	m->on_over = on_over;
	m->context = test;
	test->making = m;
	test->ask.log = "test certificate issued";
	if (take(m, x) < 0 || mst_making_start(m, MST_LANE_FAST, &x->err) < 0) {
		mst_making_free(m);
		return mst_xchg_fail(x);
	}
	return STEP_WAIT;
}
