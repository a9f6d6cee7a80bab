/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a Wi-Fi setting (Apple's com.apple.wifi.managed). */
#include "shape_setting_own.h"

static const char *const securities[] = {"none", "wep", "wpa", "wpa2", "wpa3", "any", NULL};
static const char *const eap_types[] = {"tls", "leap", "eap-sim", "ttls", "eap-aka", "peap", "eap-fast", NULL};
static const char *const inner_words[] = {"pap", "eap", "chap", "mschap", "mschapv2", NULL};
static const char *const tls_words[] = {"1.0", "1.1", "1.2", "1.3", NULL};
static const char *const proxy_words[] = {"none", "manual", "auto", NULL};
static const char *const mode_words[] = {"System", "Loginwindow", NULL};

/* clang-format off */
static const struct mst_shape_row fields[] = {
	SETTING_ROWS,
	TEXT("ssid", VAR | SHOWS, 64, "Name of the network"),
	BOOL("is_hidden", "The network does not announce its name"),
	BOOL_ON("joins_by_itself", "Joins without being asked"),
	WORD("security", SHOWS, securities, "wpa2", "Encryption of the network"),
	SECRET("password", "Password of the network; not for enterprise networks"),
	TEXTS("eap_types", 7, "Enterprise network: tls, ttls, peap, eap-fast, leap, eap-sim, eap-aka"),
	IDENTITY("identity", SHOWS, "Certificate enrolment setting of the identity that devices show"),
	TEXT("username", VAR, 256, "Enterprise: user name"),
	SECRET("user_password", "Enterprise: password; empty: the user is asked"),
	TEXT("outer_identity", VAR, 256, "Enterprise: name that is seen outside of the tunnel"),
	WORD("inner_authentication", 0, inner_words, NULL, "Enterprise, ttls: authentication inside of the tunnel"),
	BOOL("asks_password_each_time", "Enterprise: the user is asked at each connection"),
	BOOL("needs_certificate", "Enterprise: an identity is needed for ttls, peap and eap-fast, too"),
	WORD("tls_minimum", 0, tls_words, NULL, "Enterprise: lowest version of TLS"),
	WORD("tls_maximum", 0, tls_words, NULL, "Enterprise: highest version of TLS"),
	CA_PEM,
	TEXTS("server_names", 32, "Enterprise: names that the server's certificate may have"),
	BOOL("uses_pac", "eap-fast: uses a PAC"),
	BOOL("provisions_pac", "eap-fast: takes a PAC from the server"),
	BOOL("provisions_pac_anonymously", "eap-fast: from a server that is not authenticated"),
	NUMBER("num_rands", 2, 3, "eap-sim: RAND values needed at least"),
	WORD("proxy", 0, proxy_words, "none", "Proxy"),
	TEXT("proxy_server", VAR, 256, "Manual proxy: name or address"),
	NUMBER("proxy_port", 1, 65535, "Manual proxy: port"),
	TEXT("proxy_username", VAR, 256, "Manual proxy: user name"),
	SECRET("proxy_password", "Manual proxy: password"),
	TEXT("proxy_pac_url", VAR, 1024, "Automatic proxy: address of the PAC file; empty: by WPAD"),
	BOOL("proxy_pac_fallback", "Goes without a proxy when the PAC file cannot be had"),
	BOOL("is_hotspot", "A Hotspot 2.0 network"),
	TEXT("operator_name", 0, 256, "Hotspot 2.0: name shown"),
	TEXT("domain_name", 0, 256, "Hotspot 2.0: domain; takes the place of the network's name"),
	BOOL("roams", "Hotspot 2.0: connects to partners"),
	TEXTS("roaming_ois", 32, "Hotspot 2.0: consortium identifiers"),
	TEXTS("realm_names", 32, "Hotspot 2.0: NAI realms"),
	TEXTS("mcc_mncs", 32, "Hotspot 2.0: country and network codes, six digits each"),
	TEXT("hessid", 0, 64, "Hotspot 2.0: HESSID"),
	BOOL("passes_captive_portal", "Does not look for a captive portal"),
	BOOL("keeps_mac", "Uses the real MAC address"),
	BOOL("ipv6", "macOS: IPv6 on this interface"),
	BOOL("qos", "Marks traffic where the network has QoS fast lane"),
	TEXTS("qos_apps", 128, "QoS: bundle identifiers of apps that may"),
	BOOL("qos_calls", "QoS: built-in calls may"),
	TEXTS("setup_modes", 2, "macOS: System, Loginwindow"),
};
/* clang-format on */

static int codes_check(const struct mst_object *o, struct mst_err *e)
{
	const struct mst_value *value = mst_object_value(o, "mcc_mncs");

	for (uint32_t i = 0; i < value->num_pairs; i++) {
		struct mst_slice code = value->pairs[i].value;
		bool is_good = code.len == 6;
		for (size_t k = 0; k < code.len; k++)
			is_good &= code.at[k] >= '0' && code.at[k] <= '9';
		if (!is_good)
			return mst_fail(e, MST_E_SYNTAX, "mcc_mncs: six digits each");
	}
	return 0;
}

static bool has_tls(const struct mst_object *o)
{
	const struct mst_value *value = mst_object_value(o, "eap_types");

	for (uint32_t i = 0; i < value->num_pairs; i++)
		if (mst_slice_eq(value->pairs[i].value, MST_S("tls")))
			return true;
	return false;
}

static int enterprise_check(const struct mst_object *o, struct mst_err *e)
{
	bool is_enterprise = mst_object_value(o, "eap_types")->num_pairs > 0;

	if (mst_setting_texts_check(o, "eap_types", eap_types, e) < 0)
		return -1;
	if (is_enterprise && mst_setting_has(o, "password"))
		return mst_fail(e, MST_E_SYNTAX, "password: an enterprise network has none; see user_password");
	if (!is_enterprise && (mst_setting_has(o, "identity") || mst_setting_has(o, "username")))
		return mst_fail(e, MST_E_SYNTAX, "identity, username: for enterprise networks; say their eap_types");
	if (has_tls(o) && mst_setting_needs(o, "identity", "tls", e) < 0)
		return -1;
	if (mst_object_bool(o, "needs_certificate") && mst_setting_needs(o, "identity", "needs_certificate", e) < 0)
		return -1;
	/* Apple: required with TLS 1.3 at least. */
	return mst_setting_is(o, "tls_minimum", "1.3") ? mst_setting_needs(o, "outer_identity", "tls_minimum 1.3", e) : 0;
}

static int check(const struct mst_object *o, struct mst_err *e)
{
	if (!mst_setting_has(o, "ssid") && !mst_setting_has(o, "domain_name"))
		return mst_fail(e, MST_E_SYNTAX, "ssid is needed");
	if (mst_setting_is(o, "security", "none") && (mst_setting_has(o, "password") || mst_setting_has(o, "eap_types")))
		return mst_fail(e, MST_E_SYNTAX, "security: an open network has no password and no eap_types");
	if (mst_setting_is(o, "proxy", "manual") && (mst_setting_needs(o, "proxy_server", "proxy manual", e) < 0 ||
						     mst_setting_needs(o, "proxy_port", "proxy manual", e) < 0))
		return -1;
	if (enterprise_check(o, e) < 0 || codes_check(o, e) < 0 || mst_setting_texts_check(o, "setup_modes", mode_words, e) < 0)
		return -1;
	return mst_setting_pem_check(o, "ca", e);
}

const struct mst_shape mst_shape_wifi = SHAPE(SETTING, "wifi", "A Wi-Fi network", fields, check);
