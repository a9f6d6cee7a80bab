/* SPDX-License-Identifier: Apache-2.0 */
/* The device, its user, and certificates of a CA with an intermediate. */
#include "render_kit.h"

#include <stdio.h>
#include <string.h>

#include "pki.h"

static int read_object(struct render_kit *kit, struct mst_object *o, enum mst_noun noun, const char *text)
{
	struct mst_json_value *root;
	int rc;

	cr_assert_eq(mst_json_parse(&root, mst_slice_str(text), MST_OBJECT_MAX, 8, &kit->e), 0, "%s: %s", text, kit->e.text);
	rc = mst_object_read(o, &kit->arena, root, noun, NULL, &kit->e);
	mst_json_free(&root);
	for (size_t i = 0; rc == 0 && i < 16; i++)
		o->uuid[i] = (uint8_t)(o->id[i] ^ 0x5a);
	return rc;
}

static void make(struct render_kit *kit, struct mst_object *o, enum mst_noun noun, const char *text)
{
	cr_assert_eq(read_object(kit, o, noun, text), 0, "%s: %s", text, kit->e.text);
}

static void certs_make(struct render_kit *kit)
{
	struct pki root = pki_make(&kit->arena, MST_KEY_P256, PKI_CA(.common_name = "Root"), NULL);
	struct pki middle = pki_make(&kit->arena, MST_KEY_P256, PKI_CA(.common_name = "Middle"), &root);
	struct pki leaf = pki_make(&kit->arena, MST_KEY_P256, PKI_LEAF(.common_name = "jane"), &middle);

	kit->ca_pem = root.pem;
	kit->ca_der = root.der;
	kit->middle_der = middle.der;
	kit->leaf_der = leaf.der;
	kit->asks[0].held.cert = leaf.der;
	kit->asks[0].held.chain = pki_join(&kit->arena, middle.der, root.der);
	mst_key_free(&root.key);
	mst_key_free(&middle.key);
	mst_key_free(&leaf.key);
}

static void identities_make(struct render_kit *kit)
{
	make(kit, &kit->enrollments[0], MST_NOUN_ENROLLMENT,
	     "{\"name\":\"Held\",\"type\":\"local\",\"fields\":{\"authority\":\"a\",\"common_name\":\"$USERID$\"}}");
	make(kit, &kit->enrollments[1], MST_NOUN_ENROLLMENT,
	     "{\"name\":\"Asked\",\"type\":\"scep\",\"fields\":{\"mode\":\"decentralized\",\"url\":\"https://ca/scep\",\"common_name\":\"x\"}}");
	make(kit, &kit->enrollments[2], MST_NOUN_ENROLLMENT,
	     "{\"name\":\"Derived\",\"type\":\"client-provided\",\"fields\":{\"purpose\":\"signing\",\"provider\":\"Entrust\"}}");
	certs_make(kit);
	kit->asks[0].form = MST_IDENTITY_FILE;
	kit->asks[0].held.not_after = PKI_NOW;
	kit->identities[0].p12 = MST_S("the file");
	kit->identities[0].password = MST_S("pass word");
	kit->asks[1].form = MST_IDENTITY_SCEP;
	kit->asks[1].scep_url = MST_S("https://ca/scep");
	kit->asks[1].scep_name = MST_S("Issuer");
	kit->asks[1].scep_challenge = MST_S("once");
	kit->asks[1].scep_subject = MST_S("CN=jane\\, doe+UID=7,OU=Sales,O=Example");
	kit->asks[1].scep_san = MST_S("rfc822=jane@example.com\ndns=a.example.com\nupn=jane@corp");
	kit->asks[1].ca_fingerprint = MST_S("12345678901234567890");
	kit->asks[1].scep_key_bits = 2048;
	kit->asks[1].scep_key_usage = 5;
	kit->asks[2].form = MST_IDENTITY_CLIENT;
	for (size_t i = 0; i < KIT_IDENTITIES; i++) {
		kit->asks[i].rc = 1;
		kit->identities[i].enrollment = &kit->enrollments[i];
		kit->identities[i].told = &kit->asks[i];
	}
}

