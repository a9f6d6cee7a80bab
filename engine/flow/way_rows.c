/* SPDX-License-Identifier: Apache-2.0 */
/* The ways: which stages serve a request, in which order. Written here and nowhere else. */
#include "muster/api.h"
#include "muster/authority_api.h"
#include "muster/bulk.h"
#include "muster/campaign.h"
#include "muster/deliver.h"
#include "muster/enroll.h"
#include "muster/http.h"
#include "muster/identity.h"
#include "muster/mdm.h"
#include "muster/push.h"
#include "muster/revoke.h"
#include "muster/scep.h"
#include "own.h"

#define REPLY {"reply", mst_http_stage_reply}
#define WAY(name, stages, is_plain) {name, stages, MST_LEN(stages), is_plain}

static const struct mst_stage checkin[] = {
	{"identify", mst_mdm_identify}, {"decode", mst_checkin_decode}, {"look", mst_checkin_look},
	{"apply", mst_checkin_apply},   {"answer", mst_checkin_answer}, REPLY,
};
static const struct mst_stage command[] = {
	{"identify", mst_mdm_identify},   {"decode", mst_command_decode},   {"look", mst_command_look},
	{"report", mst_command_report},   {"next", mst_command_next_up},    {"offer", mst_command_offer},
	REPLY,
};
static const struct mst_stage health[] = {{"health", mst_api_health}, REPLY};
static const struct mst_stage version[] = {{"version", mst_api_version}, REPLY};
static const struct mst_stage metrics[] = {{"metrics", mst_api_metrics}, REPLY};
static const struct mst_stage status[] = {{"status", mst_api_status}, {"told", mst_api_told}, REPLY};
static const struct mst_stage devices[] = {{"devices", mst_api_devices}, {"told", mst_api_told}, REPLY};
static const struct mst_stage device[] = {{"device", mst_api_device}, {"told", mst_api_told}, REPLY};
static const struct mst_stage history[] = {{"history", mst_api_history}, {"told", mst_api_told}, REPLY};
static const struct mst_stage commands[] = {{"commands", mst_api_commands}, {"told", mst_api_told}, REPLY};
static const struct mst_stage command_one[] = {{"command", mst_api_command}, {"told", mst_api_told}, REPLY};
static const struct mst_stage cancel[] = {
	{"look", mst_api_cancel_look}, {"apply", mst_api_cancel_apply}, {"answer", mst_api_cancel_answer}, REPLY,
};
/* Twice around: an id whose device changed under the first round gets a second one. */
static const struct mst_stage enqueue[] = {
	{"decode", mst_api_enqueue_decode}, {"look", mst_api_enqueue_look},
	{"apply", mst_api_enqueue_apply},   {"look again", mst_api_enqueue_look},
	{"apply", mst_api_enqueue_apply},   {"answer", mst_api_enqueue_answer},
	REPLY,
};
static const struct mst_stage push[] = {
	{"decode", mst_api_push_decode},  {"look", mst_api_enqueue_look},
	{"apply", mst_api_enqueue_apply}, {"look again", mst_api_enqueue_look},
	{"apply", mst_api_enqueue_apply}, {"answer", mst_api_enqueue_answer},
	REPLY,
};
static const struct mst_stage push_stats[] = {{"ask", mst_push_stats_ask}, {"tell", mst_push_stats_tell}, REPLY};
static const struct mst_stage push_cert[] = {{"look", mst_push_cert_look}, {"told", mst_push_cert_told}, REPLY};
static const struct mst_stage push_cert_put[] = {{"put", mst_push_cert_put}, {"told", mst_push_cert_told}, REPLY};
static const struct mst_stage push_cert_drop[] = {{"drop", mst_push_cert_drop}, {"told", mst_push_cert_told}, REPLY};
static const struct mst_stage push_key_put[] = {{"put", mst_push_key_put}, {"told", mst_push_cert_told}, REPLY};
static const struct mst_stage notify[] = {{"ask", mst_push_notify_ask}, {"tell", mst_push_notify_tell}, REPLY};

