/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Casts certificates around parts that were written once.
 *
 *   version | serial | ALGORITHM, ISSUER | validity | subject | key | [3] { { SHARED, key id, alternative names } }
 */
#include "muster/mould.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "issue_own.h"

#define ROOM_MORE 512 /* version, serial, times, key id, one subject, and the heads of everything */
#define KU_NOT_EC (MST_KU_ENCIPHER | MST_KU_DATA)

struct mst_mould {
	struct mst_arena arena;
	const struct mst_key *ca_key;
	enum mst_sig_alg alg;
	struct mst_slice head;                 /* algorithm and issuer */
	struct mst_slice rsa_shared, ec_shared; /* extensions, by the kind of the subject's key */
};

static const struct mst_slice version_3 = OID(0xa0, 0x03, 0x02, 0x01, 0x02);
static const struct mst_slice key_id_head = /* subjectKeyIdentifier up to its 20 bytes */
	OID(0x30, 0x1d, 0x06, 0x03, 0x55, 0x1d, 0x0e, 0x04, 0x16, 0x04, 0x14);
static const struct mst_slice oid_ec_key = OID(0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);

static bool keep(struct mst_slice *out, struct mst_arena *arena, CBB *cbb, bool is_written)
{
	bool is_kept = is_written && CBB_flush(cbb) &&
		       mst_arena_copy(arena, out, mst_slice(CBB_data(cbb), CBB_len(cbb)));
	CBB_cleanup(cbb);
	return is_kept;
}

static bool write_shared(struct mst_slice *out, struct mst_mould *mould, struct draft *d,
			 uint32_t key_usage)
{
	struct mst_issue what = *d->what;
	struct draft shared = *d;
	CBB cbb;
	what.key_usage = key_usage;
	what.is_ca = what.has_path_len = false;
	shared.what = &what;
	CBB_zero(&cbb);
	return keep(out, &mould->arena, &cbb,
		    CBB_init(&cbb, 512) &&
			    mst_issue_put_extensions(&cbb, &shared, MST_ISSUE_ASKED | MST_ISSUE_GIVEN));
}

static int fill(struct mst_mould *mould, struct draft *d, struct mst_err *e)
{
	const uint32_t key_usage = d->what->key_usage;
	CBB cbb;
	CBB_zero(&cbb);
	if (keep(&mould->head, &mould->arena, &cbb,
		 CBB_init(&cbb, 256) && mst_issue_put_alg(&cbb, d->alg) && put(&cbb, d->ca.subject)) &&
	    write_shared(&mould->rsa_shared, mould, d, key_usage) &&
	    write_shared(&mould->ec_shared, mould, d, key_usage & ~(uint32_t)KU_NOT_EC))
		return 0;
	return mst_issue_no_memory(e);
}

int mst_mould_new(struct mst_mould **out, const struct mst_issue *fixed, struct mst_slice ca_cert,
		  const struct mst_key *ca_key, struct mst_err *e)
{
	struct draft d = {.what = fixed, .alg = mst_key_alg_for(ca_key, fixed->hash_bits)};
	if (d.alg == MST_SIG_UNKNOWN)
		return mst_fail(e, MST_E_SYNTAX, "no hash of %u bits", fixed->hash_bits);
	if (mst_issue_check_urls(fixed, e) < 0 || mst_issue_authority(&d, ca_cert, e) < 0)
		return -1;
	struct mst_mould *mould = calloc(1, sizeof(*mould));
	if (!mould)
		return mst_issue_no_memory(e);
	mst_arena_init(&mould->arena, NULL, 0);
	mould->ca_key = ca_key;
	mould->alg = d.alg;
	if (fill(mould, &d, e) < 0) {
		mst_mould_free(&mould);
		return -1;
	}
	*out = mould;
	return 0;
}

void mst_mould_free(struct mst_mould **mould)
{
	if (!*mould)
		return;
	mst_arena_done(&(*mould)->arena);
	free(*mould);
	*mould = NULL;
}

/* SubjectPublicKeyInfo { AlgorithmIdentifier { OID: short lengths in all keys of elliptic curves. */
static bool is_ec(struct mst_slice spki)
{
	return spki.len > 4 + oid_ec_key.len &&
	       memcmp(spki.at + 4, oid_ec_key.at, oid_ec_key.len) == 0;
}

