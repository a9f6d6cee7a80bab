/* SPDX-License-Identifier: Apache-2.0 */
/* Puts an authority into the store of a server that does not run, and prints its certificate: live_authority STORE MASTERKEY NAME KIND
 * [CHALLENGE], the last being its static SCEP challenge. */
#include <stdio.h>

#include "muster/authority.h"

static int make(struct mst_authority *a, struct mst_arena *arena, const struct mst_authority_wish *wish, uint8_t hash[static 32],
		const char *challenge, struct mst_err *e)
{
	if (mst_authority_make(a, arena, wish, e) < 0)
		return -1;
	if (challenge) {
		mst_sha256(hash, mst_slice_str(challenge));
		a->challenge_sha256 = mst_slice(hash, 32);
	}
	return 0;
}

static int plant(struct mst_store *store, const struct mst_seal *seal, const char *name, const char *kind, const char *challenge,
		 struct mst_err *e)
{
	struct mst_authority_wish wish = {
		.name = mst_slice_str(name),
		.common_name = name,
		.days = 3650,
		.template = {.days = 365, .key_usage = MST_KU_SIGN | MST_KU_ENCIPHER, .ext_key_usage = MST_EKU_CLIENT, .rsa_bits_min = 2048,
			     .takes_ec = true, .hash_bits = 256},
		.crl_hours = 24,
	};
	struct mst_arena arena = {.pool = NULL};
	struct mst_authority a;
	struct mst_slice pem;
	struct mst_batch b;
	uint8_t hash[32];
	int rc = -1;

	mst_arena_init(&arena, NULL, 0);
	mst_batch_init(&b, &arena, NULL, NULL);
	if (mst_key_kind_from(&wish.kind, kind, e) == 0 && make(&a, &arena, &wish, hash, challenge, e) == 0 &&
	    mst_authority_put(&b, &a, seal, e) == 0 && mst_pem_put(&pem, &arena, "CERTIFICATE", a.cert, e) == 0) {
		rc = mst_store_commit_here(store, &b);
		if (rc < 0)
			*e = b.err;
		else
			fwrite(pem.at, 1, pem.len, stdout);
	}
	mst_arena_done(&arena);
	return rc;
}

int main(int argc, char **argv)
{
	struct mst_store_conf conf = {.cache_mib = 8, .memtable_mib = 4};
	struct mst_store *store = NULL;
	struct mst_work *work = NULL;
	struct mst_seal *seal = NULL;
	struct mst_err e = {0};
	int rc = 2;

	if (argc == 5 || argc == 6) {
		conf.path = argv[1];
		rc = mst_seal_load(&seal, argv[2], &e) < 0 || mst_work_new(&work, 1, 16, &e) < 0 ||
		     mst_store_open(&store, &conf, work, &e) < 0 || plant(store, seal, argv[3], argv[4], argc == 6 ? argv[5] : NULL, &e) < 0;
	}
	if (rc)
		fprintf(stderr, "%s\n", argc == 5 || argc == 6 ? e.text : "usage: live_authority STORE MASTERKEY NAME KIND [CHALLENGE]");
	if (work)
		mst_work_free(&work);
	if (store)
		mst_store_close(&store);
	if (seal)
		mst_seal_free(&seal);
	return rc;
}
