/* SPDX-License-Identifier: Apache-2.0 */
/* The records of bulk jobs: the job with its progress, and its list of names. */
#include <stdio.h>

#include "bulk_own.h"
#include "muster/pack.h"
#include "muster/text.h"

#define VERSION    1
#define NAMES      "names"
#define NAMES_LEN  (sizeof(NAMES) - 1)
#define NUMBER_LEN (BULK_KEY_LEN - 16)

static const char *const state_words[BULK_NUM_STATES] = {
#define X(name, word) [BULK_##name] = word,
	BULK_STATES(X)
#undef X
};

const char *mst_bulk_record_state(const struct bulk_record *job)
{
	return state_words[job->state];
}

static int decode(struct bulk_record *out, struct mst_slice key, struct mst_slice value,
		  struct mst_err *e)
{
	struct mst_slice *const texts[] = {&out->authority, &out->prefix, &out->organization,
					   &out->who, &out->error};
	struct mst_unpack u;

	memmove(out->key, key.at, BULK_KEY_LEN); /* it may be out->key itself */
	out->raw = value;
	mst_unpack_begin(&u, value, VERSION);
	out->state = (enum bulk_state)mst_unpack_max(&u, BULK_NUM_STATES - 1);
	out->kind = (enum mst_key_kind)mst_unpack_max(&u, MST_NUM_KEY_KINDS - 1);
	out->has_p12 = mst_unpack_bool(&u);
	out->has_names = mst_unpack_bool(&u);
	out->total = mst_unpack_u32(&u);
	out->done = mst_unpack_u32(&u);
	out->digits = (uint32_t)mst_unpack_max(&u, MST_NAME_MAX);
	out->first = mst_unpack_u64(&u);
	out->created_ms = mst_unpack_i64(&u);
	out->started_ms = mst_unpack_i64(&u);
	out->changed_ms = mst_unpack_i64(&u);
	out->run_ms = mst_unpack_i64(&u);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		*texts[i] = mst_unpack_bytes(&u);
	if (out->prefix.len > MST_NAME_MAX || out->organization.len > MST_NAME_MAX)
		u.is_bad = true;
	return mst_unpack_end(&u, "bulk job", e);
}

int mst_bulk_record_get(struct mst_read *r, struct bulk_record *out,
			const uint8_t key[static BULK_KEY_LEN])
{
	struct mst_slice value;
	int rc = mst_read_get(r, &value, MST_SPACE_JOB, mst_slice(key, BULK_KEY_LEN));

	if (rc != 1)
		return rc;
	return decode(out, mst_slice(key, BULK_KEY_LEN), value, &r->err) < 0 ? -1 : 1;
}

int mst_bulk_record_put(struct mst_batch *b, struct mst_slice *value, const struct bulk_record *job,
			struct mst_err *e)
{
	const struct mst_slice texts[] = {job->authority, job->prefix, job->organization, job->who,
					  job->error};
	const struct mst_slice key = mst_slice(job->key, BULK_KEY_LEN);
	struct mst_pack p;

	mst_pack_begin(&p, b->arena, VERSION);
	mst_pack_u64(&p, job->state);
	mst_pack_u64(&p, job->kind);
	mst_pack_bool(&p, job->has_p12);
	mst_pack_bool(&p, job->has_names);
	mst_pack_u64(&p, job->total);
	mst_pack_u64(&p, job->done);
	mst_pack_u64(&p, job->digits);
	mst_pack_u64(&p, job->first);
	mst_pack_i64(&p, job->created_ms);
	mst_pack_i64(&p, job->started_ms);
	mst_pack_i64(&p, job->changed_ms);
	mst_pack_i64(&p, job->run_ms);
	for (size_t i = 0; i < MST_LEN(texts); i++)
		mst_pack_bytes(&p, texts[i]);
	if (mst_pack_end(&p, value, e) < 0)
		return -1;
	if (job->raw.len)
		mst_batch_require_same(b, MST_SPACE_JOB, key, job->raw);
	else
		mst_batch_require_absent(b, MST_SPACE_JOB, key);
	mst_batch_put(b, MST_SPACE_JOB, key, *value);
	return 0;
}

