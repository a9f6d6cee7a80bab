/* SPDX-License-Identifier: Apache-2.0 */
/* Topics and links against a service that is well, and one that is not. */
#include "link_rig.h"

#include <stdio.h>

#include "muster/clock.h"

#define BEGIN(...)                                                                                 \
	struct rig r = {.loop = NULL, __VA_ARGS__};                                                              \
	rig_make(&r);                                                                              \
	rig_start(&r)

#define HAS(text) (strstr(r.service.head, text) != NULL)

Test(link, good_answers)
{
	BEGIN(.judges = true);
	rig_send_many(&r, 500);
	cr_expect_eq(r.num_answers, 0, "never inside");
	UNTIL(&r, r.num_ok == 500);
	cr_expect_eq(r.service.num_requests, 500);
	cr_expect_eq(rig_count(MST_C_PUSH_SENT), 500);
	cr_expect_eq(r.topic->num_answered, 500);
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS), r.service.num_live);
	struct mst_cert client;
	uint8_t sha256[32];
	cr_assert_eq(mst_cert_parse(&client, r.client.der, NULL), 0);
	mst_sha256(sha256, r.client.der);
	cr_expect_arr_eq(r.service.peer.sha256, sha256, 32, "our certificate was shown");
	rig_done(&r);
}

Test(link, request)
{
	BEGIN(.host = "127.0.0.1");
	mst_clock_fake(PKI_NOW * 1000ll);
	cr_assert(rig_send(&r));
	r.items[0].priority = 5;
	UNTIL(&r, r.num_ok == 1);
	char authority[64];
	snprintf(authority, sizeof(authority), ":authority: 127.0.0.1:%u\n", (unsigned)r.service.port);
	cr_expect(HAS(":method: POST\n:scheme: https\n:path: /3/device/00000"), "%s", r.service.head);
	cr_expect(HAS(authority), "%s", r.service.head);
	cr_expect(HAS("apns-topic: " RIG_TOPIC "\n"));
	cr_expect(HAS("apns-push-type: mdm\n"));
	cr_expect(HAS("apns-priority: 5\n"));
	cr_expect(HAS("apns-expiration: 1800003600\n"), "%s", r.service.head);
	cr_expect(!HAS("authorization") && !HAS("collapse"));
	cr_expect_str_eq(r.service.payload, "{\"mdm\":\"0\"}");
	cr_expect_str_eq(r.items[0].apns_id, "eabeae54-14a8-11e5-b60b-1697f925ec7b", "the service's own");
	/* Sent again, known now; an expiry of 0 means once. */
	struct push_note note = {.payload = MST_S("{\"aps\":{}}"), .push_type = "alert", .collapse_id = "news"};
	r.items[1] = r.items[0];
	r.items[1].note = &note;
	r.items[1].expiry_s = 0;
	r.items[1].priority = 10;
	uint64_t again_ms;
	cr_assert(mst_topic_send(r.topic, &r.items[1], &again_ms));
	UNTIL(&r, r.num_ok == 2);
	cr_expect(HAS("apns-push-type: alert\n") && HAS("apns-collapse-id: news\n") && HAS("apns-expiration: 0\n"), "%s", r.service.head);
	cr_expect(HAS("apns-priority: 10\n"));
	cr_expect_str_eq(r.service.payload, "{\"aps\":{}}");
	rig_done(&r);
}

Test(link, rsa_signs_on_a_worker)
{
	BEGIN(.is_rsa = true);
	rig_send_many(&r, 3);
	UNTIL(&r, r.num_ok == 3);
	rig_done(&r);
}

