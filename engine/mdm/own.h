/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: a message as a struct, who sent it, whether it may, and the state of one exchange. */
#ifndef MDM_OWN_H
#define MDM_OWN_H

#include "muster/app.h"
#include "muster/mdm.h"
#include "muster/plist.h"
#include "muster/queue.h"
#include "muster/standing.h"

/* Who speaks: the ids of a message, Apple's keys in the order of the rows. */
struct mdm_ids {
	struct mst_slice udid, enrollment_id, user_id, enrollment_user_id, short_name, long_name;
};

/* A message, copied out of its property list into the exchange's arena. One struct for both ways. */
struct mdm_message {
	struct mdm_ids ids;
	/* check-in */
	struct mst_slice type, topic, os_version, build, product, serial, imei, meid, device_name, model, model_name, mac;
	struct mst_slice token, magic, unlock_token, bootstrap_token;
	bool is_awaiting_configuration;
	/* command channel */
	struct mst_slice status, uuid;
	struct mst_slice first_error; /* of ErrorChain: "domain code", empty when none */
	bool has_inventory;           /* QueryResponses told what a check-in tells, too */
};

/* A key of a message: where it goes, of which kind, for which messages it is needed (bits of the caller's), how long it may be. */
enum mdm_item_kind { ITEM_TEXT, ITEM_DATA, ITEM_BOOL };
struct mdm_item_row {
	const char *key;
	size_t at;
	enum mdm_item_kind kind;
	uint32_t needed_by;
	size_t len_max;
};
/* mst_item_read copies the keys of `rows` out of `root`. `which` is the message's bit. 0, -1 SYNTAX or TOO_BIG naming the key. */
int mst_item_read(struct mdm_message *out, struct mst_arena *arena, const struct mst_plist *root,
		  const struct mdm_item_row *rows, size_t num_rows, uint32_t which, struct mst_err *e) MST_MUST;
extern const struct mdm_item_row mst_item_ids[];
extern const size_t mst_item_num_ids;

/* Who sent it, by the rows of enrolment.c. */
struct mdm_enrolment {
	enum mst_channel_kind kind;
	struct mst_slice device, user; /* text ids; user empty on the device channel */
	struct mst_id id;              /* of the channel */
	struct mst_id device_id;       /* channel zero */
};
int mst_enrolment_find(struct mdm_enrolment *out, const struct mdm_ids *ids, struct mst_err *e) MST_MUST;
/* mst_enrolment_device: the record of a device that had none. */
struct mst_device mst_enrolment_device(const struct mdm_enrolment *who);
static inline bool mst_enrolment_is_device(const struct mdm_enrolment *who)
{
	return who->user.len == 0;
}

/* Whether it may: what the store says about the certificate and the device, and the verdict. */
struct mdm_facts {
	bool has_binding, has_device, has_bound;
	struct mst_binding binding; /* of the certificate that speaks */
	struct mst_device device;
	struct mst_binding bound; /* of the certificate the device had so far; read when the speaking one is not bound */
};
/* X(name, what it means) */
#define MDM_VERDICTS(X)                                                                            \
	X(GOOD, "the certificate is this device's")                                                \
	X(BIND, "a free certificate enrols: bind it")                                              \
	X(REBIND, "a renewed certificate of the same device: bind it instead of the old one")      \
	X(ADOPT, "neither certificate nor device are known, and such may be taken in")             \
	X(UNKNOWN, "the device is not known: it may unenrol")                                      \
	X(OTHERS, "the certificate belongs to another device")                                     \
	X(STRANGER, "the certificate is not this device's")
