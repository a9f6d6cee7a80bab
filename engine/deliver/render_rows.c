/* SPDX-License-Identifier: Apache-2.0 */
/* Which field of a setting is which of Apple's keys: a row each, grouped by the dictionary they are in. VPN has its own file. */
#include "render_own.h"

static const char *const securities[] = {"None", "WEP", "WPA", "WPA2", "WPA3", "Any"};
static const char *const inners[] = {"PAP", "EAP", "CHAP", "MSCHAP", "MSCHAPv2"};
static const char *const proxies[] = {"None", "Manual", "Auto"};
static const char *const mail_kinds[] = {"EmailTypeIMAP", "EmailTypePOP"};
static const char *const mail_auths[] = {"EmailAuthNone", "EmailAuthPassword", "EmailAuthCRAMMD5", "EmailAuthNTLM", "EmailAuthHTTPMD5"};

/* clang-format off */
#define F(path_, field_)  {.path = path_, .kind = RENDER_FIELD, .field = field_}
#define EAP(path_, field_) {.path = "EAPClientConfiguration/" path_, .kind = RENDER_FIELD, .field = field_, .needs = "eap_types"}
#define PROXY(path_, field_, index) {.path = path_, .kind = RENDER_FIELD, .field = field_, .when = "proxy", .only = MST_B(index)}
#define ID(path_, field_) {.path = path_, .kind = RENDER_IDENTITY, .field = field_}

static const struct render_row wifi_rows[] = {
	F("SSID_STR",                           "ssid"),
	F("HIDDEN_NETWORK",                     "is_hidden"),
	F("AutoJoin",                           "joins_by_itself"),
	{.path = "EncryptionType",              .kind = RENDER_FIELD, .field = "security", .words = securities},
	F("Password",                           "password"),
	ID("PayloadCertificateUUID",            "identity"),
	{.path = "EAPClientConfiguration/AcceptEAPTypes", .kind = RENDER_CALL, .needs = "eap_types", .put = mst_render_put_eap_types},
	EAP("UserName",                         "username"),
	EAP("UserPassword",                     "user_password"),
	EAP("OuterIdentity",                    "outer_identity"),
	{.path = "EAPClientConfiguration/TTLSInnerAuthentication", .kind = RENDER_FIELD, .field = "inner_authentication", .needs = "eap_types", .words = inners},
	EAP("OneTimeUserPassword",              "asks_password_each_time"),
	EAP("TLSCertificateIsRequired",         "needs_certificate"),
	EAP("TLSMinimumVersion",                "tls_minimum"),
	EAP("TLSMaximumVersion",                "tls_maximum"),
	{.path = "EAPClientConfiguration/PayloadCertificateAnchorUUID", .kind = RENDER_ANCHORS, .field = "ca", .needs = "eap_types"},
	EAP("TLSTrustedServerNames",            "server_names"),
	EAP("EAPFASTUsePAC",                    "uses_pac"),
	EAP("EAPFASTProvisionPAC",              "provisions_pac"),
	EAP("EAPFASTProvisionPACAnonymously",   "provisions_pac_anonymously"),
	EAP("EAPSIMNumberOfRANDs",              "num_rands"),
	{.path = "ProxyType",                   .kind = RENDER_FIELD, .field = "proxy", .words = proxies},
	PROXY("ProxyServer",                    "proxy_server", 1),
	PROXY("ProxyServerPort",                "proxy_port", 1),
	PROXY("ProxyUsername",                  "proxy_username", 1),
	PROXY("ProxyPassword",                  "proxy_password", 1),
	PROXY("ProxyPACURL",                    "proxy_pac_url", 2),
	PROXY("ProxyPACFallbackAllowed",        "proxy_pac_fallback", 2),
	F("IsHotspot",                          "is_hotspot"),
	F("DisplayedOperatorName",              "operator_name"),
	F("DomainName",                         "domain_name"),
	F("ServiceProviderRoamingEnabled",      "roams"),
	F("RoamingConsortiumOIs",               "roaming_ois"),
	F("NAIRealmNames",                      "realm_names"),
	F("MCCAndMNCs",                         "mcc_mncs"),
	F("HESSID",                             "hessid"),
	F("CaptiveBypass",                      "passes_captive_portal"),
	F("DisableAssociationMACRandomization", "keeps_mac"),
	F("EnableIPv6",                         "ipv6"),
	F("QoSMarkingPolicy/QoSMarkingEnabled", "qos"),
	F("QoSMarkingPolicy/QoSMarkingAllowListAppIdentifiers", "qos_apps"),
	F("QoSMarkingPolicy/QoSMarkingAppleAudioVideoCalls", "qos_calls"),
	F("SetupModes",                         "setup_modes"),
};

