/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, certificates and trust: private keys and their files, a local certificate authority, the verdict on a chain, and
 * sealing of secrets at rest. Functions are pure or touch only the files they are given; any thread, one object at a time
 * unless said otherwise.
 */
#ifndef MUSTER_CRYPT_H
#define MUSTER_CRYPT_H

#include "muster/arena.h"
#include "muster/cert.h"
#include "muster/peer.h"

/* mst_sha256 of `in`. */
void mst_sha256(uint8_t out[static 32], struct mst_slice in);
/* mst_sha1 of `in`: names keys and issuers where a protocol wants it so (RFC 6960), proves nothing. */
void mst_sha1(uint8_t out[static 20], struct mst_slice in);

/* Passwords of people: scrypt (RFC 7914) with a salt of its own, as text with its parameters. Slow on purpose: workers.
 * mst_password_check compares in constant time; an empty `hash` takes as long as any, and is never right. */
int mst_password_hash(struct mst_slice *out, struct mst_arena *arena, struct mst_slice password, struct mst_err *e) MST_MUST;
bool mst_password_check(struct mst_slice hash, struct mst_slice password);

/* Private keys. Safe to share between threads for signing. */
struct mst_key;
struct mst_cms_key;
enum mst_key_kind { MST_KEY_P256, MST_KEY_P384, MST_KEY_RSA2048, MST_KEY_RSA3072, MST_KEY_RSA4096, MST_NUM_KEY_KINDS };
/* mst_key_kind_from reads "p256", "p384", "rsa2048", "rsa3072", "rsa4096". */
int mst_key_kind_from(enum mst_key_kind *out, const char *word, struct mst_err *e) MST_MUST;
int mst_key_new(struct mst_key **out, enum mst_key_kind kind, struct mst_err *e) MST_MUST;
void mst_key_free(struct mst_key **key);
/* mst_key_read parses a PEM or DER private key: PKCS#8, SEC 1 or PKCS#1. */
int mst_key_read(struct mst_key **out, struct mst_slice text, struct mst_err *e) MST_MUST;
/* mst_key_pem writes PKCS#8 PEM into the arena (wipe it after use). mst_key_spki: SubjectPublicKeyInfo DER. */
int mst_key_pem(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key, struct mst_err *e) MST_MUST;
int mst_key_spki(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key, struct mst_err *e) MST_MUST;
/* mst_key_der writes PKCS#8 DER into the arena (wipe it after use). */
int mst_key_der(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key, struct mst_err *e) MST_MUST;
/* mst_key_alg is what mst_key_sign makes: SHA-384 for P-384, else SHA-256; RSA with PKCS#1 v1.5 padding (RFC 8017 8.2),
 * ECDSA as DER (RFC 3279 2.2.3). */
enum mst_sig_alg mst_key_alg(const struct mst_key *key);
int mst_key_sign(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key, struct mst_slice bytes,
		 struct mst_err *e) MST_MUST;
/* mst_key_pair makes a key that is only kept: its PKCS#8 DER (wipe it after use) and SubjectPublicKeyInfo. For P-256 much
 * cheaper than mst_key_new, _der and _spki. */
int mst_key_pair(struct mst_slice *der, struct mst_slice *spki, struct mst_arena *arena, enum mst_key_kind kind,
		 struct mst_err *e) MST_MUST;
bool mst_key_is_rsa(const struct mst_key *key);
/* mst_key_alg_for is the algorithm of this key with SHA-256, -384 or -512; `hash_bits` 0: mst_key_alg. UNKNOWN for others.
 * mst_key_sign_as signs with it. */
enum mst_sig_alg mst_key_alg_for(const struct mst_key *key, uint32_t hash_bits);
int mst_key_sign_as(struct mst_slice *out, struct mst_arena *arena, const struct mst_key *key, enum mst_sig_alg alg,
		    struct mst_slice bytes, struct mst_err *e) MST_MUST;
/* mst_key_cms lends `key` to CMS: signs, and decrypts when it is RSA. */
void mst_key_cms(struct mst_cms_key *out, const struct mst_key *key);
/* mst_key_check says what a SubjectPublicKeyInfo holds: *rsa_bits (0 for EC), *ec_bits (256 or 384, 0 for RSA). -1 CRYPTO when
 * it is broken (a point beside its curve, an even modulus) or neither. */
