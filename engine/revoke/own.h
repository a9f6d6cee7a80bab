/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: a loop's CRLs and cached answers, the publisher of the first loop, news of a revocation. */
#ifndef REVOKE_OWN_H
#define REVOKE_OWN_H

#include "muster/issued.h"
#include "muster/json.h"
#include "muster/lent.h"
#include "muster/revoke.h"

#define REVOKE_DATE_ROOM 30 /* IMF-fixdate, RFC 9110 5.6.7, terminated */
#define REVOKE_ETAG_ROOM 40

/* A CRL as it is served: immutable, shared by the loops; the first loop frees it when the last one has let go. */
struct revoke_list {
	struct revoke_list *next; /* the first loop's, of all that live */
	uint8_t authority[16];
	struct mst_published what;
	struct mst_arena arena;
	char etag[REVOKE_ETAG_ROOM], modified[REVOKE_DATE_ROOM];
	uint32_t num_users;
	struct revoke_user {
		struct mst_mail mail;
		struct mst_lent lent;
		struct revoke_list *list;
		struct mst_revoke *revoke;
		bool is_left; /* a newer one is served; gone when nobody sends this one any more */
	} users[];
};

/* An authority in the publisher's eyes. */
struct revoke_turn {
	uint8_t authority[16];
	bool is_dirty;
	uint64_t dirty_ms;  /* monotonic, of the first revocation not published */
	uint64_t not_before_ms; /* after a failure */
};

struct revoke_publisher {
	struct mst_timer timer;
	struct mst_job job;
	bool is_busy;
	struct revoke_list *made, *lists; /* on its way home; all that live */
	uint8_t authority[16];
	struct mst_published before;
	bool has_before;
	struct mst_err err;
	struct revoke_turn turns[MST_AUTHORITIES_MAX];
	uint32_t num_turns;
};

struct mst_revoke {
	struct mst_app *app;
	struct mst_revoke *const *all; /* of every loop, this one at `index` */
	uint32_t num_all, index;
	bool is_over;
	uint64_t swept_ms; /* monotonic: when expired certificates left the set last */
	struct revoke_user *lists[MST_AUTHORITIES_MAX];
	uint32_t num_lists;
	uint64_t num_news; /* revocations heard of */
	struct mst_map *answers;
	uint64_t answers_of; /* number of the snapshot whose answers are in the map */
	struct revoke_publisher publisher;    /* the first loop's */
};

/* publish.c */
struct revoke_list *mst_publish_list_new(const uint8_t *authority, uint32_t num_users);
void mst_publish_list_fill(struct revoke_list *list);
void mst_publish_list_free(struct revoke_list *list);
/* mst_publish_list_adopt lets `user` be served in its loop. */
void mst_publish_list_adopt(struct revoke_user *user);
void mst_publish_begin(struct mst_revoke *first);
/* mst_publish_soon: something of this authority was revoked. First loop. */
void mst_publish_soon(struct mst_revoke *first, const uint8_t *authority);
struct revoke_user *mst_publish_find0(const struct mst_revoke *revoke, const uint8_t *authority);

/* answers.c: OCSP answers without nonce, by what was asked. */
struct revoke_answer {
	int64_t this_s, next_s;
	uint16_t body_len, signature_len;
	uint8_t bytes[428]; /* body and signature: an answer to one question under a P-256 key fits */
};
int mst_answers_new(struct mst_revoke *revoke, struct mst_err *e) MST_MUST;
void mst_answers_free(struct mst_revoke *revoke);
/* mst_answers_find0: NULL when there is none that is young enough. `id` asks about `serial`. */
const struct revoke_answer *mst_answers_find0(struct mst_revoke *revoke, const uint8_t *authority, const struct mst_ocsp_id *id,
					      const uint8_t *serial, int64_t now_s);
void mst_answers_keep(struct mst_revoke *revoke, const uint8_t *authority, const struct mst_ocsp_id *id, const uint8_t *serial,
		      const struct mst_ocsp_body *what, struct mst_slice body, struct mst_slice signature);
void mst_answers_drop(struct mst_revoke *revoke, const uint8_t *authority, const uint8_t *serial);

/* news.c: one mail that goes around all loops and comes home. */
struct revoke_news {
	struct mst_mail mail;
	struct mst_revoke *home;
	uint32_t at; /* the loop it is in */
	uint8_t authority[16], serial[16], sha256[32];
	int64_t not_after;
	struct mst_xchg *x; /* resumed at the end; NULL: nobody waits, and the news are freed */
};
/* mst_news_tell returns true when it is done at once (one loop), else x is resumed later. */
bool mst_news_tell(struct revoke_news *news, struct mst_revoke *home);

/* date.c */
void mst_date_put(char out[static REVOKE_DATE_ROOM], int64_t s);
/* mst_date_get reads an IMF-fixdate; false when it is none. */
bool mst_date_get(int64_t *out, struct mst_slice text);
/* mst_date_is_fresh: the peer has what `etag` and `changed_s` say (RFC 9110 13.1.2, 13.1.3): answer 304. */
bool mst_date_is_fresh(const struct mst_xchg *x, const char *etag, int64_t changed_s);

/* parts.c: parts of the path, and the JSON of a certificate. */
struct mst_slice mst_parts_at(const struct mst_xchg *x, size_t n);
/* mst_parts_behind lends what stands behind the n-th slash. */
struct mst_slice mst_parts_behind(const struct mst_xchg *x, size_t n);
/* mst_parts_cert reads /v1/certificates/{authority}/{serial}: 0, -1 with x->err. */
int mst_parts_cert(struct mst_xchg *x, struct mst_slice *name, uint8_t authority[static 16], uint8_t serial[static 16]) MST_MUST;
int mst_parts_serial(uint8_t out[static 16], struct mst_slice hex, struct mst_err *e) MST_MUST;
const char *mst_parts_state(const struct mst_issued *i, int64_t now_s);
/* mst_parts_put writes the members of a certificate's object. */
void mst_parts_put(struct mst_json *j, const struct mst_issued *i, struct mst_slice authority, int64_t now_s);

#endif
