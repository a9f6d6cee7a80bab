/* SPDX-License-Identifier: Apache-2.0 */
/* What one loop knows for SCEP: a bucket of messages for each source, which fills at the configured rate. */
#include <stdlib.h>

#include "muster/map.h"
#include "own.h"

#define SOURCES_MAX 65536 /* 3 MiB; the one not heard of for longest is forgotten and begins with a full bucket */
#define SOURCE_LEN  16
#define PREFIX_LEN  8  /* of an IPv6 address: a site has at least a /64 */
#define MILLI       1000u

struct bucket {
	uint64_t filled_ms; /* when it was last filled; 0: new */
	uint64_t milli;     /* thousandths of a message */
};

struct mst_scep {
	struct mst_scep_conf conf;
	struct mst_map *buckets;
	struct mst_sweep *sweep;
};

int mst_scep_new(struct mst_scep **out, struct mst_app *app, const struct mst_scep_conf *conf, struct mst_err *e)
{
	struct mst_scep *scep = calloc(1, sizeof(*scep));

	if (!scep)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	scep->conf = *conf;
	scep->buckets = mst_map_new(SOURCE_LEN, sizeof(struct bucket), SOURCES_MAX, true);
	if (!scep->buckets) {
		mst_scep_free(&scep);
		return mst_fail(e, MST_E_BUSY, "out of memory");
	}
	if (conf->is_sweeper && mst_sweep_new(&scep->sweep, app, e) < 0) {
		mst_scep_free(&scep);
		return -1;
	}
	*out = scep;
	return 0;
}

void mst_scep_tune(struct mst_scep *scep, const struct mst_scep_conf *conf)
{
	scep->conf.rate = conf->rate;
	scep->conf.burst = conf->burst;
	scep->conf.takes_des = conf->takes_des;
}

void mst_scep_free(struct mst_scep **scep)
{
	if (!*scep)
		return;
	mst_sweep_free(&(*scep)->sweep);
	mst_map_free(&(*scep)->buckets);
	free(*scep);
	*scep = NULL;
}

static void source_of(uint8_t out[static SOURCE_LEN], const struct mst_addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool is_v4 = memcmp(addr->ip, mapped, sizeof(mapped)) == 0;

	memset(out, 0, SOURCE_LEN);
	memcpy(out, addr->ip, is_v4 ? SOURCE_LEN : PREFIX_LEN);
}

/* An address that the kernel did not tell: one bucket for all of them would let anybody stop everybody. */
static bool is_nobody(const struct mst_addr *addr)
{
	static const uint8_t none[SOURCE_LEN];
	return memcmp(addr->ip, none, sizeof(none)) == 0;
}

bool mst_rate_take(struct mst_scep *scep, const struct mst_addr *addr, uint64_t now_ms)
{
	uint8_t source[SOURCE_LEN];
	struct bucket *b;
	uint64_t full;

	if (!scep || scep->conf.rate == 0 || is_nobody(addr))
		return true;
	full = (uint64_t)scep->conf.burst * MILLI;
	source_of(source, addr);
	b = mst_map_set(scep->buckets, source);
	if (!b)
		return false;
	if (b->filled_ms == 0 || now_ms < b->filled_ms || now_ms - b->filled_ms >= full / scep->conf.rate + 1)
		b->milli = full;
	else
		b->milli += (now_ms - b->filled_ms) * scep->conf.rate; /* one thousandth a millisecond for each a second */
	b->filled_ms = now_ms;
	if (b->milli > full)
		b->milli = full;
	if (b->milli < MILLI)
		return false;
	b->milli -= MILLI;
	return true;
}

bool mst_rate_takes_des(const struct mst_scep *scep)
{
	return scep && scep->conf.takes_des;
}
