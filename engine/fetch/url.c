/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a URL apart (RFC 3986), strictly: what could be read in two ways is refused. */
#include <arpa/inet.h>

#include "own.h"

static const struct {
	struct mst_slice name;
	bool is_secure;
	uint16_t port;
} schemes[] = {
	{MST_S_INIT("https://"), true, 443},
	{MST_S_INIT("http://"), false, 80},
};

static bool is_visible(struct mst_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] >= 0x7f || memchr("\"<>\\^`{|}#", s.at[i], 10))
			return false;
	return true;
}

static bool is_name(struct mst_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
			return false;
	}
	return s.len > 0 && s.at[0] != '.' && s.at[0] != '-';
}

static int read_port(struct fetch_url *out, struct mst_slice text, struct mst_err *e)
{
	uint64_t port;

	if (text.len > 5 || mst_slice_u64(&port, text, NULL) < 0 || port == 0 || port > 65535)
		return mst_fail(e, MST_E_SYNTAX, "URL: a port is 1 to 65535");
	out->port = (uint16_t)port;
	return 0;
}

/* Splits "host", "host:port", "[v6]" and "[v6]:port". */
static int read_authority(struct fetch_url *out, struct mst_slice *host, struct mst_slice text, struct mst_err *e)
{
	size_t end, is_v6 = text.len && text.at[0] == '[';
	struct mst_slice rest;

	end = mst_slice_find(text, is_v6 ? ']' : ':');
	if (is_v6 && end == text.len)
		return mst_fail(e, MST_E_SYNTAX, "URL: a bracket is open");
	*host = mst_slice(text.at + is_v6, end - is_v6);
	rest = mst_slice(text.at + end + is_v6, text.len - end - is_v6);
	if (rest.len == 0)
		return 0;
	if (rest.at[0] != ':')
		return mst_fail(e, MST_E_SYNTAX, "URL: something stands behind the host");
	return read_port(out, mst_slice(rest.at + 1, rest.len - 1), e);
}

static int read_host(struct fetch_url *out, struct mst_slice host, bool is_v6, struct mst_err *e)
{
	struct in6_addr in6;
	struct in_addr in;

	if (host.len == 0 || host.len > HOST_MAX)
		return mst_fail(e, MST_E_SYNTAX, "URL: a host has 1 to %d letters", HOST_MAX);
	memcpy(out->host, host.at, host.len);
	out->host[host.len] = '\0';
	if (is_v6 && (memchr(host.at, 0, host.len) || inet_pton(AF_INET6, out->host, &in6) != 1))
		return mst_fail(e, MST_E_SYNTAX, "URL: no IPv6 address within the brackets");
	if (!is_v6 && !is_name(host))
		return mst_fail(e, MST_E_SYNTAX, "URL: a host has letters, digits, '-', '.' and '_'");
	out->is_address = is_v6 || inet_pton(AF_INET, out->host, &in) == 1;
	return 0;
}

int mst_url_parse(struct fetch_url *out, struct mst_slice url, struct mst_err *e)
{
	struct mst_slice rest = {NULL, 0}, host;
	size_t at = 0;

	*out = (struct fetch_url){.port = 0};
	for (size_t i = 0; i < MST_LEN(schemes) && !rest.at; i++)
		if (mst_slice_case_starts(url, schemes[i].name)) {
			out->is_secure = schemes[i].is_secure;
			out->port = schemes[i].port;
			rest = mst_slice(url.at + schemes[i].name.len, url.len - schemes[i].name.len);
		}
	if (!rest.at)
		return mst_fail(e, MST_E_SYNTAX, "URL: https://... or http://...");
	if (url.len > URL_MAX)
		return mst_fail(e, MST_E_SYNTAX, "URL: over %d letters", URL_MAX);
	if (!is_visible(rest))
		return mst_fail(e, MST_E_SYNTAX, "URL: a letter that must be escaped, or a fragment");
	while (at < rest.len && rest.at[at] != '/' && rest.at[at] != '?')
		at++;
	out->authority = mst_slice(rest.at, at);
	out->target = mst_slice(rest.at + at, rest.len - at);
	if (mst_slice_find(out->authority, '@') < at)
		return mst_fail(e, MST_E_SYNTAX, "URL: no user here");
	if (read_authority(out, &host, out->authority, e) < 0)
		return -1;
	return read_host(out, host, at && rest.at[0] == '[', e);
}