Test(link, answers)
{
	static const struct {
		const char *status, *body, *retry_after;
		int want;
		const char *reason;
		int64_t timestamp_ms;
		uint32_t retry_after_s;
	} rows[] = {
		{"410", "{\"reason\":\"Unregistered\",\"timestamp\":1454402113000}", NULL, 410, "Unregistered", 1454402113000, 0},
		{"400", "{\"reason\":\"BadDeviceToken\"}", NULL, 400, "BadDeviceToken", 0, 0},
		{"429", "{\"reason\":\"TooManyRequests\"}", "120", 429, "TooManyRequests", 0, 120},
		{"503", "{\"reason\":\"ServiceUnavailable\"}", "99999999", 503, "ServiceUnavailable", 0, 86400},
		{"503", "{\"reason\":\"ServiceUnavailable\"}", "Fri, 31 Dec 1999 23:59:59 GMT", 503, "ServiceUnavailable", 0, 0},
		{"500", "", NULL, 500, "", 0, 0},
		{"500", "<html>not JSON</html>", NULL, 500, "", 0, 0},
		{"500", "{\"reason\":7,\"timestamp\":\"x\"}", NULL, 500, "", 0, 0},
		{"500", "{\"reason\":\"AReasonThatIsLongerThanAnyReasonThatTheServiceHasEverHad\"}", NULL, 500, "", 0, 0},
		{"410", "{\"reason\":\"Unregistered\",\"timestamp\":-5}", NULL, 410, "Unregistered", 0, 0},
	};
	BEGIN();

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		r.service.status = rows[i].status;
		r.service.body = rows[i].body;
		r.service.retry_after = rows[i].retry_after;
		cr_assert(rig_send(&r));
		UNTIL(&r, r.num_answers == i + 1);
		cr_expect_eq(r.last.end, PUSH_ANSWERED);
		cr_expect_eq(r.last.status, rows[i].want);
		cr_expect_str_eq(r.last.reason, rows[i].reason);
		cr_expect_eq(r.last.timestamp_ms, rows[i].timestamp_ms, "row %zu", i);
		cr_expect_eq(r.last.retry_after_s, rows[i].retry_after_s, "row %zu", i);
	}
	rig_done(&r);
}

/* A body longer than any answer is cut. */
Test(link, long_body)
{
	static char body[2000];
	BEGIN();

	memset(body, 'x', sizeof(body) - 1);
	r.service.status = "500";
	r.service.body = body;
	rig_send_many(&r, 20);
	UNTIL(&r, r.num_other == 20);
	cr_expect_str_eq(r.last.reason, "");
	rig_done(&r);
}

Test(link, goaway_in_the_middle)
{
	BEGIN(.resends = true);
	r.service.goaway_at = 60;
	rig_send_many(&r, 400);
	UNTIL(&r, r.num_ok == 400);
	cr_expect_eq(r.service.num_requests, 400, "nothing twice, nothing lost");
	cr_expect_eq(r.num_lost, 0);
	cr_expect_gt(r.num_unsent, 0);
	cr_expect_geq(rig_count(MST_C_PUSH_GOAWAY), 6);
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS_LOST), 0);
	FOR_MS(&r, 50);
	cr_expect_leq(r.service.num_live, 2, "who was sent away has closed");
	rig_done(&r);
}

Test(link, settings_to_one_and_back)
{
	BEGIN();
	r.push.conf.links_max = 1;
	r.service.holds = true;
	rig_send_many(&r, 50);
	UNTIL(&r, r.service.num_open_now == 50);
	rig_settle(&r, 1);
	FOR_MS(&r, 50);
	rig_send_many(&r, 40);
	r.service.num_most_open = 0;
	rig_release(&r);
	UNTIL(&r, r.num_ok == 90);
	cr_expect_eq(r.service.num_most_open, 1, "one at a time");
	rig_settle(&r, 0);
	FOR_MS(&r, 50);
	rig_send_many(&r, 10);
	FOR_MS(&r, 100);
	cr_expect_eq(r.num_ok, 90, "none");
	cr_expect_eq(r.topic->num_waiting, 10);
	rig_settle(&r, 100);
	UNTIL(&r, r.num_ok == 100);
	cr_expect_eq(r.num_lost + r.num_unsent, 0);
	rig_done(&r);
}

