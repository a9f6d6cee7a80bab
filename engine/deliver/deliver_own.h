/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of delivery share: the service with its line and its looks, and one device being looked at. */
#ifndef DELIVER_OWN_H
#define DELIVER_OWN_H

#include "muster/deliver.h"
#include "muster/device.h"
#include "muster/identity.h"
#include "muster/outbox.h"
#include "muster/queue.h"
#include "muster/render.h"

#define DELIVER_LOOKS        16      /* devices looked at side by side */
#define DELIVER_AGAIN_MS     200     /* workers or committer are full; something changed meanwhile */
#define DELIVER_BAD_MS       5000    /* the store failed, memory is short */
#define DELIVER_BACK_OFF_MS  60000   /* after the first failure, doubled with each */
#define DELIVER_BACK_OFF_MAX (24 * 3600 * 1000ll)
#define DELIVER_REMOVE_TRIES 4       /* a profile that a device cannot remove is not there any more */
#define DELIVER_UUID_ROOM    96

/* Which settings go to which labels, copied out of the catalog, which goes when it is replaced. Counted on the loop. */
struct deliver_index {
	struct mst_arena arena;
	uint32_t num_users, num;
	struct index_row {
		uint8_t id[16];
		uint64_t version;
		uint8_t (*labels)[16];
		uint32_t num_labels;
		struct index_use {
			uint8_t id[16];
			uint64_t version;
		} *uses; /* enrolment settings */
		uint32_t num_uses;
		bool is_early;
	} *rows;
};
struct deliver_index *mst_index_new(const struct mst_catalog *catalog);
struct deliver_index *mst_index_take(struct deliver_index *index);
void mst_index_let_go(struct deliver_index **index);
const struct index_row *mst_index_find(const struct deliver_index *index, const uint8_t setting[static 16]);
bool mst_index_same(const struct index_row *a, const struct index_row *b);

/* An identity that settings of the device refer to. */
struct look_identity {
	struct mst_object enrollment;
	uint8_t setting[16], setting_uuid[16]; /* of per-setting ones */
	struct mst_identity_ask ask;
	struct look *look;
	bool is_wanted;    /* by a profile, or early by a client's setting */
	bool is_asked, is_used, has_key;
	struct mst_slice p12, password;
};

/* A setting and the device. */
struct look_row {
	bool is_wanted, has_delivery, is_open; /* is_open: the command under way is not answered yet */
	struct mst_delivery d;                 /* as read; filled for a new one */
	struct mst_delivery to;                /* what it becomes */
	bool is_put, is_dropped, is_sent;
	struct mst_object *object;             /* with its secrets open; NULL: not wanted */
	enum mst_render_way way;
	struct look_identity **uses;
	uint32_t num_uses;
	uint8_t content[32];
};

/* The life of a look. */
enum look_state {
	LOOK_FREE,
	LOOK_READING,  /* a worker reads */
	LOOK_ASKING,   /* identities are asked for */
	LOOK_MAKING,   /* a worker renders and fills the batch */
	LOOK_POSTED,   /* the store writes */
};
struct look {
	struct mst_deliver *deliver;
	enum look_state state;
	struct mst_id id;
	bool is_again; /* it changed meanwhile: once more */
	struct mst_job job;
	struct mst_arena arena;
	struct mst_read read;
	struct mst_batch batch;
	struct deliver_index *index;
	struct mst_enroll *enroll; /* held while a worker signs */
	struct mst_err err;
	int rc;
	int64_t now_ms, due_ms;    /* due_ms: when to look again, 0 not by itself */
	/* read */
	struct mst_detail detail;
	struct mst_object user;
	struct mst_device device;
	struct mst_member member;
	bool has_detail, has_user, has_device, has_member, is_live, has_farewell;
	struct look_row *rows;
	uint32_t num_rows, num_asked;
	struct look_identity *identities;
	uint32_t num_identities;
	uint8_t (*held)[16];       /* enrolments of which the device holds identities */
	uint32_t num_held;
	/* made */
	bool is_pushed, needs_keys, has_asked_keys, takes_away;
	struct mst_push_due push;
};

/* Who is to be expanded into devices. */
enum sweep_kind { SWEEP_ALL, SWEEP_LABEL, SWEEP_USER };
struct sweep {
	struct sweep *next;
	enum sweep_kind kind;
	uint8_t id[16];
};
#define SWEEP_SLICE 512
#define LINE_MAX    65536u

struct mst_deliver {
	struct mst_app *app;
	struct deliver_index *index;
	struct look looks[DELIVER_LOOKS];
	uint32_t num_looks;
	/* the line of devices */
	struct mst_id *line;
	uint32_t line_at, line_num;
	/* sweeps, one at a time */
	struct sweep *sweeps;
	bool is_sweeping, is_turning;
	struct mst_job job;
	struct mst_timer timer; /* the workers were full */
	struct mst_arena arena;
	struct mst_read read;
	uint8_t cursor[33];
	uint32_t cursor_len;
	struct mst_id found[SWEEP_SLICE];
	uint32_t num_found;
	bool is_last;
	/* devices that are due again */
	struct due_row {
		int64_t due_ms;
		struct mst_id id;
	} *due;
	uint32_t num_due, room_due;
	struct mst_timer due_timer;
};

/* deliver.c */
void mst_look_ended(struct look *look);
void mst_look_again_at(struct look *look, int64_t due_ms);
/* look.c: the way of one look over loop and workers. */
void mst_look_begin(struct look *look);
void mst_look_done(struct look *look);
/* reconcile.c, on a worker: reads everything of the device; 0, -1. */
int mst_reconcile_plan(struct mst_read *r) MST_MUST;
/* send.c, on a worker: decides, renders, fills the batch. 0; -1 with look->err: later. look->needs_keys: ask for keys first. */
int mst_send_make(struct look *look) MST_MUST;
/* report.c */
int64_t mst_deliver_back_off(uint32_t num_failed);
/* mst_deliver_uuid_of reads the setting's uuid out of a command's: false when it is none of ours. */
bool mst_deliver_uuid_of(uint8_t out[static 16], bool *is_removal, struct mst_slice uuid);
void mst_deliver_uuid_put(char out[static DELIVER_UUID_ROOM], bool is_removal, const uint8_t setting_uuid[static 16], uint64_t version);

#endif
