/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses there and back, and as text. */
#include "rig.h"

#include <arpa/inet.h>

Test(net_addr, there_and_back)
{
	static const struct {
		const char *ip;
		uint16_t port;
		bool is_v4;
		const char *text;
	} rows[] = {
		{"::ffff:192.0.2.1", 443, true, "192.0.2.1:443"},
		{"::ffff:255.255.255.255", 65535, true, "255.255.255.255:65535"},
		{"2001:db8::1", 443, false, "[2001:db8::1]:443"},
		{"::1", 1, false, "[::1]:1"},
		{"2001:db8:1111:2222:3333:4444:5555:6666", 65535, false,
		 "[2001:db8:1111:2222:3333:4444:5555:6666]:65535"},
		{"::", 0, false, "unix"},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_addr addr = {.port = rows[i].port}, back;
		struct sockaddr_storage at;
		char text[MST_ADDR_ROOM];

		cr_assert_eq(inet_pton(AF_INET6, rows[i].ip, addr.ip), 1);
		cr_expect_eq(mst_addr_is_v4(&addr), rows[i].is_v4, "%s", rows[i].ip);
		cr_expect_eq(mst_addr_to(&at, &addr), rows[i].is_v4 ? sizeof(struct sockaddr_in)
								    : sizeof(struct sockaddr_in6));
		mst_addr_from(&back, &at);
		cr_expect_eq(memcmp(back.ip, addr.ip, 16), 0, "%s", rows[i].ip);
		cr_expect_eq(back.port, addr.port);
		mst_addr_put(text, &addr);
		cr_expect_str_eq(text, rows[i].text);
	}
}

Test(net_addr, other_families_are_unknown)
{
	struct sockaddr_storage at = {.ss_family = AF_UNIX};
	struct mst_addr addr;

	memset(&addr, 1, sizeof(addr));
	mst_addr_from(&addr, &at);
	cr_expect_eq(addr.ip[0] | addr.ip[15] | addr.port, 0);
}
