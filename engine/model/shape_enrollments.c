/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of certificate enrolment settings, a table for each of the eleven types. Rows that several types share are macros:
 * the same field means the same everywhere.
 */
#include "muster/p12.h"
#include "muster/text.h"
#include "shape_own.h"

#define REQ  MST_FIELD_REQUIRED
#define VAR  MST_FIELD_VARIABLES
#define CERT MST_FIELD_CERT

static const char *const san_kinds[] = {"rfc822", "dns", "uri", "upn", "dn", NULL};
static const char *const key_kinds[] = {"p256", "p384", "rsa2048", "rsa3072", "rsa4096", NULL};
static const char *const rsa_kinds[] = {"rsa2048", "rsa3072", "rsa4096", NULL};
static const char *const usages[] = {"both", "signing", "encryption", NULL};
static const char *const purposes[] = {"authentication", "decryption", "encryption", "signing", NULL};
static const char *const modes[] = {"centralized", "decentralized", NULL};
static const char *const challenges[] = {"none", "static", "ndes", "one-time", NULL};

/* clang-format off */
#define DESCRIPTION {"description", MST_FIELD_TEXT, MST_FIELD_SHOWS, .most = 1024, .help = "What it is for"}
#define STORES_KEYS {"stores_keys", MST_FIELD_BOOL, 0, .fallback = "false", .help = "Keep private keys, encrypted, so that a device that lost its identity gets the same one again"}
#define IS_USER {"is_user_certificate", MST_FIELD_BOOL, CERT, .fallback = "false", .help = "One certificate for all devices of a user instead of one for each device"}
#define RENEW_DAYS {"renew_days", MST_FIELD_NUMBER, 0, .least = 1, .most = 365, .fallback = "60", .help = "Days before the end in which an identity counts as expiring"}
#define RENEWS {"renews", MST_FIELD_BOOL, 0, .fallback = "true", .help = "Make and send a new identity when the old one expires soon"}
#define SUBJECT_CN(flags_) {"common_name", MST_FIELD_TEXT, (flags_) | VAR | CERT, .most = 256, .help = "Common name of the subject"}
#define SUBJECT_DN {"subject", MST_FIELD_TEXT, VAR | CERT, .most = 1024, .help = "More of the subject, as OU=Sales,O=Example (RFC 4514)"}
#define SANS(flags_) {"sans", MST_FIELD_PAIRS, VAR | CERT | (flags_), .most = 16, .words = san_kinds, .help = "Subject alternative names: kind and value"}
#define KEY {"key", MST_FIELD_WORD, CERT, .words = key_kinds, .fallback = "p256", .help = "Kind of key"}
#define KEY_RSA {"key", MST_FIELD_WORD, CERT, .words = rsa_kinds, .fallback = "rsa2048", .help = "Kind of key"}
#define URL(help_) {"url", MST_FIELD_TEXT, REQ | MST_FIELD_SHOWS, .least = 8, .most = 1024, .help = help_}
#define CA {"ca", MST_FIELD_TEXT, 0, .most = 65536, .help = "CA certificates that vouch for the server, PEM; empty: those of the system"}
#define CLIENT_CERT(flags_) {"client_certificate", MST_FIELD_TEXT, flags_, .most = 65536, .help = "Certificate with which we identify ourselves, PEM"}
#define CLIENT_KEY(flags_) {"client_key", MST_FIELD_SECRET, flags_, .most = 16384, .help = "Its private key, PEM"}
#define TIMEOUT {"timeout_s", MST_FIELD_NUMBER, 0, .least = 1, .most = 300, .fallback = "30", .help = "How long the server may take"}
#define FIELDS {"fields", MST_FIELD_PAIRS, VAR | CERT, .most = 64, .help = "Fields that the profile at the CA asks for: name and value"}
#define MADE STORES_KEYS, IS_USER, RENEW_DAYS, RENEWS

