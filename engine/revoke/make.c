/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one CRL on a worker: reads what is revoked, writes and signs the list, stores it. */
#include "muster/crl.h"
#include "muster/grow.h"
#include "own.h"

/* Entries that one CRL takes off at the most: the rest goes with the next one, and the batch stays small. */
#define DROPS_MAX 20000u

struct make {
	struct mst_read read;
	struct mst_arena scratch;
	const uint8_t *authority;
	const struct mst_seal *seal;
	const struct mst_published *before;
	int64_t now_s;
	struct mst_authority record;
	struct mst_grow entries, drops; /* DER; serial numbers of 16 bytes */
	uint32_t num_drops;
};

/* An entry goes when a CRL named it that was made after the certificate's end (RFC 5280 3.3). */
static bool is_over(const struct make *m, const struct mst_revoked *revoked)
{
	return m->before && revoked->not_after < m->before->this_s && revoked->at_ms < m->before->this_s * 1000;
}

static void take(struct make *m, const struct mst_revoked *revoked)
{
	uint8_t *room;

	if (is_over(m, revoked) && m->num_drops < DROPS_MAX) {
		mst_grow_put(&m->drops, mst_slice(revoked->serial, sizeof(revoked->serial)));
		m->num_drops++;
		return;
	}
	room = mst_grow_room(&m->entries, MST_CRL_ENTRY_ROOM);
	if (room)
		mst_grow_took(&m->entries, mst_crl_entry_put(room, revoked->serial, revoked->at_ms / 1000, revoked->reason));
}

static int plan(struct mst_read *r)
{
	struct make *m = MST_HOME(r, struct make, read);
	struct mst_walk walk = {.r = NULL};
	struct mst_revoked revoked;
	int rc = mst_authority_get(r, &m->record, m->authority, m->seal);

	if (rc == 0)
		return mst_fail(&r->err, MST_E_ABSENT, "unknown authority");
	if (rc != 1)
		return rc;
	/* About as many as last time: in one piece, then. */
	if (m->before && m->before->crl.len)
		(void)mst_grow_room(&m->entries, m->before->crl.len + m->before->crl.len / 8);
	while ((rc = mst_revoked_next(&walk, r, &revoked, m->authority)) == 1)
		take(m, &revoked);
	mst_walk_done(&walk);
	return rc;
}

/* Also after a restore of an older store the number does not fall: it is never less than the time. */
static uint64_t next_number(const struct make *m)
{
	uint64_t now = m->now_s > 0 ? (uint64_t)m->now_s : 1;

	return m->before && m->before->number >= now ? m->before->number + 1 : now;
}

static int write_list(struct mst_published *out, struct mst_arena *arena, struct make *m, const struct mst_key *key, struct mst_err *e)
{
	struct mst_cert cert;
	struct mst_slice body, signature;
	struct mst_crl crl = {
		.alg = mst_key_alg_for(key, m->record.template.hash_bits),
		.number = next_number(m),
		.this_s = m->now_s,
		.next_s = m->now_s + (int64_t)m->record.crl_hours * 3600,
	};

	if (mst_cert_parse(&cert, m->record.cert, e) < 0 || mst_grow_end(&m->entries, &crl.entries, e) < 0)
		return -1;
	crl.issuer = cert.subject;
	crl.key_id = cert.key_id;
	if (mst_crl_body(&body, &m->scratch, &crl, e) < 0 ||
	    mst_key_sign_as(&signature, &m->scratch, key, crl.alg, body, e) < 0)
		return -1;
	*out = (struct mst_published){.number = crl.number, .this_s = crl.this_s, .next_s = crl.next_s};
	return mst_crl_whole(&out->crl, arena, body, crl.alg, signature, e);
}

static int keep(struct make *m, struct mst_store *store, const struct mst_published *what, struct mst_err *e)
{
	struct mst_batch batch;
	struct mst_slice drops;

	mst_batch_init(&batch, &m->scratch, NULL, NULL);
	mst_published_put(&batch, what, m->authority);
	if (mst_grow_end(&m->drops, &drops, e) < 0)
		return -1;
	for (; drops.len; drops = mst_slice(drops.at + 16, drops.len - 16))
		mst_revoked_drop(&batch, m->authority, drops.at);
	if (mst_store_commit_here(store, &batch) == 0)
		return 0;
	if (e)
		*e = batch.err;
	return -1;
}

static int sign_and_keep(struct mst_published *out, struct mst_arena *arena, struct make *m, struct mst_store *store, struct mst_err *e)
{
	struct mst_key *key;

	if (m->record.key.len == 0)
		return mst_fail(e, MST_E_DENIED, "the authority has no key");
	if (mst_key_read(&key, m->record.key, e) < 0)
		return -1;
	int rc = write_list(out, arena, m, key, e);
	mst_key_free(&key);
	return rc < 0 ? -1 : keep(m, store, out, e);
}

int mst_publish_make(struct mst_published *out, struct mst_arena *arena, struct mst_store *store, const struct mst_seal *seal,
		     const uint8_t authority[static 16], const struct mst_published *before, int64_t now_s, struct mst_err *e)
{
	struct make m = {.authority = authority, .seal = seal, .before = before, .now_s = now_s};
	int rc;

	mst_arena_init(&m.scratch, NULL, 0);
	mst_grow_init(&m.entries, &m.scratch);
	mst_grow_init(&m.drops, &m.scratch);
	m.read = (struct mst_read){.arena = &m.scratch, .plan = plan};
	rc = mst_store_read_here(store, &m.read);
	if (rc < 0 && e)
		*e = m.read.err;
	if (rc == 0)
		rc = sign_and_keep(out, arena, &m, store, e);
	mst_authority_wipe(&m.record);
	mst_arena_done(&m.scratch);
	return rc < 0 ? -1 : 0;
}
