/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the identities of one slice, on a worker: keys, certificates, records, PKCS#12 when asked.
 */
#include "bulk_own.h"
#include "muster/clock.h"
#include "muster/p12.h"
#include "muster/text.h"

/* A slice holds its worker for 10 to 60 ms with EC keys. An RSA key that is not in the pool takes a
 * fifth of a second to some seconds by itself. */
/* clang-format off */
static const uint32_t slice_rows[MST_NUM_KEY_KINDS] = {
	[MST_KEY_P256]    = BULK_SLICE_MAX,
	[MST_KEY_P384]    = 32,
	[MST_KEY_RSA2048] = 2,
	[MST_KEY_RSA3072] = 1,
	[MST_KEY_RSA4096] = 1,
};
/* clang-format on */
#define DAY_S     86400
#define SLICE_P12 8 /* hashing a password takes a millisecond, three times a file */

uint32_t mst_bulk_make_num(const struct bulk_record *job)
{
	uint32_t num = slice_rows[job->kind];

	return job->has_p12 && num > SLICE_P12 ? SLICE_P12 : num;
}

static bool is_rsa(enum mst_key_kind kind)
{
	return kind == MST_KEY_RSA2048 || kind == MST_KEY_RSA3072 || kind == MST_KEY_RSA4096;
}

static void wipe(struct mst_slice secret)
{
	if (secret.len)
		mst_wipe((void *)(uintptr_t)secret.at, secret.len);
}

/* The chain is certificates one after the other, each with two or three bytes of length: our own,
 * and read before. */
static bool next_cert(struct mst_slice *out, struct mst_slice *rest)
{
	size_t len = 0, head = 2;

	if (rest->len < 5)
		return false;
	for (head = 2; head < 2 + (size_t)(rest->at[1] & 0x7f) && head < 4; head++)
		len = len << 8 | rest->at[head];
	if (!(rest->at[1] & 0x80) || len > rest->len - head)
		return false;
	*out = mst_slice(rest->at, head + len);
	*rest = mst_slice(rest->at + head + len, rest->len - head - len);
	return true;
}

bool mst_bulk_make_is_slow(const struct bulk_record *job)
{
	return is_rsa(job->kind);
}

int mst_bulk_make_p12(struct bulk_p12 *out, struct mst_arena *arena,
		      const struct mst_issuer *issuer, struct mst_slice key, struct mst_slice cert,
		      const char *name, struct mst_err *e)
{
	struct mst_p12_identity identity = {.key = key, .cert = cert, .name = mst_slice_str(name)};
	struct mst_slice rest = issuer->record.chain;
	uint8_t secret[MST_BASE64_ROOM(BULK_PASSWORD)];
	char *password = mst_arena_get(arena, BULK_PASSWORD);

	if (!password)
		return mst_fail(e, MST_E_BUSY, "no memory for a password");
	mst_random(secret, sizeof(secret));
	mst_base64_put(password, mst_slice(secret, BULK_PASSWORD / 4 * 3));
	mst_wipe(secret, sizeof(secret));
	identity.chain[identity.num_chain++] = issuer->record.cert;
	while (identity.num_chain < MST_P12_CERTS_MAX &&
	       next_cert(&identity.chain[identity.num_chain], &rest))
		identity.num_chain++;
	out->password = mst_slice(password, BULK_PASSWORD);
	return mst_p12_write(&out->file, arena, &identity, out->password, MST_P12_ROUNDS, e);
}

/* As mst_issuer_issue cuts it. */
static int64_t ends_s(const struct mst_issuer *issuer, int64_t now_s)
{
	int64_t end_s = now_s + (int64_t)issuer->record.template.days * DAY_S;

	return end_s < issuer->cert.not_after ? end_s : issuer->cert.not_after;
}

struct maker {
	struct mst_batch *b;
	const struct bulk_ground *ground;
	struct bulk_chunk *chunk;
	int64_t now_ms;
};

static int make_p12(struct maker *m, uint32_t at, const struct mst_issued *issued, const char *name,
		    struct mst_err *e)
{
	struct mst_arena scratch;
	struct bulk_p12 p12;
	int rc;

