/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record per event: level, constant text, typed fields. Written to stderr as one logfmt line (or JSON), in one write.
 * What a peer can trigger goes through mst_log_peer, which lets MST_LOG_BURST records a second through at each place and
 * then says how many it held back. Secrets, tokens and bodies are never fields. Any thread.
 */
#ifndef MUSTER_LOG_H
#define MUSTER_LOG_H

#include "muster/slice.h"

enum mst_level { MST_DEBUG, MST_INFO, MST_WARN, MST_ERROR, MST_NUM_LEVELS };
#define MST_LOG_BURST 20

struct mst_field {
	const char *key;
	enum { MST_F_STR, MST_F_U64, MST_F_I64, MST_F_HEX } kind;
	union {
		struct mst_slice bytes;
		uint64_t u64;
		int64_t i64;
	} value;
};
static inline struct mst_field mst_f_slice(const char *key, struct mst_slice s)
{
	return (struct mst_field){key, MST_F_STR, {.bytes = s}};
}
static inline struct mst_field mst_f_str(const char *key, const char *text)
{
	return mst_f_slice(key, mst_slice_str(text));
}
static inline struct mst_field mst_f_hex(const char *key, struct mst_slice s)
{
	return (struct mst_field){key, MST_F_HEX, {.bytes = s}};
}
static inline struct mst_field mst_f_u64(const char *key, uint64_t n)
{
	return (struct mst_field){key, MST_F_U64, {.u64 = n}};
}
static inline struct mst_field mst_f_i64(const char *key, int64_t n)
{
	return (struct mst_field){key, MST_F_I64, {.i64 = n}};
}
/* mst_f_err gives the error's text; its code's word comes with mst_f_code. */
struct mst_field mst_f_err(const struct mst_err *e);
struct mst_field mst_f_code(const struct mst_err *e);

/* State of one rate-limited place. */
struct mst_log_gate {
	uint64_t second;
	uint32_t num_passed, num_held;
};

extern _Atomic(enum mst_level) mst_log_least; /* records below it cost one branch; set at start and on reload */

/* mst_log_setup: what is written from now on. */
void mst_log_setup(enum mst_level least, bool as_json);
/* mst_log_write is what the macros call. `gate` may be NULL. */
void mst_log_write(enum mst_level level, struct mst_log_gate *gate, const char *text, const struct mst_field *fields,
		   size_t num_fields);
/* mst_log_count returns how many records of `level` or above were written since start; tests watch it. */
uint64_t mst_log_count(enum mst_level level);

#define MST_FIELDS(...) (const struct mst_field[]){__VA_ARGS__}, sizeof((const struct mst_field[]){__VA_ARGS__}) / sizeof(struct mst_field)
/* mst_log(INFO, "constant text", fields...): at least one field. */
#define mst_log(level, text, ...)                                                                  \
	do {                                                                                       \
		if (MST_##level >= mst_log_least)                                                  \
			mst_log_write(MST_##level, NULL, text, MST_FIELDS(__VA_ARGS__));           \
	} while (0)
#define mst_log_peer(level, text, ...)                                                             \
	do {                                                                                       \
		static _Thread_local struct mst_log_gate gate_here;                                \
		if (MST_##level >= mst_log_least)                                                  \
			mst_log_write(MST_##level, &gate_here, text, MST_FIELDS(__VA_ARGS__));     \
	} while (0)

#endif
