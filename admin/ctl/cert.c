/* SPDX-License-Identifier: Apache-2.0 */
/* cert list, cert show, cert issue, cert revoke: certificates that the engine's authorities issued. */
#include <stdio.h>
#include <unistd.h>

#include "ctl.h"
#include "muster/csr.h"
#include "muster/file.h"
#include "muster/text.h"
#include "table.h"

static const struct {
	const char *title, *key;
} columns[] = {
	{"AUTHORITY", "authority"}, {"SERIAL", "serial"}, {"STATE", "state"}, {"NAME", "name"}, {"DEVICE", "device"},
	{"SOURCE", "source"}, {"NOT AFTER", "not_after"},
}, rows[] = {
	{"authority", "authority"}, {"serial", "serial"}, {"state", "state"}, {"name", "name"}, {"device", "device"},
	{"source", "source"}, {"issued", "issued_at"}, {"not after", "not_after"}, {"revoked", "revoked_at"}, {"reason", "reason"},
	{"SHA-256", "sha256"},
};

struct listing {
	struct mst_ctl *ctl;
	struct mst_table table;
};

static void on_item(void *context, const struct mst_json_value *item)
{
	struct listing *l = context;

	for (size_t i = 0; i < MST_LEN(columns); i++)
		mst_table_text(&l->table, mst_ctl_get(l->ctl, item, columns[i].key));
}

/* Adds "&name=value" with the value escaped. */
static int filter(struct mst_slice *target, struct mst_ctl *ctl, const char *name, const char *value, struct mst_err *e)
{
	struct mst_slice escaped;

	if (!value)
		return 0;
	if (mst_client_escape(&escaped, &ctl->arena, mst_slice_str(value), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, target, "%.*s&%s=%.*s", (int)target->len, (const char *)target->at, name, (int)escaped.len,
			      (const char *)escaped.at))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

int mst_ctl_cert_list(struct mst_ctl *ctl, struct mst_err *e)
{
	const char *head[MST_LEN(columns) + 1] = {NULL};
	struct mst_slice target = MST_S("/v1/certificates?");
	struct listing l = {.ctl = ctl};
	uint32_t most;

	for (size_t i = 0; i < MST_LEN(columns); i++)
		head[i] = columns[i].title;
	mst_table_begin(&l.table, &ctl->arena, head);
	if (mst_ctl_u32(&most, "limit", ctl->limit, UINT32_MAX, 1, UINT32_MAX, e) < 0 ||
	    filter(&target, ctl, "authority", ctl->num_args ? ctl->args[0] : NULL, e) < 0 ||
	    filter(&target, ctl, "state", ctl->state, e) < 0 ||
	    mst_ctl_pages(ctl, target, "certificates", most, &l, on_item, e) < 0)
		return -1;
	if (!ctl->is_json && mst_table_print(&l.table, stdout) < 0)
		return mst_fail(e, MST_E_BUSY, "no memory");
	return MST_CTL_OK;
}

/* /v1/certificates/AUTHORITY/SERIAL and a tail. */
static int target_of(struct mst_slice *out, struct mst_ctl *ctl, const char *tail, struct mst_err *e)
{
	struct mst_slice authority, serial;

	if (mst_client_escape(&authority, &ctl->arena, mst_slice_str(ctl->args[0]), "", e) < 0 ||
	    mst_client_escape(&serial, &ctl->arena, mst_slice_str(ctl->args[1]), "", e) < 0)
		return -1;
	if (!mst_arena_format(&ctl->arena, out, "/v1/certificates/%.*s/%.*s%s", (int)authority.len, (const char *)authority.at,
			      (int)serial.len, (const char *)serial.at, tail))
		return mst_fail(e, MST_E_BUSY, "no memory");
	return 0;
}

static int ask(struct mst_ctl *ctl, const char *method, struct mst_slice target, struct mst_err *e)
{
	const struct mst_slice none = {NULL, 0};
	struct mst_json_value *root;
	struct mst_slice pem;
	int status;

	if (mst_ctl_ask(&root, &status, ctl, method, target, none, e) < 0)
		return -1;
	if (!root)
		return MST_CTL_OK;
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		printf("%-10s ", rows[i].title);
		mst_table_safe(stdout, mst_ctl_get(ctl, root, rows[i].key), false);
		putchar('\n');
	}
	if (mst_json_get_text0(root, &pem, "certificate", NULL) > 0)
		mst_table_safe(stdout, pem, true);
	mst_json_free(&root);
	return MST_CTL_OK;
}

int mst_ctl_cert_show(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	return target_of(&target, ctl, "", e) < 0 ? -1 : ask(ctl, "GET", target, e);
}

int mst_ctl_cert_revoke(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_slice target;

	if (target_of(&target, ctl, "/revoke?", e) < 0 || filter(&target, ctl, "reason", ctl->reason, e) < 0)
		return -1;
	return ask(ctl, "POST", target, e);
}

static int write_wish(struct mst_slice *out, struct mst_ctl *ctl, struct mst_slice csr, struct mst_err *e)
{
	struct mst_json j;

	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	mst_json_text(&j, "authority", mst_slice_str(ctl->args[0]));
	mst_json_text(&j, "common_name", mst_slice_str(ctl->name));
	if (ctl->organization)
		mst_json_text(&j, "organization", mst_slice_str(ctl->organization));
	if (ctl->device)
		mst_json_text(&j, "device", mst_slice_str(ctl->device));
	mst_json_open_array(&j, "dns");
	for (size_t i = 0; ctl->dns[i]; i++)
		mst_json_text(&j, NULL, mst_slice_str(ctl->dns[i]));
	mst_json_close(&j);
	mst_json_text(&j, "csr", csr);
	mst_json_close(&j);
	return mst_json_end(&j, out, e);
}

