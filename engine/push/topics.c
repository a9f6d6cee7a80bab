/* SPDX-License-Identifier: Apache-2.0 */
/* The topics of the service: their credentials as just read, what they share, their turns of the loop and ticks. */
#include "muster/count.h"
#include "muster/log.h"
#include "muster/text.h"
#include "link.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS_MAX 4 /* of one turn: what was flushed may make a topic ready again; then sockets have their turn */

/* Apple, "Sending notification requests to APNs", names an hour of silence and slow opening; the rest is ours. */
static const struct push_times times_usual = {
	.tick_ms = 200,
	.open_late_ms = 15000,
	.stall_ms = 30000,
	.pong_ms = 10000,
	.give_up_ms = 90000,
	.line_ms = 30000,
	.apart_ms = 1000,
	.replace_ms = 100,
	.rest_ms = 1000,
	.rest_max_ms = 60000,
};

/* The service's certificate and its name; whoever dials a new name or trusts new CAs meanwhile is judged by these. */
static int verify(void *context, struct mst_peer *out, const struct mst_slice *chain, size_t num_chain, int64_t now_s,
		  struct mst_err *e)
{
	const struct push_door *door = context;

	if (mst_trust_verify_server(door->topics->trust, out, chain, num_chain, now_s, e) < 0)
		return -1;
	return mst_host_check(chain[0], door->host, e);
}

/* Turns */

static void on_mail(struct mst_mail *mail)
{
	MST_HOME(mail, struct push_topics, mail)->is_mailed = false;
}

static bool has_work(const struct push_topics *topics)
{
	return !mst_list_empty(&topics->ready) || !mst_list_empty(&topics->dirty);
}

static void one_round(struct push_topics *topics)
{
	struct mst_link ready, *at;

	/* Who becomes ready meanwhile has the next round. */
	mst_list_init(&ready);
	while ((at = mst_list_first(&topics->ready)) != NULL) {
		mst_list_drop(at);
		mst_list_add(&ready, at);
	}
	while ((at = mst_list_first(&ready)) != NULL) {
		mst_list_drop(at);
		mst_topic_pump(MST_HOME(at, struct push_topic, in_ready));
	}
	while ((at = mst_list_first(&topics->dirty)) != NULL) {
		mst_list_drop(at);
		mst_link_flush(MST_HOME(at, struct push_link, in_dirty));
	}
}

static void on_turn(void *context)
{
	struct push_topics *topics = context;

	for (int i = 0; i < ROUNDS_MAX && has_work(topics); i++)
		one_round(topics);
	if (!has_work(topics) || topics->is_mailed)
		return;
	topics->is_mailed = true;
	topics->mail.on_mail = on_mail;
	mst_loop_post(topics->loop, &topics->mail);
}

static void on_tick(struct mst_timer *timer)
{
	struct push_topics *topics = MST_HOME(timer, struct push_topics, tick);
	uint64_t now_ms = mst_loop_now_ms(topics->loop);
	bool is_needed = false;

	topics->is_ticking = false;
	MST_LIST_EACH(at, keep, &topics->all) {
		struct push_topic *topic = MST_HOME(at, struct push_topic, in_all);
		if (mst_list_empty(&topic->links) && topic->num_waiting == 0)
			continue;
		mst_topic_tick(topic, now_ms);
		is_needed = true;
	}
	if (is_needed)
		mst_topics_wake(topics);
}

void mst_topics_wake(struct push_topics *topics)
{
	if (topics->is_ticking)
		return;
	topics->is_ticking = true;
	topics->tick.on_due = on_tick;
	mst_timer_set(topics->loop, &topics->tick, topics->times.tick_ms);
}

/* The service */

static void set_door(struct push_topics *topics, enum mst_push_env env, const char *host, uint16_t port)
{
	struct push_door *door = &topics->doors[env];
	struct mst_addr addr;
	bool is_v6 = host && strchr(host, ':') != NULL;

	door->topics = topics;
	door->port = port;
	snprintf(door->host, sizeof(door->host), "%s", host ? host : "");
	door->is_address = mst_address_literal(&addr, door->host);
	snprintf(door->authority, sizeof(door->authority), port == 443 ? "%s%s%s" : "%s%s%s:%u", is_v6 ? "[" : "", door->host,
		 is_v6 ? "]" : "", (unsigned)port);
}

