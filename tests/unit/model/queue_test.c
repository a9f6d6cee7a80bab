/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "kit.h"
#include "muster/queue.h"

#define NEVER_SKIP INT64_MAX

struct look {
	struct mst_read r;
	struct mst_id id;
	struct mst_slice want, uuid, plist;
	uint32_t epoch, num, most;
	int64_t now_ms, skip_since_ms;
	struct mst_command command;
	struct mst_result result;
	char list[256];
	int found;
};

static int run(struct kit *kit, struct look *look, int (*plan)(struct mst_read *r))
{
	look->r = (struct mst_read){.arena = &kit->arena, .plan = plan};
	cr_assert_eq(mst_store_read_here(kit->store, &look->r), 0, "%s", look->r.err.text);
	return look->found;
}

static int answer(struct look *look, int rc)
{
	look->found = rc;
	return rc < 0 ? -1 : 0;
}

static int peek_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	return answer(look, mst_queue_peek(r, &look->uuid, &look->plist, &look->id, look->epoch, look->now_ms,
					   look->skip_since_ms));
}
static int command_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	return answer(look, mst_command_get(r, &look->command, &look->id, look->want));
}
static int count_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	return answer(look, mst_queue_count(r, &look->num, &look->id, look->epoch, look->most));
}
static int result_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	return answer(look, mst_result_get(r, &look->result, &look->id, look->want));
}
static int list_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};
	struct mst_command c;
	size_t len = 0;
	int rc;

	look->list[0] = '\0';
	while ((rc = mst_command_next(&w, r, &c, &look->id, look->want)) == 1)
		len += (size_t)snprintf(look->list + len, sizeof look->list - len, "%.*s=%s ", (int)c.uuid.len,
					(const char *)c.uuid.at, mst_command_state_word(c.state));
	mst_walk_done(&w);
	return answer(look, rc);
}

static struct mst_id id_of(const char *text)
{
	struct mst_id id;

	cr_assert_eq(mst_id_from(&id, mst_slice_str(text), NULL), 0);
	return id;
}

static int commit(struct kit *kit, struct mst_batch *b)
{
	(void)!mst_store_commit_here(kit->store, b);
	return b->rc == 0 ? 0 : (int)b->err.code;
}

static int add(struct kit *kit, const char *id, uint32_t epoch, const char *uuid, int64_t now_ms)
{
	struct mst_id to = id_of(id);
	struct mst_batch b;
	struct mst_slice plist;

	cr_assert(mst_arena_format(&kit->arena, &plist, "<plist>%s</plist>", uuid));
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_queue_add(&b, &to, epoch, mst_slice_str(uuid), MST_S("DeviceInformation"), plist, now_ms);
	return commit(kit, &b);
}

static struct mst_command get(struct kit *kit, const char *id, const char *uuid)
{
	struct look look = {.id = id_of(id), .want = mst_slice_str(uuid)};

	cr_assert_eq(run(kit, &look, command_plan), 1, "%s", uuid);
	return look.command;
}

static int end(struct kit *kit, const struct mst_command *c, enum mst_command_state state, int64_t now_ms)
{
	struct mst_batch b;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_queue_end(&b, c, state, now_ms);
	return commit(kit, &b);
}

static int not_now(struct kit *kit, const char *id, const char *uuid, int64_t now_ms)
{
	struct mst_command c = get(kit, id, uuid);
	struct mst_batch b;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_queue_not_now(&b, &c, now_ms);
	return commit(kit, &b);
}

static const char *peek(struct kit *kit, const char *id, uint32_t epoch, int64_t now_ms, int64_t skip_since_ms)
{
	struct look look = {.id = id_of(id), .epoch = epoch, .now_ms = now_ms, .skip_since_ms = skip_since_ms};
	struct mst_slice plist;

	if (run(kit, &look, peek_plan) != 1)
		return "";
	cr_assert(mst_arena_format(&kit->arena, &plist, "<plist>%.*s</plist>", (int)look.uuid.len,
				   (const char *)look.uuid.at));
	cr_expect(mst_slice_eq(plist, look.plist));
	cr_assert(mst_arena_copy(&kit->arena, &look.uuid, look.uuid)); /* terminated */
	return (const char *)look.uuid.at;
}

static uint32_t count(struct kit *kit, const char *id, uint32_t epoch, uint32_t most)
{
	struct look look = {.id = id_of(id), .epoch = epoch, .most = most};

	run(kit, &look, count_plan);
	return look.num;
}

