/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/authorities: operators make certificate authorities, look at them, bring an intermediate's certificate, name
 * successors, retire them.
 * docs/api.md tells what is asked and answered. Everything that reads, makes keys or writes is one turn on a worker:
 *
 *   list | show | publish                          ~> told > reply
 *   make | import | succeed | retire   ~> settle   ~> told > reply     settle waits until this loop's snapshot knows of the change
 */
#ifndef MUSTER_AUTHORITY_API_H
#define MUSTER_AUTHORITY_API_H

#include "muster/app.h"
#include "muster/xchg.h"

#define MST_AUTHORITY_BODY_MAX 65536 /* eight certificates with large keys as PEM */

enum mst_step mst_authority_api_list(struct mst_xchg *x);
enum mst_step mst_authority_api_show(struct mst_xchg *x);
enum mst_step mst_authority_api_publish(struct mst_xchg *x);
enum mst_step mst_authority_api_make(struct mst_xchg *x);
enum mst_step mst_authority_api_import(struct mst_xchg *x);
enum mst_step mst_authority_api_succeed(struct mst_xchg *x);
enum mst_step mst_authority_api_retire(struct mst_xchg *x);
enum mst_step mst_authority_api_settle(struct mst_xchg *x);
enum mst_step mst_authority_api_told(struct mst_xchg *x);
/* POST /v1/certificates: one certificate for the key of a request. make ~> told > reply */
enum mst_step mst_issue_make(struct mst_xchg *x);
enum mst_step mst_issue_told(struct mst_xchg *x);

#endif
