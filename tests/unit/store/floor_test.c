/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "../../../engine/store/inside.h"
#include "kit.h"

#define P "0123456789abcdefghijklmn" /* a queue key starts with 24 bytes */
#define NUM_KEYS 600
#define NUM_STEPS 6000

static struct mst_slice s(const char *text)
{
	return mst_slice_str(text);
}

/* What the slot of P says: "" nothing, "$" the prefix is empty, or the key. */
static const char *floor_of(struct mst_floors *floors, const char *prefix, uint32_t *version)
{
	static char text[64];
	struct mst_floor floor;

	mst_floor_read(floors, &floor, MST_SPACE_QUEUE, s(prefix));
	*version = floor.version;
	if (floor.kind != FLOOR_KEY)
		return floor.kind == FLOOR_END ? "$" : "";
	snprintf(text, sizeof text, "%.*s", (int)floor.len, (const char *)floor.key);
	return text;
}

Test(floor, learn_and_put)
{
	struct mst_floors *floors = mst_floor_new();
	struct mst_slice key = s(P "5");
	uint32_t version;

	cr_assert(floors);
	cr_expect_str_eq(floor_of(floors, P, &version), "");
	mst_floor_learn(floors, MST_SPACE_QUEUE, s(P), version, &key);
	cr_expect_str_eq(floor_of(floors, P, &version), P "5");
	mst_floor_put(floors, MST_SPACE_QUEUE, s(P "7"));
	cr_expect_str_eq(floor_of(floors, P, &version), P "5", "a later key changes nothing");
	mst_floor_put(floors, MST_SPACE_QUEUE, s(P "3"));
	cr_expect_str_eq(floor_of(floors, P, &version), P "3", "an earlier key is the floor");
	mst_floor_learn(floors, MST_SPACE_QUEUE, s(P), version, NULL);
	cr_expect_str_eq(floor_of(floors, P, &version), "$");
	mst_floor_put(floors, MST_SPACE_QUEUE, s(P "9"));
	cr_expect_str_eq(floor_of(floors, P, &version), P "9", "no longer empty");
	mst_floor_learn(floors, MST_SPACE_QUEUE, s(P), version - 1, NULL);
	cr_expect_str_eq(floor_of(floors, P, &version), P "9", "what was learned before a put is old");
	cr_expect_str_eq(floor_of(floors, P "9", &version), "", "a longer prefix is another one");
	mst_floor_learn(floors, MST_SPACE_QUEUE, s(P "x"), version, NULL);
	mst_floor_put(floors, MST_SPACE_QUEUE, s(P "1"));
	cr_expect_str_eq(floor_of(floors, P "x", &version), "$", "not a key of that prefix");
	mst_floor_put(floors, MST_SPACE_QUEUE, s(P "x1"));
	cr_expect_str_eq(floor_of(floors, P "x", &version), P "x1");
	mst_floor_put(floors, MST_SPACE_QUEUE, s("short"));
	mst_floor_free(&floors);
	mst_floor_free(&floors);
}

/* Random puts, drops and walks against an array. */
struct model {
	struct mst_read r;
	struct mst_walk w;
	const char *prefix, *from;
	enum { UNUSED, LIVE, DROPPED } keys[NUM_KEYS]; /* key i is P, 'a' or 'b', and i */
};

static void key_make(char out[static 40], int i)
{
	snprintf(out, 40, P "%c%04d", 'a' + i % 2, i);
}

static bool is_wanted(const struct model *m, const char *key)
{
	return strncmp(key, m->prefix, strlen(m->prefix)) == 0 && strcmp(key, m->from) >= 0;
}

/* Walks and compares with the model. The keys of 'a' come first. */
static int compare(struct mst_read *r)
{
	struct model *m = MST_HOME(r, struct model, r);
	char key[40];
	int rc = mst_walk_init(&m->w, r, MST_SPACE_QUEUE, s(m->prefix), s(m->from));

	for (int half = 0; half < 2 && rc == 0; half++)
		for (int i = half; i < NUM_KEYS && rc == 0; i += 2) {
			key_make(key, i);
			if (m->keys[i] != LIVE || !is_wanted(m, key))
				continue;
			rc = mst_walk_next(&m->w);
			if (rc != 1)
				break;
			if (!mst_slice_eq(m->w.key, s(key)))
				rc = mst_fail(&r->err, MST_E_BUG, "wanted %s", key);
			else
				rc = 0;
			if (rand() % 4 == 0 && rc == 0)
				goto out; /* walks are left early too */
		}
	if (rc == 0)
		rc = mst_walk_next(&m->w) == 0 ? 0 : mst_fail(&r->err, MST_E_BUG, "a key too many");
	else if (rc > 0)
		rc = rc == MST_LATER ? MST_LATER : mst_fail(&r->err, MST_E_BUG, "wanted %s, found the end", key);
out:
	mst_walk_done(&m->w);
	return rc;
}

static void change(struct kit *kit, struct model *m)
{
	char key[40];
	int i = rand() % NUM_KEYS;

	key_make(key, i);
	if (m->keys[i] == UNUSED)
		kit_put(kit, MST_SPACE_QUEUE, key, "value");
	else if (m->keys[i] == LIVE)
		kit_drop(kit, MST_SPACE_QUEUE, key);
	if (m->keys[i] != DROPPED)
		m->keys[i] = m->keys[i] == UNUSED ? LIVE : DROPPED;
}

Test(floor, walks_find_what_lives, .timeout = 60)
{
	static const char *const prefixes[] = {P, P "a", P "b"}, *const froms[] = {"", "", "", P "a0300", P "b0100"};
	struct kit *kit = kit_new((struct mst_store_conf){.skips_sync = true});
	static struct model m;

	srand(7);
	for (int i = 0; i < NUM_STEPS; i++) {
		if (rand() % 3 == 0)
			change(kit, &m);
		m.r = (struct mst_read){.arena = &kit->arena, .plan = compare};
		m.prefix = prefixes[rand() % MST_LEN(prefixes)];
		m.from = froms[rand() % MST_LEN(froms)];
		if (strncmp(m.from, m.prefix, strlen(m.prefix)) != 0)
			m.from = "";
		cr_assert_eq(mst_store_read_here(kit->store, &m.r), 0, "step %d: %s", i, m.r.err.text);
		if (i % 1500 == 1499) {
			kit_reopen(kit);
			mst_arena_done(&kit->arena);
		}
	}
	kit_free(kit);
}
