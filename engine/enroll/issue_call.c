/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/certificates: one certificate for the key of a request. Issued, recorded and told in one turn on a worker. */
#include "authority_ask.h"
#include "muster/clock.h"
#include "muster/csr.h"
#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define ROOM       ((size_t)2 << 20) /* the body, the certificate, its record, a chain and JSON of both */
#define JSON_DEPTH 4

struct issue_ask {
	struct mst_xchg *x;
	struct mst_app *app;
	/* wanted */
	struct mst_slice authority, common_name, device, organization, csr_pem;
	const char *dns[DNS_MAX + 1];
	struct mst_csr csr;
	const struct mst_issuer *issuer; /* of the loop's snapshot, which outlives the exchanges that began under it */
	/* a worker's turn */
	struct mst_job job;
	struct mst_arena arena; /* joins the exchange's at home */
	struct mst_read read;
	int rc;
	struct mst_authority one;
	struct mst_issued issued;
	struct mst_slice body;
};

static const char *const known_keys[] = {"authority", "common_name", "dns", "organization", "device", "csr"};

/* A word we do not know would be a wish that silently is not met. */
static bool on_member(void *context, struct mst_slice key, const struct mst_json_value *value)
{
	struct mst_slice *unknown = context;

	(void)value;
	for (size_t i = 0; i < MST_LEN(known_keys); i++)
		if (mst_slice_eq(key, mst_slice_str(known_keys[i])))
			return true;
	*unknown = key;
	return false;
}

static int check_text(struct mst_slice text, const char *key, size_t len_max, struct mst_err *e)
{
	bool is_fine = text.len >= 1 && text.len <= len_max && mst_utf8_ok(text);

	for (size_t i = 0; i < text.len && is_fine; i++)
		is_fine = text.at[i] >= 0x20 && text.at[i] != 0x7f;
	return is_fine ? 0 : mst_fail(e, MST_E_SYNTAX, "\"%s\" wants 1 to %zu printable bytes", key ? key : "dns", len_max);
}

/* Kept in the exchange, terminated; empty when it is not there. */
static int take_text(struct mst_slice *out, struct issue_ask *ask, const struct mst_json_value *root, const char *key, size_t len_max,
		     struct mst_err *e)
{
	struct mst_slice text;
	int rc = mst_json_get_text0(root, &text, key, e);

