/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes what a device posts to the profile service, and the texts that go into a profile. */
#include <stdlib.h>

#include "../../engine/enroll/own.h"

#define INPUT_MAX 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mst_plist_limits limits = {1 << 20, 8, 4096};

/* A certificate of the message is the authority, the factory, or neither. */
static void read_attributes(struct mst_slice bytes, struct mst_arena *arena)
{
	struct mst_cms_signed *in = mst_arena_zero(arena, sizeof(*in));
	struct ota_message m;
	struct mst_err e;

	if (!in || mst_cms_signed_read(in, arena, bytes, &e) < 0 || in->num_certs == 0)
		return;
	for (size_t i = 0; i < in->num_certs; i++) {
		struct mst_slice ca = in->certs[i];
		if (mst_ota_read(&m, arena, bytes, ca, &ca, i, 1800000000, &e) == 0)
			BUG_ON(m.udid.len == 0 || m.udid.len > 64);
	}
}

static size_t len_is_odd(struct mst_slice s)
{
	return s.len & 1;
}

/* Whatever the names are: the profile is a property list that says the same. */
static void write_profile(struct mst_slice bytes, struct mst_arena *arena)
{
	const struct mst_enroll enroll = {.url = MST_S("https://a"), .scep_url = MST_S("https://a"), .topic = MST_S("t"), .name = MST_S("n")};
	struct profile_facts facts = {.authority = MST_S("a"), .device = bytes, .common_name = bytes, .dns = bytes, .challenge = "c"};
	const struct mst_plist *list, *root;
	struct mst_slice out;
	struct mst_err e;

	facts.certs[0] = bytes; /* a broken one is refused, none is left out */
	facts.num_certs = len_is_odd(bytes);
	BUG_ON(mst_profile_write(&out, arena, &enroll, PROFILE_SERVICE, &facts, &e) < 0);
	if (mst_profile_write(&out, arena, &enroll, PROFILE_MDM, &facts, &e) < 0)
		return;
	BUG_ON(mst_plist_parse(&root, arena, out, &limits, &e) < 0 && e.code != MST_E_TOO_BIG);
	if (!root)
		return;
	BUG_ON(mst_plist_array0(root, &list, "PayloadContent", &e) != 1 || mst_plist_num(list) < 2u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mst_arena arena;

	if (len > INPUT_MAX)
		return 0;
	mst_arena_init(&arena, NULL, 0);
	read_attributes(mst_slice(data, len), &arena);
	write_profile(mst_slice(data, len), &arena);
	mst_arena_done(&arena);
	return 0;
}