static size_t room_of(const char *const *texts)
{
	size_t room = 0;
	for (; texts && *texts; texts++)
		room += strlen(*texts) + 4;
	return room;
}

static size_t room_of_names(const struct mst_issue *what)
{
	size_t room = what->more_subject.len + 8;
	for (const char *const *text = what->upns; text && *text; text++)
		room += strlen(*text) + 32;
	for (const struct mst_slice *name = what->names; name && name->len; name++)
		room += name->len + 16;
	return room;
}

static bool put_tbs(CBB *to, const struct mst_mould *mould, const struct draft *d)
{
	CBB tbs, wrapped, list;
	return CBB_add_asn1(to, &tbs, CBS_ASN1_SEQUENCE) && put(&tbs, version_3) &&
	       mst_issue_put_serial(&tbs, d->serial) && put(&tbs, mould->head) &&
	       mst_issue_put_validity(&tbs, d->what) && mst_issue_put_subject(&tbs, d->what) &&
	       put(&tbs, d->what->spki) &&
	       CBB_add_asn1(&tbs, &wrapped, CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 3) &&
	       CBB_add_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE) &&
	       put(&list, is_ec(d->what->spki) ? mould->ec_shared : mould->rsa_shared) &&
	       put(&list, key_id_head) && CBB_add_bytes(&list, d->key_id, KEY_ID_LEN) &&
	       mst_issue_put_extensions(&list, d, MST_ISSUE_NAMED) && CBB_flush(to);
}

/* What was written into memory of the arena. */
static int end(struct mst_slice *out, const uint8_t *at, CBB *cbb, bool is_written, struct mst_err *e)
{
	if (is_written)
		*out = mst_slice(at, CBB_len(cbb));
	CBB_cleanup(cbb);
	return is_written ? 0 : mst_issue_no_memory(e);
}

static int cast_tbs(struct mst_slice *out, struct mst_arena *arena, const struct mst_mould *mould,
		    const struct draft *d, struct mst_err *e)
{
	const struct mst_issue *what = d->what;
	size_t room = ROOM_MORE + mould->head.len + mould->rsa_shared.len + what->spki.len +
		      room_of(what->dns) + room_of(what->ips) + room_of(what->uris) +
		      room_of(what->emails) + room_of_names(what);
	uint8_t *at = mst_arena_get(arena, room);
	CBB cbb;
	CBB_zero(&cbb);
	return end(out, at, &cbb, at && CBB_init_fixed(&cbb, at, room) && put_tbs(&cbb, mould, d), e);
}

static int cast_whole(struct mst_slice *out, struct mst_arena *arena, struct mst_slice tbs,
		      enum mst_sig_alg alg, struct mst_slice signature, struct mst_err *e)
{
	size_t room = tbs.len + signature.len + 64; /* three heads and the algorithm */
	uint8_t *at = mst_arena_get(arena, room);
	CBB cbb;
	CBB_zero(&cbb);
	return end(out, at, &cbb,
		   at && CBB_init_fixed(&cbb, at, room) &&
			   mst_issue_put_signed(&cbb, tbs, alg, signature),
		   e);
}

int mst_mould_cast(struct mst_slice *out, struct mst_arena *arena, const struct mst_mould *mould,
		   const struct mst_issue *what, uint8_t *serial, struct mst_err *e)
{
	struct draft d = {.what = what};
	struct mst_slice tbs, signature;
	if (what->not_after <= what->not_before)
		return mst_fail(e, MST_E_SYNTAX, "the certificate would end before it begins");
	if (mst_issue_check(what, e) < 0 || mst_issue_key_id(d.key_id, what->spki, e) < 0)
		return -1;
	mst_issue_serial(d.serial);
	if (cast_tbs(&tbs, arena, mould, &d, e) < 0 ||
	    mst_key_sign_as(&signature, arena, mould->ca_key, mould->alg, tbs, e) < 0 ||
	    cast_whole(out, arena, tbs, mould->alg, signature, e) < 0)
		return -1;
	if (serial)
		memcpy(serial, d.serial, sizeof(d.serial));
	return 0;
}