/* Before the rows: D has a (ready 10), b and c (20), z (ready 1000) in epoch 1, x in epoch 2; b said NotNow at 50, c at 70. */
static const struct {
	const char *name, *id;
	uint32_t epoch;
	int64_t now_ms, skip_since_ms;
	const char *want;
} peeks[] = {
	{"oldest", "D", 1, 100, NEVER_SKIP, "a"},
	{"oldest, skipping", "D", 1, 100, 0, "a"},
	{"nothing is ready yet", "D", 1, 9, NEVER_SKIP, ""},
	{"ready at this very moment", "D", 1, 10, NEVER_SKIP, "a"},
	{"another epoch", "D", 2, 100, NEVER_SKIP, "x"},
	{"an epoch without commands", "D", 3, 100, NEVER_SKIP, ""},
	{"an earlier epoch", "D", 0, 100, NEVER_SKIP, ""},
	{"user channel", "D:u", 1, 100, NEVER_SKIP, "u"},
	{"another device", "E", 1, 100, NEVER_SKIP, ""},
	{"unknown device", "F", 1, 100, 0, ""},
};
/* The same after a was answered. */
static const struct {
	const char *name;
	int64_t now_ms, skip_since_ms;
	const char *want;
} skips[] = {
	{"Idle offers NotNow again", 100, NEVER_SKIP, "b"},
	{"skips all that ever said NotNow", 100, 0, ""},
	{"skips all, sees what comes later", 2000, 0, "z"},
	{"skips those of this session only", 100, 60, "b"},
	{"at the very moment counts as after", 100, 50, ""},
	{"session began later", 100, 71, "b"},
};

Test(queue, order_epoch_not_now)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});

	cr_assert_eq(add(kit, "D", 1, "z", 1000), 0);
	cr_assert_eq(add(kit, "D", 1, "b", 20), 0);
	cr_assert_eq(add(kit, "D", 1, "c", 20), 0);
	cr_assert_eq(add(kit, "D", 1, "a", 10), 0);
	cr_assert_eq(add(kit, "D", 2, "x", 20), 0);
	cr_assert_eq(add(kit, "D:u", 1, "u", 20), 0);
	cr_assert_eq(not_now(kit, "D", "b", 50), 0);
	cr_assert_eq(not_now(kit, "D", "c", 60), 0);
	cr_assert_eq(not_now(kit, "D", "c", 70), 0);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < MST_LEN(peeks); i++)
			cr_expect_str_eq(peek(kit, peeks[i].id, peeks[i].epoch, peeks[i].now_ms, peeks[i].skip_since_ms),
					 peeks[i].want, "%s", peeks[i].name);
		kit_reopen(kit);
	}
	cr_expect_eq(count(kit, "D", 1, 100), 4);
	cr_expect_eq(count(kit, "D", 1, 2), 2);
	cr_expect_eq(count(kit, "D", 3, 100), 0);

	struct mst_command a = get(kit, "D", "a");
	cr_assert_eq(end(kit, &a, MST_COMMAND_ACKNOWLEDGED, 80), 0);
	for (size_t i = 0; i < MST_LEN(skips); i++)
		cr_expect_str_eq(peek(kit, "D", 1, skips[i].now_ms, skips[i].skip_since_ms), skips[i].want, "%s",
				 skips[i].name);
	cr_expect_eq(count(kit, "D", 1, 100), 3);
	kit_free(kit);
}

Test(queue, life_of_a_command)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_command c;

	cr_assert_eq(add(kit, "D", 1, "a", 10), 0);
	cr_expect_eq(add(kit, "D", 1, "a", 11), MST_E_CONFLICT, "a uuid is used once");
	cr_expect_eq(add(kit, "D", 2, "a", 11), MST_E_CONFLICT, "in any epoch");
	cr_expect_eq(add(kit, "D:u", 1, "a", 11), 0, "but by each channel");
	c = get(kit, "D", "a");
	cr_expect_eq(c.state, MST_COMMAND_QUEUED);
	cr_expect_eq(c.queued_ms, 10);
	cr_expect_eq(c.epoch, 1);
	cr_expect(mst_slice_eq(c.uuid, MST_S("a")) && mst_slice_eq(c.request_type, MST_S("DeviceInformation")));
	cr_assert_eq(not_now(kit, "D", "a", 20), 0);
	cr_expect_eq(end(kit, &c, MST_COMMAND_ACKNOWLEDGED, 30), MST_E_CONFLICT, "read before NotNow");
	cr_assert_eq(not_now(kit, "D", "a", 25), 0);
	c = get(kit, "D", "a");
	cr_expect_eq(c.state, MST_COMMAND_NOT_NOW);
	cr_expect_eq(c.num_not_now, 2);
	cr_expect_eq(c.not_now_ms, 25);
	cr_assert_eq(end(kit, &c, MST_COMMAND_ERROR, 30), 0);
	cr_expect_eq(end(kit, &c, MST_COMMAND_CANCELLED, 31), MST_E_CONFLICT, "ended once");
	cr_expect_str_eq(peek(kit, "D", 1, 100, NEVER_SKIP), "");
	c = get(kit, "D", "a");
	cr_expect_eq(c.state, MST_COMMAND_ERROR);
	cr_expect_eq(c.changed_ms, 30);
	cr_expect_eq(add(kit, "D", 1, "a", 40), MST_E_CONFLICT, "also when it is over");
	cr_expect_eq(end(kit, &c, MST_COMMAND_ACKNOWLEDGED, 41), 0, "a later word of the device may be recorded");
	cr_expect_eq(count(kit, "D", 1, 10), 0);

	cr_assert_eq(add(kit, "D", 1, "b", 50), 0);
	c = get(kit, "D", "b");
	cr_assert_eq(end(kit, &c, MST_COMMAND_CANCELLED, 60), 0);
	cr_expect_str_eq(peek(kit, "D", 1, 100, NEVER_SKIP), "");
	kit_reopen(kit);
	cr_expect_str_eq(peek(kit, "D", 1, 100, NEVER_SKIP), "");
	cr_expect_str_eq(peek(kit, "D:u", 1, 100, NEVER_SKIP), "a");

	struct look look = {.id = id_of("D"), .want = MST_S("")};
	run(kit, &look, list_plan);
	cr_expect_str_eq(look.list, "a=acknowledged b=cancelled ");
	look.want = MST_S("a");
	run(kit, &look, list_plan);
	cr_expect_str_eq(look.list, "b=cancelled ");
	look.want = MST_S("nobody");
	cr_expect_eq(run(kit, &look, command_plan), 0);
	look.want = MST_S("");
	cr_expect_eq(run(kit, &look, command_plan), 0);
	kit_free(kit);
}

