/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables of settings share: rows that all have, and checks of kinds of texts. */
#ifndef MUSTER_MODEL_SHAPE_SETTING_OWN_H
#define MUSTER_MODEL_SHAPE_SETTING_OWN_H

#include "shape_own.h"

#define REQ   MST_FIELD_REQUIRED
#define VAR   MST_FIELD_VARIABLES
#define SHOWS MST_FIELD_SHOWS

/* clang-format off */
#define SETTING_ROWS                                                                                                             \
	{"description", MST_FIELD_TEXT, SHOWS, .most = 1024, .help = "What it is for"},                                          \
	{"labels", MST_FIELD_REFS, SHOWS, .most = 64, .ref = MST_NOUN_LABEL, .help = "Labels whose devices get it"}
#define TEXT(name_, flags_, most_, help_) {name_, MST_FIELD_TEXT, flags_, .least = 1, .most = most_, .help = help_}
#define SECRET(name_, help_) {name_, MST_FIELD_SECRET, 0, .most = 1024, .help = help_}
#define BOOL(name_, help_) {name_, MST_FIELD_BOOL, 0, .help = help_}
#define BOOL_ON(name_, help_) {name_, MST_FIELD_BOOL, 0, .fallback = "true", .help = help_}
#define NUMBER(name_, least_, most_, help_) {name_, MST_FIELD_NUMBER, 0, .least = least_, .most = most_, .help = help_}
#define WORD(name_, flags_, words_, fallback_, help_) {name_, MST_FIELD_WORD, flags_, .words = words_, .fallback = fallback_, .help = help_}
#define TEXTS(name_, most_, help_) {name_, MST_FIELD_TEXTS, 0, .most = most_, .help = help_}
#define IDENTITY(name_, flags_, help_) {name_, MST_FIELD_REF, flags_, .ref = MST_NOUN_ENROLLMENT, .help = help_}
#define CA_PEM {"ca", MST_FIELD_TEXT, 0, .most = 65536, .help = "CA certificates that vouch for the server, PEM; they go with the setting"}
/* clang-format on */

/* mst_setting_needs: `field` is set, or -1 saying that `why` needs it. */
int mst_setting_needs(const struct mst_object *o, const char *field, const char *why, struct mst_err *e) MST_MUST;
/* mst_setting_is: the WORD field has this word. */
bool mst_setting_is(const struct mst_object *o, const char *field, const char *word);
bool mst_setting_has(const struct mst_object *o, const char *field);
/* mst_setting_texts_check: every text of a TEXTS field is one of `words` (NULL-terminated). */
int mst_setting_texts_check(const struct mst_object *o, const char *field, const char *const *words, struct mst_err *e) MST_MUST;
/* mst_setting_keys_check: no key of a PAIRS field is there twice. */
int mst_setting_keys_check(const struct mst_object *o, const char *field, struct mst_err *e) MST_MUST;
/* mst_setting_pem_check: a field that is set holds 1 to 16 certificates in PEM and nothing else. */
int mst_setting_pem_check(const struct mst_object *o, const char *field, struct mst_err *e) MST_MUST;

#endif
