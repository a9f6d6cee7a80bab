/* SPDX-License-Identifier: Apache-2.0 */
/* Check-in through whole pipelines: enrolment, ids, tokens, re-enrolment, check-out, and what each message is answered. */
#include "rig.h"

static struct rig *rig;

static void begin(void)
{
	rig = rig_new();
}

static void end(void)
{
	rig_free(rig);
}

TestSuite(checkin, .init = begin, .fini = end, .timeout = 60);

Test(checkin, enrols)
{
	struct mst_device d;
	struct mst_channel c;
	struct link link = rig_link("cert", "UDID-0001");

	cr_expect_eq(rig_authenticate(rig, &link, "UDID-0001"), 200);
	cr_assert(rig_device(rig, "UDID-0001", &d));
	cr_expect_eq(d.state, MST_DEVICE_AUTHENTICATED);
	cr_expect_eq(d.epoch, 1);
	cr_expect(mst_slice_eq(d.serial, MST_S("SN-UDID-0001")));
	cr_expect(mst_slice_eq(d.os_version, MST_S("17.4")));
	cr_expect_arr_eq(d.sha256, link.peer.sha256, 32);
	cr_expect_not(rig_channel(rig, "UDID-0001", "", &c));
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", "<key>UnlockToken</key><data>dW5sb2Nr</data>"), 200);
	rig_reopen(rig);
	cr_assert(rig_device(rig, "UDID-0001", &d));
	cr_expect_eq(d.state, MST_DEVICE_ENROLLED);
	cr_expect_eq(d.num_token_updates, 1);
	cr_assert(rig_channel(rig, "UDID-0001", "", &c));
	cr_expect(mst_channel_is_live(&c, &d));
	cr_expect(mst_slice_eq(c.magic, MST_S("magic")));
	cr_expect(mst_slice_eq(c.token, MST_S("\0\1\2\3")));
	cr_expect(mst_slice_eq(c.unlock_token, MST_S("unlock")));
}

Test(checkin, keeps_the_unlock_token_and_tallies)
{
	struct mst_device d;
	struct mst_channel c;
	struct link link = rig_enrol(rig, "UDID-0001");

	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", "<key>UnlockToken</key><data>dW5sb2Nr</data>"), 200);
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", "<key>AwaitingConfiguration</key><true/>"), 200);
	cr_assert(rig_device(rig, "UDID-0001", &d) && rig_channel(rig, "UDID-0001", "", &c));
	cr_expect_eq(d.num_token_updates, 3);
	cr_expect_eq(c.num_token_updates, 3);
	cr_expect(c.is_awaiting_configuration);
	cr_expect(mst_slice_eq(c.unlock_token, MST_S("unlock")));
	cr_expect_eq(rig_authenticate(rig, &link, "UDID-0001"), 200);
	cr_assert(rig_device(rig, "UDID-0001", &d));
	cr_expect_eq(d.num_token_updates, 0);
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", ""), 200);
	cr_assert(rig_device(rig, "UDID-0001", &d) && rig_channel(rig, "UDID-0001", "", &c));
	cr_expect_eq(d.num_token_updates, 1);
	cr_expect(mst_slice_eq(c.unlock_token, MST_S("unlock")));
}

#define SHARED "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"
#define KEY(key, value) "<key>" key "</key><string>" value "</string>"
#define TOKEN                                                                                      \
	KEY("MessageType", "TokenUpdate") KEY("Topic", "t") "<key>Token</key><data>AAEC</data>" KEY("PushMagic", "m")

