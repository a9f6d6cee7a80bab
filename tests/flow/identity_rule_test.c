/* SPDX-License-Identifier: Apache-2.0 */
/* One identity for each pair of owner and enrolment setting, whoever asks, whatever happens meanwhile. */
#include <stdlib.h>

#include "identity_kit.h"
#include "muster/cert.h"
#include "muster/clock.h"
#include "muster/p12.h"
#include "muster/text.h"

#define LOCAL(more) "{\"name\":\"id\",\"type\":\"local\",\"fields\":{\"authority\":\"devices\",\"common_name\":\"$DEVICE_SN$\"" more "}}"

Test(identity_rule, once)
{
	struct identity_kit kit;
	struct asked one = {.is_told = false}, two = {.is_told = false};

	identity_begin(&kit);
	identity_device(&kit, 1, NULL);
	identity_put(&kit, "/v1/enrollments/id", LOCAL(",\"subject\":\"OU=Sales,O=Ex\\\\, Inc\",\"sans\":[{\"key\":\"upn\",\"value\":\"$EMAIL$\"},"
						       "{\"key\":\"rfc822\",\"value\":\"$EMAIL$\"},{\"key\":\"dn\",\"value\":\"CN=a,C=DE\"},"
						       "{\"key\":\"dns\",\"value\":\"$DEVICE_SN$.example.com\"}]"));
	identity_get(&kit, &one, "id", 1);
	cr_assert_eq(one.ask.rc, 1, "%s", one.ask.err.text);
	cr_expect(one.ask.form == MST_IDENTITY_FILE && one.ask.held.num_made == 1 && one.ask.held.key.len);
	identity_get(&kit, &two, "id", 1);
	cr_assert_eq(two.ask.rc, 1, "%s", two.ask.err.text);
	cr_expect(mst_slice_eq(one.ask.held.cert, two.ask.held.cert) && two.ask.held.num_made == 1);
	cr_expect_eq(identity_live(&kit, "d1"), 1);
	struct mst_slice p12, password;
	struct mst_p12_identity identity;
	struct mst_p12 *read = mst_arena_get(&two.arena, sizeof *read);
	struct mst_err e;
	cr_assert_eq(mst_identity_pack(&p12, &password, &two.arena, &two.ask.held, MST_S("id"), &e), 0, "%s", e.text);
	cr_assert_eq(mst_p12_read(read, &two.arena, p12, password, 0, &e), 0, "%s", e.text);
	cr_assert_eq(mst_p12_identity(&identity, read, &e), 0, "%s", e.text);
	cr_expect(identity.num_chain == 1 && mst_slice_eq(identity.cert, one.ask.held.cert));
	identity_done(&one);
	identity_done(&two);
	identity_end(&kit);
}

static void deliver(struct identity_kit *kit, bool stores_keys)
{
	struct mst_held held;
	struct mst_batch b;

	cr_assert(identity_held(kit, &held, "id", 1));
	mst_batch_init(&b, &kit->rig->arena, NULL, NULL);
	mst_identity_delivered(&b, &held, stores_keys, kit->rig->seal, mst_clock_wall_ms());
	cr_assert_eq(mst_store_commit_here(kit->rig->app.store, &b), 0, "%s", b.err.text);
}

