/* SPDX-License-Identifier: Apache-2.0 */
/* Names from text (RFC 4514), and the alternative names that are none of IA5String. */
#include <criterion/criterion.h>

#include "muster/crypt.h"
#include "muster/text.h"

Test(dn, rows)
{
	static const struct {
		const char *text, *hex; /* hex NULL: refused */
	} rows[] = {
		{"", ""},
		{"O=a", "310a300806035504" "0a0c0161"},
		{"OU=b,O=a", "310a3008060355040a0c0161" "310a3008060355040b0c0162"}, /* the last one first */
		{" o = a ; C = DE", "310b3009060355040613024445" "310a3008060355040a0c0161"},
		{"O=a\\, b", "310d300b060355040a0c04612c2062"},
		{"O=\\C3\\A4", "310b3009060355040a0c02c3a4"},
		{"DC=x", "31113" "00f060a0992268993f22c640119160178"},
		{"OU=b+O=a", "3114" "3008060355040a0c0161" "3008060355040b0c0162"}, /* DER: a SET in order */
		{"O", NULL}, {"O=", NULL}, {"O=a,", NULL}, {"X=a", NULL}, {"C=DEU", NULL}, {"C=d*", NULL}, {"O=a\x01", NULL}, {"O=\xff", NULL},
		{"DC=\xc3\xa4", NULL},
	};
	char hex[256];

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena arena;
		struct mst_slice der;
		struct mst_err e;
		mst_arena_init(&arena, NULL, 0);
		int rc = mst_dn_from(&der, &arena, mst_slice_str(rows[i].text), &e);
		cr_expect_eq(rc, rows[i].hex ? 0 : -1, "\"%s\"", rows[i].text);
		if (rc == 0 && rows[i].hex) {
			mst_hex_put(hex, der);
			hex[2 * der.len] = 0;
			cr_expect_str_eq(hex, rows[i].hex, "\"%s\": %s", rows[i].text, hex);
		}
		mst_arena_done(&arena);
	}
}

Test(dn, alternative_names)
{
	static const char *const upns[] = {"jane@corp", NULL};
	/* otherName 1.3.6.1.4.1.311.20.2.3 with a UTF8String; directoryName, whose tag is explicit */
	static const char want[] = "a019060a2b060104018237140203a00b0c096a616e6540636f7270" "a40e300c310a3008060355040a0c0161";
	struct mst_slice names[2] = {{NULL, 0}};
	struct mst_issue issue = {.common_name = "jane", .upns = upns, .names = names, .not_before = 0, .not_after = 1000};
	struct mst_arena arena;
	struct mst_slice der;
	struct mst_key *key;
	struct mst_cert cert;
	struct mst_err e;
	char hex[256];

	mst_arena_init(&arena, NULL, 0);
	cr_assert_eq(mst_dn_from(&names[0], &arena, MST_S("O=a"), &e), 0);
	issue.more_subject = names[0];
	cr_assert_eq(mst_key_new(&key, MST_KEY_P256, &e), 0);
	cr_assert_eq(mst_key_spki(&issue.spki, &arena, key, &e), 0);
	cr_assert_eq(mst_issue_write(&der, &arena, &issue, mst_slice(NULL, 0), key, NULL, &e), 0, "%s", e.text);
	cr_assert_eq(mst_cert_parse(&cert, der, &e), 0, "%s", e.text);
	mst_hex_put(hex, cert.san);
	hex[2 * cert.san.len] = 0;
	cr_expect(strstr(hex, want), "%s", hex);
	mst_hex_put(hex, cert.subject);
	hex[2 * cert.subject.len] = 0;
	cr_expect_str_eq(hex, "301b310a3008060355040a0c0161310d300b06035504030c046a616e65");
	mst_key_free(&key);
	mst_arena_done(&arena);
}
