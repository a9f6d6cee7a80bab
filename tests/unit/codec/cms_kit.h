/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, certificates and the openssl program for the tests of CMS and PKCS#12. */
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

/* kit_has_openssl: is the program there. kit_openssl runs it in the folder with words separated by
 * single spaces; returns its exit status. What it said is in the file "said". */
bool kit_has_openssl(void);
int kit_openssl(struct kit *kit, const char *format, ...) MST_PRINTF(2, 3);
const char *kit_said(struct kit *kit);

#endif
