/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs and flags of musterctl as rows: parsing and --help come from here. */
#include "ctl.h"

/* What can be done with everything an operator defines. */
#define OBJECT(noun, what)                                                                                                              \
	{ noun, "list", NULL, 0, 0, "socket limit type", mst_ctl_object_list, "list " what },                                           \
	{ noun, "show", "NAME", 1, 1, "socket", mst_ctl_object_show, "show one of the " what },                                         \
	{ noun, "set", "NAME FILE|-", 2, 2, "socket", mst_ctl_object_set, "make or edit one of the " what " from JSON: {\"name\",\"type\",\"fields\"}" }, \
	{ noun, "delete", "NAME", 1, 1, "socket", mst_ctl_object_delete, "delete one of the " what " that nothing refers to" },         \
	{ noun, "history", "NAME", 1, 1, "socket", mst_ctl_object_history, "show who changed one of the " what }

/* clang-format off */
static const struct mst_ctl_verb verbs[] = {
	/* noun      verb     arguments         least most flags                        run                    help */
	{ "ca",      "init",  NULL,               0, 0, "ca name kind days",            mst_ctl_ca_init,       "make a certificate authority in a folder" },
	{ "ca",      "issue", NULL,               0, 0, "ca name out kind days server dns ip", mst_ctl_ca_issue, "issue a certificate with its key: PREFIX.pem, PREFIX.key" },
	{ "ca",      "show",  NULL,               0, 0, "ca",                           mst_ctl_ca_show,       "show the authority and what it issued" },
	{ "key",     "init",  "FILE",             1, 1, "",                             mst_ctl_key_init,      "make the master key that encrypts secrets in the store" },
	{ "key",     "api",   "FILE",             1, 1, "",                             mst_ctl_key_api,       "make a key for the operator API, print it, add its hash to FILE" },
	{ "key",     "rotate", NULL,              0, 0, "socket",                       mst_ctl_key_rotate,    "make a new master key and seal everything anew under it" },
	{ "key",     "status", NULL,              0, 0, "socket",                       mst_ctl_key_status,    "show the master key's number and whether older ones are still needed" },
	{ "devices", "list",  NULL,               0, 0, "socket limit state serial name type", mst_ctl_devices_list, "list enrolments" },
	{ "devices", "show",  "ID",               1, 1, "socket",                       mst_ctl_devices_show,  "show one enrolment and its channels" },
	{ "enqueue", NULL,    "ID[,ID...] [FILE|-]", 1, 2, "socket request-type no-push", mst_ctl_enqueue,     "queue a command from a property list, or a simple one by its type" },
	{ "cancel",  NULL,    "ID UUID",          2, 2, "socket",                       mst_ctl_cancel,        "take a command that still waits out of the queue" },
	{ "results", NULL,    "ID [UUID]",        1, 2, "socket limit state",           mst_ctl_results,       "list the commands of an enrolment, or show one with its result" },
	{ "authority", "new", "NAME",             1, 1, "socket name organization kind days device-days rsa-only rsa-bits hash crl-hours crl-url ocsp-url intermediate static-challenge challenge-sha256 any-name", mst_ctl_authority_new, "make a certificate authority that the engine runs; an intermediate one waits for its certificate" },
	{ "authority", "list", NULL,              0, 0, "socket",                       mst_ctl_authority_list, "list the engine's authorities" },
	{ "authority", "show", "NAME",            1, 1, "socket",                       mst_ctl_authority_show, "show one authority and its certificate, or its certificate request" },
	{ "authority", "import", "NAME FILE",     2, 2, "socket",                       mst_ctl_authority_import, "give an authority the certificate (PEM, with its chain) another one made for it" },
	{ "authority", "succeed", "NAME [NEXT]",  1, 2, "socket",                       mst_ctl_authority_succeed, "name the authority that takes over, which SCEP clients may ask for; without NEXT take it back" },
	{ "authority", "retire", "NAME",          1, 1, "socket",                       mst_ctl_authority_retire, "let an authority issue no more, for good" },
	{ "cert",    "list",  "[AUTHORITY]",      0, 1, "socket limit state",           mst_ctl_cert_list,     "list certificates our authorities issued" },
	{ "cert",    "show",  "AUTHORITY SERIAL", 2, 2, "socket",                       mst_ctl_cert_show,     "show one certificate" },
	{ "cert",    "revoke", "AUTHORITY SERIAL", 2, 2, "socket reason",               mst_ctl_cert_revoke,   "revoke a certificate, for good" },
	{ "cert",    "issue", "AUTHORITY",        1, 1, "socket name dns organization device csr out kind", mst_ctl_cert_issue, "issue one certificate: for a request, or with its key: PREFIX.pem, PREFIX.key" },
	{ "scep",    "challenge", "new",          1, 1, "socket authority device name dns minutes", mst_ctl_scep_challenge, "make a one-time challenge with which one device gets one certificate" },
	{ "enroll",  "link",  NULL,               0, 0, "socket authority device name dns minutes", mst_ctl_enroll_link, "make a link that gives one device its enrolment profile" },
	{ "enroll",  "renew", "ID",               1, 1, "socket name",                  mst_ctl_enroll_renew,  "queue a fresh enrolment profile, so that a device renews its identity" },
	{ "push",    "cert",  "put FILE [KEY] | show [TOPIC] | drop TOPIC", 1, 3, "socket sandbox", mst_ctl_push_cert, "bring a push certificate with its key, show those that are there, or take one away" },
	{ "push",    "key",   "put FILE",         2, 2, "socket topic key-id team-id sandbox", mst_ctl_push_key, "bring a signing key (.p8) for a topic of your own applications" },
	{ "push",    "send",  "ID[,ID...]",       1, 1, "socket",                       mst_ctl_push_send,     "wake devices" },
	{ "push",    "stats", NULL,               0, 0, "socket",                       mst_ctl_push_stats,    "show how the push engine is doing" },
	{ "push",    "campaign", "start [FILE] | list | ACTION N [RATE]", 1, 3, "socket request-type ids all model os-version topic rate name start-time no-push keep limit", mst_ctl_push_campaign, "queue one command for many devices and wake them at a rate; actions: status, pause, resume, cancel, rate" },
	{ "bulk",    "start", NULL,               0, 0, "socket authority prefix count first digits names kind organization pkcs12", mst_ctl_bulk_start, "start a job that makes many identities" },
	{ "bulk",    "status", "[ID]",            0, 1, "socket limit",                 mst_ctl_bulk_status,   "list bulk jobs, or show how far one has come" },
	{ "bulk",    "cancel", "ID",              1, 1, "socket",                       mst_ctl_bulk_cancel,   "end a bulk job; what it made stays" },
	OBJECT("user", "users"),
	{ "user",    "pin",   "NAME",             1, 1, "socket",                       mst_ctl_user_pin,      "make a one-time PIN with which a user registers a device, and show it once" },
	OBJECT("label", "labels"),
	{ "label",   "members", "NAME",           1, 1, "socket limit",                 mst_ctl_label_members, "list the devices that have a label" },
	{ "label",   "add",   "NAME ID",          2, 2, "socket",                       mst_ctl_label_add,     "give a device a label that has no expression" },
	{ "label",   "remove", "NAME ID",         2, 2, "socket",                       mst_ctl_label_remove,  "take such a label from a device" },
	OBJECT("setting", "settings"),
	{ "setting", "devices", "NAME",           1, 1, "socket limit state",           mst_ctl_setting_devices, "list how a setting stands on each device" },
	{ "device",  "settings", "ID",            1, 1, "socket",                       mst_ctl_device_settings, "list how each setting stands on a device" },
	{ "device",  "retry", "ID SETTING",       2, 2, "socket",                       mst_ctl_device_retry,  "try a setting again that failed" },
	{ "device",  "retire", "ID",              1, 1, "socket",                       mst_ctl_device_retire, "take settings, identities and the enrolment from a device" },
	OBJECT("enrollment", "certificate enrolment settings"),
	{ "identity", "list", NULL,               0, 0, "socket limit device user enrollment state expires-before expires-after", mst_ctl_identity_list, "list who holds which certificate under an enrolment setting" },
	{ "identity", "revoke", "OWNER ENROLLMENT", 2, 2, "socket",                     mst_ctl_identity_revoke, "revoke what a device (its id) or a user (user:NAME) holds" },
	{ "identity", "remove", "OWNER ENROLLMENT", 2, 2, "socket",                     mst_ctl_identity_remove, "take it away, and revoke it" },
	{ "identity", "reenroll", "OWNER ENROLLMENT", 2, 2, "socket",                   mst_ctl_identity_reenroll, "make a new one, and revoke the old one" },
	{ "identity", "test", "ENROLLMENT",       1, 1, "socket device user",           mst_ctl_identity_test, "issue a test certificate, show it and revoke it at once" },
	{ "identity", "upload", "USER ENROLLMENT [FILE]", 2, 3, "socket password-file", mst_ctl_identity_upload, "upload a user's own PKCS#12; without the password it waits for it" },
	{ "audit",   NULL,    NULL,               0, 0, "socket limit",                 mst_ctl_audit,         "list who did what, oldest first" },
	{ "shapes",  NULL,    NULL,               0, 0, "socket",                       mst_ctl_shapes,        "list the types of users, labels and settings; with --json all their fields" },
	{ "status",  NULL,    NULL,               0, 0, "socket",                       mst_ctl_status,        "show how the engine is doing" },
	{ "version", NULL,    NULL,               0, 0, "socket",                       mst_ctl_version,       "show the versions of this program and of the engine" },
};

