/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error, filled once where it is seen and passed up unchanged. Its code says what the caller may do and which HTTP
 * status it becomes; its text is for people and logs. Functions that can fail return 0 or -1; parsers return
 * 1 done, 0 need more (nothing consumed), -1 broken.
 */
#ifndef MUSTER_ERR_H
#define MUSTER_ERR_H

#include "muster/base.h"

/* X(name, HTTP status, word for logs and JSON) */
#define MST_CODES(X)                                                                               \
	X(NONE, 200, "none")                                                                       \
	X(SYNTAX, 400, "syntax")           /* the peer's bytes do not parse or break a rule */     \
	X(KEY, 401, "key")                 /* an operator without a key; never a device: it would unenrol */ \
	X(DENIED, 403, "denied")           /* known who, not allowed */                            \
	X(ABSENT, 404, "absent")           /* no such thing */                                     \
	X(METHOD, 405, "method")           /* the path exists, the method does not */              \
	X(TIMEOUT, 408, "timeout")         /* the peer took too long */                            \
	X(CONFLICT, 409, "conflict")       /* exists already, or changed meanwhile */              \
	X(GONE, 410, "gone")               /* was there, will not be again */                      \
	X(TOO_BIG, 413, "too-big")         /* over a limit */                                      \
	X(TYPE, 415, "type")               /* content type we do not take */                       \
	X(EXPECT, 417, "expect")           /* an Expect other than 100-continue */                 \
	X(RATE, 429, "rate")               /* too often */                                         \
	X(HEADERS, 431, "headers")         /* header line or count over the limit */               \
	X(BUG, 500, "internal")            /* ours */                                              \
	X(METHOD_UNKNOWN, 501, "method-unknown")                                                   \
	X(BUSY, 503, "busy")               /* queue, slots or memory used up: try again */         \
	X(STORE, 503, "store")             /* the store cannot write or read */                    \
	X(IO, 503, "io")                   /* a system call failed; `sys` holds errno */           \
	X(VERSION, 505, "version")         /* an HTTP version we do not speak */                   \
	X(CRYPTO, 403, "crypto")           /* certificate, signature or TLS refused */             \
	X(CONF, 500, "configuration")      /* a configuration file is wrong */

enum mst_code {
#define X(name, status, word) MST_E_##name,
	MST_CODES(X)
#undef X
	MST_NUM_CODES
};

#define MST_ERR_TEXT 200

struct mst_err {
	enum mst_code code;
	int sys;                 /* errno, 0 when none */
	char text[MST_ERR_TEXT]; /* always terminated */
};

/* mst_fail(e, code, format, ...) fills `e` (which may be NULL) and is -1. `format` is a constant; long texts are cut.
 * mst_fail_sys(e, sys, format, ...) does so with code IO and `sys` (an errno, positive) kept and named at the end of the
 * text. They are macros so that the compiler sees the -1. */
void mst_err_fill(struct mst_err *e, enum mst_code code, const char *format, ...) MST_PRINTF(3, 4);
void mst_err_fill_sys(struct mst_err *e, int sys, const char *format, ...) MST_PRINTF(3, 4);
static inline int mst_err_minus(void)
{
	return -1;
}
#define mst_fail(...)     (mst_err_fill(__VA_ARGS__), mst_err_minus())
#define mst_fail_sys(...) (mst_err_fill_sys(__VA_ARGS__), mst_err_minus())
/* mst_code_status returns the HTTP status of `code`; mst_code_word its constant word. */
int mst_code_status(enum mst_code code);
const char *mst_code_word(enum mst_code code);

#endif
