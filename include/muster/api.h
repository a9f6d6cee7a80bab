/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator API: rows of method, path and stage. On the control socket the peer's credentials decide, on the portal an API
 * key (Authorization: Bearer KEY, or Basic with any user and the key as password, as NanoMDM's clients send it).
 * Authorisation happens when the head is in, before a parameter or a body byte is looked at.
 */
#ifndef MUSTER_API_H
#define MUSTER_API_H

#include "muster/xchg.h"

/* mst_api_authorise: 0, or -1 with x->err DENIED... 401 is right here: these are operators, not devices. */
int mst_api_authorise(struct mst_xchg *x);
/* mst_api_route finds the way for method and path, sets x->body_max. -1 ABSENT or METHOD. */
int mst_api_route(struct mst_xchg *x);

#endif
