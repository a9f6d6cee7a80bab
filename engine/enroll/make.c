/* SPDX-License-Identifier: Apache-2.0 */
/* What all makers need: their ends, a turn on a worker, and the names of a certificate as a CA wants them. */
#include "maker.h"

#include "muster/grow.h"

void mst_make_done(struct mst_make *make)
{
	make->on_made(make);
}

void mst_make_fail(struct mst_make *make, const struct mst_err *e, bool is_final)
{
	make->rc = -1;
	make->err = *e;
	make->is_final = is_final;
	make->on_made(make);
}

static void on_worker(struct mst_job *job)
{
	struct mst_make *make = MST_HOME(job, struct mst_make, job);

	make->rc = make->work(make, &make->err);
}

static void on_ran(struct mst_job *job)
{
	struct mst_make *make = MST_HOME(job, struct mst_make, job);

	make->on_worked(make);
}

int mst_make_turn(struct mst_make *make, int (*work)(struct mst_make *make, struct mst_err *e), void (*on_worked)(struct mst_make *make),
		  struct mst_err *e)
{
	make->work = work;
	make->on_worked = on_worked;
	make->job = (struct mst_job){.home = make->app->loop, .run = on_worker, .on_ran = on_ran};
	return mst_work_post(make->app->work, MST_LANE_FAST, &make->job, e);
}

const struct mst_value *mst_make_field(const struct mst_object *o, const char *field)
{
	for (uint32_t i = 0; i < o->shape->num_fields; i++)
		if (strcmp(o->shape->fields[i].name, field) == 0)
			return &o->values[i];
	return NULL;
}

/* The values of one kind, terminated, NULL behind the last; NULL when there is none. */
static int list_of(const char *const **out, const struct mst_make *make, const char *kind, struct mst_err *e)
{
	const char **list = mst_arena_zero(make->arena, (MAKE_SANS_MAX + 1) * sizeof *list);
	struct mst_slice text;
	size_t num = 0;

	*out = NULL;
	if (!list)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	for (uint32_t i = 0; i < make->num_sans && num < MAKE_SANS_MAX; i++) {
		if (!mst_slice_eq(make->sans[i].key, mst_slice_str(kind)))
			continue;
		if (!mst_arena_copy(make->arena, &text, make->sans[i].value))
			return mst_fail(e, MST_E_BUSY, "out of memory");
		list[num++] = (const char *)text.at;
	}
	*out = num ? list : NULL;
	return 0;
}

static int names_of(const struct mst_slice **out, const struct mst_make *make, struct mst_err *e)
{
	struct mst_slice *list = mst_arena_zero(make->arena, (MAKE_SANS_MAX + 1) * sizeof *list);
	size_t num = 0;

	*out = NULL;
	if (!list)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	for (uint32_t i = 0; i < make->num_sans && num < MAKE_SANS_MAX; i++)
		if (mst_slice_eq(make->sans[i].key, MST_S("dn")) && mst_dn_from(&list[num++], make->arena, make->sans[i].value, e) < 0)
			return -1;
	*out = num ? list : NULL;
	return 0;
}

static int text_of(const char **out, const struct mst_make *make, struct mst_slice text, struct mst_err *e)
{
	struct mst_slice copy;

	*out = NULL;
	if (text.len == 0)
		return 0;
	if (!mst_arena_copy(make->arena, &copy, text))
		return mst_fail(e, MST_E_BUSY, "out of memory");
	*out = (const char *)copy.at;
	return 0;
}

int mst_make_issue(struct mst_issue *out, const struct mst_make *make, struct mst_err *e)
{
	*out = (struct mst_issue){.is_ca = false};
	if (text_of(&out->common_name, make, make->common_name, e) < 0 || text_of(&out->organization, make, make->organization, e) < 0)
		return -1;
	if (!out->common_name)
		return mst_fail(e, MST_E_SYNTAX, "common_name is empty");
	if (make->subject_dn.len && mst_dn_from(&out->more_subject, make->arena, make->subject_dn, e) < 0)
		return -1;
	if (make->num_sans == 0)
		return 0;
	if (list_of(&out->emails, make, "rfc822", e) < 0 || list_of(&out->dns, make, "dns", e) < 0 ||
	    list_of(&out->uris, make, "uri", e) < 0 || list_of(&out->upns, make, "upn", e) < 0)
		return -1;
	return names_of(&out->names, make, e);
}

int mst_make_csr(struct mst_slice *csr, const struct mst_make *make, const char *challenge, struct mst_err *e)
{
	struct mst_issue issue;
	struct mst_key *key = NULL;
	int rc;

	if (mst_make_issue(&issue, make, e) < 0 || mst_key_read(&key, make->key, e) < 0)
		return -1;
	rc = mst_csr_write(csr, make->arena, &issue, key, challenge, e);
	mst_key_free(&key);
	return rc;
}

int mst_make_fits(const struct mst_make *make, struct mst_slice der, struct mst_err *e)
{
	struct mst_slice spki = make->spki;
	struct mst_key *key = NULL;
	struct mst_cert cert;
	int rc = 0;

	if (mst_cert_parse(&cert, der, e) < 0)
		return -1;
	if (spki.len == 0 && make->key.len) {
		if (mst_key_read(&key, make->key, e) < 0)
			return -1;
		rc = mst_key_spki(&spki, make->arena, key, e);
		mst_key_free(&key);
	}
	if (rc < 0)
		return -1;
	if (!mst_slice_eq(spki, cert.spki))
		return mst_fail(e, MST_E_CRYPTO, "the CA answered with a certificate for another key");
	if (cert.is_ca)
		return mst_fail(e, MST_E_CRYPTO, "the CA answered with a CA's certificate");
	if (cert.not_after <= make->now_ms / 1000)
		return mst_fail(e, MST_E_CRYPTO, "the CA answered with a certificate that has expired");
	return 0;
}

/* RFC 4514 2.4. */
static void escape(struct mst_grow *out, struct mst_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool is_edge = i == 0 || i + 1 == text.len;
		if (strchr(",;+\"\\<>=", text.at[i]) || (is_edge && text.at[i] == ' ') || (i == 0 && text.at[i] == '#'))
			mst_grow_byte(out, '\\');
		mst_grow_byte(out, text.at[i]);
	}
}

int mst_make_dn(struct mst_slice *out, const struct mst_make *make, struct mst_err *e)
{
	struct mst_grow grow;

	mst_grow_init(&grow, make->arena);
	mst_grow_put(&grow, MST_S("CN="));
	escape(&grow, make->common_name);
	if (make->organization.len) {
		mst_grow_put(&grow, MST_S(",O="));
		escape(&grow, make->organization);
	}
	if (make->subject_dn.len) {
		mst_grow_byte(&grow, ',');
		mst_grow_put(&grow, make->subject_dn);
	}
	return mst_grow_end(&grow, out, e);
}

int mst_make_san(struct mst_slice *out, const struct mst_make *make, struct mst_err *e)
{
	struct mst_grow grow;

	mst_grow_init(&grow, make->arena);
	for (uint32_t i = 0; i < make->num_sans; i++) {
		if (mst_slice_find(make->sans[i].value, '\n') < make->sans[i].value.len)
			return mst_fail(e, MST_E_SYNTAX, "sans: a value holds a line's end");
		mst_grow_put(&grow, make->sans[i].key);
		mst_grow_byte(&grow, '=');
		mst_grow_put(&grow, make->sans[i].value);
		mst_grow_byte(&grow, '\n');
	}
	return mst_grow_end(&grow, out, e);
}
