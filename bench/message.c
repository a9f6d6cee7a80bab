/* SPDX-License-Identifier: Apache-2.0 */
/* The requests a device sends, as Apple's devices word them. */
#include "parts.h"

#define PLIST_HEAD                                                                                 \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD "      \
	"PLIST 1.0//EN\" "                                                                         \
	"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n"
#define PLIST_TAIL   "</dict>\n</plist>\n"
#define TEXT(key)    "\t<key>" key "</key>\n\t<string>%s</string>\n"
#define TOPIC        "com.apple.mgmt.External.8b0e2d6c-2c0f-4b39-9c8e-0f2a4d9b7e11"
#define TYPE_CHECKIN "application/x-apple-aspen-mdm-checkin"
#define TYPE_COMMAND "application/x-apple-aspen-mdm; charset=UTF-8"

static int authenticate(char *out, size_t len, const struct mst_device_sim *dev)
{
	return snprintf(
		out, len,
		PLIST_HEAD TEXT("BuildVersion") TEXT("MessageType") TEXT("OSVersion")
			TEXT("ProductName") "\t<key>SerialNumber</key>\n\t<string>SIM%09u</"
					    "string>\n" TEXT("Topic") TEXT("UDID") PLIST_TAIL,
		"22B83", "Authenticate", "18.1", "iPhone15,2", dev->index, TOPIC, dev->udid);
}

static int token_update(char *out, size_t len, const struct mst_device_sim *dev)
{
	return snprintf(
		out, len,
		PLIST_HEAD "\t<key>AwaitingConfiguration</key>\n\t<false/>\n" TEXT("MessageType")
			TEXT("PushMagic") "\t<key>Token</"
					  "key>\n\t<data>\n\tb0tl%"
					  "010uAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\t</data>\n" TEXT(
						  "Topic") TEXT("UDID") PLIST_TAIL,
		"TokenUpdate", dev->udid, dev->num_tokens + 1, TOPIC, dev->udid);
}

static int idle(char *out, size_t len, const struct mst_device_sim *dev)
{
	return snprintf(out, len, PLIST_HEAD TEXT("Status") TEXT("UDID") PLIST_TAIL, "Idle",
			dev->udid);
}

/* What a device adds to a status. */
static const char *const details[NUM_ANSWERS] = {
	[ANSWER_ACKNOWLEDGED] = "\t<key>QueryResponses</key>\n\t<dict>\n\t\t<key>DeviceName</"
				"key>\n\t\t<string>Simulated</string>\n"
				"\t\t<key>OSVersion</key>\n\t\t<string>18.1</string>\n\t</dict>\n",
	[ANSWER_ERROR] =
		"\t<key>ErrorChain</key>\n\t<array>\n\t\t<dict>\n\t\t\t<key>ErrorCode</"
		"key>\n\t\t\t<integer>12021</integer>\n"
		"\t\t\t<key>ErrorDomain</key>\n\t\t\t<string>MCMDMErrorDomain</"
		"string>\n\t\t\t<key>LocalizedDescription</key>\n"
		"\t\t\t<string>The request is "
		"unknown.</string>\n\t\t\t<key>USEnglishDescription</key>\n"
		"\t\t\t<string>The request is unknown.</string>\n\t\t</dict>\n\t</array>\n",
	[ANSWER_FORMAT_ERROR] = "",
	[ANSWER_NOT_NOW] = "",
};

static int answer(char *out, size_t len, const struct mst_device_sim *dev, enum mst_answer how)
{
	return snprintf(out, len,
			PLIST_HEAD TEXT("CommandUUID") "%s" TEXT("Status") TEXT("UDID") PLIST_TAIL,
			dev->uuid, details[how], mst_answer_status(how), dev->udid);
}

struct mst_slice mst_message_write(char *room, size_t len, const struct mst_device_sim *dev,
				   enum mst_do what, enum mst_answer how)
{
	const struct mst_fleet_conf *conf = dev->fleet->conf;
	bool is_checkin = what == DO_AUTHENTICATE || what == DO_TOKEN_UPDATE;
	char body[2048];
	int n, total;

	if (what == DO_AUTHENTICATE)
		n = authenticate(body, sizeof(body), dev);
	else if (what == DO_TOKEN_UPDATE)
		n = token_update(body, sizeof(body), dev);
	else if (what == DO_IDLE)
		n = idle(body, sizeof(body), dev);
	else
		n = answer(body, sizeof(body), dev, how);
	BUG_ON(n < 0 || (size_t)n >= sizeof(body));
	total = snprintf(room, len,
			 "PUT %s HTTP/1.1\r\nHost: %s:%u\r\nContent-Type: %s\r\nUser-Agent: "
			 "MDM/1.0\r\nAccept: */*\r\nContent-Length: "
			 "%d\r\n\r\n%s",
			 conf->path, conf->host, conf->port,
			 is_checkin ? TYPE_CHECKIN : TYPE_COMMAND, n, body);
	BUG_ON(total < 0 || (size_t)total >= len);
	return mst_slice(room, (size_t)total);
}
