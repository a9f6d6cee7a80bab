/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of CRLs and OCSP answers share: signature algorithms, signed bodies, times. */
#ifndef MUSTER_SIG_OWN_H
#define MUSTER_SIG_OWN_H

#include "der_own.h"
#include "muster/cert.h"

#define SIG_MORE 64 /* an algorithm, and the heads around body and signature */

/* mst_sig_der lends the whole AlgorithmIdentifier; empty for UNKNOWN. */
struct mst_slice mst_sig_der(enum mst_sig_alg alg);
/* mst_sig_head writes tag and length of an element: a CBB would move its contents for each level, megabytes of a CRL. */
#define SIG_HEAD_ROOM 6
size_t mst_sig_head(uint8_t out[static SIG_HEAD_ROOM], uint8_t tag, size_t len);
/* mst_sig_put writes body, algorithm and BIT STRING into `to`. */
bool mst_sig_put(CBB *to, struct mst_slice body, enum mst_sig_alg alg, struct mst_slice signature);

/* mst_sig_end ends what was written into memory `at` of the arena; `is_written` says whether all went well so far. */
int mst_sig_end(struct mst_slice *out, const uint8_t *at, CBB *cbb, bool is_written, struct mst_err *e);

#define SIG_TIME_LEN 15
/* mst_sig_time writes YYYYMMDDHHMMSSZ, years 1970 to 9999: without snprintf, a CRL has a hundred thousand of them. */
void mst_sig_time(uint8_t out[static SIG_TIME_LEN], int64_t s);
/* mst_sig_put_time puts a GeneralizedTime; with `may_be_utc` a UTCTime up to 2049 (RFC 5280 5.1.2.4). */
bool mst_sig_put_time(CBB *to, int64_t s, bool may_be_utc);

#endif
