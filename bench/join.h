/* SPDX-License-Identifier: Apache-2.0 */
/* What a device reads out of its enrolment profile. */
#ifndef MUSTER_JOIN_H
#define MUSTER_JOIN_H

#include "muster/arena.h"
#include "muster/crypt.h"

struct mst_join_profile {
	struct mst_slice scep_path; /* of the SCEP URL */
	struct mst_slice challenge, common_name, fingerprint, server_url, topic;
};
/* mst_join_open verifies the profile's signature and its signer under `trust`, and reads what is needed. 0, -1. */
int mst_join_open(struct mst_join_profile *out, struct mst_arena *arena, struct mst_slice signed_profile, struct mst_trust *trust,
		  struct mst_err *e) MST_MUST;

#endif
