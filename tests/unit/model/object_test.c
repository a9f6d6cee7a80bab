/* SPDX-License-Identifier: Apache-2.0 */
/* Objects by their tables, expressions of labels, variables. */
#include <stdio.h>
#include <string.h>

#include "kit.h"
#include "muster/crypt.h"
#include "muster/label.h"
#include "muster/object.h"
#include "muster/variables.h"

static struct mst_arena arena;

static int read_json(struct mst_object *o, enum mst_noun noun, const char *text, const struct mst_object *older, struct mst_err *e)
{
	struct mst_json_value *root;
	int rc;

	cr_assert_eq(mst_json_parse(&root, mst_slice_str(text), MST_OBJECT_MAX, 8, e), 0, "%s: %s", text, e->text);
	rc = mst_object_read(o, &arena, root, noun, older, e);
	mst_json_free(&root);
	return rc;
}

static void jane_make(struct mst_object *o)
{
	struct mst_err e;

	cr_assert_eq(read_json(o, MST_NOUN_USER,
			       "{\"name\":\"jane\",\"fields\":{\"email\":\"jane@example.com\",\"groups\":[\"Sales\",\"All\"],"
			       "\"password\":\"secret word\",\"devices_max\":3}}", NULL, &e), 0, "%s", e.text);
}

Test(object, reads_by_its_table)
{
	static const struct {
		const char *json, *error;
	} bad[] = {
		{"{\"name\":\"\"}", "a name has"},
		{"{\"name\":\"a/b\"}", "slash"},
		{"{\"name\":\" a\"}", "blank"},
		{"{\"name\":\"a\",\"type\":\"robot\"}", "no type"},
		{"{\"name\":\"a\",\"email\":\"x\"}", "fields belong"},
		{"{\"name\":\"a\",\"fields\":{\"nose\":1}}", "no field \"nose\""},
		{"{\"name\":\"a\",\"fields\":{\"devices_max\":10001}}", "devices_max: 0 to 10000"},
		{"{\"name\":\"a\",\"fields\":{\"devices_max\":-1}}", "devices_max"},
		{"{\"name\":\"a\",\"fields\":{\"devices_max\":\"many\"}}", "a whole number"},
		{"{\"name\":\"a\",\"fields\":{\"is_disabled\":1}}", "true or false"},
		{"{\"name\":\"a\",\"fields\":{\"groups\":[\"\"]}}", "empty text"},
		{"{\"name\":\"a\",\"fields\":{\"groups\":\"x\"}}", "an array"},
		{"{\"name\":\"a\",\"fields\":{\"email\":\"x\\u0007y\"}}", "control character"},
		{"{\"name\":\"a\",\"fields\":{\"locale\":\"123456789012345678901234567890123\"}}", "locale: longer than 32"},
	};
	struct mst_object o;
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	for (size_t i = 0; i < MST_LEN(bad); i++) {
		cr_expect_eq(read_json(&o, MST_NOUN_USER, bad[i].json, NULL, &e), -1, "%s", bad[i].json);
		cr_expect(strstr(e.text, bad[i].error), "%s: %s", bad[i].json, e.text);
	}
	jane_make(&o);
	cr_expect_eq(mst_object_number(&o, "devices_max"), 3);
	cr_expect(!mst_object_bool(&o, "is_disabled") && mst_object_value(&o, "is_disabled")->is_set, "by its fallback");
	cr_expect_eq(mst_object_value(&o, "groups")->num_pairs, 2);
	mst_arena_done(&arena);
}

