/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what a setting needs beside its fields: the identities it refers to, its certificates, the chains of identities. */
#include <string.h>

#include "render_own.h"

/* What makes a SCEP identity another one: not the challenge, not the address. */
static void scep_print(struct render_use *use)
{
	const struct mst_identity_ask *told = use->told;
	uint8_t numbers[8];

	for (int i = 0; i < 4; i++) {
		numbers[i] = (uint8_t)(told->scep_key_bits >> (8 * i));
		numbers[4 + i] = (uint8_t)(told->scep_key_usage >> (8 * i));
	}
	const struct mst_slice parts[] = {
		mst_slice(use->identity->enrollment->uuid, 16), mst_slice(told->held.inputs, 32), mst_slice(&told->held.not_after, 8),
		told->scep_subject, told->scep_san, mst_slice(numbers, sizeof numbers)};
	uint8_t prints[MST_LEN(parts)][32];
	for (size_t i = 0; i < MST_LEN(parts); i++)
		mst_sha256(prints[i], parts[i]);
	mst_sha256(use->print, mst_slice(prints, sizeof prints));
}

static int print(struct render_use *use, struct making *m)
{
	switch (use->told->form) {
	case MST_IDENTITY_FILE:
		if (use->told->held.cert.len == 0)
			return mst_fail(m->e, MST_E_ABSENT, "there is no identity of \"%.*s\" yet", (int)use->identity->enrollment->name.len,
					(const char *)use->identity->enrollment->name.at);
		mst_sha256(use->print, use->told->held.cert);
		return 0;
	case MST_IDENTITY_SCEP:
		scep_print(use);
		return 0;
	case MST_IDENTITY_CLIENT:
		mst_sha256(use->print, mst_slice(use->identity->enrollment->uuid, 16));
		return 0;
	}
	return 0;
}

static int add_cert(struct making *m, struct mst_slice der, bool is_anchor)
{
	struct render_cert *cert = &m->certs[m->num_certs];

	for (size_t i = 0; i < m->num_certs; i++)
		if (mst_slice_eq(m->certs[i].der, der)) {
			m->certs[i].is_anchor |= is_anchor;
			return 0;
		}
	if (m->num_certs == RENDER_CERTS_MAX)
		return mst_fail(m->e, MST_E_TOO_BIG, "more than %d certificates in one setting", RENDER_CERTS_MAX);
	*cert = (struct render_cert){.der = der, .is_anchor = is_anchor};
	mst_render_uuid(cert->uuid, mst_slice(m->r->setting->uuid, 16), der);
	m->num_certs++;
	return 0;
}

/* Bytes of the DER value at the front: certificates have at most 64 KiB. */
static size_t der_len(struct mst_slice in)
{
	if (in.len < 4)
		return SIZE_MAX;
	if (in.at[1] < 0x80)
		return 2u + in.at[1];
	if (in.at[1] == 0x81)
		return 3u + in.at[2];
	return in.at[1] == 0x82 ? 4u + ((size_t)in.at[2] << 8 | in.at[3]) : SIZE_MAX;
}

/* The intermediates of an identity go with it; what a device trusts is said by settings of type root only. */
static int add_chain(struct making *m, struct mst_slice chain)
{
	struct mst_cert cert;

	while (chain.len && m->way == MST_RENDER_APPLE) {
		size_t len = der_len(chain);
		if (len > chain.len || mst_cert_parse(&cert, mst_slice(chain.at, len), m->e) < 0)
			return mst_fail(m->e, MST_E_SYNTAX, "an identity's chain is broken");
		if (!mst_slice_eq(cert.issuer, cert.subject) && add_cert(m, cert.der, false) < 0)
			return -1;
		chain = mst_slice(chain.at + len, chain.len - len);
	}
	return 0;
}

static const struct mst_render_identity *find(const struct mst_render *r, struct mst_slice name)
{
	for (uint32_t i = 0; i < r->num_identities; i++)
		if (mst_slice_eq(r->identities[i].enrollment->name, name))
			return &r->identities[i];
	return NULL;
}

