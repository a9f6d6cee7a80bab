/* SPDX-License-Identifier: Apache-2.0 */
/* The whole square of state moves, and that a move outside it is a bug. */
#include "rig.h"

static const char letters[] = "FDHIEBWRNC"; /* in the enum's order */

/* Each row: from, and the letters of all it may move to. */
static const char *const square[MST_NUM_CONN_STATES] = {
	[MST_CONN_FREE] = "DHI",     [MST_CONN_DIAL] = "HC",       [MST_CONN_HELLO] = "HINC",
	[MST_CONN_IDLE] = "IEBWRNC", [MST_CONN_HEAD] = "IBWRNC",   [MST_CONN_BODY] = "IEWRNC",
	[MST_CONN_WORK] = "IEBWRNC", [MST_CONN_WRITE] = "IEBWRNC", [MST_CONN_DRAIN] = "C",
	[MST_CONN_CLOSING] = "F",
};

Test(net_conn_rows, square)
{
	cr_assert_eq(strlen(letters), MST_NUM_CONN_STATES);
	for (enum mst_conn_state from = 0; from < MST_NUM_CONN_STATES; from++)
		for (enum mst_conn_state to = 0; to < MST_NUM_CONN_STATES; to++)
			cr_expect_eq(mst_conn_may(from, to),
				     strchr(square[from], letters[to]) != NULL, "%s to %s",
				     mst_conn_state_word(from), mst_conn_state_word(to));
}

Test(net_conn_rows, words)
{
	for (enum mst_conn_state a = 0; a < MST_NUM_CONN_STATES; a++)
		for (enum mst_conn_state b = 0; b < a; b++)
			cr_expect_str_neq(mst_conn_state_word(a), mst_conn_state_word(b));
#define X(name, word, whom) cr_expect_str_eq(mst_conn_state_word(MST_CONN_##name), word);
	MST_CONN_STATES(X)
#undef X
}

static void wrong_move(enum mst_conn_state first, enum mst_conn_state to)
{
	struct rig r = {.first = first};
	struct mst_conn *c;

	rig_start(&r);
	rig_open(&r, &c, rig_listen(&r, &rig_edge));
	mst_conn_set(c, to);
}

Test(net_conn_rows, hello_to_work_is_a_bug, .signal = SIGABRT)
{
	wrong_move(MST_CONN_HELLO, MST_CONN_WORK);
}

Test(net_conn_rows, idle_to_hello_is_a_bug, .signal = SIGABRT)
{
	wrong_move(MST_CONN_IDLE, MST_CONN_HELLO);
}

Test(net_conn_rows, drain_is_not_set_from_outside, .signal = SIGABRT)
{
	wrong_move(MST_CONN_IDLE, MST_CONN_DRAIN);
}
