/* SPDX-License-Identifier: Apache-2.0 */
/* Records of bulk jobs: names and ids, jobs with and without lists of names, slices found by any
 * index. */
#include "bulk_own.h"

#include <stdlib.h>

#include "kit.h"
#include "muster/text.h"

static struct bulk_record job_of(const char *authority, uint8_t number)
{
	struct bulk_record job = {.authority = mst_slice_str(authority),
				  .kind = MST_KEY_P384,
				  .has_p12 = true,
				  .total = 70000,
				  .done = 300,
				  .digits = 4,
				  .first = 17,
				  .prefix = MST_S("phone-"),
				  .organization = MST_S("Org"),
				  .who = MST_S("somebody"),
				  .created_ms = 1,
				  .started_ms = 2,
				  .changed_ms = 3,
				  .run_ms = 4};

	mst_authority_id(job.key, job.authority);
	memset(job.key + 16, number, BULK_KEY_LEN - 16);
	return job;
}

Test(bulk_record, names)
{
	static const struct {
		const char *prefix;
		uint64_t first, index;
		uint32_t digits;
		const char *name;
	} rows[] = {
		{"phone-", 1, 0, 0, "phone-1"},
		{"phone-", 1, 9, 0, "phone-10"},
		{"phone-", 0, 0, 3, "phone-000"},
		{"phone-", 99, 1, 3, "phone-100"},
		{"phone-", 999, 1, 3, "phone-1000"},
		{"", 5, 0, 0, "5"},
		{"x", 999999999999999, 4000000000, 20, "x00001000003999999999"},
		{"1234567890123456789012345678901234567890123456789012345678901", 1, 998, 0,
		 "1234567890123456789012345678901234567890123456789012345678901999"},
		{"1234567890123456789012345678901234567890123456789012345678901", 1, 999, 0, NULL},
		{"1234567890123456789012345678901234567890123456789012345678901", 1, 0, 4, NULL},
	};
	char name[MST_NAME_MAX + 1];
	struct mst_err e;

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct bulk_record job = {.prefix = mst_slice_str(rows[i].prefix),
					  .first = rows[i].first,
					  .digits = rows[i].digits};
		int rc = mst_bulk_record_name(name, &job, rows[i].index, &e);
		cr_expect_eq(rc, rows[i].name ? 0 : -1, "row %zu", i);
		if (rows[i].name && rc == 0)
			cr_expect_str_eq(name, rows[i].name);
	}
}

Test(bulk_record, ids)
{
	static const char *const bad[] = {"",
					  "phones",
					  "phones.",
					  ".0123456789abcdef",
					  "phones.0123456789abcde",
					  "phones.0123456789abcdefa",
					  "phones.0123456789abcdeg",
					  "phones.x.0123456789abcdef"};
	struct bulk_record job = job_of("phones", 0xab);
	uint8_t key[BULK_KEY_LEN];
	char id[BULK_ID_MAX + 1];
	struct mst_err e;

	mst_bulk_record_id(id, &job);
	cr_expect_str_eq(id, "phones.abababababababab");
	cr_assert_eq(mst_bulk_record_from(key, mst_slice_str(id), &e), 0);
	cr_expect_eq(memcmp(key, job.key, BULK_KEY_LEN), 0);
	for (size_t i = 0; i < MST_LEN(bad); i++) {
		cr_expect_eq(mst_bulk_record_from(key, mst_slice_str(bad[i]), &e), -1, "%s",
			     bad[i]);
		cr_expect_eq(e.code, MST_E_ABSENT);
	}
}

/* A read whose plan is the test's. */
struct look {
	struct mst_read r;
	struct bulk_record job, jobs[4];
	struct mst_slice names;
	struct bulk_chunk chunk;
	uint32_t index, num;
	int rc;
};

static int jobs_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_slice after = {NULL, 0};

	look->num = 0;
	while (look->num < 4 && mst_bulk_record_next(r, &look->jobs[look->num], after) == 1)
		after = mst_slice(look->jobs[look->num++].key, BULK_KEY_LEN);
	look->rc = mst_bulk_record_get(r, &look->job, look->job.key);
	return mst_bulk_record_names(r, &look->names, look->job.key) < 0 ? -1 : 0;
}

static void put_job(struct kit *kit, const struct bulk_record *job, struct mst_slice names)
{
	struct mst_slice value;
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	cr_assert_eq(mst_bulk_record_put(&b, &value, job, &e), 0);
	if (names.len)
		mst_bulk_record_put_names(&b, job->key, names);
	cr_assert_eq(mst_store_commit_here(kit->store, &b), 0, "%s", b.err.text);
}

