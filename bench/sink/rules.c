/* SPDX-License-Identifier: Apache-2.0 */
/* Answers by script, for a token or a topic, and by chance. */
#include "parts.h"

#include <stdlib.h>

#include "muster/clock.h"

#define PER_MILLE 1000

struct sink_rules {
	struct mst_map *rows; /* token or SHA-256 of a topic -> struct sink_rule */
};

int mst_rules_new(struct sink_rules **out, const struct sink_conf *conf, struct mst_err *e)
{
	struct sink_rules *rules = calloc(1, sizeof(*rules));

	*out = rules;
	if (!rules || !(rules->rows = mst_map_new(32, sizeof(struct sink_rule), conf->devices_max, false)))
		return mst_fail(e, MST_E_BUSY, "no memory for rules");
	return 0;
}

void mst_rules_free(struct sink_rules **rules)
{
	if (*rules) {
		mst_map_free(&(*rules)->rows);
		free(*rules);
	}
	*rules = NULL;
}

int mst_rules_set(struct sink_rules *rules, const uint8_t key[static 32], const struct sink_rule *rule, struct mst_err *e)
{
	struct sink_rule *row;

	if (rule->reason == SINK_NONE && rule->topic == 0) {
		mst_map_drop(rules->rows, key);
		return 0;
	}
	row = mst_map_set(rules->rows, key);
	if (!row)
		return mst_fail(e, MST_E_BUSY, "no room for another rule");
	*row = *rule;
	return 0;
}

/* True when the rule answers. */
static bool apply(struct sink_rules *rules, struct sink_push *push, const uint8_t *key, struct mst_slice topic)
{
	struct sink_rule *rule = mst_map_get0(rules->rows, key);

	if (!rule)
		return false;
	if (rule->topic && rule->topic != mst_topic_hash(topic)) {
		push->reason = SINK_NOT_FOR_TOPIC;
		return true;
	}
	if (rule->reason == SINK_NONE)
		return false;
	push->reason = rule->reason;
	push->retry_after_s = rule->retry_after_s;
	push->timestamp_ms = rule->timestamp_ms ? rule->timestamp_ms : mst_clock_wall_ms();
	if (rule->num_left && --rule->num_left == 0)
		mst_map_drop(rules->rows, key);
	return true;
}

/* xorshift64*: the same seed, the same errors. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ull;
}

void mst_rules_judge(struct sink *sink, struct sink_push *push, struct mst_slice topic)
{
	const struct sink_conf *conf = &sink->conf;
	uint8_t hash[32];

	if (mst_map_used(sink->rules->rows)) {
		if (apply(sink->rules, push, push->token, topic))
			return;
		mst_sha256(hash, topic);
		if (apply(sink->rules, push, hash, topic))
			return;
	}
	if (conf->error_rate && (next(&sink->chance) >> 32) % PER_MILLE < conf->error_rate) {
		push->reason = (enum sink_reason)conf->error_reason;
		push->timestamp_ms = mst_clock_wall_ms();
		push->retry_after_s = conf->retry_after_s;
	}
}
