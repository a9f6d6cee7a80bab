/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk jobs through the API: made, listed, cancelled, stopped by the store, by a restart, by their
 * authority. */
#include "bulk_kit.h"

#include <stdio.h>

#include "muster/p12.h"
#include "muster/pushcert.h"
#include "muster/text.h"

#define JOB(count) "{\"authority\":\"devices\",\"prefix\":\"phone-\",\"count\":" #count "}"

TestSuite(bulk, .timeout = 120);

Test(bulk, makes_identities_by_a_pattern)
{
	struct bulk_kit kit;
	char *id;

	bulk_begin(&kit);
	id = bulk_start(&kit, JOB(600));
	cr_expect(strncmp(id, "devices.", 8) == 0, "%s", id);
	bulk_wait(&kit, id, "done");
	cr_expect_eq(bulk_number(&kit, id, "done"), 600);
	cr_expect_eq(bulk_number(&kit, id, "total"), 600);
	bulk_check(&kit, id, 600, "phone-", 600);
	bulk_end(&kit);
}

Test(bulk, numbers_have_digits_and_a_beginning)
{
	struct bulk_kit kit;
	struct answer answer;
	char *id;

	bulk_begin(&kit);
	id = bulk_start(&kit, "{\"authority\":\"devices\",\"prefix\":\"x\",\"count\":3,\"first\":"
			      "98,\"digits\":5,\"organization\":\"Org\"}");
	bulk_wait(&kit, id, "done");
	answer = rig_get(kit.rig, rig_text(kit.rig, "/v1/bulk/%s/identities", id));
	cr_expect(strstr(answer.body, "\"x00098\"") && strstr(answer.body, "\"x00099\"") &&
			  strstr(answer.body, "\"x00100\""),
		  "%s", answer.body);
	bulk_end(&kit);
}

/* Opens the PKCS#12 of each item in the page's text, whose names are `names`. */
static void open_all(struct bulk_kit *kit, struct answer answer, const char *const *names,
		     size_t num)
{
	struct mst_json_value *root;
	const struct mst_json_value *list;
	struct mst_p12_identity identity;
	struct mst_slice text, password;
	struct mst_p12 p12;
	struct mst_err e;
	size_t len;

	cr_assert_eq(answer.status, 200, "%s", answer.body);
	cr_assert_eq(mst_json_parse(&root, mst_slice(answer.body, answer.len), 64u << 20, 8, &e),
		     0);
	cr_assert_eq(mst_json_get_array0(root, &list, "identities", &e), 1);
	cr_assert_eq(mst_json_num(list), num);
	for (size_t i = 0; i < num; i++) {
		struct mst_key *key;
		struct mst_slice spki;
		struct mst_cert cert;
		cr_assert_eq(mst_json_get_text0(mst_json_at0(list, i), &text, "pkcs12", &e), 1);
		cr_assert_eq(mst_json_get_text0(mst_json_at0(list, i), &password, "password", &e),
			     1);
		cr_expect_eq(password.len, 24);
		uint8_t *file = mst_arena_get(&kit->rig->arena, MST_BASE64_ROOM(text.len));
		cr_assert_eq(mst_base64_get(file, &len, text, &e), 0);
		cr_assert_eq(
			mst_p12_read(&p12, &kit->rig->arena, mst_slice(file, len), password, 0, &e),
			0, "%s", e.text);
		cr_assert_eq(mst_p12_identity(&identity, &p12, &e), 0, "%s", e.text);
		cr_expect_eq(identity.num_chain, 1);
		cr_expect(mst_slice_eq(identity.name, mst_slice_str(names[i])));
		cr_assert_eq(mst_cert_parse(&cert, identity.cert, &e), 0);
		cr_assert_eq(mst_key_read(&key, identity.key, &e), 0);
		cr_assert_eq(mst_key_spki(&spki, &kit->rig->arena, key, &e), 0);
		cr_expect(mst_slice_eq(spki, cert.spki));
		mst_key_free(&key);
	}
	mst_json_free(&root);
}

