/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes: versions, kinds of keys, with and without client certificates, in any pieces; data
 * and the end. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "muster/clock.h"
#include "rig.h"

static const struct mst_issue server_what = {
	.common_name = "localhost", .key_usage = MST_KU_SIGN, .ext_key_usage = MST_EKU_SERVER};

Test(shake, every_kind)
{
	static const struct {
		const char *name;
		enum mst_key_kind server, device;
		bool allows_13, shows;
		enum mst_tls_client client;
		bool is_open;
	} rows[] = {
		{"1.3 p256", MST_KEY_P256, MST_KEY_P256, true, true, MST_TLS_CLIENT_ASK, true},
		{"1.2 p256", MST_KEY_P256, MST_KEY_P256, false, true, MST_TLS_CLIENT_ASK, true},
		{"1.3 rsa", MST_KEY_RSA2048, MST_KEY_P256, true, true, MST_TLS_CLIENT_ASK, true},
		{"1.2 rsa", MST_KEY_RSA2048, MST_KEY_P256, false, true, MST_TLS_CLIENT_ASK, true},
		{"1.3 rsa device", MST_KEY_P256, MST_KEY_RSA2048, true, true, MST_TLS_CLIENT_ASK,
		 true},
		{"1.2 rsa device", MST_KEY_P256, MST_KEY_RSA2048, false, true, MST_TLS_CLIENT_ASK,
		 true},
		{"1.3 p384", MST_KEY_P384, MST_KEY_P384, true, true, MST_TLS_CLIENT_DEMAND, true},
		{"1.3 asked, none", MST_KEY_P256, MST_KEY_P256, true, false, MST_TLS_CLIENT_ASK,
		 true},
		{"1.2 asked, none", MST_KEY_P256, MST_KEY_P256, false, false, MST_TLS_CLIENT_ASK,
		 true},
		{"1.3 demanded, none", MST_KEY_P256, MST_KEY_P256, true, false,
		 MST_TLS_CLIENT_DEMAND, false},
		{"1.2 demanded, none", MST_KEY_P256, MST_KEY_P256, false, false,
		 MST_TLS_CLIENT_DEMAND, false},
		{"1.3 not asked", MST_KEY_P256, MST_KEY_P256, true, true, MST_TLS_CLIENT_NONE,
		 true},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct rig rig;
		rig_make(&rig);
		rig_identity(&rig, true, rows[i].server, server_what, &rig.other);
		rig_identity(&rig, false, rows[i].device, PKI_LEAF(.common_name = "device-1"),
			     &rig.root);
		rig.server_conf.client = rows[i].client;
		if (!rows[i].allows_13)
			rig.server_conf.ciphers_12 =
				"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
		if (!rows[i].shows)
			rig.client_conf.chain_pem = rig.client_conf.key_pem = mst_slice(NULL, 0);
		rig.client_conf.allows_12 = true;
		rig.client_conf.forbids_13 = !rows[i].allows_13;
		bool is_open = rig_shake(&rig);
		cr_expect_eq(is_open, rows[i].is_open, "%s: %s / %s", rows[i].name, rig.s.e.text,
			     rig.c.e.text);
		if (is_open) {
			const struct mst_peer *peer = mst_tls_peer0(rig.s.tls);
			bool has_peer = rows[i].shows && rows[i].client != MST_TLS_CLIENT_NONE;
			cr_expect_eq(peer != NULL, has_peer, "%s", rows[i].name);
			if (peer)
				cr_expect_str_eq(peer->name, "device-1");
			cr_expect_str_eq(mst_tls_peer0(rig.c.tls)->name, "localhost");
			cr_expect(rig_say(&rig, &rig.c, &rig.s, MST_S("PUT /mdm")), "%s",
				  rows[i].name);
			cr_expect(rig_say(&rig, &rig.s, &rig.c, MST_S("HTTP/1.1 200")), "%s",
				  rows[i].name);
		} else {
			cr_expect_eq(rig.s.rc, -1);
			cr_expect_eq(rig.s.e.code, MST_E_CRYPTO);
			cr_expect_null(mst_tls_peer0(rig.s.tls));
		}
		rig_done(&rig);
	}
}

