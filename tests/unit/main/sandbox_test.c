/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox: what an attacker would ask the kernel for is refused, and threads still start. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../engine/main/engine.h"

/* What `ask` says inside a sandboxed process. */
static int sandboxed(int (*ask)(void))
{
	struct mst_err err = {0};
	pid_t pid = fork();
	int status = 0;

	cr_assert_geq(pid, 0);
	if (pid == 0)
		_exit(mst_sandbox_enter(&err) == 0 ? ask() : 99);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "status %d", status);
	return WEXITSTATUS(status);
}

static const struct {
	const char *name;
	long number, first;
	int sys;
} asked[] = {
	{"unshare", SYS_unshare, CLONE_NEWUSER, EPERM},
	{"clone with a user namespace", SYS_clone, CLONE_NEWUSER | SIGCHLD, EPERM},
	{"clone with a user and a mount namespace", SYS_clone, CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD, EPERM},
	{"clone with a network namespace", SYS_clone, CLONE_NEWNET | SIGCHLD, EPERM},
	{"clone3, whose flags no filter sees", SYS_clone3, 0, ENOSYS},
	{"mount", SYS_mount, 0, EPERM},
	{"fsopen", SYS_fsopen, 0, EPERM},
	{"move_mount", SYS_move_mount, -1, EPERM},
	{"pidfd_getfd", SYS_pidfd_getfd, -1, EPERM},
	{"process_vm_readv", SYS_process_vm_readv, 1, EPERM},
	{"bpf", SYS_bpf, 0, EPERM},
};

/* The index of the first that is answered otherwise, and one; 0: none. */
static int ask_all(void)
{
	for (size_t i = 0; i < MST_LEN(asked); i++) {
		long rc = syscall(asked[i].number, asked[i].first, 0, 0, 0, 0);
		if (rc == 0 && asked[i].number == SYS_clone)
			return 0; /* the child: its parent tells */
		if (rc != -1 || errno != asked[i].sys)
			return (int)i + 1;
	}
	return 0;
}

static void *nothing(void *context)
{
	return context;
}

static int ask_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0 ? 0 : 1;
}

Test(sandbox, administration_of_the_kernel_is_refused)
{
	int at = sandboxed(ask_all);

	cr_expect_eq(at, 0, "%s", at > 0 && at <= (int)MST_LEN(asked) ? asked[at - 1].name : "no sandbox");
}

Test(sandbox, threads_start)
{
	cr_expect_eq(sandboxed(ask_thread), 0);
}
