/* SPDX-License-Identifier: Apache-2.0 */
/* Signs with our RSA key on a worker; the session waits, and may be freed meanwhile. */
#include "tls_own.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "muster/text.h"

#define MESSAGE_MAX                                                                                \
	512 /* RFC 8446 4.4.3 signs 64 + 33 + 1 + 48 bytes; RFC 8422 5.4 64 + 4 + a public key */
#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */

struct sign_job {
	struct mst_job job;
	struct mst_tls *tls; /* NULL: the session is gone, the job is its own owner */
	EVP_PKEY *key;       /* counted */
	bool is_home, is_signed;
	uint16_t way;
	size_t message_len, signature_len;
	uint8_t message[MESSAGE_MAX], signature[SIGNATURE_MAX];
};

static bool sign(EVP_PKEY *key, uint16_t way, uint8_t *out, size_t *len, const uint8_t *message,
		 size_t message_len)
{
	EVP_MD_CTX ctx;
	EVP_PKEY_CTX *pkey_ctx;
	EVP_MD_CTX_init(&ctx);
	bool is_pss = SSL_is_signature_algorithm_rsa_pss(way);
	bool is_signed =
		EVP_DigestSignInit(&ctx, &pkey_ctx, SSL_get_signature_algorithm_digest(way), NULL,
				   key) &&
		(!is_pss || (EVP_PKEY_CTX_set_rsa_padding(pkey_ctx, RSA_PKCS1_PSS_PADDING) &&
			     EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey_ctx, -1))) &&
		EVP_DigestSign(&ctx, out, len, message, message_len);
	EVP_MD_CTX_cleanup(&ctx);
	ERR_clear_error();
	return is_signed;
}

static void job_free(struct sign_job *job)
{
	EVP_PKEY_free(job->key);
	free(job);
}

static void run(struct mst_job *base)
{
	struct sign_job *job = MST_HOME(base, struct sign_job, job);
	job->signature_len = sizeof(job->signature);
	job->is_signed = sign(job->key, job->way, job->signature, &job->signature_len, job->message,
			      job->message_len);
}

static void on_ran(struct mst_job *base)
{
	struct sign_job *job = MST_HOME(base, struct sign_job, job);
	if (!job->tls) {
		job_free(job);
		return;
	}
	job->is_home = true;
	job->tls->sink.on_ready(job->tls->sink.context);
}

/* Returns whether a worker has it now. */
static bool post(struct mst_tls *tls, uint16_t way, const uint8_t *message, size_t message_len)
{
	struct mst_tls_ctx *ctx = tls->ctx;
	if (!ctx->work || message_len > MESSAGE_MAX)
		return false;
	struct sign_job *job = malloc(sizeof(*job));
	if (!job)
		return false;
	job->job = (struct mst_job){.home = ctx->home, .run = run, .on_ran = on_ran};
	job->tls = tls;
	job->key = ctx->rsa;
	job->is_home = job->is_signed = false;
	job->way = way;
	job->message_len = message_len;
	memcpy(job->message, message, message_len);
	EVP_PKEY_up_ref(job->key);
	if (mst_work_post(ctx->work, MST_LANE_FAST, &job->job, NULL) < 0) {
		job_free(job);
		return false;
	}
	tls->job = job;
	return true;
}

static enum ssl_private_key_result_t on_sign(SSL *ssl, uint8_t *out, size_t *len, size_t room,
					     uint16_t way, const uint8_t *in, size_t in_len)
{
	struct mst_tls *tls = mst_tls_of(ssl);
	if (post(tls, way, in, in_len))
		return ssl_private_key_retry;
	/* No pool, or a full one: then here. Slower for the others of this loop, but it ends. */
	*len = room;
	return sign(tls->ctx->rsa, way, out, len, in, in_len) ? ssl_private_key_success
							      : ssl_private_key_failure;
}

static enum ssl_private_key_result_t on_complete(SSL *ssl, uint8_t *out, size_t *len, size_t room)
{
	struct mst_tls *tls = mst_tls_of(ssl);
	struct sign_job *job = tls->job;
	if (!job->is_home)
		return ssl_private_key_retry;
	bool is_fine = job->is_signed && job->signature_len <= room;
	if (is_fine) {
		memcpy(out, job->signature, job->signature_len);
		*len = job->signature_len;
	}
	tls->job = NULL;
	job_free(job);
	return is_fine ? ssl_private_key_success : ssl_private_key_failure;
}

/* RSA key exchange is never offered (ctx.c takes it out of the cipher list). */
static enum ssl_private_key_result_t on_decrypt(SSL *ssl, uint8_t *out, size_t *len, size_t room,
						const uint8_t *in, size_t in_len)
{
	return ssl_private_key_failure;
}

const SSL_PRIVATE_KEY_METHOD mst_tls_sign_method = {
	.sign = on_sign,
	.decrypt = on_decrypt,
	.complete = on_complete,
};

void mst_tls_sign_orphan(struct mst_tls *tls)
{
	if (!tls->job)
		return;
	if (tls->job->is_home)
		job_free(tls->job);
	else
		tls->job->tls = NULL; /* only this thread reads it: the worker touches the rest */
	tls->job = NULL;
}
