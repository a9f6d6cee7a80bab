/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: what sessions of one kind share, and how the library is set up. */
#include "tls_own.h"

#include <stdlib.h>
#include <sys/time.h>

#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/sha.h>

#include "muster/clock.h"
#include "muster/text.h"

#define TICKET_S    3600
#define CIPHERS_MAX 1024
#define PEER_CHAIN_BYTES                                                                           \
	32768 /* six certificates of 4 KiB, and some room: what a peer may make us hold */

/* ECDHE with AEAD, AES first (RFC 9325 4.2). */
static const char ciphers_default[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/* A server follows the client's order, so that the client's first key share is good and no round
 * trip is lost; ours is the order clients of this program ask in. */
static const int groups[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1};

/* What a peer may sign with: no SHA-1. */
static const uint16_t peer_ways[] = {
	SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256,
	SSL_SIGN_RSA_PKCS1_SHA256,       SSL_SIGN_ECDSA_SECP384R1_SHA384,
	SSL_SIGN_RSA_PSS_RSAE_SHA384,    SSL_SIGN_RSA_PKCS1_SHA384,
	SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA512,
	SSL_SIGN_ECDSA_SECP521R1_SHA512,
};

int mst_tls_refuse(struct mst_err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_error());
	mst_fail(e, MST_E_CRYPTO, "%s%s%s", what, why ? ": " : "", why ? why : "");
	ERR_clear_error();
	return -1;
}

