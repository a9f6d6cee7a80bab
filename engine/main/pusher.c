/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine's place in the process: its event loop with a thread of its own, tuning, drain, how busy the other loops are. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "muster/campaign.h"
#include "muster/clock.h"
#include "muster/log.h"

#define DRAIN_LOOK_MS 50
#define CONNS_MAX     1024      /* topics are few, each has [push] links_max */
#define OUT_MAX       (4u << 20) /* of one connection: some thousand requests, all streams of a service many times over */
#define BUSY_MS       1000      /* how often the clocks are read */

/* Texts a reload replaces stay as long as the process: a look-up of a name may still be under way on a worker. */
enum { TEXT_HOST, TEXT_SANDBOX, TEXT_ROOTS, NUM_TEXTS };

struct mst_pusher {
	struct mst_engine *engine;
	struct mst_loop *loop;
	struct mst_net *net;
	struct mst_push *push;
	struct mst_campaigns *campaigns;
	struct mst_kick kick; /* of campaigns, which are on this loop */
	pthread_t thread;
	bool has_thread;
	struct mst_err err;
	/* the main thread's */
	struct mst_arena arena;
	struct mst_slice texts[NUM_TEXTS];
	uint32_t window, open_max;
	/* drain */
	struct mst_mail drain_mail, end_mail;
	struct mst_timer drain_timer;
	uint64_t drain_until_ms;
	bool may_end; /* no loop sends anything any more */
	/* how busy the others are */
	uint64_t looked_ns;
	uint64_t cpu_ns[LOOPS_MAX];
	uint32_t busy;
};

/* A newer configuration on its way to the loop. */
struct tuning {
	struct mst_mail mail;
	struct mst_pusher *pusher;
	struct mst_push_conf push;
	struct mst_campaigns_conf campaigns;
};

static struct mst_campaigns_conf campaigns_conf(const struct mst_conf *conf)
{
	return (struct mst_campaigns_conf){
		.open_max = conf->campaign_open_max,
		.rate_max = conf->campaign_rate_max,
		.busy_goal = conf->campaign_busy_goal,
	};
}

/* The terminator belongs to the copy. */
static struct mst_slice keep(struct mst_pusher *pusher, int which, struct mst_slice text)
{
	struct mst_slice *kept = &pusher->texts[which];

	if (!kept->at || !mst_slice_eq(*kept, text))
		BUG_ON(!mst_arena_copy(&pusher->arena, kept, text));
	return *kept;
}

static struct mst_push_conf keep_conf(struct mst_pusher *pusher)
{
	struct mst_push_conf conf = pusher->engine->facts->push;

	conf.host = (const char *)keep(pusher, TEXT_HOST, mst_slice_str(conf.host)).at;
	conf.sandbox_host = (const char *)keep(pusher, TEXT_SANDBOX, mst_slice_str(conf.sandbox_host)).at;
	conf.ca_pem = keep(pusher, TEXT_ROOTS, conf.ca_pem);
	return conf;
}