Test(identity_rule, changes)
{
	struct asked one = {.is_told = false};
	struct identity_kit kit;
	struct mst_held held;

	identity_begin(&kit);
	identity_device(&kit, 1, NULL);
	identity_put(&kit, "/v1/enrollments/id", LOCAL(""));
	identity_get(&kit, &one, "id", 1);
	/* What the certificate does not say changes nothing. */
	identity_put(&kit, "/v1/enrollments/id", "{\"fields\":{\"description\":\"other\",\"renew_days\":30}}");
	identity_get(&kit, &one, "id", 1);
	cr_expect_eq(one.ask.held.num_made, 1);
	deliver(&kit, false);
	deliver(&kit, false);
	cr_assert(identity_held(&kit, &held, "id", 1));
	cr_expect(held.state == MST_HELD_DELIVERED && held.key.len == 0 && held.sealed.len == 0);
	/* The device has it: a client needs no key, a profile does. */
	identity_get(&kit, &one, "id", 1);
	cr_expect(one.ask.rc == 1 && one.ask.held.num_made == 1 && one.ask.held.key.len == 0);
	one.ask.needs_key = true;
	identity_get(&kit, &one, "id", 1);
	cr_expect(one.ask.rc == 1 && one.ask.held.num_made == 2 && one.ask.held.key.len, "%u", one.ask.held.num_made);
	deliver(&kit, true);
	identity_get(&kit, &one, "id", 1);
	cr_expect(one.ask.held.num_made == 2 && one.ask.held.key.len);
	/* What it says does, and the one before is revoked. */
	identity_put(&kit, "/v1/enrollments/id", "{\"fields\":{\"common_name\":\"$DEVICE_SN$-x\"}}");
	identity_get(&kit, &one, "id", 1);
	cr_expect_eq(one.ask.held.num_made, 3);
	identity_settle(&kit);
	cr_expect_eq(identity_live(&kit, "d1"), 1, "%u", identity_live(&kit, "d1"));
	identity_put(&kit, "/v1/enrollments/id", "{\"fields\":{\"common_name\":\"$DEVICE_SN$-$RANDOM_16$\"}}");
	identity_get(&kit, &one, "id", 1);
	identity_get(&kit, &one, "id", 1);
	cr_expect_eq(one.ask.held.num_made, 4, "what is drawn anew each time is kept");
	identity_done(&one);
	identity_end(&kit);
}

Test(identity_rule, empty_variable)
{
	struct asked one = {.is_told = false};
	struct identity_kit kit;
	struct mst_held held;
	struct answer a;

	identity_begin(&kit);
	identity_device(&kit, 1, NULL);
	identity_put(&kit, "/v1/enrollments/id", LOCAL(",\"sans\":[{\"key\":\"upn\",\"value\":\"$USER_UPN$\"}]"));
	identity_get(&kit, &one, "id", 1);
	cr_expect(one.ask.rc == -1 && strstr(one.ask.err.text, "sans") && strstr(one.ask.err.text, "$USER_UPN$"), "%s", one.ask.err.text);
	cr_assert(identity_held(&kit, &held, "id", 1));
	cr_expect(held.state == MST_HELD_FAILED && held.due_ms > mst_clock_wall_ms() && held.num_made == 0);
	a = rig_get(kit.rig, "/v1/audit");
	cr_expect(strstr(a.body, "identity failed") && strstr(a.body, "$USER_UPN$"), "%s", a.body);
	identity_put(&kit, "/v1/users/u1", "{\"fields\":{\"upn\":\"u1@corp\"}}");
	identity_get(&kit, &one, "id", 1);
	cr_expect(one.ask.rc == 1 && one.ask.held.num_made == 1, "%s", one.ask.err.text);
	identity_done(&one);
	identity_end(&kit);
}

Test(identity_rule, users)
{
	struct asked one = {.is_told = false}, two = {.is_told = false};
	struct identity_kit kit;

	identity_begin(&kit);
	identity_device(&kit, 1, NULL);
	identity_put(&kit, "/v1/enrollments/id", "{\"name\":\"id\",\"type\":\"local\",\"fields\":{\"authority\":\"devices\",\"common_name\":\"$USERID$\","
						 "\"is_user_certificate\":true}}");
	identity_get(&kit, &one, "id", 1);
	one.detail.id.device[0] ^= 1; /* another device of the same user */
	identity_get(&kit, &two, "id", 1);
	cr_expect(one.ask.held.is_user && mst_slice_eq(one.ask.held.cert, two.ask.held.cert) && two.ask.held.key.len);
	cr_expect_eq(identity_live(&kit, "u1"), 1);
	identity_put(&kit, "/v1/enrollments/id", "{\"fields\":{\"common_name\":\"$DEVICE_SN$\"}}");
	identity_get(&kit, &two, "id", 1);
	cr_expect(two.ask.rc == -1 && strstr(two.ask.err.text, "DEVICE_SN"), "a user's certificate names no device: %s", two.ask.err.text);
	identity_done(&one);
	identity_done(&two);
	identity_end(&kit);
}

static uint64_t seed = 7;

static uint32_t draw(uint32_t most)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed % most);
}

#define DEVICES 6
#define ASKERS  12

