/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: carry the identity, for as long as it is good and its key is known, and only where it
 * counts. */
#include <criterion/criterion.h>

#include "muster/clock.h"
#include "rig.h"

/* Shakes hands, then again with the ticket got (or `ticket`, taken). Returns whether the second was
 * resumed. */
static bool shake_again(struct rig *rig, struct mst_tls_ticket *ticket)
{
	rig_start(rig);
	mst_tls_ticket_set(rig->c.tls, ticket);
	mst_tls_ticket_free(&ticket);
	rig_pump(rig);
	bool is_resumed = mst_tls_is_resumed(rig->s.tls);
	/* TLS 1.3 sends tickets with the server's first words. */
	if (mst_tls_is_open(rig->s.tls))
		cr_expect(rig_say(rig, &rig->s, &rig->c, MST_S("welcome")));
	return is_resumed;
}

static struct mst_tls_ticket *first(struct rig *rig)
{
	cr_assert(rig_shake(rig), "%s / %s", rig->s.e.text, rig->c.e.text);
	cr_expect(!mst_tls_is_resumed(rig->s.tls));
	cr_expect(rig_say(rig, &rig->s, &rig->c, MST_S("welcome")));
	struct mst_tls_ticket *ticket = mst_tls_ticket_get1(rig->c.tls);
	cr_assert_not_null(ticket);
	return ticket;
}

Test(ticket, carries_identity)
{
	for (int allows_13 = 0; allows_13 < 2; allows_13++) {
		struct rig rig;
		rig_make(&rig);
		rig.client_conf.forbids_13 = !allows_13;
		uint64_t resumed = rig_counter(MST_C_TLS_RESUMED);
		struct mst_tls_ticket *ticket = first(&rig);
		struct mst_peer before = *mst_tls_peer0(rig.s.tls);
		for (int i = 0; i < 3; i++) {
			cr_assert(shake_again(&rig, ticket), "1.%d: %s", 2 + allows_13,
				  rig.s.e.text);
			cr_assert_not_null(mst_tls_peer0(rig.s.tls));
			cr_expect(memcmp(mst_tls_peer0(rig.s.tls), &before, sizeof(before)) == 0);
			cr_expect(rig_say(&rig, &rig.c, &rig.s, MST_S("again")));
			cr_expect(rig_say(&rig, &rig.s, &rig.c, MST_S("and again")));
			ticket = mst_tls_ticket_get1(rig.c.tls);
			if (!ticket) /* 1.2 keeps the ticket it has */
				break;
		}
		cr_expect_eq(rig.num_asked, 1);
		cr_expect_geq(rig.num_rechecked, 2);
		cr_expect_geq(rig_counter(MST_C_TLS_RESUMED) - resumed, 2);
		mst_tls_ticket_free(&ticket);
		rig_done(&rig);
	}
}

/* The keys come from the secret and the time: another context of the same secret (another loop, a
 * reload) takes them. */
Test(ticket, another_loop)
{
	struct rig rig;
	rig_make(&rig);
	struct mst_tls_ticket *ticket = first(&rig);
	mst_tls_ctx_free(&rig.server_ctx);
	cr_expect(shake_again(&rig, ticket));
	cr_expect_str_eq(mst_tls_peer0(rig.s.tls)->name, "device-1");
	ticket = mst_tls_ticket_get1(rig.c.tls);
	mst_tls_ctx_free(&rig.server_ctx);
	rig.server_conf.ticket_secret[5] ^= 1;
	cr_expect(!shake_again(&rig, ticket), "another secret");
	cr_expect(mst_tls_is_open(rig.s.tls));
	rig_done(&rig);
}

Test(ticket, ages)
{
	static const struct {
		int64_t start_s, later_s;
		bool is_resumed;
	} rows[] = {
		{PKI_NOW / 3600 * 3600, 60, true},
		{PKI_NOW / 3600 * 3600 + 3590, 3500, true}, /* a period ends between */
		{PKI_NOW / 3600 * 3600 + 3590, 3700, false},
		{PKI_NOW / 3600 * 3600, 7300, false}, /* two periods */
	};
	struct rig rig;
	rig_make(&rig);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		mst_clock_fake(rows[i].start_s * 1000);
		struct mst_tls_ticket *ticket = first(&rig);
		mst_clock_fake((rows[i].start_s + rows[i].later_s) * 1000);
		cr_expect_eq(shake_again(&rig, ticket), rows[i].is_resumed, "row %zu", i);
		cr_expect(mst_tls_is_open(rig.s.tls));
		cr_expect_str_eq(mst_tls_peer0(rig.s.tls)->name, "device-1");
	}
	rig_done(&rig);
}

