/* SPDX-License-Identifier: Apache-2.0 */
/* Fills errors, knows each code's status and word, and ends the program when an invariant is
 * broken. */
#include "muster/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	int status;
	const char *word;
} codes[MST_NUM_CODES] = {
#define X(name, status, word) [MST_E_##name] = {status, word},
	MST_CODES(X)
#undef X
};

/* Returns how many characters now stand in the text. */
static size_t fill(struct mst_err *e, enum mst_code code, int sys, const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));

static size_t fill(struct mst_err *e, enum mst_code code, int sys, const char *format, va_list args)
{
	e->code = code;
	e->sys = sys;
	int len = vsnprintf(e->text, sizeof(e->text), format, args);
	if (len < 0) {
		e->text[0] = '\0';
		return 0;
	}
	return (size_t)len < sizeof(e->text) ? (size_t)len : sizeof(e->text) - 1;
}

void mst_err_fill(struct mst_err *e, enum mst_code code, const char *format, ...)
{
	if (!e)
		return;
	va_list args;
	va_start(args, format);
	fill(e, code, 0, format, args);
	va_end(args);
}

void mst_err_fill_sys(struct mst_err *e, int sys, const char *format, ...)
{
	if (!e)
		return;
	va_list args;
	va_start(args, format);
	size_t len = fill(e, MST_E_IO, sys, format, args);
	va_end(args);

	/* Of a long text the front is kept, and the reason behind it. */
	const char *reason = strerrordesc_np(sys);
	if (!reason)
		reason = "unknown error";
	size_t need = strlen(reason) + 2;
	if (len + need >= sizeof(e->text))
		len = sizeof(e->text) - 1 - need;
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", reason);
}

int mst_code_status(enum mst_code code)
{
	BUG_ON((unsigned)code >= MST_NUM_CODES);
	return codes[code].status;
}

const char *mst_code_word(enum mst_code code)
{
	BUG_ON((unsigned)code >= MST_NUM_CODES);
	return codes[code].word;
}

_Noreturn void mst_bug(const char *file, int line, const char *what)
{
	char text[512];
	int len = snprintf(text, sizeof(text), "muster: broken invariant at %s:%d: %s\n", file,
			   line, what);
	size_t left = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
	/* The program ends here whether or not anybody can read why. */
	ssize_t ignored = write(STDERR_FILENO, text, left);
	(void)ignored;
	abort();
}
