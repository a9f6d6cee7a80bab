/* SPDX-License-Identifier: Apache-2.0 */
/* Apple's keys whose values are put together from several fields, or numbered in Apple's own way. */
#include "render_own.h"

/* clang-format off */
static const struct {
	const char *word;
	int64_t number; /* IANA's EAP method */
} eap_types[] = {
	{"tls", 13}, {"leap", 17}, {"eap-sim", 18}, {"ttls", 21}, {"eap-aka", 23}, {"peap", 25}, {"eap-fast", 43},
};
/* clang-format on */

void mst_render_put_eap_types(struct making *m, const char *path)
{
	const struct mst_value *value = mst_object_value(m->r->setting, "eap_types");

	mst_plist_open_array(&m->plist, mst_render_key(m, path));
	for (uint32_t i = 0; i < value->num_pairs; i++)
		for (size_t k = 0; k < MST_LEN(eap_types); k++)
			if (mst_slice_eq(value->pairs[i].value, mst_slice_str(eap_types[k].word)))
				mst_plist_put_i64(&m->plist, NULL, eap_types[k].number);
	mst_plist_close(&m->plist);
}

void mst_render_put_vendor(struct making *m, const char *path)
{
	const struct mst_shape_row *row;
	const struct mst_value *value = mst_render_value(m, "vendor", &row);

	if (!value || value->num_pairs == 0)
		return;
	mst_plist_open_dict(&m->plist, mst_render_key(m, path));
	for (uint32_t i = 0; i < value->num_pairs; i++) {
		struct mst_slice key;
		if (!mst_arena_copy(m->r->arena, &key, mst_render_text(m, row, value->pairs[i].key)))
			mst_render_fail_memory(m);
		else
			mst_plist_put_text(&m->plist, (const char *)key.at, mst_render_text(m, row, value->pairs[i].value));
	}
	mst_plist_close(&m->plist);
}

static void put_list(struct making *m, const char *key, const char *field)
{
	const struct mst_value *value = mst_object_value(m->r->setting, field);

	mst_plist_open_array(&m->plist, key);
	for (uint32_t i = 0; i < value->num_pairs; i++)
		mst_plist_put_text(&m->plist, NULL, value->pairs[i].value);
	mst_plist_close(&m->plist);
}

static bool has_list(const struct making *m, const char *field)
{
	return mst_object_value(m->r->setting, field)->num_pairs > 0;
}

static void put_trusted(struct making *m)
{
	if (has_list(m, "on_demand_trusted_ssids")) {
		mst_plist_open_dict(&m->plist, NULL);
		mst_plist_put_text(&m->plist, "Action", MST_S("Disconnect"));
		mst_plist_put_text(&m->plist, "InterfaceTypeMatch", MST_S("WiFi"));
		put_list(m, "SSIDMatch", "on_demand_trusted_ssids");
		mst_plist_close(&m->plist);
	}
	if (has_list(m, "on_demand_trusted_domains")) {
		mst_plist_open_dict(&m->plist, NULL);
		mst_plist_put_text(&m->plist, "Action", MST_S("Disconnect"));
		put_list(m, "DNSDomainMatch", "on_demand_trusted_domains");
		mst_plist_close(&m->plist);
	}
}

static void put_domains(struct making *m, const char *field, const char *action, struct mst_slice probe)
{
	if (!has_list(m, field))
		return;
	mst_plist_open_dict(&m->plist, NULL);
	put_list(m, "Domains", field);
	mst_plist_put_text(&m->plist, "DomainAction", mst_slice_str(action));
	if (probe.len)
		mst_plist_put_text(&m->plist, "RequiredURLStringProbe", probe);
	mst_plist_close(&m->plist);
}

/* The first rule that matches counts; the last one matches always. */
void mst_render_put_on_demand(struct making *m, const char *path)
{
	static const char *const actions[] = {"Connect", "Disconnect", "Ignore", "Allow"};
	const struct mst_object *o = m->r->setting;
	bool by_domain = has_list(m, "on_demand_domains") || has_list(m, "on_demand_never");

	mst_plist_open_array(&m->plist, mst_render_key(m, path));
	put_trusted(m);
	mst_plist_open_dict(&m->plist, NULL);
	if (by_domain) {
		mst_plist_put_text(&m->plist, "Action", MST_S("EvaluateConnection"));
		mst_plist_open_array(&m->plist, "ActionParameters");
		put_domains(m, "on_demand_never", "NeverConnect", mst_slice(NULL, 0));
		put_domains(m, "on_demand_domains", "ConnectIfNeeded", mst_object_text(o, "on_demand_probe"));
		mst_plist_close(&m->plist);
	} else {
		mst_plist_put_text(&m->plist, "Action", mst_slice_str(actions[mst_object_number(o, "on_demand_otherwise")]));
		if (mst_object_value(o, "on_demand_probe")->is_set)
			mst_plist_put_text(&m->plist, "URLStringProbe", mst_object_text(o, "on_demand_probe"));
	}
	mst_plist_close(&m->plist);
	mst_plist_close(&m->plist);
}
