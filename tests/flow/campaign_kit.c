/* SPDX-License-Identifier: Apache-2.0 */
/* A rig with campaigns on its loop, and devices that are only records. */
#include "campaign_kit.h"

#include <stdio.h>

#include "muster/clock.h"

#define WAIT_MS 60000

static void on_kick(void *context, int64_t due_ms)
{
	struct campaign_kit *kit = context;

	cr_expect_gt(due_ms, 0);
	kit->num_kicks++;
}

static uint32_t busy(void *context)
{
	return ((struct campaign_kit *)context)->busy;
}

static void make(struct campaign_kit *kit)
{
	struct mst_app *app = &kit->rig->app;
	struct mst_err e;

	kit->kick = (struct mst_kick){.home = app->loop, .push_loop = app->loop, .context = kit, .on_kick = on_kick};
	cr_assert_eq(mst_campaigns_new(&app->campaigns, app->loop, app->store, app->work, &kit->kick, &kit->conf, kit, busy, &e), 0,
		     "%s", e.text);
}

void campaign_begin(struct campaign_kit *kit)
{
	*kit = (struct campaign_kit){.rig = rig_new(), .conf = {.open_max = 4, .rate_max = 5000, .busy_goal = 70}};
	make(kit);
}

void campaign_turn(struct campaign_kit *kit, uint32_t ms)
{
	uint64_t end_ms = mst_clock_ms() + ms;
	struct mst_err e;

	do
		cr_assert_eq(mst_loop_turn(kit->rig->app.loop, 1, &e), 0, "%s", e.text);
	while (mst_clock_ms() < end_ms);
}

/* As after a kill: what was on its way home is gone. */
void campaign_restart(struct campaign_kit *kit)
{
	struct mst_loop_conf conf = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1, .name = "rig"};
	struct rig *rig = kit->rig;
	struct mst_err e;

	mst_work_free(&rig->app.work);
	mst_store_close(&rig->app.store);
	mst_campaigns_free(&rig->app.campaigns);
	mst_seen_free(&rig->app.seen);
	mst_loop_free(&rig->app.loop);
	cr_assert_eq(mst_work_new(&rig->app.work, 2, 64, &e), 0, "%s", e.text);
	cr_assert_eq(mst_loop_new(&rig->app.loop, &conf, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_open(&rig->app.store, &rig->conf, rig->app.work, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seen_new(&rig->app.seen, rig->app.store, rig->app.loop, 0, &e), 0, "%s", e.text);
	make(kit);
}

/* As the engine ends: drained, idle, then freed. */
void campaign_end(struct campaign_kit *kit)
{
	struct mst_app *app = &kit->rig->app;
	uint64_t end_ms = mst_clock_ms() + WAIT_MS;
	struct mst_err e;

	mst_campaigns_drain(app->campaigns);
	while (!mst_campaigns_is_idle(app->campaigns)) {
		cr_assert_lt(mst_clock_ms(), end_ms, "campaigns do not end");
		cr_assert_eq(mst_loop_turn(app->loop, 5, &e), 0, "%s", e.text);
	}
	mst_work_free(&app->work);
	mst_store_close(&app->store);
	mst_campaigns_free(&app->campaigns);
	cr_assert_eq(mst_work_new(&app->work, 2, 64, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_open(&app->store, &kit->rig->conf, app->work, &e), 0, "%s", e.text);
	rig_free(kit->rig);
}

void campaign_devices(struct campaign_kit *kit, const char *prefix, uint32_t num, const char *product, const char *os_version,
		      enum mst_device_state state)
{
	struct mst_batch b;

	mst_batch_init(&b, &kit->rig->arena, NULL, NULL);
	for (uint32_t i = 0; i < num; i++) {
		struct mst_device d = {
			.text = mst_slice_str(rig_text(kit->rig, "%s-%04u", prefix, i)),
			.state = state,
			.epoch = 1,
			.topic = MST_S("com.apple.mgmt.x"),
			.product = mst_slice_str(product),
			.os_version = mst_slice_str(os_version),
		};
		mst_id_make(&d.id, d.text, mst_slice(NULL, 0));
		mst_device_put(&b, &d);
	}
	cr_assert_eq(mst_store_commit_here(kit->rig->app.store, &b), 0, "%s", b.err.text);
}

char *campaign_ids(struct campaign_kit *kit, const char *prefix, uint32_t num)
{
	struct mst_slice out;
	struct mst_err e;
	struct mst_json j;

	mst_json_begin(&j, &kit->rig->arena);
	mst_json_open_array(&j, NULL);
	for (uint32_t i = 0; i < num; i++)
		mst_json_text(&j, NULL, mst_slice_str(rig_text(kit->rig, "%s-%04u", prefix, i)));
	mst_json_close(&j);
	cr_assert_eq(mst_json_end(&j, &out, &e), 0, "%s", e.text);
	return rig_text(kit->rig, "\"ids\":%.*s", (int)out.len, (const char *)out.at);
}

struct answer campaign_post(struct campaign_kit *kit, const char *target, const char *body)
{
	struct link control = rig_control();

	return rig_ask(kit->rig, &control,
		       (struct ask){.has_method = true, .method = MST_POST, .target = target, .body = body ? body : ""});
}

static struct mst_json_value *parse(struct answer answer)
{
	struct mst_json_value *root;
	struct mst_err e;

	cr_assert_eq(mst_json_parse(&root, mst_slice(answer.body, answer.len), 64u << 20, 8, &e), 0, "%s", e.text);
	return root;
}

uint64_t campaign_start(struct campaign_kit *kit, const char *body)
{
	struct answer answer = campaign_post(kit, "/v1/campaigns", body);
	struct mst_json_value *root;
	uint64_t number;
	struct mst_err e;

	cr_assert_eq(answer.status, 201, "%d %s", answer.status, answer.body);
	root = parse(answer);
	cr_assert_eq(mst_json_get_u64(root, &number, "campaign", &e), 1);
	mst_json_free(&root);
	return number;
}

struct mst_json_value *campaign_show(struct campaign_kit *kit, uint64_t number)
{
	struct answer answer = rig_get(kit->rig, rig_text(kit->rig, "/v1/campaigns/%llu", (unsigned long long)number));

	cr_assert_eq(answer.status, 200, "%d %s", answer.status, answer.body);
	return parse(answer);
}

static const struct mst_json_value *object_of(const struct mst_json_value *root, const char **key)
{
	const char *dot = strchr(*key, '.');
	const struct mst_json_value *inner;
	char outer[32];
	struct mst_err e;

	if (!dot)
		return root;
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - *key), *key);
	*key = dot + 1;
	cr_assert_eq(mst_json_get_object0(root, &inner, outer, &e), 1, "no \"%s\"", outer);
	return inner;
}

