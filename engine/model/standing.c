/* SPDX-License-Identifier: Apache-2.0 */
/* Judges the labels of a device and writes them with what changed it. */
#include "muster/standing.h"

#include "record.h"

#define LABEL_LEN 16
#define USER_KEY_LEN (1 + 16)

static void user_key(uint8_t key[static USER_KEY_LEN], const uint8_t id[static 16])
{
	key[0] = MST_NOUN_USER;
	memcpy(key + 1, id, 16);
}

static int user_read(struct mst_read *r, struct mst_standing *s, struct mst_slice name)
{
	int rc;

	if (name.len == 0 || name.len > MST_OBJECT_NAME_MAX)
		return 0;
	s->is_user_read = true;
	mst_object_id(s->user_id, MST_NOUN_USER, name);
	rc = mst_object_get(r, &s->user, MST_NOUN_USER, s->user_id, NULL);
	s->has_user = rc == 1;
	return rc == 1 ? 0 : rc;
}

static int rest_read(struct mst_read *r, struct mst_standing *out, struct mst_slice user, const struct mst_questions *questions)
{
	int rc = mst_member_get(r, &out->member, &out->id);

	out->has_user = out->is_user_read = false;
	if (rc < 0 || rc == MST_LATER)
		return rc;
	out->has_member = rc == 1;
	return questions && questions->needs_user ? user_read(r, out, user) : 0;
}

int mst_standing_read(struct mst_read *r, struct mst_standing *out, const struct mst_id *id, const struct mst_slice *user,
		      const struct mst_questions *questions)
{
	struct mst_id device = {.channel = {0}};
	int rc;

	memcpy(device.device, id->device, sizeof device.device);
	out->id = device;
	rc = mst_detail_get(r, &out->detail, &out->id);
	if (rc < 0 || rc == MST_LATER)
		return rc;
	out->has_detail = rc == 1;
	if (!out->has_detail)
		out->detail = (struct mst_detail){.id = out->id};
	return rest_read(r, out, user ? *user : out->detail.user, questions);
}

int mst_standing_fill(struct mst_read *r, struct mst_standing *out, const struct mst_detail *detail,
		      const struct mst_questions *questions)
{
	out->id = detail->id;
	out->detail = *detail;
	out->has_detail = true;
	return rest_read(r, out, detail->user, questions);
}

static int order(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, LABEL_LEN);
}

/* A list that grows in the order of the labels. */
struct list {
	uint8_t (*rows)[LABEL_LEN];
	uint32_t num;
};

static void list_add(struct list *list, const uint8_t label[static LABEL_LEN])
{
	if (list->num < MST_MEMBER_MAX) /* beyond it a device has the first ones only */
		memcpy(list->rows[list->num++], label, LABEL_LEN);
}

/* Labels that are not asked stay, unless all are. */
static void list_keep(struct list *out, const uint8_t (*rows)[LABEL_LEN], uint32_t num, uint32_t *at, const uint8_t *before, bool is_all)
{
	for (; *at < num && (!before || order(rows[*at], before) < 0); ++*at)
		if (!is_all)
			list_add(out, rows[*at]);
}

static bool list_take(const uint8_t (*rows)[LABEL_LEN], uint32_t num, uint32_t *at, const uint8_t *label)
{
	if (*at == num || order(rows[*at], label) != 0)
		return false;
	++*at;
	return true;
}

static void judge(struct list *statics, struct list *dynamics, const struct mst_standing *s, const struct mst_detail *detail,
		  const struct mst_questions *questions)
{
	const struct mst_member *now = &s->member;
	const struct mst_object *user = s->has_user ? &s->user : NULL;
	uint32_t at_static = 0, at_dynamic = 0;

	for (uint32_t i = 0; i < questions->num; i++) {
		const struct mst_question *q = &questions->rows[i];

		list_keep(statics, now->statics, now->num_static, &at_static, q->label, questions->is_all);
		list_keep(dynamics, now->dynamics, now->num_dynamic, &at_dynamic, q->label, questions->is_all);
		if (list_take(now->statics, now->num_static, &at_static, q->label) && q->is_static)
			list_add(statics, q->label);
		(void)list_take(now->dynamics, now->num_dynamic, &at_dynamic, q->label);
		if (q->expr && mst_expr_holds(q->expr, detail, user))
			list_add(dynamics, q->label);
	}
	list_keep(statics, now->statics, now->num_static, &at_static, NULL, questions->is_all);
	list_keep(dynamics, now->dynamics, now->num_dynamic, &at_dynamic, NULL, questions->is_all);
}

static bool is_same(const struct list *list, const uint8_t (*rows)[LABEL_LEN], uint32_t num)
{
	return list->num == num && (num == 0 || memcmp(list->rows, rows, (size_t)num * LABEL_LEN) == 0);
}

/* The lists of a newer membership, in the batch's arena. 0, -1 no memory. */
static int member_begin(struct list *statics, struct list *dynamics, struct mst_batch *b, const struct mst_standing *s,
			const struct mst_questions *questions, struct mst_err *e)
{
	size_t room_static = s->member.num_static + 1u, room_dynamic = s->member.num_dynamic + (questions ? questions->num : 0) + 1u;

	statics->rows = mst_arena_get(b->arena, room_static * LABEL_LEN);
	dynamics->rows = mst_arena_get(b->arena, (room_dynamic < MST_MEMBER_MAX ? room_dynamic : MST_MEMBER_MAX) * LABEL_LEN);
	if (!statics->rows || !dynamics->rows)
		return mst_fail(e, MST_E_BUSY, "out of memory for the labels of a device");
	return 0;
}

