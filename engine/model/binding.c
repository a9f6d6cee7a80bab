/* SPDX-License-Identifier: Apache-2.0 */
/* The binding of a certificate to the one device that may use it. */
#include "muster/device.h"

#include "record.h"

#define VERSION 1

static int decode(struct mst_binding *out, struct mst_slice value, struct mst_err *e)
{
	struct mst_unpack u;

	*out = (struct mst_binding){.raw = value};
	mst_unpack_begin(&u, value, VERSION);
	mst_unpack_fixed(&u, out->id.device, sizeof out->id.device);
	out->not_before = mst_unpack_i64(&u);
	out->not_after = mst_unpack_i64(&u);
	out->bound_ms = mst_unpack_i64(&u);
	out->text = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "binding", e);
}

int mst_binding_get(struct mst_read *r, struct mst_binding *out, const uint8_t sha256[static 32])
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_BINDING, mst_slice(sha256, 32));

	if (rc != 1)
		return rc;
	return decode(out, value, &r->err) < 0 ? -1 : 1;
}

void mst_binding_put(struct mst_batch *b, const struct mst_binding *binding, const uint8_t sha256[static 32])
{
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_fixed(&p, binding->id.device, sizeof binding->id.device);
	mst_pack_i64(&p, binding->not_before);
	mst_pack_i64(&p, binding->not_after);
	mst_pack_i64(&p, binding->bound_ms);
	mst_pack_bytes(&p, binding->text);
	mst_record_require(b, MST_SPACE_BINDING, mst_slice(sha256, 32), binding->raw);
	mst_record_put(b, MST_SPACE_BINDING, mst_slice(sha256, 32), &p);
}

void mst_binding_drop(struct mst_batch *b, const uint8_t sha256[static 32])
{
	mst_batch_drop(b, MST_SPACE_BINDING, mst_slice(sha256, 32));
}
