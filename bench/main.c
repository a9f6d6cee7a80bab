/* SPDX-License-Identifier: Apache-2.0 */
/* muster-bench: simulated devices, the limits of this machine, and a bare server to compare with.
 */
#include <stdio.h>
#include <string.h>

#include "line.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} programs[] = {
	{"fleet", mst_fleet_main, "simulated devices against a server"},
	{"scep", mst_scep_main, "devices that enrol by SCEP, all at once"},
	{"join", mst_join_main, "devices that enrol from their profile: link, signature, SCEP"},
	{"bulk", mst_bulk_main, "what an identity costs: primitives, certificate, a bulk job with its store"},
	{"revoke", mst_revoke_main, "what CRLs and OCSP answers cost, in this process"},
	{"push", mst_push_main, "pushes through the engine's links, without outbox"},
	{"fill", mst_fill_main, "a store full of devices and of commands long answered"},
	{"labels", mst_labels_main, "how long labels of many devices take to become current after a change"},
	{"micro", mst_micro_main, "what the parts cost: slices, timers, parsers, CMS, mailbox, commits, in this process"},
	{"limit", mst_limit_main, "what nothing can go below: TLS, its primitives, durable writes, in this process"},
	{"bare", mst_bare_main,
	 "a server that answers everything with an empty 200: loop, net and tls without the rest"},
};

static int usage(FILE *to)
{
	fprintf(to, "usage: muster-bench PROGRAM [OPTIONS]\n\n");
	for (size_t i = 0; i < MST_LEN(programs); i++)
		fprintf(to, "  %-8s %s\n", programs[i].name, programs[i].help);
	fprintf(to, "\nmuster-bench PROGRAM --help lists the options. Exit codes: 0 done, 1 "
		    "errors, 2 wrong usage.\n");
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
		printf("muster-bench %s\n", MUSTER_VERSION);
		return 0;
	}
	for (size_t i = 0; i < MST_LEN(programs); i++)
		if (strcmp(argv[1], programs[i].name) == 0)
			return programs[i].run(argc - 2, argv + 2);
	fprintf(stderr, "muster-bench: unknown program %s\n", argv[1]);
	return usage(stderr);
}
