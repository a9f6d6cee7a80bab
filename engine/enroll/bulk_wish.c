/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/bulk: the body becomes a job, or says what is wrong with it. */
#include "bulk_ask.h"
#include "muster/text.h"

#define JSON_DEPTH     3
#define FIRST_MAX      999999999999999ull /* fifteen digits: JSON's numbers hold them everywhere */
#define WHO_MAX        128
#define RSA_BITS(kind) (2048u + 1024u * (uint32_t)((kind)-MST_KEY_RSA2048))

static const char *const kind_words[MST_NUM_KEY_KINDS] = {"p256", "p384", "rsa2048", "rsa3072",
							  "rsa4096"};

const char *mst_bulk_kind_word(enum mst_key_kind kind)
{
	return kind_words[kind];
}

static int name_check(struct mst_slice name, const char *key, struct mst_err *e)
{
	bool is_fine = name.len >= 1 && name.len <= MST_NAME_MAX && mst_utf8_ok(name);

	for (size_t i = 0; i < name.len && is_fine; i++)
		is_fine = name.at[i] >= 0x20 && name.at[i] != 0x7f;
	return is_fine ? 0
		       : mst_fail(e, MST_E_SYNTAX, "\"%s\" wants 1 to %d printable bytes", key,
				  MST_NAME_MAX);
}

/* 1 with the text copied, 0 absent, -1. */
static int read_text(struct mst_slice *out, struct bulk_ask *ask, const struct mst_json_value *root,
		     const char *key)
{
	struct mst_err *e = &ask->x->err;
	struct mst_slice text;
	int rc = mst_json_get_text0(root, &text, key, e);

	*out = (struct mst_slice){NULL, 0};
	if (rc <= 0)
		return rc;
	if (name_check(text, key, e) < 0)
		return -1;
	return mst_arena_copy(&ask->x->arena, out, text) ? 1
							 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static int read_number(uint64_t *out, struct bulk_ask *ask, const struct mst_json_value *root,
		       const char *key, uint64_t fallback, uint64_t most)
{
	int rc = mst_json_get_u64(root, out, key, &ask->x->err);

	if (rc == 0)
		*out = fallback;
	if (rc < 0 || *out > most)
		return mst_fail(&ask->x->err, MST_E_SYNTAX, "\"%s\" wants a number up to %llu", key,
				(unsigned long long)most);
	return 0;
}

/* Each name with a zero behind it. */
static int read_names(struct bulk_ask *ask, const struct mst_json_value *list)
{
	struct mst_err *e = &ask->x->err;
	size_t num = mst_json_num(list);
	struct mst_slice name;
	struct mst_grow g;

	if (num == 0 || num > MST_BULK_NAMES_MAX)
		return mst_fail(e, MST_E_SYNTAX, "\"names\" wants 1 to %d names",
				MST_BULK_NAMES_MAX);
	mst_grow_init(&g, &ask->x->arena);
	for (size_t i = 0; i < num; i++) {
		if (mst_json_get_text0(mst_json_at0(list, i), &name, NULL, e) < 0 ||
		    name_check(name, "names", e) < 0)
			return -1;
		mst_grow_put(&g, name);
		mst_grow_byte(&g, 0);
	}
	ask->one.has_names = true;
	ask->one.total = (uint32_t)num;
	return mst_grow_end(&g, &ask->call.names, e);
}

static int read_pattern(struct bulk_ask *ask, const struct mst_json_value *root)
{
	struct bulk_record *job = &ask->one;
	char name[MST_NAME_MAX + 1];
	uint64_t total, digits;
	int rc = read_text(&job->prefix, ask, root, "prefix");

	if (rc < 0)
		return -1;
	if (rc == 0)
		return mst_fail(&ask->x->err, MST_E_SYNTAX,
				"a bulk job needs \"prefix\" and \"count\", or \"names\"");
	if (read_number(&total, ask, root, "count", 0, UINT32_MAX) < 0 ||
	    read_number(&digits, ask, root, "digits", 0, 20) < 0 ||
	    read_number(&job->first, ask, root, "first", 1, FIRST_MAX) < 0)
		return -1;
	job->total = (uint32_t)total;
	job->digits = (uint32_t)digits;
	return total == 0 ? 0 : mst_bulk_record_name(name, job, total - 1, &ask->x->err);
}

static int read_kind(struct bulk_ask *ask, const struct mst_json_value *root)
{
	struct mst_slice text;
	int rc = read_text(&text, ask, root, "kind");

	ask->one.kind = MST_KEY_P256;
	return rc <= 0 ? rc
		       : mst_key_kind_from(&ask->one.kind, (const char *)text.at, &ask->x->err);
}

static int read_wish(struct bulk_ask *ask, const struct mst_json_value *root)
{
	struct mst_xchg *x = ask->x;
	struct bulk_record *job = &ask->one;
	const struct mst_json_value *names;
	uint32_t total_max = ask->app->bulk ? mst_bulk_limits0(ask->app->bulk)->identities_max : 0;
	int rc = read_text(&job->authority, ask, root, "authority");

	if (rc == 0)
		mst_fail(&x->err, MST_E_SYNTAX, "a bulk job needs \"authority\"");
	if (rc <= 0 || read_kind(ask, root) < 0 ||
	    read_text(&job->organization, ask, root, "organization") < 0 ||
	    mst_json_get_bool(root, &job->has_p12, "pkcs12", &x->err) < 0)
		return -1;
	rc = mst_json_get_array0(root, &names, "names", &x->err);
	if (rc < 0 || (rc == 1 ? read_names(ask, names) : read_pattern(ask, root)) < 0)
		return -1;
	if (job->total == 0 || job->total > total_max)
		return mst_fail(&x->err, MST_E_SYNTAX, "one job makes 1 to %u identities",
				total_max);
	return 0;
}

static int authority_plan(struct mst_read *r)
{
	struct bulk_ask *ask = MST_HOME(r, struct bulk_ask, read);
	int rc = mst_authority_get(r, &ask->authority, ask->one.key, NULL);

	return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "no such authority") : rc == 1 ? 0 : rc;
}

