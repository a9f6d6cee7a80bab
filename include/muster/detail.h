/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a device beside Apple's record: whose it is, which client runs on it, what it reported; and its labels.
 *
 * detail  | device 16 |            one record
 * member  | device 16 |            ids of its labels, static ones told apart
 * labeled | label 16 | device 16 | nothing: members of a label
 * owned   | user 16 | device 16 |  nothing: devices of a user
 * eid     | SHA-256 of tenant, managing app, enrolment-specific id | device: the same id enrolling again replaces the device
 */
#ifndef MUSTER_DETAIL_H
#define MUSTER_DETAIL_H

#include "muster/id.h"
#include "muster/store.h"

#define MST_MEMBER_MAX      256 /* labels of one device */
#define MST_DETAIL_TEXT_MAX 256 /* bytes of one text */

/* X(name, word): Android's ways of being managed, and ours */
#define MST_DEVICE_MODES(X)                                                                        \
	X(NONE, "")                                                                                \
	X(WORK_PROFILE, "work-profile")                                                            \
	X(WORK_MANAGED, "work-managed")                                                            \
	X(WORK_PROFILE_COMPANY, "work-profile-company-owned")
enum mst_device_mode {
#define X(name, word) MST_MODE_##name,
	MST_DEVICE_MODES(X)
#undef X
	MST_NUM_DEVICE_MODES
};
const char *mst_device_mode_word(enum mst_device_mode mode);

/* X(member, name in API and expressions): texts of a detail, each at most 256 bytes */
#define MST_DETAIL_TEXTS(X)                                                                        \
	X(text, "device_id")              /* the device's text id */                               \
	X(user, "user")                   /* name of its user */                                   \
	X(platform, "platform")           /* ios, macos, android, ... */                           \
	X(os_version, "os_version")                                                                \
	X(model, "model")                                                                          \
	X(serial, "serial")                                                                        \
	X(udid, "udid")                                                                            \
	X(imei, "imei")                                                                            \
	X(imsi, "imsi")                                                                            \
	X(mac, "mac")                                                                              \
	X(client, "client")               /* which client program */                               \
	X(client_version, "client_version")                                                        \
	X(client_id, "client_id")                                                                  \
	X(enrollment_id, "enrollment_id") /* Android's enrolment-specific id */                    \
	X(managing_app, "managing_app")                                                            \
	X(tenant, "tenant")                                                                        \
	X(ownership, "ownership")         /* company, employee */                                  \
	X(locale, "locale")                                                                        \
	X(custom1, "custom1") X(custom2, "custom2") X(custom3, "custom3") X(custom4, "custom4")
struct mst_detail {
	struct mst_id id;
#define X(member, name) struct mst_slice member;
	MST_DETAIL_TEXTS(X)
#undef X
	enum mst_device_mode mode;
	bool is_retired;
	bool is_knox;             /* Samsung Knox: certificates are removed with their label */
	bool has_client;          /* speaks our client protocol */
	bool is_mutual;           /* its client authenticates with an identity on 443 */
	uint8_t client_key_sha256[32]; /* of the token its client got at registration; zero: none */
	int64_t registered_ms, reported_ms;
	struct mst_slice raw;
};
int mst_detail_get(struct mst_read *r, struct mst_detail *out, const struct mst_id *id) MST_MUST;
/* mst_detail_put requires the record to be as read, or absent, and keeps the eid index in step with `older` (NULL: none). A device
 * that takes over another's id is put after that one was put as retired: a retired device has no place in the index. */
void mst_detail_put(struct mst_batch *b, const struct mst_detail *d, const struct mst_detail *older);
int mst_detail_next(struct mst_walk *w, struct mst_read *r, struct mst_detail *out, struct mst_slice from) MST_MUST;
/* mst_owned_next walks the devices of a user (his object's id); `from` as mst_walk_init has it. Retired ones are among them. */
int mst_owned_next(struct mst_walk *w, struct mst_read *r, struct mst_id *out, const uint8_t user[static 16],
		   struct mst_slice from) MST_MUST;
/* mst_detail_by_eid: 1 with the device that has this enrolment-specific id now. */
int mst_detail_by_eid(struct mst_read *r, struct mst_id *out, struct mst_slice tenant, struct mst_slice managing_app,
		      struct mst_slice enrollment_id) MST_MUST;

struct mst_member {
	struct mst_id id;
	uint32_t num_static, num_dynamic;
	const uint8_t (*statics)[16], (*dynamics)[16]; /* ids of labels, each list sorted */
	uint64_t version;  /* grows with each change */
	struct mst_slice raw;
};
int mst_member_get(struct mst_read *r, struct mst_member *out, const struct mst_id *id) MST_MUST;
/* mst_member_put requires the record to be as read and keeps `labeled` in step with `older` (NULL: none). */
void mst_member_put(struct mst_batch *b, const struct mst_member *m, const struct mst_member *older);
bool mst_member_has(const struct mst_member *m, const uint8_t label[static 16]);
/* mst_labeled_next walks the devices of a label. */
int mst_labeled_next(struct mst_walk *w, struct mst_read *r, struct mst_id *out, const uint8_t label[static 16],
		     struct mst_slice from) MST_MUST;

#endif
