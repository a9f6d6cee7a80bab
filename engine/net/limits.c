/* SPDX-License-Identifier: Apache-2.0 */
/* Counts connections per source: one IPv4 address, or one IPv6 /64, which is what one subscriber
 * gets (RFC 6177). */
#include <string.h>

#include "own.h"

struct key {
	uint8_t bytes[MST_SOURCE_KEY]; /* family, then the IPv4 address or the first half of the
					  IPv6 one */
};

static struct key key_of(const struct mst_addr *addr)
{
	struct key key = {{0}};

	if (mst_addr_is_v4(addr)) {
		key.bytes[0] = 4;
		memcpy(key.bytes + 1, addr->ip + 12, 4);
	} else {
		key.bytes[0] = 6;
		memcpy(key.bytes + 1, addr->ip, 8);
	}
	return key;
}

bool mst_limits_enter(struct mst_conn *c)
{
	struct mst_net *net = c->net;
	struct key key = key_of(&c->addr);
	uint32_t *num;

	if (net->conf.num_per_source_max == 0 || c->flags & CONN_UNIX)
		return true;
	num = mst_map_set(net->sources, &key);
	if (!num || *num >= net->conf.num_per_source_max)
		return false;
	++*num;
	c->flags |= CONN_COUNTED;
	return true;
}

void mst_limits_leave(struct mst_conn *c)
{
	struct key key = key_of(&c->addr);
	uint32_t *num;

	if (!(c->flags & CONN_COUNTED))
		return;
	num = mst_map_get0(c->net->sources, &key);
	BUG_ON(!num || *num == 0);
	if (--*num == 0)
		mst_map_drop(c->net->sources, &key);
}