/* A server that speaks 1.3 only says no to a client that speaks 1.2 only. */
Test(shake, version_refused)
{
	struct rig rig;
	rig_make(&rig);
	rig.server_conf.allows_12 = false;
	rig.client_conf.forbids_13 = true;
	uint64_t failed = rig_counter(MST_C_TLS_FAILED);
	cr_expect(!rig_shake(&rig));
	cr_expect(strstr(rig.s.e.text, "UNSUPPORTED_PROTOCOL"), "%s", rig.s.e.text);
	cr_expect(strstr(rig.c.e.text, "PROTOCOL_VERSION"), "%s", rig.c.e.text);
	cr_expect_eq(rig_counter(MST_C_TLS_FAILED) - failed, 2);
	rig_done(&rig);
}

/* A flight is one put: a server's handshake, and its ticket with its first words; a client's hello
 * and its answer. */
Test(shake, few_puts)
{
	struct rig rig;
	rig_make(&rig);
	cr_assert(rig_shake(&rig));
	cr_expect_eq(rig.s.num_puts, 1, "%u", rig.s.num_puts);
	cr_expect_eq(rig.c.num_puts, 2, "%u", rig.c.num_puts);
	rig.s.num_puts = 0;
	cr_expect(rig_say(&rig, &rig.s, &rig.c, MST_S("short")));
	cr_expect_eq(rig.s.num_puts, 1);
	rig_done(&rig);
}

Test(shake, every_split)
{
	static const struct mst_slice words = MST_S_INIT("some words to say in pieces");
	for (int allows_13 = 0; allows_13 < 2; allows_13++) {
		struct rig rig;
		rig_make(&rig);
		rig.client_conf.forbids_13 = !allows_13;
		for (rig.step = 1; rig.step < 700; rig.step += rig.step < 24 ? 1 : 37) {
			cr_assert(rig_shake(&rig), "step %zu: %s", rig.step, rig.s.e.text);
			cr_assert_str_eq(mst_tls_peer0(rig.s.tls)->name, "device-1");
			cr_assert(rig_say(&rig, &rig.c, &rig.s, words), "step %zu", rig.step);
			cr_assert(rig_say(&rig, &rig.s, &rig.c, words), "step %zu", rig.step);
		}
		rig_done(&rig);
	}
}

/* The server's flights cut once, at every place: the result is the same. */
Test(shake, every_cut)
{
	struct rig rig;
	struct mst_err e;
	uint8_t plain[64];
	rig_make(&rig);
	cr_assert(rig_shake(&rig));
	cr_assert_eq(mst_tls_write(rig.c.tls, MST_S("one"), &e), 0);
	cr_assert_eq(mst_tls_write(rig.c.tls, MST_S("two"), &e), 0);
	size_t len = mst_buf_slice(&rig.c.out).len;
	for (size_t cut = 0; cut <= len; cut++) {
		if (cut) {
			cr_assert_eq(mst_tls_write(rig.c.tls, MST_S("one"), &e), 0);
			cr_assert_eq(mst_tls_write(rig.c.tls, MST_S("two"), &e), 0);
		}
		struct mst_slice all = mst_buf_slice(&rig.c.out);
		cr_assert_eq(all.len, len);
		char got[8] = "";
		size_t got_len = 0;
		for (int part = 0; part < 2; part++) {
			int n;
			cr_assert_eq(mst_tls_feed(rig.s.tls,
						  part ? mst_slice(all.at + cut, len - cut)
						       : mst_slice(all.at, cut),
						  &e),
				     0);
			while ((n = mst_tls_read(rig.s.tls, plain, sizeof(plain), &e)) > 0) {
				cr_assert_leq(got_len + (size_t)n, 6);
				memcpy(got + got_len, plain, (size_t)n);
				got_len += (size_t)n;
			}
			cr_assert_eq(n, 0, "%s", e.text);
		}
		cr_assert_str_eq(got, "onetwo", "cut %zu", cut);
		mst_buf_drop(&rig.c.out, len);
	}
	rig_done(&rig);
}

Test(shake, large)
{
	struct rig rig;
	rig_make(&rig);
	cr_assert(rig_shake(&rig));
	uint8_t *much = malloc(300000);
	for (size_t i = 0; i < 300000; i++)
		much[i] = (uint8_t)(i * 7 >> 3);
	cr_expect(rig_say(&rig, &rig.c, &rig.s, mst_slice(much, 300000)));
	cr_expect(rig_say(&rig, &rig.s, &rig.c, mst_slice(much, 300000)));
	cr_expect(rig_say(&rig, &rig.s, &rig.c, mst_slice(NULL, 0)));
	free(much);
	rig_done(&rig);
}

