/* SPDX-License-Identifier: Apache-2.0 */
/* RSA signing on a worker: the session waits, keeps what comes meanwhile, and may be freed before
 * the job is home. */
#include <criterion/criterion.h>

#include "rig.h"

static void with_worker(struct rig *rig, uint32_t num_jobs_max)
{
	struct mst_err e;
	rig_make(rig);
	rig_identity(rig, true, MST_KEY_RSA2048,
		     (struct mst_issue){.common_name = "localhost",
					.key_usage = MST_KU_SIGN,
					.ext_key_usage = MST_EKU_SERVER},
		     &rig->other);
	cr_assert_eq(mst_loop_new(&rig->loop,
				  &(struct mst_loop_conf){.cpu = -1,
							  .num_entries = 64,
							  .num_files = 16,
							  .num_buffers = 16},
				  &e),
		     0, "%s", e.text);
	cr_assert_eq(mst_work_new(&rig->work, 1, num_jobs_max, &e), 0, "%s", e.text);
	/* The thread that turns the loop owns it: this one. */
	cr_assert_eq(mst_loop_turn(rig->loop, 0, &e), 0, "%s", e.text);
}

static void without_worker(struct rig *rig)
{
	rig_contexts_done(rig);
	rig_sessions_done(rig);
	mst_work_free(&rig->work);
	struct mst_err e;
	for (int i = 0; i < 4; i++)
		cr_assert_eq(mst_loop_turn(rig->loop, 0, &e), 0, "%s", e.text);
	rig_done(rig);
	mst_loop_free(&rig->loop);
}

Test(worker, signs)
{
	for (int allows_13 = 0; allows_13 < 2; allows_13++) {
		struct rig rig;
		with_worker(&rig, 8);
		rig.client_conf.forbids_13 = !allows_13;
		for (rig.step = 0; rig.step < 3; rig.step++) {
			cr_expect(rig_shake(&rig), "%s / %s", rig.s.e.text, rig.c.e.text);
			cr_expect_eq(rig.s.num_ready, 1);
			cr_expect_str_eq(mst_tls_peer0(rig.s.tls)->name, "device-1");
			cr_expect(rig_say(&rig, &rig.c, &rig.s, MST_S("words")));
		}
		without_worker(&rig);
	}
}

/* Gives the server the client's hello, so that a job is out. */
static void hello(struct rig *rig)
{
	uint8_t plain[64];
	rig_start(rig);
	cr_assert_eq(mst_tls_read(rig->c.tls, plain, sizeof(plain), &rig->c.e), 0);
	struct mst_slice all = mst_buf_slice(&rig->c.out);
	cr_assert_eq(mst_tls_feed(rig->s.tls, all, &rig->s.e), 0);
	cr_assert_eq(mst_tls_read(rig->s.tls, plain, sizeof(plain), &rig->s.e), 0, "%s",
		     rig->s.e.text);
	mst_buf_drop(&rig->c.out, all.len);
	cr_assert_eq(rig->s.num_puts, 0, "it waits");
}

Test(worker, freed_meanwhile)
{
	struct rig rig;
	with_worker(&rig, 8);
	for (int i = 0; i < 5; i++) {
		hello(&rig);
		mst_tls_free(&rig.s.tls);
		if (i == 3)
			rig_contexts_done(&rig);
	}
	without_worker(&rig);
}

/* Freed when the job is home and nobody has read since. */
Test(worker, freed_late)
{
	struct rig rig;
	struct mst_err e;
	with_worker(&rig, 8);
	hello(&rig);
	while (!rig.s.num_ready)
		cr_assert_eq(mst_loop_turn(rig.loop, 10, &e), 0);
	mst_tls_free(&rig.s.tls);
	without_worker(&rig);
}

/* What comes while it waits is kept, up to a bound; reading early is harmless. */
Test(worker, fed_meanwhile)
{
	struct rig rig;
	uint8_t plain[64], much[4096];
	with_worker(&rig, 8);
	hello(&rig);
	memset(much, 0x5a, sizeof(much));
	cr_expect_eq(mst_tls_read(rig.s.tls, plain, sizeof(plain), &rig.s.e), 0);
	for (int i = 0; i < 16; i++) {
		cr_expect_eq(mst_tls_feed(rig.s.tls, mst_slice(much, sizeof(much)), &rig.s.e), 0,
			     "%d", i);
		cr_expect_eq(mst_tls_read(rig.s.tls, plain, sizeof(plain), &rig.s.e), 0);
	}
	cr_expect_eq(mst_tls_feed(rig.s.tls, mst_slice(much, 1), &rig.s.e), -1);
	cr_expect_eq(rig.s.e.code, MST_E_TOO_BIG);
	while (!rig.s.num_ready)
		cr_assert_eq(mst_loop_turn(rig.loop, 10, &rig.s.e), 0);
	cr_expect_eq(mst_tls_read(rig.s.tls, plain, sizeof(plain), &rig.s.e), -1, "it was rubbish");
	without_worker(&rig);
}

/* A full pool: signed here, at once. */
Test(worker, full)
{
	struct rig rig;
	with_worker(&rig, 1);
	struct mst_tls *waiting[12] = {NULL};
	size_t num_inline = 0;
	for (size_t i = 0; i < MST_LEN(waiting); i++) {
		uint8_t plain[64];
		rig_start(&rig);
		cr_assert_eq(mst_tls_read(rig.c.tls, plain, sizeof(plain), &rig.c.e), 0);
		struct mst_slice all = mst_buf_slice(&rig.c.out);
		cr_assert_eq(mst_tls_feed(rig.s.tls, all, &rig.s.e), 0);
		cr_assert_eq(mst_tls_read(rig.s.tls, plain, sizeof(plain), &rig.s.e), 0, "%s",
			     rig.s.e.text);
		num_inline += rig.s.num_puts != 0;
		waiting[i] = rig.s.tls;
		rig.s.tls = NULL;
	}
	cr_expect_gt(num_inline, 0);
	for (size_t i = 0; i < MST_LEN(waiting); i++)
		mst_tls_free(&waiting[i]);
	without_worker(&rig);
}
