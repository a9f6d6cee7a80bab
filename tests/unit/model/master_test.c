/* SPDX-License-Identifier: Apache-2.0 */
/* A store refuses master keys that are not its own, and says so. */
#include "muster/master.h"

#include <unistd.h>

#include "authority_kit.h"
#include "muster/file.h"

static void set_keys(struct rig *rig, struct mst_slice text)
{
	struct mst_err e;

	mst_seal_free(&rig->seal);
	cr_assert_eq(mst_file_write(rig->key_path, text, 0600, &e), 0);
	cr_assert_eq(mst_seal_load(&rig->seal, rig->key_path, &e), 0, "%s", e.text);
}

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef"

Test(master, check)
{
	struct rig rig;
	struct mst_err e;

	rig_open(&rig);
	set_keys(&rig, MST_S(HEX "0\n"));
	cr_expect_eq(mst_master_check(rig.kit->store, rig.seal, &e), 0, "%s", e.text);
	kit_reopen(rig.kit);
	cr_expect_eq(mst_master_check(rig.kit->store, rig.seal, &e), 0, "%s", e.text);

	set_keys(&rig, MST_S(HEX "1\n"));
	cr_expect_eq(mst_master_check(rig.kit->store, rig.seal, &e), -1, "a wrong key");
	cr_expect(e.code == MST_E_CONF && strstr(e.text, "not the one"), "%s", e.text);
	set_keys(&rig, MST_S("2 " HEX "0\n"));
	cr_expect_eq(mst_master_check(rig.kit->store, rig.seal, &e), -1, "key 1 is gone");
	cr_expect(e.code == MST_E_CONF && strstr(e.text, "lacks"), "%s", e.text);

	/* Rotation: both are needed until everything is sealed anew. */
	set_keys(&rig, MST_S("1 " HEX "0\n2 " HEX "1\n"));
	cr_expect_eq(mst_master_check(rig.kit->store, rig.seal, &e), 0, "%s", e.text);
	set_keys(&rig, MST_S("1 " HEX "0\n"));
	cr_expect_eq(mst_master_check(rig.kit->store, rig.seal, &e), -1, "key 2 is gone");
	set_keys(&rig, MST_S("2 " HEX "1\n"));
	cr_expect_eq(mst_master_check(rig.kit->store, rig.seal, &e), -1, "key 1 is gone");
	set_keys(&rig, MST_S("1 " HEX "0\n2 " HEX "1\n"));
	cr_expect_eq(mst_master_settle(rig.kit->store, rig.seal, &e), 0, "%s", e.text);
	set_keys(&rig, MST_S("2 " HEX "1\n"));
	cr_expect_eq(mst_master_check(rig.kit->store, rig.seal, &e), 0, "%s", e.text);
	rig_close(&rig);
}