static const struct mst_shape_row local_rows[] = {
	DESCRIPTION,
	{"authority", MST_FIELD_TEXT, REQ | CERT | MST_FIELD_SHOWS, .most = 64, .help = "Name of the authority of our own that issues"},
	SUBJECT_CN(REQ), SUBJECT_DN, SANS(MST_FIELD_SAN), KEY, MADE,
};
static const struct mst_shape_row scep_rows[] = {
	DESCRIPTION,
	{"mode", MST_FIELD_WORD, CERT | MST_FIELD_SHOWS, .words = modes, .fallback = "centralized", .help = "Who asks the CA: the engine, or the device by itself"},
	{"is_proxied", MST_FIELD_BOOL, 0, .fallback = "false", .help = "Decentralized only: devices reach the CA through the engine"},
	URL("Where the CA speaks SCEP"), CA,
	{"ca_name", MST_FIELD_TEXT, 0, .most = 256, .help = "CA-IDENT: which CA of the server"},
	{"ca_fingerprint", MST_FIELD_TEXT, 0, .most = 128, .help = "SHA-256 (or SHA-1) of the CA's certificate in hex; another CA is refused"},
	SUBJECT_CN(REQ), SUBJECT_DN, SANS(MST_FIELD_SAN), KEY_RSA,
	{"key_usage", MST_FIELD_WORD, CERT, .words = usages, .fallback = "both", .help = "What the key is for"},
	{"challenge_kind", MST_FIELD_WORD, 0, .words = challenges, .fallback = "none", .help = "How a request proves itself: not, by one password for all, by one from the NDES page, by one of the CA of our own each"},
	{"challenge", MST_FIELD_SECRET, 0, .most = 256, .help = "Static: the password"},
	{"challenge_url", MST_FIELD_TEXT, 0, .most = 1024, .help = "NDES: page that gives passwords (/certsrv/mscep_admin/)"},
	{"challenge_user", MST_FIELD_TEXT, 0, .most = 256, .help = "NDES: user of that page"},
	{"challenge_password", MST_FIELD_SECRET, 0, .most = 256, .help = "NDES: password of that user"},
	{"authority", MST_FIELD_TEXT, 0, .most = 64, .help = "One-time: authority of our own whose challenges are given"},
	MADE, TIMEOUT,
};
static const struct mst_shape_row single_file_rows[] = {
	DESCRIPTION,
	{"file", MST_FIELD_SECRET, REQ | CERT, .most = 262144, .help = "PKCS#12 with one certificate and its key, base64"},
	{"password", MST_FIELD_SECRET, CERT, .most = 256, .help = "Password of the file"},
};
static const struct mst_shape_row user_provided_rows[] = {
	DESCRIPTION,
	{"display_name", MST_FIELD_TEXT, REQ | MST_FIELD_SHOWS, .most = 128, .help = "What users see"},
	{"purpose", MST_FIELD_WORD, MST_FIELD_SHOWS, .words = purposes, .fallback = "authentication", .help = "What the certificate is for"},
};
static const struct mst_shape_row client_provided_rows[] = {
	DESCRIPTION,
	{"purpose", MST_FIELD_WORD, REQ | MST_FIELD_SHOWS, .words = purposes, .help = "What the derived credential is for"},
	{"provider", MST_FIELD_TEXT, REQ | MST_FIELD_SHOWS, .most = 128, .help = "Provider of derived credentials"},
};
static const struct mst_shape_row mpki_rows[] = {
	DESCRIPTION,
	{"mode", MST_FIELD_WORD, CERT | MST_FIELD_SHOWS, .words = modes, .fallback = "centralized", .help = "Who asks the CA: the engine, or the device by itself"},
	URL("Where the CA speaks SCEP"), CA,
	{"passcode_url", MST_FIELD_TEXT, REQ, .most = 1024, .help = "Web service that gives passcodes (userManagementService)"},
	{"profile", MST_FIELD_TEXT, REQ | CERT, .most = 256, .help = "OID of the certificate profile"},
	{"seat_id", MST_FIELD_TEXT, REQ | VAR | CERT, .most = 256, .help = "Seat at the CA"},
	CLIENT_CERT(REQ), CLIENT_KEY(REQ),
	{"ca_name", MST_FIELD_TEXT, 0, .most = 256, .help = "CA-IDENT: which CA of the server"},
	{"ca_fingerprint", MST_FIELD_TEXT, 0, .most = 128, .help = "SHA-256 of the CA's certificate in hex; another CA is refused"},
	SUBJECT_CN(REQ), SUBJECT_DN, SANS(MST_FIELD_SAN), KEY_RSA, MADE, TIMEOUT,
};
static const struct mst_shape_row mpki_ws_rows[] = {
	DESCRIPTION,
	URL("Base of the web services (https://pki-ws.symauth.com/pki-ws)"), CA,
	{"profile", MST_FIELD_TEXT, REQ | CERT, .most = 256, .help = "OID of the certificate profile"},
	{"seat_id", MST_FIELD_TEXT, REQ | VAR | CERT, .most = 256, .help = "Seat at the CA"},
	CLIENT_CERT(REQ), CLIENT_KEY(REQ), SUBJECT_CN(REQ), SUBJECT_DN, FIELDS, KEY_RSA, MADE, TIMEOUT,
};
static const char *const globalsign_apis[] = {"epki", "hvca", NULL};
static const struct mst_shape_row globalsign_rows[] = {
	DESCRIPTION,
	{"api", MST_FIELD_WORD, CERT | MST_FIELD_SHOWS, .words = globalsign_apis, .fallback = "epki", .help = "Which service: Enterprise PKI (SOAP) or HVCA (REST)"},
	URL("Address of the service"), CA,
	{"user", MST_FIELD_TEXT, REQ, .most = 256, .help = "User name; HVCA: API key"},
	{"password", MST_FIELD_SECRET, REQ, .most = 256, .help = "Password; HVCA: API secret"},
	{"profile", MST_FIELD_TEXT, CERT, .most = 256, .help = "EPKI: profile id"},
	{"product", MST_FIELD_TEXT, CERT, .most = 64, .fallback = "EPKIPSPersonal", .help = "EPKI: product code"},
	{"years", MST_FIELD_NUMBER, CERT, .least = 1, .most = 5, .fallback = "1", .help = "EPKI: years of validity"},
	{"days", MST_FIELD_NUMBER, CERT, .least = 1, .most = 1200, .fallback = "365", .help = "HVCA: days of validity"},
	CLIENT_CERT(0), CLIENT_KEY(0),
	SUBJECT_CN(REQ), SUBJECT_DN, SANS(0),
	{"email", MST_FIELD_TEXT, VAR | CERT, .most = 256, .help = "Address in the subject"},
	FIELDS, KEY_RSA, MADE, TIMEOUT,
};
static const struct mst_shape_row entrust_rows[] = {
	DESCRIPTION,
	{"mode", MST_FIELD_WORD, CERT | MST_FIELD_SHOWS, .words = modes, .fallback = "centralized", .help = "Who asks the CA: the engine, or the device by itself"},
	URL("Address of the connector in front of Administration Services"), CA,
	{"admin_id", MST_FIELD_TEXT, REQ, .most = 256, .help = "Administrator's id"},
	{"admin_password", MST_FIELD_SECRET, REQ, .most = 256, .help = "Administrator's password"},
	{"group", MST_FIELD_TEXT, VAR | CERT, .most = 256, .help = "Group (iggroup)"},
	{"profile", MST_FIELD_TEXT, REQ | CERT, .most = 256, .help = "Digital ID configuration"},
	{"key_usage", MST_FIELD_WORD, CERT, .words = usages, .fallback = "both", .help = "Of several certificates the first with this use is taken"},
	CLIENT_CERT(0), CLIENT_KEY(0), SUBJECT_CN(REQ), SUBJECT_DN, SANS(MST_FIELD_SAN), FIELDS, KEY_RSA, MADE, TIMEOUT,
};
static const struct mst_shape_row opentrust_rows[] = {
	DESCRIPTION,
	URL("Address of the connector in front of the Mobile Provisioning Server"), CA,
	{"profile", MST_FIELD_TEXT, REQ | CERT, .most = 256, .help = "Mobile management profile with one centralised credential"},
	CLIENT_CERT(REQ), CLIENT_KEY(REQ), SUBJECT_CN(REQ), SUBJECT_DN, SANS(0), FIELDS, KEY_RSA, MADE, TIMEOUT,
};
static const struct mst_shape_row blue_coat_rows[] = {
	DESCRIPTION,
	URL("Address of the connector in front of Mobile Device Security"), CA,
	{"customer_id", MST_FIELD_TEXT, REQ | CERT, .most = 256, .help = "Customer id at the service"},
	CLIENT_CERT(0), CLIENT_KEY(0), SUBJECT_CN(REQ), SUBJECT_DN, SANS(0), FIELDS, KEY_RSA, MADE, TIMEOUT,
};
/* clang-format on */

