/* SPDX-License-Identifier: Apache-2.0 */
/* The little DER that SCEP itself reads, and the names of a certificate of ours, which its successor keeps. */
#include <arpa/inet.h>

#include "own.h"

#define NAMES_MAX 64 /* of one kind; a device has a few */
#define LIST_MAX  16 /* DNS names of a challenge */

bool mst_parts_next(struct mst_slice *rest, uint8_t *tag, struct mst_slice *contents, struct mst_slice *whole)
{
	size_t len, head = 2;

	if (rest->len < 2 || (rest->at[0] & 0x1f) == 0x1f)
		return false;
	len = rest->at[1];
	if (len & 0x80) {
		size_t num = len & 0x7f;
		if (num == 0 || num > 3 || rest->len < 2 + num)
			return false;
		len = 0;
		for (size_t i = 0; i < num; i++)
			len = len << 8 | rest->at[2 + i];
		head += num;
	}
	if (len > rest->len - head)
		return false;
	*tag = rest->at[0];
	*contents = mst_slice(rest->at + head, len);
	if (whole)
		*whole = mst_slice(rest->at, head + len);
	*rest = mst_slice(rest->at + head + len, rest->len - head - len);
	return true;
}

static int no_memory(struct mst_err *e)
{
	return mst_fail(e, MST_E_BUSY, "out of memory for names");
}

int mst_parts_list(const char *const **out, struct mst_arena *arena, struct mst_slice texts, struct mst_err *e)
{
	const char **list = mst_arena_zero(arena, (LIST_MAX + 1) * sizeof(*list));
	struct mst_slice part, rest = texts, copy;

	*out = NULL;
	if (texts.len == 0)
		return 0;
	if (!list)
		return no_memory(e);
	for (size_t n = 0; rest.len; n++) {
		if (n == LIST_MAX)
			return mst_fail(e, MST_E_STORE, "too many names in a challenge");
		if (!mst_slice_cut(&part, &rest, rest, 0))
			rest.len = 0;
		if (!mst_arena_copy(arena, &copy, part))
			return no_memory(e);
		list[n] = (const char *)copy.at;
	}
	*out = list;
	return 0;
}

/* GeneralName, RFC 5280 4.2.1.6, by the context tag. */
enum { TAG_EMAIL = 0x81, TAG_DNS = 0x82, TAG_URI = 0x86, TAG_IP = 0x87 };

static int put_name(const char **list, size_t *num, struct mst_arena *arena, uint8_t tag, struct mst_slice value, struct mst_err *e)
{
	char ip[INET6_ADDRSTRLEN];
	struct mst_slice copy;

	if (tag == TAG_IP) {
		if ((value.len != 4 && value.len != 16) ||
		    !inet_ntop(value.len == 4 ? AF_INET : AF_INET6, value.at, ip, sizeof(ip)))
			return mst_fail(e, MST_E_SYNTAX, "no IP address in a certificate");
		value = mst_slice_str(ip);
	}
	if (*num == NAMES_MAX || !mst_arena_copy(arena, &copy, value))
		return no_memory(e);
	list[(*num)++] = (const char *)copy.at;
	return 0;
}

/* All names of one kind. */
static int alt_names(const char *const **out, struct mst_arena *arena, struct mst_slice san, uint8_t kind, struct mst_err *e)
{
	const char **list = mst_arena_zero(arena, (NAMES_MAX + 1) * sizeof(*list));
	struct mst_slice rest = san, value;
	size_t num = 0;
	uint8_t tag;

	if (!list)
		return no_memory(e);
	while (rest.len) {
		if (!mst_parts_next(&rest, &tag, &value, NULL))
			return mst_fail(e, MST_E_SYNTAX, "broken names in a certificate");
		if (tag == kind && put_name(list, &num, arena, tag, value, e) < 0)
			return -1;
	}
	*out = num ? list : NULL;
	return 0;
}

/* The organization of a Name, NULL when there is none. */
static int organization(const char **out, struct mst_arena *arena, struct mst_slice name, struct mst_err *e)
{
	static const struct mst_slice oid = MST_S_INIT("\x55\x04\x0a");
	struct mst_slice names, set, pair, type, value, copy;
	uint8_t tag;

	*out = NULL;
	if (!mst_parts_next(&name, &tag, &names, NULL))
		return mst_fail(e, MST_E_SYNTAX, "a broken subject in a certificate");
	while (mst_parts_next(&names, &tag, &set, NULL)) {
		if (!mst_parts_next(&set, &tag, &pair, NULL) || !mst_parts_next(&pair, &tag, &type, NULL) ||
		    !mst_slice_eq(type, oid) || !mst_parts_next(&pair, &tag, &value, NULL))
			continue;
		if (!mst_arena_copy(arena, &copy, value))
			return no_memory(e);
		*out = (const char *)copy.at;
	}
	return 0;
}

int mst_parts_subject(struct mst_subject *out, struct mst_arena *arena, const struct mst_cert *cert, struct mst_slice name,
		      struct mst_err *e)
{
	struct mst_slice san = cert->san, copy;

	*out = (struct mst_subject){.common_name = NULL};
	if (!mst_arena_copy(arena, &copy, name))
		return no_memory(e);
	out->common_name = (const char *)copy.at;
	if (organization(&out->organization, arena, cert->subject, e) < 0 || alt_names(&out->dns, arena, san, TAG_DNS, e) < 0 ||
	    alt_names(&out->ips, arena, san, TAG_IP, e) < 0 || alt_names(&out->uris, arena, san, TAG_URI, e) < 0 ||
	    alt_names(&out->emails, arena, san, TAG_EMAIL, e) < 0)
		return -1;
	return 0;
}
