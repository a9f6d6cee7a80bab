/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a channel on a connection: from its Idle on. Kept in the connection's own room, so that nothing is looked up.
 * A connection that carries several channels remembers the last one that said Idle; the others are as if it were unknown.
 */
#include "own.h"

struct session {
	struct mst_id id;
	int64_t since_ms;   /* wall clock; 0: none */
	int64_t not_now_ms; /* the last NotNow on this connection */
	bool is_refused;    /* NotNow was answered in this session, and no push is owed for it yet */
};
_Static_assert(sizeof(struct session) <= MST_KEEP_ROOM, "a session fits the connection's room");

/* The connection's room is gone once the exchange is an orphan. */
static struct session *session_of(const struct mst_xchg *x)
{
	return x->is_orphan ? NULL : x->keep;
}

static bool is_mine(const struct session *session, const struct mst_id *id)
{
	return session && session->since_ms && memcmp(&session->id, id, sizeof(*id)) == 0;
}

void mst_session_begin(struct mst_xchg *x, const struct mst_id *id, int64_t now_ms)
{
	struct session *session = session_of(x);

	if (!session)
		return;
	session->id = *id;
	/* What was answered before is before, even within a millisecond or when the wall clock stepped back. */
	session->since_ms = now_ms > session->not_now_ms ? now_ms : session->not_now_ms + 1;
	session->is_refused = false;
}

int64_t mst_session_since(const struct mst_xchg *x, const struct mst_id *id)
{
	const struct session *session = session_of(x);
	return is_mine(session, id) ? session->since_ms : 0;
}

int64_t mst_session_not_now(struct mst_xchg *x, const struct mst_id *id, int64_t now_ms)
{
	struct session *session = session_of(x);

	if (!is_mine(session, id))
		return now_ms;
	session->not_now_ms = now_ms > session->since_ms ? now_ms : session->since_ms;
	session->is_refused = true;
	return session->not_now_ms;
}

bool mst_session_is_refused(const struct mst_xchg *x, const struct mst_id *id)
{
	const struct session *session = session_of(x);
	return is_mine(session, id) && session->is_refused;
}

void mst_session_forget(struct mst_xchg *x, const struct mst_id *id)
{
	struct session *session = session_of(x);

	if (is_mine(session, id))
		session->is_refused = false;
}
