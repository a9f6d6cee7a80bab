/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP answers of one loop that may be given again: signed once, forgotten at half of their life, at a revocation, and when an
 * authority changes. */
#include "muster/map.h"
#include "own.h"

#define ANSWERS_MAX 16384 /* 8 MiB in each loop */

/* The hash that named the issuer and the form of its algorithm are repeated in an answer, so they belong to the question. */
struct question {
	uint8_t authority[16], serial[16];
	uint8_t hash, has_params;
};

int mst_answers_new(struct mst_revoke *revoke, struct mst_err *e)
{
	revoke->answers = mst_map_new(sizeof(struct question), sizeof(struct revoke_answer), ANSWERS_MAX, true);
	return revoke->answers ? 0 : mst_fail(e, MST_E_BUSY, "no memory for OCSP answers");
}

void mst_answers_free(struct mst_revoke *revoke)
{
	mst_map_free(&revoke->answers);
}

static struct question question_of(const uint8_t *authority, const uint8_t *serial, bool is_sha256, bool has_params)
{
	struct question q = {.hash = is_sha256, .has_params = has_params};

	memcpy(q.authority, authority, sizeof(q.authority));
	memcpy(q.serial, serial, sizeof(q.serial));
	return q;
}

/* A snapshot of the issuers has other responder certificates, perhaps. */
static void forget_older(struct mst_revoke *revoke)
{
	uint64_t number = revoke->app->issuers ? revoke->app->issuers->number : 0;

	if (revoke->answers_of == number)
		return;
	mst_map_clear(revoke->answers);
	revoke->answers_of = number;
}

const struct revoke_answer *mst_answers_find0(struct mst_revoke *revoke, const uint8_t *authority, const struct mst_ocsp_id *id,
					      const uint8_t *serial, int64_t now_s)
{
	struct question q = question_of(authority, serial, id->hash == MST_OCSP_SHA256, id->has_params);
	const struct revoke_answer *answer;

	forget_older(revoke);
	answer = mst_map_get0(revoke->answers, &q);
	/* A clock set back makes answers from the future. */
	if (!answer || now_s < answer->this_s || now_s - answer->this_s > (answer->next_s - answer->this_s) / 2)
		return NULL;
	return answer;
}

void mst_answers_keep(struct mst_revoke *revoke, const uint8_t *authority, const struct mst_ocsp_id *id, const uint8_t *serial,
		      const struct mst_ocsp_body *what, struct mst_slice body, struct mst_slice signature)
{
	struct question q = question_of(authority, serial, id->hash == MST_OCSP_SHA256, id->has_params);
	struct revoke_answer *answer;

	forget_older(revoke);
	if (body.len > sizeof(answer->bytes) || signature.len > sizeof(answer->bytes) - body.len)
		return;
	answer = mst_map_set(revoke->answers, &q);
	if (!answer) /* only slower */
		return;
	answer->this_s = what->this_s;
	answer->next_s = what->next_s;
	answer->body_len = (uint16_t)body.len;
	answer->signature_len = (uint16_t)signature.len;
	memcpy(answer->bytes, body.at, body.len);
	memcpy(answer->bytes + body.len, signature.at, signature.len);
}

void mst_answers_drop(struct mst_revoke *revoke, const uint8_t *authority, const uint8_t *serial)
{
	for (unsigned i = 0; i < 4; i++) {
		struct question q = question_of(authority, serial, i & 1, i & 2);
		mst_map_drop(revoke->answers, &q);
	}
}
