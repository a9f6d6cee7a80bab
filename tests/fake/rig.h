/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine without sockets: a real store in a folder of its own, workers, a loop, and an edge that is a function. A test
 * asks and gets an answer; the pipelines in between are the engine's.
 */
#ifndef MUSTER_TEST_FAKE_RIG_H
#define MUSTER_TEST_FAKE_RIG_H

#include <criterion/criterion.h>

#include "muster/app.h"
#include "muster/count.h"
#include "muster/flow.h"
#include "muster/queue.h"

struct rig {
	char path[64];
	struct mst_store_conf conf;
	struct mst_app app;
	struct mst_seal *seal;
	struct mst_chunks chunks;
	struct mst_arena arena; /* of the test */
	uint8_t keys[1][32];
	uint64_t next_id;
	bool is_cold;       /* every request finds a store with nothing in memory */
	bool makes_orphans; /* the connection dies at the first wait */
};
/* rig_new opens an empty store. The API key is "secret". */
struct rig *rig_new(void);
void rig_free(struct rig *rig);
/* rig_reopen closes and opens the store: what was acknowledged must be there. */
void rig_reopen(struct rig *rig);

/* A connection: its certificate and its room. */
struct link {
	struct mst_peer peer;
	bool has_peer;
	enum mst_gate gate;
	uint64_t keep[MST_KEEP_ROOM / 8];
};
/* rig_link makes a connection with a certificate `cert` (any text: its hash names it) whose common name and subject are `name`. */
struct link rig_link(const char *cert, const char *name);
struct link rig_control(void);

struct answer {
	int status;
	char type[64];
	char *body; /* of the rig's arena, terminated */
	size_t len;
	uint32_t retry_after_s;
	char extra[96]; /* "Name: value" of the first further header */
};

/* A request; zero fields mean PUT, /mdm, no content type, no authorization. */
struct ask {
	enum mst_method method;
	bool has_method;
	const char *target, *type, *authorization;
	const void *body;
	size_t len; /* 0: strlen(body) */
	struct {
		const char *name, *value; /* value NULL: none */
	} more[3];                        /* headers */
};
struct answer rig_ask(struct rig *rig, struct link *link, struct ask ask);
/* rig_begin and rig_end are its halves: several can be at work at once. */
struct deal;
struct deal *rig_begin(struct rig *rig, struct link *link, struct ask ask);
struct answer rig_end(struct rig *rig, struct deal *deal);

/* Short hands. rig_text prints into the rig's arena. */
char *rig_text(struct rig *rig, const char *format, ...) MST_PRINTF(2, 3);
#define PLIST_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict>"
#define PLIST_TAIL "</dict></plist>"
struct answer rig_checkin(struct rig *rig, struct link *link, const char *items);
/* rig_report says `items` on the command channel; rig_idle polls. Answer: the command's text. */
struct answer rig_report(struct rig *rig, struct link *link, const char *items);
struct answer rig_idle(struct rig *rig, struct link *link, const char *udid);
struct answer rig_status(struct rig *rig, struct link *link, const char *udid, const char *status, const char *uuid);
struct answer rig_get(struct rig *rig, const char *target); /* on the control socket */
struct answer rig_enqueue(struct rig *rig, const char *ids, const char *uuid);
/* rig_enrol: Authenticate and TokenUpdate, both 200. */
struct link rig_enrol(struct rig *rig, const char *udid);
int rig_authenticate(struct rig *rig, struct link *link, const char *udid);
int rig_token_update(struct rig *rig, struct link *link, const char *udid, const char *more);

/* Looks into the store. */
bool rig_device(struct rig *rig, const char *udid, struct mst_device *out);
bool rig_channel(struct rig *rig, const char *udid, const char *user, struct mst_channel *out);
/* rig_num_records counts the records of a space. */
uint32_t rig_num_records(struct rig *rig, enum mst_space space);
uint64_t rig_count(enum mst_counter id);

#endif
