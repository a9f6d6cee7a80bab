/* SPDX-License-Identifier: Apache-2.0 */
/* A client and a server session back to back in memory. */
#include "rig.h"

#include <criterion/criterion.h>

#include "muster/clock.h"

static int put(void *context, struct mst_slice cipher, struct mst_err *e)
{
	struct end *end = context;
	if (end->is_deaf)
		return mst_fail(e, MST_E_BUSY, "the sink is full");
	end->num_puts++;
	return mst_buf_add(&end->out, cipher, e);
}

static void on_ready(void *context)
{
	((struct end *)context)->num_ready++;
}

static int verify_device(void *context, struct mst_peer *out, const struct mst_slice *chain,
			 size_t num, int64_t now_s, struct mst_err *e)
{
	struct rig *rig = context;
	rig->num_asked++;
	return mst_trust_verify(rig->device_trust, out, chain, num, now_s, e);
}

static int verify_server(void *context, struct mst_peer *out, const struct mst_slice *chain,
			 size_t num, int64_t now_s, struct mst_err *e)
{
	struct rig *rig = context;
	return mst_trust_verify_server(rig->server_trust, out, chain, num, now_s, e);
}

static int recheck(void *context, const struct mst_peer *peer, struct mst_err *e)
{
	struct rig *rig = context;
	rig->num_rechecked++;
	return rig->is_revoked ? mst_fail(e, MST_E_DENIED, "%s was revoked", peer->name) : 0;
}

void rig_identity(struct rig *rig, bool is_server, enum mst_key_kind kind, struct mst_issue what,
		  const struct pki *issuer)
{
	struct pki *to = is_server ? &rig->server : &rig->device;
	struct mst_tls_conf *conf = is_server ? &rig->server_conf : &rig->client_conf;
	mst_key_free(&to->key);
	*to = pki_make(&rig->a, kind, what, issuer);
	conf->chain_pem = to->pem;
	conf->key_pem = to->key_pem;
}

void rig_make(struct rig *rig)
{
	struct mst_err e;
	*rig = (struct rig){.step = 0};
	mst_clock_fake(PKI_NOW * 1000ll);
	mst_arena_init(&rig->a, NULL, 0);
	rig->root = pki_make(&rig->a, MST_KEY_P256, PKI_CA(.common_name = "Devices"), NULL);
	rig->other = pki_make(&rig->a, MST_KEY_P256, PKI_CA(.common_name = "Servers"), NULL);
	cr_assert_eq(mst_trust_new(&rig->device_trust, rig->root.pem, &e), 0, "%s", e.text);
	cr_assert_eq(mst_trust_new(&rig->server_trust, rig->other.pem, &e), 0, "%s", e.text);
	rig_identity(rig, true, MST_KEY_P256,
		     (struct mst_issue){.common_name = "localhost",
					.key_usage = MST_KU_SIGN,
					.ext_key_usage = MST_EKU_SERVER},
		     &rig->other);
	rig_identity(rig, false, MST_KEY_P256, PKI_LEAF(.common_name = "device-1"), &rig->root);
	rig->server_conf.client = MST_TLS_CLIENT_ASK;
	rig->server_conf.verify = (struct mst_tls_verify){rig, verify_device, recheck};
	rig->server_conf.allows_12 = true;
	rig->server_conf.known_max = 100;
	rig->server_conf.ticket_s = 3600;
	rig->server_conf.num_ca_names =
		mst_trust_names(rig->device_trust, &rig->server_conf.ca_names);
	memset(rig->server_conf.ticket_secret, 7, sizeof(rig->server_conf.ticket_secret));
	rig->client_conf.is_client = true;
	rig->client_conf.allows_12 = true;
	rig->client_conf.verify = (struct mst_tls_verify){rig, verify_server, NULL};
	rig->client_conf.host = "localhost";
}

void rig_sessions_done(struct rig *rig)
{
	struct end *ends[] = {&rig->s, &rig->c};
	for (size_t i = 0; i < MST_LEN(ends); i++) {
		mst_tls_free(&ends[i]->tls);
		mst_buf_done(&ends[i]->out);
		mst_buf_done(&ends[i]->got);
		*ends[i] = (struct end){.rc = 0};
	}
}

