/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk jobs, the pool of keys and the keeper of the master key: on the first loop, known to all. */
#include "engine.h"

#include <stdlib.h>

#include "muster/bulk.h"

int mst_jobs_start(struct mst_engine *engine, struct mst_err *e)
{
	const struct mst_conf *conf = engine->facts->conf;
	struct mst_bulk_conf bulk = {
		.slices_max = engine->num_workers + 1,
		.jobs_max = conf->bulk_jobs_max,
		.identities_max = conf->bulk_identities_max,
		.pool = {.size = conf->pool_size, .low = conf->pool_low},
		.seal = engine->seal,
		.quiet_ms = conf->seal_quiet_s * 1000,
		.first_ms = conf->pool_first_s * 1000,
	};

	engine->seal_path = strdup(conf->seal_key);
	if (!engine->seal_path)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	bulk.seal_path = engine->seal_path;
	if (mst_keypool_kinds(&bulk.pool.kinds, conf->pool_kinds, e) < 0 ||
	    mst_bulk_new(&engine->bulk, &engine->loops[0].app, &bulk, e) < 0)
		return -1;
	for (uint32_t i = 0; i < engine->num_loops; i++)
		engine->loops[i].app.bulk = engine->bulk;
	return 0;
}

void mst_jobs_stop(struct mst_engine *engine)
{
	mst_bulk_free(&engine->bulk);
	free(engine->seal_path);
	engine->seal_path = NULL;
}
