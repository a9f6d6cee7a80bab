/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the payloads, one row each, in the order they are written. */
#include "own.h"

#define AT(field) offsetof(struct payload, field)

static void put_inside(struct mst_plist_out *w, const char *key, const struct payload *p)
{
	mst_plist_open_dict(w, key);
	mst_payload_put(w, p->inside, p->num_inside, p);
	mst_plist_close(w);
}

/* An X.500 name: relative names, each a list of type and value. */
static void put_subject(struct mst_plist_out *w, const char *key, const struct payload *p)
{
	mst_plist_open_array(w, key);
	mst_plist_open_array(w, NULL);
	mst_plist_open_array(w, NULL);
	mst_plist_put_text(w, NULL, MST_S("CN"));
	mst_plist_put_text(w, NULL, p->common_name);
	mst_plist_close(w);
	mst_plist_close(w);
	mst_plist_close(w);
}

static void put_alt_names(struct mst_plist_out *w, const char *key, const struct payload *p)
{
	struct mst_slice rest = p->dns, name;
	bool is_more = rest.len > 0;

	if (rest.len == 0)
		return;
	mst_plist_open_dict(w, key);
	mst_plist_open_array(w, "dNSName");
	while (is_more) {
		is_more = mst_slice_cut(&name, &rest, rest, 0);
		mst_plist_put_text(w, NULL, name);
	}
	mst_plist_close(w);
	mst_plist_close(w);
}

/* What the check-in service does; user channels may not be taken away from an enrolled device. */
static void put_capabilities(struct mst_plist_out *w, const char *key, const struct payload *p)
{
	mst_plist_open_array(w, key);
	mst_plist_put_text(w, NULL, MST_S("com.apple.mdm.per-user-connections"));
	mst_plist_close(w);
}

static void put_attributes(struct mst_plist_out *w, const char *key, const struct payload *p)
{
	static const char *const names[] = {"UDID", "VERSION", "PRODUCT", "SERIAL", "IMEI", "MEID", "DEVICE_NAME"};

	mst_plist_open_array(w, key);
	for (size_t i = 0; i < MST_LEN(names); i++)
		mst_plist_put_text(w, NULL, mst_slice_str(names[i]));
	mst_plist_close(w);
}

/* clang-format off */
#define COMMON                                                                                     \
	{.key = "PayloadType",         .kind = ROW_TEXT,   .at = AT(type)},                        \
	{.key = "PayloadVersion",      .kind = ROW_NUMBER, .number = 1},                           \
	{.key = "PayloadIdentifier",   .kind = ROW_TEXT,   .at = AT(identifier)},                  \
	{.key = "PayloadUUID",         .kind = ROW_TEXT,   .at = AT(uuid)},                        \
	{.key = "PayloadDisplayName",  .kind = ROW_TEXT,   .at = AT(display_name)},                \
	{.key = "PayloadOrganization", .kind = ROW_TEXT,   .at = AT(organization)}