void rig_contexts_done(struct rig *rig)
{
	mst_tls_ctx_free(&rig->server_ctx);
	mst_tls_ctx_free(&rig->client_ctx);
}

void rig_done(struct rig *rig)
{
	rig_contexts_done(rig);
	rig_sessions_done(rig);
	mst_trust_free(&rig->device_trust);
	mst_trust_free(&rig->server_trust);
	struct pki *all[] = {&rig->root, &rig->other, &rig->server, &rig->device};
	for (size_t i = 0; i < MST_LEN(all); i++)
		mst_key_free(&all[i]->key);
	mst_arena_done(&rig->a);
	mst_clock_fake(0);
}

void rig_start(struct rig *rig)
{
	struct mst_err e;
	rig_sessions_done(rig);
	if (!rig->server_ctx)
		cr_assert_eq(mst_tls_ctx_new(&rig->server_ctx, &rig->server_conf, rig->work,
					     rig->loop, &e),
			     0, "%s", e.text);
	if (!rig->client_ctx)
		cr_assert_eq(mst_tls_ctx_new(&rig->client_ctx, &rig->client_conf, NULL, NULL, &e),
			     0, "%s", e.text);
	struct mst_tls_sink s = {&rig->s, put, on_ready}, c = {&rig->c, put, on_ready};
	cr_assert_eq(mst_tls_new(&rig->s.tls, rig->server_ctx, &s, &e), 0);
	cr_assert_eq(mst_tls_new(&rig->c.tls, rig->client_ctx, &c, &e), 0);
}

static void read_dry(struct end *end)
{
	uint8_t plain[997]; /* smaller than a record, and no power of two */
	int len;
	while (end->rc >= 0 && (len = mst_tls_read(end->tls, plain, sizeof(plain), &end->e)) != 0) {
		if (len < 0)
			end->rc = -1;
		else
			cr_assert_eq(mst_buf_add(&end->got, mst_slice(plain, (size_t)len), &end->e),
				     0);
	}
}

/* Carries what `from` has put to `to`, in pieces of a lent copy that is wiped behind the session's
 * back. */
static bool carry(struct rig *rig, struct end *from, struct end *to)
{
	struct mst_slice all = mst_buf_slice(&from->out);
	if (all.len == 0)
		return false;
	while (all.len) {
		uint8_t lent[4096];
		size_t len = rig->step && rig->step < all.len ? rig->step : all.len;
		len = len < sizeof(lent) ? len : sizeof(lent);
		memcpy(lent, all.at, len);
		all = mst_slice(all.at + len, all.len - len);
		if (to->rc < 0)
			continue;
		if (mst_tls_feed(to->tls, mst_slice(lent, len), &to->e) < 0)
			to->rc = -1;
		read_dry(to);
		memset(lent, 0xee, sizeof(lent));
	}
	mst_buf_done(&from->out);
	return true;
}

void rig_pump(struct rig *rig)
{
	read_dry(&rig->c);
	for (int idle = 0; idle < 100;) {
		bool is_moved = carry(rig, &rig->c, &rig->s);
		is_moved |= carry(rig, &rig->s, &rig->c);
		if (is_moved)
			continue;
		if (!rig->loop || mst_tls_is_open(rig->s.tls) || rig->s.rc < 0)
			break;
		uint32_t ready = rig->s.num_ready;
		cr_assert_eq(mst_loop_turn(rig->loop, 20, &rig->s.e), 0);
		if (rig->s.num_ready != ready)
			read_dry(&rig->s);
		else
			idle++;
	}
}

bool rig_shake(struct rig *rig)
{
	rig_start(rig);
	rig_pump(rig);
	return mst_tls_is_open(rig->s.tls) && mst_tls_is_open(rig->c.tls);
}

bool rig_say(struct rig *rig, struct end *from, struct end *to, struct mst_slice words)
{
	mst_buf_done(&to->got);
	if (mst_tls_write(from->tls, words, &from->e) < 0)
		return false;
	rig_pump(rig);
	return mst_slice_eq(mst_buf_slice(&to->got), words);
}

uint64_t rig_counter(enum mst_counter id)
{
	return mst_counts_here()->counters[id];
}
