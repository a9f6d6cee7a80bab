/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /scepproxy/{token}: between a device and a CA that only the engine reaches. The token is sealed under the master key; it names
 * a device and an enrolment setting, and is good for a while. Nothing else is passed on than the three operations of SCEP.
 */
#include "muster/clock.h"
#include "muster/grow.h"
#include "muster/log.h"
#include "muster/text.h"
#include "maker_scep.h"
#include "own.h"

#define LIFE_MS    1209600000ll /* a device may be away for two weeks */
#define PROXY_ROOM ((size_t)6 << 20)
#define BOUND      MST_S("scepproxy")

struct grant {
	uint8_t enrollment[16], device[16], expires[8];
};
#define TOKEN_BYTES_SEALED (sizeof(struct grant) + MST_SEAL_MORE)

int mst_scep_proxy_url(struct mst_slice *out, struct mst_arena *arena, const struct mst_seal *seal, struct mst_slice portal,
		       const uint8_t enrollment[static 16], const uint8_t device[static 16], int64_t now_ms, struct mst_err *e)
{
	uint64_t expires_ms = (uint64_t)(now_ms + LIFE_MS);
	char token[2 * TOKEN_BYTES_SEALED];
	struct grant grant;
	struct mst_slice sealed;

	if (portal.len == 0)
		return mst_fail(e, MST_E_CONF, "is_proxied: [mdm] url does not say where devices reach the engine");
	memcpy(grant.enrollment, enrollment, sizeof grant.enrollment);
	memcpy(grant.device, device, sizeof grant.device);
	for (size_t i = 0; i < sizeof grant.expires; i++)
		grant.expires[i] = (uint8_t)(expires_ms >> (56 - 8 * i));
	if (mst_seal_close(&sealed, arena, seal, BOUND, mst_slice(&grant, sizeof grant), e) < 0)
		return -1;
	BUG_ON(sealed.len != TOKEN_BYTES_SEALED);
	mst_hex_put(token, sealed);
	if (!mst_arena_format(arena, out, "%.*s/scepproxy/%.*s", (int)portal.len, (const char *)portal.at, (int)sizeof token, token))
		return mst_fail(e, MST_E_BUSY, "out of memory");
	return 0;
}

static int grant_read(struct grant *out, struct mst_arena *arena, const struct mst_seal *seal, struct mst_slice token, struct mst_err *e)
{
	uint8_t sealed[TOKEN_BYTES_SEALED];
	struct mst_slice plain;

	if (token.len != 2 * sizeof sealed || mst_hex_get(sealed, sizeof sealed, token, NULL) < 0 ||
	    mst_seal_open(&plain, arena, seal, BOUND, mst_slice(sealed, sizeof sealed), NULL) < 0 || plain.len != sizeof *out)
		return mst_fail(e, MST_E_ABSENT, "no such path");
	memcpy(out, plain.at, sizeof *out);
	return 0;
}

static int64_t expires_of(const struct grant *grant)
{
	uint64_t ms = 0;

	for (size_t i = 0; i < sizeof grant->expires; i++)
		ms = ms << 8 | grant->expires[i];
	return (int64_t)ms;
}

struct proxy {
	struct mst_xchg *x;
	struct grant grant;
	struct mst_read read;
	struct mst_detail device;
	struct mst_object setting; /* of the store: the catalog of this loop may be a moment older than the device's address */
	bool has_device, has_setting;
	const struct operation_row *row;
	struct mst_slice message, url;
	struct mst_fetch fetch;
};

static const struct operation_row {
	struct mst_slice name;
	const char *type; /* of its answer, when the CA says none that is known */
	bool has_message;
} operations[] = {
	{MST_S_INIT("GetCACaps"), "text/plain", false},
	{MST_S_INIT("GetCACert"), "application/x-x509-ca-cert", false},
	{MST_S_INIT("PKIOperation"), "application/x-pki-message", true},
};

static const char *const types[] = {
	"application/x-x509-ca-cert", "application/x-x509-ca-ra-cert", "application/x-pki-message", "text/plain",
};

/* What is asked, and how: by POST, or by GET with the message in the query. */
static int operation_read(struct proxy *p, struct mst_err *e)
{
	struct mst_xchg *x = p->x;
	struct mst_slice name;

	if (!mst_xchg_query(x, &name, MST_S("operation")))
		return mst_fail(e, MST_E_SYNTAX, "SCEP needs an operation");
	for (size_t i = 0; i < MST_LEN(operations); i++)
		if (mst_slice_eq(operations[i].name, name))
			p->row = &operations[i];
	if (!p->row)
		return mst_fail(e, MST_E_SYNTAX, "this operation is not passed on");
	if (!p->row->has_message)
		return x->in.method == MST_GET ? 0 : mst_fail(e, MST_E_SYNTAX, "this operation has no body");
	if (x->in.method == MST_GET && !mst_xchg_query(x, &p->message, MST_S("message")))
		return mst_fail(e, MST_E_SYNTAX, "PKIOperation by GET needs a message");
	if (x->in.method != MST_GET && x->in.body.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "PKIOperation needs a message");
	return 0;
}

