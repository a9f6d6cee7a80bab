/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What collecting and settling a push costs, beside sending it: the engine's own code from outbox to store, with a service that
 * takes everything at once in place of its links. Counts the processor time of the whole process: loop, committer, the store's
 * own threads.
 */
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../line.h"
#include "hand.h"
#include "muster/clock.h"
#include "muster/device.h"
#include "muster/log.h"

#define TOPIC MST_S("com.apple.mgmt.External.bench")
#define PAGE 500
#define SLICES 10 /* the first and the last tell whether the cost grows */

struct conf {
	struct mst_arena arena;
	const char *folder;
	uint32_t count, window, cache_mib, memtable_mib;
	bool is_warm;
};

#define AT(field) offsetof(struct conf, field)
static const struct mst_opt_row rows[] = {
	{"outbox", "count", AT(count), MST_OPT_U32, "100000", 1, 10000000, "", false, "pushes that are due"},
	{"outbox", "window", AT(window), MST_OPT_U32, "8192", 1, 65536, "", false, "pushes in hand at once"},
	{"outbox", "cache_mib", AT(cache_mib), MST_OPT_U32, "512", 1, 65536, "", false, "block cache of the store"},
	{"outbox", "memtable_mib", AT(memtable_mib), MST_OPT_U32, "64", 1, 4096, "", false, "write buffer of each key space"},
	{"outbox", "warm", AT(is_warm), MST_OPT_BOOL, "yes", 0, 0, "", false, "push all of them once before, so that their records are in memory"},
	{"outbox", "folder", AT(folder), MST_OPT_PATH, "/tmp", 1, 200, "", false, "where a store is made and dropped"},
};

struct bench {
	char path[256], key[280];
	struct mst_work *work;
	struct mst_loop *loop;
	struct mst_store *store;
	struct mst_seal *seal;
	struct mst_push *push;
	struct mst_arena arena;
	int64_t now_ms;
};

static void die(const struct mst_err *e)
{
	fprintf(stderr, "muster-bench-outbox: %s\n", e->text);
	exit(1);
}

static void commit(struct bench *bench, struct mst_batch *b)
{
	if (mst_store_commit_here(bench->store, b) < 0)
		die(&b->err);
	mst_arena_done(&bench->arena);
}

static struct mst_id id_of(uint32_t device)
{
	char text[24];
	struct mst_id id;

	snprintf(text, sizeof text, "device-%u", device);
	mst_id_make(&id, mst_slice_str(text), mst_slice(NULL, 0));
	return id;
}

/* A device as it is stored after enrolment. */
static void put_device(struct bench *bench, struct mst_batch *b, uint32_t device)
{
	struct mst_device d = {.id = id_of(device), .text = MST_S("00008030-001E04C23C11802E"), .state = MST_DEVICE_ENROLLED, .epoch = 1,
			       .topic = TOPIC, .serial = MST_S("F2LXX0XXXXXX"), .os_version = MST_S("18.1"), .build = MST_S("22B83"),
			       .product = MST_S("iPhone17,1"), .model = MST_S("MYW3"), .model_name = MST_S("iPhone"), .device_name = MST_S("iPhone")};
	uint8_t token[32] = {(uint8_t)(device >> 24), (uint8_t)(device >> 16), (uint8_t)(device >> 8), (uint8_t)device};
	static const uint8_t unlock[1500];
	struct mst_channel c = {.id = d.id, .is_enabled = true, .epoch = 1, .topic = TOPIC, .token = mst_slice(token, sizeof token),
				.magic = MST_S("5E4B6A1C-0F1E-4D3C-9A7B-1234567890AB"), .unlock_token = mst_slice(unlock, sizeof unlock),
				.updated_ms = 1};
	struct mst_err e;

	mst_device_put(b, &d);
	if (mst_channel_put(b, &c, bench->seal, &e) < 0)
		die(&e);
}

static void put_due(struct bench *bench, struct mst_batch *b, uint32_t device)
{
	struct mst_push_due due;
	struct mst_id id = id_of(device);

	mst_push_due_make(&due, &id, MST_PUSH_COMMAND, bench->now_ms - 10000 + device / 1000);
	mst_outbox_put(b, &due);
}

static void fill(struct bench *bench, uint32_t num, void (*put)(struct bench *bench, struct mst_batch *b, uint32_t device))
{
	struct mst_batch b;

	for (uint32_t at = 0; at < num;) {
		mst_batch_init(&b, &bench->arena, NULL, NULL);
		b.is_lazy = true;
		for (uint32_t i = 0; i < PAGE && at < num; i++, at++)
			put(bench, &b, at);
		commit(bench, &b);
	}
}

static void put_cert(struct bench *bench)
{
	struct mst_pushcert cert = {.topic = TOPIC, .chain_pem = MST_S("chain"), .key_pem = MST_S("key")};
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, &bench->arena, NULL, NULL);
	if (mst_pushcert_put(&b, &cert, bench->seal, &e) < 0)
		die(&e);
	commit(bench, &b);
}

static void open_store(struct bench *bench, const struct conf *conf)
{
	const struct mst_store_conf store = {.path = bench->path, .cache_mib = conf->cache_mib, .memtable_mib = conf->memtable_mib};
	struct mst_err e;

	if (mst_store_open(&bench->store, &store, bench->work, &e) < 0)
		die(&e);
}

