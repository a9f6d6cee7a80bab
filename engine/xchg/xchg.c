/* SPDX-License-Identifier: Apache-2.0 */
/* The walk through the stages of an exchange's way. */
#include "muster/xchg.h"

static void finish(struct mst_xchg *x, bool drop)
{
	x->is_walking = false;
	x->at = x->way->num_stages;
	x->on_finished(x, drop);
}

void mst_xchg_walk(struct mst_xchg *x)
{
	BUG_ON(x->is_walking || x->is_waiting);
	x->is_walking = true;
	while (x->at < x->way->num_stages) {
		const struct mst_stage *stage = &x->way->stages[x->at++];
		switch (stage->enter(x)) {
		case STEP_NEXT:
			continue;
		case STEP_WAIT:
			x->is_walking = false;
			x->is_waiting = true;
			return;
		case STEP_REPLY:
			/* Never back: the last stage itself may say so. */
			if (x->at < x->way->num_stages)
				x->at = x->way->num_stages - 1;
			continue;
		case STEP_DROP:
			finish(x, true);
			return;
		}
	}
	finish(x, false);
}

void mst_xchg_resume(struct mst_xchg *x)
{
	BUG_ON(!x->is_waiting);
	x->is_waiting = false;
	mst_xchg_walk(x);
}