	mst_arena_init(&scratch, NULL, 0);
	rc = mst_bulk_make_p12(&p12, &scratch, m->ground->issuer, issued->key, issued->cert, name,
			       e);
	if (rc == 0)
		rc = mst_bulk_chunk_close(&m->chunk->sealed[at], m->b->arena, m->ground->seal,
					  m->chunk, m->chunk->first + at, &p12, e);
	if (rc == 0)
		wipe(p12.password);
	mst_arena_done(&scratch);
	return rc;
}

static int make_one(struct maker *m, uint32_t at, const struct mst_pool_key *key, struct mst_err *e)
{
	const struct bulk_record *job = m->ground->job;
	uint32_t index = m->chunk->first + at;
	char name[MST_NAME_MAX + 1], organization[MST_NAME_MAX + 1];
	struct mst_subject subject = {.common_name = name};
	struct mst_issued issued = {
		.source = MST_S("bulk"), .issued_ms = m->now_ms, .key = key->der};

	if (m->ground->names)
		subject.common_name = m->ground->names[index];
	else if (mst_bulk_record_name(name, job, index, e) < 0)
		return -1;
	if (job->organization.len) {
		memcpy(organization, job->organization.at, job->organization.len);
		organization[job->organization.len] = 0;
		subject.organization = organization;
	}
	if (mst_issuer_issue(&issued.cert, m->b->arena, m->ground->issuer, &subject, key->spki,
			     m->now_ms / 1000, issued.serial, e) < 0)
		return -1;
	memcpy(issued.authority, job->key, sizeof(issued.authority));
	memcpy(m->chunk->serials[at], issued.serial, sizeof(issued.serial));
	issued.name = mst_slice_str(subject.common_name);
	issued.not_after = ends_s(m->ground->issuer, m->now_ms / 1000);
	if (job->has_p12) {
		if (make_p12(m, at, &issued, subject.common_name, e) < 0)
			return -1;
		issued.key = (struct mst_slice){NULL, 0}; /* it is in there */
	}
	return mst_issued_put(m->b, &issued, m->ground->seal, e);
}

/* Keys that lie ready are taken; the slice makes the others. */
static int get_key(struct mst_pool_key *out, struct mst_pool_key *pool, uint32_t *num_pool,
		   struct maker *m, struct mst_err *e)
{
	if (*num_pool) {
		*out = pool[--*num_pool];
		return 0;
	}
	return mst_key_pair(&out->der, &out->spki, m->b->arena, m->ground->job->kind, e);
}

static int make_all(struct maker *m, struct mst_pool_key *pool, uint32_t num_pool,
		    struct mst_err *e)
{
	struct mst_pool_key key;
	int rc = 0;

	for (uint32_t i = 0; i < m->chunk->num && rc == 0; i++) {
		if (__atomic_load_n(m->ground->is_stopped, __ATOMIC_RELAXED))
			return mst_fail(e, MST_E_GONE, "stopped");
		rc = get_key(&key, pool, &num_pool, m, e);
		if (rc < 0)
			break;
		rc = make_one(m, i, &key, e);
		wipe(key.der);
	}
	while (num_pool)
		wipe(pool[--num_pool].der);
	return rc;
}

int mst_bulk_make(struct mst_batch *b, const struct bulk_ground *ground, uint32_t first,
		  uint32_t num, struct mst_err *e)
{
	struct bulk_chunk *chunk = mst_arena_get(b->arena, sizeof(*chunk));
	struct mst_pool_key pool[BULK_SLICE_MAX];
	struct maker m = {b, ground, chunk, mst_clock_wall_ms()};
	uint32_t num_pool = 0;

	if (!chunk)
		return mst_fail(e, MST_E_BUSY, "no memory for a slice of identities");
	chunk->first = first;
	chunk->num = num;
	chunk->has_p12 = ground->job->has_p12;
	chunk->raw = (struct mst_slice){NULL, 0};
	memcpy(chunk->key, ground->job->key, BULK_KEY_LEN);
	if (is_rsa(ground->job->kind) &&
	    mst_keypool_take(pool, &num_pool, num, b->arena, ground->store, ground->seal,
			     ground->job->kind, e) < 0)
		return -1;
	if (make_all(&m, pool, num_pool, e) < 0)
		return -1;
	mst_bulk_chunk_put(b, chunk);
	return b->is_short ? mst_fail(e, MST_E_BUSY, "no memory for a slice of identities") : 0;
}
