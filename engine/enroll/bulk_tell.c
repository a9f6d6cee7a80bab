/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/bulk/{ID}/identities: what a job made, page by page, on a worker. With pkcs12=1 each with
 * its private key: the file that was made with it, or one made now; its password is random and told
 * beside it.
 */
#include "bulk_ask.h"

#include "muster/clock.h"
#include "muster/log.h"
#include "muster/text.h"

#define PAGE_MAX 1000
#define PAGE_MAX_P12                                                                               \
	100 /* making a file takes some milliseconds, and a page is one job of a worker */

static void wipe(struct mst_slice secret)
{
	if (secret.len)
		mst_wipe((void *)(uintptr_t)secret.at, secret.len);
}

/* A key that is kept by itself becomes a PKCS#12 now. 1, 0 it is not kept, -1. */
static int make_p12(struct bulk_p12 *out, struct bulk_ask *ask, const struct mst_issued *issued)
{
	struct mst_read *r = &ask->read;
	const struct mst_issuer *issuer;
	char name[MST_NAME_MAX + 1];

	if (issued->key.len == 0)
		return 0;
	if (!ask->issuers &&
	    mst_issuers_load(&ask->issuers, ask->app->store, ask->app->seal, &r->err) < 0)
		return -1;
	issuer = mst_issuers_find_id0(ask->issuers, issued->authority);
	if (!issuer || issued->name.len > MST_NAME_MAX)
		return mst_fail(&r->err, MST_E_STORE, "an identity without its authority");
	memcpy(name, issued->name.at, issued->name.len);
	name[issued->name.len] = 0;
	return mst_bulk_make_p12(out, r->arena, issuer, issued->key, issued->cert, name, &r->err) <
			       0
		       ? -1
		       : 1;
}

static int put_p12(struct bulk_ask *ask, const struct bulk_chunk *chunk, uint32_t index,
		   const struct mst_issued *issued)
{
	struct bulk_p12 p12;
	int rc = chunk->has_p12 ? mst_bulk_chunk_open(&p12, ask->read.arena, ask->app->seal, chunk,
						      index, &ask->read.err) < 0
					  ? -1
					  : 1
				: make_p12(&p12, ask, issued);

	if (rc == 1) {
		mst_json_base64(&ask->json, "pkcs12", p12.file);
		mst_json_text(&ask->json, "password", p12.password);
		wipe(p12.password);
		ask->num_opened++;
	}
	return rc < 0 ? -1 : 0;
}

static int put_identity(struct bulk_ask *ask, const struct bulk_chunk *chunk, uint32_t index)
{
	struct mst_read *r = &ask->read;
	const uint8_t *serial = chunk->serials[index - chunk->first];
	const struct mst_seal *seal = ask->wants_p12 && !chunk->has_p12 ? ask->app->seal : NULL;
	struct mst_json *j = &ask->json;
	struct mst_issued issued;
	int rc = mst_issued_get(r, &issued, chunk->key, serial, seal);

	if (rc < 0)
		return -1;
	mst_json_open(j, NULL);
	mst_json_u64(j, "index", index);
	mst_json_hex(j, "serial", mst_slice(serial, 16));
	if (rc == 1) {
		mst_json_text(j, "name", issued.name);
		mst_json_time(j, "not_after", issued.not_after * 1000);
		mst_json_time(j, "revoked_at", issued.revoked_ms);
		mst_json_base64(j, "certificate", issued.cert);
		if (ask->wants_p12 && put_p12(ask, chunk, index, &issued) < 0)
			rc = -1;
		wipe(issued.key);
	}
	mst_json_close(j);
	return rc < 0 ? -1 : 0;
}

