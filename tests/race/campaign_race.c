/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two loops start, look at, change and list campaigns that live on a third loop, all at once, while devices are queued. Each
 * loop walks its own exchanges; at the end every campaign a loop started is over.
 */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/campaign.h"
#include "muster/clock.h"

#define NUM_LOOPS   2
#define NUM_ROUNDS  12
#define NUM_DEVICES 60
#define NUM_TRIES   400
#define DEADLINE_S  100

static struct mst_store *store;
static struct mst_campaigns *campaigns;
static struct mst_kick kick;
static uint32_t num_kicks;

/* One loop's exchange at a time: start > (list, pause, resume, rate, show until done) > start ... */
struct asker {
	pthread_t thread;
	struct mst_app app;
	struct mst_xchg x;
	struct mst_timer timer;
	char path[64];
	unsigned long long number;
	uint32_t round, step, num_tries;
};
static struct asker askers[NUM_LOOPS];

static void fail(const char *what)
{
	fprintf(stderr, "campaign_race: %s\n", what);
	exit(1);
}

static enum mst_step on_replied(struct mst_xchg *x)
{
	return STEP_NEXT;
}

#define TAIL {"enter", mst_campaign_enter}, {"tell", mst_campaign_tell}, {"reply", on_replied}
static const struct mst_stage start[] = {{"start", mst_campaign_start}, TAIL};
static const struct mst_stage list[] = {{"list", mst_campaign_list}, TAIL};
static const struct mst_stage show[] = {{"show", mst_campaign_show}, TAIL};
static const struct mst_stage change[] = {{"change", mst_campaign_change}, TAIL};
static const struct mst_way ways[] = {
	{"start", start, MST_LEN(start), false},
	{"list", list, MST_LEN(list), false},
	{"show", show, MST_LEN(show), false},
	{"change", change, MST_LEN(change), false},
};
static const struct {
	const struct mst_way *way;
	const char *tail, *body;
} steps[] = {
	{&ways[0], NULL, "{\"request_type\":\"DeviceInformation\",\"all\":true,\"rate\":40}"},
	{&ways[1], NULL, ""},
	{&ways[3], "/pause", ""},
	{&ways[2], "", ""},
	{&ways[3], "/rate", "{\"rate\":5000}"},
	{&ways[3], "/resume", ""},
	{&ways[2], "", ""}, /* until it is done */
};

static void ask(struct asker *a);

static void on_due(struct mst_timer *timer)
{
	ask(MST_HOME(timer, struct asker, timer));
}

/* Answers of changes may be 409: the campaign is over by then. */
static void take(struct asker *a)
{
	struct mst_slice body_text = a->x.out.body;
	const char *body = mst_arena_copy(&a->x.arena, &body_text, body_text) ? (const char *)body_text.at : "";
	bool is_last = a->step + 1 == MST_LEN(steps), is_done = a->x.out.status == 200 && strstr(body, "\"state\":\"done\"");

	if (a->x.out.status != 200 && a->x.out.status != 201 && !(a->x.out.status == 409 && a->step > 0))
		fail(body);
	if (a->step == 0 && sscanf(strstr(body, "\"campaign\":"), "\"campaign\":%llu", &a->number) != 1)
		fail("no number");
	if (is_last && !is_done) {
		if (++a->num_tries > NUM_TRIES)
			fail("a campaign does not end");
		return;
	}
	a->num_tries = 0;
	a->step = is_last ? 0 : a->step + 1;
	a->round += is_last;
}

static void on_finished(struct mst_xchg *x, bool drop)
{
	struct asker *a = MST_HOME(x, struct asker, x);

	if (drop)
		fail("dropped");
	take(a);
	mst_arena_done(&x->arena);
	if (a->round == NUM_ROUNDS) {
		mst_loop_stop(a->app.loop);
		return;
	}
	mst_timer_set(a->app.loop, &a->timer, a->num_tries ? 10 : 0);
}

static void ask(struct asker *a)
{
	struct mst_xchg *x = &a->x;

	a->x = (struct mst_xchg){.way = steps[a->step].way, .app = &a->app, .on_finished = on_finished, .who = "race"};
	mst_arena_init(&x->arena, NULL, 1 << 20);
	if (steps[a->step].tail)
		snprintf(a->path, sizeof(a->path), "/v1/campaigns/%llu%s", a->number, steps[a->step].tail);
	else
		snprintf(a->path, sizeof(a->path), "/v1/campaigns");
	x->in.path = mst_slice_str(a->path);
	x->in.body = mst_slice_str(steps[a->step].body);
	mst_xchg_walk(x);
}

