/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation against real sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "kit.h"

Test(ops, probe_says_this_kernel_will_do)
{
	struct mst_err e;

	cr_assert_eq(mst_loop_probe(&e), 0, "%s", e.text);
}

Test(ops, tokens_come_back)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});

	mst_loop_close(kit->loop, 0xffffffff, 0xabcdef, 5);
	const struct mst_done *done = kit_wait(kit, MST_OP_CLOSE, 1);
	cr_expect_eq(done->slot, 0xffffffff);
	cr_expect_eq(done->gen, 0xabcdef);
	cr_expect_eq(done->res, -EBADF);
	cr_expect(!done->more);
	kit_free(kit);
}

Test(ops, accept_is_multishot)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	struct sockaddr_storage at;
	socklen_t len;
	int fd = kit_listen(AF_INET, &at, &len), ours[5];

	mst_loop_accept(kit->loop, 3, 7, fd);
	kit_turn(kit, 0);
	for (uint32_t i = 0; i < MST_LEN(ours); i++) {
		ours[i] = kit_dial(&at, len);
		const struct mst_done *done = kit_wait(kit, MST_OP_ACCEPT, i + 1);
		cr_expect_eq(done->slot, 3);
		cr_expect_eq(done->gen, 7);
		cr_expect_geq(done->res, 0);
		cr_expect(done->more);
	}
	mst_loop_cancel(kit->loop, 3, 7, MST_OP_ACCEPT);
	kit_wait(kit, MST_OP_CANCEL, 1);
	const struct mst_done *last = kit_wait(kit, MST_OP_ACCEPT, 6);
	cr_expect_eq(last->res, -ECANCELED);
	cr_expect(!last->more);
	cr_expect_eq(kit_find(kit, MST_OP_CANCEL, 0)->res, 0);
	for (uint32_t i = 0; i < MST_LEN(ours); i++)
		close(ours[i]);
	close(fd);
	kit_free(kit);
}

Test(ops, recv_lends_bytes_until_the_end_of_the_stream)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	int ours;
	uint32_t file = kit_pair(kit, AF_INET, &ours);

	mst_loop_recv(kit->loop, 1, 2, file);
	cr_assert_eq(write(ours, "hello", 5), 5);
	const struct mst_done *done = kit_wait(kit, MST_OP_RECV, 1);
	cr_expect_eq(done->res, 5);
	cr_expect(done->more);
	cr_expect(mst_slice_eq(done->bytes, MST_S("hello")));
	cr_assert_eq(write(ours, "again", 5), 5);
	done = kit_wait(kit, MST_OP_RECV, 2);
	cr_expect(mst_slice_eq(done->bytes, MST_S("again")));
	close(ours);
	done = kit_wait(kit, MST_OP_RECV, 3);
	cr_expect_eq(done->res, 0);
	cr_expect(!done->more);
	cr_expect_eq(done->bytes.len, 0);
	kit_free(kit);
}

Test(ops, cancelled_recv_and_close_end_the_connection)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	int ours;
	uint32_t file = kit_pair(kit, AF_INET, &ours);
	char byte;

	mst_loop_recv(kit->loop, 1, 2, file);
	kit_turn(kit, 0);
	mst_loop_cancel(kit->loop, 1, 2, MST_OP_RECV);
	mst_loop_close(kit->loop, 1, 2, file);
	cr_expect_eq(kit_wait(kit, MST_OP_RECV, 1)->res, -ECANCELED);
	cr_expect_eq(kit_wait(kit, MST_OP_CLOSE, 1)->res, 0);
	cr_expect_eq(read(ours, &byte, 1), 0);
	mst_loop_cancel(kit->loop, 1, 2, MST_OP_RECV);
	cr_expect_eq(kit_wait(kit, MST_OP_CANCEL, 2)->res, -ENOENT);
	close(ours);
	kit_free(kit);
}

Test(ops, send_completes_with_all_bytes)
{
	static uint8_t out[700000], in[sizeof(out)];
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	int ours;
	uint32_t file = kit_pair(kit, AF_INET, &ours);
	size_t len = 0;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 256);
	mst_loop_send(kit->loop, 1, 2, file, mst_slice(out, sizeof(out)));
	while (len < sizeof(in)) {
		kit_turn(kit, 0);
		ssize_t n = recv(ours, in + len,
				 20000 < sizeof(in) - len ? 20000 : sizeof(in) - len, MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
	}
	cr_expect_eq(kit_wait(kit, MST_OP_SEND, 1)->res, (int)sizeof(out));
	cr_expect_eq(kit->num_of[MST_OP_SEND], 1);
	cr_expect_arr_eq(in, out, sizeof(out));
	close(ours);
	kit_free(kit);
}

Test(ops, send_to_a_gone_peer_is_an_error_not_a_signal)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	int ours;
	uint32_t file = kit_pair(kit, AF_INET, &ours);

	setsockopt(ours, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	close(ours);
	mst_loop_send(kit->loop, 1, 2, file, MST_S("x"));
	int res = kit_wait(kit, MST_OP_SEND, 1)->res;
	cr_expect(res == -EPIPE || res == -ECONNRESET, "%d", res);
	kit_free(kit);
}

Test(ops, shutdown_ends_our_side_only)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	int ours;
	uint32_t file = kit_pair(kit, AF_INET, &ours);
	char byte;

	mst_loop_shutdown(kit->loop, 1, 2, file);
	cr_expect_eq(kit_wait(kit, MST_OP_SHUTDOWN, 1)->res, 0);
	cr_expect_eq(read(ours, &byte, 1), 0);
	mst_loop_recv(kit->loop, 1, 2, file);
	cr_assert_eq(write(ours, "x", 1), 1);
	cr_expect_eq(kit_wait(kit, MST_OP_RECV, 1)->res, 1);
	close(ours);
	kit_free(kit);
}

