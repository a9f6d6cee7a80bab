/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a request's path, taken from the target as it was sent: /v1/devices/{ID}/commands/{UUID}. */
#include "muster/text.h"
#include "own.h"

enum { PART_ID = 2, PART_UUID = 4 };

struct mst_slice mst_path_raw0(const struct mst_xchg *x, size_t n)
{
	struct mst_slice path, part, rest;

	(void)mst_slice_cut(&path, &part, x->in.target, '?');
	if (!mst_slice_cut(&part, &rest, path, '/'))
		return (struct mst_slice){NULL, 0};
	for (size_t i = 0;; i++) {
		bool is_more = mst_slice_cut(&part, &rest, rest, '/');
		if (i == n)
			return part;
		if (!is_more)
			return (struct mst_slice){NULL, 0};
	}
}

int mst_path_decode(struct mst_xchg *x, struct mst_slice *out, struct mst_slice raw)
{
	uint8_t *place = mst_arena_get(&x->arena, raw.len + 1);
	size_t len;

	if (!place)
		return mst_fail(&x->err, MST_E_BUSY, "out of memory");
	if (mst_percent_get(place, &len, raw, &x->err) < 0)
		return -1;
	*out = mst_slice(place, len);
	return 0;
}

int mst_path_part(struct mst_xchg *x, struct mst_slice *out, size_t n)
{
	return mst_path_decode(x, out, mst_path_raw0(x, n));
}

int mst_path_id(struct mst_xchg *x, struct api_id *out, struct mst_slice text)
{
	if (mst_id_from(&out->id, text, &x->err) < 0)
		return -1;
	out->text = text;
	out->device_id = out->id;
	memset(out->device_id.channel, 0, sizeof(out->device_id.channel));
	return 0;
}

int mst_path_who(struct mst_xchg *x, struct api_id *out)
{
	struct mst_slice text;
	if (mst_path_part(x, &text, PART_ID) < 0)
		return -1;
	return mst_path_id(x, out, text);
}

int mst_path_uuid(struct mst_xchg *x, struct mst_slice *out)
{
	if (mst_path_part(x, out, PART_UUID) < 0)
		return -1;
	if (out->len == 0 || out->len > MST_UUID_MAX || !mst_utf8_ok(*out))
		return mst_fail(&x->err, MST_E_SYNTAX, "a command uuid is 1 to %d bytes of text", MST_UUID_MAX);
	return 0;
}
