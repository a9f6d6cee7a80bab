/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate authorities of our own: the stored record (private keys sealed), and the live issuer that is made from it. A
 * certificate is built from the authority's template and what we decided about the subject, never from a request: of a
 * request only the public key is used.
 *
 * Records change through the store like everything else. Each loop holds a snapshot of live issuers in app->issuers; after a
 * change every loop gets the new snapshot by mail, and the older one is freed when the last loop has let go.
 */
#ifndef MUSTER_AUTHORITY_H
#define MUSTER_AUTHORITY_H

#include "muster/mould.h"
#include "muster/store.h"

#define MST_AUTHORITY_NAME_MAX 64
#define MST_AUTHORITIES_MAX    64 /* CAs one installation runs; a snapshot is walked linearly */

/* What an authority puts into the certificates of devices. */
struct mst_template {
	uint32_t days;                     /* life of a certificate */
	uint32_t key_usage, ext_key_usage; /* MST_KU_*, MST_EKU_* */
	uint32_t rsa_bits_min;             /* smallest RSA key taken, 2048 at least */
	bool takes_ec;                     /* P-256 and P-384 subject keys are taken */
	uint32_t hash_bits;                /* 256, 384 or 512 */
	/* With the static challenge the common name is the request's: whoever knows that challenge can be anybody. Otherwise it
	 * is made from transaction and key. One-time challenges bring their names anyway. */
	bool takes_names;
};

#define MST_AUTHORITY_STATES(X)                                                                    \
	X(PENDING, "pending")     /* an intermediate: CSR written, its certificate not imported */ \
	X(ACTIVE, "active")                                                                        \
	X(RETIRED, "retired")     /* issues no more; still answers CRL and OCSP */
enum mst_authority_state {
#define X(name, word) MST_AUTHORITY_##name,
	MST_AUTHORITY_STATES(X)
#undef X
	MST_NUM_AUTHORITY_STATES
};
const char *mst_authority_state_word(enum mst_authority_state state);

struct mst_authority {
	uint8_t id[16];              /* first bytes of SHA-256 of the name */
	struct mst_slice name;       /* [a-z0-9-], 1 to 64 */
	enum mst_authority_state state;
	enum mst_key_kind kind;
	struct mst_slice cert, chain; /* DER; chain: certificates above it, one after the other, leaf side first */
	struct mst_slice key;         /* PKCS#8 DER; sealed at rest */
	struct mst_slice ra_cert, ra_key;     /* RSA, for SCEP when the CA's key is not RSA; empty otherwise */
	struct mst_slice ocsp_cert, ocsp_key; /* delegated P-256 responder (RFC 6960 4.2.2.2) */
	struct mst_slice csr;         /* DER; PENDING only */
	struct mst_template template;
	uint32_t crl_hours;           /* life of a CRL */
	struct mst_slice crl_url, ocsp_url; /* put into certificates; empty: none */
	struct mst_slice challenge_sha256;  /* 32 bytes: static SCEP challenge, or empty: one-time challenges only */
	struct mst_slice successor;         /* 16 bytes, the id of the authority that takes over, or empty */
	int64_t created_ms, changed_ms;
	bool is_old;                  /* read: sealed under an older master key; put seals anew */
	struct mst_slice sealed[3];   /* key, RA key, OCSP key as stored */
	struct mst_slice raw;
};
void mst_authority_id(uint8_t out[static 16], struct mst_slice name);
/* 1, 0 absent, -1, MST_LATER. With `seal` NULL the keys stay closed: `key`, `ra_key`, `ocsp_key` are empty, and a put keeps
 * them as they are. mst_authority_put requires the record to be as read, or absent. */
int mst_authority_get(struct mst_read *r, struct mst_authority *out, const uint8_t id[static 16], const struct mst_seal *seal) MST_MUST;
int mst_authority_put(struct mst_batch *b, const struct mst_authority *a, const struct mst_seal *seal, struct mst_err *e) MST_MUST;
/* mst_authority_wipe overwrites the open keys; they are closed then. */
void mst_authority_wipe(struct mst_authority *a);
/* mst_authority_next walks all of them: zero `w` before the first call, mst_walk_done(w) after the last one. */
int mst_authority_next(struct mst_walk *w, struct mst_read *r, struct mst_authority *out, const struct mst_seal *seal) MST_MUST;

