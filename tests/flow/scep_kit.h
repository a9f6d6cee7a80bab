/* SPDX-License-Identifier: Apache-2.0 */
/* An authority in the rig's store, and devices that speak SCEP with it. */
#ifndef MUSTER_TEST_SCEP_KIT_H
#define MUSTER_TEST_SCEP_KIT_H

#include "../../bench/pkiclient.h"
#include "muster/issued.h"
#include "rig.h"
#include "scep_keys.h"

#define SCEP_NUM_KEYS 3
extern const char *const scep_keys[SCEP_NUM_KEYS];

struct scep_kit {
	struct rig *rig;
	struct mst_issuers *issuers;
	const struct mst_issuer *issuer; /* "phones" */
	const struct mst_cert *ra;       /* what SCEP is spoken with */
	struct mst_key *keys[SCEP_NUM_KEYS];
	struct link link;
};
/* scep_kit_begin makes the authorities "phones" of `kind` and "others" (P-256), and reads the keys. */
void scep_kit_begin(struct scep_kit *kit, enum mst_key_kind kind, const char *fixed_challenge);
void scep_kit_end(struct scep_kit *kit);
/* scep_kit_change stores the authority anew, with `change` made to its record. */
void scep_kit_change(struct scep_kit *kit, void (*change)(struct mst_authority *a));
struct mst_pkiclient scep_kit_device(struct scep_kit *kit, size_t key);
/* scep_kit_challenge asks the API for one. */
char *scep_kit_challenge(struct scep_kit *kit, const char *authority, const char *device, const char *more);
/* scep_kit_csr: a PKCSReq (19) or RenewalReq (17) of `client`'s key that asks for a lot it must not get. */
struct mst_slice scep_kit_csr(struct scep_kit *kit, const struct mst_pkiclient *client, const char *type, const char *transaction,
			      const char *challenge);
struct answer scep_kit_post(struct scep_kit *kit, struct mst_slice message);
/* scep_kit_reply reads a 200; the certificate it brought, parsed, when there is one. */
struct mst_pkiclient_reply scep_kit_reply(struct scep_kit *kit, const struct mst_pkiclient *client, struct answer answer,
					  struct mst_cert *cert);
/* scep_kit_issued: 1 when the authority issued it. */
bool scep_kit_issued(struct scep_kit *kit, const struct mst_cert *cert, struct mst_issued *out);
void scep_kit_revoke(struct scep_kit *kit, const struct mst_cert *cert);

#endif
