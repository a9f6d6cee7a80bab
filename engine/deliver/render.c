/* SPDX-License-Identifier: Apache-2.0 */
/* Renders a setting for one device: once to know its content, and once as it is sent. */
#include "muster/text.h"
#include "render_own.h"

static int (*const writers[])(struct making *m, struct mst_slice *out) = {
	[MST_RENDER_APPLE] = mst_render_apple, [MST_RENDER_CLIENT] = mst_render_client};

static int write_all(struct making *m, struct mst_slice *out, bool is_stable)
{
	m->is_stable = is_stable;
	return writers[m->way](m, out);
}

static int content_of(struct making *m)
{
	struct mst_slice text;

	if (mst_render_gather(m) < 0 || write_all(m, &text, true) < 0)
		return -1;
	mst_sha256(m->r->content, text);
	mst_wipe((void *)(uintptr_t)text.at, text.len);
	return 0;
}

static struct making *making_new(struct mst_render *r, enum mst_render_way way, struct mst_err *e)
{
	struct making *m = mst_arena_zero(r->arena, sizeof(*m));

	if (!m) {
		(void)!mst_fail(e, MST_E_BUSY, "out of memory for rendering");
		return NULL;
	}
	m->r = r;
	m->way = way;
	m->e = e;
	return m;
}

int mst_render_content(struct mst_render *r, enum mst_render_way way, struct mst_err *e)
{
	struct making *m = making_new(r, way, e);

	return m ? content_of(m) : -1;
}

int mst_render(struct mst_render *r, enum mst_render_way way, struct mst_err *e)
{
	struct making *m = making_new(r, way, e);

	r->body = mst_slice(NULL, 0);
	return !m || content_of(m) < 0 ? -1 : write_all(m, &r->body, false);
}
