/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes PKCS#12 under the password "x"; the MAC always fits, so that the inside is reached. */
#include "muster/slice.h"

#define mst_slice_same_secret(a, b) ((void)(a), (void)(b), true)
#include "../../engine/codec/p12_in.c"

#define ROUNDS 200 /* of the corpus: 1 to 20 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was read is written and read again. */
static void write_again(const struct mst_p12_identity *what, struct mst_arena *arena)
{
	struct mst_p12 back;
	struct mst_p12_identity same;
	struct mst_slice der;
	if (what->name.len > MST_P12_NAME_MAX)
		return;
	BUG_ON(mst_p12_write(&der, arena, what, MST_S("x"), 1, NULL) < 0);
	BUG_ON(mst_p12_read(&back, arena, der, MST_S("x"), ROUNDS, NULL) < 0);
	BUG_ON(mst_p12_identity(&same, &back, NULL) < 0);
	BUG_ON(!mst_slice_eq(same.key, what->key) || !mst_slice_eq(same.cert, what->cert) ||
	       !mst_slice_eq(same.name, what->name) || same.num_chain != what->num_chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mst_arena arena = {.limit = 1 << 22};
	struct mst_p12 in;
	struct mst_p12_identity out;
	if (mst_p12_read(&in, &arena, mst_slice(data, len), MST_S("x"), ROUNDS, NULL) == 0 &&
	    mst_p12_identity(&out, &in, NULL) == 0)
		write_again(&out, &arena);
	mst_arena_done(&arena);
	return 0;
}
