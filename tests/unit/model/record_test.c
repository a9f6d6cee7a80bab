/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "kit.h"
#include "muster/device.h"
#include "muster/pack.h"

static const struct mst_slice udid = MST_S_INIT("00008030-001E"), user = MST_S_INIT("jane");

/* A read with a function of its own: what the plans of these tests are. */
struct look {
	struct mst_read r;
	struct mst_id id;
	const struct mst_seal *seal;
	struct mst_device device;
	struct mst_channel channel, channels[4];
	struct mst_binding binding;
	struct mst_history history[8];
	uint32_t num;
	int found;
};

static int look_up(struct kit *kit, struct look *look, int (*plan)(struct mst_read *r))
{
	look->r = (struct mst_read){.arena = &kit->arena, .plan = plan};
	cr_assert_eq(mst_store_read_here(kit->store, &look->r), 0, "%s", look->r.err.text);
	return look->found;
}

static int device_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_device_get(r, &look->device, &look->id);
	return look->found < 0 ? -1 : 0;
}

static int commit(struct kit *kit, struct mst_batch *b)
{
	(void)!mst_store_commit_here(kit->store, b);
	return b->rc == 0 ? 0 : (int)b->err.code;
}

static int put_device(struct kit *kit, const struct mst_device *d)
{
	struct mst_batch b;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_device_put(&b, d);
	return commit(kit, &b);
}

Test(record, device)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_device d = {.text = udid, .is_user_enrollment = true, .state = MST_DEVICE_CHECKED_OUT, .epoch = 3,
			       .num_token_updates = 300, .sha256 = {1}, .ca = {2}, .subject = {3},
			       .topic = MST_S("topic"), .serial = MST_S("serial"), .os_version = MST_S("18.1"),
			       .build = MST_S("22B"), .product = MST_S("iPhone17,1"), .model = MST_S("MYW"),
			       .model_name = MST_S("iPhone"), .device_name = MST_S("Ann's iPhone"),
			       .imei = MST_S("35"), .meid = MST_S("99"), .enrolled_ms = 1700000000000, .updated_ms = -1};
	struct look look = {.num = 0};

	mst_id_make(&look.id, udid, MST_S(""));
	d.id = look.id;
	cr_assert_eq(look_up(kit, &look, device_plan), 0);
	cr_assert_eq(put_device(kit, &d), 0);
	cr_expect_eq(put_device(kit, &d), MST_E_CONFLICT, "a new device is new once");
	cr_assert_eq(look_up(kit, &look, device_plan), 1);

	const struct mst_device *got = &look.device;
	cr_expect_arr_eq(&got->id, &d.id, sizeof d.id);
	cr_expect(mst_slice_eq(got->text, d.text) && mst_slice_eq(got->topic, d.topic));
	cr_expect(mst_slice_eq(got->serial, d.serial) && mst_slice_eq(got->os_version, d.os_version));
	cr_expect(mst_slice_eq(got->build, d.build) && mst_slice_eq(got->product, d.product));
	cr_expect(mst_slice_eq(got->model, d.model) && mst_slice_eq(got->model_name, d.model_name));
	cr_expect(mst_slice_eq(got->device_name, d.device_name) && mst_slice_eq(got->imei, d.imei));
	cr_expect(mst_slice_eq(got->meid, d.meid) && got->is_user_enrollment);
	cr_expect_eq(got->state, d.state);
	cr_expect_eq(got->epoch, 3);
	cr_expect_eq(got->num_token_updates, 300);
	cr_expect_eq(got->enrolled_ms, d.enrolled_ms);
	cr_expect_eq(got->updated_ms, -1);
	cr_expect_arr_eq(got->sha256, d.sha256, 32);
	cr_expect_arr_eq(got->ca, d.ca, 32);
	cr_expect_arr_eq(got->subject, d.subject, 32);

	struct mst_device first = *got, second = *got;
	first.epoch++;
	second.epoch += 5;
	cr_expect_eq(put_device(kit, &first), 0);
	cr_expect_eq(put_device(kit, &second), MST_E_CONFLICT, "changed meanwhile");
	cr_assert_eq(look_up(kit, &look, device_plan), 1);
	cr_expect_eq(look.device.epoch, 4);
	kit_free(kit);
}

static int binding_plan(struct mst_read *r)
{
	static const uint8_t sha256[32] = {9, 9};
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_binding_get(r, &look->binding, sha256);
	return look->found < 0 ? -1 : 0;
}

