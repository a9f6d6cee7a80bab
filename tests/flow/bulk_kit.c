/* SPDX-License-Identifier: Apache-2.0 */
/* A rig with authorities and a queue of bulk jobs. */
#include "bulk_kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "muster/cert.h"
#include "muster/clock.h"
#include "muster/text.h"

#define WAIT_MS 60000

static void add(struct bulk_kit *kit, const char *name, bool takes_ec, uint32_t rsa_bits_min)
{
	struct mst_authority_wish wish = {
		.name = mst_slice_str(name),
		.common_name = name,
		.kind = MST_KEY_P256,
		.days = 3650,
		.template = {.days = 365,
			     .key_usage = MST_KU_SIGN | MST_KU_ENCIPHER,
			     .ext_key_usage = MST_EKU_CLIENT,
			     .rsa_bits_min = rsa_bits_min,
			     .takes_ec = takes_ec,
			     .hash_bits = 256},
		.crl_hours = 24,
	};
	struct mst_authority a;
	struct mst_batch b;
	struct mst_err e;

	cr_assert_eq(mst_authority_make(&a, &kit->rig->arena, &wish, &e), 0, "%s", e.text);
	mst_batch_init(&b, &kit->rig->arena, NULL, NULL);
	cr_assert_eq(mst_authority_put(&b, &a, kit->rig->seal, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_commit_here(kit->rig->app.store, &b), 0, "%s", b.err.text);
}

static void make(struct bulk_kit *kit)
{
	struct mst_err e;

	cr_assert_eq(mst_bulk_new(&kit->rig->app.bulk, &kit->rig->app, &kit->conf, &e), 0, "%s",
		     e.text);
}

void bulk_begin(struct bulk_kit *kit)
{
	*kit = (struct bulk_kit){.rig = rig_new()};
	snprintf(kit->key_path, sizeof(kit->key_path), "%s/master.key", kit->rig->path);
	kit->conf = (struct mst_bulk_conf){.slices_max = 3,
					   .jobs_max = 5,
					   .identities_max = 5000,
					   .seal = kit->rig->seal,
					   .seal_path = kit->key_path,
					   .first_ms = 1,
					   .quiet_ms = 200};
	add(kit, "devices", true, 2048);
	add(kit, "strict", false, 3072);
	make(kit);
}

void bulk_turn(struct bulk_kit *kit, uint32_t ms)
{
	uint64_t end_ms = mst_clock_ms() + ms;
	struct mst_err e;

	do
		cr_assert_eq(mst_loop_turn(kit->rig->app.loop, 1, &e), 0, "%s", e.text);
	while (mst_clock_ms() < end_ms);
}

/* As the engine ends: workers first, then the store, then the queue. */
static void take_down(struct bulk_kit *kit)
{
	struct rig *rig = kit->rig;
	struct mst_err e;

	mst_work_free(&rig->app.work);
	mst_store_close(&rig->app.store);
	mst_bulk_free(&rig->app.bulk);
	cr_assert_eq(mst_work_new(&rig->app.work, 2, 64, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_open(&rig->app.store, &rig->conf, rig->app.work, &e), 0, "%s",
		     e.text);
}

void bulk_restart(struct bulk_kit *kit)
{
	struct mst_loop_conf conf = {
		.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1, .name = "rig"};
	struct rig *rig = kit->rig;
	struct mst_err e;

	take_down(kit);
	mst_seen_free(&rig->app.seen);
	mst_loop_free(&rig->app.loop); /* what came home too late is gone */
	cr_assert_eq(mst_loop_new(&rig->app.loop, &conf, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seen_new(&rig->app.seen, rig->app.store, rig->app.loop, 0, &e), 0, "%s",
		     e.text);
	make(kit);
}

void bulk_end(struct bulk_kit *kit)
{
	take_down(kit);
	rig_free(kit->rig);
}

struct answer bulk_post(struct bulk_kit *kit, const char *body)
{
	struct link control = rig_control();

	return rig_ask(kit->rig, &control,
		       (struct ask){.has_method = true,
				    .method = MST_POST,
				    .target = "/v1/bulk",
				    .body = body});
}

struct answer bulk_delete(struct bulk_kit *kit, const char *id)
{
	struct link control = rig_control();

	return rig_ask(kit->rig, &control,
		       (struct ask){.has_method = true,
				    .method = MST_DELETE,
				    .target = rig_text(kit->rig, "/v1/bulk/%s", id)});
}

static struct mst_json_value *parse(struct answer answer)
{
	struct mst_json_value *root;
	struct mst_err e;

	cr_assert_eq(mst_json_parse(&root, mst_slice(answer.body, answer.len), 64u << 20, 8, &e), 0,
		     "%s", e.text);
	return root;
}

static char *text_of(struct bulk_kit *kit, const struct mst_json_value *root, const char *key)
{
	struct mst_slice text;
	struct mst_err e;

	return mst_json_get_text0(root, &text, key, &e) == 1
		       ? rig_text(kit->rig, "%.*s", (int)text.len, (const char *)text.at)
		       : NULL;
}

char *bulk_start(struct bulk_kit *kit, const char *body)
{
	struct answer answer;
	struct mst_json_value *root;
	char *id;

	for (int i = 0; i < 100; i++) {
		answer = bulk_post(kit, body);
		if (answer.status != 503)
			break;
		bulk_turn(kit, 5);
	}
	cr_assert_eq(answer.status, 202, "%s", answer.body);
	root = parse(answer);
	id = text_of(kit, root, "id");
	mst_json_free(&root);
	cr_assert(id);
	return id;
}

static struct mst_json_value *show(struct bulk_kit *kit, const char *id)
{
	struct answer answer;

	for (int i = 0; i < 100; i++) {
		answer = rig_get(kit->rig, rig_text(kit->rig, "/v1/bulk/%s", id));
		if (answer.status != 503)
			break;
		bulk_turn(kit, 5);
	}
	cr_assert_eq(answer.status, 200, "%s", answer.body);
	return parse(answer);
}

char *bulk_state(struct bulk_kit *kit, const char *id)
{
	struct mst_json_value *root = show(kit, id);
	char *state = text_of(kit, root, "state");

	mst_json_free(&root);
	return state;
}

uint64_t bulk_number(struct bulk_kit *kit, const char *id, const char *key)
{
	struct mst_json_value *root = show(kit, id);
	uint64_t n = 0;
	struct mst_err e;

	cr_assert_eq(mst_json_get_u64(root, &n, key, &e), 1);
	mst_json_free(&root);
	return n;
}

void bulk_wait(struct bulk_kit *kit, const char *id, const char *state)
{
	uint64_t end_ms = mst_clock_ms() + WAIT_MS;
	const char *now;

	while (strcmp(now = bulk_state(kit, id), state) != 0) {
		cr_assert_lt(mst_clock_ms(), end_ms, "the job is %s, not %s", now, state);
		bulk_turn(kit, 5);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_cert(const struct mst_json_value *item, const char *name)
{
	uint8_t der[4096];
	char found[MST_NAME_MAX + 1];
	struct mst_slice text;
	struct mst_cert cert;
	struct mst_err e;
	size_t len;

	cr_assert_eq(mst_json_get_text0(item, &text, "certificate", &e), 1);
	cr_assert_eq(mst_base64_get(der, &len, text, &e), 0);
	cr_assert_eq(mst_cert_parse(&cert, mst_slice(der, len), &e), 0, "%s", e.text);
	mst_cert_name(found, sizeof(found), &cert);
	cr_expect_str_eq(found, name);
	cr_expect(!cert.is_ca);
}

static void check_item(struct bulk_kit *kit, const struct mst_json_value *item, uint32_t index,
		       const char *prefix, char **serial)
{
	struct mst_err e;
	uint64_t n;
	char *name;

	cr_assert_eq(mst_json_get_u64(item, &n, "index", &e), 1);
	cr_assert_eq(n, index);
	*serial = text_of(kit, item, "serial");
	name = text_of(kit, item, "name");
	cr_assert(name && *serial, "index %u has no record", index);
	if (prefix)
		cr_expect_str_eq(name, rig_text(kit->rig, "%s%u", prefix, index + 1));
	check_cert(item, name);
}

void bulk_check(struct bulk_kit *kit, const char *id, uint32_t num, const char *prefix,
		uint32_t stored)
{
	char **serials = calloc(num + 1, sizeof(*serials)), *next = (char *)"0";
	uint32_t seen = 0;
	struct mst_err e;

	while (next) {
		struct answer answer = rig_get(
			kit->rig,
			rig_text(kit->rig, "/v1/bulk/%s/identities?limit=170&cursor=%s", id, next));
		const struct mst_json_value *list;
		cr_assert_eq(answer.status, 200, "%s", answer.body);
		struct mst_json_value *root = parse(answer);
		cr_assert_eq(mst_json_get_array0(root, &list, "identities", &e), 1);
		for (size_t i = 0; i < mst_json_num(list); i++) {
			cr_assert_lt(seen, num, "more identities than asked for");
			check_item(kit, mst_json_at0(list, i), seen, prefix, &serials[seen]);
			seen++;
		}
		next = text_of(kit, root, "next");
		mst_json_free(&root);
	}
	cr_assert_eq(seen, num, "%u identities, not %u", seen, num);
	qsort(serials, num, sizeof(*serials), by_text);
	for (uint32_t i = 1; i < num; i++)
		cr_assert_str_neq(serials[i - 1], serials[i], "a serial number came twice");
	free(serials);
	cr_expect_eq(rig_num_records(kit->rig, MST_SPACE_CERT), stored);
}

struct look {
	struct mst_read read;
	struct mst_authority a;
	uint8_t id[16];
	const struct mst_seal *seal;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, read);
	int rc = mst_authority_get(r, &look->a, look->id, look->seal);

	return rc == 1 ? 0 : -1;
}

void bulk_change(struct bulk_kit *kit, const char *name, void (*change)(struct mst_authority *a))
{
	struct look look = {.read = {.arena = &kit->rig->arena, .plan = plan},
			    .seal = kit->rig->seal};
	struct mst_batch b;
	struct mst_err e;

	mst_authority_id(look.id, mst_slice_str(name));
	cr_assert_eq(mst_store_read_here(kit->rig->app.store, &look.read), 0, "%s",
		     look.read.err.text);
	change(&look.a);
	mst_batch_init(&b, &kit->rig->arena, NULL, NULL);
	cr_assert_eq(mst_authority_put(&b, &look.a, kit->rig->seal, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_commit_here(kit->rig->app.store, &b), 0, "%s", b.err.text);
}
