/* SPDX-License-Identifier: Apache-2.0 */
/* The sealer inside: private to bulk_seal.c and bulk_key.c. */
#ifndef ENROLL_BULK_SEAL_H
#define ENROLL_BULK_SEAL_H

#include "bulk_own.h"

#define SEALER_BATCHES 256
#define SEALER_KEY_MAX                                                                             \
	64 /* the longest key of a record that holds something sealed is 32 bytes                  \
	    */

enum seal_step {
	SEAL_CHECK,  /* for a worker to say whether the store needs older keys */
	SEAL_IDLE,   /* for an operator */
	SEAL_NEW,    /* a worker makes a key */
	SEAL_PAGE,   /* a worker reads and seals a page */
	SEAL_COMMIT, /* for the page's batches */
	SEAL_WAIT,   /* for the timer, then the next pass */
	SEAL_SETTLE, /* a worker notes that older keys are not needed */
};

struct key_call;
struct mst_sealer {
	struct mst_app *app;
	const struct mst_bulk_conf *conf;
	enum seal_step step;
	struct mst_timer timer;
	struct mst_job work;
	int rc;
	struct mst_err err;
	bool is_behind; /* something may be sealed under an older key */
	size_t num_needed;
	uint64_t num_sealed, new_ms,
		pass_ms; /* records sealed anew; when the key was made, when this pass began */
	struct key_call *caller; /* waits for NEW */
	/* the pass */
	size_t row;
	uint8_t from[SEALER_KEY_MAX];
	size_t from_len;
	bool is_row_over, is_unclean; /* is_unclean: this pass found something */
	/* the page */
	struct mst_read read;
	struct mst_arena arena;
	uint32_t num_batches, num_out;
	struct mst_batch batches[SEALER_BATCHES];
};
/* mst_sealer_batch lends the page's next batch. */
struct mst_batch *mst_sealer_batch(struct mst_sealer *s);
/* mst_sealer_rotate makes a new key; only when IDLE. bulk_key.c: mst_sealer_answer tells the caller
 * how that ended. */
void mst_sealer_rotate(struct mst_sealer *s);
void mst_sealer_answer(struct mst_sealer *s);

#endif
