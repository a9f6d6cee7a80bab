/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a connection as rows: word, what a passed deadline means, allowed moves. */
#include "own.h"

#define B(state) MST_B(MST_CONN_##state)
#define END      (B(DRAIN) | B(CLOSING))

/*
 * HEAD to IDLE, and WRITE to HEAD, BODY or WORK: the client side reads answers in the states in
 * which the server side reads requests. A move to the same state (HELLO, IDLE, WORK, WRITE) starts its
 * deadline again.
 */
const struct mst_conn_row mst_conn_rows[MST_NUM_CONN_STATES] = {
	[MST_CONN_FREE] = {"free", "", B(DIAL) | B(HELLO) | B(IDLE)},
	[MST_CONN_DIAL] = {"dial", "connect took too long", B(HELLO) | B(CLOSING)},
	[MST_CONN_HELLO] = {"handshake", "handshake took too long", B(HELLO) | B(IDLE) | END},
	[MST_CONN_IDLE] = {"idle", "idle", B(IDLE) | B(HEAD) | B(BODY) | B(WORK) | B(WRITE) | END},
	[MST_CONN_HEAD] = {"head", "request head took too long",
			   B(IDLE) | B(BODY) | B(WORK) | B(WRITE) | END},
	[MST_CONN_BODY] = {"body", "request body took too long",
			   B(IDLE) | B(HEAD) | B(WORK) | B(WRITE) | END},
	[MST_CONN_WORK] = {"work", "answer took too long",
			   B(IDLE) | B(HEAD) | B(BODY) | B(WORK) | B(WRITE) | END},
	[MST_CONN_WRITE] = {"write", "answer was not taken",
			    B(IDLE) | B(HEAD) | B(BODY) | B(WORK) | B(WRITE) | END},
	[MST_CONN_DRAIN] = {"drain", "last bytes were not taken", B(CLOSING)},
	[MST_CONN_CLOSING] = {"closing", "", B(FREE)},
};

bool mst_conn_may(enum mst_conn_state from, enum mst_conn_state to)
{
	return (mst_conn_rows[from].next & MST_B(to)) != 0;
}

const char *mst_conn_state_word(enum mst_conn_state state)
{
	return mst_conn_rows[state].word;
}
