/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices asleep: all of a thread wait on one connection to apns-sink's device port ("hello TOKEN" each) and begin when
 * their push comes ("push TOKEN PAYLOAD").
 */
#include "parts.h"

#include <stdlib.h>

#include "muster/map.h"
#include "muster/text.h"

#define HELLOS_AT_ONCE 4096 /* lines put before the kernel took the ones before */
#define REDIAL_MS      200
#define HELLO          "hello "
#define PUSH           "push "

struct mst_wake {
	struct mst_fleet *fleet;
	struct mst_conn *conn; /* NULL: gone */
	struct mst_map *devices; /* token -> index */
	struct mst_buf in;
	uint32_t num_said;
};

static void say(struct mst_wake *wake)
{
	char line[sizeof(HELLO) + 2 * TOKEN_LEN] = HELLO;
	uint8_t token[TOKEN_LEN];
	struct mst_err e;

	for (uint32_t i = 0; i < HELLOS_AT_ONCE && wake->num_said < wake->fleet->num_devices; i++) {
		mst_message_token(token, &wake->fleet->devices[wake->num_said++]);
		mst_hex_put(line + sizeof(HELLO) - 1, mst_slice(token, sizeof(token)));
		line[sizeof(line) - 1] = '\n';
		if (mst_conn_put(wake->conn, mst_slice(line, sizeof(line)), &e) < 0) {
			mst_conn_close(wake->conn, "cannot say hello");
			return;
		}
	}
	mst_conn_flush(wake->conn);
}

static int on_open(struct mst_conn *c)
{
	struct mst_wake *wake = c->up;

	mst_conn_set(c, MST_CONN_IDLE);
	say(wake);
	return 0;
}

static void on_sent(struct mst_conn *c)
{
	struct mst_wake *wake = c->up;

	if (wake->num_said < wake->fleet->num_devices)
		say(wake);
}

static void take_line(struct mst_wake *wake, struct mst_slice line)
{
	struct mst_fleet *fleet = wake->fleet;
	uint8_t token[TOKEN_LEN];
	uint32_t *index;
	struct mst_slice hex, payload;

	if (!mst_slice_starts(line, MST_S(PUSH)))
		return;
	mst_slice_cut(&hex, &payload, mst_slice(line.at + sizeof(PUSH) - 1, line.len - (sizeof(PUSH) - 1)), ' ');
	if (hex.len != 2 * sizeof(token) || mst_hex_get(token, sizeof(token), hex, NULL) < 0)
		return;
	index = mst_map_get0(wake->devices, token);
	if (!index)
		return;
	fleet->tally->num_pushes++;
	mst_drive_call(fleet, &fleet->devices[*index]);
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	struct mst_wake *wake = c->up;
	struct mst_slice left;
	struct mst_err e;
	size_t len;

	if (mst_buf_add(&wake->in, bytes, &e) < 0) {
		mst_conn_close(c, "no memory");
		return;
	}
	left = mst_buf_slice(&wake->in);
	while ((len = mst_slice_find(left, '\n')) < left.len) {
		take_line(wake, mst_slice(left.at, len));
		left = mst_slice(left.at + len + 1, left.len - len - 1);
	}
	mst_buf_drop(&wake->in, mst_buf_slice(&wake->in).len - left.len);
}

static int dial(struct mst_wake *wake, struct mst_err *e);

/* A service that goes comes back: until then the devices sleep on. */
static void on_again(struct mst_timer *timer)
{
	struct mst_fleet *fleet = MST_HOME(timer, struct mst_fleet, redial);
	struct mst_err e;

	if (!fleet->is_closing && dial(fleet->wake, &e) < 0)
		mst_timer_set(fleet->loop, &fleet->redial, REDIAL_MS);
}

static void on_gone(struct mst_conn *c)
{
	struct mst_wake *wake = c->up;
	struct mst_fleet *fleet = wake->fleet;

	wake->conn = NULL;
	mst_buf_done(&wake->in);
	if (fleet->is_closing)
		return;
	fleet->redial.on_due = on_again;
	mst_timer_set(fleet->loop, &fleet->redial, REDIAL_MS);
}

static const struct mst_edge edge = {.on_open = on_open, .on_bytes = on_bytes, .on_sent = on_sent, .on_gone = on_gone};

static int dial(struct mst_wake *wake, struct mst_err *e)
{
	struct mst_addr to = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1},
			      .port = (uint16_t)wake->fleet->conf->sink_device_port};

	wake->num_said = 0;
	return mst_net_dial(&wake->conn, wake->fleet->net, &to, &edge, wake, e);
}

int mst_wake_open(struct mst_fleet *fleet, struct mst_err *e)
{
	struct mst_wake *wake = calloc(1, sizeof(*wake));
	uint8_t token[TOKEN_LEN];

	if (!fleet->conf->sink_device_port) {
		free(wake);
		return mst_fail(e, MST_E_CONF, "this script waits for pushes: --sink-device-port is needed");
	}
	fleet->wake = wake;
	if (!wake || !(wake->devices = mst_map_new(TOKEN_LEN, sizeof(uint32_t), fleet->num_devices, false)))
		return mst_fail(e, MST_E_BUSY, "no memory");
	wake->fleet = fleet;
	for (uint32_t i = 0; i < fleet->num_devices; i++) {
		uint32_t *index;
		mst_message_token(token, &fleet->devices[i]);
		index = mst_map_set(wake->devices, token);
		if (!index)
			return mst_fail(e, MST_E_BUSY, "no memory");
		*index = i;
	}
	return dial(wake, e);
}

void mst_wake_free(struct mst_fleet *fleet)
{
	if (!fleet->wake)
		return;
	mst_map_free(&fleet->wake->devices);
	mst_buf_done(&fleet->wake->in);
	free(fleet->wake);
	fleet->wake = NULL;
}
