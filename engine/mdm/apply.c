/* SPDX-License-Identifier: Apache-2.0 */
/* What each check-in message does to the records: fills the exchange's batch, or answers at once. */
#include "own.h"

static void remember(struct mdm_state *s, enum mst_event event, struct mst_slice detail)
{
	mst_history_add(&s->batch, &s->who.device_id,
			&(struct mst_history){.at_ms = s->now_ms, .event = event, .who = MST_S("device"), .detail = detail});
}

/* An enrolment begins: a new epoch, so that commands and push tokens of the one before are not used any more. */
enum mst_step mst_apply_authenticate(struct mdm_state *s)
{
	const struct mdm_message *m = &s->message;
	const struct mst_device *old = &s->facts.device;
	struct mst_device d = mst_enrolment_device(&s->who);

	if (s->facts.has_device) {
		d.epoch = old->epoch + 1;
		d.raw = old->raw;
		memcpy(d.sha256, old->sha256, sizeof(d.sha256));
	}
	d.topic = m->topic;
	d.serial = m->serial;
	d.os_version = m->os_version;
	d.build = m->build;
	d.product = m->product;
	d.model = m->model;
	d.model_name = m->model_name;
	d.device_name = m->device_name;
	d.imei = m->imei;
	d.meid = m->meid;
	d.updated_ms = s->now_ms;
	mst_mdm_batch(s);
	mst_identity_write(&s->batch, &d, &s->facts, &s->peer, s->verdict, s->now_ms);
	mst_device_put(&s->batch, &d);
	remember(s, MST_EVENT_AUTHENTICATE, m->os_version);
	return mst_inventory_keep(s, true) < 0 ? mst_xchg_fail(s->x) : STEP_NEXT;
}

static void channel_fill(struct mst_channel *c, const struct mdm_state *s, const struct mst_device *d)
{
	const struct mdm_message *m = &s->message;

	/* An enrolment brings its own. */
	if (c->epoch != d->epoch)
		c->bootstrap_token = (struct mst_slice){NULL, 0};
	c->num_token_updates = s->has_channel && mst_channel_is_live(c, d) ? c->num_token_updates + 1 : 1;
	c->id = s->who.id;
	c->kind = s->who.kind;
	c->is_enabled = true;
	c->is_awaiting_configuration = m->is_awaiting_configuration;
	c->epoch = d->epoch;
	c->user = s->who.user;
	c->short_name = mst_enrolment_is_device(&s->who) ? c->short_name : m->ids.short_name;
	c->long_name = mst_enrolment_is_device(&s->who) ? c->long_name : m->ids.long_name;
	c->topic = m->topic;
	c->token = m->token;
	c->magic = m->magic;
	/* Later messages may leave it out; the last one stays good. Users have none. */
	if (m->unlock_token.len && mst_enrolment_is_device(&s->who))
		c->unlock_token = m->unlock_token;
	c->updated_ms = s->now_ms;
}

/* A push token: the channel can be pushed from now on. The device's record is written too, if only so that an Authenticate
 * in between is noticed. */
enum mst_step mst_apply_token_update(struct mdm_state *s)
{
	struct mst_device d = s->facts.has_device ? s->facts.device : mst_enrolment_device(&s->who);
	struct mst_channel c = s->has_channel ? s->channel : (struct mst_channel){0};

	channel_fill(&c, s, &d);
	if (mst_enrolment_is_device(&s->who)) {
		if (d.state != MST_DEVICE_ENROLLED)
			d.enrolled_ms = s->now_ms;
		d.state = MST_DEVICE_ENROLLED;
		d.topic = c.topic;
		d.num_token_updates = c.num_token_updates;
	}
	d.updated_ms = s->now_ms;
	mst_mdm_batch(s);
	mst_identity_write(&s->batch, &d, &s->facts, &s->peer, s->verdict, s->now_ms);
	mst_device_put(&s->batch, &d);
	if (mst_channel_put(&s->batch, &c, s->app->seal, &s->x->err) < 0)
		return mst_xchg_fail(s->x);
	if (mst_enrolment_is_device(&s->who) && mst_inventory_begin(s) < 0)
		return mst_xchg_fail(s->x);
	remember(s, MST_EVENT_TOKEN_UPDATE, s->who.user);
	return STEP_NEXT;
}

