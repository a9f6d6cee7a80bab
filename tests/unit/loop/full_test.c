/* SPDX-License-Identifier: Apache-2.0 */
/* What runs out: receive buffers, submission queue, completion queue, direct descriptors,
 * configuration beyond its bounds. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kit.h"
#include "ring.h"

/* Arms the receive again when it ended for want of a buffer, as net does. */
static void receive_all(struct kit *kit, uint32_t file, size_t len)
{
	uint64_t until = mst_clock_ms() + 5000;
	uint32_t seen = kit->num_dones;

	mst_loop_recv(kit->loop, 1, 2, file);
	while (kit->bytes_len < len) {
		cr_assert_lt(mst_clock_ms(), until, "%zu of %zu bytes came", kit->bytes_len, len);
		kit_turn(kit, 100);
		for (; seen < kit->num_dones; seen++) {
			const struct kit_done *entry = &kit->dones[seen];
			if (entry->op != MST_OP_RECV || entry->done.more)
				continue;
			cr_assert(entry->done.res == -ENOBUFS || entry->done.res > 0, "%d",
				  entry->done.res);
			mst_loop_recv(kit->loop, 1, 2, file);
		}
	}
}

Test(full, two_buffers_receive_many_bytes)
{
	static uint8_t out[60000];
	struct kit *kit = kit_new((struct mst_loop_conf){.num_buffers = 2, .buffer_len = 128});
	int ours;
	uint32_t file = kit_pair(kit, AF_INET, &ours);

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 13 + i / 251);
	cr_assert_eq(write(ours, out, sizeof(out)), (ssize_t)sizeof(out));
	receive_all(kit, file, sizeof(out));
	cr_expect_arr_eq(kit->bytes, out, sizeof(out));
	cr_expect_gt(kit_count(MST_C_BUFFERS_OUT), 0);
	close(ours);
	kit_free(kit);
}

Test(full, a_full_submission_queue_is_flushed_and_counted)
{
	struct kit *kit = kit_new((struct mst_loop_conf){.num_entries = 4});

	kit_turn(kit, 0);
	for (uint32_t i = 0; i < 20; i++)
		mst_loop_close(kit->loop, i, 1, 60);
	cr_expect_eq(kit_count(MST_C_SQ_FULL), 4);
	kit_wait(kit, MST_OP_CLOSE, 20);
	for (uint32_t i = 0; i < 20; i++)
		cr_expect_eq(kit_find(kit, MST_OP_CLOSE, i)->slot, i);
	kit_free(kit);
}

/* 4 entries make a completion queue of 32: 1000 completions in one turn overflow it by far. */
Test(full, an_overflowing_completion_queue_loses_nothing)
{
	static uint8_t seen[1000];
	struct kit *kit = kit_new((struct mst_loop_conf){.num_entries = 4});

	kit_turn(kit, 0);
	for (uint32_t i = 0; i < MST_LEN(seen); i++)
		mst_loop_close(kit->loop, i, 1, 60);
	kit_wait(kit, MST_OP_CLOSE, MST_LEN(seen));
	for (uint32_t i = 0; i < MST_LEN(seen); i++)
		seen[kit_find(kit, MST_OP_CLOSE, i)->slot]++;
	for (uint32_t i = 0; i < MST_LEN(seen); i++)
		cr_expect_eq(seen[i], 1, "completion %u came %u times", i, seen[i]);
	cr_expect_gt(kit_count(MST_C_CQ_OVERFLOW), 0);
	kit_free(kit);
}

/* Multishot receives that meet a full completion queue may end early; the bytes still come once and
 * in order. */
Test(full, receives_survive_an_overflow)
{
	static uint8_t out[8000];
	struct kit *kit = kit_new(
		(struct mst_loop_conf){.num_entries = 2, .num_buffers = 256, .buffer_len = 64});
	int ours;
	uint32_t file = kit_pair(kit, AF_INET, &ours);

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 13 + i / 251);
	cr_assert_eq(write(ours, out, sizeof(out)), (ssize_t)sizeof(out));
	receive_all(kit, file, sizeof(out));
	cr_expect_arr_eq(kit->bytes, out, sizeof(out));
	close(ours);
	kit_free(kit);
}

