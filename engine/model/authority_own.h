/* SPDX-License-Identifier: Apache-2.0 */
/* What making an authority and importing its certificate share. */
#ifndef MUSTER_MODEL_AUTHORITY_OWN_H
#define MUSTER_MODEL_AUTHORITY_OWN_H

#include "muster/authority.h"

#define MST_KU_SCEP (MST_KU_SIGN | MST_KU_ENCIPHER) /* RFC 8894 2.1.2; clients choose by it */

/* mst_authority_key makes a key and writes it as PKCS#8. */
int mst_authority_key(struct mst_slice *out, struct mst_arena *arena, enum mst_key_kind kind, struct mst_err *e) MST_MUST;

#endif