Test(bulk_record, are_kept_and_walked)
{
	struct kit *kit = kit_new((struct mst_store_conf){0});
	struct bulk_record first = job_of("phones", 1), second = job_of("phones", 2);
	struct look look = {.r = {.arena = &kit->arena, .plan = jobs_plan}};
	struct mst_batch b;
	struct mst_slice value;
	struct mst_err e;

	put_job(kit, &first, MST_S("a\0b\0"));
	put_job(kit, &second, MST_S(""));
	look.job = first;
	cr_assert_eq(mst_store_read_here(kit->store, &look.r), 0, "%s", look.r.err.text);
	cr_assert_eq(look.num, 2, "names are no jobs");
	cr_expect_eq(look.jobs[0].key[BULK_KEY_LEN - 1], 1);
	cr_expect_eq(look.jobs[1].key[BULK_KEY_LEN - 1], 2);
	cr_assert_eq(look.rc, 1);
	cr_expect(mst_slice_eq(look.job.prefix, first.prefix) &&
		  mst_slice_eq(look.job.who, first.who) &&
		  mst_slice_eq(look.job.authority, first.authority));
	cr_expect(look.job.total == 70000 && look.job.done == 300 && look.job.first == 17 &&
		  look.job.digits == 4 && look.job.run_ms == 4 && look.job.kind == MST_KEY_P384);
	cr_expect(mst_slice_eq(look.names, MST_S("a\0b\0")));
	/* Written only over what was read. */
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	cr_assert_eq(mst_bulk_record_put(&b, &value, &first, &e), 0);
	cr_expect_eq(mst_store_commit_here(kit->store, &b), -1);
	cr_expect_eq(b.err.code, MST_E_CONFLICT);
	put_job(kit, &look.job, MST_S(""));
	kit_free(kit);
}

static int chunk_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->rc = mst_bulk_chunk_next(r, &look->chunk, look->job.key, look->index);
	return look->rc < 0 ? -1 : 0;
}

Test(bulk_record, a_slice_is_found_by_any_of_its_indexes)
{
	static const struct {
		uint32_t first, num;
	} slices[] = {{0, 256}, {256, 1}, {257, 100}};
	struct kit *kit = kit_new((struct mst_store_conf){0});
	struct look *look = mst_arena_zero(&kit->arena, sizeof(*look));
	struct bulk_chunk *chunk = mst_arena_zero(&kit->arena, sizeof(*chunk));
	struct bulk_record other = job_of("phones", 3);
	struct mst_batch b;

	look->r = (struct mst_read){.arena = &kit->arena, .plan = chunk_plan};
	look->job = job_of("phones", 2);
	for (size_t i = 0; i < MST_LEN(slices); i++) {
		memcpy(chunk->key, look->job.key, BULK_KEY_LEN);
		chunk->first = slices[i].first;
		chunk->num = slices[i].num;
		memset(chunk->serials, (int)i + 1, sizeof(chunk->serials));
		mst_batch_init(&b, &kit->arena, NULL, NULL);
		mst_bulk_chunk_put(&b, chunk);
		cr_assert_eq(mst_store_commit_here(kit->store, &b), 0, "%s", b.err.text);
	}
	for (size_t i = 0; i < MST_LEN(slices); i++) {
		for (uint32_t n = 0; n < slices[i].num; n++) {
			look->index = slices[i].first + n;
			cr_assert_eq(mst_store_read_here(kit->store, &look->r), 0);
			cr_assert_eq(look->rc, 1);
			cr_assert_eq(look->chunk.first, slices[i].first, "index %u", look->index);
			cr_assert_eq(look->chunk.serials[n][0], i + 1);
		}
	}
	look->index = 357;
	cr_assert_eq(mst_store_read_here(kit->store, &look->r), 0);
	cr_expect_eq(look->rc, 0, "there is none behind the last");
	look->job = other;
	look->index = 0;
	cr_assert_eq(mst_store_read_here(kit->store, &look->r), 0);
	cr_expect_eq(look->rc, 0, "another job has none");
	kit_free(kit);
}

/* A record cut anywhere is told, never read beyond its end. */
Test(bulk_record, broken_slices_are_refused)
{
	struct mst_arena arena = {0};
	struct bulk_chunk *chunk = mst_arena_zero(&arena, sizeof(*chunk));
	uint8_t value[] = {1, 0,  1,  1,  1,  2,  3,  4,  5, 6, 7, 8,
			   9, 10, 11, 12, 13, 14, 15, 16, 2, 9, 9};
	uint8_t key[BULK_KEY_LEN + 4] = {0}, *cut;
	struct mst_err e;

	cr_expect_eq(mst_bulk_chunk_read(chunk, mst_slice(key, sizeof(key)),
					 mst_slice(value, sizeof(value)), &e),
		     0, "%s", e.text);
	for (size_t len = 0; len < sizeof(value); len++) {
		cut = malloc(len + 1);
		memcpy(cut, value, len);
		cr_expect_eq(mst_bulk_chunk_read(chunk, mst_slice(key, sizeof(key)),
						 mst_slice(cut, len), &e),
			     -1, "%zu bytes", len);
		free(cut);
	}
	cr_expect_eq(
		mst_bulk_chunk_read(chunk, mst_slice(key, 5), mst_slice(value, sizeof(value)), &e),
		-1);
	mst_arena_done(&arena);
}
