/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of check-in: decode the message, look up device and certificate, apply in one batch, answer once it is durable. */
#include "muster/count.h"
#include "muster/log.h"
#include "own.h"

/* A check-in message is one flat dictionary; DeclarativeManagement and GetToken bring a little more. */
#define DEPTH_MAX 8
#define NODES_MAX 1024
#define TYPE_MAX 64

static const struct mdm_item_row type_row = {"MessageType", offsetof(struct mdm_message, type), ITEM_TEXT, 1, TYPE_MAX};

/* 0, -1 with x->err. */
static int message_read(struct mdm_state *s, const struct mst_plist *root)
{
	struct mdm_message *m = &s->message;
	struct mst_xchg *x = s->x;
	uint32_t which;

	if (mst_item_read(m, &x->arena, root, &type_row, 1, 1, &x->err) < 0)
		return -1;
	s->row = mst_checkin_find(m->type);
	if (!s->row)
		return mst_fail(&x->err, MST_E_SYNTAX, "unknown MessageType");
	which = MST_B(s->row - mst_checkin_rows);
	if (mst_item_read(m, &x->arena, root, mst_item_ids, mst_item_num_ids, 0, &x->err) < 0 ||
	    mst_item_read(m, &x->arena, root, mst_checkin_items, mst_checkin_num_items, which, &x->err) < 0 ||
	    mst_enrolment_find(&s->who, &m->ids, &x->err) < 0)
		return -1;
	x->who = (const char *)s->who.device.at;
	if (!(s->row->channels & (mst_enrolment_is_device(&s->who) ? ON_DEVICE : ON_USER)))
		return mst_fail(&x->err, MST_E_SYNTAX, "%s does not come on this kind of channel", s->row->name);
	return 0;
}

enum mst_step mst_checkin_decode(struct mst_xchg *x)
{
	struct mdm_state *s = mst_mdm_state(x);
	const struct mst_plist_limits limits = {s->app->checkin_max, DEPTH_MAX, NODES_MAX};
	const struct mst_plist *root;

	if (mst_plist_parse(&root, &x->arena, x->in.body, &limits, &x->err) < 0 || message_read(s, root) < 0)
		return mst_xchg_fail(s->x);
	return STEP_NEXT;
}

static int look_plan(struct mst_read *r)
{
	struct mdm_state *s = MST_HOME(r, struct mdm_state, read);
	int rc = mst_identity_read(r, &s->facts, &s->peer, &s->who.device_id);

	s->has_channel = false;
	if (rc == 0 && s->row->reads_detail && mst_enrolment_is_device(&s->who))
		rc = mst_inventory_look(s, r);
	if (rc < 0 || rc == MST_LATER || !s->row->reads_channel)
		return rc;
	rc = mst_channel_get(r, &s->channel, &s->who.id, s->app->seal);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	s->has_channel = rc > 0;
	return 0;
}

enum mst_step mst_checkin_look(struct mst_xchg *x)
{
	return mst_mdm_read(mst_mdm_state(x), look_plan);
}

enum mst_step mst_checkin_apply(struct mst_xchg *x)
{
	struct mdm_state *s = mst_mdm_state(x);
	enum mst_step step;

	if (s->read.rc < 0) {
		x->err = s->read.err;
		return mst_xchg_fail(s->x);
	}
	s->verdict = mst_identity_judge(&s->facts, &s->peer, &s->who.device_id, s->row->occasion,
					s->app->takes_unknown_certificate && s->row->reads_channel);
	if (mst_mdm_judged(s) < 0)
		return STEP_REPLY;
	step = s->row->apply(s);
	if (step != STEP_NEXT)
		return step;
	return s->has_batch ? mst_mdm_commit(s) : STEP_NEXT;
}

enum mst_step mst_checkin_answer(struct mst_xchg *x)
{
	struct mdm_state *s = mst_mdm_state(x);

	if (mst_mdm_committed(s) < 0)
		return STEP_REPLY;
	mst_inventory_tell(s);
	mst_count(MST_C_CHECKINS, 1);
	mst_seen_mark(s->app->seen, &s->who.device_id);
	mst_log_peer(INFO, s->has_batch ? "check-in stored" : "check-in answered", mst_f_u64("exchange", x->id), mst_f_str("type", s->row->name),
		     mst_f_slice("device", s->who.device), mst_f_slice("user", s->who.user));
	if (s->verdict == VERDICT_REBIND || s->verdict == VERDICT_ADOPT)
		mst_log_peer(INFO, "certificate bound anew", mst_f_slice("device", s->who.device),
			     mst_f_str("name", s->peer.name),
			     mst_f_hex("certificate", mst_slice(s->peer.sha256, sizeof(s->peer.sha256))));
	return mst_xchg_answer(x, 200, s->reply.len ? MST_PLIST_TYPE : NULL, s->reply);
}
