/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SCEP server (RFC 8894) of our authorities, at /scep/NAME and everything below it.
 *
 *   scep      : operation > open ~> look ~> issue ~> record ~> look ~> issue ~> record ~> seal ~> answer > reply
 *   challenge : challenge_make ~> challenge_made > reply
 *
 * GetCACaps and GetCACert are answered by the first stage, GetNextCACert by the second when the authority's key is RSA. Messages are opened and sealed on workers (RSA). A
 * certificate is issued, recorded in one batch with the use of its challenge, and delivered only once that is durable; when
 * something changed under a request it is looked at once more.
 *
 * A certificate's names come from the challenge, for a renewal from the certificate that is renewed, never from the request.
 * With the authority's static challenge the common name is made from the transaction and the key.
 */
#ifndef MUSTER_SCEP_H
#define MUSTER_SCEP_H

#include "muster/app.h"
#include "muster/xchg.h"

#define MST_SCEP_BODY_MAX 65536 /* bytes of a message: with an RSA-4096 key and a chain it has 12 KiB */

/* What one loop knows: how often each source came; the first loop also drops what has expired. */
struct mst_scep_conf {
	uint32_t rate;   /* messages a second for each source (an IPv4 address, an IPv6 /64); 0: no limit */
	uint32_t burst;  /* messages at once */
	bool takes_des;  /* single DES in requests; answers to them are in 3DES */
	bool is_sweeper; /* this loop drops challenges and receipts that have expired */
};
/* mst_scep_new: one for each loop; `app` outlives it. mst_scep_tune: on reload, the loop's thread. */
int mst_scep_new(struct mst_scep **out, struct mst_app *app, const struct mst_scep_conf *conf, struct mst_err *e) MST_MUST;
void mst_scep_tune(struct mst_scep *scep, const struct mst_scep_conf *conf);
/* mst_scep_free: when the loop runs no more, and the store and the workers are gone or idle. */
void mst_scep_free(struct mst_scep **scep);

enum mst_step mst_scep_operation(struct mst_xchg *x);
enum mst_step mst_scep_open(struct mst_xchg *x);
enum mst_step mst_scep_look(struct mst_xchg *x);
enum mst_step mst_scep_issue(struct mst_xchg *x);
enum mst_step mst_scep_record(struct mst_xchg *x);
enum mst_step mst_scep_seal(struct mst_xchg *x);
enum mst_step mst_scep_answer(struct mst_xchg *x);

/* POST /v1/challenges: a one-time challenge for one device. */
enum mst_step mst_scep_challenge_make(struct mst_xchg *x);
enum mst_step mst_scep_challenge_made(struct mst_xchg *x);

#endif
