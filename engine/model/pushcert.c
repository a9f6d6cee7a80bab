/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials for the push service: what an operator sends, and the record; the private key is sealed, bound to the topic. */
#include "muster/pushcert.h"

#include "muster/text.h"
#include "record.h"

#define VERSION 1
#define CERTS_MAX 8 /* a chain has three */
#define BOUND_LEN 40 /* "pushcert", SHA-256 of the topic */

struct found {
	struct mst_cert certs[CERTS_MAX];
	size_t num, own; /* `own`: the one that belongs to the key */
	struct mst_key *key;
};

static bool is_key(struct mst_slice label)
{
	return mst_slice_eq(label, MST_S("PRIVATE KEY")) || mst_slice_eq(label, MST_S("RSA PRIVATE KEY")) ||
	       mst_slice_eq(label, MST_S("EC PRIVATE KEY"));
}

static int take_block(struct found *found, struct mst_slice label, struct mst_slice der, struct mst_err *e)
{
	if (mst_slice_eq(label, MST_S("ENCRYPTED PRIVATE KEY")))
		return mst_fail(e, MST_E_SYNTAX, "the private key is encrypted: send it without a password");
	if (is_key(label))
		return found->key ? mst_fail(e, MST_E_SYNTAX, "more than one private key") : mst_key_read(&found->key, der, e);
	if (!mst_slice_eq(label, MST_S("CERTIFICATE")))
		return 0;
	if (found->num == CERTS_MAX)
		return mst_fail(e, MST_E_TOO_BIG, "more than %d certificates", CERTS_MAX);
	return mst_cert_parse(&found->certs[found->num++], der, e);
}

static void wipe(struct mst_slice secret)
{
	if (secret.len)
		mst_wipe((void *)(uintptr_t)secret.at, secret.len);
}

static int read_blocks(struct found *found, struct mst_arena *arena, struct mst_slice pem, struct mst_err *e)
{
	struct mst_slice label, der;
	int rc;

	while ((rc = mst_pem_next(&label, &der, &pem, arena, e)) == 1) {
		int taken = take_block(found, label, der, e);
		if (is_key(label))
			wipe(der);
		if (taken < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	if (!found->key)
		return mst_fail(e, MST_E_SYNTAX, "there is no private key");
	return found->num ? 0 : mst_fail(e, MST_E_SYNTAX, "there is no certificate");
}

static int find_own(struct found *found, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_slice spki;

	if (mst_key_spki(&spki, arena, found->key, e) < 0)
		return -1;
	for (found->own = 0; found->own < found->num; found->own++)
		if (mst_slice_eq(found->certs[found->own].spki, spki))
			return 0;
	return mst_fail(e, MST_E_SYNTAX, "the private key belongs to none of the certificates");
}

static bool is_topic(struct mst_slice topic)
{
	for (size_t i = 0; i < topic.len; i++)
		if (topic.at[i] <= ' ' || topic.at[i] >= 0x7f)
			return false;
	return topic.len > 0 && topic.len <= MST_TOPIC_MAX;
}

/* Writes the certificates again, the key's first: whatever else stood in the text is gone. */
static int join_chain(struct mst_slice *out, const struct found *found, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_slice parts[CERTS_MAX];
	size_t len = 0, num = 0;

	for (size_t i = 0; i < found->num; i++) {
		size_t which = i == 0 ? found->own : i <= found->own ? i - 1 : i;
		if (mst_pem_put(&parts[num], arena, "CERTIFICATE", found->certs[which].der, e) < 0)
			return -1;
		len += parts[num++].len;
	}
	uint8_t *at = mst_arena_get(arena, len);
	if (!at)
		return mst_fail(e, MST_E_BUSY, "no memory for a chain");
	*out = mst_slice(at, len);
	for (size_t i = 0; i < num; at += parts[i++].len)
		memcpy(at, parts[i].at, parts[i].len);
	return 0;
}

static int fill(struct mst_pushcert *out, struct found *found, struct mst_arena *arena, struct mst_err *e)
{
	const struct mst_cert *own = &found->certs[found->own];
	struct mst_slice topic = own->user_id;

	if (!is_topic(topic))
		return mst_fail(e, MST_E_TYPE, "the certificate's subject has no UID: it is no MDM push certificate");
	*out = (struct mst_pushcert){.not_before = own->not_before, .not_after = own->not_after};
	if (!mst_arena_copy(arena, &out->topic, topic))
		return mst_fail(e, MST_E_BUSY, "no memory for a topic");
	mst_sha256(out->sha256, own->der);
	if (join_chain(&out->chain_pem, found, arena, e) < 0)
		return -1;
	return mst_key_pem(&out->key_pem, arena, found->key, e);
}

int mst_pushcert_read(struct mst_pushcert *out, struct mst_arena *arena, struct mst_slice pem, struct mst_err *e)
{
	struct found found = {.num = 0};
	int rc = read_blocks(&found, arena, pem, e);

	if (rc == 0)
		rc = find_own(&found, arena, e);
	if (rc == 0)
		rc = fill(out, &found, arena, e);
	mst_key_free(&found.key);
	return rc;
}

static struct mst_slice bound(uint8_t out[static BOUND_LEN], struct mst_slice key)
{
	memcpy(out, "pushcert", 8);
	memcpy(out + 8, key.at, 32);
	return mst_slice(out, BOUND_LEN);
}

static int decode(struct mst_pushcert *out, struct mst_slice *sealed, struct mst_slice value, struct mst_err *e)
{
	struct mst_slice *const texts[] = {&out->topic, &out->chain_pem, &out->key_id, &out->team_id, sealed};
	struct mst_unpack u;

	*out = (struct mst_pushcert){.raw = value};
	mst_unpack_begin(&u, value, VERSION);
	out->env = (enum mst_push_env)mst_unpack_max(&u, MST_PUSH_SANDBOX);
	out->is_token = mst_unpack_bool(&u);
	out->not_before = mst_unpack_i64(&u);
	out->not_after = mst_unpack_i64(&u);
	out->put_ms = mst_unpack_i64(&u);
	mst_unpack_fixed(&u, out->sha256, sizeof out->sha256);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		*texts[i] = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "push credential", e);
}

static int read_record(struct mst_read *r, struct mst_pushcert *out, struct mst_slice key, struct mst_slice value,
		       const struct mst_seal *seal)
{
	uint8_t room[BOUND_LEN];
	struct mst_slice sealed;

	if (key.len != 32)
		return mst_fail(&r->err, MST_E_STORE, "the key of a push credential has %zu bytes", key.len);
	if (decode(out, &sealed, value, &r->err) < 0)
		return -1;
	if (!seal)
		return 1;
	out->is_old = mst_seal_is_old(seal, sealed);
	return mst_seal_open(&out->key_pem, r->arena, seal, bound(room, key), sealed, &r->err) < 0 ? -1 : 1;
}

int mst_pushcert_get_key(struct mst_read *r, struct mst_pushcert *out, const uint8_t key[static 32], const struct mst_seal *seal)
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_PUSHCERT, mst_slice(key, 32));

	return rc == 1 ? read_record(r, out, mst_slice(key, 32), value, seal) : rc;
}

