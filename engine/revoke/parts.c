/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a request's path, and the JSON of a certificate. Names and numbers hold no slash, so the decoded path will do. */
#include "muster/crl.h"
#include "muster/text.h"
#include "own.h"

enum { PART_AUTHORITY = 2, PART_SERIAL = 3 };

struct mst_slice mst_parts_behind(const struct mst_xchg *x, size_t n)
{
	struct mst_slice part, rest = x->in.path;

	for (size_t i = 0; i <= n; i++)
		if (!mst_slice_cut(&part, &rest, rest, '/'))
			return (struct mst_slice){NULL, 0};
	return rest;
}

struct mst_slice mst_parts_at(const struct mst_xchg *x, size_t n)
{
	struct mst_slice part, rest, behind = mst_parts_behind(x, n);

	(void)mst_slice_cut(&part, &rest, behind, '/');
	return part;
}

/* As people see it: hex, leading zeros left out or not. */
int mst_parts_serial(uint8_t out[static 16], struct mst_slice hex, struct mst_err *e)
{
	uint8_t digits[32];

	if (hex.len == 0 || hex.len > sizeof(digits))
		return mst_fail(e, MST_E_SYNTAX, "a serial number has 1 to 32 hex digits");
	memset(digits, '0', sizeof(digits));
	memcpy(digits + sizeof(digits) - hex.len, hex.at, hex.len);
	return mst_hex_get(out, 16, mst_slice(digits, sizeof(digits)), e);
}

int mst_parts_cert(struct mst_xchg *x, struct mst_slice *name, uint8_t authority[static 16], uint8_t serial[static 16])
{
	*name = mst_parts_at(x, PART_AUTHORITY);
	if (name->len == 0 || name->len > MST_AUTHORITY_NAME_MAX)
		return mst_fail(&x->err, MST_E_ABSENT, "unknown authority");
	mst_authority_id(authority, *name);
	return mst_parts_serial(serial, mst_parts_at(x, PART_SERIAL), &x->err);
}

const char *mst_parts_state(const struct mst_issued *i, int64_t now_s)
{
	return i->revoked_ms ? "revoked" : i->not_after < now_s ? "expired" : "valid";
}

void mst_parts_put(struct mst_json *j, const struct mst_issued *i, struct mst_slice authority, int64_t now_s)
{
	uint8_t sha256[32];

	mst_sha256(sha256, i->cert);
	mst_json_text(j, "authority", authority);
	mst_json_hex(j, "serial", mst_slice(i->serial, sizeof(i->serial)));
	mst_json_text(j, "state", mst_slice_str(mst_parts_state(i, now_s)));
	mst_json_text(j, "name", i->name);
	mst_json_text(j, "device", i->device);
	mst_json_text(j, "source", i->source);
	mst_json_time(j, "issued_at", i->issued_ms);
	mst_json_time(j, "not_after", i->not_after * 1000);
	mst_json_time(j, "revoked_at", i->revoked_ms);
	if (i->revoked_ms)
		mst_json_text(j, "reason", mst_slice_str(mst_crl_reason_word(i->reason)));
	else
		mst_json_null(j, "reason");
	mst_json_hex(j, "sha256", mst_slice(sha256, sizeof(sha256)));
}