static const char *why_not(const struct making *m, const struct mst_shape_row *row, const struct mst_render_identity *identity)
{
	return identity->told->form == MST_IDENTITY_CLIENT ? mst_render_why_not(row, m->r->device) : NULL;
}

const struct render_use *mst_render_use0(struct making *m, const struct mst_shape_row *row, struct mst_slice name)
{
	for (size_t i = 0; i < m->num_uses; i++)
		if (mst_slice_eq(m->uses[i].identity->enrollment->name, name))
			return why_not(m, row, m->uses[i].identity) ? NULL : &m->uses[i];
	return NULL;
}

static int add_left(struct making *m, const struct mst_shape_row *row, struct mst_slice key, const char *why)
{
	struct mst_render *r = m->r;

	if (r->num_left == MST_RENDER_LEFT_MAX)
		return mst_fail(m->e, MST_E_TOO_BIG, "too many references are not supported");
	r->left[r->num_left++] = (struct mst_render_left){.field = row->name, .key = key, .reason = mst_slice_str(why)};
	return 0;
}

static int add_use(struct making *m, const struct mst_shape_row *row, const struct mst_pair *pair)
{
	const struct mst_render_identity *identity = find(m->r, pair->value);
	struct render_use *use = &m->uses[m->num_uses];
	const char *why;

	if (!identity)
		return mst_fail(m->e, MST_E_ABSENT, "%s: there is no identity of \"%.*s\" for this device", row->name,
				(int)pair->value.len, (const char *)pair->value.at);
	if (m->way == MST_RENDER_APPLE && identity->told->form == MST_IDENTITY_CLIENT)
		return mst_fail(m->e, MST_E_TYPE, "%s: a profile cannot have a client-provided identity", row->name);
	why = why_not(m, row, identity);
	if (why)
		return add_left(m, row, pair->key, why);
	if (mst_render_use0(m, row, pair->value))
		return 0;
	if (m->num_uses == RENDER_USES_MAX)
		return mst_fail(m->e, MST_E_TOO_BIG, "more than %d identities in one setting", RENDER_USES_MAX);
	*use = (struct render_use){.identity = identity, .told = identity->told};
	if (print(use, m) < 0)
		return -1;
	mst_render_uuid(use->uuid, mst_slice(m->r->setting->uuid, 16), mst_slice(use->print, sizeof use->print));
	m->num_uses++;
	return use->told->form == MST_IDENTITY_FILE ? add_chain(m, use->told->held.chain) : 0;
}

static int add_pem(struct making *m, const char *field, struct mst_slice pem)
{
	struct mst_slice label, der;
	struct mst_err why;
	int rc;

	while ((rc = mst_pem_next(&label, &der, &pem, m->r->arena, &why)) == 1)
		if (add_cert(m, der, true) < 0)
			return -1;
	return rc < 0 ? mst_fail(m->e, MST_E_SYNTAX, "%s: %s", field, why.text) : 0;
}

/* The fields that hold certificates themselves. */
static bool is_pem(const struct mst_shape_row *row)
{
	return mst_slice_eq(mst_slice_str(row->name), MST_S("ca")) || mst_slice_eq(mst_slice_str(row->name), MST_S("certificates"));
}

int mst_render_gather(struct making *m)
{
	const struct mst_object *o = m->r->setting;

	m->r->num_left = 0;
	for (uint32_t i = 0; i < o->shape->num_fields; i++) {
		const struct mst_shape_row *row = &o->shape->fields[i];
		const struct mst_value *value = &o->values[i];
		if (value->is_set && is_pem(row) && m->way == MST_RENDER_APPLE && add_pem(m, row->name, value->text) < 0)
			return -1;
		if (!value->is_set || !mst_shape_refers(row) || row->ref != MST_NOUN_ENROLLMENT)
			continue;
		if (row->kind == MST_FIELD_REF && add_use(m, row, &(struct mst_pair){.value = value->text}) < 0)
			return -1;
		for (uint32_t k = 0; k < value->num_pairs; k++)
			if (add_use(m, row, &value->pairs[k]) < 0)
				return -1;
	}
	return 0;
}
