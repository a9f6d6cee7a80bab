/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes CMS: SignedData read and verified, EnvelopedData opened by an RSA that does nothing. */
#include "muster/cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int raw(uint8_t out[static MST_CMS_RSA_MAX], const void *home, struct mst_slice in,
	       struct mst_err *e)
{
	memcpy(out, in.at, in.len);
	return 0;
}

static unsigned sum(struct mst_slice s)
{
	unsigned total = 0;
	for (size_t i = 0; i < s.len; i++)
		total += s.at[i]; /* the sanitizer sees every byte */
	return total;
}

static void look(const struct mst_cms_signed *in, struct mst_arena *arena)
{
	struct mst_cert cert;
	struct mst_slice value = {NULL, 0}, again;
	for (size_t i = 0; i < in->num_signers; i++) {
		const struct mst_cms_signer *signer = &in->signers[i];
		if (mst_cms_signer_cert(&cert, in, signer, NULL) == 0)
			(void)!mst_cms_verify(in, signer, cert.spki, NULL, MST_CMS_ALLOW_SHA1,
					      NULL);
		for (size_t n = 0; n < signer->num_attrs; n++)
			if (mst_cms_attr_get(&value, signer, signer->attrs[n].oid, MST_CMS_TEXT,
					     NULL) == 1)
				sum(value);
	}
	sum(in->content);
	/* What was read as certificates and CRLs can be written again. */
	BUG_ON(mst_cms_bundle(&again, arena, in->certs, in->num_certs, in->crls, in->num_crls,
			      NULL) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct mst_cms_key key = {.raw = raw};
	const struct mst_cert own = {.serial = MST_S("\x01")};
	struct mst_arena arena = {.limit = 1 << 22};
	struct mst_slice in = mst_slice(data, len);
	struct mst_cms_signed parts;
	struct mst_cms_opened opened;
	if (mst_cms_open(&opened, &arena, in, &own, &key, MST_CMS_ALLOW_DES, NULL) == 0)
		in = opened.content; /* SCEP puts one into the other */
	if (mst_cms_signed_read(&parts, &arena, in, NULL) == 0)
		look(&parts, &arena);
	mst_arena_done(&arena);
	return 0;
}