/* Apple's five enrolments, named as NanoMDM names them. */
Test(checkin, knows_all_kinds_of_enrolment)
{
	static const struct {
		const char *name, *ids, *device, *user;
		enum mst_channel_kind kind;
	} rows[] = {
		{"device", KEY("UDID", "U-1"), "U-1", "", MST_CHANNEL_DEVICE},
		{"user", KEY("UDID", "U-1") KEY("UserID", "A:B") KEY("UserShortName", "ann"), "U-1", "A:B", MST_CHANNEL_USER},
		{"shared", KEY("UDID", "U-1") KEY("UserID", SHARED) KEY("UserShortName", "ann@x"), "U-1", "ann@x",
		 MST_CHANNEL_SHARED_IPAD},
		{"enrollment", KEY("EnrollmentID", "E-1"), "E-1", "", MST_CHANNEL_ENROLLMENT_DEVICE},
		{"enrollment user", KEY("EnrollmentID", "E-1") KEY("EnrollmentUserID", "EU") KEY("UserLongName", "Ann"), "E-1", "EU",
		 MST_CHANNEL_ENROLLMENT_USER},
	};
	struct link links[] = {rig_link("c1", "U-1"), rig_link("c2", "E-1")};
	struct mst_channel c;
	struct mst_device d;

	cr_assert_eq(rig_authenticate(rig, &links[0], "U-1"), 200);
	cr_assert_eq(rig_checkin(rig, &links[1], KEY("MessageType", "Authenticate") KEY("EnrollmentID", "E-1") KEY("Topic", "t")).status, 200);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct link *link = &links[rows[i].device[0] == 'E'];
		struct answer a = rig_checkin(rig, link, rig_text(rig, TOKEN "%s", rows[i].ids));
		cr_expect_eq(a.status, 200, "%s: %s", rows[i].name, a.body);
		cr_assert(rig_channel(rig, rows[i].device, rows[i].user, &c), "%s", rows[i].name);
		cr_expect_eq(c.kind, rows[i].kind, "%s", rows[i].name);
		cr_expect(mst_slice_eq(c.user, mst_slice_str(rows[i].user)), "%s", rows[i].name);
	}
	cr_assert(rig_device(rig, "E-1", &d));
	cr_expect(d.is_user_enrollment);
	/* The device enrols anew: the users' tokens are of no use until they come again. */
	cr_assert_eq(rig_authenticate(rig, &links[0], "U-1"), 200);
	cr_assert_eq(rig_token_update(rig, &links[0], "U-1", ""), 200);
	cr_assert(rig_device(rig, "U-1", &d) && rig_channel(rig, "U-1", "A:B", &c));
	cr_expect_not(mst_channel_is_live(&c, &d));
	cr_assert_eq(rig_checkin(rig, &links[0], rig_text(rig, TOKEN "%s", rows[1].ids)).status, 200);
	cr_assert(rig_channel(rig, "U-1", "A:B", &c));
	cr_expect(mst_channel_is_live(&c, &d));
	cr_expect_eq(c.num_token_updates, 1);
}

Test(checkin, checks_out)
{
	struct link link = rig_enrol(rig, "UDID-0001");
	const char *out = KEY("MessageType", "CheckOut") KEY("UDID", "UDID-0001") KEY("Topic", "t");
	struct mst_device d;
	struct mst_channel c;
	uint32_t num;

	cr_expect_eq(rig_checkin(rig, &link, out).status, 200);
	cr_assert(rig_device(rig, "UDID-0001", &d) && rig_channel(rig, "UDID-0001", "", &c));
	cr_expect_eq(d.state, MST_DEVICE_CHECKED_OUT);
	cr_expect_not(mst_channel_is_live(&c, &d));
	num = rig_num_records(rig, MST_SPACE_HISTORY);
	cr_expect_eq(rig_checkin(rig, &link, out).status, 200, "said twice");
	cr_expect_eq(rig_num_records(rig, MST_SPACE_HISTORY), num, "the second one stores nothing");
	cr_expect_eq(rig_idle(rig, &link, "UDID-0001").status, 403);
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", ""), 403);
	cr_expect_eq(rig_authenticate(rig, &link, "UDID-0001"), 200, "and may come back");
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", ""), 200);
	cr_expect_eq(rig_idle(rig, &link, "UDID-0001").status, 200);
}

/* Messages whose answer is fixed; the identity is checked before. */
Test(checkin, answers_what_it_does_not_do)
{
	static const struct {
		const char *items;
		int status;
	} rows[] = {
		{KEY("MessageType", "UserAuthenticate") KEY("UserID", "U"), 410},
		{KEY("MessageType", "GetToken") KEY("TokenServiceType", "com.apple.maid"), 400},
		{KEY("MessageType", "DeclarativeManagement") KEY("Endpoint", "tokens"), 404},
		{KEY("MessageType", "GetBootstrapToken"), 200},
		{KEY("MessageType", "ReturnToService"), 400},
	};
	struct link link = rig_enrol(rig, "UDID-0001"), other = rig_link("other", "other");
	uint32_t num = rig_num_records(rig, MST_SPACE_HISTORY);

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		const char *items = rig_text(rig, "%s%s", rows[i].items, KEY("UDID", "UDID-0001"));
		cr_expect_eq(rig_checkin(rig, &link, items).status, rows[i].status, "row %zu", i);
		cr_expect_eq(rig_checkin(rig, &other, items).status, i == 4 ? 400 : 403, "row %zu with a stranger's certificate", i);
	}
	cr_expect_eq(rig_num_records(rig, MST_SPACE_HISTORY), num, "nothing stored");
}

/* What is kept for the device, and given back: "" for none, else the base64. */
static const char *bootstrap_token(struct link *link)
{
	struct answer a = rig_checkin(rig, link, KEY("MessageType", "GetBootstrapToken") KEY("UDID", "UDID-0001"));
	const char *from = strstr(a.body, "<key>BootstrapToken</key>");

	cr_assert_eq(a.status, 200, "%s", a.body);
	cr_assert_eq(a.len == 0, from == NULL, "%s", a.body);
	from = from ? strstr(from, "<data>") + strlen("<data>") : "";
	while (*from == '\n' || *from == '\t' || *from == ' ')
		from++;
	return rig_text(rig, "%.*s", (int)strcspn(from, "\n\t <"), from);
}

