/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makers: how an enrolment setting of each type comes to a certificate. Private to engine/enroll; rows in maker_rows.c.
 *
 *   identity.c: look, claim (WANTED, with the key) ~> maker: start ~> mst_make_done ~> identity.c: READY, ASKED or FAILED
 *
 * A maker knows nothing of records: it is asked once for each try, and may be asked again for the same key after a crash. What it
 * needs to find an earlier ask again is its ticket.
 */
#ifndef ENROLL_MAKER_H
#define ENROLL_MAKER_H

#include "muster/authority.h"
#include "muster/csr.h"
#include "muster/fetch.h"
#include "muster/identity.h"

#define MAKE_SANS_MAX 16

/* One identity being made. A maker fills out and calls mst_make_done exactly once, on app->loop, never inside its start. */
struct mst_make {
	struct mst_app *app;                 /* of the loop on which it is made; app->fetcher: outgoing HTTPS (may be NULL) */
	const struct mst_object *enrollment; /* secrets open, variables filled: mst_object_text gives what the CA shall see */
	const struct mst_detail *device;     /* NULL: a test certificate, or a user's */
	const struct mst_object *user;       /* NULL: none */
	const struct mst_of *of;
	struct mst_slice ticket;             /* of an earlier ask that was not answered yet: ask for that one */
	struct mst_arena *arena;             /* this make's own; on the loop, and on a worker during mst_make_turn */
	bool is_test;
	int64_t now_ms;
	/* what every type says the same way, variables filled: */
	struct mst_slice common_name, organization, subject_dn; /* subject_dn: RFC 4514 text beside the common name, or empty */
	const struct mst_pair *sans;         /* key: rfc822 dns uri upn dn; value */
	uint32_t num_sans;
	enum mst_key_kind kind;
	/* PKCS#8. In: made before start and kept in the record, the same one when asked again. Out: the certificate's; a CA that makes
	 * keys itself puts its own here. Decentralised (tell) and types without `key`: empty. */
	struct mst_slice key, spki;
	struct mst_slice older_cert, older_key; /* a renewal's: what is held until now, when its key was kept; else empty */
	/* out */
	int rc;                              /* 0 made; 1 pending: `new_ticket`, ask again after again_s; -1 err */
	struct mst_err err;
	bool is_final;                       /* -1: trying again will not help before the setting is changed */
	uint32_t again_s;                    /* 1: 0 means a minute; -1: 0 means the usual back-off */
	struct mst_slice cert, chain, new_ticket; /* DER; chain: certificates one after the other, the issuer's first. With rc 0
						   * too: what revoke needs (an order's id); at most 4 KiB, not secret */
	uint8_t authority[16], serial[16];   /* of our own CA only */
	/* out of tell (decentralised) */
	struct mst_slice scep_url, scep_name, scep_challenge, scep_fingerprint;
	uint32_t scep_key_bits, scep_key_usage; /* usage: 1 sign, 4 encrypt */
	void (*on_made)(struct mst_make *make); /* the asker's */
	void *own;                           /* the maker's own, in the arena */
	const struct mst_issuer *issuer;     /* local: loaded already, by who makes many; NULL: not */
	/* mst_make_turn's */
	struct mst_job job;
	int (*work)(struct mst_make *make, struct mst_err *e);
	void (*on_worked)(struct mst_make *make);
};

struct mst_maker {
	const char *type;
	enum mst_identity_form form;         /* with mode "decentralized" it is SCEP all the same */
	bool makes;                          /* false: single-file, user-provided, client-provided */
	/* Begins; 0: mst_make_done comes later, on the loop; -1 with `e`: it does not. */
	int (*start)(struct mst_make *make, struct mst_err *e);
	/* The same for decentralised ones: fills scep_*. NULL: this type has no such mode. */
	int (*tell)(struct mst_make *make, struct mst_err *e);
	/* As start: takes `held`'s certificate (cert, ticket; they stay until done) back at the CA: rc 0 it is, or was already;
	 * -1 err, is_final: it cannot be. NULL: this CA has no way to be told. */
	int (*revoke)(struct mst_make *make, const struct mst_held *held, struct mst_err *e);
	/* Instead of start, for makers that need no network: makes it at once on a worker. 0, -1. */
	int (*here)(struct mst_make *make, struct mst_err *e);
};
/* mst_maker_find: never NULL: shapes and makers agree (a test); one that is not there says so when asked. */
const struct mst_maker *mst_maker_find(const struct mst_object *enrollment);
/* maker_rows.c lists these; each maker_*.c defines its own. */
extern const struct mst_maker mst_maker_local, mst_maker_file, mst_maker_user, mst_maker_client, mst_maker_scep;
extern const struct mst_maker *const mst_maker_list[];
extern const size_t mst_maker_num;

/* mst_make_done: rc and what belongs to it are filled. On app->loop. */
void mst_make_done(struct mst_make *make);
/* mst_make_fail: rc -1 with err `e` and done. is_final as given. */
void mst_make_fail(struct mst_make *make, const struct mst_err *e, bool is_final);
/* mst_make_turn runs `work` on a worker, then `on_worked` at home, where make->rc (0 or -1) and make->err hold what it returned.
 * -1 BUSY. The maker may be in one turn, or wait for one fetch, at a time. */
int mst_make_turn(struct mst_make *make, int (*work)(struct mst_make *make, struct mst_err *e), void (*on_worked)(struct mst_make *make),
		  struct mst_err *e) MST_MUST;
/* mst_make_issue tells what the certificate shall say as crypt wants it (names only: spki and times are not set). */
int mst_make_issue(struct mst_issue *out, const struct mst_make *make, struct mst_err *e) MST_MUST;
/* mst_make_csr writes the CSR (DER) for make->key, with names as mst_make_issue, and `challenge` (NULL: none). Worker: RSA. */
int mst_make_csr(struct mst_slice *csr, const struct mst_make *make, const char *challenge, struct mst_err *e) MST_MUST;
/* mst_make_fits: the certificate is for our key and valid now; fails with CRYPTO otherwise: a CA that answers with another one. */
int mst_make_fits(const struct mst_make *make, struct mst_slice cert, struct mst_err *e) MST_MUST;
/* mst_make_dn: common name and subject as one RFC 4514 text ("CN=jane,O=Example"); mst_make_san: lines of kind=value. */
int mst_make_dn(struct mst_slice *out, const struct mst_make *make, struct mst_err *e) MST_MUST;
int mst_make_san(struct mst_slice *out, const struct mst_make *make, struct mst_err *e) MST_MUST;
/* mst_make_field: the value of a field that the shape may not have; NULL then. */
const struct mst_value *mst_make_field(const struct mst_object *o, const char *field);

#endif
