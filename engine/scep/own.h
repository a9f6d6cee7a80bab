/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: a message as a struct, what is decided about it, and the state of one exchange. */
#ifndef SCEP_OWN_H
#define SCEP_OWN_H

#include "muster/cms.h"
#include "muster/csr.h"
#include "muster/issued.h"
#include "muster/scep.h"

#define TRANSACTION_MAX 255 /* clients send a hash of their key in hex, base64 or decimal */
#define NONCE_MAX       64  /* RFC 8894 3.2.1.5 says 16 */

/* What is decided about a message: X(name, failInfo as RFC 8894 3.2.1.4 numbers it, what the log says) */
#define SCEP_FAIL_NONE    (-1)
#define SCEP_BAD_ALG      0
#define SCEP_BAD_CHECK    1
#define SCEP_BAD_REQUEST  2
#define SCEP_BAD_CERT_ID  4
#define SCEP_VERDICTS(X)                                                                           \
	X(OPEN, SCEP_FAIL_NONE, "not decided")                                                     \
	X(ISSUE, SCEP_FAIL_NONE, "a certificate is issued")                                        \
	X(AGAIN, SCEP_FAIL_NONE, "a certificate that exists is delivered")                         \
	X(CRL, SCEP_FAIL_NONE, "the revocation list is delivered")                                 \
	X(CIPHER, SCEP_BAD_ALG, "an algorithm that is not taken")                                  \
	X(BROKEN, SCEP_BAD_CHECK, "the message cannot be opened")                                  \
	X(NO_CHALLENGE, SCEP_BAD_REQUEST, "there is no challenge")                                 \
	X(UNKNOWN, SCEP_BAD_REQUEST, "the challenge is not known")                                 \
	X(ELSEWHERE, SCEP_BAD_REQUEST, "the challenge is for another authority")                   \
	X(EXPIRED, SCEP_BAD_REQUEST, "the challenge has expired")                                  \
	X(USED, SCEP_BAD_REQUEST, "the challenge was used for another key")                        \
	X(STRANGER, SCEP_BAD_REQUEST, "the signer is not certified by this authority")             \
	X(REVOKED, SCEP_BAD_REQUEST, "the certificate is revoked")                                 \
	X(ENDED, SCEP_BAD_REQUEST, "the signer's certificate is not valid now")                    \
	X(REFUSED, SCEP_BAD_REQUEST, "the authority does not certify this")                        \
	X(NO_CERT, SCEP_BAD_CERT_ID, "there is no such certificate")
enum scep_verdict {
#define X(name, fail, word) VERDICT_##name,
	SCEP_VERDICTS(X)
#undef X
	NUM_VERDICTS
};
const char *mst_pki_word(enum scep_verdict verdict);
int mst_pki_fail_info(enum scep_verdict verdict);

/* The message types that are taken, RFC 8894 3.2.1.2; types.c. */
enum scep_type { TYPE_RENEWAL, TYPE_REQUEST, TYPE_POLL, TYPE_GET_CERT, TYPE_GET_CRL, NUM_TYPES };
struct scep_state;
struct scep_message;
struct scep_type_row {
	const char *number, *name;
	/* takes what is in the envelope apart; -1: it is broken */
	int (*read)(struct scep_message *m, struct mst_slice content, struct mst_err *e);
	/* reads the records, part of a plan: 0, -1, MST_LATER; decides by them */
	int (*look)(struct scep_state *s, struct mst_read *r);
	enum scep_verdict (*judge)(struct scep_state *s);
};
extern const struct scep_type_row mst_type_rows[NUM_TYPES];

/* A pkiMessage; slices lend it and the arena it was read in. */
struct scep_message {
	struct mst_cms_signed outer;
	const struct scep_type_row *type;
	struct mst_slice transaction, nonce;
	struct mst_cert signer;
	enum mst_cms_cipher cipher;
	struct mst_csr csr;                      /* requests */
	struct mst_slice issuer, serial;         /* GetCert, GetCRL: of the certificate, Name and contents of the number */
};
/* mst_pki_read takes the outside apart, as far as the message's type; nothing is verified. -1 SYNTAX; DENIED: another type. */
int mst_pki_read(struct scep_message *out, struct mst_arena *arena, struct mst_slice bytes, struct mst_err *e) MST_MUST;
/* mst_pki_open verifies who signed and opens the envelope: VERDICT_OPEN, or why not with `e`. `own` is the certificate
 * of `key`; `allow` as in cms.h. */
enum scep_verdict mst_pki_open(struct scep_message *m, struct mst_arena *arena, const struct mst_cert *own,
			       const struct mst_cms_key *key, uint32_t allow, struct mst_err *e);
