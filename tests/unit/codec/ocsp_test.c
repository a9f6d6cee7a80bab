/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP requests: what is taken and what is refused. What other programs say of answers is tested with the responder. */
#include <criterion/criterion.h>

#include "muster/ocsp.h"
#include "muster/text.h"

#define ID1 "303d300906052b0e03021a05000414" "1111111111111111111111111111111111111111" "0414" "2222222222222222222222222222222222222222" "02040badcafe"
#define ONE "303f" ID1
#define NONCE16 "a21f301d301b06092b0601050507300102040e040c" "0102030405060708090a0b0c"

static const struct {
	const char *name, *hex;
	size_t num_ids, nonce_len; /* 0 ids: refused */
} rows[] = {
	{"plain", "304530433041" ONE, 1, 0},
	{"version 0", "304a3048a0030201003041" ONE, 1, 0},
	{"version 1", "304a3048a0030201013041" ONE, 0, 0},
	{"nonce", "306630643041" ONE NONCE16, 1, 12},
	{"something behind", "304530433041" ONE "00", 0, 0},
	{"no certificate", "300430023000", 0, 0},
	{"empty", "3000", 0, 0},
	{"unknown critical extension", "305630543041" ONE "a20f300d300b0603550401" "0101ff" "04010000", 0, 0},
};

static size_t bytes_of(uint8_t *out, const char *hex)
{
	size_t len = strlen(hex) / 2;

	cr_assert_eq(mst_hex_get(out, len, mst_slice_str(hex), NULL), 0, "%s", hex);
	return len;
}

Test(ocsp, requests)
{
	static uint8_t in[4096];
	struct mst_ocsp_request request;

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		size_t len = bytes_of(in, rows[i].hex);
		int rc = mst_ocsp_read(&request, mst_slice(in, len), NULL);
		cr_expect_eq(rc, rows[i].num_ids ? 0 : -1, "%s", rows[i].name);
		if (rc < 0)
			continue;
		cr_expect_eq(request.num_ids, rows[i].num_ids, "%s", rows[i].name);
		cr_expect_eq(request.nonce.len, rows[i].nonce_len, "%s", rows[i].name);
		cr_expect_eq(request.ids[0].hash, MST_OCSP_SHA1);
		cr_expect(request.ids[0].has_params && request.ids[0].serial.len == 4 && request.ids[0].der.len == 63);
		for (size_t k = 0; k < len; k++)
			cr_expect_eq(mst_ocsp_read(&request, mst_slice(in, k), NULL), -1, "%s: %zu bytes", rows[i].name, k);
	}
}

/* Puts tag and length before the `len` bytes at `at`; returns the new length. */
static size_t wrap(uint8_t *at, size_t len, uint8_t tag)
{
	size_t head = len < 128 ? 2 : len < 256 ? 3 : 4;

	memmove(at + head, at, len);
	at[0] = tag;
	at[1] = head == 2 ? (uint8_t)len : (uint8_t)(0x80 | (head - 2));
	if (head > 2)
		at[head - 1] = (uint8_t)len;
	if (head > 3)
		at[2] = (uint8_t)(len >> 8);
	return len + head;
}

/* A request about `num` certificates with a nonce of `nonce_len` bytes, 0 for none. */
static size_t build(uint8_t *out, size_t num, size_t nonce_len)
{
	static const uint8_t oid[] = {6, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2};
	uint8_t ext[256];
	size_t at = 0, len;

	for (size_t i = 0; i < num; i++)
		at += bytes_of(out + at, ONE);
	at = wrap(out, at, 0x30);
	if (nonce_len) {
		memset(ext + sizeof oid, 7, nonce_len);
		len = wrap(ext + sizeof oid, wrap(ext + sizeof oid, nonce_len, 4), 4);
		memcpy(ext, oid, sizeof oid);
		len = wrap(ext, wrap(ext, wrap(ext, sizeof oid + len, 0x30), 0x30), 0xa2);
		memcpy(out + at, ext, len);
		at += len;
	}
	return wrap(out, wrap(out, at, 0x30), 0x30);
}

Test(ocsp, bounds)
{
	static uint8_t in[20000];
	struct mst_ocsp_request request;

	for (size_t num = 1; num <= MST_OCSP_IDS_MAX + 2; num++) {
		int rc = mst_ocsp_read(&request, mst_slice(in, build(in, num, 0)), NULL);
		cr_expect_eq(rc, num <= MST_OCSP_IDS_MAX ? 0 : -1, "%zu certificates", num);
	}
	for (size_t len = 1; len < 60; len++) {
		int rc = mst_ocsp_read(&request, mst_slice(in, build(in, 4, len)), NULL);
		cr_expect_eq(rc, len <= MST_OCSP_NONCE_MAX ? 0 : -1, "nonce of %zu", len);
	}
	memset(in, 0x30, sizeof in);
	cr_expect_eq(mst_ocsp_read(&request, mst_slice(in, MST_OCSP_REQUEST_MAX + 1), NULL), -1);
	cr_expect_eq(mst_ocsp_read(&request, mst_slice(NULL, 0), NULL), -1);
}

Test(ocsp, refusals)
{
	static const enum mst_ocsp_refusal all[] = {MST_OCSP_MALFORMED, MST_OCSP_INTERNAL, MST_OCSP_TRY_LATER, MST_OCSP_UNAUTHORIZED};

	for (size_t i = 0; i < MST_LEN(all); i++) {
		struct mst_slice s = mst_ocsp_refusal(all[i]);
		cr_expect(s.len == 5 && s.at[0] == 0x30 && s.at[2] == 0x0a && s.at[4] == all[i]);
	}
}
