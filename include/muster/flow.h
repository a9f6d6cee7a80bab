/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that knows which stages serve which request: routes are rows, ways are rows of stages. */
#ifndef MUSTER_FLOW_H
#define MUSTER_FLOW_H

#include "muster/app.h"
#include "muster/xchg.h"

/* mst_flow_enter is the edge's on_head hook: gate, method, path and content type choose the way and the body limit. 0, or -1
 * with x->err. */
int mst_flow_enter(struct mst_xchg *x);

#endif
