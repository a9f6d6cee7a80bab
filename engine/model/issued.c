/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates our authorities issued.
 *
 *   | authority 16 | serial 16 |
 */
#include "muster/issued.h"

#include "issued_own.h"

#define VERSION 1
#define BOUND_LEN (4 + MST_ISSUED_KEY_LEN) /* "cert", the record's key */

void mst_issued_key(uint8_t out[static MST_ISSUED_KEY_LEN], const uint8_t authority[static 16], const uint8_t serial[static 16])
{
	memcpy(out, authority, 16);
	memcpy(out + 16, serial, 16);
}

int mst_issued_serial(uint8_t out[static 16], struct mst_slice number, struct mst_err *e)
{
	while (number.len && number.at[0] == 0)
		number = mst_slice(number.at + 1, number.len - 1);
	if (number.len > 16 || (number.len == 16 && number.at[0] & 0x80))
		return mst_fail(e, MST_E_ABSENT, "no certificate of ours has such a number");
	memset(out, 0, 16);
	if (number.len)
		memcpy(out + 16 - number.len, number.at, number.len);
	return 0;
}

static struct mst_slice bound(uint8_t out[static BOUND_LEN], const struct mst_issued *i)
{
	memcpy(out, "cert", 4);
	mst_issued_key(out + 4, i->authority, i->serial);
	return mst_slice(out, BOUND_LEN);
}

static int decode(struct mst_issued *out, struct mst_slice key, struct mst_slice value, struct mst_err *e)
{
	struct mst_slice *const texts[] = {&out->cert, &out->name, &out->device, &out->source, &out->sealed};
	struct mst_unpack u;

	*out = (struct mst_issued){.raw = value};
	if (key.len != MST_ISSUED_KEY_LEN)
		return mst_fail(e, MST_E_STORE, "the key of a certificate has %zu bytes", key.len);
	memcpy(out->authority, key.at, 16);
	memcpy(out->serial, key.at + 16, 16);
	mst_unpack_begin(&u, value, VERSION);
	out->not_after = mst_unpack_i64(&u);
	out->issued_ms = mst_unpack_i64(&u);
	out->revoked_ms = mst_unpack_i64(&u);
	out->reason = mst_unpack_u32(&u);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		*texts[i] = mst_unpack_bytes(&u);
	return mst_unpack_end(&u, "certificate", e);
}

static int read_record(struct mst_read *r, struct mst_issued *out, struct mst_slice key, struct mst_slice value,
		       const struct mst_seal *seal)
{
	uint8_t room[BOUND_LEN];

	if (decode(out, key, value, &r->err) < 0)
		return -1;
	if (!seal || out->sealed.len == 0)
		return 1;
	out->is_old = mst_seal_is_old(seal, out->sealed);
	return mst_seal_open(&out->key, r->arena, seal, bound(room, out), out->sealed, &r->err) < 0 ? -1 : 1;
}

int mst_issued_get(struct mst_read *r, struct mst_issued *out, const uint8_t authority[static 16], const uint8_t serial[static 16],
		   const struct mst_seal *seal)
{
	uint8_t key[MST_ISSUED_KEY_LEN];
	struct mst_slice value;

	mst_issued_key(key, authority, serial);
	int rc = mst_read_get(r, &value, MST_SPACE_CERT, mst_slice(key, sizeof key));
	return rc == 1 ? read_record(r, out, mst_slice(key, sizeof key), value, seal) : rc;
}

int mst_issued_next(struct mst_walk *w, struct mst_read *r, struct mst_issued *out, const uint8_t authority[static 16],
		    struct mst_slice from, const struct mst_seal *seal)
{
	uint8_t first[MST_ISSUED_KEY_LEN + 1]; /* the least key behind `from` */
	struct mst_slice key, value, start = {NULL, 0};

	if (!w->r && from.len == 16) {
		mst_issued_key(first, authority, from.at);
		first[MST_ISSUED_KEY_LEN] = 0;
		start = mst_slice(first, sizeof first);
	}
	if (!w->r && mst_walk_init(w, r, MST_SPACE_CERT, mst_slice(authority, 16), start) < 0)
		return -1;
	int rc = mst_record_next(w, &key, &value);
	return rc == 1 ? read_record(r, out, key, value, seal) : rc;
}

void mst_issued_require(struct mst_batch *b, const struct mst_issued *i)
{
	uint8_t key[MST_ISSUED_KEY_LEN];

	mst_issued_key(key, i->authority, i->serial);
	mst_record_require(b, MST_SPACE_CERT, mst_slice(key, sizeof key), i->raw);
}

int mst_issued_put(struct mst_batch *b, const struct mst_issued *i, const struct mst_seal *seal, struct mst_err *e)
{
	uint8_t key[MST_ISSUED_KEY_LEN], room[BOUND_LEN];
	struct mst_slice sealed = i->sealed;
	struct mst_pack p;

	if (i->key.len && mst_seal_close(&sealed, b->arena, seal, bound(room, i), i->key, e) < 0)
		return -1;
	mst_issued_key(key, i->authority, i->serial);
	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_i64(&p, i->not_after);
	mst_pack_i64(&p, i->issued_ms);
	mst_pack_i64(&p, i->revoked_ms);
	mst_pack_u64(&p, i->reason);
	mst_pack_bytes(&p, i->cert);
	mst_pack_bytes(&p, i->name);
	mst_pack_bytes(&p, i->device);
	mst_pack_bytes(&p, i->source);
	mst_pack_bytes(&p, sealed);
	mst_record_require(b, MST_SPACE_CERT, mst_slice(key, sizeof key), i->raw);
	mst_record_put(b, MST_SPACE_CERT, mst_slice(key, sizeof key), &p);
	return 0;
}
