/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on a peer's certificate: asked once, remembered by SHA-256; time and revocation are
 * looked at every time. */
#include "tls_own.h"

#include <openssl/pool.h>
#include <openssl/sha.h>

#include "muster/clock.h"
#include "muster/count.h"

/* A verdict is asked anew once a day: meanwhile a CA between the leaf and the root may have
 * expired. */
#define KNOWN_S 86400

struct known {
	struct mst_peer peer;
	int64_t until_s;
};

/* clang-format off */
static const struct {
	enum mst_code code;
	uint8_t alert; /* RFC 8446 6.2 */
} alert_rows[] = {
	{MST_E_ABSENT, SSL_AD_UNKNOWN_CA},
	{MST_E_GONE,   SSL_AD_CERTIFICATE_EXPIRED},
	{MST_E_DENIED, SSL_AD_CERTIFICATE_REVOKED},
	{MST_E_TYPE,   SSL_AD_UNSUPPORTED_CERTIFICATE},
	{MST_E_BUSY,   SSL_AD_INTERNAL_ERROR},
	{MST_E_BUG,    SSL_AD_INTERNAL_ERROR},
};
/* clang-format on */

static uint8_t alert_of(enum mst_code code)
{
	for (size_t i = 0; i < MST_LEN(alert_rows); i++)
		if (alert_rows[i].code == code)
			return alert_rows[i].alert;
	return SSL_AD_BAD_CERTIFICATE;
}

int mst_tls_known_make(struct mst_tls_ctx *ctx, uint32_t num_max, struct mst_err *e)
{
	if (num_max == 0)
		return 0;
	ctx->known = mst_map_new(SHA256_DIGEST_LENGTH, sizeof(struct known), num_max, true);
	return ctx->known ? 0 : mst_fail(e, MST_E_BUSY, "no memory for the known certificates");
}

int mst_tls_is_current(const struct mst_tls_ctx *ctx, const struct mst_peer *peer, int64_t now_s,
		       struct mst_err *e)
{
	if (now_s < peer->not_before)
		return mst_fail(e, MST_E_GONE, "the certificate is not valid yet");
	if (now_s > peer->not_after)
		return mst_fail(e, MST_E_GONE, "the certificate has expired");
	return ctx->verify.recheck ? ctx->verify.recheck(ctx->verify.context, peer, e) : 0;
}

static int ask(struct mst_tls_ctx *ctx, struct mst_peer *out, const STACK_OF(CRYPTO_BUFFER) * certs,
	       int64_t now_s, struct mst_err *e)
{
	struct mst_slice chain[MST_TLS_CHAIN_MAX];
	size_t num = sk_CRYPTO_BUFFER_num(certs);
	if (num > MST_TLS_CHAIN_MAX)
		return mst_fail(e, MST_E_CRYPTO, "the peer shows %zu certificates", num);
	for (size_t i = 0; i < num; i++) {
		const CRYPTO_BUFFER *buffer = sk_CRYPTO_BUFFER_value(certs, i);
		chain[i] = mst_slice(CRYPTO_BUFFER_data(buffer), CRYPTO_BUFFER_len(buffer));
	}
	return ctx->verify.verify(ctx->verify.context, out, chain, num, now_s, e);
}

static int judge(struct mst_tls *tls, const uint8_t *sha256, const STACK_OF(CRYPTO_BUFFER) * certs,
		 struct mst_err *e)
{
	struct mst_tls_ctx *ctx = tls->ctx;
	int64_t now_s = mst_clock_wall_ms() / 1000;
	struct known *known = ctx->known ? mst_map_get0(ctx->known, sha256) : NULL;
	if (known && now_s < known->until_s) {
		mst_count(MST_C_TLS_CACHE_HIT, 1);
		tls->peer = known->peer;
	} else {
		mst_count(MST_C_TLS_CACHE_MISS, 1);
		if (ask(ctx, &tls->peer, certs, now_s, e) < 0)
			return -1;
		known = ctx->known ? mst_map_set(ctx->known, sha256) : NULL;
		if (known)
			*known = (struct known){tls->peer, now_s + KNOWN_S};
	}
	tls->peer_source = PEER_CHAIN;
	return mst_tls_is_current(ctx, &tls->peer, now_s, e);
}

enum ssl_verify_result_t mst_tls_on_verify(SSL *ssl, uint8_t *alert)
{
	struct mst_tls *tls = mst_tls_of(ssl);
	const STACK_OF(CRYPTO_BUFFER) *certs = SSL_get0_peer_certificates(ssl);
	const SSL_SESSION *session = SSL_get_session(ssl);
	uint8_t hash[SHA256_DIGEST_LENGTH];
	const uint8_t *sha256 = NULL;
	size_t len;
	struct mst_err e = {MST_E_NONE};
	tls->peer_source = PEER_NONE;
	if (!certs || sk_CRYPTO_BUFFER_num(certs) == 0)
		return ssl_verify_invalid;
	/* A server's library has hashed the leaf already. */
	SSL_SESSION_get0_peer_sha256(session, &sha256, &len);
	if (!sha256) {
		const CRYPTO_BUFFER *leaf = sk_CRYPTO_BUFFER_value(certs, 0);
		sha256 = SHA256(CRYPTO_BUFFER_data(leaf), CRYPTO_BUFFER_len(leaf), hash);
	}
	if (judge(tls, sha256, certs, &e) == 0)
		return ssl_verify_ok;
	tls->peer_source = PEER_NONE;
	*alert = alert_of(e.code);
	/* Outside the handshake the codes mean other things: a refused certificate is one word
	 * there. */
	e.code = MST_E_CRYPTO;
	tls->ctx->why = e;
	return ssl_verify_invalid;
}
