/* SPDX-License-Identifier: Apache-2.0 */
/* What is done on a worker before anything is dialled: the name is resolved, the request's own CAs are read. */
#include <arpa/inet.h>
#include <netdb.h>

#include "own.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 2.5.5.2 */

static void add(struct fetch_prepare *p, int family, const void *ip)
{
	struct mst_addr *out = &p->found[p->num_found];

	if (p->num_found == ADDRESSES_MAX || (family != AF_INET && family != AF_INET6))
		return;
	*out = (struct mst_addr){.port = p->port};
	if (family == AF_INET) {
		memcpy(out->ip, mapped, sizeof(mapped));
		memcpy(out->ip + sizeof(mapped), ip, 4);
	} else
		memcpy(out->ip, ip, 16);
	p->num_found++;
}

static bool is_literal(struct fetch_prepare *p)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, p->host, &in) == 1)
		add(p, AF_INET, &in);
	else if (inet_pton(AF_INET6, p->host, &in6) == 1)
		add(p, AF_INET6, &in6);
	return p->num_found > 0;
}

static int resolve(struct fetch_prepare *p, struct mst_err *e)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	int failure;

	if (is_literal(p))
		return 0;
	failure = getaddrinfo(p->host, NULL, &hints, &list);
	if (failure)
		return mst_fail(e, MST_E_ABSENT, "%.80s: %s", p->host, gai_strerror(failure));
	for (const struct addrinfo *info = list; info; info = info->ai_next)
		add(p, info->ai_family,
		    info->ai_family == AF_INET ? (const void *)&((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr
					       : (const void *)&((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr);
	freeaddrinfo(list);
	return p->num_found ? 0 : mst_fail(e, MST_E_ABSENT, "%.80s: no address", p->host);
}

void mst_prepare_run(struct mst_job *job)
{
	struct fetch_prepare *p = MST_HOME(job, struct fetch_prepare, job);

	p->rc = resolve(p, &p->err);
	if (p->rc == 0 && mst_buf_slice(&p->ca_pem).len)
		p->rc = mst_trust_new(&p->trust, mst_buf_slice(&p->ca_pem), &p->err);
}
