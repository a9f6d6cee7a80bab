/* SPDX-License-Identifier: Apache-2.0 */
/* What operators' endpoints of identities share: the state of one exchange. */
#ifndef ENROLL_IDENTITY_ASK_H
#define ENROLL_IDENTITY_ASK_H

#include "identity_own.h"
#include "muster/json.h"

struct identity_ask {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_slice enrollment, owner, who; /* names as the path says */
	/* a worker's turn */
	struct mst_job job;
	struct mst_arena arena; /* joins the exchange's at home */
	struct mst_read read;
	int (*work)(struct identity_ask *ask, struct mst_err *e);
	int rc, status;
	struct mst_json json;
	struct mst_slice body;
	const char *log; /* what the log says when it is done; NULL: nothing changed */
};
/* mst_identity_ask_new makes x->state of `len` bytes that begin with an identity_ask; NULL: x is refused. */
void *mst_identity_ask_new(struct mst_xchg *x, size_t len);
/* mst_identity_turn runs `work` on a worker with ask->arena; told reads rc, status and body. */
enum mst_step mst_identity_turn(struct identity_ask *ask, enum mst_lane lane, int (*work)(struct identity_ask *ask, struct mst_err *e));
/* mst_identity_part decodes part `n` of the path. 0, -1 with x->err. */
int mst_identity_part(struct mst_xchg *x, struct mst_slice *out, size_t n) MST_MUST;
/* mst_identity_owner reads "user:NAME" or a device's id. 0, -1 SYNTAX. */
int mst_identity_owner(uint8_t out[static 16], bool *is_user, struct mst_slice text, struct mst_err *e) MST_MUST;

#endif
