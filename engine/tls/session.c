/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: drives the library between fed ciphertext, read plaintext and the sink. */
#include "tls_own.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "muster/count.h"

#define HELD_MAX                                                                                   \
	65536 /* what a peer may send ahead while a worker signs; a receive buffer has 4 KiB */

int mst_tls_new(struct mst_tls **out, struct mst_tls_ctx *ctx, const struct mst_tls_sink *sink,
		struct mst_err *e)
{
	struct mst_tls *tls = calloc(1, sizeof(*tls));
	if (!tls)
		return mst_fail(e, MST_E_BUSY, "no memory for a TLS session");
	tls->ctx = ctx;
	tls->sink = *sink;
	tls->held.limit = HELD_MAX;
	ctx->num_refs++;
	tls->ssl = SSL_new(ctx->ssl);
	BIO *bio = tls->ssl ? mst_tls_bio_new(tls) : NULL;
	if (!bio || !SSL_set_app_data(tls->ssl, tls))
		goto fail;
	SSL_set_bio(tls->ssl, bio, bio);
	bio = NULL;
	/* What only a handshake needs is given back after it. */
	SSL_set_shed_handshake_config(tls->ssl, 1);
	if (!ctx->is_client) {
		SSL_set_accept_state(tls->ssl);
	} else {
		SSL_set_connect_state(tls->ssl);
		if (ctx->host[0] && !SSL_set_tlsext_host_name(tls->ssl, ctx->host))
			goto fail;
	}
	*out = tls;
	return 0;
fail:
	BIO_free(bio);
	mst_tls_refuse(e, "no memory for a TLS session");
	mst_tls_free(&tls);
	return -1;
}

void mst_tls_free(struct mst_tls **tls)
{
	struct mst_tls *gone = *tls;
	if (!gone)
		return;
	*tls = NULL;
	mst_tls_sign_orphan(gone);
	SSL_free(gone->ssl);
	SSL_SESSION_free(gone->ticket);
	mst_buf_done(&gone->held);
	mst_tls_ctx_unref(gone->ctx);
	free(gone);
}

/* What is lent ends with the call: the rest is copied. */
static int keep_rest(struct mst_tls *tls, struct mst_err *e)
{
	struct mst_slice rest = tls->fed;
	tls->fed = mst_slice(NULL, 0);
	return mst_buf_add(&tls->held, rest, e);
}

int mst_tls_feed(struct mst_tls *tls, struct mst_slice cipher, struct mst_err *e)
{
	if (tls->state == TLS_BROKEN)
		return mst_fail(e, MST_E_CRYPTO, "the TLS session is broken");
	if (tls->state == TLS_ENDED)
		return 0; /* nothing may follow close_notify (RFC 8446 6.1) */
	if (keep_rest(tls, e) < 0)
		return -1;
	if (mst_buf_slice(&tls->held).len == 0 && !tls->job) {
		tls->fed = cipher;
		return 0;
	}
	return mst_buf_add(&tls->held, cipher, e);
}

/* The library's reasons from here on are the peer's alerts. */
static void read_alert(struct mst_tls *tls)
{
	uint32_t packed = ERR_peek_error();
	int reason = ERR_GET_REASON(packed);
	if (packed && ERR_GET_LIB(packed) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
	    reason <= SSL_AD_REASON_OFFSET + UINT8_MAX)
		tls->alert = (uint8_t)(reason - SSL_AD_REASON_OFFSET);
}

/* The end of a session that went wrong: the first reason known, the library's or a hook's. */
static int fail(struct mst_tls *tls, struct mst_err *e)
{
	read_alert(tls);
	if (tls->state == TLS_SHAKING)
		mst_count(MST_C_TLS_FAILED, 1);
	tls->state = TLS_BROKEN;
	tls->peer_source = PEER_NONE;
	tls->fed = mst_slice(NULL, 0);
	mst_buf_done(&tls->held);
	if (tls->ctx->why.code == MST_E_NONE)
		return mst_tls_refuse(e, "TLS");
	ERR_clear_error();
	if (e)
		*e = tls->ctx->why;
	return -1;
}

static void open_up(struct mst_tls *tls)
{
	tls->state = TLS_OPEN;
	mst_count(SSL_session_reused(tls->ssl) ? MST_C_TLS_RESUMED : MST_C_TLS_FULL, 1);
}

/* Returns 1 when the handshake is done, 0 when it waits, -1. */
static int shake(struct mst_tls *tls, struct mst_err *e)
{
	int rc = SSL_do_handshake(tls->ssl);
	if (rc == 1) {
		open_up(tls);
		return 1;
	}
	switch (SSL_get_error(tls->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_PRIVATE_KEY_OPERATION:
		return keep_rest(tls, e) < 0 ? fail(tls, e) : 0;
	default: /* the library's numbers, not an enum of ours */
		return fail(tls, e);
	}
}

int mst_tls_read(struct mst_tls *tls, uint8_t *out, size_t room, struct mst_err *e)
{
	tls->ctx->why.code = MST_E_NONE;
	if (tls->state == TLS_BROKEN)
		return mst_fail(e, MST_E_CRYPTO, "the TLS session is broken");
	if (tls->state == TLS_SHAKING) {
		int rc = shake(tls, e);
		if (rc <= 0)
			return rc;
	}
	if (tls->state == TLS_ENDED || room == 0)
		return 0;
	int len = SSL_read(tls->ssl, out, room < INT_MAX ? (int)room : INT_MAX);
	if (len > 0)
		return len;
	switch (SSL_get_error(tls->ssl, len)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		tls->state = TLS_ENDED;
		tls->fed = mst_slice(NULL, 0);
		return 0;
	default:
		return fail(tls, e);
	}
}

int mst_tls_write(struct mst_tls *tls, struct mst_slice plain, struct mst_err *e)
{
	tls->ctx->why.code = MST_E_NONE;
	if (tls->state != TLS_OPEN && tls->state != TLS_ENDED)
		return mst_fail(e, MST_E_CRYPTO, "the TLS session is not open");
	while (plain.len) {
		int len = SSL_write(tls->ssl, plain.at,
				    plain.len < INT_MAX ? (int)plain.len : INT_MAX);
		if (len <= 0)
			return fail(tls, e);
		plain = mst_slice(plain.at + len, plain.len - (size_t)len);
	}
	return 0;
}

void mst_tls_shut(struct mst_tls *tls)
{
	if (tls->state != TLS_OPEN && tls->state != TLS_ENDED)
		return;
	SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

bool mst_tls_is_open(const struct mst_tls *tls)
{
	return tls->state == TLS_OPEN || tls->state == TLS_ENDED;
}

bool mst_tls_is_ended(const struct mst_tls *tls)
{
	return tls->state == TLS_ENDED;
}

uint8_t mst_tls_alert(const struct mst_tls *tls)
{
	return tls->alert;
}

bool mst_tls_is_resumed(const struct mst_tls *tls)
{
	return mst_tls_is_open(tls) && SSL_session_reused(tls->ssl);
}

const struct mst_peer *mst_tls_peer0(const struct mst_tls *tls)
{
	return mst_tls_is_open(tls) && mst_tls_has_peer(tls) ? &tls->peer : NULL;
}

struct mst_slice mst_tls_alpn0(const struct mst_tls *tls)
{
	const uint8_t *name;
	unsigned len;
	SSL_get0_alpn_selected(tls->ssl, &name, &len);
	return mst_slice(name, len);
}