#define AT(field) offsetof(struct mst_ctl, field)
static const struct mst_ctl_flag flags[] = {
	/* name           value     place             common list   help */
	{ "json",         NULL,     AT(is_json),      true,  false, "print JSON" },
	{ "socket",       "PATH",   AT(socket),       false, false, "control socket (" MST_CTL_SOCKET ")" },
	{ "ca",           "FOLDER", AT(ca),           false, false, "folder of the authority (" MST_CTL_CA ")" },
	{ "name",         "TEXT",   AT(name),         false, false, "common name; with devices list: beginning of the device's name" },
	{ "out",          "PREFIX", AT(out),          false, false, "where certificate and key are written" },
	{ "csr",          "FILE",   AT(csr),          false, false, "certificate request (PEM); only its key is used" },
	{ "kind",         "KIND",   AT(kind),         false, false, "p256 (default), p384, rsa2048, rsa3072 or rsa4096" },
	{ "days",         "N",      AT(days),         false, false, "life in days (authority 3650, certificate 397)" },
	{ "server",       NULL,     AT(is_server),    false, false, "issue for a server instead of a device" },
	{ "dns",          "NAME",   AT(dns),          false, true,  "DNS name of the server or device, may be repeated" },
	{ "ip",           "ADDRESS",AT(ips),          false, true,  "IP address of the server, may be repeated" },
	{ "reason",       "REASON", AT(reason),       false, false, "why: keyCompromise, superseded, cessationOfOperation, ... (unspecified)" },
	{ "authority",    "NAME",   AT(authority),    false, false, "authority that certifies" },
	{ "device",       "ID",     AT(device),       false, false, "device it is for" },
	{ "minutes",      "N",      AT(minutes),      false, false, "how long it is good (60)" },
	{ "prefix",       "TEXT",   AT(prefix),       false, false, "what names begin with, before their number" },
	{ "count",        "N",      AT(count),        false, false, "how many identities" },
	{ "first",        "N",      AT(first),        false, false, "number of the first name (1)" },
	{ "digits",       "N",      AT(digits),       false, false, "numbers are filled up with zeroes to so many digits" },
	{ "names",        "FILE",   AT(names),        false, false, "file with one name in each line, instead of prefix and count" },
	{ "organization", "TEXT",   AT(organization), false, false, "organization in the certificates" },
	{ "pkcs12",       NULL,     AT(wants_p12),    false, false, "make a PKCS#12 file with a random password for each" },
	{ "device-days",  "N",      AT(device_days),  false, false, "life of the devices' certificates in days (365)" },
	{ "rsa-only",     NULL,     AT(takes_rsa_only), false, false, "certify no EC keys of devices" },
	{ "rsa-bits",     "N",      AT(rsa_bits),     false, false, "smallest RSA key of devices (2048)" },
	{ "hash",         "BITS",   AT(hash),         false, false, "hash in certificates: 256 (default), 384 or 512" },
	{ "crl-hours",    "N",      AT(crl_hours),    false, false, "life of a CRL in hours (24)" },
	{ "crl-url",      "URL",    AT(crl_url),      false, false, "where certificates say that the CRL is" },
	{ "ocsp-url",     "URL",    AT(ocsp_url),     false, false, "where certificates say that OCSP is answered" },
	{ "intermediate", NULL,     AT(is_intermediate), false, false, "make a request for another authority to certify" },
	{ "static-challenge", NULL, AT(makes_challenge), false, false, "make a SCEP challenge for all devices and show it once" },
	{ "challenge-sha256", "HEX", AT(challenge_sha256), false, false, "SHA-256 of a SCEP challenge for all devices" },
	{ "any-name",     NULL,     AT(takes_names),  false, false, "who knows that challenge may choose a name" },
	{ "user",         "NAME",   AT(user),         false, false, "user it is for" },
	{ "enrollment",   "NAME",   AT(enrollment),   false, false, "certificate enrolment setting" },
	{ "expires-before", "DATE", AT(expires_before), false, false, "only what expires before (2026-01-31)" },
	{ "expires-after", "DATE",  AT(expires_after), false, false, "only what expires then or later" },
	{ "password-file", "FILE",  AT(password_file), false, false, "file whose first line is the password" },
	{ "limit",        "N",      AT(limit),        false, false, "at most so many rows (all)" },
	{ "state",        "STATE",  AT(state),        false, false, "only those in this state" },
	{ "serial",       "TEXT",   AT(serial),       false, false, "only serial numbers that begin so" },
	{ "type",         "TYPE",   AT(type),         false, false, "only this enrolment type" },
	{ "request-type", "TYPE",   AT(request_type), false, false, "make a command of this RequestType without parameters" },
	{ "topic",        "TOPIC",  AT(topic),        false, false, "bundle identifier of the application" },
	{ "key-id",       "ID",     AT(key_id),       false, false, "Apple's identifier of the key, 10 characters" },
	{ "team-id",      "ID",     AT(team_id),      false, false, "Apple's identifier of the team, 10 characters" },
	{ "sandbox",      NULL,     AT(is_sandbox),   false, false, "for Apple's sandbox instead of production" },
	{ "ids",          "FILE",   AT(ids),          false, false, "file with one enrolment id in each line" },
	{ "all",          NULL,     AT(is_all),       false, false, "every device" },
	{ "model",        "TEXT",   AT(model),        false, false, "only devices whose model begins so" },
	{ "os-version",   "TEXT",   AT(os_version),   false, false, "only devices whose OS version begins so" },
	{ "rate",         "RATE",   AT(rate),         false, false, "pushes a second, or auto (the engine's own, by its load)" },
	{ "start-time",   "TIME",   AT(start_time),   false, false, "not before, as 2026-01-02T03:04:05Z" },
	{ "keep",         NULL,     AT(keeps),        false, false, "leave commands that wait in their queues" },
	{ "no-push",      NULL,     AT(has_no_push),  false, false, "do not wake the device" },
};
/* clang-format on */

const struct mst_ctl_verb *mst_ctl_verbs(size_t *num)
{
	*num = MST_LEN(verbs);
	return verbs;
}

const struct mst_ctl_flag *mst_ctl_flags(size_t *num)
{
	*num = MST_LEN(flags);
	return flags;
}
