/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tickets (RFC 5077, RFC 8446 4.6.1): sealed with AES-256-GCM under a key derived from the
 * ticket secret and the number of the present period, so every loop has the same keys without a
 * message. The verified identity of the peer is sealed in front of the library's session.
 *
 *     ticket  epoch 8 | nonce 12 | ciphertext | tag 16
 *     sealed  when 8 | has_peer 1 | struct mst_peer, when it has one | session
 */
#include "tls_own.h"

#include <endian.h>

#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/hkdf.h>

#include "muster/clock.h"
#include "muster/text.h"

#define EPOCH_LEN 8
#define NONCE_LEN 12
#define TAG_LEN   16
#define HEAD_LEN  (EPOCH_LEN + NONCE_LEN)
#define FRONT_LEN (8 + 1)

static const char label[] = "muster ticket 1";

/* Authenticated with every ticket: tickets of a build with another struct are not ours. */
static const uint32_t layout = sizeof(struct mst_peer);

static struct ticket_key *key_of(struct mst_tls_ctx *ctx, uint64_t epoch)
{
	struct ticket_key *key = &ctx->ticket_keys[epoch & 1];
	if (key->is_made && key->epoch == epoch)
		return key;
	uint8_t info[sizeof(label) + EPOCH_LEN], bytes[32];
	uint64_t big = htobe64(epoch);
	memcpy(info, label, sizeof(label));
	memcpy(info + sizeof(label), &big, sizeof(big));
	if (key->is_made)
		EVP_AEAD_CTX_cleanup(&key->aead);
	key->is_made = HKDF(bytes, sizeof(bytes), EVP_sha256(), ctx->ticket_secret,
			    sizeof(ctx->ticket_secret), NULL, 0, info, sizeof(info)) &&
		       EVP_AEAD_CTX_init(&key->aead, EVP_aead_aes_256_gcm(), bytes, sizeof(bytes),
					 TAG_LEN, NULL);
	key->epoch = epoch;
	mst_wipe(bytes, sizeof(bytes));
	return key->is_made ? key : NULL;
}

void mst_tls_ticket_keys_done(struct mst_tls_ctx *ctx)
{
	for (size_t i = 0; i < MST_LEN(ctx->ticket_keys); i++)
		if (ctx->ticket_keys[i].is_made)
			EVP_AEAD_CTX_cleanup(&ctx->ticket_keys[i].aead);
	mst_wipe(ctx->ticket_keys, sizeof(ctx->ticket_keys));
	mst_wipe(ctx->ticket_secret, sizeof(ctx->ticket_secret));
}

static size_t on_max_overhead(SSL *ssl)
{
	return HEAD_LEN + FRONT_LEN + sizeof(struct mst_peer) + TAG_LEN;
}

static int on_seal(SSL *ssl, uint8_t *out, size_t *len, size_t room, const uint8_t *in,
		   size_t in_len)
{
	const struct mst_tls *tls = mst_tls_of(ssl);
	int64_t now_s = mst_clock_wall_ms() / 1000;
	uint64_t epoch = (uint64_t)now_s / tls->ctx->ticket_s, big = htobe64(epoch);
	const struct ticket_key *key = key_of(tls->ctx, epoch);
	uint8_t has_peer = mst_tls_has_peer(tls);
	size_t front_len = FRONT_LEN + (has_peer ? sizeof(tls->peer) : 0);
	if (!key || in_len > room || room - in_len < HEAD_LEN + front_len + TAG_LEN)
		return 0;
	memcpy(out, &big, EPOCH_LEN);
	mst_random(out + EPOCH_LEN, NONCE_LEN);
	uint8_t *plain = out + HEAD_LEN;
	memmove(plain + front_len, in, in_len);
	memcpy(plain, &now_s, 8);
	plain[8] = has_peer;
	if (has_peer)
		memcpy(plain + FRONT_LEN, &tls->peer, sizeof(tls->peer));
	size_t sealed_len;
	if (!EVP_AEAD_CTX_seal(&key->aead, plain, &sealed_len, room - HEAD_LEN, out + EPOCH_LEN,
			       NONCE_LEN, plain, front_len + in_len, (const uint8_t *)&layout,
			       sizeof(layout)))
		return 0;
	*len = HEAD_LEN + sealed_len;
	return 1;
}

/* Takes the front off an opened ticket. False: not to be resumed. */
static bool take_front(struct mst_tls *tls, const uint8_t *plain, size_t len, size_t *front_len,
		       int64_t now_s)
{
	struct mst_tls_ctx *ctx = tls->ctx;
	int64_t sealed_s;
	if (len < FRONT_LEN)
		return false;
	memcpy(&sealed_s, plain, 8);
	bool has_peer = plain[8] != 0;
	*front_len = FRONT_LEN + (has_peer ? sizeof(tls->peer) : 0);
	if (len < *front_len || sealed_s <= ctx->forgot_s)
		return false;
	if (!has_peer)
		return ctx->client != MST_TLS_CLIENT_DEMAND;
	memcpy(&tls->peer, plain + FRONT_LEN, sizeof(tls->peer));
	tls->peer.name[MST_NAME_MAX] = '\0';
	struct mst_err reason; /* of no use: the full handshake that follows gives it again */
	if (mst_tls_is_current(ctx, &tls->peer, now_s, &reason) < 0)
		return false;
	tls->peer_source = PEER_TICKET;
	return true;
}

static enum ssl_ticket_aead_result_t on_open(SSL *ssl, uint8_t *out, size_t *len, size_t room,
					     const uint8_t *in, size_t in_len)
{
	struct mst_tls *tls = mst_tls_of(ssl);
	int64_t now_s = mst_clock_wall_ms() / 1000;
	uint64_t epoch, now = (uint64_t)now_s / tls->ctx->ticket_s;
	size_t plain_len, front_len;
	tls->peer_source = PEER_NONE;
	if (in_len < HEAD_LEN + FRONT_LEN + TAG_LEN)
		return ssl_ticket_aead_ignore_ticket;
	memcpy(&epoch, in, EPOCH_LEN);
	epoch = be64toh(epoch);
	/* Only the period before is remembered; a number far off costs no derivation. */
	if (epoch != now && epoch + 1 != now)
		return ssl_ticket_aead_ignore_ticket;
	const struct ticket_key *key = key_of(tls->ctx, epoch);
	if (!key)
		return ssl_ticket_aead_error;
	if (!EVP_AEAD_CTX_open(&key->aead, out, &plain_len, room, in + EPOCH_LEN, NONCE_LEN,
			       in + HEAD_LEN, in_len - HEAD_LEN, (const uint8_t *)&layout,
			       sizeof(layout))) {
		ERR_clear_error();
		return ssl_ticket_aead_ignore_ticket;
	}
	if (!take_front(tls, out, plain_len, &front_len, now_s))
		return ssl_ticket_aead_ignore_ticket;
	*len = plain_len - front_len;
	memmove(out, out + front_len, *len);
	return ssl_ticket_aead_success;
}

const SSL_TICKET_AEAD_METHOD mst_tls_ticket_method = {
	.max_overhead = on_max_overhead,
	.seal = on_seal,
	.open = on_open,
};