Test(link, opens_more_under_load_and_closes_when_idle)
{
	BEGIN();
	r.push.conf.links_max = 3;
	r.service.limits.streams_max = 10;
	r.service.holds = true;
	rig_send_many(&r, 100);
	UNTIL(&r, r.service.num_open_now == 10);
	cr_expect_eq(r.service.num_conns, 1, "the first at once, the second later");
	UNTIL(&r, r.service.num_open_now == 30);
	FOR_MS(&r, 250);
	cr_expect_eq(r.service.num_conns, 3, "no more than links_max");
	rig_release(&r);
	UNTIL(&r, r.num_ok == 100);
	FOR_MS(&r, 60);
	cr_expect_eq(r.service.num_live, 3);
	r.push.conf.idle_s = 0;
	UNTIL(&r, r.service.num_live == 1);
	FOR_MS(&r, 100);
	cr_expect_eq(r.service.num_live, 1, "one stays");
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS_LOST), 0);
	r.push.conf.idle_s = 600;
	rig_send_many(&r, 5);
	UNTIL(&r, r.num_ok == 105);
	rig_done(&r);
}

/* The peer reads nothing any more. */
Test(link, stall)
{
	BEGIN(.judges = true);
	r.service.holds = true;
	rig_send_many(&r, 5);
	UNTIL(&r, r.service.num_open_now == 5);
	r.service.conns[0]->is_deaf = true;
	UNTIL(&r, r.num_lost == 5);
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS_LOST), 1);
	cr_expect_eq(r.topic->state, TOPIC_OPEN);
	r.service.holds = false;
	rig_send_many(&r, 5);
	UNTIL(&r, r.num_ok == 5);
	rig_done(&r);
}

/* The peer lives and does not answer: asked, waited for, then that push alone is given up. */
Test(link, one_push_is_not_answered)
{
	BEGIN();
	r.service.holds = true;
	rig_send_many(&r, 1);
	UNTIL(&r, r.service.num_open_now == 1);
	r.service.holds = false;
	FOR_MS(&r, 500);
	cr_expect_eq(r.num_lost, 0, "the PING was answered");
	rig_send_many(&r, 5);
	UNTIL(&r, r.num_ok == 5);
	UNTIL(&r, r.num_lost == 1);
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS_LOST), 0);
	cr_expect_eq(r.service.num_conns, 1);
	rig_done(&r);
}

Test(link, silence_is_pinged)
{
	BEGIN();
	rig_send_many(&r, 1);
	UNTIL(&r, r.num_ok == 1);
	r.push.conf.ping_s = 1;
	FOR_MS(&r, 1500);
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS_LOST), 0, "answered");
	for (size_t i = 0; i < RIG_CONNS; i++)
		if (r.service.conns[i])
			r.service.conns[i]->is_deaf = true;
	UNTIL(&r, rig_count(MST_C_PUSH_LINKS_LOST) == 1);
	rig_done(&r);
}

/* A link that breaks with many pushes is one failure. */
Test(link, drop)
{
	BEGIN(.judges = true);
	r.service.drop_at = 100;
	r.service.holds = true;
	rig_send_many(&r, 100);
	UNTIL(&r, r.num_lost == 100);
	cr_expect_eq(r.topic->num_failures, 1);
	cr_expect_eq(r.topic->state, TOPIC_OPEN);
	r.service.drop_at = 0;
	r.service.holds = false;
	rig_send_many(&r, 10);
	UNTIL(&r, r.num_ok == 10);
	cr_expect_eq(r.topic->num_failures, 0);
	rig_done(&r);
}

Test(link, breaker)
{
	uint64_t again_ms = 0;
	BEGIN(.judges = true);

	r.service.status = "503";
	r.service.body = "{\"reason\":\"ServiceUnavailable\"}";
	r.service.limits.streams_max = 8;
	rig_send_many(&r, 30);
	UNTIL(&r, r.topic->state == TOPIC_RESTING);
	FOR_MS(&r, 10);
	cr_expect_eq(r.num_back + r.num_answers, 30, "what waited is given back");
	cr_expect_gt(r.num_back, 0);
	cr_expect(!mst_topic_send(r.topic, &r.items[0], &again_ms) || r.topic->state == TOPIC_PROBING);
	/* A probe fails: longer. */
	uint32_t requests = r.service.num_requests;
	UNTIL(&r, rig_send(&r));
	cr_expect_eq(r.topic->state, TOPIC_PROBING);
	cr_expect(!rig_send(&r), "one probe alone");
	UNTIL(&r, r.topic->state == TOPIC_RESTING);
	cr_expect_eq(r.service.num_requests, requests + 1);
	cr_expect_gt(r.topic->rest_ms, r.topics->times.rest_ms);
	/* A probe works. */
	r.service.status = NULL;
	UNTIL(&r, rig_send(&r));
	UNTIL(&r, r.topic->state == TOPIC_OPEN);
	rig_send_many(&r, 20);
	UNTIL(&r, r.num_ok == 21);
	rig_done(&r);
}

