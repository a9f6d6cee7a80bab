/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads the fields of the store's records. */
#include "muster/pack.h"

#define VARINT_MAX 10 /* bytes of 64 bits at 7 bits each */

void mst_pack_begin(struct mst_pack *p, struct mst_arena *arena, uint8_t version)
{
	BUG_ON(version == 0);
	mst_grow_init(&p->out, arena);
	mst_grow_byte(&p->out, version);
}

void mst_pack_u64(struct mst_pack *p, uint64_t n)
{
	uint8_t *place = mst_grow_room(&p->out, VARINT_MAX);
	if (!place)
		return;
	size_t len = 0;
	while (n >= 0x80) {
		place[len++] = (uint8_t)(n | 0x80);
		n >>= 7;
	}
	place[len++] = (uint8_t)n;
	mst_grow_took(&p->out, len);
}

void mst_pack_i64(struct mst_pack *p, int64_t n)
{
	mst_pack_u64(p, n < 0 ? ~((uint64_t)n << 1) : (uint64_t)n << 1);
}

void mst_pack_bool(struct mst_pack *p, bool is_set)
{
	mst_grow_byte(&p->out, is_set);
}

void mst_pack_bytes(struct mst_pack *p, struct mst_slice bytes)
{
	mst_pack_u64(p, bytes.len);
	mst_grow_put(&p->out, bytes);
}

void mst_pack_fixed(struct mst_pack *p, const void *at, size_t len)
{
	mst_grow_put(&p->out, mst_slice(at, len));
}

int mst_pack_end(struct mst_pack *p, struct mst_slice *out, struct mst_err *e)
{
	return mst_grow_end(&p->out, out, e);
}

void mst_unpack_begin(struct mst_unpack *u, struct mst_slice record, uint8_t newest)
{
	*u = (struct mst_unpack){.at = record.at,
				 .end = record.at ? record.at + record.len : NULL,
				 .newest = newest};
	u->is_bad = record.len == 0 || record.at[0] == 0;
	if (!u->is_bad)
		u->version = *u->at++;
}

/* Lends the next `len` bytes, NULL when they are not there. */
static const uint8_t *take(struct mst_unpack *u, size_t len)
{
	if (u->is_bad || len > (size_t)(u->end - u->at)) {
		u->is_bad = true;
		return NULL;
	}
	const uint8_t *from = u->at;
	u->at += len;
	return from;
}

uint64_t mst_unpack_u64(struct mst_unpack *u)
{
	uint64_t n = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t *byte = take(u, 1);
		if (!byte)
			return 0;
		n |= (uint64_t)(*byte & 0x7f) << shift;
		if (*byte & 0x80)
			continue;
		/* One number has one spelling: no bits above 64, no needless last byte. */
		if ((shift == 63 && *byte > 1) || (shift && *byte == 0))
			break;
		return n;
	}
	u->is_bad = true;
	return 0;
}

uint64_t mst_unpack_max(struct mst_unpack *u, uint64_t max)
{
	uint64_t n = mst_unpack_u64(u);
	if (n <= max)
		return n;
	u->is_bad = true;
	return 0;
}

uint32_t mst_unpack_u32(struct mst_unpack *u)
{
	return (uint32_t)mst_unpack_max(u, UINT32_MAX);
}

int64_t mst_unpack_i64(struct mst_unpack *u)
{
	uint64_t n = mst_unpack_u64(u);
	return (int64_t)(n & 1 ? ~(n >> 1) : n >> 1);
}

bool mst_unpack_bool(struct mst_unpack *u)
{
	const uint8_t *byte = take(u, 1);
	if (byte && *byte > 1)
		u->is_bad = true;
	return byte && *byte == 1;
}

struct mst_slice mst_unpack_bytes(struct mst_unpack *u)
{
	size_t len = mst_unpack_u64(u);
	const uint8_t *at = take(u, len);
	return at ? mst_slice(at, len) : (struct mst_slice){NULL, 0};
}

void mst_unpack_fixed(struct mst_unpack *u, void *out, size_t len)
{
	const uint8_t *at = take(u, len);
	if (at)
		memcpy(out, at, len);
	else
		memset(out, 0, len);
}

void mst_unpack_text(struct mst_unpack *u, char *out, size_t room)
{
	struct mst_slice text = mst_unpack_bytes(u);
	if (text.len >= room) {
		u->is_bad = true;
		text.len = 0;
	}
	if (text.len)
		memcpy(out, text.at, text.len);
	out[text.len] = '\0';
}

int mst_unpack_end(const struct mst_unpack *u, const char *what, struct mst_err *e)
{
	if (u->is_bad)
		return mst_fail(e, MST_E_STORE, "the %s record is damaged", what);
	if (u->at != u->end && u->version <= u->newest)
		return mst_fail(e, MST_E_STORE, "the %s record has %zu bytes too many", what,
				(size_t)(u->end - u->at));
	return 0;
}