Test(ops, peer_is_named)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct kit *kit = kit_new((struct mst_loop_conf){0});

	cr_assert(mst_loop_peer_known(kit->loop));
	for (uint32_t i = 0; i < MST_LEN(families); i++) {
		struct sockaddr_storage at = {0}, want = {0};
		socklen_t len = sizeof(want);
		int ours;
		uint32_t file = kit_pair(kit, families[i], &ours);
		mst_loop_peer(kit->loop, 1, 2, file, &at);
		cr_assert_eq(getsockname(ours, (struct sockaddr *)&want, &len), 0);
		cr_expect_eq(kit_wait(kit, MST_OP_PEER, i + 1)->res, (int)len, "family %d",
			     families[i]);
		cr_expect_arr_eq(&at, &want, len);
		close(ours);
	}
	kit_free(kit);
}

Test(ops, peer_of_a_unix_socket_is_its_credentials)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	struct sockaddr_storage at = {0};
	struct ucred cred;
	int ours;
	uint32_t file = kit_pair(kit, AF_UNIX, &ours);

	mst_loop_peer(kit->loop, 1, 2, file, &at);
	cr_expect_eq(kit_wait(kit, MST_OP_PEER, 1)->res, (int)sizeof(cred));
	memcpy(&cred, &at, sizeof(cred));
	cr_expect_eq(cred.pid, getpid());
	cr_expect_eq(cred.uid, getuid());
	cr_expect_eq(cred.gid, getgid());
	close(ours);
	kit_free(kit);
}

Test(ops, peer_of_what_is_not_there_is_an_error)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	struct sockaddr_storage at;

	mst_loop_peer(kit->loop, 1, 2, 17, &at);
	cr_expect_eq(kit_wait(kit, MST_OP_PEER, 1)->res, -EBADF);
	mst_loop_peer(kit->loop, 1, 2, 1u << 30, &at);
	cr_expect_eq(kit_wait(kit, MST_OP_PEER, 2)->res, -EBADF);
	kit_free(kit);
}

Test(ops, socket_and_connect_dial)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	struct sockaddr_storage at;
	socklen_t len;
	int fd = kit_listen(AF_INET6, &at, &len);

	mst_loop_socket(kit->loop, 1, 2, AF_INET6);
	int file = kit_wait(kit, MST_OP_SOCKET, 1)->res;
	cr_assert_geq(file, 0);
	mst_loop_connect(kit->loop, 1, 2, (uint32_t)file, (struct sockaddr *)&at, len);
	cr_expect_eq(kit_wait(kit, MST_OP_CONNECT, 1)->res, 0);
	int ours = accept(fd, NULL, NULL);
	cr_assert_geq(ours, 0);
	mst_loop_send(kit->loop, 1, 2, (uint32_t)file, MST_S("ping"));
	char in[4];
	kit_wait(kit, MST_OP_SEND, 1);
	cr_expect_eq(read(ours, in, 4), 4);
	mst_loop_close(kit->loop, 1, 2, (uint32_t)file);
	kit_wait(kit, MST_OP_CLOSE, 1);
	cr_expect_eq(read(ours, in, 4), 0);
	close(ours);
	close(fd);
	mst_loop_socket(kit->loop, 1, 2, AF_INET6);
	file = kit_wait(kit, MST_OP_SOCKET, 2)->res;
	mst_loop_connect(kit->loop, 1, 2, (uint32_t)file, (struct sockaddr *)&at, len);
	cr_expect_eq(kit_wait(kit, MST_OP_CONNECT, 2)->res, -ECONNREFUSED);
	cr_expect_eq(kit->num_of[MST_OP_MAIL], 0);
	kit_free(kit);
}

Test(ops, connect_sets_no_delay)
{
	struct kit *kit = kit_new((struct mst_loop_conf){0});
	struct sockaddr_storage at;
	socklen_t len;
	int fd = kit_listen(AF_INET, &at, &len);

	/* A second small write leaves at once though the first is not acknowledged: with Nagle it
	 * would wait for a delayed acknowledgement, 40 ms. */
	mst_loop_socket(kit->loop, 1, 2, AF_INET);
	uint32_t file = (uint32_t)kit_wait(kit, MST_OP_SOCKET, 1)->res;
	mst_loop_connect(kit->loop, 1, 2, file, (struct sockaddr *)&at, len);
	kit_wait(kit, MST_OP_CONNECT, 1);
	int ours = accept(fd, NULL, NULL);
	char in[64];
	uint32_t num_slow = 0;
	setsockopt(ours, IPPROTO_TCP, TCP_QUICKACK, &(int){0}, sizeof(int));
	for (uint32_t i = 0; i < 30; i++) {
		mst_loop_send(kit->loop, 1, 2, file, MST_S("one"));
		kit_wait(kit, MST_OP_SEND, 2 * i + 1);
		mst_loop_send(kit->loop, 1, 2, file, MST_S("two"));
		uint64_t before = mst_clock_ms();
		kit_wait(kit, MST_OP_SEND, 2 * i + 2);
		cr_assert_eq(recv(ours, in, 6, MSG_WAITALL), 6);
		num_slow += mst_clock_ms() - before >= 35;
		cr_assert_eq(write(ours, "y", 1), 1);
	}
	cr_expect_lt(num_slow, 15);
	close(ours);
	close(fd);
	kit_free(kit);
}
