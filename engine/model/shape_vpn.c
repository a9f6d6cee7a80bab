/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a VPN setting (Apple's com.apple.vpn.managed). */
#include "shape_setting_own.h"

static const char *const kinds[] = {"ikev2", "ipsec", "l2tp", "app", "transparent-proxy", NULL};
static const char *const auths[] = {"none", "shared-secret", "certificate", "password", "password+certificate", NULL};
static const char *const cert_types[] = {"rsa", "ecdsa256", "ecdsa384", "ecdsa521", "rsa-pss", NULL};
static const char *const peer_words[] = {"none", "low", "medium", "high", NULL};
static const char *const tls_words[] = {"1.0", "1.1", "1.2", NULL};
static const char *const ciphers[] = {"aes-128", "aes-256", "aes-128-gcm", "aes-256-gcm", "chacha20-poly1305", NULL};
static const char *const hashes[] = {"sha1-96", "sha1-160", "sha2-256", "sha2-384", "sha2-512", NULL};
static const char *const providers[] = {"packet-tunnel", "app-proxy", NULL};
static const char *const otherwises[] = {"connect", "disconnect", "ignore", "allow", NULL};
static const char *const dns_words[] = {"cleartext", "https", "tls", NULL};

/* clang-format off */
static const struct mst_shape_row fields[] = {
	SETTING_ROWS,
	WORD("kind", REQ | SHOWS, kinds, NULL, "Protocol, or app: that of an app on the device"),
	TEXT("server", REQ | VAR | SHOWS, 256, "Name or address of the server"),
	WORD("authentication", REQ, auths, NULL, "How the device proves itself"),
	SECRET("shared_secret", "shared-secret, and l2tp"),
	IDENTITY("identity", SHOWS, "Certificate enrolment setting of the identity, for certificate"),
	TEXT("username", VAR, 256, "User name (XAuth, EAP, PPP)"),
	SECRET("password", "Its password; empty: the user is asked"),
	TEXT("local_id", VAR, 256, "ikev2, ipsec: how the device calls itself"),
	TEXT("remote_id", VAR, 256, "ikev2: how the server calls itself"),
	BOOL("sends_all", "l2tp, ipsec: all traffic goes through the tunnel"),
	CA_PEM,
	BOOL("eap", "ikev2: extended authentication"),
	WORD("certificate_type", 0, cert_types, NULL, "ikev2: kind of the identity's key"),
	TEXT("server_ca_name", 0, 256, "ikev2: common name of the CA of the server's certificate"),
	TEXT("server_name", 0, 256, "ikev2: common name of the server's certificate"),
	WORD("tls_minimum", 0, tls_words, NULL, "ikev2: lowest version of TLS within EAP"),
	WORD("tls_maximum", 0, tls_words, NULL, "ikev2: highest version of TLS within EAP"),
	WORD("dead_peer", 0, peer_words, NULL, "ikev2: how often a silent server is asked"),
	BOOL("pfs", "ikev2: perfect forward secrecy"),
	BOOL("checks_revocation", "ikev2: the server's certificate is looked up"),
	BOOL("no_mobike", "ikev2: no MOBIKE"),
	BOOL("no_redirect", "ikev2: no redirects"),
	BOOL("uses_internal_subnet", "ikev2: takes INTERNAL_IP4_SUBNET of the server"),
	BOOL("nat_offload", "ikev2: hardware keeps NAT open while the device sleeps"),
	NUMBER("nat_interval_s", 20, 3600, "ikev2: how often"),
	NUMBER("mtu", 1280, 1400, "ikev2: bytes of a packet"),
	WORD("ike_cipher", 0, ciphers, NULL, "ikev2: encryption of the control channel"),
	WORD("ike_hash", 0, hashes, NULL, "ikev2: its integrity"),
	NUMBER("ike_group", 14, 32, "ikev2: its Diffie-Hellman group"),
	NUMBER("ike_minutes", 10, 1440, "ikev2: its life"),
	WORD("child_cipher", 0, ciphers, NULL, "ikev2: encryption of the data"),
	WORD("child_hash", 0, hashes, NULL, "ikev2: its integrity"),
	NUMBER("child_group", 14, 32, "ikev2: its Diffie-Hellman group"),
	NUMBER("child_minutes", 10, 1440, "ikev2: its life"),
	TEXT("app", 0, 256, "app, transparent-proxy: bundle identifier of the app"),
	TEXT("provider", 0, 256, "app, transparent-proxy: bundle identifier of its provider, when there are several"),
	TEXT("provider_requirement", 0, 1024, "macOS: designated requirement of the provider"),
	WORD("provider_type", 0, providers, NULL, "Traffic by packets, or by app"),
	{"vendor", MST_FIELD_PAIRS, VAR, .most = 64, .help = "app: further keys that the app knows, with their values"},
	NUMBER("idle_s", 1, 86400, "Disconnects after so many idle seconds"),
	BOOL("includes_all_networks", "All traffic, of the system too, goes through the tunnel"),
	BOOL("excludes_local_networks", "But the local network's"),
	BOOL("enforces_routes", "Its routes come before the device's own"),
	BOOL("on_demand", "Connects by itself"),
	BOOL("on_demand_locked", "The user cannot switch that off"),
	TEXTS("on_demand_domains", 128, "On demand: connect for these domains where they cannot be reached"),
	TEXTS("on_demand_never", 128, "On demand: never for these domains"),
	TEXTS("on_demand_trusted_ssids", 64, "On demand: disconnect in these Wi-Fi networks"),
	TEXTS("on_demand_trusted_domains", 64, "On demand: disconnect in networks with these DNS domains"),
	TEXT("on_demand_probe", 0, 1024, "On demand: an address that answers 200 only inside"),
	WORD("on_demand_otherwise", 0, otherwises, "connect", "On demand without domains: what is done elsewhere"),
	WORD("dns_protocol", 0, dns_words, "cleartext", "How names are asked for"),
	TEXTS("dns_servers", 16, "Addresses of DNS servers inside"),
	TEXT("dns_server_name", 0, 1024, "https: address (URL) of the server; tls: its name"),
	TEXTS("dns_search_domains", 32, "Search domains inside"),
	TEXTS("dns_match_domains", 64, "Domains that are asked for inside"),
	TEXT("proxy_pac_url", VAR, 1024, "Proxy inside: address of the PAC file"),
	TEXT("proxy_server", VAR, 256, "Proxy inside: name or address"),
	NUMBER("proxy_port", 1, 65535, "Proxy inside: port"),
	TEXT("proxy_username", VAR, 256, "Proxy inside: user name"),
	SECRET("proxy_password", "Proxy inside: password"),
};
_Static_assert(MST_LEN(fields) <= MST_FIELDS_MAX, "an object has room for them");

enum { NONE, SHARED_SECRET, CERTIFICATE, PASSWORD, PASSWORD_CERTIFICATE };
/* What each kind takes. */
static const uint32_t taken[] = {
	/* ikev2 */             MST_B(NONE) | MST_B(SHARED_SECRET) | MST_B(CERTIFICATE),
	/* ipsec */             MST_B(SHARED_SECRET) | MST_B(CERTIFICATE),
	/* l2tp */              MST_B(PASSWORD),
	/* app */               MST_B(CERTIFICATE) | MST_B(PASSWORD) | MST_B(PASSWORD_CERTIFICATE),
	/* transparent-proxy */ MST_B(CERTIFICATE) | MST_B(PASSWORD) | MST_B(PASSWORD_CERTIFICATE),
};
/* clang-format on */

static bool is_dh_group(int64_t group)
{
	return (group >= 14 && group <= 21) || group == 31 || group == 32;
}

static int auth_check(const struct mst_object *o, struct mst_err *e)
{
	int64_t kind = mst_object_number(o, "kind"), auth = mst_object_number(o, "authentication");
	bool is_cert = auth == CERTIFICATE || auth == PASSWORD_CERTIFICATE;

	if (!(taken[kind] & MST_B(auth)))
		return mst_fail(e, MST_E_SYNTAX, "authentication: %s does not know %s", kinds[kind], auths[auth]);
	if (auth == SHARED_SECRET && mst_setting_needs(o, "shared_secret", "shared-secret", e) < 0)
		return -1;
	if (is_cert && mst_setting_needs(o, "identity", "certificate", e) < 0)
		return -1;
	if (!is_cert && mst_setting_has(o, "identity") && !mst_object_bool(o, "eap"))
		return mst_fail(e, MST_E_SYNTAX, "identity: %s uses none", auths[auth]);
	if (auth == NONE && !mst_object_bool(o, "eap"))
		return mst_fail(e, MST_E_SYNTAX, "authentication: none only with eap");
	return 0;
}

static int kind_check(const struct mst_object *o, struct mst_err *e)
{
	if (mst_setting_is(o, "kind", "ikev2"))
		return mst_setting_needs(o, "local_id", "ikev2", e) < 0 ? -1 : mst_setting_needs(o, "remote_id", "ikev2", e);
	if (mst_setting_is(o, "kind", "l2tp"))
		return mst_setting_needs(o, "shared_secret", "l2tp", e);
	if (mst_setting_is(o, "kind", "app") || mst_setting_is(o, "kind", "transparent-proxy"))
		return mst_setting_needs(o, "app", "this kind", e);
	return 0;
}

static int groups_check(const struct mst_object *o, struct mst_err *e)
{
	static const char *const names[] = {"ike_group", "child_group"};

	for (size_t i = 0; i < MST_LEN(names); i++)
		if (mst_setting_has(o, names[i]) && !is_dh_group(mst_object_number(o, names[i])))
			return mst_fail(e, MST_E_SYNTAX, "%s: 14 to 21, 31 or 32", names[i]);
	return 0;
}

/* Nobody is there to type a password. */
static bool may_on_demand(const struct mst_object *o)
{
	return !mst_setting_is(o, "kind", "l2tp") && (!mst_setting_is(o, "kind", "ipsec") || mst_setting_has(o, "identity"));
}

static int check(const struct mst_object *o, struct mst_err *e)
{
	if (auth_check(o, e) < 0 || kind_check(o, e) < 0 || groups_check(o, e) < 0 || mst_setting_keys_check(o, "vendor", e) < 0)
		return -1;
	if (mst_object_bool(o, "on_demand") && !may_on_demand(o))
		return mst_fail(e, MST_E_SYNTAX, "on_demand: needs ikev2, an app, or ipsec with a certificate");
	if (mst_setting_has(o, "proxy_server") && mst_setting_needs(o, "proxy_port", "proxy_server", e) < 0)
		return -1;
	if (!mst_setting_is(o, "dns_protocol", "cleartext") && mst_setting_needs(o, "dns_server_name", "dns_protocol", e) < 0)
		return -1;
	return mst_setting_pem_check(o, "ca", e);
}

const struct mst_shape mst_shape_vpn = SHAPE(SETTING, "vpn", "A virtual private network", fields, check);
