/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about bulk jobs share: records, slices, the queue, calls from exchanges to the
 * queue. */
#ifndef ENROLL_BULK_OWN_H
#define ENROLL_BULK_OWN_H

#include "muster/bulk.h"
#include "muster/issued.h"
#include "muster/json.h"

#define BULK_KEY_LEN   24 /* authority 16, number 8 */
#define BULK_ID_MAX    (MST_AUTHORITY_NAME_MAX + 17)
#define BULK_SLICE_MAX 256 /* identities: 4 to 8 ms of a worker for P-256, one sync */
#define BULK_PASSWORD  24  /* characters of a PKCS#12's password: 144 bits */

/* As it is stored; whether one that goes on runs or waits is not. */
#define BULK_STATES(X)                                                                             \
	X(OPEN, "queued")                                                                          \
	X(DONE, "done")                                                                            \
	X(CANCELLED, "cancelled")                                                                  \
	X(FAILED, "failed")
enum bulk_state {
#define X(name, word) BULK_##name,
	BULK_STATES(X)
#undef X
		BULK_NUM_STATES
};

/* JOB: | authority 16 | number 8 |, the number begins with the time in milliseconds. */
struct bulk_record {
	uint8_t key[BULK_KEY_LEN];
	struct mst_slice authority; /* name */
	enum bulk_state state;
	enum mst_key_kind kind;
	bool has_p12, has_names; /* PKCS#12 made; names from a list, not from prefix and number */
	uint32_t total, done;    /* every index below `done` has its identity */
	uint32_t digits;         /* numbers are filled up with zeroes */
	uint64_t first;          /* number of index 0 */
	struct mst_slice prefix, organization, who, error;
	int64_t created_ms, started_ms, changed_ms, run_ms; /* run_ms: time at work */
	struct mst_slice raw;
};
/* mst_bulk_record_get: 1, 0, -1, MST_LATER. _put requires the record to be as `raw`, or absent.
 * *value: what it will be. */
int mst_bulk_record_get(struct mst_read *r, struct bulk_record *out,
			const uint8_t key[static BULK_KEY_LEN]) MST_MUST;
int mst_bulk_record_put(struct mst_batch *b, struct mst_slice *value, const struct bulk_record *job,
			struct mst_err *e) MST_MUST;
/* mst_bulk_record_next walks all jobs behind `after` (a key, or empty), cheap for jobs with long
 * lists of names. */
int mst_bulk_record_next(struct mst_read *r, struct bulk_record *out,
			 struct mst_slice after) MST_MUST;
/* A job's list of names: zero-separated, JOB: | authority 16 | number 8 | "names" |. */
int mst_bulk_record_names(struct mst_read *r, struct mst_slice *out,
			  const uint8_t key[static BULK_KEY_LEN]) MST_MUST;
void mst_bulk_record_put_names(struct mst_batch *b, const uint8_t key[static BULK_KEY_LEN],
			       struct mst_slice names);
/* mst_bulk_record_id writes NAME.NUMBER, terminated; _from reads it. */
void mst_bulk_record_id(char out[static BULK_ID_MAX + 1], const struct bulk_record *job);
int mst_bulk_record_from(uint8_t key[static BULK_KEY_LEN], struct mst_slice id,
			 struct mst_err *e) MST_MUST;
/* mst_bulk_record_name writes the name of an index, terminated. -1 SYNTAX when too long. */
int mst_bulk_record_name(char out[static MST_NAME_MAX + 1], const struct bulk_record *job,
			 uint64_t index, struct mst_err *e) MST_MUST;
/* mst_bulk_record_copy copies the texts into the arena. False: no memory. */
bool mst_bulk_record_copy(struct bulk_record *out, struct mst_arena *arena,
			  const struct bulk_record *job) MST_MUST;
const char *mst_bulk_record_state(const struct bulk_record *job);

/* IDENTITY: | authority 16 | number 8 | last index 4 | -> what the indexes of one slice got, so
 * that the record of any index is the first one at or behind it. */
struct bulk_chunk {
	uint8_t key[BULK_KEY_LEN];
	uint32_t first, num;
	bool has_p12;
	uint8_t serials[BULK_SLICE_MAX][16];
	struct mst_slice sealed[BULK_SLICE_MAX]; /* password and PKCS#12; has_p12 only */
	struct mst_slice raw;
};
void mst_bulk_chunk_put(struct mst_batch *b, const struct bulk_chunk *chunk);
/* mst_bulk_chunk_next: the chunk with index `from`, or a later one of the job. 1, 0, -1, MST_LATER.
 */
