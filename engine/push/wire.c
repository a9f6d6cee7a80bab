/* SPDX-License-Identifier: Apache-2.0 */
/* What a link is made of: the service's addresses in turn, a connection, TLS with the topic's certificate, HTTP/2. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "muster/count.h"
#include "muster/json.h"
#include "muster/log.h"
#include "link.h"

#define GOAWAY_DEPTH 4
#define GOAWAY_MAX   4096

/* The service's alerts that say our certificate is no good (RFC 8446 6.2). */
static const struct {
	uint8_t alert;
	const char *why;
} refusals[] = {
	{42, "the service says our certificate is bad"},
	{43, "the service does not support our certificate"},
	{44, "the service says our certificate was revoked"},
	{45, "the service says our certificate has expired"},
	{46, "the service refuses our certificate"},
	{48, "the service does not know who issued our certificate"},
	{49, "the service denies access"},
	{116, "the service demands a certificate"},
};

static struct push_topics *topics_of(const struct push_link *link)
{
	return link->topic->topics;
}

static uint64_t now_ms_of(const struct push_link *link)
{
	return mst_loop_now_ms(topics_of(link)->loop);
}

static struct mst_field f_topic(const struct push_link *link)
{
	return mst_f_slice("topic", mst_slice(link->topic->name, link->topic->name_len));
}

/* HTTP/2 */

static int on_put(void *context, struct mst_slice bytes, struct mst_err *e)
{
	struct push_link *link = context;
	return mst_tls_write(link->tls, bytes, e);
}

/* {"reason":"..."}, RFC 9113 6.8's debug data as Apple uses it. */
static void on_goaway(void *context, uint32_t code, struct mst_slice debug)
{
	struct push_link *link = context;
	struct mst_json_value *root = NULL;
	struct mst_slice reason = {NULL, 0};

	if (debug.len && mst_json_parse(&root, debug, GOAWAY_MAX, GOAWAY_DEPTH, NULL) == 0 &&
	    mst_json_get_text0(root, &reason, "reason", NULL) == 1 && reason.len > PUSH_REASON_MAX)
		reason.len = PUSH_REASON_MAX;
	mst_count(MST_C_PUSH_GOAWAY, 1);
	mst_log_peer(INFO, "the push service sends a connection away", f_topic(link), mst_f_str("code", mst_h2_code_word(code)),
		     mst_f_slice("reason", reason), mst_f_u64("answered", link->num_answered));
	mst_json_free(&root);
	mst_topic_sent_away(link->topic, link);
	mst_link_retire(link);
	mst_link_soil(link);
}

static void on_settings(void *context)
{
	struct push_link *link = context;

	if (link->state == LINK_GREETING) {
		mst_link_set(link, LINK_OPEN);
		link->has_opened = true;
		link->worked_ms = now_ms_of(link);
		mst_count(MST_C_PUSH_LINKS, 1);
		mst_topic_opened(link->topic, link);
	}
	mst_topic_ready(link->topic);
}

static void on_pong(void *context)
{
	struct push_link *link = context;

	link->ping_ms = 0;
	link->is_suspect = false;
	mst_topic_ready(link->topic);
}

static int speak(struct push_link *link, struct mst_err *e)
{
	static const struct mst_h2_limits limits = {.head_max = 16384}; /* answers are small; the rest as is usual */
	struct mst_h2_hooks hooks = mst_request_hooks;

	if (!mst_slice_eq(mst_tls_alpn0(link->tls), MST_S("h2")))
		return mst_fail(e, MST_E_CRYPTO, "the service does not speak HTTP/2");
	hooks.context = link;
	hooks.put = on_put;
	hooks.on_goaway = on_goaway;
	hooks.on_settings = on_settings;
	hooks.on_pong = on_pong;
	if (mst_h2_new(&link->h2, true, &limits, &hooks, e) < 0)
		return -1;
	mst_conn_set(link->conn, MST_CONN_IDLE);
	mst_link_set(link, LINK_GREETING);
	mst_link_soil(link);
	return 0;
}

/* TLS */

static void lose_tls(struct push_link *link, const struct mst_err *e)
{
	uint8_t alert = link->tls ? mst_tls_alert(link->tls) : 0;
	const char *why = e->text;

	for (size_t i = 0; i < MST_LEN(refusals); i++)
		if (refusals[i].alert == alert) {
			why = refusals[i].why;
			link->is_refused = true;
		}
	mst_link_lose_saying(link, why);
}

/* Reads the session dry. */
static void pump(struct push_link *link)
{
	struct push_topics *topics = topics_of(link);
	struct mst_err e;
	int len = 0;

	while (link->state != LINK_CLOSING) {
		len = mst_tls_read(link->tls, topics->plain, sizeof(topics->plain), &e);
		if (len < 0) {
			lose_tls(link, &e);
			return;
		}
		if (link->state == LINK_CONNECTING && mst_tls_is_open(link->tls) && speak(link, &e) < 0) {
			mst_link_lose(link, e.text);
			return;
		}
		if (len == 0)
			break;
		if (mst_h2_feed(link->h2, mst_slice(topics->plain, (size_t)len), &e) < 0) {
			/* What is ready to leave says why; that it fails again says nothing new. */
			if (mst_h2_flush(link->h2, NULL) < 0)
				mst_log_peer(DEBUG, "nothing can be said any more", f_topic(link));
			mst_link_lose_saying(link, e.text);
			return;
		}
	}
	if (link->state == LINK_CONNECTING)
		mst_conn_flush(link->conn);
	else
		mst_link_soil(link); /* what was read may want an answer */
	if (mst_tls_is_ended(link->tls))
		mst_link_lose(link, "closed by the service");
}

static int put_cipher(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct push_link *link = context;
	return mst_conn_put(link->conn, cipher, e);
}

