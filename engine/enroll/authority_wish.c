/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator wants: of a new authority, where what is not said has a careful default; and who succeeds one. */
#include "authority_ask.h"
#include "muster/text.h"

#define DEPTH_MAX   4
#define DAYS        3650
#define DEVICE_DAYS 365
#define CRL_HOURS   24
#define PATH_MAX_CA 8 /* CAs below an authority; a chain has four certificates */

const struct authority_word mst_authority_wish_usages[] = {
	{"digitalSignature", MST_KU_SIGN}, {"nonRepudiation", MST_KU_NON_REPUDIATION}, {"keyEncipherment", MST_KU_ENCIPHER},
	{"dataEncipherment", MST_KU_DATA}, {"keyAgreement", MST_KU_AGREE}, {NULL, 0},
};
const struct authority_word mst_authority_wish_ext_usages[] = {
	{"serverAuth", MST_EKU_SERVER}, {"clientAuth", MST_EKU_CLIENT}, {"emailProtection", MST_EKU_EMAIL}, {NULL, 0},
};
static const char *const wish_keys[] = {"name", "common_name", "organization", "kind", "days", "path_len", "intermediate", "template",
					"crl_hours", "crl_url", "ocsp_url", "challenge_sha256", "makes_challenge", NULL};
static const char *const template_keys[] = {"days", "key_usage", "ext_key_usage", "rsa_bits_min", "takes_ec", "hash_bits",
					    "takes_names", NULL};

/* A word we do not know would be a setting that silently is not made. */
struct unknown {
	const char *const *keys;
	struct mst_slice found;
};

static bool on_member(void *context, struct mst_slice key, const struct mst_json_value *value)
{
	struct unknown *u = context;

	(void)value;
	for (const char *const *known = u->keys; *known; known++)
		if (mst_slice_eq(key, mst_slice_str(*known)))
			return true;
	u->found = key;
	return false;
}

static int check_keys(const struct mst_json_value *object, const char *const *keys, struct mst_err *e)
{
	struct unknown u = {.keys = keys};

	mst_json_each(object, &u, on_member);
	if (!u.found.at)
		return 0;
	return mst_fail(e, MST_E_SYNTAX, "\"%.*s\" is not known here", (int)(u.found.len < 40 ? u.found.len : 40),
			(const char *)u.found.at);
}

static int take_number(uint32_t *out, const struct mst_json_value *root, const char *key, uint32_t fallback, struct mst_err *e)
{
	uint64_t number;
	int rc = mst_json_get_u64(root, &number, key, e);

	if (rc < 0)
		return -1;
	if (rc == 1 && number > UINT32_MAX)
		return mst_fail(e, MST_E_SYNTAX, "\"%s\" is too large", key);
	*out = rc == 1 ? (uint32_t)number : fallback;
	return 0;
}

static int take_bool(bool *out, const struct mst_json_value *root, const char *key, bool fallback, struct mst_err *e)
{
	int rc = mst_json_get_bool(root, out, key, e);

	if (rc == 0)
		*out = fallback;
	return rc < 0 ? -1 : 0;
}

static int take_words(uint32_t *out, const struct mst_json_value *root, const char *key, const struct authority_word *words,
		      uint32_t fallback, struct mst_err *e)
{
	const struct mst_json_value *list;
	struct mst_slice text;
	int rc = mst_json_get_array0(root, &list, key, e);

	*out = rc == 1 ? 0 : fallback;
	for (size_t i = 0; rc == 1 && i < mst_json_num(list); i++) {
		const struct authority_word *word = words;
		if (mst_json_get_text0(mst_json_at0(list, i), &text, NULL, e) < 0)
			return -1;
		while (word->text && !mst_slice_eq(text, mst_slice_str(word->text)))
			word++;
		if (!word->text)
			return mst_fail(e, MST_E_SYNTAX, "a word of \"%s\" is not known here", key);
		*out |= word->bit;
	}
	return rc < 0 ? -1 : 0;
}

