/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes SCEP: a whole message with a key that opens it; or, by the first byte, what is in an envelope, and names of certificates. */
#include "../../engine/scep/own.h"
#include "../flow/scep_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct own {
	struct mst_arena arena;
	struct mst_key *key;
	struct mst_cms_key cms;
	struct mst_cert cert;
};

static const struct own *own_get(void)
{
	static struct own own;
	const struct mst_issue what = {.common_name = "fuzz", .not_before = 1, .not_after = 2};
	struct mst_issue self = what;
	struct mst_slice der;

	if (own.key)
		return &own;
	mst_arena_init(&own.arena, NULL, 0);
	BUG_ON(mst_key_read(&own.key, mst_slice_str(scep_keys[0]), NULL) < 0);
	BUG_ON(mst_key_spki(&self.spki, &own.arena, own.key, NULL) < 0);
	BUG_ON(mst_issue_write(&der, &own.arena, &self, (struct mst_slice){NULL, 0}, own.key, NULL, NULL) < 0);
	BUG_ON(mst_cert_parse(&own.cert, der, NULL) < 0);
	mst_key_cms(&own.cms, own.key);
	return &own;
}

static void whole(struct mst_slice in, struct mst_arena *arena)
{
	const struct own *own = own_get();
	struct scep_message *m = mst_arena_zero(arena, sizeof(*m));
	struct mst_err e;

	BUG_ON(!m);
	if (mst_pki_read(m, arena, in, &e) < 0)
		return;
	BUG_ON(!m->type || m->transaction.len == 0 || m->transaction.len > TRANSACTION_MAX || m->nonce.len > NONCE_MAX);
	BUG_ON(mst_pki_open(m, arena, &own->cert, &own->cms, MST_CMS_ALLOW_DES, &e) >= NUM_VERDICTS);
}

static void names(struct mst_slice in, struct mst_arena *arena)
{
	struct mst_subject subject;
	struct mst_cert cert;
	struct mst_err e;

	if (mst_cert_parse(&cert, in, &e) == 0)
		(void)!mst_parts_subject(&subject, arena, &cert, MST_S("name"), &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mst_arena arena = {.limit = 1 << 22};
	struct scep_message m = {.type = NULL};
	struct mst_slice in = mst_slice(data, len), rest = {data + 1, len ? len - 1 : 0};
	struct mst_err e;
	uint8_t which = len ? data[0] : 0;

	if (which == 'r')
		(void)!mst_pki_request(&m, rest, &e);
	else if (which == 's')
		(void)!mst_pki_subject(&m, rest, &e);
	else if (which == 'n')
		(void)!mst_pki_number(&m, rest, &e);
	else if (which == 'c')
		names(rest, &arena);
	else
		whole(in, &arena);
	mst_arena_done(&arena);
	return 0;
}
