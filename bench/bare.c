/* SPDX-License-Identifier: Apache-2.0 */
/* The least a server of this kind can cost: loop, net and tls; every record that arrives is
 * answered with an empty 200. */
#include <stdio.h>
#include <unistd.h>

#include "line.h"
#include "muster/crypt.h"
#include "muster/file.h"
#include "muster/log.h"
#include "muster/net.h"
#include "muster/tls.h"

#define KNOWN_MAX 65536
#define WAIT_MS   60000
#define FILE_MAX  65536
#define TICKET_S  3600

static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

struct bare {
	struct mst_arena arena;
	const char *address, *certificate, *key, *device_ca;
	uint32_t port, cpu, num_conns;
	bool is_pinned;
	struct mst_trust *trust;
	struct mst_tls_ctx *ctx;
	struct mst_loop *loop;
	struct mst_net *net;
};

#define AT(field) offsetof(struct bare, field)
/* clang-format off */
static const struct mst_opt_row rows[] = {
	{ "bare", "address",     AT(address),     MST_OPT_TEXT, "127.0.0.1", 1, 64,      "", false, "address to listen on" },
	{ "bare", "port",        AT(port),        MST_OPT_U32,  "0",         0, 65535,   "", false, "port; 0: one that is free" },
	{ "bare", "certificate", AT(certificate), MST_OPT_TEXT, "",          0, 4096,    "", false, "server certificate, PEM" },
	{ "bare", "key",         AT(key),         MST_OPT_TEXT, "",          0, 4096,    "", false, "its key, PEM" },
	{ "bare", "device-ca",   AT(device_ca),   MST_OPT_TEXT, "",          0, 4096,    "", false, "authority of the devices, PEM" },
	{ "bare", "conns",       AT(num_conns),   MST_OPT_U32,  "16000",     1, 1000000, "", false, "connections at once" },
	{ "bare", "pinned",      AT(is_pinned),   MST_OPT_BOOL, "no",        0, 0,       "", false, "pin to --cpu" },
	{ "bare", "cpu",         AT(cpu),         MST_OPT_U32,  "0",         0, 4095,    "", false, "core when pinned" },
};
/* clang-format on */

static int put(void *context, struct mst_slice cipher, struct mst_err *e)
{
	return mst_conn_put(context, cipher, e);
}

static void on_ready(void *context)
{
}

static int on_open(struct mst_conn *c)
{
	const struct bare *bare = c->listener_up;
	const struct mst_tls_sink sink = {.context = c, .put = put, .on_ready = on_ready};
	struct mst_tls *tls = NULL;
	struct mst_err e;
	int rc = mst_tls_new(&tls, bare->ctx, &sink, &e);

	c->up = tls;
	return rc;
}

static void on_bytes(struct mst_conn *c, struct mst_slice bytes)
{
	static uint8_t plain[16384];
	struct mst_tls *tls = c->up;
	struct mst_err e;
	int n = mst_tls_feed(tls, bytes, &e);

	while (n >= 0 && (n = mst_tls_read(tls, plain, sizeof(plain), &e)) > 0)
		if (mst_tls_write(tls, mst_slice_str(reply), &e) < 0)
			n = -1;
	if (c->state == MST_CONN_HELLO && mst_tls_is_open(tls))
		mst_conn_set(c, MST_CONN_IDLE);
	mst_conn_flush(c);
	if (n < 0 || mst_tls_is_ended(tls))
		mst_conn_finish(c, n < 0 ? "TLS broke" : "done");
}

static void on_sent(struct mst_conn *c)
{
}

static void on_gone(struct mst_conn *c)
{
	struct mst_tls *tls = c->up;

	mst_tls_free(&tls);
}

static const struct mst_edge edge = {
	.on_open = on_open, .on_bytes = on_bytes, .on_sent = on_sent, .on_gone = on_gone};

static int make_ctx(struct bare *bare, struct mst_err *e)
{
	struct mst_tls_conf conf = {.client = MST_TLS_CLIENT_ASK,
				    .allows_12 = true,
				    .known_max = KNOWN_MAX,
				    .ticket_s = TICKET_S,
				    .verify = {.verify = mst_trust_verify}};
	struct mst_slice ca;

	if (mst_file_read(&conf.chain_pem, &bare->arena, bare->certificate, FILE_MAX, e) < 0 ||
	    mst_file_read(&conf.key_pem, &bare->arena, bare->key, FILE_MAX, e) < 0 ||
	    mst_file_read(&ca, &bare->arena, bare->device_ca, FILE_MAX, e) < 0 ||
	    mst_trust_new(&bare->trust, ca, e) < 0)
		return -1;
	conf.verify.context = bare->trust;
	memset(conf.ticket_secret, 7,
	       sizeof(conf.ticket_secret)); /* a measurement has no secrets */
	return mst_tls_ctx_new(&bare->ctx, &conf, NULL, bare->loop, e);
}

static int serve(struct bare *bare, struct mst_err *e)
{
	struct mst_loop_conf loop = {.num_files = bare->num_conns + 64,
				     .cpu = bare->is_pinned ? (int)bare->cpu : -1,
				     .name = "bare"};
	struct mst_net_conf net = {.num_conns_max = bare->num_conns, .out_bytes_max = 1 << 20};
	struct mst_listen_conf listener = {.address = bare->address,
					   .port = (uint16_t)bare->port,
					   .first = MST_CONN_HELLO,
					   .edge = &edge,
					   .up = bare};

	net.state_ms[MST_CONN_HELLO] = net.state_ms[MST_CONN_IDLE] = net.state_ms[MST_CONN_DRAIN] =
		WAIT_MS;
	if (mst_loop_new(&bare->loop, &loop, e) < 0 || make_ctx(bare, e) < 0 ||
	    mst_net_new(&bare->net, bare->loop, &net, e) < 0 ||
	    mst_net_listen(bare->net, &listener, e) < 0)
		return -1;
	printf("ready %u %d\n", mst_net_port(bare->net, 0), (int)getpid());
	fflush(stdout);
	return mst_loop_run(bare->loop, e); /* until a signal ends the process */
}

int mst_bare_main(int argc, char **argv)
{
	struct bare bare = {.port = 0};
	struct mst_err e = {0};
	int rc = mst_line_read(&bare, &bare.arena, rows, MST_LEN(rows), argc, argv, &e);

	mst_log_setup(MST_WARN, false);
	if (rc == 0)
		rc = serve(&bare, &e);
	if (rc < 0)
		fprintf(stderr, "muster-bench: %s\n", e.text);
	mst_net_free(&bare.net);
	mst_loop_free(&bare.loop);
	mst_tls_ctx_free(&bare.ctx);
	mst_trust_free(&bare.trust);
	mst_arena_done(&bare.arena);
	return rc < 0 ? (e.code == MST_E_CONF ? 2 : 1) : 0;
}
