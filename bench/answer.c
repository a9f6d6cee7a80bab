/* SPDX-License-Identifier: Apache-2.0 */
/* How devices answer commands: characters of devices as rows, and the command in hand. */
#include "parts.h"
#include "muster/plist.h"

#define BUSY_DEVICE   1 /* of every CHARACTERS devices: puts commands off in its first session */
#define STRICT_DEVICE 2 /* answers what it does not know with CommandFormatError instead of Error  \
			 */
#define CHARACTERS 1000
#define MESSAGE_LIMITS                                                                             \
	(&(const struct mst_plist_limits){.len_max = 1u << 20, .depth_max = 24, .nodes_max = 10000})

static const struct {
	const char *status; /* Apple's word */
	const char *word;   /* for the report */
} answers[NUM_ANSWERS] = {
	[ANSWER_ACKNOWLEDGED] = {"Acknowledged", "acknowledged"},
	[ANSWER_ERROR] = {"Error", "error"},
	[ANSWER_FORMAT_ERROR] = {"CommandFormatError", "format_error"},
	[ANSWER_NOT_NOW] = {"NotNow", "not_now"},
};

/* What the simulated devices can do; everything else is unknown to them. */
static const char *const known_types[] = {
	"DeviceInformation", "SecurityInfo",  "ProfileList",    "InstalledApplicationList",
	"CertificateList",   "Restrictions",  "DeviceLock",     "InstallProfile",
	"RemoveProfile",     "RestartDevice", "ShutDownDevice", "Settings",
	"DeviceConfigured",
};

const char *mst_answer_status(enum mst_answer answer)
{
	return answers[answer].status;
}

const char *mst_answer_word(enum mst_answer answer)
{
	return answers[answer].word;
}

enum mst_answer mst_answer_choose(struct mst_device_sim *dev)
{
	uint32_t character = dev->index % CHARACTERS;

	if (dev->fleet->series)
		return ANSWER_ACKNOWLEDGED;
	if (character == BUSY_DEVICE && !dev->has_been_busy)
		return ANSWER_NOT_NOW;
	for (size_t i = 0; i < MST_LEN(known_types); i++)
		if (strcmp(dev->type, known_types[i]) == 0)
			return ANSWER_ACKNOWLEDGED;
	return character == STRICT_DEVICE ? ANSWER_FORMAT_ERROR : ANSWER_ERROR;
}

static bool copy(char *out, size_t room, struct mst_slice text)
{
	if (text.len == 0 || text.len >= room)
		return false;
	memcpy(out, text.at, text.len);
	out[text.len] = 0;
	return true;
}

int mst_answer_take(struct mst_device_sim *dev, struct mst_slice body)
{
	const struct mst_plist *command;
	struct mst_slice uuid, type;
	const struct mst_plist *root;
	struct mst_arena arena;
	bool is_ok;

	mst_arena_init(&arena, NULL, mst_plist_room(body.len, MESSAGE_LIMITS));
	is_ok = mst_plist_parse(&root, &arena, body, MESSAGE_LIMITS, NULL) == 0 &&
		mst_plist_text0(root, &uuid, "CommandUUID", NULL) > 0 &&
		copy(dev->uuid, sizeof(dev->uuid), uuid) &&
		mst_plist_dict0(root, &command, "Command", NULL) > 0 &&
		mst_plist_text0(command, &type, "RequestType", NULL) > 0 &&
		copy(dev->type, sizeof(dev->type), type);
	mst_arena_done(&arena);
	dev->has_command = is_ok;
	return is_ok ? 0 : -1;
}

bool mst_answer_is_due(const struct mst_device_sim *dev)
{
	char want[UUID_ROOM];

	if (!dev->fleet->series)
		return true;
	snprintf(want, sizeof(want), "%s-%u", dev->fleet->series, dev->num_answered);
	return strcmp(want, dev->uuid) == 0;
}