int mst_key_check(uint32_t *rsa_bits, uint32_t *ec_bits, struct mst_slice spki, struct mst_err *e) MST_MUST;
/* mst_key_verify: `signature` is that of `bytes` under the public key; SHA-2 only. Returns 0, -1 CRYPTO. */
int mst_key_verify(struct mst_slice spki, enum mst_sig_alg alg, struct mst_slice bytes, struct mst_slice signature,
		   struct mst_err *e) MST_MUST;

/* Certificates issued here. What is written comes from this struct only. Serial numbers are 127 random bits. */
struct mst_issue {
	struct mst_slice spki;            /* the subject's public key */
	const char *common_name;          /* UTF-8, 1 to 64 bytes, no control characters */
	const char *organization;         /* the same; NULL: none */
	const char *user_id;              /* UID (RFC 4519 2.39), 1 to 256 visible ASCII: a push certificate's topic; NULL: none */
	const char *const *dns, *const *ips, *const *uris, *const *emails; /* subjectAltName: NULL-terminated, NULL: none */
	const char *const *upns;          /* otherName 1.3.6.1.4.1.311.20.2.3 (Microsoft's user principal name) */
	const struct mst_slice *names;    /* directoryName: of mst_dn_from, an empty one ends; NULL: none */
	struct mst_slice more_subject;    /* of mst_dn_from: before organization and common name; empty: none */
	int64_t not_before, not_after;    /* seconds since 1970 */
	bool is_ca, has_path_len;
	uint32_t path_len;                /* CAs: how many CAs may stand below, when has_path_len */
	uint32_t key_usage, ext_key_usage; /* MST_KU_*, MST_EKU_* */
	uint32_t hash_bits;                /* 256, 384 or 512; 0: what mst_key_alg says */
	const char *crl_url, *ocsp_url;    /* cRLDistributionPoints, authorityInfoAccess; NULL or "": none */
	bool has_ocsp_nocheck;             /* id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1) */
};
/* mst_issue_write signs a certificate into the arena. `ca_cert` is empty for a self-signed one (then `ca_key` is the subject's
 * own). `serial` (16 bytes, may be NULL) receives the number. That `ca_key` belongs to `ca_cert` is the caller's business. */
int mst_issue_write(struct mst_slice *out, struct mst_arena *arena, const struct mst_issue *what, struct mst_slice ca_cert,
		    const struct mst_key *ca_key, uint8_t *serial, struct mst_err *e) MST_MUST;
/* mst_dn_from reads RFC 4514 text into the RDNs of a Name (DER, without its SEQUENCE). -1 SYNTAX says what is wrong. */
int mst_dn_from(struct mst_slice *out, struct mst_arena *arena, struct mst_slice text, struct mst_err *e) MST_MUST;

/* A local CA in a folder: ca.pem, ca.key (0600), issued.log (one line each: serial, not-after, name). */
struct mst_ca;
/* mst_ca_init makes the folder and a self-signed CA that may issue leaves only; -1 CONFLICT when there is one. */
int mst_ca_init(const char *folder, const char *common_name, enum mst_key_kind kind, uint32_t days, struct mst_err *e) MST_MUST;
int mst_ca_load(struct mst_ca **out, const char *folder, struct mst_err *e) MST_MUST;
void mst_ca_free(struct mst_ca **ca);
struct mst_slice mst_ca_cert0(const struct mst_ca *ca); /* DER */
/* mst_ca_issue fills the issuing side, signs, records the line durably. `what->not_*` 0: now - 1 h and `days`, and not
 * beyond the CA's own end. */
int mst_ca_issue(struct mst_slice *out, struct mst_arena *arena, struct mst_ca *ca, struct mst_issue *what, uint32_t days,
		 struct mst_err *e) MST_MUST;

/* Trust: the CAs whose devices are ours. Immutable after it is made; may be shared between threads. */
struct mst_trust;
/* mst_trust_new reads PEM with one or more CA certificates; an intermediate given here is trusted as it stands. */
int mst_trust_new(struct mst_trust **out, struct mst_slice pem, struct mst_err *e) MST_MUST;
void mst_trust_free(struct mst_trust **trust);
/* mst_trust_verify builds a path from chain[0] to a trusted CA (intermediates from the rest, at most 4), checks signatures,
 * validity at `now_s`, CA bits, path length, key usage, clientAuth when there is an EKU, no unknown critical extension
 * (RFC 5280 6.1, without policies and name constraints: a CA with those is refused), no SHA-1, RSA from 2048 bits. A CA's
 * certificate is no device's. `out->ca` is the trusted CA at the end of the path. Signature as mst_tls_verify wants it.
 * -1 codes: ABSENT no path to a trusted CA, GONE expired or not yet valid, TYPE not for this use, else CRYPTO. */
