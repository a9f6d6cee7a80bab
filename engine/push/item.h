/* SPDX-License-Identifier: Apache-2.0 */
/* A push in hand and how the service answered it. */
#ifndef PUSH_ITEM_H
#define PUSH_ITEM_H

#include "muster/list.h"
#include "muster/outbox.h"

#define PUSH_TOKEN_MAX   128  /* bytes of a device token; Apple's have 32 and may grow */
#define PUSH_MAGIC_MAX   128
#define PUSH_PAYLOAD_MAX 272  /* {"mdm":"..."}, each byte of the magic escaped; what an application sends lies elsewhere */
#define PUSH_REASON_MAX  48
#define PUSH_RAW_MAX     128  /* bytes of a push's record; today's have up to 75 */

/* X(name, word): how a try ended. */
#define PUSH_ENDS(X)                                                                               \
	X(ANSWERED, "answered")   /* status and reason are the service's */                        \
	X(LOST, "lost")           /* the link broke: it may have arrived */                        \
	X(UNSENT, "unsent")       /* certainly not taken: another link at once */
enum push_end {
#define X(name, word) PUSH_##name,
	PUSH_ENDS(X)
#undef X
	NUM_PUSH_ENDS
};

struct push_answer {
	enum push_end end;
	int status;
	char reason[PUSH_REASON_MAX]; /* Apple's word, "" none */
	int64_t timestamp_ms;         /* 410: since when; 0 none */
	uint32_t retry_after_s;       /* 0 none */
};

/* What an application sends, instead of an MDM push: notify_call.c. Lives until the item's on_answer. */
struct push_note {
	struct mst_slice payload;     /* instead of the item's; up to PUSH_NOTE_MAX bytes */
	const char *push_type;        /* "alert", "background", ...: apns-push-type instead of "mdm" */
	const char *collapse_id;      /* apns-collapse-id; NULL: none */
};
#define PUSH_NOTE_MAX 4096 /* Apple's limit */

/* A push in hand: from collect until settle is durable. Lives in the window's slab. */
struct push_item {
	struct mst_link link;        /* in its topic's line, while it waits */
	struct push_topic *topic;
	struct push_link *on;        /* the link it was sent on; NULL: waits */
	const struct push_note *note; /* NULL: an MDM push */
	struct mst_push_due due;     /* as read; due.raw points to `raw` */
	int64_t token_ms;            /* when the token came: channel's updated_ms */
	uint64_t sent_ms;            /* loop's clock */
	struct push_answer answer;
	uint8_t priority;
	uint32_t expiry_s;
	uint16_t path_len, payload_len;
	char path[16 + 2 * PUSH_TOKEN_MAX]; /* /3/device/HEX */
	char payload[PUSH_PAYLOAD_MAX];
	char apns_id[MST_APNS_ID_ROOM];
	char expiration[24];         /* apns-expiration of this try */
	uint32_t stream;             /* its number on the link */
	char body[256];              /* of the answer, while it comes */
	uint16_t body_len;
	/* collect's and settle's: */
	struct mst_push *push;
	uint32_t slot;
	uint8_t num_again;           /* tries in a row that ended before the service took it */
	bool is_overtaken;           /* a newer cause wrote its place, `passed`: read the record again afterwards */
	bool is_written;             /* its own place is dropped */
	struct mst_outbox_place passed;
	uint16_t raw_len;
	uint8_t raw[PUSH_RAW_MAX];
	void (*on_answer)(struct push_item *item); /* settle, or the caller of an application's push */
};

#endif
