/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes OCSP requests; max length MST_OCSP_REQUEST_MAX. What is read lies inside the input and can be answered. */
#include "muster/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void lies_inside(struct mst_slice part, struct mst_slice in)
{
	BUG_ON(part.len && (part.at < in.at || part.at + part.len > in.at + in.len));
}

static void answer(const struct mst_ocsp_request *request)
{
	struct mst_ocsp_single singles[MST_OCSP_IDS_MAX] = {{.id = {NULL, 0}}};
	struct mst_ocsp_body body = {.this_s = 1800000000, .next_s = 1800003600, .singles = singles,
				     .num_singles = request->num_ids, .nonce = request->nonce};
	struct mst_arena arena = {.pool = NULL};
	struct mst_slice out, whole;

	mst_arena_init(&arena, NULL, 0);
	for (size_t i = 0; i < request->num_ids; i++)
		singles[i] = (struct mst_ocsp_single){.id = request->ids[i].der, .status = (enum mst_ocsp_status)(i % 3),
						      .revoked_s = 1700000000, .reason = (uint32_t)i % 2};
	BUG_ON(mst_ocsp_body(&out, &arena, &body, NULL) < 0);
	BUG_ON(mst_ocsp_whole(&whole, &arena, out, MST_SIG_ECDSA_SHA256, MST_S("signature"), MST_S("certificate"), NULL) < 0);
	mst_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mst_slice in = mst_slice(data, len);
	struct mst_ocsp_request request;

	if (mst_ocsp_read(&request, in, NULL) < 0)
		return 0;
	BUG_ON(request.num_ids == 0 || request.num_ids > MST_OCSP_IDS_MAX || request.nonce.len > MST_OCSP_NONCE_MAX);
	lies_inside(request.nonce, in);
	for (size_t i = 0; i < request.num_ids; i++) {
		const struct mst_ocsp_id *id = &request.ids[i];
		const struct mst_slice parts[] = {id->der, id->issuer_name, id->issuer_key, id->serial};
		for (size_t k = 0; k < MST_LEN(parts); k++)
			lies_inside(parts[k], in);
		BUG_ON(id->serial.len == 0);
	}
	answer(&request);
	return 0;
}
