/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a target as they were sent, and decoded. */
#include <criterion/criterion.h>

#include "own.h"

Test(path, parts)
{
	static const struct {
		const char *target;
		size_t n;
		const char *raw; /* NULL: there is none */
	} rows[] = {
		{"/v1/devices/A", 0, "v1"},
		{"/v1/devices/A", 2, "A"},
		{"/v1/devices/A", 3, NULL},
		{"/v1/devices/A/", 3, ""},
		{"/v1/devices/A%2FB/commands/C?x=/1/2/3", 2, "A%2FB"},
		{"/v1/devices/A%2FB/commands/C?x=/1/2/3", 4, "C"},
		{"/v1/devices/A%2FB/commands/C?x=/1/2/3", 5, NULL},
		{"/", 0, ""},
		{"", 0, NULL},
		{"*", 0, NULL},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_xchg x = {.in.target = mst_slice_str(rows[i].target)};
		struct mst_slice part = mst_path_raw0(&x, rows[i].n);
		cr_expect_eq(part.at == NULL, rows[i].raw == NULL, "row %zu", i);
		cr_expect(mst_slice_eq(part, mst_slice_str(rows[i].raw)), "row %zu", i);
	}
}

Test(path, ids_and_uuids)
{
	static const struct {
		const char *target;
		int who, uuid;
	} rows[] = {
		{"/v1/devices/A/commands/C", 0, 0},
		{"/v1/devices/A%3AB/commands/C%2F1", 0, 0},
		{"/v1/devices/%/commands/%", -1, -1},
		{"/v1/devices/%ff/commands/%ff", -1, -1},
		{"/v1/devices/A%0a/commands/", -1, -1},
		{"/v1/devices/:A/commands/C", -1, 0},
		{"/v1/devices/A:/commands/C", -1, 0},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_xchg x = {.in.target = mst_slice_str(rows[i].target)};
		struct api_id who;
		struct mst_slice uuid;
		mst_arena_init(&x.arena, NULL, 0);
		cr_expect_eq(mst_path_who(&x, &who), rows[i].who, "row %zu", i);
		cr_expect_eq(mst_path_uuid(&x, &uuid), rows[i].uuid, "row %zu", i);
		mst_arena_done(&x.arena);
	}
}