static int set_bootstrap_token(struct link *link, const char *items)
{
	return rig_checkin(rig, link, rig_text(rig, "%s%s%s", KEY("MessageType", "SetBootstrapToken"), items, KEY("UDID", "UDID-0001")))
		.status;
}

Test(checkin, bootstrap_token)
{
	struct link link = rig_enrol(rig, "UDID-0001"), other = rig_link("other", "other");
	struct mst_channel channel;

	cr_expect_str_eq(bootstrap_token(&link), "");
	cr_expect_eq(set_bootstrap_token(&link, "<key>BootstrapToken</key><data>AAEC</data>"), 200);
	cr_expect_str_eq(bootstrap_token(&link), "AAEC");
	cr_expect_eq(set_bootstrap_token(&other, "<key>BootstrapToken</key><data>BBBB</data>"), 403);
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", ""), 200);
	cr_expect_str_eq(bootstrap_token(&link), "AAEC", "a newer push token leaves it");
	cr_expect(strstr(rig_get(rig, "/v1/devices/UDID-0001").body, "\"bootstrap_token\":true"));
	cr_assert(rig_channel(rig, "UDID-0001", "", &channel));
	cr_expect(channel.is_enabled && channel.token.len == 4, "and it leaves the push token");
	cr_expect_eq(set_bootstrap_token(&link, ""), 200);
	cr_expect_str_eq(bootstrap_token(&link), "", "taken back");
}

Test(checkin, bootstrap_token_is_of_one_enrolment)
{
	struct link link = rig_enrol(rig, "UDID-0001");
	struct mst_channel channel;

	cr_expect_eq(set_bootstrap_token(&link, "<key>BootstrapToken</key><data>AAEC</data>"), 200);
	cr_assert_eq(rig_authenticate(rig, &link, "UDID-0001"), 200);
	cr_expect_str_eq(bootstrap_token(&link), "");
	cr_expect_eq(set_bootstrap_token(&link, "<key>BootstrapToken</key><data>AAED</data>"), 200, "before its push token");
	cr_assert(rig_channel(rig, "UDID-0001", "", &channel));
	cr_expect_not(channel.is_enabled, "the push token of before is no good");
	cr_assert_eq(rig_token_update(rig, &link, "UDID-0001", ""), 200);
	cr_expect_str_eq(bootstrap_token(&link), "AAED");
	cr_assert_eq(rig_authenticate(rig, &link, "UDID-0001"), 200);
	cr_assert_eq(rig_token_update(rig, &link, "UDID-0001", ""), 200);
	cr_expect_str_eq(bootstrap_token(&link), "");
}

/* NanoMDM's clear-queue: what was queued before an Authenticate is not for the new enrolment. */
Test(checkin, clears_the_queue)
{
	struct link link = rig_enrol(rig, "UDID-0001");

	cr_assert_eq(rig_enqueue(rig, "UDID-0001", "C-1").status, 200);
	cr_expect(strstr(rig_idle(rig, &link, "UDID-0001").body, "C-1"));
	cr_assert_eq(rig_authenticate(rig, &link, "UDID-0001"), 200);
	cr_assert_eq(rig_token_update(rig, &link, "UDID-0001", ""), 200);
	cr_expect_eq(rig_idle(rig, &link, "UDID-0001").len, 0);
	cr_expect(strstr(rig_get(rig, "/v1/devices/UDID-0001/commands/C-1").body, "\"state\":\"cleared\""));
	cr_assert_eq(rig_enqueue(rig, "UDID-0001", "C-2").status, 200);
	cr_expect(strstr(rig_idle(rig, &link, "UDID-0001").body, "C-2"));
}

/* The same as a binary property list: {"MessageType": "CheckOut", "Topic": "t", "UDID": "UDID-0001"}. */
Test(checkin, reads_binary)
{
	static const char bytes[] =
		"bplist00\xd3\x01\x02\x03\x04\x05\x06[MessageTypeUTopicTUDIDXCheckOutQtYUDID-0001"
		"\x08\x0f\x1b\x21\x26\x2f\x31\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x3b";
	struct link link = rig_enrol(rig, "UDID-0001");
	struct mst_device d;
	struct answer a = rig_ask(rig, &link,
				  (struct ask){.type = "application/x-apple-aspen-mdm-checkin", .body = bytes, .len = sizeof(bytes) - 1});

	cr_expect_eq(a.status, 200, "%s", a.body);
	cr_assert(rig_device(rig, "UDID-0001", &d));
	cr_expect_eq(d.state, MST_DEVICE_CHECKED_OUT);
}
