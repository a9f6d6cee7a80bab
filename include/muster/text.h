/* SPDX-License-Identifier: Apache-2.0 */
/* Text of bytes: hex (RFC 4648 8), base64 (RFC 4648 4), UTF-8, percent-decoding (RFC 3986 2.1), times (RFC 3339). */
#ifndef MUSTER_TEXT_H
#define MUSTER_TEXT_H

#include "muster/slice.h"

/* mst_hex_put writes 2 * in.len lower-case digits and no terminator; `out` has the room. */
void mst_hex_put(char *out, struct mst_slice in);
/* mst_hex_get decodes exactly 2 * len digits of either case. Returns 0, or -1 SYNTAX with `out` unspecified. */
int mst_hex_get(uint8_t *out, size_t len, struct mst_slice in, struct mst_err *e) MST_MUST;

#define MST_BASE64_LEN(len) (((len) + 2) / 3 * 4)
#define MST_BASE64_ROOM(len) ((len) / 4 * 3 + 3)
/* mst_base64_put writes MST_BASE64_LEN(in.len) characters with padding, no terminator. */
void mst_base64_put(char *out, struct mst_slice in);
/* mst_base64_get decodes; white space (space, tab, CR, LF) is skipped, padding must be right or absent, anything else is
 * -1 SYNTAX. `out` holds MST_BASE64_ROOM(in.len). Returns 0 with *len set. */
int mst_base64_get(uint8_t *out, size_t *len, struct mst_slice in, struct mst_err *e) MST_MUST;

/* mst_utf8_ok says whether the bytes are well-formed UTF-8 without NUL (Unicode 15 table 3-7). */
bool mst_utf8_ok(struct mst_slice s);
/* mst_utf8_step returns the length of the well-formed character at the front of `s`, 0 when there is none; NUL is one. */
size_t mst_utf8_step(struct mst_slice s);
/* mst_percent_get decodes %XX in `in` into `out` (room in.len). Returns 0 with *len set, -1 SYNTAX on a bad escape or %00. */
int mst_percent_get(uint8_t *out, size_t *len, struct mst_slice in, struct mst_err *e) MST_MUST;

#define MST_TIME_ROOM 32
/* mst_time_put writes `ms` since 1970 as 2026-01-02T03:04:05.678Z, terminated, and returns its length. */
size_t mst_time_put(char out[static MST_TIME_ROOM], int64_t ms);

/* mst_wipe overwrites secrets; the compiler may not drop it. */
void mst_wipe(void *at, size_t len);
/* mst_random fills `out` from the kernel's generator; aborts the program if the kernel cannot. Any thread. */
void mst_random(void *out, size_t len);

#endif
