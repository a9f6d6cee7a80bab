/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device says of itself (Authenticate, answers to DeviceInformation) is kept in its detail, and its labels are judged by
 * it, in the batch of the message.
 */
#include "muster/catalog.h"
#include "muster/standing.h"
#include "own.h"

/* Beginnings of Apple's ProductName. */
static const struct {
	const char *product, *platform;
} platforms[] = {
	{"iPhone", "ios"},       {"iPad", "ios"},          {"iPod", "ios"},       {"Mac", "macos"},
	{"iMac", "macos"},       {"VirtualMac", "macos"},  {"AppleTV", "tvos"},   {"AudioAccessory", "tvos"},
	{"Watch", "watchos"},    {"RealityDevice", "visionos"},
};

static struct mst_slice platform_of(struct mst_slice product)
{
	for (size_t i = 0; i < MST_LEN(platforms); i++)
		if (mst_slice_starts(product, mst_slice_str(platforms[i].product)))
			return mst_slice_str(platforms[i].platform);
	return mst_slice(NULL, 0);
}

/* What a message leaves out stays. */
static void keep(struct mst_slice *to, struct mst_slice text)
{
	if (text.len && text.len <= MST_DETAIL_TEXT_MAX)
		*to = text;
}

int mst_inventory_look(struct mdm_state *s, struct mst_read *r)
{
	s->questions = s->app->catalog ? &s->app->catalog->questions : NULL;
	if (!s->standing)
		s->standing = mst_arena_get(&s->x->arena, sizeof(*s->standing));
	if (!s->standing)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory for a message");
	return mst_standing_read(r, s->standing, &s->who.device_id, NULL, s->questions);
}

#define AGAIN_MS 3600000 /* how old a report may get before the same one is written again */

/* Most reports say what the last one said: no write, and nobody need look at the device. */
static bool is_news(const struct mdm_state *s, const struct mst_detail *d)
{
	const struct mst_detail *old = &s->standing->detail;

	return !s->standing->has_detail || d->reported_ms - old->reported_ms >= AGAIN_MS || !mst_slice_eq(d->text, old->text) ||
	       !mst_slice_eq(d->udid, old->udid) || !mst_slice_eq(d->serial, old->serial) ||
	       !mst_slice_eq(d->os_version, old->os_version) || !mst_slice_eq(d->model, old->model) ||
	       !mst_slice_eq(d->platform, old->platform) || !mst_slice_eq(d->imei, old->imei) || !mst_slice_eq(d->mac, old->mac);
}

int mst_inventory_keep(struct mdm_state *s, bool is_new_enrolment)
{
	const struct mdm_message *m = &s->message;
	struct mst_detail d = s->standing->detail;

	keep(&d.text, s->who.device);
	keep(&d.udid, m->ids.udid);
	keep(&d.serial, m->serial);
	keep(&d.os_version, m->os_version);
	keep(&d.model, m->product.len ? m->product : m->model);
	keep(&d.platform, platform_of(m->product));
	keep(&d.imei, m->imei);
	keep(&d.mac, m->mac);
	d.reported_ms = s->now_ms;
	if (is_new_enrolment) {
		d.registered_ms = s->now_ms;
		d.is_retired = false;
	}
	if (!is_new_enrolment && !is_news(s, &d)) {
		s->standing = NULL;
		return 0;
	}
	return mst_standing_put(&s->has_labels, &s->batch, s->standing, &d, s->questions, &s->x->err);
}

/* A device that enrolled before there were details. */
int mst_inventory_begin(struct mdm_state *s)
{
	const struct mst_device *d = &s->facts.device;
	struct mdm_message *m = &s->message;

	if (s->standing->has_detail || !s->facts.has_device)
		return 0;
	m->serial = d->serial;
	m->os_version = d->os_version;
	m->product = d->product;
	m->model = d->model;
	m->imei = d->imei;
	return mst_inventory_keep(s, true);
}

static bool is_leaving(const struct mdm_state *s)
{
	return s->row && s->row->occasion == OCCASION_CHECK_OUT;
}

/* Without settings there is nothing to deliver to a device that changed; one that leaves gives up what it has all the same. */
static bool is_of_interest(const struct mdm_state *s)
{
	return is_leaving(s) || (s->standing && s->app->catalog && s->app->catalog->num_settings > 0);
}

void mst_inventory_tell(struct mdm_state *s)
{
	if (s->has_labels && s->app->on_members)
		s->app->on_members(s->app, &s->who.device_id, 1);
	else if (s->has_batch && s->app->on_device && is_of_interest(s))
		s->app->on_device(s->app, &s->who.device_id);
}
