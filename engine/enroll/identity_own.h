/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of identities share: one pair of owner and enrolment setting being looked at, claimed, made, written.
 *
 *   worker: open (read, judge, claim; make here what needs no network) > loop: maker ~> worker: close (write, record, revoke)
 *
 * Nobody gets an identity whose record is not durable: the held record names the certificate first, then the authority's record
 * of it is put (if it is not there), then it is told. A crash in between leaves a held record that the next one completes.
 */
#ifndef ENROLL_IDENTITY_OWN_H
#define ENROLL_IDENTITY_OWN_H

#include "maker.h"
#include "muster/audit.h"
#include "muster/issued.h"

#define MAKING_ROOM   ((size_t)4 << 20) /* a PKCS#12 of 256 KiB as base64, open and sealed, some times over */
#define MAKING_TRIES  8                 /* others change the same record */
#define LEASE_MS      600000            /* a maker's time: answers may take 300 s (timeout_s), twice */
#define LEASE_HERE_MS 30000             /* of one that needs no network */
#define AGAIN_MS      5000              /* until an asker looks again at what another one makes */
#define BACK_OFF_MS   60000             /* after the first failure; doubled with each up to a day */
#define DAY_MS        86400000ll

enum making_verdict {
	VERDICT_HAVE,   /* `held` is the answer */
	VERDICT_MAKE,   /* claimed: the maker is to be asked */
	VERDICT_WAIT,   /* somebody else makes it, or the CA was asked: again at held.due_ms */
	VERDICT_FAIL,   /* err */
	VERDICT_TELL,   /* decentralised: the maker is to tell what the device needs */
	VERDICT_CLIENT, /* the client has it */
};
enum making_why {
	WHY_ASKED,  /* somebody wants it */
	WHY_DUE,    /* its time has come: FAILED, ASKED; WANTED whose maker is gone */
	WHY_RENEW,  /* it expires soon: the older one is good until the newer is delivered */
	WHY_ANEW,   /* an operator wants a new one; the older one is revoked */
};

struct mst_making {
	struct mst_app *app;
	struct mst_arena arena;
	/* the wish */
	uint8_t owner[16], enrollment[16], setting[16]; /* owner: filled when it was read, for WHY_ASKED */
	enum making_why why;
	bool is_early, needs_key, reads_owner, is_boot; /* reads_owner: device and user come from the store; is_boot: no other maker lives */
	bool is_user;
	bool is_test;                    /* a certificate that nobody will hold: no record; of `owner` and user_id when they are given */
	bool has_owner, has_user;        /* of a test */
	uint8_t user_id[16];
	bool has_object;                 /* for many: `object` was read before */
	bool (*keeps)(const struct mst_detail *device); /* its client keeps certificates; NULL: all do */
	const struct mst_detail *device;
	const struct mst_object *user;
	const uint8_t *config_uuid;      /* of the setting; NULL: the enrolment setting's */
	const struct mst_issuers *issuers; /* for many: one loaded snapshot; NULL */
	/* what was read */
	struct mst_read read;
	struct mst_detail device_room;
	struct mst_object user_room, setting_room, object; /* object: secrets open; its texts filled */
	int found;                       /* the held record */
	struct mst_held held;
	const struct mst_maker *maker;
	struct mst_of of;
	uint8_t inputs[32];
	int64_t now_ms;
	/* the way */
	struct mst_make make;
	enum making_verdict verdict;
	struct mst_err err;
	bool was_made;                   /* this one made it */
	bool was_changed;                /* the record changed */
	bool tells;                      /* somebody else changed it: it is told */
	bool is_noted;                   /* the keeper knows when to look again */
	struct mst_held lost;            /* made by an outside CA for nothing: to be revoked there */
	bool has_lost;
	struct mst_job job;
	void (*on_over)(struct mst_making *m); /* on app->loop: verdict HAVE, WAIT, FAIL, TELL (make's scep_*), CLIENT */
	struct mst_making *next;         /* the owner's list */
	void *context;
};
bool mst_making_keeps(const struct mst_making *m);
struct mst_making *mst_making_new(struct mst_app *app);
void mst_making_free(struct mst_making *m); /* wipes its keys */
/* mst_making_start posts it. -1 BUSY: it stays the caller's. */
int mst_making_start(struct mst_making *m, enum mst_lane lane, struct mst_err *e) MST_MUST;

