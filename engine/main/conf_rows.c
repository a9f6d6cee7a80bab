/* SPDX-License-Identifier: Apache-2.0 */
/* The option rows of musterd.conf: parsing, defaults, manual and reload all come from here. */
#include "muster/conf.h"

static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};
static const char *const priority_words[] = {"10", "5", "1", NULL}; /* as pusher.c numbers them */

/* A line of the file holds 198 bytes: no text is longer than 180; a relative path grows by its folder. */
#define AT(field) offsetof(struct mst_conf, field)
#define TEXT MST_OPT_TEXT
#define PATH MST_OPT_PATH
#define U32  MST_OPT_U32
#define BOOL MST_OPT_BOOL
#define ENUM MST_OPT_ENUM
#define LIVE true
#define BOOT false

/* clang-format off */
static const struct mst_opt_row rows[] = {
	/* section    key                    place                         type  default                        least  most       unit     when  help */
	{ "portal",   "address",             AT(portal_address),           TEXT, "::",                              1, 64,        "",      BOOT, "Address the portal listens on; :: takes IPv4 and IPv6" },
	{ "portal",   "port",                AT(portal_port),              U32,  "443",                             1, 65535,     "",      BOOT, "Port of the portal: devices and the operator API" },
	{ "portal",   "certificate",         AT(portal_certificate),       PATH, "/etc/muster/portal.pem",          1, 4096,      "",      LIVE, "Server certificate with its chain, PEM, leaf first" },
	{ "portal",   "key",                 AT(portal_key),               PATH, "/etc/muster/portal.key",          1, 4096,      "",      LIVE, "Private key of the server certificate, PEM" },
	{ "portal",   "tls12",               AT(portal_tls12),             BOOL, "yes",                             0, 0,         "",      LIVE, "Accept TLS 1.2 beside TLS 1.3" },
	{ "portal",   "ciphers",             AT(portal_ciphers),           TEXT, "",                                0, 180,       "",      LIVE, "Cipher suites of TLS 1.2 in OpenSSL's syntax; empty: ECDHE with AES-GCM or ChaCha20. Those of TLS 1.3 are fixed" },
	{ "portal",   "http2",               AT(has_http2),                BOOL, "yes",                             0, 0,         "",      LIVE, "Offer HTTP/2 beside HTTP/1.1; a client chooses by ALPN" },
	{ "plain",    "address",             AT(plain_address),            TEXT, "::",                              1, 64,        "",      BOOT, "Address of the listener without TLS: CRL, OCSP and SCEP" },
	{ "plain",    "port",                AT(plain_port),               U32,  "8080",                            0, 65535,     "",      BOOT, "Its port; 0: no such listener" },
	{ "control",  "path",                AT(control_path),             PATH, "/run/muster/control.sock",        1, 100,       "",      BOOT, "Unix socket of the operator API for musterctl and the admin plane" },
	{ "store",    "path",                AT(store_path),               PATH, "/var/lib/muster/store",           1, 4096,      "",      BOOT, "Folder of the durable store" },
	{ "store",    "cache_mib",           AT(store_cache_mib),          U32,  "256",                             8, 1048576,   "MiB",   BOOT, "Block cache for reads" },
	{ "store",    "memtable_mib",        AT(store_memtable_mib),       U32,  "64",                              4, 4096,      "MiB",   BOOT, "Write buffer of each large key space" },
	{ "store",    "group_max",           AT(store_group_max),          U32,  "1024",                            1, 65536,     "",      BOOT, "Batches written with one sync at the most" },
	{ "store",    "queue_max",           AT(store_queue_max),          U32,  "65536",                          16, 4194304,   "",      BOOT, "Batches that may wait for the committer; beyond it requests are answered 503" },
	{ "identity", "device_ca",           AT(device_ca),                PATH, "/etc/muster/device-ca.pem",       0, 4096,      "",      LIVE, "CA certificates whose devices are ours beside those of the store's authorities, PEM; empty: the store's only" },
	{ "identity", "takes_unknown",       AT(takes_unknown_certificate),BOOL, "no",                              0, 0,         "",      LIVE, "Bind a certificate outside Authenticate when neither it nor the device is known (for migrations)" },
	{ "identity", "sources",             AT(identity_sources),         TEXT, "tls",                             1, 64,        "",      LIVE, "Where a device's certificate comes from, the first that is there: tls, signature (Mdm-Signature), header (Client-Cert of a front end, RFC 9440)" },
	{ "identity", "front_end_ca",        AT(front_end_ca),             PATH, "",                                0, 4096,      "",      LIVE, "CA certificates of front ends that end TLS for us, PEM: theirs only, no device's; empty: there are none" },
	{ "identity", "front_end_names",     AT(front_end_names),          TEXT, "",                                0, 180,       "",      LIVE, "Common names these front ends have, separated by commas; empty: any" },
	{ "identity", "known_max",           AT(known_max),                U32,  "65536",                           0, 16777216,  "",      BOOT, "Verified device certificates each loop remembers" },
	{ "identity", "tickets",             AT(has_tickets),              BOOL, "yes",                             0, 0,         "",      LIVE, "Let devices resume TLS sessions by ticket" },
	{ "identity", "ticket_s",            AT(ticket_s),                 U32,  "43200",                          60, 604800,    "s",     LIVE, "Life of a ticket key; tickets of the key before are still taken" },
	{ "seal",     "key",                 AT(seal_key),                 PATH, "/etc/muster/master.key",          1, 4096,      "",      BOOT, "Master key that encrypts tokens and private keys in the store; mode 0600" },
	{ "seal",     "quiet_s",             AT(seal_quiet_s),             U32,  "60",                              1, 86400,     "s",     BOOT, "How old a new master key is before nothing is sealed under the one before any more" },
	{ "api",      "keys",                AT(api_keys),                 PATH, "",                                0, 4096,      "",      LIVE, "File of SHA-256 hashes (hex, one a line) of keys that may use the API on the portal; empty: control socket only" },
	{ "threads",  "loops",               AT(num_loops),                U32,  "0",                               0, 256,       "",      BOOT, "Event loops; 0: one for each core" },
	{ "threads",  "workers",             AT(num_workers),              U32,  "0",                               0, 256,       "",      BOOT, "Workers for what blocks or burns; 0: one for each core" },
	{ "threads",  "jobs_max",            AT(num_jobs_max),             U32,  "4096",                           16, 1048576,   "",      BOOT, "Jobs that may wait for the workers, in each lane" },
	{ "threads",  "pinned",              AT(is_pinned),                BOOL, "no",                              0, 0,         "",      BOOT, "Pin each loop to a core, counting from first_cpu" },
	{ "threads",  "first_cpu",           AT(first_cpu),                U32,  "0",                               0, 4095,      "",      BOOT, "First core used when pinned" },
	{ "ring",     "entries",             AT(ring_entries),             U32,  "1024",                           64, 4096,      "",      BOOT, "Submission queue of each loop" },
	{ "ring",     "files",               AT(ring_files),               U32,  "16384",                          64, 1048576,   "",      BOOT, "Direct descriptors of each loop, one for a connection; bounded by the limit on open files" },
	{ "ring",     "buffers",             AT(ring_buffers),             U32,  "1024",                           16, 32768,     "",      BOOT, "Receive buffers of each loop, a power of two" },
	{ "ring",     "buffer_bytes",        AT(ring_buffer_bytes),        U32,  "4096",                          512, 65536,     "bytes", BOOT, "Size of a receive buffer" },
	{ "conn",     "max",                 AT(conns_max),                U32,  "16000",                           1, 1048576,   "",      LIVE, "Connections of each loop" },
	{ "conn",     "per_source",          AT(conns_per_source),         U32,  "2048",                            0, 1048576,   "",      LIVE, "Connections from one IPv4 address or IPv6 /64 on each loop; 0: no limit" },
	{ "conn",     "out_bytes",           AT(out_bytes_max),            U32,  "4194304",                     65536, 268435456, "bytes", LIVE, "Output one connection may hold back" },
	{ "conn",     "handshake_ms",        AT(handshake_ms),             U32,  "10000",                         100, 3600000,   "ms",    LIVE, "A peer's time for each flight of the TLS handshake" },
	{ "conn",     "head_ms",             AT(head_ms),                  U32,  "10000",                         100, 3600000,   "ms",    LIVE, "A peer's time for a request head once begun" },
	{ "conn",     "body_ms",             AT(body_ms),                  U32,  "30000",                         100, 3600000,   "ms",    LIVE, "A peer's time for a request body" },
	{ "conn",     "idle_ms",             AT(idle_ms),                  U32,  "60000",                         100, 86400000,  "ms",    LIVE, "How long a connection may rest between requests" },
	{ "conn",     "write_ms",            AT(write_ms),                 U32,  "30000",                         100, 3600000,   "ms",    LIVE, "A peer's time to take an answer" },
	{ "conn",     "drain_ms",            AT(drain_ms),                 U32,  "2000",                          100, 60000,     "ms",    LIVE, "A peer's time to take the last bytes before the connection closes" },
	{ "http",     "line_max",            AT(line_max),                 U32,  "16384",                       16384, 1048576,   "bytes", LIVE, "Request line or one header" },
	{ "http",     "head_max",            AT(head_max),                 U32,  "32768",                       16384, 4194304,   "bytes", LIVE, "Whole request head" },
	{ "http",     "headers_max",         AT(headers_max),              U32,  "64",                              8, 1024,      "",      LIVE, "Headers of a request" },
	{ "http",     "arena_max",           AT(arena_max),                U32,  "4194304",                     65536, 1073741824,"bytes", LIVE, "Memory of one exchange beside its body" },
	{ "http",     "requests_max",        AT(requests_max),             U32,  "0",                               0, 1000000000,"",      LIVE, "Requests of one connection before it is closed politely; 0: no limit" },
	{ "http",     "exchanges_max",       AT(exchanges_max),            U32,  "8192",                            1, 1048576,   "",      LIVE, "Requests at work in each loop; beyond it 503" },
	{ "http",     "bare_lf",             AT(takes_bare_lf),            BOOL, "no",                              0, 0,         "",      LIVE, "Accept a lone LF as end of line" },
	{ "mdm",      "checkin_max",         AT(checkin_max),              U32,  "131072",                       4096, 16777216,  "bytes", LIVE, "Body of a check-in message" },
	{ "mdm",      "report_max",          AT(report_max),               U32,  "8388608",                      4096, 268435456, "bytes", LIVE, "Body of a command report" },
	{ "mdm",      "seen_flush_ms",       AT(seen_flush_ms),            U32,  "30000",                         100, 3600000,   "ms",    BOOT, "How often last-seen times are written, in bulk" },
	{ "mdm",      "url",                 AT(mdm_url),                  TEXT, "",                                0, 512,       "",      LIVE, "The portal as devices reach it: https://NAME[:PORT], no slash at the end; empty: no enrolment profiles" },
	{ "mdm",      "topic",               AT(mdm_topic),                TEXT, "",                                0, 256,       "",      LIVE, "Topic of the push certificate, com.apple.mgmt...; empty: no enrolment profiles" },
	{ "enroll",   "open",                AT(enroll_is_open),           BOOL, "no",                              0, 0,         "",      LIVE, "Give enrolment profiles to anybody who asks, without a link" },
	{ "enroll",   "certificate",         AT(enroll_certificate),       PATH, "",                                0, 4096,      "",      LIVE, "Certificate that signs profiles (iOS Enrollment), PEM, leaf first; empty: the portal's" },
	{ "enroll",   "key",                 AT(enroll_key),               PATH, "",                                0, 4096,      "",      LIVE, "Its private key, PEM; empty: the portal's" },
	{ "enroll",   "chain",               AT(enroll_chain),             PATH, "",                                0, 4096,      "",      LIVE, "Certificates above it, when they are not in the same file, PEM" },
	{ "enroll",   "roots",               AT(enroll_roots),             PATH, "",                                0, 4096,      "",      LIVE, "More CA certificates a profile installs, for instance the portal's own CA, PEM" },
	{ "enroll",   "apple_ca",            AT(enroll_apple_ca),          PATH, "",                                0, 4096,      "",      LIVE, "CAs of Apple's factory certificates, PEM: the profile service takes no other devices; empty: not verified" },
	{ "enroll",   "name",                AT(enroll_name),              TEXT, "Device management",               1, 128,       "",      LIVE, "What a profile is called on the device" },
	{ "enroll",   "organization",        AT(enroll_organization),      TEXT, "",                                0, 128,       "",      LIVE, "Who a profile says it is from" },
	{ "enroll",   "scep_url",            AT(enroll_scep_url),          TEXT, "",                                0, 512,       "",      LIVE, "Where devices reach /scep, https:// or http://; empty: as [mdm] url" },
	{ "enroll",   "sign_message",        AT(enroll_signs_messages),    BOOL, "yes",                             0, 0,         "",      LIVE, "Devices sign each message (Mdm-Signature), for front ends that end TLS" },
	{ "enroll",   "link_s",              AT(enroll_link_s),            U32,  "86400",                          60, 31536000,  "s",     LIVE, "Life of an enrolment link, when its maker does not say" },
	{ "enroll",   "challenge_s",         AT(enroll_challenge_s),       U32,  "3600",                           60, 31536000,  "s",     LIVE, "Life of the challenge in a profile that no link gave" },
	{ "enroll",   "renew_s",             AT(enroll_renew_s),           U32,  "1209600",                        60, 31536000,  "s",     LIVE, "Life of the challenge in a renewal: the device may be away" },
	{ "enroll",   "per_minute",          AT(enroll_per_minute),        U32,  "60",                              0, 1000000,   "",      LIVE, "Requests for profiles a minute from one IPv4 address or IPv6 /64 on each loop; 0: no limit" },
	{ "bulk",     "jobs_max",            AT(bulk_jobs_max),            U32,  "64",                              1, 1024,      "",      BOOT, "Bulk jobs that may be open; beyond it a new one is answered 503" },
	{ "bulk",     "identities_max",      AT(bulk_identities_max),      U32,  "1000000",                         1, 4000000000,"",      BOOT, "Identities of one bulk job" },
	{ "keypool",  "kinds",               AT(pool_kinds),               TEXT, "rsa2048",                         0, 64,        "",      BOOT, "Kinds of RSA keys made ahead: rsa2048, rsa3072, rsa4096, with commas between them" },
	{ "keypool",  "size",                AT(pool_size),                U32,  "16",                              0, 100000,    "",      BOOT, "Keys of each kind that lie ready, encrypted; 0: none are made ahead" },
	{ "keypool",  "low",                 AT(pool_low),                 U32,  "8",                               0, 100000,    "",      BOOT, "The pool is filled up when it has fewer keys of a kind" },
	{ "keypool",  "first_s",             AT(pool_first_s),             U32,  "60",                              1, 86400,     "s",     BOOT, "How long after the start the first key is made: devices come first" },
	{ "scep",     "rate",                AT(scep_rate),                U32,  "100",                             0, 1000000,   "",      LIVE, "SCEP messages a second from one IPv4 address or IPv6 /64 on each loop; 0: no limit" },
	{ "scep",     "burst",               AT(scep_burst),               U32,  "1000",                            1, 10000000,  "",      LIVE, "SCEP messages from one source at once, before the rate counts" },
	{ "scep",     "des",                 AT(scep_takes_des),           BOOL, "no",                              0, 0,         "",      LIVE, "Take single DES from clients that know nothing better; they are answered in 3DES" },
	{ "fetch",    "ca",                  AT(fetch_ca),                 PATH, "/etc/ssl/certs/ca-certificates.crt", 0, 4096,      "",      LIVE, "CA certificates that vouch for the servers of outside CAs, when a setting names none, PEM; empty: none" },
	{ "fetch",    "at_once",             AT(fetch_at_once),            U32,  "64",                            1, 65536,     "",      BOOT, "Requests to other servers on their way in each loop; beyond it they are tried again later" },
	{ "fetch",    "answer_max",          AT(fetch_answer_max),         U32,  "1048576",                    4096, 268435456, "bytes", BOOT, "Body of an answer of another server" },
	{ "push",     "enabled",             AT(push_is_enabled),          BOOL, "yes",                           0, 0,         "",      BOOT, "Wake devices through Apple's push service; no: pushes wait in the store" },
	{ "push",     "host",                AT(push_host),                TEXT, "api.push.apple.com",            1, 180,       "",      LIVE, "The service: its name or address" },
	{ "push",     "sandbox_host",        AT(push_sandbox_host),        TEXT, "api.sandbox.push.apple.com",    1, 180,       "",      LIVE, "The service for credentials of the sandbox" },
	{ "push",     "port",                AT(push_port),                U32,  "443",                           1, 65535,     "",      LIVE, "Its port, 443 or 2197" },
	{ "push",     "ca",                  AT(push_ca),                  PATH, "/etc/ssl/certs/ca-certificates.crt", 1, 4096,      "",      LIVE, "CA certificates that vouch for the service, PEM" },
	{ "push",     "links_max",           AT(push_links_max),           U32,  "4",                             1, 64,        "",      LIVE, "Connections of one topic at the most" },
	{ "push",     "window",              AT(push_window),              U32,  "8192",                         16, 1048576,   "",      BOOT, "Pushes in hand at once; beyond it they wait in the store" },
	{ "push",     "ping_s",              AT(push_ping_s),              U32,  "3600",                         10, 86400,     "s",     LIVE, "A silent connection is asked after this long whether it lives" },
	{ "push",     "idle_s",              AT(push_idle_s),              U32,  "600",                          10, 86400,     "s",     LIVE, "Connections of a topic beside the first close after this long without work" },
	{ "push",     "expiry_s",            AT(push_expiry_s),            U32,  "604800",                        0, 2592000,   "s",     LIVE, "How long the service keeps a push for a device it cannot reach; 0: it tries once" },
	{ "push",     "priority",            AT(push_priority),            ENUM, "10",                            0, 0,         "",      LIVE, "apns-priority: 10 at once, 5 and 1 when it suits the device's battery", priority_words },
	{ "push",     "retry_ms",            AT(push_retry_ms),            U32,  "2000",                         10, 3600000,   "ms",    LIVE, "First wait after a push failed; doubled each time" },
	{ "push",     "retry_max_ms",        AT(push_retry_max_ms),        U32,  "900000",                       10, 86400000,  "ms",    LIVE, "Longest such wait" },
	{ "push",     "silent_s",            AT(push_silent_s),            TEXT, "3600,14400,86400",              1, 60,        "s",     LIVE, "A device that was pushed and does not come is pushed again after this long: up to 4 times, separated by commas, the last one repeats" },
	{ "push",     "silent_max",          AT(push_silent_max),          U32,  "10",                            0, 1000,      "",      LIVE, "How often; then it is let be until something new is queued" },
	{ "push",     "not_now_s",           AT(push_not_now_s),           U32,  "60",                            0, 86400,     "s",     LIVE, "A device that answered NotNow and then something else is pushed again this long after it" },
	{ "push",     "rate",                AT(push_rate),                U32,  "0",                             0, 1000000,   "",      LIVE, "Pushes a second of all topics; 0: no limit" },
	{ "campaign", "open_max",            AT(campaign_open_max),        U32,  "64",                            1, 10000,     "",      BOOT, "Campaigns that are not over, at the most" },
	{ "campaign", "rate_max",            AT(campaign_rate_max),        U32,  "10000",                         1, 1000000,   "",      LIVE, "Pushes a second a campaign may be given, and where the engine's own rate ends" },
	{ "campaign", "busy_goal",           AT(campaign_busy_goal),       U32,  "70",                            1, 100,       "",      LIVE, "Per cent of a core the busiest event loop may be at before the engine's own rate of a campaign goes down" },
	{ "log",      "level",               AT(log_level),                ENUM, "info",                            0, 0,         "",      LIVE, "Least level that is written", level_words },
	{ "log",      "json",                AT(log_json),                 BOOL, "no",                              0, 0,         "",      LIVE, "Write records as JSON instead of logfmt" },
	{ "process",  "drain_s",             AT(drain_s),                  U32,  "30",                              0, 3600,      "s",     LIVE, "Time for open exchanges to finish on SIGTERM" },
	{ "process",  "sandbox",             AT(is_sandboxed),             BOOL, "yes",                             0, 0,         "",      BOOT, "Deny starting programs and other system calls the engine never needs (seccomp)" },
};
/* clang-format on */

const struct mst_opt_row *mst_conf_rows(size_t *num_rows)
{
	*num_rows = MST_LEN(rows);
	return rows;
}
