/* SPDX-License-Identifier: Apache-2.0 */
/* Queues commands for the whole fleet through the operator API. */
#include "client.h"
#include "parts.h"
#include "muster/json.h"

#define IDS_PER_CALL 200 /* a request line of 16 KiB holds twice as many */

static const char command[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC "
			      "\"-//Apple//DTD PLIST 1.0//EN\" "
			      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist "
			      "version=\"1.0\">\n<dict>\n\t<key>Command</key>\n\t<dict>\n"
			      "\t\t<key>Queries</key>\n\t\t<array>\n\t\t\t<string>DeviceName</"
			      "string>\n\t\t\t<string>OSVersion</string>\n\t\t</array>\n"
			      "\t\t<key>RequestType</key>\n\t\t<string>DeviceInformation</"
			      "string>\n\t</dict>\n\t<key>CommandUUID</key>\n"
			      "\t<string>%s-%u</string>\n</dict>\n</plist>\n";

static int call_once(const struct mst_fleet_conf *conf, struct mst_arena *arena,
		     struct mst_slice ids, const char *series, uint32_t n, struct mst_err *e)
{
	struct mst_call call = {
		.socket = conf->control, .method = "PUT", .type = "application/xml"};
	struct mst_call_reply reply;

	if (!mst_arena_format(arena, &call.target, "/v1/enqueue/%.*s?nopush=1", (int)ids.len,
			      (const char *)ids.at) ||
	    !mst_arena_format(arena, &call.body, command, series, n))
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (mst_client_call(&reply, arena, &call, e) < 0)
		return -1;
	if (reply.status != 200)
		return mst_fail(e, MST_E_DENIED, "enqueue was answered with status %d: %.*s",
				reply.status, reply.body.len > 100 ? 100 : (int)reply.body.len,
				(const char *)reply.body.at);
	return 0;
}

int mst_operate_queue(const struct mst_fleet_conf *conf, const struct mst_device_sim *devices,
		      uint32_t num_devices, const char *series, uint32_t num, struct mst_err *e)
{
	struct mst_arena arena;
	int rc = 0;

	if (!conf->control[0])
		return mst_fail(e, MST_E_CONF, "this script queues commands: --control is needed");
	for (uint32_t first = 0; rc == 0 && first < num_devices; first += IDS_PER_CALL) {
		uint32_t last =
			num_devices - first < IDS_PER_CALL ? num_devices : first + IDS_PER_CALL;
		char ids[IDS_PER_CALL * (UDID_LEN + 1)];
		size_t len = 0;
		for (uint32_t i = first; i < last; i++)
			len += (size_t)snprintf(ids + len, sizeof(ids) - len, "%s%s",
						i > first ? "," : "", devices[i].udid);
		for (uint32_t n = 0; rc == 0 && n < num; n++) {
			mst_arena_init(&arena, NULL, 0);
			rc = call_once(conf, &arena, mst_slice(ids, len), series, n, e);
			mst_arena_done(&arena);
		}
	}
	return rc;
}
