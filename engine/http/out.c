/* SPDX-License-Identifier: Apache-2.0 */
/* What both framings write alike: the date, what has content, which values may be headers; and where bytes go. */
#include "own.h"

#include <stdio.h>
#include <time.h>

#include "muster/clock.h"
#include "muster/count.h"

#define DATE_KEEP_MS 200 /* the loop's clock moves this far before the wall clock is asked again */

int mst_out_write(struct http_edge *edge, struct mst_slice bytes, struct mst_err *e)
{
	return edge->tls ? mst_tls_write(edge->tls, bytes, e) : mst_conn_put(edge->conn, bytes, e);
}

/* Made anew when the second may have changed. */
struct mst_slice mst_out_date(struct mst_http *http)
{
	uint64_t now_ms = mst_loop_now_ms(http->loop);
	if (http->date_len == 0 || now_ms - http->date_ms >= DATE_KEEP_MS) {
		static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
		static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
						 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
		time_t s = mst_clock_wall_ms() / 1000;
		struct tm t;
		gmtime_r(&s, &t);
		int len =
			snprintf(http->date, sizeof(http->date),
				 "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday], t.tm_mday,
				 months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
		http->date_len = len > 0 && (size_t)len < sizeof(http->date) ? (uint8_t)len : 0;
		http->date_ms = now_ms;
	}
	return mst_slice(http->date, http->date_len);
}

bool mst_out_has_content(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

bool mst_out_value_ok(struct mst_slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] == 0x7f)
			return false;
	return true;
}

void mst_out_count(int status)
{
	mst_count(status < 400   ? MST_C_HTTP_2XX
		  : status < 500 ? MST_C_HTTP_4XX
				 : MST_C_HTTP_5XX,
		  1);
}
