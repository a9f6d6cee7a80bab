/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a setting's fields for one device: variables filled, secrets open. */
#include <stdio.h>
#include <string.h>

#include "render_own.h"

void mst_render_fail_memory(struct making *m)
{
	if (!m->is_bad)
		m->is_bad = mst_fail(m->e, MST_E_BUSY, "out of memory for rendering") < 0;
}

struct mst_slice mst_render_text(struct making *m, const struct mst_shape_row *row, struct mst_slice text)
{
	const struct mst_of of = {.device = m->r->device, .user = m->r->user, .now_ms = m->r->now_ms};
	struct mst_slice out = {NULL, 0};

	if (!(row->flags & MST_FIELD_VARIABLES) || m->is_bad || (m->is_stable && !mst_variables_is_fixed(text)))
		return text;
	if (mst_variables_fill(&out, m->r->arena, row->name, text, &of, m->e) < 0)
		m->is_bad = true;
	return out;
}

const struct mst_value *mst_render_value(struct making *m, const char *field, const struct mst_shape_row **row)
{
	const struct mst_value *value = mst_object_value(m->r->setting, field);

	*row = &m->r->setting->shape->fields[value - m->r->setting->values];
	if (!value->is_set)
		return NULL;
	if ((*row)->kind == MST_FIELD_SECRET && value->text.len == 0 && value->sealed.len) {
		if (!m->is_bad)
			m->is_bad = mst_fail(m->e, MST_E_BUG, "%s is still sealed", field) < 0;
		return NULL;
	}
	return value;
}

void mst_render_uuid_text(char out[static RENDER_UUID_LEN + 1], const uint8_t u[static 16])
{
	snprintf(out, RENDER_UUID_LEN + 1, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", u[0], u[1], u[2], u[3],
		 u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

void mst_render_uuid(char out[static RENDER_UUID_LEN + 1], struct mst_slice of, struct mst_slice part)
{
	uint8_t all[2 * 32], u[32];

	mst_sha256(all, of);
	mst_sha256(all + 32, part);
	mst_sha256(u, mst_slice(all, sizeof all));
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x80);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	mst_render_uuid_text(out, u);
}

void mst_render_identifier(char out[static MST_RENDER_IDENTIFIER_LEN + 1], const uint8_t setting_uuid[static 16])
{
	char uuid[RENDER_UUID_LEN + 1];

	mst_render_uuid_text(uuid, setting_uuid);
	snprintf(out, MST_RENDER_IDENTIFIER_LEN + 1, "muster.setting.%s", uuid);
}