static const char *const issued_texts[] = {"authority", "serial", "common_name", "not_after"};

/* Asks for the certificate; with --json the answer is printed as it comes, and root stays NULL. */
static int ask_issue(struct mst_json_value **root, struct mst_ctl *ctl, struct mst_slice csr, struct mst_err *e)
{
	struct mst_slice body;
	int status;

	*root = NULL;
	return write_wish(&body, ctl, csr, e) < 0 ? -1 : mst_ctl_ask(root, &status, ctl, "POST", MST_S("/v1/certificates"), body, e);
}

static void print_issued(struct mst_ctl *ctl, const struct mst_json_value *root)
{
	for (size_t i = 0; i < MST_LEN(issued_texts); i++) {
		printf("%-11s ", issued_texts[i]);
		mst_table_safe(stdout, mst_ctl_get(ctl, root, issued_texts[i]), false);
		putchar('\n');
	}
}

static int issue_for(struct mst_ctl *ctl, struct mst_err *e)
{
	struct mst_json_value *root;
	struct mst_slice csr, pem;

	if (mst_file_read(&csr, &ctl->arena, ctl->csr, 2 * MST_CSR_MAX, e) < 0 || ask_issue(&root, ctl, csr, e) < 0)
		return -1;
	if (root) {
		print_issued(ctl, root);
		if (mst_json_get_text0(root, &pem, "certificate", NULL) > 0)
			mst_table_safe(stdout, pem, true);
	}
	mst_json_free(&root);
	return MST_CTL_OK;
}

struct files {
	struct mst_slice cert, key; /* paths */
};

static int tell_files(struct mst_ctl *ctl, const struct mst_json_value *root, const struct files *files, struct mst_err *e)
{
	struct mst_slice text;
	struct mst_json j;

	if (!ctl->is_json) {
		print_issued(ctl, root);
		printf("%-11s %s\n%-11s %s\n", "certificate", (const char *)files->cert.at, "key", (const char *)files->key.at);
		return MST_CTL_OK;
	}
	mst_json_begin(&j, &ctl->arena);
	mst_json_open(&j, NULL);
	for (size_t i = 0; i < MST_LEN(issued_texts); i++)
		mst_json_text(&j, issued_texts[i], mst_ctl_get(ctl, root, issued_texts[i]));
	mst_json_text(&j, "certificate", files->cert);
	mst_json_text(&j, "key", files->key);
	mst_json_close(&j);
	if (mst_json_end(&j, &text, e) < 0)
		return -1;
	mst_ctl_print(text);
	return MST_CTL_OK;
}

/* The answer is needed here, also with --json. */
static int ask_and_write(struct mst_ctl *ctl, struct mst_slice csr, const struct files *files, struct mst_err *e)
{
	const bool is_json = ctl->is_json;
	struct mst_json_value *root;
	struct mst_slice pem;
	int rc;

	ctl->is_json = false;
	rc = ask_issue(&root, ctl, csr, e);
	ctl->is_json = is_json;
	if (rc < 0) {
		unlink((const char *)files->key.at); /* a key without a certificate is in the way of the next try */
		return -1;
	}
	rc = mst_json_get_text0(root, &pem, "certificate", e) < 0 ? -1 : mst_file_create((const char *)files->cert.at, pem, 0644, e);
	if (rc == 0)
		rc = tell_files(ctl, root, files, e);
	mst_json_free(&root);
	return rc;
}

/* The request says the name for whoever reads it; the certificate's comes from the body. */
static int write_csr(struct mst_slice *out, struct mst_ctl *ctl, const struct mst_key *key, struct mst_err *e)
{
	const struct mst_issue what = {.common_name = ctl->name};
	struct mst_slice der;

	if (mst_csr_write(&der, &ctl->arena, &what, key, NULL, e) < 0)
		return -1;
	return mst_pem_put(out, &ctl->arena, "CERTIFICATE REQUEST", der, e);
}

static int issue_key(struct mst_ctl *ctl, const struct mst_key *key, struct mst_err *e)
{
	struct mst_slice csr, pem;
	struct files files;
	int rc;

	if (!mst_arena_format(&ctl->arena, &files.cert, "%s.pem", ctl->out) ||
	    !mst_arena_format(&ctl->arena, &files.key, "%s.key", ctl->out))
		return mst_fail(e, MST_E_BUSY, "no memory");
	if (access((const char *)files.cert.at, F_OK) == 0)
		return mst_fail(e, MST_E_CONFLICT, "%s is there already", (const char *)files.cert.at);
	if (write_csr(&csr, ctl, key, e) < 0 || mst_key_pem(&pem, &ctl->arena, key, e) < 0)
		return -1;
	rc = mst_file_create((const char *)files.key.at, pem, 0600, e);
	mst_wipe((void *)(uintptr_t)pem.at, pem.len);
	return rc < 0 ? -1 : ask_and_write(ctl, csr, &files, e);
}

int mst_ctl_cert_issue(struct mst_ctl *ctl, struct mst_err *e)
{
	enum mst_key_kind kind;
	struct mst_key *key = NULL;
	int rc;

	if (!ctl->name || !ctl->csr == !ctl->out || (ctl->csr && ctl->kind))
		return mst_fail(e, MST_E_CONF, "cert issue needs --name, and --csr or --out (with --kind)");
	if (ctl->csr)
		return issue_for(ctl, e);
	if (mst_key_kind_from(&kind, ctl->kind ? ctl->kind : "p256", e) < 0 || mst_key_new(&key, kind, e) < 0)
		return -1;
	rc = issue_key(ctl, key, e);
	mst_key_free(&key);
	return rc;
}