Test(record, binding)
{
	static const uint8_t sha256[32] = {9, 9};
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_binding binding = {.text = udid, .not_before = 5, .not_after = 6, .bound_ms = 7};
	struct look look = {.num = 0};
	struct mst_batch b;

	mst_id_make(&binding.id, udid, MST_S(""));
	cr_expect_eq(look_up(kit, &look, binding_plan), 0);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_binding_put(&b, &binding, sha256);
	cr_expect_eq(commit(kit, &b), 0);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_binding_put(&b, &binding, sha256);
	cr_expect_eq(commit(kit, &b), MST_E_CONFLICT);
	cr_assert_eq(look_up(kit, &look, binding_plan), 1);
	cr_expect_arr_eq(&look.binding.id, &binding.id, sizeof binding.id);
	cr_expect(mst_slice_eq(look.binding.text, udid));
	cr_expect_eq(look.binding.not_before, 5);
	cr_expect_eq(look.binding.not_after, 6);
	cr_expect_eq(look.binding.bound_ms, 7);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_binding_put(&b, &look.binding, sha256); /* as read: may be written again */
	cr_expect_eq(commit(kit, &b), 0);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_binding_drop(&b, sha256);
	cr_expect_eq(commit(kit, &b), 0);
	cr_expect_eq(look_up(kit, &look, binding_plan), 0);
	kit_free(kit);
}

static int channel_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_channel_get(r, &look->channel, &look->id, look->seal);
	return look->found < 0 ? -1 : 0;
}

static int channels_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};
	int rc;

	look->num = 0;
	while ((rc = mst_channel_next(&w, r, &look->channels[look->num], &look->id, look->seal)) == 1)
		look->num++;
	mst_walk_done(&w);
	return rc;
}

static void put_channel(struct kit *kit, const struct mst_channel *c, const struct mst_seal *seal)
{
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, &kit->arena, NULL, NULL);
	cr_assert_eq(mst_channel_put(&b, c, seal, &e), 0, "%s", e.text);
	cr_assert_eq(commit(kit, &b), 0, "%s", b.err.text);
}

Test(record, channel)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	char path[128];
	struct mst_seal *seal;
	struct mst_err e;
	struct look look = {.num = 0};

	snprintf(path, sizeof path, "%s/master.key", kit->path);
	cr_assert_eq(mst_seal_init(path, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seal_load(&seal, path, &e), 0, "%s", e.text);
	struct mst_channel device = {.kind = MST_CHANNEL_DEVICE, .is_enabled = true, .epoch = 2, .topic = MST_S("t"),
				     .token = MST_S("token-secret"), .magic = MST_S("magic-secret"),
				     .unlock_token = MST_S("unlock-secret"), .bootstrap_token = MST_S("bootstrap-secret"),
				     .updated_ms = 5};
	struct mst_channel person = {.kind = MST_CHANNEL_USER, .user = user, .short_name = MST_S("j"),
				     .long_name = MST_S("Jane"), .num_token_updates = 4,
				     .is_awaiting_configuration = true};
	mst_id_make(&device.id, udid, MST_S(""));
	mst_id_make(&person.id, udid, user);
	struct mst_channel other = device;
	mst_id_make(&other.id, MST_S("another"), MST_S(""));
	put_channel(kit, &device, seal);
	put_channel(kit, &person, seal);
	put_channel(kit, &other, seal);

	look.seal = seal;
	look.id = device.id;
	cr_assert_eq(look_up(kit, &look, channel_plan), 1);
	cr_expect(mst_slice_eq(look.channel.token, device.token) && mst_slice_eq(look.channel.magic, device.magic));
	cr_expect(mst_slice_eq(look.channel.unlock_token, device.unlock_token) && look.channel.is_enabled);
	cr_expect(mst_slice_eq(look.channel.bootstrap_token, device.bootstrap_token));
	cr_expect_eq(look.channel.epoch, 2);
	cr_expect_null(memmem(look.channel.raw.at, look.channel.raw.len, "secret", 6), "secrets are sealed");
	look_up(kit, &look, channels_plan);
	cr_assert_eq(look.num, 2, "only this device's");
	cr_expect(mst_slice_eq(look.channels[1].user, user) && mst_slice_eq(look.channels[1].long_name, person.long_name));
	cr_expect(look.channels[1].is_awaiting_configuration && !look.channels[1].is_enabled);
	cr_expect_eq(look.channels[1].kind, MST_CHANNEL_USER);
	cr_expect_eq(look.channels[1].num_token_updates, 4);
	cr_expect_eq(look.channels[1].token.len, 0);

	/* Without the seal: what is not secret. */
	look.seal = NULL;
	cr_assert_eq(look_up(kit, &look, channel_plan), 1);
	cr_expect(look.channel.is_enabled && look.channel.epoch == 2 && look.channel.token.len == 0);
	look.seal = seal;

	/* A sealed token moved to another record does not open there. */
	struct mst_batch b;
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_batch_put(&b, MST_SPACE_CHANNEL, mst_id_key(&person.id), look.channel.raw);
	cr_assert_eq(commit(kit, &b), 0);
	look.id = person.id;
	look.r = (struct mst_read){.arena = &kit->arena, .plan = channel_plan};
	cr_expect_eq(mst_store_read_here(kit->store, &look.r), -1);
	mst_seal_free(&seal);
	unlink(path);
	kit_free(kit);
}

