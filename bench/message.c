/* SPDX-License-Identifier: Apache-2.0 */
/* The requests a device sends, as Apple's devices word them. */
#include "parts.h"
#include "muster/text.h"

#define PLIST_HEAD                                                                                 \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD "      \
	"PLIST 1.0//EN\" "                                                                         \
	"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n"
#define PLIST_TAIL   "</dict>\n</plist>\n"
#define TEXT(key)    "\t<key>" key "</key>\n\t<string>%s</string>\n"
#define TYPE_CHECKIN "application/x-apple-aspen-mdm-checkin"
#define TYPE_COMMAND "application/x-apple-aspen-mdm; charset=UTF-8"

static int authenticate(char *out, size_t len, const struct mst_device_sim *dev)
{
	return snprintf(
		out, len,
		PLIST_HEAD TEXT("BuildVersion") TEXT("MessageType") TEXT("OSVersion")
			TEXT("ProductName") "\t<key>SerialNumber</key>\n\t<string>SIM%09u</"
					    "string>\n" TEXT("Topic") TEXT("UDID") PLIST_TAIL,
		"22B83", "Authenticate", "18.1", "iPhone15,2", dev->index, dev->fleet->conf->topic,
		dev->udid);
}

/* A device keeps its token, so that whoever wakes it knows it too. */
void mst_message_token(uint8_t out[static TOKEN_LEN], const struct mst_device_sim *dev)
{
	mst_sha256(out, mst_slice_str(dev->udid));
}

static int token_update(char *out, size_t len, const struct mst_device_sim *dev)
{
	char text[MST_BASE64_LEN(TOKEN_LEN) + 1];
	uint8_t token[TOKEN_LEN];

	mst_message_token(token, dev);
	mst_base64_put(text, mst_slice(token, sizeof(token)));
	text[sizeof(text) - 1] = 0;
	return snprintf(out, len,
			PLIST_HEAD "\t<key>AwaitingConfiguration</key>\n\t<false/>\n" TEXT("MessageType") TEXT(
				"PushMagic") "\t<key>Token</key>\n\t<data>\n\t%s\n\t</data>\n" TEXT("Topic")
				TEXT("UDID") PLIST_TAIL,
			"TokenUpdate", dev->udid, text, dev->fleet->conf->topic, dev->udid);
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

struct mst_slice mst_message_body(char room[static MESSAGE_ROOM], const struct mst_device_sim *dev, enum mst_do what,
				  enum mst_answer how)
{
	int n;

	if (what == DO_AUTHENTICATE)
		n = authenticate(room, MESSAGE_ROOM, dev);
	else if (what == DO_TOKEN_UPDATE)
		n = token_update(room, MESSAGE_ROOM, dev);
	else if (what == DO_IDLE)
		n = idle(room, MESSAGE_ROOM, dev);
	else
		n = answer(room, MESSAGE_ROOM, dev, how);
	BUG_ON(n < 0 || n >= MESSAGE_ROOM);
	return mst_slice(room, (size_t)n);
}

struct mst_slice mst_message_type(enum mst_do what)
{
	return what == DO_AUTHENTICATE || what == DO_TOKEN_UPDATE ? MST_S(TYPE_CHECKIN) : MST_S(TYPE_COMMAND);
}

struct mst_slice mst_message_write(char room[static REQUEST_ROOM], const struct mst_fleet_conf *conf, const struct mst_request *request)
{
	int n = snprintf(room, REQUEST_ROOM,
			 "PUT %s HTTP/1.1\r\nHost: %s:%u\r\nContent-Type: %.*s\r\nUser-Agent: MDM/1.0\r\nAccept: */*\r\n%s%.*s%s"
			 "Content-Length: %zu\r\n\r\n",
			 conf->path, conf->host, conf->port, (int)request->type.len, (const char *)request->type.at,
			 request->signature.len ? "Mdm-Signature: " : "", (int)request->signature.len, (const char *)request->signature.at,
			 request->signature.len ? "\r\n" : "", request->body.len);

	BUG_ON(n < 0 || (size_t)n + request->body.len > REQUEST_ROOM);
	memcpy(room + n, request->body.at, request->body.len);
	return mst_slice(room, (size_t)n + request->body.len);
}
