/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine from outbox to store with a topic that answers as a test tells it: no links, no sockets. */
#ifndef MUSTER_TEST_HAND_RIG_H
#define MUSTER_TEST_HAND_RIG_H

#include "../store/kit.h"
#include "hand.h"
#include "muster/clock.h"
#include "muster/device.h"

#define RIG_TOPIC "com.apple.mgmt.External.test"
#define RIG_DEVICES 128 /* whose sends are counted one by one */

struct push_topic {
	struct mst_link line;
	char name[64];
	bool is_token, is_replaced; /* answers are to an earlier credential */
	enum push_topic_state state;
	uint64_t until; /* resting */
	uint64_t each_ms; /* resting on and on: asked again so soon; 0: until `until` */
	char why[96];
	uint32_t num_waiting, num_failed, num_worked, num_renewed, num_reopened, num_stopped;
};

/* The scripted service. */
struct fake {
	struct push_topic topics[4];
	size_t num_topics;
	uint32_t num_loads, num_sent, num_hand_most;
	uint32_t sent[RIG_DEVICES];
	bool is_slow;         /* nothing is answered before fake_answer */
	uint32_t each_turn;   /* answers a turn; 0: all */
	void (*script)(struct push_item *item, uint32_t device); /* NULL: 200; fills item->answer */
	struct mst_push *push;
	struct mst_mail mail;
	bool is_mailed;
};
extern struct fake fake;
/* fake_answer answers everything that waits. */
void fake_answer(void);
void fake_status(struct push_item *item, int status, const char *reason);
uint32_t fake_device(const struct push_item *item);

struct rig {
	struct kit *kit;
	struct mst_seal *seal;
	char folder[40], key_path[64];
	struct mst_push_conf conf;
	struct mst_push *push;
	struct mst_kick kick;
	struct mst_arena arena; /* emptied with each call that commits */
};
struct rig *rig_new(struct mst_push_conf conf);
void rig_free(struct rig *rig);
/* rig_restart is what follows a kill: only the store is there. */
void rig_restart(struct rig *rig);
void rig_cert(struct rig *rig, const char *topic, int64_t not_after);
/* rig_enrol: devices first .. first + num - 1, each with a token that names it. */
void rig_enrol(struct rig *rig, uint32_t first, uint32_t num, const char *topic);
struct mst_id rig_id(uint32_t device);
/* rig_cause commits and kicks. */
void rig_cause(struct rig *rig, uint32_t device, enum mst_push_cause cause, int64_t due_ms);
void rig_causes(struct rig *rig, uint32_t first, uint32_t num, int64_t due_ms);
void rig_command(struct rig *rig, uint32_t device, const char *uuid); /* waits in the queue; no push */
void rig_channel(struct rig *rig, uint32_t device, bool is_enabled, int64_t updated_ms);
void rig_state(struct rig *rig, uint32_t device, enum mst_device_state state);
/* rig_due reads the record: false: none. rig_places counts places, whenever due. rig_is_enabled: the channel. */
bool rig_due(struct rig *rig, struct mst_push_due *out, uint32_t device);
uint32_t rig_places(struct rig *rig);
uint32_t rig_places_until(struct rig *rig, int64_t until_ms);
bool rig_is_enabled(struct rig *rig, uint32_t device);
uint32_t rig_events(struct rig *rig, uint32_t device, enum mst_event event);
/* rig_turn: some turns of the loop. rig_rest: until nothing is in hand and nothing due is left unlooked at. */
void rig_turn(struct rig *rig, uint32_t num);
void rig_rest(struct rig *rig);
/* rig_jump moves the wall clock and lets the engine see it. */
void rig_jump(struct rig *rig, int64_t by_ms);
#define rig_until(rig, condition)                                                                  \
	do {                                                                                       \
		uint64_t end_at = mst_clock_ms() + 20000;                                          \
		while (!(condition)) {                                                             \
			cr_assert_lt(mst_clock_ms(), end_at, "never: %s", #condition);             \
			rig_turn(rig, 1);                                                          \
		}                                                                                  \
	} while (0)

#endif
