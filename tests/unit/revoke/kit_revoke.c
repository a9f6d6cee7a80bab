/* SPDX-License-Identifier: Apache-2.0 */
#include "kit_revoke.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/file.h"

static enum mst_step reply(struct mst_xchg *x)
{
	return STEP_NEXT;
}

#define WAY(name, ...)                                                                             \
	static const struct mst_stage name##_stages[] = {__VA_ARGS__, {"reply", reply}};           \
	const struct mst_way way_##name = {#name, name##_stages, MST_LEN(name##_stages), false}
WAY(crl, {"serve", mst_serve_crl});
WAY(ocsp, {"take", mst_respond_take}, {"answer", mst_respond_answer});
WAY(list, {"list", mst_certs_list}, {"told", mst_certs_told});
WAY(show, {"show", mst_certs_show}, {"told", mst_certs_told});
WAY(revoke, {"look", mst_withdraw_look}, {"apply", mst_withdraw_apply}, {"tell", mst_withdraw_tell}, {"answer", mst_withdraw_answer});

void write_file(const char *path, struct mst_slice bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes.at, bytes.len), (ssize_t)bytes.len);
	close(fd);
}

struct mst_slice read_file(struct world *w, const char *path)
{
	struct mst_slice out;
	struct mst_err e;

	cr_assert_eq(mst_file_read(&out, w->rig.arena, path, 64u << 20, &e), 0, "%s", e.text);
	return out;
}

bool said(struct world *w, const char *text)
{
	struct mst_slice out = read_file(w, "out");

	return memmem(out.at, out.len, text, strlen(text)) != NULL;
}

static void write_pem(struct world *w, const char *path, struct mst_slice der)
{
	struct mst_slice pem;
	struct mst_err e;

	cr_assert_eq(mst_pem_put(&pem, w->rig.arena, "CERTIFICATE", der, &e), 0, "%s", e.text);
	write_file(path, pem);
}

void world_open(struct world *w, enum mst_key_kind kind)
{
	struct mst_err e;

	*w = (struct world){.issuers = NULL};
	rig_open(&w->rig);
	w->authority = rig_make(&w->rig, "devices", kind);
	cr_assert_eq(rig_put(&w->rig, &w->authority, w->rig.seal), 0);
	write_pem(w, "ca.pem", w->authority.cert);
	cr_assert_eq(mst_issuers_load(&w->issuers, w->rig.kit->store, w->rig.seal, &e), 0, "%s", e.text);
}

void world_start(struct world *w)
{
	struct mst_loop_conf conf = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1, .name = "second"};
	struct mst_err e;

	w->loops[0] = w->rig.kit->loop;
	cr_assert_eq(mst_loop_new(&w->loops[1], &conf, &e), 0, "%s", e.text);
	for (uint32_t i = 0; i < LOOPS; i++) {
		struct mst_app *app = &w->apps[i];
		*app = (struct mst_app){.loop = w->loops[i], .store = w->rig.kit->store, .work = w->rig.kit->work,
					.seal = w->rig.seal, .issuers = w->issuers};
		cr_assert_eq(mst_barred_new(&app->barred, &e), 0, "%s", e.text);
		cr_assert_eq(mst_revoke_new(&w->revokes[i], app, &e), 0, "%s", e.text);
		app->revoke = w->revokes[i];
	}
	cr_assert_eq(mst_revoke_start(w->revokes, LOOPS, &e), 0, "%s", e.text);
}

/* The worker may be at a CRL: it comes home first. */
void world_stop(struct world *w)
{
	mst_store_close(&w->rig.kit->store);
	mst_work_free(&w->rig.kit->work);
	for (uint32_t i = LOOPS; i-- > 0;) {
		mst_revoke_free(&w->revokes[i]);
		mst_barred_free(&w->apps[i].barred);
	}
	mst_loop_free(&w->loops[1]);
}

void world_close(struct world *w)
{
	if (w->loops[1])
		world_stop(w);
	mst_issuers_free(&w->issuers);
	rig_close(&w->rig);
}

