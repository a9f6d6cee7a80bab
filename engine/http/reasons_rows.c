/* SPDX-License-Identifier: Apache-2.0 */
/* Reason phrases of the statuses we send (RFC 9110 15). */
#include "muster/http.h"

static const char *const reasons[] = {
	[200] = "OK",
	[201] = "Created",
	[202] = "Accepted",
	[204] = "No Content",
	[206] = "Partial Content",
	[207] = "Multi-Status",
	[301] = "Moved Permanently",
	[302] = "Found",
	[303] = "See Other",
	[304] = "Not Modified",
	[307] = "Temporary Redirect",
	[308] = "Permanent Redirect",
	[400] = "Bad Request",
	[401] = "Unauthorized",
	[403] = "Forbidden",
	[404] = "Not Found",
	[405] = "Method Not Allowed",
	[408] = "Request Timeout",
	[409] = "Conflict",
	[410] = "Gone",
	[411] = "Length Required",
	[412] = "Precondition Failed",
	[413] = "Content Too Large",
	[414] = "URI Too Long",
	[415] = "Unsupported Media Type",
	[417] = "Expectation Failed",
	[421] = "Misdirected Request",
	[422] = "Unprocessable Content",
	[426] = "Upgrade Required",
	[429] = "Too Many Requests",
	[431] = "Request Header Fields Too Large",
	[500] = "Internal Server Error",
	[501] = "Not Implemented",
	[502] = "Bad Gateway",
	[503] = "Service Unavailable",
	[504] = "Gateway Timeout",
	[505] = "HTTP Version Not Supported",
	[507] = "Insufficient Storage",
};

/* What the class says when the status has no row. */
static const char *const classes[] = {
	[1] = "Informational", [2] = "Success",      [3] = "Redirection",
	[4] = "Client Error",  [5] = "Server Error",
};

const char *mst_http_reason(int status)
{
	if (status >= 0 && (size_t)status < MST_LEN(reasons) && reasons[status])
		return reasons[status];
	return status >= 100 && status < 600 ? classes[status / 100] : "Unknown";
}
