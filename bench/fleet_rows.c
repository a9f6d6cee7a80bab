/* SPDX-License-Identifier: Apache-2.0 */
/* Options, operations and scripts of the fleet as rows. */
#include "fleet.h"

#define AT(field) offsetof(struct mst_fleet_conf, field)
#define TEXT      MST_OPT_TEXT
#define U32       MST_OPT_U32
#define BOOL      MST_OPT_BOOL
#define ENUM      MST_OPT_ENUM

/* clang-format off */
static const struct mst_opt_row opt_rows[] = {
	/* program  name          place             type  default      least most      unit  live   help */
	{ "fleet", "host",        AT(host),         TEXT, "127.0.0.1", 1, 64,          "",   false, "address of the portal" },
	{ "fleet", "port",        AT(port),         U32,  "443",       1, 65535,       "",   false, "port of the portal" },
	{ "fleet", "path",        AT(path),         TEXT, "/mdm",      1, 200,         "",   false, "path of ServerURL and CheckInURL" },
	{ "fleet", "script",      AT(script),       ENUM, "enrol",     0, 0,           "",   false, "what the devices do, see below", mst_fleet_script_words },
	{ "fleet", "devices",     AT(num_devices),  U32,  "200",       1, 1000000,     "",   false, "simulated devices" },
	{ "fleet", "first",       AT(first_device), U32,  "0",         0, 100000000,   "",   false, "number of the first device" },
	{ "fleet", "seed",        AT(seed),         U32,  "1",         0, 0,           "",   false, "the same seed gives the same UDIDs" },
	{ "fleet", "ca",          AT(ca),           TEXT, "",          0, 4096,        "",   false, "folder of the authority that issues identities" },
	{ "fleet", "certs",       AT(certs),        TEXT, "",          0, 4096,        "",   false, "folder where identities are kept: loaded when there, else made and saved" },
	{ "fleet", "server-ca",   AT(server_ca),    TEXT, "",          0, 4096,        "",   false, "PEM file with the authority of the server's certificate" },
	{ "fleet", "rate",        AT(rate),         U32,  "0",         0, 10000000,    "/s", false, "open loop: operations begin on a schedule, late ones count from when they were due; 0: closed loop" },
	{ "fleet", "concurrency", AT(concurrency),  U32,  "32",        1, 100000,      "",   false, "closed loop: operations at once" },
	{ "fleet", "count",       AT(count),        U32,  "0",         0, 0,           "",   false, "operations of the measured phase; 0: once for each device" },
	{ "fleet", "seconds",     AT(seconds),      U32,  "0",         0, 86400,       "s",  false, "end the measured phase after this time; 0: by count" },
	{ "fleet", "resume",      AT(is_resuming),  BOOL, "no",        0, 0,           "",   false, "resume TLS sessions by ticket" },
	{ "fleet", "tls12",       AT(is_tls12),     BOOL, "no",        0, 0,           "",   false, "speak TLS 1.2" },
	{ "fleet", "enrolled",    AT(is_enrolled),  BOOL, "no",        0, 0,           "",   false, "the devices are enrolled already: skip that" },
	{ "fleet", "signed",      AT(is_signed),    BOOL, "no",        0, 0,           "",   false, "no client certificate: devices sign each message with RSA-2048 (Mdm-Signature)" },
	{ "fleet", "http2",       AT(is_http2),     BOOL, "no",        0, 0,           "",   false, "speak HTTP/2 (ALPN)" },
	{ "fleet", "plain",       AT(is_plain),     BOOL, "no",        0, 0,           "",   false, "no TLS at all, for other servers: with --signed" },
	{ "fleet", "wait-ms",     AT(wait_ms),      U32,  "20000",     1, 3600000,     "ms", false, "how long a device waits: for its connection, its handshake, each answer" },
	{ "fleet", "patient",     AT(is_patient),   BOOL, "no",        0, 0,           "",   false, "come again a second later when the server has no room: 503, refused or closed without an answer" },
	{ "fleet", "control",     AT(control),      TEXT, "",          0, 100,         "",   false, "control socket, for scripts that queue commands" },
	{ "fleet", "topic",       AT(topic),        TEXT, "com.apple.mgmt.External.8b0e2d6c-2c0f-4b39-9c8e-0f2a4d9b7e11", 1, 255, "", false, "push topic of the devices" },
	{ "fleet", "sink-device-port", AT(sink_device_port), U32, "0", 0, 65535,       "",   false, "port of apns-sink where devices wait for pushes" },
	{ "fleet", "server-pid",  AT(server_pid),   U32,  "0",         0, 0,           "",   false, "process whose CPU time and memory are reported" },
	{ "fleet", "ack-log",     AT(ack_log),      TEXT, "",          0, 4096,        "",   false, "file that gets a line for everything the server acknowledged" },
	{ "fleet", "errors-max",  AT(errors_max),   U32,  "100",       0, 0,           "",   false, "stop after so many errors" },
	{ "fleet", "threads",     AT(threads),      U32,  "1",         1, 64,          "",   false, "threads, each with a share of the devices" },
	{ "fleet", "pinned",      AT(is_pinned),    BOOL, "no",        0, 0,           "",   false, "pin threads to cores from --cpu on" },
	{ "fleet", "cpu",         AT(cpu),          U32,  "0",         0, 4095,        "",   false, "first core when pinned" },
	{ "fleet", "json",        AT(is_json),      BOOL, "no",        0, 0,           "",   false, "print JSON" },
};

