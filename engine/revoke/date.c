/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and conditions of HTTP: IMF-fixdate (RFC 9110 5.6.7), If-None-Match, If-Modified-Since (13.1). */
#include <stdio.h>
#include <time.h>

#include "own.h"

static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void mst_date_put(char out[static REVOKE_DATE_ROOM], int64_t s)
{
	const time_t last = 253402300799; /* the end of 9999 */
	time_t at = s < 0 ? 0 : s > last ? last : s;
	struct tm t;

	gmtime_r(&at, &t);
	snprintf(out, REVOKE_DATE_ROOM, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[t.tm_wday % 7], (unsigned)t.tm_mday % 32,
		 months[t.tm_mon % 12], (unsigned)(t.tm_year + 1900) % 10000, (unsigned)t.tm_hour % 24, (unsigned)t.tm_min % 60,
		 (unsigned)t.tm_sec % 61);
}

static bool digits(int *out, struct mst_slice text, size_t at, size_t num)
{
	*out = 0;
	for (size_t i = at; i < at + num; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		*out = *out * 10 + (text.at[i] - '0');
	}
	return true;
}

bool mst_date_get(int64_t *out, struct mst_slice text)
{
	struct tm t = {.tm_mon = 0};

	/* Sun, 06 Nov 1994 08:49:37 GMT */
	if (text.len != REVOKE_DATE_ROOM - 1 || memcmp(text.at + 25, " GMT", 4) != 0 || !digits(&t.tm_mday, text, 5, 2) ||
	    !digits(&t.tm_year, text, 12, 4) || !digits(&t.tm_hour, text, 17, 2) || !digits(&t.tm_min, text, 20, 2) ||
	    !digits(&t.tm_sec, text, 23, 2))
		return false;
	while (t.tm_mon < 12 && memcmp(months[t.tm_mon], text.at + 8, 3) != 0)
		t.tm_mon++;
	if (t.tm_mon == 12)
		return false;
	t.tm_year -= 1900;
	*out = timegm(&t);
	return true;
}

/* Weak comparison: W/ in front says nothing here. */
static bool is_listed(struct mst_slice list, struct mst_slice etag)
{
	bool is_more = list.len > 0;

	while (is_more) {
		struct mst_slice one;
		is_more = mst_slice_cut(&one, &list, list, ',');
		one = mst_slice_trim(one);
		if (mst_slice_starts(one, MST_S("W/")))
			one = mst_slice(one.at + 2, one.len - 2);
		if (mst_slice_eq(one, etag) || mst_slice_eq(one, MST_S("*")))
			return true;
	}
	return false;
}

bool mst_date_is_fresh(const struct mst_xchg *x, const char *etag, int64_t changed_s)
{
	struct mst_slice tags = mst_xchg_header(x, MST_S("if-none-match"));
	int64_t since_s;

	if (tags.at)
		return is_listed(tags, mst_slice_str(etag));
	return mst_date_get(&since_s, mst_xchg_header(x, MST_S("if-modified-since"))) && changed_s <= since_s;
}
