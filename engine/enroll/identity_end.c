/* SPDX-License-Identifier: Apache-2.0 */
/* Taking an identity away: the record first, which names what is to be revoked; then that. */
#include "identity_own.h"
#include "muster/clock.h"

/* clang-format off */
static const struct {
	const char *action;
	bool takes_away; /* nobody holds it any more */
} rows[] = {
	[END_REVOKE]   = {"identity revoked",      true},
	[END_REMOVE]   = {"identity removed",      true},
	[END_REENROLL] = {"identity wanted anew",  true},
};
/* clang-format on */

void mst_identity_past(struct mst_held *h, bool waits)
{
	memcpy(h->older_authority, h->authority, sizeof h->authority);
	memcpy(h->older_serial, h->serial, sizeof h->serial);
	h->older_cert = h->cert;
	h->older_ticket = h->ticket;
	h->older_waits = waits;
	memset(h->authority, 0, sizeof h->authority);
	memset(h->serial, 0, sizeof h->serial);
	h->cert = h->chain = h->key = h->sealed = h->ticket = mst_slice(NULL, 0);
	h->not_before = h->not_after = 0;
	h->delivered_ms = 0;
}

void mst_identity_remove(struct mst_held *h, int64_t now_ms)
{
	struct mst_slice older_cert = h->older_cert;
	int64_t not_after = h->not_after;

	if (h->cert.len)
		mst_identity_past(h, false);
	if (h->num_made == 0) /* a file of somebody's own: no CA is to hear of it */
		h->older_cert = older_cert;
	h->not_after = not_after; /* when the record may go */
	h->older_waits = false;
	h->key = h->sealed = mst_slice(NULL, 0);
	h->state = MST_HELD_REMOVED;
	h->is_early = false;
	h->due_ms = 0;
	h->changed_ms = now_ms;
}

struct look {
	struct mst_read r;
	struct mst_app *app;
	const uint8_t *owner, *enrollment, *setting;
	struct mst_held held;
	int found;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);
	int rc = mst_held_get(r, &look->held, look->owner, look->enrollment, look->setting, look->app->seal);

	if (rc < 0 || rc == MST_LATER)
		return rc;
	look->found = rc;
	return 0;
}

/* What waits for a delivery goes first: two cannot be remembered. */
static int end_once(struct look *look, struct mst_arena *arena, enum identity_end how, struct mst_slice who, struct mst_slice name,
		    struct mst_err *e)
{
	struct mst_held *h = &look->held;
	struct mst_batch b;
	int rc = 0;

	if (h->cert.len && h->older_cert.len) {
		rc = mst_record_older(look->app, arena, h, e);
		if (rc != 0)
			return rc < 0 ? -1 : mst_fail(e, MST_E_BUSY, "the identity before this one is still being revoked at its CA");
	}
	mst_identity_remove(h, mst_clock_wall_ms());
	mst_batch_init(&b, arena, NULL, NULL);
	mst_audit_add(&b, &(struct mst_audit){.at_ms = h->changed_ms, .who = who, .action = mst_slice_str(rows[how].action), .what = name});
	if (mst_held_move(&b, h, look->app->seal, e) < 0)
		return -1;
	if (mst_store_commit_here(look->app->store, &b) == 0)
		return 0;
	*e = b.err;
	return -1;
}

int mst_identity_end(struct mst_app *app, struct mst_arena *arena, const uint8_t owner[static 16], const uint8_t enrollment[static 16],
		     const uint8_t setting[static 16], enum identity_end how, struct mst_slice who, struct mst_slice name, struct mst_err *e)
{
	struct look look = {.app = app, .owner = owner, .enrollment = enrollment, .setting = setting};
	int rc = -1;

	for (int i = 0; i < MAKING_TRIES && rc < 0; i++) {
		look.r = (struct mst_read){.arena = arena, .plan = plan};
		if (mst_store_read_here(app->store, &look.r) < 0) {
			*e = look.r.err;
			return -1;
		}
		if (!look.found)
			return mst_fail(e, MST_E_ABSENT, "nothing is held there");
		if (look.held.state == MST_HELD_REMOVED)
			rc = 0;
		else
			rc = end_once(&look, arena, how, who, name, e);
		if (rc < 0 && e->code != MST_E_CONFLICT)
			return -1;
	}
	if (rc < 0)
		return -1;
	/* From here on the record says what is left; the keeper goes on with it if this does not. */
	rc = mst_record_older(app, arena, &look.held, e);
	if (rc != 0)
		mst_keeper_due(app->keeper, owner, enrollment, setting, look.held.changed_ms);
	return rc < 0 ? 1 : rc;
}
