/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk: what every token got, one stored push for each token and topic (newest wins, expiry honoured), what was repeated,
 * and the sum of all counts.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "muster/clock.h"
#include "muster/text.h"

#define STORED_MAX (1u << 20) /* pushes kept for devices that are not connected */

/* A push that waits for its device. */
struct stored {
	struct stored *next;
	uint64_t topic;
	int64_t expires_ms;
	uint32_t len;
	uint8_t payload[];
};

struct token {
	uint32_t slot, gen; /* of the connection its device is on; gen 0: none */
	uint32_t num_taken, num_given;
	int64_t taken_ms;
	struct stored *stored;
};

struct counts {
	struct sink_tally tally;
	uint64_t num_given, num_replaced, num_expired, num_repeated, num_full, num_hellos;
};

struct sink_desk {
	struct sink *sink;
	struct mst_map *tokens; /* token -> struct token */
	struct mst_map *ids;    /* apns-ids that were taken */
	struct counts counts;
	uint32_t num_stored, num_tokens_taken;
	FILE *journal;
	bool has_written;
};

int mst_desk_new(struct sink_desk **out, struct sink *sink, struct mst_err *e)
{
	struct sink_desk *desk = calloc(1, sizeof(*desk));

	*out = desk;
	if (!desk)
		return mst_fail(e, MST_E_BUSY, "no memory");
	desk->sink = sink;
	desk->tokens = mst_map_new(SINK_TOKEN_LEN, sizeof(struct token), sink->conf.devices_max, false);
	desk->ids = mst_map_new(16, sizeof(uint64_t), sink->conf.ids_max, true);
	if (!desk->tokens || !desk->ids)
		return mst_fail(e, MST_E_BUSY, "no memory for the desk");
	if (sink->conf.journal[0] && !(desk->journal = fopen(sink->conf.journal, "a")))
		return mst_fail(e, MST_E_IO, "cannot write %s", sink->conf.journal);
	return 0;
}

static bool forget(void *context, const void *key, void *value)
{
	struct token *token = value;

	for (struct stored *next; token->stored; token->stored = next) {
		next = token->stored->next;
		free(token->stored);
	}
	return true;
}

void mst_desk_free(struct sink_desk **out)
{
	struct sink_desk *desk = *out;

	*out = NULL;
	if (!desk)
		return;
	if (desk->tokens)
		mst_map_each(desk->tokens, desk, forget);
	mst_map_free(&desk->tokens);
	mst_map_free(&desk->ids);
	if (desk->journal)
		fclose(desk->journal);
	free(desk);
}

static void write_down(struct sink_desk *desk, const struct sink_note *note)
{
	char token[2 * SINK_TOKEN_LEN + 1], id[SINK_ID_LEN + 1];

	mst_hex_put(token, mst_slice(note->token, sizeof(note->token)));
	token[2 * SINK_TOKEN_LEN] = 0;
	mst_push_id_put(id, note->id);
	fprintf(desk->journal, "%lld %d %s %s %s\n", (long long)mst_clock_wall_ms(), mst_reason_status(note->reason),
		note->reason == SINK_NONE ? "-" : mst_reason_word(note->reason), token, id);
	desk->has_written = true;
}

/* Takes the push of this topic out of the token's store. */
static struct stored *take_stored(struct sink_desk *desk, struct token *token, uint64_t topic)
{
	for (struct stored **at = &token->stored; *at; at = &(*at)->next)
		if ((*at)->topic == topic) {
			struct stored *found = *at;
			*at = found->next;
			desk->num_stored--;
			return found;
		}
	return NULL;
}

static void store(struct sink_desk *desk, struct token *token, const struct sink_note *note, struct mst_slice payload)
{
	struct stored *old = take_stored(desk, token, note->topic), *s;

	desk->counts.num_replaced += old != NULL;
	free(old);
	if (note->expires_ms <= mst_clock_wall_ms()) {
		desk->counts.num_expired++;
		return;
	}
	s = desk->num_stored < STORED_MAX ? malloc(sizeof(*s) + payload.len) : NULL;
	if (!s) {
		desk->counts.num_full++;
		return;
	}
	*s = (struct stored){token->stored, note->topic, note->expires_ms, (uint32_t)payload.len};
	memcpy(s->payload, payload.at, payload.len);
	token->stored = s;
	desk->num_stored++;
}

static bool give(struct sink_desk *desk, struct token *token, const uint8_t *name, struct mst_slice payload)
{
	struct mst_conn *c = token->gen ? mst_conn_at(desk->sink->net, token->slot, token->gen) : NULL;

	if (!c || !mst_device_push(c, name, payload))
		return false;
	token->num_given++;
	desk->counts.num_given++;
	return true;
}

