/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged records: every cut is refused, every changed byte is refused or read as something; never a crash. */
#include <criterion/criterion.h>
#include <stdlib.h>

#define decode channel_decode
#define kind_words channel_kind_words
#define read_record channel_read_record
#include "channel.c"
#undef decode
#undef VERSION
#define decode binding_decode
#include "binding.c"
#undef decode
#undef VERSION
#define decode history_decode
#include "history.c"
#undef decode
#undef VERSION
#define decode command_decode
#include "command.c"
#undef decode
#undef VERSION
#define decode queue_decode
#include "queue.c"
#undef decode
#undef VERSION
#define decode result_decode
#include "result.c"
#undef decode

#define KEY "0123456789abcdef01234567uuid-1__" /* 32 bytes: all keys are a front of it */

static int of_device(struct mst_slice value, struct mst_err *e)
{
	return mst_device_decode(&(struct mst_device){0}, mst_slice(KEY, 16), value, e);
}
static int of_channel(struct mst_slice value, struct mst_err *e)
{
	struct mst_slice sealed;
	return channel_decode(&(struct mst_channel){0}, &sealed, mst_slice(KEY, 24), value, e);
}
static int of_binding(struct mst_slice value, struct mst_err *e)
{
	return binding_decode(&(struct mst_binding){0}, value, e);
}
static int of_history(struct mst_slice value, struct mst_err *e)
{
	return history_decode(&(struct mst_history){0}, mst_slice(KEY, 32), value, e);
}
static int of_command(struct mst_slice value, struct mst_err *e)
{
	return command_decode(&(struct mst_command){0}, mst_slice(KEY, 30), value, e);
}
static int of_queue(struct mst_slice value, struct mst_err *e)
{
	struct mst_slice uuid, plist;
	return queue_decode(&uuid, &plist, value, e);
}
static int of_result(struct mst_slice value, struct mst_err *e)
{
	return result_decode(&(struct mst_result){0}, value, e);
}

/* A batch of one change: its value is the record. Requirements come first, so the put is the last change. */
static void put_device(struct mst_batch *b)
{
	mst_device_put(b, &(struct mst_device){.text = MST_S("UDID-1"), .state = MST_DEVICE_ENROLLED, .epoch = 70000,
					       .topic = MST_S("com.apple.mgmt"), .serial = MST_S("C02"),
					       .updated_ms = 1700000000000, .meid = MST_S("m")});
}
static void put_channel(struct mst_batch *b)
{
	(void)!mst_channel_put(b, &(struct mst_channel){.kind = MST_CHANNEL_USER, .user = MST_S("u"),
							.topic = MST_S("com.apple.mgmt"), .updated_ms = -5},
			       NULL, NULL);
}
static void put_binding(struct mst_batch *b)
{
	static const uint8_t sha256[32] = {1, 2, 3};
	mst_binding_put(b, &(struct mst_binding){.text = MST_S("UDID-1"), .not_after = 1900000000}, sha256);
}
static void put_history(struct mst_batch *b)
{
	mst_history_add(b, &(struct mst_id){0}, &(struct mst_history){.event = MST_EVENT_ANSWERED, .at_ms = 77,
								      .who = MST_S("device"), .detail = MST_S("ok")});
}
static void put_command(struct mst_batch *b)
{
	mst_command_put(b, &(struct mst_command){.uuid = MST_S("uuid-1"), .request_type = MST_S("DeviceInformation"),
						 .state = MST_COMMAND_NOT_NOW, .num_not_now = 3, .not_now_ms = 1});
}
static void put_queue(struct mst_batch *b)
{
	mst_queue_add(b, &(struct mst_id){0}, 1, MST_S("uuid-1"), MST_S("X"), MST_S("<plist/>"), 1);
}
static void put_result(struct mst_batch *b)
{
	mst_result_put(b, &(struct mst_id){0}, &(struct mst_result){.uuid = MST_S("uuid-1"), .status = MST_S("Error"),
								    .at_ms = 9, .body = MST_S("<plist/>")});
}

static const struct {
	const char *name;
	void (*put)(struct mst_batch *b);
	int (*decode)(struct mst_slice value, struct mst_err *e);
} rows[] = {
	{"device", put_device, of_device},    {"channel", put_channel, of_channel}, {"binding", put_binding, of_binding},
	{"history", put_history, of_history}, {"command", put_command, of_command}, {"queue", put_queue, of_queue},
	{"result", put_result, of_result},
};

/* What the test needs to know of a change. */
#include "../../../engine/store/inside.h"

static void damage(const char *name, int (*decode_row)(struct mst_slice, struct mst_err *), struct mst_slice value)
{
	struct mst_err e = {0};

	cr_assert_eq(decode_row(value, &e), 0, "%s: %s", name, e.text);
	for (size_t len = 0; len < value.len; len++) {
		uint8_t *cut = malloc(len + 1); /* exactly as long, so that a step over the end is seen */
		cr_assert(cut);
		memcpy(cut, value.at, len);
		cut = realloc(cut, len ? len : 1);
		cr_expect_eq(decode_row(mst_slice(cut, len), &e), -1, "%s cut at %zu", name, len);
		cr_expect_eq(e.code, MST_E_STORE, "%s cut at %zu", name, len);
		free(cut);
	}
	uint8_t *copy = malloc(value.len);
	cr_assert(copy);
	for (size_t at = 0; at < value.len; at++)
		for (unsigned byte = 0; byte < 256; byte++) {
			memcpy(copy, value.at, value.len);
			copy[at] = (uint8_t)byte;
			int rc = decode_row(mst_slice(copy, value.len), &e);
			cr_assert(rc == 0 || (rc == -1 && e.code == MST_E_STORE), "%s byte %zu", name, at);
		}
	free(copy);
}

Test(decode, damaged_records)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena arena;
		struct mst_batch b;
		mst_arena_init(&arena, NULL, 0);
		mst_batch_init(&b, &arena, NULL, NULL);
		rows[i].put(&b);
		cr_assert(!b.is_short && b.last && b.last->op == CHANGE_PUT, "%s", rows[i].name);
		damage(rows[i].name, rows[i].decode, b.last->value);
		mst_arena_done(&arena);
	}
}

Test(decode, keys_of_wrong_length)
{
	struct mst_slice none = {NULL, 0};
	struct mst_channel channel;
	struct mst_history history;
	struct mst_command command;
	struct mst_device device;
	struct mst_err e;

	cr_expect_eq(mst_device_decode(&device, mst_slice(KEY, 15), none, &e), -1);
	cr_expect_eq(channel_decode(&channel, &none, mst_slice(KEY, 23), none, &e), -1);
	cr_expect_eq(history_decode(&history, mst_slice(KEY, 31), none, &e), -1);
	cr_expect_eq(command_decode(&command, mst_slice(KEY, 24), none, &e), -1);
}

Test(decode, no_room_is_told_by_the_commit)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_arena arena;
		struct mst_batch b;
		mst_arena_init(&arena, NULL, 16);
		mst_batch_init(&b, &arena, NULL, NULL);
		rows[i].put(&b);
		cr_expect(b.is_short, "%s", rows[i].name);
		mst_arena_done(&arena);
	}
}
