/* SPDX-License-Identifier: Apache-2.0 */
/* Options: each type with what it takes and refuses, defaults, printing back, differences. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "muster/opt.h"

struct conf {
	uint32_t limit, any;
	bool on;
	const char *name, *path;
	uint32_t mode;
};

static const char *const modes[] = {"off", "ask", "demand", NULL};
#define AT(member) offsetof(struct conf, member)

static const struct mst_opt_row rows[] = {
	{"a", "limit", AT(limit), MST_OPT_U32, "50", 10, 100, "ms", true, "A limit.", NULL},
	{"a", "any", AT(any), MST_OPT_U32, "4294967295", 0, 0, "", false, "Any number.", NULL},
	{"b", "limit", AT(on), MST_OPT_BOOL, "yes", 0, 0, "", true,
	 "A switch of the same key elsewhere.", NULL},
	{"b", "name", AT(name), MST_OPT_TEXT, "none", 2, 8, "", false, "A name.", NULL},
	{"b", "path", AT(path), MST_OPT_PATH, "", 0, 0, "", false, "A path.", NULL},
	{"b", "mode", AT(mode), MST_OPT_ENUM, "ask", 0, 0, "", true, "A mode.", modes},
};
#define NUM_ROWS MST_LEN(rows)

static struct conf conf;
static struct mst_arena arena;

static void start(void)
{
	mst_arena_init(&arena, NULL, 0);
	cr_assert_eq(mst_opt_defaults(&conf, &arena, rows, NUM_ROWS, NULL), 0);
}

static void stop(void)
{
	mst_arena_done(&arena);
}

TestSuite(opt, .init = start, .fini = stop);

static const char *printed(const struct mst_opt_row *row)
{
	static char text[64];
	cr_expect_eq(mst_opt_print(text, sizeof(text), row, &conf), strlen(text));
	return text;
}

Test(opt, defaults)
{
	cr_expect_eq(conf.limit, 50u);
	cr_expect_eq(conf.any, UINT32_MAX);
	cr_expect_eq(conf.on, true);
	cr_expect_str_eq(conf.name, "none");
	cr_expect_str_eq(conf.path, "");
	cr_expect_eq(conf.mode, 1u);
	for (size_t i = 0; i < NUM_ROWS; i++)
		cr_expect_str_eq(printed(&rows[i]), rows[i].fallback);
}

Test(opt, finds)
{
	cr_expect_eq(mst_opt_find(rows, NUM_ROWS, "a", "limit"), &rows[0]);
	cr_expect_eq(mst_opt_find(rows, NUM_ROWS, "b", "limit"), &rows[2]);
	cr_expect_null(mst_opt_find(rows, NUM_ROWS, "c", "limit"));
	cr_expect_null(mst_opt_find(rows, NUM_ROWS, "a", "name"));
	cr_expect_null(mst_opt_find(rows, NUM_ROWS, "a", "LIMIT"));
}

Test(opt, sets)
{
	static const struct {
		const char *section, *key, *value, *want; /* want: as printed; NULL: refused */
	} cases[] = {
		{"a", "limit", "10", "10"},
		{"a", "limit", "100", "100"},
		{"a", "limit", "9", NULL},
		{"a", "limit", "101", NULL},
		{"a", "limit", "", NULL},
		{"a", "limit", "-50", NULL},
		{"a", "limit", "50 ", NULL},
		{"a", "limit", "50ms", NULL},
		{"a", "limit", "0x20", NULL},
		{"a", "limit", "18446744073709551666", NULL},
		{"a", "any", "0", "0"},
		{"a", "any", "4294967295", "4294967295"},
		{"a", "any", "4294967296", NULL},
		{"b", "limit", "no", "no"},
		{"b", "limit", "FALSE", "no"},
		{"b", "limit", "off", "no"},
		{"b", "limit", "0", "no"},
		{"b", "limit", "True", "yes"},
		{"b", "limit", "on", "yes"},
		{"b", "limit", "1", "yes"},
		{"b", "limit", "2", NULL},
		{"b", "limit", "", NULL},
		{"b", "limit", "ye", NULL},
		{"b", "name", "ab", "ab"},
		{"b", "name", "12345678", "12345678"},
		{"b", "name", "a", NULL},
		{"b", "name", "123456789", NULL},
		{"b", "name", "a\tb", NULL},
		{"b", "name", "a\xff", NULL},
		{"b", "name", "M\xc3\xbcller", "M\xc3\xbcller"},
		{"b", "path", "/etc/x", "/etc/x"},
		{"b", "path", "keys/x", "keys/x"},
		{"b", "path", "a\nb", NULL},
		{"b", "mode", "off", "off"},
		{"b", "mode", "demand", "demand"},
		{"b", "mode", "Demand", NULL},
		{"b", "mode", "dem", NULL},
		{"b", "mode", "", NULL},
	};
	for (size_t i = 0; i < MST_LEN(cases); i++) {
		const struct mst_opt_row *row =
			mst_opt_find(rows, NUM_ROWS, cases[i].section, cases[i].key);
		struct mst_err e = {0};
		struct conf before = conf;
		char name[40];
		snprintf(name, sizeof(name), "%s.%s: ", cases[i].section, cases[i].key);
		cr_expect_eq(mst_opt_set(&conf, &arena, row, cases[i].value, &e),
			     cases[i].want ? 0 : -1, "%s%s", name, cases[i].value);
		if (cases[i].want) {
			cr_expect_str_eq(printed(row), cases[i].want);
		} else {
			cr_expect_eq(e.code, MST_E_CONF);
			cr_expect_eq(strncmp(e.text, name, strlen(name)), 0, "%s", e.text);
			cr_expect_not(mst_opt_differs(row, &before, &conf),
				      "refused changes nothing");
		}
	}
}

