/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: finds the verb's row, sets flags by their rows, keeps the arguments; prints the
 * help from the same rows. */
#include "ctl.h"

#include <stdio.h>

static const struct mst_ctl_flag *find_flag(const char *name, size_t len)
{
	size_t num;
	const struct mst_ctl_flag *flags = mst_ctl_flags(&num);

	for (size_t i = 0; i < num; i++)
		if (strlen(flags[i].name) == len && memcmp(flags[i].name, name, len) == 0)
			return &flags[i];
	return NULL;
}

/* Is `word` one of the words of `list`, which are separated by one space? */
static bool is_listed(const char *list, const char *word)
{
	struct mst_slice rest = mst_slice_str(list), head;

	while (rest.len) {
		bool has_more = mst_slice_cut(&head, &rest, rest, ' ');
		if (mst_slice_eq(head, mst_slice_str(word)))
			return true;
		if (!has_more)
			break;
	}
	return false;
}

static int set_flag(struct mst_ctl *ctl, const struct mst_ctl_flag *flag, const char *value,
		    struct mst_err *e)
{
	char *place = (char *)ctl + flag->at;
	const char **texts = (const char **)(void *)place;
	size_t n = 0;

	if (!flag->value) {
		*(bool *)place = true;
		return 0;
	}
	if (flag->is_list)
		while (n < MST_CTL_NAMES && texts[n])
			n++;
	if (n == MST_CTL_NAMES)
		return mst_fail(e, MST_E_CONF, "--%s more than %d times", flag->name,
				MST_CTL_NAMES);
	texts[n] = value;
	return 0;
}

/* One flag at argv[i]; returns the number of words it took, or -1. */
static int take_flag(struct mst_ctl *ctl, const struct mst_ctl_verb *verb, int i, int argc,
		     char **argv, struct mst_err *e)
{
	const char *name = argv[i] + 2, *equals = strchr(name, '=');
	const struct mst_ctl_flag *flag =
		find_flag(name, equals ? (size_t)(equals - name) : strlen(name));
	const char *value = equals ? equals + 1 : NULL;
	int used = 1;

	if (!flag || (!flag->is_common && !is_listed(verb->flags, flag->name)))
		return mst_fail(e, MST_E_CONF, "%s does not take %s", verb->noun, argv[i]);
	if (flag->value && !value) {
		if (i + 1 >= argc)
			return mst_fail(e, MST_E_CONF, "--%s needs a value: %s", flag->name,
					flag->value);
		value = argv[i + 1];
		used = 2;
	}
	if (!flag->value && value)
		return mst_fail(e, MST_E_CONF, "--%s takes no value", flag->name);
	return set_flag(ctl, flag, value, e) < 0 ? -1 : used;
}

static const struct mst_ctl_verb *find_verb(int *used, int argc, char **argv)
{
	size_t num;
	const struct mst_ctl_verb *verbs = mst_ctl_verbs(&num);

	for (size_t i = 0; argc > 0 && i < num; i++) {
		if (strcmp(verbs[i].noun, argv[0]) != 0)
			continue;
		if (verbs[i].verb && (argc < 2 || strcmp(verbs[i].verb, argv[1]) != 0))
			continue;
		*used = verbs[i].verb ? 2 : 1;
		return &verbs[i];
	}
	return NULL;
}

/* Common flags may stand before the verb, too. */
static int skip_common(struct mst_ctl *ctl, int argc, char **argv, struct mst_err *e)
{
	static const struct mst_ctl_verb none = {.noun = "musterctl", .flags = "socket"};
	int i = 0;

	while (i < argc && argv[i][0] == '-' && argv[i][1] == '-') {
		int used = take_flag(ctl, &none, i, argc, argv, e);
		if (used < 0)
			return -1;
		i += used;
	}
	return i;
}

int mst_ctl_parse(struct mst_ctl *ctl, const struct mst_ctl_verb **verb, int argc, char **argv,
		  struct mst_err *e)
{
	const char **args = mst_arena_get(&ctl->arena, (size_t)(argc + 1) * sizeof(*args));
	int used = 0, i = skip_common(ctl, argc, argv, e);
	bool is_plain = false; /* behind "--" */

	if (!args || i < 0)
		return args ? -1 : mst_fail(e, MST_E_BUSY, "no memory");
	*verb = find_verb(&used, argc - i, argv + i);
	if (!*verb)
		return i < argc ? mst_fail(e, MST_E_CONF, "unknown verb: %s%s%s", argv[i],
					   i + 1 < argc ? " " : "", i + 1 < argc ? argv[i + 1] : "")
				: mst_fail(e, MST_E_CONF, "a verb is missing");
	for (i += used; i < argc; i += used) {
		used = 1;
		if (!is_plain && strcmp(argv[i], "--") == 0) {
			is_plain = true;
		} else if (!is_plain && argv[i][0] == '-' && argv[i][1] == '-') {
			used = take_flag(ctl, *verb, i, argc, argv, e);
			if (used < 0)
				return -1;
		} else {
			args[ctl->num_args++] = argv[i];
		}
	}
	ctl->args = args;
	ctl->noun = (*verb)->noun;
	if (ctl->num_args < (*verb)->least)
		return mst_fail(e, MST_E_CONF, "%s needs %s", (*verb)->noun, (*verb)->args);
	if (ctl->num_args > (*verb)->most)
		return mst_fail(e, MST_E_CONF, "%s: one argument too many: %s", (*verb)->noun,
				args[(*verb)->most]);
	return 0;
}

static void print_flags(const struct mst_ctl_verb *verb)
{
	size_t num;
	const struct mst_ctl_flag *flags = mst_ctl_flags(&num);

	for (size_t i = 0; i < num; i++)
		if (is_listed(verb->flags, flags[i].name))
			printf("      --%s%s%-*s %s\n", flags[i].name, flags[i].value ? " " : "",
			       (int)(20 - strlen(flags[i].name)),
			       flags[i].value ? flags[i].value : "", flags[i].help);
}

void mst_ctl_help(const char *noun)
{
	size_t num;
	const struct mst_ctl_verb *verbs = mst_ctl_verbs(&num);

	printf("usage: musterctl VERB [ARGUMENTS] [FLAGS]   (every verb takes --json)\n\n");
	for (size_t i = 0; i < num; i++) {
		char left[64];
		if (noun && strcmp(noun, verbs[i].noun) != 0)
			continue;
		snprintf(left, sizeof(left), "%s%s%s%s%s", verbs[i].noun, verbs[i].verb ? " " : "",
			 verbs[i].verb ? verbs[i].verb : "", verbs[i].args ? " " : "",
			 verbs[i].args ? verbs[i].args : "");
		printf("  %-30s %s\n", left, verbs[i].help);
		if (noun)
			print_flags(&verbs[i]);
	}
	if (!noun)
		printf("\nmusterctl VERB --help lists a verb's flags. Exit codes: 0 done, 1 "
		       "failed, 2 wrong usage.\n");
}

int mst_ctl_u32(uint32_t *out, const char *flag, const char *text, uint32_t fallback,
		uint32_t least, uint32_t most, struct mst_err *e)
{
	uint64_t n = fallback;

	if (text && (mst_slice_u64(&n, mst_slice_str(text), e) < 0 || n < least || n > most))
		return mst_fail(e, MST_E_CONF, "--%s wants a number from %u to %u", flag, least,
				most);
	*out = (uint32_t)n;
	return 0;
}