Test(bulk, makes_pkcs12_files_for_a_list_of_names)
{
	static const char *const names[] = {"anna",  "b\xc3\xa4rbel", "carl", "dora", "emil",
					    "fritz", "gerd",          "hans", "ida",  "jan"};
	struct bulk_kit kit;
	struct answer answer;
	char *id;

	bulk_begin(&kit);
	id = bulk_start(&kit, "{\"authority\":\"devices\",\"pkcs12\":true,\"names\":[\"anna\","
			      "\"b\xc3\xa4rbel\",\"carl\",\"dora\",\"emil\","
			      "\"fritz\",\"gerd\",\"hans\",\"ida\",\"jan\"]}");
	bulk_wait(&kit, id, "done");
	bulk_check(&kit, id, 10, NULL, 10);
	answer = rig_get(kit.rig, rig_text(kit.rig, "/v1/bulk/%s/identities", id));
	cr_expect(!strstr(answer.body, "pkcs12"), "nobody asked for keys");
	open_all(&kit, rig_get(kit.rig, rig_text(kit.rig, "/v1/bulk/%s/identities?pkcs12=1", id)),
		 names, 10);
	bulk_end(&kit);
}

Test(bulk, makes_a_pkcs12_of_a_kept_key_when_asked)
{
	static const char *const names[] = {"p1", "p2", "p3"};
	struct bulk_kit kit;
	char *id;

	bulk_begin(&kit);
	id = bulk_start(
		&kit, "{\"authority\":\"devices\",\"prefix\":\"p\",\"count\":3,\"kind\":\"p384\"}");
	bulk_wait(&kit, id, "done");
	open_all(&kit, rig_get(kit.rig, rig_text(kit.rig, "/v1/bulk/%s/identities?pkcs12=1", id)),
		 names, 3);
	bulk_end(&kit);
}

Test(bulk, refuses_what_it_cannot_make)
{
	static const struct {
		const char *body;
		int status;
		const char *word;
	} rows[] = {
		{"", 400, NULL},
		{"{", 400, NULL},
		{"{}", 400, "authority"},
		{"{\"authority\":\"devices\"}", 400, "prefix"},
		{"{\"authority\":\"devices\",\"prefix\":\"x\"}", 400, "5000"},
		{"{\"authority\":\"devices\",\"prefix\":\"x\",\"count\":5001}", 400, "5000"},
		{"{\"authority\":\"devices\",\"prefix\":\"x\",\"count\":-1}", 400, NULL},
		{"{\"authority\":\"devices\",\"prefix\":\"x\",\"count\":1,\"digits\":21}", 400,
		 "digits"},
		{"{\"authority\":\"devices\",\"prefix\":\"x\",\"count\":1,\"first\":"
		 "1000000000000000}",
		 400, "first"},
		{"{\"authority\":\"devices\",\"prefix\":\"x\\n\",\"count\":1}", 400, "prefix"},
		{"{\"authority\":\"devices\",\"prefix\":"
		 "\"1234567890123456789012345678901234567890123456789012345678901234\",\"count\":"
		 "1}",
		 400, "64"},
		{"{\"authority\":\"devices\",\"prefix\":"
		 "\"12345678901234567890123456789012345678901234567890\",\"count\":1,\"digits\":"
		 "15}",
		 400, "64"},
		{"{\"authority\":\"devices\",\"names\":[]}", 400, "names"},
		{"{\"authority\":\"devices\",\"names\":[\"\"]}", 400, "names"},
		{"{\"authority\":\"devices\",\"names\":[7]}", 400, NULL},
		{"{\"authority\":\"devices\",\"prefix\":\"x\",\"count\":1,\"kind\":\"dsa\"}", 400,
		 "dsa"},
		{"{\"authority\":\"nobody\",\"prefix\":\"x\",\"count\":1}", 404, NULL},
		{"{\"authority\":\"strict\",\"prefix\":\"x\",\"count\":1}", 403, "RSA"},
		{"{\"authority\":\"strict\",\"prefix\":\"x\",\"count\":1,\"kind\":\"rsa2048\"}",
		 403, "3072"},
	};
	struct bulk_kit kit;

	bulk_begin(&kit);
	bulk_turn(&kit, 50);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct answer answer = bulk_post(&kit, rows[i].body);
		cr_expect_eq(answer.status, rows[i].status, "%s: %d %s", rows[i].body,
			     answer.status, answer.body);
		cr_expect(!rows[i].word || strstr(answer.body, rows[i].word), "%s: %s",
			  rows[i].body, answer.body);
	}
	cr_expect_eq(rig_get(kit.rig, "/v1/bulk/devices.0123456789abcdef").status, 404);
	cr_expect_eq(rig_get(kit.rig, "/v1/bulk/devices").status, 404);
	cr_expect_eq(rig_get(kit.rig, "/v1/bulk/x.0123456789abcdef/identities").status, 404);
	cr_expect_eq(bulk_delete(&kit, "devices.0123456789abcdef").status, 404);
	cr_expect_eq(rig_get(kit.rig, "/v1/bulk?limit=0").status, 400);
	cr_expect_eq(rig_get(kit.rig, "/v1/bulk?cursor=x").status, 404);
	cr_expect_eq(rig_num_records(kit.rig, MST_SPACE_JOB), 0);
	bulk_end(&kit);
}