Test(object, edit_keeps_what_it_does_not_name)
{
	struct mst_object o, edited;
	struct mst_slice changes;
	struct mst_err e;
	bool is_cert;

	mst_arena_init(&arena, NULL, 0);
	jane_make(&o);
	cr_assert_eq(read_json(&edited, MST_NOUN_USER, "{\"name\":\"jane\",\"fields\":{\"email\":null,\"devices_max\":4}}", &o, &e), 0);
	cr_expect(!mst_object_value(&edited, "email")->is_set && mst_object_value(&edited, "groups")->num_pairs == 2);
	cr_assert_eq(mst_object_differ(&changes, &is_cert, &arena, &o, &edited, &e), 0);
	cr_expect(mst_slice_eq(changes, MST_S("{\"email\":{\"from\":\"jane@example.com\",\"to\":null},\"devices_max\":{\"from\":3,\"to\":4}}")),
		  "%.*s", (int)changes.len, (const char *)changes.at);
	cr_expect_eq(read_json(&edited, MST_NOUN_USER, "{\"name\":\"john\"}", &o, &e), -1, "a name is for ever");
	/* What was told can be sent back. */
	struct mst_json j;
	struct mst_slice told;
	mst_json_begin(&j, &arena);
	mst_json_open(&j, NULL);
	mst_object_tell(&j, &o);
	mst_json_close(&j);
	cr_assert_eq(mst_json_end(&j, &told, &e), 0);
	cr_expect(!memmem(told.at, told.len, "secret word", 11), "secrets are never told");
	mst_arena_done(&arena);
}

struct look {
	struct mst_read r;
	struct mst_object o;
	const struct mst_seal *seal;
	uint8_t id[16];
	struct mst_revision revision;
	uint32_t num;
	int found;
};

static int get_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_object_get(r, &look->o, MST_NOUN_USER, look->id, look->seal);
	return look->found < 0 ? -1 : 0;
}

static int revisions_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	struct mst_walk w = {.r = NULL};
	int rc;

	look->num = 0;
	while ((rc = mst_revision_next(&w, r, &look->revision, MST_NOUN_USER, look->id)) == 1)
		look->num++;
	mst_walk_done(&w);
	return rc;
}

static void look_up(struct kit *kit, struct look *look, int (*plan)(struct mst_read *r))
{
	look->r = (struct mst_read){.arena = &kit->arena, .plan = plan};
	cr_assert_eq(mst_store_read_here(kit->store, &look->r), 0, "%s", look->r.err.text);
}

Test(object, is_stored_with_its_secrets_sealed)
{
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	struct mst_object o;
	struct look look = {.num = 0};
	struct mst_seal *seal;
	struct mst_batch b;
	struct mst_err e;
	char path[96];

	mst_arena_init(&arena, NULL, 0);
	snprintf(path, sizeof path, "%s.key", kit->path);
	cr_assert_eq(mst_seal_init(path, &e), 0);
	cr_assert_eq(mst_seal_load(&seal, path, &e), 0);
	remove(path);
	jane_make(&o);
	o.version = 1;
	memcpy(look.id, o.id, sizeof o.id);
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	cr_assert_eq(mst_object_put(&b, &o, seal, &e), 0);
	mst_revision_put(&b, &o, &(struct mst_revision){.version = 1, .at_ms = 5, .who = MST_S("admin"), .changes = MST_S("{}"), .touched = MST_S("[]")});
	mst_revision_put(&b, &o, &(struct mst_revision){.version = 2, .at_ms = 6, .who = MST_S("other"), .changes = MST_S("{}"), .touched = MST_S("[]")});
	cr_assert_eq(mst_store_commit_here(kit->store, &b), 0);
	look_up(kit, &look, get_plan);
	cr_assert_eq(look.found, 1);
	cr_expect(mst_slice_eq(look.o.name, o.name) && mst_slice_eq(mst_object_text(&look.o, "email"), MST_S("jane@example.com")));
	cr_expect_eq(mst_object_text(&look.o, "password").len, 0, "closed without the seal");
	cr_expect(!memmem(look.o.raw.at, look.o.raw.len, "secret word", 11));
	/* An edit that does not open the secret keeps it. */
	look.o.version = 2;
	mst_batch_init(&b, &kit->arena, NULL, NULL);
	cr_assert_eq(mst_object_put(&b, &look.o, NULL, &e), 0);
	cr_assert_eq(mst_store_commit_here(kit->store, &b), 0);
	look.seal = seal;
	look_up(kit, &look, get_plan);
	cr_expect(mst_slice_eq(mst_object_text(&look.o, "password"), MST_S("secret word")));
	look_up(kit, &look, revisions_plan);
	cr_expect_eq(look.num, 2);
	cr_expect(mst_slice_eq(look.revision.who, MST_S("other")));
	mst_seal_free(&seal);
	mst_arena_done(&arena);
	kit_free(kit);
}

