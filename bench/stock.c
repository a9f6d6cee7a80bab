/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes and primitives of the TLS library by itself, both ends in this process, only the server's side timed. */
#include "stock.h"

#include <openssl/curve25519.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MAX 8 /* flights of a handshake, with room */

struct mst_stock {
	SSL_CTX *ctx[2]; /* server, client */
	SSL_SESSION *session;
};

struct pair {
	SSL *server, *client;
	uint64_t server_ns;
};

uint64_t mst_stock_cpu_ns(void)
{
	struct timespec at;

	BUG_ON(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at) != 0);
	return (uint64_t)at.tv_sec * 1000000000ull + (uint64_t)at.tv_nsec;
}

static BIO *memory(struct mst_slice text)
{
	return BIO_new_mem_buf(text.at, (int)text.len);
}

static bool use_pair(SSL_CTX *ctx, struct mst_slice chain, struct mst_slice key)
{
	BIO *chain_bio = memory(chain), *key_bio = memory(key);
	X509 *cert = PEM_read_bio_X509(chain_bio, NULL, NULL, NULL);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
	bool is_fine = cert && pkey && SSL_CTX_use_certificate(ctx, cert) && SSL_CTX_use_PrivateKey(ctx, pkey);

	X509_free(cert);
	EVP_PKEY_free(pkey);
	BIO_free(chain_bio);
	BIO_free(key_bio);
	return is_fine;
}

static bool use_ca(SSL_CTX *ctx, struct mst_slice pem)
{
	BIO *bio = memory(pem);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool is_fine = cert && X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert);

	X509_free(cert);
	BIO_free(bio);
	return is_fine;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct mst_stock *stock = SSL_get_app_data(ssl);

	SSL_SESSION_free(stock->session);
	stock->session = session;
	return 1; /* ours now */
}

static bool tune(struct mst_stock *stock)
{
	static const uint8_t name[] = "limit";
	SSL_CTX *server = stock->ctx[0], *client = stock->ctx[1];

	for (int i = 0; i < 2; i++)
		if (!SSL_CTX_set_min_proto_version(stock->ctx[i], TLS1_3_VERSION))
			return false;
	SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client, on_session);
	return SSL_CTX_set_session_id_context(server, name, sizeof(name) - 1);
}

int mst_stock_new(struct mst_stock **out, struct mst_slice ca_pem, const struct mst_slice chain[2], const struct mst_slice key[2],
		  struct mst_err *e)
{
	struct mst_stock *stock = calloc(1, sizeof(*stock));
	bool is_fine = stock != NULL;

	for (int i = 0; is_fine && i < 2; i++) {
		stock->ctx[i] = SSL_CTX_new(TLS_method());
		is_fine = stock->ctx[i] && use_pair(stock->ctx[i], chain[i], key[i]) && use_ca(stock->ctx[i], ca_pem);
	}
	if (!is_fine || !tune(stock)) {
		mst_stock_free(&stock);
		return mst_fail(e, MST_E_CRYPTO, "the library's own contexts cannot be made");
	}
	*out = stock;
	return 0;
}

void mst_stock_free(struct mst_stock **stock)
{
	if (!*stock)
		return;
	SSL_CTX_free((*stock)->ctx[0]);
	SSL_CTX_free((*stock)->ctx[1]);
	SSL_SESSION_free((*stock)->session);
	free(*stock);
	*stock = NULL;
}

static bool open_pair(struct pair *p, struct mst_stock *stock, bool is_resuming)
{
	BIO *ours, *theirs;
	uint64_t began;

	if (!BIO_new_bio_pair(&ours, 0, &theirs, 0))
		return false;
	p->client = SSL_new(stock->ctx[1]);
	began = mst_stock_cpu_ns();
	p->server = SSL_new(stock->ctx[0]);
	p->server_ns = mst_stock_cpu_ns() - began;
	if (!p->client || !p->server) {
		BIO_free(ours);
		BIO_free(theirs);
		return false;
	}
	SSL_set_bio(p->server, ours, ours);
	SSL_set_bio(p->client, theirs, theirs);
	SSL_set_app_data(p->client, stock);
	SSL_set_accept_state(p->server);
	SSL_set_connect_state(p->client);
	return !is_resuming || (stock->session && SSL_set_session(p->client, stock->session));
}

