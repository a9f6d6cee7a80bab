/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable store: key spaces over RocksDB, reads that are done now or later, batches that are committed in groups.
 *
 * A read is a plan: a function that gets and walks. It runs on the loop first, from memory only; when something is cold the
 * plan is run again, whole, on a worker, and the owner hears of it there. A plan therefore only reads and fills its own
 * struct, and starts that struct anew each time it runs.
 *
 * A batch is a list of changes to the records of ONE partition (one device, one user, one setting, one CA). The committer
 * thread takes all batches that wait, checks their requirements in order, writes them as one group with one sync, and sends
 * each home. Nothing a request promises may leave before its batch came home.
 */
#ifndef MUSTER_STORE_H
#define MUSTER_STORE_H

#include "muster/arena.h"
#include "muster/work.h"

/* X(enum, column family name, fixed prefix length of keys (0: whole key is looked up), is_once, what is in it)
 * is_once: a key is put once and dropped at most once, never put again: its drop leaves nothing behind after a flush. */
#define MST_SPACES(X)                                                                                    \
	X(META, "default", 0, false, "one record for each fact about the store itself")                  \
	X(DEVICE, "device", 0, false, "device id -> device")                                             \
	X(CHANNEL, "channel", 16, false, "device id, channel -> user or device channel, push token")     \
	X(BINDING, "binding", 0, false, "SHA-256 of certificate -> device it belongs to")                \
	X(QUEUE, "queue", 24, true, "device id, channel, epoch, ready at, sequence -> command waiting")  \
	X(COMMAND, "command", 24, false, "device id, channel, command uuid -> state of the command")     \
	X(RESULT, "result", 24, false, "device id, channel, command uuid -> report of the device")       \
	X(HISTORY, "history", 16, false, "device id, time, sequence -> what happened")                   \
	X(SEEN, "seen", 0, false, "device id -> when the device last spoke")                             \
	X(AUTHORITY, "authority", 0, false, "SHA-256 of a CA's name -> the CA, its keys sealed")         \
	X(CERT, "cert", 16, false, "CA, serial number -> certificate issued")                            \
	X(REVOKED, "revoked", 16, false, "CA, serial number -> what its CRL says")                       \
	X(CRL, "crl", 0, false, "CA -> the CRL it published last")                                       \
	X(CHALLENGE, "challenge", 0, false, "SHA-256 of a SCEP challenge -> what it is good for")         \
	X(LINK, "link", 0, false, "SHA-256 of an enrolment link's token -> device and names it is for")  \
	X(JOB, "job", 16, false, "CA, number of the job -> job that makes identities, its progress")   \
	X(IDENTITY, "identity", 24, false, "CA, job, last index -> serial numbers of a slice, PKCS#12")   \
	X(KEYPOOL, "keypool", 1, true, "kind, time, random -> RSA key made ahead, sealed")               \
	X(PUSH, "push", 0, false, "device id, channel -> push that is due, and how its tries went")       \
	X(OUTBOX, "outbox", 0, true, "due time, sequence, device id, channel -> nothing: order of pushes") \
	X(PUSHCERT, "pushcert", 0, false, "SHA-256 of a topic -> credential for the push service, sealed") \
	X(CAMPAIGN, "campaign", 0, false, "campaign's number -> what it sends, to whom, how far it is")   \
	X(OBJECT, "object", 1, false, "noun, id -> what an operator defined: user, label, setting, enrolment setting") \
	X(REVISION, "revision", 17, false, "noun, id, version -> who changed what")                      \
	X(DETAIL, "detail", 0, false, "device id -> its user, its client, what it reported")             \
	X(MEMBER, "member", 0, false, "device id -> its labels")                                         \
	X(LABELED, "labeled", 16, false, "label, device id -> nothing: members of a label")              \
	X(OWNED, "owned", 16, false, "user, device id -> nothing: devices of a user")                    \
	X(EID, "eid", 0, false, "SHA-256 of tenant, managing app, enrolment-specific id -> device id")   \
	X(HELD, "held", 16, false, "owner, enrolment setting, setting -> identity of a device or user, key sealed") \
	X(DELIVERY, "delivery", 16, false, "device id, setting -> what it has of a setting, and how it went") \
	X(AUDIT, "audit", 0, true, "time, sequence -> who did what")

enum mst_space {
#define X(id, name, prefix, is_once, what) MST_SPACE_##id,
	MST_SPACES(X)
#undef X
	MST_NUM_SPACES
};

struct mst_store; /* opaque, shared by all threads */

struct mst_store_conf {
	const char *path;
	uint32_t cache_mib;        /* block cache */
	uint32_t memtable_mib;     /* of each large key space */
	uint32_t group_max;        /* batches in one group, 0: 1024 */
	uint32_t queue_max;        /* batches on their way; beyond it a commit is refused BUSY; 0: 65536 */
	bool skips_sync;           /* tests only: no sync of the log */
};

