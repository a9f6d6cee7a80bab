/* SPDX-License-Identifier: Apache-2.0 */
/* The first stage: which authority, which operation; answers what needs no message, and takes the message of a PKIOperation. */
#include "muster/clock.h"
#include "muster/count.h"
#include "muster/text.h"
#include "own.h"

#define PATH "/scep/"
/* What an exchange may take beside its message: the message in DER once more, opened, and the answer around a certificate. */
#define ROOM_FOR_BODY 6
#define ROOM_FOR_REST (256 * 1024)

/* RFC 8894 3.5.2. AES is AES128-CBC; there is no word for AES-256, which is taken as well. */
#define CAPABILITIES(next) MST_S_INIT("AES\nDES3\n" next "POSTPKIOperation\nRenewal\nSHA-1\nSHA-256\nSHA-512\nSCEPStandard\n")
static const struct mst_slice capabilities = CAPABILITIES(""), capabilities_next = CAPABILITIES("GetNextCACert\n");

/* Whatever follows the name is for the client to choose (/pkiclient.exe). */
static const struct mst_issuer *issuer_find(const struct mst_xchg *x)
{
	const struct mst_app *app = x->app;
	struct mst_slice name, rest = mst_slice(x->in.path.at + sizeof(PATH) - 1, x->in.path.len - (sizeof(PATH) - 1));

	if (!app->issuers)
		return NULL;
	(void)mst_slice_cut(&name, &rest, rest, '/');
	return mst_issuers_find0(app->issuers, name);
}

static enum mst_step answer_caps(struct mst_xchg *x, const struct mst_issuer *issuer)
{
	return mst_xchg_answer(x, 200, "text/plain", mst_next_issuer0(x->app, issuer) ? capabilities_next : capabilities);
}

/* The RA form only when there is an RA: Apple's clients look for one then, and fail without. Otherwise the one certificate,
 * also when it is an intermediate's. */
static enum mst_step answer_cert(struct mst_xchg *x, const struct mst_issuer *issuer)
{
	struct mst_slice certs[2] = {issuer->ra_cert.der, issuer->cert.der}, body;

	if (!issuer->ra_key)
		return mst_xchg_answer(x, 200, "application/x-x509-ca-cert", issuer->cert.der);
	if (mst_cms_bundle(&body, &x->arena, certs, MST_LEN(certs), NULL, 0, &x->err) < 0)
		return mst_xchg_fail(x);
	return mst_xchg_answer(x, 200, "application/x-x509-ca-ra-cert", body);
}

/* For what costs a signature: each source has its share. NULL with x->err. */
static struct scep_state *state_take(struct mst_xchg *x, const struct mst_issuer *issuer)
{
	struct mst_app *app = x->app;
	struct scep_state *s;

	if (!mst_rate_take(app->scep, &x->addr, mst_loop_now_ms(app->loop))) {
		mst_count(MST_C_SCEP_SHED, 1);
		mst_fail(&x->err, MST_E_RATE, "too many messages from this address");
		return NULL;
	}
	if (x->arena.limit < ROOM_FOR_BODY * MST_SCEP_BODY_MAX + ROOM_FOR_REST)
		x->arena.limit = ROOM_FOR_BODY * MST_SCEP_BODY_MAX + ROOM_FOR_REST;
	s = mst_arena_zero(&x->arena, sizeof(*s));
	if (!s) {
		mst_fail(&x->err, MST_E_BUSY, "out of memory for a message");
		return NULL;
	}
	s->x = x;
	s->app = app;
	s->issuer = issuer;
	s->now_ms = mst_clock_wall_ms();
	x->state = s;
	return s;
}

static enum mst_step answer_next(struct mst_xchg *x, const struct mst_issuer *issuer)
{
	const struct mst_issuer *next = mst_next_issuer0(x->app, issuer);
	struct scep_state *s;

	if (!next)
		return mst_xchg_refuse(x, MST_E_ABSENT, "no successor of this authority has been named");
	s = state_take(x, issuer);
	if (!s)
		return mst_xchg_fail(x);
	s->next = next;
	return mst_next_take(s);
}

static const struct {
	struct mst_slice name;
	enum mst_step (*answer)(struct mst_xchg *x, const struct mst_issuer *issuer); /* NULL: a message follows */
} operations[] = {
	{MST_S_INIT("PKIOperation"), NULL},
	{MST_S_INIT("GetCACaps"), answer_caps},
	{MST_S_INIT("GetCACert"), answer_cert},
	{MST_S_INIT("GetNextCACert"), answer_next},
};

/* base64 in the query. '+' stands for itself, whether the client escaped it or not. */
static int message_of_query(struct mst_slice *out, struct mst_xchg *x)
{
	struct mst_slice rest = x->in.query, part, key, value = {NULL, 0};
	uint8_t *plain, *bytes;
	size_t len;

	while (rest.len && !value.at) {
		if (!mst_slice_cut(&part, &rest, rest, '&'))
			rest.len = 0;
		if (!mst_slice_cut(&key, &value, part, '=') || !mst_slice_eq(key, MST_S("message")))
			value = (struct mst_slice){NULL, 0};
	}
	if (value.len == 0)
		return mst_fail(&x->err, MST_E_SYNTAX, "PKIOperation by GET needs a message");
	plain = mst_arena_get(&x->arena, value.len);
	bytes = mst_arena_get(&x->arena, MST_BASE64_ROOM(value.len));
	if (!plain || !bytes)
		return mst_fail(&x->err, MST_E_BUSY, "out of memory for a message");
	if (mst_percent_get(plain, &len, value, &x->err) < 0 || mst_base64_get(bytes, &len, mst_slice(plain, len), &x->err) < 0)
		return -1;
	*out = mst_slice(bytes, len);
	return 0;
}

static enum mst_step message_take(struct mst_xchg *x, const struct mst_issuer *issuer)
{
	struct scep_state *s = state_take(x, issuer);

	if (!s)
		return mst_xchg_fail(x);
	s->bytes = x->in.body;
	s->allow = mst_rate_takes_des(s->app->scep) ? MST_CMS_ALLOW_DES : 0;
	if (x->in.method == MST_GET && message_of_query(&s->bytes, x) < 0)
		return mst_xchg_fail(x);
	if (s->bytes.len == 0)
		return mst_xchg_refuse(x, MST_E_SYNTAX, "PKIOperation needs a message");
	if (!mst_key_is_rsa(mst_scep_key0(issuer)))
		return mst_xchg_refuse(x, MST_E_BUSY, "this authority has no RSA key for SCEP");
	return STEP_NEXT;
}

enum mst_step mst_scep_operation(struct mst_xchg *x)
{
	const struct mst_issuer *issuer = issuer_find(x);
	struct mst_slice name;

	if (!issuer)
		return mst_xchg_refuse(x, MST_E_ABSENT, "no such authority");
	if (!mst_xchg_query(x, &name, MST_S("operation")))
		return mst_xchg_refuse(x, MST_E_SYNTAX, "SCEP needs an operation");
	for (size_t i = 0; i < MST_LEN(operations); i++)
		if (mst_slice_eq(operations[i].name, name))
			return operations[i].answer ? operations[i].answer(x, issuer) : message_take(x, issuer);
	return mst_xchg_refuse(x, MST_E_SYNTAX, "this operation is not known");
}
