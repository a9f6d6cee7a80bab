/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device: one record, keyed by device id; its channels (device channel and user channels, each with its push token); the
 * bindings of certificates to devices; when it was last seen; its history. Typed get (inside a read plan) and put (into a batch).
 * All text slices lend from the read's arena, or from the caller until the put returns.
 */
#ifndef MUSTER_DEVICE_H
#define MUSTER_DEVICE_H

#include "muster/crypt.h"
#include "muster/id.h"
#include "muster/store.h"

/* X(name, word): where an enrolment stands */
#define MST_DEVICE_STATES(X)                                                                       \
	X(AUTHENTICATED, "authenticated") /* Authenticate stored; waits for TokenUpdate */         \
	X(ENROLLED, "enrolled")           /* TokenUpdate stored; can be pushed */                  \
	X(CHECKED_OUT, "checked-out")     /* said CheckOut; keeps its record */

enum mst_device_state {
#define X(name, word) MST_DEVICE_##name,
	MST_DEVICE_STATES(X)
#undef X
	MST_NUM_DEVICE_STATES
};
const char *mst_device_state_word(enum mst_device_state state);
int mst_device_state_from(enum mst_device_state *out, struct mst_slice word, struct mst_err *e) MST_MUST;

struct mst_device {
	struct mst_id id;            /* channel zero */
	struct mst_slice text;       /* UDID or EnrollmentID as the device says it */
	bool is_user_enrollment;     /* text is an EnrollmentID */
	enum mst_device_state state;
	uint32_t epoch;              /* grows with each Authenticate: commands of earlier epochs are not offered */
	uint32_t num_token_updates;
	uint8_t sha256[32];          /* certificate bound now */
	uint8_t ca[32], subject[32]; /* of that certificate; see mst_peer */
	struct mst_slice topic, serial, os_version, build, product, model, model_name, device_name, imei, meid;
	int64_t enrolled_ms, updated_ms; /* wall clock */
	struct mst_slice raw;        /* the stored value, for mst_batch_require_same; empty for a new device */
};
/* mst_device_get: 1, 0 absent, -1, MST_LATER. */
int mst_device_get(struct mst_read *r, struct mst_device *out, const struct mst_id *id) MST_MUST;
/* mst_device_put writes `d` and requires that the record is as it was read (d->raw), or still absent. */
void mst_device_put(struct mst_batch *b, const struct mst_device *d);
/* mst_device_decode is what get does with a value; walks use it. */
int mst_device_decode(struct mst_device *out, struct mst_slice key, struct mst_slice value, struct mst_err *e) MST_MUST;

/* X(name, word): Apple's enrolment types, named as NanoMDM names them */
#define MST_CHANNEL_KINDS(X)                                                                       \
	X(DEVICE, "Device")                                                                        \
	X(USER, "User")                                                                            \
	X(SHARED_IPAD, "Shared iPad")                                                              \
	X(ENROLLMENT_DEVICE, "User Enrollment (Device)")                                           \
	X(ENROLLMENT_USER, "User Enrollment")
enum mst_channel_kind {
#define X(name, word) MST_CHANNEL_##name,
	MST_CHANNEL_KINDS(X)
#undef X
	MST_NUM_CHANNEL_KINDS
};
const char *mst_channel_kind_word(enum mst_channel_kind kind);

struct mst_channel {
	struct mst_id id;
	enum mst_channel_kind kind;
	bool is_enabled;             /* a TokenUpdate came since the last Authenticate or CheckOut */
	bool is_awaiting_configuration;
	uint32_t epoch;              /* of the device when the token came */
	uint32_t num_token_updates;
	struct mst_slice user, short_name, long_name; /* user channels */
	struct mst_slice topic, token, magic, unlock_token; /* all but the topic: sealed at rest */
	struct mst_slice bootstrap_token; /* of this epoch's enrolment; device channel only; sealed at rest */
	int64_t updated_ms;
	bool is_old; /* read: sealed under an older master key; put seals anew */
	struct mst_slice raw;
};
/* mst_channel_is_live: it has a push token of the device's present enrolment. */
static inline bool mst_channel_is_live(const struct mst_channel *c, const struct mst_device *d)
{
	return c->is_enabled && c->epoch == d->epoch;
}
/* Secrets are opened and sealed with `seal`, bound to the channel's key; get and next leave them out when it is NULL: such a
 * channel must not be put. */