/* A new seek for each job: one behind this job's names, however long they are. */
int mst_bulk_record_next(struct mst_read *r, struct bulk_record *out, struct mst_slice after)
{
	const struct mst_slice all = {NULL, 0};
	struct mst_slice from = after, key, value;
	struct mst_walk w = {.r = NULL};
	uint8_t behind[BULK_KEY_LEN + 1];
	int rc;

	if (after.len == BULK_KEY_LEN) {
		memcpy(behind, after.at, BULK_KEY_LEN);
		behind[BULK_KEY_LEN] = 0xff;
		from = mst_slice(behind, sizeof(behind));
	}
	rc = mst_walk_init(&w, r, MST_SPACE_JOB, all, from);
	if (rc == 0)
		rc = mst_walk_next(&w);
	if (rc == 1 && w.key.len != BULK_KEY_LEN)
		rc = mst_fail(&r->err, MST_E_STORE, "the key of a bulk job has %zu bytes",
			      w.key.len);
	if (rc == 1 &&
	    (!mst_arena_copy(r->arena, &key, w.key) || !mst_arena_copy(r->arena, &value, w.value)))
		rc = mst_fail(&r->err, MST_E_BUSY, "no memory for a bulk job");
	mst_walk_done(&w);
	if (rc != 1)
		return rc;
	return decode(out, key, value, &r->err) < 0 ? -1 : 1;
}

static struct mst_slice names_key(uint8_t out[static BULK_KEY_LEN + NAMES_LEN], const uint8_t *key)
{
	memcpy(out, key, BULK_KEY_LEN);
	memcpy(out + BULK_KEY_LEN, NAMES, NAMES_LEN);
	return mst_slice(out, BULK_KEY_LEN + NAMES_LEN);
}

int mst_bulk_record_names(struct mst_read *r, struct mst_slice *out,
			  const uint8_t key[static BULK_KEY_LEN])
{
	uint8_t room[BULK_KEY_LEN + NAMES_LEN];

	return mst_read_get(r, out, MST_SPACE_JOB, names_key(room, key));
}

void mst_bulk_record_put_names(struct mst_batch *b, const uint8_t key[static BULK_KEY_LEN],
			       struct mst_slice names)
{
	uint8_t room[BULK_KEY_LEN + NAMES_LEN];

	mst_batch_put(b, MST_SPACE_JOB, names_key(room, key), names);
}

void mst_bulk_record_id(char out[static BULK_ID_MAX + 1], const struct bulk_record *job)
{
	size_t len = job->authority.len < MST_AUTHORITY_NAME_MAX ? job->authority.len
								 : MST_AUTHORITY_NAME_MAX;

	memcpy(out, job->authority.at, len);
	out[len++] = '.';
	mst_hex_put(out + len, mst_slice(job->key + 16, NUMBER_LEN));
	out[len + (size_t)2 * NUMBER_LEN] = 0;
}

int mst_bulk_record_from(uint8_t key[static BULK_KEY_LEN], struct mst_slice id, struct mst_err *e)
{
	struct mst_slice name, number;
	struct mst_err hidden;

	if (!mst_slice_cut(&name, &number, id, '.') || name.len == 0 ||
	    number.len != (size_t)2 * NUMBER_LEN ||
	    mst_hex_get(key + 16, NUMBER_LEN, number, &hidden) < 0)
		return mst_fail(e, MST_E_ABSENT, "unknown bulk job");
	mst_authority_id(key, name);
	return 0;
}

int mst_bulk_record_name(char out[static MST_NAME_MAX + 1], const struct bulk_record *job,
			 uint64_t index, struct mst_err *e)
{
	char digits[24];
	uint64_t n = job->first + index;
	size_t at = sizeof(digits), len, zeroes;

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	len = sizeof(digits) - at;
	zeroes = job->digits > len ? job->digits - len : 0;
	if (job->prefix.len + zeroes + len > MST_NAME_MAX)
		return mst_fail(e, MST_E_SYNTAX, "a name has at most %d bytes, with its number",
				MST_NAME_MAX);
	if (job->prefix.len)
		memcpy(out, job->prefix.at, job->prefix.len);
	memset(out + job->prefix.len, '0', zeroes);
	memcpy(out + job->prefix.len + zeroes, digits + at, len);
	out[job->prefix.len + zeroes + len] = 0;
	return 0;
}

bool mst_bulk_record_copy(struct bulk_record *out, struct mst_arena *arena,
			  const struct bulk_record *job)
{
	struct mst_slice *const texts[] = {&out->authority, &out->prefix, &out->organization,
					   &out->who,       &out->error,  &out->raw};

	*out = *job;
	for (size_t i = 0; i < MST_LEN(texts); i++)
		if (!mst_arena_copy(arena, texts[i], *texts[i]))
			return false;
	return true;
}
