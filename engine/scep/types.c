/* SPDX-License-Identifier: Apache-2.0 */
/* The message types that are taken, and what each verdict is called; whatever has no row is refused before it is looked into. */
#include "own.h"

/* clang-format off */
const struct scep_type_row mst_type_rows[NUM_TYPES] = {
	/*                number  name          in the envelope    records           decision */
	[TYPE_RENEWAL]  = {"17", "RenewalReq", mst_pki_request, mst_look_renewal, mst_judge_renewal},
	[TYPE_REQUEST]  = {"19", "PKCSReq",    mst_pki_request, mst_look_request, mst_judge_request},
	[TYPE_POLL]     = {"20", "CertPoll",   mst_pki_subject, mst_look_poll,    mst_judge_found},
	[TYPE_GET_CERT] = {"21", "GetCert",    mst_pki_number,  mst_look_cert,    mst_judge_found},
	[TYPE_GET_CRL]  = {"22", "GetCRL",     mst_pki_number,  mst_look_crl,     mst_judge_crl},
};

static const struct {
	int fail_info;
	const char *word;
} verdict_rows[NUM_VERDICTS] = {
#define X(name, fail, word) [VERDICT_##name] = {fail, word},
	SCEP_VERDICTS(X)
#undef X
};
/* clang-format on */

const char *mst_pki_word(enum scep_verdict verdict)
{
	BUG_ON((unsigned)verdict >= NUM_VERDICTS);
	return verdict_rows[verdict].word;
}

int mst_pki_fail_info(enum scep_verdict verdict)
{
	BUG_ON((unsigned)verdict >= NUM_VERDICTS);
	return verdict_rows[verdict].fail_info;
}
