/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of the fleet says. */
#ifndef MUSTER_FLEET_CONF_H
#define MUSTER_FLEET_CONF_H

#include "muster/opt.h"

/* The options of the command line; rows in fleet_rows.c. */
struct mst_fleet_conf {
	struct mst_arena arena;
	const char *host, *path, *ca, *certs, *server_ca, *control, *ack_log;
	uint32_t port, num_devices, script, seed, rate, concurrency, count, seconds, threads, cpu,
		server_pid, errors_max, wait_ms;
	const char *topic;
	uint32_t first_device, sink_device_port;
	bool is_resuming, is_tls12, is_json, is_enrolled, is_pinned, is_patient, is_signed, is_http2, is_plain;
};
const struct mst_opt_row *mst_fleet_opt_rows(size_t *num);

#endif
