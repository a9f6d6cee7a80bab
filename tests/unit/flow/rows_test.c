/* SPDX-License-Identifier: Apache-2.0 */
/* Routes and ways as tables: nothing twice, every way ends with the reply, the manual names every path. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Only two paths are for devices and none of them is answered 401; only health is for all. */
Test(rows, access)
{
	for (size_t i = 0; i < mst_route_num_rows; i++) {
		const struct flow_route *row = &mst_route_rows[i];
		bool is_device = strcmp(row->path, "/mdm") == 0 || strcmp(row->path, "/checkin") == 0;
		cr_expect_eq(row->access == FOR_DEVICES, is_device, "%s", row->path);
		cr_expect_eq(row->way->has_plain_errors, is_device, "%s", row->path);
		cr_expect_eq(row->access == FOR_ALL, strcmp(row->path, "/healthz") == 0, "%s", row->path);
		cr_expect(!is_device || row->gates == ON_PORTAL, "%s", row->path);
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

/* docs/api.md has the operators' paths, with names where the rows have {}. */
static bool documented(const char *manual, const char *path)
{
	static const char *const names[] = {"{ID}", "{UUID}", "{ID,...}"};
	char full[256] = "";

	for (unsigned first = 0; first < 3; first++) {
		size_t num = 0, len = 0;
		for (const char *at = path; *at && len < sizeof(full) - 16; at++) {
			if (strncmp(at, "{}", 2) == 0) {
				len += (size_t)snprintf(full + len, sizeof(full) - len, "%s", names[num++ ? 1 : first]);
				at++;
			} else {
				full[len++] = *at;
			}
			full[len] = '\0';
		}
		char cell[300];
		snprintf(cell, sizeof(cell), "%s`", full);
		if (strstr(manual, cell))
			return true;
	}
	return false;
}

Test(rows, manual)
{
	static char manual[65536];
	FILE *file = fopen(MUSTER_ROOT "/docs/api.md", "r");

	cr_assert(file);
	cr_assert_lt(fread(manual, 1, sizeof(manual) - 1, file), sizeof(manual) - 1);
	fclose(file);
	for (size_t i = 0; i < mst_route_num_rows; i++)
		if (mst_route_rows[i].access != FOR_DEVICES)
			cr_expect(documented(manual, mst_route_rows[i].path), "%s", mst_route_rows[i].path);
}
