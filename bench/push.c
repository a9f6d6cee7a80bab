/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sending a push costs: pushes of one topic through the engine's topic and links, without outbox and store. Each answer
 * makes the next push; the CPU time is this thread's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../engine/push/own.h"
#include "line.h"
#include "muster/clock.h"
#include "muster/file.h"
#include "muster/log.h"
#include "muster/text.h"
#include "stock.h"

#define FILE_MAX    1048576
#define WAIT_MS     50
#define STUCK_MS    30000 /* without an answer: the run has failed */
#define EXPIRY_S    604800
#define NUM_WORKERS 1
#define NUM_JOBS    64
#define CONNS_MAX   64

struct push_conf {
	struct mst_arena arena;
	const char *host, *ca, *certificate;
	uint32_t port, count, warm, links, window, cpu;
	bool is_json, is_pinned;
};

#define AT(field) offsetof(struct push_conf, field)
/* clang-format off */
static const struct mst_opt_row rows[] = {
	{ "push", "host",        AT(host),        MST_OPT_TEXT, "localhost", 1, 180,       "", false, "the service, e.g. apns-sink" },
	{ "push", "port",        AT(port),        MST_OPT_U32,  "443",       1, 65535,     "", false, "its port" },
	{ "push", "ca",          AT(ca),          MST_OPT_TEXT, "",          0, 4096,      "", false, "authority of its certificate, PEM" },
	{ "push", "certificate", AT(certificate), MST_OPT_TEXT, "",          0, 4096,      "", false, "push certificate with its key, PEM" },
	{ "push", "count",       AT(count),       MST_OPT_U32,  "200000",    1, 100000000, "", false, "pushes" },
	{ "push", "warm",        AT(warm),        MST_OPT_U32,  "20000",     0, 100000000, "", false, "pushes before the measurement begins" },
	{ "push", "links",       AT(links),       MST_OPT_U32,  "1",         1, 64,        "", false, "connections at the most" },
	{ "push", "window",      AT(window),      MST_OPT_U32,  "2000",      1, 1000000,   "", false, "pushes in hand" },
	{ "push", "pinned",      AT(is_pinned),   MST_OPT_BOOL, "no",        0, 0,         "", false, "pin the sender to --cpu" },
	{ "push", "cpu",         AT(cpu),         MST_OPT_U32,  "0",         0, 4095,      "", false, "core when pinned" },
	{ "push", "json",        AT(is_json),     MST_OPT_BOOL, "no",        0, 0,         "", false, "print JSON" },
};
/* clang-format on */

struct bench {
	struct push_conf conf;
	struct mst_push push;
	struct push_topic *topic;
	struct push_item *items;
	uint64_t num_made, num_over, num_wanted;
	uint64_t num_good, num_bad, num_lost, num_unsent;
	uint64_t began_ns, began_cpu_ns, last_ms;
	char first_bad[96];
};

/* on_answer has no context of its own. */
static struct bench bench;

static void send_item(struct push_item *item);

static void on_answer(struct push_item *item)
{
	const struct push_answer *a = &item->answer;
	bool is_good = a->end == PUSH_ANSWERED && a->status == 200;

	bench.num_over++;
	bench.num_good += is_good;
	bench.num_bad += a->end == PUSH_ANSWERED && !is_good;
	bench.num_lost += a->end == PUSH_LOST;
	bench.num_unsent += a->end == PUSH_UNSENT;
	if (!is_good && !bench.first_bad[0])
		snprintf(bench.first_bad, sizeof(bench.first_bad), "end %d, status %d %s", (int)a->end, a->status, a->reason);
	bench.last_ms = mst_loop_now_ms(bench.push.loop);
	if (bench.num_over == bench.conf.warm) {
		bench.began_ns = mst_clock_ns();
		bench.began_cpu_ns = mst_stock_cpu_ns();
	}
	if (bench.num_made < bench.num_wanted)
		send_item(item);
}

/* Another token each time: nothing about two pushes is the same but the topic. */
static void send_item(struct push_item *item)
{
	static const char head[] = "/3/device/";
	uint64_t number[4] = {bench.num_made * 0x9e3779b97f4a7c15ull, bench.num_made, 0x5ca1ab1e, 0x0ddba11};
	uint64_t again_ms;
	char text[sizeof(item->path)];

	bench.num_made++;
	item->answer = (struct push_answer){.end = PUSH_UNSENT};
	item->body_len = 0;
	memcpy(text, head, sizeof(head) - 1);
	mst_hex_put(text + sizeof(head) - 1, mst_slice(number, sizeof(number)));
	item->path_len = sizeof(head) - 1 + 2 * sizeof(number);
	memcpy(item->path, text, item->path_len);
	memcpy(item->due.apns_id, number, sizeof(item->due.apns_id));
	mst_apns_id_put(item->apns_id, item->due.apns_id);
	if (!mst_topic_send(bench.topic, item, &again_ms)) {
		bench.num_over++;
		bench.num_unsent++;
	}
}

static int make_items(struct mst_err *e)
{
	static const char payload[] = "{\"mdm\":\"8B0E2D6C-2C0F-4B39-9C8E-0F2A4D9B7E11\"}";

	bench.items = calloc(bench.conf.window, sizeof(*bench.items));
	if (!bench.items)
		return mst_fail(e, MST_E_BUSY, "no memory");
	for (uint32_t i = 0; i < bench.conf.window; i++) {
		struct push_item *item = &bench.items[i];
		item->topic = bench.topic;
		item->push = &bench.push;
		item->priority = 10;
		item->expiry_s = EXPIRY_S;
		item->payload_len = sizeof(payload) - 1;
		memcpy(item->payload, payload, sizeof(payload) - 1);
		item->on_answer = on_answer;
	}
	return 0;
}

