/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of SCEP (RFC 8894), as functions of bytes: a CA's answers are judged, messages written, their answers
 * opened. Who asks, and over what, is maker_scep.c's business. Worker: RSA.
 */
#ifndef ENROLL_SCEP_CLIENT_H
#define ENROLL_SCEP_CLIENT_H

#include "muster/cms.h"
#include "muster/csr.h"

#define SCEP_NONCE_LEN 16
#define SCEP_PIN_MAX   32

/* GetCACaps, RFC 8894 3.5.2: what is not said is not there. */
struct scep_caps {
	bool posts, renews, takes_aes;
};
void mst_scep_client_caps(struct scep_caps *out, struct mst_slice text);

/* mst_scep_client_pin reads a fingerprint in hex (blanks and colons within are skipped): 20 bytes of SHA-1 or 32 of SHA-256.
 * Empty text: *len 0. -1 SYNTAX. */
int mst_scep_client_pin(uint8_t out[static SCEP_PIN_MAX], size_t *len, struct mst_slice text, struct mst_err *e) MST_MUST;

/* GetCACert, 4.2: a certificate, or those of CA and RA. */
struct scep_ca {
	struct mst_cert certs[MST_CMS_CERTS_MAX]; /* with a pin: those only that lead to it */
	size_t num;
	const struct mst_cert *to;                /* messages are encrypted to it */
	const struct mst_cert *ca;                /* the CA itself */
	bool is_pinned;
};
/* mst_scep_client_ca judges the answer; `pin` empty: whoever it is. Lends `body` and the arena. -1 CRYPTO: another CA. */
int mst_scep_client_ca(struct scep_ca *out, struct mst_arena *arena, struct mst_slice body, struct mst_slice pin,
		       struct mst_err *e) MST_MUST;

enum scep_what { SCEP_REQUEST, SCEP_RENEWAL, SCEP_POLL };
struct scep_order {
	enum scep_what what;
	const struct scep_caps *caps;
	const struct scep_ca *ca;
	struct mst_slice content;     /* a CSR; a poll's is made of `subject` */
	struct mst_slice subject;     /* Name, DER */
	struct mst_slice transaction; /* text */
	const struct mst_key *key;    /* RSA: signs, and opens the answer */
	struct mst_slice cert;        /* its certificate, DER: self-signed, or the one that is renewed */
	uint8_t nonce[SCEP_NONCE_LEN]; /* random */
};
/* mst_scep_client_transaction names a transaction by the key it is about: always the same (RFC 8894 3.2.1.1). */
int mst_scep_client_transaction(struct mst_slice *out, struct mst_arena *arena, struct mst_slice spki, struct mst_err *e) MST_MUST;
/* mst_scep_client_self makes the self-signed certificate of a first request (2.3), named as `what` says. */
int mst_scep_client_self(struct mst_slice *out, struct mst_arena *arena, const struct mst_issue *what, const struct mst_key *key,
			 int64_t now_s, struct mst_err *e) MST_MUST;
int mst_scep_client_write(struct mst_slice *out, struct mst_arena *arena, const struct scep_order *order, struct mst_err *e) MST_MUST;

enum scep_verdict_of_ca { SCEP_GRANTED, SCEP_PENDING, SCEP_REFUSED };
struct scep_reply {
	enum scep_verdict_of_ca verdict;
	int fail_info;            /* REFUSED; -1: not said */
	struct mst_slice cert;    /* GRANTED: the one for `spki` */
	struct mst_slice chain;   /* those above it, one after the other */
};
/* mst_scep_client_read verifies that the answer is the CA's and of this order, and opens it. -1 SYNTAX, CRYPTO. */
int mst_scep_client_read(struct scep_reply *out, struct mst_arena *arena, const struct scep_order *order, struct mst_slice spki,
			 struct mst_slice body, struct mst_err *e) MST_MUST;
const char *mst_scep_client_refusal(int fail_info);

/* mst_scep_client_page finds the password in the page of NDES (mscep_admin), UTF-8 or UTF-16LE: 8 to 64 letters and digits behind
 * the words that announce it. -1 ABSENT, or DENIED, BUSY when the page says why not. */
int mst_scep_client_page(struct mst_slice *out, struct mst_arena *arena, struct mst_slice page, struct mst_err *e) MST_MUST;

#endif
