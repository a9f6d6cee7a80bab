/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGHUP: files are read anew on the main thread, checked whole, and only then handed to each loop. Connections live on;
 * older facts are freed by loop 0 when the last loop has let go of them.
 */
#include <stdlib.h>

#include "engine.h"
#include "muster/log.h"

struct adopt {
	struct mst_mail mail;
	struct mst_lane_loop *lane;
	struct mst_facts *facts;
};

/* On loop 0. */
static void on_release(struct mst_mail *mail)
{
	struct release *release = MST_HOME(mail, struct release, mail);
	struct mst_facts *facts = release->facts;

	if (--facts->num_users == 0)
		mst_facts_free(&facts);
}

/* `user` is the index of a loop, or LOOPS_MAX for the main thread. */
static void release(struct mst_engine *engine, uint32_t user, struct mst_facts *facts)
{
	struct release *r = &facts->releases[user];

	r->facts = facts;
	r->mail.on_mail = on_release;
	mst_loop_post(engine->loops[0].loop, &r->mail);
}

/* On the lane's loop. */
static void on_adopt(struct mst_mail *mail)
{
	struct adopt *adopt = MST_HOME(mail, struct adopt, mail);
	struct mst_lane_loop *lane = adopt->lane;
	struct mst_facts *older = lane->facts;
	struct mst_err err = {0};

	if (mst_lane_adopt(lane, adopt->facts, &err) == 0) {
		release(lane->engine, lane->index, older);
	} else {
		/* Checked before, so only memory can be short: this loop keeps what it has. */
		mst_log(ERROR, "reload refused by a loop", mst_f_u64("loop", lane->index), mst_f_err(&err));
		release(lane->engine, lane->index, adopt->facts);
	}
	free(adopt);
}

static void warn_of_restart(const struct mst_conf *older, const struct mst_conf *newer)
{
	size_t num_rows;
	const struct mst_opt_row *rows = mst_conf_rows(&num_rows);

	for (size_t i = 0; i < num_rows; i++)
		if (!rows[i].live && mst_opt_differs(&rows[i], older, newer))
			mst_log(WARN, "option changes at the next restart", mst_f_str("section", rows[i].section),
				mst_f_str("key", rows[i].key));
}

static int load(struct mst_facts **out, struct mst_engine *engine, struct mst_err *e)
{
	if (mst_facts_new(out, engine->conf_path, e) != 0)
		return -1;
	if (mst_lane_check(engine, *out, e) != 0) {
		mst_facts_free(out);
		return -1;
	}
	return 0;
}

void mst_reload(struct mst_engine *engine)
{
	struct mst_facts *facts;
	struct mst_err err = {0};

	mst_notify("RELOADING=1");
	if (load(&facts, engine, &err) != 0) {
		mst_log(ERROR, "reload refused, everything stays as it was", mst_f_err(&err));
		mst_notify("READY=1");
		return;
	}
	warn_of_restart(engine->facts->conf, facts->conf);
	mst_log_setup((enum mst_level)facts->conf->log_level, facts->conf->log_json);
	facts->num_users = engine->num_loops + 1;
	release(engine, LOOPS_MAX, engine->facts);
	engine->facts = facts;
	for (uint32_t i = 0; i < engine->num_loops; i++) {
		struct adopt *adopt = calloc(1, sizeof *adopt);
		BUG_ON(!adopt);
		*adopt = (struct adopt){.mail.on_mail = on_adopt, .lane = &engine->loops[i], .facts = facts};
		mst_loop_post(engine->loops[i].loop, &adopt->mail);
	}
	mst_pusher_tune(engine);
	mst_log(INFO, "configuration read anew", mst_f_str("file", engine->conf_path));
	mst_notify("READY=1");
}
