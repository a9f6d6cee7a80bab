/* SPDX-License-Identifier: Apache-2.0 */
/* The kit of the loop tests. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit.h"

#define ACCEPT_SLOT 9

struct recorder {
	struct kit *kit;
	enum mst_op op;
};

static void write_down(void *context, const struct mst_done *done)
{
	const struct recorder *recorder = context;
	struct kit *kit = recorder->kit;
	struct kit_done *entry = &kit->dones[kit->num_dones++];

	cr_assert_lt(kit->num_dones, KIT_DONES_MAX);
	kit->num_of[recorder->op]++;
	*entry = (struct kit_done){recorder->op, *done};
	if (!done->bytes.len)
		return;
	cr_assert_leq(kit->bytes_len + done->bytes.len, KIT_BYTES_MAX);
	entry->done.bytes.at = memcpy(kit->bytes + kit->bytes_len, done->bytes.at, done->bytes.len);
	kit->bytes_len += done->bytes.len;
}

struct kit *kit_new(struct mst_loop_conf conf)
{
	static struct recorder recorders[MST_NUM_OPS];
	struct kit *kit = calloc(1, sizeof(*kit));
	struct mst_err e;

	cr_assert(kit);
	if (!conf.num_files)
		conf.num_files = 64;
	if (!conf.num_buffers)
		conf.num_buffers = 16;
	conf.cpu = -1;
	cr_assert_eq(mst_loop_new(&kit->loop, &conf, &e), 0, "%s", e.text);
	for (enum mst_op op = 0; op < MST_NUM_OPS; op++) {
		recorders[op] = (struct recorder){kit, op};
		mst_loop_on(kit->loop, op, &recorders[op], write_down);
	}
	return kit;
}

void kit_free(struct kit *kit)
{
	mst_loop_free(&kit->loop);
	cr_assert_null(kit->loop);
	free(kit);
}

void kit_turn(struct kit *kit, uint32_t wait_ms)
{
	struct mst_err e;

	cr_assert_eq(mst_loop_turn(kit->loop, wait_ms, &e), 0, "%s", e.text);
}

const struct mst_done *kit_wait(struct kit *kit, enum mst_op op, uint32_t num)
{
	uint64_t until = mst_clock_ms() + 3000;

	while (kit->num_of[op] < num) {
		cr_assert_lt(mst_clock_ms(), until, "operation %d: %u of %u completions came", op,
			     kit->num_of[op], num);
		kit_turn(kit, 100);
	}
	return kit_find(kit, op, num - 1);
}

const struct mst_done *kit_find(const struct kit *kit, enum mst_op op, uint32_t n)
{
	for (uint32_t i = 0; i < kit->num_dones; i++)
		if (kit->dones[i].op == op && n-- == 0)
			return &kit->dones[i].done;
	cr_assert_fail("no such completion");
	return NULL;
}

uint64_t kit_count(enum mst_counter id)
{
	static struct mst_counts counts;

	mst_counts_sum(&counts);
	return counts.counters[id];
}

int kit_listen(int family, struct sockaddr_storage *at, socklen_t *len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	memset(at, 0, sizeof(*at));
	at->ss_family = (sa_family_t)family;
	*len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (family == AF_INET)
		((struct sockaddr_in *)at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (family == AF_INET6)
		((struct sockaddr_in6 *)at)->sin6_addr = in6addr_loopback;
	else
		*len = sizeof(sa_family_t); /* autobind: an abstract name */
	cr_assert_eq(bind(fd, (struct sockaddr *)at, *len), 0);
	cr_assert_eq(listen(fd, 128), 0);
	*len = sizeof(*at);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)at, len), 0);
	return fd;
}

int kit_dial(const struct sockaddr_storage *at, socklen_t len)
{
	int fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, (const struct sockaddr *)at, len), 0);
	return fd;
}

uint32_t kit_pair(struct kit *kit, int family, int *ours)
{
	struct sockaddr_storage at;
	socklen_t len;
	int fd = kit_listen(family, &at, &len);
	uint32_t num_before = kit->num_of[MST_OP_ACCEPT];

	mst_loop_accept(kit->loop, ACCEPT_SLOT, 1, fd);
	kit_turn(kit, 0);
	*ours = kit_dial(&at, len);
	const struct mst_done *done = kit_wait(kit, MST_OP_ACCEPT, num_before + 1);
	cr_assert_geq(done->res, 0);
	close(fd);
	return (uint32_t)done->res;
}
