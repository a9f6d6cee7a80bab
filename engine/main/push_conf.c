/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine's configuration, made from the rows of [push]. */
#include "engine.h"

#define SILENT_MAX_S 31536000 /* a year */

static int read_silent(struct mst_push_conf *out, const char *text, struct mst_err *e)
{
	struct mst_slice part, rest = mst_slice_str(text);
	uint64_t s = 0;
	size_t num = 0;

	for (bool is_more = true; is_more; num++) {
		is_more = mst_slice_cut(&part, &rest, rest, ',');
		if (num == MST_LEN(out->silent_s) || mst_slice_u64(&s, mst_slice_trim(part), NULL) < 0 || s == 0 ||
		    s > SILENT_MAX_S)
			return mst_fail(e, MST_E_CONF, "[push] silent_s: 1 to %zu numbers of seconds, separated by commas",
					MST_LEN(out->silent_s));
		out->silent_s[num] = (uint32_t)s;
	}
	for (; num < MST_LEN(out->silent_s); num++)
		out->silent_s[num] = (uint32_t)s;
	return 0;
}

int mst_pusher_conf(struct mst_push_conf *out, const struct mst_conf *conf, struct mst_slice ca_pem, struct mst_err *e)
{
	static const uint32_t priorities[] = {10, 5, 1};

	*out = (struct mst_push_conf){
		.host = conf->push_host,
		.sandbox_host = conf->push_sandbox_host,
		.port = conf->push_port,
		.ca_pem = ca_pem,
		.links_max = conf->push_links_max,
		.window = conf->push_window,
		.ping_s = conf->push_ping_s,
		.idle_s = conf->push_idle_s,
		.expiry_s = conf->push_expiry_s,
		.priority = priorities[conf->push_priority],
		.retry_ms = conf->push_retry_ms,
		.retry_max_ms = conf->push_retry_max_ms,
		.silent_max = conf->push_silent_max,
		.not_now_s = conf->push_not_now_s,
		.rate = conf->push_rate,
	};
	return read_silent(out, conf->push_silent_s, e);
}