uint64_t campaign_number(struct campaign_kit *kit, uint64_t number, const char *key)
{
	struct mst_json_value *root = campaign_show(kit, number);
	const struct mst_json_value *object = object_of(root, &key);
	uint64_t n;
	struct mst_err e;

	cr_assert_eq(mst_json_get_u64(object, &n, key, &e), 1, "no number \"%s\"", key);
	mst_json_free(&root);
	return n;
}

char *campaign_text(struct campaign_kit *kit, uint64_t number, const char *key)
{
	struct mst_json_value *root = campaign_show(kit, number);
	struct mst_slice text = {NULL, 0};
	char *out;

	(void)!mst_json_get_text0(object_of(root, &key), &text, key, NULL);
	out = text.at ? rig_text(kit->rig, "%.*s", (int)text.len, (const char *)text.at) : NULL;
	mst_json_free(&root);
	return out;
}

void campaign_wait(struct campaign_kit *kit, uint64_t number, const char *state)
{
	uint64_t end_ms = mst_clock_ms() + WAIT_MS;
	const char *now;

	while (strcmp(now = campaign_text(kit, number, "state"), state) != 0) {
		cr_assert_lt(mst_clock_ms(), end_ms, "the campaign is %s, not %s", now, state);
		campaign_turn(kit, 5);
	}
}

void campaign_wait_for(struct campaign_kit *kit, uint64_t number, const char *key, uint64_t least)
{
	uint64_t end_ms = mst_clock_ms() + WAIT_MS, now;

	while ((now = campaign_number(kit, number, key)) < least) {
		cr_assert_lt(mst_clock_ms(), end_ms, "%s is %llu", key, (unsigned long long)now);
		campaign_turn(kit, 5);
	}
}

struct places {
	struct mst_read read;
	int64_t *due_ms;
	uint32_t room, num;
};

static int plan(struct mst_read *r)
{
	struct places *p = MST_HOME(r, struct places, read);
	struct mst_outbox_place place;
	struct mst_walk w = {.r = NULL};
	int rc = 1;

	p->num = 0;
	while (p->num < p->room && (rc = mst_outbox_next(&w, r, &place, mst_slice(NULL, 0), INT64_MAX)) == 1)
		p->due_ms[p->num++] = place.due_ms;
	mst_walk_done(&w);
	return rc < 0 ? -1 : 0;
}

uint32_t campaign_places(struct campaign_kit *kit, int64_t *due_ms, uint32_t room)
{
	struct places p = {.read = {.arena = &kit->rig->arena, .plan = plan}, .due_ms = due_ms, .room = room};

	cr_assert_eq(mst_store_read_here(kit->rig->app.store, &p.read), 0, "%s", p.read.err.text);
	return p.num;
}