Test(bulk, is_for_operators)
{
	struct link portal = rig_link("a", "a");
	struct bulk_kit kit;
	struct answer answer;

	bulk_begin(&kit);
	answer = rig_ask(kit.rig, &portal,
			 (struct ask){.has_method = true,
				      .method = MST_POST,
				      .target = "/v1/bulk",
				      .body = JOB(1)});
	cr_expect_eq(answer.status, 401);
	answer = rig_ask(kit.rig, &portal,
			 (struct ask){.has_method = true,
				      .method = MST_GET,
				      .target = "/v1/bulk/x.1/identities?pkcs12=1"});
	cr_expect_eq(answer.status, 401);
	answer = rig_ask(kit.rig, &portal,
			 (struct ask){.has_method = true,
				      .method = MST_POST,
				      .target = "/v1/key/rotate",
				      .authorization = "Bearer secret"});
	cr_expect_eq(answer.status, 404, "the master key is the control socket's alone: %d",
		     answer.status);
	bulk_end(&kit);
}

Test(bulk, jobs_queue_and_a_full_queue_says_so)
{
	struct bulk_kit kit;
	struct answer answer;
	char *ids[5];

	bulk_begin(&kit);
	for (int i = 0; i < 5; i++)
		ids[i] = bulk_start(
			&kit,
			rig_text(kit.rig,
				 "{\"authority\":\"devices\",\"prefix\":\"j%d-\",\"count\":1500}",
				 i));
	answer = bulk_post(&kit, JOB(1));
	cr_expect_eq(answer.status, 503);
	cr_expect_gt(answer.retry_after_s, 0);
	cr_expect_str_eq(bulk_state(&kit, ids[4]), "queued");
	answer = bulk_delete(&kit, ids[3]);
	cr_expect_eq(answer.status, 200, "%s", answer.body);
	cr_expect_str_eq(bulk_state(&kit, ids[3]), "cancelled");
	for (int i = 0; i < 5; i++)
		if (i != 3)
			bulk_wait(&kit, ids[i], "done");
	answer = rig_get(kit.rig, "/v1/bulk?limit=3");
	cr_expect(strstr(answer.body, ids[0]) && strstr(answer.body, ids[2]) &&
			  !strstr(answer.body, ids[4]),
		  "%s", answer.body);
	answer = rig_get(kit.rig, rig_text(kit.rig, "/v1/bulk?limit=3&cursor=%s", ids[2]));
	cr_expect(!strstr(answer.body, ids[2]) && strstr(answer.body, ids[3]) &&
			  strstr(answer.body, ids[4]),
		  "%s", answer.body);
	cr_expect(strstr(answer.body, "\"next\":null"), "%s", answer.body);
	bulk_check(&kit, ids[4], 1500, "j4-", 6000);
	bulk_end(&kit);
}

