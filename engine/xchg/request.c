/* SPDX-License-Identifier: Apache-2.0 */
/* Looks into an exchange's request: its headers, and the parameters of its query
 * (application/x-www-form-urlencoded). */
#include "muster/text.h"
#include "muster/xchg.h"

struct mst_slice mst_xchg_header(const struct mst_xchg *x, struct mst_slice name)
{
	return mst_header_find(x->in.headers, x->in.num_headers, name);
}

/* Decodes '+' and %XX into the arena. */
static bool decode(struct mst_xchg *x, struct mst_slice *out, struct mst_slice raw)
{
	uint8_t *place = mst_arena_get(&x->arena, 2 * raw.len + 1);
	size_t len;
	if (!place)
		return false;
	uint8_t *plain = place + raw.len;
	for (size_t i = 0; i < raw.len; i++)
		plain[i] = raw.at[i] == '+' ? ' ' : raw.at[i];
	if (mst_percent_get(place, &len, mst_slice(plain, raw.len), NULL) < 0)
		return false;
	*out = mst_slice(place, len);
	return mst_utf8_ok(*out);
}

bool mst_xchg_query(struct mst_xchg *x, struct mst_slice *out, struct mst_slice name)
{
	struct mst_slice rest = x->in.query, part, key, value;
	while (rest.len) {
		if (!mst_slice_cut(&part, &rest, rest, '&'))
			rest.len = 0;
		if (!mst_slice_cut(&key, &value, part, '='))
			value = (struct mst_slice){NULL, 0};
		if (mst_slice_eq(key, name))
			return decode(x, out, value);
	}
	return false;
}
