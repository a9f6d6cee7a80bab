/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a store that no server has open with what years leave behind: devices that are enrolled, and commands that are long
 * answered, written through the same records as the server's. */
#include <stdio.h>

#include "line.h"
#include "muster/clock.h"
#include "muster/device.h"
#include "muster/log.h"
#include "muster/outbox.h"
#include "muster/queue.h"
#include "muster/text.h"
#include "parts.h"

#define AT_ONCE    200 /* devices or commands of one batch */
#define CACHE_MIB  64
#define MEMORY_MIB 64
#define TEXT_ROOM  64
#define OLD_MS     (400LL * 86400 * 1000)
#define TYPE       MST_S("DeviceInformation")
#define TOPIC      MST_S("com.apple.mgmt.External.8b0e2d6c-2c0f-4b39-9c8e-0f2a4d9b7e11")

struct fill {
	struct mst_arena arena;
	const char *store_path, *seal_path;
	uint32_t num_devices, num_commands, num_owners, seed, owner_seed;
	bool has_pushes;
	struct mst_work *work;
	struct mst_store *store;
	struct mst_seal *seal;
	int64_t now_ms;
};

#define AT(field) offsetof(struct fill, field)
/* clang-format off */
static const struct mst_opt_row rows[] = {
	{ "fill", "store",      AT(store_path),   MST_OPT_TEXT, "store",      1, 4096,       "", false, "folder of the store; no server has it open" },
	{ "fill", "seal",       AT(seal_path),    MST_OPT_TEXT, "master.key", 1, 4096,       "", false, "its master key" },
	{ "fill", "devices",    AT(num_devices),  MST_OPT_U32,  "0",          0, 100000000,  "", false, "devices to add" },
	{ "fill", "seed",       AT(seed),         MST_OPT_U32,  "999",        0, 0,          "", false, "of their UDIDs" },
	{ "fill", "pushes",     AT(has_pushes),   MST_OPT_BOOL, "no",         0, 0,          "", false, "a push is due for each of them" },
	{ "fill", "commands",   AT(num_commands), MST_OPT_U32,  "0",          0, 1000000000, "", false, "answered commands to add" },
	{ "fill", "owners",     AT(num_owners),   MST_OPT_U32,  "200",        1, 1000000,    "", false, "devices that answered them, with --owner-seed" },
	{ "fill", "owner-seed", AT(owner_seed),   MST_OPT_U32,  "1",          0, 0,          "", false, "of their UDIDs" },
};
/* clang-format on */

