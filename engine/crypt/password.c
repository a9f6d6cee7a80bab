/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords of people as scrypt hashes (RFC 7914): $scrypt$ln=14,r=8,p=1$SALT$HASH, salt and hash in base64. Cost: 16 MiB and
 * some 40 ms: what a worker can bear, and who steals the store cannot.
 */
#include <openssl/evp.h>
#include <openssl/mem.h>

#include "muster/crypt.h"
#include "muster/text.h"

#define LOG_N    14
#define LOG_N_MAX 20
#define BLOCK    8
#define SALT_LEN 16
#define HASH_LEN 32
#define MEMORY   (2048ull << 20) /* a ceiling for what a hash of ours may ask for */
#define HEAD     "$scrypt$ln="
#define PARTS    "r=8,p=1$"

static int derive(uint8_t out[static HASH_LEN], struct mst_slice password, struct mst_slice salt, uint32_t log_n, struct mst_err *e)
{
	if (EVP_PBE_scrypt((const char *)password.at, password.len, salt.at, salt.len, 1ull << log_n, BLOCK, 1, MEMORY, out, HASH_LEN))
		return 0;
	return mst_fail(e, MST_E_BUSY, "out of memory for a password");
}

int mst_password_hash(struct mst_slice *out, struct mst_arena *arena, struct mst_slice password, struct mst_err *e)
{
	char salt_text[MST_BASE64_LEN(SALT_LEN)], hash_text[MST_BASE64_LEN(HASH_LEN)];
	uint8_t salt[SALT_LEN], hash[HASH_LEN];

	mst_random(salt, sizeof salt);
	if (derive(hash, password, mst_slice(salt, sizeof salt), LOG_N, e) < 0)
		return -1;
	mst_base64_put(salt_text, mst_slice(salt, sizeof salt));
	mst_base64_put(hash_text, mst_slice(hash, sizeof hash));
	mst_wipe(hash, sizeof hash);
	if (!mst_arena_format(arena, out, HEAD "%d," PARTS "%.*s$%.*s", LOG_N, (int)sizeof salt_text, salt_text, (int)sizeof hash_text,
			      hash_text))
		return mst_fail(e, MST_E_BUSY, "out of memory for a password");
	return 0;
}

static bool skip(struct mst_slice *text, struct mst_slice head)
{
	if (!mst_slice_starts(*text, head))
		return false;
	*text = mst_slice(text->at + head.len, text->len - head.len);
	return true;
}

/* 0, -1 when it is no hash of ours. */
static int hash_parse(uint32_t *log_n, uint8_t salt[static SALT_LEN], uint8_t hash[static HASH_LEN], struct mst_slice text,
		      struct mst_err *e)
{
	uint8_t room[MST_BASE64_ROOM(MST_BASE64_LEN(HASH_LEN))];
	struct mst_slice number, rest, salt_text, hash_text;
	uint64_t n;
	size_t len;

	if (!skip(&text, MST_S(HEAD)) || !mst_slice_cut(&number, &rest, text, ',') || mst_slice_u64(&n, number, e) < 0 || n == 0 ||
	    n > LOG_N_MAX || !skip(&rest, MST_S(PARTS)))
		return -1;
	if (!mst_slice_cut(&salt_text, &hash_text, rest, '$') || salt_text.len != MST_BASE64_LEN(SALT_LEN) ||
	    hash_text.len != MST_BASE64_LEN(HASH_LEN) || mst_base64_get(room, &len, salt_text, e) < 0 || len != SALT_LEN)
		return -1;
	memcpy(salt, room, SALT_LEN);
	if (mst_base64_get(room, &len, hash_text, e) < 0 || len != HASH_LEN)
		return -1;
	memcpy(hash, room, HASH_LEN);
	*log_n = (uint32_t)n;
	return 0;
}

bool mst_password_check(struct mst_slice hash, struct mst_slice password)
{
	uint8_t salt[SALT_LEN] = {0}, want[HASH_LEN] = {0}, got[HASH_LEN];
	struct mst_err e;
	uint32_t log_n = LOG_N;
	/* A name that does not exist costs what one that does costs. */
	bool is_hash = hash_parse(&log_n, salt, want, hash, &e) == 0;
	bool is_good = derive(got, password, mst_slice(salt, sizeof salt), log_n, &e) == 0 && CRYPTO_memcmp(got, want, sizeof got) == 0;

	mst_wipe(got, sizeof got);
	mst_wipe(want, sizeof want);
	return is_hash && is_good;
}