void mst_desk_take(struct sink_desk *desk, const struct sink_note *note, struct mst_slice payload)
{
	struct token *token;
	uint64_t *times;

	if (desk->journal)
		write_down(desk, note);
	if (note->reason != SINK_NONE)
		return;
	times = mst_map_set(desk->ids, note->id);
	if (times && (*times)++)
		desk->counts.num_repeated++;
	token = mst_map_set(desk->tokens, note->token);
	if (!token) {
		desk->counts.num_full++;
		return;
	}
	desk->num_tokens_taken += token->num_taken++ == 0;
	token->taken_ms = mst_clock_wall_ms();
	if (!give(desk, token, note->token, payload))
		store(desk, token, note, payload);
}

void mst_desk_hello(struct sink_desk *desk, const uint8_t name[static SINK_TOKEN_LEN], struct mst_conn *c)
{
	struct token *token = mst_map_set(desk->tokens, name);
	int64_t now_ms = mst_clock_wall_ms();
	struct stored *next;

	desk->counts.num_hellos++;
	if (!token) {
		desk->counts.num_full++;
		return;
	}
	token->slot = c->slot;
	token->gen = c->gen;
	for (struct stored *s = token->stored; s; s = next) {
		next = s->next;
		if (s->expires_ms <= now_ms)
			desk->counts.num_expired++;
		else if (!give(desk, token, name, mst_slice(s->payload, s->len)))
			return;
		token->stored = next;
		desk->num_stored--;
		free(s);
	}
}

void mst_desk_count(struct sink_desk *desk, const struct sink_tally *tally)
{
	struct sink_tally *sum = &desk->counts.tally;

	for (int i = 0; i < SINK_NUM_REASONS; i++)
		sum->answers[i] += tally->answers[i];
	sum->num_links += tally->num_links;
	sum->num_refused += tally->num_refused;
	sum->num_broken += tally->num_broken;
	sum->num_goaways += tally->num_goaways;
	sum->num_drops += tally->num_drops;
	sum->num_left += tally->num_left;
	sum->num_mute += tally->num_mute;
	sum->num_lost += tally->num_lost;
	sum->num_open += tally->num_open;
}

void mst_desk_flush(struct sink_desk *desk)
{
	if (desk->has_written)
		fflush(desk->journal);
	desk->has_written = false;
}

static void tell_answers(const struct sink_desk *desk, struct mst_json *j)
{
	const struct sink_tally *sum = &desk->counts.tally;
	uint64_t num = 0;

	for (int i = 0; i < SINK_NUM_REASONS; i++)
		num += sum->answers[i];
	mst_json_u64(j, "answered", num);
	mst_json_u64(j, "accepted", sum->answers[SINK_NONE]);
	mst_json_open(j, "refused");
	for (int i = 1; i < SINK_NUM_REASONS; i++)
		if (sum->answers[i])
			mst_json_u64(j, mst_reason_word((enum sink_reason)i), sum->answers[i]);
	mst_json_close(j);
	mst_json_u64(j, "left_by_goaway", sum->num_left);
	mst_json_u64(j, "unanswered", sum->num_mute);
}

void mst_desk_tell(struct sink_desk *desk, struct mst_json *j)
{
	const struct counts *c = &desk->counts;

	tell_answers(desk, j);
	mst_json_u64(j, "tokens", desk->num_tokens_taken);
	mst_json_u64(j, "repeated", c->num_repeated);
	mst_json_u64(j, "given", c->num_given);
	mst_json_u64(j, "stored", desk->num_stored);
	mst_json_u64(j, "replaced", c->num_replaced);
	mst_json_u64(j, "expired", c->num_expired);
	mst_json_u64(j, "no_room", c->num_full + c->tally.num_lost);
	mst_json_u64(j, "hellos", c->num_hellos);
	mst_json_u64(j, "links", c->tally.num_links);
	mst_json_i64(j, "links_open", c->tally.num_open);
	mst_json_u64(j, "links_refused", c->tally.num_refused);
	mst_json_u64(j, "links_broken", c->tally.num_broken);
	mst_json_u64(j, "links_dropped", c->tally.num_drops);
	mst_json_u64(j, "goaways", c->tally.num_goaways);
}

void mst_desk_tell_token(struct sink_desk *desk, struct mst_json *j, const uint8_t name[static SINK_TOKEN_LEN])
{
	const struct token *token = mst_map_get0(desk->tokens, name);
	uint32_t num = 0;

	for (const struct stored *s = token ? token->stored : NULL; s; s = s->next)
		num++;
	mst_json_u64(j, "accepted", token ? token->num_taken : 0);
	mst_json_u64(j, "given", token ? token->num_given : 0);
	mst_json_u64(j, "stored", num);
	mst_json_i64(j, "accepted_ms", token ? token->taken_ms : 0);
}

void mst_desk_reset(struct sink_desk *desk)
{
	int64_t num_open = desk->counts.tally.num_open;

	desk->counts = (struct counts){.tally = {.num_open = num_open}};
	mst_map_clear(desk->ids);
}