Test(expr, judges)
{
	static const struct {
		const char *text;
		bool holds;
	} rows[] = {
		{"device.platform = \"iOS\"", true},
		{"device.platform != \"ios\"", false},
		{"device.os_version >= 9.10 and device.os_version < 10", true},
		{"device.os_version > \"9.2\"", true},
		{"device.os_version <= 9.9", false},
		{"device.os_version = 9.10", true},
		{"user.email ends \"@EXAMPLE.com\"", true},
		{"user.email starts \"john\" or user.name = \"jane\"", true},
		{"not user.email contains \"jane\"", false},
		{"user.group in (\"HR\", \"Sales\")", true},
		{"user.group != \"Sales\"", false},
		{"device.imsi > 1", false},
		{"device.mode = \"work-profile\"", true},
		{"(device.platform = \"android\" or device.platform = \"ios\") and not (device.retired = \"yes\")", true},
		{"device.custom1 = \"a \\\"b\\\" \\\\c\"", true},
	};
	struct mst_detail d = {.platform = MST_S("ios"), .os_version = MST_S("9.10"), .mode = MST_MODE_WORK_PROFILE,
			       .custom1 = MST_S("a \"b\" \\c")};
	struct mst_object jane;
	struct mst_expr *expr;
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	jane_make(&jane);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_assert_eq(mst_expr_parse(&expr, &arena, mst_slice_str(rows[i].text), &e), 0, "%s: %s", rows[i].text, e.text);
		cr_expect_eq(mst_expr_holds(expr, &d, &jane), rows[i].holds, "%s", rows[i].text);
		cr_expect_eq(mst_expr_needs_user(expr), strstr(rows[i].text, "user.") != NULL, "%s", rows[i].text);
		mst_expr_holds(expr, &d, NULL);
	}
	mst_arena_done(&arena);
}

Test(expr, refuses)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "byte 1: expected a field"},
		{"device.nose = 1", "byte 1"},
		{"device.model", "byte 13: expected ="},
		{"device.model = ", "expected a text"},
		{"device.model = abc", "expected a text"},
		{"device.model = \"abc", "closing quote"},
		{"device.model in \"a\"", "( and values"},
		{"device.model in (\"a\" \"b\")", ", or )"},
		{"device.model = 1 device.imei = 2", "and, or, or the end"},
		{"(device.model = 1", "expected )"},
		{"((((((((((((((((((((device.model = 1))))))))))))))))))))", "fewer parentheses"},
	};
	struct mst_expr *expr;
	struct mst_err e;
	char *longest;

	mst_arena_init(&arena, NULL, 0);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		cr_expect_eq(mst_expr_parse(&expr, &arena, mst_slice_str(rows[i].text), &e), -1, "%s", rows[i].text);
		cr_expect(strstr(e.text, rows[i].error), "%s: %s", rows[i].text, e.text);
	}
	longest = mst_arena_zero(&arena, MST_EXPR_MAX + 2);
	memset(longest, 'n', MST_EXPR_MAX + 1);
	cr_expect_eq(mst_expr_parse(&expr, &arena, mst_slice_str(longest), &e), -1);
	mst_arena_done(&arena);
}

