/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, certificates and other people's programs for the tests of CMS and PKCS#12. */
#ifndef CMS_KIT_H
#define CMS_KIT_H

#include <openssl/evp.h>

#include "muster/cms.h"

enum kit_kind { KIT_RSA, KIT_P256, KIT_P384, KIT_NUM_KINDS };

/* A folder of a test's own, removed by kit_done. */
struct kit {
	struct mst_arena arena;
	char folder[64];
};
void kit_init(struct kit *kit);
void kit_done(struct kit *kit);

/* Someone with a key and a self-signed certificate (CA bit, subject key identifier). */
struct kit_id {
	EVP_PKEY *pkey;
	struct mst_slice der, pkcs8;
	struct mst_cert cert;
	struct mst_cms_key key;
};
/* kit_id makes someone new. Files NAME.pem and NAME.key are in the folder. */
struct kit_id kit_id(struct kit *kit, enum kit_kind kind, const char *name);
struct mst_slice kit_crl(struct kit *kit, const struct kit_id *ca);

void kit_put(struct kit *kit, const char *name, struct mst_slice bytes);
struct mst_slice kit_get(struct kit *kit, const char *name);
struct mst_slice kit_copy(struct kit *kit, struct mst_slice bytes);

/* kit_has says whether a program (of /usr/bin) is there. kit_run runs it in the folder, words
 * separated by single spaces, and returns its exit status; what it said is in kit_said. */
bool kit_has(const char *program);
int kit_run(struct kit *kit, const char *program, const char *format, ...) MST_PRINTF(3, 4);
#define kit_openssl(kit, ...) kit_run(kit, "openssl", __VA_ARGS__)
const char *kit_said(struct kit *kit);

#endif