int mst_channel_get(struct mst_read *r, struct mst_channel *out, const struct mst_id *id, const struct mst_seal *seal) MST_MUST;
int mst_channel_put(struct mst_batch *b, const struct mst_channel *c, const struct mst_seal *seal, struct mst_err *e) MST_MUST;
/* mst_channel_next walks a device's channels: zero `w` before the first call, mst_walk_done(w) after the last one, however it
 * ended; `device` stays until then. 1, 0, -1, MST_LATER. */
int mst_channel_next(struct mst_walk *w, struct mst_read *r, struct mst_channel *out, const struct mst_id *device,
		     const struct mst_seal *seal) MST_MUST;

/* A certificate belongs to one device. */
struct mst_binding {
	struct mst_id id;      /* channel zero */
	struct mst_slice text; /* the device's text id */
	int64_t not_before, not_after; /* seconds */
	int64_t bound_ms;
	struct mst_slice raw;
};
int mst_binding_get(struct mst_read *r, struct mst_binding *out, const uint8_t sha256[static 32]) MST_MUST;
/* mst_binding_put requires the binding to be as read, or still absent. */
void mst_binding_put(struct mst_batch *b, const struct mst_binding *binding, const uint8_t sha256[static 32]);
void mst_binding_drop(struct mst_batch *b, const uint8_t sha256[static 32]);

/* History: one line each, newest last. */
#define MST_EVENTS(X)                                                                              \
	X(AUTHENTICATE, "authenticate")                                                            \
	X(TOKEN_UPDATE, "token-update")                                                            \
	X(CHECK_OUT, "check-out")                                                                  \
	X(REBOUND, "certificate-rebound")                                                          \
	X(QUEUED, "command-queued")                                                                \
	X(ANSWERED, "command-answered")                                                            \
	X(CANCELLED, "command-cancelled")                                                          \
	X(CERTIFICATE_REFUSED, "certificate-refused")                                              \
	X(TOKEN_GONE, "push-token-gone")                                                           \
	X(TOKEN_REFUSED, "push-token-refused")
enum mst_event {
#define X(name, word) MST_EVENT_##name,
	MST_EVENTS(X)
#undef X
	MST_NUM_EVENTS
};
const char *mst_event_word(enum mst_event event);
struct mst_history {
	int64_t at_ms;
	enum mst_event event;
	struct mst_slice who, detail; /* who caused it; short text */
	struct mst_id id;             /* whose it is: filled by next */
};
/* mst_history_next and mst_history_add: as the channel's. */
void mst_history_add(struct mst_batch *b, const struct mst_id *id, const struct mst_history *h);
int mst_history_next(struct mst_walk *w, struct mst_read *r, struct mst_history *out, const struct mst_id *device) MST_MUST;

/* Last seen, kept in memory by each loop and written in bulk: never a write for a poll. */
struct mst_seen; /* one loop's */
int mst_seen_new(struct mst_seen **out, struct mst_store *store, struct mst_loop *home, uint32_t flush_ms, struct mst_err *e) MST_MUST;
/* mst_seen_free flushes nothing: call mst_seen_flush, and free after the store's close, when the loop runs no more. */
void mst_seen_free(struct mst_seen **seen);
void mst_seen_mark(struct mst_seen *seen, const struct mst_id *id);
void mst_seen_flush(struct mst_seen *seen);
/* mst_seen_get: 1 with wall ms as last flushed, 0 never. */
int mst_seen_get(struct mst_read *r, int64_t *out_ms, const struct mst_id *device) MST_MUST;

/* mst_sequence gives a number that grows with time and differs between threads: order of queue and history. */
uint64_t mst_sequence(void);

#endif
