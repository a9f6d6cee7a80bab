/* SPDX-License-Identifier: Apache-2.0 */
/* Makes fixed keys out of Apple's text ids. */
#include "muster/id.h"

#include "muster/crypt.h"
#include "muster/text.h"

void mst_id_make(struct mst_id *out, struct mst_slice device, struct mst_slice user)
{
	uint8_t sha256[32];

	*out = (struct mst_id){.device = {0}};
	mst_sha256(sha256, device);
	memcpy(out->device, sha256, sizeof out->device);
	if (user.len == 0)
		return;
	mst_sha256(sha256, user);
	memcpy(out->channel, sha256, sizeof out->channel);
}

static bool is_printable(struct mst_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < 0x20 || s.at[i] == 0x7f)
			return false;
	return mst_utf8_ok(s);
}

static bool is_part(struct mst_slice s)
{
	return s.len > 0 && s.len <= MST_ID_TEXT_MAX && is_printable(s);
}

int mst_id_from(struct mst_id *out, struct mst_slice text, struct mst_err *e)
{
	struct mst_slice device, user;
	bool has_user = mst_slice_cut(&device, &user, text, ':');

	if (!is_part(device) || (has_user && !is_part(user)))
		return mst_fail(e, MST_E_SYNTAX,
				"an enrolment id is DEVICE or DEVICE:USER, each 1 to %d bytes of printable text",
				MST_ID_TEXT_MAX);
	mst_id_make(out, device, user);
	return 0;
}

bool mst_id_is_device(const struct mst_id *id)
{
	static const uint8_t zeroes[sizeof id->channel];

	return memcmp(id->channel, zeroes, sizeof zeroes) == 0;
}