static void expect_refused(struct rig *r, const char *why)
{
	UNTIL(r, r->topic->state == TOPIC_RESTING);
	cr_expect(strstr(r->topic->why, why), "%s", r->topic->why);
	FOR_MS(r, 20);
	cr_expect_eq(r->num_back, r->num_items);
	cr_expect_eq(r->service.num_requests, 0, "nothing was said");
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS), 0);
	cr_expect_eq(r->num_answers, 0);
}

Test(link, wrong_server_certificate)
{
	BEGIN(.is_foreign = true);
	rig_send_many(&r, 3);
	expect_refused(&r, "no path");
	rig_done(&r);
}

Test(link, wrong_host_name)
{
	static const char *const dns[] = {"api.push.apple.com", NULL};
	BEGIN(.dns = dns);
	rig_send_many(&r, 3);
	expect_refused(&r, "not of localhost");
	rig_done(&r);
}

Test(link, no_h2)
{
	BEGIN(.alpn = "http/1.1");
	rig_send_many(&r, 3);
	expect_refused(&r, "HTTP/2");
	rig_done(&r);
}

Test(link, nobody_listens)
{
	BEGIN();
	mst_net_hush(r.net);
	rig_send_many(&r, 3);
	expect_refused(&r, "refused");
	rig_done(&r);
}

Test(link, never_shakes_hands)
{
	BEGIN();
	r.service.has_silent_tls = true;
	r.topics->times.open_late_ms = 200;
	rig_send_many(&r, 3);
	expect_refused(&r, "too long");
	rig_done(&r);
}

Test(link, no_such_name)
{
	BEGIN(.host = "no-such-host.invalid");
	rig_send_many(&r, 3);
	expect_refused(&r, "no-such-host.invalid: ");
	rig_done(&r);
}

/* Three handshakes in which the service refuses the credential stop the topic; a new credential starts it. */
Test(link, refused_certificate)
{
	BEGIN(.judges = true);
	r.service.refuses = MST_E_DENIED;
	for (int i = 0; i < 3; i++) {
		UNTIL(&r, rig_send(&r));
		UNTIL(&r, r.topic->state != TOPIC_OPEN && r.topic->state != TOPIC_PROBING);
	}
	cr_expect_eq(r.topic->state, TOPIC_STOPPED);
	cr_expect(strstr(r.topic->why, "revoked"), "%s", r.topic->why);
	cr_expect_eq(rig_count(MST_C_PUSH_STOPPED), 1);
	FOR_MS(&r, 500);
	cr_expect(!rig_send(&r));
	cr_expect_eq(r.num_back, r.num_items);
	r.service.refuses = MST_E_NONE;
	rig_load(&r, &r.client, 1);
	cr_expect_eq(r.topic->state, TOPIC_STOPPED, "the same one");
	rig_load(&r, &r.newer, 2);
	cr_expect_eq(r.topic->state, TOPIC_OPEN);
	rig_send_many(&r, 3);
	UNTIL(&r, r.num_ok == 3);
	rig_done(&r);
}

Test(link, replaced_credential)
{
	uint8_t sha256[32];
	BEGIN();

	r.service.holds = true;
	rig_send_many(&r, 5);
	UNTIL(&r, r.service.num_open_now == 5);
	rig_load(&r, &r.newer, 2);
	rig_send_many(&r, 5);
	UNTIL(&r, r.service.num_open_now == 10);
	mst_sha256(sha256, r.newer.der);
	cr_expect_arr_eq(r.service.peer.sha256, sha256, 32, "the new one on a new link");
	cr_expect_eq(r.service.num_live, 2, "the old one finishes");
	rig_release(&r);
	UNTIL(&r, r.num_ok == 10);
	UNTIL(&r, r.service.num_live == 1);
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS_LOST), 0);
	rig_done(&r);
}

