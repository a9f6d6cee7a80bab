/* SPDX-License-Identifier: Apache-2.0 */
/* Turns the kernel's addresses into ours and back. */
#include <string.h>

#include "own.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 2.5.5.2 */

bool mst_addr_is_v4(const struct mst_addr *addr)
{
	return memcmp(addr->ip, mapped, sizeof(mapped)) == 0;
}

void mst_addr_from(struct mst_addr *addr, const struct sockaddr_storage *at)
{
	*addr = (struct mst_addr){0};
	if (at->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)at;

		memcpy(addr->ip, mapped, sizeof(mapped));
		memcpy(addr->ip + sizeof(mapped), &in->sin_addr, 4);
		addr->port = ntohs(in->sin_port);
	} else if (at->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)at;

		memcpy(addr->ip, &in6->sin6_addr, 16);
		addr->port = ntohs(in6->sin6_port);
	}
}

socklen_t mst_addr_to(struct sockaddr_storage *at, const struct mst_addr *addr)
{
	memset(at, 0, sizeof(*at));
	if (mst_addr_is_v4(addr)) {
		struct sockaddr_in *in = (struct sockaddr_in *)at;

		in->sin_family = AF_INET;
		in->sin_port = htons(addr->port);
		memcpy(&in->sin_addr, addr->ip + sizeof(mapped), 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)at;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(addr->port);
	memcpy(&in6->sin6_addr, addr->ip, 16);
	return sizeof(*in6);
}
