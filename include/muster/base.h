/* SPDX-License-Identifier: Apache-2.0 */
/* The words every file uses: array length, bit, home pointer, must-check, and the end for our own mistakes. */
#ifndef MUSTER_BASE_H
#define MUSTER_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MST_LEN(rows) (sizeof(rows) / sizeof((rows)[0]))
#define MST_B(n) (1u << (n))
#define MST_LIKELY(x) __builtin_expect(!!(x), 1)
#define MST_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A result that may not be ignored. */
#define MST_MUST __attribute__((warn_unused_result))
#define MST_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* From a pointer to a member back to the struct that holds it. */
#define MST_HOME(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

/* mst_bug prints where and what and aborts: the program's own invariant is broken. Never for a peer's input. */
_Noreturn void mst_bug(const char *file, int line, const char *what);
#define BUG_ON(broken)                                                                             \
	do {                                                                                       \
		if (MST_UNLIKELY(broken))                                                          \
			mst_bug(__FILE__, __LINE__, #broken);                                      \
	} while (0)

#endif
