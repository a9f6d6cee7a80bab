/* SPDX-License-Identifier: Apache-2.0 */
/* Who may use the operator API: whoever can open the control socket, and on the portal whoever has a key. */
#include "muster/text.h"
#include "own.h"

#define KEY_MAX 512

static int refuse(struct mst_xchg *x, const char *why)
{
	x->out.extra[0] = (struct mst_header){MST_S("WWW-Authenticate"), MST_S("Basic realm=\"muster\", Bearer")};
	return mst_fail(&x->err, MST_E_KEY, "%s", why);
}

/* Basic: base64 of user:key, RFC 7617. `room` holds the decoded text. */
static bool key_of_basic(struct mst_slice *key, uint8_t room[static KEY_MAX], struct mst_slice encoded)
{
	struct mst_slice user;
	size_t len;

	if (MST_BASE64_ROOM(encoded.len) > KEY_MAX || mst_base64_get(room, &len, encoded, NULL) < 0)
		return false;
	return mst_slice_cut(&user, key, mst_slice(room, len), ':');
}

static bool key_of(struct mst_slice *key, uint8_t room[static KEY_MAX], struct mst_slice value)
{
	struct mst_slice scheme, rest;

	if (!mst_slice_cut(&scheme, &rest, value, ' '))
		return false;
	rest = mst_slice_trim(rest);
	if (mst_slice_case_eq(scheme, MST_S("Basic")))
		return key_of_basic(key, room, rest);
	*key = rest;
	return mst_slice_case_eq(scheme, MST_S("Bearer"));
}

/* Every key is compared, so that the time says nothing about which one was close. */
static bool is_known(const struct mst_app *app, const uint8_t hash[static 32])
{
	uint32_t num_same = 0;
	for (uint32_t i = 0; i < app->num_api_keys; i++)
		num_same += mst_slice_same_secret(mst_slice(app->api_keys[i], 32), mst_slice(hash, 32));
	return num_same > 0;
}

static bool name_put(struct mst_xchg *x, const char *kind, const char *rest)
{
	struct mst_slice who;
	if (!mst_arena_format(&x->arena, &who, "%s %s", kind, rest))
		return false;
	x->who = (const char *)who.at;
	return true;
}

static int authorise_local(struct mst_xchg *x)
{
	struct mst_slice uid;
	if (!x->local.is_known) {
		x->who = "control socket";
		return 0;
	}
	if (!mst_arena_format(&x->arena, &uid, "%u", x->local.uid) || !name_put(x, "uid", (const char *)uid.at))
		return mst_fail(&x->err, MST_E_BUSY, "out of memory");
	return 0;
}

int mst_api_authorise(struct mst_xchg *x)
{
	struct mst_slice value, key;
	uint8_t room[KEY_MAX], hash[32];
	char digits[2 * 4 + 1] = "";
	bool is_key;

	if (x->gate == MST_GATE_CONTROL)
		return authorise_local(x);
	value = mst_xchg_header(x, MST_S("authorization"));
	if (!value.at)
		return refuse(x, "this needs an API key");
	is_key = key_of(&key, room, value) && key.len > 0;
	if (is_key)
		mst_sha256(hash, key);
	mst_wipe(room, sizeof(room));
	if (!is_key || !is_known(x->app, hash))
		return refuse(x, "the API key is not known");
	mst_hex_put(digits, mst_slice(hash, 4));
	return name_put(x, "key", digits) ? 0 : mst_fail(&x->err, MST_E_BUSY, "out of memory");
}
