/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on a certificate: the whole square of what the store may say and what the message may be. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "own.h"

static const struct mst_id me = {.device = {1}}, other = {.device = {2}};

static struct mst_peer peer_make(const char *name)
{
	struct mst_peer peer = {.sha256 = {7}, .ca = {8}, .subject = {9}, .not_before = 100, .not_after = 200};
	snprintf(peer.name, sizeof(peer.name), "%s", name);
	return peer;
}

/* How the certificate that speaks is bound, and what is known of the device. */
enum binding { FREE, MINE, OTHERS, NUM_BINDINGS };
enum device { NONE, UNBOUND, BOUND, RENEWED, OUT, NUM_DEVICES };

static struct mdm_facts facts_make(enum binding binding, enum device device)
{
	struct mdm_facts f = {.has_binding = binding != FREE, .has_device = device != NONE};
	f.binding.id = binding == OTHERS ? other : me;
	f.device.id = me;
	f.device.text = MST_S("UDID-0001");
	f.device.sha256[0] = device == UNBOUND ? 0 : binding == MINE ? 7 : 6;
	f.device.ca[0] = device == RENEWED ? 8 : 3;
	f.device.subject[0] = 9;
	f.device.state = device == OUT ? MST_DEVICE_CHECKED_OUT : MST_DEVICE_ENROLLED;
	f.has_bound = device == RENEWED || device == BOUND;
	f.bound.not_before = 99;
	return f;
}

static const char *const binding_words[] = {"free", "mine", "others"};
static const char *const device_words[] = {"none", "unbound", "bound", "renewed", "out"};

Test(identity, whole_square)
{
	enum mdm_verdict G = VERDICT_GOOD, B = VERDICT_BIND, R = VERDICT_REBIND, A = VERDICT_ADOPT, U = VERDICT_UNKNOWN,
			 O = VERDICT_OTHERS, S = VERDICT_STRANGER;
	/* [binding][device] for Authenticate, CheckOut, others, others when unknown ones are taken in */
	const enum mdm_verdict want[NUM_BINDINGS][NUM_DEVICES][4] = {
		[FREE] = {{B, U, U, A}, {B, S, S, A}, {B, S, S, S}, {B, R, R, R}, {B, S, S, S}},
		[MINE] = {{G, U, U, U}, {G, G, G, G}, {G, G, G, G}, {G, G, G, G}, {G, G, U, U}},
		[OTHERS] = {{O, O, O, O}, {O, O, O, O}, {O, O, O, O}, {O, O, O, O}, {O, O, O, O}},
	};
	static const enum mdm_occasion occasions[] = {OCCASION_AUTHENTICATE, OCCASION_CHECK_OUT, OCCASION_OTHER, OCCASION_OTHER};
	struct mst_peer peer = peer_make("UDID-0001");

	for (unsigned b = 0; b < NUM_BINDINGS; b++)
		for (unsigned d = 0; d < NUM_DEVICES; d++)
			for (unsigned o = 0; o < 4; o++) {
				struct mdm_facts f = facts_make((enum binding)b, (enum device)d);
				cr_expect_eq(mst_identity_judge(&f, &peer, &me, occasions[o], o == 3), want[b][d][o],
					     "%s certificate, %s device, occasion %u", binding_words[b], device_words[d], o);
			}
}

/* Whose name it is: whole words, without case, eight characters at least. */
Test(identity, names)
{
	static const struct {
		const char *name, *text, *serial;
		bool is_own;
	} rows[] = {
		{"UDID-0001", "UDID-0001", "", true},
		{"udid-0001", "UDID-0001", "", true},
		{"MDM UDID-0001", "UDID-0001", "", true},
		{"x/UDID-0001/y", "UDID-0001", "", true},
		{"XUDID-0001", "UDID-0001", "", false},
		{"UDID-00012", "UDID-0001", "", false},
		{"UDID-0001\xc3\xa9", "UDID-0001", "", false},
		{"UDID-000", "UDID-0001", "", false},
		{"C02XL0GTJGH5", "UDID-0001", "C02XL0GTJGH5", true},
		{"C02XL0GTJGH", "UDID-0001", "C02XL0GTJGH5", false},
		{"SHORT", "SHORT", "SHORT", false},
		{"xUDID-0001 UDID-0001", "UDID-0001", "", true},
		{"", "UDID-0001", "", false},
	};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_peer peer = peer_make(rows[i].name);
		struct mdm_facts f = facts_make(FREE, RENEWED);
		f.device.text = mst_slice_str(rows[i].text);
		f.device.serial = mst_slice_str(rows[i].serial);
		cr_expect_eq(mst_identity_judge(&f, &peer, &me, OCCASION_OTHER, false) == VERDICT_REBIND, rows[i].is_own, "%s / %s",
			     rows[i].name, rows[i].text);
	}
}

Test(identity, words)
{
	for (unsigned i = 0; i < NUM_VERDICTS; i++)
		cr_expect_gt(strlen(mst_identity_word((enum mdm_verdict)i)), 0u);
}