static bool is_door(const struct push_door *door, const char *host, uint16_t port)
{
	return door->port == port && strcmp(door->host, host ? host : "") == 0;
}

/* True when the service is another one than before. */
static int take_conf(struct push_topics *topics, bool *is_new, struct mst_err *e)
{
	const struct mst_push_conf *conf = &topics->push->conf;
	uint16_t port = (uint16_t)conf->port;
	struct mst_trust *trust;
	uint8_t sha256[32];

	*is_new = !is_door(&topics->doors[MST_PUSH_PRODUCTION], conf->host, port) ||
		  !is_door(&topics->doors[MST_PUSH_SANDBOX], conf->sandbox_host, port);
	set_door(topics, MST_PUSH_PRODUCTION, conf->host, port);
	set_door(topics, MST_PUSH_SANDBOX, conf->sandbox_host, port);
	mst_sha256(sha256, conf->ca_pem);
	if (topics->trust && memcmp(sha256, topics->ca_sha256, sizeof(sha256)) == 0)
		return 0;
	if (mst_trust_new(&trust, conf->ca_pem, e) < 0)
		return -1;
	mst_trust_free(&topics->trust);
	topics->trust = trust;
	memcpy(topics->ca_sha256, sha256, sizeof(sha256));
	*is_new = true;
	return 0;
}

int mst_topics_new(struct push_topics **out, struct mst_push *push, struct mst_err *e)
{
	struct push_topics *topics = calloc(1, sizeof(*topics));
	bool is_new;

	if (!topics)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	topics->push = push;
	topics->loop = push->loop;
	topics->times = times_usual;
	mst_random(&topics->dice, sizeof(topics->dice));
	topics->dice |= 1;
	mst_list_init(&topics->all);
	mst_list_init(&topics->ready);
	mst_list_init(&topics->dirty);
	if (take_conf(topics, &is_new, e) < 0) {
		mst_topics_free(&topics);
		return -1;
	}
	mst_loop_each_turn(topics->loop, topics, on_turn);
	*out = topics;
	return 0;
}

void mst_topics_free(struct push_topics **at)
{
	struct push_topics *topics = *at;
	struct mst_link *first;

	*at = NULL;
	if (!topics)
		return;
	topics->is_ending = true;
	mst_timer_end(topics->loop, &topics->tick);
	while ((first = mst_list_first(&topics->all)) != NULL)
		mst_topic_free(MST_HOME(first, struct push_topic, in_all));
	mst_trust_free(&topics->trust);
	free(topics);
}

void mst_topics_tune(struct push_topics *topics)
{
	struct mst_err e;
	bool is_new;

	if (take_conf(topics, &is_new, &e) < 0)
		mst_log(ERROR, "the push service's CAs cannot be used: the former stay", mst_f_err(&e));
	if (!is_new)
		return;
	/* Credentials are not kept: they are read again for the new name. */
	topics->service_number++;
	mst_push_reload(topics->push);
}

void mst_topics_drain(struct push_topics *topics)
{
	topics->is_draining = true;
	MST_LIST_EACH(at, keep, &topics->all)
		mst_topic_ready(MST_HOME(at, struct push_topic, in_all));
}

/* Credentials */

static struct push_topic **bucket_of(struct push_topics *topics, struct mst_slice name)
{
	uint32_t hash = 2166136261u; /* FNV-1a: an operator's names, not a peer's */

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ name.at[i]) * 16777619u;
	return &topics->buckets[(hash ^ hash >> 16) % TOPIC_BUCKETS];
}

static struct push_topic *find(struct push_topics *topics, struct mst_slice name)
{
	struct push_topic *topic = *bucket_of(topics, name);

	while (topic && !mst_slice_eq(mst_slice(topic->name, topic->name_len), name))
		topic = topic->next;
	return topic;
}

struct push_topic *mst_topic_find(struct push_topics *topics, struct mst_slice name)
{
	struct push_topic *topic = find(topics, name);
	return topic && topic->has_credential ? topic : NULL;
}

