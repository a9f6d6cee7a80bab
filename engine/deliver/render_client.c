/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a setting as the JSON document of our client protocol: its fields by their own names, identities told apart. */
#include <string.h>

#include "muster/text.h"
#include "render_own.h"

/* What a client has no use for. */
static bool is_ours(const struct mst_shape_row *row)
{
	return strcmp(row->name, "labels") == 0 || strcmp(row->name, "description") == 0;
}

static void put_texts(struct making *m, const struct mst_shape_row *row, const struct mst_value *value)
{
	mst_json_open_array(&m->json, row->name);
	for (uint32_t i = 0; i < value->num_pairs; i++)
		mst_json_text(&m->json, NULL, mst_render_text(m, row, value->pairs[i].value));
	mst_json_close(&m->json);
}

static void put_pairs(struct making *m, const struct mst_shape_row *row, const struct mst_value *value)
{
	bool refers = mst_shape_refers(row);

	mst_json_open_array(&m->json, row->name);
	for (uint32_t i = 0; i < value->num_pairs; i++) {
		const struct mst_pair *pair = &value->pairs[i];
		if (refers && !mst_render_use0(m, row, pair->value))
			continue;
		mst_json_open(&m->json, NULL);
		mst_json_text(&m->json, "key", mst_render_text(m, row, pair->key));
		mst_json_text(&m->json, refers ? "identity" : "value", refers ? pair->value : mst_render_text(m, row, pair->value));
		mst_json_close(&m->json);
	}
	mst_json_close(&m->json);
}

static void put_field(struct making *m, const struct mst_shape_row *row, const struct mst_value *value)
{
	switch (row->kind) {
	case MST_FIELD_TEXT:
	case MST_FIELD_SECRET:
		mst_json_text(&m->json, row->name, mst_render_text(m, row, value->text));
		return;
	case MST_FIELD_WORD:
		mst_json_text(&m->json, row->name, value->text);
		return;
	case MST_FIELD_BOOL:
		mst_json_bool(&m->json, row->name, value->number != 0);
		return;
	case MST_FIELD_NUMBER:
		mst_json_i64(&m->json, row->name, value->number);
		return;
	case MST_FIELD_TEXTS:
	case MST_FIELD_REFS:
		put_texts(m, row, value);
		return;
	case MST_FIELD_PAIRS:
		put_pairs(m, row, value);
		return;
	case MST_FIELD_BYTES:
		mst_json_base64(&m->json, row->name, value->text);
		return;
	case MST_FIELD_REF:
		if (mst_render_use0(m, row, value->text))
			mst_json_text(&m->json, row->name, value->text);
		return;
	}
}

static void put_fields(struct making *m)
{
	const struct mst_shape *shape = m->r->setting->shape;

	mst_json_open(&m->json, "fields");
	for (uint32_t i = 0; i < shape->num_fields; i++) {
		const struct mst_shape_row *row;
		const struct mst_value *value;
		if (is_ours(&shape->fields[i]))
			continue;
		value = mst_render_value(m, shape->fields[i].name, &row);
		if (value)
			put_field(m, row, value);
	}
	mst_json_close(&m->json);
}

/* Fetched by its fingerprint; not sent along: a client that has it already needs it no more. */
static void put_file(struct making *m, const struct render_use *use)
{
	mst_json_text(&m->json, "form", MST_S("file"));
	mst_json_hex(&m->json, "sha256", mst_slice(use->print, sizeof use->print));
	mst_json_time(&m->json, "not_after", use->told->held.not_after * 1000);
}

static void put_sans(struct making *m, struct mst_slice rest)
{
	struct mst_slice line, kind, value;

	mst_json_open_array(&m->json, "sans");
	while (rest.len) {
		if (!mst_slice_cut(&line, &rest, rest, '\n'))
			rest = mst_slice(NULL, 0);
		if (!mst_slice_cut(&kind, &value, line, '='))
			continue;
		mst_json_open(&m->json, NULL);
		mst_json_text(&m->json, "key", kind);
		mst_json_text(&m->json, "value", value);
		mst_json_close(&m->json);
	}
	mst_json_close(&m->json);
}

static void put_scep(struct making *m, const struct render_use *use)
{
	const struct mst_identity_ask *told = use->told;

	mst_json_text(&m->json, "form", MST_S("scep"));
	mst_json_hex(&m->json, "sha256", mst_slice(use->print, sizeof use->print));
	if (!m->is_stable) {
		mst_json_text(&m->json, "url", told->scep_url);
		mst_json_text(&m->json, "challenge", told->scep_challenge);
	}
	mst_json_text(&m->json, "ca_name", told->scep_name);
	mst_json_hex(&m->json, "ca_fingerprint", told->ca_fingerprint);
	mst_json_text(&m->json, "subject", told->scep_subject);
	put_sans(m, told->scep_san);
	mst_json_u64(&m->json, "key_bits", told->scep_key_bits);
	mst_json_bool(&m->json, "signs", (told->scep_key_usage & 1) != 0);
	mst_json_bool(&m->json, "encrypts", (told->scep_key_usage & 4) != 0);
}

static void put_client(struct making *m, const struct render_use *use)
{
	mst_json_text(&m->json, "form", MST_S("client"));
	mst_json_text(&m->json, "purpose", mst_object_text(use->identity->enrollment, "purpose"));
	mst_json_text(&m->json, "provider", mst_object_text(use->identity->enrollment, "provider"));
}

static void (*const put_form[])(struct making *m, const struct render_use *use) = {
	[MST_IDENTITY_FILE] = put_file, [MST_IDENTITY_SCEP] = put_scep, [MST_IDENTITY_CLIENT] = put_client};

static void put_uses(struct making *m)
{
	mst_json_open_array(&m->json, "identities");
	for (size_t i = 0; i < m->num_uses; i++) {
		mst_json_open(&m->json, NULL);
		mst_json_text(&m->json, "name", m->uses[i].identity->enrollment->name);
		put_form[m->uses[i].told->form](m, &m->uses[i]);
		mst_json_close(&m->json);
	}
	mst_json_close(&m->json);
}

static void put_left(struct making *m)
{
	mst_json_open_array(&m->json, "left_out");
	for (uint32_t i = 0; i < m->r->num_left; i++) {
		mst_json_open(&m->json, NULL);
		mst_json_text(&m->json, "field", mst_slice_str(m->r->left[i].field));
		mst_json_text(&m->json, "key", m->r->left[i].key);
		mst_json_text(&m->json, "reason", m->r->left[i].reason);
		mst_json_close(&m->json);
	}
	mst_json_close(&m->json);
}

int mst_render_client(struct making *m, struct mst_slice *out)
{
	const struct mst_object *o = m->r->setting;
	char uuid[RENDER_UUID_LEN + 1];

	mst_render_uuid_text(uuid, o->uuid);
	mst_json_begin(&m->json, m->r->arena);
	mst_json_open(&m->json, NULL);
	mst_json_text(&m->json, "uuid", mst_slice_str(uuid));
	mst_json_text(&m->json, "type", mst_slice_str(o->shape->type));
	mst_json_text(&m->json, "name", o->name);
	if (!m->is_stable) {
		mst_json_u64(&m->json, "version", o->version);
		mst_json_hex(&m->json, "content", mst_slice(m->r->content, sizeof m->r->content));
	}
	put_fields(m);
	put_uses(m);
	put_left(m);
	mst_json_close(&m->json);
	if (m->is_bad)
		return -1;
	return mst_json_end(&m->json, out, m->e);
}