Test(full, accept_without_a_free_file_says_so)
{
	struct kit *kit = kit_new((struct mst_loop_conf){.num_files = 2});
	struct sockaddr_storage at;
	socklen_t len;
	int fd = kit_listen(AF_INET, &at, &len), ours[3];
	char byte;

	mst_loop_accept(kit->loop, 1, 1, fd);
	kit_turn(kit, 0);
	for (uint32_t i = 0; i < 3; i++)
		ours[i] = kit_dial(&at, len);
	const struct mst_done *done = kit_wait(kit, MST_OP_ACCEPT, 3);
	cr_expect_eq(done->res, -ENFILE);
	cr_expect(!done->more);
	cr_expect_eq(kit_count(MST_C_FILES_OUT), 1);
	cr_expect_leq(read(ours[2], &byte, 1), 0); /* the kernel closed it */

	/* A place becomes free, accept is armed again, the next one gets in. */
	mst_loop_close(kit->loop, 1, 1, (uint32_t)kit_find(kit, MST_OP_ACCEPT, 0)->res);
	mst_loop_accept(kit->loop, 1, 1, fd);
	kit_wait(kit, MST_OP_CLOSE, 1);
	int again = kit_dial(&at, len);
	cr_expect_geq(kit_wait(kit, MST_OP_ACCEPT, 4)->res, 0);
	close(again);
	for (uint32_t i = 0; i < 3; i++)
		close(ours[i]);
	close(fd);
	kit_free(kit);
}

/* EMFILE cannot come from a direct descriptor's own table; a socket of the table's full size is
 * refused alike. */
Test(full, socket_without_a_free_file_says_so)
{
	struct kit *kit = kit_new((struct mst_loop_conf){.num_files = 1});

	mst_loop_socket(kit->loop, 1, 1, AF_INET);
	mst_loop_socket(kit->loop, 2, 1, AF_INET);
	kit_wait(kit, MST_OP_SOCKET, 2);
	cr_expect_eq(kit_find(kit, MST_OP_SOCKET, 0)->res, 0);
	cr_expect_eq(kit_find(kit, MST_OP_SOCKET, 1)->res, -ENFILE);
	kit_free(kit);
}

Test(full, configurations_that_cannot_be)
{
	static const struct {
		const char *name;
		struct mst_loop_conf conf;
		const char *text;
	} rows[] = {
		{"buffers not a power of two", {.num_buffers = 3, .cpu = -1}, "power of two"},
		{"too many buffers", {.num_buffers = 65536, .cpu = -1}, "power of two"},
		{"too many entries", {.num_entries = 5000, .cpu = -1}, "at most"},
		{"files over the hard limit", {.num_files = 200, .cpu = -1}, "ulimit -n"},
	};
	struct rlimit few = {100, 100};
	struct mst_loop *loop = NULL;
	struct mst_err e;

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		int rc = mst_loop_new(&loop, &rows[i].conf, &e);
		cr_assert_eq(rc, -1, "%s", rows[i].name);
		cr_expect_null(loop);
		cr_expect(strstr(e.text, rows[i].text), "%s: %s", rows[i].name, e.text);
	}
}

Test(full, no_descriptor_left_for_the_ring)
{
	struct mst_loop_conf conf = {.cpu = -1};
	struct mst_loop *loop = NULL;
	struct mst_err e;
	struct rlimit few = {8, 8};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	cr_assert_eq(mst_loop_new(&loop, &conf, &e), -1);
	cr_expect(strstr(e.text, "ulimit -n"), "%s", e.text);
	cr_assert_eq(mst_loop_probe(&e), -1);
}

/* From here on the process has no io_uring: io_uring_setup answers `sys`. */
static void hide_io_uring(uint32_t sys)
{
	struct sock_filter rows[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | sys),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {MST_LEN(rows), rows};

	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

static void expect_refusal(const char *text)
{
	struct mst_loop_conf conf = {.cpu = -1};
	struct mst_loop *loop = NULL;
	struct mst_err e;

	cr_expect_eq(mst_loop_probe(&e), -1);
	cr_expect_eq(e.code, MST_E_CONF);
	cr_expect(strstr(e.text, text), "%s", e.text);
	cr_expect_eq(mst_loop_new(&loop, &conf, &e), -1);
	cr_expect_null(loop);
	cr_expect(strstr(e.text, text), "%s", e.text);
}

Test(full, a_host_without_io_uring_is_told_so)
{
	hide_io_uring(ENOSYS);
	expect_refusal("no io_uring");
}

Test(full, a_host_that_forbids_io_uring_is_told_so)
{
	hide_io_uring(EPERM);
	expect_refusal("kernel.io_uring_disabled");
}

Test(full, an_old_io_uring_is_told_so)
{
	hide_io_uring(EINVAL);
	expect_refusal("DEFER_TASKRUN");
}

Test(full, an_unforeseen_refusal_names_the_error)
{
	struct mst_err e;

	cr_expect_eq(mst_probe_setup(EIO, &e), -1);
	cr_expect_eq(e.sys, EIO);
}