static const char report[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict><key>CommandUUID</key><string>old"
			     "</string><key>Status</key><string>Acknowledged</string></dict></plist>\n";

static int commit(struct fill *f, struct mst_batch *b, struct mst_err *e)
{
	if (mst_store_commit_here(f->store, b) == 0)
		return 0;
	*e = b->err;
	return -1;
}

static void put_history(struct mst_batch *b, const struct mst_id *id, enum mst_event event, int64_t at_ms, struct mst_slice detail)
{
	mst_history_add(b, id, &(struct mst_history){.at_ms = at_ms, .event = event, .who = MST_S("device"), .detail = detail});
}

static void put_push(struct fill *f, struct mst_batch *b, const struct mst_id *id)
{
	struct mst_push_due due;

	mst_push_due_make(&due, id, MST_PUSH_OPERATOR, f->now_ms);
	mst_outbox_put(b, &due);
}

static int put_device(struct fill *f, struct mst_batch *b, uint32_t index, struct mst_err *e)
{
	char udid[UDID_LEN + 1], serial[TEXT_ROOM];
	struct mst_device d = {.state = MST_DEVICE_ENROLLED,
			       .epoch = 1,
			       .num_token_updates = 1,
			       .topic = TOPIC,
			       .os_version = MST_S("18.1"),
			       .build = MST_S("22B83"),
			       .product = MST_S("iPhone15,2"),
			       .enrolled_ms = f->now_ms - OLD_MS,
			       .updated_ms = f->now_ms - OLD_MS};
	struct mst_channel c = {.is_enabled = true, .epoch = 1, .num_token_updates = 1, .topic = TOPIC, .updated_ms = d.updated_ms};
	struct mst_binding binding = {.not_before = (f->now_ms - OLD_MS) / 1000, .not_after = (f->now_ms + OLD_MS) / 1000};

	mst_identity_udid(udid, f->seed, index);
	d.text = c.magic = binding.text = mst_slice_str(udid);
	snprintf(serial, sizeof(serial), "OLD%09u", index);
	d.serial = mst_slice_str(serial);
	mst_id_make(&d.id, d.text, (struct mst_slice){NULL, 0});
	mst_sha256(d.sha256, d.text);
	c.id = binding.id = d.id;
	c.token = mst_slice(d.sha256, sizeof(d.sha256));
	mst_binding_put(b, &binding, d.sha256);
	mst_device_put(b, &d);
	put_history(b, &d.id, MST_EVENT_AUTHENTICATE, d.enrolled_ms, d.os_version);
	put_history(b, &d.id, MST_EVENT_TOKEN_UPDATE, d.enrolled_ms, (struct mst_slice){NULL, 0});
	if (f->has_pushes)
		put_push(f, b, &c.id);
	return mst_channel_put(b, &c, f->seal, e);
}

static int put_devices(struct fill *f, struct mst_err *e)
{
	int rc = 0;

	for (uint32_t first = 0; rc == 0 && first < f->num_devices; first += AT_ONCE) {
		struct mst_arena arena;
		struct mst_batch b;
		mst_arena_init(&arena, NULL, 0);
		mst_batch_init(&b, &arena, NULL, NULL);
		for (uint32_t i = first; rc == 0 && i < first + AT_ONCE && i < f->num_devices; i++)
			rc = put_device(f, &b, i, e);
		if (rc == 0)
			rc = commit(f, &b, e);
		mst_arena_done(&arena);
	}
	return rc;
}

/* Some commands of one device: queued, read back, ended. */
struct group {
	struct mst_read read;
	struct mst_id id;
	char uuids[AT_ONCE][TEXT_ROOM];
	struct mst_command commands[AT_ONCE];
	uint32_t num;
};

static int read_plan(struct mst_read *r)
{
	struct group *g = MST_HOME(r, struct group, read);

	for (uint32_t i = 0; i < g->num; i++) {
		int rc = mst_command_get(r, &g->commands[i], &g->id, mst_slice_str(g->uuids[i]));
		if (rc != 1)
			return rc == 0 ? mst_fail(&r->err, MST_E_ABSENT, "a command is gone") : rc;
	}
	return 0;
}

static int queue_group(struct fill *f, struct group *g, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_batch b;

	mst_batch_init(&b, arena, NULL, NULL);
	for (uint32_t i = 0; i < g->num; i++) {
		mst_queue_add(&b, &g->id, 1, mst_slice_str(g->uuids[i]), TYPE, mst_slice_str(report), f->now_ms - OLD_MS);
		put_history(&b, &g->id, MST_EVENT_QUEUED, f->now_ms - OLD_MS, mst_slice_str(g->uuids[i]));
	}
	return commit(f, &b, e);
}

static int end_group(struct fill *f, struct group *g, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_batch b;

	g->read = (struct mst_read){.arena = arena, .plan = read_plan};
	if (mst_store_read_here(f->store, &g->read) < 0) {
		*e = g->read.err;
		return -1;
	}
	mst_batch_init(&b, arena, NULL, NULL);
	for (uint32_t i = 0; i < g->num; i++) {
		const struct mst_result result = {
			.uuid = g->commands[i].uuid, .status = MST_S("Acknowledged"), .at_ms = f->now_ms - OLD_MS, .body = mst_slice_str(report)};
		mst_result_put(&b, &g->id, &result);
		mst_queue_end(&b, &g->commands[i], MST_COMMAND_ACKNOWLEDGED, f->now_ms - OLD_MS);
		put_history(&b, &g->id, MST_EVENT_ANSWERED, f->now_ms - OLD_MS, result.uuid);
	}
	return commit(f, &b, e);
}

static int put_commands(struct fill *f, struct mst_err *e)
{
	static struct group g;
	uint32_t each = f->num_commands / f->num_owners;
	int rc = 0;

	for (uint32_t owner = 0; rc == 0 && owner < f->num_owners; owner++) {
		char udid[UDID_LEN + 1];
		mst_identity_udid(udid, f->owner_seed, owner);
		mst_id_make(&g.id, mst_slice_str(udid), (struct mst_slice){NULL, 0});
		for (uint32_t done = 0; rc == 0 && done < each; done += g.num) {
			struct mst_arena arena;
			mst_arena_init(&arena, NULL, 0);
			g.num = each - done < AT_ONCE ? each - done : AT_ONCE;
			for (uint32_t i = 0; i < g.num; i++)
				snprintf(g.uuids[i], TEXT_ROOM, "old-%lld-%u", (long long)f->now_ms, done + i);
			rc = queue_group(f, &g, &arena, e);
			if (rc == 0)
				rc = end_group(f, &g, &arena, e);
			mst_arena_done(&arena);
		}
	}
	return rc;
}

static int fill(struct fill *f, struct mst_err *e)
{
	/* No sync: what a crash would cost is made again. */
	const struct mst_store_conf conf = {
		.path = f->store_path, .cache_mib = CACHE_MIB, .memtable_mib = MEMORY_MIB, .skips_sync = true};

	f->now_ms = mst_clock_wall_ms();
	if (mst_seal_load(&f->seal, f->seal_path, e) < 0 || mst_work_new(&f->work, 1, 16, e) < 0 ||
	    mst_store_open(&f->store, &conf, f->work, e) < 0 || put_devices(f, e) < 0)
		return -1;
	return put_commands(f, e);
}

int mst_fill_main(int argc, char **argv)
{
	struct fill f = {.store = NULL};
	struct mst_err e = {0};
	int rc = mst_line_read(&f, &f.arena, rows, MST_LEN(rows), argc, argv, &e);

	mst_log_setup(MST_WARN, false);
	if (rc == 0)
		rc = fill(&f, &e);
	if (rc < 0)
		fprintf(stderr, "muster-bench: %s\n", e.text);
	mst_work_free(&f.work);
	mst_store_close(&f.store);
	mst_seal_free(&f.seal);
	mst_arena_done(&f.arena);
	return rc < 0 ? (e.code == MST_E_CONF ? 2 : 1) : 0;
}
