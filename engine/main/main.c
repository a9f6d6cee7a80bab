/* SPDX-License-Identifier: Apache-2.0 */
/* musterd: reads its arguments, walks the boot rows, waits for signals, walks the rows backwards. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"
#include "muster/log.h"

enum { EXIT_USAGE = 2 };

static const char usage[] =
	"usage: musterd [-c FILE] [-t] [--dump-defaults] [--version]\n"
	"  -c FILE          configuration, default /etc/muster/musterd.conf\n"
	"  -t               check the configuration and what it points at, then leave\n"
	"  --dump-defaults  print every option with its default and meaning\n"
	"  --version        print the version\n"
	"SIGHUP reads the configuration, certificates and keys anew; SIGTERM finishes what is open and leaves.\n";

/* The soft limit on descriptors goes up to the hard one: rings count theirs against it. */
static void raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void wait_for_end(struct mst_engine *engine, const sigset_t *set)
{
	int got;

	for (;;) {
		if (sigwait(set, &got) != 0)
			continue;
		if (got != SIGHUP)
			break;
		mst_reload(engine);
	}
	mst_notify("STOPPING=1");
	mst_log(INFO, "draining", mst_f_str("signal", got == SIGINT ? "SIGINT" : "SIGTERM"));
}

static size_t start(struct mst_engine *engine, struct mst_err *e)
{
	size_t num_rows, at;
	const struct mst_boot_row *rows = mst_boot_rows(&num_rows);

	for (at = 0; at < num_rows; at++) {
		if (rows[at].start(engine, e) != 0) {
			mst_log(ERROR, "cannot start", mst_f_str("step", rows[at].name), mst_f_err(e));
			return at + 1; /* its stop survives a half-done start */
		}
	}
	return at;
}

static void stop(struct mst_engine *engine, size_t num_started)
{
	size_t num_rows;
	const struct mst_boot_row *rows = mst_boot_rows(&num_rows);

	while (num_started-- > 0)
		if (rows[num_started].stop)
			rows[num_started].stop(engine);
}

static int serve(const char *path)
{
	struct mst_engine *engine = calloc(1, sizeof *engine);
	struct mst_err err = {0};
	sigset_t signals;
	size_t num_started;

	BUG_ON(!engine);
	engine->conf_path = path;
	if (mst_facts_new(&engine->facts, path, &err) != 0) {
		fprintf(stderr, "musterd: %s\n", err.text);
		free(engine);
		return EXIT_FAILURE;
	}
	mst_log_setup((enum mst_level)engine->facts->conf->log_level, engine->facts->conf->log_json);
	umask(077);
	raise_files();
	block_signals(&signals);
	num_started = start(engine, &err);
	if (err.code == MST_E_NONE) {
		mst_log(INFO, "ready", mst_f_str("version", MUSTER_VERSION), mst_f_u64("port", engine->facts->conf->portal_port),
			mst_f_u64("loops", engine->num_loops));
		mst_notify("READY=1");
		wait_for_end(engine, &signals);
	}
	stop(engine, num_started);
	if (err.code == MST_E_NONE)
		mst_log(INFO, "stopped", mst_f_str("version", MUSTER_VERSION));
	mst_facts_free(&engine->facts);
	free(engine);
	return err.code == MST_E_NONE ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check(const char *path)
{
	static struct mst_engine engine; /* for its empty ticket secret */
	struct mst_facts *facts = NULL;
	struct mst_seal *seal = NULL;
	struct mst_err err = {0};

	if (mst_facts_new(&facts, path, &err) == 0 && mst_lane_check(&engine, facts, &err) == 0)
		(void)!mst_seal_load(&seal, facts->conf->seal_key, &err);
	mst_seal_free(&seal);
	mst_facts_free(&facts);
	if (err.code != MST_E_NONE) {
		fprintf(stderr, "musterd: %s\n", err.text);
		return EXIT_FAILURE;
	}
	printf("musterd: %s is fine\n", path);
	return EXIT_SUCCESS;
}

static int dump(void)
{
	struct mst_conf *conf = NULL;
	struct mst_err err = {0};

	if (mst_conf_load(&conf, NULL, &err) != 0 || mst_conf_print(STDOUT_FILENO, conf, &err) != 0)
		fprintf(stderr, "musterd: %s\n", err.text);
	mst_conf_free(&conf);
	return err.code == MST_E_NONE ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int say_usage(FILE *out, int rc)
{
	fputs(usage, out);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"dump-defaults", no_argument, NULL, 'D'},
					      {"version", no_argument, NULL, 'V'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	const char *path = "/etc/muster/musterd.conf";
	bool checks = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:th", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 't':
			checks = true;
			break;
		case 'D':
			return dump();
		case 'V':
			puts("musterd " MUSTER_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			return say_usage(stdout, EXIT_SUCCESS);
		default:
			return say_usage(stderr, EXIT_USAGE);
		}
	}
	if (optind != argc)
		return say_usage(stderr, EXIT_USAGE);
	return checks ? check(path) : serve(path);
}