static const struct mst_operation enrol = {"enrol", {DO_OPEN, DO_AUTHENTICATE, DO_TOKEN_UPDATE, DO_CLOSE}};
static const struct mst_operation poll = {"poll", {DO_OPEN, DO_IDLE, DO_CLOSE}};
static const struct mst_operation join = {"join", {DO_OPEN, DO_IDLE}};
static const struct mst_operation idle = {"idle", {DO_OPEN, DO_IDLE}};
static const struct mst_operation drain = {"drain", {DO_OPEN, DO_IDLE, DO_ANSWER_ALL, DO_CLOSE}};
static const struct mst_operation checkin = {"checkin", {DO_OPEN, DO_TOKEN_UPDATE}};
static const struct mst_operation report = {"report", {DO_OPEN, DO_ANSWER_ONE}};
static const struct mst_operation soak = {"soak", {DO_OPEN, DO_TOKEN_UPDATE, DO_IDLE}};
static const struct mst_operation churn = {"churn", {DO_OPEN, DO_TOKEN_UPDATE, DO_IDLE, DO_ANSWER_ALL}};

#define SETUP(operation)    { &(operation), AMOUNT_DEVICES, true, false, 0 }
#define FIRST(operation)    { &(operation), AMOUNT_DEVICES, false, false, 0 }
#define JOIN                FIRST(join)
#define QUEUED_JOIN         { &join, AMOUNT_DEVICES, false, false, 8 } /* devices do not progress at quite the same pace */
#define ONCE(operation)     { &(operation), AMOUNT_DEVICES, false, true, 0 }
#define QUEUED(operation)   { &(operation), AMOUNT_DEVICES, false, true, 1 }
#define CALLED(operation)   { &(operation), AMOUNT_COUNT, false, true, 0, true }
#define MEASURED(operation) { &(operation), AMOUNT_COUNT, false, true, 0 }

static const struct mst_script scripts[] = {
	/* name        help                                                                             phases                                           empty  holds */
	{ "enrol",     "connect, Authenticate, TokenUpdate, close: once for each device",               { ONCE(enrol) },                                 true,  false },
	{ "idle",      "connect, Idle, close: once for each device or --count, of enrolled devices",    { MEASURED(poll) },                              true,  false },
	{ "drain",     "connect, poll, answer commands until none is left, close: once for each device",{ ONCE(drain) },                                 false, false },
	{ "handshake", "enrol; then full handshakes, each with one Idle and a close",                   { SETUP(enrol), MEASURED(poll) },                true,  false },
	{ "return",    "enrol, connect once; then handshakes as above, of devices known by now",      { SETUP(enrol), FIRST(poll), MEASURED(poll) },   true,  false },
	{ "idle-open", "enrol, connect; then Idle polls on open connections",                           { SETUP(enrol), JOIN, MEASURED(idle) },          true,  false },
	{ "checkin",   "enrol, connect; then TokenUpdates on open connections",                         { SETUP(enrol), JOIN, MEASURED(checkin) },       true,  false },
	{ "command",   "enrol, queue commands, connect; then report and next command, durable",         { SETUP(enrol), QUEUED_JOIN, MEASURED(report) }, false, false },
	{ "hold",      "enrol; connect every device, one Idle each, keep the connections; one Idle more",{ SETUP(enrol), ONCE(join), FIRST(idle) },       true,  true },
	{ "soak",      "enrol, connect; then TokenUpdate and Idle in turn",                             { SETUP(enrol), JOIN, MEASURED(soak) },          true,  false },
	{ "storm",     "enrol, queue a command for each; then connect, poll, answer, close: all at once",{ SETUP(enrol), QUEUED(drain) },                 false, false },
	{ "pushed",    "enrol; sleep until pushed, then connect, poll, answer, close; --count commands end it",{ SETUP(enrol), CALLED(drain) },            false, false },
	{ "churn",     "TokenUpdate, Idle and answers of enrolled devices, without pause",              { MEASURED(churn) },                             false, false },
};
/* clang-format on */

const char *const mst_fleet_script_words[MST_LEN(scripts) + 1] = {
	"enrol",   "idle", "drain", "handshake", "return", "idle-open", "checkin",
	"command", "hold", "soak",  "storm",     "pushed",    "churn"};

const struct mst_opt_row *mst_fleet_opt_rows(size_t *num)
{
	*num = MST_LEN(opt_rows);
	return opt_rows;
}

const struct mst_script *mst_fleet_scripts(size_t *num)
{
	for (size_t i = 0; i < MST_LEN(scripts); i++)
		BUG_ON(strcmp(scripts[i].name, mst_fleet_script_words[i]) != 0);
	*num = MST_LEN(scripts);
	return scripts;
}
