/* SPDX-License-Identifier: Apache-2.0 */
/* What a run found, for people or as JSON. */
#include "parts.h"
#include "muster/json.h"

#define NS_PER_S 1000000000ull

static const struct {
	const char *name;
	double share;
} shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}};

static const char *const error_words[FLEET_NUM_ERRORS] = {
#define X(name, word) word,
	MST_FLEET_ERRORS(X)
#undef X
};

static uint64_t cpu_per_op(const struct mst_outcome *o)
{
	return o->tally.num_ops ? o->cpu_ns / o->tally.num_ops : 0;
}

/* The larger of the whole and of the second half, where nothing is warmed up any more. */
static int64_t bytes_per_connection(const struct mst_outcome *o)
{
	int64_t first = (int64_t)o->rss_kib[0], half = (int64_t)o->rss_kib[RSS_SAMPLES / 2],
		end = (int64_t)o->rss_end_kib;
	int64_t whole, second;

	if (!o->num_held || o->num_samples < RSS_SAMPLES)
		return 0;
	whole = (end - first) * 1024 / o->num_held;
	second = (end - half) * 1024 / (o->num_held - o->num_held / 2);
	return whole > second ? whole : second;
}

static void put_server(struct mst_json *j, const struct mst_outcome *o)
{
	if (!o->conf->server_pid)
		return;
	mst_json_open(j, "server");
	mst_json_u64(j, "cpu_ns", o->cpu_ns);
	mst_json_u64(j, "cpu_ns_per_operation", cpu_per_op(o));
	mst_json_u64(j, "rss_kib", o->rss_end_kib);
	mst_json_open_array(j, "rss_kib_samples");
	for (uint32_t i = 0; i < o->num_samples; i++)
		mst_json_u64(j, NULL, o->rss_kib[i]);
	mst_json_close(j);
	if (o->num_held)
		mst_json_i64(j, "bytes_per_connection", bytes_per_connection(o));
	mst_json_close(j);
}

static void put_counts(struct mst_json *j, const struct mst_outcome *o)
{
	mst_json_open(j, "latency_ns");
	for (size_t i = 0; i < MST_LEN(shares); i++)
		mst_json_u64(j, shares[i].name, mst_hist_at(&o->tally.latency, shares[i].share));
	mst_json_close(j);
	mst_json_u64(j, "checkins", o->tally.num_checkins);
	mst_json_u64(j, "polls", o->tally.num_polls);
	mst_json_open(j, "answers");
	for (int i = 0; i < NUM_ANSWERS; i++)
		mst_json_u64(j, mst_answer_word((enum mst_answer)i), o->tally.answers[i]);
	mst_json_close(j);
	mst_json_open(j, "handshakes");
	mst_json_u64(j, "full", o->tally.num_full);
	mst_json_u64(j, "resumed", o->tally.num_resumed);
	mst_json_close(j);
	mst_json_u64(j, "pushes", o->tally.num_pushes);
	mst_json_open(j, "shed");
	mst_json_u64(j, "told", o->tally.num_shed);
	mst_json_u64(j, "refused", o->tally.num_refused);
	mst_json_close(j);
	mst_json_open(j, "errors");
	for (int i = 0; i < FLEET_NUM_ERRORS; i++)
		if (o->tally.errors[i])
			mst_json_u64(j, error_words[i], o->tally.errors[i]);
	mst_json_close(j);
	if (o->tally.first_error[0])
		mst_json_text(j, "first_error", mst_slice_str(o->tally.first_error));
}

static int print_json(const struct mst_outcome *o, struct mst_err *e)
{
	struct mst_arena arena;
	struct mst_slice text;
	struct mst_json j;
	int rc;

	mst_arena_init(&arena, NULL, 0);
	mst_json_begin(&j, &arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "script", mst_slice_str(o->script));
	mst_json_u64(&j, "devices", o->conf->num_devices);
	mst_json_u64(&j, "concurrency", o->conf->concurrency);
	mst_json_u64(&j, "rate_wanted", o->conf->rate);
	mst_json_u64(&j, "operations", o->tally.num_ops);
	mst_json_u64(&j, "wall_ns", o->wall_ns);
	mst_json_u64(&j, "rate",
		     o->wall_ns
			     ? (uint64_t)((double)o->tally.num_ops * NS_PER_S / (double)o->wall_ns)
			     : 0);
	put_counts(&j, o);
	put_server(&j, o);
	mst_json_close(&j);
	rc = mst_json_end(&j, &text, e);
	if (rc == 0)
		printf("%.*s\n", (int)text.len, (const char *)text.at);
	mst_arena_done(&arena);
	return rc;
}

static void print_latency(const struct mst_outcome *o)
{
	printf("latency     ");
	for (size_t i = 0; i < MST_LEN(shares); i++)
		printf("%s %.3f  ", shares[i].name,
		       (double)mst_hist_at(&o->tally.latency, shares[i].share) / 1e6);
	printf("ms\n");
}

static void print_server(const struct mst_outcome *o)
{
	if (!o->conf->server_pid)
		return;
	printf("server      %.1f us CPU per operation (%.2f s), resident %.1f MiB",
	       (double)cpu_per_op(o) / 1e3, (double)o->cpu_ns / 1e9, (double)o->rss_end_kib / 1024);
	if (o->num_samples)
		printf(" (%.1f at the start)", (double)o->rss_kib[0] / 1024);
	putchar('\n');
	if (o->num_held)
		printf("memory      %.1f KiB for each of %u connections\n",
		       (double)bytes_per_connection(o) / 1024, o->num_held);
}

static void print_errors(const struct mst_outcome *o)
{
	printf("errors      ");
	for (int i = 0; i < FLEET_NUM_ERRORS; i++)
		if (o->tally.errors[i])
			printf("%s %llu  ", error_words[i], (unsigned long long)o->tally.errors[i]);
	printf("%s%s%s\n", o->tally.num_errors ? "(first: " : "none", o->tally.first_error,
	       o->tally.num_errors ? ")" : "");
}

static void print_text(const struct mst_outcome *o)
{
	const struct mst_tally *t = &o->tally;

	printf("%-11s %llu operations of %u devices in %.2f s: %.0f a second\n", o->script,
	       (unsigned long long)t->num_ops, o->conf->num_devices, (double)o->wall_ns / 1e9,
	       o->wall_ns ? (double)t->num_ops * NS_PER_S / (double)o->wall_ns : 0.0);
	printf("messages    %llu check-ins, %llu polls, handshakes %llu full %llu resumed\n",
	       (unsigned long long)t->num_checkins, (unsigned long long)t->num_polls,
	       (unsigned long long)t->num_full, (unsigned long long)t->num_resumed);
	printf("answers     ");
	for (int i = 0; i < NUM_ANSWERS; i++)
		printf("%s %llu  ", mst_answer_word((enum mst_answer)i),
		       (unsigned long long)t->answers[i]);
	putchar('\n');
	if (o->conf->is_patient)
		printf("shed        %llu told to come again, %llu refused without an answer\n",
		       (unsigned long long)t->num_shed, (unsigned long long)t->num_refused);
	print_latency(o);
	print_server(o);
	print_errors(o);
}

int mst_report_print(const struct mst_outcome *outcome, struct mst_err *e)
{
	if (outcome->conf->is_json)
		return print_json(outcome, e);
	print_text(outcome);
	return 0;
}