int mst_pushcert_get(struct mst_read *r, struct mst_pushcert *out, struct mst_slice topic, const struct mst_seal *seal)
{
	uint8_t key[32];

	mst_sha256(key, topic);
	return mst_pushcert_get_key(r, out, key, seal);
}

int mst_pushcert_put(struct mst_batch *b, const struct mst_pushcert *c, const struct mst_seal *seal, struct mst_err *e)
{
	uint8_t key[32], room[BOUND_LEN];
	struct mst_slice sealed;
	struct mst_pack p;

	mst_sha256(key, c->topic);
	if (mst_seal_close(&sealed, b->arena, seal, bound(room, mst_slice(key, sizeof key)), c->key_pem, e) < 0)
		return -1;
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, c->env);
	mst_pack_bool(&p, c->is_token);
	mst_pack_i64(&p, c->not_before);
	mst_pack_i64(&p, c->not_after);
	mst_pack_i64(&p, c->put_ms);
	mst_pack_fixed(&p, c->sha256, sizeof c->sha256);
	mst_pack_bytes(&p, c->topic);
	mst_pack_bytes(&p, c->chain_pem);
	mst_pack_bytes(&p, c->key_id);
	mst_pack_bytes(&p, c->team_id);
	mst_pack_bytes(&p, sealed);
	if (c->raw.len) /* read before: nobody may have put another one since */
		mst_batch_require_same(b, MST_SPACE_PUSHCERT, mst_slice(key, sizeof key), c->raw);
	mst_record_put(b, MST_SPACE_PUSHCERT, mst_slice(key, sizeof key), &p);
	return 0;
}

void mst_pushcert_drop(struct mst_batch *b, struct mst_slice topic)
{
	uint8_t key[32];

	mst_sha256(key, topic);
	mst_batch_drop(b, MST_SPACE_PUSHCERT, mst_slice(key, sizeof key));
}

int mst_pushcert_next(struct mst_walk *w, struct mst_read *r, struct mst_pushcert *out, const struct mst_seal *seal)
{
	const struct mst_slice all = {NULL, 0};
	struct mst_slice key, value;

	if (!w->r && mst_walk_init(w, r, MST_SPACE_PUSHCERT, all, all) < 0)
		return -1;
	int rc = mst_record_next(w, &key, &value);
	return rc == 1 ? read_record(r, out, key, value, seal) : rc;
}
