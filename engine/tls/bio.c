/* SPDX-License-Identifier: Apache-2.0 */
/* The BIO between the library and a session: reads what was fed, writes into the sink. */
#include "tls_own.h"

#include <limits.h>

#include <openssl/bio.h>

static int bio_read(BIO *bio, char *out, int room)
{
	struct mst_tls *tls = BIO_get_data(bio);
	struct mst_slice held = mst_buf_slice(&tls->held), from = held.len ? held : tls->fed;
	BIO_clear_retry_flags(bio);
	if (room <= 0)
		return 0;
	if (from.len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	size_t len = from.len < (size_t)room ? from.len : (size_t)room;
	memcpy(out, from.at, len);
	if (held.len) {
		mst_buf_drop(&tls->held, len);
		if (tls->held.to == 0)
			mst_buf_done(&tls->held);
	} else {
		tls->fed = mst_slice(tls->fed.at + len, tls->fed.len - len);
	}
	return (int)len;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
	struct mst_tls *tls = BIO_get_data(bio);
	struct mst_err e = {MST_E_NONE};
	BIO_clear_retry_flags(bio);
	if (len <= 0)
		return 0;
	if (tls->sink.put(tls->sink.context, mst_slice(bytes, (size_t)len), &e) == 0)
		return len;
	/* An alert that cannot be put must not hide why there is one. */
	if (tls->ctx->why.code == MST_E_NONE)
		tls->ctx->why = e;
	return -1;
}

static long bio_ctrl(BIO *bio, int cmd, long number, void *pointer)
{
	return cmd == BIO_CTRL_FLUSH;
}

static const BIO_METHOD method = {
	.type = BIO_TYPE_SOURCE_SINK,
	.name = "muster",
	.bwrite = bio_write,
	.bread = bio_read,
	.ctrl = bio_ctrl,
};

BIO *mst_tls_bio_new(struct mst_tls *tls)
{
	BIO *bio = BIO_new(&method);
	if (!bio)
		return NULL;
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	return bio;
}
