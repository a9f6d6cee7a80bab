/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/enroll/links: an operator makes a link for one device. */
#include "muster/json.h"
#include "muster/log.h"
#include "muster/text.h"
#include "own.h"

#define DEPTH_MAX        4
#define LIFE_MAX_MINUTES (366u * 1440u)

/* A common name or an id: what a certificate may hold. */
static int take_name(struct mst_slice *out, struct enroll_state *s, const struct mst_json_value *root, const char *key)
{
	struct mst_err *e = &s->x->err;
	struct mst_slice text;

	if (mst_json_get_text0(root, &text, key, e) < 0)
		return -1;
	if (text.len > MST_NAME_MAX)
		return mst_fail(e, MST_E_SYNTAX, "%s is 1 to %d bytes", key, MST_NAME_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < ' ' || text.at[i] == 0x7f)
			return mst_fail(e, MST_E_SYNTAX, "%s holds a control character", key);
	return mst_arena_copy(&s->x->arena, out, text) ? 0 : mst_fail(e, MST_E_BUSY, "out of memory");
}

static bool is_dns(struct mst_slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.at[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_letter && c != '-' && c != '.' && !(c == '*' && i == 0))
			return false;
	}
	return name.len > 0 && name.len <= DNS_LEN_MAX;
}

static int take_dns(struct enroll_state *s, const struct mst_json_value *root)
{
	struct mst_err *e = &s->x->err;
	const struct mst_json_value *list;
	struct mst_slice name;
	struct mst_grow g;

	if (mst_json_get_array0(root, &list, "dns", e) < 0)
		return -1;
	if (!list)
		return 0;
	if (mst_json_num(list) > DNS_MAX)
		return mst_fail(e, MST_E_SYNTAX, "dns has %d names at the most", DNS_MAX);
	mst_grow_init(&g, &s->x->arena);
	for (size_t i = 0; i < mst_json_num(list); i++) {
		if (mst_json_get_text0(mst_json_at0(list, i), &name, NULL, e) < 0)
			return -1;
		if (!is_dns(name))
			return mst_fail(e, MST_E_SYNTAX, "dns holds something that is no host name");
		if (i)
			mst_grow_byte(&g, 0);
		mst_grow_put(&g, name);
	}
	return mst_grow_end(&g, &s->link.dns, e);
}

static int take_life(struct enroll_state *s, const struct mst_json_value *root)
{
	uint64_t minutes;
	int rc = mst_json_get_u64(root, &minutes, "minutes", &s->x->err);

	if (rc < 0)
		return -1;
	if (rc == 1 && (minutes == 0 || minutes > LIFE_MAX_MINUTES))
		return mst_fail(&s->x->err, MST_E_SYNTAX, "minutes is 1 to %u", LIFE_MAX_MINUTES);
	s->link.created_ms = s->now_ms;
	s->link.expires_ms = s->now_ms + (rc == 1 ? (int64_t)minutes * 60000 : s->enroll->link_s * 1000ll);
	return 0;
}

static int take_wish(struct enroll_state *s, const struct mst_json_value *root)
{
	struct mst_err *e = &s->x->err;
	struct mst_slice authority;

	if (mst_json_get_text0(root, &authority, "authority", e) < 0 || mst_enroll_authority(s, authority) < 0 ||
	    take_name(&s->link.device, s, root, "device") < 0 || take_name(&s->link.common_name, s, root, "common_name") < 0 ||
	    take_dns(s, root) < 0 || take_life(s, root) < 0)
		return -1;
	if (s->link.device.len == 0)
		return mst_fail(e, MST_E_SYNTAX, "a link is for one device: device is missing");
	if (s->link.common_name.len == 0)
		s->link.common_name = s->link.device;
	memcpy(s->link.authority, s->authority, sizeof(s->authority));
	mst_enroll_token(s->token, s->link_key);
	return 0;
}

static int decode(struct enroll_state *s)
{
	struct mst_json_value *root = NULL;
	int rc = mst_json_parse(&root, s->x->in.body, MST_LINK_BODY_MAX, DEPTH_MAX, &s->x->err);

	if (rc == 0)
		rc = take_wish(s, root);
	mst_json_free(&root);
	return rc;
}

static int plan(struct mst_read *r)
{
	struct enroll_state *s = MST_HOME(r, struct enroll_state, read);
	return mst_link_sweep(r, &s->drops, s->authority, s->link_key, s->now_ms);
}

/* Both on a worker: operators do not hurry, and the sweep reads what is cold. */
static void write_link(struct enroll_state *s)
{
	struct mst_batch b;

	s->read = (struct mst_read){.arena = &s->arena, .plan = plan};
	if (mst_store_read_here(s->app->store, &s->read) < 0)
		s->drops.num = 0; /* they stay until another link is made */
	mst_batch_init(&b, &s->arena, NULL, NULL);
	mst_link_put(&b, &s->link, s->link_key);
	for (size_t i = 0; i < s->drops.num; i++)
		mst_batch_drop(&b, MST_SPACE_LINK, mst_slice(s->drops.keys[i], sizeof(s->drops.keys[i])));
	s->rc = mst_store_commit_here(s->app->store, &b);
	if (s->rc < 0)
		s->x->err = b.err;
}

enum mst_step mst_link_make(struct mst_xchg *x)
{
	struct enroll_state *s = mst_enroll_hold(x, true);

	if (!s)
		return mst_xchg_fail(x);
	return decode(s) < 0 ? mst_enroll_fail(s) : mst_enroll_turn(s, write_link);
}

static bool put_url(struct mst_json *j, struct enroll_state *s, const char *key, const char *folder)
{
	struct mst_slice url;
	bool has_room = mst_arena_format(&s->x->arena, &url, "%.*s/%s/%.*s/%s", (int)s->enroll->url.len,
					 (const char *)s->enroll->url.at, folder, (int)s->facts.authority.len,
					 (const char *)s->facts.authority.at, s->token);
	if (has_room)
		mst_json_text(j, key, url);
	return has_room;
}

enum mst_step mst_link_made(struct mst_xchg *x)
{
	struct enroll_state *s = x->state;
	struct mst_slice body;
	struct mst_json j;
	bool has_room;

	if (s->rc < 0)
		return mst_enroll_fail(s);
	mst_json_begin(&j, &x->arena);
	mst_json_open(&j, NULL);
	has_room = put_url(&j, s, "url", "enroll") && put_url(&j, s, "ota_url", "ota");
	mst_wipe(s->token, sizeof(s->token));
	mst_json_text(&j, "authority", s->facts.authority);
	mst_json_text(&j, "device", s->link.device);
	mst_json_text(&j, "common_name", s->link.common_name);
	mst_json_time(&j, "expires_at", s->link.expires_ms);
	mst_json_close(&j);
	if (!has_room)
		mst_fail(&x->err, MST_E_BUSY, "out of memory");
	if (!has_room || mst_json_end(&j, &body, &x->err) < 0)
		return mst_enroll_fail(s);
	mst_log(INFO, "enrolment link made", mst_f_u64("exchange", x->id), mst_f_str("who", x->who),
		mst_f_slice("authority", s->facts.authority), mst_f_slice("device", s->link.device));
	mst_enroll_done(s);
	x->out.extra[0] = (struct mst_header){MST_S("Cache-Control"), MST_S("no-store")};
	return mst_xchg_answer(x, 201, MST_JSON_TYPE, body);
}
