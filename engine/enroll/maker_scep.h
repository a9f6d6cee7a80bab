/* SPDX-License-Identifier: Apache-2.0 */
/* SCEP enrolments under way: what their files share, and what other makers that speak SCEP in the end may call. */
#ifndef ENROLL_MAKER_SCEP_H
#define ENROLL_MAKER_SCEP_H

#include "maker.h"
#include "muster/issued.h"
#include "scep_client.h"

/* Like the maker's start and tell, with a challenge that the caller got elsewhere (a passcode); `challenge` lives as long as the
 * make. The setting has url, ca, ca_name, ca_fingerprint, timeout_s; client_certificate and client_key when the server wants
 * them. */
int mst_scep_start_with(struct mst_make *make, struct mst_slice challenge, struct mst_err *e) MST_MUST;
int mst_scep_tell_with(struct mst_make *make, struct mst_slice challenge, struct mst_err *e) MST_MUST;

struct scep_make {
	struct mst_make *make;
	struct mst_fetch fetch;
	void (*on_answer)(struct scep_make *s);    /* status 200, or any when takes_any */
	void (*on_challenge)(struct scep_make *s); /* `challenge` is there */
	const char *asked;                         /* what was asked of whom, for errors */
	bool takes_any;
	bool is_poll, has_fallen_back;
	struct scep_caps caps;
	struct scep_ca ca;
	struct scep_order order;
	struct scep_reply reply;
	struct mst_key *key, *older;
	struct mst_slice challenge;                /* empty: none */
	struct mst_slice body, message, portal;
	struct mst_header headers[1];
	struct mst_batch batch;
};

/* mst_scep_url: url?operation=NAME&message=TEXT; an empty message is left out. */
int mst_scep_url(struct mst_slice *out, struct mst_arena *arena, struct mst_slice url, struct mst_slice operation, struct mst_slice message,
		 struct mst_err *e) MST_MUST;
/* mst_scep_fetch asks for `url`; on_answer, or the make fails. */
void mst_scep_fetch(struct scep_make *s, struct mst_slice url, const char *asked, void (*on_answer)(struct scep_make *s));
/* mst_scep_end: rc 0, or -1 with `e`, and the maker's last call. Frees what is not the arena's. */
void mst_scep_end(struct scep_make *s, int rc, const struct mst_err *e);

/* scep_challenge.c: a challenge of the setting's kind, then on_challenge; or the make fails. Loop. */
void mst_scep_challenge_get(struct scep_make *s, void (*on_challenge)(struct scep_make *s));

/* scep_proxy.c: where this device finds the proxy of this enrolment setting: /scepproxy/{token}, sealed. Any thread. */
int mst_scep_proxy_url(struct mst_slice *out, struct mst_arena *arena, const struct mst_seal *seal, struct mst_slice portal,
		       const uint8_t enrollment[static 16], const uint8_t device[static 16], int64_t now_ms, struct mst_err *e) MST_MUST;

#endif
