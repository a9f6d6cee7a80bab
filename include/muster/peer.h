/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end: its address, and, once TLS or a signature proved it, its certificate's identity. */
#ifndef MUSTER_PEER_H
#define MUSTER_PEER_H

#include "muster/slice.h"

/* An IPv6 address, or an IPv4 one mapped into it (RFC 4291 2.5.5.2). All zero: unknown, or a Unix socket. */
struct mst_addr {
	uint8_t ip[16];
	uint16_t port;
};
#define MST_ADDR_ROOM 56
/* mst_addr_put writes 192.0.2.1:443, [2001:db8::1]:443 or "unix", terminated. */
void mst_addr_put(char out[static MST_ADDR_ROOM], const struct mst_addr *addr);

#define MST_NAME_MAX 64 /* a common name's bound, RFC 5280 appendix A, ub-common-name */

/* A certificate that was verified against a device CA. */
struct mst_peer {
	uint8_t sha256[32];  /* of the certificate's DER: the identity */
	uint8_t ca[32];      /* SHA-256 of the SubjectPublicKeyInfo of the CA that vouches */
	uint8_t subject[32]; /* SHA-256 of the subject name's DER */
	int64_t not_before, not_after; /* seconds since 1970 */
	char name[MST_NAME_MAX + 1];   /* the subject's common name, "" when none or not UTF-8 */
};

/* Credentials of a Unix socket's peer. */
struct mst_local {
	bool is_known;
	uint32_t uid, gid;
	int32_t pid;
};

#endif
