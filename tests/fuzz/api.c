/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the operator API's input: the first line is a request target, the rest the body of an enqueue. Paths, ids, queries and
 * commands are read; nothing is stored. */
#include "muster/api.h"
#include "muster/app.h"
#include "muster/flow.h"
#include "muster/http.h"
#include "muster/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The edge's last stage; no way is walked to its end here. */
enum mst_step mst_http_stage_reply(struct mst_xchg *x)
{
	return STEP_NEXT;
}

static void query(struct mst_xchg *x)
{
	static const char *const names[] = {"limit", "cursor", "state", "nopush", ""};
	struct mst_slice value;
	for (size_t i = 0; i < MST_LEN(names); i++)
		if (mst_xchg_query(x, &value, mst_slice_str(names[i])))
			BUG_ON(!mst_utf8_ok(value) && value.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct mst_app app = {.checkin_max = 65536, .report_max = 1 << 20};
	struct mst_xchg x = {.gate = MST_GATE_CONTROL, .app = &app, .in = {.method = MST_PUT}};
	struct mst_slice raw, rest = mst_slice(data, len);

	mst_arena_init(&x.arena, NULL, 1 << 20);
	(void)mst_slice_cut(&x.in.target, &x.in.body, rest, '\n');
	(void)mst_slice_cut(&raw, &x.in.query, x.in.target, '?');
	x.in.path = raw;
	query(&x);
	for (size_t n = 0; n < 8; n++)
		BUG_ON(mst_path_raw0(&x, n).len > raw.len);
	if (mst_flow_enter(&x) == 0 && x.way->stages[0].enter == mst_api_enqueue_decode && x.in.body.len <= x.body_max &&
	    mst_api_enqueue_decode(&x) != STEP_NEXT)
		BUG_ON(x.out.status < 400);
	mst_arena_done(&x.arena);
	return 0;
}
