/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's turn of an exchange: RSA takes half a millisecond, which a loop does not have. */
#include "own.h"

/* Apart from a revocation list, an answer is a few certificates long. */
#define TURN_ROOM (1u << 20)

static void on_worker(struct mst_job *job)
{
	struct scep_state *s = MST_HOME(job, struct scep_state, job);
	s->work(s, &s->arena);
}

static void on_ran(struct mst_job *job)
{
	struct scep_state *s = MST_HOME(job, struct scep_state, job);
	mst_arena_adopt(&s->x->arena, &s->arena);
	mst_xchg_resume(s->x);
}

enum mst_step mst_turn_take(struct scep_state *s, void (*work)(struct scep_state *s, struct mst_arena *arena))
{
	s->rc = 0;
	s->work = work;
	s->job = (struct mst_job){.home = s->app->loop, .run = on_worker, .on_ran = on_ran};
	mst_arena_init(&s->arena, NULL, TURN_ROOM + 6 * s->facts.crl.len);
	return mst_work_post(s->app->work, MST_LANE_FAST, &s->job, &s->x->err) < 0 ? mst_xchg_fail(s->x) : STEP_WAIT;
}
