/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes PEM blocks (RFC 7468). */
#include "muster/cert.h"

#include "muster/text.h"

#define LINE      64 /* base64 digits a line, RFC 7468 2 */
#define LABEL_MAX 64

static const struct mst_slice begin_mark = MST_S_INIT("-----BEGIN ");
static const struct mst_slice end_mark = MST_S_INIT("-----END ");
static const struct mst_slice dashes = MST_S_INIT("-----");

/* Finds `what` in `text`, at the start of a line when `at_line`. Returns its place, text.len when
 * absent. */
static size_t find(struct mst_slice text, struct mst_slice what, bool at_line)
{
	size_t from = 0;
	while (from < text.len) {
		const uint8_t *place = memmem(text.at + from, text.len - from, what.at, what.len);
		if (!place)
			break;
		size_t at = (size_t)(place - text.at);
		if (!at_line || at == 0 || text.at[at - 1] == '\n')
			return at;
		from = at + 1;
	}
	return text.len;
}

static struct mst_slice behind(struct mst_slice s, size_t len)
{
	return mst_slice(s.at + len, s.len - len);
}

int mst_pem_next(struct mst_slice *label, struct mst_slice *der, struct mst_slice *text,
		 struct mst_arena *arena, struct mst_err *e)
{
	size_t at = find(*text, begin_mark, true);
	if (at == text->len)
		return 0;
	struct mst_slice rest = behind(*text, at + begin_mark.len);
	struct mst_slice name = mst_slice(rest.at, find(rest, dashes, false));
	if (name.len == rest.len || name.len > LABEL_MAX || mst_slice_find(name, '\n') != name.len)
		return mst_fail(e, MST_E_SYNTAX, "PEM: a BEGIN line is broken");
	rest = behind(rest, name.len + dashes.len);

	struct mst_slice body = mst_slice(rest.at, find(rest, end_mark, true));
	if (body.len == rest.len)
		return mst_fail(e, MST_E_SYNTAX, "PEM: a block has no END line");
	rest = behind(rest, body.len + end_mark.len);
	if (!mst_slice_starts(rest, name) || !mst_slice_starts(behind(rest, name.len), dashes))
		return mst_fail(e, MST_E_SYNTAX, "PEM: BEGIN and END lines differ");
	rest = behind(rest, name.len + dashes.len);

	uint8_t *bytes = mst_arena_get(arena, MST_BASE64_ROOM(body.len));
	size_t len;
	if (!bytes)
		return mst_fail(e, MST_E_BUSY, "no memory for a PEM block");
	if (mst_base64_get(bytes, &len, body, e) < 0)
		return -1;
	*label = name;
	*der = mst_slice(bytes, len);
	*text = rest;
	return 1;
}

static char *add(char *to, struct mst_slice s)
{
	memcpy(to, s.at, s.len);
	return to + s.len;
}

int mst_pem_put(struct mst_slice *out, struct mst_arena *arena, const char *label,
		struct mst_slice der, struct mst_err *e)
{
	struct mst_slice name = mst_slice_str(label);
	size_t digits = MST_BASE64_LEN(der.len);
	size_t room = begin_mark.len + end_mark.len + 2 * (name.len + dashes.len + 1) + digits +
		      digits / LINE + 2;
	char *text = mst_arena_get(arena, room), *to = text;
	if (!text)
		return mst_fail(e, MST_E_BUSY, "no memory for a PEM block");
	to = add(add(add(to, begin_mark), name), dashes);
	*to++ = '\n';
	for (size_t at = 0; at < der.len; at += LINE / 4 * 3) {
		size_t len = der.len - at < LINE / 4 * 3 ? der.len - at : LINE / 4 * 3;
		mst_base64_put(to, mst_slice(der.at + at, len));
		to += MST_BASE64_LEN(len);
		*to++ = '\n';
	}
	to = add(add(add(to, end_mark), name), dashes);
	*to++ = '\n';
	*to = '\0';
	*out = mst_slice(text, (size_t)(to - text));
	return 0;
}