static struct push_topic *find_or_make(struct push_topics *topics, struct mst_slice name)
{
	struct push_topic *topic = find(topics, name), **bucket = bucket_of(topics, name);

	if (topic || name.len == 0 || name.len > MST_TOPIC_MAX)
		return topic;
	topic = mst_topic_new(topics, name);
	if (topic) {
		topic->next = *bucket;
		*bucket = topic;
	}
	return topic;
}

static bool is_same(const struct push_topic *topic, const struct mst_pushcert *cert)
{
	return topic->has_credential && topic->put_ms == cert->put_ms && topic->env == cert->env && topic->is_token == cert->is_token &&
	       topic->service_number == topic->topics->service_number &&
	       memcmp(topic->sha256, cert->sha256, sizeof(topic->sha256)) == 0;
}

static int make_context(struct push_topic *topic, const struct mst_pushcert *cert, struct mst_err *e)
{
	struct push_topics *topics = topic->topics;
	struct push_door *door = &topics->doors[cert->env];
	struct mst_tls_conf conf = {
		.is_client = true,
		.verify = {.context = door, .verify = verify},
		.allows_12 = true,
		.host = door->is_address ? NULL : door->host,
		.alpn = "h2",
	};

	if (!cert->is_token) {
		conf.chain_pem = cert->chain_pem;
		conf.key_pem = cert->key_pem;
	}
	return mst_tls_ctx_new(&topic->tls, &conf, topics->push->work, topics->loop, e);
}

static int make_credential(struct push_topic *topic, const struct mst_pushcert *cert, struct mst_err *e)
{
	if (cert->is_token && mst_token_new(&topic->token, cert, e) < 0)
		return -1;
	return make_context(topic, cert, e);
}

static void forget_credential(struct push_topic *topic)
{
	mst_topic_retire_links(topic);
	mst_tls_ctx_free(&topic->tls);
	mst_token_free(&topic->token);
	topic->credential++;
}

static void take_credential(struct push_topic *topic, const struct mst_pushcert *cert)
{
	struct mst_err e;

	if (is_same(topic, cert))
		return;
	forget_credential(topic);
	topic->has_credential = true;
	topic->env = cert->env;
	topic->is_token = cert->is_token;
	topic->put_ms = cert->put_ms;
	topic->not_after = cert->not_after;
	topic->service_number = topic->topics->service_number;
	memcpy(topic->sha256, cert->sha256, sizeof(topic->sha256));
	mst_topic_start(topic);
	if (make_credential(topic, cert, &e) < 0)
		mst_topic_stop(topic, e.text);
}

/* What it has in hand goes on; what waits is given back by and by: nothing opens any more. */
static void drop_credential(struct push_topic *topic)
{
	forget_credential(topic);
	topic->has_credential = false;
	mst_topic_start(topic);
	mst_topic_rest(topic, UINT64_MAX, "no credential");
}

void mst_topics_load(struct push_topics *topics, const struct mst_pushcert *certs, size_t num_certs)
{
	MST_LIST_EACH(at, keep, &topics->all)
		MST_HOME(at, struct push_topic, in_all)->is_seen = false;
	for (size_t i = 0; i < num_certs; i++) {
		struct push_topic *topic = find_or_make(topics, certs[i].topic);
		if (!topic) {
			mst_log(ERROR, "no room for a push topic", mst_f_slice("topic", certs[i].topic));
			continue;
		}
		topic->is_seen = true;
		take_credential(topic, &certs[i]);
	}
	MST_LIST_EACH(at, keep, &topics->all) {
		struct push_topic *topic = MST_HOME(at, struct push_topic, in_all);
		if (!topic->is_seen && topic->has_credential)
			drop_credential(topic);
	}
}

size_t mst_topics_tell(struct push_topics *topics, struct push_topic_facts *out, size_t room)
{
	size_t num = 0;

	MST_LIST_EACH(at, keep, &topics->all) {
		const struct push_topic *topic = MST_HOME(at, struct push_topic, in_all);
		if (num < room && (topic->has_credential || !mst_list_empty(&topic->links)))
			mst_topic_tell(topic, &out[num++]);
	}
	return num;
}