Test(variables, are_filled)
{
	static const uint8_t uuid[16] = {0xab};
	struct mst_detail d = {.text = MST_S("DEV"), .serial = MST_S("C02")};
	struct mst_object jane;
	const struct mst_of of = {.device = &d, .user = &jane, .config_uuid = uuid, .now_ms = 1700000000000};
	struct mst_slice out, again;
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	jane_make(&jane);
	mst_id_make(&d.id, d.text, MST_S(""));
	cr_assert_eq(mst_variables_fill(&out, &arena, "subject", MST_S("CN=$USERID$ $$5,E=$EMAIL$,SN=$DEVICE_SN$"), &of, &e), 0);
	cr_expect(mst_slice_eq(out, MST_S("CN=jane $5,E=jane@example.com,SN=C02")), "%.*s", (int)out.len, (const char *)out.at);
	cr_assert_eq(mst_variables_fill(&out, &arena, "san", MST_S("$CONFIG_UUID$ $TIMESTAMP_MS$"), &of, &e), 0);
	cr_expect(mst_slice_eq(out, MST_S("ab000000-0000-0000-0000-000000000000 1700000000000")));
	cr_assert_eq(mst_variables_fill(&out, &arena, "x", MST_S("$RANDOM_64$"), &of, &e), 0);
	cr_assert_eq(mst_variables_fill(&again, &arena, "x", MST_S("$RANDOM_64$"), &of, &e), 0);
	cr_expect(out.len == 64 && !mst_slice_eq(out, again));
	cr_assert_eq(mst_variables_fill(&out, &arena, "x", MST_S("$DEVICE_UUID$/$DEVICE_UUID_NO_DASHES$"), &of, &e), 0);
	cr_expect_eq(out.len, 36 + 1 + 32);
	cr_expect_eq(mst_variables_fill(&out, &arena, "subject", MST_S("$DEVICE_IMEI$"), &of, &e), -1);
	cr_expect(strstr(e.text, "subject: $DEVICE_IMEI$"), "%s", e.text);
	cr_expect(mst_variables_is_fixed(MST_S("$EMAIL$")) && !mst_variables_is_fixed(MST_S("a$RANDOM_16$")));
	mst_arena_done(&arena);
}

Test(variables, are_checked_when_saved)
{
	struct mst_err e;

	cr_expect_eq(mst_variables_check("f", MST_S("plain $$ $EMAIL$"), MST_FIELD_VARIABLES, &e), 0);
	cr_expect_eq(mst_variables_check("f", MST_S("$NOSE$"), MST_FIELD_VARIABLES, &e), -1);
	cr_expect(strstr(e.text, "f: there is no variable $NOSE$"), "%s", e.text);
	cr_expect_eq(mst_variables_check("f", MST_S("$EMAIL"), MST_FIELD_VARIABLES, &e), -1);
	cr_expect_eq(mst_variables_check("f", MST_S("$CONFIG_UUID$"), MST_FIELD_VARIABLES, &e), -1);
	cr_expect_eq(mst_variables_check("f", MST_S("$CONFIG_UUID$"), MST_FIELD_VARIABLES | MST_FIELD_SAN, &e), 0);
}

Test(shapes, are_sound)
{
	const struct mst_shape *shape;
	uint32_t num_types[MST_NUM_NOUNS] = {0};

	for (size_t i = 0; (shape = mst_shape_at(i)); i++) {
		num_types[shape->noun]++;
		cr_expect_eq(mst_shape_find(shape->noun, mst_slice_str(shape->type)), shape, "%s", shape->type);
		cr_expect_leq(shape->num_fields, MST_FIELDS_MAX);
		for (uint32_t k = 0; k < shape->num_fields; k++) {
			const struct mst_shape_row *row = &shape->fields[k];
			cr_expect(row->help && row->help[0], "%s.%s", shape->type, row->name);
			cr_expect(row->kind != MST_FIELD_WORD || row->words, "%s.%s", shape->type, row->name);
			cr_expect(!(row->flags & MST_FIELD_REQUIRED) || !row->fallback, "%s.%s is needed and has a default", shape->type, row->name);
			for (uint32_t n = 0; n < k; n++)
				cr_expect_str_neq(row->name, shape->fields[n].name, "%s", shape->type);
		}
	}
	cr_expect_eq(num_types[MST_NOUN_ENROLLMENT], 11);
}

