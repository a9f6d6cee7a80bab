/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the way for a request when its head is in: first the path, then who asks, then the method. What no row names is refused. */
#include "muster/api.h"
#include "muster/authority_api.h"
#include "muster/bulk.h"
#include "muster/campaign.h"
#include "muster/enroll.h"
#include "muster/identity.h"
#include "muster/object.h"
#include "muster/mdm.h"
#include "muster/push.h"
#include "muster/queue.h"
#include "muster/revoke.h"
#include "muster/scep.h"
#include "own.h"

/* A pattern with {} is held against the parts as they were sent, so that an encoded slash stays in its part. */
static bool parts_match(const struct mst_xchg *x, struct mst_slice pattern)
{
	struct mst_slice want, rest = mst_slice(pattern.at + 1, pattern.len - 1);
	bool is_more = true;
	size_t n = 0;

	for (; is_more; n++) {
		struct mst_slice part = mst_path_raw0(x, n);
		is_more = mst_slice_cut(&want, &rest, rest, '/');
		if (mst_slice_eq(want, MST_S("{*}")))
			return true;
		if (part.len == 0 || (!mst_slice_eq(want, MST_S("{}")) && !mst_slice_eq(want, part)))
			return false;
	}
	return mst_path_raw0(x, n).at == NULL;
}

static bool path_matches(const struct mst_xchg *x, const char *path)
{
	struct mst_slice pattern = mst_slice_str(path);

	if (mst_slice_find(pattern, '{') == pattern.len)
		return mst_slice_eq(x->in.path, pattern);
	return parts_match(x, pattern);
}

/* The row for path and method; failing that, any row for the path, so that access is checked before the method is talked of. */
static const struct flow_route *route_find(const struct mst_xchg *x)
{
	const struct flow_route *other = NULL;

	for (const struct flow_route *row = mst_route_rows; row < mst_route_rows + mst_route_num_rows; row++) {
		if (!(row->gates & MST_B(x->gate)) || !path_matches(x, row->path))
			continue;
		if (row->method == x->in.method)
			return row;
		other = row;
	}
	return other;
}

static int access_check(struct mst_xchg *x, enum flow_access access)
{
	switch (access) {
	case FOR_DEVICES:
		return mst_mdm_admit(x);
	case FOR_OPERATORS:
		return mst_api_authorise(x);
	case FOR_ALL:
		return 0;
	}
	return mst_fail(&x->err, MST_E_DENIED, "refused");
}

static size_t body_max(const struct mst_app *app, enum flow_body body)
{
	switch (body) {
	case BODY_NONE:
		return 0;
	case BODY_CHECKIN:
		return app->checkin_max;
	case BODY_REPORT:
		return app->report_max;
	case BODY_COMMAND:
		return MST_COMMAND_MAX;
	case BODY_OCSP:
		return MST_OCSP_REQUEST_MAX;
	case BODY_OTA:
		return MST_OTA_BODY_MAX;
	case BODY_LINK:
		return MST_LINK_BODY_MAX;
	case BODY_AUTHORITY:
		return MST_AUTHORITY_BODY_MAX;
	case BODY_BULK:
		return MST_BULK_BODY_MAX;
	case BODY_OBJECT:
		return MST_OBJECT_MAX;
	case BODY_IDENTITY:
		return MST_IDENTITY_BODY_MAX;
	case BODY_SCEP:
		return MST_SCEP_BODY_MAX;
	case BODY_PUSH:
		return MST_PUSH_BODY_MAX;
	case BODY_CAMPAIGN:
		return MST_CAMPAIGN_BODY_MAX;
	case BODY_RATE:
		return MST_CAMPAIGN_RATE_BODY_MAX;
	}
	return 0;
}

/* The methods of a path's rows, for Allow (RFC 9110 10.2.1). */
static void allow(struct mst_xchg *x, const char *path)
{
	static const char *const words[] = {
		[MST_GET] = "GET", [MST_HEAD] = "HEAD", [MST_PUT] = "PUT", [MST_POST] = "POST", [MST_DELETE] = "DELETE",
	};
	struct mst_slice list = MST_S("");

	for (const struct flow_route *row = mst_route_rows; row < mst_route_rows + mst_route_num_rows; row++)
		if (row->gates & MST_B(x->gate) && strcmp(row->path, path) == 0 &&
		    !mst_arena_format(&x->arena, &list, "%.*s%s%s", (int)list.len, (const char *)list.at, list.len ? ", " : "",
				      words[row->method]))
			return;
	x->out.extra[0] = (struct mst_header){MST_S("Allow"), list};
}

int mst_flow_enter(struct mst_xchg *x)
{
	const struct flow_route *row = route_find(x);
	bool is_checkin;

	if (!row)
		return mst_fail(&x->err, MST_E_ABSENT, "no such path");
	is_checkin = row->checkin && mst_mdm_is_checkin(x);
	x->way = is_checkin ? row->checkin : row->way;
	if (access_check(x, row->access) < 0)
		return -1;
	if (row->method != x->in.method) {
		allow(x, row->path);
		x->in.path = mst_slice_str(row->path); /* for the log: a path may hold a secret (/enroll/{}/{}) */
		return mst_fail(&x->err, MST_E_METHOD, "this path does not take that method");
	}
	x->body_max = body_max(x->app, is_checkin ? BODY_CHECKIN : row->body);
	return 0;
}
