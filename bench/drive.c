/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule of one thread: who begins when, until the phase has what it wants. */
#include <stdarg.h>

#include "parts.h"
#include "muster/clock.h"

#define NS_PER_S      1000000000ull
#define NS_PER_MS     1000000ull
#define WAIT_MAX_MS   50
#define CLOSE_WAIT_MS 3000
#define CLOSE_TURN_MS 10
#define BEGIN_MAX     256 /* in one turn: what the ring takes is bounded, and answers want to be read */

static void free_push(struct mst_fleet *fleet, struct mst_device_sim *dev)
{
	dev->next = NULL;
	if (fleet->free_last)
		fleet->free_last->next = dev;
	else
		fleet->free_first = dev;
	fleet->free_last = dev;
}

static struct mst_device_sim *free_pop(struct mst_fleet *fleet)
{
	struct mst_device_sim *dev = fleet->free_first;

	fleet->free_first = dev->next;
	if (!fleet->free_first)
		fleet->free_last = NULL;
	return dev;
}

void mst_drive_over(struct mst_fleet *fleet, struct mst_device_sim *dev, bool is_ok)
{
	struct mst_tally *tally = fleet->tally;
	uint64_t now = mst_clock_ns();

	if (is_ok) {
		tally->num_ops++;
		mst_hist_add(&tally->latency, now > dev->due_ns ? now - dev->due_ns : 0);
	}
	dev->operation = NULL;
	fleet->num_flying--;
	fleet->num_over++;
	if (fleet->phase->is_called) {
		if (dev->is_called)
			mst_drive_call(fleet, dev);
	} else if (!dev->is_spent) {
		free_push(fleet, dev);
	}
}

void mst_drive_call(struct mst_fleet *fleet, struct mst_device_sim *dev)
{
	dev->is_called = dev->operation != NULL;
	if (dev->is_called || dev->called_ns)
		return;
	dev->called_ns = mst_clock_ns();
	fleet->num_wanted++;
	free_push(fleet, dev);
}

void mst_drive_ack(struct mst_fleet *fleet, const char *format, ...)
{
	va_list args;

	if (!fleet->ack_log)
		return;
	va_start(args, format);
	vfprintf(fleet->ack_log, format, args);
	va_end(args);
}

/* When the next operation is due, ns on the clock; now, in a closed loop. */
static uint64_t due_of(const struct mst_fleet *fleet, uint64_t now)
{
	if (!fleet->rate || !fleet->phase->is_measured)
		return now;
	return fleet->started_ns + fleet->num_issued * NS_PER_S / fleet->rate;
}

static bool may_begin(const struct mst_fleet *fleet, uint64_t now)
{
	if (fleet->num_issued >= fleet->num_wanted || !fleet->free_first)
		return false;
	if (fleet->rate && fleet->phase->is_measured && !fleet->phase->is_called)
		return due_of(fleet, now) <= now;
	return fleet->num_flying < fleet->concurrency;
}

static void stop_when_due(struct mst_fleet *fleet, uint64_t now)
{
	uint64_t errors = fleet->tallies[0].num_errors + fleet->tallies[1].num_errors;

	if (now >= fleet->ends_ns || errors > fleet->conf->errors_max)
		fleet->num_wanted = fleet->num_issued;
	/* Every device has used up its commands. */
	if (fleet->num_flying == 0 && !fleet->free_first && !fleet->phase->is_called)
		fleet->num_wanted = fleet->num_issued;
}

static void begin_due(struct mst_fleet *fleet)
{
	uint64_t now = mst_clock_ns();

	for (int i = 0; i < BEGIN_MAX && may_begin(fleet, now); i++) {
		struct mst_device_sim *dev = free_pop(fleet);
		uint64_t due = fleet->phase->is_called ? dev->called_ns : due_of(fleet, now);
		fleet->num_issued++;
		fleet->num_flying++;
		dev->called_ns = 0;
		mst_device_start(dev, fleet->phase->operation, due);
		now = mst_clock_ns();
		stop_when_due(fleet, now);
	}
}

