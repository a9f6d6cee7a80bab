/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the fleet do for each other, one group for each file. */
#ifndef MUSTER_PARTS_H
#define MUSTER_PARTS_H

#include "fleet.h"

/* identity.c: the UDID of device `index`; certificates of `num` devices from conf->certs (loaded, or
 * made there) or fresh ones under conf->ca. */
void mst_identity_udid(char out[static UDID_LEN + 1], uint32_t seed, uint32_t index);
int mst_identity_make(struct mst_device_sim *devices, uint32_t num, struct mst_arena *arena,
		      const struct mst_fleet_conf *conf, struct mst_err *e) MST_MUST;

/* message.c: a request is its body, the body's type and, where messages are signed, Mdm-Signature. The body lends `room`.
 * mst_message_write makes it HTTP/1.1. */
struct mst_request {
	struct mst_slice type, signature, body;
};
struct mst_slice mst_message_write(char room[static REQUEST_ROOM], const struct mst_fleet_conf *conf, const struct mst_request *request);
struct mst_slice mst_message_type(enum mst_do what);
void mst_message_token(uint8_t out[static TOKEN_LEN], const struct mst_device_sim *dev); /* its push token */
struct mst_slice mst_message_body(char room[static MESSAGE_ROOM], const struct mst_device_sim *dev, enum mst_do what,
				  enum mst_answer answer);

/* signature.c: every device's key and the signature of its Idle report; then the signature of a message, empty where
 * messages are not signed. */
int mst_signature_prepare(struct mst_device_sim *devices, uint32_t num, struct mst_arena *arena, struct mst_err *e) MST_MUST;
struct mst_slice mst_signature_get(struct mst_arena *arena, const struct mst_device_sim *dev, enum mst_do what, struct mst_slice body);

/* wake.c: devices that sleep until the push service's stand-in calls them. */
int mst_wake_open(struct mst_fleet *fleet, struct mst_err *e) MST_MUST;
void mst_wake_free(struct mst_fleet *fleet);

/* talk.c: requests over HTTP/2, one at a time; what leaves goes to `put`. mst_talk_feed: 1 the answer is in and lent until the
 * next request, 0 not yet, -1 the session is over. */
struct mst_talk;
int mst_talk_new(struct mst_talk **out, const struct mst_fleet_conf *conf, void *context,
		   int (*put)(void *context, struct mst_slice bytes, struct mst_err *e), struct mst_err *e) MST_MUST;
void mst_talk_free(struct mst_talk **s);
int mst_talk_ask(struct mst_talk *s, const struct mst_request *request, struct mst_err *e) MST_MUST;
int mst_talk_feed(struct mst_talk *s, struct mst_slice bytes, struct mst_err *e) MST_MUST;
struct mst_slice mst_talk_answer(const struct mst_talk *s, int *status);

/* dialog.c: one connection. Calls back mst_device_on_open, _on_reply, _on_broken; never inside
 * mst_dialog_open and _send. */
int mst_dialog_open(struct mst_device_sim *dev, struct mst_err *e) MST_MUST;
void mst_dialog_send(struct mst_dialog *d, const struct mst_request *request);
/* mst_dialog_close ends politely; the device forgets it at once. */
void mst_dialog_close(struct mst_device_sim *dev);
extern const struct mst_edge mst_dialog_edge;

/* device.c: a device walks its operation. */
void mst_device_start(struct mst_device_sim *dev, const struct mst_operation *operation,
		      uint64_t due_ns);
void mst_device_on_open(struct mst_device_sim *dev, bool is_resumed);
void mst_device_on_reply(struct mst_device_sim *dev, int status, struct mst_slice body);
void mst_device_on_broken(struct mst_device_sim *dev, enum mst_fleet_error kind, const char *why);

/* answer.c */
enum mst_answer mst_answer_choose(struct mst_device_sim *dev);
const char *mst_answer_status(enum mst_answer answer);
const char *mst_answer_word(enum mst_answer answer);
/* mst_answer_take reads the command of a reply into the device. 0, -1 when it is none. */
int mst_answer_take(struct mst_device_sim *dev, struct mst_slice body);
/* mst_answer_is_due: the command in hand must be the next one of the prepared series. */
bool mst_answer_is_due(const struct mst_device_sim *dev);

/* drive.c: the schedule of one thread. */
int mst_drive_phase(struct mst_fleet *fleet, const struct mst_phase *phase) MST_MUST;
void mst_drive_over(struct mst_fleet *fleet, struct mst_device_sim *dev, bool is_ok);
/* mst_drive_call: a push came for the device: it begins, now or when its present operation is over. */
void mst_drive_call(struct mst_fleet *fleet, struct mst_device_sim *dev);
void mst_drive_close(struct mst_fleet *fleet);
void mst_drive_ack(struct mst_fleet *fleet, const char *format, ...) MST_PRINTF(2, 3);

/* operate.c: queues `num` commands for every device; their UUIDs are SERIES-n. */
int mst_operate_queue(const struct mst_fleet_conf *conf, const struct mst_device_sim *devices,
		      uint32_t num_devices, const char *series, uint32_t num,
		      struct mst_err *e) MST_MUST;

/* server.c: what the server used, by its pid. */
int mst_server_cpu_ns(uint64_t *out, uint32_t pid, struct mst_err *e) MST_MUST;
int mst_server_rss_kib(uint64_t *out, uint32_t pid, struct mst_err *e) MST_MUST;

/* report.c */
struct mst_outcome {
	const struct mst_fleet_conf *conf;
	const char *script;
	struct mst_tally tally;
	uint64_t wall_ns, cpu_ns; /* of the measured phase; cpu: the server's */
	uint64_t rss_kib[RSS_SAMPLES], rss_end_kib;
	uint32_t num_samples, num_held;
	uint64_t setup_errors;
};
int mst_report_print(const struct mst_outcome *outcome, struct mst_err *e) MST_MUST;

#endif
