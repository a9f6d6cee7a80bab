/* SPDX-License-Identifier: Apache-2.0 */
/* Our reader of property lists against libplist: what it writes we read alike, in both formats, and
 * what we take of the corpus or write ourselves it reads alike. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <plist/plist.h>
#include <stdio.h>
#include <stdlib.h>

#include "muster/plist.h"

#define ROUNDS 3000

static const struct mst_plist_limits limits = {
	.len_max = 1 << 22, .depth_max = 24, .nodes_max = 20000};

static const enum mst_plist_kind kinds[] = {
	[PLIST_BOOLEAN] = MST_PLIST_BOOL, [PLIST_UINT] = MST_PLIST_INT,
	[PLIST_REAL] = MST_PLIST_REAL,    [PLIST_STRING] = MST_PLIST_TEXT,
	[PLIST_ARRAY] = MST_PLIST_ARRAY,  [PLIST_DICT] = MST_PLIST_DICT,
	[PLIST_DATE] = MST_PLIST_DATE,    [PLIST_DATA] = MST_PLIST_DATA,
	[PLIST_KEY] = MST_PLIST_TEXT,     [PLIST_UID] = MST_PLIST_OTHER,
};

static bool same(const struct mst_plist *ours, plist_t theirs);

struct pair {
	plist_t theirs;
	uint32_t at;
	bool is_same;
};

static bool same_entry(void *context, struct mst_slice key, const struct mst_plist *value)
{
	struct pair *pair = context;
	char name[512];
	if (plist_get_node_type(pair->theirs) == PLIST_ARRAY) {
		pair->is_same = same(value, plist_array_get_item(pair->theirs, pair->at++));
		return pair->is_same;
	}
	cr_assert_lt(key.len, sizeof(name));
	memcpy(name, key.at, key.len);
	name[key.len] = 0;
	plist_t other = plist_dict_get_item(pair->theirs, name);
	pair->is_same = other && same(value, other);
	return pair->is_same;
}

static bool same_bytes(struct mst_slice ours, const char *theirs, uint64_t len)
{
	return mst_slice_eq(ours, mst_slice(theirs, (size_t)len));
}

static bool same_leaf(const struct mst_plist *ours, plist_t theirs)
{
	struct mst_slice bytes;
	uint64_t n = 0, u;
	int64_t i;
	bool is_set;
	uint8_t set = 0;
	const char *text;
	switch (mst_plist_kind(ours)) {
	case MST_PLIST_TEXT:
		text = plist_get_string_ptr(theirs, &n);
		return mst_plist_text0(ours, &bytes, NULL, NULL) == 1 && same_bytes(bytes, text, n);
	case MST_PLIST_DATA:
		text = plist_get_data_ptr(theirs, &n);
		return mst_plist_data0(ours, &bytes, NULL, NULL) == 1 && same_bytes(bytes, text, n);
	case MST_PLIST_BOOL:
		plist_get_bool_val(theirs, &set);
		return mst_plist_bool(ours, &is_set, NULL, NULL) == 1 && is_set == (set != 0);
	case MST_PLIST_INT:
		plist_get_uint_val(theirs, &n);
		if (mst_plist_u64(ours, &u, NULL, NULL) == 1)
			return u == n &&
			       (mst_plist_i64(ours, &i, NULL, NULL) == 1) == (n <= INT64_MAX);
		return mst_plist_i64(ours, &i, NULL, NULL) == 1 && i < 0 && (uint64_t)i == n;
	case MST_PLIST_REAL:
	case MST_PLIST_DATE:
	case MST_PLIST_OTHER:
	case MST_PLIST_DICT:
	case MST_PLIST_ARRAY:
		break;
	}
	return true;
}

static bool same(const struct mst_plist *ours, plist_t theirs)
{
	plist_type type = plist_get_node_type(theirs);
	struct pair pair = {.theirs = theirs, .is_same = true};
	if ((size_t)type >= MST_LEN(kinds) || kinds[type] != mst_plist_kind(ours))
		return false;
	if (type != PLIST_DICT && type != PLIST_ARRAY)
		return same_leaf(ours, theirs);
	if (mst_plist_num(ours) !=
	    (type == PLIST_DICT ? plist_dict_get_size(theirs) : plist_array_get_size(theirs)))
		return false;
	mst_plist_each(ours, &pair, same_entry);
	return pair.is_same;
}

/* xorshift: the same documents each time. */
static uint64_t state = 88172645463325252u;
static uint32_t pick(uint32_t num)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20) % num;
}

