/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of Exchange and email settings (Apple's com.apple.eas.account and com.apple.mail.managed). */
#include "shape_setting_own.h"

static const char *const kinds[] = {"imap", "pop", NULL};
static const char *const auths[] = {"none", "password", "cram-md5", "ntlm", "http-md5", NULL};

/* clang-format off */
#define SMIME_ROWS                                                                                                               \
	BOOL("smime_signs", "S/MIME: messages are signed"),                                                                      \
	IDENTITY("smime_signing_identity", 0, "S/MIME: certificate enrolment setting of the identity that signs"),               \
	BOOL("smime_signing_is_free", "S/MIME: the user may switch signing"),                                                    \
	BOOL("smime_signing_identity_is_free", "S/MIME: the user may choose the identity"),                                      \
	BOOL("smime_encrypts", "S/MIME: messages are encrypted by default"),                                                     \
	IDENTITY("smime_encryption_identity", 0, "S/MIME: certificate enrolment setting of the identity that decrypts"),         \
	BOOL("smime_encryption_is_free", "S/MIME: the user may switch encryption"),                                              \
	BOOL("smime_encryption_identity_is_free", "S/MIME: the user may choose the identity"),                                   \
	BOOL("smime_switch", "S/MIME: a switch for each message")
#define KEEP_ROWS                                                                                                                \
	BOOL("keeps_messages", "Messages cannot be moved to other accounts"),                                                    \
	BOOL("only_mail_app", "Other apps cannot send with this account"),                                                       \
	BOOL("no_recents", "Addresses do not go to the list of recent ones"),                                                    \
	BOOL("mail_drop", "Mail Drop is allowed")

static const struct mst_shape_row exchange_rows[] = {
	SETTING_ROWS,
	TEXT("server", REQ | VAR | SHOWS, 256, "Name of the server"),
	BOOL_ON("tls", "Encrypted connections"),
	TEXT("email", REQ | VAR | SHOWS, 254, "Address, as $EMAIL$"),
	TEXT("username", VAR, 256, "User name, as DOMAIN\\$USERID$; empty: the user is asked"),
	SECRET("password", "Password; empty: the user is asked"),
	BOOL("oauth", "Signs in by OAuth, without a password"),
	TEXT("oauth_url", VAR, 1024, "OAuth: where the user signs in"),
	TEXT("oauth_token_url", VAR, 1024, "OAuth: where tokens are asked for"),
	BOOL("replaces_password", "This password takes the place of the one the user typed"),
	IDENTITY("identity", SHOWS, "Certificate enrolment setting of the identity that devices show"),
	CA_PEM,
	NUMBER("days", 0, 31, "Days of mail to keep on the device: 0 (all), 1, 3, 7, 14, 31"),
	KEEP_ROWS,
	SMIME_ROWS,
	BOOL("mail", "Mail is on"),
	BOOL("contacts", "Contacts are on"),
	BOOL("calendars", "Calendars are on"),
	BOOL("reminders", "Reminders are on"),
	BOOL("notes", "Notes are on"),
	BOOL("mail_is_free", "The user may switch mail"),
	BOOL("contacts_is_free", "The user may switch contacts"),
	BOOL("calendars_is_free", "The user may switch calendars"),
	BOOL("reminders_is_free", "The user may switch reminders"),
	BOOL("notes_is_free", "The user may switch notes"),
	TEXT("audio_call_app", 0, 256, "Bundle identifier of the app that calls people of this account"),
};
static const struct mst_shape_row email_rows[] = {
	SETTING_ROWS,
	WORD("kind", SHOWS, kinds, "imap", "IMAP or POP"),
	TEXT("account", VAR, 256, "How the account is called on the device"),
	TEXT("full_name", VAR, 256, "Name of the sender, as $DISPLAY_NAME$"),
	TEXT("email", REQ | VAR | SHOWS, 254, "Address, as $EMAIL$"),
	TEXT("server", REQ | VAR | SHOWS, 256, "Incoming: name of the server"),
	NUMBER("port", 1, 65535, "Incoming: port"),
	BOOL_ON("tls", "Incoming: encrypted connections"),
	WORD("authentication", 0, auths, "password", "Incoming: how the user proves himself"),
	TEXT("username", VAR, 256, "Incoming: user name"),
	SECRET("password", "Incoming: password; empty: the user is asked"),
	TEXT("path_prefix", 0, 256, "Incoming, IMAP: path prefix"),
	TEXT("out_server", REQ | VAR, 256, "Outgoing: name of the server"),
	NUMBER("out_port", 1, 65535, "Outgoing: port"),
	BOOL_ON("out_tls", "Outgoing: encrypted connections"),
	WORD("out_authentication", 0, auths, "password", "Outgoing: how the user proves himself"),
	TEXT("out_username", VAR, 256, "Outgoing: user name"),
	SECRET("out_password", "Outgoing: password"),
	BOOL("out_same_password", "Outgoing: the incoming password"),
	CA_PEM,
	KEEP_ROWS,
	SMIME_ROWS,
};
/* clang-format on */

static int smime_check(const struct mst_object *o, struct mst_err *e)
{
	if (mst_object_bool(o, "smime_signs") && mst_setting_needs(o, "smime_signing_identity", "smime_signs", e) < 0)
		return -1;
	if (mst_object_bool(o, "smime_encrypts") && mst_setting_needs(o, "smime_encryption_identity", "smime_encrypts", e) < 0)
		return -1;
	return mst_setting_pem_check(o, "ca", e);
}

static int exchange_check(const struct mst_object *o, struct mst_err *e)
{
	const uint32_t days = MST_B(0) | MST_B(1) | MST_B(3) | MST_B(7) | MST_B(14) | MST_B(31);

	if (mst_setting_has(o, "days") && !(days & MST_B(mst_object_number(o, "days"))))
		return mst_fail(e, MST_E_SYNTAX, "days: 0, 1, 3, 7, 14 or 31");
	if (mst_object_bool(o, "oauth") && mst_setting_has(o, "password"))
		return mst_fail(e, MST_E_SYNTAX, "password: not with oauth");
	return smime_check(o, e);
}

const struct mst_shape mst_shape_exchange =
	SHAPE(SETTING, "exchange", "An account on a Microsoft Exchange server", exchange_rows, exchange_check);
const struct mst_shape mst_shape_email = SHAPE(SETTING, "email", "A mail account", email_rows, smime_check);