static int load_topic(struct mst_err *e)
{
	struct mst_pushcert cert;
	struct mst_slice pem;

	if (!bench.conf.certificate[0] || !bench.conf.ca[0])
		return mst_fail(e, MST_E_CONF, "--certificate and --ca are needed");
	if (mst_file_read(&bench.push.conf.ca_pem, &bench.conf.arena, bench.conf.ca, FILE_MAX, e) < 0 ||
	    mst_file_read(&pem, &bench.conf.arena, bench.conf.certificate, FILE_MAX, e) < 0 ||
	    mst_pushcert_read(&cert, &bench.conf.arena, pem, e) < 0 || mst_topics_new(&bench.push.topics, &bench.push, e) < 0)
		return -1;
	mst_topics_load(bench.push.topics, &cert, 1);
	bench.topic = mst_topic_find(bench.push.topics, cert.topic);
	return bench.topic ? 0 : mst_fail(e, MST_E_BUG, "the topic is not there");
}

static int open_engine(struct mst_err *e)
{
	struct mst_loop_conf loop = {
		.cpu = bench.conf.is_pinned ? (int)bench.conf.cpu : -1, .buffer_len = 16384, .name = "push"};
	struct mst_net_conf net = {.num_conns_max = CONNS_MAX, .out_bytes_max = 4u << 20};
	struct mst_push_conf *conf = &bench.push.conf;

	net.state_ms[MST_CONN_DIAL] = net.state_ms[MST_CONN_HELLO] = net.state_ms[MST_CONN_DRAIN] = 10000;
	*conf = (struct mst_push_conf){.host = bench.conf.host,
				       .sandbox_host = bench.conf.host,
				       .port = bench.conf.port,
				       .links_max = bench.conf.links,
				       .window = bench.conf.window,
				       .ping_s = 3600,
				       .idle_s = 600,
				       .expiry_s = EXPIRY_S,
				       .priority = 10,
				       .retry_ms = 1000,
				       .retry_max_ms = 1000};
	if (mst_loop_new(&bench.push.loop, &loop, e) < 0 || mst_net_new(&bench.push.net, bench.push.loop, &net, e) < 0 ||
	    mst_work_new(&bench.push.work, NUM_WORKERS, NUM_JOBS, e) < 0)
		return -1;
	return load_topic(e);
}

static int run(struct mst_err *e)
{
	bench.num_wanted = (uint64_t)bench.conf.warm + bench.conf.count;
	bench.last_ms = mst_clock_ms();
	bench.began_ns = mst_clock_ns();
	bench.began_cpu_ns = mst_stock_cpu_ns();
	for (uint32_t i = 0; i < bench.conf.window && bench.num_made < bench.num_wanted; i++)
		send_item(&bench.items[i]);
	while (bench.num_over < bench.num_wanted) {
		if (mst_loop_turn(bench.push.loop, WAIT_MS, e) < 0)
			return -1;
		if (mst_clock_ms() > bench.last_ms + STUCK_MS)
			return mst_fail(e, MST_E_TIMEOUT, "no answer for %d s (%s)", STUCK_MS / 1000, bench.first_bad);
	}
	return 0;
}

static void print(void)
{
	double seconds = (double)(mst_clock_ns() - bench.began_ns) / 1e9, n = bench.conf.count;
	double cpu_us = (double)(mst_stock_cpu_ns() - bench.began_cpu_ns) / 1e3 / n;
	unsigned long long errors = (unsigned long long)(bench.num_over - bench.num_good);

	if (bench.conf.is_json)
		printf("{\"n\":%u,\"rate\":%.0f,\"cpu_us\":%.3f,\"seconds\":%.3f,\"errors\":%llu,\"links\":%u,\"window\":%u}\n",
		       bench.conf.count, n / seconds, cpu_us, seconds, errors, bench.conf.links, bench.conf.window);
	else
		printf("%u pushes, %.2f us CPU of the sender each, %.0f/s, %llu errors%s%s\n", bench.conf.count, cpu_us, n / seconds,
		       errors, bench.first_bad[0] ? ": " : "", bench.first_bad);
}

static void close_engine(void)
{
	mst_work_free(&bench.push.work);
	mst_topics_free(&bench.push.topics);
	mst_net_free(&bench.push.net);
	mst_loop_free(&bench.push.loop);
	free(bench.items);
	mst_arena_done(&bench.conf.arena);
}

int mst_push_main(int argc, char **argv)
{
	struct mst_err e = {0};
	int rc = mst_line_read(&bench.conf, &bench.conf.arena, rows, MST_LEN(rows), argc, argv, &e);

	mst_log_setup(MST_WARN, false);
	if (rc > 0)
		return 0;
	if (rc == 0)
		rc = open_engine(&e);
	if (rc == 0)
		rc = make_items(&e);
	if (rc == 0)
		rc = run(&e);
	if (rc == 0)
		print();
	else
		fprintf(stderr, "muster-bench: %s\n", e.text);
	close_engine();
	return rc < 0 ? (e.code == MST_E_CONF ? 2 : 1) : bench.num_over != bench.num_good;
}