/* What the service still says of the former one stops nothing. */
Test(link, refused_after_replaced)
{
	BEGIN(.judges = true);
	r.service.holds = true;
	rig_send_many(&r, 5);
	UNTIL(&r, r.service.num_open_now == 5);
	rig_load(&r, &r.newer, 2);
	r.service.status = "403";
	r.service.body = "{\"reason\":\"BadCertificate\"}";
	rig_release(&r);
	UNTIL(&r, r.num_other == 5);
	cr_expect(r.topic->state == TOPIC_OPEN && r.num_stops == 0);
	rig_send_many(&r, 1);
	UNTIL(&r, r.num_other == 6);
	cr_expect(r.topic->state == TOPIC_STOPPED && r.num_stops == 1);
	rig_done(&r);
}

Test(link, dropped_credential)
{
	BEGIN();
	r.service.holds = true;
	r.service.limits.streams_max = 5;
	rig_send_many(&r, 12);
	UNTIL(&r, r.service.num_open_now >= 5);
	mst_topics_load(r.topics, NULL, 0);
	cr_expect_null(mst_topic_find(r.topics, MST_S(RIG_TOPIC)));
	FOR_MS(&r, 20);
	cr_expect_gt(r.num_back, 0);
	rig_release(&r);
	UNTIL(&r, r.num_ok + r.num_back == 12);
	UNTIL(&r, r.service.num_live == 0);
	struct push_topic_facts facts;
	UNTIL(&r, mst_topics_tell(r.topics, &facts, 1) == 0);
	rig_load(&r, &r.client, 3);
	cr_assert(rig_send(&r));
	rig_done(&r);
}

Test(link, stopped_by_an_answer)
{
	BEGIN(.judges = true);
	r.service.status = "400";
	r.service.body = "{\"reason\":\"TopicDisallowed\"}";
	r.service.limits.streams_max = 4;
	rig_send_many(&r, 20);
	UNTIL(&r, r.topic->state == TOPIC_STOPPED);
	UNTIL(&r, r.num_back + r.num_answers == 20);
	cr_expect_str_eq(r.topic->why, "TopicDisallowed");
	UNTIL(&r, r.service.num_live == 0);
	rig_done(&r);
}

/* 503 Shutdown: this link takes no more. */
Test(link, shutdown_reopens)
{
	BEGIN(.judges = true, .resends = true);
	r.service.status = "503";
	r.service.body = "{\"reason\":\"Shutdown\"}";
	r.service.bad_num = 1;
	rig_send_many(&r, 1);
	UNTIL(&r, r.num_ok == 1);
	cr_expect_eq(r.service.num_conns, 2);
	UNTIL(&r, r.service.num_live == 1);
	rig_done(&r);
}

Test(link, drain)
{
	BEGIN();
	r.service.holds = true;
	r.service.limits.streams_max = 5;
	r.push.conf.links_max = 1;
	rig_send_many(&r, 12);
	UNTIL(&r, r.service.num_open_now == 5);
	mst_topics_drain(r.topics);
	FOR_MS(&r, 50);
	cr_expect_eq(r.service.num_live, 1, "not before it is done");
	rig_release(&r);
	UNTIL(&r, r.num_ok == 12);
	UNTIL(&r, r.service.num_live == 0);
	struct push_topic_facts facts;
	UNTIL(&r, mst_topics_tell(r.topics, &facts, 1) == 1 && facts.num_links == 0);
	cr_expect_eq(facts.num_answered, 12);
	cr_expect_eq(rig_count(MST_C_PUSH_LINKS_LOST), 0);
	rig_done(&r);
}

/* Ends in the middle of everything. */
Test(link, freed_in_flight)
{
	BEGIN();
	r.service.holds = true;
	rig_send_many(&r, 50);
	UNTIL(&r, r.service.num_open_now > 0);
	rig_send_many(&r, 50);
	rig_done(&r);
	cr_expect_eq(r.num_answers, 0);
}

