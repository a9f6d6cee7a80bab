/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and devices: who may speak for whom, and what a refusal looks like. */
#include "muster/clock.h"
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

TestSuite(identity, .init = begin, .fini = end, .timeout = 60);

static uint32_t num_stored(void)
{
	return rig_num_records(rig, MST_SPACE_DEVICE) + rig_num_records(rig, MST_SPACE_CHANNEL) +
	       rig_num_records(rig, MST_SPACE_BINDING) + rig_num_records(rig, MST_SPACE_HISTORY);
}

Test(identity, needs_a_certificate)
{
	struct link link = {.gate = MST_GATE_PORTAL};

	cr_expect_eq(rig_authenticate(rig, &link, "UDID-0001"), 403);
	cr_expect_eq(rig_idle(rig, &link, "UDID-0001").status, 403);
	cr_expect_eq(num_stored(), 0);
}

Test(identity, unknown_device_gets_apples_document)
{
	struct link link = rig_link("cert", "UDID-0001");
	struct answer a = rig_idle(rig, &link, "UDID-0001");

	cr_expect_eq(a.status, 403);
	cr_expect_str_eq(a.type, "application/xml; charset=UTF-8");
	cr_expect(strstr(a.body, "<key>code</key><string>com.apple.unrecognized.device</string>"));
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", ""), 403);
	cr_expect_eq(num_stored(), 0);
}

/* NanoMDM's certauth. */
Test(identity, one_certificate_one_device)
{
	struct link one = rig_enrol(rig, "UDID-0001"), two = rig_enrol(rig, "UDID-0002");
	uint32_t num = num_stored();

	cr_expect_eq(rig_authenticate(rig, &one, "UDID-0003"), 403, "bound to another device");
	cr_expect_eq(rig_authenticate(rig, &one, "UDID-0002"), 403);
	cr_expect_eq(rig_token_update(rig, &one, "UDID-0002", ""), 403);
	cr_expect_eq(rig_idle(rig, &two, "UDID-0001").status, 403);
	cr_expect_null(strstr(rig_idle(rig, &two, "UDID-0001").body, "unrecognized"), "only refused: it is not its device");
	cr_expect_eq(num_stored(), num, "nothing stored");
	cr_expect_eq(rig_idle(rig, &one, "UDID-0001").status, 200);
}

/* A new certificate at Authenticate takes the old one's place. */
Test(identity, authenticates_with_a_new_certificate)
{
	struct link old = rig_enrol(rig, "UDID-0001"), new = rig_link("new", "something else");

	cr_expect_eq(rig_idle(rig, &new, "UDID-0001").status, 403);
	cr_expect_eq(rig_authenticate(rig, &new, "UDID-0001"), 200);
	cr_expect_eq(rig_num_records(rig, MST_SPACE_BINDING), 1);
	cr_expect_eq(rig_token_update(rig, &new, "UDID-0001", ""), 200);
	cr_expect_eq(rig_idle(rig, &old, "UDID-0001").status, 403);
}

/* The identity is renewed without a new Authenticate. */
Test(identity, rebinds_a_renewed_certificate)
{
	static const struct {
		const char *name, *common_name;
		bool has_other_ca, has_other_subject, is_older;
		int status;
	} rows[] = {
		{"same CA and name", "UDID-0001", false, false, false, 200},
		{"name around the id", "mdm UDID-0001 (x)", false, false, false, 200},
		{"the serial number", "SN-UDID-0001", false, false, false, 200},
		{"another CA", "UDID-0001", true, false, false, 403},
		{"another subject", "UDID-0001", false, true, false, 403},
		{"an older one", "UDID-0001", false, false, true, 403},
		{"a name all devices share", "MDM Identity", false, false, false, 403},
		{"a longer id", "UDID-00012", false, false, false, 403},
		{"no name", "", false, false, false, 403},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct rig *mine = rig_new();
		struct link link = rig_link("old", rows[i].common_name), new = rig_link("new", rows[i].common_name);
		struct mst_device d;

		cr_assert_eq(rig_authenticate(mine, &link, "UDID-0001"), 200);
		cr_assert_eq(rig_token_update(mine, &link, "UDID-0001", ""), 200);
		cr_assert_eq(rig_enqueue(mine, "UDID-0001", "C-1").status, 200);
		new.peer.ca[0] ^= rows[i].has_other_ca;
		new.peer.subject[0] ^= rows[i].has_other_subject;
		new.peer.not_before += rows[i].is_older ? -1 : 1;
		struct answer a = rig_idle(mine, &new, "UDID-0001");
		cr_expect_eq(a.status, rows[i].status, "%s", rows[i].name);
		cr_assert(rig_device(mine, "UDID-0001", &d));
		if (a.status == 200) {
			cr_expect(strstr(a.body, "C-1"), "%s", rows[i].name);
			cr_expect_arr_eq(d.sha256, new.peer.sha256, 32, "%s", rows[i].name);
			cr_expect_eq(rig_num_records(mine, MST_SPACE_BINDING), 1, "%s", rows[i].name);
			cr_expect(strstr(rig_get(mine, "/v1/devices/UDID-0001/history").body, "certificate-rebound"));
			cr_expect_eq(rig_idle(mine, &link, "UDID-0001").status, 403, "%s: the old one", rows[i].name);
			cr_expect_eq(rig_idle(mine, &new, "UDID-0001").status, 200, "%s: again", rows[i].name);
		} else {
			cr_expect_arr_eq(d.sha256, link.peer.sha256, 32, "%s", rows[i].name);
			cr_expect_eq(rig_idle(mine, &link, "UDID-0001").status, 200, "%s: the old one", rows[i].name);
		}
		rig_free(mine);
	}
}

