/* SPDX-License-Identifier: Apache-2.0 */
/* authority new, list, show, import, succeed, retire: the certificate authorities that the engine runs. */
#include <stdio.h>

#include "ctl.h"
#include "muster/file.h"
#include "table.h"

#define PEM_MAX 65536 /* what the engine takes */

static const struct {
	const char *title, *key;
} columns[] = {
	{"NAME", "name"}, {"STATE", "state"}, {"KIND", "kind"}, {"COMMON NAME", "common_name"}, {"NOT AFTER", "not_after"},
}, rows[] = {
	{"name", "name"}, {"state", "state"}, {"kind", "kind"}, {"common name", "common_name"}, {"serial", "serial"},
	{"not before", "not_before"}, {"not after", "not_after"}, {"SHA-256", "sha256"}, {"CRL hours", "crl_hours"}, {"CRL", "crl_url"},
	{"OCSP", "ocsp_url"}, {"successor", "successor"}, {"created", "created_at"}, {"changed", "changed_at"}, {"challenge", "challenge"},
};

static void put_text(struct mst_json *j, const char *key, const char *text)
{
	if (text)
		mst_json_text(j, key, mst_slice_str(text));
}

/* A flag's number, left out when it was not given. */
static int put_number(struct mst_json *j, const char *key, const char *flag, const char *text, struct mst_err *e)
{
	uint32_t number;

	if (!text)
		return 0;
	if (mst_ctl_u32(&number, flag, text, 0, 1, UINT32_MAX, e) < 0)
		return -1;
	mst_json_u64(j, key, number);
	return 0;
}

static int write_wish(struct mst_slice *out, struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_json j;

	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	put_text(&j, "name", ctl->args[0]);
	put_text(&j, "common_name", ctl->name);
	put_text(&j, "organization", ctl->organization);
	put_text(&j, "kind", ctl->kind);
	put_text(&j, "crl_url", ctl->crl_url);
	put_text(&j, "ocsp_url", ctl->ocsp_url);
	put_text(&j, "challenge_sha256", ctl->challenge_sha256);
	mst_json_bool(&j, "intermediate", ctl->is_intermediate);
	mst_json_bool(&j, "makes_challenge", ctl->makes_challenge);
	if (put_number(&j, "days", "days", ctl->days, e) < 0 || put_number(&j, "crl_hours", "crl-hours", ctl->crl_hours, e) < 0)
		return -1;
	mst_json_open(&j, "template");
	if (put_number(&j, "days", "device-days", ctl->device_days, e) < 0 ||
	    put_number(&j, "rsa_bits_min", "rsa-bits", ctl->rsa_bits, e) < 0 || put_number(&j, "hash_bits", "hash", ctl->hash, e) < 0)
		return -1;
	if (ctl->takes_rsa_only)
		mst_json_bool(&j, "takes_ec", false);
	mst_json_bool(&j, "takes_names", ctl->takes_names);
	mst_json_close(&j);
	mst_json_close(&j);
	return mst_json_end(&j, out, e);
}

static void print_one(struct mst_ctl *ctl, const struct mst_json_value *root)
{
	static const char *const pems[] = {"certificate", "csr"};
	struct mst_slice text;

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		text = mst_ctl_get(ctl, root, rows[i].key);
		if (mst_slice_eq(text, MST_S("-")) || text.len == 0)
			continue;
		printf("%-12s ", rows[i].title);
		mst_table_safe(stdout, text, false);
		putchar('\n');
	}
	for (size_t i = 0; i < MST_LEN(pems); i++)
		if (mst_json_get_text0(root, &text, pems[i], NULL) > 0)
			mst_table_safe(stdout, text, true);
}

static int ask(struct mst_ctl *ctl, const char *method, struct mst_slice target, struct mst_slice body, struct mst_err *e)
{
	struct mst_json_value *root;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, method, target, body, e) < 0)
		return -1;
	if (root)
		print_one(ctl, root);
	mst_json_free(&root);
	return MST_CTL_OK;
}

/* /v1/authorities/NAME and a tail. */
static int target_of(struct mst_slice *out, struct mst_ctl *ctl, const char *tail, struct mst_err *e)
{
	struct mst_slice name;

	if (mst_client_escape(&name, &ctl->arena, mst_slice_str(ctl->args[0]), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, out, "/v1/authorities/%.*s%s", (int)name.len, (const char *)name.at, tail))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

int mst_ctl_authority_new(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice body;

	return write_wish(&body, ctl, e) < 0 ? -1 : ask(ctl, "POST", MST_S("/v1/authorities"), body, e);
}

int mst_ctl_authority_list(struct mst_ctl *ctl, struct mst_err *e)
{
	const char *head[MST_LEN(columns) + 1] = {NULL};
	const struct mst_json_value *list;
	const struct mst_slice none = {NULL, 0};
	struct mst_json_value *root;
	struct mst_table table;
	int status, rc = 0;

	for (size_t i = 0; i < MST_LEN(columns); i++)
		head[i] = columns[i].title;
	if (mst_ctl_ask(&root, &status, ctl, "GET", MST_S("/v1/authorities"), none, e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	mst_table_begin(&table, &ctl->arena, head);
	if (mst_json_get_array0(root, &list, "authorities", e) < 0)
		rc = -1;
	for (size_t i = 0; rc == 0 && i < mst_json_num(list); i++)
		for (size_t k = 0; k < MST_LEN(columns); k++)
			mst_table_text(&table, mst_ctl_get(ctl, mst_json_at0(list, i), columns[k].key));
	if (rc == 0 && mst_table_print(&table, stdout) < 0)
		rc = mst_fail(e, MST_E_BUSY, "no memory");
	mst_json_free(&root);
	return rc < 0 ? -1 : MST_CTL_OK;
}

int mst_ctl_authority_show(struct mst_ctl *ctl, struct mst_err *e)
{
	const struct mst_slice none = {NULL, 0};
	struct mst_slice target;

	return target_of(&target, ctl, "", e) < 0 ? -1 : ask(ctl, "GET", target, none, e);
}

int mst_ctl_authority_import(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target, pem;

	if (target_of(&target, ctl, "/certificate", e) < 0 || mst_file_read(&pem, &ctl->arena, ctl->args[1], PEM_MAX, e) < 0)
		return -1;
	return ask(ctl, "PUT", target, pem, e);
}

int mst_ctl_authority_succeed(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target, body;
	struct mst_json j;

	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	if (ctl->args[1])
		mst_json_text(&j, "successor", mst_slice_str(ctl->args[1]));
	else
		mst_json_null(&j, "successor");
	mst_json_close(&j);
	if (mst_json_end(&j, &body, e) < 0 || target_of(&target, ctl, "/successor", e) < 0)
		return -1;
	return ask(ctl, "PUT", target, body, e);
}

int mst_ctl_authority_retire(struct mst_ctl *ctl, struct mst_err *e)
{
	const struct mst_slice none = {NULL, 0};
	struct mst_slice target;

	return target_of(&target, ctl, "/retire", e) < 0 ? -1 : ask(ctl, "POST", target, none, e);
}
