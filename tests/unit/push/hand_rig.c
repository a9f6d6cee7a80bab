/* SPDX-License-Identifier: Apache-2.0 */
#include "hand_rig.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/queue.h"

static void make_push(struct rig *rig)
{
	struct mst_err e;

	cr_assert_eq(mst_push_new(&rig->push, rig->kit->loop, NULL, rig->kit->store, rig->kit->work, rig->seal, &rig->conf, &e), 0, "%s", e.text);
	mst_push_kick_init(&rig->kick, rig->push, rig->kit->loop);
}

static void set_default(uint32_t *field, uint32_t value)
{
	*field = *field ? *field : value;
}

struct rig *rig_new(struct mst_push_conf conf)
{
	struct rig *rig = calloc(1, sizeof *rig);
	struct mst_err e;

	memset(&fake, 0, sizeof fake);
	rig->kit = kit_new((struct mst_store_conf){.skips_sync = true, .memtable_mib = 16, .cache_mib = 64});
	snprintf(rig->folder, sizeof rig->folder, "/tmp/muster-push-XXXXXX");
	cr_assert_not_null(mkdtemp(rig->folder));
	snprintf(rig->key_path, sizeof rig->key_path, "%s/master.key", rig->folder);
	cr_assert_eq(mst_seal_init(rig->key_path, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seal_load(&rig->seal, rig->key_path, &e), 0, "%s", e.text);
	rig->conf = conf;
	set_default(&rig->conf.window, 256);
	set_default(&rig->conf.retry_ms, 2000);
	set_default(&rig->conf.retry_max_ms, 900000);
	set_default(&rig->conf.expiry_s, 604800);
	set_default(&rig->conf.priority, 10);
	set_default(&rig->conf.silent_max, 3);
	if (!conf.silent_s[0])
		memcpy(rig->conf.silent_s, (uint32_t[]){3600, 14400, 86400, 0}, sizeof conf.silent_s);
	make_push(rig);
	return rig;
}

static void end_push(struct rig *rig)
{
	/* What is out for workers and committer comes home first, as a drain does. */
	mst_push_drain(rig->push);
	mst_store_close(&rig->kit->store);
	mst_work_free(&rig->kit->work);
	mst_push_free(&rig->push);
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	return remove(path);
}

void rig_free(struct rig *rig)
{
	end_push(rig);
	mst_seal_free(&rig->seal);
	mst_arena_done(&rig->arena);
	kit_free(rig->kit);
	nftw(rig->folder, drop_file, 16, FTW_DEPTH | FTW_PHYS);
	free(rig);
}

void rig_restart(struct rig *rig)
{
	struct mst_loop_conf conf = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1, .name = "test"};
	struct mst_err e;

	end_push(rig);
	mst_loop_free(&rig->kit->loop);
	fake.is_mailed = false;
	fake.num_topics = 0;
	cr_assert_eq(mst_work_new(&rig->kit->work, 2, 64, &e), 0);
	cr_assert_eq(mst_loop_new(&rig->kit->loop, &conf, &e), 0);
	cr_assert_eq(mst_store_open(&rig->kit->store, &rig->kit->conf, rig->kit->work, &e), 0, "%s", e.text);
	make_push(rig);
}

static void commit(struct rig *rig, struct mst_batch *b)
{
	cr_assert_eq(mst_store_commit_here(rig->kit->store, b), 0, "%s", b->err.text);
	mst_arena_done(&rig->arena);
}

void rig_cert(struct rig *rig, const char *topic, int64_t not_after)
{
	struct mst_pushcert cert = {.topic = mst_slice_str(topic), .chain_pem = MST_S("chain"), .key_pem = MST_S("key"),
				    .not_after = not_after, .put_ms = mst_clock_wall_ms()};
	uint32_t num_loads = fake.num_loads;
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, &rig->arena, NULL, NULL);
	cr_assert_eq(mst_pushcert_put(&b, &cert, rig->seal, &e), 0, "%s", e.text);
	commit(rig, &b);
	mst_push_reload(rig->push);
	rig_until(rig, fake.num_loads > num_loads);
}

struct mst_id rig_id(uint32_t device)
{
	char text[24];
	struct mst_id id;

	snprintf(text, sizeof text, "device-%u", device);
	mst_id_make(&id, mst_slice_str(text), mst_slice(NULL, 0));
	return id;
}

static void enrol(struct rig *rig, struct mst_batch *b, uint32_t device, const char *topic)
{
	struct mst_device d = {.id = rig_id(device), .text = MST_S("text"), .state = MST_DEVICE_ENROLLED, .epoch = 1};
	uint8_t token[32] = {(uint8_t)(device >> 24), (uint8_t)(device >> 16), (uint8_t)(device >> 8), (uint8_t)device};
	struct mst_channel c = {.id = d.id, .is_enabled = true, .epoch = 1, .topic = mst_slice_str(topic),
				.token = mst_slice(token, sizeof token), .magic = MST_S("0f1e2d3c"), .updated_ms = 1000000};
	struct mst_err e;

	mst_device_put(b, &d);
	cr_assert_eq(mst_channel_put(b, &c, rig->seal, &e), 0, "%s", e.text);
}

void rig_enrol(struct rig *rig, uint32_t first, uint32_t num, const char *topic)
{
	struct mst_batch b;

	while (num) {
		mst_batch_init(&b, &rig->arena, NULL, NULL);
		for (uint32_t i = 0; i < 1000 && num; i++, num--)
			enrol(rig, &b, first++, topic);
		commit(rig, &b);
	}
}

