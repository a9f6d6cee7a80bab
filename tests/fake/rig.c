/* SPDX-License-Identifier: Apache-2.0 */
/* The engine without sockets. */
#include "rig.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/http.h"
#include "muster/text.h"

struct deal {
	struct mst_xchg x;
	struct rig *rig;
	struct mst_header headers[5];
	uint64_t keep[MST_KEEP_ROOM / 8];
	bool is_over;
};

/* The edge's last stage, linked instead of engine/http's: x->out is the answer. */
enum mst_step mst_http_stage_reply(struct mst_xchg *x)
{
	return STEP_NEXT;
}

/* Criterion's runner loses 48 bytes of its own when several tests run side by side; the sanitizer would fail the run for it. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libcriterion\nleak:mst_keeper_due\nleak:mst_keeper_early\n"; /* mails that a loop's end overtook */
}

static void open_store(struct rig *rig)
{
	struct mst_err e;
	cr_assert_eq(mst_store_open(&rig->app.store, &rig->conf, rig->app.work, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seen_new(&rig->app.seen, rig->app.store, rig->app.loop, 0, &e), 0, "%s", e.text);
}

struct rig *rig_new(void)
{
	struct mst_loop_conf loop_conf = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1, .name = "rig"};
	struct rig *rig = calloc(1, sizeof(*rig));
	char key[96];
	struct mst_err e;

	snprintf(rig->path, sizeof(rig->path), "/tmp/muster-rig-XXXXXX");
	cr_assert(mkdtemp(rig->path));
	snprintf(key, sizeof(key), "%s/master.key", rig->path);
	cr_assert_eq(mst_seal_init(key, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seal_load(&rig->seal, key, &e), 0, "%s", e.text);
	rig->conf = (struct mst_store_conf){.path = rig->path, .cache_mib = 8, .memtable_mib = 4};
	mst_sha256(rig->keys[0], MST_S("secret"));
	rig->app = (struct mst_app){
		.seal = rig->seal,
		.api_keys = (const uint8_t(*)[32])rig->keys,
		.num_api_keys = 1,
		.checkin_max = 65536,
		.identity_sources = MST_FROM_TLS,
		.front_end_names = "",
		.report_max = 4 << 20,
		.started_ms = (uint64_t)mst_clock_wall_ms(),
	};
	cr_assert_eq(mst_work_new(&rig->app.work, 2, 64, &e), 0, "%s", e.text);
	cr_assert_eq(mst_loop_new(&rig->app.loop, &loop_conf, &e), 0, "%s", e.text);
	mst_arena_init(&rig->arena, NULL, 0);
	open_store(rig);
	return rig;
}

static void close_store(struct rig *rig)
{
	mst_store_close(&rig->app.store);
	mst_seen_free(&rig->app.seen);
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	return remove(path);
}

void rig_free(struct rig *rig)
{
	close_store(rig);
	mst_work_free(&rig->app.work);
	mst_loop_free(&rig->app.loop);
	mst_seal_free(&rig->seal);
	mst_arena_done(&rig->arena);
	mst_chunks_done(&rig->chunks);
	nftw(rig->path, drop_file, 16, FTW_DEPTH | FTW_PHYS);
	mst_clock_fake(0);
	free(rig);
}

void rig_reopen(struct rig *rig)
{
	close_store(rig);
	open_store(rig);
}

struct link rig_link(const char *cert, const char *name)
{
	struct link link = {.has_peer = true, .gate = MST_GATE_PORTAL};
	mst_sha256(link.peer.sha256, mst_slice_str(cert));
	mst_sha256(link.peer.ca, MST_S("the CA"));
	mst_sha256(link.peer.subject, mst_slice_str(name));
	link.peer.not_before = 1000;
	link.peer.not_after = (int64_t)1 << 40;
	snprintf(link.peer.name, sizeof(link.peer.name), "%s", name);
	return link;
}

struct link rig_control(void)
{
	return (struct link){.gate = MST_GATE_CONTROL};
}

static void on_finished(struct mst_xchg *x, bool drop)
{
	struct deal *deal = MST_HOME(x, struct deal, x);
	cr_assert(!drop, "the exchange was dropped");
	cr_assert(!deal->is_over, "the walk ended twice");
	deal->is_over = true;
}

static char *copy(struct rig *rig, struct mst_slice s)
{
	struct mst_slice out;
	cr_assert(mst_arena_copy(&rig->arena, &out, s));
	return (char *)out.at;
}

/* As engine/http/target.c does for what tests ask. */
static void split_target(struct mst_xchg *x)
{
	uint8_t *place = mst_arena_get(&x->arena, x->in.target.len + 1);
	struct mst_slice raw;
	size_t len;

	(void)mst_slice_cut(&raw, &x->in.query, x->in.target, '?');
	cr_assert_eq(mst_percent_get(place, &len, raw, &x->err), 0, "%s", x->err.text);
	x->in.path = mst_slice(place, len);
}

static void add_header(struct deal *deal, const char *name, const char *value)
{
	if (value)
		deal->headers[deal->x.in.num_headers++] = (struct mst_header){mst_slice_str(name), mst_slice_str(value)};
	deal->x.in.headers = deal->headers;
}

static void part(struct deal *deal)
{
	memset(deal->keep, 0xff, sizeof(deal->keep));
	deal->x.is_orphan = true;
}

struct deal *rig_begin(struct rig *rig, struct link *link, struct ask ask)
{
	struct deal *deal = calloc(1, sizeof(*deal));
	struct mst_xchg *x = &deal->x;
	size_t len = ask.len || !ask.body ? ask.len : strlen(ask.body);

	if (rig->is_cold)
		rig_reopen(rig);
	deal->rig = rig;
	mst_arena_init(&x->arena, &rig->chunks, 256 * 1024);
	x->in.method = ask.has_method ? ask.method : MST_PUT;
	x->in.target = mst_slice_str(ask.target ? ask.target : "/mdm");
	split_target(x);
	add_header(deal, "content-type", ask.type);
	add_header(deal, "authorization", ask.authorization);
	for (size_t i = 0; i < MST_LEN(ask.more); i++)
		add_header(deal, ask.more[i].name, ask.more[i].value);
	x->gate = link->gate;
	x->peer = link->has_peer ? &link->peer : NULL;
	x->id = ++rig->next_id;
	x->app = &rig->app;
	x->keep = rig->makes_orphans ? deal->keep : link->keep;
	x->on_finished = on_finished;
	if (mst_flow_enter(x) < 0) {
		mst_xchg_fail(x);
		deal->is_over = true;
	} else if (len > x->body_max) {
		mst_xchg_refuse(x, MST_E_TOO_BIG, "a body over the limit");
		deal->is_over = true;
	} else {
		x->in.body = mst_slice(ask.body, len);
		mst_xchg_walk(x);
	}
	if (rig->makes_orphans && x->is_waiting)
		part(deal);
	return deal;
}

struct answer rig_end(struct rig *rig, struct deal *deal)
{
	struct mst_xchg *x = &deal->x;
	uint64_t end_ms = mst_clock_ms() + 20000;
	struct answer answer;
	struct mst_err e;

	while (!deal->is_over) {
		cr_assert_lt(mst_clock_ms(), end_ms, "no answer");
		cr_assert_eq(mst_loop_turn(rig->app.loop, 50, &e), 0, "%s", e.text);
	}
	for (size_t i = 0; x->is_orphan && i < MST_LEN(deal->keep); i++)
		cr_assert_eq(deal->keep[i], UINT64_MAX, "an orphan wrote to its connection's room");
	answer = (struct answer){.status = x->out.status, .len = x->out.body.len, .retry_after_s = x->out.retry_after_s};
	snprintf(answer.type, sizeof(answer.type), "%s", x->out.type ? x->out.type : "");
	answer.body = copy(rig, x->out.body);
	if (x->out.extra[0].name.len)
		snprintf(answer.extra, sizeof(answer.extra), "%.*s: %.*s", (int)x->out.extra[0].name.len,
			 (const char *)x->out.extra[0].name.at, (int)x->out.extra[0].value.len,
			 (const char *)x->out.extra[0].value.at);
	cr_assert_neq(answer.status, 0, "no answer was set");
	mst_arena_done(&x->arena);
	free(deal);
	return answer;
}

struct answer rig_ask(struct rig *rig, struct link *link, struct ask ask)
{
	return rig_end(rig, rig_begin(rig, link, ask));
}

char *rig_text(struct rig *rig, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	cr_assert_geq(len, 0);
	char *out = mst_arena_get(&rig->arena, (size_t)len + 1);
	cr_assert(out);
	vsnprintf(out, (size_t)len + 1, format, again);
	va_end(again);
	return out;
}

struct answer rig_checkin(struct rig *rig, struct link *link, const char *items)
{
	return rig_ask(rig, link,
		       (struct ask){.type = "application/x-apple-aspen-mdm-checkin",
				    .body = rig_text(rig, PLIST_HEAD "%s" PLIST_TAIL, items)});
}

struct answer rig_report(struct rig *rig, struct link *link, const char *items)
{
	return rig_ask(rig, link,
		       (struct ask){.type = "application/x-apple-aspen-mdm; charset=UTF-8",
				    .body = rig_text(rig, PLIST_HEAD "%s" PLIST_TAIL, items)});
}

struct answer rig_idle(struct rig *rig, struct link *link, const char *udid)
{
	return rig_report(rig, link,
			  rig_text(rig, "<key>Status</key><string>Idle</string><key>UDID</key><string>%s</string>", udid));
}

struct answer rig_status(struct rig *rig, struct link *link, const char *udid, const char *status, const char *uuid)
{
	return rig_report(rig, link,
			  rig_text(rig,
				   "<key>Status</key><string>%s</string><key>UDID</key><string>%s</string>"
				   "<key>CommandUUID</key><string>%s</string>",
				   status, udid, uuid));
}

struct answer rig_get(struct rig *rig, const char *target)
{
	struct link control = rig_control();
	return rig_ask(rig, &control, (struct ask){.has_method = true, .method = MST_GET, .target = target});
}

struct answer rig_enqueue(struct rig *rig, const char *ids, const char *uuid)
{
	struct link control = rig_control();
	return rig_ask(rig, &control,
		       (struct ask){.target = rig_text(rig, "/v1/enqueue/%s", ids),
				    .body = rig_text(rig,
						     PLIST_HEAD "<key>CommandUUID</key><string>%s</string><key>Command</key><dict>"
								"<key>RequestType</key><string>DeviceInformation</string></dict>"
								PLIST_TAIL,
						     uuid)});
}

int rig_authenticate(struct rig *rig, struct link *link, const char *udid)
{
	return rig_checkin(rig, link,
			   rig_text(rig,
				    "<key>MessageType</key><string>Authenticate</string><key>UDID</key><string>%s</string>"
				    "<key>Topic</key><string>com.apple.mgmt.x</string><key>OSVersion</key><string>17.4</string>"
				    "<key>SerialNumber</key><string>SN-%s</string>",
				    udid, udid))
		.status;
}

int rig_token_update(struct rig *rig, struct link *link, const char *udid, const char *more)
{
	return rig_checkin(rig, link,
			   rig_text(rig,
				    "<key>MessageType</key><string>TokenUpdate</string><key>UDID</key><string>%s</string>"
				    "<key>Topic</key><string>com.apple.mgmt.x</string><key>Token</key><data>AAECAw==</data>"
				    "<key>PushMagic</key><string>magic</string>%s",
				    udid, more))
		.status;
}

struct link rig_enrol(struct rig *rig, const char *udid)
{
	struct link link = rig_link(udid, udid);
	cr_assert_eq(rig_authenticate(rig, &link, udid), 200);
	cr_assert_eq(rig_token_update(rig, &link, udid, ""), 200);
	return link;
}

struct look {
	struct mst_read read;
	struct mst_id id;
	struct mst_device *device;
	struct mst_channel *channel;
	const struct mst_seal *seal;
	enum mst_space space;
	uint32_t num;
	int found;
};

static int look_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, read);
	look->found = look->device ? mst_device_get(r, look->device, &look->id)
				   : mst_channel_get(r, look->channel, &look->id, look->seal);
	return look->found < 0 ? -1 : 0;
}

