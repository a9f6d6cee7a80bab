/* SPDX-License-Identifier: Apache-2.0 */
/* Names and help of counters and histograms. */
#include "muster/count.h"

struct row {
	const char *name, *help;
};

static const struct row counter_rows[MST_NUM_COUNTERS] = {
#define X(id, name, help) [MST_C_##id] = {name, help},
	MST_COUNTERS(X)
#undef X
};
static const struct row hist_rows[MST_NUM_HISTS] = {
#define X(id, name, help) [MST_H_##id] = {name, help},
	MST_HISTS(X)
#undef X
};

const char *mst_counter_name(enum mst_counter id)
{
	BUG_ON((unsigned)id >= MST_NUM_COUNTERS);
	return counter_rows[id].name;
}

const char *mst_counter_help(enum mst_counter id)
{
	BUG_ON((unsigned)id >= MST_NUM_COUNTERS);
	return counter_rows[id].help;
}

const char *mst_hist_name(enum mst_hist_id id)
{
	BUG_ON((unsigned)id >= MST_NUM_HISTS);
	return hist_rows[id].name;
}

const char *mst_hist_help(enum mst_hist_id id)
{
	BUG_ON((unsigned)id >= MST_NUM_HISTS);
	return hist_rows[id].help;
}
