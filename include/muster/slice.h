/* SPDX-License-Identifier: Apache-2.0 */
/* A slice lends bytes: pointer and length, no ownership, no terminator. `at` may be NULL when `len` is 0. */
#ifndef MUSTER_SLICE_H
#define MUSTER_SLICE_H

#include <string.h>

#include "muster/base.h"
#include "muster/err.h"

struct mst_slice {
	const uint8_t *at;
	size_t len;
};

/* A slice of a string literal. */
#define MST_S(literal) ((struct mst_slice){(const uint8_t *)(literal), sizeof(literal) - 1})
#define MST_S_INIT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

static inline struct mst_slice mst_slice(const void *at, size_t len)
{
	return (struct mst_slice){at, len};
}
static inline struct mst_slice mst_slice_str(const char *text)
{
	return (struct mst_slice){(const uint8_t *)text, text ? strlen(text) : 0};
}
static inline bool mst_slice_eq(struct mst_slice a, struct mst_slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}
static inline bool mst_slice_starts(struct mst_slice s, struct mst_slice with)
{
	return s.len >= with.len && (with.len == 0 || memcmp(s.at, with.at, with.len) == 0);
}
/* mst_slice_case_eq compares ASCII letters without case; the rest byte for byte. */
bool mst_slice_case_eq(struct mst_slice a, struct mst_slice b);
bool mst_slice_case_starts(struct mst_slice s, struct mst_slice with);
/* mst_slice_cmp orders bytewise: <0, 0, >0. */
int mst_slice_cmp(struct mst_slice a, struct mst_slice b);
/* mst_slice_find returns the first place of byte `c`, or s.len when absent. */
size_t mst_slice_find(struct mst_slice s, uint8_t c);
/* mst_slice_cut splits at the first `c`: *head before it, *rest behind it. False (all in *head) when `c` is absent. */
bool mst_slice_cut(struct mst_slice *head, struct mst_slice *rest, struct mst_slice s, uint8_t c);
/* mst_slice_trim drops spaces and tabs at both ends. */
struct mst_slice mst_slice_trim(struct mst_slice s);
/* mst_slice_u64 reads a whole slice of 1 to 20 decimal digits. Returns 0, or -1 SYNTAX; no sign, no space. */
int mst_slice_u64(uint64_t *out, struct mst_slice s, struct mst_err *e) MST_MUST;
/* mst_slice_same_secret compares in time that depends on lengths only. */
bool mst_slice_same_secret(struct mst_slice a, struct mst_slice b);

#endif