/* mst_authority_make fills a new root (or, with is_intermediate, a pending one with its CSR) in the arena: keys made, RA and OCSP
 * certificates issued where needed. RSA takes a second: worker. */
struct mst_authority_wish {
	struct mst_slice name;
	const char *common_name, *organization;
	enum mst_key_kind kind;
	uint32_t days;
	uint32_t path_len;            /* CAs that may stand below it; usually 0 */
	bool is_intermediate;
	struct mst_template template;
	uint32_t crl_hours;
	struct mst_slice crl_url, ocsp_url;
};
int mst_authority_make(struct mst_authority *out, struct mst_arena *arena, const struct mst_authority_wish *wish,
		       struct mst_err *e) MST_MUST;
/* mst_authority_import completes a pending one with its certificate and the chain above it (PEM, any order): the key is its own,
 * it is a CA that may sign certificates and CRLs, each link is signed by the next. Also takes a newer certificate of an active
 * one. Worker: may make an RSA key. */
int mst_authority_import(struct mst_authority *a, struct mst_arena *arena, struct mst_slice pem, struct mst_err *e) MST_MUST;
/* mst_authority_refresh issues the RA and OCSP certificates anew when they end within 30 days (or before the CA, as long as
 * they can). Needs the keys open. 1 something is new: put it; 0 nothing to do; -1. */
int mst_authority_refresh(struct mst_authority *a, struct mst_arena *arena, int64_t now_s, struct mst_err *e) MST_MUST;
/* mst_authority_check refuses a template, URL or life that no authority may have (SYNTAX); make and an operator's change call it. */
int mst_authority_check(const struct mst_template *template, uint32_t crl_hours, struct mst_slice crl_url,
			struct mst_slice ocsp_url, struct mst_err *e) MST_MUST;

/* A live issuer: keys loaded, shared by threads, immutable. */
struct mst_issuer {
	struct mst_authority record;             /* its private keys are closed (empty) */
	struct mst_key *key, *ra_key, *ocsp_key; /* ra_key NULL: `key` serves SCEP */
	struct mst_cert cert, ra_cert, ocsp_cert; /* of the record's; ra_cert zero when ra_key is NULL */
	struct mst_mould *mould;
};
struct mst_issuers {
	uint32_t num;
	struct mst_issuer *rows[MST_AUTHORITIES_MAX];
	struct mst_arena arena;
	uint64_t number; /* of this snapshot, never used again: an address may be */
	struct mst_trust *trust; /* of their certificates: whoever they certified is ours; NULL: there are none */
};
/* mst_issuers_load reads all records (blocks); PENDING ones are left out. mst_issuers_find0 by name, _find_id0 by id; NULL when absent. */
int mst_issuers_load(struct mst_issuers **out, struct mst_store *store, const struct mst_seal *seal, struct mst_err *e) MST_MUST;
/* mst_issuers_load_one reads only the one with `id`: for work that no exchange keeps the snapshot for. -1 ABSENT. Blocks. */
int mst_issuers_load_one(struct mst_issuers **out, struct mst_store *store, const struct mst_seal *seal, const uint8_t id[static 16],
			 struct mst_err *e) MST_MUST;
void mst_issuers_free(struct mst_issuers **issuers);
const struct mst_issuer *mst_issuers_find0(const struct mst_issuers *issuers, struct mst_slice name);
const struct mst_issuer *mst_issuers_find_id0(const struct mst_issuers *issuers, const uint8_t id[static 16]);

/* mst_issuer_issue makes one certificate for `spki` by the template: names from `subject` only. Pure; any thread (RSA issuers
 * burn: worker). `serial` (16 bytes, may be NULL) receives the number. -1 DENIED a key the template does not take, CRYPTO a broken
 * one, CONFLICT a retired CA, GONE the CA's end has come, SYNTAX a name. */
struct mst_subject {
	const char *common_name;
	const char *organization;                 /* NULL none */
	const char *const *dns, *const *ips, *const *uris, *const *emails; /* NULL-terminated lists or NULL */
	const char *const *upns;                  /* these three as in struct mst_issue */
	const struct mst_slice *names;
	struct mst_slice more_subject;
};
int mst_issuer_issue(struct mst_slice *out, struct mst_arena *arena, const struct mst_issuer *issuer,
		     const struct mst_subject *subject, struct mst_slice spki, int64_t now_s, uint8_t *serial,
		     struct mst_err *e) MST_MUST;

#endif