static bool shake(struct pair *p)
{
	for (int i = 0; i < ROUNDS_MAX; i++) {
		int client = SSL_do_handshake(p->client), server;
		uint64_t began = mst_stock_cpu_ns();
		server = SSL_do_handshake(p->server);
		p->server_ns += mst_stock_cpu_ns() - began;
		if (client == 1 && server == 1)
			return true;
	}
	return false;
}

/* The ticket leaves with the first answer, and is kept by the client's read; not timed. */
static bool greet(struct pair *p)
{
	char byte = 0;

	return SSL_write(p->server, "x", 1) == 1 && SSL_read(p->client, &byte, 1) == 1;
}

static void close_pair(struct pair *p)
{
	uint64_t began = mst_stock_cpu_ns();

	SSL_free(p->server);
	p->server_ns += mst_stock_cpu_ns() - began;
	SSL_free(p->client);
}

static int time_handshakes(uint64_t *out_ns, struct mst_stock *stock, bool is_resuming, uint32_t count, struct mst_err *e)
{
	uint64_t sum = 0;

	/* The first round warms up, and brings the first ticket. */
	for (uint32_t i = 0; i <= count; i++) {
		struct pair p = {.server = NULL};
		bool is_fine = open_pair(&p, stock, is_resuming && i > 0) && shake(&p) && greet(&p) &&
			       SSL_session_reused(p.server) == (is_resuming && i > 0);
		close_pair(&p);
		if (!is_fine)
			return mst_fail(e, MST_E_CRYPTO, "the library's own handshake failed");
		sum += i ? p.server_ns : 0;
	}
	*out_ns = sum / count;
	return 0;
}

int mst_stock_full(uint64_t *out_ns, struct mst_stock *stock, uint32_t count, struct mst_err *e)
{
	return time_handshakes(out_ns, stock, false, count, e);
}

int mst_stock_resumed(uint64_t *out_ns, struct mst_stock *stock, uint32_t count, struct mst_err *e)
{
	return time_handshakes(out_ns, stock, true, count, e);
}

static bool time_agreement(uint64_t *out_ns, uint32_t count)
{
	uint8_t theirs[32], ours[32], private_key[32], secret[32];
	uint64_t began;
	bool is_fine = true;

	X25519_keypair(theirs, private_key);
	began = mst_stock_cpu_ns();
	for (uint32_t i = 0; i < count; i++) {
		X25519_keypair(ours, private_key);
		is_fine &= X25519(secret, private_key, theirs) == 1;
	}
	*out_ns = (mst_stock_cpu_ns() - began) / count;
	return is_fine;
}

static bool time_ecdsa(struct mst_stock_primitives *out, uint32_t count)
{
	EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	uint8_t digest[32] = {1}, signature[80];
	unsigned len = 0;
	bool is_fine = key && EC_KEY_generate_key(key);
	uint64_t began = mst_stock_cpu_ns();

	for (uint32_t i = 0; is_fine && i < count; i++)
		is_fine = ECDSA_sign(0, digest, sizeof(digest), signature, &len, key) == 1;
	out->sign_ns = (mst_stock_cpu_ns() - began) / count;
	began = mst_stock_cpu_ns();
	for (uint32_t i = 0; is_fine && i < count; i++)
		is_fine = ECDSA_verify(0, digest, sizeof(digest), signature, len, key) == 1;
	out->verify_ns = (mst_stock_cpu_ns() - began) / count;
	EC_KEY_free(key);
	return is_fine;
}

static bool time_rsa(uint64_t *out_ns, uint32_t count)
{
	RSA *key = RSA_new();
	BIGNUM *e = BN_new();
	uint8_t digest[32] = {1}, signature[256];
	unsigned len = 0;
	bool is_fine = key && e && BN_set_word(e, RSA_F4) && RSA_generate_key_ex(key, 2048, e, NULL) &&
		       RSA_sign(NID_sha256, digest, sizeof(digest), signature, &len, key) == 1;
	uint64_t began = mst_stock_cpu_ns();

	for (uint32_t i = 0; is_fine && i < count; i++)
		is_fine = RSA_verify(NID_sha256, digest, sizeof(digest), signature, len, key) == 1;
	*out_ns = (mst_stock_cpu_ns() - began) / count;
	RSA_free(key);
	BN_free(e);
	return is_fine;
}

int mst_stock_primitives(struct mst_stock_primitives *out, uint32_t count, struct mst_err *e)
{
	if (time_agreement(&out->agree_ns, count) && time_ecdsa(out, count) && time_rsa(&out->rsa_verify_ns, count))
		return 0;
	return mst_fail(e, MST_E_CRYPTO, "a primitive failed");
}