static uint64_t cpu_ns_of(clockid_t clock)
{
	struct timespec t;

	/* The thread may be gone: it works no more. */
	return clock_gettime(clock, &t) == 0 ? (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec : 0;
}

/* Per cent of a core the busiest loop's thread was at, from the kernel's clocks of the threads. */
static uint32_t busy(void *context)
{
	struct mst_pusher *pusher = context;
	struct mst_engine *engine = pusher->engine;
	uint64_t now_ns = mst_clock_ns(), span_ns = now_ns - pusher->looked_ns, most_ns = 0;

	if (span_ns < BUSY_MS * 1000000ull)
		return pusher->busy;
	for (uint32_t i = 0; i < engine->num_loops; i++) {
		uint64_t ns = cpu_ns_of(engine->loops[i].clock), used_ns = ns > pusher->cpu_ns[i] ? ns - pusher->cpu_ns[i] : 0;
		pusher->cpu_ns[i] = ns;
		most_ns = used_ns > most_ns ? used_ns : most_ns;
	}
	pusher->busy = pusher->looked_ns ? (uint32_t)(most_ns * 100 / span_ns) : 0;
	pusher->looked_ns = now_ns;
	return pusher->busy;
}

static int make_net(struct mst_pusher *pusher, struct mst_err *e)
{
	const struct mst_conf *conf = pusher->engine->facts->conf;
	const struct mst_loop_conf ring = {.num_files = CONNS_MAX, .num_buffers = 256, .buffer_len = 16384, .cpu = -1, .name = "push"};
	const struct mst_net_conf net = {
		.num_conns_max = CONNS_MAX,
		.out_bytes_max = OUT_MAX,
		.state_ms = {[MST_CONN_DIAL] = conf->handshake_ms, [MST_CONN_HELLO] = conf->handshake_ms, [MST_CONN_DRAIN] = conf->drain_ms},
	};

	return mst_loop_new(&pusher->loop, &ring, e) != 0 ? -1 : mst_net_new(&pusher->net, pusher->loop, &net, e);
}

static int make_services(struct mst_pusher *pusher, struct mst_err *e)
{
	struct mst_engine *engine = pusher->engine;
	const struct mst_push_conf push = keep_conf(pusher);
	const struct mst_campaigns_conf campaigns = campaigns_conf(engine->facts->conf);

	pusher->window = push.window;
	pusher->open_max = campaigns.open_max;
	if (mst_push_new(&pusher->push, pusher->loop, pusher->net, engine->store, engine->work, engine->seal, &push, e) < 0)
		return -1;
	mst_push_kick_init(&pusher->kick, pusher->push, pusher->loop);
	return mst_campaigns_new(&pusher->campaigns, pusher->loop, engine->store, engine->work, &pusher->kick, &campaigns,
				 pusher, busy, e);
}

int mst_pusher_make(struct mst_engine *engine, struct mst_err *e)
{
	struct mst_pusher *pusher;

	if (!engine->facts->conf->push_is_enabled)
		return 0;
	pusher = calloc(1, sizeof *pusher);
	if (!pusher)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	engine->pusher = pusher;
	pusher->engine = engine;
	mst_arena_init(&pusher->arena, NULL, 0);
	if (make_net(pusher, e) != 0 || make_services(pusher, e) != 0)
		return -1;
	for (uint32_t i = 0; i < engine->num_loops; i++) {
		struct mst_lane_loop *lane = &engine->loops[i];
		mst_push_kick_init(&lane->kick, pusher->push, lane->loop);
		lane->app.kick = &lane->kick;
		lane->app.push = pusher->push;
		lane->app.campaigns = pusher->campaigns;
	}
	return 0;
}

static void *run(void *context)
{
	struct mst_pusher *pusher = context;

	if (mst_loop_run(pusher->loop, &pusher->err) != 0) {
		mst_log(ERROR, "the push engine's event loop failed", mst_f_err(&pusher->err));
		kill(getpid(), SIGTERM);
	}
	return NULL;
}

int mst_pusher_start(struct mst_engine *engine, struct mst_err *e)
{
	struct mst_pusher *pusher = engine->pusher;
	int rc = pusher ? pthread_create(&pusher->thread, NULL, run, pusher) : 0;

	if (rc != 0)
		return mst_fail_sys(e, rc, "cannot start the push engine's thread");
	if (pusher)
		pusher->has_thread = true;
	return 0;
}

static void on_tuning(struct mst_mail *mail)
{
	struct tuning *tuning = MST_HOME(mail, struct tuning, mail);

	mst_push_tune(tuning->pusher->push, &tuning->push);
	mst_campaigns_tune(tuning->pusher->campaigns, &tuning->campaigns);
	free(tuning);
}

void mst_pusher_tune(struct mst_engine *engine)
{
	struct mst_pusher *pusher = engine->pusher;
	struct tuning *tuning;

	/* Switched on since the start: the roots were not read then, and a restart is needed anyway. */
	if (!pusher || !engine->facts->conf->push_is_enabled)
		return;
	tuning = calloc(1, sizeof *tuning);
	BUG_ON(!tuning);
	*tuning = (struct tuning){
		.mail.on_mail = on_tuning,
		.pusher = pusher,
		.push = keep_conf(pusher),
		.campaigns = campaigns_conf(engine->facts->conf),
	};
	/* What was made for these at the start stays as it is. */
	tuning->push.window = pusher->window;
	tuning->campaigns.open_max = pusher->open_max;
	mst_loop_post(pusher->loop, &tuning->mail);
}

static void on_drain_look(struct mst_timer *timer)
{
	struct mst_pusher *pusher = MST_HOME(timer, struct mst_pusher, drain_timer);
	bool is_done = mst_push_is_idle(pusher->push) && mst_campaigns_is_idle(pusher->campaigns);

	if (pusher->may_end && (is_done || mst_clock_ms() >= pusher->drain_until_ms))
		mst_loop_stop(pusher->loop);
	else
		mst_timer_set(pusher->loop, timer, DRAIN_LOOK_MS);
}

static void on_drain(struct mst_mail *mail)
{
	struct mst_pusher *pusher = MST_HOME(mail, struct mst_pusher, drain_mail);

	mst_campaigns_drain(pusher->campaigns);
	mst_push_drain(pusher->push);
	pusher->drain_timer.on_due = on_drain_look;
	mst_timer_set(pusher->loop, &pusher->drain_timer, 0);
}

static void on_end(struct mst_mail *mail)
{
	MST_HOME(mail, struct mst_pusher, end_mail)->may_end = true;
}

void mst_pusher_drain(struct mst_engine *engine)
{
	struct mst_pusher *pusher = engine->pusher;

	if (!pusher || !pusher->has_thread)
		return;
	pusher->drain_until_ms = mst_clock_ms() + engine->facts->conf->drain_s * 1000ull;
	pusher->drain_mail.on_mail = on_drain;
	mst_loop_post(pusher->loop, &pusher->drain_mail);
}

/* Exchanges of the lanes may have waited for this loop: it goes on until they are gone. */
void mst_pusher_join(struct mst_engine *engine)
{
	struct mst_pusher *pusher = engine->pusher;

	if (!pusher || !pusher->has_thread)
		return;
	pusher->end_mail.on_mail = on_end;
	mst_loop_post(pusher->loop, &pusher->end_mail);
	pthread_join(pusher->thread, NULL);
	pusher->has_thread = false;
}

void mst_pusher_free(struct mst_engine *engine)
{
	struct mst_pusher *pusher = engine->pusher;

	if (!pusher)
		return;
	mst_campaigns_free(&pusher->campaigns);
	mst_push_free(&pusher->push);
	mst_net_free(&pusher->net);
	mst_loop_free(&pusher->loop);
	mst_arena_done(&pusher->arena);
	free(pusher);
	engine->pusher = NULL;
}
