/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the signer, links, the facts of a profile, and the state of one exchange. */
#ifndef ENROLL_OWN_H
#define ENROLL_OWN_H

#include "muster/cms.h"
#include "muster/enroll.h"
#include "muster/issued.h"
#include "muster/plist.h"
#include "muster/queue.h"

#define TOKEN_BYTES   24 /* 192 random bits: of a link, of a challenge */
#define TOKEN_LEN     (2 * TOKEN_BYTES)
#define UUID_LEN      36
#define CERTS_MAX     12  /* of the signer's chain, of a profile's roots, of Apple's device CAs */
#define DNS_MAX       16  /* names of one device */
#define DNS_LEN_MAX   253 /* RFC 1035 2.3.4 */
#define ENROLL_ROOM   ((size_t)4 << 20) /* an exchange's memory beside its body: a signed profile, some times over */

struct mst_enroll {
	struct mst_arena arena;
	uint32_t num_users; /* the owner, and exchanges under way */
	struct mst_key *key;
	struct mst_cms_key cms_key;
	struct mst_slice certs[CERTS_MAX], roots[CERTS_MAX], apple[CERTS_MAX]; /* DER; certs[0] is the signer's */
	size_t num_certs, num_roots, num_apple;
	struct mst_slice url, scep_url, topic, name, organization;
	bool is_open, signs_messages;
	uint32_t link_s, challenge_s, renew_s, per_minute;
	struct mst_map *sources;
};
/* mst_enroll_hold makes x->state with a hold on the loop's mst_enroll, for a source that is not over its rate; NULL with x->err
 * set. mst_enroll_done lets go; every way's last own stage, and every failure before it, goes through it. */
struct enroll_state;
struct enroll_state *mst_enroll_hold(struct mst_xchg *x, bool is_operator);
enum mst_step mst_enroll_fail(struct enroll_state *s);
void mst_enroll_done(struct enroll_state *s);
/* mst_enroll_may: the source is not over its rate; counts this request. */
bool mst_enroll_may(struct mst_enroll *enroll, const struct mst_addr *addr, uint64_t now_ms);

/* link.c: a link as stored under the SHA-256 of its token, in the partition of its authority. */
struct enroll_link {
	uint8_t authority[16];
	struct mst_slice device, common_name; /* empty: not known before the device says its UDID */
	struct mst_slice dns;                 /* zero-separated */
	int64_t created_ms, expires_ms;
	bool is_open;                         /* made by the profile service for whoever came, not by an operator */
	bool has_challenge;
	uint8_t challenge[32]; /* hash of the one given last */
	struct mst_slice raw;
};
int mst_link_get(struct mst_read *r, struct enroll_link *out, const uint8_t sha256[static 32]) MST_MUST;
void mst_link_put(struct mst_batch *b, const struct enroll_link *link, const uint8_t sha256[static 32]);
/* mst_link_sweep drops up to a few expired links of `authority` that follow `from`: part of a plan that fills `drops`. */
#define LINK_SWEEP 8
struct enroll_drops {
	uint8_t keys[LINK_SWEEP][32];
	struct mst_slice raws[LINK_SWEEP];
	size_t num;
};
int mst_link_sweep(struct mst_read *r, struct enroll_drops *drops, const uint8_t authority[static 16], const uint8_t from[static 32],
		   int64_t now_ms) MST_MUST;

/* What a profile says. Slices live in the exchange's arena or in the held mst_enroll. */
struct profile_facts {
	struct mst_slice authority;   /* name */
	struct mst_slice device;      /* what identifiers derive from; the common name */
	struct mst_slice common_name, dns;
	struct mst_slice certs[CERTS_MAX]; /* of the CA, DER: its own first, then the chain above it */
	size_t num_certs;
	char challenge[TOKEN_LEN + 1];
};
enum profile_kind {
	PROFILE_MDM,     /* everything: roots, SCEP, com.apple.mdm */
	PROFILE_SERVICE, /* OTA phase 1: asks for the device's attributes */
	PROFILE_SCEP,    /* OTA phase 2: roots and SCEP */
};
/* mst_profile_write writes the property list. mst_profile_sign writes and signs it. Worker: RSA. */
int mst_profile_write(struct mst_slice *out, struct mst_arena *arena, const struct mst_enroll *enroll, enum profile_kind kind,
		      const struct profile_facts *facts, struct mst_err *e) MST_MUST;
int mst_profile_sign(struct mst_slice *out, struct mst_arena *arena, const struct mst_enroll *enroll, enum profile_kind kind,
		     const struct profile_facts *facts, int64_t now_s, struct mst_err *e) MST_MUST;
/* mst_profile_uuid derives one (RFC 9562 5.8) from the portal, the device and `part`: the same ones each time, so that a
 * profile replaces its predecessor. */
void mst_profile_uuid(char out[static UUID_LEN + 1], struct mst_slice url, struct mst_slice device, struct mst_slice part);
/* mst_profile_command writes InstallProfile for the queue. */
int mst_profile_command(struct mst_slice *out, struct mst_arena *arena, struct mst_slice profile, const char *uuid,
			struct mst_err *e) MST_MUST;

