/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of SCEP (RFC 8894): requests are written, answers are opened. For load and for
 * tests. */
#ifndef MUSTER_PKICLIENT_H
#define MUSTER_PKICLIENT_H

#include "muster/cms.h"
#include "muster/csr.h"

struct mst_pkiclient {
	struct mst_arena *arena;
	struct mst_key *key; /* RSA; the caller's */
	struct mst_slice spki, cert;
	struct mst_cert parsed;
};
/* mst_pkiclient_init makes a self-signed certificate for `key`. */
int mst_pkiclient_init(struct mst_pkiclient *out, struct mst_arena *arena, struct mst_key *key,
		       const char *name, struct mst_err *e) MST_MUST;
/* mst_pkiclient_adopt signs from now on with the certificate that was got. */
int mst_pkiclient_adopt(struct mst_pkiclient *client, struct mst_slice cert,
			struct mst_err *e) MST_MUST;

struct mst_pkiclient_ask {
	const char *type; /* messageType */
	const char *transaction;
	struct mst_slice content; /* of the envelope */
	enum mst_cms_cipher cipher;
	const struct mst_cert *to; /* who can open it; NULL: `content` is an envelope already */
	uint8_t nonce[16];
};
int mst_pkiclient_ask(struct mst_slice *out, const struct mst_pkiclient *client,
		      const struct mst_pkiclient_ask *ask, struct mst_err *e) MST_MUST;
/* mst_pkiclient_request writes a PKCSReq or RenewalReq with a CSR for `key` that asks for `what`.
 */
int mst_pkiclient_request(struct mst_slice *out, const struct mst_pkiclient *client,
			  struct mst_pkiclient_ask ask, const struct mst_key *key,
			  const struct mst_issue *what, const char *challenge,
			  struct mst_err *e) MST_MUST;

struct mst_pkiclient_reply {
	int status, fail; /* pkiStatus, failInfo (-1 none) */
	struct mst_slice transaction, recipient_nonce;
	enum mst_cms_cipher cipher;
	enum mst_cms_digest digest;
	struct mst_cms_signed inside; /* certificates and lists that were delivered */
};
/* mst_pkiclient_read verifies an answer with the certificate `from` and opens it. */
int mst_pkiclient_read(struct mst_pkiclient_reply *out, const struct mst_pkiclient *client,
		       const struct mst_cert *from, struct mst_slice bytes,
		       struct mst_err *e) MST_MUST;

#endif
