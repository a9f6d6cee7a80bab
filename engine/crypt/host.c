/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a server's certificate is of the name or address that was dialled (RFC 9525 6). */
#include "muster/crypt.h"

#include <arpa/inet.h>

#include <openssl/bytestring.h>

#define NAME_MAX_LEN 253 /* of a DNS name, RFC 1035 2.3.4, without the dot of the root */
#define DNS_NAME     (CBS_ASN1_CONTEXT_SPECIFIC | 2)
#define IP_ADDRESS   (CBS_ASN1_CONTEXT_SPECIFIC | 7)

/* What was dialled: an address, or else a name. */
struct wanted {
	struct mst_slice name; /* without the dot of the root */
	uint8_t ip[16];
	size_t ip_len; /* 0: a name */
};

/* Letters, digits, hyphens, and the underscores some use: what a name may have that is looked up. */
static bool is_name(struct mst_slice s)
{
	if (s.len == 0 || s.len > NAME_MAX_LEN || s.at[0] == '.' || s.at[s.len - 1] == '.')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.at[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (!is_word && (c != '.' || s.at[i - 1] == '.'))
			return false;
	}
	return true;
}

static bool read_wanted(struct wanted *out, const char *host)
{
	*out = (struct wanted){.name = mst_slice_str(host)};
	if (inet_pton(AF_INET, host, out->ip) == 1)
		out->ip_len = 4;
	else if (inet_pton(AF_INET6, host, out->ip) == 1)
		out->ip_len = 16;
	if (out->ip_len)
		return true;
	if (out->name.len && out->name.at[out->name.len - 1] == '.')
		out->name.len--;
	return is_name(out->name);
}

static struct mst_slice behind_dot(struct mst_slice s)
{
	size_t dot = mst_slice_find(s, '.');
	return dot == s.len ? mst_slice(NULL, 0) : mst_slice(s.at + dot + 1, s.len - dot - 1);
}

/* "*" is a whole leftmost label, stands for one label, and never for all names below a top domain (RFC 9525 6.3). */
static bool is_name_of(struct mst_slice presented, struct mst_slice wanted)
{
	if (!mst_slice_starts(presented, MST_S("*.")))
		return is_name(presented) && mst_slice_case_eq(presented, wanted);
	presented = behind_dot(presented);
	return is_name(presented) && behind_dot(presented).len && mst_slice_case_eq(presented, behind_dot(wanted));
}

static bool is_of(const struct wanted *wanted, unsigned tag, struct mst_slice value)
{
	if (wanted->ip_len)
		return tag == IP_ADDRESS && mst_slice_eq(value, mst_slice(wanted->ip, wanted->ip_len));
	return tag == DNS_NAME && is_name_of(value, wanted->name);
}

int mst_host_check(struct mst_slice cert_der, const char *host, struct mst_err *e)
{
	struct mst_cert cert;
	struct wanted wanted;
	CBS names, name;
	unsigned tag;

	if (!read_wanted(&wanted, host))
		return mst_fail(e, MST_E_CRYPTO, "\"%.80s\" is neither a host's name nor an address", host);
	if (mst_cert_parse(&cert, cert_der, e) < 0)
		return -1;
	CBS_init(&names, cert.san.at, cert.san.len);
	while (CBS_len(&names)) {
		if (!CBS_get_any_asn1(&names, &name, &tag))
			return mst_fail(e, MST_E_CRYPTO, "the server's names cannot be read");
		if (is_of(&wanted, tag, mst_slice(CBS_data(&name), CBS_len(&name))))
			return 0;
	}
	return mst_fail(e, MST_E_CRYPTO, "the certificate is not of %.80s", host);
}
