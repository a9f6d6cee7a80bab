/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes property lists, XML and binary: what is taken is read whole and written again. */
#include "muster/plist.h"

#define INPUT_MAX 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mst_plist_limits limits = {
	.len_max = INPUT_MAX, .depth_max = MST_PLIST_DEPTH - 1, .nodes_max = 2000};

static bool visit(void *context, struct mst_slice key, const struct mst_plist *value)
{
	uint32_t *num = context;
	struct mst_slice s;
	uint64_t u;
	bool is_set;
	BUG_ON(++*num > limits.nodes_max);
	int found =
		mst_plist_text0(value, &s, NULL, NULL) + mst_plist_data0(value, &s, NULL, NULL) +
		mst_plist_bool(value, &is_set, NULL, NULL) + mst_plist_u64(value, &u, NULL, NULL);
	BUG_ON(found > 0); /* one kind at most: one hit, three misses */
	mst_plist_each(value, context, visit);
	return true;
}

/* What we write of it is read back. */
static void write_again(const struct mst_plist *root, struct mst_arena *arena,
			struct mst_slice whole)
{
	struct mst_plist_out w;
	const struct mst_plist *back;
	struct mst_slice text = {NULL, 0}, doc, read;
	struct mst_plist_limits roomy = limits;
	roomy.len_max = SIZE_MAX;
	if (mst_plist_text0(root, &text, "UDID", NULL) != 1)
		text = whole; /* any bytes will do */
	mst_plist_begin(&w, arena);
	mst_plist_open_dict(&w, NULL);
	mst_plist_put_text(&w, "UDID", text);
	mst_plist_put_data(&w, "raw", whole);
	mst_plist_close(&w);
	BUG_ON(mst_plist_end(&w, &doc, NULL) < 0);
	BUG_ON(mst_plist_parse(&back, arena, doc, &roomy, NULL) < 0);
	BUG_ON(mst_plist_data0(back, &read, "raw", NULL) != 1 || !mst_slice_eq(read, whole));
	BUG_ON(mst_plist_text0(back, &read, "UDID", NULL) != 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mst_slice bytes = mst_slice(data, len);
	const struct mst_plist *root;
	struct mst_arena arena, more = {.pool = NULL};
	struct mst_err e;
	uint32_t num = 0;
	/* The room that is promised is enough. */
	mst_arena_init(&arena, NULL, mst_plist_room(len, &limits));
	int failed = mst_plist_parse(&root, &arena, bytes, &limits, &e);
	BUG_ON(failed && strstr(e.text, "memory"));
	if (!failed) {
		mst_plist_each(root, &num, visit);
		write_again(root, &more, bytes);
	}
	mst_arena_done(&more);
	mst_arena_done(&arena);
	return 0;
}