/* S/MIME is one switch for each of its halves; the old key that switches both is left to old systems. */
#define SMIME                                                                                                    \
	F("SMIMESigningEnabled",                          "smime_signs"),                                        \
	ID("SMIMESigningCertificateUUID",                 "smime_signing_identity"),                             \
	F("SMIMESigningUserOverrideable",                 "smime_signing_is_free"),                              \
	F("SMIMESigningCertificateUUIDUserOverrideable",  "smime_signing_identity_is_free"),                     \
	F("SMIMEEncryptByDefault",                        "smime_encrypts"),                                     \
	ID("SMIMEEncryptionCertificateUUID",              "smime_encryption_identity"),                          \
	F("SMIMEEncryptByDefaultUserOverrideable",        "smime_encryption_is_free"),                           \
	F("SMIMEEncryptionCertificateUUIDUserOverrideable", "smime_encryption_identity_is_free"),                \
	F("SMIMEEnableEncryptionPerMessageSwitch",        "smime_switch")
#define KEEP                                                                                                     \
	F("PreventMove",                                  "keeps_messages"),                                     \
	F("PreventAppSheet",                              "only_mail_app"),                                      \
	F("disableMailRecentsSyncing",                    "no_recents"),                                         \
	F("allowMailDrop",                                "mail_drop")

static const struct render_row exchange_rows[] = {
	F("EmailAddress",                    "email"),
	F("Host",                            "server"),
	F("SSL",                             "tls"),
	F("UserName",                        "username"),
	F("Password",                        "password"),
	F("OAuth",                           "oauth"),
	F("OAuthSignInURL",                  "oauth_url"),
	F("OAuthTokenRequestURL",            "oauth_token_url"),
	F("OverridePreviousPassword",        "replaces_password"),
	ID("PayloadCertificateUUID",         "identity"),
	F("MailNumberOfPastDaysToSync",      "days"),
	KEEP,
	SMIME,
	F("EnableMail",                      "mail"),
	F("EnableContacts",                  "contacts"),
	F("EnableCalendars",                 "calendars"),
	F("EnableReminders",                 "reminders"),
	F("EnableNotes",                     "notes"),
	F("EnableMailUserOverridable",       "mail_is_free"),
	F("EnableContactsUserOverridable",   "contacts_is_free"),
	F("EnableCalendarsUserOverridable",  "calendars_is_free"),
	F("EnableRemindersUserOverridable",  "reminders_is_free"),
	F("EnableNotesUserOverridable",      "notes_is_free"),
	F("CommunicationServiceRules/DefaultServiceHandlers/AudioCall", "audio_call_app"),
};

static const struct render_row email_rows[] = {
	{.path = "EmailAccountType",         .kind = RENDER_FIELD, .field = "kind", .words = mail_kinds},
	F("EmailAccountDescription",         "account"),
	F("EmailAccountName",                "full_name"),
	F("EmailAddress",                    "email"),
	F("IncomingMailServerHostName",      "server"),
	F("IncomingMailServerPortNumber",    "port"),
	F("IncomingMailServerUseSSL",        "tls"),
	{.path = "IncomingMailServerAuthentication", .kind = RENDER_FIELD, .field = "authentication", .words = mail_auths},
	F("IncomingMailServerUsername",      "username"),
	F("IncomingPassword",                "password"),
	F("IncomingMailServerIMAPPathPrefix", "path_prefix"),
	F("OutgoingMailServerHostName",      "out_server"),
	F("OutgoingMailServerPortNumber",    "out_port"),
	F("OutgoingMailServerUseSSL",        "out_tls"),
	{.path = "OutgoingMailServerAuthentication", .kind = RENDER_FIELD, .field = "out_authentication", .words = mail_auths},
	F("OutgoingMailServerUsername",      "out_username"),
	F("OutgoingPassword",                "out_password"),
	F("OutgoingPasswordSameAsIncomingPassword", "out_same_password"),
	KEEP,
	SMIME,
};

static const char *const not_mail[] = {"tvos", "watchos", NULL};
static const char *const not_exchange[] = {"macos", "tvos", "watchos", NULL};

#define TABLE(setting_, payload_, rows_, not_for_)                                                               \
	{.setting = setting_, .payload = payload_, .rows = rows_, .num_rows = MST_LEN(rows_), .not_for = not_for_}
static const struct render_table wifi = TABLE("wifi", "com.apple.wifi.managed", wifi_rows, NULL);
static const struct render_table exchange = TABLE("exchange", "com.apple.eas.account", exchange_rows, not_exchange);
static const struct render_table email = TABLE("email", "com.apple.mail.managed", email_rows, not_mail);
static const struct render_table scep = {.setting = "scep"}, root = {.setting = "root"}; /* nothing but certificates */
/* clang-format on */

const struct render_table *const mst_render_tables[] = {&wifi, &mst_render_vpn, &exchange, &email, &scep, &root};
const size_t mst_render_num_tables = MST_LEN(mst_render_tables);