static void on_ready(void *context)
{
	struct push_link *link = context;

	if (link->state != LINK_CLOSING)
		pump(link);
}

/* The connection */

static int on_open(struct mst_conn *c)
{
	struct push_link *link = c->up;
	const struct mst_tls_sink sink = {.context = link, .put = put_cipher, .on_ready = on_ready};
	struct mst_err e;

	if (!link)
		return -1;
	if (link->state == LINK_CLOSING || !link->topic->tls)
		return -1;
	if (mst_tls_new(&link->tls, link->topic->tls, &sink, &e) < 0) {
		mst_link_lose(link, e.text);
		return -1;
	}
	pump(link);
	return 0;
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	struct push_link *link = c->up;
	struct mst_err e;

	if (!link || link->state == LINK_CLOSING || !link->tls)
		return;
	link->heard_ms = now_ms_of(link);
	if (mst_tls_feed(link->tls, bytes, &e) < 0)
		lose_tls(link, &e);
	else
		pump(link);
}

static void on_sent(struct mst_conn *c)
{
	struct push_link *link = c->up;

	if (link && link->state == LINK_OPEN)
		mst_topic_ready(link->topic);
}

/* Only what is waited for here has a deadline of ours: mst_link_tick. Others of net's close the connection. */
static void on_late(struct mst_conn *c)
{
	if (c->state == MST_CONN_IDLE)
		mst_conn_set(c, MST_CONN_IDLE);
}

static void on_end(struct mst_conn *c)
{
	struct push_link *link = c->up;

	if (!link || link->state == LINK_CLOSING)
		mst_conn_close(c, "closed by the service");
	else
		mst_link_lose(link, "closed by the service");
}

static void on_gone(struct mst_conn *c);

static const struct mst_edge edge = {
	.on_open = on_open, .on_bytes = on_bytes, .on_sent = on_sent, .on_late = on_late, .on_end = on_end, .on_gone = on_gone,
};

static void tell_lost(const struct push_link *link)
{
	mst_count(MST_C_PUSH_LINKS_LOST, 1);
	mst_log_peer(WARN, "a connection to the push service is lost", f_topic(link), mst_f_str("why", link->why),
		     mst_f_u64("answered", link->num_answered));
}

/* The end of a link: nobody refers to it any more. */
static void finish(struct push_link *link)
{
	struct push_topic *topic = link->topic;

	mst_list_drop(&link->in_topic);
	mst_list_drop(&link->in_dirty);
	if (link->has_opened) {
		mst_count(MST_C_PUSH_LINKS, -1);
		if (link->is_lost)
			tell_lost(link);
	}
	if (topic->opening == link)
		topic->opening = NULL;
	if (!link->is_abandoned && (!link->has_opened || (link->is_lost && link->num_answered == 0)))
		mst_topic_open_failed(topic, link);
	mst_topic_ready(topic);
	free(link);
}

/* True: a connection is on its way. */
static bool dial(struct push_link *link)
{
	struct push_topics *topics = topics_of(link);
	struct push_address *address = &link->address;
	struct mst_err e;

	while (!link->is_abandoned && !link->is_refused && address->at < address->num) {
		const struct mst_addr *to = &address->found[address->at++];
		link->begun_ms = link->heard_ms = now_ms_of(link);
		link->is_lost = false;
		if (mst_net_dial(&link->conn, topics->push->net, to, &edge, link, &e) == 0) {
			mst_link_set(link, LINK_CONNECTING);
			return true;
		}
		mst_link_say_why(link, e.text);
	}
	return false;
}

static void on_gone(struct mst_conn *c)
{
	struct push_link *link = c->up;
	struct push_topic *topic;

	if (!link)
		return;
	topic = link->topic;
	if (link->state != LINK_CLOSING) { /* net closed it: refused, or a deadline of its own */
		mst_link_say_why(link, c->why ? c->why : "closed");
		link->is_lost = true;
		mst_link_set(link, LINK_CLOSING);
	}
	link->conn = NULL;
	topic->loss = LOSS_NEW;
	mst_h2_free(&link->h2);
	topic->loss = LOSS_NONE;
	mst_tls_free(&link->tls);
	if (!link->has_opened && dial(link))
		return;
	finish(link);
}

/* Addresses */

static void no_address(struct push_link *link, const struct push_address *address)
{
	struct mst_err why;

	_Static_assert(sizeof why.text >= sizeof link->why, "the reason fits");
	(void)!mst_fail(&why, MST_E_ABSENT, "%.60s: %.30s", address->host,
			address->failure ? gai_strerror(address->failure) : "no address");
	memcpy(link->why, why.text, sizeof link->why);
	link->why[sizeof link->why - 1] = 0;
}

static void on_found(struct push_address *address)
{
	struct push_link *link = MST_HOME(address, struct push_link, address);

	if (address->num == 0)
		no_address(link, address);
	if (!dial(link))
		finish(link);
}

int mst_wire_open(struct push_topic *topic, struct mst_err *e)
{
	struct push_topics *topics = topic->topics;
	const struct push_door *door = &topics->doors[topic->env];
	struct push_link *link = calloc(1, sizeof(*link));
	int rc;

	if (!link)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	link->topic = topic;
	link->credential = topic->credential;
	link->address.on_found = on_found;
	mst_list_init(&link->sent);
	rc = mst_address_ask(&link->address, topics->push->work, topics->loop, door->host, door->port, e);
	if (rc < 0) {
		free(link);
		return -1;
	}
	link->begun_ms = now_ms_of(link);
	topic->opening = link;
	mst_list_add(&topic->links, &link->in_topic);
	mst_topics_wake(topics);
	if (rc == 1)
		on_found(&link->address);
	return 0;
}