void render_kit_init(struct render_kit *kit)
{
	*kit = (struct render_kit){.render = {.num_identities = KIT_IDENTITIES}};
	mst_arena_init(&kit->arena, NULL, 0);
	make(kit, &kit->user, MST_NOUN_USER,
	     "{\"name\":\"jane\",\"fields\":{\"email\":\"jane@example.com\",\"display_name\":\"Jane Doe\"}}");
	kit->device = (struct mst_detail){.platform = MST_S("ios"), .serial = MST_S("C02"), .user = MST_S("jane")};
	identities_make(kit);
	kit->render.device = &kit->device;
	kit->render.user = &kit->user;
	kit->render.identities = kit->identities;
	kit->render.organization = MST_S("Example");
	kit->render.setting = &kit->setting;
	kit->render.arena = &kit->arena;
}

void render_kit_done(struct render_kit *kit)
{
	mst_arena_done(&kit->arena);
}

/* A PEM text as JSON has it. */
static struct mst_slice with_ca(struct render_kit *kit, const char *fields)
{
	const char *at = strstr(fields, "%CA%");
	struct mst_slice out, pem = kit->ca_pem;
	struct mst_grow grow;

	if (!at)
		return mst_slice_str(fields);
	mst_grow_init(&grow, &kit->arena);
	mst_grow_put(&grow, mst_slice(fields, (size_t)(at - fields)));
	for (size_t i = 0; i < pem.len && pem.at[i]; i++)
		mst_grow_put(&grow, pem.at[i] == '\n' ? MST_S("\\n") : mst_slice(pem.at + i, 1));
	mst_grow_put(&grow, mst_slice_str(at + 4));
	cr_assert_eq(mst_grow_end(&grow, &out, &kit->e), 0);
	return out;
}

int render_kit_read(struct render_kit *kit, const char *type, const char *fields)
{
	struct mst_slice text, inner = with_ca(kit, fields);

	cr_assert(mst_arena_format(&kit->arena, &text, "{\"name\":\"My %s\",\"type\":\"%s\",\"fields\":{%.*s}}", type, type,
				   (int)inner.len, (const char *)inner.at));
	return read_object(kit, &kit->setting, MST_NOUN_SETTING, (const char *)text.at);
}

void render_kit_set(struct render_kit *kit, const char *type, const char *fields)
{
	cr_assert_eq(render_kit_read(kit, type, fields), 0, "%s {%s}: %s", type, fields, kit->e.text);
}

const char *render_kit_text(struct render_kit *kit, enum mst_render_way way)
{
	struct mst_slice text;

	cr_assert_eq(mst_render(&kit->render, way, &kit->e), 0, "%s", kit->e.text);
	cr_assert(mst_arena_copy(&kit->arena, &text, kit->render.body));
	return (const char *)text.at;
}

/* clang-format off */
#define SMIME                                                                                                                    \
	"\"smime_signs\":true,\"smime_signing_identity\":\"Held\",\"smime_signing_is_free\":false,"                              \
	"\"smime_signing_identity_is_free\":true,\"smime_encrypts\":true,\"smime_encryption_identity\":\"Asked\","               \
	"\"smime_encryption_is_free\":true,\"smime_encryption_identity_is_free\":false,\"smime_switch\":true,"                   \
	"\"keeps_messages\":true,\"only_mail_app\":true,\"no_recents\":false,\"mail_drop\":true"
#define ON_DEMAND                                                                                                                \
	"\"on_demand\":true,\"on_demand_domains\":[\"corp.example.com\"],\"on_demand_never\":[\"www.example.com\"],"             \
	"\"on_demand_trusted_ssids\":[\"Office\"],\"on_demand_trusted_domains\":[\"example.com\"],"                              \
	"\"on_demand_probe\":\"https://in.example.com/\""
#define APP                                                                                                                      \
	"\"configuration\":[{\"key\":\"mail\",\"value\":\"$EMAIL$\"}],"                                                          \
	"\"identities\":[{\"key\":\"auth\",\"value\":\"Held\"},{\"key\":\"sign\",\"value\":\"Derived\"}],"                       \
	"\"tunnels\":[{\"key\":\"*.corp:443\",\"value\":\"sentry\"}],\"tunnel_identity\":\"Derived\""

