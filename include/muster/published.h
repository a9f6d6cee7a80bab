/* SPDX-License-Identifier: Apache-2.0 */
/* The CRL that an authority published last, kept so that it survives a restart and others can hand it out: crl | authority 16 | */
#ifndef MUSTER_PUBLISHED_H
#define MUSTER_PUBLISHED_H

#include "muster/authority.h"

struct mst_published {
	uint64_t number;        /* CRL number (RFC 5280 5.2.3): never falls */
	int64_t this_s, next_s; /* seconds */
	struct mst_slice crl;   /* DER */
};
/* 1, 0 none yet, -1, MST_LATER. A CRL may have megabytes: mind the arena's limit. */
int mst_published_get(struct mst_read *r, struct mst_published *out, const uint8_t authority[static 16]) MST_MUST;
void mst_published_put(struct mst_batch *b, const struct mst_published *p, const uint8_t authority[static 16]);
/* mst_published_crl is mst_published_get for those who want the bytes only (GetCRL of SCEP). */
int mst_published_crl(struct mst_read *r, struct mst_slice *out, const uint8_t authority[16]) MST_MUST;

#endif
