/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and ways as tables: nothing twice, every way ends with the reply, who may is where it belongs. */
#include <criterion/criterion.h>
#include <string.h>

#include "muster/http.h"
#include "own.h"

Test(rows, each_route_once)
{
	for (size_t i = 0; i < mst_route_num_rows; i++)
		for (size_t k = 0; k < i; k++) {
			const struct flow_route *a = &mst_route_rows[i], *b = &mst_route_rows[k];
			cr_expect(a->method != b->method || strcmp(a->path, b->path) != 0 || !(a->gates & b->gates), "%s", a->path);
		}
}

/* What a device speaks to needs its certificate and is never answered 401; what begins with /v1/ is for operators. */
Test(rows, access)
{
	for (size_t i = 0; i < mst_route_num_rows; i++) {
		const struct flow_route *row = &mst_route_rows[i];
		bool is_mdm = strcmp(row->path, "/mdm") == 0 || strcmp(row->path, "/checkin") == 0;
		bool is_api = strncmp(row->path, "/v1/", 4) == 0 || strcmp(row->path, "/metrics") == 0 ||
			      strcmp(row->path, "/version") == 0;
		cr_expect_eq(row->access == FOR_DEVICES, is_mdm, "%s", row->path);
		cr_expect_eq(row->access == FOR_OPERATORS, is_api, "%s", row->path);
		cr_expect(!is_mdm || (row->way->has_plain_errors && row->gates == ON_PORTAL), "%s", row->path);
	}
}

Test(rows, every_way_ends_with_the_reply)
{
	for (size_t i = 0; i < mst_route_num_rows; i++) {
		const struct mst_way *ways[] = {mst_route_rows[i].way, mst_route_rows[i].checkin};
		for (size_t k = 0; k < MST_LEN(ways); k++) {
			if (!ways[k])
				continue;
			cr_expect_geq(ways[k]->num_stages, 2);
			for (unsigned n = 0; n < ways[k]->num_stages; n++)
				cr_expect_eq(ways[k]->stages[n].enter == mst_http_stage_reply, n + 1u == ways[k]->num_stages, "%s",
					     ways[k]->name);
		}
	}
}