static void put_random_text(char *out, size_t room)
{
	static const char *const pieces[] = {"a",
					     "Z",
					     "0",
					     " ",
					     "&",
					     "<",
					     ">",
					     "\"",
					     "'",
					     "\n",
					     "\t",
					     "]]>",
					     "-",
					     "\xc3\xa4",
					     "\xe2\x82\xac",
					     "\xf0\x9f\x98\x80",
					     "&amp;",
					     "plist",
					     "</string>"};
	size_t len = 0, num = pick(12);
	out[0] = 0;
	for (size_t i = 0; i < num; i++) {
		const char *piece = pieces[pick(MST_LEN(pieces))];
		if (len + strlen(piece) < room)
			len += (size_t)snprintf(out + len, room - len, "%s", piece);
	}
}

static plist_t random_node(uint32_t depth, bool has_uid);

static plist_t random_dict(uint32_t depth, bool has_uid)
{
	plist_t dict = plist_new_dict();
	uint32_t num = depth > 1 ? pick(6) : pick(12) ? pick(20) : 20 + pick(200);
	for (uint32_t i = 0; i < num; i++) {
		char text[100], key[120];
		put_random_text(text, sizeof(text));
		snprintf(key, sizeof(key), "%s%u", text, i);
		plist_dict_set_item(dict, key, random_node(depth + 1, has_uid));
	}
	return dict;
}

static plist_t random_int(void)
{
	static const uint64_t ints[] = {0,         1,          127,       128,
					255,       256,        65535,     65536,
					INT32_MAX, UINT32_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1};
	uint64_t n = ints[pick(MST_LEN(ints))];
	return plist_new_uint(pick(3) ? n : n * pick(1000));
}

static plist_t random_node(uint32_t depth, bool has_uid)
{
	char text[300];
	plist_t array;
	switch (pick(depth < 5 ? 11 : 9)) {
	case 0:
		return plist_new_bool((uint8_t)pick(2));
	case 1:
	case 2:
		return random_int();
	case 3:
		return plist_new_real((double)pick(1000000) / 7 - 1000);
	case 4:
		return plist_new_date((int32_t)pick(1u << 30), 0);
	case 5:
		return has_uid ? plist_new_uid(pick(100000)) : plist_new_bool(1);
	case 6:
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = (char)pick(256);
		return plist_new_data(text, pick(sizeof(text)));
	case 7:
	case 8:
		put_random_text(text, sizeof(text));
		return plist_new_string(text);
	case 9:
		array = plist_new_array();
		for (uint32_t i = pick(6); i > 0; i--)
			plist_array_append_item(array, random_node(depth + 1, has_uid));
		return array;
	}
	return random_dict(depth, has_uid);
}

static void expect_same(struct mst_slice doc, plist_t theirs, const char *name, uint32_t round)
{
	struct mst_arena arena;
	struct mst_err e = {.text = ""};
	const struct mst_plist *ours;
	mst_arena_init(&arena, NULL, mst_plist_room(doc.len, &limits));
	cr_assert_eq(mst_plist_parse(&ours, &arena, doc, &limits, &e), 0, "%s %u: %s\n%.*s", name,
		     round, e.text, (int)doc.len, (const char *)doc.at);
	cr_assert(same(ours, theirs), "%s %u\n%.*s", name, round, (int)doc.len,
		  (const char *)doc.at);
	mst_arena_done(&arena);
}

/* UIDs are of the binary format only; in XML they are dictionaries. */
Test(plist_judge, reads_what_it_writes)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		char *doc = NULL;
		uint32_t len = 0;
		plist_t tree = random_dict(0, false);
		plist_to_xml(tree, &doc, &len);
		expect_same(mst_slice(doc, len), tree, "xml", i);
		plist_to_xml_free(doc);
		doc = NULL; /* or it would not write */
		plist_free(tree);
		tree = random_dict(0, true);
		plist_to_bin(tree, &doc, &len);
		expect_same(mst_slice(doc, len), tree, "binary", i);
		plist_to_bin_free(doc);
		plist_free(tree);
	}
}

