/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings as devices get them: an Apple configuration profile (one for a setting: its payload, its certificates, its
 * identities), or the JSON document of our own client protocol. Pure functions: a worker's or a loop's, nothing is read.
 *
 * `content` is the SHA-256 of what was rendered, with identities by their certificate and without what differs each time
 * (passwords of PKCS#12, challenges, $RANDOM_*$): as long as it is the same, nothing needs to be sent again.
 */
#ifndef MUSTER_RENDER_H
#define MUSTER_RENDER_H

#include "muster/identity.h"

#define MST_RENDER_LEFT_MAX       64
#define MST_RENDER_IDENTIFIER_LEN 51 /* "muster.setting." and a UUID */
#define MST_RENDER_APPLE_TYPE     "application/x-apple-aspen-config"

enum mst_render_way {
	MST_RENDER_APPLE,  /* a profile, by InstallProfile */
	MST_RENDER_CLIENT, /* a JSON document, fetched by a client */
};
/* mst_render_way_of: how a setting comes to this device: AppConnect, Docs@Work and Web@Work always through a client; others
 * through Apple's MDM where the platform has it. */
enum mst_render_way mst_render_way_of(const struct mst_object *setting, const struct mst_detail *device);
/* mst_render_is_early: identities for settings of this type are made ahead, and may be delivered at an app's first launch. */
bool mst_render_is_early(const struct mst_object *setting);
/* mst_render_keeps_certificates: the device's client keeps identities, so that one serves all settings; old ones (Mobile@Work
 * for iOS up to 9.1) want one for each setting. */
bool mst_render_keeps_certificates(const struct mst_detail *device);

struct mst_render_identity {
	const struct mst_object *enrollment; /* of the catalog that the setting is of; its secrets may be closed */
	const struct mst_identity_ask *told; /* with rc 1; its own `enrollment` is not looked at */
	struct mst_slice p12, password;      /* FILE in profiles only (mst_identity_pack). mst_render_content needs neither these
					      * nor an ask with needs_key: it says whether there is anything to send at all */
};
/* A reference that the device's client does not support: left out, the rest is delivered. */
struct mst_render_left {
	const char *field;
	struct mst_slice key, reason; /* key of a key-value pair; reason: one sentence */
};
struct mst_render {
	const struct mst_object *setting; /* secrets open: not the catalog's, which has them closed */
	const struct mst_detail *device;
	const struct mst_object *user;    /* NULL none */
	const struct mst_render_identity *identities; /* one for each enrolment that the setting refers to */
	uint32_t num_identities;
	struct mst_slice organization;    /* shown on devices; empty: none */
	int64_t now_ms;
	struct mst_arena *arena;
	/* out */
	struct mst_slice body;            /* holds secrets: wipe it */
	uint8_t content[32];
	struct mst_render_left left[MST_RENDER_LEFT_MAX];
	uint32_t num_left;
};
/* mst_render_content fills `content` and `left` only. -1: ABSENT a variable is empty for this device (names field and variable)
 * or an identity is missing; TYPE this platform or way has no such setting; SYNTAX; BUSY. */
int mst_render_content(struct mst_render *r, enum mst_render_way way, struct mst_err *e) MST_MUST;
/* mst_render fills all. */
int mst_render(struct mst_render *r, enum mst_render_way way, struct mst_err *e) MST_MUST;
/* mst_render_identifier: the PayloadIdentifier of a setting's profile, the same for ever: what InstallProfile replaces and
 * RemoveProfile names. Terminated. */
void mst_render_identifier(char out[static MST_RENDER_IDENTIFIER_LEN + 1], const uint8_t setting_uuid[static 16]);

#endif