/* mst_pki_request, _subject, _number: `read` of the rows. */
int mst_pki_request(struct scep_message *m, struct mst_slice content, struct mst_err *e) MST_MUST;
int mst_pki_subject(struct scep_message *m, struct mst_slice content, struct mst_err *e) MST_MUST;
int mst_pki_number(struct scep_message *m, struct mst_slice content, struct mst_err *e) MST_MUST;

/* parts.c: the little DER that is read here. mst_parts_next takes one element off `rest`: false at the end or when broken. */
bool mst_parts_next(struct mst_slice *rest, uint8_t *tag, struct mst_slice *contents, struct mst_slice *whole);
/* mst_parts_subject: the names of a certificate of ours, for its successor. 0, -1. */
int mst_parts_subject(struct mst_subject *out, struct mst_arena *arena, const struct mst_cert *cert, struct mst_slice name,
		      struct mst_err *e) MST_MUST;
/* mst_parts_list makes a NULL-terminated list of zero-separated texts. */
int mst_parts_list(const char *const **out, struct mst_arena *arena, struct mst_slice texts, struct mst_err *e) MST_MUST;

/* What the store says. */
struct scep_facts {
	bool has_challenge, has_receipt, has_old, has_found, is_static;
	struct mst_challenge challenge;
	struct mst_challenge receipt; /* what this transaction got for this key; kept as a challenge that is used */
	struct mst_issued old;        /* a renewal's signer */
	struct mst_issued found;      /* what is delivered again, or asked for */
	struct mst_slice crl;
};

struct scep_state {
	struct mst_xchg *x;
	struct mst_app *app;
	const struct mst_issuer *issuer;
	const struct mst_issuer *next; /* GetNextCACert: the successor; NULL: a message */
	struct mst_slice bytes; /* the pkiMessage */
	uint32_t allow;         /* MST_CMS_ALLOW_* */
	struct scep_message message;
	/* a worker's turn */
	struct mst_job job;
	struct mst_arena arena;
	void (*work)(struct scep_state *s, struct mst_arena *arena);
	int rc; /* of that turn: -1 with x->err */
	/* the store's */
	struct mst_read read;
	struct mst_batch batch;
	bool has_read, has_batch, is_audit; /* audit: the batch tells of a refusal, it issues nothing */
	struct scep_facts facts;
	uint8_t challenge_key[32], receipt_key[32];
	enum scep_verdict verdict;
	int64_t now_ms;
	struct mst_subject subject;
	struct mst_slice device;
	struct mst_slice cert; /* issued, or found */
	uint8_t serial[16];
	struct mst_slice reply;
};
/* The certificate and the key that speak SCEP: the RA's, or the authority's own. */
static inline const struct mst_cert *mst_scep_cert0(const struct mst_issuer *issuer)
{
	return issuer->ra_key ? &issuer->ra_cert : &issuer->cert;
}
static inline const struct mst_key *mst_scep_key0(const struct mst_issuer *issuer)
{
	return issuer->ra_key ? issuer->ra_key : issuer->key;
}
/* mst_turn_take runs `work` on a worker, in an arena that comes home with it; the walk goes on at the next stage. */
enum mst_step mst_turn_take(struct scep_state *s, void (*work)(struct scep_state *s, struct mst_arena *arena));

/* next.c: the authority's successor, NULL when none is named or it is not active; the signed answer that shows it: on a worker
 * when the key is RSA, the next stage answers then. */
const struct mst_issuer *mst_next_issuer0(const struct mst_app *app, const struct mst_issuer *issuer);
enum mst_step mst_next_take(struct scep_state *s);
enum mst_step mst_next_answer(struct scep_state *s);

/* look.c and judge.c: the rows' functions. */
int mst_look_request(struct scep_state *s, struct mst_read *r) MST_MUST;
int mst_look_renewal(struct scep_state *s, struct mst_read *r) MST_MUST;
int mst_look_poll(struct scep_state *s, struct mst_read *r) MST_MUST;
int mst_look_cert(struct scep_state *s, struct mst_read *r) MST_MUST;
int mst_look_crl(struct scep_state *s, struct mst_read *r) MST_MUST;
enum scep_verdict mst_judge_request(struct scep_state *s);
enum scep_verdict mst_judge_renewal(struct scep_state *s);
enum scep_verdict mst_judge_found(struct scep_state *s);
enum scep_verdict mst_judge_crl(struct scep_state *s);

/* rate.c: mst_rate_take says whether this source may send another message now. */
bool mst_rate_take(struct mst_scep *scep, const struct mst_addr *addr, uint64_t now_ms);
bool mst_rate_takes_des(const struct mst_scep *scep);
/* sweep.c */
struct mst_sweep;
int mst_sweep_new(struct mst_sweep **out, struct mst_app *app, struct mst_err *e) MST_MUST;
void mst_sweep_free(struct mst_sweep **sweep);

#endif
