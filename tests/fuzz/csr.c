/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes certification requests; max length MST_CSR_MAX. What is read lies inside the input; what verifies has a key we know. */
#include "muster/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void lies_inside(struct mst_slice part, struct mst_slice in)
{
	BUG_ON(part.len && (part.at < in.at || part.at + part.len > in.at + in.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mst_slice in = mst_slice(data, len);
	struct mst_csr csr;
	uint32_t rsa_bits, ec_bits;

	if (mst_csr_read(&csr, in, NULL) < 0)
		return 0;
	const struct mst_slice parts[] = {csr.body, csr.spki, csr.subject, csr.common_name, csr.challenge, csr.signature};
	for (size_t i = 0; i < MST_LEN(parts); i++)
		lies_inside(parts[i], in);
	BUG_ON(csr.challenge.len > MST_CSR_CHALLENGE_MAX);
	(void)!mst_key_check(&rsa_bits, &ec_bits, csr.spki, NULL);
	(void)!mst_csr_verify(&csr, true, NULL);
	return 0;
}
