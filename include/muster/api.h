/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator API: its stages. docs/api.md tells what they answer. On the control socket the file's mode and the peer's
 * credentials decide, on the portal an API key (Authorization: Bearer KEY, or Basic with any user and the key as password, as
 * NanoMDM's clients send it). Authorisation happens when the head is in, before a parameter or a body byte is looked at.
 *
 *   look-ups : devices | device | history | commands | command | status  ~> told > reply     a worker reads and writes the JSON
 *   at once  : health | version | metrics > reply
 *   cancel   : cancel_look ~> cancel_apply ~> cancel_answer > reply
 *   enqueue  : enqueue_decode | push_decode > enqueue_look ~> enqueue_apply ~> enqueue_look ~> enqueue_apply ~> enqueue_answer > reply
 *
 * An enqueue writes one batch for each id; those whose device changed in between are looked at once more.
 */
#ifndef MUSTER_API_H
#define MUSTER_API_H

#include "muster/xchg.h"

/* mst_api_authorise: 0 with x->who set, or -1 with x->err KEY and the challenge in x->out.extra. 401 is right here: these are
 * operators, not devices. */
int mst_api_authorise(struct mst_xchg *x) MST_MUST;

/* mst_path_raw0 lends part `n` (0 is the first) of the target's path as it was sent; empty when there is none. */
struct mst_slice mst_path_raw0(const struct mst_xchg *x, size_t n);

enum mst_step mst_api_health(struct mst_xchg *x);
enum mst_step mst_api_version(struct mst_xchg *x);
enum mst_step mst_api_metrics(struct mst_xchg *x);

enum mst_step mst_api_status(struct mst_xchg *x);
enum mst_step mst_api_devices(struct mst_xchg *x);
enum mst_step mst_api_device(struct mst_xchg *x);
enum mst_step mst_api_history(struct mst_xchg *x);
enum mst_step mst_api_commands(struct mst_xchg *x);
enum mst_step mst_api_command(struct mst_xchg *x);
enum mst_step mst_api_told(struct mst_xchg *x);

enum mst_step mst_api_cancel_look(struct mst_xchg *x);
enum mst_step mst_api_cancel_apply(struct mst_xchg *x);
enum mst_step mst_api_cancel_answer(struct mst_xchg *x);

enum mst_step mst_api_enqueue_decode(struct mst_xchg *x);
enum mst_step mst_api_enqueue_look(struct mst_xchg *x);
enum mst_step mst_api_enqueue_apply(struct mst_xchg *x);
enum mst_step mst_api_enqueue_answer(struct mst_xchg *x);
/* mst_api_push_decode begins a way that is the enqueue's otherwise: pushes without a command. */
enum mst_step mst_api_push_decode(struct mst_xchg *x);

/* What operators define (object.h): /v1/{users,labels,settings,enrollments}[/{NAME}[/history]], /v1/shapes, /v1/audit. One turn on
 * a worker each, then objects_told. */
enum mst_step mst_objects_list(struct mst_xchg *x);
enum mst_step mst_objects_show(struct mst_xchg *x);
enum mst_step mst_objects_put(struct mst_xchg *x);
enum mst_step mst_objects_drop(struct mst_xchg *x);
enum mst_step mst_objects_history(struct mst_xchg *x);
enum mst_step mst_objects_audit(struct mst_xchg *x);
enum mst_step mst_objects_told(struct mst_xchg *x);
enum mst_step mst_objects_shapes(struct mst_xchg *x);
/* Devices' details and labels, one turn on a worker each, then objects_told. */
enum mst_step mst_api_detail_put(struct mst_xchg *x);    /* PUT /v1/devices/{}/detail */
enum mst_step mst_api_label_member(struct mst_xchg *x);  /* PUT, DELETE /v1/labels/{}/devices/{} */
enum mst_step mst_api_label_members(struct mst_xchg *x); /* GET /v1/labels/{}/devices */
enum mst_step mst_api_label_test(struct mst_xchg *x);    /* POST /v1/labels/test */
enum mst_step mst_api_pin(struct mst_xchg *x);           /* POST /v1/users/{}/pin */

#endif
