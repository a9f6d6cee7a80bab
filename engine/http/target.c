/* SPDX-License-Identifier: Apache-2.0 */
/* Splits a request target into path and query and refuses paths that two readers could take
 * differently. */
#include "muster/text.h"

#include "own.h"

/* What stands behind /ocsp/NAME/ is base64 (RFC 6960 A.1.1), whose slashes divide nothing. */
static struct mst_slice divided(struct mst_slice path)
{
	struct mst_slice part, rest;
	if (!mst_slice_starts(path, MST_S("/ocsp/")))
		return path;
	(void)mst_slice_cut(&part, &rest, mst_slice(path.at + 6, path.len - 6), '/');
	return mst_slice(path.at, 6 + part.len);
}

/* Parts between slashes: none empty but the last, none "." or "..". */
static int check_parts(struct mst_slice path, struct mst_err *e)
{
	struct mst_slice part, rest = mst_slice(path.at + 1, path.len - 1);
	bool has_more = true;
	while (has_more) {
		has_more = mst_slice_cut(&part, &rest, rest, '/');
		if (has_more && part.len == 0)
			return mst_fail(e, MST_E_SYNTAX, "the path has an empty part");
		if (mst_slice_eq(part, MST_S(".")) || mst_slice_eq(part, MST_S("..")))
			return mst_fail(e, MST_E_SYNTAX, "the path has a relative part");
	}
	return 0;
}

static int check_bytes(struct mst_slice path, struct mst_err *e)
{
	bool is_ascii = true;
	for (size_t i = 0; i < path.len; i++) {
		if (path.at[i] < ' ' || path.at[i] == 0x7f || path.at[i] == '\\')
			return mst_fail(e, MST_E_SYNTAX,
					"the path holds a byte that may not be there");
		is_ascii &= path.at[i] < 0x80;
	}
	return is_ascii || mst_utf8_ok(path) ? 0
					     : mst_fail(e, MST_E_SYNTAX, "the path is not UTF-8");
}

int mst_target_parse(struct mst_request *in, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_slice raw;
	mst_slice_cut(&raw, &in->query, in->target, '?');
	in->path = raw;
	if (mst_slice_find(raw, '%') < raw.len) {
		size_t len;
		uint8_t *place = mst_arena_get(arena, raw.len + 1);
		if (!place)
			return mst_fail(e, MST_E_BUSY,
					"no room in the exchange's memory for the path");
		if (mst_percent_get(place, &len, raw, e) < 0)
			return -1;
		in->path = mst_slice(place, len);
	}
	if (in->path.len == 0 || in->path.at[0] != '/')
		return mst_fail(e, MST_E_SYNTAX, "the target is no path");
	if (check_bytes(in->path, e) < 0)
		return -1;
	return check_parts(divided(in->path), e);
}