/* Random asks from several at once, changes, deliveries, a store that fails, and restarts in the middle. */
Test(identity_rule, random, .timeout = 200)
{
	struct asked *askers = calloc(ASKERS, sizeof *askers);
	struct identity_kit kit;
	struct mst_held held;
	uint32_t version = 0;

	seed = getenv("MUSTER_SEED") ? strtoull(getenv("MUSTER_SEED"), NULL, 10) : 7;
	identity_begin(&kit);
	for (uint32_t i = 0; i < DEVICES; i++)
		identity_device(&kit, i, "all");
	identity_put(&kit, "/v1/enrollments/id", LOCAL(""));
	for (int round = 0; round < 40; round++) {
		uint32_t num = 1 + draw(ASKERS);
		uint8_t enrollment[16], label[16];
		if (draw(8) == 0)
			identity_put(&kit, "/v1/enrollments/id",
				     rig_text(kit.rig, "{\"fields\":{\"common_name\":\"$DEVICE_SN$-%u\"}}", ++version));
		if (draw(6) == 0) {
			mst_object_id(enrollment, MST_NOUN_ENROLLMENT, MST_S("id"));
			mst_object_id(label, MST_NOUN_LABEL, MST_S("all"));
			mst_keeper_early(kit.keeper, enrollment, label);
		}
		for (uint32_t i = 0; i < num; i++)
			askers[i].is_told = !identity_ask(&kit, &askers[i], "id", draw(DEVICES));
		if (draw(5) == 0) {
			mst_store_break(kit.rig->app.store, true);
			identity_turn(&kit, 1 + draw(10));
			mst_store_break(kit.rig->app.store, false);
		}
		if (draw(7) == 0)
			(void)identity_post(&kit, rig_text(kit.rig, "/v1/identities/d%u/id/%s", draw(DEVICES), draw(2) ? "remove" : "reenroll"), "");
		for (uint32_t i = 0; i < num; i++)
			identity_wait(&kit, &askers[i]);
		if (draw(6) == 0)
			identity_restart(&kit);
	}
	identity_restart(&kit);
	identity_settle(&kit);
	for (uint32_t i = 0; i < DEVICES; i++)
		identity_get(&kit, &askers[0], "id", i);
	identity_settle(&kit);
	for (uint32_t i = 0; i < DEVICES; i++) {
		cr_assert(identity_held(&kit, &held, "id", i));
		cr_expect_eq(held.older_cert.len, 0);
		cr_expect_eq(identity_live(&kit, rig_text(kit.rig, "d%u", i)), 1, "device %u has %u", i,
			     identity_live(&kit, rig_text(kit.rig, "d%u", i)));
		cr_expect(held.num_made >= 1 && held.num_made <= 60);
	}
	cr_expect_eq(identity_live(&kit, NULL), DEVICES);
	for (int i = 0; i < ASKERS; i++)
		identity_done(&askers[i]);
	identity_end(&kit);
	free(askers);
}

/* Quiet: only asks, from many at once: made exactly once each. */
Test(identity_rule, exactly_once)
{
	struct asked *askers = calloc(ASKERS * 2, sizeof *askers);
	struct identity_kit kit;
	struct mst_held held;

	identity_begin(&kit);
	for (uint32_t i = 0; i < DEVICES; i++)
		identity_device(&kit, i, "all");
	identity_put(&kit, "/v1/enrollments/id", LOCAL(""));
	for (int round = 0; round < 10; round++) {
		for (uint32_t i = 0; i < ASKERS * 2; i++)
			askers[i].is_told = !identity_ask(&kit, &askers[i], "id", draw(DEVICES));
		for (uint32_t i = 0; i < ASKERS * 2; i++)
			identity_wait(&kit, &askers[i]);
	}
	for (uint32_t i = 0; i < DEVICES; i++) {
		identity_get(&kit, &askers[0], "id", i);
		cr_assert(identity_held(&kit, &held, "id", i));
		cr_expect_eq(held.num_made, 1, "device %u: %u", i, held.num_made);
	}
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_CERT), DEVICES);
	for (int i = 0; i < ASKERS * 2; i++)
		identity_done(&askers[i]);
	identity_end(&kit);
	free(askers);
}