/* How long the loop may sleep; not at all when the next arrival is nearer than its resolution. */
static uint32_t wait_ms(const struct mst_fleet *fleet)
{
	uint64_t now = mst_clock_ns(), due = due_of(fleet, now);

	if (may_begin(fleet, now))
		return 0;
	if (!fleet->rate || !fleet->phase->is_measured || fleet->phase->is_called || !fleet->free_first ||
	    fleet->num_issued >= fleet->num_wanted)
		return WAIT_MAX_MS;
	if (due <= now + NS_PER_MS)
		return 0;
	return (due - now) / NS_PER_MS < WAIT_MAX_MS ? (uint32_t)((due - now) / NS_PER_MS)
						     : WAIT_MAX_MS;
}

static int sample(struct mst_fleet *fleet)
{
	if (!fleet->pid || !fleet->phase->is_measured || fleet->num_samples == RSS_SAMPLES ||
	    fleet->num_wanted == UINT64_MAX ||
	    fleet->num_over * (RSS_SAMPLES - 1) < fleet->num_wanted * fleet->num_samples)
		return 0;
	if (mst_server_rss_kib(&fleet->rss_kib[fleet->num_samples], fleet->pid, &fleet->err) < 0)
		return -1;
	fleet->num_samples++;
	return 0;
}

static void prepare(struct mst_fleet *fleet, const struct mst_phase *phase)
{
	const struct mst_fleet_conf *conf = fleet->conf;

	fleet->phase = phase;
	fleet->tally = &fleet->tallies[phase->is_measured ? 0 : 1];
	fleet->free_first = fleet->free_last = NULL;
	fleet->num_issued = fleet->num_over = fleet->num_finals = 0;
	if (phase->is_measured)
		fleet->num_samples = 0;
	fleet->ends_ns = UINT64_MAX;
	fleet->num_wanted = fleet->num_devices;
	if (phase->is_called)
		fleet->num_wanted = 0;
	for (uint32_t i = 0; i < fleet->num_devices && !phase->is_called; i++)
		if (!fleet->devices[i].is_spent)
			free_push(fleet, &fleet->devices[i]);
	fleet->started_ns = mst_clock_ns();
	if (phase->amount != AMOUNT_COUNT)
		return;
	if (!phase->is_called && (fleet->share || conf->seconds))
		fleet->num_wanted = fleet->share ? fleet->share : UINT64_MAX;
	if (conf->seconds)
		fleet->ends_ns = fleet->started_ns + conf->seconds * NS_PER_S;
}

/* Asleep until all that was to come was answered. Time that runs out before is an error of those who still sleep. */
static bool is_awaited(struct mst_fleet *fleet)
{
	struct mst_tally *tally = fleet->tally;
	const struct mst_fleet_conf *conf = fleet->conf;
	uint64_t want = conf->count ? (uint64_t)conf->count * fleet->num_devices / conf->num_devices : fleet->num_devices;

	if (!fleet->phase->is_called || fleet->num_finals >= want || tally->num_errors > fleet->conf->errors_max)
		return false;
	if (mst_clock_ns() < fleet->ends_ns)
		return true;
	tally->num_errors += want - fleet->num_finals;
	tally->errors[FLEET_STARVED] += want - fleet->num_finals;
	fleet->num_finals = want;
	return false;
}

int mst_drive_phase(struct mst_fleet *fleet, const struct mst_phase *phase)
{
	prepare(fleet, phase);
	if (phase->is_called && mst_wake_open(fleet, &fleet->err) < 0)
		return -1;
	do {
		if (sample(fleet) < 0)
			return -1;
		begin_due(fleet);
		if (mst_loop_turn(fleet->loop, wait_ms(fleet), &fleet->err) < 0)
			return -1;
		stop_when_due(fleet, mst_clock_ns());
	} while (is_awaited(fleet) || fleet->num_over < fleet->num_wanted || fleet->num_flying);
	return sample(fleet);
}

static void close_one(void *context, struct mst_conn *c)
{
	mst_conn_close(c, "the run is over");
}

void mst_drive_close(struct mst_fleet *fleet)
{
	uint64_t until = mst_clock_ms() + CLOSE_WAIT_MS;

	fleet->is_closing = true;
	mst_net_each(fleet->net, NULL, close_one);
	while (mst_net_open(fleet->net) && mst_clock_ms() < until)
		if (mst_loop_turn(fleet->loop, CLOSE_TURN_MS, &fleet->err) < 0)
			return;
}