Test(bulk, a_cancelled_job_keeps_what_it_made)
{
	struct bulk_kit kit;
	struct answer answer;
	uint64_t done;
	char *id;

	bulk_begin(&kit);
	id = bulk_start(&kit, JOB(5000));
	while (bulk_number(&kit, id, "done") == 0)
		bulk_turn(&kit, 1);
	answer = bulk_delete(&kit, id);
	cr_assert_eq(answer.status, 200, "%s", answer.body);
	cr_expect(strstr(answer.body, "\"state\":\"cancelled\""), "%s", answer.body);
	cr_expect_str_eq(bulk_state(&kit, id), "cancelled");
	done = bulk_number(&kit, id, "done");
	cr_expect(done > 0 && done < 5000, "%llu", (unsigned long long)done);
	bulk_turn(&kit, 100);
	bulk_check(&kit, id, (uint32_t)done, "phone-", (uint32_t)done);
	cr_expect_eq(bulk_delete(&kit, id).status, 409);
	bulk_end(&kit);
}

Test(bulk, a_store_that_cannot_write_is_waited_for)
{
	struct bulk_kit kit;
	char *id;

	bulk_begin(&kit);
	id = bulk_start(&kit, JOB(3000));
	while (bulk_number(&kit, id, "done") == 0)
		bulk_turn(&kit, 1);
	mst_store_break(kit.rig->app.store, true);
	bulk_wait(&kit, id, "paused");
	cr_expect_eq(bulk_delete(&kit, id).status, 503,
		     "a cancel that cannot be written is not done");
	mst_store_break(kit.rig->app.store, false);
	bulk_wait(&kit, id, "done");
	bulk_check(&kit, id, 3000, "phone-", 3000);
	bulk_end(&kit);
}

Test(bulk, goes_on_after_restarts)
{
	struct bulk_kit kit;
	char *first, *second;
	int num = 0;

	bulk_begin(&kit);
	first = bulk_start(&kit, JOB(5000));
	second = bulk_start(&kit, "{\"authority\":\"devices\",\"names\":[\"a\",\"b\",\"c\"]}");
	for (; num < 6 && strcmp(bulk_state(&kit, first), "done") != 0; num++) {
		bulk_turn(&kit, 20);
		bulk_restart(&kit);
	}
	cr_expect_gt(num, 1, "it was too fast to be stopped");
	bulk_wait(&kit, second, "done");
	cr_expect_str_eq(bulk_state(&kit, first), "done");
	bulk_check(&kit, first, 5000, "phone-", 5003);
	bulk_check(&kit, second, 3, NULL, 5003);
	bulk_end(&kit);
}

static void prolong(struct mst_authority *a)
{
	a->template.days = 30;
}

static void retire(struct mst_authority *a)
{
	a->state = MST_AUTHORITY_RETIRED;
}

Test(bulk, follows_its_authority)
{
	struct bulk_kit kit;
	struct answer answer;
	uint64_t done;
	char *id;

	bulk_begin(&kit);
	id = bulk_start(&kit, JOB(5000));
	while (bulk_number(&kit, id, "done") == 0)
		bulk_turn(&kit, 1);
	bulk_change(&kit, "devices", prolong);
	done = bulk_number(&kit, id, "done");
	while (bulk_number(&kit, id, "done") <= done)
		bulk_turn(&kit, 5);
	bulk_change(&kit, "devices", retire);
	bulk_wait(&kit, id, "failed");
	answer = rig_get(kit.rig, rig_text(kit.rig, "/v1/bulk/%s", id));
	cr_expect(strstr(answer.body, "retired"), "%s", answer.body);
	done = bulk_number(&kit, id, "done");
	cr_expect_lt(done, 5000);
	bulk_check(&kit, id, (uint32_t)done, "phone-", (uint32_t)done);
	cr_expect_eq(bulk_post(&kit, JOB(1)).status, 409);
	bulk_end(&kit);
}

static struct answer key_status(struct bulk_kit *kit)
{
	return rig_get(kit->rig, "/v1/key");
}

