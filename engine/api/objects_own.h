/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the objects' endpoints share: the state of one exchange, which is one turn on a worker. */
#ifndef API_OBJECTS_OWN_H
#define API_OBJECTS_OWN_H

#include "muster/audit.h"
#include "muster/object.h"
#include "detail_own.h"
#include "own.h"

struct object_ask {
	struct mst_xchg *x;
	struct mst_app *app;
	enum mst_noun noun;
	struct mst_slice name, who, type, cursor;
	uint64_t limit;
	int64_t from_ms;
	/* the turn */
	struct mst_job job;
	struct mst_arena arena; /* joins the exchange's at home */
	struct mst_read read;
	int (*work)(struct object_ask *ask, struct mst_err *e);
	int rc;
	struct mst_json json;
	struct mst_slice body;
	int status;
	bool has_changed; /* the catalog is to be made anew */
	/* a change */
	struct mst_json_value *wish;
	struct mst_object older, newer;
	bool has_older;
	struct mst_slice census; /* the record that every change but a user's goes through */
	struct mst_slice touched; /* JSON: settings that refer to it */
	uint32_t num_touched;
	bool is_referred;         /* a delete was refused for that */
	bool has_user;            /* a user changed: his devices are judged anew */
	/* a device's detail and labels */
	struct api_id device;
	struct mst_standing *standing;
	const struct mst_questions *questions;
	struct mst_detail *detail;
	const struct mst_expr *expr;
	bool has_labels;          /* its labels changed */
	struct mst_slice pin_hash;
};

/* mst_object_ask_new makes x->state, NULL with the answer made; _device is one whose part of the path names a device.
 * mst_object_page reads limit, cursor and type: 0, -1 with x->err. mst_object_turn does the work on a worker; objects_told answers. */
struct object_ask *mst_object_ask_new(struct mst_xchg *x);
struct object_ask *mst_object_ask_device(struct mst_xchg *x, size_t part);
int mst_object_page(struct object_ask *ask) MST_MUST;
enum mst_step mst_object_turn(struct object_ask *ask, int (*work)(struct object_ask *ask, struct mst_err *e));
/* mst_object_again does `once` anew while another change comes in between. */
int mst_object_again(struct object_ask *ask, int (*once)(struct object_ask *ask, struct mst_err *e), struct mst_err *e) MST_MUST;
/* mst_standing_known, in plans: reads ask->standing; a device that is not known is ABSENT. */
int mst_standing_known(struct object_ask *ask, struct mst_read *r) MST_MUST;
/* mst_object_read_here runs a plan of the ask on this worker. 0, -1. */
int mst_object_read_here(struct object_ask *ask, int (*plan)(struct mst_read *r), struct mst_err *e) MST_MUST;
/* objects_change.c: the work of PUT and DELETE. */
int mst_object_change_put(struct object_ask *ask, struct mst_err *e) MST_MUST;
int mst_object_change_drop(struct object_ask *ask, struct mst_err *e) MST_MUST;
/* objects_refs.c, in plans: what refers to ask->older is written to ask->touched and counted; and whether everything that
 * ask->newer refers to exists (-1 SYNTAX naming field and name). */
int mst_object_refs_to(struct object_ask *ask, struct mst_read *r) MST_MUST;
int mst_object_refs_from(struct object_ask *ask, struct mst_read *r) MST_MUST;

#endif
