/* SPDX-License-Identifier: Apache-2.0 */
/* Newest wins, places go stale, what is settled was not overtaken, kicks join. */
#include "muster/outbox.h"

#include "kit.h"

struct look {
	struct mst_read r;
	struct mst_id id;
	struct mst_slice from;
	int64_t until_ms, next_ms;
	struct mst_push_due due;
	struct mst_outbox_place places[16];
	size_t num_places;
	int found;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_outbox_place place;
	struct mst_walk w = {.r = NULL};
	int rc;

	look->num_places = 0;
	look->found = mst_outbox_get(r, &look->due, &look->id);
	while ((rc = mst_outbox_next(&w, r, &place, look->from, look->until_ms)) == 1)
		look->places[look->num_places++] = place;
	look->next_ms = place.due_ms;
	mst_walk_done(&w);
	return rc;
}

static struct look look_at(struct kit *kit, const struct mst_id *id, int64_t until_ms, struct mst_slice from)
{
	struct look look = {.r = {.arena = &kit->arena, .plan = plan}, .id = *id, .until_ms = until_ms, .from = from};

	cr_assert_eq(mst_store_read_here(kit->store, &look.r), 0, "%s", look.r.err.text);
	return look;
}

static int commit(struct kit *kit, struct mst_batch *b)
{
	(void)!mst_store_commit_here(kit->store, b);
	return b->rc == 0 ? 0 : (int)b->err.code;
}

static struct mst_push_due put(struct kit *kit, const char *device, enum mst_push_cause cause, int64_t due_ms)
{
	struct mst_push_due due;
	struct mst_batch b;
	struct mst_id id;

	mst_id_make(&id, mst_slice_str(device), mst_slice(NULL, 0));
	mst_push_due_make(&due, &id, cause, due_ms);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_outbox_put(&b, &due);
	cr_assert_eq(commit(kit, &b), 0);
	return due;
}

static const struct mst_slice start = {NULL, 0};

Test(outbox, record)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_push_due due, *got;
	struct mst_batch b;
	struct look look;

	mst_id_make(&look.id, MST_S("a"), MST_S("user"));
	mst_push_due_make(&due, &look.id, MST_PUSH_SILENT, 1700000000123);
	due.num_failed = 3;
	due.num_silent = 200;
	due.pushed_ms = 1699999999999;
	due.since_ms = 5;
	due.expiry_s = 604800;
	due.priority = 10;
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_outbox_put(&b, &due);
	cr_assert_eq(commit(kit, &b), 0);
	look = look_at(kit, &look.id, INT64_MAX, start);
	got = &look.due;
	cr_assert_eq(look.found, 1);
	cr_expect_arr_eq(&got->id, &due.id, sizeof due.id);
	cr_expect(got->due_ms == due.due_ms && got->sequence == due.sequence && got->cause == due.cause);
	cr_expect(got->since_ms == 5 && got->num_failed == 3 && got->num_silent == 200);
	cr_expect(got->pushed_ms == due.pushed_ms && got->expiry_s == 604800 && got->priority == 10);
	cr_expect_arr_eq(got->apns_id, due.apns_id, 16);
	cr_assert_eq(look.num_places, 1);
	cr_expect_eq(look.places[0].due_ms, due.due_ms);
	cr_expect_eq(look.places[0].sequence, due.sequence);
	cr_expect_arr_eq(&look.places[0].id, &due.id, sizeof due.id);
	kit_free(kit);
}

Test(outbox, newest_wins)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_push_due first = put(kit, "a", MST_PUSH_COMMAND, 1000), again;
	struct look old = look_at(kit, &first.id, 5000, start);
	struct mst_batch b;

	again = put(kit, "a", MST_PUSH_OPERATOR, 2000);
	struct look look = look_at(kit, &first.id, 5000, start);
	cr_expect_eq(look.due.cause, MST_PUSH_OPERATOR);
	cr_expect_eq(look.num_places, 2, "the old place stays until it is collected");
	cr_expect_eq(look.due.sequence, again.sequence);

	/* What was read before the second cause may neither move nor end it. */
	struct mst_push_due next = old.due;
	next.due_ms = 9000;
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_outbox_move(&b, &old.due, &next);
	cr_expect_eq(commit(kit, &b), MST_E_CONFLICT);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_outbox_end(&b, &old.due);
	cr_expect_eq(commit(kit, &b), MST_E_CONFLICT);
	look = look_at(kit, &first.id, 5000, start);
	cr_expect_eq(look.num_places, 2);

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_outbox_drop_place(&b, &look.places[0]);
	cr_expect_eq(commit(kit, &b), 0);
	next = look.due;
	next.due_ms = 9000;
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_outbox_move(&b, &look.due, &next);
	cr_expect_eq(commit(kit, &b), 0);
	look = look_at(kit, &first.id, 5000, start);
	cr_expect_eq(look.num_places, 0);
	cr_expect_eq(look.next_ms, 9000, "when the next one is due");
	cr_expect_eq(look.due.due_ms, 9000);

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_outbox_end(&b, &look.due);
	cr_expect_eq(commit(kit, &b), 0);
	look = look_at(kit, &first.id, 99999, start);
	cr_expect(look.found == 0 && look.num_places == 0 && look.next_ms == 0);
	kit_free(kit);
}

