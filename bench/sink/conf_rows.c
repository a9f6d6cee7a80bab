/* SPDX-License-Identifier: Apache-2.0 */
/* Options and reasons as rows. */
#include "sink.h"

#define AT(field) offsetof(struct sink_conf, field)
#define TEXT      MST_OPT_TEXT
#define U32       MST_OPT_U32
#define BOOL      MST_OPT_BOOL
#define ENUM      MST_OPT_ENUM

/* clang-format off */
static const struct mst_opt_row opt_rows[] = {
	/* program      name              place               type  default                least most      unit   live   help */
	{ "apns-sink", "address",        AT(address),        TEXT, "127.0.0.1",           1, 64,          "",    false, "address of all ports" },
	{ "apns-sink", "port",           AT(port),           U32,  "0",                   0, 65535,       "",    false, "port of the push service; 0: one that is free" },
	{ "apns-sink", "device-port",    AT(device_port),    U32,  "0",                   0, 65535,       "",    false, "port of the devices (plain lines: hello TOKEN); 0: one that is free" },
	{ "apns-sink", "control",        AT(control),        TEXT, "",                    0, 100,         "",    false, "Unix socket for commands; \"help\" lists them" },
	{ "apns-sink", "certificate",    AT(certificate),    TEXT, "",                    0, 4096,        "",    false, "certificate of the service, PEM" },
	{ "apns-sink", "key",            AT(key),            TEXT, "",                    0, 4096,        "",    false, "its key, PEM" },
	{ "apns-sink", "client-ca",      AT(client_ca),      TEXT, "",                    0, 4096,        "",    false, "authority of push certificates, PEM" },
	{ "apns-sink", "token-key",      AT(token_key),      TEXT, "",                    0, 4096,        "",    false, "public key of provider tokens, PEM; none: their signature is not looked at" },
	{ "apns-sink", "plain-topic",    AT(plain_topic),    TEXT, "",                    0, 256,         "",    false, "topic of connections without certificate or token, for load generators" },
	{ "apns-sink", "journal",        AT(journal),        TEXT, "",                    0, 4096,        "",    false, "file that gets a line for every push looked at: ms status reason token apns-id" },
	{ "apns-sink", "loops",          AT(loops),          U32,  "1",                   1, 64,          "",    false, "event loops" },
	{ "apns-sink", "pinned",         AT(is_pinned),      BOOL, "no",                  0, 0,           "",    false, "pin loops to cores from --cpu on" },
	{ "apns-sink", "cpu",            AT(cpu),            U32,  "0",                   0, 4095,        "",    false, "first core when pinned" },
	{ "apns-sink", "sandbox",        AT(is_sandbox),     BOOL, "no",                  0, 0,           "",    false, "be the sandbox: answers carry apns-unique-id" },
	{ "apns-sink", "devices-max",    AT(devices_max),    U32,  "2000000",             1, 100000000,   "",    false, "tokens remembered" },
	{ "apns-sink", "ids-max",        AT(ids_max),        U32,  "1000000",             1, 100000000,   "",    false, "apns-ids remembered, to see repeated pushes" },
	{ "apns-sink", "conns-max",      AT(conns_max),      U32,  "1024",                1, 100000,      "",    false, "connections of a loop" },
	{ "apns-sink", "streams",        AT(streams),        U32,  "1000",                0, 100000,      "",    true,  "SETTINGS_MAX_CONCURRENT_STREAMS" },
	{ "apns-sink", "delay-ms",       AT(delay_ms),       U32,  "0",                   0, 600000,      "ms",  true,  "answers come after this long" },
	{ "apns-sink", "goaway-every",   AT(goaway_every),   U32,  "0",                   0, 0,           "",    true,  "a connection is sent away after so many pushes; 0: never" },
	{ "apns-sink", "goaway-back",    AT(goaway_back),    U32,  "8",                   0, 100000,      "",    true,  "pushes behind the last that GOAWAY leaves to be sent again" },
	{ "apns-sink", "drop-every",     AT(drop_every),     U32,  "0",                   0, 0,           "",    true,  "a connection breaks after so many pushes; 0: never" },
	{ "apns-sink", "error-rate",     AT(error_rate),     U32,  "0",                   0, 1000,        "1/1000", true, "pushes refused by chance" },
	{ "apns-sink", "error-reason",   AT(error_reason),   ENUM, "InternalServerError", 0, 0,           "",    true,  "and why", mst_reason_words },
	{ "apns-sink", "retry-after-s",  AT(retry_after_s),  U32,  "0",                   0, 86400,       "s",   true,  "Retry-After of 429 and 503; 0: none" },
	{ "apns-sink", "seed",           AT(seed),           U32,  "1",                   0, 0,           "",    false, "of chance" },
	{ "apns-sink", "bearer-life-s",  AT(bearer_life_s),  U32,  "3600",                1, 0,           "s",   true,  "provider tokens older than this are expired" },
	{ "apns-sink", "bearer-renew-s", AT(bearer_renew_s), U32,  "1200",                0, 0,           "s",   true,  "provider tokens may not be renewed sooner" },
	{ "apns-sink", "refuse",         AT(refuses),        BOOL, "no",                  0, 0,           "",    true,  "refuse new connections" },
};
/* clang-format on */

static const struct {
	int status;
	const char *word;
} reasons[SINK_NUM_REASONS] = {
#define X(name, status, word) [SINK_##name] = {status, word},
	SINK_REASONS(X)
#undef X
};

const char *const mst_reason_words[SINK_NUM_REASONS + 1] = {
#define X(name, status, word) [SINK_##name] = word,
	SINK_REASONS(X)
#undef X
};

const struct mst_opt_row *mst_sink_opt_rows(size_t *num)
{
	*num = MST_LEN(opt_rows);
	return opt_rows;
}

int mst_reason_status(enum sink_reason reason)
{
	return reasons[reason].status;
}

const char *mst_reason_word(enum sink_reason reason)
{
	return reasons[reason].word;
}

enum sink_reason mst_reason_find(struct mst_slice word)
{
	for (int i = 1; i < SINK_NUM_REASONS; i++)
		if (mst_slice_eq(word, mst_slice_str(reasons[i].word)))
			return (enum sink_reason)i;
	return SINK_NONE;
}