int mst_bulk_chunk_next(struct mst_read *r, struct bulk_chunk *out,
			const uint8_t key[static BULK_KEY_LEN], uint32_t from) MST_MUST;
/* mst_bulk_chunk_read decodes a record; `value` stays as long as the chunk. */
int mst_bulk_chunk_read(struct bulk_chunk *out, struct mst_slice key, struct mst_slice value,
			struct mst_err *e) MST_MUST;
/* A PKCS#12 and its password, sealed for one index. */
struct bulk_p12 {
	struct mst_slice password, file;
};
int mst_bulk_chunk_close(struct mst_slice *out, struct mst_arena *arena,
			 const struct mst_seal *seal, const struct bulk_chunk *chunk,
			 uint32_t index, const struct bulk_p12 *p12, struct mst_err *e) MST_MUST;
int mst_bulk_chunk_open(struct bulk_p12 *out, struct mst_arena *arena, const struct mst_seal *seal,
			const struct bulk_chunk *chunk, uint32_t index, struct mst_err *e) MST_MUST;

/* bulk_make.c: the work of a slice, on a worker. */
struct bulk_ground { /* what slices of one job build on; does not change while one is out */
	const struct bulk_record *job;
	const struct mst_issuer *issuer;
	const char *const *names; /* one for each index; NULL: by pattern */
	struct mst_store *store;
	const struct mst_seal *seal;
	const bool *is_stopped; /* looked at between two identities; written by the queue's loop */
};
/* mst_bulk_make adds certificates and the chunk for the indexes from `first` on to the batch; its
 * arena takes all memory. -1 GONE when stopped. */
int mst_bulk_make(struct mst_batch *b, const struct bulk_ground *ground, uint32_t first,
		  uint32_t num, struct mst_err *e) MST_MUST;
/* mst_bulk_make_num: how many indexes a slice of such a job has. */
uint32_t mst_bulk_make_num(const struct bulk_record *job);
/* mst_bulk_make_is_slow: a slice may hold its worker for a second, so none should queue. */
bool mst_bulk_make_is_slow(const struct bulk_record *job);
/* mst_bulk_make_p12 writes a PKCS#12 with a random password. */
int mst_bulk_make_p12(struct bulk_p12 *out, struct mst_arena *arena,
		      const struct mst_issuer *issuer, struct mst_slice key, struct mst_slice cert,
		      const char *name, struct mst_err *e) MST_MUST;

/* A call: an exchange's question to the queue, answered by mail. Lives in the exchange's arena. */
enum bulk_call_kind { BULK_CALL_START, BULK_CALL_CANCEL, BULK_CALL_LOOK };
struct bulk_live {
	const char *word;   /* "running", "paused"; NULL: as stored */
	struct mst_err why; /* paused */
};
struct bulk_call {
	struct mst_mail mail;
	struct bulk_call *next; /* those that wait for the end of one job */
	enum bulk_call_kind kind;
	struct mst_bulk *bulk;
	struct mst_loop *back;
	struct mst_xchg *x;
	struct bulk_record *jobs; /* START: one, its number is the queue's to make; CANCEL: one, its
				     key; LOOK: many */
	struct bulk_live *live;   /* LOOK: one for each */
	uint32_t num_jobs;
	struct mst_slice names; /* START: zero-separated, or empty */
	int rc;
	struct mst_err err;
};
/* mst_bulk_call posts it; the exchange is resumed when it has come back. */
void mst_bulk_call(struct mst_bulk *bulk, struct bulk_call *call, struct mst_xchg *x);

/* keypool_fill.c, bulk_seal.c: two more occupants of the queue's loop. */
struct mst_filler;
int mst_filler_new(struct mst_filler **out, struct mst_app *app, const struct mst_bulk_conf *conf,
		   struct mst_err *e) MST_MUST;
void mst_filler_free(struct mst_filler **filler);
struct mst_sealer;
int mst_sealer_new(struct mst_sealer **out, struct mst_app *app, const struct mst_bulk_conf *conf,
		   struct mst_err *e) MST_MUST;
void mst_sealer_free(struct mst_sealer **sealer);
const struct mst_bulk_conf *mst_bulk_limits0(const struct mst_bulk *bulk);
/* mst_bulk_post sends a mail to the queue's loop. */
void mst_bulk_post(struct mst_bulk *bulk, struct mst_mail *mail);
struct mst_sealer *mst_bulk_sealer0(const struct mst_bulk *bulk);

#endif