struct mst_issued world_issue(struct world *w, const char *name, int64_t not_after_s)
{
	const struct mst_issuer *issuer = mst_issuers_find0(w->issuers, MST_S("devices"));
	struct mst_subject subject = {.common_name = name};
	struct mst_issued out = {.issued_ms = mst_clock_wall_ms(), .name = mst_slice_str(name), .device = MST_S("DEVICE"), .source = MST_S("test")};
	struct mst_slice spki;
	struct mst_key *key;
	struct mst_batch b;
	struct mst_cert cert;
	struct mst_err e;
	char path[64];

	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0, "%s", e.text);
	cr_assert_eq(mst_key_spki(&spki, w->rig.arena, key, &e), 0, "%s", e.text);
	cr_assert_eq(mst_issuer_issue(&out.cert, w->rig.arena, issuer, &subject, spki, mst_clock_wall_ms() / 1000, out.serial, &e), 0, "%s",
		     e.text);
	mst_key_free(&key);
	memcpy(out.authority, w->authority.id, 16);
	cr_assert_eq(mst_cert_parse(&cert, out.cert, &e), 0);
	out.not_after = not_after_s ? not_after_s : cert.not_after;
	mst_batch_init(&b, w->rig.arena, NULL, NULL);
	cr_assert_eq(mst_issued_put(&b, &out, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_commit_here(w->rig.kit->store, &b), 0, "%s", b.err.text);
	snprintf(path, sizeof path, "%s.pem", name);
	write_pem(w, path, out.cert);
	return out;
}

struct look {
	struct mst_read r;
	struct mst_issued out;
	const struct mst_issued *which;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	int rc = mst_issued_get(r, &look->out, look->which->authority, look->which->serial, NULL);

	return rc == 1 ? 0 : -1;
}

void world_revoke(struct world *w, const struct mst_issued *i, uint32_t reason, int64_t at_ms)
{
	struct look look = {.r = {.arena = w->rig.arena, .plan = plan}, .which = i};
	struct mst_batch b;
	struct mst_err e;

	cr_assert_eq(mst_store_read_here(w->rig.kit->store, &look.r), 0);
	mst_batch_init(&b, w->rig.arena, NULL, NULL);
	cr_assert_eq(mst_issued_revoke(&b, &look.out, reason, at_ms, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_store_commit_here(w->rig.kit->store, &b), 0, "%s", b.err.text);
}

void world_turn(struct world *w, const bool *done)
{
	uint64_t end_ms = mst_clock_ms() + 20000;
	struct mst_err e;

	while (!*done) {
		cr_assert_lt(mst_clock_ms(), end_ms, "nothing came home");
		for (uint32_t i = 0; i < LOOPS; i++)
			cr_assert_eq(mst_loop_turn(w->loops[i], 5, &e), 0, "%s", e.text);
	}
}

static void on_finished(struct mst_xchg *x, bool drop)
{
	MST_HOME(x, struct visit, x)->is_over = true;
	cr_expect_not(drop);
}

void visit(struct visit *v, struct world *w, uint32_t at, const struct mst_way *way, enum mst_method method, const char *target,
	   struct mst_slice body)
{
	const char *mark = strchr(target, '?');
	struct mst_header kept[2];

	memcpy(kept, v->headers, sizeof kept);
	*v = (struct visit){.is_over = false};
	memcpy(v->headers, kept, sizeof kept);
	mst_arena_init(&v->x.arena, NULL, 4u << 20);
	cr_assert_lt(strlen(target), sizeof v->path);
	strncpy(v->path, target, sizeof v->path - 1);
	v->x.in = (struct mst_request){
		.method = method,
		.target = mst_slice_str(v->path),
		.path = mst_slice(v->path, mark ? (size_t)(mark - target) : strlen(target)),
		.query = mark ? mst_slice_str(v->path + (mark - target) + 1) : mst_slice(NULL, 0),
		.headers = v->headers,
		.num_headers = (v->headers[0].name.len != 0) + (v->headers[1].name.len != 0),
		.body = body,
	};
	v->x.way = way;
	v->x.app = &w->apps[at];
	v->x.who = "test";
	v->x.on_finished = on_finished;
	mst_xchg_walk(&v->x);
	world_turn(w, &v->is_over);
}

void visit_end(struct visit *v)
{
	mst_arena_done(&v->x.arena);
}

const char *visit_extra(const struct visit *v, const char *name)
{
	for (size_t i = 0; i < MST_LEN(v->x.out.extra); i++)
		if (mst_slice_eq(v->x.out.extra[i].name, mst_slice_str(name)))
			return (const char *)v->x.out.extra[i].value.at;
	return NULL;
}