enum mdm_verdict {
#define X(name, meaning) VERDICT_##name,
	MDM_VERDICTS(X)
#undef X
	NUM_VERDICTS
};
const char *mst_identity_word(enum mdm_verdict verdict);
/* What the message is, as far as the verdict cares. */
enum mdm_occasion { OCCASION_AUTHENTICATE, OCCASION_CHECK_OUT, OCCASION_OTHER };
/* mst_identity_read is part of a plan: 0, -1, MST_LATER. */
int mst_identity_read(struct mst_read *r, struct mdm_facts *out, const struct mst_peer *peer, const struct mst_id *device) MST_MUST;
enum mdm_verdict mst_identity_judge(const struct mdm_facts *facts, const struct mst_peer *peer, const struct mst_id *device,
				    enum mdm_occasion occasion, bool takes_unknown);
/* mst_identity_write puts what the verdict wants (BIND, REBIND, ADOPT; nothing for GOOD) into the batch and into `device`, which
 * the caller puts. `device` is as read, or new with id and text set. */
void mst_identity_write(struct mst_batch *b, struct mst_device *device, const struct mdm_facts *facts,
			const struct mst_peer *peer, enum mdm_verdict verdict, int64_t now_ms);

/* source.c: where the device's certificate comes from. mst_source_of looks at the head only. mst_source_peer verifies what TLS
 * has not: 0, or -1 with x->err. */
enum mdm_source { SOURCE_NONE, SOURCE_TLS, SOURCE_SIGNATURE, SOURCE_HEADER };
enum mdm_source mst_source_of(const struct mst_xchg *x);
int mst_source_peer(struct mst_peer *out, struct mst_xchg *x, int64_t now_ms) MST_MUST;

/* What an exchange of either way carries through its stages. */
struct mdm_state {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_peer peer; /* a copy: a connection may be gone before the walk ends */
	struct mdm_message message;
	struct mdm_enrolment who;
	struct mdm_facts facts;
	enum mdm_verdict verdict;
	struct mst_read read;
	struct mst_batch batch;
	int64_t now_ms; /* wall clock when the message was read */
	bool has_batch;
	struct mst_standing *standing; /* of the device, when the message says something of it */
	const struct mst_questions *questions; /* of the catalog at that time */
	bool has_labels; /* the batch changes the device's labels */
	/* check-in */
	const struct mdm_checkin_row *row;
	struct mst_channel channel;
	bool has_channel;
	struct mst_slice reply; /* the body of a message that is stored; empty for most */
	/* command channel */
	const struct mdm_status_row *status;
	struct mst_command command;
	bool has_command;
	void *report; /* of who waits for it (app->reports) */
	int64_t skip_since_ms; /* as mst_queue_peek takes it */
	int64_t push_ms;       /* the batch holds a push that is due then; 0: none */
	bool has_next;
	struct mst_slice next_uuid, next_plist;
	struct mdm_decode *decode; /* a long report, while a worker reads it */
};
static inline struct mdm_state *mst_mdm_state(struct mst_xchg *x)
{
	return x->state;
}

/* Steps that several stages take, mdm.c. Reading goes on at the next stage, now or later; so does committing. */
enum mst_step mst_mdm_read(struct mdm_state *s, int (*plan)(struct mst_read *r));
enum mst_step mst_mdm_commit(struct mdm_state *s);
/* mst_mdm_committed tells whether the batch, if there was one, is durable; otherwise -1 with the answer made. */
int mst_mdm_committed(struct mdm_state *s) MST_MUST;
void mst_mdm_batch(struct mdm_state *s);
/* mst_mdm_judged answers a verdict that refuses (an unknown device gets Apple's document) and returns -1, or returns 0. */
int mst_mdm_judged(struct mdm_state *s) MST_MUST;

/* The check-in messages, checkin_rows.c. */
#define MDM_CHECKINS(X)                                                                            \
	X(AUTHENTICATE) X(TOKEN_UPDATE) X(CHECK_OUT) X(USER_AUTHENTICATE) X(SET_BOOTSTRAP_TOKEN)   \
	X(GET_BOOTSTRAP_TOKEN) X(DECLARATIVE_MANAGEMENT) X(GET_TOKEN)
