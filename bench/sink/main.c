/* SPDX-License-Identifier: Apache-2.0 */
/* apns-sink: makes the loops and their ports, runs them until a signal ends the process. */
#include "parts.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../line.h"
#include "muster/log.h"

#define LOOPS_MAX     64
#define FILES_MORE    64
#define OUT_BYTES_MAX (64u << 20) /* a fleet's pushes on one connection */
#define WAIT_MS       10000

static void on_turn(void *context)
{
	struct sink *sink = context;

	if (sink->desk)
		mst_desk_flush(sink->desk); /* before the answers leave: what was answered is written */
	mst_link_flush_all(sink);
	mst_post_send(sink);
}

static int open_loop(struct sink *sink, struct mst_err *e)
{
	const struct sink_conf *conf = &sink->conf;
	struct mst_loop_conf loop = {.num_files = conf->conns_max + FILES_MORE, .buffer_len = 16384, .cpu = -1, .name = "apns-sink"};
	struct mst_net_conf net = {.num_conns_max = conf->conns_max, .out_bytes_max = OUT_BYTES_MAX};

	if (conf->is_pinned)
		loop.cpu = (int)(conf->cpu + sink->index);
	net.state_ms[MST_CONN_HELLO] = net.state_ms[MST_CONN_DRAIN] = WAIT_MS;
	mst_list_init(&sink->dirty);
	mst_list_init(&sink->waiting);
	sink->chance = ((uint64_t)conf->seed << 32 | sink->index) * 0x9e3779b97f4a7c15ull + 1;
	if (mst_loop_new(&sink->loop, &loop, e) < 0 || mst_net_new(&sink->net, sink->loop, &net, e) < 0 ||
	    mst_link_ctx(sink, e) < 0 || mst_rules_new(&sink->rules, conf, e) < 0 || mst_bearers_new(&sink->bearers, conf, e) < 0)
		return -1;
	if (sink->index == 0 && mst_desk_new(&sink->desk, sink, e) < 0)
		return -1;
	mst_loop_each_turn(sink->loop, sink, on_turn);
	return 0;
}

/* The first loop takes the ports, the others share the service's. */
static int open_ports(struct sink_all *all, struct sink *sink, struct mst_err *e)
{
	struct mst_listen_conf service = {.address = all->conf.address,
					  .port = (uint16_t)all->conf.port,
					  .first = MST_CONN_HELLO,
					  .edge = &mst_link_edge,
					  .up = sink};
	struct mst_listen_conf devices = service, control = service;

	if (sink->index)
		service.port = mst_net_port(all->sinks[0].net, 0);
	else if (service.port && mst_net_claim(service.address, service.port, e) < 0)
		return -1;
	if (mst_net_listen(sink->net, &service, e) < 0 || sink->index)
		return sink->index ? 0 : -1;
	devices.port = (uint16_t)all->conf.device_port;
	devices.first = control.first = MST_CONN_IDLE;
	devices.edge = &mst_device_edge;
	control.edge = &mst_control_edge;
	control.up = all;
	control.address = all->conf.control;
	control.is_unix = true;
	control.port = 0;
	if (mst_net_listen(sink->net, &devices, e) < 0)
		return -1;
	return all->conf.control[0] ? mst_net_listen(sink->net, &control, e) : 0;
}

static int open_all(struct sink_all *all, struct mst_err *e)
{
	struct sink_conf *conf = &all->conf;

	if (!conf->certificate[0] || !conf->key[0] || !conf->client_ca[0])
		return mst_fail(e, MST_E_CONF, "--certificate, --key and --client-ca are needed");
	all->sinks = calloc(conf->loops, sizeof(*all->sinks));
	if (!all->sinks)
		return mst_fail(e, MST_E_BUSY, "no memory");
	for (; all->num < conf->loops; all->num++) {
		struct sink *sink = &all->sinks[all->num];
		sink->conf = *conf;
		sink->index = all->num;
		sink->first = &all->sinks[0];
		if (open_loop(sink, e) < 0 || open_ports(all, sink, e) < 0)
			return -1;
	}
	return 0;
}

static void *work(void *context)
{
	struct sink *sink = context;

	if (mst_loop_run(sink->loop, &sink->err) < 0)
		fprintf(stderr, "apns-sink: %s\n", sink->err.text);
	return NULL;
}

/* Signals come to the waiting main thread. */
static int run_all(struct sink_all *all, struct mst_err *e)
{
	pthread_t threads[LOOPS_MAX];
	sigset_t ends;
	int number;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	for (uint32_t i = 0; i < all->num; i++)
		if (pthread_create(&threads[i], NULL, work, &all->sinks[i]) != 0)
			return mst_fail(e, MST_E_BUSY, "no thread");
	printf("ready %u %u %d\n", mst_net_port(all->sinks[0].net, 0), mst_net_port(all->sinks[0].net, 1), (int)getpid());
	fflush(stdout);
	sigwait(&ends, &number);
	for (uint32_t i = 0; i < all->num; i++)
		mst_loop_stop(all->sinks[i].loop);
	for (uint32_t i = 0; i < all->num; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static void close_all(struct sink_all *all)
{
	for (uint32_t i = 0; all->sinks && i < all->conf.loops; i++) {
		struct sink *sink = &all->sinks[i];
		mst_net_free(&sink->net);
		mst_post_free(sink);
		mst_push_spares_free(sink);
		mst_tls_ctx_free(&sink->ctx);
		mst_trust_free(&sink->trust);
		mst_map_free(&sink->topics);
		mst_rules_free(&sink->rules);
		mst_bearers_free(&sink->bearers);
	}
	for (uint32_t i = 0; all->sinks && i < all->conf.loops; i++) {
		mst_desk_free(&all->sinks[i].desk);
		mst_loop_free(&all->sinks[i].loop);
	}
	free(all->sinks);
}

static void raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	static struct sink_all all;
	struct mst_err e = {0};
	size_t num_rows;
	const struct mst_opt_row *rows = mst_sink_opt_rows(&num_rows);
	int rc;

	mst_line_before = "";
	mst_log_setup(MST_WARN, false);
	if (argc > 1 && strcmp(argv[1], "issue") == 0)
		return mst_sink_issue(argc - 2, argv + 2);
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("apns-sink %s\n", MUSTER_VERSION);
		return 0;
	}
	rc = mst_line_read(&all.conf, &all.conf.arena, rows, num_rows, argc - 1, argv + 1, &e);
	if (rc > 0)
		return 0;
	raise_files();
	if (rc == 0)
		rc = open_all(&all, &e);
	if (rc == 0)
		rc = run_all(&all, &e);
	if (rc < 0)
		fprintf(stderr, "apns-sink: %s\n", e.text);
	close_all(&all);
	mst_arena_done(&all.conf.arena);
	return rc < 0 ? (e.code == MST_E_CONF ? 2 : 1) : 0;
}