Test(shapes, config_uuid_is_for_four_types)
{
	static const char *const allowed[] = {"entrust", "local", "scep", "symantec-mpki"};
	const struct mst_shape *shape;

	for (size_t i = 0; (shape = mst_shape_at(i)); i++) {
		bool is_allowed = false, has = false;
		for (size_t k = 0; k < MST_LEN(allowed); k++)
			is_allowed |= shape->noun == MST_NOUN_ENROLLMENT && strcmp(shape->type, allowed[k]) == 0;
		for (uint32_t k = 0; k < shape->num_fields; k++)
			has |= (shape->fields[k].flags & MST_FIELD_SAN) != 0;
		cr_expect_eq(has, is_allowed, "%s", shape->type);
	}
}

Test(shapes, enrollment_checks)
{
	static const struct {
		const char *json, *error;
	} rows[] = {
		{"{\"name\":\"a\",\"type\":\"local\",\"fields\":{\"authority\":\"x\",\"common_name\":\"$EMAIL$\"}}", NULL},
		{"{\"name\":\"a\",\"type\":\"local\",\"fields\":{\"authority\":\"x\"}}", "common_name is needed"},
		{"{\"name\":\"a\",\"type\":\"local\",\"fields\":{\"authority\":\"x\",\"common_name\":\"$CONFIG_UUID$\"}}", "alternative names only"},
		{"{\"name\":\"a\",\"type\":\"local\",\"fields\":{\"authority\":\"x\",\"common_name\":\"a\",\"sans\":[{\"key\":\"dns\",\"value\":\"$CONFIG_UUID$\"}]}}", NULL},
		{"{\"name\":\"a\",\"type\":\"local\",\"fields\":{\"authority\":\"x\",\"common_name\":\"a\",\"sans\":[{\"key\":\"tel\",\"value\":\"1\"}]}}", "one of rfc822"},
		{"{\"name\":\"a\",\"type\":\"scep\",\"fields\":{\"url\":\"ftp://x.example\",\"common_name\":\"a\"}}", "https"},
		{"{\"name\":\"a\",\"type\":\"scep\",\"fields\":{\"url\":\"https://x.example\",\"common_name\":\"a\",\"challenge_kind\":\"ndes\"}}", "challenge_url is needed"},
		{"{\"name\":\"a\",\"type\":\"scep\",\"fields\":{\"url\":\"https://x.example\",\"common_name\":\"a\",\"is_proxied\":true}}", "decentralized"},
		{"{\"name\":\"a\",\"type\":\"entrust\",\"fields\":{\"url\":\"http://x.example\",\"common_name\":\"a\",\"admin_id\":\"i\",\"admin_password\":\"p\",\"profile\":\"x\"}}", "secrets go there"},
		{"{\"name\":\"a\",\"type\":\"client-provided\",\"fields\":{\"purpose\":\"fun\",\"provider\":\"x\"}}", "purpose: one of authentication"},
	};
	struct mst_object o;
	struct mst_err e;

	mst_arena_init(&arena, NULL, 0);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		e = (struct mst_err){.code = MST_E_NONE};
		cr_expect_eq(read_json(&o, MST_NOUN_ENROLLMENT, rows[i].json, NULL, &e), rows[i].error ? -1 : 0, "%s: %s", rows[i].json, e.text);
		cr_expect(!rows[i].error || strstr(e.text, rows[i].error), "%s: %s", rows[i].json, e.text);
	}
	mst_arena_done(&arena);
}