Test(link, another_service)
{
	BEGIN();
	rig_send_many(&r, 1);
	UNTIL(&r, r.num_ok == 1);
	mst_topics_tune(r.topics);
	cr_expect_eq(r.num_reloads, 0, "nothing changed");
	r.push.conf.host = "127.0.0.1";
	mst_topics_tune(r.topics);
	cr_expect_eq(r.num_reloads, 1);
	rig_load(&r, &r.client, 1);
	rig_send_many(&r, 1);
	UNTIL(&r, r.num_ok == 2);
	cr_expect(HAS(":authority: 127.0.0.1:"));
	cr_expect_eq(r.service.num_conns, 2);
	UNTIL(&r, r.service.num_live == 1);
	rig_done(&r);
}

/* The service allows no streams for long: what waits makes room for others. */
Test(link, takes_nothing)
{
	BEGIN();
	rig_send_many(&r, 1);
	UNTIL(&r, r.num_ok == 1);
	r.push.conf.links_max = 1;
	r.topics->times.line_ms = 200;
	rig_settle(&r, 0);
	FOR_MS(&r, 30);
	rig_send_many(&r, 20);
	UNTIL(&r, r.topic->state == TOPIC_RESTING);
	UNTIL(&r, r.num_back == 20);
	cr_expect_eq(r.service.num_live, 1, "the link stays");
	rig_settle(&r, 100);
	UNTIL(&r, rig_send(&r));
	UNTIL(&r, r.num_ok == 2);
	rig_done(&r);
}

Test(link, unusable_credential)
{
	BEGIN();
	struct pki broken = r.newer;
	broken.key_pem = r.client.key_pem; /* of another certificate */
	rig_load(&r, &broken, 2);
	cr_expect_eq(r.topic->state, TOPIC_STOPPED);
	cr_expect(!rig_send(&r));
	rig_load(&r, &r.newer, 3);
	rig_send_many(&r, 1);
	UNTIL(&r, r.num_ok == 1);
	rig_done(&r);
}

static void set_faults(struct rig *r, uint64_t dice)
{
	struct rig_service *s = &r->service;

	s->goaway_at = dice & 1 ? 1 + dice % 97 : 0;
	s->drop_at = dice & 2 ? 1 + dice % 61 : 0;
	s->is_deaf = (dice & 60) == 4;
	s->drops_new = (dice & 60) == 8;
	s->has_silent_tls = (dice & 60) == 12;
	s->refuses = (dice & 60) == 16 ? MST_E_BUSY : MST_E_NONE;
	s->status = (dice & 192) == 64 ? "503" : NULL;
	s->holds = (dice & 768) == 256;
	if (!s->holds)
		rig_release(r);
	rig_settle(r, (uint32_t)(dice >> 10) % 40);
}

/* Every fault in turn, again and again: each push is accepted in the end, and nothing is left. */
Test(link, chaos, .timeout = 60)
{
	uint64_t dice = 88172645463325252u;
	BEGIN(.resends = true, .judges = true);

	r.topics->times = (struct push_times){.tick_ms = 16, .open_late_ms = 100, .stall_ms = 60, .pong_ms = 60, .give_up_ms = 200,
					      .line_ms = 200, .apart_ms = 10, .replace_ms = 5, .rest_ms = 10, .rest_max_ms = 20};
	rig_send_many(&r, 2000);
	for (int round = 1; round < 100; round++) {
		dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
		set_faults(&r, dice);
		if ((dice >> 40) % 8 == 0)
			rig_load(&r, round & 1 ? &r.newer : &r.client, round + 1);
		FOR_MS(&r, 20);
		rig_again(&r);
		for (uint32_t more = r.num_items - r.num_ok; more < 500 && r.num_items < RIG_ITEMS && rig_send(&r); more++)
			continue;
	}
	set_faults(&r, 0);
	rig_settle(&r, 100);
	for (int i = 0; i < 500 && r.num_ok < r.num_items; i++) {
		FOR_MS(&r, 10);
		rig_again(&r);
	}
	cr_expect_eq(r.num_ok, r.num_items);
	cr_expect_gt(r.num_lost, 0);
	cr_expect_gt(r.num_unsent, 0);
	cr_expect_gt(r.num_other, 0);
	cr_expect_eq(r.topic->num_waiting, 0);
	mst_topics_drain(r.topics);
	UNTIL(&r, mst_list_empty(&r.topic->links));
	rig_done(&r);
}
