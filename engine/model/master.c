/* SPDX-License-Identifier: Apache-2.0 */
/* The record that tells which master keys the store needs: for each one a value sealed under it. */
#include "muster/master.h"

#include "record.h"

#define VERSION 1
#define KEY MST_S("master")
#define PLAIN MST_S("the right key")

struct look {
	struct mst_read r;
	struct mst_slice raw; /* empty: the store is new */
	struct mst_slice sealed[MST_SEAL_KEYS_MAX];
	size_t num;
};

static int decode(struct look *look, struct mst_err *e)
{
	struct mst_unpack u;

	mst_unpack_begin(&u, look->raw, VERSION);
	look->num = mst_unpack_max(&u, MST_SEAL_KEYS_MAX);
	for (size_t i = 0; i < look->num; i++)
		look->sealed[i] = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "master", e);
}

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->num = 0;
	look->raw = mst_slice(NULL, 0);
	int rc = mst_read_get(r, &look->raw, MST_SPACE_META, KEY);
	return rc == 1 ? decode(look, &r->err) : rc;
}

static int read_look(struct look *look, struct mst_arena *arena, struct mst_store *store, struct mst_err *e)
{
	*look = (struct look){.r = {.plan = plan, .arena = arena}};
	if (mst_store_read_here(store, &look->r) == 0)
		return 0;
	*e = look->r.err;
	return -1;
}

static int write_look(const struct look *look, struct mst_arena *arena, struct mst_store *store, struct mst_err *e)
{
	struct mst_batch b;
	struct mst_pack p;

	mst_batch_init(&b, arena, NULL, NULL);
	mst_pack_begin(&p, arena, VERSION);
	mst_pack_u64(&p, look->num);
	for (size_t i = 0; i < look->num; i++)
		mst_pack_bytes(&p, look->sealed[i]);
	mst_record_require(&b, MST_SPACE_META, KEY, look->raw);
	mst_record_put(&b, MST_SPACE_META, KEY, &p);
	if (mst_store_commit_here(store, &b) == 0)
		return 0;
	*e = b.err;
	return -1;
}

static int check_one(struct mst_slice sealed, struct mst_arena *arena, const struct mst_seal *seal, struct mst_err *e)
{
	uint8_t number = mst_seal_number_of(sealed);
	struct mst_slice plain;
	struct mst_err why;

	if (!mst_seal_has(seal, number))
		return mst_fail(e, MST_E_CONF, "the store holds secrets sealed under master key %u, which the key file lacks", number);
	if (mst_seal_open(&plain, arena, seal, KEY, sealed, &why) < 0 || !mst_slice_eq(plain, PLAIN))
		return mst_fail(e, MST_E_CONF, "master key %u is not the one this store was sealed with", number);
	return 0;
}

static int check_all(struct look *look, struct mst_arena *arena, struct mst_store *store, const struct mst_seal *seal,
		     struct mst_err *e)
{
	bool is_known = false;

	for (size_t i = 0; i < look->num; i++) {
		if (check_one(look->sealed[i], arena, seal, e) < 0)
			return -1;
		is_known = is_known || !mst_seal_is_old(seal, look->sealed[i]);
	}
	if (is_known)
		return 0;
	if (look->num == MST_SEAL_KEYS_MAX)
		return mst_fail(e, MST_E_CONF, "secrets are sealed under %d master keys; seal them anew before the next",
				MST_SEAL_KEYS_MAX);
	if (mst_seal_close(&look->sealed[look->num], arena, seal, KEY, PLAIN, e) < 0)
		return -1;
	look->num++;
	return write_look(look, arena, store, e);
}

int mst_master_check(struct mst_store *store, const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_arena arena;
	struct look look;

	mst_arena_init(&arena, NULL, 0);
	int rc = read_look(&look, &arena, store, e);
	if (rc == 0)
		rc = check_all(&look, &arena, store, seal, e);
	mst_arena_done(&arena);
	return rc;
}

int mst_master_needs(size_t *num, struct mst_store *store, struct mst_err *e)
{
	struct mst_arena arena;
	struct look look;

	mst_arena_init(&arena, NULL, 0);
	int rc = read_look(&look, &arena, store, e);
	*num = look.num;
	mst_arena_done(&arena);
	return rc;
}

int mst_master_settle(struct mst_store *store, const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_arena arena;
	struct look look;

	mst_arena_init(&arena, NULL, 0);
	int rc = read_look(&look, &arena, store, e);
	if (rc == 0)
		rc = mst_seal_close(&look.sealed[0], &arena, seal, KEY, PLAIN, e);
	look.num = 1;
	if (rc == 0)
		rc = write_look(&look, &arena, store, e);
	mst_arena_done(&arena);
	return rc;
}
