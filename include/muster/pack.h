/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the store as bytes: a version byte, then fields in a fixed order. Numbers are varints
 * (7 bits a byte, low first), signed ones in zigzag; bytes carry their length before them or have a
 * fixed one. Fields are only ever added at the end, with a higher version: an older reader ignores
 * what a newer writer added, a newer reader asks u->version before it reads what older records
 * lack.
 */
#ifndef MUSTER_PACK_H
#define MUSTER_PACK_H

#include "muster/grow.h"

struct mst_pack {
	struct mst_grow out;
};

/* mst_pack_begin starts a record in the arena. Failures stick and are told by mst_pack_end. */
void mst_pack_begin(struct mst_pack *p, struct mst_arena *arena, uint8_t version);
void mst_pack_u64(struct mst_pack *p, uint64_t n);
void mst_pack_i64(struct mst_pack *p, int64_t n);
void mst_pack_bool(struct mst_pack *p, bool is_set);
/* mst_pack_bytes writes length and bytes; mst_pack_fixed writes bytes whose length the reader
 * knows. */
void mst_pack_bytes(struct mst_pack *p, struct mst_slice bytes);
void mst_pack_fixed(struct mst_pack *p, const void *at, size_t len);
/* mst_pack_end gives the record, as long as the arena lives. -1 TOO_BIG when the arena had no room.
 */
int mst_pack_end(struct mst_pack *p, struct mst_slice *out, struct mst_err *e) MST_MUST;

/* A reader over lent bytes. Once a read fails every further one answers 0 or an empty slice, and
 * mst_unpack_end fails. */
struct mst_unpack {
	const uint8_t *at, *end;
	uint8_t version, newest;
	bool is_bad;
};

/* mst_unpack_begin reads the version; `newest` is the highest one the caller knows. An empty record
 * or version 0 is bad. */
void mst_unpack_begin(struct mst_unpack *u, struct mst_slice record, uint8_t newest);
uint64_t mst_unpack_u64(struct mst_unpack *u);
/* mst_unpack_u32 is bad when the number is larger; mst_unpack_max when it is larger than `max` (for
 * enums, lengths). */
uint32_t mst_unpack_u32(struct mst_unpack *u);
uint64_t mst_unpack_max(struct mst_unpack *u, uint64_t max);
int64_t mst_unpack_i64(struct mst_unpack *u);
bool mst_unpack_bool(struct mst_unpack *u);
/* mst_unpack_bytes lends from the record. */
struct mst_slice mst_unpack_bytes(struct mst_unpack *u);
/* mst_unpack_fixed copies `len` bytes, zeroes when bad; mst_unpack_text copies at most room - 1
 * bytes with a terminator, longer ones are bad. */
void mst_unpack_fixed(struct mst_unpack *u, void *out, size_t len);
void mst_unpack_text(struct mst_unpack *u, char *out, size_t room);
/* mst_unpack_end returns 0 when every read was good and nothing is left (or the record is of a
 * newer version than `newest`), -1 STORE otherwise. `what` names the record for the error's text.
 */
int mst_unpack_end(const struct mst_unpack *u, const char *what, struct mst_err *e) MST_MUST;

#endif
