/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated fleet. A script is a row of phases; a phase lets devices carry out one operation
 * again and again; an operation is a row of steps (connect, check in, poll, answer, close) that one
 * device walks.
 *
 *   script > phase > operation > step > dialog (one connection) > engine's net and tls
 *
 * Each thread owns a loop and a share of the devices and touches nothing else.
 */
#ifndef MUSTER_FLEET_H
#define MUSTER_FLEET_H

#include <stdio.h>
#include <sys/types.h>

#include "fleet_conf.h"
#include "muster/buf.h"
#include "muster/crypt.h"
#include "muster/hist.h"
#include "muster/http1.h"
#include "muster/net.h"
#include "muster/tls.h"

#define UDID_LEN      36
#define MESSAGE_ROOM  2048 /* of a message's body */
#define REQUEST_ROOM  8192 /* with its head and a signature of some 3 KiB */
#define UUID_ROOM     64 /* of the commands the fleet keeps in hand */
#define TYPE_ROOM     64
#define TOKEN_LEN     32 /* of a push token */
#define NOT_NOW_MAX   32 /* commands a device remembers to have put off in one session */
#define RSS_SAMPLES   11 /* at every tenth of a phase */
#define SERVER_CA_MAX 65536

/* What went wrong, counted by kind: X(name, word) */
#define MST_FLEET_ERRORS(X)                                                                        \
	X(CONNECT, "connect")     /* no connection */                                              \
	X(HANDSHAKE, "handshake") /* TLS refused */                                                \
	X(CLOSED, "closed")       /* the server closed in the middle of an operation */            \
	X(LOST, "lost")           /* the server closed a connection that was to be held */         \
	X(LATE, "late")           /* no answer in time */                                          \
	X(HTTP, "http")           /* the answer is not HTTP */                                     \
	X(BUSY, "busy")           /* status 503 */                                                 \
	X(STATUS, "status")       /* another status than the step wants */                         \
	X(BODY, "body")           /* a body where none is due, or one that is no command */        \
	X(ORDER, "order")         /* another command than the one that is due */                   \
	X(AGAIN, "again")         /* a command offered again in the session that put it off */     \
	X(STARVED, "starved")     /* no command where one is due */
enum mst_fleet_error {
#define X(name, word) FLEET_##name,
	MST_FLEET_ERRORS(X)
#undef X
		FLEET_NUM_ERRORS
};

/* How devices answer commands; rows in answer.c. */
enum mst_answer {
	ANSWER_ACKNOWLEDGED,
	ANSWER_ERROR,
	ANSWER_FORMAT_ERROR,
	ANSWER_NOT_NOW,
	NUM_ANSWERS
};

/* What a phase counted. */
struct mst_tally {
	struct mst_hist latency;
	uint64_t num_ops, num_checkins, num_polls, answers[NUM_ANSWERS];
	uint64_t num_full, num_resumed; /* handshakes */
	uint64_t num_pushes;            /* that woke somebody */
	uint64_t num_shed, num_refused; /* patient devices: told to come again, or left without an answer */
	uint64_t errors[FLEET_NUM_ERRORS], num_errors;
	char first_error[MST_ERR_TEXT];
};

enum mst_do {
	DO_END,
	DO_OPEN,
	DO_AUTHENTICATE,
	DO_TOKEN_UPDATE,
	DO_IDLE,
	DO_ANSWER_ALL,
	DO_ANSWER_ONE,
	DO_CLOSE,
	NUM_DOS
};

#define STEPS_MAX 8
struct mst_operation {
	const char *name;
	uint8_t steps[STEPS_MAX]; /* enum mst_do */
};

enum mst_amount { AMOUNT_DEVICES, AMOUNT_COUNT }; /* once for each device; --count or --seconds */

struct mst_phase {
	const struct mst_operation *operation;
	enum mst_amount amount;
	bool is_setup; /* skipped with --enrolled, not measured */
	bool is_measured;
	uint8_t num_queued; /* commands queued for each device before it through the operator API, beside its share of
			     * --count; 0: none at all */
	bool is_called; /* devices sleep until a push comes; --count commands end it */
};

#define PHASES_MAX 4
struct mst_script {
	const char *name, *help;
	struct mst_phase phases[PHASES_MAX];
	bool expects_empty; /* an Idle poll gets no command */
	bool holds;         /* connections stay open to the end */
};
const struct mst_script *mst_fleet_scripts(size_t *num);
extern const char *const mst_fleet_script_words[];

struct mst_fleet;
struct mst_dialog;
struct mst_wake;

struct mst_device_sim {
	struct mst_fleet *fleet;
	uint32_t index;
	char udid[UDID_LEN + 1];
	struct mst_slice chain_pem, key_pem;
	struct mst_key *signer; /* of its messages; NULL: they are not signed, TLS says who it is */
	struct mst_slice cert, idle_signature; /* for signing; an Idle report's, ready */
	struct mst_tls_ctx *ctx;
	struct mst_tls_ticket *ticket;
	struct mst_dialog *dialog;             /* NULL: not connected */
	struct mst_device_sim *next;           /* in the queue of free devices */
	struct mst_timer again;                /* patient devices: when they come again */
	uint32_t num_tries;
	const struct mst_operation *operation; /* NULL: free */
	uint8_t at;                            /* index of the next step */
	enum mst_do doing;                     /* what is awaited: DO_END for nothing */
	uint64_t due_ns, called_ns; /* called: when its push came */
	bool is_called;         /* another one came meanwhile */
	uint32_t num_tokens;                    /* TokenUpdates acknowledged */
	bool has_command, is_put_off, is_spent; /* put off: answered NotNow in this session; spent:
						   has no commands left */
	char uuid[UUID_ROOM], type[TYPE_ROOM];
	enum mst_answer answering; /* the report that is on its way */
	uint32_t num_answered;     /* commands of the prepared series answered so far */
	uint32_t num_put_off;
	uint64_t put_off[NOT_NOW_MAX]; /* hashes of their UUIDs */
	bool has_been_busy;
};

struct mst_fleet {
	const struct mst_fleet_conf *conf;
	const struct mst_script *script;
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_trust *trust; /* shared */
	struct mst_addr to;
	struct mst_device_sim *devices;
	uint32_t num_devices, concurrency;
	uint32_t rate; /* arrivals each second of this thread, 0: closed loop */
	struct mst_device_sim *free_first, *free_last;
	const struct mst_phase *phase;
	struct mst_tally tallies[2],
		*tally; /* of what is measured and of the rest; the one of this phase */
	uint64_t started_ns, ends_ns;
	uint64_t share;                            /* of --count, for this thread */
	uint64_t num_wanted, num_issued, num_over; /* operations of this phase */
	uint32_t num_flying;
	uint64_t num_finals;  /* commands answered for good in this phase */
	struct mst_wake *wake;
	struct mst_timer redial; /* wake's */
	bool is_closing;
	struct mst_chunks chunks;
	FILE *ack_log;
	const char *series; /* prefix of the UUIDs queued for `command` */
	uint32_t pid;       /* of the server, in the first thread only: RSS is sampled */
	uint32_t num_samples;
	uint64_t rss_kib[RSS_SAMPLES];
	struct mst_err err; /* why the thread ended badly */
};

#endif
