/* SPDX-License-Identifier: Apache-2.0 */
/* musterctl: the operator's command line. */
#include <stdio.h>

#include "ctl.h"

/* "--help", "-h" or "help" anywhere before "--" asks for help; the noun beside it narrows it. */
static bool wants_help(const char **noun, int argc, char **argv)
{
	bool is_wanted = argc == 0;

	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
		    (i == 0 && strcmp(argv[i], "help") == 0))
			is_wanted = true;
		else if (argv[i][0] != '-' && !*noun)
			*noun = argv[i];
	}
	return is_wanted;
}

int main(int argc, char **argv)
{
	struct mst_ctl ctl = {.socket = MST_CTL_SOCKET, .ca = MST_CTL_CA};
	const struct mst_ctl_verb *verb = NULL;
	const char *noun = NULL;
	struct mst_err e = {0};
	int rc;

	if (wants_help(&noun, argc - 1, argv + 1)) {
		mst_ctl_help(noun);
		return argc > 1 ? MST_CTL_OK : MST_CTL_USAGE;
	}
	mst_arena_init(&ctl.arena, NULL, 0);
	if (mst_ctl_parse(&ctl, &verb, argc - 1, argv + 1, &e) < 0) {
		fprintf(stderr, "musterctl: %s (musterctl --help)\n", e.text);
		rc = MST_CTL_USAGE;
	} else {
		rc = verb->run(&ctl, &e);
		if (rc < 0) {
			fprintf(stderr, "musterctl: %s\n", e.text);
			rc = e.code == MST_E_CONF ? MST_CTL_USAGE : MST_CTL_FAILED;
		}
	}
	mst_arena_done(&ctl.arena);
	if (fflush(stdout) != 0 && rc == MST_CTL_OK)
		rc = MST_CTL_FAILED;
	return rc;
}
