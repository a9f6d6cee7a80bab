/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a setting as an Apple configuration profile: walks the rows of its type, then adds certificates and identities. */
#include <stdio.h>
#include <string.h>

#include "render_own.h"

static bool is_part(struct mst_slice open, const char *path, size_t len)
{
	return open.len == len && memcmp(open.at, path, len) == 0;
}

static void close_to(struct making *m, size_t num)
{
	while (m->num_open > num) {
		mst_plist_close(&m->plist);
		m->num_open--;
	}
}

const char *mst_render_key(struct making *m, const char *path)
{
	const char *slash;
	size_t depth = 0;

	while ((slash = strchr(path, '/'))) {
		size_t len = (size_t)(slash - path);
		if (depth < m->num_open && !is_part(m->open[depth], path, len))
			close_to(m, depth);
		if (depth == m->num_open) {
			BUG_ON(depth == RENDER_PATH_MAX);
			if (!mst_arena_copy(m->r->arena, &m->open[depth], mst_slice(path, len))) {
				mst_render_fail_memory(m);
				return slash + 1;
			}
			mst_plist_open_dict(&m->plist, (const char *)m->open[depth].at);
			m->num_open++;
		}
		depth++;
		path = slash + 1;
	}
	close_to(m, depth);
	return path;
}

static void put_texts(struct making *m, const char *path, const struct mst_shape_row *field, const struct mst_value *value)
{
	if (value->num_pairs == 0)
		return;
	mst_plist_open_array(&m->plist, mst_render_key(m, path));
	for (uint32_t i = 0; i < value->num_pairs; i++)
		mst_plist_put_text(&m->plist, NULL, mst_render_text(m, field, value->pairs[i].value));
	mst_plist_close(&m->plist);
}

static void put_field(struct making *m, const struct render_row *row, const struct mst_shape_row *field,
		      const struct mst_value *value)
{
	struct mst_slice text;

	switch (field->kind) {
	case MST_FIELD_TEXT:
	case MST_FIELD_SECRET:
		text = mst_render_text(m, field, value->text);
		mst_plist_put_text(&m->plist, mst_render_key(m, row->path), text);
		return;
	case MST_FIELD_WORD:
		text = row->words ? mst_slice_str(row->words[value->number]) : value->text;
		if (text.len)
			mst_plist_put_text(&m->plist, mst_render_key(m, row->path), text);
		return;
	case MST_FIELD_BOOL:
		mst_plist_put_bool(&m->plist, mst_render_key(m, row->path), value->number != 0);
		return;
	case MST_FIELD_NUMBER:
		mst_plist_put_i64(&m->plist, mst_render_key(m, row->path), value->number);
		return;
	case MST_FIELD_TEXTS:
		put_texts(m, row->path, field, value);
		return;
	case MST_FIELD_PAIRS:
	case MST_FIELD_BYTES:
	case MST_FIELD_REF:
	case MST_FIELD_REFS:
		BUG_ON("a kind of field that has no plain form");
	}
}

static void put_identity(struct making *m, const char *path, const struct mst_shape_row *field, const struct mst_value *value)
{
	const struct render_use *use = mst_render_use0(m, field, value->text);

	if (use)
		mst_plist_put_text(&m->plist, mst_render_key(m, path), mst_slice_str(use->uuid));
}

static void put_anchors(struct making *m, const char *path)
{
	mst_plist_open_array(&m->plist, mst_render_key(m, path));
	for (size_t i = 0; i < m->num_certs; i++)
		if (m->certs[i].is_anchor)
			mst_plist_put_text(&m->plist, NULL, mst_slice_str(m->certs[i].uuid));
	mst_plist_close(&m->plist);
}

static bool is_wanted(const struct making *m, const struct render_row *row)
{
	const struct mst_object *o = m->r->setting;

	if (row->needs && !mst_object_value(o, row->needs)->is_set)
		return false;
	return !row->when || (mst_object_value(o, row->when)->is_set && (row->only & MST_B(mst_object_number(o, row->when))));
}

static void put_row(struct making *m, const struct render_row *row)
{
	const struct mst_shape_row *field = NULL;
	const struct mst_value *value = row->field ? mst_render_value(m, row->field, &field) : NULL;

	if ((row->field && !value) || !is_wanted(m, row))
		return;
	switch (row->kind) {
	case RENDER_FIELD:
		put_field(m, row, field, value);
		return;
	case RENDER_01:
		mst_plist_put_i64(&m->plist, mst_render_key(m, row->path), value->number != 0);
		return;
	case RENDER_DATA:
		mst_plist_put_data(&m->plist, mst_render_key(m, row->path), value->text);
		return;
	case RENDER_NAME:
		mst_plist_put_text(&m->plist, mst_render_key(m, row->path), m->r->setting->name);
		return;
	case RENDER_TEXT:
		mst_plist_put_text(&m->plist, mst_render_key(m, row->path), mst_slice_str(row->text));
		return;
	case RENDER_NUMBER:
		mst_plist_put_i64(&m->plist, mst_render_key(m, row->path), row->number);
		return;
	case RENDER_IDENTITY:
		put_identity(m, row->path, field, value);
		return;
	case RENDER_ANCHORS:
		put_anchors(m, row->path);
		return;
	case RENDER_CALL:
		row->put(m, row->path);
		return;
	}
}

