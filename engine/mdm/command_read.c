/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the report of a device out of its property list; pure, so that a long one can be read by a worker. */
#include "own.h"

/* The first link of the chain names the failure well enough for a history; the whole is kept with the result. */
static int error_read(struct mst_slice *out, struct mst_arena *arena, const struct mst_plist *root, struct mst_err *e)
{
	const struct mst_plist *chain, *link;
	struct mst_slice domain;
	int64_t code;

	if (mst_plist_array0(root, &chain, "ErrorChain", e) < 0)
		return -1;
	link = chain ? mst_plist_at0(chain, 0) : NULL;
	if (!link || mst_plist_kind(link) != MST_PLIST_DICT)
		return 0;
	if (mst_plist_text0(link, &domain, "ErrorDomain", e) < 0 || mst_plist_i64(link, &code, "ErrorCode", e) < 0)
		return -1;
	if (!mst_arena_format(arena, out, "%.*s %lld", (int)(domain.len < 64 ? domain.len : 64),
			      domain.at ? (const char *)domain.at : "", (long long)code))
		return mst_fail(e, MST_E_BUSY, "out of memory for a message");
	return 0;
}

/* Since iOS 12 a device tells of each subscription; the first one's is the device's. */
static void imei_read(struct mdm_message *out, struct mst_arena *arena, const struct mst_plist *answers)
{
	const struct mst_plist *list = NULL, *first;
	struct mst_slice imei;
	struct mst_err e;

	if (mst_plist_array0(answers, &list, "ServiceSubscriptions", &e) < 0 || !list)
		return;
	first = mst_plist_at0(list, 0);
	if (first && mst_plist_kind(first) == MST_PLIST_DICT && mst_plist_text0(first, &imei, "IMEI", &e) > 0)
		(void)!mst_arena_copy(arena, &out->imei, imei);
}

/* Answers that are not as the schema has them are kept with the result all the same, and no reason to refuse it. */
static void answers_read(struct mdm_message *out, struct mst_arena *arena, const struct mst_plist *root)
{
	const struct mst_plist *answers = NULL;
	struct mst_err e;

	if (mst_plist_dict0(root, &answers, "QueryResponses", &e) < 0 || !answers ||
	    mst_item_read(out, arena, answers, mst_command_answers, mst_command_num_answers, 0, &e) < 0)
		return;
	if (out->imei.len == 0)
		imei_read(out, arena, answers);
	out->has_inventory = out->serial.len || out->os_version.len || out->product.len || out->imei.len || out->mac.len;
}

static int items_read(struct mdm_message *out, struct mst_arena *arena, const struct mst_plist *root, struct mst_err *e)
{
	if (mst_item_read(out, arena, root, mst_item_ids, mst_item_num_ids, 0, e) < 0 ||
	    mst_item_read(out, arena, root, mst_command_items, mst_command_num_items, 1, e) < 0)
		return -1;
	answers_read(out, arena, root);
	return error_read(&out->first_error, arena, root, e);
}

int mst_command_read(struct mdm_message *out, struct mst_arena *arena, struct mst_arena *scratch, struct mst_slice body,
		     size_t len_max, struct mst_err *e)
{
	struct mst_plist_limits limits = mst_plist_limits_device;
	const struct mst_plist *root;

	limits.len_max = len_max;
	if (mst_plist_parse(&root, scratch, body, &limits, e) < 0)
		return -1;
	return items_read(out, arena, root, e);
}
