/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of /v1/authorities share: the state of one exchange. Private to the files authority_*.c. */
#ifndef ENROLL_AUTHORITY_ASK_H
#define ENROLL_AUTHORITY_ASK_H

#include "muster/authority_api.h"
#include "muster/json.h"

#define AUTHORITY_SECRET_LEN 32 /* digits of a static challenge: 128 bits, as long as devices' fields take */

struct authority_ask {
	struct mst_xchg *x;
	struct mst_app *app;
	struct mst_slice name;
	struct mst_authority_wish wish;
	char secret[AUTHORITY_SECRET_LEN + 1]; /* a challenge made here: shown once; empty: none */
	uint8_t challenge[32];                 /* SHA-256 of the static one */
	bool has_challenge, wants_der;
	/* a worker's turn */
	struct mst_job job;
	struct mst_arena arena; /* joins the exchange's at home */
	struct mst_read read;
	int (*work)(struct authority_ask *ask, struct mst_err *e);
	int rc;
	struct mst_authority one, next; /* next: its successor, closed; zero: none */
	struct mst_slice next_name;     /* who shall be the successor; empty: nobody */
	uint32_t num; /* authorities there are */
	struct mst_slice census; /* the record that every making changes; empty: none was made yet */
	int found;
	const char *event; /* what the log says when it is done; NULL: nothing changed */
	struct mst_json json;
	struct mst_slice body;
	const char *type;
	int status;
	/* until the snapshot knows */
	struct mst_timer timer;
	uint64_t until_ms;
};

/* authority_wish.c: mst_authority_wish_read reads the JSON body into ask->wish. 0, -1 SYNTAX. */
int mst_authority_wish_read(struct authority_ask *ask, struct mst_err *e) MST_MUST;
/* mst_authority_wish_successor reads {"successor":"NAME"}, or null, into ask->next_name. 0, -1 SYNTAX. */
int mst_authority_wish_successor(struct authority_ask *ask, struct mst_err *e) MST_MUST;
/* Words of key usages; the last row has none. */
struct authority_word {
	const char *text;
	uint32_t bit;
};
extern const struct authority_word mst_authority_wish_usages[], mst_authority_wish_ext_usages[];

/* authority_tell.c: writes ask->one, or its certificate; ask->body and ask->type are set. mst_authority_tell_put writes one of
 * a list; `successor` is the name of its successor or empty. */
int mst_authority_tell_one(struct authority_ask *ask, struct mst_err *e) MST_MUST;
int mst_authority_tell_certificate(struct authority_ask *ask, struct mst_err *e) MST_MUST;
/* mst_authority_tell_pems writes a certificate and those above it as PEM, leaf side first. */
int mst_authority_tell_pems(struct mst_slice *out, struct mst_arena *arena, struct mst_slice cert, struct mst_slice chain,
			    struct mst_err *e) MST_MUST;
int mst_authority_tell_put(struct mst_json *j, const struct mst_authority *a, struct mst_slice successor, struct mst_err *e) MST_MUST;

#endif