static void member_put(struct mst_batch *b, const struct mst_standing *s, const struct list *statics, const struct list *dynamics)
{
	const struct mst_member newer = {
		.id = s->id,
		.num_static = statics->num,
		.num_dynamic = dynamics->num,
		.statics = (const uint8_t(*)[LABEL_LEN])statics->rows,
		.dynamics = (const uint8_t(*)[LABEL_LEN])dynamics->rows,
		.version = s->member.version + 1,
		.raw = s->member.raw,
	};

	mst_member_put(b, &newer, s->has_member ? &s->member : NULL);
}

/* What was judged must be as it was read. */
static void require(struct mst_batch *b, const struct mst_standing *s, bool has_detail, bool has_member)
{
	uint8_t key[USER_KEY_LEN];

	if (!has_detail)
		mst_record_require(b, MST_SPACE_DETAIL, mst_id_device_key(&s->id), s->detail.raw);
	if (!has_member)
		mst_record_require(b, MST_SPACE_MEMBER, mst_id_device_key(&s->id), s->member.raw);
	if (!s->is_user_read)
		return;
	user_key(key, s->user_id);
	mst_record_require(b, MST_SPACE_OBJECT, mst_slice(key, sizeof key), s->has_user ? s->user.raw : mst_slice(NULL, 0));
}

int mst_standing_put(bool *has_changed, struct mst_batch *b, const struct mst_standing *s, const struct mst_detail *detail,
		     const struct mst_questions *questions, struct mst_err *e)
{
	struct list statics = {.num = 0}, dynamics = {.num = 0};

	*has_changed = false;
	if (detail)
		mst_detail_put(b, detail, s->has_detail ? &s->detail : NULL);
	if (!questions || !(detail || s->has_detail))
		return 0;
	if (member_begin(&statics, &dynamics, b, s, questions, e) < 0)
		return -1;
	judge(&statics, &dynamics, s, detail ? detail : &s->detail, questions);
	*has_changed = !is_same(&statics, s->member.statics, s->member.num_static) ||
		       !is_same(&dynamics, s->member.dynamics, s->member.num_dynamic);
	if (*has_changed)
		member_put(b, s, &statics, &dynamics);
	if (*has_changed || detail)
		require(b, s, detail != NULL, *has_changed);
	return 0;
}

int mst_standing_set_static(bool *has_changed, struct mst_batch *b, const struct mst_standing *s, const uint8_t label[static 16],
			    bool is_member, struct mst_err *e)
{
	struct list statics = {.num = 0}, dynamics = {.num = 0};
	const struct mst_member *now = &s->member;
	uint32_t at = 0, at_dynamic = 0;
	bool was;

	*has_changed = false;
	if (member_begin(&statics, &dynamics, b, s, NULL, e) < 0)
		return -1;
	list_keep(&statics, now->statics, now->num_static, &at, label, false);
	was = list_take(now->statics, now->num_static, &at, label);
	if (was == is_member)
		return 0;
	if (is_member && now->num_static == MST_MEMBER_MAX)
		return mst_fail(e, MST_E_CONFLICT, "the device has %d labels, which is the most", MST_MEMBER_MAX);
	if (is_member)
		list_add(&statics, label);
	list_keep(&statics, now->statics, now->num_static, &at, NULL, false);
	list_keep(&dynamics, now->dynamics, now->num_dynamic, &at_dynamic, NULL, false);
	member_put(b, s, &statics, &dynamics);
	*has_changed = true;
	return 0;
}

static bool is_same_label(const struct mst_catalog_label *a, const struct mst_catalog_label *b)
{
	return mst_slice_eq(mst_object_text(&a->object, "expression"), mst_object_text(&b->object, "expression"));
}

/* Both lists of labels are in the order of ids: one pass over both. */
int mst_questions_differ(struct mst_questions *out, struct mst_arena *arena, const struct mst_catalog *older,
			 const struct mst_catalog *newer, struct mst_err *e)
{
	struct mst_question *rows;
	uint32_t i = 0, k = 0;

	*out = newer->questions;
	if (!older)
		return 0;
	rows = mst_arena_zero(arena, ((size_t)older->num_labels + newer->num_labels + 1) * sizeof(*rows));
	if (!rows)
		return mst_fail(e, MST_E_BUSY, "out of memory for labels that changed");
	*out = (struct mst_questions){.rows = rows};
	while (i < older->num_labels || k < newer->num_labels) {
		const struct mst_catalog_label *a = i < older->num_labels ? &older->labels[i] : NULL;
		const struct mst_catalog_label *b = k < newer->num_labels ? &newer->labels[k] : NULL;
		int by_id = !a ? 1 : !b ? -1 : order(a->object.id, b->object.id);

		i += by_id <= 0;
		k += by_id >= 0;
		if (by_id < 0) {
			memcpy(rows[out->num++].label, a->object.id, LABEL_LEN);
			continue;
		}
		if (by_id == 0 && is_same_label(a, b))
			continue;
		rows[out->num++] = newer->questions.rows[k - 1];
		out->needs_user |= b->expr && mst_expr_needs_user(b->expr);
	}
	return 0;
}
