/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: parts of a path, ids, a look-up on a worker, and the JSON of records. */
#ifndef API_OWN_H
#define API_OWN_H

#include "muster/api.h"
#include "muster/app.h"
#include "muster/json.h"
#include "muster/queue.h"

/* What one operator's request may take beside its body: a page of a thousand devices, a report of 4 MiB as base64 and text, a
 * command copied for each of its devices. */
#define API_ROOM ((size_t)64 << 20)
/* What a look-up's answer may take: a report of 4 MiB, as base64 and as text of which JSON writes every byte with six, in memory
 * that doubles as it grows. */
#define API_ANSWER_ROOM ((size_t)96 << 20)

/* An enrolment an operator names. */
struct api_id {
	struct mst_slice text;
	struct mst_id id;        /* of the channel */
	struct mst_id device_id; /* channel zero */
};

/* mst_path_part decodes part `n` (0 is the first) of the target's path, so that an encoded slash or comma stays in its part. */
int mst_path_part(struct mst_xchg *x, struct mst_slice *out, size_t n) MST_MUST;
/* mst_path_decode percent-decodes one piece into the arena. 0, -1 SYNTAX. */
int mst_path_decode(struct mst_xchg *x, struct mst_slice *out, struct mst_slice raw) MST_MUST;
int mst_path_id(struct mst_xchg *x, struct api_id *out, struct mst_slice text) MST_MUST;
/* mst_path_who reads the id in /v1/devices/{ID}; mst_path_uuid the uuid in /v1/devices/{ID}/commands/{UUID}. */
int mst_path_who(struct mst_xchg *x, struct api_id *out) MST_MUST;
int mst_path_uuid(struct mst_xchg *x, struct mst_slice *out) MST_MUST;

/* A look-up: its plan reads and writes the JSON on a worker, in an arena that comes home with it. */
struct api_query {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_read read;
	struct mst_job job;
	struct mst_arena arena;
	struct mst_json json;
	struct mst_slice body;
	/* what is asked for; each look-up uses what it needs */
	struct api_id who;
	struct mst_slice uuid, cursor, serial, name;
	struct mst_slice user, platform, enrollment_id, label; /* of details */
	const char *type;  /* a word of mst_channel_kind_word, NULL: any */
	const char *state; /* a state's word, NULL: any */
	uint64_t limit;
};
#define API_LIMIT_DEFAULT 100
#define API_LIMIT_MAX 1000
#define API_SCAN_MAX 50000 /* records one page looks at, however few of them match */

/* mst_query_new makes x->state. NULL with the answer made. */
struct api_query *mst_query_new(struct mst_xchg *x);
/* mst_query_page reads limit and cursor of the query. 0, -1 with x->err. */
int mst_query_page(struct api_query *q) MST_MUST;
/* mst_query_ask runs the plan on a worker; the plan ends with mst_query_done. */
enum mst_step mst_query_ask(struct api_query *q, int (*plan)(struct mst_read *r));
static inline struct api_query *mst_query_of(struct mst_read *r)
{
	return MST_HOME(r, struct api_query, read);
}
int mst_query_done(struct api_query *q) MST_MUST;

/* mst_record_device writes the members of a device's object. 0, -1 with r->err. */
int mst_record_device(struct mst_json *j, struct mst_read *r, const struct mst_device *d) MST_MUST;
/* mst_record_known gets the device or fails ABSENT. */
int mst_record_known(struct mst_read *r, struct mst_device *out, const struct mst_id *id) MST_MUST;
/* mst_record_state: the word of a command's state; "cleared" when the device enrolled anew before it answered. */
const char *mst_record_state(const struct mst_command *c, const struct mst_device *d);
/* mst_record_state_find lends the constant word equal to `word`, NULL when it is none. */
const char *mst_record_state_find(struct mst_slice word);
void mst_record_command(struct mst_json *j, const struct mst_command *c, const struct mst_device *d);

/* mst_query_answer answers with what the writer holds. */
enum mst_step mst_query_answer(struct mst_xchg *x, int status, struct mst_json *j);

#endif