static void on_time(const SSL *ssl, struct timeval *out)
{
	int64_t ms = mst_clock_wall_ms();
	*out = (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/* The first of ours that the client offers; none in common: the session goes on without (RFC
 * 7301 3.2 allows an alert). */
static int on_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
		   unsigned in_len, void *context)
{
	const struct mst_tls_ctx *ctx = context;
	uint8_t *chosen;
	int rc = SSL_select_next_proto(&chosen, out_len, ctx->alpn, (unsigned)ctx->alpn_len, in,
				       in_len);
	*out = chosen;
	return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* "h2,http/1.1" to length-prefixed names (RFC 7301 3.1). */
static int set_alpn(struct mst_tls_ctx *ctx, const char *list, struct mst_err *e)
{
	struct mst_slice name, rest = mst_slice_str(list);
	while (rest.len) {
		mst_slice_cut(&name, &rest, rest, ',');
		if (name.len < 1 || name.len + 1 > sizeof(ctx->alpn) - ctx->alpn_len)
			return mst_fail(e, MST_E_CONF,
					"protocols \"%.60s\": a name is empty or too long", list);
		ctx->alpn[ctx->alpn_len++] = (uint8_t)name.len;
		memcpy(ctx->alpn + ctx->alpn_len, name.at, name.len);
		ctx->alpn_len += name.len;
	}
	if (!ctx->is_client)
		SSL_CTX_set_alpn_select_cb(ctx->ssl, on_alpn, ctx);
	else if (SSL_CTX_set_alpn_protos(ctx->ssl, ctx->alpn, (unsigned)ctx->alpn_len) != 0)
		return mst_tls_refuse(e, "protocols");
	return 0;
}

static int set_ca_names(struct mst_tls_ctx *ctx, const struct mst_tls_conf *conf, struct mst_err *e)
{
	STACK_OF(CRYPTO_BUFFER) *names = sk_CRYPTO_BUFFER_new_null();
	for (size_t i = 0; i < conf->num_ca_names && names; i++) {
		CRYPTO_BUFFER *name =
			CRYPTO_BUFFER_new(conf->ca_names[i].at, conf->ca_names[i].len, NULL);
		if (!name || !sk_CRYPTO_BUFFER_push(names, name)) {
			CRYPTO_BUFFER_free(name);
			sk_CRYPTO_BUFFER_pop_free(names, CRYPTO_BUFFER_free);
			names = NULL;
		}
	}
	if (!names)
		return mst_tls_refuse(e, "no memory for the CA names");
	SSL_CTX_set0_client_CAs(ctx->ssl, names);
	return 0;
}

/* A ticket is good where clients are asked the same way and the same CAs are named. */
static int set_ticket_scope(struct mst_tls_ctx *ctx, const struct mst_tls_conf *conf,
			    struct mst_err *e)
{
	uint8_t scope[SHA256_DIGEST_LENGTH];
	uint32_t mode = conf->client;
	SHA256_CTX sha;
	SHA256_Init(&sha);
	SHA256_Update(&sha, &mode, sizeof(mode));
	for (size_t i = 0; i < conf->num_ca_names; i++)
		SHA256_Update(&sha, conf->ca_names[i].at, conf->ca_names[i].len);
	SHA256_Final(scope, &sha);
	return SSL_CTX_set_session_id_context(ctx->ssl, scope, sizeof(scope))
		       ? 0
		       : mst_tls_refuse(e, "tickets");
}

static int set_tickets(struct mst_tls_ctx *ctx, const struct mst_tls_conf *conf, struct mst_err *e)
{
	static const uint8_t zero[sizeof(ctx->ticket_secret)];
	ctx->ticket_s = conf->ticket_s ? conf->ticket_s : TICKET_S;
	ctx->forgot_s = INT64_MIN;
	SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
	if (ctx->is_client) {
		SSL_CTX_set_session_cache_mode(ctx->ssl,
					       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx->ssl, mst_tls_on_session);
		return 0;
	}
	if (memcmp(conf->ticket_secret, zero, sizeof(zero)) == 0) {
		SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_TICKET);
		return 0;
	}
	memcpy(ctx->ticket_secret, conf->ticket_secret, sizeof(ctx->ticket_secret));
	SSL_CTX_set_ticket_aead_method(ctx->ssl, &mst_tls_ticket_method);
	/* Each is a record and a sealing; a device needs one. Ours live between one and two
	 * periods. */
	SSL_CTX_set_num_tickets(ctx->ssl, 1);
	SSL_CTX_set_timeout(ctx->ssl, ctx->ticket_s);
	SSL_CTX_set_session_psk_dhe_timeout(ctx->ssl, ctx->ticket_s);
	return set_ticket_scope(ctx, conf, e);
}

static int set_verify(struct mst_tls_ctx *ctx, const struct mst_tls_conf *conf, struct mst_err *e)
{
	static const int modes[] = {
		[MST_TLS_CLIENT_NONE] = SSL_VERIFY_NONE,
		[MST_TLS_CLIENT_ASK] = SSL_VERIFY_PEER,
		[MST_TLS_CLIENT_DEMAND] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	int mode = conf->is_client ? SSL_VERIFY_PEER : modes[conf->client];
	if (mode != SSL_VERIFY_NONE && !conf->verify.verify)
		return mst_fail(e, MST_E_CONF, "nobody judges the peer's certificate");
	SSL_CTX_set_custom_verify(ctx->ssl, mode, mst_tls_on_verify);
	SSL_CTX_set_retain_only_sha256_of_client_certs(ctx->ssl, !conf->is_client);
	if (mode == SSL_VERIFY_NONE)
		return 0;
	if (mst_tls_known_make(ctx, conf->known_max, e) < 0)
		return -1;
	return conf->is_client ? 0 : set_ca_names(ctx, conf, e);
}

static int set_ciphers(struct mst_tls_ctx *ctx, const struct mst_tls_conf *conf, struct mst_err *e)
{
	char list[CIPHERS_MAX];
	const char *wanted = conf->ciphers_12 ? conf->ciphers_12 : ciphers_default;
	/* Without a key exchange of their own, sessions could be read by whoever gets the key
	 * later. */
	int len = snprintf(list, sizeof(list), "%s:!kRSA:!kPSK", wanted);
	if (len < 0 || (size_t)len >= sizeof(list) ||
	    !SSL_CTX_set_strict_cipher_list(ctx->ssl, list))
		return mst_tls_refuse(e, "ciphers");
	if (!SSL_CTX_set1_curves(ctx->ssl, groups, MST_LEN(groups)) ||
	    !SSL_CTX_set_verify_algorithm_prefs(ctx->ssl, peer_ways, MST_LEN(peer_ways)))
		return mst_tls_refuse(e, "groups");
	uint16_t least = conf->allows_12 ? TLS1_2_VERSION : TLS1_3_VERSION;
	uint16_t most = conf->forbids_13 ? TLS1_2_VERSION : TLS1_3_VERSION;
	if (most < least)
		return mst_fail(e, MST_E_CONF, "no version of TLS is left");
	if (!SSL_CTX_set_min_proto_version(ctx->ssl, least) ||
	    !SSL_CTX_set_max_proto_version(ctx->ssl, most))
		return mst_tls_refuse(e, "versions");
	return 0;
}

static int set_host(struct mst_tls_ctx *ctx, const char *host, struct mst_err *e)
{
	struct mst_slice name = mst_slice_str(host);
	if (name.len >= sizeof(ctx->host))
		return mst_fail(e, MST_E_CONF, "the host's name is too long");
	if (name.len)
		memcpy(ctx->host, name.at, name.len);
	return 0;
}

static int set_up(struct mst_tls_ctx *ctx, const struct mst_tls_conf *conf, struct mst_err *e)
{
	ctx->ssl = SSL_CTX_new(TLS_with_buffers_method());
	if (!ctx->ssl)
		return mst_tls_refuse(e, "no memory for a TLS context");
	SSL_CTX_set_current_time_cb(ctx->ssl, on_time);
	SSL_CTX_set_max_cert_list(ctx->ssl, PEER_CHAIN_BYTES);
	if (set_ciphers(ctx, conf, e) < 0 || set_verify(ctx, conf, e) < 0 ||
	    set_tickets(ctx, conf, e) < 0 || set_host(ctx, conf->host, e) < 0)
		return -1;
	if (conf->alpn && set_alpn(ctx, conf->alpn, e) < 0)
		return -1;
	if (conf->is_client && conf->chain_pem.len == 0)
		return 0;
	return mst_tls_creds_load(ctx, conf->chain_pem, conf->key_pem, e);
}

int mst_tls_ctx_new(struct mst_tls_ctx **out, const struct mst_tls_conf *conf,
		    struct mst_work *work, struct mst_loop *home, struct mst_err *e)
{
	BUG_ON(work && !home);
	struct mst_tls_ctx *ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return mst_fail(e, MST_E_BUSY, "no memory for a TLS context");
	ctx->num_refs = 1;
	ctx->is_client = conf->is_client;
	ctx->client = conf->client;
	ctx->verify = conf->verify;
	ctx->work = work;
	ctx->home = home;
	if (set_up(ctx, conf, e) < 0) {
		mst_tls_ctx_unref(ctx);
		return -1;
	}
	*out = ctx;
	return 0;
}

void mst_tls_ctx_unref(struct mst_tls_ctx *ctx)
{
	if (--ctx->num_refs)
		return;
	SSL_CTX_free(ctx->ssl);
	EVP_PKEY_free(ctx->rsa);
	mst_map_free(&ctx->known);
	mst_tls_ticket_keys_done(ctx);
	free(ctx);
}

void mst_tls_ctx_free(struct mst_tls_ctx **ctx)
{
	if (*ctx)
		mst_tls_ctx_unref(*ctx);
	*ctx = NULL;
}

void mst_tls_ctx_forget(struct mst_tls_ctx *ctx)
{
	if (ctx->known)
		mst_map_clear(ctx->known);
	ctx->forgot_s = mst_clock_wall_ms() / 1000;
}
