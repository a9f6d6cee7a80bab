/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of com.apple.vpn.managed: a dictionary for each kind, where much comes again under another roof. */
#include "render_own.h"

enum { IKEV2, IPSEC, L2TP, APP, TRANSPARENT };

static const char *const kinds[] = {"IKEv2", "IPSec", "L2TP", "VPN", "TransparentProxy"};
static const char *const ike_auths[] = {"None", "SharedSecret", "Certificate", "", ""};
static const char *const app_auths[] = {"", "", "Certificate", "Password", "Password+Certificate"};
static const char *const cert_types[] = {"RSA", "ECDSA256", "ECDSA384", "ECDSA521", "RSA-PSS"};
static const char *const peers[] = {"None", "Low", "Medium", "High"};
static const char *const ciphers[] = {"AES-128", "AES-256", "AES-128-GCM", "AES-256-GCM", "ChaCha20Poly1305"};
static const char *const hashes[] = {"SHA1-96", "SHA1-160", "SHA2-256", "SHA2-384", "SHA2-512"};
static const char *const dns_words[] = {"Cleartext", "HTTPS", "TLS"};

/* clang-format off */
#define ROW(kind_, path_, how, ...) {.path = path_, .kind = how, .when = "kind", .only = MST_B(kind_), __VA_ARGS__}
#define F(kind_, path_, field_)   ROW(kind_, path_, RENDER_FIELD, .field = field_)
#define N(kind_, path_, field_)   ROW(kind_, path_, RENDER_01, .field = field_)
#define W(kind_, path_, field_, words_) ROW(kind_, path_, RENDER_FIELD, .field = field_, .words = words_)
#define IDLE(kind_, dict)                                                                                        \
	ROW(kind_, dict "/DisconnectOnIdle", RENDER_NUMBER, .number = 1, .needs = "idle_s"),               \
	F(kind_, dict "/DisconnectOnIdleTimer", "idle_s")
#define ON_DEMAND(kind_, dict)                                                                                   \
	N(kind_, dict "/OnDemandEnabled", "on_demand"),                                                          \
	ROW(kind_, dict "/OnDemandRules", RENDER_CALL, .needs = "on_demand", .put = mst_render_put_on_demand)
#define ROUTES(kind_, dict)                                                                                      \
	N(kind_, dict "/IncludeAllNetworks", "includes_all_networks"),                                           \
	N(kind_, dict "/ExcludeLocalNetworks", "excludes_local_networks"),                                       \
	N(kind_, dict "/EnforceRoutes", "enforces_routes")
#define LOCK(kind_, dict) N(kind_, dict "/OnDemandUserOverrideDisabled", "on_demand_locked")
/* Network extensions take server and user from here, though Apple's schema says so of IPSec only. */
#define EXTENSION(kind_, dict)                                                                                   \
	F(kind_, dict "/RemoteAddress", "server"),                                                               \
	F(kind_, dict "/AuthName", "username"),                                                                  \
	W(kind_, dict "/AuthenticationMethod", "authentication", app_auths),                                     \
	F(kind_, dict "/Password", "password"),                                                                  \
	ROW(kind_, dict "/PayloadCertificateUUID", RENDER_IDENTITY, .field = "identity"),                                 \
	F(kind_, dict "/ProviderBundleIdentifier", "provider"),                                                  \
	F(kind_, dict "/ProviderDesignatedRequirement", "provider_requirement"),                                 \
	F(kind_, dict "/ProviderType", "provider_type")
#define ASSOCIATION(dict, cipher, hash, group, minutes)                                                          \
	W(IKEV2, "IKEv2/" dict "/EncryptionAlgorithm", cipher, ciphers),                                         \
	W(IKEV2, "IKEv2/" dict "/IntegrityAlgorithm", hash, hashes),                                             \
	F(IKEV2, "IKEv2/" dict "/DiffieHellmanGroup", group),                                                    \
	F(IKEV2, "IKEv2/" dict "/LifeTimeInMinutes", minutes)

