/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a peer's address for people and logs. */
#include <arpa/inet.h>
#include <stdio.h>

#include "muster/peer.h"

void mst_addr_put(char out[static MST_ADDR_ROOM], const struct mst_addr *addr)
{
	static const uint8_t unknown[16],
		mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 2.5.5.2 */
	char ip[INET6_ADDRSTRLEN] = "";

	if (memcmp(addr->ip, unknown, sizeof(unknown)) == 0) {
		snprintf(out, MST_ADDR_ROOM, "unix");
	} else if (memcmp(addr->ip, mapped, sizeof(mapped)) == 0) {
		inet_ntop(AF_INET, addr->ip + sizeof(mapped), ip, sizeof(ip));
		snprintf(out, MST_ADDR_ROOM, "%s:%u", ip, addr->port);
	} else {
		inet_ntop(AF_INET6, addr->ip, ip, sizeof(ip));
		snprintf(out, MST_ADDR_ROOM, "[%s]:%u", ip, addr->port);
	}
}