void mst_render_put_head(struct making *m, const char *type, struct mst_slice part, const char *uuid, struct mst_slice name)
{
	char base[MST_RENDER_IDENTIFIER_LEN + 1];
	struct mst_slice identifier;

	mst_render_identifier(base, m->r->setting->uuid);
	if (!mst_arena_format(m->r->arena, &identifier, "%s%s%.*s", base, part.len ? "." : "", (int)part.len, (const char *)part.at)) {
		mst_render_fail_memory(m);
		return;
	}
	mst_plist_put_text(&m->plist, "PayloadType", mst_slice_str(type));
	mst_plist_put_i64(&m->plist, "PayloadVersion", 1);
	mst_plist_put_text(&m->plist, "PayloadIdentifier", identifier);
	mst_plist_put_text(&m->plist, "PayloadUUID", mst_slice_str(uuid));
	mst_plist_put_text(&m->plist, "PayloadDisplayName", name);
	if (m->r->organization.len)
		mst_plist_put_text(&m->plist, "PayloadOrganization", m->r->organization);
}

/* By content; while the content is found out they are nobody's. */
static void content_uuid(char out[static RENDER_UUID_LEN + 1], const struct making *m, const char *part)
{
	out[0] = 0;
	if (!m->is_stable)
		mst_render_uuid(out, mst_slice(m->r->content, sizeof m->r->content), mst_slice_str(part));
}

static void put_setting(struct making *m, const struct render_table *table)
{
	char uuid[RENDER_UUID_LEN + 1];

	content_uuid(uuid, m, table->payload);
	mst_plist_open_dict(&m->plist, NULL);
	mst_render_put_head(m, table->payload, mst_slice_str(table->setting), uuid, m->r->setting->name);
	for (size_t i = 0; i < table->num_rows; i++)
		put_row(m, &table->rows[i]);
	close_to(m, 0);
	mst_plist_close(&m->plist);
}

static void put_profile(struct making *m, const struct render_table *table)
{
	struct mst_slice description = mst_object_text(m->r->setting, "description");
	char uuid[RENDER_UUID_LEN + 1];

	content_uuid(uuid, m, "Configuration");
	mst_plist_open_dict(&m->plist, NULL);
	mst_render_put_head(m, "Configuration", mst_slice(NULL, 0), uuid, m->r->setting->name);
	if (description.len)
		mst_plist_put_text(&m->plist, "PayloadDescription", description);
	mst_plist_put_text(&m->plist, "PayloadScope", MST_S("System"));
	mst_plist_open_array(&m->plist, "PayloadContent");
	for (size_t i = 0; i < m->num_certs; i++)
		mst_render_put_cert(m, &m->certs[i]);
	for (size_t i = 0; i < m->num_uses; i++)
		mst_render_put_use(m, &m->uses[i]);
	if (table->payload)
		put_setting(m, table);
	mst_plist_close(&m->plist);
	mst_plist_close(&m->plist);
}

static const struct render_table *table_of(const struct mst_object *setting)
{
	for (size_t i = 0; i < mst_render_num_tables; i++)
		if (strcmp(mst_render_tables[i]->setting, setting->shape->type) == 0)
			return mst_render_tables[i];
	return NULL;
}

static bool is_for(const struct render_table *table, struct mst_slice platform)
{
	for (const char *const *not_for = table->not_for; not_for && *not_for; not_for++)
		if (mst_slice_case_eq(mst_slice_str(*not_for), platform))
			return false;
	return true;
}

int mst_render_apple(struct making *m, struct mst_slice *out)
{
	const struct render_table *table = table_of(m->r->setting);

	if (!table)
		return mst_fail(m->e, MST_E_TYPE, "%s settings come through a client, not in a profile", m->r->setting->shape->type);
	if (!is_for(table, m->r->device->platform))
		return mst_fail(m->e, MST_E_TYPE, "%.*s has no %s settings", (int)m->r->device->platform.len,
				(const char *)m->r->device->platform.at, table->setting);
	mst_plist_begin(&m->plist, m->r->arena);
	put_profile(m, table);
	if (m->is_bad)
		return -1;
	return mst_plist_end(&m->plist, out, m->e);
}
