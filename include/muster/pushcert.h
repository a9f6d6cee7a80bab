/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials for Apple's push service, one for each topic: an MDM push certificate (topic = UID of its subject), or a signing
 * key for topics that take tokens. Secrets are sealed at rest, bound to the topic.
 */
#ifndef MUSTER_PUSHCERT_H
#define MUSTER_PUSHCERT_H

#include "muster/crypt.h"
#include "muster/store.h"

#define MST_TOPIC_MAX 256

enum mst_push_env { MST_PUSH_PRODUCTION, MST_PUSH_SANDBOX };

struct mst_pushcert {
	struct mst_slice topic;
	enum mst_push_env env;
	bool is_token;            /* key_id, team_id and a P-256 key instead of a certificate */
	struct mst_slice chain_pem, key_pem; /* key_pem: secret, sealed at rest; wipe after use */
	struct mst_slice key_id, team_id;
	int64_t not_before, not_after; /* seconds; 0 for keys */
	int64_t put_ms;
	uint8_t sha256[32];       /* of the certificate; of the public key when a token's */
	bool is_old;              /* sealed under an older master key */
	struct mst_slice raw;
};
/* mst_pushcert_read checks what an operator sent: PEM with one certificate (or more: the chain) and its key, in any order; finds
 * topic, validity; key and certificate belong together. -1 SYNTAX, TYPE (no UID: not a push certificate), with a sentence. */
int mst_pushcert_read(struct mst_pushcert *out, struct mst_arena *arena, struct mst_slice pem, struct mst_err *e) MST_MUST;
int mst_pushcert_get(struct mst_read *r, struct mst_pushcert *out, struct mst_slice topic, const struct mst_seal *seal) MST_MUST;
/* mst_pushcert_get_key is the same by the record's key, the topic's SHA-256. */
int mst_pushcert_get_key(struct mst_read *r, struct mst_pushcert *out, const uint8_t key[static 32], const struct mst_seal *seal) MST_MUST;
int mst_pushcert_put(struct mst_batch *b, const struct mst_pushcert *c, const struct mst_seal *seal, struct mst_err *e) MST_MUST;
void mst_pushcert_drop(struct mst_batch *b, struct mst_slice topic);
/* mst_pushcert_next walks all: few. `seal` NULL: key_pem stays empty. */
int mst_pushcert_next(struct mst_walk *w, struct mst_read *r, struct mst_pushcert *out, const struct mst_seal *seal) MST_MUST;

#endif