static const struct render_row rows[] = {
	{.path = "VPNType",                          .kind = RENDER_FIELD, .field = "kind", .words = kinds},
	{.path = "VPNSubType",                       .kind = RENDER_FIELD, .field = "app", .when = "kind", .only = MST_B(APP) | MST_B(TRANSPARENT)},
	{.path = "UserDefinedName",                  .kind = RENDER_NAME},
	{.path = "VendorConfig",                     .kind = RENDER_CALL, .needs = "vendor", .put = mst_render_put_vendor},
	{.path = "IPv4/OverridePrimary",             .kind = RENDER_01, .field = "sends_all", .when = "kind", .only = MST_B(IPSEC) | MST_B(L2TP)},

	F(IKEV2, "IKEv2/RemoteAddress",              "server"),
	F(IKEV2, "IKEv2/LocalIdentifier",            "local_id"),
	F(IKEV2, "IKEv2/RemoteIdentifier",           "remote_id"),
	W(IKEV2, "IKEv2/AuthenticationMethod",       "authentication", ike_auths),
	F(IKEV2, "IKEv2/SharedSecret",               "shared_secret"),
	ROW(IKEV2, "IKEv2/PayloadCertificateUUID",   RENDER_IDENTITY, .field = "identity"),
	W(IKEV2, "IKEv2/CertificateType",            "certificate_type", cert_types),
	N(IKEV2, "IKEv2/ExtendedAuthEnabled",        "eap"),
	F(IKEV2, "IKEv2/AuthName",                   "username"),
	F(IKEV2, "IKEv2/AuthPassword",               "password"),
	F(IKEV2, "IKEv2/ServerCertificateIssuerCommonName", "server_ca_name"),
	F(IKEV2, "IKEv2/ServerCertificateCommonName", "server_name"),
	F(IKEV2, "IKEv2/TLSMinimumVersion",          "tls_minimum"),
	F(IKEV2, "IKEv2/TLSMaximumVersion",          "tls_maximum"),
	W(IKEV2, "IKEv2/DeadPeerDetectionRate",      "dead_peer", peers),
	N(IKEV2, "IKEv2/EnablePFS",                  "pfs"),
	N(IKEV2, "IKEv2/EnableCertificateRevocationCheck", "checks_revocation"),
	N(IKEV2, "IKEv2/DisableMOBIKE",              "no_mobike"),
	N(IKEV2, "IKEv2/DisableRedirect",            "no_redirect"),
	N(IKEV2, "IKEv2/UseConfigurationAttributeInternalIPSubnet", "uses_internal_subnet"),
	N(IKEV2, "IKEv2/NATKeepAliveOffloadEnable",  "nat_offload"),
	F(IKEV2, "IKEv2/NATKeepAliveInterval",       "nat_interval_s"),
	F(IKEV2, "IKEv2/MTU",                        "mtu"),
	IDLE(IKEV2, "IKEv2"), ON_DEMAND(IKEV2, "IKEv2"), LOCK(IKEV2, "IKEv2"), ROUTES(IKEV2, "IKEv2"),
	ASSOCIATION("IKESecurityAssociationParameters", "ike_cipher", "ike_hash", "ike_group", "ike_minutes"),
	ASSOCIATION("ChildSecurityAssociationParameters", "child_cipher", "child_hash", "child_group", "child_minutes"),

	F(IPSEC, "IPSec/RemoteAddress",              "server"),
	W(IPSEC, "IPSec/AuthenticationMethod",       "authentication", ike_auths),
	ROW(IPSEC, "IPSec/SharedSecret",             RENDER_DATA, .field = "shared_secret"),
	ROW(IPSEC, "IPSec/PayloadCertificateUUID",   RENDER_IDENTITY, .field = "identity"),
	ROW(IPSEC, "IPSec/XAuthEnabled",             RENDER_NUMBER, .number = 1, .needs = "username"),
	F(IPSEC, "IPSec/XAuthName",                  "username"),
	F(IPSEC, "IPSec/XAuthPassword",              "password"),
	F(IPSEC, "IPSec/LocalIdentifier",            "local_id"),
	ROW(IPSEC, "IPSec/LocalIdentifierType",      RENDER_TEXT, .text = "KeyID", .needs = "local_id"),
	IDLE(IPSEC, "IPSec"), ON_DEMAND(IPSEC, "IPSec"),

	F(L2TP, "PPP/CommRemoteAddress",             "server"),
	F(L2TP, "PPP/AuthName",                      "username"),
	F(L2TP, "PPP/AuthPassword",                  "password"),
	IDLE(L2TP, "PPP"),
	ROW(L2TP, "IPSec/AuthenticationMethod",      RENDER_TEXT, .text = "SharedSecret"),
	ROW(L2TP, "IPSec/SharedSecret",              RENDER_DATA, .field = "shared_secret"),

	EXTENSION(APP, "VPN"), IDLE(APP, "VPN"), ON_DEMAND(APP, "VPN"), LOCK(APP, "VPN"), ROUTES(APP, "VPN"),
	EXTENSION(TRANSPARENT, "TransparentProxy"), IDLE(TRANSPARENT, "TransparentProxy"), ON_DEMAND(TRANSPARENT, "TransparentProxy"),
	N(TRANSPARENT, "TransparentProxy/EnforceRoutes", "enforces_routes"),

	{.path = "DNS/DNSProtocol",                  .kind = RENDER_FIELD, .field = "dns_protocol", .needs = "dns_servers", .words = dns_words},
	{.path = "DNS/ServerAddresses",              .kind = RENDER_FIELD, .field = "dns_servers"},
	{.path = "DNS/ServerURL",                    .kind = RENDER_FIELD, .field = "dns_server_name", .needs = "dns_servers", .when = "dns_protocol", .only = MST_B(1)},
	{.path = "DNS/ServerName",                   .kind = RENDER_FIELD, .field = "dns_server_name", .needs = "dns_servers", .when = "dns_protocol", .only = MST_B(2)},
	{.path = "DNS/SearchDomains",                .kind = RENDER_FIELD, .field = "dns_search_domains", .needs = "dns_servers"},
	{.path = "DNS/SupplementalMatchDomains",     .kind = RENDER_FIELD, .field = "dns_match_domains", .needs = "dns_servers"},

	{.path = "Proxies/ProxyAutoConfigEnable",    .kind = RENDER_NUMBER, .number = 1, .needs = "proxy_pac_url"},
	{.path = "Proxies/ProxyAutoConfigURLString", .kind = RENDER_FIELD, .field = "proxy_pac_url"},
	{.path = "Proxies/HTTPEnable",               .kind = RENDER_NUMBER, .number = 1, .needs = "proxy_server"},
	{.path = "Proxies/HTTPProxy",                .kind = RENDER_FIELD, .field = "proxy_server"},
	{.path = "Proxies/HTTPPort",                 .kind = RENDER_FIELD, .field = "proxy_port", .needs = "proxy_server"},
	{.path = "Proxies/HTTPProxyUsername",        .kind = RENDER_FIELD, .field = "proxy_username", .needs = "proxy_server"},
	{.path = "Proxies/HTTPProxyPassword",        .kind = RENDER_FIELD, .field = "proxy_password", .needs = "proxy_server"},
	{.path = "Proxies/HTTPSEnable",              .kind = RENDER_NUMBER, .number = 1, .needs = "proxy_server"},
	{.path = "Proxies/HTTPSProxy",               .kind = RENDER_FIELD, .field = "proxy_server"},
	{.path = "Proxies/HTTPSPort",                .kind = RENDER_FIELD, .field = "proxy_port", .needs = "proxy_server"},
};
/* clang-format on */

static const char *const not_for[] = {"watchos", NULL};
const struct render_table mst_render_vpn = {
	.setting = "vpn", .payload = "com.apple.vpn.managed", .rows = rows, .num_rows = MST_LEN(rows), .not_for = not_for};
