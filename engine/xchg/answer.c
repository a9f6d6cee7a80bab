/* SPDX-License-Identifier: Apache-2.0 */
/* Answers an exchange: with a body, or with its error as text or JSON. */
#include "muster/text.h"
#include "muster/xchg.h"

#define RETRY_BUSY_S  1 /* a queue empties within a second */
#define RETRY_STORE_S 5 /* a disk does not */
#define TYPE_TEXT     "text/plain; charset=utf-8"
#define TYPE_JSON     "application/json"

enum mst_step mst_xchg_answer(struct mst_xchg *x, int status, const char *type,
			      struct mst_slice body)
{
	x->out.status = status;
	x->out.type = type;
	x->out.body = body;
	return STEP_REPLY;
}

/* Our own failures are named, not described: their texts are for the log. */
static struct mst_slice shown(const struct mst_err *e)
{
	int status = mst_code_status(e->code);
	return mst_slice_str(status == 500 || status == 503 ? mst_code_word(e->code) : e->text);
}

/* {"error": "text"}; a text may hold what the peer sent. */
static struct mst_slice json_body(struct mst_xchg *x, struct mst_slice text)
{
	static const struct mst_slice head = MST_S_INIT("{\"error\": \""),
				      tail = MST_S_INIT("\"}\n");
	uint8_t *out = mst_arena_get(&x->arena, head.len + 2 * text.len + tail.len);
	size_t at = head.len;
	bool is_utf8 = mst_utf8_ok(text);
	if (!out)
		return MST_S("{\"error\": \"out of memory\"}\n");
	memcpy(out, head.at, head.len);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		if (c == '"' || c == '\\')
			out[at++] = '\\';
		out[at++] = c < ' ' || c == 0x7f || (c >= 0x80 && !is_utf8) ? '?' : c;
	}
	memcpy(out + at, tail.at, tail.len);
	return mst_slice(out, at + tail.len);
}

static struct mst_slice text_body(struct mst_xchg *x, struct mst_slice text)
{
	struct mst_slice body;
	bool has_room =
		mst_arena_format(&x->arena, &body, "%.*s\n", (int)text.len, (const char *)text.at);
	return has_room ? body : MST_S("out of memory\n");
}

enum mst_step mst_xchg_fail(struct mst_xchg *x)
{
	if (x->err.code == MST_E_NONE)
		mst_fail(&x->err, MST_E_BUG, "an error without a code");
	bool is_plain = !x->way || x->way->has_plain_errors;
	int status = mst_code_status(x->err.code);
	struct mst_slice text = shown(&x->err);
	if ((status == 503 || status == 429) && x->out.retry_after_s == 0)
		x->out.retry_after_s = x->err.code == MST_E_STORE || x->err.code == MST_E_IO
					       ? RETRY_STORE_S
					       : RETRY_BUSY_S;
	return mst_xchg_answer(x, status, is_plain ? TYPE_TEXT : TYPE_JSON,
			       is_plain ? text_body(x, text) : json_body(x, text));
}

enum mst_step mst_xchg_refuse(struct mst_xchg *x, enum mst_code code, const char *text)
{
	mst_fail(&x->err, code, "%s", text);
	return mst_xchg_fail(x);
}