/* payload_rows.c: the keys of each payload. */
struct payload { /* what rows point into */
	struct mst_slice type, identifier, uuid, display_name, organization;
	struct mst_slice file_name, content;                    /* a certificate */
	struct mst_slice url, name, challenge, fingerprint;     /* SCEP, profile service */
	struct mst_slice common_name, dns;
	struct mst_slice identity, topic, server_url, checkin_url; /* com.apple.mdm */
	bool signs_messages;
	const struct payload_row *inside; /* rows of PayloadContent, when it is a dictionary */
	size_t num_inside;
};
struct payload_row {
	const char *key;
	enum { ROW_TEXT, ROW_DATA, ROW_BOOL, ROW_IS, ROW_NUMBER, ROW_YES_NO, ROW_CALL } kind;
	size_t at;           /* TEXT, DATA, BOOL: place in struct payload; an empty text or datum is left out */
	const char *text;    /* IS: always this text */
	int64_t number;      /* NUMBER, YES_NO: always this one */
	void (*put)(struct mst_plist_out *w, const char *key, const struct payload *p); /* CALL */
};
struct payload_table {
	const char *type;
	const struct payload_row *rows;
	size_t num_rows;
	const struct payload_row *inside;
	size_t num_inside;
};
enum payload_kind { PAYLOAD_PROFILE, PAYLOAD_SERVICE, PAYLOAD_ROOT, PAYLOAD_ABOVE, PAYLOAD_SCEP, PAYLOAD_MDM, NUM_PAYLOADS };
extern const struct payload_table mst_payload_tables[NUM_PAYLOADS];
void mst_payload_put(struct mst_plist_out *w, const struct payload_row *rows, size_t num_rows, const struct payload *p);

/* ota.c: what a device said about itself, and who signed it. */
struct ota_message {
	struct mst_slice udid, challenge, serial, product, version;
	bool is_ours;            /* signed with a certificate of the authority: phase 3 */
	uint8_t serial_key[16];  /* of that certificate */
};
int mst_ota_read(struct ota_message *out, struct mst_arena *arena, struct mst_slice body, struct mst_slice ca, const struct mst_slice *apple,
		 size_t num_apple, int64_t now_s, struct mst_err *e) MST_MUST;

/* What the look-up is about. */
enum enroll_source {
	SOURCE_OPEN,   /* nobody in particular: nothing to read */
	SOURCE_LINK,   /* a link, by its token */
	SOURCE_ISSUED, /* a certificate of ours, in OTA phase 3 */
	SOURCE_DEVICE, /* an enrolled device, for its renewal */
};
struct enroll_state {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_enroll *enroll;
	enum enroll_source source;
	enum profile_kind kind;
	uint8_t authority[16];
	struct profile_facts facts;
	bool makes_link, makes_challenge; /* what the answer promises */
	bool has_batch;
	int64_t now_ms, expires_ms; /* expires: the challenge */
	/* what was read */
	struct mst_read read;
	int found, found_older;
	uint8_t link_key[32], challenge_key[32];
	struct enroll_link link;
	struct mst_challenge older; /* the link's challenge before */
	struct mst_issued issued;
	struct mst_device device;
	struct mst_id id;
	struct enroll_drops drops;
	struct ota_message message;
	/* a worker's turn */
	struct mst_job job;
	struct mst_arena arena;
	void (*work)(struct enroll_state *s);
	int rc;
	struct mst_slice profile, command;
	/* what is written */
	struct mst_batch batch;
	char uuid[UUID_LEN + 1], token[TOKEN_LEN + 1];
};
/* mst_enroll_turn runs `work` on a worker with s->arena, which comes home with it; s->rc and x->err are its result. */
enum mst_step mst_enroll_turn(struct enroll_state *s, void (*work)(struct enroll_state *s));
/* mst_enroll_authority copies what profiles say of the issuer `name` into s->facts. 0, -1 with x->err. */
int mst_enroll_authority(struct enroll_state *s, struct mst_slice name) MST_MUST;
int mst_enroll_issuer(struct enroll_state *s, const struct mst_issuer *issuer) MST_MUST;
/* mst_enroll_batch begins s->batch; mst_enroll_commit posts it: STEP_WAIT, or the failure. */
void mst_enroll_batch(struct enroll_state *s);
enum mst_step mst_enroll_commit(struct enroll_state *s);
/* mst_enroll_token makes a secret and the key it is stored under. */
void mst_enroll_token(char out[static TOKEN_LEN + 1], uint8_t key[static 32]);
/* mst_enroll_part lends part `n` (0 is the first) of the decoded path; empty when there is none. */
struct mst_slice mst_enroll_part(const struct mst_xchg *x, size_t n);
/* mst_renew_judge: what was read of the device allows a renewal. 0 with s->facts, -1 with x->err. */
int mst_renew_judge(struct enroll_state *s) MST_MUST;

#endif
