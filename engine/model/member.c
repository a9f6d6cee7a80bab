/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of a device, and the devices of a label. */
#include "muster/detail.h"

#include "record.h"

#define VERSION 1
#define LABEL_LEN 16
#define KEY_LEN   (LABEL_LEN + 16)

static int list_read(const uint8_t (**out)[LABEL_LEN], uint32_t *num, struct mst_unpack *u)
{
	struct mst_slice bytes = mst_unpack_bytes(u);

	if (bytes.len % LABEL_LEN || bytes.len / LABEL_LEN > MST_MEMBER_MAX)
		u->is_bad = true;
	*num = u->is_bad ? 0 : (uint32_t)(bytes.len / LABEL_LEN);
	*out = (const uint8_t(*)[LABEL_LEN])bytes.at;
	return 0;
}

int mst_member_get(struct mst_read *r, struct mst_member *out, const struct mst_id *id)
{
	struct mst_slice value;
	struct mst_unpack u;
	int rc = mst_read_get(r, &value, MST_SPACE_MEMBER, mst_id_device_key(id));

	*out = (struct mst_member){.version = 0};
	memcpy(out->id.device, id->device, sizeof out->id.device);
	if (rc != 1)
		return rc;
	out->raw = value;
	mst_unpack_begin(&u, value, VERSION);
	out->version = mst_unpack_u64(&u);
	list_read(&out->statics, &out->num_static, &u);
	list_read(&out->dynamics, &out->num_dynamic, &u);
	return mst_unpack_end(&u, "member", &r->err) < 0 ? -1 : 1;
}

static bool list_has(const uint8_t (*list)[LABEL_LEN], uint32_t num, const uint8_t label[static LABEL_LEN])
{
	uint32_t low = 0, high = num;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = memcmp(list[mid], label, LABEL_LEN);
		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool mst_member_has(const struct mst_member *m, const uint8_t label[static LABEL_LEN])
{
	return list_has(m->statics, m->num_static, label) || list_has(m->dynamics, m->num_dynamic, label);
}

static void labeled_key(uint8_t key[static KEY_LEN], const uint8_t label[static LABEL_LEN], const struct mst_id *id)
{
	memcpy(key, label, LABEL_LEN);
	memcpy(key + LABEL_LEN, id->device, sizeof id->device);
}

/* Changes the index for every label of `list` that `other` has not. */
static void index_list(struct mst_batch *b, const struct mst_id *id, const uint8_t (*list)[LABEL_LEN], uint32_t num,
		       const struct mst_member *other, bool drops)
{
	uint8_t key[KEY_LEN];

	for (uint32_t i = 0; i < num; i++) {
		if (other && mst_member_has(other, list[i]))
			continue;
		labeled_key(key, list[i], id);
		if (drops)
			mst_batch_drop(b, MST_SPACE_LABELED, mst_slice(key, sizeof key));
		else
			mst_batch_put(b, MST_SPACE_LABELED, mst_slice(key, sizeof key), mst_slice("", 0));
	}
}

void mst_member_put(struct mst_batch *b, const struct mst_member *m, const struct mst_member *older)
{
	struct mst_pack p;

	BUG_ON(m->num_static > MST_MEMBER_MAX || m->num_dynamic > MST_MEMBER_MAX);
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, m->version);
	mst_pack_bytes(&p, mst_slice(m->statics, (size_t)m->num_static * LABEL_LEN));
	mst_pack_bytes(&p, mst_slice(m->dynamics, (size_t)m->num_dynamic * LABEL_LEN));
	mst_record_require(b, MST_SPACE_MEMBER, mst_id_device_key(&m->id), m->raw);
	mst_record_put(b, MST_SPACE_MEMBER, mst_id_device_key(&m->id), &p);
	if (older) {
		index_list(b, &m->id, older->statics, older->num_static, m, true);
		index_list(b, &m->id, older->dynamics, older->num_dynamic, m, true);
	}
	index_list(b, &m->id, m->statics, m->num_static, older, false);
	index_list(b, &m->id, m->dynamics, m->num_dynamic, older, false);
}

int mst_labeled_next(struct mst_walk *w, struct mst_read *r, struct mst_id *out, const uint8_t label[static LABEL_LEN],
		     struct mst_slice from)
{
	int rc;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_LABELED, mst_slice(label, LABEL_LEN), from) < 0)
		return -1;
	rc = mst_walk_next(w);
	if (rc != 1)
		return rc;
	if (w->key.len != KEY_LEN)
		return mst_fail(&r->err, MST_E_STORE, "the key of a label's member has %zu bytes", w->key.len);
	*out = (struct mst_id){.channel = {0}};
	memcpy(out->device, w->key.at + LABEL_LEN, sizeof out->device);
	return 1;
}
