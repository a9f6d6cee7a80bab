/* SPDX-License-Identifier: Apache-2.0 */
/* Makes listening sockets: TCP with SO_REUSEPORT, Unix with mode 0600 in place of a stale one. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own.h"

#define BACKLOG 4096 /* a fleet that comes back at once; the kernel cuts it to net.core.somaxconn  \
		      */

static int address_of(struct sockaddr_storage *at, socklen_t *len,
		      const struct mst_listen_conf *conf, struct mst_err *e)
{
	struct mst_addr addr = {.ip = {[10] = 0xff, [11] = 0xff}, .port = conf->port};

	if (inet_pton(AF_INET, conf->address, addr.ip + 12) != 1 &&
	    inet_pton(AF_INET6, conf->address, addr.ip) != 1)
		return mst_fail(e, MST_E_CONF, "%s is not an IPv4 or IPv6 address", conf->address);
	*len = mst_addr_to(at, &addr);
	return 0;
}

/* Accepted connections inherit TCP_NODELAY. "::" takes IPv4 too. */
static int tcp_options(int fd, int family)
{
	static const int on = 1, off = 0;
	const struct {
		int level, name;
		const int *value;
	} rows[] = {
		{SOL_SOCKET, SO_REUSEADDR, &on},
		{SOL_SOCKET, SO_REUSEPORT, &on},
		{IPPROTO_TCP, TCP_NODELAY, &on},
		{IPPROTO_IPV6, IPV6_V6ONLY, &off},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		if (rows[i].level == IPPROTO_IPV6 && family != AF_INET6)
			continue;
		if (setsockopt(fd, rows[i].level, rows[i].name, rows[i].value, sizeof(int)) < 0)
			return -1;
	}
	return 0;
}

static int bind_tcp(struct mst_listener *l, struct mst_err *e)
{
	struct sockaddr_storage at;
	struct mst_addr got;
	socklen_t len;

	if (address_of(&at, &len, &l->conf, e) < 0)
		return -1;
	l->fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0 || tcp_options(l->fd, at.ss_family) < 0 ||
	    bind(l->fd, (struct sockaddr *)&at, len) < 0 || listen(l->fd, BACKLOG) < 0 ||
	    getsockname(l->fd, (struct sockaddr *)&at, &len) < 0)
		return mst_fail_sys(e, errno, "cannot listen on %s port %u", l->conf.address,
				    l->conf.port);
	mst_addr_from(&got, &at);
	l->port = got.port;
	return 0;
}

/* Without SO_REUSEPORT the kernel refuses a port that another process listens on, with it it would share the connections. */
int mst_net_claim(const char *address, uint16_t port, struct mst_err *e)
{
	static const int on = 1;
	const struct mst_listen_conf conf = {.address = address, .port = port};
	struct sockaddr_storage at;
	socklen_t len;
	int fd, rc;

	if (address_of(&at, &len, &conf, e) < 0)
		return -1;
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return mst_fail_sys(e, errno, "cannot make a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 || bind(fd, (struct sockaddr *)&at, len) < 0)
		rc = mst_fail_sys(e, errno, "cannot listen on %s port %u", address, port);
	else
		rc = 0;
	close(fd);
	return rc;
}

/* A socket file that nobody answers was left behind by a process that died. */
static int unlink_stale(const struct sockaddr_un *at, struct mst_err *e)
{
	struct stat st;
	int fd, rc, sys;

	if (lstat(at->sun_path, &st) < 0)
		return errno == ENOENT ? 0
				       : mst_fail_sys(e, errno, "cannot look at %s", at->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return mst_fail(e, MST_E_CONF, "%s exists and is not a socket", at->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return mst_fail_sys(e, errno, "cannot try %s", at->sun_path);
	rc = connect(fd, (const struct sockaddr *)at, sizeof(*at));
	sys = errno;
	close(fd);
	if (rc == 0 || sys != ECONNREFUSED)
		return mst_fail(e, MST_E_CONFLICT, "%s is in use by another process", at->sun_path);
	if (unlink(at->sun_path) < 0)
		return mst_fail_sys(e, errno, "cannot replace the stale socket %s", at->sun_path);
	return 0;
}

static int bind_unix(struct mst_listener *l, struct mst_err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat st;

	memcpy(at.sun_path, l->name, sizeof(at.sun_path));
	if (unlink_stale(&at, e) < 0)
		return -1;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The socket's own mode becomes the file's: no moment in which others may connect. */
	if (l->fd < 0 || fchmod(l->fd, 0600) < 0 ||
	    bind(l->fd, (struct sockaddr *)&at, sizeof(at)) < 0 || stat(at.sun_path, &st) < 0 ||
	    listen(l->fd, BACKLOG) < 0)
		return mst_fail_sys(e, errno, "cannot listen on %s", at.sun_path);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

int mst_bind_open(struct mst_listener *l, struct mst_err *e)
{
	l->fd = -1;
	if ((l->conf.is_unix ? bind_unix(l, e) : bind_tcp(l, e)) == 0)
		return 0;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	return -1;
}

void mst_bind_close(struct mst_listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	if (l->conf.is_unix && stat(l->name, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		unlink(l->name);
	close(l->fd);
	l->fd = -1;
}
