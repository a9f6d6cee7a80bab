/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of rendering share: one setting being rendered, the identities it uses, and the rows of Apple's keys. */
#ifndef DELIVER_RENDER_OWN_H
#define DELIVER_RENDER_OWN_H

#include "muster/plist.h"
#include "muster/render.h"

#define RENDER_UUID_LEN  36
#define RENDER_USES_MAX  40 /* identities of one setting: 32 key-value pairs, a tunnel, more to come */
#define RENDER_CERTS_MAX 64
#define RENDER_PATH_MAX  4

/* An identity that the setting refers to. */
struct render_use {
	const struct mst_render_identity *identity;
	const struct mst_identity_ask *told;
	uint8_t print[32]; /* SHA-256 of its certificate, or of what the device asks for */
	char uuid[RENDER_UUID_LEN + 1]; /* of its payload */
};
struct render_cert {
	struct mst_slice der;
	char uuid[RENDER_UUID_LEN + 1];
	bool is_anchor; /* of the setting; else a link in an identity's chain */
};
struct making {
	struct mst_render *r;
	enum mst_render_way way;
	struct mst_err *e;
	bool is_stable; /* written to be hashed: without what differs each time */
	bool is_bad;    /* e says why */
	struct render_use uses[RENDER_USES_MAX];
	size_t num_uses;
	struct render_cert certs[RENDER_CERTS_MAX];
	size_t num_certs;
	/* a profile */
	struct mst_plist_out plist;
	struct mst_slice open[RENDER_PATH_MAX]; /* dictionaries inside the payload */
	size_t num_open;
	/* a document */
	struct mst_json json;
};

/* render_fields.c: `text` of a field, variables filled; empty and m->is_bad when one is empty. */
struct mst_slice mst_render_text(struct making *m, const struct mst_shape_row *row, struct mst_slice text);
/* The value of a field by name with its row; NULL when it is not set. A secret that is still closed is an error. */
const struct mst_value *mst_render_value(struct making *m, const char *field, const struct mst_shape_row **row);
void mst_render_fail_memory(struct making *m);
/* A UUID by what it names (RFC 9562 5.8): the same for the same. */
void mst_render_uuid(char out[static RENDER_UUID_LEN + 1], struct mst_slice of, struct mst_slice part);
/* 16 bytes as the text of a UUID. */
void mst_render_uuid_text(char out[static RENDER_UUID_LEN + 1], const uint8_t bytes[static 16]);

/* render_uses.c: finds identities and certificates. 0, -1. */
int mst_render_gather(struct making *m) MST_MUST;
/* The identity of a reference; NULL: left out, or none (then m->is_bad). */
const struct render_use *mst_render_use0(struct making *m, const struct mst_shape_row *row, struct mst_slice name);

/* render_version.c: why the device's client cannot have a client-provided identity there; NULL: it can. */
const char *mst_render_why_not(const struct mst_shape_row *row, const struct mst_detail *device);

/* render_identity.c: payloads of identities and certificates. */
void mst_render_put_use(struct making *m, const struct render_use *use);
void mst_render_put_cert(struct making *m, const struct render_cert *cert);
/* What every payload has. */
void mst_render_put_head(struct making *m, const char *type, struct mst_slice identifier_part, const char *uuid,
			 struct mst_slice name);
/* scep_name.c: an RFC 4514 text as Apple's array of names. */
void mst_render_put_subject(struct making *m, const char *key, struct mst_slice subject);

/* render_apple.c, render_client.c: write the whole. */
int mst_render_apple(struct making *m, struct mst_slice *out) MST_MUST;
int mst_render_client(struct making *m, struct mst_slice *out) MST_MUST;

/* The rows of Apple's keys. */
enum render_kind {
	RENDER_FIELD,    /* by the field's kind; WORD by `words` where given */
	RENDER_01,       /* a BOOL as 0 or 1 */
	RENDER_DATA,     /* a text as data */
	RENDER_NAME,     /* the setting's name */
	RENDER_TEXT,     /* always `text` */
	RENDER_NUMBER,   /* always `number` */
	RENDER_IDENTITY, /* the UUID of a reference's payload */
	RENDER_ANCHORS,  /* the UUIDs of the setting's certificates */
	RENDER_CALL,
};
struct render_row {
	const char *path;  /* Apple's key; what stands before a slash is the dictionary that it is in */
	enum render_kind kind;
	const char *field;
	const char *needs; /* only when this field is set */
	const char *when;  /* only when this WORD field has an index in `only` */
	uint32_t only;
	const char *const *words;
	const char *text;
	int64_t number;
	void (*put)(struct making *m, const char *path);
};
struct render_table {
	const char *setting; /* type */
	const char *payload; /* PayloadType; NULL: certificates and identities only */
	const struct render_row *rows;
	size_t num_rows;
	const char *const *not_for; /* platforms without this payload, NULL-terminated; NULL: all have it */
};
extern const struct render_table *const mst_render_tables[];
extern const size_t mst_render_num_tables;
extern const struct render_table mst_render_vpn; /* render_vpn_rows.c */

/* For CALL: opens and closes dictionaries as `path` says and returns the key itself. */
const char *mst_render_key(struct making *m, const char *path);
void mst_render_put_eap_types(struct making *m, const char *path);
void mst_render_put_on_demand(struct making *m, const char *path);
void mst_render_put_vendor(struct making *m, const char *path);

#endif
