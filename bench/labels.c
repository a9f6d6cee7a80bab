/* SPDX-License-Identifier: Apache-2.0 */
/* How long labels of many devices take to become current after a change, in this process: workers, store, one loop. */
#include <stdio.h>
#include <unistd.h>

#include "line.h"
#include "muster/clock.h"
#include "muster/json.h"
#include "muster/log.h"
#include "muster/members.h"

struct labels_conf {
	struct mst_arena arena;
	const char *folder;
	uint32_t num_devices, num_workers;
	bool has_users, is_json;
};

#define AT(field) offsetof(struct labels_conf, field)
static const struct mst_opt_row rows[] = {
	{"labels", "devices", AT(num_devices), MST_OPT_U32, "100000", 1, 10000000, "", false, "devices"},
	{"labels", "workers", AT(num_workers), MST_OPT_U32, "2", 1, 256, "", false, "worker threads"},
	{"labels", "users", AT(has_users), MST_OPT_BOOL, "no", 0, 0, "", false, "each device has a user, whom the expression looks at"},
	{"labels", "folder", AT(folder), MST_OPT_PATH, "/tmp/muster-labels", 1, 200, "", false, "store, made anew: must not be there"},
	{"labels", "json", AT(is_json), MST_OPT_BOOL, "no", 0, 0, "", false, "print JSON"},
};

struct stage {
	const struct labels_conf *conf;
	struct mst_app app;
	struct mst_members *members;
	struct mst_catalog *catalog;
	uint64_t num_changed;
};

static void on_members(struct mst_app *app, const struct mst_id *devices, uint32_t num)
{
	(void)devices;
	MST_HOME(app, struct stage, app)->num_changed += num;
}

static int put_object(struct stage *s, struct mst_arena *arena, struct mst_batch *b, enum mst_noun noun, const char *json,
		      struct mst_err *e)
{
	struct mst_json_value *root;
	struct mst_object *o = mst_arena_zero(arena, sizeof *o);
	int rc;

	(void)s;
	if (!o)
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_json_parse(&root, mst_slice_str(json), MST_OBJECT_MAX, 8, e) < 0)
		return -1;
	rc = mst_object_read(o, arena, root, noun, NULL, e);
	o->version = 1;
	if (rc == 0)
		rc = mst_object_put(b, o, NULL, e);
	mst_json_free(&root);
	return rc;
}

static int commit(struct stage *s, struct mst_batch *b, struct mst_err *e)
{
	if (mst_store_commit_here(s->app.store, b) == 0)
		return 0;
	*e = b->err;
	return -1;
}

static int put_device(struct stage *s, struct mst_arena *arena, uint32_t i, struct mst_err *e)
{
	struct mst_detail d = {.os_version = i % 2 ? MST_S("17.1") : MST_S("16.0"), .platform = MST_S("ios"), .model = MST_S("iPhone15,2")};
	struct mst_slice json;
	struct mst_batch b;

	mst_batch_init(&b, arena, NULL, NULL);
	b.is_lazy = true;
	if (!mst_arena_format(arena, &d.text, "00008110-%016X", i) || !mst_arena_format(arena, &d.serial, "SERIAL%06u", i))
		return mst_fail(e, MST_E_BUSY, "no memory");
	mst_id_make(&d.id, d.text, mst_slice(NULL, 0));
	if (s->conf->has_users) {
		if (!mst_arena_format(arena, &d.user, "user%u", i) ||
		    !mst_arena_format(arena, &json, "{\"name\":\"user%u\",\"fields\":{\"email\":\"user%u@example.com\",\"groups\":[\"%s\"]}}", i, i,
				      i % 2 ? "17" : "16"))
			return mst_fail(e, MST_E_BUSY, "no memory");
		if (put_object(s, arena, &b, MST_NOUN_USER, (const char *)json.at, e) < 0)
			return -1;
	}
	mst_detail_put(&b, &d, NULL);
	return commit(s, &b, e);
}