enum mst_step mst_bulk_start(struct mst_xchg *x)
{
	struct bulk_ask *ask = mst_bulk_ask_new(x);
	struct mst_json_value *root;
	size_t len;
	int rc;

	if (!ask)
		return STEP_REPLY;
	ask->call.kind = BULK_CALL_START;
	ask->jobs = &ask->one;
	ask->num_jobs = 1;
	if (mst_json_parse(&root, x->in.body, MST_BULK_BODY_MAX, JSON_DEPTH, &x->err) < 0)
		return mst_xchg_fail(x);
	rc = read_wish(ask, root);
	mst_json_free(&root);
	if (rc < 0)
		return mst_xchg_fail(x);
	len = x->who ? strlen(x->who) : 0;
	ask->one.who = mst_slice(x->who, len < WHO_MAX ? len : WHO_MAX);
	mst_authority_id(ask->one.key, ask->one.authority);
	return mst_bulk_ask_read(ask, MST_LANE_FAST, authority_plan);
}

int mst_bulk_wish_check(struct bulk_ask *ask)
{
	const struct mst_template *template = &ask->authority.template;
	enum mst_key_kind kind = ask->one.kind;
	struct mst_err *e = &ask->x->err;

	if (ask->authority.state != MST_AUTHORITY_ACTIVE)
		return mst_fail(e, MST_E_CONFLICT, "this authority does not issue");
	if (kind < MST_KEY_RSA2048 && !template->takes_ec)
		return mst_fail(e, MST_E_DENIED, "this authority takes RSA keys only");
	if (kind >= MST_KEY_RSA2048 && RSA_BITS(kind) < template->rsa_bits_min)
		return mst_fail(e, MST_E_DENIED,
				"this authority takes RSA keys of %u bits and more",
				template->rsa_bits_min);
	return 0;
}
