/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of musterd: one struct, one table of rows (engine/main/conf_rows.c), read from an INI file. Relative
 * paths are taken from the file's folder. Rows marked live take effect on SIGHUP; the others need a restart and say so.
 */
#ifndef MUSTER_CONF_H
#define MUSTER_CONF_H

#include "muster/opt.h"

struct mst_conf {
	struct mst_arena arena; /* holds every text below */
	const char *file;       /* the file it came from, NULL for defaults */

	/* [portal] */
	const char *portal_address, *portal_certificate, *portal_key;
	uint32_t portal_port;
	bool portal_tls12, has_http2;
	const char *portal_ciphers;
	/* [plain] */
	const char *plain_address;
	uint32_t plain_port; /* 0: off */
	/* [control] */
	const char *control_path;
	/* [store] */
	const char *store_path;
	uint32_t store_cache_mib, store_memtable_mib, store_group_max, store_queue_max;
	/* [identity] */
	const char *device_ca;
	bool takes_unknown_certificate;
	const char *identity_sources, *front_end_ca, *front_end_names;
	uint32_t known_max, ticket_s;
	bool has_tickets;
	/* [seal] */
	const char *seal_key;
	uint32_t seal_quiet_s;
	/* [api] */
	const char *api_keys;
	/* [threads] */
	uint32_t num_loops, num_workers, num_jobs_max, first_cpu;
	bool is_pinned;
	/* [ring] */
	uint32_t ring_entries, ring_files, ring_buffers, ring_buffer_bytes;
	/* [conn] */
	uint32_t conns_max, conns_per_source, out_bytes_max;
	uint32_t handshake_ms, head_ms, body_ms, idle_ms, write_ms, drain_ms;
	/* [http] */
	uint32_t line_max, head_max, headers_max, arena_max, requests_max, exchanges_max;
	bool takes_bare_lf;
	/* [mdm] */
	uint32_t checkin_max, report_max, seen_flush_ms;
	const char *mdm_url, *mdm_topic;
	/* [enroll] */
	const char *enroll_certificate, *enroll_key, *enroll_chain, *enroll_roots, *enroll_apple_ca;
	const char *enroll_name, *enroll_organization, *enroll_scep_url;
	bool enroll_is_open, enroll_signs_messages;
	uint32_t enroll_link_s, enroll_challenge_s, enroll_renew_s, enroll_per_minute;
	/* [bulk] */
	uint32_t bulk_jobs_max, bulk_identities_max;
	/* [keypool] */
	const char *pool_kinds;
	uint32_t pool_size, pool_low, pool_first_s;
	/* [scep] */
	uint32_t scep_rate, scep_burst;
	bool scep_takes_des;
	/* [fetch] */
	const char *fetch_ca;
	uint32_t fetch_at_once, fetch_answer_max;
	/* [push] */
	bool push_is_enabled;
	const char *push_host, *push_sandbox_host, *push_ca, *push_silent_s;
	uint32_t push_port, push_links_max, push_window, push_ping_s, push_idle_s, push_expiry_s, push_priority;
	uint32_t push_retry_ms, push_retry_max_ms, push_silent_max, push_not_now_s, push_rate;
	/* [campaign] */
	uint32_t campaign_open_max, campaign_rate_max, campaign_busy_goal;
	/* [log] */
	uint32_t log_level; /* enum mst_level */
	bool log_json;
	/* [process] */
	uint32_t drain_s;
	bool is_sandboxed;
};

/* mst_conf_rows lends the table. */
const struct mst_opt_row *mst_conf_rows(size_t *num_rows);
/* mst_conf_load makes a configuration from defaults and `path` (NULL: defaults only). -1 CONF naming file, line and key. */
int mst_conf_load(struct mst_conf **out, const char *path, struct mst_err *e) MST_MUST;
void mst_conf_free(struct mst_conf **conf);
/* mst_conf_print writes the rows with their values as a commented INI file to `fd`. */
int mst_conf_print(int fd, const struct mst_conf *conf, struct mst_err *e) MST_MUST;

#endif
