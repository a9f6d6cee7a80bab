/* SPDX-License-Identifier: Apache-2.0 */
/* News of a revocation: visits every loop, from the one that hears of it back to that one. */
#include <stdlib.h>

#include "muster/barred.h"
#include "muster/log.h"
#include "own.h"

static void hear(struct mst_revoke *revoke, const struct revoke_news *news)
{
	struct mst_err err = {0};

	revoke->num_news++;
	mst_answers_drop(revoke, news->authority, news->serial);
	/* The record is durable already; after a restart the set is complete again. */
	if (mst_barred_add(revoke->app->barred, news->sha256, news->not_after, &err) < 0)
		mst_log(ERROR, "a revoked certificate is not refused before the next start", mst_f_u64("loop", revoke->index),
			mst_f_err(&err));
	if (revoke->index == 0)
		mst_publish_soon(revoke, news->authority);
}

static void on_mail(struct mst_mail *mail);

/* Returns false when it is home. */
static bool go_on(struct revoke_news *news)
{
	struct mst_revoke *const *all = news->home->all;

	news->at = (news->at + 1) % news->home->num_all;
	if (news->at == news->home->index && news->home->num_all == 1)
		return false;
	news->mail.on_mail = on_mail;
	mst_loop_post(all[news->at]->app->loop, &news->mail);
	return true;
}

static void on_mail(struct mst_mail *mail)
{
	struct revoke_news *news = MST_HOME(mail, struct revoke_news, mail);

	if (news->at == news->home->index) {
		if (news->x)
			mst_xchg_resume(news->x);
		else
			free(news);
		return;
	}
	hear(news->home->all[news->at], news);
	(void)go_on(news);
}

bool mst_news_tell(struct revoke_news *news, struct mst_revoke *home)
{
	news->home = home;
	news->at = home->index;
	hear(home, news);
	return !go_on(news);
}

void mst_revoke_tell(struct mst_revoke *revoke, const uint8_t authority[static 16], const uint8_t serial[static 16],
		     const uint8_t sha256[static 32], int64_t not_after_s)
{
	struct revoke_news *news = calloc(1, sizeof *news);

	if (!news) { /* the record is durable: after a restart the set is complete again */
		mst_log(ERROR, "a revoked certificate is not refused before the next start", mst_f_u64("loop", revoke->index));
		return;
	}
	memcpy(news->authority, authority, sizeof news->authority);
	memcpy(news->serial, serial, sizeof news->serial);
	memcpy(news->sha256, sha256, sizeof news->sha256);
	news->not_after = not_after_s;
	if (mst_news_tell(news, revoke))
		free(news);
}