static void open_all(struct bench *bench, const struct conf *conf)
{
	const struct mst_loop_conf loop = {.num_entries = 64, .num_files = 64, .num_buffers = 16, .cpu = -1, .name = "push"};
	struct mst_err e;

	snprintf(bench->path, sizeof bench->path, "%s/muster-outbox-XXXXXX", conf->folder);
	if (!mkdtemp(bench->path)) {
		perror(bench->path);
		exit(1);
	}
	snprintf(bench->key, sizeof bench->key, "%s/master.key", bench->path);
	mst_arena_init(&bench->arena, NULL, 0);
	if (mst_seal_init(bench->key, &e) < 0 || mst_seal_load(&bench->seal, bench->key, &e) < 0 || mst_work_new(&bench->work, 2, 256, &e) < 0 ||
	    mst_loop_new(&bench->loop, &loop, &e) < 0)
		die(&e);
	open_store(bench, conf);
}

static void make_push(struct bench *bench, const struct conf *conf)
{
	const struct mst_push_conf push = {.window = conf->window, .retry_ms = 2000, .retry_max_ms = 900000, .expiry_s = 604800, .priority = 10,
					   .silent_s = {3600, 14400, 86400}, .silent_max = 10};
	struct mst_err e;

	if (mst_push_new(&bench->push, bench->loop, NULL, bench->store, bench->work, bench->seal, &push, &e) < 0)
		die(&e);
}

/* Turns until `want` pushes were answered since the start; with `is_last` until they are settled. */
static void turn_until(struct bench *bench, uint64_t want, bool is_last)
{
	struct mst_push_counts counts = {.num_done = 0};
	struct mst_err e;

	while (counts.num_done < want || (is_last && counts.num_in_hand)) {
		if (mst_loop_turn(bench->loop, 100, &e) < 0)
			die(&e);
		mst_push_tell(bench->push, &counts);
	}
}

/* What each thread used, by its name: told on stderr, where the time goes. */
static void tell_threads(const char *when)
{
	DIR *tasks = opendir("/proc/self/task");
	char path[64], name[32];
	struct dirent *entry;

	fprintf(stderr, "%s:", when);
	while (tasks && (entry = readdir(tasks)) != NULL) {
		unsigned long long ns = 0;
		FILE *file;
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%.16s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file || !fgets(name, sizeof name, file))
			name[0] = 0;
		if (file)
			fclose(file);
		name[strcspn(name, "\n")] = 0;
		snprintf(path, sizeof path, "/proc/self/task/%.16s/schedstat", entry->d_name);
		file = fopen(path, "r");
		if (file && fscanf(file, "%llu", &ns) != 1)
			ns = 0;
		if (file)
			fclose(file);
		fprintf(stderr, " %s %.0f ms", name, (double)ns / 1e6);
	}
	fprintf(stderr, "\n");
	if (tasks)
		closedir(tasks);
}

static double rss_mib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	return remove(path);
}

static void close_all(struct bench *bench)
{
	mst_push_drain(bench->push);
	mst_store_close(&bench->store);
	mst_work_free(&bench->work);
	mst_push_free(&bench->push);
	mst_loop_free(&bench->loop);
	mst_seal_free(&bench->seal);
	mst_arena_done(&bench->arena);
	nftw(bench->path, drop_file, 16, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
	struct conf conf = {.count = 0};
	struct bench bench = {.now_ms = 0};
	double us[SLICES];
	struct mst_err e;

	mst_log_setup(MST_WARN, false);
	mst_arena_init(&conf.arena, NULL, 0);
	mst_line_before = "muster-bench-";
	int rc = mst_line_read(&conf, &conf.arena, rows, MST_LEN(rows), argc - 1, argv + 1, &e);
	if (rc != 0) {
		if (rc < 0)
			die(&e);
		return 0;
	}
	open_all(&bench, &conf);
	bench.now_ms = mst_clock_wall_ms();
	put_cert(&bench);
	fill(&bench, conf.count, put_device);
	mst_store_close(&bench.store); /* devices enrolled long ago lie in tables */
	open_store(&bench, &conf);
	make_push(&bench, &conf);
	if (conf.is_warm) {
		fill(&bench, conf.count, put_due);
		turn_until(&bench, conf.count, true);
	}
	fill(&bench, conf.count, put_due);
	tell_threads("filled");
		double before_mib = rss_mib();
	mst_collect_look(bench.push->collect, 0);
	uint64_t began_ns = mst_clock_ns(), began_cpu = mst_clock_cpu_ns(), last_cpu = began_cpu, last = 0;
	for (uint32_t i = 0; i < SLICES; i++) {
		uint64_t want = (uint64_t)conf.count * (i + 1) / SLICES;
		turn_until(&bench, (conf.is_warm ? conf.count : 0) + want, i + 1 == SLICES);
		uint64_t now = mst_clock_cpu_ns();
		us[i] = want > last ? (double)(now - last_cpu) / 1000 / (double)(want - last) : 0;
		last = want;
		last_cpu = now;
	}
	tell_threads("settled");
	double wall_s = (double)(mst_clock_ns() - began_ns) / 1e9, cpu_us = (double)(mst_clock_cpu_ns() - began_cpu) / 1000;
	printf("{\"name\":\"outbox\",\"n\":%u,\"cpu_us\":%.2f,\"first_us\":%.2f,\"last_us\":%.2f,\"rate\":%.0f,\"grown_mib\":%.0f}\n", conf.count,
	       cpu_us / conf.count, us[0], us[SLICES - 1], conf.count / wall_s, rss_mib() - before_mib);
	close_all(&bench);
	mst_arena_done(&conf.arena);
	return 0;
}