static void put_pushcert(struct rig *rig)
{
	const struct mst_pushcert c = {.topic = MST_S("com.example.app"), .is_token = true, .key_pem = MST_S("a key")};
	struct mst_batch b;

	mst_batch_init(&b, &rig->arena, NULL, NULL);
	cr_assert_eq(mst_pushcert_put(&b, &c, rig->seal, NULL), 0);
	cr_assert_eq(mst_store_commit_here(rig->app.store, &b), 0);
}

struct pushcert_look {
	struct mst_read r;
	struct rig *rig;
	struct mst_pushcert c;
};

static int pushcert_plan(struct mst_read *r)
{
	struct pushcert_look *look = MST_HOME(r, struct pushcert_look, r);
	return mst_pushcert_get(r, &look->c, MST_S("com.example.app"), look->rig->seal) == 1 ? 0 : -1;
}

static bool opens_pushcert(struct rig *rig)
{
	struct pushcert_look look = {.r = {.arena = &rig->arena, .plan = pushcert_plan}, .rig = rig};
	return mst_store_read_here(rig->app.store, &look.r) == 0 && mst_slice_eq(look.c.key_pem, MST_S("a key"));
}

Test(bulk, seals_everything_anew_under_a_new_master_key)
{
	static const char *const names[] = {"phone-1", "phone-2", "phone-3"}, *const files[] = {
										      "q1", "q2"};
	struct link control = rig_control(), device;
	struct bulk_kit kit;
	struct answer answer;
	struct mst_channel channel;
	struct mst_seal *seal;
	struct mst_err e;
	char *id, *other, text[512], *line;

	bulk_begin(&kit);
	id = bulk_start(&kit, JOB(3));
	other = bulk_start(
		&kit, "{\"authority\":\"devices\",\"prefix\":\"q\",\"count\":2,\"pkcs12\":true}");
	bulk_wait(&kit, other, "done");
	device = rig_enrol(kit.rig, "UDID-1");
	put_pushcert(kit.rig);
	cr_expect(strstr(key_status(&kit).body, "settled"));
	answer = rig_ask(
		kit.rig, &control,
		(struct ask){.has_method = true, .method = MST_POST, .target = "/v1/key/rotate"});
	cr_assert_eq(answer.status, 202, "%s", answer.body);
	cr_expect(strstr(answer.body, "\"key\":2"), "%s", answer.body);
	answer = rig_ask(
		kit.rig, &control,
		(struct ask){.has_method = true, .method = MST_POST, .target = "/v1/key/rotate"});
	cr_expect_eq(answer.status, 409, "%s", answer.body);
	for (int i = 0; i < 2000 && !strstr(key_status(&kit).body, "settled"); i++)
		bulk_turn(&kit, 5);
	answer = key_status(&kit);
	cr_assert(strstr(answer.body, "settled"), "%s", answer.body);
	/* Two authorities, three keys, one file of two, one channel, one push credential. */
	cr_expect(strstr(answer.body, "\"sealed_anew\":8"), "%s", answer.body);
	/* The older key leaves the file: everything opens without it. */
	FILE *file = fopen(kit.key_path, "r");
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	line = strchr(text, '\n') + 1;
	file = fopen(kit.key_path, "w");
	fputs(line, file);
	fclose(file);
	cr_assert_eq(mst_seal_load(&seal, kit.key_path, &e), 0, "%s", e.text);
	bulk_turn(&kit, 20);
	mst_seal_free(&kit.rig->seal);
	kit.rig->seal = seal;
	kit.rig->app.seal = kit.conf.seal = seal;
	bulk_restart(&kit);
	open_all(&kit, rig_get(kit.rig, rig_text(kit.rig, "/v1/bulk/%s/identities?pkcs12=1", id)),
		 names, 3);
	open_all(&kit,
		 rig_get(kit.rig, rig_text(kit.rig, "/v1/bulk/%s/identities?pkcs12=1", other)),
		 files, 2);
	cr_expect(rig_channel(kit.rig, "UDID-1", "", &channel) && channel.token.len == 4);
	cr_expect(opens_pushcert(kit.rig));
	(void)device;
	bulk_end(&kit);
}
