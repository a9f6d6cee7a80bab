/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine speaks to the network and may therefore never start a program: seccomp refuses exec and everything that
 * administers the kernel. Set before the first thread starts, so that every thread has it.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include "engine.h"

/* Ends the process: only an attacker gets here. */
static const int deadly[] = {SCMP_SYS(execve), SCMP_SYS(execveat)};

/* Answered EPERM: administration of kernel, mounts, other processes. */
static const int refused[] = {
	SCMP_SYS(ptrace),        SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(mount),
	SCMP_SYS(umount2),       SCMP_SYS(pivot_root),       SCMP_SYS(chroot),            SCMP_SYS(setns),
	SCMP_SYS(unshare),       SCMP_SYS(kexec_load),       SCMP_SYS(kexec_file_load),   SCMP_SYS(init_module),
	SCMP_SYS(finit_module),  SCMP_SYS(delete_module),    SCMP_SYS(bpf),               SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),   SCMP_SYS(keyctl),           SCMP_SYS(add_key),           SCMP_SYS(request_key),
	SCMP_SYS(reboot),        SCMP_SYS(swapon),           SCMP_SYS(swapoff),           SCMP_SYS(acct),
	SCMP_SYS(settimeofday),  SCMP_SYS(clock_settime),    SCMP_SYS(adjtimex),          SCMP_SYS(clock_adjtime),
	SCMP_SYS(sethostname),   SCMP_SYS(setdomainname),    SCMP_SYS(iopl),              SCMP_SYS(ioperm),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(fanotify_init), SCMP_SYS(quotactl),         SCMP_SYS(personality),
	SCMP_SYS(fsopen),        SCMP_SYS(fsconfig),         SCMP_SYS(fsmount),           SCMP_SYS(fspick),
	SCMP_SYS(open_tree),     SCMP_SYS(move_mount),       SCMP_SYS(mount_setattr),     SCMP_SYS(pidfd_getfd),
	SCMP_SYS(process_madvise),
};

/* Name spaces, also through clone: whoever makes one for users is its administrator. */
static const scmp_datum_t spaces[] = {
	CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP,
};

static int add_rules(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < MST_LEN(deadly); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0) != 0)
			return -1;
	for (size_t i = 0; i < MST_LEN(refused); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0) != 0)
			return -1;
	for (size_t i = 0; i < MST_LEN(spaces); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, spaces[i], spaces[i])) != 0)
			return -1;
	/* Its flags are in memory, where a filter cannot look: threads are made with clone then. */
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 ? 0 : -1;
}

int mst_sandbox_enter(struct mst_err *e)
{
	scmp_filter_ctx filter;
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return mst_fail_sys(e, errno, "cannot give up new privileges");
	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return mst_fail(e, MST_E_BUSY, "seccomp: out of memory");
	rc = add_rules(filter) == 0 ? seccomp_load(filter) : -EINVAL;
	seccomp_release(filter);
	if (rc != 0)
		return mst_fail_sys(e, -rc, "seccomp refuses its filter ([process] sandbox = no runs without)");
	return 0;
}
