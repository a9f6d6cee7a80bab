/* SPDX-License-Identifier: Apache-2.0 */
/* In place of topic.c: takes items and answers them from the loop, as the script says. */
#include "hand_rig.h"

#include "muster/text.h"

struct fake fake;

const char *mst_topic_state_word(enum push_topic_state state)
{
	return "";
}

int mst_topics_new(struct push_topics **out, struct mst_push *push, struct mst_err *e)
{
	fake.push = push;
	*out = (struct push_topics *)&fake;
	return 0;
}

void mst_topics_free(struct push_topics **topics)
{
	fake.num_topics = 0;
	*topics = NULL;
}

void mst_topics_load(struct push_topics *topics, const struct mst_pushcert *certs, size_t num_certs)
{
	fake.num_loads++;
	for (size_t i = 0; i < num_certs; i++) {
		struct push_topic *topic = mst_topic_find(topics, certs[i].topic);
		cr_assert(certs[i].key_pem.len > 0);
		if (!topic) {
			topic = &fake.topics[fake.num_topics++];
			memcpy(topic->name, certs[i].topic.at, certs[i].topic.len);
			topic->name[certs[i].topic.len] = '\0';
			mst_list_init(&topic->line);
		}
		topic->state = TOPIC_OPEN;
	}
}

void mst_topics_tune(struct push_topics *topics)
{
}

void mst_topics_drain(struct push_topics *topics)
{
}

struct push_topic *mst_topic_find(struct push_topics *topics, struct mst_slice name)
{
	for (size_t i = 0; i < fake.num_topics; i++)
		if (mst_slice_eq(name, mst_slice_str(fake.topics[i].name)))
			return &fake.topics[i];
	return NULL;
}

void mst_topic_tell(const struct push_topic *topic, struct push_topic_facts *out)
{
	out->state = topic->state;
	out->num_links = 0;
}

size_t mst_topics_tell(struct push_topics *topics, struct push_topic_facts *out, size_t room)
{
	for (size_t i = 0; i < fake.num_topics && i < room; i++)
		mst_topic_tell(&fake.topics[i], &out[i]);
	return fake.num_topics;
}

uint32_t fake_device(const struct push_item *item)
{
	uint8_t number[4];

	cr_assert_eq(mst_hex_get(number, 4, mst_slice(item->path + 10, 8), NULL), 0);
	return (uint32_t)(number[0] << 24 | number[1] << 16 | number[2] << 8 | number[3]);
}

void fake_status(struct push_item *item, int status, const char *reason)
{
	item->answer = (struct push_answer){.end = PUSH_ANSWERED, .status = status};
	memcpy(item->answer.reason, reason, strlen(reason) + 1);
}

static void answer(uint32_t most)
{
	for (size_t i = 0; i < fake.num_topics; i++) {
		struct push_topic *topic = &fake.topics[i];
		struct mst_link *link;
		for (uint32_t num = topic->num_waiting; num && most && (link = mst_list_first(&topic->line)) != NULL; num--, most--) {
			struct push_item *item = MST_HOME(link, struct push_item, link);
			mst_list_drop(link);
			topic->num_waiting--;
			fake_status(item, 200, "");
			if (fake.script)
				fake.script(item, fake_device(item));
			item->on_answer(item);
		}
	}
}

static void on_mail(struct mst_mail *mail)
{
	bool is_left = false;

	fake.is_mailed = false;
	if (!fake.is_slow)
		answer(fake.each_turn ? fake.each_turn : UINT32_MAX);
	for (size_t i = 0; i < fake.num_topics; i++)
		is_left = is_left || fake.topics[i].num_waiting;
	if (is_left && !fake.is_slow) {
		fake.is_mailed = true;
		mst_loop_post(fake.push->loop, &fake.mail);
	}
}

void fake_answer(void)
{
	answer(UINT32_MAX);
}

bool mst_topic_send(struct push_topic *topic, struct push_item *item, uint64_t *again_ms)
{
	uint32_t device = fake_device(item);

	if (topic->each_ms)
		topic->until = mst_loop_now_ms(fake.push->loop) + topic->each_ms;
	if (topic->state == TOPIC_RESTING && mst_loop_now_ms(fake.push->loop) >= topic->until)
		topic->state = TOPIC_OPEN;
	*again_ms = topic->state == TOPIC_RESTING ? topic->until : 0;
	if (topic->state != TOPIC_OPEN)
		return false;
	mst_list_add(&topic->line, &item->link);
	topic->num_waiting++;
	fake.num_sent++;
	item->sent_ms = fake.num_sent; /* in order of sending */
	if (device < RIG_DEVICES)
		fake.sent[device]++;
	if (fake.num_hand_most < fake.push->num_items)
		fake.num_hand_most = fake.push->num_items;
	if (!fake.is_mailed && !fake.is_slow) {
		fake.is_mailed = true;
		fake.mail.on_mail = on_mail;
		mst_loop_post(fake.push->loop, &fake.mail);
	}
	return true;
}

bool mst_topic_is_mdm(const struct push_topic *topic)
{
	return !topic->is_token;
}

bool mst_topic_stop(struct push_topic *topic, const char *why)
{
	struct mst_link *link;

	if (topic->is_replaced)
		return false;
	topic->state = TOPIC_STOPPED;
	topic->num_stopped++;
	strncpy(topic->why, why, sizeof topic->why - 1);
	while ((link = mst_list_first(&topic->line)) != NULL) {
		mst_list_drop(link);
		topic->num_waiting--;
		mst_push_given_back(fake.push, MST_HOME(link, struct push_item, link));
	}
	return true;
}

void mst_topic_failed(struct push_topic *topic)
{
	topic->num_failed++;
}

void mst_topic_worked(struct push_topic *topic)
{
	topic->num_worked++;
}

void mst_topic_renew_token(struct push_topic *topic)
{
	topic->num_renewed++;
}

void mst_topic_reopen(struct push_topic *topic, struct push_item *item)
{
	topic->num_reopened++;
}
