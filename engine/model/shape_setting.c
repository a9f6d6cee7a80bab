/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the tables of settings share. */
#include "muster/cert.h"
#include "shape_setting_own.h"

#define PEM_CERTS_MAX 16
#define PEM_ROOM      (1u << 20)

bool mst_setting_has(const struct mst_object *o, const char *field)
{
	return mst_object_value(o, field)->is_set;
}

int mst_setting_needs(const struct mst_object *o, const char *field, const char *why, struct mst_err *e)
{
	if (!mst_setting_has(o, field))
		return mst_fail(e, MST_E_SYNTAX, "%s needs %s", why, field);
	return 0;
}

bool mst_setting_is(const struct mst_object *o, const char *field, const char *word)
{
	return mst_slice_eq(mst_object_text(o, field), mst_slice_str(word));
}

static bool is_among(const char *const *words, struct mst_slice text)
{
	for (; *words; words++)
		if (mst_slice_eq(mst_slice_str(*words), text))
			return true;
	return false;
}

int mst_setting_texts_check(const struct mst_object *o, const char *field, const char *const *words, struct mst_err *e)
{
	const struct mst_value *value = mst_object_value(o, field);

	for (uint32_t i = 0; i < value->num_pairs; i++) {
		struct mst_slice text = value->pairs[i].value;
		if (!is_among(words, text))
			return mst_fail(e, MST_E_SYNTAX, "%s: \"%.*s\" is not known", field, (int)(text.len < 32 ? text.len : 32),
					(const char *)text.at);
	}
	return 0;
}

int mst_setting_keys_check(const struct mst_object *o, const char *field, struct mst_err *e)
{
	const struct mst_value *value = mst_object_value(o, field);

	for (uint32_t i = 0; i < value->num_pairs; i++) {
		struct mst_slice key = value->pairs[i].key;
		for (uint32_t k = 0; k < i; k++)
			if (mst_slice_eq(value->pairs[k].key, key))
				return mst_fail(e, MST_E_SYNTAX, "%s: the key \"%.*s\" is there twice", field,
						(int)(key.len < 64 ? key.len : 64), (const char *)key.at);
	}
	return 0;
}

static int pem_walk(struct mst_arena *arena, const char *field, struct mst_slice text, struct mst_err *e)
{
	struct mst_slice label, der;
	struct mst_cert cert;
	struct mst_err why;
	uint32_t num = 0;
	int rc;

	while ((rc = mst_pem_next(&label, &der, &text, arena, &why)) == 1) {
		if (!mst_slice_eq(label, MST_S("CERTIFICATE")))
			return mst_fail(e, MST_E_SYNTAX, "%s: certificates only", field);
		if (mst_cert_parse(&cert, der, &why) < 0)
			return mst_fail(e, MST_E_SYNTAX, "%s: %s", field, why.text);
		if (++num > PEM_CERTS_MAX)
			return mst_fail(e, MST_E_SYNTAX, "%s: more than %d certificates", field, PEM_CERTS_MAX);
	}
	if (rc < 0)
		return mst_fail(e, MST_E_SYNTAX, "%s: %s", field, why.text);
	return num ? 0 : mst_fail(e, MST_E_SYNTAX, "%s: no certificate in PEM", field);
}

int mst_setting_pem_check(const struct mst_object *o, const char *field, struct mst_err *e)
{
	struct mst_arena arena;
	int rc;

	if (!mst_setting_has(o, field))
		return 0;
	mst_arena_init(&arena, NULL, PEM_ROOM);
	rc = pem_walk(&arena, field, mst_object_text(o, field), e);
	mst_arena_done(&arena);
	return rc;
}
