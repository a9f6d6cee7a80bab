/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the start: each has one step and its undoing. */
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"
#include "muster/log.h"
#include "muster/master.h"
#include "muster/revoke.h"
#include "muster/text.h"

static int start_probe(struct mst_engine *engine, struct mst_err *e)
{
	return mst_loop_probe(e);
}

static int start_port(struct mst_engine *engine, struct mst_err *e)
{
	const struct mst_conf *conf = engine->facts->conf;

	if (mst_net_claim(conf->portal_address, (uint16_t)conf->portal_port, e) != 0)
		return -1;
	return conf->plain_port ? mst_net_claim(conf->plain_address, (uint16_t)conf->plain_port, e) : 0;
}

static int start_sandbox(struct mst_engine *engine, struct mst_err *e)
{
	return engine->facts->conf->is_sandboxed ? mst_sandbox_enter(e) : 0;
}

static int start_seal(struct mst_engine *engine, struct mst_err *e)
{
	mst_random(engine->ticket_secret, sizeof engine->ticket_secret);
	return mst_seal_load(&engine->seal, engine->facts->conf->seal_key, e);
}

static void stop_seal(struct mst_engine *engine)
{
	mst_wipe(engine->ticket_secret, sizeof engine->ticket_secret);
	mst_seal_free(&engine->seal);
}

static uint32_t cores(void)
{
	long num = sysconf(_SC_NPROCESSORS_ONLN);

	return num < 1 ? 1 : num > LOOPS_MAX ? LOOPS_MAX : (uint32_t)num;
}

static int start_work(struct mst_engine *engine, struct mst_err *e)
{
	const struct mst_conf *conf = engine->facts->conf;

	engine->num_workers = conf->num_workers ? conf->num_workers : cores();
	return mst_work_new(&engine->work, engine->num_workers, conf->num_jobs_max, e);
}

static void stop_work(struct mst_engine *engine)
{
	mst_work_free(&engine->work);
}

static int start_store(struct mst_engine *engine, struct mst_err *e)
{
	const struct mst_conf *conf = engine->facts->conf;
	const struct mst_store_conf store = {
		.path = conf->store_path,
		.cache_mib = conf->store_cache_mib,
		.memtable_mib = conf->store_memtable_mib,
		.group_max = conf->store_group_max,
		.queue_max = conf->store_queue_max,
	};

	if (mst_store_open(&engine->store, &store, engine->work, e) != 0)
		return -1;
	return mst_master_check(engine->store, engine->seal, e);
}

static void stop_store(struct mst_engine *engine)
{
	mst_store_close(&engine->store);
}

/* What is revoked is known before the first handshake. */
static int start_revoke(struct mst_engine *engine, struct mst_err *e)
{
	struct mst_revoke *all[LOOPS_MAX];

	for (uint32_t i = 0; i < engine->num_loops; i++)
		all[i] = engine->loops[i].app.revoke;
	return mst_revoke_start(all, engine->num_loops, e);
}

static int start_loops(struct mst_engine *engine, struct mst_err *e)
{
	uint32_t num = engine->facts->conf->num_loops ? engine->facts->conf->num_loops : cores();

	for (uint32_t i = 0; i < num; i++) {
		engine->num_loops = i + 1;
		if (mst_lane_make(&engine->loops[i], engine, i, e) != 0)
			return -1;
	}
	engine->facts->num_users = num + 1;
	return start_revoke(engine, e);
}

static void stop_loops(struct mst_engine *engine)
{
	/* What workers or the committer send home must find its loop, and a worker may still read the store. */
	stop_work(engine);
	stop_store(engine);
	mst_jobs_stop(engine);
	mst_keep_stop(engine);
	mst_follow_stop(engine);
	mst_pusher_free(engine);
	/* Connections may still hold what the first loop frees: first all of them go, then that. */
	for (uint32_t i = 0; i < engine->num_loops; i++)
		mst_revoke_end(engine->loops[i].app.revoke);
	for (uint32_t i = 0; i < engine->num_loops; i++)
		mst_lane_free(&engine->loops[i]);
	for (uint32_t i = 0; i < engine->num_loops; i++)
		mst_revoke_free(&engine->loops[i].app.revoke);
	engine->num_loops = 0;
}

static int start_threads(struct mst_engine *engine, struct mst_err *e)
{
	for (uint32_t i = 0; i < engine->num_loops; i++)
		if (mst_lane_start(&engine->loops[i], e) != 0)
			return -1;
	return mst_pusher_start(engine, e);
}

static void stop_threads(struct mst_engine *engine)
{
	mst_pusher_drain(engine);
	for (uint32_t i = 0; i < engine->num_loops; i++)
		mst_lane_drain(&engine->loops[i]);
	for (uint32_t i = 0; i < engine->num_loops; i++)
		mst_lane_join(&engine->loops[i]);
	mst_pusher_join(engine);
}

static const struct mst_boot_row rows[] = {
	{"probe", start_probe, NULL},
	{"port", start_port, NULL},
	{"sandbox", start_sandbox, NULL},
	{"master key", start_seal, stop_seal},
	{"workers", start_work, stop_work},
	{"store", start_store, stop_store},
	{"snapshots", mst_snapshots_start, mst_snapshots_stop},
	{"loops", start_loops, stop_loops},
	{"bulk jobs", mst_jobs_start, NULL},
	{"identities", mst_keep_start, NULL},
	{"labels", mst_follow_start, NULL},
	{"push", mst_pusher_make, NULL},
	{"threads", start_threads, stop_threads},
};

const struct mst_boot_row *mst_boot_rows(size_t *num_rows)
{
	*num_rows = MST_LEN(rows);
	return rows;
}
