/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: routes and ways are rows. */
#ifndef FLOW_OWN_H
#define FLOW_OWN_H

#include "muster/flow.h"

extern const struct mst_way mst_way_checkin, mst_way_command;
extern const struct mst_way mst_way_health, mst_way_version, mst_way_metrics, mst_way_status;
extern const struct mst_way mst_way_devices, mst_way_device, mst_way_history, mst_way_commands, mst_way_command_one;
extern const struct mst_way mst_way_cancel, mst_way_enqueue, mst_way_push;
extern const struct mst_way mst_way_push_stats, mst_way_push_cert, mst_way_push_cert_put, mst_way_push_cert_drop, mst_way_push_key_put;
extern const struct mst_way mst_way_notify;
extern const struct mst_way mst_way_scep, mst_way_scep_proxy, mst_way_challenge_new;
extern const struct mst_way mst_way_enroll, mst_way_ota, mst_way_ota_post, mst_way_link_new, mst_way_renew;
extern const struct mst_way mst_way_crl, mst_way_ocsp, mst_way_certs, mst_way_cert, mst_way_withdraw, mst_way_issue;
extern const struct mst_way mst_way_bulk_start, mst_way_bulk_list, mst_way_bulk_show, mst_way_bulk_cancel, mst_way_bulk_results;
extern const struct mst_way mst_way_authorities, mst_way_authority, mst_way_authority_make, mst_way_authority_import;
extern const struct mst_way mst_way_authority_retire, mst_way_authority_publish, mst_way_authority_succeed;
extern const struct mst_way mst_way_objects, mst_way_object, mst_way_object_put, mst_way_object_drop, mst_way_object_history;
extern const struct mst_way mst_way_shapes, mst_way_audit;
extern const struct mst_way mst_way_detail_put, mst_way_label_member, mst_way_label_members, mst_way_label_test, mst_way_pin;
extern const struct mst_way mst_way_device_settings, mst_way_setting_retry, mst_way_setting_devices, mst_way_retire;
extern const struct mst_way mst_way_identities, mst_way_identity_end, mst_way_identity_test, mst_way_identity_upload;
extern const struct mst_way mst_way_key_rotate, mst_way_key_status;
extern const struct mst_way mst_way_campaign_start, mst_way_campaigns, mst_way_campaign, mst_way_campaign_change;

enum { ON_PORTAL = MST_B(MST_GATE_PORTAL), ON_CONTROL = MST_B(MST_GATE_CONTROL), ON_PLAIN = MST_B(MST_GATE_PLAIN) };

enum flow_access {
	FOR_DEVICES,   /* a verified client certificate */
	FOR_OPERATORS, /* the control socket or an API key */
	FOR_ALL,
};

/* How long a body may be. */
enum flow_body { BODY_NONE, BODY_CHECKIN, BODY_REPORT, BODY_COMMAND, BODY_SCEP, BODY_OCSP, BODY_OTA, BODY_LINK, BODY_BULK, BODY_AUTHORITY, BODY_PUSH,
		 BODY_CAMPAIGN, BODY_RATE, BODY_OBJECT, BODY_IDENTITY };

struct flow_route {
	uint32_t gates;
	enum mst_method method;
	const char *path; /* a part {} stands for any one part, {*} at the end for all that follow, or none */
	enum flow_access access;
	enum flow_body body;
	const struct mst_way *way;
	/* instead of way and body when the content type says check-in; NULL: the content type does not matter */
	const struct mst_way *checkin;
};
extern const struct flow_route mst_route_rows[];
extern const size_t mst_route_num_rows;

#endif