/* A channel as it was written before bootstrap tokens were kept. */
static struct mst_slice older_channel(struct kit *kit, const struct mst_id *id, const struct mst_seal *seal)
{
	struct mst_slice plain, sealed, value;
	struct mst_pack p;

	mst_pack_begin(&p, &kit->arena, 1);
	mst_pack_bytes(&p, MST_S("token"));
	mst_pack_bytes(&p, MST_S("magic"));
	mst_pack_bytes(&p, MST_S("unlock"));
	cr_assert_eq(mst_pack_end(&p, &plain, NULL), 0);
	cr_assert_eq(mst_seal_close(&sealed, &kit->arena, seal, mst_id_key(id), plain, NULL), 0);
	mst_pack_begin(&p, &kit->arena, 1);
	mst_pack_u64(&p, MST_CHANNEL_DEVICE);
	mst_pack_bool(&p, true);
	mst_pack_bool(&p, false);
	mst_pack_u64(&p, 3);
	mst_pack_u64(&p, 4);
	mst_pack_i64(&p, 5);
	for (int i = 0; i < 4; i++)
		mst_pack_bytes(&p, MST_S("t"));
	mst_pack_bytes(&p, sealed);
	cr_assert_eq(mst_pack_end(&p, &value, NULL), 0);
	return value;
}

Test(record, channel_of_before)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	char path[128];
	struct mst_seal *seal;
	struct look look = {.num = 0};
	struct mst_batch b;

	snprintf(path, sizeof path, "%s/master.key", kit->path);
	cr_assert(mst_seal_init(path, NULL) == 0 && mst_seal_load(&seal, path, NULL) == 0);
	mst_id_make(&look.id, udid, MST_S(""));
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	mst_batch_put(&b, MST_SPACE_CHANNEL, mst_id_key(&look.id), older_channel(kit, &look.id, seal));
	cr_assert_eq(commit(kit, &b), 0);
	look.seal = seal;
	cr_assert_eq(look_up(kit, &look, channel_plan), 1);
	cr_expect(mst_slice_eq(look.channel.token, MST_S("token")) && mst_slice_eq(look.channel.unlock_token, MST_S("unlock")));
	cr_expect_eq(look.channel.bootstrap_token.len, 0);
	mst_seal_free(&seal);
	unlink(path);
	kit_free(kit);
}

static int history_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};
	int rc;

	look->num = 0;
	while ((rc = mst_history_next(&w, r, &look->history[look->num], &look->id)) == 1)
		look->num++;
	mst_walk_done(&w);
	return rc;
}

Test(record, history)
{
	static const struct {
		int64_t at_ms;
		enum mst_event event;
		const char *detail;
	} rows[] = {{100, MST_EVENT_QUEUED, "second"}, {100, MST_EVENT_ANSWERED, "third"}, {50, MST_EVENT_REBOUND, "first"}};
	static const char *const want[] = {"first", "second", "third"};
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct look look = {.num = 0};
	struct mst_batch b;

	mst_id_make(&look.id, udid, user);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	for (size_t i = 0; i < MST_LEN(rows); i++)
		mst_history_add(&b, &look.id, &(struct mst_history){.at_ms = rows[i].at_ms, .event = rows[i].event,
								    .who = MST_S("me"),
								    .detail = mst_slice_str(rows[i].detail)});
	struct mst_id other;
	mst_id_make(&other, MST_S("other"), MST_S(""));
	mst_history_add(&b, &other, &(struct mst_history){.at_ms = 75, .detail = MST_S("not ours")});
	cr_assert_eq(commit(kit, &b), 0);
	look_up(kit, &look, history_plan);
	cr_assert_eq(look.num, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_expect(mst_slice_eq(look.history[i].detail, mst_slice_str(want[i])), "%zu", i);
		cr_expect_arr_eq(&look.history[i].id, &look.id, sizeof look.id);
	}
	cr_expect_eq(look.history[0].at_ms, 50);
	cr_expect_eq(look.history[0].event, MST_EVENT_REBOUND);
	cr_expect(mst_slice_eq(look.history[1].who, MST_S("me")));
	kit_free(kit);
}

Test(record, words)
{
	enum mst_device_state state;

	for (size_t i = 0; i < MST_NUM_DEVICE_STATES; i++) {
		const char *word = mst_device_state_word((enum mst_device_state)i);
		cr_assert_eq(mst_device_state_from(&state, mst_slice_str(word), NULL), 0);
		cr_expect_eq(state, i);
	}
	cr_expect_eq(mst_device_state_from(&state, MST_S("enrolle"), NULL), -1);
	for (size_t i = 0; i < MST_NUM_CHANNEL_KINDS; i++)
		cr_expect_not_null(mst_channel_kind_word((enum mst_channel_kind)i));
	for (size_t i = 0; i < MST_NUM_EVENTS; i++)
		cr_expect_not_null(mst_event_word((enum mst_event)i));
}
