/* SPDX-License-Identifier: Apache-2.0 */
/* A distinguished name (RFC 4514 text) as SCEP payloads have it: an array of relative names, the widest first, each an array of
 * [type, value]. */
#include <string.h>

#include "render_own.h"

#define RDNS_MAX 32

/* clang-format off */
/* Types that devices do not know by their word. */
static const struct {
	const char *word, *oid;
} oids[] = {
	{"DC",           "0.9.2342.19200300.100.1.25"},
	{"UID",          "0.9.2342.19200300.100.1.1"},
	{"E",            "1.2.840.113549.1.9.1"},
	{"emailAddress", "1.2.840.113549.1.9.1"},
	{"SERIALNUMBER", "2.5.4.5"},
	{"SN",           "2.5.4.4"},
	{"GN",           "2.5.4.42"},
	{"givenName",    "2.5.4.42"},
	{"T",            "2.5.4.12"},
	{"title",        "2.5.4.12"},
	{"STREET",       "2.5.4.9"},
};
/* clang-format on */

static struct mst_slice next_part(struct mst_slice *rest, const char *ends)
{
	struct mst_slice in = *rest;
	size_t i = 0;

	while (i < in.len && !strchr(ends, in.at[i]))
		i += in.at[i] == '\\' && i + 1 < in.len ? 2 : 1;
	*rest = i < in.len ? mst_slice(in.at + i + 1, in.len - i - 1) : mst_slice(NULL, 0);
	return mst_slice(in.at, i);
}

static int hex_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct mst_slice unescape(struct making *m, struct mst_slice in)
{
	uint8_t *out = mst_arena_get(m->r->arena, in.len + 1);
	size_t len = 0;

	if (!out) {
		mst_render_fail_memory(m);
		return mst_slice(NULL, 0);
	}
	for (size_t i = 0; i < in.len; i++) {
		int high = i + 2 < in.len ? hex_of(in.at[i + 1]) : -1, low = i + 2 < in.len ? hex_of(in.at[i + 2]) : -1;
		if (in.at[i] == '\\' && high >= 0 && low >= 0) {
			out[len++] = (uint8_t)(high << 4 | low);
			i += 2;
		} else {
			i += in.at[i] == '\\' && i + 1 < in.len;
			out[len++] = in.at[i];
		}
	}
	return mst_slice(out, len);
}

static void put_pair(struct making *m, struct mst_slice part)
{
	struct mst_slice type, value;

	if (!mst_slice_cut(&type, &value, part, '=')) {
		if (!m->is_bad)
			m->is_bad = mst_fail(m->e, MST_E_SYNTAX, "subject: a part of a name is TYPE=value") < 0;
		return;
	}
	type = mst_slice_trim(type);
	for (size_t i = 0; i < MST_LEN(oids); i++)
		if (mst_slice_case_eq(mst_slice_str(oids[i].word), type)) {
			type = mst_slice_str(oids[i].oid);
			break;
		}
	mst_plist_open_array(&m->plist, NULL);
	mst_plist_put_text(&m->plist, NULL, type);
	mst_plist_put_text(&m->plist, NULL, unescape(m, mst_slice_trim(value)));
	mst_plist_close(&m->plist);
}

void mst_render_put_subject(struct making *m, const char *key, struct mst_slice subject)
{
	struct mst_slice rdns[RDNS_MAX];
	size_t num = 0;

	while (subject.len && num < RDNS_MAX)
		rdns[num++] = next_part(&subject, ",;");
	mst_plist_open_array(&m->plist, key);
	while (num) {
		struct mst_slice rdn = rdns[--num];
		mst_plist_open_array(&m->plist, NULL);
		while (rdn.len)
			put_pair(m, next_part(&rdn, "+"));
		mst_plist_close(&m->plist);
	}
	mst_plist_close(&m->plist);
}