/* The enrolment ends; the record stays. A new epoch takes commands and tokens of all channels out of use. A CheckOut that
 * comes again is answered as the first. */
enum mst_step mst_apply_check_out(struct mdm_state *s)
{
	struct mst_device d = s->facts.device;

	if (d.state == MST_DEVICE_CHECKED_OUT)
		return STEP_NEXT;
	d.state = MST_DEVICE_CHECKED_OUT;
	d.epoch++;
	d.num_token_updates = 0;
	d.updated_ms = s->now_ms;
	mst_mdm_batch(s);
	mst_identity_write(&s->batch, &d, &s->facts, &s->peer, s->verdict, s->now_ms);
	mst_device_put(&s->batch, &d);
	remember(s, MST_EVENT_CHECK_OUT, (struct mst_slice){NULL, 0});
	return STEP_NEXT;
}

/* Network users are not managed here; Apple's answer for that is 410 to the first request. */
enum mst_step mst_apply_user_authenticate(struct mdm_state *s)
{
	return mst_xchg_refuse(s->x, MST_E_GONE, "users are not managed");
}

/* The batch of a message that leaves the device's record as it is; it is written all the same, so that an Authenticate in between
 * is noticed. */
static void begin_batch(struct mdm_state *s, struct mst_device *d)
{
	*d = s->facts.has_device ? s->facts.device : mst_enrolment_device(&s->who);
	d->updated_ms = s->now_ms;
	mst_mdm_batch(s);
	mst_identity_write(&s->batch, d, &s->facts, &s->peer, s->verdict, s->now_ms);
	mst_device_put(&s->batch, d);
}

/* A message without a token takes back what was kept. It may come before the first push token does. */
enum mst_step mst_apply_set_bootstrap_token(struct mdm_state *s)
{
	struct mst_channel c = s->has_channel ? s->channel : (struct mst_channel){.id = s->who.id, .kind = s->who.kind};
	struct mst_device d;

	begin_batch(s, &d);
	c.is_enabled = c.is_enabled && mst_channel_is_live(&c, &d);
	c.epoch = d.epoch;
	c.bootstrap_token = s->message.bootstrap_token;
	if (mst_channel_put(&s->batch, &c, s->app->seal, &s->x->err) < 0)
		return mst_xchg_fail(s->x);
	return STEP_NEXT;
}

/* Success without a token when there is none. */
enum mst_step mst_apply_get_bootstrap_token(struct mdm_state *s)
{
	struct mst_device d;
	struct mst_plist_out w;

	if (s->verdict != VERDICT_GOOD)
		begin_batch(s, &d);
	if (!s->has_channel || s->channel.epoch != s->facts.device.epoch || s->channel.bootstrap_token.len == 0)
		return STEP_NEXT;
	mst_plist_begin(&w, &s->x->arena);
	mst_plist_open_dict(&w, NULL);
	mst_plist_put_data(&w, "BootstrapToken", s->channel.bootstrap_token);
	mst_plist_close(&w);
	return mst_plist_end(&w, &s->reply, &s->x->err) < 0 ? mst_xchg_fail(s->x) : STEP_NEXT;
}

/* There are no declarations; 404 makes the device drop what it may have. */
enum mst_step mst_apply_declarative_management(struct mdm_state *s)
{
	return mst_xchg_refuse(s->x, MST_E_ABSENT, "no declarations");
}

enum mst_step mst_apply_get_token(struct mdm_state *s)
{
	return mst_xchg_refuse(s->x, MST_E_SYNTAX, "unknown token service");
}