/* Twice around: what changed between look and record is looked at once more. */
static const struct mst_stage scep[] = {
	{"operation", mst_scep_operation}, {"open", mst_scep_open},         {"look", mst_scep_look},
	{"issue", mst_scep_issue},         {"record", mst_scep_record},     {"look again", mst_scep_look},
	{"issue", mst_scep_issue},         {"record", mst_scep_record},     {"seal", mst_scep_seal},
	{"answer", mst_scep_answer},       REPLY,
};
static const struct mst_stage scep_proxy[] = {
	{"admit", mst_scep_proxy_admit}, {"ask", mst_scep_proxy_ask}, {"answer", mst_scep_proxy_answer}, REPLY,
};
static const struct mst_stage challenge_new[] = {
	{"make", mst_scep_challenge_make}, {"made", mst_scep_challenge_made}, REPLY,
};

static const struct mst_stage objects[] = {{"list", mst_objects_list}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage object[] = {{"show", mst_objects_show}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage object_put[] = {{"put", mst_objects_put}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage object_drop[] = {{"drop", mst_objects_drop}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage object_history[] = {{"history", mst_objects_history}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage shapes[] = {{"shapes", mst_objects_shapes}, REPLY};
static const struct mst_stage audit[] = {{"audit", mst_objects_audit}, {"told", mst_objects_told}, REPLY};

static const struct mst_stage identities[] = {{"list", mst_identities_list}, {"told", mst_identities_told}, REPLY};
static const struct mst_stage identity_end[] = {{"end", mst_identities_end}, {"told", mst_identities_told}, REPLY};
static const struct mst_stage identity_test[] = {{"test", mst_identities_test}, {"told", mst_identities_told}, REPLY};
static const struct mst_stage identity_upload[] = {{"upload", mst_identities_upload}, {"told", mst_identities_told}, REPLY};

static const struct mst_stage device_settings[] = {{"settings", mst_deliver_settings}, {"told", mst_deliver_told}, REPLY};
static const struct mst_stage setting_retry[] = {{"retry", mst_deliver_retry}, {"told", mst_deliver_told}, REPLY};
static const struct mst_stage setting_devices[] = {{"devices", mst_deliver_holders}, {"told", mst_deliver_told}, REPLY};
static const struct mst_stage retire[] = {{"retire", mst_deliver_retire}, {"told", mst_deliver_told}, REPLY};

static const struct mst_stage enroll[] = {
	{"admit", mst_enroll_admit},     {"look", mst_enroll_look},     {"seal", mst_enroll_seal},
	{"promise", mst_enroll_promise}, {"answer", mst_enroll_answer}, REPLY,
};
static const struct mst_stage ota[] = {
	{"admit", mst_ota_admit},        {"look", mst_enroll_look},     {"seal", mst_enroll_seal},
	{"promise", mst_enroll_promise}, {"answer", mst_enroll_answer}, REPLY,
};
static const struct mst_stage ota_post[] = {
	{"receive", mst_ota_receive},    {"sort", mst_ota_sort},        {"look", mst_enroll_look},
	{"seal", mst_enroll_seal},       {"promise", mst_enroll_promise}, {"answer", mst_enroll_answer},
	REPLY,
};
static const struct mst_stage link_new[] = {{"make", mst_link_make}, {"made", mst_link_made}, REPLY};
static const struct mst_stage renew[] = {
	{"admit", mst_renew_admit},      {"look", mst_enroll_look},     {"seal", mst_enroll_seal},
	{"promise", mst_enroll_promise}, {"queue", mst_renew_queue},    {"answer", mst_renew_answer},
	REPLY,
};
static const struct mst_stage crl[] = {{"serve", mst_serve_crl}, REPLY};
static const struct mst_stage ocsp[] = {{"take", mst_respond_take}, {"answer", mst_respond_answer}, REPLY};
static const struct mst_stage certs[] = {{"list", mst_certs_list}, {"told", mst_certs_told}, REPLY};
static const struct mst_stage cert[] = {{"show", mst_certs_show}, {"told", mst_certs_told}, REPLY};
static const struct mst_stage issue[] = {{"issue", mst_issue_make}, {"told", mst_issue_told}, REPLY};
static const struct mst_stage withdraw[] = {
	{"look", mst_withdraw_look}, {"apply", mst_withdraw_apply}, {"tell", mst_withdraw_tell}, {"answer", mst_withdraw_answer}, REPLY,
};

static const struct mst_stage bulk_start[] = {
	{"start", mst_bulk_start}, {"ask", mst_bulk_ask}, {"answer", mst_bulk_answer}, REPLY,
};
static const struct mst_stage bulk_list[] = {{"list", mst_bulk_list}, {"ask", mst_bulk_ask}, {"answer", mst_bulk_answer}, REPLY};
static const struct mst_stage bulk_show[] = {{"show", mst_bulk_show}, {"ask", mst_bulk_ask}, {"answer", mst_bulk_answer}, REPLY};
static const struct mst_stage bulk_cancel[] = {
	{"cancel", mst_bulk_cancel}, {"ask", mst_bulk_ask}, {"answer", mst_bulk_answer}, REPLY,
};
static const struct mst_stage bulk_results[] = {{"identities", mst_bulk_identities}, {"told", mst_bulk_told}, REPLY};
static const struct mst_stage authorities[] = {{"list", mst_authority_api_list}, {"told", mst_authority_api_told}, REPLY};
static const struct mst_stage authority[] = {{"show", mst_authority_api_show}, {"told", mst_authority_api_told}, REPLY};
static const struct mst_stage authority_publish[] = {{"publish", mst_authority_api_publish}, {"told", mst_authority_api_told}, REPLY};
static const struct mst_stage authority_make[] = {
	{"make", mst_authority_api_make}, {"settle", mst_authority_api_settle}, {"told", mst_authority_api_told}, REPLY,
};
static const struct mst_stage authority_import[] = {
	{"import", mst_authority_api_import}, {"settle", mst_authority_api_settle}, {"told", mst_authority_api_told}, REPLY,
};
static const struct mst_stage authority_succeed[] = {
	{"succeed", mst_authority_api_succeed}, {"settle", mst_authority_api_settle}, {"told", mst_authority_api_told}, REPLY,
};
static const struct mst_stage authority_retire[] = {
	{"retire", mst_authority_api_retire}, {"settle", mst_authority_api_settle}, {"told", mst_authority_api_told}, REPLY,
};
static const struct mst_stage detail_put[] = {{"put", mst_api_detail_put}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage label_member[] = {{"member", mst_api_label_member}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage label_members[] = {{"members", mst_api_label_members}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage label_test[] = {{"test", mst_api_label_test}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage pin[] = {{"pin", mst_api_pin}, {"told", mst_objects_told}, REPLY};
static const struct mst_stage key_rotate[] = {{"rotate", mst_key_rotate}, {"told", mst_key_told}, REPLY};
static const struct mst_stage key_status[] = {{"status", mst_key_status}, {"told", mst_key_told}, REPLY};
/* A worker reads, then the campaigns' loop is asked. */
#define CAMPAIGN_TAIL {"enter", mst_campaign_enter}, {"tell", mst_campaign_tell}, REPLY
static const struct mst_stage campaign_start[] = {{"start", mst_campaign_start}, CAMPAIGN_TAIL};
static const struct mst_stage campaigns[] = {{"list", mst_campaign_list}, CAMPAIGN_TAIL};
static const struct mst_stage campaign[] = {{"show", mst_campaign_show}, CAMPAIGN_TAIL};
static const struct mst_stage campaign_change[] = {{"change", mst_campaign_change}, CAMPAIGN_TAIL};

const struct mst_way mst_way_bulk_start = WAY("bulk-start", bulk_start, false);
const struct mst_way mst_way_bulk_list = WAY("bulk-list", bulk_list, false);
const struct mst_way mst_way_bulk_show = WAY("bulk-show", bulk_show, false);
const struct mst_way mst_way_bulk_cancel = WAY("bulk-cancel", bulk_cancel, false);
const struct mst_way mst_way_bulk_results = WAY("bulk-results", bulk_results, false);
const struct mst_way mst_way_authorities = WAY("authorities", authorities, false);
const struct mst_way mst_way_authority = WAY("authority", authority, false);
const struct mst_way mst_way_authority_publish = WAY("authority-publish", authority_publish, false);
const struct mst_way mst_way_authority_make = WAY("authority-make", authority_make, false);
const struct mst_way mst_way_authority_import = WAY("authority-import", authority_import, false);
const struct mst_way mst_way_authority_succeed = WAY("authority-succeed", authority_succeed, false);
const struct mst_way mst_way_authority_retire = WAY("authority-retire", authority_retire, false);
const struct mst_way mst_way_objects = WAY("objects", objects, false);
const struct mst_way mst_way_object = WAY("object", object, false);
const struct mst_way mst_way_object_put = WAY("object-put", object_put, false);
const struct mst_way mst_way_object_drop = WAY("object-drop", object_drop, false);
const struct mst_way mst_way_object_history = WAY("object-history", object_history, false);
const struct mst_way mst_way_shapes = WAY("shapes", shapes, false);
const struct mst_way mst_way_audit = WAY("audit", audit, false);
const struct mst_way mst_way_identities = WAY("identities", identities, false);
const struct mst_way mst_way_identity_end = WAY("identity-end", identity_end, false);
const struct mst_way mst_way_identity_test = WAY("identity-test", identity_test, false);
const struct mst_way mst_way_identity_upload = WAY("identity-upload", identity_upload, false);
const struct mst_way mst_way_device_settings = WAY("device-settings", device_settings, false);
const struct mst_way mst_way_setting_retry = WAY("setting-retry", setting_retry, false);
const struct mst_way mst_way_setting_devices = WAY("setting-devices", setting_devices, false);
const struct mst_way mst_way_retire = WAY("retire", retire, false);
const struct mst_way mst_way_detail_put = WAY("detail-put", detail_put, false);
const struct mst_way mst_way_label_member = WAY("label-member", label_member, false);
const struct mst_way mst_way_label_members = WAY("label-members", label_members, false);
const struct mst_way mst_way_label_test = WAY("label-test", label_test, false);
const struct mst_way mst_way_pin = WAY("pin", pin, false);
const struct mst_way mst_way_key_rotate = WAY("key-rotate", key_rotate, false);
const struct mst_way mst_way_key_status = WAY("key-status", key_status, false);
const struct mst_way mst_way_campaign_start = WAY("campaign-start", campaign_start, false);
const struct mst_way mst_way_campaigns = WAY("campaigns", campaigns, false);
const struct mst_way mst_way_campaign = WAY("campaign", campaign, false);
const struct mst_way mst_way_campaign_change = WAY("campaign-change", campaign_change, false);
const struct mst_way mst_way_checkin = WAY("checkin", checkin, true);
const struct mst_way mst_way_command = WAY("command", command, true);
const struct mst_way mst_way_health = WAY("health", health, false);
const struct mst_way mst_way_version = WAY("version", version, false);
const struct mst_way mst_way_metrics = WAY("metrics", metrics, false);
const struct mst_way mst_way_status = WAY("status", status, false);
const struct mst_way mst_way_devices = WAY("devices", devices, false);
const struct mst_way mst_way_device = WAY("device", device, false);
const struct mst_way mst_way_history = WAY("history", history, false);
const struct mst_way mst_way_commands = WAY("commands", commands, false);
const struct mst_way mst_way_command_one = WAY("command-one", command_one, false);
const struct mst_way mst_way_cancel = WAY("cancel", cancel, false);
const struct mst_way mst_way_enqueue = WAY("enqueue", enqueue, false);
const struct mst_way mst_way_push = WAY("push", push, false);
const struct mst_way mst_way_push_stats = WAY("push-stats", push_stats, false);
const struct mst_way mst_way_push_cert = WAY("push-cert", push_cert, false);
const struct mst_way mst_way_push_cert_put = WAY("push-cert-put", push_cert_put, false);
const struct mst_way mst_way_push_cert_drop = WAY("push-cert-drop", push_cert_drop, false);
const struct mst_way mst_way_push_key_put = WAY("push-key-put", push_key_put, false);
const struct mst_way mst_way_notify = WAY("notify", notify, false);
const struct mst_way mst_way_scep = WAY("scep", scep, true);
const struct mst_way mst_way_scep_proxy = WAY("scep-proxy", scep_proxy, true);
const struct mst_way mst_way_challenge_new = WAY("challenge-new", challenge_new, false);
const struct mst_way mst_way_enroll = WAY("enroll", enroll, true);
const struct mst_way mst_way_ota = WAY("ota", ota, true);
const struct mst_way mst_way_ota_post = WAY("ota-post", ota_post, true);
const struct mst_way mst_way_link_new = WAY("link-new", link_new, false);
const struct mst_way mst_way_renew = WAY("renew", renew, false);
const struct mst_way mst_way_crl = WAY("crl", crl, true);
const struct mst_way mst_way_ocsp = WAY("ocsp", ocsp, true);
const struct mst_way mst_way_certs = WAY("certificates", certs, false);
const struct mst_way mst_way_cert = WAY("certificate", cert, false);
const struct mst_way mst_way_issue = WAY("issue", issue, false);
const struct mst_way mst_way_withdraw = WAY("revoke", withdraw, false);
