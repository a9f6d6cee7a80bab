/* SPDX-License-Identifier: Apache-2.0 */
/* URLs that are taken apart, and those that are refused. */
#include <criterion/criterion.h>

#include "../../../engine/fetch/url.c"

static const struct {
	const char *url, *host, *authority, *target;
	uint16_t port;
	bool is_secure, is_address;
} good[] = {
	{"https://ca.example.com/scep?operation=GetCACaps", "ca.example.com", "ca.example.com", "/scep?operation=GetCACaps", 443, true, false},
	{"HTTP://ca.example.com:8080", "ca.example.com", "ca.example.com:8080", "", 80 + 8000, false, false},
	{"http://127.0.0.1/a//b", "127.0.0.1", "127.0.0.1", "/a//b", 80, false, true},
	{"https://[::1]:8443?x=y", "::1", "[::1]:8443", "?x=y", 8443, true, true},
	{"https://h", "h", "h", "", 443, true, false},
	{"https://h:1/%20%41", "h", "h:1", "/%20%41", 1, true, false},
};

static const char *const bad[] = {
	"", "ca.example.com", "ftp://h/", "https://", "https:///x", "https://:443/", "https://u@h/", "https://u:p@h/", "https://h:0/",
	"https://h:65536/", "https://h:/", "https://h:12a/", "https://h:443:1/", "https://[::1/", "https://[zz]/", "https://[::1]x/",
	"https://h/ b", "https://h/#f", "https://h/\"", "https://h\r\nX: y/", "https://h/\r\nX: y", "https://h/\x7f", "https://h/\xc3\xa4",
	"https://.h/", "https://-h/", "https://h_$/", "https://[127.0.0.1]/", "https://h\\x/", "http:/h/",
};

Test(url, good)
{
	for (size_t i = 0; i < MST_LEN(good); i++) {
		struct fetch_url url;
		struct mst_err e;
		cr_assert_eq(mst_url_parse(&url, mst_slice_str(good[i].url), &e), 0, "%s: %s", good[i].url, e.text);
		cr_expect_str_eq(url.host, good[i].host);
		cr_expect(mst_slice_eq(url.authority, mst_slice_str(good[i].authority)), "%s", good[i].url);
		cr_expect(mst_slice_eq(url.target, mst_slice_str(good[i].target)), "%s", good[i].url);
		cr_expect_eq(url.port, good[i].port, "%s", good[i].url);
		cr_expect_eq(url.is_secure, good[i].is_secure, "%s", good[i].url);
		cr_expect_eq(url.is_address, good[i].is_address, "%s", good[i].url);
	}
}

Test(url, bad)
{
	char text[URL_MAX + 2];
	struct fetch_url url;
	struct mst_err e;

	for (size_t i = 0; i < MST_LEN(bad); i++) {
		cr_expect_eq(mst_url_parse(&url, mst_slice_str(bad[i]), &e), -1, "%s", bad[i]);
		cr_expect_eq(e.code, MST_E_SYNTAX, "%s", bad[i]);
	}
	memset(text, 'a', sizeof text);
	memcpy(text, "https://h/", 10);
	cr_expect_eq(mst_url_parse(&url, mst_slice(text, URL_MAX), &e), 0);
	cr_expect_eq(mst_url_parse(&url, mst_slice(text, URL_MAX + 1), &e), -1);
	cr_expect_eq(mst_url_parse(&url, mst_slice("https://h\0x/", 12), &e), -1);
	memset(text, 'a', sizeof text);
	memcpy(text, "https://", 8);
	cr_expect_eq(mst_url_parse(&url, mst_slice(text, 8 + HOST_MAX), &e), 0);
	cr_expect_eq(mst_url_parse(&url, mst_slice(text, 8 + HOST_MAX + 1), &e), -1);
}
