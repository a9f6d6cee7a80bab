/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/users/{NAME}/pin: a one-time PIN with which a user registers a device. Shown once, kept as a hash. */
#include "muster/clock.h"
#include "muster/text.h"
#include "objects_own.h"

#define PIN_LEN       10 /* of 32 characters: 50 bits, behind a hash that costs 40 ms a guess */
#define HOURS_DEFAULT 24
#define HOURS_MAX     (24 * 30)
#define HOUR_MS       3600000

static void pin_make(char pin[static PIN_LEN])
{
	static const char letters[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"; /* none that look alike */
	uint8_t random[PIN_LEN];

	mst_random(random, sizeof random);
	for (size_t i = 0; i < PIN_LEN; i++)
		pin[i] = letters[random[i] % 32];
	mst_wipe(random, sizeof random);
}

static int user_plan(struct mst_read *r)
{
	struct object_ask *ask = MST_HOME(r, struct object_ask, read);
	uint8_t id[16];
	int rc;

	mst_object_id(id, MST_NOUN_USER, ask->name);
	rc = mst_object_get(r, &ask->newer, MST_NOUN_USER, id, NULL);
	return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "there is no user of that name") : rc == 1 ? 0 : rc;
}

static int pin_once(struct object_ask *ask, struct mst_err *e)
{
	int64_t now_ms = mst_clock_wall_ms();
	struct mst_batch b;

	if (mst_object_read_here(ask, user_plan, e) < 0)
		return -1;
	if (mst_object_bool(&ask->newer, "is_disabled"))
		return mst_fail(e, MST_E_DENIED, "the user is disabled");
	mst_user_set_pin(&ask->newer, ask->pin_hash, now_ms + ask->from_ms);
	mst_batch_init(&b, &ask->arena, NULL, NULL);
	if (mst_object_put(&b, &ask->newer, ask->app->seal, e) < 0)
		return -1;
	mst_audit_add(&b, &(struct mst_audit){.at_ms = now_ms, .who = ask->who, .action = MST_S("user pin made"), .what = ask->name});
	if (mst_store_commit_here(ask->app->store, &b) == 0)
		return 0;
	*e = b.err;
	return -1;
}

static int pin_work(struct object_ask *ask, struct mst_err *e)
{
	char pin[PIN_LEN];

	pin_make(pin);
	if (mst_password_hash(&ask->pin_hash, &ask->arena, mst_slice(pin, sizeof pin), e) < 0 || mst_object_again(ask, pin_once, e) < 0)
		return -1;
	ask->status = 201;
	mst_json_begin(&ask->json, &ask->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_text(&ask->json, "user", ask->name);
	mst_json_text(&ask->json, "pin", mst_slice(pin, sizeof pin));
	mst_json_time(&ask->json, "until", mst_object_number(&ask->newer, "pin_until_ms"));
	mst_json_close(&ask->json);
	mst_wipe(pin, sizeof pin);
	return mst_json_end(&ask->json, &ask->body, e);
}

enum mst_step mst_api_pin(struct mst_xchg *x)
{
	struct object_ask *ask = mst_object_ask_new(x);
	uint64_t hours = HOURS_DEFAULT;
	struct mst_slice text;

	if (!ask)
		return STEP_REPLY;
	ask->noun = MST_NOUN_USER;
	if (mst_path_part(x, &ask->name, 2) < 0 || mst_name_check(ask->name, &x->err) < 0)
		return mst_xchg_fail(x);
	if (mst_xchg_query(x, &text, MST_S("hours")) &&
	    (mst_slice_u64(&hours, text, &x->err) < 0 || hours == 0 || hours > HOURS_MAX))
		return mst_xchg_refuse(x, MST_E_SYNTAX, "hours is 1 to 720");
	ask->from_ms = (int64_t)hours * HOUR_MS;
	return mst_object_turn(ask, pin_work);
}
