/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new key in both its written forms at once. For P-256 the public point is brought into its written form only once, which
 * costs as much as making it: the library's writers would do it each time.
 */
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/nid.h>

#include "key_own.h"
#include "muster/text.h"

#define SCALAR_LEN 32
#define POINT_LEN  65

/* id-ecPublicKey, prime256v1 (RFC 5480 2.1.1) */
#define ALGORITHM                                                                                  \
	"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"

/* What stands before the point, and before the scalar; between scalar and point: parameters left out, publicKey [1]. */
static const char spki_head[] = "\x30\x59" ALGORITHM "\x03\x42\x00";
static const char key_head[] =
	"\x30\x81\x87\x02\x01\x00" ALGORITHM "\x04\x6d\x30\x6b\x02\x01\x01\x04\x20";
static const char key_middle[] = "\xa1\x44\x03\x42\x00";

#define LEN(text) (sizeof(text) - 1)

static uint8_t *add(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static bool make_p256(uint8_t scalar[static SCALAR_LEN], uint8_t point[static POINT_LEN])
{
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	bool is_made =
		ec && EC_KEY_generate_key(ec) &&
		BN_bn2bin_padded(scalar, SCALAR_LEN, EC_KEY_get0_private_key(ec)) &&
		EC_POINT_point2oct(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
				   POINT_CONVERSION_UNCOMPRESSED, point, POINT_LEN, NULL) == POINT_LEN;
	EC_KEY_free(ec);
	return is_made;
}

static int pair_p256(struct mst_slice *der, struct mst_slice *spki, struct mst_arena *arena,
		     struct mst_err *e)
{
	const size_t key_len = LEN(key_head) + SCALAR_LEN + LEN(key_middle) + POINT_LEN;
	const size_t spki_len = LEN(spki_head) + POINT_LEN;
	uint8_t scalar[SCALAR_LEN], point[POINT_LEN], *key, *at;
	key = mst_arena_get(arena, key_len);
	at = mst_arena_get(arena, spki_len);
	if (!key || !at || !make_p256(scalar, point)) {
		ERR_clear_error();
		return mst_fail(e, MST_E_BUSY, "no memory for a key");
	}
	*spki = mst_slice(at, spki_len);
	*der = mst_slice(key, key_len);
	at = add(at, spki_head, LEN(spki_head));
	add(at, point, POINT_LEN);
	key = add(key, key_head, LEN(key_head));
	key = add(key, scalar, SCALAR_LEN);
	key = add(key, key_middle, LEN(key_middle));
	add(key, point, POINT_LEN);
	mst_wipe(scalar, sizeof(scalar));
	return 0;
}

int mst_key_pair(struct mst_slice *der, struct mst_slice *spki, struct mst_arena *arena,
		 enum mst_key_kind kind, struct mst_err *e)
{
	struct mst_key *key = NULL;
	if (kind == MST_KEY_P256)
		return pair_p256(der, spki, arena, e);
	int rc = mst_key_new(&key, kind, e);
	if (rc == 0)
		rc = mst_key_spki(spki, arena, key, e);
	if (rc == 0)
		rc = mst_key_der(der, arena, key, e);
	mst_key_free(&key);
	return rc;
}
