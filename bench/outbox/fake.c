/* SPDX-License-Identifier: Apache-2.0 */
/* In place of the links to the push service: one topic, everything is taken at once. */
#include "hand.h"

#define ANSWERS 1000 /* a turn: streams of one connection */

struct push_topics {
	struct mst_push *push;
	struct mst_link line;
	struct mst_mail mail;
	bool is_mailed, is_loaded;
};
static struct push_topics only;

const char *mst_topic_state_word(enum push_topic_state state)
{
	return "";
}

int mst_topics_new(struct push_topics **out, struct mst_push *push, struct mst_err *e)
{
	only.push = push;
	mst_list_init(&only.line);
	*out = &only;
	return 0;
}

void mst_topics_free(struct push_topics **topics)
{
	*topics = NULL;
}

void mst_topics_load(struct push_topics *topics, const struct mst_pushcert *certs, size_t num_certs)
{
	topics->is_loaded = num_certs > 0;
}

void mst_topics_tune(struct push_topics *topics)
{
}

void mst_topics_drain(struct push_topics *topics)
{
}

struct push_topic *mst_topic_find(struct push_topics *topics, struct mst_slice name)
{
	return topics->is_loaded ? (struct push_topic *)topics : NULL;
}

void mst_topic_tell(const struct push_topic *topic, struct push_topic_facts *out)
{
	*out = (struct push_topic_facts){.state = TOPIC_OPEN};
}

size_t mst_topics_tell(struct push_topics *topics, struct push_topic_facts *out, size_t room)
{
	mst_topic_tell(NULL, out);
	return topics->is_loaded;
}

static void want(struct push_topics *topics);

static void on_mail(struct mst_mail *mail)
{
	struct push_topics *topics = MST_HOME(mail, struct push_topics, mail);
	struct mst_link *link;

	topics->is_mailed = false;
	for (uint32_t i = 0; i < ANSWERS && (link = mst_list_first(&topics->line)) != NULL; i++) {
		struct push_item *item = MST_HOME(link, struct push_item, link);
		mst_list_drop(link);
		item->answer = (struct push_answer){.end = PUSH_ANSWERED, .status = 200};
		item->on_answer(item);
	}
	if (mst_list_first(&topics->line))
		want(topics);
}

static void want(struct push_topics *topics)
{
	if (topics->is_mailed)
		return;
	topics->is_mailed = true;
	topics->mail.on_mail = on_mail;
	mst_loop_post(topics->push->loop, &topics->mail);
}

bool mst_topic_send(struct push_topic *topic, struct push_item *item, uint64_t *again_ms)
{
	struct push_topics *topics = (struct push_topics *)topic;

	mst_list_add(&topics->line, &item->link);
	want(topics);
	return true;
}

bool mst_topic_stop(struct push_topic *topic, const char *why)
{
	return true;
}

void mst_topic_failed(struct push_topic *topic)
{
}

void mst_topic_worked(struct push_topic *topic)
{
}

void mst_topic_renew_token(struct push_topic *topic)
{
}

void mst_topic_reopen(struct push_topic *topic, struct push_item *item)
{
}

bool mst_topic_is_mdm(const struct push_topic *topic)
{
	return true;
}
