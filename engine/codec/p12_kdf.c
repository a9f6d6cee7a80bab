/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12's own key derivation (RFC 7292 B.2), and its passwords and names in UTF-16. */
#include "p12_own.h"

#include "muster/text.h"

#define BLOCK_MAX 128 /* SHA-512 */

static size_t put_unit(uint8_t *out, uint32_t unit)
{
	out[0] = (uint8_t)(unit >> 8);
	out[1] = (uint8_t)unit;
	return 2;
}

bool mst_p12_wide(uint8_t *out, size_t *len, struct mst_slice in)
{
	*len = 0;
	for (size_t at = 0, step; at < in.len; at += step) {
		const uint8_t *c = in.at + at;
		step = mst_utf8_step(mst_slice(c, in.len - at));
		if (step == 0 || *c == 0)
			return false;
		static const uint8_t head_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
		uint32_t letter = c[0] & head_mask[step];
		for (size_t i = 1; i < step; i++)
			letter = letter << 6 | (c[i] & 0x3f);
		if (letter >= 0x10000) {
			letter -= 0x10000;
			*len += put_unit(out + *len, 0xd800 | letter >> 10);
			letter = 0xdc00 | (letter & 0x3ff);
		}
		*len += put_unit(out + *len, letter);
	}
	return true;
}

static size_t put_utf8(uint8_t *out, uint32_t letter)
{
	if (letter < 0x80) {
		out[0] = (uint8_t)letter;
		return 1;
	}
	size_t more = letter < 0x800 ? 1 : letter < 0x10000 ? 2 : 3;
	static const uint8_t head[] = {0, 0xc0, 0xe0, 0xf0};
	for (size_t i = more; i > 0; i--, letter >>= 6)
		out[i] = (uint8_t)(0x80 | (letter & 0x3f));
	out[0] = (uint8_t)(head[more] | letter);
	return more + 1;
}

bool mst_p12_narrow(uint8_t *out, size_t *len, struct mst_slice in)
{
	*len = 0;
	if (in.len % 2)
		return false;
	for (size_t at = 0; at < in.len; at += 2) {
		uint32_t letter = (uint32_t)in.at[at] << 8 | in.at[at + 1];
		if (letter >= 0xd800 && letter < 0xe000) {
			if (letter >= 0xdc00 || in.len - at < 4 || (in.at[at + 2] & 0xfc) != 0xdc)
				return false;
			uint32_t low = (uint32_t)(in.at[at + 2] & 3) << 8 | in.at[at + 3];
			letter = 0x10000 + ((letter & 0x3ff) << 10 | low);
			at += 2;
		}
		if (letter == 0)
			return false;
		*len += put_utf8(out + *len, letter);
	}
	return true;
}

int mst_p12_pass_init(struct mst_p12_pass *out, struct mst_slice text, uint64_t rounds,
		      struct mst_err *e)
{
	if (!text.at)
		text = mst_slice("", 0); /* NULL would mean "the last key" to HMAC */
	*out = (struct mst_p12_pass){.text = text, .rounds_left = rounds};
	if (text.len > MST_P12_PASSWORD_MAX || !mst_p12_wide(out->wide, &out->wide_len, text))
		return mst_fail(e, MST_E_SYNTAX, "PKCS#12: the password is too long or no UTF-8");
	out->wide_len += 2;
	return 0;
}

bool mst_p12_pass_spend(struct mst_p12_pass *pass, uint64_t rounds)
{
	if (rounds == 0 || rounds > pass->rounds_left)
		return false;
	pass->rounds_left -= rounds;
	return true;
}

/* Fills whole blocks with repetitions of `s`; returns how many bytes that are. */
static size_t repeat(uint8_t *out, struct mst_slice s, size_t block)
{
	size_t len = (s.len + block - 1) / block * block;
	for (size_t i = 0; i < len; i++)
		out[i] = s.at[i % s.len];
	return len;
}

/* block = block + add + 1 as big-endian numbers, modulo their size. */
static void add_one(uint8_t *block, const uint8_t *add, size_t len)
{
	unsigned carry = 1;
	while (len-- > 0) {
		carry += block[len] + add[len];
		block[len] = (uint8_t)carry;
		carry >>= 8;
	}
}

static bool hash_rounds(uint8_t *out, EVP_MD_CTX *ctx, const EVP_MD *md, struct mst_slice head,
			struct mst_slice rest, uint32_t rounds)
{
	unsigned len;
	bool is_done =
		EVP_DigestInit_ex(ctx, md, NULL) && EVP_DigestUpdate(ctx, head.at, head.len) &&
		EVP_DigestUpdate(ctx, rest.at, rest.len) && EVP_DigestFinal_ex(ctx, out, &len);
	for (uint32_t i = 1; i < rounds && is_done; i++)
		is_done = EVP_DigestInit_ex(ctx, md, NULL) && EVP_DigestUpdate(ctx, out, len) &&
			  EVP_DigestFinal_ex(ctx, out, &len);
	return is_done;
}

bool mst_p12_derive(uint8_t *out, size_t len, enum mst_p12_id id, const EVP_MD *md,
		    struct mst_slice wide, struct mst_slice salt, uint32_t rounds)
{
	uint8_t head[BLOCK_MAX], digest[EVP_MAX_MD_SIZE], wave[BLOCK_MAX];
	uint8_t state[P12_SALT_MAX + P12_WIDE_MAX + 2 * BLOCK_MAX];
	size_t block = EVP_MD_block_size(md), digest_len = EVP_MD_size(md);
	EVP_MD_CTX ctx;
	bool is_done = true;
	if (salt.len > P12_SALT_MAX || wide.len > P12_WIDE_MAX)
		return false;
	size_t state_len = repeat(state, salt, block);
	state_len += repeat(state + state_len, wide, block);
	memset(head, (int)id, block);
	EVP_MD_CTX_init(&ctx);
	for (size_t at = 0; at < len && is_done; at += digest_len) {
		is_done = hash_rounds(digest, &ctx, md, mst_slice(head, block),
				      mst_slice(state, state_len), rounds);
		if (!is_done)
			break;
		memcpy(out + at, digest, len - at < digest_len ? len - at : digest_len);
		for (size_t i = 0; i < block; i++)
			wave[i] = digest[i % digest_len];
		for (size_t i = 0; i < state_len; i += block)
			add_one(state + i, wave, block);
	}
	EVP_MD_CTX_cleanup(&ctx);
	mst_wipe(state, sizeof(state));
	mst_wipe(digest, sizeof(digest));
	mst_wipe(wave, sizeof(wave));
	return is_done;
}
