/* SPDX-License-Identifier: Apache-2.0 */
/* Single-file: the identity lies in the setting. Nothing is made; every device gets the same one. */
#include "maker.h"
#include "muster/grow.h"
#include "muster/p12.h"
#include "muster/text.h"

static int chain_of(struct mst_make *make, const struct mst_p12_identity *identity, struct mst_err *e)
{
	struct mst_grow grow;

	mst_grow_init(&grow, make->arena);
	for (size_t i = 0; i < identity->num_chain; i++)
		mst_grow_put(&grow, identity->chain[i]);
	return mst_grow_end(&grow, &make->chain, e);
}

static int here(struct mst_make *make, struct mst_err *e)
{
	struct mst_slice text = mst_object_text(make->enrollment, "file"), password = mst_object_text(make->enrollment, "password");
	uint8_t *at = mst_arena_get(make->arena, MST_BASE64_ROOM(text.len));
	struct mst_p12_identity identity;
	struct mst_p12 *p12 = mst_arena_get(make->arena, sizeof *p12);
	struct mst_err why;
	size_t len;

	if (!at || !p12)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_base64_get(at, &len, text, &why) < 0 || mst_p12_read(p12, make->arena, mst_slice(at, len), password, 0, &why) < 0 ||
	    mst_p12_identity(&identity, p12, &why) < 0)
		return mst_fail(e, MST_E_SYNTAX, "file: %s", why.text);
	make->cert = identity.cert;
	make->key = identity.key;
	return chain_of(make, &identity, e);
}

const struct mst_maker mst_maker_file = {.type = "single-file", .form = MST_IDENTITY_FILE, .makes = false, .here = here};