static bool is_set(const struct mst_object *o, const char *field)
{
	return mst_object_value(o, field)->is_set;
}

static int url_check(const struct mst_object *o, struct mst_err *e)
{
	struct mst_slice url = mst_object_text(o, "url");

	if (!mst_slice_starts(url, MST_S("https://")) && !mst_slice_starts(url, MST_S("http://")))
		return mst_fail(e, MST_E_SYNTAX, "url: https://... or http://...");
	return 0;
}

static int secure_check(const struct mst_object *o, struct mst_err *e)
{
	if (!mst_slice_starts(mst_object_text(o, "url"), MST_S("https://")))
		return mst_fail(e, MST_E_SYNTAX, "url: https://...: secrets go there");
	return 0;
}

static int pair_check(const struct mst_object *o, struct mst_err *e)
{
	if (is_set(o, "client_certificate") != is_set(o, "client_key"))
		return mst_fail(e, MST_E_SYNTAX, "client_certificate and client_key belong together");
	return secure_check(o, e);
}

/* What a kind of challenge needs. */
static int scep_check(const struct mst_object *o, struct mst_err *e)
{
	static const struct {
		const char *kind, *field;
	} needs[] = {
		{"static", "challenge"}, {"ndes", "challenge_url"}, {"ndes", "challenge_user"}, {"ndes", "challenge_password"},
		{"one-time", "authority"},
	};
	struct mst_slice kind = mst_object_text(o, "challenge_kind");

	for (size_t i = 0; i < MST_LEN(needs); i++)
		if (mst_slice_eq(mst_slice_str(needs[i].kind), kind) && !is_set(o, needs[i].field))
			return mst_fail(e, MST_E_SYNTAX, "%s is needed for a challenge of kind %s", needs[i].field, needs[i].kind);
	if (mst_object_bool(o, "is_proxied") && !mst_slice_eq(mst_object_text(o, "mode"), MST_S("decentralized")))
		return mst_fail(e, MST_E_SYNTAX, "is_proxied: only when devices ask by themselves (mode decentralized)");
	return url_check(o, e);
}

