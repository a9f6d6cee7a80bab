/* SPDX-License-Identifier: Apache-2.0 */
/* A client's tickets: the newest session it was given, to resume from later. */
#include "tls_own.h"

/* A ticket is the library's session under our name. */
static struct mst_tls_ticket *ticket_of(SSL_SESSION *session)
{
	return (struct mst_tls_ticket *)session;
}

int mst_tls_on_session(SSL *ssl, SSL_SESSION *session)
{
	struct mst_tls *tls = mst_tls_of(ssl);
	SSL_SESSION_free(tls->ticket);
	tls->ticket = session;
	return 1; /* it is ours now */
}

struct mst_tls_ticket *mst_tls_ticket_get1(struct mst_tls *tls)
{
	struct mst_tls_ticket *ticket = ticket_of(tls->ticket);
	tls->ticket = NULL;
	return ticket;
}

void mst_tls_ticket_set(struct mst_tls *tls, struct mst_tls_ticket *ticket)
{
	BUG_ON(!tls->ctx->is_client || tls->state != TLS_SHAKING);
	if (ticket)
		SSL_set_session(tls->ssl, (SSL_SESSION *)ticket);
}

void mst_tls_ticket_free(struct mst_tls_ticket **ticket)
{
	SSL_SESSION_free((SSL_SESSION *)*ticket);
	*ticket = NULL;
}