/* identity_open.c, on a worker. 0 with a verdict; never fails otherwise: FAIL has `err`. */
void mst_making_open(struct mst_making *m);
/* identity_close.c, on a worker: what the maker answered is written; may ask for `open` again (VERDICT_MAKE and is_again). */
void mst_making_close(struct mst_making *m);
/* mst_making_fail writes FAILED with m->err into the record and the audit trail; final ones are not tried again by themselves. */
void mst_making_fail(struct mst_making *m, bool is_final);
/* mst_making_commit commits what `fill` puts. 0, -1. */
int mst_making_commit(struct mst_making *m, struct mst_batch *b, struct mst_err *e) MST_MUST;

/* mst_making_put makes the held record of what was made here, unclaimed (mst_making_ahead). */
int mst_making_put(struct mst_making *m, struct mst_batch *b) MST_MUST;
/* mst_making_ahead looks at m->owner (a device), makes here what it lacks, puts its record into `b`. 1 put, 0 nothing to do, -1
 * m->err. The batch's failure (CONFLICT) means that somebody else was faster. */
int mst_making_ahead(struct mst_making *m, struct mst_batch *b) MST_MUST;

/* mst_making_note tells the keeper when to look at this pair again. */
void mst_making_note(struct mst_making *m, int64_t due_ms);

/* identity_fill.c: variables into m->object and m->make; m->inputs. -1 with the field and the variable. */
int mst_making_fill(struct mst_making *m, struct mst_err *e) MST_MUST;

/* identity_record.c, on a worker. mst_record_cert: the authority's record of a held certificate is there afterwards. 0, -1. */
int mst_record_cert(struct mst_app *app, struct mst_arena *arena, const struct mst_held *held, struct mst_slice name,
		    struct mst_slice device, struct mst_err *e) MST_MUST;
/* mst_record_revoke revokes a certificate of our own, if it was recorded, and says so to all loops (from the worker by mail to
 * app->loop). 0, -1. */
int mst_record_revoke(struct mst_app *app, struct mst_arena *arena, const uint8_t authority[static 16], const uint8_t serial[static 16],
		      uint32_t reason, struct mst_err *e) MST_MUST;
bool mst_record_is_ours(const uint8_t authority[static 16]);
/* mst_record_older revokes what `held` holds as older, when it is ours, and clears it. Outside CAs': 1 left to do. 0, -1. */
int mst_record_older(struct mst_app *app, struct mst_arena *arena, struct mst_held *held, struct mst_err *e) MST_MUST;

/* identity_end.c: taking away, on a worker. */
enum identity_end { END_REVOKE, END_REMOVE, END_REENROLL };
/* mst_identity_end changes one record: REMOVED, its certificate as older; and revokes it when it is ours. 1 something outside is
 * left to do (the keeper's), 0, -1 ABSENT... `who` for the audit trail. */
int mst_identity_end(struct mst_app *app, struct mst_arena *arena, const uint8_t owner[static 16], const uint8_t enrollment[static 16],
		     const uint8_t setting[static 16], enum identity_end how, struct mst_slice who, struct mst_slice name, struct mst_err *e) MST_MUST;
/* mst_identity_past moves what `h` holds into its older ones. */
void mst_identity_past(struct mst_held *h, bool waits);

/* keeper.c. Any thread, NULL keeper is fine: look at this pair at `due_ms`. */
void mst_keeper_due(struct mst_keeper *keeper, const uint8_t owner[static 16], const uint8_t enrollment[static 16],
		    const uint8_t setting[static 16], int64_t due_ms);
/* mst_keeper_anew: make one again for a pair that was removed. */
void mst_keeper_anew(struct mst_keeper *keeper, const struct mst_held *held);

#endif
