/* SPDX-License-Identifier: Apache-2.0 */
/* What both ways share: the identity stage, reading, committing, and the answers that refuse. */
#include "muster/barred.h"
#include "muster/clock.h"
#include "muster/count.h"
#include "muster/log.h"
#include "own.h"

/* The error document of Apple's unrecognized.device schema; the device that gets it unenrols. */
static const char unrecognized[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	"<plist version=\"1.0\"><dict>"
	"<key>code</key><string>com.apple.unrecognized.device</string>"
	"<key>description</key><string>This device is not enrolled here.</string>"
	"<key>message</key><string>This device is not managed by this server any more.</string>"
	"</dict></plist>\n";

/* What an exchange may take beside its body: itself a few times over (a report is copied into its batch), the next command, and
 * small change. */
#define ROOM_FOR_BODY 4
#define ROOM_FOR_REST (3 * (size_t)MST_COMMAND_MAX + 128 * 1024)

bool mst_mdm_is_checkin(const struct mst_xchg *x)
{
	return mst_slice_case_starts(mst_xchg_header(x, MST_S("content-type")), MST_S(MST_TYPE_CHECKIN));
}

int mst_mdm_admit(struct mst_xchg *x)
{
	if (mst_source_of(x) != SOURCE_NONE)
		return 0;
	mst_count(MST_C_IDENTITY_REFUSED, 1);
	return mst_fail(&x->err, MST_E_DENIED, "no client certificate");
}

/* A connection may be older than the revocation: it ends here. */
static bool is_revoked(const struct mdm_state *s)
{
	if (!mst_barred_has(s->app->barred, s->peer.sha256))
		return false;
	mst_count(MST_C_IDENTITY_REFUSED, 1);
	s->x->out.closes = true;
	return true;
}

enum mst_step mst_mdm_identify(struct mst_xchg *x)
{
	struct mdm_state *s;
	size_t room = ROOM_FOR_BODY * x->in.body.len + mst_plist_room(x->in.body.len, &mst_plist_limits_device) + ROOM_FOR_REST;

	if (mst_mdm_admit(x) < 0)
		return mst_xchg_fail(x);
	if (x->arena.limit < room)
		x->arena.limit = room;
	s = mst_arena_zero(&x->arena, sizeof(*s));
	if (!s)
		return mst_xchg_refuse(x, MST_E_BUSY, "out of memory for a message");
	s->x = x;
	s->app = x->app;
	s->now_ms = mst_clock_wall_ms();
	x->state = s;
	if (mst_source_peer(&s->peer, x, s->now_ms) < 0) {
		mst_count(MST_C_IDENTITY_REFUSED, 1);
		return mst_xchg_fail(x);
	}
	return is_revoked(s) ? mst_xchg_refuse(x, MST_E_DENIED, "the certificate is revoked") : STEP_NEXT;
}

static void on_read(struct mst_read *r)
{
	struct mdm_state *s = MST_HOME(r, struct mdm_state, read);
	mst_xchg_resume(s->x);
}

enum mst_step mst_mdm_read(struct mdm_state *s, int (*plan)(struct mst_read *r))
{
	s->read = (struct mst_read){.arena = &s->x->arena, .plan = plan, .on_read = on_read};
	switch (mst_store_read(s->app->store, &s->read, s->app->loop, &s->x->err)) {
	case 1:
		return STEP_NEXT;
	case 0:
		return STEP_WAIT;
	default:
		return mst_xchg_fail(s->x);
	}
}

static void on_committed(struct mst_batch *b)
{
	struct mdm_state *s = MST_HOME(b, struct mdm_state, batch);
	mst_xchg_resume(s->x);
}

void mst_mdm_batch(struct mdm_state *s)
{
	mst_batch_init(&s->batch, &s->x->arena, s->app->loop, on_committed);
	s->has_batch = true;
}

enum mst_step mst_mdm_commit(struct mdm_state *s)
{
	if (mst_store_commit(s->app->store, &s->batch, &s->x->err) < 0)
		return mst_xchg_fail(s->x);
	return STEP_WAIT;
}

int mst_mdm_committed(struct mdm_state *s)
{
	struct mst_xchg *x = s->x;

	if (!s->has_batch || s->batch.rc == 0)
		return 0;
	x->err = s->batch.err;
	/* Somebody else wrote in between: the device will find the new state when it says this again. */
	if (x->err.code == MST_E_CONFLICT)
		mst_fail(&x->err, MST_E_BUSY, "the record changed meanwhile");
	mst_xchg_fail(x);
	return -1;
}

/* Who is refused for its identity is worth a look: which certificate, and what it said it was. */
static void log_identity(const struct mdm_state *s)
{
	mst_count(MST_C_IDENTITY_REFUSED, 1);
	mst_log_peer(WARN, "identity refused", mst_f_u64("id", s->x->id), mst_f_slice("device", s->who.device),
		     mst_f_str("name", s->peer.name),
		     mst_f_hex("certificate", mst_slice(s->peer.sha256, sizeof(s->peer.sha256))),
		     mst_f_str("why", mst_identity_word(s->verdict)));
}

/* The error goes to the log with the exchange; the document is the answer. */
static void answer_unrecognized(struct mdm_state *s)
{
	mst_fail(&s->x->err, MST_E_DENIED, "%s", mst_identity_word(VERDICT_UNKNOWN));
	mst_xchg_answer(s->x, 403, MST_PLIST_TYPE, MST_S(unrecognized));
}

int mst_mdm_judged(struct mdm_state *s)
{
	switch (s->verdict) {
	case VERDICT_GOOD:
	case VERDICT_BIND:
	case VERDICT_REBIND:
	case VERDICT_ADOPT:
		return 0;
	case VERDICT_UNKNOWN:
	case VERDICT_OTHERS:
	case VERDICT_STRANGER:
	case NUM_VERDICTS:
		break;
	}
	log_identity(s);
	if (s->verdict == VERDICT_UNKNOWN)
		answer_unrecognized(s);
	else
		mst_xchg_refuse(s->x, MST_E_DENIED, mst_identity_word(s->verdict));
	return -1;
}