enum mdm_checkin_type {
#define X(name) CHECKIN_##name,
	MDM_CHECKINS(X)
#undef X
	NUM_CHECKINS
};
enum { ON_DEVICE = 1, ON_USER = 2 };
struct mdm_checkin_row {
	const char *name;     /* Apple's MessageType */
	uint32_t channels;    /* on which it may come */
	enum mdm_occasion occasion;
	bool reads_detail;    /* what the device says of itself is kept */
	bool reads_channel;   /* the channel's record is read with the rest; a device that is not known may be adopted by it */
	/* fills the batch (NEXT), or answers without one (what it returns) */
	enum mst_step (*apply)(struct mdm_state *s);
};
extern const struct mdm_checkin_row mst_checkin_rows[NUM_CHECKINS];
extern const struct mdm_item_row mst_checkin_items[];
extern const size_t mst_checkin_num_items;
const struct mdm_checkin_row *mst_checkin_find(struct mst_slice name);

enum mst_step mst_apply_authenticate(struct mdm_state *s);
enum mst_step mst_apply_token_update(struct mdm_state *s);
enum mst_step mst_apply_check_out(struct mdm_state *s);
enum mst_step mst_apply_user_authenticate(struct mdm_state *s);
enum mst_step mst_apply_set_bootstrap_token(struct mdm_state *s);
enum mst_step mst_apply_get_bootstrap_token(struct mdm_state *s);
enum mst_step mst_apply_declarative_management(struct mdm_state *s);
enum mst_step mst_apply_get_token(struct mdm_state *s);

/* The Status values of the command channel, command_rows.c. */
enum mdm_status_kind { STATUS_IDLE, STATUS_OVER, STATUS_NOT_NOW };
struct mdm_status_row {
	const char *name; /* Apple's */
	enum mdm_status_kind kind;
	enum mst_command_state state; /* OVER: what the command becomes */
};
extern const struct mdm_status_row mst_command_rows[];
extern const size_t mst_command_num_rows;
extern const struct mdm_item_row mst_command_items[];
extern const size_t mst_command_num_items;
extern const struct mdm_item_row mst_command_answers[]; /* of QueryResponses */
extern const size_t mst_command_num_answers;
/* mst_command_read parses a report into `out`; slices in `arena`, the rest of its tree in `scratch`, which may be the same. Any
 * thread. */
int mst_command_read(struct mdm_message *out, struct mst_arena *arena, struct mst_arena *scratch, struct mst_slice body,
		     size_t len_max, struct mst_err *e) MST_MUST;

/* inventory.c: what the device says of itself. Look is part of a plan; keep and begin (a device that was here before details
 * were) fill the batch: 0, -1 with x->err; tell, when it is home. */
int mst_inventory_look(struct mdm_state *s, struct mst_read *r) MST_MUST;
int mst_inventory_keep(struct mdm_state *s, bool is_new_enrolment) MST_MUST;
int mst_inventory_begin(struct mdm_state *s) MST_MUST;
void mst_inventory_tell(struct mdm_state *s);

/* The session of the command channel, session.c: in x->keep. */
void mst_session_begin(struct mst_xchg *x, const struct mst_id *id, int64_t now_ms);
/* mst_session_since: when it began; 0 when this connection knows no session of this channel. */
int64_t mst_session_since(const struct mst_xchg *x, const struct mst_id *id);
/* mst_session_is_refused: a command of this session answered NotNow, and what follows it is not seen to yet; mst_session_forget:
 * now it is. */
bool mst_session_is_refused(const struct mst_xchg *x, const struct mst_id *id);
void mst_session_forget(struct mst_xchg *x, const struct mst_id *id);
/* mst_session_not_now: the device answered NotNow at `now_ms`; returns the time to remember that by, not before the session. */
int64_t mst_session_not_now(struct mst_xchg *x, const struct mst_id *id, int64_t now_ms);

#endif
