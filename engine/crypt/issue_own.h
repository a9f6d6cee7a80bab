/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of certificates, moulds and requests share. */
#ifndef MUSTER_CRYPT_ISSUE_OWN_H
#define MUSTER_CRYPT_ISSUE_OWN_H

#include <openssl/bytestring.h>

#include "muster/crypt.h"

#define SERIAL_LEN 16
#define KEY_ID_LEN 20 /* the first 160 bits of SHA-256 of the key, RFC 7093 2 (1) */

#define OID(...) {(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})}

struct draft {
	const struct mst_issue *what;
	struct mst_cert ca; /* zero for a self-signed one */
	enum mst_sig_alg alg;
	uint8_t serial[SERIAL_LEN];
	uint8_t key_id[KEY_ID_LEN], ca_key_id[KEY_ID_LEN];
	struct mst_slice authority; /* the issuer's key id */
};

/* Groups of extensions. */
enum {
	MST_ISSUE_ASKED = 1, /* what a request may ask for, and all certificates of a mould share */
	MST_ISSUE_GIVEN = 2, /* the issuer's */
	MST_ISSUE_OWN = 4,   /* the subject key's */
	MST_ISSUE_NAMED = 8, /* the subject's alternative names */
	MST_ISSUE_ALL = 15
};

static inline bool put(CBB *to, struct mst_slice bytes)
{
	return CBB_add_bytes(to, bytes.at, bytes.len);
}
bool mst_issue_put_alg(CBB *to, enum mst_sig_alg alg);
/* mst_issue_alg_of knows the algorithm by the contents of its OID. */
enum mst_sig_alg mst_issue_alg_of(struct mst_slice oid);
bool mst_issue_put_serial(CBB *to, const uint8_t *serial);
bool mst_issue_put_subject(CBB *to, const struct mst_issue *what);
bool mst_issue_put_validity(CBB *to, const struct mst_issue *what);
/* mst_issue_put_extensions puts the wanted ones of some groups into an open list. */
bool mst_issue_put_extensions(CBB *list, const struct draft *d, uint32_t groups);
/* mst_issue_put_signed wraps a body with its signature (X.509, PKCS#10). */
bool mst_issue_put_signed(CBB *to, struct mst_slice body, enum mst_sig_alg alg, struct mst_slice sig);

/* mst_issue_check refuses bad names. */
int mst_issue_check(const struct mst_issue *what, struct mst_err *e) MST_MUST;
int mst_issue_check_urls(const struct mst_issue *what, struct mst_err *e) MST_MUST;
int mst_issue_key_id(uint8_t *out, struct mst_slice spki, struct mst_err *e) MST_MUST;
/* mst_issue_authority fills d->ca and d->authority from the issuer's certificate. */
int mst_issue_authority(struct draft *d, struct mst_slice ca_cert, struct mst_err *e) MST_MUST;
void mst_issue_serial(uint8_t out[static SERIAL_LEN]);
/* mst_issue_no_memory is the end of a writer that failed: nothing else can. */
int mst_issue_no_memory(struct mst_err *e);

#endif
