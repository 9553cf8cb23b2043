// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * namespaces/ alone, without state, cgroups or a command line: launches the container of a bundle
 * ROUNDS times and prints the median time of launch-to-exit. For strace -c -f, and to tell what the
 * rest of `bivalve run` adds. With a PID the bundle's process is started in the container whose
 * init that is, once. Usage: nsrun BUNDLE [ROUNDS [PID]]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "namespaces/final.h"
#include "namespaces/launch.h"
#include "spec/parse.h"

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static int follow(struct ns_child *child, struct err *err)
{
	struct ns_event event = { NS_EVENT_READY, -1 };
	int status = 0;
	int rc = ns_continue(child, NS_EVENT_READY, err);

	while (rc == 0 && event.kind != NS_EVENT_RUNNING) {
		rc = ns_next(child, &event, err);
		if (rc == 0 && event.fd >= 0)
			close(event.fd);
		if (rc == 0 && (event.kind == NS_EVENT_HOOKS || event.kind == NS_EVENT_SECCOMP))
			rc = ns_continue(child, event.kind, err);
	}
	if (rc < 0) {
		ns_kill(child);
		return rc;
	}
	(void)waitpid(child->pid, &status, 0);
	ns_child_fini(child);
	return status;
}

static int run_once(const struct ns_plan *plan, int pid, struct err *err)
{
	struct ns_exec_plan exec = NS_EXEC_PLAN_INIT;
	struct ns_child child = NS_CHILD_INIT;
	int rc;

	if (pid == 0) {
		rc = ns_launch(plan, &child, err);
		return rc < 0 ? rc : follow(&child, err);
	}
	exec.config = plan->config;
	exec.process = plan->config->process;
	exec.id = plan->id;
	exec.init_pid = pid;
	exec.init_pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	exec.is_sealed = plan->is_sealed;
	exec.is_rootless = plan->is_rootless;
	rc = ns_exec(&exec, &child, err);
	return rc < 0 ? rc : follow(&child, err);
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 1;
	int pid = argc > 3 ? atoi(argv[3]) : 0;
	struct err err = ERR_INIT;
	struct config config = { 0 };
	struct ns_plan plan;
	double *ms = calloc((size_t)rounds, sizeof(*ms));
	char path[4096];
	int rc;

	if (argc < 2 || rounds < 1 || !ms)
		return 2;
	(void)snprintf(path, sizeof(path), "%s/config.json", argv[1]);
	rc = config_load(AT_FDCWD, path, &config, NULL, &err);
	if (rc == 0)
		rc = ns_plan_from_config(&config, argv[1], "nsrun", &plan, &err);
	if (rc == 0) {
		rc = final_self_protect(argv, final_needs_sealed(&config, config.process), &err);
		plan.is_sealed = rc == 1;
		plan.is_rootless = geteuid() != 0;
		plan.seccomp_cache_fd = getenv("NSRUN_CACHE")
					    ? open(getenv("NSRUN_CACHE"), O_RDONLY | O_DIRECTORY)
					    : -1;
	}
	for (int i = 0; rc >= 0 && i < rounds; i++) {
		double start = now_ms();

		rc = run_once(&plan, pid, &err);
		ms[i] = now_ms() - start;
	}
	if (rc < 0) {
		fprintf(stderr, "nsrun: %s\n", err.msg);
		return 1;
	}
	qsort(ms, (size_t)rounds, sizeof(*ms), compare);
	if (rounds > 1)
		printf("median %.3f ms\n", ms[rounds / 2]);
	return WIFEXITED(rc) ? WEXITSTATUS(rc) : 128 + WTERMSIG(rc);
}