/* Expired, revoked or forgotten since: no resumption, and the full handshake refuses what is to be
 * refused. */
Test(ticket, no_longer_good)
{
	struct rig rig;
	rig_make(&rig);
	rig_identity(&rig, false, MST_KEY_P256,
		     PKI_LEAF(.common_name = "d", .not_after = PKI_NOW + 60), &rig.root);
	struct mst_tls_ticket *ticket = first(&rig);
	mst_clock_fake((PKI_NOW + 61) * 1000ll);
	cr_expect(!shake_again(&rig, ticket));
	cr_expect(!mst_tls_is_open(rig.s.tls));
	cr_expect(strstr(rig.s.e.text, "expired"), "%s", rig.s.e.text);

	mst_clock_fake(PKI_NOW * 1000ll);
	ticket = first(&rig);
	rig.is_revoked = true;
	cr_expect(!shake_again(&rig, ticket));
	cr_expect(!mst_tls_is_open(rig.s.tls));
	cr_expect(strstr(rig.s.e.text, "revoked"), "%s", rig.s.e.text);
	rig.is_revoked = false;

	ticket = first(&rig);
	mst_tls_ctx_forget(rig.server_ctx);
	uint32_t asked = rig.num_asked;
	cr_expect(!shake_again(&rig, ticket), "forgotten");
	cr_expect(mst_tls_is_open(rig.s.tls));
	cr_expect_eq(rig.num_asked, asked + 1);
	rig_done(&rig);
}

Test(ticket, switched_off)
{
	struct rig rig;
	rig_make(&rig);
	memset(rig.server_conf.ticket_secret, 0, 32);
	cr_assert(rig_shake(&rig));
	cr_expect_null(mst_tls_ticket_get1(rig.c.tls));
	rig_done(&rig);
}

/* A ticket of another listener (same secret, other CAs) opens but is not resumed: its identity must
 * not leak into the session, nor into the session's own tickets, when the client shows nothing
 * there. */
Test(ticket, of_another_listener)
{
	for (int allows_13 = 0; allows_13 < 2; allows_13++) {
		struct rig rig;
		rig_make(&rig);
		rig.client_conf.forbids_13 = !allows_13;
		struct mst_tls_ticket *ticket = first(&rig);
		rig_contexts_done(&rig);
		rig.server_conf.num_ca_names = 0;
		rig.client_conf.chain_pem = rig.client_conf.key_pem = mst_slice(NULL, 0);
		cr_expect(!shake_again(&rig, ticket));
		cr_assert(mst_tls_is_open(rig.s.tls), "%s / %s", rig.s.e.text, rig.c.e.text);
		cr_expect_null(mst_tls_peer0(rig.s.tls));
		ticket = mst_tls_ticket_get1(rig.c.tls);
		cr_assert_not_null(ticket);
		cr_expect(shake_again(&rig, ticket));
		cr_expect_null(mst_tls_peer0(rig.s.tls));
		rig_done(&rig);
	}
}

/* Where a certificate is demanded, a ticket without one is no way in. */
Test(ticket, without_identity)
{
	struct rig rig;
	rig_make(&rig);
	struct mst_slice chain = rig.client_conf.chain_pem, key = rig.client_conf.key_pem;
	rig.client_conf.chain_pem = rig.client_conf.key_pem = mst_slice(NULL, 0);
	struct mst_tls_ticket *ticket = first(&rig);
	cr_expect_null(mst_tls_peer0(rig.s.tls));
	mst_tls_ctx_free(&rig.server_ctx);
	rig.server_conf.client = MST_TLS_CLIENT_DEMAND;
	cr_expect(!shake_again(&rig, ticket));
	cr_expect(!mst_tls_is_open(rig.s.tls));
	rig_contexts_done(&rig);
	rig.client_conf.chain_pem = chain;
	rig.client_conf.key_pem = key;
	ticket = first(&rig);
	cr_expect(shake_again(&rig, ticket), "with one it is");
	rig_done(&rig);
}
