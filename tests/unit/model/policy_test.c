/* SPDX-License-Identifier: Apache-2.0 */
/* The records of what devices should have: details, memberships, identities held, deliveries. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit.h"
#include "muster/crypt.h"
#include "muster/delivery.h"
#include "muster/held.h"

/* A read whose plan is a function of the test. */
struct look {
	struct mst_read r;
	struct mst_id id;
	const uint8_t *key[3];
	const struct mst_seal *seal;
	struct mst_detail detail;
	struct mst_member member;
	struct mst_held held;
	struct mst_delivery delivery;
	struct mst_id found_id, ids[8];
	uint32_t num;
	int found;
};

static int look_up(struct kit *kit, struct look *look, int (*plan)(struct mst_read *r))
{
	look->r = (struct mst_read){.arena = &kit->arena, .plan = plan};
	cr_assert_eq(mst_store_read_here(kit->store, &look->r), 0, "%s", look->r.err.text);
	return look->found;
}

static int commit(struct kit *kit, struct mst_batch *b)
{
	(void)!mst_store_commit_here(kit->store, b);
	return b->rc == 0 ? 0 : (int)b->err.code;
}

static int detail_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_detail_get(r, &look->detail, &look->id);
	return look->found < 0 ? -1 : 0;
}

static int eid_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_detail_by_eid(r, &look->found_id, MST_S("tenant"), MST_S("app"), MST_S("eid-1"));
	return look->found < 0 ? -1 : 0;
}

static struct mst_detail detail_of(const char *name)
{
	struct mst_detail d = {.text = mst_slice_str(name), .user = MST_S("jane"), .platform = MST_S("android"),
			       .tenant = MST_S("tenant"), .managing_app = MST_S("app"), .enrollment_id = MST_S("eid-1"),
			       .mode = MST_MODE_WORK_PROFILE, .has_client = true, .client_key_sha256 = {7}, .registered_ms = 5,
			       .reported_ms = -6, .custom4 = MST_S("four")};

	mst_id_make(&d.id, d.text, MST_S(""));
	return d;
}

static int put_detail(struct kit *kit, const struct mst_detail *d, const struct mst_detail *older)
{
	struct mst_batch b;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_detail_put(&b, d, older);
	return commit(kit, &b);
}

Test(policy, detail)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_detail d = detail_of("one");
	struct look look = {.id = d.id};

	cr_assert_eq(look_up(kit, &look, detail_plan), 0);
	cr_assert_eq(put_detail(kit, &d, NULL), 0);
	cr_expect_eq(put_detail(kit, &d, NULL), MST_E_CONFLICT, "a new one is new once");
	kit_reopen(kit);
	cr_assert_eq(look_up(kit, &look, detail_plan), 1);
	cr_expect(mst_slice_eq(look.detail.user, d.user) && mst_slice_eq(look.detail.custom4, d.custom4));
	cr_expect_eq(look.detail.mode, MST_MODE_WORK_PROFILE);
	cr_expect(look.detail.has_client && !look.detail.is_retired && !look.detail.is_knox);
	cr_expect_eq(look.detail.client_key_sha256[0], 7);
	cr_expect_eq(look.detail.reported_ms, -6);
	kit_free(kit);
}

/* The same enrolment-specific id again: the older device is retired first, then the new one has it. */
Test(policy, enrollment_id_moves)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_detail old = detail_of("old"), next = detail_of("next"), retired;
	struct look look = {.id = old.id};

	cr_assert_eq(put_detail(kit, &old, NULL), 0);
	cr_assert_eq(look_up(kit, &look, eid_plan), 1);
	cr_expect_eq(memcmp(&look.found_id, &old.id, sizeof old.id), 0);
	cr_assert_eq(look_up(kit, &look, detail_plan), 1);
	retired = look.detail;
	retired.is_retired = true;
	cr_assert_eq(put_detail(kit, &retired, &look.detail), 0);
	cr_expect_eq(look_up(kit, &look, eid_plan), 0, "a retired device has no place in the index");
	cr_assert_eq(put_detail(kit, &next, NULL), 0);
	cr_assert_eq(look_up(kit, &look, eid_plan), 1);
	cr_expect_eq(memcmp(&look.found_id, &next.id, sizeof next.id), 0);
	/* Whatever is still written of the retired one leaves the index alone. */
	cr_assert_eq(look_up(kit, &look, detail_plan), 1);
	retired = look.detail;
	retired.reported_ms = 9;
	cr_assert_eq(put_detail(kit, &retired, &look.detail), 0);
	cr_expect_eq(look_up(kit, &look, eid_plan), 1);
	kit_free(kit);
}

static int member_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_member_get(r, &look->member, &look->id);
	return look->found < 0 ? -1 : 0;
}

static int labeled_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};
	int rc;

	look->num = 0;
	while ((rc = mst_labeled_next(&w, r, &look->ids[look->num], look->key[0], mst_slice(NULL, 0))) == 1)
		look->num++;
	mst_walk_done(&w);
	look->found = (int)look->num;
	return rc;
}

