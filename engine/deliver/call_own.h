/* SPDX-License-Identifier: Apache-2.0 */
/* What operators' endpoints of deliveries share: the state of one exchange, which is one turn on a worker. */
#ifndef DELIVER_CALL_OWN_H
#define DELIVER_CALL_OWN_H

#include "deliver_own.h"
#include "muster/json.h"

struct deliver_ask {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_id id;            /* the device, where the path names one */
	struct mst_slice text, name; /* its text; the setting's name */
	uint8_t setting[16];
	struct mst_slice cursor;
	uint64_t limit;
	bool has_state;
	enum mst_delivery_state state;
	/* a worker's turn */
	struct mst_job job;
	struct mst_arena arena; /* joins the exchange's at home */
	struct mst_read read;
	int (*work)(struct deliver_ask *ask, struct mst_err *e);
	int rc, status;
	struct mst_json json;
	struct mst_slice body;
	bool is_changed, is_retired, has_labels; /* durable: the device is to be looked at; its identities go; its labels differ */
	void *standing;
};
/* mst_deliver_ask_new makes x->state; NULL: x is refused. _device and _setting read a part of the path: 0, -1 with x->err. */
struct deliver_ask *mst_deliver_ask_new(struct mst_xchg *x);
int mst_deliver_ask_device(struct deliver_ask *ask, size_t part) MST_MUST;
int mst_deliver_ask_setting(struct deliver_ask *ask, size_t part) MST_MUST;
enum mst_step mst_deliver_turn(struct deliver_ask *ask, int (*work)(struct deliver_ask *ask, struct mst_err *e));
int mst_deliver_read_here(struct deliver_ask *ask, int (*plan)(struct mst_read *r), struct mst_err *e) MST_MUST;
/* mst_deliver_tell writes the members of a delivery into the open object. */
void mst_deliver_tell(struct mst_json *j, const struct mst_delivery *d);

#endif
