/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of musterctl, row by row; the rows themselves. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>

#include "ctl.h"

#define WORDS_MAX 8

static const struct {
	const char *words[WORDS_MAX];
	const char *noun, *verb;
	bool is_fine;
	const char *says; /* part of the error */
} lines[] = {
	{{"ca", "init"}, "ca", "init", true, NULL},
	{{"ca", "init", "--ca", "x", "--days=5", "--json"}, "ca", "init", true, NULL},
	{{"--json", "status"}, "status", NULL, true, NULL},
	{{"--socket", "/x", "devices", "list"}, "devices", "list", true, NULL},
	{{"devices", "show", "ID"}, "devices", "show", true, NULL},
	{{"devices", "show", "--", "--odd-id"}, "devices", "show", true, NULL},
	{{"enqueue", "a,b", "-"}, "enqueue", NULL, true, NULL},
	{{"results", "a", "b"}, "results", NULL, true, NULL},
	{{NULL}, NULL, NULL, false, "missing"},
	{{"nothing"}, NULL, NULL, false, "unknown verb: nothing"},
	{{"devices", "sing"}, NULL, NULL, false, "unknown verb: devices sing"},
	{{"devices"}, NULL, NULL, false, "unknown verb: devices"},
	{{"devices", "show"}, "devices", "show", false, "needs ID"},
	{{"devices", "show", "a", "b"}, "devices", "show", false, "too many: b"},
	{{"devices", "list", "--days", "5"}, "devices", "list", false, "does not take --days"},
	{{"devices", "list", "--nope"}, "devices", "list", false, "does not take --nope"},
	{{"devices", "list", "--limit"}, "devices", "list", false, "--limit needs a value"},
	{{"status", "--json=yes"}, "status", NULL, false, "takes no value"},
	{{"--limit", "5", "devices", "list"}, NULL, NULL, false, "does not take --limit"},
};

Test(parse, lines)
{
	for (size_t i = 0; i < MST_LEN(lines); i++) {
		struct mst_ctl ctl = {.socket = MST_CTL_SOCKET};
		const struct mst_ctl_verb *verb = NULL;
		struct mst_err e = {0};
		int argc = 0, rc;

		while (argc < WORDS_MAX && lines[i].words[argc])
			argc++;
		mst_arena_init(&ctl.arena, NULL, 0);
		rc = mst_ctl_parse(&ctl, &verb, argc, (char **)(uintptr_t)lines[i].words, &e);
		cr_expect_eq(rc, lines[i].is_fine ? 0 : -1, "line %zu: %s", i, e.text);
		cr_expect(!lines[i].says || strstr(e.text, lines[i].says), "line %zu: %s", i,
			  e.text);
		if (rc == 0)
			cr_expect(
				strcmp(verb->noun, lines[i].noun) == 0 &&
					(!lines[i].verb || strcmp(verb->verb, lines[i].verb) == 0),
				"line %zu", i);
		mst_arena_done(&ctl.arena);
	}
}

Test(parse, repeated_flags_and_places)
{
	const char *words[] = {"ca", "issue",    "--dns",  "a", "--dns=b", "--ip",
			       "1",  "--server", "--name", "n", "--out",   "o"};
	struct mst_ctl ctl = {0};
	const struct mst_ctl_verb *verb;
	struct mst_err e = {0};

	mst_arena_init(&ctl.arena, NULL, 0);
	cr_assert_eq(mst_ctl_parse(&ctl, &verb, MST_LEN(words), (char **)(uintptr_t)words, &e), 0,
		     "%s", e.text);
	cr_expect_str_eq(ctl.dns[0], "a");
	cr_expect_str_eq(ctl.dns[1], "b");
	cr_expect_null(ctl.dns[2]);
	cr_expect_str_eq(ctl.ips[0], "1");
	cr_expect(ctl.is_server && !ctl.is_json);
	cr_expect_str_eq(ctl.name, "n");
	mst_arena_done(&ctl.arena);
}

Test(parse, too_many_names_are_refused)
{
	const char *words[2 + 2 * (MST_CTL_NAMES + 1)] = {"ca", "issue"};
	struct mst_ctl ctl = {0};
	const struct mst_ctl_verb *verb;
	struct mst_err e = {0};

	for (size_t i = 0; i <= MST_CTL_NAMES; i++) {
		words[2 + 2 * i] = "--dns";
		words[3 + 2 * i] = "x";
	}
	mst_arena_init(&ctl.arena, NULL, 0);
	cr_expect_eq(mst_ctl_parse(&ctl, &verb, MST_LEN(words), (char **)(uintptr_t)words, &e), -1);
	cr_expect(strstr(e.text, "--dns more than"), "%s", e.text);
	mst_arena_done(&ctl.arena);
}

Test(parse, numbers)
{
	static const struct {
		const char *text;
		bool is_fine;
		uint32_t want;
	} rows[] = {{NULL, true, 9},  {"1", true, 1},  {"50", true, 50}, {"0", false, 0},
		    {"51", false, 0}, {"x", false, 0}, {"-1", false, 0}};

	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_err e = {0};
		uint32_t n = 0;

		cr_expect_eq(mst_ctl_u32(&n, "days", rows[i].text, 9, 1, 50, &e),
			     rows[i].is_fine ? 0 : -1, "row %zu", i);
		cr_expect(!rows[i].is_fine || n == rows[i].want, "row %zu", i);
		cr_expect(rows[i].is_fine || strstr(e.text, "--days"), "row %zu", i);
	}
}

/* Drift: every flag that a verb names exists, and every flag is some verb's. */
Test(parse, rows_agree)
{
	size_t num_verbs, num_flags;
	const struct mst_ctl_verb *verbs = mst_ctl_verbs(&num_verbs);
	const struct mst_ctl_flag *flags = mst_ctl_flags(&num_flags);

	for (size_t f = 0; f < num_flags; f++) {
		bool is_used = flags[f].is_common;
		for (size_t v = 0; v < num_verbs; v++)
			is_used = is_used || strstr(verbs[v].flags, flags[f].name);
		cr_expect(is_used, "--%s is no verb's", flags[f].name);
	}
	for (size_t v = 0; v < num_verbs; v++) {
		struct mst_slice rest = mst_slice_str(verbs[v].flags), word;
		while (rest.len) {
			bool has_more = mst_slice_cut(&word, &rest, rest, ' '), is_known = false;
			for (size_t f = 0; f < num_flags; f++)
				is_known = is_known ||
					   mst_slice_eq(word, mst_slice_str(flags[f].name));
			cr_expect(is_known, "%s %s: %.*s", verbs[v].noun,
				  verbs[v].verb ? verbs[v].verb : "", (int)word.len,
				  (const char *)word.at);
			if (!has_more)
				break;
		}
	}
}

Test(parse, help_names_every_verb, .init = cr_redirect_stdout)
{
	size_t num;
	const struct mst_ctl_verb *verbs = mst_ctl_verbs(&num);
	char text[8192];
	size_t len;

	mst_ctl_help(NULL);
	fflush(stdout);
	len = fread(text, 1, sizeof(text) - 1, cr_get_redirected_stdout());
	text[len] = 0;
	for (size_t i = 0; i < num; i++)
		cr_expect(strstr(text, verbs[i].help), "%s", verbs[i].noun);
}
