/* SPDX-License-Identifier: Apache-2.0 */
/* A device walks the steps of its operation, and checks every answer. */
#include "parts.h"

#define AGAIN_MS  1000 /* what our Retry-After asks for at least; and as much again, spread over the devices */
#define TRIES_MAX 60

enum gone_on { GO_ON, WAITS, FAILED };

static void walk(struct mst_device_sim *dev);

static void on_again(struct mst_timer *timer)
{
	walk(MST_HOME(timer, struct mst_device_sim, again));
}

/* A device that found no room comes again, as a real one does: the operation begins anew. */
static bool comes_again(struct mst_device_sim *dev, enum mst_fleet_error kind)
{
	struct mst_fleet *fleet = dev->fleet;
	bool is_told = kind == FLEET_BUSY;

	if (!fleet->conf->is_patient || !dev->operation || dev->num_tries == TRIES_MAX || fleet->is_closing)
		return false;
	if (!is_told && kind != FLEET_CONNECT && kind != FLEET_HANDSHAKE && kind != FLEET_CLOSED && kind != FLEET_LATE)
		return false;
	*(is_told ? &fleet->tally->num_shed : &fleet->tally->num_refused) += 1;
	dev->num_tries++;
	dev->doing = DO_END;
	dev->at = 0;
	dev->has_command = false;
	mst_dialog_close(dev);
	dev->again.on_due = on_again;
	mst_timer_set(fleet->loop, &dev->again, AGAIN_MS + dev->index % AGAIN_MS);
	return true;
}

static void fail(struct mst_device_sim *dev, enum mst_fleet_error kind, const char *why)
{
	struct mst_fleet *fleet = dev->fleet;
	struct mst_tally *tally = fleet->tally;

	if (comes_again(dev, kind))
		return;
	tally->errors[kind]++;
	tally->num_errors++;
	if (!tally->first_error[0])
		snprintf(tally->first_error, sizeof(tally->first_error), "%s: %.150s", dev->udid,
			 why);
	dev->doing = DO_END;
	mst_dialog_close(dev);
	if (dev->operation)
		mst_drive_over(fleet, dev, false);
}

static enum gone_on ask(struct mst_device_sim *dev, enum mst_do what)
{
	struct mst_arena arena;
	char room[MESSAGE_ROOM];
	struct mst_request request;

	if (!dev->dialog) {
		fail(dev, FLEET_CLOSED, "the server closed between two requests");
		return FAILED;
	}
	dev->doing = what;
	mst_arena_init(&arena, &dev->fleet->chunks, 0);
	request.type = mst_message_type(what);
	request.body = mst_message_body(room, dev, what, dev->answering);
	request.signature = mst_signature_get(&arena, dev, what, request.body);
	mst_dialog_send(dev->dialog, &request);
	mst_arena_done(&arena);
	return WAITS;
}

static enum gone_on enter_end(struct mst_device_sim *dev)
{
	mst_drive_over(dev->fleet, dev, true);
	return WAITS;
}

static enum gone_on enter_open(struct mst_device_sim *dev)
{
	struct mst_err e;

	if (dev->dialog)
		return GO_ON;
	dev->doing = DO_OPEN;
	if (mst_dialog_open(dev, &e) < 0) {
		fail(dev, FLEET_CONNECT, e.text);
		return FAILED;
	}
	return WAITS;
}

static enum gone_on enter_authenticate(struct mst_device_sim *dev)
{
	return ask(dev, DO_AUTHENTICATE);
}

static enum gone_on enter_token_update(struct mst_device_sim *dev)
{
	return ask(dev, DO_TOKEN_UPDATE);
}

/* A poll begins a session: what was put off may come again. */
static enum gone_on enter_idle(struct mst_device_sim *dev)
{
	dev->is_put_off = false;
	dev->num_put_off = 0;
	return ask(dev, DO_IDLE);
}

static uint64_t hash(const char *text)
{
	uint64_t h = 1469598103934665603u; /* FNV-1a: only to find repeats */

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 1099511628211u;
	return h;
}

static enum gone_on enter_answer_one(struct mst_device_sim *dev)
{
	if (!dev->has_command) {
		fail(dev, FLEET_STARVED, "no command in hand");
		return FAILED;
	}
	dev->answering = mst_answer_choose(dev);
	if (dev->answering == ANSWER_NOT_NOW) {
		dev->is_put_off = true;
		if (dev->num_put_off < NOT_NOW_MAX)
			dev->put_off[dev->num_put_off++] = hash(dev->uuid);
	}
	return ask(dev, DO_ANSWER_ONE);
}

/* Comes back to itself until the queue is empty; who put something off polls once more, in a
 * session of its own. */
static enum gone_on enter_answer_all(struct mst_device_sim *dev)
{
	if (!dev->has_command && !dev->is_put_off)
		return GO_ON;
	dev->at--;
	if (dev->has_command)
		return enter_answer_one(dev);
	dev->has_been_busy = true;
	return enter_idle(dev);
}

