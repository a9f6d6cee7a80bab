/* SPDX-License-Identifier: Apache-2.0 */
/* One call of musterctl: what the command line said, and the verbs that act on it. */
#ifndef MUSTER_CTL_H
#define MUSTER_CTL_H

#include "client.h"
#include "muster/json.h"

#define MST_CTL_SOCKET "/run/muster/control.sock"
#define MST_CTL_CA     "/etc/muster/ca"
#define MST_CTL_NAMES  16 /* --dns and --ip may come as often */

enum mst_ctl_exit { MST_CTL_OK, MST_CTL_FAILED, MST_CTL_USAGE };

struct mst_ctl {
	struct mst_arena arena;
	const char *noun;        /* of the verb */
	const char *const *args; /* behind the verb, without flags */
	size_t num_args;
	bool is_json, is_server, has_no_push;
	const char *socket, *ca, *name, *out, *kind, *days, *limit, *state, *serial, *type,
		*request_type, *authority, *device, *minutes, *reason, *csr;
	bool wants_p12;
	const char *prefix, *count, *names, *first, *digits, *organization; /* of a bulk job */
	const char *crl_url, *ocsp_url, *crl_hours, *device_days, *rsa_bits, *hash, *challenge_sha256; /* of a new authority */
	bool is_intermediate, makes_challenge, takes_rsa_only, takes_names;
	const char *topic, *key_id, *team_id; /* of a credential for the push service */
	bool is_sandbox;
	const char *ids, *model, *os_version, *rate, *start_time; /* of a campaign */
	bool is_all, keeps;
	const char *user, *enrollment, *expires_before, *expires_after, *password_file; /* of identities */
	const char *dns[MST_CTL_NAMES + 1], *ips[MST_CTL_NAMES + 1];
};

struct mst_ctl_verb {
	const char *noun, *verb; /* verb NULL: the noun alone */
	const char *args;        /* for the help; NULL none */
	uint8_t least, most;     /* arguments */
	const char *flags;       /* words of the flags it takes beside the common ones */
	int (*run)(struct mst_ctl *ctl, struct mst_err *e); /* exit code, or -1 with `e` */
	const char *help;
};
const struct mst_ctl_verb *mst_ctl_verbs(size_t *num);

struct mst_ctl_flag {
	const char *name, *value; /* value NULL: a switch */
	size_t at; /* in struct mst_ctl: const char *, bool, or the first of MST_CTL_NAMES const
		      char * */
	bool is_common, is_list;
	const char *help;
};
const struct mst_ctl_flag *mst_ctl_flags(size_t *num);

/* mst_ctl_parse reads the command line behind the program's name. 0, -1 CONF saying what is wrong;
 * *verb stays NULL when it holds none. */
int mst_ctl_parse(struct mst_ctl *ctl, const struct mst_ctl_verb **verb, int argc, char **argv,
		  struct mst_err *e) MST_MUST;
/* mst_ctl_help prints every verb, or the verbs of one noun. */
void mst_ctl_help(const char *noun);
/* mst_ctl_u32 reads a flag's number; `fallback` when it was not given. */
int mst_ctl_u32(uint32_t *out, const char *flag, const char *text, uint32_t fallback,
		uint32_t least, uint32_t most, struct mst_err *e) MST_MUST;

/* ask.c: mst_ctl_ask calls the API and parses the answer: 0 for a 2xx one and for one that tells
 * of each id, -1 with the server's words otherwise. `root` is the caller's to free; with --json the body is printed and root stays
 * NULL. */
int mst_ctl_ask(struct mst_json_value **root, int *status, struct mst_ctl *ctl, const char *method,
		struct mst_slice target, struct mst_slice body, struct mst_err *e) MST_MUST;
/* mst_ctl_print writes JSON text with a line end. */
void mst_ctl_print(struct mst_slice text);
/* mst_ctl_pages asks page after page of `target` (which has a '?') until `most` items of the array
 * `list` were seen. */
int mst_ctl_pages(struct mst_ctl *ctl, struct mst_slice target, const char *list, uint32_t most,
		  void *context, void (*on_item)(void *context, const struct mst_json_value *item),
		  struct mst_err *e) MST_MUST;
/* mst_ctl_target builds "/v1/devices/ID" + tail with the id escaped. */
int mst_ctl_target(struct mst_slice *out, struct mst_ctl *ctl, const char *id, const char *tail,
		   struct mst_err *e) MST_MUST;
/* mst_ctl_get reads a member as text for people: strings as they are, numbers, booleans, "-" when
 * absent. */
struct mst_slice mst_ctl_get(struct mst_ctl *ctl, const struct mst_json_value *object,
			     const char *key);

/* The verbs. */
int mst_ctl_ca_init(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_ca_issue(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_ca_show(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_key_init(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_key_api(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_key_rotate(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_key_status(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_authority_new(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_authority_list(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_authority_show(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_authority_import(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_authority_succeed(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_authority_retire(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_bulk_start(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_bulk_status(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_bulk_cancel(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_cert_list(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_cert_issue(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_cert_show(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_cert_revoke(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_devices_list(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_devices_show(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_enqueue(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_cancel(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_results(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_scep_challenge(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_enroll_link(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_enroll_renew(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_push_cert(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_push_key(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_push_campaign(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_push_send(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_push_stats(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_object_list(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_object_show(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_object_set(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_object_delete(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_object_history(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_user_pin(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_label_members(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_label_add(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_label_remove(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_audit(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_shapes(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_identity_list(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_identity_revoke(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_identity_remove(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_identity_reenroll(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_identity_test(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_identity_upload(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_device_settings(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_device_retry(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_device_retire(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_setting_devices(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_status(struct mst_ctl *ctl, struct mst_err *e);
int mst_ctl_version(struct mst_ctl *ctl, struct mst_err *e);

#endif