static int put_page(struct bulk_ask *ask, struct bulk_chunk *chunk, uint32_t first, uint32_t end)
{
	uint32_t index = first;
	int rc = 1;

	while (index < end &&
	       (rc = mst_bulk_chunk_next(&ask->read, chunk, ask->one.key, index)) == 1) {
		if (index < chunk->first)
			return mst_fail(&ask->read.err, MST_E_STORE,
					"identities of a bulk job are missing");
		for (; index < end && index < chunk->first + chunk->num; index++)
			if (put_identity(ask, chunk, index) < 0)
				return -1;
	}
	if (rc < 0)
		return -1;
	return index < end ? mst_fail(&ask->read.err, MST_E_STORE,
				      "identities of a bulk job are missing")
			   : 0;
}

static int plan(struct mst_read *r)
{
	struct bulk_ask *ask = MST_HOME(r, struct bulk_ask, read);
	struct bulk_chunk *chunk = mst_arena_get(r->arena, sizeof(*chunk));
	uint64_t first = 0, end;
	int rc;

	if (!chunk)
		return mst_fail(&r->err, MST_E_BUSY, "out of memory");
	if (ask->has_cursor && mst_slice_u64(&first, ask->cursor, &r->err) < 0)
		return -1;
	rc = mst_bulk_record_get(r, ask->jobs, ask->one.key);
	if (rc <= 0)
		return rc < 0 ? -1 : mst_fail(&r->err, MST_E_ABSENT, "unknown bulk job");
	if (first > ask->one.done)
		first = ask->one.done;
	end = ask->one.done - first < ask->limit ? ask->one.done : first + ask->limit;
	mst_json_begin(&ask->json, r->arena);
	mst_json_open(&ask->json, NULL);
	mst_json_open_array(&ask->json, "identities");
	if (put_page(ask, chunk, (uint32_t)first, (uint32_t)end) < 0)
		return -1;
	mst_json_close(&ask->json);
	/* At the end of what there is now: null, though a job at work makes more. */
	if (end < ask->one.done) {
		struct mst_slice next;
		if (!mst_arena_format(r->arena, &next, "%llu", (unsigned long long)end))
			return mst_fail(&r->err, MST_E_BUSY, "out of memory");
		mst_json_text(&ask->json, "next", next);
	} else {
		mst_json_null(&ask->json, "next");
	}
	mst_json_close(&ask->json);
	return mst_json_end(&ask->json, &ask->body, &r->err);
}

static int plan_and_drop(struct mst_read *r)
{
	struct bulk_ask *ask = MST_HOME(r, struct bulk_ask, read);
	int rc = plan(r);

	mst_issuers_free(&ask->issuers);
	return rc;
}

enum mst_step mst_bulk_identities(struct mst_xchg *x)
{
	struct bulk_ask *ask = mst_bulk_ask_new(x);
	struct mst_slice word;

	if (!ask)
		return STEP_REPLY;
	ask->jobs = &ask->one;
	ask->wants_p12 =
		mst_xchg_query(x, &word, MST_S("pkcs12")) && mst_slice_eq(word, MST_S("1"));
	if (mst_bulk_ask_id(ask, ask->one.key) < 0 ||
	    mst_bulk_ask_page(ask, ask->wants_p12 ? PAGE_MAX_P12 : PAGE_MAX) < 0)
		return mst_xchg_fail(x);
	return mst_bulk_ask_read(ask, MST_LANE_BULK, plan_and_drop);
}

enum mst_step mst_bulk_told(struct mst_xchg *x)
{
	struct bulk_ask *ask = x->state;
	char id[BULK_ID_MAX + 1];

	if (ask->read.rc < 0) {
		x->err = ask->read.err;
		return mst_xchg_fail(x);
	}
	if (ask->num_opened) {
		mst_bulk_record_id(id, &ask->one);
		mst_log(INFO, "private keys given out", mst_f_u64("exchange", x->id),
			mst_f_str("who", x->who), mst_f_str("job", id),
			mst_f_u64("num", ask->num_opened));
	}
	return mst_xchg_answer(x, 200, MST_JSON_TYPE, ask->body);
}