/* A report with a renewed certificate: both are stored, at once. */
Test(identity, rebinds_with_a_report)
{
	struct link link = rig_enrol(rig, "UDID-0001"), new = rig_link("new", "UDID-0001");

	cr_expect_eq(rig_idle(rig, &new, "UDID-0001").status, 403, "not younger than the one it would replace");
	new.peer.not_after++;
	cr_assert_eq(rig_enqueue(rig, "UDID-0001", "C-1").status, 200);
	cr_assert(strstr(rig_idle(rig, &link, "UDID-0001").body, "C-1"));
	cr_expect_eq(rig_status(rig, &new, "UDID-0001", "Acknowledged", "C-1").status, 200);
	cr_expect(strstr(rig_get(rig, "/v1/devices/UDID-0001/commands/C-1").body, "\"state\":\"acknowledged\""));
	cr_expect_eq(rig_idle(rig, &link, "UDID-0001").status, 403);
}

/* NanoMDM's retro: neither certificate nor device are known, and the configuration takes such in. */
Test(identity, takes_in_unknown_certificates_when_told_to)
{
	struct link link = rig_link("cert", "x"), thief = rig_link("thief", "y");
	struct mst_device d;
	const char *out = "<key>MessageType</key><string>CheckOut</string><key>Topic</key><string>t</string>"
			  "<key>UDID</key><string>UDID-0009</string>";

	rig->app.takes_unknown_certificate = true;
	cr_expect_eq(rig_checkin(rig, &link, out).status, 403, "not to say goodbye");
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0001", ""), 200);
	cr_assert(rig_device(rig, "UDID-0001", &d));
	cr_expect_eq(d.state, MST_DEVICE_ENROLLED);
	cr_expect_eq(rig_idle(rig, &link, "UDID-0001").status, 200);
	cr_expect_eq(rig_idle(rig, &thief, "UDID-0001").status, 403, "the device is known");
	cr_expect_eq(rig_idle(rig, &link, "UDID-0002").status, 403, "the certificate is known");
	link = rig_link("cert 2", "x");
	cr_expect_eq(rig_idle(rig, &link, "UDID-0002").status, 200);
	cr_assert(rig_device(rig, "UDID-0002", &d));
	cr_expect_eq(d.state, MST_DEVICE_AUTHENTICATED, "waits for its token");
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0002", ""), 200);
}

/* A connection may outlive the certificate it began with. */
Test(identity, a_certificate_that_expires_under_its_connection_is_over)
{
	struct link link = rig_enrol(rig, "UDID-0009");
	struct answer answer;
	struct mst_device d;

	link.peer.not_after = mst_clock_wall_ms() / 1000 + 60;
	cr_expect_eq(rig_idle(rig, &link, "UDID-0009").status, 200);
	mst_clock_fake((link.peer.not_after + 1) * 1000);
	answer = rig_idle(rig, &link, "UDID-0009");
	cr_expect_eq(answer.status, 403);
	cr_expect_null(strstr(answer.body, "unrecognized"), "the device must not unenrol for it");
	cr_expect_eq(rig_token_update(rig, &link, "UDID-0009", ""), 403);
	cr_assert(rig_device(rig, "UDID-0009", &d));
	cr_expect_eq(d.num_token_updates, 1);
}