Test(outbox, order)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	static const struct {
		const char *device;
		int64_t due_ms;
	} rows[] = {{"d", 400}, {"a", 100}, {"c", 300}, {"b", 100}};
	struct look look;

	for (size_t i = 0; i < MST_LEN(rows); i++)
		put(kit, rows[i].device, MST_PUSH_COMMAND, rows[i].due_ms);
	mst_id_make(&look.id, MST_S("a"), start);
	look = look_at(kit, &look.id, 300, start);
	cr_assert_eq(look.num_places, 3);
	cr_expect(look.places[0].due_ms == 100 && look.places[1].due_ms == 100 && look.places[2].due_ms == 300);
	cr_expect_lt(look.places[0].sequence, look.places[1].sequence, "the same moment: in order of writing");
	cr_expect_eq(look.next_ms, 400);
	look = look_at(kit, &look.id, 300, mst_slice(look.places[1].key, MST_OUTBOX_KEY_LEN));
	cr_expect_eq(look.num_places, 2, "from a key on");
	kit_reopen(kit);
	look = look_at(kit, &look.id, 1000, start);
	cr_expect_eq(look.num_places, 4, "after a restart");
	kit_free(kit);
}

Test(outbox, apns_id)
{
	struct mst_push_due due;
	char text[MST_APNS_ID_ROOM];
	struct mst_id id = {.device = {1}};

	mst_apns_id_put(text, (const uint8_t[16]){0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff});
	cr_expect_str_eq(text, "00112233-4455-6677-8899-aabbccddeeff");
	mst_push_due_make(&due, &id, MST_PUSH_COMMAND, 1);
	mst_apns_id_put(text, due.apns_id);
	cr_expect(text[14] == '4' && strchr("89ab", text[19]), "%s", text);
	for (int i = 0; i < MST_NUM_PUSH_CAUSES; i++)
		cr_expect(mst_push_cause_word((enum mst_push_cause)i));
}

static struct {
	uint32_t num;
	int64_t due_ms[8];
} heard;

static void on_kick(void *context, int64_t due_ms)
{
	cr_expect_eq(context, &heard);
	heard.due_ms[heard.num++] = due_ms;
}

Test(outbox, kicks_join)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_loop_conf conf = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1, .name = "push"};
	struct mst_kick kick = {.home = kit->loop, .context = &heard, .on_kick = on_kick};
	struct mst_err e;

	cr_assert_eq(mst_loop_new(&kick.push_loop, &conf, &e), 0, "%s", e.text);
	mst_kick(NULL, 5);
	mst_kick(&kick, 500);
	mst_kick(&kick, 400);
	mst_kick(&kick, 300);
	mst_kick(&kick, 600);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(mst_loop_turn(kick.push_loop, 10, &e), 0);
		cr_assert_eq(mst_loop_turn(kit->loop, 10, &e), 0);
	}
	cr_assert_eq(heard.num, 2);
	cr_expect_eq(heard.due_ms[0], 500);
	cr_expect_eq(heard.due_ms[1], 300, "the earliest of those that joined");
	cr_expect_not(kick.is_out);
	mst_kick(&kick, 7);
	cr_assert_eq(mst_loop_turn(kick.push_loop, 10, &e), 0);
	cr_expect_eq(heard.due_ms[2], 7);
	cr_assert_eq(mst_loop_turn(kit->loop, 10, &e), 0);
	mst_loop_free(&kick.push_loop);
	kit_free(kit);
}