static int fill(struct stage *s, struct mst_err *e)
{
	for (uint32_t i = 0; i < s->conf->num_devices; i++) {
		struct mst_arena arena;
		int rc;

		mst_arena_init(&arena, NULL, 0);
		rc = put_device(s, &arena, i, e);
		mst_arena_done(&arena);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* A label's new expression, until the labels of all devices are current. */
static int follow(struct stage *s, uint64_t *ns, struct mst_err *e)
{
	struct mst_catalog *older = s->catalog;
	uint64_t began_ns;

	if (mst_catalog_load(&s->catalog, s->app.store, e) < 0)
		return -1;
	s->app.catalog = s->catalog;
	s->num_changed = 0;
	began_ns = mst_clock_ns();
	mst_members_follow(s->members, older, s->catalog);
	mst_catalog_free(&older);
	while (!mst_members_is_idle(s->members))
		if (mst_loop_turn(s->app.loop, 5, e) < 0)
			return -1;
	*ns = mst_clock_ns() - began_ns;
	return 0;
}

static int set_label(struct stage *s, const char *expression, struct mst_err *e)
{
	struct mst_arena arena;
	struct mst_slice json;
	struct mst_batch b;
	uint8_t key[17] = {MST_NOUN_LABEL};
	int rc = 0;

	mst_arena_init(&arena, NULL, 0);
	mst_batch_init(&b, &arena, NULL, NULL);
	mst_object_id(key + 1, MST_NOUN_LABEL, MST_S("new"));
	mst_batch_drop(&b, MST_SPACE_OBJECT, mst_slice(key, sizeof key));
	rc = commit(s, &b, e);
	mst_batch_init(&b, &arena, NULL, NULL);
	if (rc == 0 && !mst_arena_format(&arena, &json, "{\"name\":\"new\",\"fields\":{\"expression\":\"%s\"}}", expression))
		rc = mst_fail(e, MST_E_BUSY, "no memory");
	if (rc == 0)
		rc = put_object(s, &arena, &b, MST_NOUN_LABEL, (const char *)json.at, e);
	if (rc == 0)
		rc = commit(s, &b, e);
	mst_arena_done(&arena);
	return rc;
}

static void tell(const struct stage *s, const char *name, uint64_t ns)
{
	double ms = (double)ns / 1e6;

	if (s->conf->is_json)
		printf("{\"name\":\"%s\",\"devices\":%u,\"changed\":%llu,\"ms\":%.1f}\n", name, s->conf->num_devices,
		       (unsigned long long)s->num_changed, ms);
	else
		printf("%-24s %8u devices %8llu changed %9.1f ms\n", name, s->conf->num_devices, (unsigned long long)s->num_changed, ms);
}

static int measure(struct stage *s, struct mst_err *e)
{
	static const char *const plain[] = {"device.os_version >= \\\"17\\\"", "device.os_version < \\\"17\\\"", "device.serial = \\\"x\\\""};
	static const char *const users[] = {"user.group = \\\"17\\\"", "user.group = \\\"16\\\"", "user.group = \\\"x\\\""};
	static const char *const names[] = {"given to half", "taken and given", "taken from half"};
	uint64_t ns;

	for (size_t i = 0; i < MST_LEN(names); i++) {
		if (set_label(s, s->conf->has_users ? users[i] : plain[i], e) < 0 || follow(s, &ns, e) < 0)
			return -1;
		tell(s, names[i], ns);
	}
	mst_members_free(&s->members);
	mst_catalog_free(&s->catalog);
	if (mst_members_new(&s->members, &s->app, e) < 0 || follow(s, &ns, e) < 0)
		return -1;
	tell(s, "all at the start", ns);
	return 0;
}

static int open_all(struct stage *s, struct mst_err *e)
{
	const struct mst_store_conf store = {.path = s->conf->folder, .cache_mib = 256, .memtable_mib = 64};
	const struct mst_loop_conf loop = {.num_entries = 64, .num_files = 16, .num_buffers = 16, .cpu = -1, .name = "labels"};

	if (access(s->conf->folder, F_OK) == 0)
		return mst_fail(e, MST_E_CONF, "%s is there already", s->conf->folder);
	if (mst_loop_new(&s->app.loop, &loop, e) < 0 || mst_work_new(&s->app.work, s->conf->num_workers, 256, e) < 0 ||
	    mst_store_open(&s->app.store, &store, s->app.work, e) < 0)
		return -1;
	s->app.on_members = on_members;
	return mst_members_new(&s->members, &s->app, e);
}

int mst_labels_main(int argc, char **argv)
{
	struct labels_conf conf = {.num_devices = 0};
	struct stage s = {.conf = &conf};
	struct mst_err e = {0};
	int rc = mst_line_read(&conf, &conf.arena, rows, MST_LEN(rows), argc, argv, &e);

	mst_log_setup(MST_WARN, false);
	if (rc > 0)
		return 0;
	if (rc == 0)
		rc = open_all(&s, &e);
	if (rc == 0)
		rc = fill(&s, &e);
	if (rc == 0)
		rc = measure(&s, &e);
	if (rc < 0)
		fprintf(stderr, "muster-bench: %s\n", e.text);
	mst_store_close(&s.app.store);
	mst_work_free(&s.app.work);
	mst_members_free(&s.members);
	mst_catalog_free(&s.catalog);
	mst_loop_free(&s.app.loop);
	mst_arena_done(&conf.arena);
	return rc < 0 ? (e.code == MST_E_CONF ? 2 : 1) : 0;
}