void rig_cause(struct rig *rig, uint32_t device, enum mst_push_cause cause, int64_t due_ms)
{
	struct mst_push_due due;
	struct mst_batch b;
	struct mst_id id = rig_id(device);

	mst_push_due_make(&due, &id, cause, due_ms);
	mst_batch_init(&b, &rig->arena, NULL, NULL);
	mst_outbox_put(&b, &due);
	commit(rig, &b);
	mst_kick(&rig->kick, due_ms);
}

void rig_causes(struct rig *rig, uint32_t first, uint32_t num, int64_t due_ms)
{
	struct mst_push_due due;
	struct mst_batch b;

	while (num) {
		mst_batch_init(&b, &rig->arena, NULL, NULL);
		for (uint32_t i = 0; i < 1000 && num; i++, num--) {
			struct mst_id id = rig_id(first++);
			mst_push_due_make(&due, &id, MST_PUSH_COMMAND, due_ms);
			mst_outbox_put(&b, &due);
		}
		commit(rig, &b);
	}
	mst_kick(&rig->kick, due_ms);
}

void rig_command(struct rig *rig, uint32_t device, const char *uuid)
{
	struct mst_batch b;
	struct mst_id id = rig_id(device);

	mst_batch_init(&b, &rig->arena, NULL, NULL);
	mst_queue_add(&b, &id, 1, mst_slice_str(uuid), MST_S("DeviceInformation"), MST_S("<plist/>"), 1);
	commit(rig, &b);
}

struct look {
	struct mst_read r;
	struct rig *rig;
	struct mst_id id;
	struct mst_device device;
	struct mst_channel channel;
	struct mst_push_due due;
	enum mst_event event;
	int64_t until_ms;
	uint32_t num_places, num_events;
	int found;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_outbox_place place;
	struct mst_history history;
	struct mst_walk places = {.r = NULL}, events = {.r = NULL};
	int rc = 1;

	look->found = mst_outbox_get(r, &look->due, &look->id);
	if (look->found < 0 || mst_device_get(r, &look->device, &look->id) < 0 ||
	    mst_channel_get(r, &look->channel, &look->id, look->rig->seal) < 0)
		return -1;
	while (rc == 1 && (rc = mst_outbox_next(&places, r, &place, mst_slice(NULL, 0), look->until_ms)) == 1)
		look->num_places++;
	mst_walk_done(&places);
	while (rc == 0 && (rc = mst_history_next(&events, r, &history, &look->id)) == 1) {
		look->num_events += history.event == look->event;
		rc = 0;
	}
	mst_walk_done(&events);
	return rc;
}

static struct look look_until(struct rig *rig, uint32_t device, enum mst_event event, int64_t until_ms)
{
	struct look look = {.r = {.arena = &rig->arena, .plan = plan}, .rig = rig, .id = rig_id(device), .event = event, .until_ms = until_ms};

	cr_assert_eq(mst_store_read_here(rig->kit->store, &look.r), 0, "%s", look.r.err.text);
	return look;
}

static struct look look_at(struct rig *rig, uint32_t device, enum mst_event event)
{
	return look_until(rig, device, event, INT64_MAX);
}

uint32_t rig_places_until(struct rig *rig, int64_t until_ms)
{
	return look_until(rig, 0, MST_EVENT_QUEUED, until_ms).num_places;
}

bool rig_due(struct rig *rig, struct mst_push_due *out, uint32_t device)
{
	struct look look = look_at(rig, device, MST_EVENT_QUEUED);

	*out = look.due;
	return look.found == 1;
}

uint32_t rig_places(struct rig *rig)
{
	return look_at(rig, 0, MST_EVENT_QUEUED).num_places;
}

bool rig_is_enabled(struct rig *rig, uint32_t device)
{
	return look_at(rig, device, MST_EVENT_QUEUED).channel.is_enabled;
}

uint32_t rig_events(struct rig *rig, uint32_t device, enum mst_event event)
{
	return look_at(rig, device, event).num_events;
}

void rig_channel(struct rig *rig, uint32_t device, bool is_enabled, int64_t updated_ms)
{
	struct look look = look_at(rig, device, MST_EVENT_QUEUED);
	struct mst_batch b;
	struct mst_err e;

	look.channel.is_enabled = is_enabled;
	look.channel.updated_ms = updated_ms;
	mst_batch_init(&b, &rig->arena, NULL, NULL);
	cr_assert_eq(mst_channel_put(&b, &look.channel, rig->seal, &e), 0, "%s", e.text);
	commit(rig, &b);
}

void rig_state(struct rig *rig, uint32_t device, enum mst_device_state state)
{
	struct look look = look_at(rig, device, MST_EVENT_QUEUED);
	struct mst_batch b;

	look.device.state = state;
	mst_batch_init(&b, &rig->arena, NULL, NULL);
	mst_device_put(&b, &look.device);
	commit(rig, &b);
}

void rig_turn(struct rig *rig, uint32_t num)
{
	struct mst_err e;

	while (num--)
		cr_assert_eq(mst_loop_turn(rig->kit->loop, 5, &e), 0, "%s", e.text);
}

void rig_rest(struct rig *rig)
{
	struct mst_push_counts now, before = {.num_collected = UINT64_MAX};

	for (uint32_t num_quiet = 0; num_quiet < 6;) {
		rig_turn(rig, 1);
		mst_push_tell(rig->push, &now);
		num_quiet = now.num_in_hand == 0 && mst_collect_is_idle(rig->push->collect) && now.num_collected == before.num_collected &&
					    now.num_stale == before.num_stale
				    ? num_quiet + 1
				    : 0;
		before = now;
	}
}

void rig_jump(struct rig *rig, int64_t by_ms)
{
	mst_clock_fake(mst_clock_wall_ms() + by_ms);
	mst_collect_look(rig->push->collect, INT64_MAX);
	rig_turn(rig, 2);
}
