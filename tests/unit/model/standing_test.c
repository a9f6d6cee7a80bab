/* SPDX-License-Identifier: Apache-2.0 */
/* Labels judged: random memberships and random questions against the rule said plainly. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../../engine/model/standing.c"

#define LABELS 12
#define ROUNDS 3000

struct truth {
	bool is_asked, holds, is_static, was_static, was_dynamic;
};

static void id_of(uint8_t id[static LABEL_LEN], uint32_t i)
{
	memset(id, 0, LABEL_LEN);
	id[0] = (uint8_t)(7 * i);
}

static bool has(const struct list *list, const uint8_t id[static LABEL_LEN])
{
	for (uint32_t i = 0; i < list->num; i++)
		if (memcmp(list->rows[i], id, LABEL_LEN) == 0)
			return true;
	return false;
}

static void look(const struct truth *truth, bool is_all, const struct list *statics, const struct list *dynamics, uint32_t round)
{
	uint8_t id[LABEL_LEN];

	for (uint32_t i = 0; i < LABELS; i++) {
		bool keeps = !truth[i].is_asked && !is_all;

		id_of(id, i);
		cr_assert_eq(has(dynamics, id), keeps ? truth[i].was_dynamic : truth[i].is_asked && truth[i].holds, "round %u, %u", round, i);
		cr_assert_eq(has(statics, id), truth[i].was_static && (keeps || (truth[i].is_asked && truth[i].is_static)), "round %u, %u",
			     round, i);
	}
	for (uint32_t i = 1; i < dynamics->num; i++)
		cr_assert_lt(order(dynamics->rows[i - 1], dynamics->rows[i]), 0, "not sorted");
}

Test(standing, judged_as_the_rule_says)
{
	struct mst_expr *good, *bad;
	struct mst_standing s = {.has_detail = true, .has_member = true, .detail.serial = MST_S("x")};
	struct mst_arena arena;
	struct mst_err e;

	srand(7);
	mst_arena_init(&arena, NULL, 0);
	cr_assert_eq(mst_expr_parse(&good, &arena, MST_S("device.serial = \"x\""), &e), 0, "%s", e.text);
	cr_assert_eq(mst_expr_parse(&bad, &arena, MST_S("device.serial = \"y\""), &e), 0, "%s", e.text);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint8_t statics_were[LABELS][LABEL_LEN], dynamics_were[LABELS][LABEL_LEN], s_rows[LABELS + 1][LABEL_LEN], d_rows[2 * LABELS][LABEL_LEN];
		struct mst_question rows[LABELS];
		struct mst_questions questions = {.rows = rows, .is_all = rand() % 2};
		struct list statics = {.rows = s_rows}, dynamics = {.rows = d_rows};
		struct truth truth[LABELS];

		s.member = (struct mst_member){.statics = (const uint8_t(*)[LABEL_LEN])statics_were,
					       .dynamics = (const uint8_t(*)[LABEL_LEN])dynamics_were};
		for (uint32_t i = 0; i < LABELS; i++) {
			truth[i] = (struct truth){rand() % 2, rand() % 2, rand() % 2, rand() % 2, rand() % 2};
			if (truth[i].was_static)
				id_of(statics_were[s.member.num_static++], i);
			if (truth[i].was_dynamic)
				id_of(dynamics_were[s.member.num_dynamic++], i);
			if (!truth[i].is_asked)
				continue;
			id_of(rows[questions.num].label, i);
			rows[questions.num].expr = truth[i].holds ? good : rand() % 2 ? bad : NULL;
			rows[questions.num++].is_static = truth[i].is_static;
		}
		judge(&statics, &dynamics, &s, &s.detail, &questions);
		look(truth, questions.is_all, &statics, &dynamics, round);
	}
	mst_arena_done(&arena);
}
