/* SPDX-License-Identifier: Apache-2.0 */
/* A store with an authority and certificates of it, two loops with what they have for revocation, and exchanges without sockets. */
#ifndef MUSTER_TEST_KIT_REVOKE_H
#define MUSTER_TEST_KIT_REVOKE_H

#include "../crypt/pki.h"
#include "../model/authority_kit.h"
#include "muster/barred.h"
#include "muster/issued.h"
#include "muster/revoke.h"

#define LOOPS 2

struct world {
	struct rig rig;
	struct mst_authority authority;
	struct mst_issuers *issuers;
	struct mst_loop *loops[LOOPS];
	struct mst_app apps[LOOPS];
	struct mst_revoke *revokes[LOOPS];
	uint8_t own_sha256[32];
};
/* world_open makes the authority "devices". world_start loads what is live; before it certificates may be issued, too. */
void world_open(struct world *w, enum mst_key_kind kind);
void world_start(struct world *w);
void world_stop(struct world *w);
void world_close(struct world *w);
/* world_issue makes a certificate and its record, NAME.pem, and gives its number. `not_after_s` 0: as the template says. */
struct mst_issued world_issue(struct world *w, const char *name, int64_t not_after_s);
/* world_revoke does it in the store only. */
void world_revoke(struct world *w, const struct mst_issued *i, uint32_t reason, int64_t at_ms);
/* world_turn turns all loops until *done, 20 s at most. */
void world_turn(struct world *w, const bool *done);

/* An exchange through the stages `way` in loop `at`; its answer stays until visit_end. */
struct visit {
	struct mst_xchg x;
	bool is_over;
	char path[12000];
	struct mst_header headers[2];
};
void visit(struct visit *v, struct world *w, uint32_t at, const struct mst_way *way, enum mst_method method, const char *target,
	   struct mst_slice body);
void visit_end(struct visit *v);
const char *visit_extra(const struct visit *v, const char *name);

extern const struct mst_way way_crl, way_ocsp, way_list, way_show, way_revoke;

void write_file(const char *path, struct mst_slice bytes);
struct mst_slice read_file(struct world *w, const char *path);
/* said: what the last program printed (file "out") holds `text`. */
bool said(struct world *w, const char *text);

#endif