bool rig_device(struct rig *rig, const char *udid, struct mst_device *out)
{
	struct look look = {.read = {.arena = &rig->arena, .plan = look_plan}, .device = out};
	mst_id_make(&look.id, mst_slice_str(udid), mst_slice(NULL, 0));
	cr_assert_eq(mst_store_read_here(rig->app.store, &look.read), 0, "%s", look.read.err.text);
	return look.found == 1;
}

bool rig_channel(struct rig *rig, const char *udid, const char *user, struct mst_channel *out)
{
	struct look look = {.read = {.arena = &rig->arena, .plan = look_plan}, .channel = out, .seal = rig->seal};
	mst_id_make(&look.id, mst_slice_str(udid), mst_slice_str(user));
	cr_assert_eq(mst_store_read_here(rig->app.store, &look.read), 0, "%s", look.read.err.text);
	return look.found == 1;
}

static int count_plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, read);
	struct mst_walk w;
	int rc = mst_walk_init(&w, r, look->space, mst_slice(NULL, 0), mst_slice(NULL, 0));

	while (rc == 0 && mst_walk_next(&w) == 1)
		look->num++;
	mst_walk_done(&w);
	return rc;
}

uint32_t rig_num_records(struct rig *rig, enum mst_space space)
{
	struct look look = {.read = {.arena = &rig->arena, .plan = count_plan}, .space = space};
	cr_assert_eq(mst_store_read_here(rig->app.store, &look.read), 0, "%s", look.read.err.text);
	return look.num;
}

uint64_t rig_count(enum mst_counter id)
{
	struct mst_counts *counts = malloc(sizeof(*counts));
	mst_counts_sum(counts);
	uint64_t n = counts->counters[id];
	free(counts);
	return n;
}
