/* SPDX-License-Identifier: Apache-2.0 */
/* A run: makes the devices and the threads, leads them through the phases together, adds up what
 * they found. */
#include "line.h"
#include "parts.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "muster/clock.h"
#include "muster/file.h"
#include "muster/log.h"

#define THREADS_MAX    64
#define FILES_MORE     256 /* connections of a phase may still be closing while new ones open */
#define SERIES_ROOM    40
#define SETTLE_NS      500000000ull

struct run {
	struct mst_fleet_conf conf;
	const struct mst_script *script;
	struct mst_trust *trust;
	struct mst_device_sim *devices;
	struct mst_fleet *fleets;
	pthread_t threads[THREADS_MAX];
	pthread_barrier_t together;
	char series[SERIES_ROOM];
	FILE *ack_log;
	bool is_bad; /* set between barriers only */
	uint64_t began_ns, cpu_began_ns;
	struct mst_outcome outcome;
	struct mst_err err;
};

struct worker {
	struct run *run;
	uint32_t index;
};

/* No ring may have a table of descriptors that is larger than the limit on open files. */
static uint32_t files_of(const struct mst_fleet *fleet)
{
	uint32_t want = 2 * fleet->num_devices + FILES_MORE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || want < limit.rlim_cur)
		return want;
	return (uint32_t)limit.rlim_cur;
}

/* The thread's own share of files and of everything that is per loop. */
static int open_fleet(struct mst_fleet *fleet, struct mst_err *e)
{
	uint32_t num = files_of(fleet);
	struct mst_loop_conf loop = {.num_files = num, .cpu = -1, .name = "fleet"};
	struct mst_net_conf net = {.num_conns_max = num, .out_bytes_max = 1 << 20};

	net.state_ms[MST_CONN_DIAL] = net.state_ms[MST_CONN_HELLO] = net.state_ms[MST_CONN_HEAD] =
		net.state_ms[MST_CONN_DRAIN] = fleet->conf->wait_ms;
	if (mst_loop_new(&fleet->loop, &loop, e) < 0)
		return -1;
	return mst_net_new(&fleet->net, fleet->loop, &net, e);
}

static void close_fleet(struct mst_fleet *fleet)
{
	if (fleet->net)
		mst_drive_close(fleet);
	mst_net_free(&fleet->net);
	mst_wake_free(fleet);
	for (uint32_t i = 0; i < fleet->num_devices; i++) {
		mst_tls_ticket_free(&fleet->devices[i].ticket);
		mst_tls_ctx_free(&fleet->devices[i].ctx);
		mst_key_free(&fleet->devices[i].signer);
	}
	mst_loop_free(&fleet->loop);
	mst_chunks_done(&fleet->chunks);
}

/* What the first thread does before a phase, while the others wait. */
static int before(struct run *run, const struct mst_phase *phase)
{
	const struct mst_fleet_conf *conf = &run->conf;
	uint32_t each = conf->count / conf->num_devices + phase->num_queued;

	if (phase->num_queued) {
		snprintf(run->series, sizeof(run->series), "bench-%016llx",
			 (unsigned long long)mst_clock_wall_ms());
		if (mst_operate_queue(conf, run->devices, conf->num_devices, run->series, each,
				      &run->err) < 0)
			return -1;
		for (uint32_t i = 0; i < conf->threads; i++)
			run->fleets[i].series = run->series;
	}
	if (phase->is_measured && conf->server_pid &&
	    mst_server_cpu_ns(&run->cpu_began_ns, conf->server_pid, &run->err) < 0)
		return -1;
	run->began_ns = mst_clock_ns();
	return 0;
}

static int after(struct run *run, const struct mst_phase *phase)
{
	const struct mst_fleet_conf *conf = &run->conf;
	struct mst_outcome *o = &run->outcome;
	uint64_t now_ns = 0, settled;

	if (!phase->is_measured)
		return 0;
	o->wall_ns = mst_clock_ns() - run->began_ns;
	if (!conf->server_pid)
		return 0;
	if (mst_server_cpu_ns(&now_ns, conf->server_pid, &run->err) < 0)
		return -1;
	o->cpu_ns = now_ns - run->cpu_began_ns;
	settled = mst_clock_ns() + (run->script->holds ? SETTLE_NS : 0);
	while (mst_clock_ns() < settled)
		if (mst_loop_turn(run->fleets[0].loop, 50, &run->err) < 0)
			return -1;
	return mst_server_rss_kib(&o->rss_end_kib, conf->server_pid, &run->err);
}