	if (rc <= 0)
		return rc;
	if (check_text(text, key, len_max, e) < 0)
		return -1;
	return mst_arena_copy(&ask->x->arena, out, text) ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static int take_dns(struct issue_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	const struct mst_json_value *list;
	struct mst_slice name = {NULL, 0};
	int rc = mst_json_get_array0(root, &list, "dns", e);

	if (rc <= 0)
		return rc;
	if (mst_json_num(list) > DNS_MAX)
		return mst_fail(e, MST_E_SYNTAX, "at most %d DNS names", DNS_MAX);
	for (size_t i = 0; i < mst_json_num(list); i++) {
		name = (struct mst_slice){NULL, 0};
		if (take_text(&name, ask, mst_json_at0(list, i), NULL, DNS_LEN_MAX, e) < 0)
			return -1;
		if (!name.len)
			return mst_fail(e, MST_E_SYNTAX, "\"dns\" wants names");
		ask->dns[i] = (const char *)name.at;
	}
	return 0;
}

static int take(struct issue_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_slice unknown = {NULL, 0}, csr;

	mst_json_each(root, &unknown, on_member);
	if (unknown.at)
		return mst_fail(e, MST_E_SYNTAX, "\"%.*s\" is not known here", (int)(unknown.len < 40 ? unknown.len : 40),
				(const char *)unknown.at);
	if (take_text(&ask->authority, ask, root, "authority", MST_AUTHORITY_NAME_MAX, e) < 0 ||
	    take_text(&ask->common_name, ask, root, "common_name", MST_NAME_MAX, e) < 0 ||
	    take_text(&ask->organization, ask, root, "organization", MST_NAME_MAX, e) < 0 ||
	    take_text(&ask->device, ask, root, "device", MST_ID_TEXT_MAX, e) < 0 || take_dns(ask, root, e) < 0 ||
	    mst_json_get_text0(root, &csr, "csr", e) < 0)
		return -1;
	if (!ask->authority.len || !ask->common_name.len || !csr.len)
		return mst_fail(e, MST_E_SYNTAX, "a certificate needs \"authority\", \"common_name\" and \"csr\"");
	return mst_arena_copy(&ask->x->arena, &ask->csr_pem, csr) ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static int read_body(struct issue_ask *ask, struct mst_err *e)
{
	struct mst_json_value *root = NULL;
	int rc = mst_json_parse(&root, ask->x->in.body, MST_AUTHORITY_BODY_MAX, JSON_DEPTH, e);

	if (rc == 0)
		rc = take(ask, root, e);
	mst_json_free(&root);
	return rc;
}

/* Whoever asks holds the private key: that is all the request is good for. */
static int open_csr(struct issue_ask *ask, struct mst_err *e)
{
	struct mst_slice label, der, text = ask->csr_pem;
	int rc = mst_pem_next(&label, &der, &text, &ask->arena, e);

	if (rc < 0)
		return -1;
	if (rc == 0 || (!mst_slice_eq(label, MST_S("CERTIFICATE REQUEST")) && !mst_slice_eq(label, MST_S("NEW CERTIFICATE REQUEST"))))
		return mst_fail(e, MST_E_SYNTAX, "\"csr\" wants a certificate request in PEM");
	if (mst_csr_read(&ask->csr, der, e) < 0)
		return -1;
	if (mst_csr_verify(&ask->csr, false, NULL) < 0)
		return mst_fail(e, MST_E_SYNTAX, "the request is not signed by its own key, or with an old hash");
	return 0;
}

static int look_plan(struct mst_read *r)
{
	struct issue_ask *ask = MST_HOME(r, struct issue_ask, read);
	uint8_t id[16];
	int rc;

	mst_authority_id(id, ask->authority);
	rc = mst_authority_get(r, &ask->one, id, NULL);
	return rc == 1 ? 0 : rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "unknown authority") : rc;
}

/* The record says what is true now, the snapshot has the keys. */
static int look(struct issue_ask *ask, struct mst_err *e)
{
	ask->read = (struct mst_read){.arena = &ask->arena, .plan = look_plan};
	if (mst_store_read_here(ask->app->store, &ask->read) < 0) {
		*e = ask->read.err;
		return -1;
	}
	if (ask->one.state != MST_AUTHORITY_ACTIVE)
		return mst_fail(e, MST_E_CONFLICT, "this authority is %s: it issues nothing", mst_authority_state_word(ask->one.state));
	return ask->issuer ? 0 : mst_fail(e, MST_E_BUSY, "this authority is not loaded yet");
}

static int issue(struct issue_ask *ask, struct mst_err *e)
{
	const struct mst_subject subject = {
		.common_name = (const char *)ask->common_name.at,
		.organization = ask->organization.len ? (const char *)ask->organization.at : NULL,
		.dns = ask->dns[0] ? ask->dns : NULL,
	};
	struct mst_issued *i = &ask->issued;
	struct mst_cert cert;

	*i = (struct mst_issued){.name = ask->common_name, .device = ask->device, .source = MST_S("api"),
				 .issued_ms = mst_clock_wall_ms()};
	if (mst_issuer_issue(&i->cert, &ask->arena, ask->issuer, &subject, ask->csr.spki, i->issued_ms / 1000, i->serial, e) < 0 ||
	    mst_cert_parse(&cert, i->cert, e) < 0)
		return -1;
	i->not_after = cert.not_after;
	memcpy(i->authority, ask->one.id, sizeof(i->authority));
	return 0;
}

static int record(struct issue_ask *ask, struct mst_err *e)
{
	struct mst_batch b;

	mst_batch_init(&b, &ask->arena, NULL, NULL);
	if (mst_issued_put(&b, &ask->issued, NULL, e) < 0)
		return -1;
	if (mst_store_commit_here(ask->app->store, &b) == 0)
		return 0;
	*e = b.err;
	return -1;
}

static int tell(struct issue_ask *ask, struct mst_err *e)
{
	const struct mst_issued *i = &ask->issued;
	struct mst_slice pem, chain;
	struct mst_json j;

	if (mst_pem_put(&pem, &ask->arena, "CERTIFICATE", i->cert, e) < 0 ||
	    mst_authority_tell_pems(&chain, &ask->arena, ask->one.cert, ask->one.chain, e) < 0)
		return -1;
	mst_json_begin(&j, &ask->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "authority", ask->authority);
	mst_json_hex(&j, "serial", mst_slice(i->serial, sizeof(i->serial)));
	mst_json_text(&j, "common_name", i->name);
	mst_json_time(&j, "not_after", i->not_after * 1000);
	mst_json_text(&j, "certificate", pem);
	mst_json_text(&j, "chain", chain);
	mst_json_close(&j);
	return mst_json_end(&j, &ask->body, e);
}

static void on_worker(struct mst_job *job)
{
	struct issue_ask *ask = MST_HOME(job, struct issue_ask, job);
	struct mst_err *e = &ask->x->err;

	ask->rc = look(ask, e) < 0 || open_csr(ask, e) < 0 || issue(ask, e) < 0 || record(ask, e) < 0 || tell(ask, e) < 0 ? -1 : 0;
}

static void on_ran(struct mst_job *job)
{
	struct issue_ask *ask = MST_HOME(job, struct issue_ask, job);

	mst_arena_adopt(&ask->x->arena, &ask->arena);
	mst_xchg_resume(ask->x);
}

enum mst_step mst_issue_make(struct mst_xchg *x)
{
	struct issue_ask *ask;

	if (x->arena.limit < ROOM)
		x->arena.limit = ROOM;
	ask = mst_arena_zero(&x->arena, sizeof(*ask));
	if (!ask)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	ask->x = x;
	ask->app = x->app;
	x->state = ask;
	if (read_body(ask, &x->err) < 0)
		return mst_xchg_fail(x);
	ask->issuer = ask->app->issuers ? mst_issuers_find0(ask->app->issuers, ask->authority) : NULL;
	mst_arena_init(&ask->arena, NULL, ROOM);
	ask->job = (struct mst_job){.home = ask->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(ask->app->work, MST_LANE_FAST, &ask->job, &x->err) < 0 ? mst_xchg_fail(x) : STEP_WAIT;
}

enum mst_step mst_issue_told(struct mst_xchg *x)
{
	struct issue_ask *ask = x->state;

	if (ask->rc < 0)
		return mst_xchg_fail(x);
	mst_log(INFO, "certificate issued", mst_f_u64("exchange", x->id), mst_f_str("who", x->who),
		mst_f_slice("authority", ask->authority), mst_f_slice("name", ask->common_name));
	return mst_xchg_answer(x, 201, MST_JSON_TYPE, ask->body);
}
