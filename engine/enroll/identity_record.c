/* SPDX-License-Identifier: Apache-2.0 */
/* The records that our own authorities keep of identities: so that lists, CRL and OCSP know them. On a worker. */
#include <stdlib.h>

#include "identity_own.h"
#include "muster/clock.h"
#include "muster/text.h"

enum { REASON_SUPERSEDED = 4 }; /* RFC 5280 5.3.1 */

struct look {
	struct mst_read r;
	const uint8_t *authority, *serial;
	struct mst_issued issued;
	int found;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	int rc = mst_issued_get(r, &look->issued, look->authority, look->serial, NULL);

	if (rc < 0 || rc == MST_LATER)
		return rc;
	look->found = rc;
	return 0;
}

static int find(struct look *look, struct mst_app *app, struct mst_arena *arena, struct mst_err *e)
{
	look->r = (struct mst_read){.arena = arena, .plan = plan};
	if (mst_store_read_here(app->store, &look->r) == 0)
		return 0;
	*e = look->r.err;
	return -1;
}

bool mst_record_is_ours(const uint8_t authority[static 16])
{
	static const uint8_t none[16];

	return memcmp(authority, none, sizeof none) != 0;
}

int mst_record_cert(struct mst_app *app, struct mst_arena *arena, const struct mst_held *held, struct mst_slice name,
		    struct mst_slice device, struct mst_err *e)
{
	struct look look = {.authority = held->authority, .serial = held->serial};
	struct mst_issued issued = {.cert = held->cert, .name = name, .device = device, .source = MST_S("enroll"),
				    .not_after = held->not_after, .issued_ms = held->made_ms};
	struct mst_batch b;

	if (find(&look, app, arena, e) < 0)
		return -1;
	if (look.found)
		return 0;
	memcpy(issued.authority, held->authority, sizeof issued.authority);
	memcpy(issued.serial, held->serial, sizeof issued.serial);
	mst_batch_init(&b, arena, NULL, NULL);
	if (mst_issued_put(&b, &issued, NULL, e) < 0)
		return -1;
	if (mst_store_commit_here(app->store, &b) == 0 || b.err.code == MST_E_CONFLICT) /* somebody else put the same */
		return 0;
	*e = b.err;
	return -1;
}

/* To the loop, which tells the others. */
struct news {
	struct mst_mail mail;
	struct mst_app *app;
	uint8_t authority[16], serial[16], sha256[32];
	int64_t not_after;
};

static void on_news(struct mst_mail *mail)
{
	struct news *news = MST_HOME(mail, struct news, mail);

	news->app->on_revoked(news->app, news->authority, news->serial, news->sha256, news->not_after);
	free(news);
}

/* The record is durable: after a restart everybody knows, also when there is no memory for the news. */
static void tell(struct mst_app *app, const struct mst_issued *issued)
{
	struct news *news = app->on_revoked ? malloc(sizeof *news) : NULL;

	if (!news)
		return;
	*news = (struct news){.mail.on_mail = on_news, .app = app, .not_after = issued->not_after};
	memcpy(news->authority, issued->authority, sizeof news->authority);
	memcpy(news->serial, issued->serial, sizeof news->serial);
	mst_sha256(news->sha256, issued->cert);
	mst_loop_post(app->loop, &news->mail);
}

int mst_record_revoke(struct mst_app *app, struct mst_arena *arena, const uint8_t authority[static 16], const uint8_t serial[static 16],
		      uint32_t reason, struct mst_err *e)
{
	struct look look = {.authority = authority, .serial = serial};
	struct mst_batch b;

	for (int i = 0; i < MAKING_TRIES; i++) {
		if (find(&look, app, arena, e) < 0)
			return -1;
		if (!look.found || look.issued.revoked_ms)
			return 0;
		mst_batch_init(&b, arena, NULL, NULL);
		if (mst_issued_revoke(&b, &look.issued, reason, mst_clock_wall_ms(), NULL, e) < 0)
			return -1;
		if (mst_store_commit_here(app->store, &b) == 0) {
			tell(app, &look.issued);
			return 0;
		}
		if (b.err.code != MST_E_CONFLICT)
			break;
	}
	*e = b.err;
	return -1;
}

int mst_record_older(struct mst_app *app, struct mst_arena *arena, struct mst_held *held, struct mst_err *e)
{
	struct mst_batch b;

	if (held->older_cert.len == 0)
		return 0;
	if (!mst_record_is_ours(held->older_authority))
		return 1;
	if (mst_record_revoke(app, arena, held->older_authority, held->older_serial, REASON_SUPERSEDED, e) < 0)
		return -1;
	memset(held->older_authority, 0, sizeof held->older_authority);
	memset(held->older_serial, 0, sizeof held->older_serial);
	held->older_cert = held->older_ticket = mst_slice(NULL, 0);
	held->older_waits = false;
	mst_batch_init(&b, arena, NULL, NULL);
	if (mst_held_move(&b, held, app->seal, e) < 0)
		return -1;
	if (mst_store_commit_here(app->store, &b) == 0)
		return 0;
	*e = b.err;
	return -1;
}
