/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation: the CRLs of our authorities, the OCSP responder, the list of issued certificates, and the end of one of them.
 *
 *   crl      : serve > reply
 *   ocsp     : take ~> answer > reply
 *   list     : certs_list | certs_show ~> told > reply         a worker reads and writes the JSON
 *   withdraw : look ~> apply ~> tell ~> answer > reply
 *
 * The first loop publishes: an authority's CRL is built on a worker when there is none, when half of its life is over, and
 * shortly after a revocation; once it is stored every loop serves the new one. A revocation visits every loop before it is
 * answered: from then on the certificate is refused at each handshake and check-in, and no older OCSP answer is given.
 */
#ifndef MUSTER_REVOKE_H
#define MUSTER_REVOKE_H

#include "muster/app.h"
#include "muster/ocsp.h"
#include "muster/published.h"
#include "muster/xchg.h"

#define MST_REVOKE_DELAY_MS 2000 /* from the first revocation to its CRL: many come together */
#define MST_REVOKE_ANSWER_S 3600 /* an OCSP answer is good for; HTTP caches may hold it as long */

/* mst_revoke_new: one for each loop; `app`, with its set of barred certificates, outlives it. mst_revoke_start makes them
 * know each other (the first one publishes) and reads what the store knows; blocks; before the loops run. mst_revoke_end:
 * the loops run no more, nothing is posted from now on. mst_revoke_free: when all connections are gone, too. */
int mst_revoke_new(struct mst_revoke **out, struct mst_app *app, struct mst_err *e) MST_MUST;
int mst_revoke_start(struct mst_revoke *const *all, uint32_t num, struct mst_err *e) MST_MUST;
void mst_revoke_end(struct mst_revoke *revoke);
void mst_revoke_free(struct mst_revoke **revoke);

/* mst_publish_make builds, signs and stores an authority's CRL and takes off the list what has expired. `out->crl` is the
 * arena's. `before` (NULL: none) is the one published last, of which number and thisUpdate are used. Blocks: worker. */
int mst_publish_make(struct mst_published *out, struct mst_arena *arena, struct mst_store *store, const struct mst_seal *seal,
		     const uint8_t authority[static 16], const struct mst_published *before, int64_t now_s, struct mst_err *e)
	MST_MUST;

/* mst_revoke_tell: a certificate was revoked elsewhere in the process, durably: every loop hears of it. This loop's thread. */
void mst_revoke_tell(struct mst_revoke *revoke, const uint8_t authority[static 16], const uint8_t serial[static 16],
		     const uint8_t sha256[static 32], int64_t not_after_s);

/* GET /crl/NAME.crl */
enum mst_step mst_serve_crl(struct mst_xchg *x);
/* POST /ocsp/NAME, GET /ocsp/NAME/BASE64 */
enum mst_step mst_respond_take(struct mst_xchg *x);
enum mst_step mst_respond_answer(struct mst_xchg *x);
/* GET /v1/certificates?authority=&state=&limit=&cursor=, GET /v1/certificates/{authority}/{serial} */
enum mst_step mst_certs_list(struct mst_xchg *x);
enum mst_step mst_certs_show(struct mst_xchg *x);
enum mst_step mst_certs_told(struct mst_xchg *x);
/* POST /v1/certificates/{authority}/{serial}/revoke?reason= */
enum mst_step mst_withdraw_look(struct mst_xchg *x);
enum mst_step mst_withdraw_apply(struct mst_xchg *x);
enum mst_step mst_withdraw_tell(struct mst_xchg *x);
enum mst_step mst_withdraw_answer(struct mst_xchg *x);

#endif
