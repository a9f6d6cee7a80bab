/* SPDX-License-Identifier: Apache-2.0 */
/* What one peer may make us do, each number with its reason. The zero fields of struct mst_h2_limits take these. */
#ifndef MUSTER_H2_BUDGET_H
#define MUSTER_H2_BUDGET_H

/* RFC 9113 6.5.2 advises no less than 100; a device uses one or two. */
#define STREAMS_MAX_SERVER 100
/* Ours to begin: only the peer's SETTINGS should bind, but a peer that allows 2^32 must not make us remember as many. */
#define STREAMS_MAX_CLIENT 65535
/* Before the peer's SETTINGS (RFC 9113 6.5.2 sets none): what a careful server would allow. */
#define STREAMS_BEFORE_SETTINGS 100
/* A Mdm-Signature header with its chain is 4 to 8 KiB; HTTP/1.1 heads may have as much here. */
#define HEAD_MAX (64 * 1024)
/* The protocol's own start value: a check-in fits whole, and 100 streams at once hold at most four of it (see WINDOW_TIMES). */
#define WINDOW 65535
/* The connection's window as a multiple of one stream's: bodies in flight of one peer stay at 256 KiB. */
#define WINDOW_TIMES 4

/* Rapid reset (CVE-2023-44487) and resets provoked by broken frames (CVE-2025-8671): streams that were begun, cost us work and
 * died unanswered, per 1,000 begun. A browser that leaves a page resets some tens; devices none. */
#define RESETS_MAX 200
/* So few are always free: a rate over a handful of requests says nothing. */
#define RESETS_LEAST 100
/* The rate is over about so many requests: then both counts are halved, so that old good conduct buys no late flood. */
#define RESETS_SPAN 4096

/* Requests refused at once, and frames that bring no request and no body (CVE-2019-9511 .. 9518), in units of a PING's work. More
 * than the 1,820 frames that fit into one fed piece, so that what one piece earns is counted before it is judged. */
#define CONTROLS_MAX 2000
/* A SETTINGS frame walks every open stream and is answered. */
#define CONTROL_SETTINGS 10
/* What a request or an answer earns: a WINDOW_UPDATE or two for it, PINGs between, and ten times that for odd clients. */
#define CONTROLS_OF_HEAD 100
/* A DATA frame, ours or theirs, with bytes in it earns two WINDOW_UPDATEs and as much again; and one more for so many bytes. */
#define CONTROLS_OF_DATA 4
#define BYTES_OF_CONTROL 1024
/* Time earns too: a connection that idles for days may PING ten times a second. */
#define MS_OF_CONTROL 100

/* A block of HEAD_MAX takes four full frames; peers that cut smaller do so at 4 KiB. */
#define CONTINUATIONS_MAX 16
/* Bytes of answers that wait for a closed window (CVE-2019-9517): a profile or two, then we read no further requests. */
#define HELD_MAX (1024 * 1024)

/* Entries of one SETTINGS frame (CVE-2020-11080): ten are defined. */
#define SETTINGS_ENTRIES_MAX 32
/* ACKs of PING and SETTINGS that may wait for one flush: one fed piece of PINGs. */
#define ACKS_MAX 1000

/* Fed bytes are judged and then read in pieces of this: a TLS record. */
#define PIECE_LEN 16384

#endif
