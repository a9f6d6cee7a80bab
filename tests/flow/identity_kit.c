/* SPDX-License-Identifier: Apache-2.0 */
/* A rig with an authority, enrolment settings, devices with users and labels, and a keeper. */
#include "identity_kit.h"

#include <stdio.h>

#include "muster/clock.h"
#include "muster/issued.h"

#define WAIT_MS 60000

static struct identity_kit *the_kit;

static void on_changed(struct mst_app *app, const uint8_t owner[static 16], bool is_user, const uint8_t enrollment[static 16])
{
	(void)app, (void)owner, (void)is_user, (void)enrollment;
	the_kit->num_told++;
}

static void authority(struct identity_kit *kit)
{
	struct mst_authority_wish wish = {
		.name = MST_S("devices"), .common_name = "devices", .kind = MST_KEY_P256, .days = 3650,
		.template = {.days = 365, .key_usage = MST_KU_SIGN | MST_KU_ENCIPHER, .ext_key_usage = MST_EKU_CLIENT, .rsa_bits_min = 2048,
			     .takes_ec = true, .hash_bits = 256},
		.crl_hours = 24,
	};
	struct mst_authority a;
	struct mst_batch b;
	struct mst_err e;

	cr_assert_eq(mst_authority_make(&a, &kit->rig->arena, &wish, &e), 0, "%s", e.text);
	mst_batch_init(&b, &kit->rig->arena, NULL, NULL);
	cr_assert_eq(mst_authority_put(&b, &a, kit->rig->seal, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_commit_here(kit->rig->app.store, &b), 0, "%s", b.err.text);
}

static void keeper_make(struct identity_kit *kit)
{
	struct mst_err e;

	cr_assert_eq(mst_keeper_new(&kit->keeper, &kit->rig->app, &e), 0, "%s", e.text);
	kit->rig->app.keeper = kit->keeper;
}

void identity_begin(struct identity_kit *kit)
{
	*kit = (struct identity_kit){.rig = rig_new()};
	the_kit = kit;
	kit->rig->conf.skips_sync = true;
	rig_reopen(kit->rig);
	kit->rig->app.on_identity_changed = on_changed;
	authority(kit);
	keeper_make(kit);
}

/* As the engine ends: workers first, then the store, then the keeper. */
void identity_restart(struct identity_kit *kit)
{
	struct mst_loop_conf conf = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1, .name = "rig"};
	struct rig *rig = kit->rig;
	struct mst_batch b;
	struct mst_err e;

	/* A store whose last write failed is not closed but left: this process could not open it again. */
	mst_batch_init(&b, &rig->arena, NULL, NULL);
	mst_batch_put(&b, MST_SPACE_META, MST_S("kit"), MST_S("1"));
	cr_assert_eq(mst_store_commit_here(rig->app.store, &b), 0, "%s", b.err.text);
	mst_work_free(&rig->app.work);
	mst_store_close(&rig->app.store);
	mst_keeper_free(&kit->keeper);
	rig->app.keeper = NULL;
	mst_seen_free(&rig->app.seen);
	mst_loop_free(&rig->app.loop); /* what came home too late is gone */
	cr_assert_eq(mst_loop_new(&rig->app.loop, &conf, &e), 0, "%s", e.text);
	cr_assert_eq(mst_work_new(&rig->app.work, 2, 64, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_open(&rig->app.store, &rig->conf, rig->app.work, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seen_new(&rig->app.seen, rig->app.store, rig->app.loop, 0, &e), 0, "%s", e.text);
	keeper_make(kit);
}

void identity_end(struct identity_kit *kit)
{
	identity_settle(kit);
	mst_keeper_free(&kit->keeper);
	rig_free(kit->rig);
}

void identity_turn(struct identity_kit *kit, uint32_t ms)
{
	uint64_t end_ms = mst_clock_ms() + ms;
	struct mst_err e;

	do
		cr_assert_eq(mst_loop_turn(kit->rig->app.loop, 1, &e), 0, "%s", e.text);
	while (mst_clock_ms() < end_ms);
}

void identity_settle(struct identity_kit *kit)
{
	uint64_t end_ms = mst_clock_ms() + WAIT_MS;

	do {
		identity_turn(kit, 10);
		cr_assert_lt(mst_clock_ms(), end_ms, "the keeper does not come to rest");
	} while (!mst_keeper_is_idle(kit->keeper));
}

void identity_put(struct identity_kit *kit, const char *target, const char *body)
{
	struct link link = rig_control();
	struct answer a = rig_ask(kit->rig, &link, (struct ask){.target = target, .body = body});

	cr_assert(a.status == 200 || a.status == 201, "%s: %d %s", target, a.status, a.body);
}

struct answer identity_post(struct identity_kit *kit, const char *target, const char *body)
{
	struct link link = rig_control();

	return rig_ask(kit->rig, &link, (struct ask){.has_method = true, .method = MST_POST, .target = target, .body = body});
}

static struct mst_id id_of(uint32_t n)
{
	char text[16];
	struct mst_id id;

	snprintf(text, sizeof text, "d%u", n);
	mst_id_make(&id, mst_slice_str(text), mst_slice(NULL, 0));
	return id;
}

void identity_device(struct identity_kit *kit, uint32_t n, const char *label)
{
	struct rig *rig = kit->rig;
	struct mst_member member = {.id = id_of(n), .version = 1};
	struct mst_detail detail = {.id = id_of(n), .text = mst_slice_str(rig_text(rig, "d%u", n)), .platform = MST_S("ios"),
				    .user = mst_slice_str(rig_text(rig, "u%u", n)), .serial = mst_slice_str(rig_text(rig, "S%u", n))};
	uint8_t statics[1][16];
	struct mst_batch b;

	identity_put(kit, rig_text(rig, "/v1/users/u%u", n), rig_text(rig, "{\"name\":\"u%u\",\"fields\":{\"email\":\"u%u@example.com\"}}", n, n));
	mst_batch_init(&b, &rig->arena, NULL, NULL);
	mst_detail_put(&b, &detail, NULL);
	if (label) {
		mst_object_id(statics[0], MST_NOUN_LABEL, mst_slice_str(label));
		member.num_static = 1;
		member.statics = (const uint8_t(*)[16])statics;
		mst_member_put(&b, &member, NULL);
	}
	cr_assert_eq(mst_store_commit_here(rig->app.store, &b), 0, "%s", b.err.text);
}

static void device_put(struct mst_batch *b, uint32_t n, const uint8_t (*label)[16])
{
	struct mst_member member = {.id = id_of(n), .version = 1, .num_static = 1, .statics = label};
	struct mst_detail detail = {.id = id_of(n), .platform = MST_S("ios")};

	if (!mst_arena_format(b->arena, &detail.text, "d%u", n) || !mst_arena_format(b->arena, &detail.serial, "S%u", n))
		b->is_short = true;
	mst_detail_put(b, &detail, NULL);
	mst_member_put(b, &member, NULL);
}

void identity_devices(struct identity_kit *kit, uint32_t num, const char *label)
{
	uint8_t id[1][16];

	mst_object_id(id[0], MST_NOUN_LABEL, mst_slice_str(label));
	for (uint32_t from = 0; from < num; from += 1000) {
		struct mst_arena arena;
		struct mst_batch b;
		mst_arena_init(&arena, NULL, 0);
		mst_batch_init(&b, &arena, NULL, NULL);
		for (uint32_t n = from; n < from + 1000 && n < num; n++)
			device_put(&b, n, (const uint8_t(*)[16])id);
		cr_assert_eq(mst_store_commit_here(kit->rig->app.store, &b), 0, "%s", b.err.text);
		mst_arena_done(&arena);
	}
}

struct look {
	struct mst_read r;
	struct asked *asked;
	uint32_t device;
	int found;
};

static int ask_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_id id = id_of(look->device);
	uint8_t user[16];
	int rc = mst_detail_get(r, &look->asked->detail, &id);

	if (rc != 1)
		return -1;
	mst_object_id(user, MST_NOUN_USER, look->asked->detail.user);
	rc = mst_object_get(r, &look->asked->user, MST_NOUN_USER, user, NULL);
	look->found = rc;
	return rc < 0 ? -1 : 0;
}

static void on_told(struct mst_identity_ask *ask)
{
	MST_HOME(ask, struct asked, ask)->is_told = true;
}

bool identity_ask(struct identity_kit *kit, struct asked *asked, const char *enrollment, uint32_t device)
{
	struct look look = {.r = {.plan = ask_plan, .arena = &asked->arena}, .asked = asked, .device = device};
	struct mst_identity_ask *ask = &asked->ask;
	struct mst_err e;

	mst_arena_done(&asked->arena);
	mst_arena_init(&asked->arena, NULL, 0);
	asked->is_told = false;
	cr_assert_eq(mst_store_read_here(kit->rig->app.store, &look.r), 0);
	mst_object_id(asked->enrollment.id, MST_NOUN_ENROLLMENT, mst_slice_str(enrollment));
	ask->app = &kit->rig->app;
	ask->enrollment = &asked->enrollment;
	ask->device = &asked->detail;
	ask->user = look.found ? &asked->user : NULL;
	ask->arena = &asked->arena;
	ask->on_told = on_told;
	return mst_identity_ask(ask, &e) == 0;
}

void identity_wait(struct identity_kit *kit, struct asked *asked)
{
	uint64_t end_ms = mst_clock_ms() + WAIT_MS;

	while (!asked->is_told) {
		identity_turn(kit, 1);
		cr_assert_lt(mst_clock_ms(), end_ms, "an ask is not told");
	}
}

void identity_done(struct asked *asked)
{
	mst_arena_done(&asked->arena);
}

void identity_get(struct identity_kit *kit, struct asked *asked, const char *enrollment, uint32_t device)
{
	for (int i = 0; i < 100; i++) {
		cr_assert(identity_ask(kit, asked, enrollment, device));
		identity_wait(kit, asked);
		if (asked->ask.rc != 0)
			return;
		identity_turn(kit, 20);
	}
	cr_assert(false, "still later: %s", asked->ask.err.text);
}

struct held_look {
	struct mst_read r;
	struct mst_held *out;
	const uint8_t *enrollment, *owner;
	const struct mst_seal *seal;
	int found;
};

static int held_plan(struct mst_read *r)
{
	static const uint8_t none[16];
	struct held_look *look = MST_HOME(r, struct held_look, r);

	look->found = mst_held_get(r, look->out, look->owner, look->enrollment, none, look->seal);
	return look->found < 0 ? -1 : 0;
}

bool identity_held(struct identity_kit *kit, struct mst_held *out, const char *enrollment, uint32_t device)
{
	struct mst_id id = id_of(device);
	uint8_t at[16];
	struct held_look look = {.r = {.plan = held_plan, .arena = &kit->rig->arena}, .out = out, .enrollment = at, .owner = id.device,
				 .seal = kit->rig->seal};

	mst_object_id(at, MST_NOUN_ENROLLMENT, mst_slice_str(enrollment));
	cr_assert_eq(mst_store_read_here(kit->rig->app.store, &look.r), 0, "%s", look.r.err.text);
	return look.found == 1;
}

struct count {
	struct mst_read r;
	const char *device;
	uint32_t num;
};

static int count_plan(struct mst_read *r)
{
	struct count *count = MST_HOME(r, struct count, r);
	struct mst_walk w = {.r = NULL};
	struct mst_issued issued;
	uint8_t id[16];
	int rc;

	count->num = 0;
	mst_authority_id(id, MST_S("devices"));
	while ((rc = mst_issued_next(&w, r, &issued, id, mst_slice(NULL, 0), NULL)) == 1)
		count->num += !issued.revoked_ms && (!count->device || mst_slice_eq(issued.device, mst_slice_str(count->device)));
	mst_walk_done(&w);
	return rc;
}

uint32_t identity_live(struct identity_kit *kit, const char *device)
{
	struct mst_arena arena;
	struct count count = {.r = {.plan = count_plan, .arena = &arena}, .device = device};

	mst_arena_init(&arena, NULL, 0);
	cr_assert_eq(mst_store_read_here(kit->rig->app.store, &count.r), 0, "%s", count.r.err.text);
	mst_arena_done(&arena);
	return count.num;
}
