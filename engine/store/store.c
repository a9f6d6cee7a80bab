/* SPDX-License-Identifier: Apache-2.0 */
/* Opens, checks, copies and closes the store. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inside.h"

#define GROUP_MAX_DEFAULT 1024
#define QUEUE_MAX_DEFAULT 65536
#define LAYOUT "1" /* of keys and values; another one is not ours to open */

static void drop_options(struct mst_store *store)
{
	for (size_t i = 0; i < MST_NUM_SPACES; i++)
		if (store->options[i])
			rocksdb_options_destroy(store->options[i]);
	memset(store->options, 0, sizeof store->options);
}

static void open_spaces(struct mst_store *store, const struct mst_store_conf *conf, bool is_compressed, char **text)
{
	const char *names[MST_NUM_SPACES];

	drop_options(store);
	for (size_t i = 0; i < MST_NUM_SPACES; i++) {
		names[i] = mst_space_rows[i].name;
		store->options[i] = mst_space_options((enum mst_space)i, conf, store->cache, is_compressed);
	}
	store->db = rocksdb_open_column_families(store->options[0], conf->path, MST_NUM_SPACES, names,
						 (const rocksdb_options_t *const *)store->options, store->spaces,
						 text);
}

/* A RocksDB that was built without LZ4 says so when it opens; then records are kept as they are. */
static int open_database(struct mst_store *store, const struct mst_store_conf *conf, struct mst_err *e)
{
	char *text = NULL;

	open_spaces(store, conf, true, &text);
	if (text && strstr(text, "ompression type")) {
		rocksdb_free(text);
		text = NULL;
		open_spaces(store, conf, false, &text);
	}
	if (!text)
		return 0;
	store->db = NULL;
	return mst_space_fault(e, text, "cannot open the store");
}

static int check_layout(struct mst_store *store, struct mst_err *e)
{
	static const struct mst_slice key = MST_S_INIT("layout"), ours = MST_S_INIT(LAYOUT);
	char *text = NULL;
	size_t len = 0;
	char *found = rocksdb_get_cf(store->db, store->reads[COLD][REACH_KEY], store->spaces[MST_SPACE_META],
				     (const char *)key.at, key.len, &len, &text);

	if (text)
		return mst_space_fault(e, text, "cannot read the store's layout");
	if (!found) {
		rocksdb_put_cf(store->db, store->durable, store->spaces[MST_SPACE_META], (const char *)key.at, key.len,
			       (const char *)ours.at, ours.len, &text);
		return text ? mst_space_fault(e, text, "cannot write the store's layout") : 0;
	}
	bool is_ours = mst_slice_eq(mst_slice(found, len), ours);
	rocksdb_free(found);
	return is_ours ? 0 : mst_fail(e, MST_E_CONF, "the store was written by another version of this program");
}

static void make_options(struct mst_store *store, const struct mst_store_conf *conf)
{
	for (size_t heat = 0; heat < NUM_HEATS; heat++)
		for (size_t reach = 0; reach < NUM_REACHES; reach++)
			store->reads[heat][reach] = mst_space_read_options((enum heat)heat, (enum reach)reach);
	store->durable = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(store->durable, conf->skips_sync ? 0 : 1);
	store->lazy = rocksdb_writeoptions_create();
	store->cache = rocksdb_cache_create_lru((size_t)conf->cache_mib << 20);
	store->group_max = conf->group_max ? conf->group_max : GROUP_MAX_DEFAULT;
	store->queue_max = conf->queue_max ? conf->queue_max : QUEUE_MAX_DEFAULT;
}

/* RocksDB's close asserts that no write to its log failed. After one there is nothing left to save, since what was acknowledged
 * is synced: the database stays as it is until the process ends. */
static rocksdb_t *volatile abandoned; /* where leak checkers find it */

static void close_database(struct mst_store *store)
{
	for (size_t i = 0; i < MST_NUM_SPACES; i++)
		if (store->spaces[i])
			rocksdb_column_family_handle_destroy(store->spaces[i]);
	if (store->committer.is_failing)
		abandoned = store->db;
	else
		rocksdb_close(store->db);
}

static void free_all(struct mst_store *store)
{
	if (store->db)
		close_database(store);
	drop_options(store);
	for (size_t heat = 0; heat < NUM_HEATS; heat++)
		for (size_t reach = 0; reach < NUM_REACHES; reach++)
			rocksdb_readoptions_destroy(store->reads[heat][reach]);
	rocksdb_writeoptions_destroy(store->durable);
	rocksdb_writeoptions_destroy(store->lazy);
	rocksdb_cache_destroy(store->cache);
	mst_floor_free(&store->floors);
	free(store);
}

static int start(struct mst_store *store, const struct mst_store_conf *conf, struct mst_err *e)
{
	store->floors = mst_floor_new();
	if (!store->floors)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	if (mkdir(conf->path, 0700) < 0 && errno != EEXIST)
		return mst_fail_sys(e, errno, "cannot make the store's folder");
	if (open_database(store, conf, e) < 0)
		return -1;
	if (check_layout(store, e) < 0)
		return -1;
	return mst_committer_start(store, e);
}

int mst_store_open(struct mst_store **out, const struct mst_store_conf *conf, struct mst_work *work, struct mst_err *e)
{
	struct mst_store *store = aligned_alloc(64, (sizeof(*store) + 63) & ~(size_t)63);
	sigset_t all, before;

	*out = NULL;
	if (!store)
		return mst_fail(e, MST_E_BUSY, "out of memory");
	memset(store, 0, sizeof *store);
	store->work = work;
	make_options(store, conf);
	/* Signals are for the main thread: neither RocksDB's threads nor the committer may take them. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int rc = start(store, conf, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc < 0) {
		free_all(store);
		return -1;
	}
	*out = store;
	return 0;
}

/* A close without this would lose nothing, but the following open would have to read the log again. */
static void flush(struct mst_store *store)
{
	rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();

	rocksdb_flushoptions_set_wait(options, 1);
	for (size_t i = 0; i < MST_NUM_SPACES; i++) {
		char *text = NULL;
		rocksdb_flush_cf(store->db, options, store->spaces[i], &text);
		if (text)
			rocksdb_free(text);
	}
	rocksdb_flushoptions_destroy(options);
}

void mst_store_close(struct mst_store **store)
{
	if (!*store)
		return;
	mst_committer_stop(*store);
	if (!(*store)->committer.is_failing)
		flush(*store);
	free_all(*store);
	*store = NULL;
}

int mst_store_checkpoint(struct mst_store *store, const char *folder, struct mst_err *e)
{
	char *text = NULL;
	rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(store->db, &text);

	if (text)
		return mst_space_fault(e, text, "cannot copy the store");
	rocksdb_checkpoint_create(checkpoint, folder, 0, &text);
	rocksdb_checkpoint_object_destroy(checkpoint);
	return text ? mst_space_fault(e, text, "cannot copy the store") : 0;
}

void mst_store_break(struct mst_store *store, bool is_broken)
{
	atomic_store(&store->is_broken, is_broken);
}
