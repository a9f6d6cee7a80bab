/* SPDX-License-Identifier: Apache-2.0 */
#include "authority_kit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void rig_open(struct rig *rig)
{
	struct mst_err e;

	*rig = (struct rig){.kit = kit_new((struct mst_store_conf){.skips_sync = true})};
	rig->arena = &rig->kit->arena;
	snprintf(rig->folder, sizeof rig->folder, "/tmp/muster-authority-XXXXXX");
	cr_assert_not_null(mkdtemp(rig->folder));
	cr_assert_eq(chdir(rig->folder), 0);
	snprintf(rig->key_path, sizeof rig->key_path, "%s/master.key", rig->folder);
	cr_assert_eq(mst_seal_init(rig->key_path, &e), 0, "%s", e.text);
	cr_assert_eq(mst_seal_load(&rig->seal, rig->key_path, &e), 0, "%s", e.text);
}

static int drop_file(const char *path, const struct stat *at, int kind, struct FTW *where)
{
	return remove(path);
}

void rig_close(struct rig *rig)
{
	mst_seal_free(&rig->seal);
	kit_free(rig->kit);
	nftw(rig->folder, drop_file, 16, FTW_DEPTH | FTW_PHYS);
}

void rig_rotate(struct rig *rig)
{
	struct mst_err e;

	cr_assert_eq(mst_seal_rotate(rig->key_path, &e), 0, "%s", e.text);
	mst_seal_free(&rig->seal);
	cr_assert_eq(mst_seal_load(&rig->seal, rig->key_path, &e), 0, "%s", e.text);
}

struct mst_authority_wish rig_wish(const char *name, enum mst_key_kind kind)
{
	return (struct mst_authority_wish){
		.name = mst_slice_str(name),
		.common_name = "Device CA",
		.organization = "Example",
		.kind = kind,
		.days = 3650,
		.template = {.days = 365,
			     .key_usage = MST_KU_SIGN | MST_KU_ENCIPHER,
			     .ext_key_usage = MST_EKU_CLIENT,
			     .rsa_bits_min = 2048,
			     .takes_ec = true,
			     .hash_bits = 256},
		.crl_hours = 24,
		.crl_url = MST_S("http://mdm.example.org:8080/crl/devices.crl"),
		.ocsp_url = MST_S("http://mdm.example.org:8080/ocsp/devices"),
	};
}

struct mst_authority rig_make(struct rig *rig, const char *name, enum mst_key_kind kind)
{
	struct mst_authority_wish wish = rig_wish(name, kind);
	struct mst_authority a;
	struct mst_err e;

	cr_assert_eq(mst_authority_make(&a, rig->arena, &wish, &e), 0, "%s", e.text);
	return a;
}

int rig_put(struct rig *rig, const struct mst_authority *a, const struct mst_seal *seal)
{
	struct mst_batch b;
	struct mst_err e;

	mst_batch_init(&b, rig->arena, NULL, NULL);
	cr_assert_eq(mst_authority_put(&b, a, seal, &e), 0, "%s", e.text);
	(void)!mst_store_commit_here(rig->kit->store, &b);
	return b.rc == 0 ? 0 : (int)b.err.code;
}

struct look {
	struct mst_read r;
	struct mst_authority *out;
	uint8_t id[16];
	const struct mst_seal *seal;
	int found;
};

static int plan(struct mst_read *r)
{
	struct look *look = MST_HOME(r, struct look, r);

	look->found = mst_authority_get(r, look->out, look->id, look->seal);
	return look->found < 0 ? -1 : 0;
}

int rig_get(struct rig *rig, struct mst_authority *out, const char *name, const struct mst_seal *seal)
{
	struct look look = {.r = {.arena = rig->arena, .plan = plan}, .out = out, .seal = seal};

	mst_authority_id(look.id, mst_slice_str(name));
	(void)!mst_store_read_here(rig->kit->store, &look.r);
	return look.found;
}
