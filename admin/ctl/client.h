/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the operator API over the control socket: connect, send, read the whole answer,
 * close. Blocks. */
#ifndef MUSTER_CLIENT_H
#define MUSTER_CLIENT_H

#include "muster/arena.h"
#include "muster/header.h"

#define MST_CLIENT_WAIT_S 60
#define MST_CLIENT_REPLY_MAX                                                                       \
	(256u << 20) /* an exported result holds a device's report of some MiB as base64 */

struct mst_call {
	const char *socket; /* path */
	const char *method;
	struct mst_slice target; /* path and query, already percent-encoded */
	const char *type;        /* of the body; NULL without one */
	struct mst_slice body;
};

struct mst_call_reply {
	int status;
	struct mst_slice body; /* as long as the arena lives, terminated */
};

/* mst_client_call returns 0 with any status the server gave, -1 IO or SYNTAX when there was no
 * proper answer. */
int mst_client_call(struct mst_call_reply *out, struct mst_arena *arena,
		    const struct mst_call *call, struct mst_err *e) MST_MUST;
/* mst_client_escape percent-encodes what may not stand in a path segment or query value (RFC
 * 3986 2.1); `keep` lists further characters that stay. */
int mst_client_escape(struct mst_slice *out, struct mst_arena *arena, struct mst_slice text,
		      const char *keep, struct mst_err *e) MST_MUST;

#endif
