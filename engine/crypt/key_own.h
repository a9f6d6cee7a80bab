/* SPDX-License-Identifier: Apache-2.0 */
/* What a private key is inside this folder. */
#ifndef MUSTER_CRYPT_KEY_OWN_H
#define MUSTER_CRYPT_KEY_OWN_H

#include <openssl/evp.h>

#include "muster/crypt.h"

struct mst_key {
	EVP_PKEY *pkey;
};

#endif
