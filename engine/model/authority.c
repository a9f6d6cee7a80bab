/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a certificate authority; each of its private keys is sealed by itself. */
#include "muster/authority.h"

#include "muster/text.h"
#include "record.h"

#define VERSION 2 /* 2: successor */
#define NUM_KEYS 3
#define BOUND_LEN 26 /* "authority", which key, the id */

static const char *const state_words[MST_NUM_AUTHORITY_STATES] = {
#define X(name, word) [MST_AUTHORITY_##name] = word,
	MST_AUTHORITY_STATES(X)
#undef X
};

const char *mst_authority_state_word(enum mst_authority_state state)
{
	return state_words[state];
}

void mst_authority_id(uint8_t out[static 16], struct mst_slice name)
{
	uint8_t hash[32];

	mst_sha256(hash, name);
	memcpy(out, hash, 16);
}

/* A sealed key opens only where it was put. */
static struct mst_slice bound(uint8_t out[static BOUND_LEN], const uint8_t id[static 16], size_t which)
{
	memcpy(out, "authority", 9);
	out[9] = (uint8_t)which;
	memcpy(out + 10, id, 16);
	return mst_slice(out, BOUND_LEN);
}

static int open_keys(struct mst_authority *a, struct mst_arena *arena, const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_slice *const keys[NUM_KEYS] = {&a->key, &a->ra_key, &a->ocsp_key};
	uint8_t room[BOUND_LEN];

	for (size_t i = 0; i < NUM_KEYS; i++) {
		if (a->sealed[i].len == 0)
			continue;
		if (mst_seal_open(keys[i], arena, seal, bound(room, a->id, i), a->sealed[i], e) < 0)
			return -1;
		a->is_old = a->is_old || mst_seal_is_old(seal, a->sealed[i]);
	}
	return 0;
}

static int close_keys(struct mst_slice out[static NUM_KEYS], const struct mst_authority *a, struct mst_arena *arena,
		      const struct mst_seal *seal, struct mst_err *e)
{
	const struct mst_slice keys[NUM_KEYS] = {a->key, a->ra_key, a->ocsp_key};
	uint8_t room[BOUND_LEN];

	for (size_t i = 0; i < NUM_KEYS; i++) {
		out[i] = a->sealed[i];
		if (keys[i].len && mst_seal_close(&out[i], arena, seal, bound(room, a->id, i), keys[i], e) < 0)
			return -1;
	}
	return 0;
}

void mst_authority_wipe(struct mst_authority *a)
{
	struct mst_slice *const keys[NUM_KEYS] = {&a->key, &a->ra_key, &a->ocsp_key};

	for (size_t i = 0; i < NUM_KEYS; i++) {
		if (keys[i]->len)
			mst_wipe((void *)keys[i]->at, keys[i]->len);
		*keys[i] = mst_slice(NULL, 0);
	}
}

static void put_template(struct mst_pack *p, const struct mst_template *template)
{
	mst_pack_u64(p, template->days);
	mst_pack_u64(p, template->key_usage);
	mst_pack_u64(p, template->ext_key_usage);
	mst_pack_u64(p, template->rsa_bits_min);
	mst_pack_bool(p, template->takes_ec);
	mst_pack_u64(p, template->hash_bits);
	mst_pack_bool(p, template->takes_names);
}

static void read_template(struct mst_unpack *u, struct mst_template *template)
{
	template->days = mst_unpack_u32(u);
	template->key_usage = mst_unpack_u32(u);
	template->ext_key_usage = mst_unpack_u32(u);
	template->rsa_bits_min = mst_unpack_u32(u);
	template->takes_ec = mst_unpack_bool(u);
	template->hash_bits = mst_unpack_u32(u);
	template->takes_names = mst_unpack_bool(u);
}

static int decode(struct mst_authority *out, struct mst_slice key, struct mst_slice value, struct mst_err *e)
{
	struct mst_slice *const texts[] = {&out->name, &out->cert,    &out->chain,    &out->ra_cert,
					   &out->ocsp_cert, &out->csr, &out->crl_url, &out->ocsp_url,
					   &out->challenge_sha256, &out->sealed[0], &out->sealed[1], &out->sealed[2]};
	struct mst_unpack u;

	*out = (struct mst_authority){.raw = value};
	if (key.len != sizeof out->id)
		return mst_fail(e, MST_E_STORE, "the key of an authority has %zu bytes", key.len);
	memcpy(out->id, key.at, key.len);
	mst_unpack_begin(&u, value, VERSION);
	out->state = (enum mst_authority_state)mst_unpack_max(&u, MST_NUM_AUTHORITY_STATES - 1);
	out->kind = (enum mst_key_kind)mst_unpack_max(&u, MST_NUM_KEY_KINDS - 1);
	read_template(&u, &out->template);
	out->crl_hours = mst_unpack_u32(&u);
	out->created_ms = mst_unpack_i64(&u);
	out->changed_ms = mst_unpack_i64(&u);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		*texts[i] = mst_unpack_bytes(&u);
	if (u.version >= 2)
		out->successor = mst_unpack_bytes(&u);
	if (out->successor.len && out->successor.len != sizeof out->id)
		return mst_fail(e, MST_E_STORE, "the successor of an authority has %zu bytes", out->successor.len);
	return mst_unpack_end(&u, "authority", e);
}

static int read_record(struct mst_read *r, struct mst_authority *out, struct mst_slice key, struct mst_slice value,
		       const struct mst_seal *seal)
{
	if (decode(out, key, value, &r->err) < 0)
		return -1;
	return seal && open_keys(out, r->arena, seal, &r->err) < 0 ? -1 : 1;
}

int mst_authority_get(struct mst_read *r, struct mst_authority *out, const uint8_t id[static 16], const struct mst_seal *seal)
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_AUTHORITY, mst_slice(id, 16));

	return rc == 1 ? read_record(r, out, mst_slice(id, 16), value, seal) : rc;
}

int mst_authority_next(struct mst_walk *w, struct mst_read *r, struct mst_authority *out, const struct mst_seal *seal)
{
	const struct mst_slice all = {NULL, 0};
	struct mst_slice key, value;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_AUTHORITY, all, all) < 0)
		return -1;
	int rc = mst_record_next(w, &key, &value);
	return rc == 1 ? read_record(r, out, key, value, seal) : rc;
}

int mst_authority_put(struct mst_batch *b, const struct mst_authority *a, const struct mst_seal *seal, struct mst_err *e)
{
	struct mst_slice sealed[NUM_KEYS];
	struct mst_pack p;

	if (close_keys(sealed, a, b->arena, seal, e) < 0)
		return -1;
	const struct mst_slice texts[] = {a->name, a->cert,    a->chain,    a->ra_cert,          a->ocsp_cert, a->csr,
					  a->crl_url, a->ocsp_url, a->challenge_sha256, sealed[0],    sealed[1], sealed[2]};
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, a->state);
	mst_pack_u64(&p, a->kind);
	put_template(&p, &a->template);
	mst_pack_u64(&p, a->crl_hours);
	mst_pack_i64(&p, a->created_ms);
	mst_pack_i64(&p, a->changed_ms);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		mst_pack_bytes(&p, texts[i]);
	mst_pack_bytes(&p, a->successor);
	mst_record_require(b, MST_SPACE_AUTHORITY, mst_slice(a->id, sizeof a->id), a->raw);
	mst_record_put(b, MST_SPACE_AUTHORITY, mst_slice(a->id, sizeof a->id), &p);
	return 0;
}
