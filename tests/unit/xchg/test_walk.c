/* SPDX-License-Identifier: Apache-2.0 */
/* The walk: order, waits, jumps, ends. */
#include <criterion/criterion.h>
#include <signal.h>

#include "muster/xchg.h"

/* What happened, one letter a call. */
static char trace[32];
static size_t trace_len;
static enum mst_step second;

static void note(char c)
{
	trace[trace_len++] = c;
	trace[trace_len] = '\0';
}

static enum mst_step stage_a(struct mst_xchg *x)
{
	note('a');
	return STEP_NEXT;
}

static enum mst_step stage_b(struct mst_xchg *x)
{
	note('b');
	cr_expect_eq(x->at, 2); /* grew before the stage was entered */
	return second;
}

static enum mst_step stage_c(struct mst_xchg *x)
{
	note('c');
	return STEP_NEXT;
}

static enum mst_step stage_last(struct mst_xchg *x)
{
	note('r');
	return STEP_REPLY;
}

static void on_finished(struct mst_xchg *x, bool drop)
{
	note(drop ? 'D' : 'F');
}

static const struct mst_stage stages[] = {
	{"a", stage_a}, {"b", stage_b}, {"c", stage_c}, {"reply", stage_last}};
static const struct mst_way way = {.name = "test", .stages = stages, .num_stages = MST_LEN(stages)};

Test(walk, rows)
{
	static const struct {
		enum mst_step step;
		const char *first, *whole;
	} rows[] = {
		{STEP_NEXT, "abcrF", "abcrF"},
		{STEP_REPLY, "abrF", "abrF"},
		{STEP_DROP, "abD", "abD"},
		{STEP_WAIT, "ab", "abcrF"},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_xchg x = {.way = &way, .on_finished = on_finished};
		trace_len = 0;
		second = rows[i].step;
		mst_xchg_walk(&x);
		cr_expect_str_eq(trace, rows[i].first, "row %zu", i);
		cr_expect_eq(x.is_waiting, rows[i].step == STEP_WAIT);
		if (x.is_waiting)
			mst_xchg_resume(&x);
		cr_expect_str_eq(trace, rows[i].whole, "row %zu", i);
		cr_expect(!x.is_walking && !x.is_waiting && x.at == way.num_stages);
	}
}

static enum mst_step wait(struct mst_xchg *x)
{
	note('w');
	return STEP_WAIT;
}

Test(walk, a_wait_in_the_last_stage_ends_with_the_walk)
{
	static const struct mst_stage one[] = {{"wait", wait}};
	static const struct mst_way last = {.name = "test", .stages = one, .num_stages = 1};
	struct mst_xchg x = {.way = &last, .on_finished = on_finished};
	trace_len = 0;
	mst_xchg_walk(&x);
	mst_xchg_resume(&x);
	cr_expect_str_eq(trace, "wF");
}

Test(walk, a_resume_without_a_wait_is_our_bug, .signal = SIGABRT)
{
	struct mst_xchg x = {.way = &way, .on_finished = on_finished};
	mst_xchg_resume(&x);
}
