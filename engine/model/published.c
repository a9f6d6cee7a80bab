/* SPDX-License-Identifier: Apache-2.0 */
/* The newest CRL of each authority. */
#include "muster/published.h"

#include "record.h"

#define VERSION 1

int mst_published_get(struct mst_read *r, struct mst_published *out, const uint8_t authority[static 16])
{
	struct mst_slice value;
	struct mst_unpack u;
	int rc = mst_read_get(r, &value, MST_SPACE_CRL, mst_slice(authority, 16));

	if (rc != 1)
		return rc;
	mst_unpack_begin(&u, value, VERSION);
	out->number = mst_unpack_u64(&u);
	out->this_s = mst_unpack_i64(&u);
	out->next_s = mst_unpack_i64(&u);
	out->crl = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "CRL", &r->err) < 0 ? -1 : 1;
}

void mst_published_put(struct mst_batch *b, const struct mst_published *p, const uint8_t authority[static 16])
{
	struct mst_pack out;

	mst_pack_begin(&out, b->arena, VERSION);
	mst_pack_u64(&out, p->number);
	mst_pack_i64(&out, p->this_s);
	mst_pack_i64(&out, p->next_s);
	mst_pack_bytes(&out, p->crl);
	mst_record_put(b, MST_SPACE_CRL, mst_slice(authority, 16), &out);
}

int mst_published_crl(struct mst_read *r, struct mst_slice *out, const uint8_t authority[16])
{
	struct mst_published p;
	int rc = mst_published_get(r, &p, authority);

	if (rc == 1)
		*out = p.crl;
	return rc;
}