Test(shake, shut)
{
	struct rig rig;
	struct mst_err e;
	rig_make(&rig);
	cr_assert(rig_shake(&rig));
	cr_assert_eq(mst_tls_write(rig.c.tls, MST_S("last"), &e), 0);
	mst_tls_shut(rig.c.tls);
	rig_pump(&rig);
	cr_expect(mst_slice_eq(mst_buf_slice(&rig.s.got), MST_S("last")));
	cr_expect(mst_tls_is_ended(rig.s.tls) && mst_tls_is_open(rig.s.tls));
	cr_expect_eq(mst_tls_feed(rig.s.tls, MST_S("rubbish behind"), &e), 0);
	cr_expect_eq(mst_tls_read(rig.s.tls, (uint8_t[8]){0}, 8, &e), 0);
	cr_expect(rig_say(&rig, &rig.s, &rig.c, MST_S("answer")), "the other way is open yet");
	mst_tls_shut(rig.s.tls);
	mst_tls_shut(rig.s.tls);
	rig_pump(&rig);
	cr_expect(mst_tls_is_ended(rig.c.tls));
	rig_done(&rig);
}

/* A session that nobody has shaken hands with says nothing on shut, and writes nothing. */
Test(shake, early)
{
	struct rig rig;
	struct mst_err e;
	rig_make(&rig);
	rig_start(&rig);
	mst_tls_shut(rig.s.tls);
	cr_expect_eq(rig.s.num_puts, 0);
	cr_expect_eq(mst_tls_write(rig.s.tls, MST_S("x"), &e), -1);
	cr_expect_null(mst_tls_peer0(rig.s.tls));
	cr_expect(!mst_tls_is_open(rig.s.tls) && !mst_tls_is_resumed(rig.s.tls));
	rig_done(&rig);
}

/* Each byte of the handshake or of a record changed: broken on one side, never open on both with
 * other data. */
Test(shake, corrupt)
{
	struct rig rig;
	rig_make(&rig);
	for (size_t at = 0; at < 2000; at += 13) {
		size_t seen = 0;
		rig_start(&rig);
		for (int round = 0; round < 4; round++) {
			struct end *from = round & 1 ? &rig.s : &rig.c,
				   *to = round & 1 ? &rig.c : &rig.s;
			uint8_t plain[64];
			if (round == 0)
				cr_assert_eq(
					mst_tls_read(rig.c.tls, plain, sizeof(plain), &rig.c.e), 0);
			struct mst_slice all = mst_buf_slice(&from->out);
			if (at >= seen && at < seen + all.len)
				((uint8_t *)all.at)[at - seen] ^= 0x20;
			seen += all.len;
			if (to->rc == 0 && mst_tls_feed(to->tls, all, &to->e) < 0)
				to->rc = -1;
			int n = 0;
			while (to->rc == 0 &&
			       (n = mst_tls_read(to->tls, plain, sizeof(plain), &to->e)) > 0)
				;
			if (n < 0)
				to->rc = -1;
			mst_buf_drop(&from->out, all.len);
		}
		bool is_fine = mst_tls_is_open(rig.s.tls) && mst_tls_is_open(rig.c.tls);
		if (at < seen && is_fine)
			/* The record header's version and a ticket not wanted may be anything. */
			cr_expect(at < 10 || at > 200, "byte %zu", at);
	}
	/* Application data. */
	for (size_t at = 0; at < 26; at++) {
		cr_assert(rig_shake(&rig));
		cr_assert_eq(mst_tls_write(rig.c.tls, MST_S("data"), &rig.c.e), 0);
		((uint8_t *)rig.c.out.data)[rig.c.out.from + at] ^= 1;
		rig_pump(&rig);
		cr_expect_eq(rig.s.got.to, 0);
		if (at != 3 && at != 4) { /* another length waits for more, or breaks at once */
			cr_expect_eq(rig.s.rc, -1, "byte %zu", at);
			cr_expect_eq(mst_tls_feed(rig.s.tls, MST_S("x"), &rig.s.e), -1);
			cr_expect_eq(mst_tls_write(rig.s.tls, MST_S("x"), &rig.s.e), -1);
			cr_expect_null(mst_tls_peer0(rig.s.tls));
		}
	}
	rig_done(&rig);
}