static void pin(const struct mst_fleet_conf *conf, uint32_t index)
{
	cpu_set_t cpus;

	if (!conf->is_pinned)
		return;
	CPU_ZERO(&cpus);
	CPU_SET(conf->cpu + index, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		fprintf(stderr, "muster-bench: cannot pin to core %u\n", conf->cpu + index);
}

static bool is_skipped(const struct run *run, const struct mst_phase *phase)
{
	return phase->is_setup && run->conf.is_enrolled;
}

static void *work(void *context)
{
	const struct worker *worker = context;
	struct run *run = worker->run;
	struct mst_fleet *fleet = &run->fleets[worker->index];

	pin(&run->conf, worker->index);
	for (const struct mst_phase *phase = run->script->phases; phase->operation; phase++) {
		if (is_skipped(run, phase))
			continue;
		pthread_barrier_wait(&run->together);
		if (worker->index == 0 && !run->is_bad)
			run->is_bad = before(run, phase) < 0;
		pthread_barrier_wait(&run->together);
		if (!run->is_bad && mst_drive_phase(fleet, phase) < 0)
			fleet->phase = NULL;
		pthread_barrier_wait(&run->together);
		if (worker->index != 0 || run->is_bad)
			continue;
		for (uint32_t i = 0; i < run->conf.threads; i++)
			if (!run->fleets[i].phase) {
				run->err = run->fleets[i].err;
				run->is_bad = true;
			}
		if (!run->is_bad)
			run->is_bad = after(run, phase) < 0;
		for (uint32_t i = 0; i < run->conf.threads; i++) /* a broken set-up ends the run */
			if (run->fleets[i].tallies[1].num_errors && phase[1].operation)
				run->is_bad = true;
	}
	pthread_barrier_wait(&run->together);
	close_fleet(fleet);
	return NULL;
}

static void add_up(struct mst_tally *sum, const struct mst_tally *t, bool is_measured)
{
	if (is_measured) {
		mst_hist_merge(&sum->latency, &t->latency);
		sum->num_ops += t->num_ops;
		sum->num_checkins += t->num_checkins;
		sum->num_polls += t->num_polls;
		sum->num_full += t->num_full;
		sum->num_resumed += t->num_resumed;
		sum->num_pushes += t->num_pushes;
		sum->num_shed += t->num_shed;
		sum->num_refused += t->num_refused;
		for (int i = 0; i < NUM_ANSWERS; i++)
			sum->answers[i] += t->answers[i];
	}
	for (int i = 0; i < FLEET_NUM_ERRORS; i++)
		sum->errors[i] += t->errors[i];
	sum->num_errors += t->num_errors;
	if (!sum->first_error[0])
		memcpy(sum->first_error, t->first_error, sizeof(sum->first_error));
}

static void conclude(struct run *run)
{
	struct mst_outcome *o = &run->outcome;

	o->conf = &run->conf;
	o->script = run->script->name;
	for (uint32_t i = 0; i < run->conf.threads; i++) {
		add_up(&o->tally, &run->fleets[i].tallies[0], true);
		add_up(&o->tally, &run->fleets[i].tallies[1], false);
	}
	if (run->script->holds)
		o->num_held = run->conf.num_devices;
	o->num_samples = run->fleets[0].num_samples;
	memcpy(o->rss_kib, run->fleets[0].rss_kib, sizeof(o->rss_kib));
}

static uint32_t share_of(uint32_t whole, uint32_t index, uint32_t parts)
{
	return whole / parts + (index < whole % parts);
}

static int address_of(struct mst_addr *out, const struct mst_fleet_conf *conf, struct mst_err *e)
{
	struct in_addr v4;

	*out = (struct mst_addr){.port = (uint16_t)conf->port};
	if (inet_pton(AF_INET, conf->host, &v4) == 1) {
		out->ip[10] = out->ip[11] = 0xff;
		memcpy(out->ip + 12, &v4, 4);
		return 0;
	}
	if (inet_pton(AF_INET6, conf->host, out->ip) == 1)
		return 0;
	return mst_fail(e, MST_E_CONF, "--host: %s is not an IP address", conf->host);
}

static int load_trust(struct run *run, struct mst_err *e)
{
	struct mst_slice pem;

	if (!run->conf.server_ca[0])
		return mst_fail(e, MST_E_CONF,
				"--server-ca is needed: the fleet verifies the server");
	if (mst_file_read(&pem, &run->conf.arena, run->conf.server_ca, SERVER_CA_MAX, e) < 0)
		return -1;
	return mst_trust_new(&run->trust, pem, e);
}

static int make_fleets(struct run *run, struct mst_err *e)
{
	struct mst_fleet_conf *conf = &run->conf;
	uint32_t next = 0;

	if (conf->threads > conf->num_devices)
		conf->threads = conf->num_devices;
	run->devices = calloc(conf->num_devices, sizeof(*run->devices));
	run->fleets = calloc(conf->threads, sizeof(*run->fleets));
	if (!run->devices || !run->fleets)
		return mst_fail(e, MST_E_BUSY, "no memory for %u devices", conf->num_devices);
	for (uint32_t t = 0; t < conf->threads; t++) {
		struct mst_fleet *fleet = &run->fleets[t];
		*fleet = (struct mst_fleet){.conf = conf,
					    .script = run->script,
					    .trust = run->trust,
					    .devices = &run->devices[next]};
		fleet->num_devices = share_of(conf->num_devices, t, conf->threads);
		fleet->concurrency = share_of(conf->concurrency, t, conf->threads);
		if (fleet->concurrency == 0)
			fleet->concurrency = 1;
		fleet->rate = share_of(conf->rate, t, conf->threads);
		fleet->share = share_of(conf->count, t, conf->threads);
		fleet->ack_log = run->ack_log;
		fleet->pid = t == 0 ? conf->server_pid : 0;
		for (uint32_t i = 0; i < fleet->num_devices; i++, next++)
			run->devices[next] = (struct mst_device_sim){
				.fleet = fleet, .index = conf->first_device + next};
		if (address_of(&fleet->to, conf, e) < 0 || open_fleet(fleet, e) < 0)
			return -1;
	}
	if (mst_identity_make(run->devices, conf->num_devices, &conf->arena, conf, e) < 0)
		return -1;
	return conf->is_signed ? mst_signature_prepare(run->devices, conf->num_devices, &conf->arena, e) : 0;
}

static int run_threads(struct run *run, struct mst_err *e)
{
	struct worker workers[THREADS_MAX];
	uint32_t num = run->conf.threads;

	pthread_barrier_init(&run->together, NULL, num);
	for (uint32_t i = 0; i < num; i++)
		workers[i] = (struct worker){run, i};
	for (uint32_t i = 1; i < num; i++)
		if (pthread_create(&run->threads[i], NULL, work, &workers[i]) != 0)
			mst_bug(__FILE__, __LINE__,
				"no thread"); /* the others wait at a barrier: nothing to save */
	work(&workers[0]);
	for (uint32_t i = 1; i < num; i++)
		pthread_join(run->threads[i], NULL);
	pthread_barrier_destroy(&run->together);
	if (run->err.code != MST_E_NONE) {
		*e = run->err;
		return -1;
	}
	return 0;
}

/* As many files as the system lets us have: the ring's table of descriptors is bounded by it. */
static void raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run_all(struct run *run, struct mst_err *e)
{
	size_t num_scripts;

	run->script = &mst_fleet_scripts(&num_scripts)[run->conf.script];
	raise_files();
	if (run->conf.ack_log[0] && !(run->ack_log = fopen(run->conf.ack_log, "a")))
		return mst_fail(e, MST_E_IO, "cannot write %s", run->conf.ack_log);
	if (load_trust(run, e) < 0 || make_fleets(run, e) < 0 || run_threads(run, e) < 0)
		return -1;
	conclude(run);
	return mst_report_print(&run->outcome, e);
}

static void print_scripts(void)
{
	size_t num;
	const struct mst_script *scripts = mst_fleet_scripts(&num);

	printf("\nscripts:\n");
	for (size_t i = 0; i < num; i++)
		printf("  %-10s %s\n", scripts[i].name, scripts[i].help);
}

int mst_fleet_main(int argc, char **argv)
{
	static struct run run; /* the histograms are large for a stack */
	struct mst_err e = {0};
	size_t num_rows;
	const struct mst_opt_row *rows = mst_fleet_opt_rows(&num_rows);
	int rc = mst_line_read(&run.conf, &run.conf.arena, rows, num_rows, argc, argv, &e);

	mst_log_setup(MST_WARN, false);
	if (rc > 0) {
		print_scripts();
		return 0;
	}
	if (rc == 0)
		rc = run_all(&run, &e);
	if (rc < 0)
		fprintf(stderr, "muster-bench: %s\n", e.text);
	if (run.ack_log && fclose(run.ack_log) != 0)
		rc = -1;
	mst_trust_free(&run.trust);
	free(run.fleets);
	free(run.devices);
	mst_arena_done(&run.conf.arena);
	if (e.code == MST_E_CONF)
		return 2;
	return rc < 0 || run.outcome.tally.num_errors ? 1 : 0;
}
