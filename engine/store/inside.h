/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store's files share.
 *
 *     loops: mst_store_commit -> newest (stack) -> committer: group -> one write, one sync -> home's mailbox
 *     loops: mst_store_read   -> plan from memory -> (cold) worker -> home's mailbox
 */
#ifndef MUSTER_STORE_INSIDE_H
#define MUSTER_STORE_INSIDE_H

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

#include "muster/store.h"

/* One row for each key space. */
struct space_row {
	const char *name;
	size_t prefix_len;
	bool is_once;
};
extern const struct space_row mst_space_rows[MST_NUM_SPACES];

/* How a read goes about it. HOT never touches the disk. */
enum heat { HOT, COLD, NUM_HEATS };
enum reach { REACH_KEY, REACH_PREFIX, REACH_ALL, NUM_REACHES };

enum change_op { CHANGE_PUT, CHANGE_DROP, CHANGE_REQUIRE_ABSENT, CHANGE_REQUIRE_SAME };
struct mst_change {
	struct mst_change *next;
	enum change_op op;
	enum mst_space space;
	uint64_t hash; /* of space and key */
	struct mst_slice key, value;
};

/* What the group that is being made has written so far: the last change of each key, open addressing, emptied by `stamp`. */
struct group_cell {
	const struct mst_change *change;
	uint64_t stamp;
};
struct group {
	struct mst_store *store;
	rocksdb_writebatch_t *writes;
	struct group_cell *cells;
	size_t num_cells, num_used; /* num_cells is a power of two */
	uint64_t stamp;
	uint32_t num_writes;
	bool has_once; /* some are in a space whose keys are put once */
};
int mst_group_init(struct group *g, struct mst_store *store, struct mst_err *e) MST_MUST;
void mst_group_done(struct group *g);
/* mst_group_begin empties the group. */
void mst_group_begin(struct group *g);
/* mst_group_add checks the batch's requirements and takes its changes. Returns b->rc: 0, or -1 with b->err; nothing taken then. */
int mst_group_add(struct group *g, struct mst_batch *b);
/* mst_group_write makes what was taken durable (or, when lazy, only visible). May block. */
int mst_group_write(struct group *g, bool is_lazy, struct mst_err *e) MST_MUST;
/* mst_group_tell_floors tells of the batch's puts: after the write, before it goes home. */
void mst_group_tell_floors(const struct group *g, const struct mst_batch *b);

/* Below which key of a prefix nothing lives; engine/store/floor.c. */
#define MST_FLOOR_MAX 48
enum floor_kind { FLOOR_NONE, FLOOR_KEY, FLOOR_END };
struct mst_floor {
	uint32_t version;
	enum floor_kind kind; /* not known; `key`; the prefix is empty */
	size_t len;
	uint8_t key[MST_FLOOR_MAX];
};
struct mst_floors; /* all threads' */
struct mst_floors *mst_floor_new(void) MST_MUST;
void mst_floor_free(struct mst_floors **floors);
void mst_floor_read(struct mst_floors *floors, struct mst_floor *out, enum mst_space space, struct mst_slice prefix);
/* mst_floor_learn: a walk that began after `version` was read found `first` as the first key; NULL: none. */
void mst_floor_learn(struct mst_floors *floors, enum mst_space space, struct mst_slice prefix, uint32_t version,
		     const struct mst_slice *first);
/* mst_floor_put: `key` is visible now. Committer. */
void mst_floor_put(struct mst_floors *floors, enum mst_space space, struct mst_slice key);

struct committer {
	_Alignas(64) _Atomic(struct mst_mail *) newest; /* batches posted, newest first */
	atomic_uint num_out;      /* batches posted and not yet home */
	atomic_bool may_sleep;    /* the committer is in, or about to go into, a wait */
	atomic_bool must_end;
	_Alignas(64) struct mst_mail *first, *last; /* the committer's own: taken, oldest first */
	struct group group;
	bool is_failing;          /* the last group could not be written */
	uint64_t num_failed;      /* groups in a row */
	pthread_mutex_t lock;
	pthread_cond_t wake;      /* the committer waits here */
	pthread_cond_t here;      /* mst_store_commit_here waits here */
	pthread_t thread;
};
int mst_committer_start(struct mst_store *store, struct mst_err *e) MST_MUST;
void mst_committer_stop(struct mst_store *store);

struct mst_store {
	struct committer committer;
	struct mst_floors *floors;
	rocksdb_t *db;
	rocksdb_column_family_handle_t *spaces[MST_NUM_SPACES];
	rocksdb_options_t *options[MST_NUM_SPACES];
	rocksdb_cache_t *cache;
	rocksdb_readoptions_t *reads[NUM_HEATS][NUM_REACHES];
	rocksdb_writeoptions_t *durable, *lazy;
	struct mst_work *work;
	uint32_t group_max, queue_max;
	atomic_bool is_broken;
};

/* mst_space_options makes the options of one key space; the first key space's are the database's too. */
rocksdb_options_t *mst_space_options(enum mst_space space, const struct mst_store_conf *conf, rocksdb_cache_t *cache,
				     bool is_compressed);
rocksdb_readoptions_t *mst_space_read_options(enum heat heat, enum reach reach);
/* mst_space_quiet stops RocksDB's own counting on the calling thread: nobody reads it, and it costs at each comparison of keys. */
void mst_space_quiet(void);
/* mst_space_fault turns RocksDB's error text, which it frees, into an error. Returns -1. */
int mst_space_fault(struct mst_err *e, char *text, const char *what);
/* mst_space_is_later says whether the text means "not in memory" (or too much to do on a loop), and frees it if so. */
bool mst_space_is_later(char *text);

#endif