static const struct payload_row profile_rows[] = {
	COMMON,
	{.key = "PayloadScope",               .kind = ROW_IS,     .text = "System"}, /* macOS: the device's, not a user's */
};
static const struct payload_row service_rows[] = {
	COMMON,
	{.key = "PayloadContent",             .kind = ROW_CALL,   .put = put_inside},
};
static const struct payload_row service_inside[] = {
	{.key = "URL",                        .kind = ROW_TEXT,   .at = AT(url)},
	{.key = "DeviceAttributes",           .kind = ROW_CALL,   .put = put_attributes},
	{.key = "Challenge",                  .kind = ROW_TEXT,   .at = AT(challenge)},
};
static const struct payload_row cert_rows[] = {
	COMMON,
	{.key = "PayloadCertificateFileName", .kind = ROW_TEXT,   .at = AT(file_name)},
	{.key = "PayloadContent",             .kind = ROW_DATA,   .at = AT(content)},
};
static const struct payload_row scep_rows[] = {
	COMMON,
	{.key = "PayloadContent",             .kind = ROW_CALL,   .put = put_inside},
};
static const struct payload_row scep_inside[] = {
	{.key = "URL",                        .kind = ROW_TEXT,   .at = AT(url)},
	{.key = "Name",                       .kind = ROW_TEXT,   .at = AT(name)},
	{.key = "Subject",                    .kind = ROW_CALL,   .put = put_subject},
	{.key = "SubjectAltName",             .kind = ROW_CALL,   .put = put_alt_names},
	{.key = "Challenge",                  .kind = ROW_TEXT,   .at = AT(challenge)},
	{.key = "Keysize",                    .kind = ROW_NUMBER, .number = 2048}, /* the default is 1024 */
	{.key = "Key Type",                   .kind = ROW_IS,     .text = "RSA"},
	{.key = "Key Usage",                  .kind = ROW_NUMBER, .number = 1 | 4}, /* signing, encryption */
	{.key = "CAFingerprint",              .kind = ROW_DATA,   .at = AT(fingerprint)},
	{.key = "Retries",                    .kind = ROW_NUMBER, .number = 3},
	{.key = "RetryDelay",                 .kind = ROW_NUMBER, .number = 10},
	{.key = "KeyIsExtractable",           .kind = ROW_YES_NO, .number = false},
};
static const struct payload_row mdm_rows[] = {
	COMMON,
	{.key = "IdentityCertificateUUID",    .kind = ROW_TEXT,   .at = AT(identity)},
	{.key = "Topic",                      .kind = ROW_TEXT,   .at = AT(topic)},
	{.key = "ServerURL",                  .kind = ROW_TEXT,   .at = AT(server_url)},
	{.key = "CheckInURL",                 .kind = ROW_TEXT,   .at = AT(checkin_url)},
	{.key = "SignMessage",                .kind = ROW_BOOL,   .at = AT(signs_messages)},
	{.key = "AccessRights",               .kind = ROW_NUMBER, .number = 8191}, /* all of them */
	{.key = "CheckOutWhenRemoved",        .kind = ROW_YES_NO, .number = true},
	{.key = "ServerCapabilities",         .kind = ROW_CALL,   .put = put_capabilities},
};

#define TABLE(type, rows, inside) {type, rows, MST_LEN(rows), inside, MST_LEN(inside)}
#define FLAT(type, rows) {type, rows, MST_LEN(rows), NULL, 0}
const struct payload_table mst_payload_tables[NUM_PAYLOADS] = {
	[PAYLOAD_PROFILE] = FLAT("Configuration", profile_rows),
	[PAYLOAD_SERVICE] = TABLE("Profile Service", service_rows, service_inside),
	[PAYLOAD_ROOT]    = FLAT("com.apple.security.root", cert_rows),
	[PAYLOAD_ABOVE]   = FLAT("com.apple.security.pkcs1", cert_rows),
	[PAYLOAD_SCEP]    = TABLE("com.apple.security.scep", scep_rows, scep_inside),
	[PAYLOAD_MDM]     = FLAT("com.apple.mdm", mdm_rows),
};
/* clang-format on */

static void put_row(struct mst_plist_out *w, const struct payload_row *row, const struct payload *p)
{
	const void *at = (const char *)p + row->at;

	switch (row->kind) {
	case ROW_TEXT:
		if (((const struct mst_slice *)at)->len)
			mst_plist_put_text(w, row->key, *(const struct mst_slice *)at);
		return;
	case ROW_DATA:
		if (((const struct mst_slice *)at)->len)
			mst_plist_put_data(w, row->key, *(const struct mst_slice *)at);
		return;
	case ROW_BOOL:
		mst_plist_put_bool(w, row->key, *(const bool *)at);
		return;
	case ROW_IS:
		mst_plist_put_text(w, row->key, mst_slice_str(row->text));
		return;
	case ROW_NUMBER:
		mst_plist_put_i64(w, row->key, row->number);
		return;
	case ROW_YES_NO:
		mst_plist_put_bool(w, row->key, row->number != 0);
		return;
	case ROW_CALL:
		row->put(w, row->key, p);
		return;
	}
}

void mst_payload_put(struct mst_plist_out *w, const struct payload_row *rows, size_t num_rows, const struct payload *p)
{
	for (size_t i = 0; i < num_rows; i++)
		put_row(w, &rows[i], p);
}
