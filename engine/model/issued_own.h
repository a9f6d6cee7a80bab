/* SPDX-License-Identifier: Apache-2.0 */
/* The key that certificates and their revocations share. */
#ifndef MUSTER_MODEL_ISSUED_OWN_H
#define MUSTER_MODEL_ISSUED_OWN_H

#include "record.h"

#define MST_ISSUED_KEY_LEN 32
void mst_issued_key(uint8_t out[static MST_ISSUED_KEY_LEN], const uint8_t authority[static 16],
		    const uint8_t serial[static 16]);

#endif