int mst_trust_verify(void *trust, struct mst_peer *out, const struct mst_slice *chain, size_t num_chain, int64_t now_s,
		     struct mst_err *e) MST_MUST;
/* mst_trust_verify_any is the same with the first of several that vouches; NULL ones are passed over. ABSENT when there is none. */
int mst_trust_verify_any(struct mst_trust *const *trusts, size_t num, struct mst_peer *out, const struct mst_slice *chain,
			 size_t num_chain, int64_t now_s, struct mst_err *e) MST_MUST;
/* mst_trust_verify_server is the same for a server's chain (serverAuth); names are the caller's business. One of the trusted
 * certificates itself, self-signed and pinned, is taken too. */
int mst_trust_verify_server(void *trust, struct mst_peer *out, const struct mst_slice *chain, size_t num_chain, int64_t now_s,
			    struct mst_err *e) MST_MUST;
/* mst_host_check: the server's certificate is of `host`, a name or an address (RFC 9525 6): by subjectAltName only, "*" stands for
 * one leftmost label. -1 CRYPTO. */
int mst_host_check(struct mst_slice cert_der, const char *host, struct mst_err *e) MST_MUST;
/* mst_trust_has: the CA, by the SHA-256 of its key as in mst_peer, is one of the trusted. */
bool mst_trust_has(const struct mst_trust *trust, const uint8_t ca[static 32]);
/* mst_trust_shares: a CA is in both. */
bool mst_trust_shares(const struct mst_trust *a, const struct mst_trust *b);
/* mst_trust_names lends the subject names (DER) of the CAs. */
size_t mst_trust_names(const struct mst_trust *trust, const struct mst_slice **names);

/* Sealing: AES-256-GCM under the master key. A sealed value is 1 byte with the number of its key, 12 nonce, ciphertext, 16 tag;
 * `bound` is authenticated with it, so a value cannot be moved to another record. */
#define MST_SEAL_MORE 29
#define MST_SEAL_KEYS_MAX 16 /* keys one file holds: yearly rotation, and nobody waits that long to seal anew */
struct mst_seal; /* shared between threads */
/* mst_seal_load reads the master key file (mode 0600 or stricter, else refused): lines of a number (1 to 255, growing), a
 * space and 64 hex digits. The last one seals, all of them open. A single line without a number is key 1. */
int mst_seal_load(struct mst_seal **out, const char *path, struct mst_err *e) MST_MUST;
/* mst_seal_rotate adds a new key at the end of the file, durably and at once or not at all; the owner stays. */
int mst_seal_rotate(const char *path, struct mst_err *e) MST_MUST;
/* mst_seal_learn adds what the file has that is newer than the keys here; the newest one seals from now on. Others may use the
 * seal meanwhile; one caller at a time. -1 as mst_seal_load; CONFLICT when there is no room before a restart. */
int mst_seal_learn(struct mst_seal *seal, const char *path, struct mst_err *e) MST_MUST;
/* mst_seal_number is the key that seals now. mst_seal_number_of is the key of a sealed value, 0 when it is none.
 * mst_seal_has: a key of that number is here. mst_seal_is_old: sealed under another key than the one that seals now. */
uint8_t mst_seal_number(const struct mst_seal *seal);
uint8_t mst_seal_number_of(struct mst_slice sealed);
bool mst_seal_has(const struct mst_seal *seal, uint8_t number);
bool mst_seal_is_old(const struct mst_seal *seal, struct mst_slice sealed);
int mst_seal_init(const char *path, struct mst_err *e) MST_MUST; /* makes the file; refuses to overwrite */
void mst_seal_free(struct mst_seal **seal);
int mst_seal_close(struct mst_slice *out, struct mst_arena *arena, const struct mst_seal *seal, struct mst_slice bound,
		   struct mst_slice plain, struct mst_err *e) MST_MUST;
int mst_seal_open(struct mst_slice *out, struct mst_arena *arena, const struct mst_seal *seal, struct mst_slice bound,
		  struct mst_slice sealed, struct mst_err *e) MST_MUST;

#endif
