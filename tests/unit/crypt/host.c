/* SPDX-License-Identifier: Apache-2.0 */
/* Of which host a certificate is. */
#include "pki.h"

#include <criterion/criterion.h>

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct pki server(struct mst_arena *a, const char *const *dns, const char *const *ips)
{
	struct mst_issue what = {.common_name = "api.push.apple.com", .dns = dns, .ips = ips,
				 .key_usage = MST_KU_SIGN, .ext_key_usage = MST_EKU_SERVER};
	return pki_make(a, MST_KEY_P256, what, NULL);
}

Test(host, names)
{
	static const struct {
		const char *presented, *host;
		bool is_good;
	} rows[] = {
		{"api.push.apple.com", "api.push.apple.com", true},
		{"API.Push.Apple.COM", "api.push.apple.com", true},
		{"api.push.apple.com", "api.push.apple.com.", true},
		{"*.push.apple.com", "api.push.apple.com", true},
		{"*.push.apple.com", "push.apple.com", false},
		{"*.push.apple.com", "a.api.push.apple.com", false},
		{"*.apple.com", "api.push.apple.com", false},
		{"*.com", "apple.com", false},
		{"*", "apple", false},
		{"*", "apple.com", false},
		{"a*.push.apple.com", "api.push.apple.com", false},
		{"api.*.apple.com", "api.push.apple.com", false},
		{"*.*.apple.com", "api.push.apple.com", false},
		{"api.push.apple.com", "api.push.apple.com.evil.example", false},
		{"push.apple.com", "api.push.apple.com", false},
		{"127.0.0.1", "127.0.0.1", false},
		{"localhost", "localhost", true},
		{"localhost", "", false},
		{"localhost", ".", false},
		{"localhost", "local host", false},
		{"a.example", "a..example", false},
		{"*.example.com", "*.example.com", false},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena a;
		struct mst_err e = {MST_E_NONE};
		mst_arena_init(&a, NULL, 0);
		struct pki p = server(&a, NAMES(rows[i].presented), NULL);
		int rc = mst_host_check(p.der, rows[i].host, &e);
		cr_expect_eq(rc, rows[i].is_good ? 0 : -1, "%s for %s", rows[i].presented, rows[i].host);
		if (rc < 0)
			cr_expect_eq(e.code, MST_E_CRYPTO, "%s", rows[i].host);
		mst_key_free(&p.key);
		mst_arena_done(&a);
	}
}

Test(host, addresses)
{
	static const struct {
		const char *host;
		bool is_good;
	} rows[] = {
		{"127.0.0.1", true}, {"::1", true},       {"0:0:0:0:0:0:0:1", true}, {"127.0.0.2", false},
		{"::2", false},      {"localhost", true}, {"::ffff:127.0.0.1", false}, {"127.1", false},
	};
	struct mst_arena a;

	mst_arena_init(&a, NULL, 0);
	struct pki p = server(&a, NAMES("other.example", "localhost"), NAMES("127.0.0.1", "::1"));
	for (size_t i = 0; i < MST_LEN(rows); i++)
		cr_expect_eq(mst_host_check(p.der, rows[i].host, NULL), rows[i].is_good ? 0 : -1, "%s", rows[i].host);
	mst_key_free(&p.key);
	mst_arena_done(&a);
}

/* The common name is nobody's host (RFC 9525 2). */
Test(host, no_names)
{
	struct mst_arena a;

	mst_arena_init(&a, NULL, 0);
	struct pki p = server(&a, NULL, NULL);
	cr_expect_eq(mst_host_check(p.der, "api.push.apple.com", NULL), -1);
	cr_expect_eq(mst_host_check(mst_slice(p.der.at, p.der.len - 1), "api.push.apple.com", NULL), -1);
	mst_key_free(&p.key);
	mst_arena_done(&a);
}

/* What is no name is passed over: a zero byte hides nothing. */
Test(host, zero_byte)
{
	struct mst_arena a;

	mst_arena_init(&a, NULL, 0);
	struct pki p = server(&a, NAMES("good.example+evil.example"), NULL);
	struct mst_slice der = pki_resign(&a, p.der, MST_S("good.example+evil"), MST_S("good.example\0evil"), p.key);
	cr_expect_eq(mst_host_check(der, "good.example", NULL), -1);
	mst_key_free(&p.key);
	mst_arena_done(&a);
}