static int plan(struct mst_read *r)
{
	struct proxy *p = MST_HOME(r, struct proxy, read);
	struct mst_id id = {.channel = {0}};
	int rc;

	memcpy(id.device, p->grant.device, sizeof id.device);
	rc = mst_detail_get(r, &p->device, &id);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	p->has_device = rc == 1;
	rc = mst_object_get(r, &p->setting, MST_NOUN_ENROLLMENT, p->grant.enrollment, NULL);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	p->has_setting = rc == 1;
	return 0;
}

static void on_read(struct mst_read *r)
{
	mst_xchg_resume(MST_HOME(r, struct proxy, read)->x);
}

enum mst_step mst_scep_proxy_admit(struct mst_xchg *x)
{
	struct mst_app *app = x->app;
	struct mst_slice token = mst_enroll_part(x, 1);
	struct proxy *p;
	int rc;

	if (x->arena.limit < PROXY_ROOM)
		x->arena.limit = PROXY_ROOM;
	p = mst_arena_zero(&x->arena, sizeof *p);
	if (!p)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory");
	p->x = x;
	x->state = p;
	rc = grant_read(&p->grant, &x->arena, app->seal, token, &x->err);
	x->in.path = MST_S("/scepproxy/{}"); /* for the log: the token is a secret */
	if (rc < 0 || operation_read(p, &x->err) < 0)
		return mst_xchg_fail(x);
	if (expires_of(&p->grant) < mst_clock_wall_ms())
		return mst_xchg_refuse(x, MST_E_GONE, "this address is too old");
	p->read = (struct mst_read){.arena = &x->arena, .plan = plan, .on_read = on_read};
	rc = mst_store_read(app->store, &p->read, app->loop, &x->err);
	return rc < 0 ? mst_xchg_fail(x) : rc ? STEP_NEXT : STEP_WAIT;
}

static void on_fetched(struct mst_fetch *f)
{
	mst_xchg_resume(MST_HOME(f, struct proxy, fetch)->x);
}

/* The setting as it is now: one that is no longer proxied has no proxy. */
static const struct mst_object *setting_of(const struct proxy *p)
{
	const struct mst_object *o = p->has_setting ? &p->setting : NULL;
	const struct mst_value *is_proxied = o ? mst_make_field(o, "is_proxied") : NULL;

	return is_proxied && is_proxied->number ? o : NULL;
}

static void fill(struct proxy *p, const struct mst_object *o)
{
	static const struct mst_header type = {MST_S_INIT("Content-Type"), MST_S_INIT("application/x-pki-message")};
	struct mst_xchg *x = p->x;
	bool posts = x->in.method == MST_POST;

	p->fetch = (struct mst_fetch){
		.method = x->in.method,
		.url = p->url,
		.headers = &type,
		.num_headers = posts,
		.body = posts ? x->in.body : mst_slice(NULL, 0),
		.ca_pem = mst_object_text(o, "ca"),
		.timeout_ms = (uint32_t)mst_object_number(o, "timeout_s") * 1000,
		.arena = &x->arena,
		.on_fetched = on_fetched,
	};
}

enum mst_step mst_scep_proxy_ask(struct mst_xchg *x)
{
	struct mst_app *app = x->app;
	struct proxy *p = x->state;
	const struct mst_object *o = setting_of(p);
	struct mst_slice message;

	if (p->read.rc < 0) {
		x->err = p->read.err;
		return mst_xchg_fail(x);
	}
	if (!o || !p->has_device || p->device.is_retired)
		return mst_xchg_refuse(x, MST_E_ABSENT, "no such path");
	if (!app->fetcher)
		return mst_xchg_refuse(x, MST_E_BUSY, "this loop asks no other servers");
	x->who = (const char *)p->device.text.at;
	message = p->row->has_message ? p->message : mst_object_text(o, "ca_name");
	if (mst_scep_url(&p->url, &x->arena, mst_object_text(o, "url"), p->row->name, message, &x->err) < 0)
		return mst_xchg_fail(x);
	fill(p, o);
	return mst_fetch(app->fetcher, &p->fetch, &x->err) < 0 ? mst_xchg_fail(x) : STEP_WAIT;
}

static const char *type_of(const struct proxy *p)
{
	struct mst_slice said = mst_header_find(p->fetch.answer_headers, p->fetch.num_answer_headers, MST_S("content-type"));

	for (size_t i = 0; i < MST_LEN(types); i++)
		if (mst_slice_case_starts(said, mst_slice_str(types[i])))
			return types[i];
	return p->row->type;
}

enum mst_step mst_scep_proxy_answer(struct mst_xchg *x)
{
	struct proxy *p = x->state;
	int status = p->fetch.status;

	mst_log(INFO, "SCEP passed on", mst_f_u64("exchange", x->id), mst_f_slice("device", p->device.text),
		mst_f_slice("operation", p->row->name), mst_f_u64("status", (uint64_t)status), mst_f_u64("bytes", p->fetch.answer.len));
	if (p->fetch.rc < 0) {
		mst_log(WARN, "the CA behind the SCEP proxy does not answer", mst_f_u64("exchange", x->id), mst_f_err(&p->fetch.err));
		return mst_xchg_answer(x, p->fetch.err.code == MST_E_TIMEOUT ? 504 : 502, "text/plain", MST_S("the CA does not answer\n"));
	}
	if (status != 200)
		return mst_xchg_answer(x, status >= 400 ? status : 502, "text/plain", MST_S("the CA refuses\n"));
	return mst_xchg_answer(x, 200, type_of(p), p->fetch.answer);
}
