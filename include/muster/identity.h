/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities under certificate enrolment settings: asked for by whoever delivers a setting, made once (held.h), by the maker of
 * the setting's type (engine/enroll/maker_rows.c).
 *
 * The rule: each pair of owner and enrolment setting has one identity, whoever asks, however often. The owner is the device, or
 * its user where the setting says so; clients that keep no certificates have one for each setting (is_per_setting). It is made
 * anew only when what the certificate says has changed, it has expired, it was removed, or its key is needed and was not stored.
 * $CONFIG_UUID$ is the setting's for clients that have one for each; where one serves all it is the enrolment setting's.
 */
#ifndef MUSTER_IDENTITY_H
#define MUSTER_IDENTITY_H

#include "muster/app.h"
#include "muster/catalog.h"
#include "muster/detail.h"
#include "muster/held.h"
#include "muster/variables.h"
#include "muster/xchg.h"

/* What a type of enrolment setting gives to a device. */
enum mst_identity_form {
	MST_IDENTITY_FILE, /* PKCS#12 made or kept here */
	MST_IDENTITY_SCEP, /* decentralised: the device asks by itself; the payload says where and with which challenge */
	MST_IDENTITY_CLIENT, /* client-provided: the client has it; only purpose and provider are told */
};

struct mst_identity_ask {
	/* the asker's, kept until on_told */
	struct mst_app *app;                 /* of the loop it is asked on */
	const struct mst_object *enrollment; /* of a catalog; only its id is used, and not after mst_identity_ask */
	const struct mst_detail *device;
	const struct mst_object *user;       /* NULL none */
	const uint8_t *setting;              /* 16 bytes; used when is_per_setting */
	const uint8_t *setting_uuid;
	bool is_per_setting, is_early;
	bool needs_key;                      /* the answer goes into a profile: one whose key was not stored is made anew */
	struct mst_arena *arena;
	void (*on_told)(struct mst_identity_ask *ask); /* on app->loop, once, never inside mst_identity_ask */
	/* the answer: rc 1 it is here; 0 later: `held.due_ms` says when to ask again (app->on_identity_changed may come before);
	 * -1 not possible: err says why (field and variable, what the CA said) and held is FAILED or absent (held.due_ms: when the
	 * keeper tries again by itself, 0 not before something changes) */
	int rc;
	struct mst_err err;
	enum mst_identity_form form;
	struct mst_held held;        /* FILE: with its key open: wipe it */
	/* SCEP; subject: RFC 4514 text ("CN=jane,O=Example"); san: lines of kind=value (rfc822 dns uri upn dn); fingerprint: bytes;
	 * usage: 1 sign, 4 encrypt */
	struct mst_slice scep_url, scep_name, scep_challenge, scep_subject, scep_san, ca_fingerprint;
	uint32_t scep_key_bits, scep_key_usage;
	void *own;
};
int mst_identity_ask(struct mst_identity_ask *ask, struct mst_err *e) MST_MUST; /* -1 BUSY */
/* mst_identity_delivered notes that a device has it (idempotent; `held` as read for this batch). Keys that are not stored are
 * forgotten: say stores_keys as long as another setting of the same device is to get the same identity in a profile; the
 * keeper's daily job forgets them in the end. A user's identity changes nothing here: all the user's devices get it. */
void mst_identity_delivered(struct mst_batch *b, const struct mst_held *held, bool stores_keys, const struct mst_seal *seal, int64_t now_ms);
/* mst_identity_remove takes it away in `h` (then mst_held_put in the batch that removes the setting, and mst_keeper_look when that
 * is home): REMOVED, with its certificate to be revoked. */
void mst_identity_remove(struct mst_held *h, int64_t now_ms);
/* mst_identity_pack makes the PKCS#12 of a held identity with a random password into the arena (a worker's work: 2048 rounds). */
int mst_identity_pack(struct mst_slice *p12, struct mst_slice *password, struct mst_arena *arena, const struct mst_held *held,
		      struct mst_slice name, struct mst_err *e) MST_MUST;

/* The keeper: early generation, what is due again, deletion of undelivered early ones after 14 days, the daily job at 03:45 local
 * time (what expires within the setting's days), removal and revocation. One for the process, on the first loop. */
struct mst_keeper;
int mst_keeper_new(struct mst_keeper **out, struct mst_app *app, struct mst_err *e) MST_MUST; /* sets no app->keeper */
/* mst_keeper_free: when the loop runs no more, and store and workers are gone or idle. */
void mst_keeper_free(struct mst_keeper **keeper);
/* Any thread; NULL keeper is fine. All devices of a label need this enrolment's identity soon. For many devices this is the way
 * also for settings whose identities are made on demand: a slice at a time on the bulk lane. Clients that keep no
 * certificates are left out: who delivers asks for them. app->on_identity_changed comes for each that was made. */
void mst_keeper_early(struct mst_keeper *keeper, const uint8_t enrollment[static 16], const uint8_t label[static 16]);
/* mst_keeper_rule says how to know clients that keep certificates, before the loop runs; without it all do. */
void mst_keeper_rule(struct mst_keeper *keeper, bool (*keeps)(const struct mst_detail *device));
/* Take away what a device holds: all of it (retired), or under one enrolment. Revoked where the CA can. */
void mst_keeper_remove(struct mst_keeper *keeper, const struct mst_id *device, const uint8_t *enrollment, const char *who);
/* Something of this pair changed: look at it now. */
void mst_keeper_look(struct mst_keeper *keeper, const struct mst_held *held);
/* mst_keeper_daily runs the daily job as if it were that time now; mst_keeper_next says when it is due after `now_ms` (03:45 local
 * time). mst_keeper_is_idle: nothing is under way. Loop thread. */
void mst_keeper_daily(struct mst_keeper *keeper, int64_t now_ms);
int64_t mst_keeper_next(int64_t now_ms);
bool mst_keeper_is_idle(const struct mst_keeper *keeper);

/* Operators:
 *   GET /v1/identities, POST /v1/identities/{owner}/{enrollment}/{revoke|remove|reenroll}, POST /v1/enrollments/{name}/test,
 *   PUT /v1/users/{name}/certificates/{enrollment}: each ~> identities_told > reply */
#define MST_IDENTITY_BODY_MAX (512u << 10) /* a PKCS#12 of 256 KiB in base64 */
enum mst_step mst_identities_list(struct mst_xchg *x);
enum mst_step mst_identities_end(struct mst_xchg *x);
enum mst_step mst_identities_test(struct mst_xchg *x);
enum mst_step mst_identities_upload(struct mst_xchg *x);
enum mst_step mst_identities_told(struct mst_xchg *x);

#endif
