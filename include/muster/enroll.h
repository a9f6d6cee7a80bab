/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment profiles: what a device installs to become ours. Root certificates, a SCEP payload with a challenge of its own,
 * and com.apple.mdm, signed; in one step (GET /enroll) or by Apple's profile service (GET and POST /ota).
 *
 *   enroll  : enroll_admit > enroll_look ~> enroll_seal ~> enroll_promise ~> enroll_answer > reply
 *   ota     : ota_admit > enroll_look ~> enroll_seal ~> enroll_promise ~> enroll_answer > reply
 *   ota-post: ota_receive ~> ota_sort > enroll_look ~> enroll_seal ~> enroll_promise ~> enroll_answer > reply
 *   link    : link_make ~> link_made > reply
 *   renew   : renew_admit > enroll_look ~> enroll_seal ~> enroll_promise ~> renew_queue ~> renew_answer > reply
 *
 * A link is an unguessable token for one device, stored by hash. It gives profiles, each with a fresh challenge that replaces
 * the one before, until one of them was used or the link has expired. A profile leaves only when its challenge is durable.
 */
#ifndef MUSTER_ENROLL_H
#define MUSTER_ENROLL_H

#include "muster/app.h"
#include "muster/xchg.h"

#define MST_ENROLL_TYPE     "application/x-apple-aspen-config"
#define MST_OTA_BODY_MAX    65536 /* device attributes with their signature and chain: 6 KiB */
#define MST_LINK_BODY_MAX   16384 /* a page of DNS names */

/* What it is made from: texts and PEM are copied or parsed, nothing is kept. */
struct mst_enroll_conf {
	const char *url;      /* https of the portal without a path; "": no profiles */
	const char *scep_url; /* where /scep is; "": as url */
	const char *topic;    /* of the push certificate, com.apple.mgmt... */
	const char *name, *organization;
	struct mst_slice cert_pem, key_pem, chain_pem; /* the signer's; certificates: the signer's first */
	struct mst_slice roots_pem;                    /* more certificates for the profile, or empty */
	struct mst_slice apple_pem;                    /* CAs of Apple's devices, or empty: not verified */
	bool is_open, signs_messages;
	uint32_t link_s, challenge_s, renew_s; /* lives of a link, of a challenge without one, of a renewal's */
	uint32_t per_minute;                   /* requests of a source; 0: no limit */
};

/* One loop's: its thread only. mst_enroll_new: -1 CONF says what is wrong with `conf`. */
struct mst_enroll; /* opaque */
int mst_enroll_new(struct mst_enroll **out, const struct mst_enroll_conf *conf, struct mst_err *e) MST_MUST;
/* mst_enroll_free lets go: what exchanges still use goes with the last of them. */
void mst_enroll_free(struct mst_enroll **enroll);
/* Other profiles are signed with the same key: mst_enroll_take holds `enroll` for a turn elsewhere (mst_enroll_free, on the loop,
 * lets go); mst_enroll_sign signs a profile (CMS), on any thread meanwhile: a worker's, RSA. Organization: as shown on devices. */
struct mst_enroll *mst_enroll_take(struct mst_enroll *enroll);
int mst_enroll_sign(struct mst_slice *out, struct mst_arena *arena, const struct mst_enroll *enroll, struct mst_slice profile,
		    int64_t now_s, struct mst_err *e) MST_MUST;
struct mst_slice mst_enroll_organization(const struct mst_enroll *enroll);

enum mst_step mst_enroll_admit(struct mst_xchg *x);
enum mst_step mst_enroll_look(struct mst_xchg *x);
enum mst_step mst_enroll_seal(struct mst_xchg *x);
enum mst_step mst_enroll_promise(struct mst_xchg *x);
enum mst_step mst_enroll_answer(struct mst_xchg *x);

enum mst_step mst_ota_admit(struct mst_xchg *x);
enum mst_step mst_ota_receive(struct mst_xchg *x);
enum mst_step mst_ota_sort(struct mst_xchg *x);

/* /scepproxy/{TOKEN}: between devices and a CA that only the engine reaches (decentralised SCEP, is_proxied). */
enum mst_step mst_scep_proxy_admit(struct mst_xchg *x);
enum mst_step mst_scep_proxy_ask(struct mst_xchg *x);
enum mst_step mst_scep_proxy_answer(struct mst_xchg *x);

/* Operators: POST /v1/enroll/links, POST /v1/enroll/renew/{ID}. */
enum mst_step mst_link_make(struct mst_xchg *x);
enum mst_step mst_link_made(struct mst_xchg *x);
enum mst_step mst_renew_admit(struct mst_xchg *x);
enum mst_step mst_renew_queue(struct mst_xchg *x);
enum mst_step mst_renew_answer(struct mst_xchg *x);

#endif