Test(queue, results)
{
	static uint8_t body[300000];
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct look look = {.id = id_of("D"), .want = MST_S("a")};
	struct mst_batch b;

	memset(body, 'x', sizeof body);
	cr_expect_eq(run(kit, &look, result_plan), 0);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_result_put(&b, &look.id, &(struct mst_result){.uuid = look.want, .status = MST_S("Acknowledged"), .at_ms = 7,
							  .body = mst_slice(body, sizeof body)});
	cr_assert_eq(commit(kit, &b), 0);
	kit_reopen(kit);
	cr_assert_eq(run(kit, &look, result_plan), 1);
	cr_expect_eq(look.result.at_ms, 7);
	cr_expect(mst_slice_eq(look.result.status, MST_S("Acknowledged")));
	cr_expect(mst_slice_eq(look.result.uuid, MST_S("a")));
	cr_expect(mst_slice_eq(look.result.body, mst_slice(body, sizeof body)));
	kit_free(kit);
}

Test(queue, large_command)
{
	static uint8_t plist[MST_COMMAND_MAX];
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct look look = {.id = id_of("D"), .epoch = 1, .now_ms = 1, .skip_since_ms = NEVER_SKIP};
	struct mst_batch b;

	memset(plist, 'p', sizeof plist);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_queue_add(&b, &look.id, 1, MST_S("big"), MST_S("InstallProfile"), mst_slice(plist, sizeof plist), 1);
	cr_assert_eq(commit(kit, &b), 0);
	kit_reopen(kit);
	cr_assert_eq(run(kit, &look, peek_plan), 1);
	cr_expect(mst_slice_eq(look.plist, mst_slice(plist, sizeof plist)));
	kit_free(kit);
}

/* Many answered commands leave nothing that "next command" would have to step over for ever. */
Test(queue, after_many_answers, .timeout = 60)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true, .memtable_mib = 16});
	char uuid[32];

	for (uint32_t i = 0; i < 20000; i += 500) {
		struct mst_batch put, drop;
		struct mst_id id = id_of("D");
		mst_batch_init(&put, &kit->arena, NULL, NULL);
		mst_batch_init(&drop, &kit->arena, NULL, NULL);
		for (uint32_t k = i; k < i + 500; k++) {
			snprintf(uuid, sizeof uuid, "%u", k);
			mst_queue_add(&put, &id, 1, mst_slice_str(uuid), MST_S("X"), MST_S("<plist/>"), k);
		}
		cr_assert_eq(commit(kit, &put), 0);
		for (uint32_t k = i; k < i + 500; k++) {
			snprintf(uuid, sizeof uuid, "%u", k);
			struct mst_command c = get(kit, "D", uuid);
			mst_queue_end(&drop, &c, MST_COMMAND_ACKNOWLEDGED, k);
		}
		cr_assert_eq(commit(kit, &drop), 0);
		mst_arena_done(&kit->arena);
	}
	cr_expect_str_eq(peek(kit, "D", 1, INT64_MAX, NEVER_SKIP), "");
	cr_assert_eq(add(kit, "D", 1, "last", 5), 0);
	cr_expect_str_eq(peek(kit, "D", 1, INT64_MAX, NEVER_SKIP), "last");
	cr_expect_eq(count(kit, "D", 1, 10), 1);
	kit_free(kit);
}
