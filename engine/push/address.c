/* SPDX-License-Identifier: Apache-2.0 */
/* Where the service is now: its name is asked of the system's resolver for every connection, on a worker. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>

#include "link.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 2.5.5.2 */

static struct mst_addr v4(const struct in_addr *in)
{
	struct mst_addr out = {.port = 0};
	memcpy(out.ip, mapped, sizeof(mapped));
	memcpy(out.ip + sizeof(mapped), in, 4);
	return out;
}

static struct mst_addr v6(const struct in6_addr *in)
{
	struct mst_addr out = {.port = 0};
	memcpy(out.ip, in, 16);
	return out;
}

bool mst_address_literal(struct mst_addr *out, const char *text)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1)
		*out = v4(&in);
	else if (inet_pton(AF_INET6, text, &in6) == 1)
		*out = v6(&in6);
	else
		return false;
	return true;
}

static void add(struct push_address *address, const struct addrinfo *info)
{
	struct mst_addr *out = &address->found[address->num];

	if (address->num == ADDRESSES_MAX)
		return;
	if (info->ai_family == AF_INET)
		*out = v4(&((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr);
	else if (info->ai_family == AF_INET6)
		*out = v6(&((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr);
	else
		return;
	out->port = address->port;
	address->num++;
}

/* On a worker. */
static void run(struct mst_job *job)
{
	struct push_address *address = MST_HOME(job, struct push_address, job);
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;

	address->failure = getaddrinfo(address->host, NULL, &hints, &list);
	if (address->failure)
		return;
	for (const struct addrinfo *info = list; info; info = info->ai_next)
		add(address, info);
	freeaddrinfo(list);
}

static void on_ran(struct mst_job *job)
{
	struct push_address *address = MST_HOME(job, struct push_address, job);

	address->on_found(address);
}

int mst_address_ask(struct push_address *address, struct mst_work *work, struct mst_loop *loop, const char *host, uint16_t port,
		    struct mst_err *e)
{
	address->port = port;
	address->num = address->at = 0;
	address->failure = 0;
	if (mst_address_literal(&address->found[0], host)) {
		address->found[0].port = port;
		address->num = 1;
		return 1;
	}
	snprintf(address->host, sizeof(address->host), "%s", host);
	address->job = (struct mst_job){.home = loop, .run = run, .on_ran = on_ran};
	return mst_work_post(work, MST_LANE_BULK, &address->job, e);
}