/* mst_store_open opens or makes the store, also after a kill. Starts the committer. `work` outlives the store. */
int mst_store_open(struct mst_store **out, const struct mst_store_conf *conf, struct mst_work *work, struct mst_err *e) MST_MUST;
/* mst_store_close commits what waits, flushes, closes. No loop may use the store any more. */
void mst_store_close(struct mst_store **store);
/* mst_store_checkpoint makes a consistent copy that can be opened (hard links), in a folder that must not exist. Blocks: worker. */
int mst_store_checkpoint(struct mst_store *store, const char *folder, struct mst_err *e) MST_MUST;
/* mst_store_break makes every following commit fail as if the disk were full, or heals it. Tests only. */
void mst_store_break(struct mst_store *store, bool is_broken);

/* Reads. */
#define MST_LATER 2 /* what get and walk return inside a plan when memory alone cannot answer: return it from the plan */

struct mst_read {
	struct mst_job job; /* the pool's while it is out */
	struct mst_store *store;
	struct mst_arena *arena; /* values are copied here; a plan takes memory from nowhere else */
	struct mst_arena *kept;  /* the store's: the owner's arena while a worker fills `cold`, which joins it at home */
	struct mst_arena cold;
	bool is_cold;            /* runs on a worker now: may block */
	int rc;                  /* what the plan returned: 0, or -1 with err */
	struct mst_err err;
	int (*plan)(struct mst_read *r);     /* 0, -1 with r->err, MST_LATER */
	void (*on_read)(struct mst_read *r); /* home's loop; only when mst_store_read returned 0 ("later") */
};
/* mst_store_read runs the plan. Returns 1 done now (r->rc holds), 0 later (on_read comes), -1 BUSY: the workers' queue is full. */
int mst_store_read(struct mst_store *store, struct mst_read *r, struct mst_loop *home, struct mst_err *e) MST_MUST;
/* mst_store_read_here runs the plan at once and may block: workers, tests, start. Returns r->rc. */
int mst_store_read_here(struct mst_store *store, struct mst_read *r) MST_MUST;

/* Inside plans. mst_read_get: 1 with `out` in the arena, 0 absent, -1, MST_LATER. mst_read_has: the same without the value. */
int mst_read_get(struct mst_read *r, struct mst_slice *out, enum mst_space space, struct mst_slice key) MST_MUST;
int mst_read_has(struct mst_read *r, enum mst_space space, struct mst_slice key) MST_MUST;
/* A walk over the keys that start with `prefix`, from `from` (>= prefix; empty: from the prefix) upwards. After init: next
 * returns 1 with key and value lent until the following next or done, 0 at the end, -1, MST_LATER. `prefix` must be at least
 * as long as the space's fixed prefix, or empty for a walk over everything. */
struct mst_walk {
	struct mst_read *r;
	void *iterator;
	struct mst_slice prefix, key, value;
	enum mst_space space;
	uint32_t version; /* of the prefix's floor */
	bool is_begun, is_learning;
};
int mst_walk_init(struct mst_walk *w, struct mst_read *r, enum mst_space space, struct mst_slice prefix,
		  struct mst_slice from) MST_MUST;
int mst_walk_next(struct mst_walk *w) MST_MUST;
void mst_walk_done(struct mst_walk *w); /* a zeroed walk is fine */

/* Batches. All memory is the arena's, which lives until the batch is home. */
struct mst_change; /* opaque */
struct mst_batch {
	struct mst_mail mail; /* the committer's while posted */
	struct mst_loop *home;
	struct mst_arena *arena;
	struct mst_change *first, *last;
	uint32_t num_changes;
	size_t num_bytes;
	bool is_lazy;     /* needs no sync of its own and no promise hangs on it */
	bool is_home;     /* the store's, for mst_store_commit_here */
	bool is_short;    /* ran out of arena while being filled: commit fails BUSY */
	uint64_t posted_ns;
	int rc;           /* 0 durable, -1 with err: CONFLICT (a requirement), STORE */
	struct mst_err err;
	void (*on_committed)(struct mst_batch *b);
};
/* mst_batch_init: an empty batch; `on_committed` runs on `home`'s thread. */
void mst_batch_init(struct mst_batch *b, struct mst_arena *arena, struct mst_loop *home,
		    void (*on_committed)(struct mst_batch *b));
/* Key and value are copied. */
void mst_batch_put(struct mst_batch *b, enum mst_space space, struct mst_slice key, struct mst_slice value);
void mst_batch_drop(struct mst_batch *b, enum mst_space space, struct mst_slice key);
/* Requirements, checked against the store and what the group has written before: the key is absent; the key's value is exactly
 * `value` (what was read before). A batch whose requirement fails changes nothing and comes home with CONFLICT. */
void mst_batch_require_absent(struct mst_batch *b, enum mst_space space, struct mst_slice key);
void mst_batch_require_same(struct mst_batch *b, enum mst_space space, struct mst_slice key, struct mst_slice value);
/* mst_store_commit posts the batch; it comes home exactly once. Returns 0, -1 BUSY (not posted). Loop threads. */
int mst_store_commit(struct mst_store *store, struct mst_batch *b, struct mst_err *e) MST_MUST;
/* mst_store_commit_here commits and waits: workers, tests, start. Returns b->rc. */
int mst_store_commit_here(struct mst_store *store, struct mst_batch *b) MST_MUST;

#endif