/* Plain HTTP, rubbish, and a sink that refuses. */
Test(shake, rubbish)
{
	static const struct mst_slice rows[] = {
		MST_S_INIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		MST_S_INIT("\x16\x03\x01\xff\xff\x01"),
		MST_S_INIT("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"),
		MST_S_INIT("\x17\x03\x03\x00\x05hello"),
		MST_S_INIT("\x15\x03\x03\x00\x02\x02\x28"),
	};
	struct rig rig;
	rig_make(&rig);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		uint8_t plain[64];
		rig_start(&rig);
		cr_expect_eq(mst_tls_feed(rig.s.tls, rows[i], &rig.s.e), 0);
		cr_expect_eq(mst_tls_read(rig.s.tls, plain, sizeof(plain), &rig.s.e), -1, "row %zu",
			     i);
		cr_expect_neq(rig.s.e.text[0], '\0');
		cr_expect_eq(mst_tls_read(rig.s.tls, plain, sizeof(plain), &rig.s.e), -1);
	}
	rig_start(&rig);
	rig.s.is_deaf = true;
	rig_pump(&rig);
	cr_expect_eq(rig.s.rc, -1);
	cr_expect_eq(rig.s.e.code, MST_E_BUSY, "%s", rig.s.e.text);
	rig_done(&rig);
}

Test(shake, alpn)
{
	static const struct {
		const char *server, *client, *chosen;
	} rows[] = {
		{"h2,http/1.1", "http/1.1,h2", "h2"},
		{"http/1.1", "h2,http/1.1", "http/1.1"},
		{"http/1.1", "h2", ""},
		{NULL, "h2", ""},
	};
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct rig rig;
		rig_make(&rig);
		rig.server_conf.alpn = rows[i].server;
		rig.client_conf.alpn = rows[i].client;
		cr_assert(rig_shake(&rig));
		cr_expect(mst_slice_eq(mst_tls_alpn0(rig.s.tls), mst_slice_str(rows[i].chosen)),
			  "row %zu", i);
		cr_expect(mst_slice_eq(mst_tls_alpn0(rig.c.tls), mst_slice_str(rows[i].chosen)),
			  "row %zu", i);
		rig_done(&rig);
	}
}

Test(shake, confs_refused)
{
	struct rig rig;
	struct mst_err e;
	struct mst_tls_ctx *ctx = NULL;
	rig_make(&rig);
	struct mst_tls_conf good = rig.server_conf, bad;
	bad = good, bad.key_pem = rig.device.key_pem;
	cr_expect_eq(mst_tls_ctx_new(&ctx, &bad, NULL, NULL, &e), -1, "another key");
	bad = good, bad.chain_pem = MST_S("no PEM");
	cr_expect_eq(mst_tls_ctx_new(&ctx, &bad, NULL, NULL, &e), -1);
	bad = good, bad.key_pem = MST_S("");
	cr_expect_eq(mst_tls_ctx_new(&ctx, &bad, NULL, NULL, &e), -1);
	bad = good, bad.verify.verify = NULL;
	cr_expect_eq(mst_tls_ctx_new(&ctx, &bad, NULL, NULL, &e), -1);
	bad = good, bad.ciphers_12 = "NONSENSE";
	cr_expect_eq(mst_tls_ctx_new(&ctx, &bad, NULL, NULL, &e), -1);
	bad = good, bad.alpn = "http/1.1,,h2";
	cr_expect_eq(mst_tls_ctx_new(&ctx, &bad, NULL, NULL, &e), -1);
	cr_expect_null(ctx);
	rig_done(&rig);
}

/* The context may go while sessions live. */
Test(shake, reload)
{
	struct rig rig;
	rig_make(&rig);
	cr_assert(rig_shake(&rig));
	rig_contexts_done(&rig);
	cr_expect(rig_say(&rig, &rig.c, &rig.s, MST_S("still here")));
	cr_expect(rig_say(&rig, &rig.s, &rig.c, MST_S("here too")));
	rig_done(&rig);
}