/* Text in base64 to bytes. */
static int bytes_of(struct mst_slice *out, struct mst_arena *arena, struct mst_slice text, struct mst_err *e)
{
	uint8_t *at = mst_arena_get(arena, MST_BASE64_ROOM(text.len));
	size_t len;

	if (!at)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mst_base64_get(at, &len, text, NULL) < 0)
		return mst_fail(e, MST_E_SYNTAX, "file: PKCS#12 in base64");
	*out = mst_slice(at, len);
	return 0;
}

/* Opened once, here: it is written anew with as little hashing as can be, because it lies sealed anyway, and every device's
 * delivery opens it. */
static int file_finish(struct mst_object *o, const struct mst_object *older, struct mst_arena *arena, struct mst_err *e)
{
	struct mst_value *file = &o->values[1], *password = &o->values[2];
	bool has_file = file->is_set && file->text.len, is_closed = password->is_set && password->text.len == 0 && password->sealed.len;
	struct mst_p12_identity identity;
	struct mst_slice bytes;
	struct mst_p12 p12;
	struct mst_err why;
	char *text;

	(void)older;
	if (!has_file && !(password->is_set && password->text.len))
		return 0;
	if (!has_file || is_closed)
		return mst_fail(e, MST_E_SYNTAX, "file and password are given together");
	if (bytes_of(&bytes, arena, file->text, e) < 0)
		return -1;
	if (mst_p12_read(&p12, arena, bytes, password->text, 0, &why) < 0 || mst_p12_identity(&identity, &p12, &why) < 0)
		return mst_fail(e, MST_E_SYNTAX, "file: %s", why.text);
	if (mst_p12_write(&bytes, arena, &identity, password->text, 1, e) < 0)
		return -1;
	text = mst_arena_get(arena, MST_BASE64_LEN(bytes.len));
	if (!text)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	mst_base64_put(text, bytes);
	file->text = mst_slice(text, MST_BASE64_LEN(bytes.len));
	file->sealed = mst_slice(NULL, 0);
	return 0;
}

const struct mst_shape mst_shape_enrollments[MST_NUM_ENROLLMENT_TYPES] = {
	SHAPE(ENROLLMENT, "local", "An authority of our own issues", local_rows, NULL),
	SHAPE(ENROLLMENT, "scep", "A CA that speaks SCEP", scep_rows, scep_check),
	{.noun = MST_NOUN_ENROLLMENT, .type = "single-file", .help = "One identity for all, uploaded here", .fields = single_file_rows,
	 .num_fields = MST_LEN(single_file_rows), .finish = file_finish},
	SHAPE(ENROLLMENT, "user-provided", "Users bring their own certificates", user_provided_rows, NULL),
	SHAPE(ENROLLMENT, "client-provided", "Derived credentials that the client has", client_provided_rows, NULL),
	SHAPE(ENROLLMENT, "symantec-mpki", "Symantec (DigiCert) Managed PKI by SCEP with passcodes", mpki_rows, url_check),
	SHAPE(ENROLLMENT, "symantec-mpki-ws", "Symantec (DigiCert) Managed PKI by web services", mpki_ws_rows, pair_check),
	SHAPE(ENROLLMENT, "globalsign", "GlobalSign Enterprise PKI or HVCA", globalsign_rows, pair_check),
	SHAPE(ENROLLMENT, "entrust", "Entrust, through a connector", entrust_rows, pair_check),
	SHAPE(ENROLLMENT, "opentrust", "OpenTrust, through a connector", opentrust_rows, pair_check),
	SHAPE(ENROLLMENT, "blue-coat", "Blue Coat Mobile Device Security, through a connector", blue_coat_rows, pair_check),
};
