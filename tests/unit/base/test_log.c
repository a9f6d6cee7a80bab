/* SPDX-License-Identifier: Apache-2.0 */
/* Records as they stand on stderr: quoting in both forms, cutting, levels, the gate of peers, one
 * write a record. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "muster/clock.h"
#include "muster/log.h"
#include "muster/text.h"

#define TEXT_HEAD "time=2026-01-02T03:04:05.678Z level=info msg=m "
#define JSON_HEAD "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"msg\":\"m\","

static int read_end, stderr_before;
static char out[100000];

static void catch_stderr(void)
{
	int ends[2];
	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	stderr_before = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	read_end = ends[0];
	mst_clock_fake(1767323045678);
}

static void give_back_stderr(void)
{
	dup2(stderr_before, STDERR_FILENO);
	close(stderr_before);
	close(read_end);
}

/* What was written since the last call, as a string. */
static const char *written(void)
{
	size_t len = 0;
	ssize_t got;
	while ((got = read(read_end, out + len, sizeof(out) - 1 - len)) > 0)
		len += (size_t)got;
	out[len] = '\0';
	return out;
}

TestSuite(log, .init = catch_stderr, .fini = give_back_stderr);

Test(log, strings)
{
	static const struct {
		struct mst_slice in;
		const char *text, *json;
	} rows[] = {
		{MST_S_INIT("abc"), "abc", "\"abc\""},
		{MST_S_INIT(""), "\"\"", "\"\""},
		{MST_S_INIT("a b"), "\"a b\"", "\"a b\""},
		{MST_S_INIT("a=b"), "\"a=b\"", "\"a=b\""},
		{MST_S_INIT("say \"x\""), "\"say \\\"x\\\"\"", "\"say \\\"x\\\"\""},
		{MST_S_INIT("c:\\d"), "\"c:\\\\d\"", "\"c:\\\\d\""},
		{MST_S_INIT("a\nlevel=error"), "\"a\\nlevel=error\"", "\"a\\nlevel=error\""},
		{MST_S_INIT("\r\t\b\f"), "\"\\r\\t\\b\\f\"", "\"\\r\\t\\b\\f\""},
		{MST_S_INIT("\x1b[2J"), "\"\\u001b[2J\"", "\"\\u001b[2J\""},
		{MST_S_INIT("a\0b"), "\"a\\u0000b\"", "\"a\\u0000b\""},
		{MST_S_INIT("\x7f"), "\"\\u007f\"", "\"\\u007f\""},
		{MST_S_INIT("\xc2\x9b"), "\"\\u009b\"", "\"\\u009b\""},
		{MST_S_INIT("\xe2\x80\xa8"), "\"\\u2028\"", "\"\\u2028\""},
		{MST_S_INIT("\xe2\x80\xae"), "\"\\u202e\"", "\"\\u202e\""},
		{MST_S_INIT("\xe2\x81\xa6"), "\"\\u2066\"", "\"\\u2066\""},
		{MST_S_INIT("M\xc3\xbcller"), "\"M\xc3\xbcller\"", "\"M\xc3\xbcller\""},
		{MST_S_INIT("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
		{MST_S_INIT("\xff\xc3"), "\"\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\""},
		{MST_S_INIT("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"",
		 "\"\\ufffd\\ufffd\\ufffd\""},
		{MST_S_INIT("/v1/x?y"), "/v1/x?y", "\"/v1/x?y\""},
		{{NULL, 0}, "\"\"", "\"\""},
	};
	char want[200];
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		mst_log_setup(MST_INFO, false);
		mst_log(INFO, "m", mst_f_slice("k", rows[i].in));
		snprintf(want, sizeof(want), TEXT_HEAD "k=%s\n", rows[i].text);
		cr_expect_str_eq(written(), want);
		mst_log_setup(MST_INFO, true);
		mst_log(INFO, "m", mst_f_slice("k", rows[i].in));
		snprintf(want, sizeof(want), JSON_HEAD "\"k\":%s}\n", rows[i].json);
		cr_expect_str_eq(written(), want);
	}
}

Test(log, kinds)
{
	struct mst_err e;
	mst_fail(&e, MST_E_TOO_BIG, "body of %d bytes", 7);
	mst_log_setup(MST_DEBUG, false);
	mst_log(WARN, "two words", mst_f_u64("a", UINT64_MAX), mst_f_i64("b", INT64_MIN),
		mst_f_hex("c", MST_S("\x01\xff")), mst_f_str("d", "x"), mst_f_err(&e),
		mst_f_code(&e), mst_f_hex("none", mst_slice(NULL, 0)));
	cr_expect_str_eq(
		written(),
		"time=2026-01-02T03:04:05.678Z level=warn msg=\"two words\" a=18446744073709551615 "
		"b=-9223372036854775808 c=01ff d=x error=\"body of 7 bytes\" code=too-big none=\n");
	mst_log_setup(MST_DEBUG, true);
	mst_log(DEBUG, "x", mst_f_u64("a", 1), mst_f_hex("c", MST_S("\x01\xff")));
	cr_expect_str_eq(
		written(),
		"{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"debug\",\"msg\":\"x\",\"a\":1,"
		"\"c\":\"01ff\"}\n");
}

Test(log, levels)
{
	static const enum mst_level levels[] = {MST_DEBUG, MST_INFO, MST_WARN, MST_ERROR};
	uint64_t before = mst_log_count(MST_DEBUG);
	for (size_t i = 0; i < MST_LEN(levels); i++) {
		mst_log_setup(levels[i], false);
		mst_log(DEBUG, "x", mst_f_u64("n", 1));
		cr_expect_eq(strlen(written()) > 0, levels[i] <= MST_DEBUG);
		mst_log(INFO, "x", mst_f_u64("n", 1));
		cr_expect_eq(strlen(written()) > 0, levels[i] <= MST_INFO);
		mst_log(WARN, "x", mst_f_u64("n", 1));
		cr_expect_eq(strlen(written()) > 0, levels[i] <= MST_WARN);
		mst_log(ERROR, "x", mst_f_u64("n", 1));
		cr_expect_eq(strlen(written()) > 0, true);
	}
	cr_expect_eq(mst_log_count(MST_DEBUG) - before, 10u);
	cr_expect_eq(mst_log_count(MST_WARN), 7u);
	cr_expect_eq(mst_log_count(MST_ERROR), 4u);
}

Test(log, long_values_are_cut)
{
	static char value[3000], want[5000];
	static const size_t lens[] = {1023, 1024, 1025, 3000};
	memset(value, 'x', sizeof(value));
	for (size_t i = 0; i < MST_LEN(lens); i++) {
		mst_log(INFO, "m", mst_f_slice("k", mst_slice(value, lens[i])), mst_f_u64("n", 5));
		bool is_cut = lens[i] > 1024;
		snprintf(want, sizeof(want), TEXT_HEAD "k=%s%.*s%s n=5\n", is_cut ? "\"" : "",
			 (int)(is_cut ? 1024 : lens[i]), value, is_cut ? "...\"" : "");
		cr_expect_str_eq(written(), want, "%zu", lens[i]);
	}
	/* No character is cut in two. */
	for (size_t at = 1020; at < 1028; at++) {
		memset(value, 'x', sizeof(value));
		memcpy(value + at, "\xf0\x9f\x98\x80", 4);
		mst_log(INFO, "m", mst_f_slice("k", mst_slice(value, 1500)));
		cr_expect_null(strstr(written(), "ufffd"), "%zu", at);
		cr_expect_eq(strstr(out, "\xf0\x9f\x98\x80...") != NULL ||
				     strstr(out, "\xf0\x9f\x98\x80x") != NULL,
			     at <= 1020, "%zu", at);
	}
	memset(value, 0x80, sizeof(value));
	mst_log(INFO, "m", mst_f_slice("k", mst_slice(value, 3000)));
	cr_expect_leq(strlen(written()), 4096u);
	mst_log(INFO, "m", mst_f_hex("k", mst_slice(value, 3000)));
	memset(want, 0, sizeof(want));
	cr_expect_not_null(strstr(written(), "8080...\n"));
}

Test(log, full_lines_drop_whole_fields)
{
	static char value[1000];
	for (int json = 0; json < 2; json++)
		for (size_t len = 900; len < 1000; len++) {
			memset(value, len % 2 ? '"' : 'x', sizeof(value));
			struct mst_slice s = mst_slice(value, len);
			mst_log_setup(MST_INFO, json);
			mst_log(INFO, "m", mst_f_slice("a", s), mst_f_slice("b", s),
				mst_f_slice("c", s), mst_f_slice("d", s), mst_f_slice("e", s));
			const char *end = json ? ",\"cut\":1}\n" : " cut=1\n";
			size_t line_len = strlen(written());
			cr_assert_leq(line_len, 4096u);
			cr_assert_str_eq(out + line_len - strlen(end), end, "%s", out);
			cr_assert_eq(strchr(out, '\n'), out + line_len - 1, "one line");
			cr_assert_eq(out[line_len - strlen(end) - 1],
				     (json || len % 2) ? '"' : 'x');
		}
}

static void from_peer(int i)
{
	mst_log_peer(WARN, "p", mst_f_i64("i", i));
}

static int num_lines(void)
{
	int num = 0;
	for (const char *at = written(); (at = strchr(at, '\n')); at++)
		num++;
	return num;
}

Test(log, gate)
{
	/* Begin at the front of a second, so that the burst lies within it. */
	while (mst_clock_ms() % 1000 > 100)
		usleep(10000);
	for (int i = 0; i < 100; i++)
		from_peer(i);
	cr_expect_eq(num_lines(), MST_LOG_BURST);
	cr_expect_null(strstr(out, "held="));
	cr_expect_eq(mst_log_count(MST_WARN), (uint64_t)MST_LOG_BURST);
	mst_log_peer(WARN, "elsewhere", mst_f_u64("n", 1));
	cr_expect_eq(num_lines(), 1, "each place has a gate of its own");
	uint64_t second = mst_clock_ms() / 1000;
	while (mst_clock_ms() / 1000 == second)
		usleep(10000);
	from_peer(7);
	cr_expect_not_null(strstr(written(), " i=7 held=80\n"));
	from_peer(8);
	cr_expect_null(strstr(written(), "held="));
	mst_log_setup(MST_ERROR, false);
	from_peer(9);
	cr_expect_str_eq(written(), "");
}

static void *write_many(void *unused)
{
	for (int i = 0; i < 500; i++)
		mst_log(INFO, "m", mst_f_str("k", "abcdefghijklmnopqrstuvwxyz"), mst_f_u64("n", 1));
	return unused;
}

Test(log, threads_do_not_mix_lines)
{
	static const char want[] = TEXT_HEAD "k=abcdefghijklmnopqrstuvwxyz n=1\n";
	char name[] = "/tmp/muster-log-XXXXXX";
	pthread_t threads[4];
	int file = mkstemp(name);
	cr_assert_geq(file, 0);
	fcntl(file, F_SETFL, O_APPEND);
	unlink(name);
	dup2(file, STDERR_FILENO);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, write_many, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	char line[sizeof(want)];
	lseek(file, 0, SEEK_SET);
	for (int i = 0; i < 2000; i++) {
		cr_assert_eq(read(file, line, sizeof(want) - 1), (ssize_t)sizeof(want) - 1);
		line[sizeof(want) - 1] = '\0';
		cr_assert_str_eq(line, want);
	}
	cr_expect_eq(read(file, line, 1), 0);
	cr_expect_eq(mst_log_count(MST_INFO), 2000u);
	close(file);
}

Test(log, a_broken_stderr_stops_nothing)
{
	close(STDERR_FILENO);
	mst_log(ERROR, "x", mst_f_u64("n", 1));
	cr_expect_eq(mst_log_count(MST_ERROR), 1u);
	cr_assert_eq(open("/dev/full", O_WRONLY), STDERR_FILENO);
	mst_log(ERROR, "x", mst_f_u64("n", 1));
	cr_expect_eq(mst_log_count(MST_ERROR), 2u);
}