#define XML(text) "<plist version=\"1.0\"><dict><key>a</key>" text "</dict></plist>"
static const char *const rows[] = {
	XML("<string>x&#65;&#x42;&amp;&lt;&gt;&quot;&apos;&#228;&#x20ac;&#x1F600;</string>"),
	XML("<string><![CDATA[a<b>&amp;]]></string>"),
	XML("<string>x<![CDATA[y]]>z<!-- no -->&amp;</string>"),
	XML("<string> kept \n</string>"),
	XML("<string></string>"),
	XML("<string/>"),
	XML("<string />"),
	XML("<string>a</string  >"),
	XML("<data/>"),
	XML("<data></data>"),
	XML("<data>\n\tAAEC\n\tAw==\n\t</data>"),
	XML("<data> A A E C A w = = </data>"),
	XML("<integer>-9223372036854775808</integer>"),
	XML("<integer>9223372036854775807</integer>"),
	XML("<integer>18446744073709551615</integer>"),
	XML("<integer>-1</integer>"),
	XML("<integer>+1</integer>"),
	XML("<integer>0x1F</integer>"),
	XML("<integer> 12 </integer>"),
	XML("<integer>0</integer>"),
	XML("<integer></integer>"),
	XML("<integer/>"),
	XML("<real>1</real>"),
	XML("<real>-1.5e-3</real>"),
	XML("<real>nan</real>"),
	XML("<real/>"),
	XML("<date>2026-01-02T03:04:05Z</date>"),
	XML("<true/>"),
	XML("<false></false>"),
	XML("<array/>"),
	XML("<dict/>"),
	XML("<array><true/><!-- x --><dict><key>b</key><array/></dict></array>"),
	"<?xml version='1.0' encoding='utf-8'?><!-- a --><plist><dict/></plist><!-- b -->\n",
};

Test(plist_judge, rows)
{
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		plist_t tree = NULL;
		plist_from_xml(rows[i], (uint32_t)strlen(rows[i]), &tree);
		cr_assert_not_null(tree, "libplist refuses %s", rows[i]);
		expect_same(mst_slice_str(rows[i]), tree, rows[i], 0);
		plist_free(tree);
	}
}

static void judge(const char *name, struct mst_slice doc)
{
	struct mst_arena arena = {0};
	const struct mst_plist *ours;
	plist_t tree = NULL;
	if (mst_plist_parse(&ours, &arena, doc, &limits, NULL) == 0) {
		if (plist_is_binary((const char *)doc.at, (uint32_t)doc.len))
			plist_from_bin((const char *)doc.at, (uint32_t)doc.len, &tree);
		else
			plist_from_xml((const char *)doc.at, (uint32_t)doc.len, &tree);
		cr_expect(tree && same(ours, tree), "%s", name);
	}
	plist_free(tree);
	mst_arena_done(&arena);
}

Test(plist_judge, corpus)
{
	static uint8_t bytes[1 << 20];
	struct dirent *entry;
	uint32_t num = 0;
	DIR *dir = opendir(PLIST_CORPUS);
	cr_assert_not_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char path[1024];
		snprintf(path, sizeof(path), "%s/%s", PLIST_CORPUS, entry->d_name);
		FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
		if (!file)
			continue;
		judge(path, mst_slice(bytes, fread(bytes, 1, sizeof(bytes), file)));
		fclose(file);
		num++;
	}
	closedir(dir);
	cr_expect_gt(num, 0);
}

Test(plist_judge, it_reads_what_we_write)
{
	for (uint32_t i = 0; i < ROUNDS / 10; i++) {
		struct mst_arena arena = {0};
		struct mst_plist_out w;
		struct mst_slice doc;
		char text[300];
		put_random_text(text, sizeof(text));
		mst_plist_begin(&w, &arena);
		mst_plist_open_dict(&w, NULL);
		mst_plist_put_text(&w, "text", mst_slice_str(text));
		mst_plist_put_data(&w, "data", mst_slice(text, sizeof(text)));
		mst_plist_put_i64(&w, "int", (int64_t)pick(UINT32_MAX) - INT32_MAX);
		mst_plist_put_bool(&w, "bool", pick(2) == 0);
		mst_plist_open_array(&w, "list");
		mst_plist_put_text(&w, NULL, mst_slice_str(text));
		mst_plist_close(&w);
		mst_plist_close(&w);
		cr_assert_eq(mst_plist_end(&w, &doc, NULL), 0);
		judge("ours", doc);
		mst_arena_done(&arena);
	}
}
