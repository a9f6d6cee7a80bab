/* SPDX-License-Identifier: Apache-2.0 */
/* The key spaces as rows, and what RocksDB is told about each. */
#include <string.h>

#include "inside.h"

#define BLOOM_BITS 10           /* 1 % false positives */
#define SMALL_MEMTABLE_MIB 4
#define MEMTABLES_MAX 4         /* one being filled, three on their way to disk, before writes are slowed */
#define MEMTABLE_BLOOM 0.03     /* share of a memtable: about 10 bits for a key of a short record */
#define WAL_MIN_MIB 64
#define LOG_FILES_KEPT 4
#define LOG_FILE_LEN (4u << 20)
#define HOT_SKIP_MAX 1000       /* dropped keys a loop may step over: about 100 us; beyond it a worker does */
#define LOG_LEVEL_WARN 2
#define TIER_BLOCK_CACHE 1
#define FORMAT_VERSION 5

const struct space_row mst_space_rows[MST_NUM_SPACES] = {
#define X(id, name, prefix, is_once, what) {name, prefix, is_once},
	MST_SPACES(X)
#undef X
};

static void set_table(rocksdb_options_t *options, size_t prefix_len, rocksdb_cache_t *cache)
{
	rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

	rocksdb_block_based_options_set_block_cache(table, cache);
	rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
	rocksdb_block_based_options_set_whole_key_filtering(table, 1);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
	rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
	rocksdb_block_based_options_set_format_version(table, FORMAT_VERSION);
	rocksdb_block_based_options_set_data_block_index_type(
		table, rocksdb_block_based_table_data_block_index_type_binary_search_and_hash);
	rocksdb_block_based_options_set_data_block_hash_ratio(table, 0.75);
	rocksdb_options_set_block_based_table_factory(options, table);
	rocksdb_block_based_options_destroy(table);
	if (prefix_len)
		rocksdb_options_set_prefix_extractor(options, rocksdb_slicetransform_create_fixed_prefix(prefix_len));
}

/* The database's own options travel with the first key space. */
static void set_database(rocksdb_options_t *options, const struct mst_store_conf *conf)
{
	uint64_t wal_mib = (uint64_t)conf->memtable_mib * 4;

	rocksdb_options_set_create_if_missing(options, 1);
	rocksdb_options_set_create_missing_column_families(options, 1);
	rocksdb_options_set_paranoid_checks(options, 1);
	/* Everything up to the first broken record of the log: after a kill that is all that was synced, and no hole. */
	rocksdb_options_set_wal_recovery_mode(options, rocksdb_point_in_time_recovery);
	rocksdb_options_set_max_total_wal_size(options, (wal_mib < WAL_MIN_MIB ? WAL_MIN_MIB : wal_mib) << 20);
	/* Every table stays open: a hot read of a table that is not open would be answered wrongly (empty). */
	rocksdb_options_set_max_open_files(options, -1);
	rocksdb_options_set_max_background_jobs(options, 2);
	rocksdb_options_set_bytes_per_sync(options, 1u << 20);
	rocksdb_options_set_allow_concurrent_memtable_write(options, 0); /* one thread writes */
	rocksdb_options_set_avoid_unnecessary_blocking_io(options, 1);
	rocksdb_options_set_info_log_level(options, LOG_LEVEL_WARN);
	rocksdb_options_set_keep_log_file_num(options, LOG_FILES_KEPT);
	rocksdb_options_set_max_log_file_size(options, LOG_FILE_LEN);
	rocksdb_options_set_stats_dump_period_sec(options, 0);
	rocksdb_options_set_stats_persist_period_sec(options, 0);
}

rocksdb_options_t *mst_space_options(enum mst_space space, const struct mst_store_conf *conf, rocksdb_cache_t *cache,
				     bool is_compressed)
{
	const struct space_row *row = &mst_space_rows[space];
	rocksdb_options_t *options = rocksdb_options_create();
	uint64_t mib = space == MST_SPACE_META || conf->memtable_mib == 0 ? SMALL_MEMTABLE_MIB : conf->memtable_mib;

	set_database(options, conf);
	set_table(options, row->prefix_len, cache);
	if (space == MST_SPACE_PUSH && mib > 8)
		mib = 8;
	rocksdb_options_set_write_buffer_size(options, mib << 20);
	rocksdb_options_set_max_write_buffer_number(options, MEMTABLES_MAX);
	rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, MEMTABLE_BLOOM);
	rocksdb_options_set_memtable_whole_key_filtering(options, 1);
	rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
	rocksdb_options_set_compression(options, is_compressed ? rocksdb_lz4_compression : rocksdb_no_compression);
	return options;
}

rocksdb_readoptions_t *mst_space_read_options(enum heat heat, enum reach reach)
{
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();

	if (heat == HOT) {
		rocksdb_readoptions_set_read_tier(options, TIER_BLOCK_CACHE);
		rocksdb_readoptions_set_max_skippable_internal_keys(options, HOT_SKIP_MAX);
	}
	if (reach == REACH_PREFIX)
		rocksdb_readoptions_set_prefix_same_as_start(options, 1);
	if (reach == REACH_ALL)
		rocksdb_readoptions_set_total_order_seek(options, 1);
	rocksdb_readoptions_set_background_purge_on_iterator_cleanup(options, 1);
	return options;
}

void mst_space_quiet(void)
{
	rocksdb_set_perf_level(rocksdb_disable);
}

int mst_space_fault(struct mst_err *e, char *text, const char *what)
{
	mst_fail(e, MST_E_STORE, "%s: %s", what, text);
	rocksdb_free(text);
	return -1;
}

bool mst_space_is_later(char *text)
{
	static const char later[] = "Result incomplete";

	if (strncmp(text, later, sizeof later - 1) != 0)
		return false;
	rocksdb_free(text);
	return true;
}