Test(policy, member)
{
	static const uint8_t a[16] = {1}, c[16] = {2}, both[2][16] = {{1}, {2}}, only_c[1][16] = {{2}};
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct look look = {.num = 0};
	struct mst_member m, older;
	struct mst_batch b;

	mst_id_make(&look.id, MST_S("device"), MST_S(""));
	cr_assert_eq(look_up(kit, &look, member_plan), 0);
	cr_expect(!mst_member_has(&look.member, a), "without a record there are no labels");
	m = look.member;
	m.version = 1;
	m.dynamics = both;
	m.num_dynamic = 2;
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_member_put(&b, &m, NULL);
	cr_assert_eq(commit(kit, &b), 0);
	cr_assert_eq(look_up(kit, &look, member_plan), 1);
	cr_expect(mst_member_has(&look.member, a) && mst_member_has(&look.member, c));
	look.key[0] = a;
	cr_expect_eq(look_up(kit, &look, labeled_plan), 1);
	/* One label becomes static, the other one goes: the index follows. */
	m = older = look.member;
	m.dynamics = NULL;
	m.num_dynamic = 0;
	m.statics = only_c;
	m.num_static = 1;
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_member_put(&b, &m, &older);
	cr_assert_eq(commit(kit, &b), 0);
	cr_expect_eq(look_up(kit, &look, labeled_plan), 0);
	look.key[0] = c;
	cr_expect_eq(look_up(kit, &look, labeled_plan), 1);
	cr_expect_eq(memcmp(&look.ids[0], &look.id, sizeof look.id), 0);
	kit_free(kit);
}

static int held_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_held_get(r, &look->held, look->key[0], look->key[1], look->key[2], look->seal);
	return look->found < 0 ? -1 : 0;
}

static int put_held(struct kit *kit, const struct mst_held *h, const struct mst_seal *seal)
{
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	cr_assert_eq(mst_held_put(&b, h, seal, &e), 0, "%s", e.text);
	return commit(kit, &b);
}

static struct mst_seal *seal_make(struct kit *kit)
{
	struct mst_seal *seal;
	struct mst_err e;
	char path[96];
	FILE *f;

	snprintf(path, sizeof path, "%s.key", kit->path);
	f = fopen(path, "w");
	cr_assert(f);
	for (int i = 0; i < 64; i++)
		fputc('a', f);
	fclose(f);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(mst_seal_load(&seal, path, &e), 0, "%s", e.text);
	unlink(path);
	return seal;
}

Test(policy, held)
{
	static const uint8_t owner[16] = {1}, enrollment[16] = {2}, none[16];
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_seal *seal = seal_make(kit);
	struct look look = {.key = {owner, enrollment, none}, .seal = seal};
	struct mst_held h = {.owner = {1}, .enrollment = {2}, .state = MST_HELD_READY, .num_made = 1, .cert = MST_S("cert"),
			     .key = MST_S("the private key"), .not_after = 99, .due_ms = -1, .inputs = {5}, .is_early = true};

	cr_assert_eq(put_held(kit, &h, seal), 0);
	cr_expect_eq(put_held(kit, &h, seal), MST_E_CONFLICT, "two makers cannot both win");
	cr_assert_eq(look_up(kit, &look, held_plan), 1);
	cr_expect(mst_slice_eq(look.held.key, MST_S("the private key")));
	cr_expect(!memmem(look.held.raw.at, look.held.raw.len, "private", 7), "sealed at rest");
	cr_expect(look.held.is_early && look.held.state == MST_HELD_READY && look.held.not_after == 99);
	/* A reader that may not open it passes the key on closed. */
	look.seal = NULL;
	cr_assert_eq(look_up(kit, &look, held_plan), 1);
	cr_expect_eq(look.held.key.len, 0);
	look.held.state = MST_HELD_DELIVERED;
	cr_assert_eq(put_held(kit, &look.held, NULL), 0);
	look.seal = seal;
	cr_assert_eq(look_up(kit, &look, held_plan), 1);
	cr_expect(mst_slice_eq(look.held.key, MST_S("the private key")));
	cr_expect_eq(look.held.state, MST_HELD_DELIVERED);
	/* Forgotten is gone. */
	look.held.key = look.held.sealed = mst_slice(NULL, 0);
	cr_assert_eq(put_held(kit, &look.held, seal), 0);
	cr_assert_eq(look_up(kit, &look, held_plan), 1);
	cr_expect_eq(look.held.key.len, 0);
	mst_seal_free(&seal);
	kit_free(kit);
}

static int delivery_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_delivery_get(r, &look->delivery, look->key[0], look->key[1]);
	return look->found < 0 ? -1 : 0;
}

Test(policy, delivery)
{
	static const uint8_t device[16] = {1}, setting[16] = {2};
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct look look = {.key = {device, setting}};
	struct mst_delivery d = {.device = {1}, .setting = {2}, .state = MST_DELIVERY_FAILED, .wanted = 3, .sent = 2, .applied = 1,
				 .content = {9}, .uuid = MST_S("set-1"), .reason = MST_S("because"), .num_failed = 4,
				 .changed_ms = 5, .due_ms = 6};
	struct mst_batch b;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_delivery_put(&b, &d);
	cr_assert_eq(commit(kit, &b), 0);
	cr_assert_eq(look_up(kit, &look, delivery_plan), 1);
	cr_expect(look.delivery.wanted == 3 && look.delivery.sent == 2 && look.delivery.applied == 1);
	cr_expect(mst_slice_eq(look.delivery.reason, d.reason) && look.delivery.num_failed == 4 && look.delivery.due_ms == 6);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_delivery_put(&b, &d);
	cr_expect_eq(commit(kit, &b), MST_E_CONFLICT);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_delivery_drop(&b, &look.delivery);
	cr_assert_eq(commit(kit, &b), 0);
	cr_expect_eq(look_up(kit, &look, delivery_plan), 0);
	kit_free(kit);
}
