/* SPDX-License-Identifier: Apache-2.0 */
/* The routes: what may be asked at which gate, by whom, and the way that serves it. The busiest first. */
#include "own.h"

#define BOTH (ON_PORTAL | ON_CONTROL)
#define DEVICE (ON_PORTAL | ON_PLAIN)

/* clang-format off */
const struct flow_route mst_route_rows[] = {
	{ON_PORTAL, MST_PUT,    "/mdm",                          FOR_DEVICES,   BODY_REPORT,  &mst_way_command,     &mst_way_checkin},
	{ON_PORTAL, MST_PUT,    "/checkin",                      FOR_DEVICES,   BODY_CHECKIN, &mst_way_checkin,     NULL},
	{DEVICE,    MST_POST,   "/scep/{}/{*}",                  FOR_ALL,       BODY_SCEP,    &mst_way_scep,        NULL},
	{DEVICE,    MST_GET,    "/scep/{}/{*}",                  FOR_ALL,       BODY_NONE,    &mst_way_scep,        NULL},
	{DEVICE,    MST_GET,    "/crl/{}",                       FOR_ALL,       BODY_NONE,    &mst_way_crl,         NULL},
	{DEVICE,    MST_HEAD,   "/crl/{}",                       FOR_ALL,       BODY_NONE,    &mst_way_crl,         NULL},
	{DEVICE,    MST_POST,   "/ocsp/{}",                      FOR_ALL,       BODY_OCSP,    &mst_way_ocsp,        NULL},
	{DEVICE,    MST_GET,    "/ocsp/{}/{*}",                  FOR_ALL,       BODY_NONE,    &mst_way_ocsp,        NULL},
	{BOTH,      MST_GET,    "/healthz",                      FOR_ALL,       BODY_NONE,    &mst_way_health,      NULL},
	{BOTH,      MST_GET,    "/version",                      FOR_OPERATORS, BODY_NONE,    &mst_way_version,     NULL},
	{BOTH,      MST_GET,    "/metrics",                      FOR_OPERATORS, BODY_NONE,    &mst_way_metrics,     NULL},
	{BOTH,      MST_GET,    "/v1/status",                    FOR_OPERATORS, BODY_NONE,    &mst_way_status,      NULL},
	{BOTH,      MST_PUT,    "/v1/enqueue/{}",                FOR_OPERATORS, BODY_COMMAND, &mst_way_enqueue,     NULL},
	{BOTH,      MST_POST,   "/v1/enqueue/{}",                FOR_OPERATORS, BODY_COMMAND, &mst_way_enqueue,     NULL},
	{BOTH,      MST_GET,    "/v1/devices",                   FOR_OPERATORS, BODY_NONE,    &mst_way_devices,     NULL},
	{BOTH,      MST_GET,    "/v1/devices/{}",                FOR_OPERATORS, BODY_NONE,    &mst_way_device,      NULL},
	{BOTH,      MST_GET,    "/v1/devices/{}/history",        FOR_OPERATORS, BODY_NONE,    &mst_way_history,     NULL},
	{BOTH,      MST_GET,    "/v1/devices/{}/commands",       FOR_OPERATORS, BODY_NONE,    &mst_way_commands,    NULL},
	{BOTH,      MST_GET,    "/v1/devices/{}/commands/{}",    FOR_OPERATORS, BODY_NONE,    &mst_way_command_one, NULL},
	{BOTH,      MST_DELETE, "/v1/devices/{}/commands/{}",    FOR_OPERATORS, BODY_NONE,    &mst_way_cancel,      NULL},
	{BOTH,      MST_GET,    "/v1/certificates",              FOR_OPERATORS, BODY_NONE,    &mst_way_certs,       NULL},
	{BOTH,      MST_POST,   "/v1/certificates",              FOR_OPERATORS, BODY_AUTHORITY, &mst_way_issue,     NULL},
	{BOTH,      MST_GET,    "/v1/certificates/{}/{}",        FOR_OPERATORS, BODY_NONE,    &mst_way_cert,        NULL},
	{BOTH,      MST_POST,   "/v1/certificates/{}/{}/revoke", FOR_OPERATORS, BODY_NONE,    &mst_way_withdraw,    NULL},
	{BOTH,      MST_POST,   "/v1/challenges",                FOR_OPERATORS, BODY_SCEP,    &mst_way_challenge_new, NULL},
	{BOTH,      MST_POST,   "/v1/bulk",                      FOR_OPERATORS, BODY_BULK,    &mst_way_bulk_start,  NULL},
	{BOTH,      MST_GET,    "/v1/bulk",                      FOR_OPERATORS, BODY_NONE,    &mst_way_bulk_list,   NULL},
	{BOTH,      MST_GET,    "/v1/bulk/{}",                   FOR_OPERATORS, BODY_NONE,    &mst_way_bulk_show,   NULL},
	{BOTH,      MST_DELETE, "/v1/bulk/{}",                   FOR_OPERATORS, BODY_NONE,    &mst_way_bulk_cancel, NULL},
	{BOTH,      MST_GET,    "/v1/bulk/{}/identities",        FOR_OPERATORS, BODY_NONE,    &mst_way_bulk_results, NULL},
	{BOTH,      MST_POST,   "/v1/authorities",               FOR_OPERATORS, BODY_AUTHORITY, &mst_way_authority_make, NULL},
	{BOTH,      MST_GET,    "/v1/authorities",               FOR_OPERATORS, BODY_NONE,    &mst_way_authorities, NULL},
	{BOTH,      MST_GET,    "/v1/authorities/{}",            FOR_OPERATORS, BODY_NONE,    &mst_way_authority,   NULL},
	{BOTH,      MST_GET,    "/v1/authorities/{}/certificate", FOR_OPERATORS, BODY_NONE,   &mst_way_authority_publish, NULL},
	{BOTH,      MST_PUT,    "/v1/authorities/{}/certificate", FOR_OPERATORS, BODY_AUTHORITY, &mst_way_authority_import, NULL},
	{BOTH,      MST_PUT,    "/v1/authorities/{}/successor",  FOR_OPERATORS, BODY_AUTHORITY, &mst_way_authority_succeed, NULL},
	{BOTH,      MST_POST,   "/v1/authorities/{}/retire",     FOR_OPERATORS, BODY_NONE,    &mst_way_authority_retire, NULL},
	{ON_CONTROL,MST_POST,   "/v1/key/rotate",                FOR_OPERATORS, BODY_NONE,    &mst_way_key_rotate,  NULL},
	{ON_CONTROL,MST_GET,    "/v1/key",                       FOR_OPERATORS, BODY_NONE,    &mst_way_key_status,  NULL},
	{ON_PORTAL, MST_GET,    "/enroll/{}/{}",                 FOR_ALL,       BODY_NONE,    &mst_way_enroll,      NULL},
	{ON_PORTAL, MST_GET,    "/enroll/{}",                    FOR_ALL,       BODY_NONE,    &mst_way_enroll,      NULL},
	{ON_PORTAL, MST_GET,    "/ota/{}/{}",                    FOR_ALL,       BODY_NONE,    &mst_way_ota,         NULL},
	{ON_PORTAL, MST_GET,    "/ota/{}",                       FOR_ALL,       BODY_NONE,    &mst_way_ota,         NULL},
	{ON_PORTAL, MST_POST,   "/ota/{}",                       FOR_ALL,       BODY_OTA,     &mst_way_ota_post,    NULL},
	{BOTH,      MST_POST,   "/v1/enroll/links",              FOR_OPERATORS, BODY_LINK,    &mst_way_link_new,    NULL},
	{BOTH,      MST_POST,   "/v1/enroll/renew/{}",           FOR_OPERATORS, BODY_LINK,    &mst_way_renew,       NULL},
};
/* clang-format on */
const size_t mst_route_num_rows = MST_LEN(mst_route_rows);