static enum gone_on enter_close(struct mst_device_sim *dev)
{
	mst_dialog_close(dev);
	return GO_ON;
}

static enum gone_on (*const entries[NUM_DOS])(struct mst_device_sim *) = {
	[DO_END] = enter_end,
	[DO_OPEN] = enter_open,
	[DO_AUTHENTICATE] = enter_authenticate,
	[DO_TOKEN_UPDATE] = enter_token_update,
	[DO_IDLE] = enter_idle,
	[DO_ANSWER_ALL] = enter_answer_all,
	[DO_ANSWER_ONE] = enter_answer_one,
	[DO_CLOSE] = enter_close,
};

static void walk(struct mst_device_sim *dev)
{
	while (entries[dev->operation->steps[dev->at++]](dev) == GO_ON)
		;
}

void mst_device_start(struct mst_device_sim *dev, const struct mst_operation *operation,
		      uint64_t due_ns)
{
	dev->operation = operation;
	dev->at = 0;
	dev->due_ns = due_ns;
	walk(dev);
}

void mst_device_on_open(struct mst_device_sim *dev, bool is_resumed)
{
	struct mst_tally *tally = dev->fleet->tally;

	if (is_resumed)
		tally->num_resumed++;
	else
		tally->num_full++;
	dev->doing = DO_END;
	walk(dev);
}

static bool was_put_off(const struct mst_device_sim *dev)
{
	for (uint32_t i = 0; i < dev->num_put_off; i++)
		if (dev->put_off[i] == hash(dev->uuid))
			return true;
	return false;
}

/* What a reply on the command channel brings. False when the device has failed over it. */
static bool take_command(struct mst_device_sim *dev, struct mst_slice body)
{
	struct mst_fleet *fleet = dev->fleet;

	dev->has_command = false;
	if (body.len == 0) {
		if (fleet->series && dev->num_answered == 0)
			return fail(dev, FLEET_STARVED, "the prepared command did not come"), false;
		dev->is_spent = fleet->series != NULL;
		return true;
	}
	if (fleet->script->expects_empty)
		return fail(dev, FLEET_BODY, "a command where none is queued"), false;
	if (mst_answer_take(dev, body) < 0)
		return fail(dev, FLEET_BODY, "the body is no command"), false;
	if (!mst_answer_is_due(dev))
		return fail(dev, FLEET_ORDER, "another command than the one that is due"), false;
	if (was_put_off(dev))
		return fail(dev, FLEET_AGAIN,
			    "a command came again in the session that put it off"),
		       false;
	return true;
}

static bool take_checkin(struct mst_device_sim *dev, struct mst_slice body)
{
	if (body.len)
		return fail(dev, FLEET_BODY, "a body where none is due"), false;
	dev->fleet->tally->num_checkins++;
	if (dev->doing == DO_TOKEN_UPDATE) {
		dev->num_tokens++;
		mst_drive_ack(dev->fleet, "TOKEN %s %u\n", dev->udid, dev->num_tokens);
	} else {
		mst_drive_ack(dev->fleet, "AUTHENTICATE %s\n", dev->udid);
	}
	return true;
}

static bool take_answer(struct mst_device_sim *dev, struct mst_slice body)
{
	if (dev->doing == DO_IDLE) {
		dev->fleet->tally->num_polls++;
		return take_command(dev, body);
	}
	dev->fleet->tally->answers[dev->answering]++;
	dev->fleet->num_finals += dev->answering != ANSWER_NOT_NOW;
	dev->num_answered++;
	mst_drive_ack(dev->fleet, "RESULT %s %s %s\n", dev->udid, dev->uuid,
		      mst_answer_status(dev->answering));
	return take_command(dev, body);
}

void mst_device_on_reply(struct mst_device_sim *dev, int status, struct mst_slice body)
{
	bool is_checkin = dev->doing == DO_AUTHENTICATE || dev->doing == DO_TOKEN_UPDATE, is_ok;

	if (dev->doing == DO_END || dev->doing == DO_OPEN) {
		fail(dev, FLEET_HTTP, "a reply nobody asked for");
		return;
	}
	if (status != 200) {
		char text[128];
		snprintf(text, sizeof(text), "%s: status %d: %.*s", dev->operation->name, status,
			 body.len > 60 ? 60 : (int)body.len, (const char *)body.at);
		fail(dev, status == 503 ? FLEET_BUSY : FLEET_STATUS, text);
		return;
	}
	is_ok = is_checkin ? take_checkin(dev, body) : take_answer(dev, body);
	if (!is_ok)
		return;
	dev->doing = DO_END;
	walk(dev);
}

/* A connection that rests may go: the next operation makes a new one. */
void mst_device_on_broken(struct mst_device_sim *dev, enum mst_fleet_error kind, const char *why)
{
	struct mst_fleet *fleet = dev->fleet;

	if (fleet->is_closing)
		return;
	if (dev->operation)
		fail(dev, kind, why);
	else if (fleet->script->holds)
		fail(dev, FLEET_LOST, why);
}