const struct setting_row render_settings[] = {
	{"wifi", "\"ssid\":\"Guests of $USERID$\",\"password\":\"long word\",\"description\":\"For guests\",\"is_hidden\":true"},
	{"wifi", "\"ssid\":\"Corp\",\"eap_types\":[\"tls\",\"ttls\"],\"identity\":\"Held\",\"username\":\"$USERID$\",\"ca\":\"%CA%\","
		 "\"user_password\":\"w\",\"outer_identity\":\"anonymous\",\"inner_authentication\":\"mschapv2\","
		 "\"asks_password_each_time\":false,\"needs_certificate\":true,\"tls_minimum\":\"1.2\",\"tls_maximum\":\"1.3\","
		 "\"server_names\":[\"radius.example.com\"],\"uses_pac\":true,\"provisions_pac\":true,"
		 "\"provisions_pac_anonymously\":false,\"num_rands\":3,\"security\":\"wpa3\""},
	{"wifi", "\"ssid\":\"Proxied\",\"security\":\"any\",\"proxy\":\"manual\",\"proxy_server\":\"p\",\"proxy_port\":3128,"
		 "\"proxy_username\":\"u\",\"proxy_password\":\"w\",\"passes_captive_portal\":true,\"keeps_mac\":true,\"ipv6\":false,"
		 "\"qos\":true,\"qos_apps\":[\"com.example.call\"],\"qos_calls\":false,\"setup_modes\":[\"System\"]"},
	{"wifi", "\"domain_name\":\"example.com\",\"is_hotspot\":true,\"operator_name\":\"Op\",\"roams\":true,\"roaming_ois\":[\"001122\"],"
		 "\"realm_names\":[\"r\"],\"mcc_mncs\":[\"310410\"],\"hessid\":\"00:11:22:33:44:55\",\"proxy\":\"auto\","
		 "\"proxy_pac_url\":\"http://p/pac\",\"proxy_pac_fallback\":true,\"joins_by_itself\":false"},
	{"vpn", "\"kind\":\"ikev2\",\"server\":\"vpn.example.com\",\"authentication\":\"certificate\",\"identity\":\"Held\","
		"\"local_id\":\"$EMAIL$\",\"remote_id\":\"vpn.example.com\",\"eap\":true,\"username\":\"$USERID$\",\"password\":\"w\","
		"\"ca\":\"%CA%\",\"certificate_type\":\"ecdsa256\",\"server_ca_name\":\"Root\",\"server_name\":\"vpn\",\"tls_minimum\":\"1.2\","
		"\"tls_maximum\":\"1.2\",\"dead_peer\":\"high\",\"pfs\":true,\"checks_revocation\":false,\"no_mobike\":true,"
		"\"no_redirect\":true,\"uses_internal_subnet\":true,\"nat_offload\":true,\"nat_interval_s\":60,\"mtu\":1300,"
		"\"ike_cipher\":\"aes-256-gcm\",\"ike_hash\":\"sha2-384\",\"ike_group\":20,\"ike_minutes\":600,"
		"\"child_cipher\":\"chacha20-poly1305\",\"child_hash\":\"sha2-256\",\"child_group\":31,\"child_minutes\":60,"
		"\"idle_s\":300,\"includes_all_networks\":true,\"excludes_local_networks\":true,\"enforces_routes\":false,"
		"\"on_demand_locked\":true," ON_DEMAND},
	{"vpn", "\"kind\":\"ikev2\",\"server\":\"v\",\"authentication\":\"shared-secret\",\"shared_secret\":\"s\",\"local_id\":\"a\","
		"\"remote_id\":\"b\",\"dns_servers\":[\"10.0.0.1\"],\"dns_protocol\":\"https\",\"dns_server_name\":\"https://d/\","
		"\"dns_search_domains\":[\"corp\"],\"dns_match_domains\":[\"corp\"],\"proxy_server\":\"p\",\"proxy_port\":80,"
		"\"proxy_username\":\"u\",\"proxy_password\":\"w\",\"on_demand\":true,\"on_demand_otherwise\":\"connect\""},
	{"vpn", "\"kind\":\"ipsec\",\"server\":\"v\",\"authentication\":\"certificate\",\"identity\":\"Asked\",\"username\":\"u\","
		"\"password\":\"w\",\"idle_s\":60,\"sends_all\":true,\"proxy_pac_url\":\"http://p/pac\"," ON_DEMAND},
	{"vpn", "\"kind\":\"ipsec\",\"server\":\"v\",\"authentication\":\"shared-secret\",\"shared_secret\":\"s\",\"local_id\":\"group\""},
	{"vpn", "\"kind\":\"l2tp\",\"server\":\"v\",\"authentication\":\"password\",\"shared_secret\":\"s\",\"username\":\"$USERID$\","
		"\"password\":\"w\",\"idle_s\":60,\"sends_all\":true"},
	{"vpn", "\"kind\":\"app\",\"server\":\"v\",\"authentication\":\"password+certificate\",\"identity\":\"Held\",\"app\":\"com.cisco.anyconnect\","
		"\"provider\":\"com.cisco.p\",\"provider_type\":\"packet-tunnel\",\"username\":\"u\",\"password\":\"w\","
		"\"vendor\":[{\"key\":\"Group\",\"value\":\"$USERID$\"}],\"includes_all_networks\":true,\"dns_servers\":[\"10.0.0.1\"],"
		"\"dns_protocol\":\"tls\",\"dns_server_name\":\"d\"," ON_DEMAND},
	{"vpn", "\"kind\":\"transparent-proxy\",\"server\":\"v\",\"authentication\":\"certificate\",\"identity\":\"Held\",\"app\":\"a.b\","
		"\"provider_requirement\":\"anchor apple\",\"provider_type\":\"app-proxy\",\"enforces_routes\":true," ON_DEMAND},
	{"exchange", "\"server\":\"mail.example.com\",\"email\":\"$EMAIL$\",\"username\":\"CORP\\\\$USERID$\",\"password\":\"w\",\"identity\":\"Held\","
		     "\"ca\":\"%CA%\",\"days\":31,\"replaces_password\":true,\"mail\":true,\"contacts\":true,\"calendars\":false,"
		     "\"reminders\":false,\"notes\":true,\"mail_is_free\":false,\"contacts_is_free\":true,\"calendars_is_free\":true,"
		     "\"reminders_is_free\":true,\"notes_is_free\":true,\"audio_call_app\":\"com.example.call\"," SMIME},
	{"exchange", "\"server\":\"outlook.office365.com\",\"email\":\"$EMAIL$\",\"oauth\":true,\"oauth_url\":\"https://login/\","
		     "\"oauth_token_url\":\"https://login/token\""},
	{"email", "\"email\":\"$EMAIL$\",\"server\":\"imap\",\"out_server\":\"smtp\",\"account\":\"Work\",\"full_name\":\"$DISPLAY_NAME$\","
		  "\"port\":993,\"authentication\":\"cram-md5\",\"username\":\"$USERID$\",\"password\":\"w\",\"path_prefix\":\"INBOX\","
		  "\"out_port\":587,\"out_authentication\":\"none\",\"out_username\":\"u\",\"out_password\":\"w\","
		  "\"out_same_password\":false,\"ca\":\"%CA%\",\"kind\":\"imap\"," SMIME},
	{"email", "\"email\":\"$EMAIL$\",\"server\":\"pop\",\"out_server\":\"smtp\",\"kind\":\"pop\",\"tls\":false,\"out_tls\":false"},
	{"scep", "\"identity\":\"Asked\",\"is_key_extractable\":true,\"allows_all_apps\":true"},
	{"scep", "\"identity\":\"Held\""},
	{"root", "\"certificates\":\"%CA%\""},
	{"appconnect", "\"app\":\"com.example.app\"," APP},
	{"docs", "\"app\":\"com.example.docs\",\"sites\":[{\"key\":\"Home\",\"value\":\"https://s/$USERID$\"}]," APP},
	{"web", "\"app\":\"com.example.web\",\"home_page\":\"https://w/$USERID$\",\"bookmarks\":[{\"key\":\"A\",\"value\":\"https://a/\"}]," APP},
};
/* clang-format on */
const size_t render_num_settings = MST_LEN(render_settings);
