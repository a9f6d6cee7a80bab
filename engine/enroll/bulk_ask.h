/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of /v1/bulk share: the state of one exchange. Private to bulk_ask.c, bulk_wish.c
 * and bulk_tell.c. */
#ifndef ENROLL_BULK_ASK_H
#define ENROLL_BULK_ASK_H

#include "bulk_own.h"

/* A page of a hundred identities with RSA keys as PKCS#12 is 1 MiB, some times over; a body of
 * names is 1 MiB, parsed and copied. */
#define BULK_ASK_ROOM ((size_t)32 << 20)

struct bulk_ask {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_job work;
	struct mst_arena arena; /* a worker's */
	struct mst_read read;
	struct bulk_call call;
	struct bulk_record one, *jobs;
	uint32_t num_jobs;
	bool is_list;
	/* a page */
	uint64_t limit;
	struct mst_slice cursor;
	bool has_cursor;
	/* a new job's authority */
	struct mst_authority authority;
	/* results */
	bool wants_p12;
	struct mst_json json;
	struct mst_slice body;
	struct mst_issuers *issuers;
	uint32_t num_opened; /* private keys given out */
};
/* mst_bulk_ask_new makes x->state; NULL with the answer made. _read runs the plan on a worker. _id
 * reads {ID}, _page limit and cursor: 0, -1 with x->err. */
struct bulk_ask *mst_bulk_ask_new(struct mst_xchg *x);
enum mst_step mst_bulk_ask_read(struct bulk_ask *ask, enum mst_lane lane,
				int (*plan)(struct mst_read *r));
int mst_bulk_ask_id(struct bulk_ask *ask, uint8_t key[static BULK_KEY_LEN]) MST_MUST;
int mst_bulk_ask_page(struct bulk_ask *ask, uint64_t most) MST_MUST;
/* bulk_wish.c: mst_bulk_wish_check: the authority, as it was read, takes the job. 0, -1 with
 * x->err. */
int mst_bulk_wish_check(struct bulk_ask *ask) MST_MUST;
const char *mst_bulk_kind_word(enum mst_key_kind kind);

#endif