static void *run(void *at)
{
	struct mst_err e;

	if (mst_loop_run(at, &e) < 0)
		fail(e.text);
	return NULL;
}

static void on_kick(void *context, int64_t due_ms)
{
	num_kicks++;
}

static uint32_t busy(void *context)
{
	return 10;
}

static void make_devices(void)
{
	struct mst_arena arena;
	struct mst_batch b;
	char text[16];

	mst_arena_init(&arena, NULL, 0);
	mst_batch_init(&b, &arena, NULL, NULL);
	for (int i = 0; i < NUM_DEVICES; i++) {
		struct mst_device d = {.state = MST_DEVICE_ENROLLED, .epoch = 1, .text = mst_slice(text, 6), .topic = MST_S("t")};
		snprintf(text, sizeof(text), "D-%04d", i);
		mst_id_make(&d.id, d.text, mst_slice(NULL, 0));
		mst_device_put(&b, &d);
	}
	if (mst_store_commit_here(store, &b) < 0)
		fail(b.err.text);
	mst_arena_done(&arena);
}

/* Drained on its own thread, as the engine does. */
static void on_look(struct mst_timer *timer);
static struct mst_timer end_timer = {.on_due = on_look};
static struct mst_loop *push_loop;

static void on_look(struct mst_timer *timer)
{
	if (mst_campaigns_is_idle(campaigns))
		mst_loop_stop(push_loop);
	else
		mst_timer_set(push_loop, timer, 5);
}

static void on_end(struct mst_mail *mail)
{
	mst_campaigns_drain(campaigns);
	mst_timer_set(push_loop, &end_timer, 0);
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	return remove(path);
}

static struct mst_loop *loop_new(void)
{
	struct mst_loop_conf conf = {.num_entries = 64, .num_files = 4, .num_buffers = 2, .cpu = -1};
	struct mst_loop *loop;
	struct mst_err e;

	if (mst_loop_new(&loop, &conf, &e) < 0)
		fail(e.text);
	return loop;
}

static void begin(struct mst_work **work, char *path)
{
	struct mst_campaigns_conf conf = {.open_max = 64, .rate_max = 10000, .busy_goal = 70};
	struct mst_store_conf store_conf = {.path = path, .cache_mib = 8, .memtable_mib = 4, .skips_sync = true};
	struct mst_err e;

	if (!mkdtemp(path) || mst_work_new(work, 2, 64, &e) < 0 || mst_store_open(&store, &store_conf, *work, &e) < 0)
		fail("cannot begin");
	make_devices();
	push_loop = loop_new();
	kick = (struct mst_kick){.home = push_loop, .push_loop = push_loop, .on_kick = on_kick};
	if (mst_campaigns_new(&campaigns, push_loop, store, *work, &kick, &conf, NULL, busy, &e) < 0)
		fail(e.text);
}

int main(void)
{
	char path[] = "/tmp/muster-race-XXXXXX";
	struct mst_mail end = {.on_mail = on_end};
	struct mst_work *work;
	pthread_t pusher;

	alarm(DEADLINE_S);
	begin(&work, path);
	pthread_create(&pusher, NULL, run, push_loop);
	for (int i = 0; i < NUM_LOOPS; i++) {
		askers[i].timer.on_due = on_due;
		askers[i].app = (struct mst_app){.loop = loop_new(), .store = store, .work = work, .campaigns = campaigns};
		mst_timer_set(askers[i].app.loop, &askers[i].timer, 0);
		pthread_create(&askers[i].thread, NULL, run, askers[i].app.loop);
	}
	for (int i = 0; i < NUM_LOOPS; i++)
		pthread_join(askers[i].thread, NULL);
	mst_loop_post(push_loop, &end);
	pthread_join(pusher, NULL);
	mst_work_free(&work);
	mst_store_close(&store);
	mst_campaigns_free(&campaigns);
	mst_loop_free(&push_loop);
	for (int i = 0; i < NUM_LOOPS; i++)
		mst_loop_free(&askers[i].app.loop);
	nftw(path, drop_file, 16, FTW_DEPTH | FTW_PHYS);
	printf("campaign_race: %d campaigns, %u kicks\n", NUM_LOOPS * NUM_ROUNDS, num_kicks);
	return num_kicks > 0 ? 0 : 1;
}