Test(opt, messages_say_the_rule)
{
	struct mst_err e;
	cr_expect_eq(mst_opt_set(&conf, &arena, &rows[0], "7", &e), -1);
	cr_expect_str_eq(e.text, "a.limit: a whole number from 10 to 100 ms belongs here");
	cr_expect_eq(mst_opt_set(&conf, &arena, &rows[5], "7", &e), -1);
	cr_expect_str_eq(e.text, "b.mode: one of off, ask, demand belongs here");
	cr_expect_eq(mst_opt_set(&conf, &arena, &rows[3], "7", &e), -1);
	cr_expect_str_eq(e.text, "b.name: text of 2 to 8 bytes belongs here");
}

Test(opt, differs)
{
	static const char *const others[NUM_ROWS] = {"51", "7", "no", "nobody", "/x", "off"};
	for (size_t i = 0; i < NUM_ROWS; i++) {
		struct conf other;
		memset(&other, 0, sizeof(other));
		cr_assert_eq(mst_opt_defaults(&other, &arena, rows, NUM_ROWS, NULL), 0);
		for (size_t k = 0; k < NUM_ROWS; k++)
			cr_expect_not(mst_opt_differs(&rows[k], &conf, &other),
				      "the same text at another place");
		cr_assert_eq(mst_opt_set(&other, &arena, &rows[i], others[i], NULL), 0);
		for (size_t k = 0; k < NUM_ROWS; k++)
			cr_expect_eq(mst_opt_differs(&rows[k], &conf, &other), i == k, "%zu %zu", i,
				     k);
	}
	struct conf empty = {0};
	cr_expect_not(mst_opt_differs(&rows[4], &empty, &conf), "no text and empty text are one");
	cr_expect(mst_opt_differs(&rows[3], &empty, &conf));
}

Test(opt, text_is_a_copy)
{
	char value[] = "/tmp/x";
	cr_assert_eq(mst_opt_set(&conf, &arena, &rows[4], value, NULL), 0);
	value[5] = 'y';
	cr_expect_str_eq(conf.path, "/tmp/x");
}

Test(opt, print_is_cut)
{
	char text[4] = "zzz";
	cr_expect_eq(mst_opt_print(text, 3, &rows[3], &conf), 2u);
	cr_expect_str_eq(text, "no");
	cr_expect_eq(mst_opt_print(NULL, 0, &rows[3], &conf), 0u);
}

Test(opt, a_bad_default_is_told)
{
	static const struct mst_opt_row bad = {"a", "limit", AT(limit), MST_OPT_U32, "5", 10,
					       100, "",      true,      "x",         NULL};
	struct mst_err e;
	cr_expect_eq(mst_opt_defaults(&conf, &arena, &bad, 1, &e), -1);
	cr_expect_eq(e.code, MST_E_CONF);
}

Test(opt, no_memory_left)
{
	struct mst_arena small;
	struct mst_err e;
	mst_arena_init(&small, NULL, 16);
	cr_expect_eq(mst_opt_set(&conf, &small, &rows[4], "/a/longer/path/than/that", &e), -1);
	cr_expect_eq(e.code, MST_E_CONF);
	mst_arena_done(&small);
}