/* Kept in the exchange, terminated. */
static int take_text(struct mst_slice *out, struct authority_ask *ask, const struct mst_json_value *root, const char *key,
		     size_t len_max, struct mst_err *e)
{
	struct mst_slice text;
	bool is_fine = true;

	if (mst_json_get_text0(root, &text, key, e) < 0)
		return -1;
	for (size_t i = 0; i < text.len && is_fine; i++)
		is_fine = text.at[i] >= 0x20 && text.at[i] != 0x7f;
	if (!is_fine || text.len > len_max || !mst_utf8_ok(text))
		return mst_fail(e, MST_E_SYNTAX, "\"%s\" wants at most %zu printable bytes", key, len_max);
	return mst_arena_copy(&ask->x->arena, out, text) ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static int take_template(struct mst_template *out, const struct mst_json_value *root, struct mst_err *e)
{
	const struct mst_json_value *t = NULL;

	if (mst_json_get_object0(root, &t, "template", e) < 0 || (t && check_keys(t, template_keys, e) < 0))
		return -1;
	*out = (struct mst_template){.days = DEVICE_DAYS, .key_usage = MST_KU_SIGN | MST_KU_ENCIPHER, .ext_key_usage = MST_EKU_CLIENT,
				     .rsa_bits_min = 2048, .takes_ec = true, .hash_bits = 256};
	if (!t)
		return 0;
	if (take_number(&out->days, t, "days", out->days, e) < 0 ||
	    take_words(&out->key_usage, t, "key_usage", mst_authority_wish_usages, out->key_usage, e) < 0 ||
	    take_words(&out->ext_key_usage, t, "ext_key_usage", mst_authority_wish_ext_usages, out->ext_key_usage, e) < 0 ||
	    take_number(&out->rsa_bits_min, t, "rsa_bits_min", out->rsa_bits_min, e) < 0 ||
	    take_bool(&out->takes_ec, t, "takes_ec", out->takes_ec, e) < 0 ||
	    take_number(&out->hash_bits, t, "hash_bits", out->hash_bits, e) < 0)
		return -1;
	return take_bool(&out->takes_names, t, "takes_names", false, e);
}

static int take_challenge(struct authority_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	uint8_t bytes[AUTHORITY_SECRET_LEN / 2];
	struct mst_slice hex;
	bool makes_one;
	int rc = mst_json_get_text0(root, &hex, "challenge_sha256", e);

	if (rc < 0 || take_bool(&makes_one, root, "makes_challenge", false, e) < 0)
		return -1;
	if (rc == 1 && makes_one)
		return mst_fail(e, MST_E_SYNTAX, "\"challenge_sha256\" or \"makes_challenge\", not both");
	ask->has_challenge = rc == 1 || makes_one;
	if (rc == 1 && mst_hex_get(ask->challenge, sizeof(ask->challenge), hex, NULL) < 0)
		return mst_fail(e, MST_E_SYNTAX, "\"challenge_sha256\" wants 64 hex digits");
	if (!makes_one)
		return 0;
	mst_random(bytes, sizeof(bytes));
	mst_hex_put(ask->secret, mst_slice(bytes, sizeof(bytes)));
	ask->secret[AUTHORITY_SECRET_LEN] = '\0';
	mst_wipe(bytes, sizeof(bytes));
	mst_sha256(ask->challenge, mst_slice(ask->secret, AUTHORITY_SECRET_LEN));
	return 0;
}

static int take_names(struct authority_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_authority_wish *w = &ask->wish;
	struct mst_slice common_name, organization, kind;

	if (take_text(&ask->name, ask, root, "name", MST_AUTHORITY_NAME_MAX, e) < 0 ||
	    take_text(&common_name, ask, root, "common_name", MST_NAME_MAX, e) < 0 ||
	    take_text(&organization, ask, root, "organization", MST_NAME_MAX, e) < 0 || take_text(&kind, ask, root, "kind", 16, e) < 0)
		return -1;
	if (ask->name.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "an authority needs a \"name\"");
	w->name = ask->name;
	w->common_name = (const char *)(common_name.len ? common_name : ask->name).at;
	w->organization = organization.len ? (const char *)organization.at : NULL;
	return mst_key_kind_from(&w->kind, kind.len ? (const char *)kind.at : "p256", e);
}

static int take(struct authority_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	struct mst_authority_wish *w = &ask->wish;

	if (check_keys(root, wish_keys, e) < 0 || take_names(ask, root, e) < 0 || take_number(&w->days, root, "days", DAYS, e) < 0 ||
	    take_number(&w->path_len, root, "path_len", 0, e) < 0 ||
	    take_bool(&w->is_intermediate, root, "intermediate", false, e) < 0 || take_template(&w->template, root, e) < 0 ||
	    take_number(&w->crl_hours, root, "crl_hours", CRL_HOURS, e) < 0 ||
	    take_text(&w->crl_url, ask, root, "crl_url", MST_AUTHORITY_BODY_MAX, e) < 0 ||
	    take_text(&w->ocsp_url, ask, root, "ocsp_url", MST_AUTHORITY_BODY_MAX, e) < 0 || take_challenge(ask, root, e) < 0)
		return -1;
	if (w->path_len > PATH_MAX_CA)
		return mst_fail(e, MST_E_SYNTAX, "\"path_len\" is at most %d", PATH_MAX_CA);
	return mst_authority_check(&w->template, w->crl_hours, w->crl_url, w->ocsp_url, e);
}

int mst_authority_wish_read(struct authority_ask *ask, struct mst_err *e)
{
	struct mst_json_value *root = NULL;
	int rc = mst_json_parse(&root, ask->x->in.body, MST_AUTHORITY_BODY_MAX, DEPTH_MAX, e);

	if (rc == 0)
		rc = take(ask, root, e);
	mst_json_free(&root);
	return rc;
}

/* Without the member nothing was said; null takes the successor back. */
static bool on_said(void *context, struct mst_slice key, const struct mst_json_value *value)
{
	*(bool *)context = true;
	return false;
}

static int take_successor(struct authority_ask *ask, const struct mst_json_value *root, struct mst_err *e)
{
	static const char *const keys[] = {"successor", NULL};
	struct mst_slice text;
	bool is_said = false;
	int rc;

	mst_json_each(root, &is_said, on_said);
	if (!is_said)
		return mst_fail(e, MST_E_SYNTAX, "\"successor\" wants the name of an authority, or null");
	rc = mst_json_get_text0(root, &text, keys[0], e);
	if (rc < 0 || check_keys(root, keys, e) < 0)
		return -1;
	if (rc == 0)
		return 0;
	if (take_text(&ask->next_name, ask, root, keys[0], MST_AUTHORITY_NAME_MAX, e) < 0)
		return -1;
	if (text.len == 0 || mst_slice_eq(ask->next_name, ask->name))
		return mst_fail(e, MST_E_SYNTAX, "\"successor\" wants the name of another authority, or null");
	return 0;
}

int mst_authority_wish_successor(struct authority_ask *ask, struct mst_err *e)
{
	struct mst_json_value *root = NULL;
	int rc = mst_json_parse(&root, ask->x->in.body, MST_AUTHORITY_BODY_MAX, DEPTH_MAX, e);

	if (rc == 0)
		rc = take_successor(ask, root, e);
	mst_json_free(&root);
	return rc;
}
