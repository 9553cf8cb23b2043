// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kills a program at a chosen system call, and finds what it leaves behind; for tests.
 *
 *   killat at N self PROGRAM ARG...    runs PROGRAM; SIGKILL at the entry of its N-th system call
 *   killat at N child PROGRAM ARG...   the same for the processes that it starts; PROGRAM lives on
 *   killat at N PID PROGRAM ARG...     the same for process PID, which is not PROGRAM's child
 *   killat reap PROGRAM ARG...         runs PROGRAM as the parent of all its orphans, and waits
 *
 * The killed call is not carried out. Who executes another program is not followed further, but
 * for PROGRAM itself. `at` ends with 0 when it killed ("killed at N: NUMBER" is printed), with 3
 * when the process had fewer calls ("NUMBER calls"). What was not killed goes on untraced.
 * `reap` says "adopted PID: STATUS" of each orphan (128 + N: signal N) and ends with PROGRAM's exit
 * status when nothing of it lives REAP_MS after its end; else the living are named, killed, and the
 * exit status is 99.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum {
	TRACED_MAX = 64,
	STILL_MS = 60,   /* a process that makes no call for so long waits for others */
	DEADLINE_S = 20, /* of the whole command */
	REAP_MS = 3000,
	EXIT_FEWER = 3,
	EXIT_LEFT = 99,
};

struct tracee {
	pid_t pid;
	bool is_target;
	bool is_running; /* not stopped */
};

struct trace {
	pid_t program;
	long wanted, count;
	bool is_self, has_begun; /* counting begins when PROGRAM is executed */
	bool is_program_done;
	pid_t killed;
	struct tracee items[TRACED_MAX];
	size_t n;
};

static int fail(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void nap_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

static struct tracee *find(struct trace *t, pid_t pid)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i].pid == pid)
			return &t->items[i];
	}
	return NULL;
}

static struct tracee *add(struct trace *t, pid_t pid, bool is_target)
{
	if (t->n == TRACED_MAX) {
		errno = E2BIG;
		fail("follow a process");
	}
	t->items[t->n] = (struct tracee){ pid, is_target, true };
	return &t->items[t->n++];
}

static void forget(struct trace *t, const struct tracee *p)
{
	t->items[p - t->items] = t->items[--t->n];
}

static void go_on(const struct trace *t, struct tracee *p, int sig)
{
	bool is_counted = p->is_target && (t->has_begun || !t->is_self);

	p->is_running = true;
	/* ESRCH: it was killed by somebody else meanwhile; its end is reported. */
	if (ptrace(is_counted ? PTRACE_SYSCALL : PTRACE_CONT, p->pid, 0, (long)sig) < 0 &&
	    errno != ESRCH)
		fail("continue a process");
}

static void let_go(struct trace *t, struct tracee *p)
{
	(void)ptrace(PTRACE_DETACH, p->pid, 0, 0L);
	forget(t, p);
}

/* Stops and releases all that are still traced. */
static void let_all_go(struct trace *t)
{
	while (t->n) {
		struct tracee *p = &t->items[0];
		int status;

		if (p->is_running) {
			if (ptrace(PTRACE_INTERRUPT, p->pid, 0, 0) < 0 ||
			    waitpid(p->pid, &status, __WALL) < 0 || !WIFSTOPPED(status)) {
				forget(t, p);
				continue;
			}
		}
		let_go(t, p);
	}
}

static void on_end(struct trace *t, struct tracee *p)
{
	if (p->pid == t->program)
		t->is_program_done = true;
	forget(t, p);
}

/*
 * Returns true when this was the call at which it dies. Not waited for here: the first process of a
 * pid namespace ends after the others, which we may have to reap.
 */
static bool on_syscall(struct trace *t, struct tracee *p)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(info), &info) < 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY || ++t->count != t->wanted)
		return false;
	printf("killed at %ld: %llu\n", t->count, (unsigned long long)info.entry.nr);
	(void)kill(p->pid, SIGKILL);
	p->is_running = true;
	t->killed = p->pid;
	return true;
}

static void on_event(struct trace *t, struct tracee *p, int event, int sig)
{
	switch (event) {
	case PTRACE_EVENT_EXEC:
		if (p->pid == t->program) {
			t->has_begun = true;
			break;
		}
		let_go(t, p);
		return;
	case PTRACE_EVENT_STOP:
		if (sig != SIGTRAP) { /* a group stop lasts */
			(void)ptrace(PTRACE_LISTEN, p->pid, 0, 0);
			return;
		}
		break;
	default:
		break;
	}
	go_on(t, p, 0);
}

/* Returns true when the wanted process was killed. */
static bool on_stop(struct trace *t, struct tracee *p, int status)
{
	int sig = WSTOPSIG(status);
	int event = status >> 16;

	p->is_running = false;
	if (event) {
		on_event(t, p, event, sig);
		return false;
	}
	if (sig == (SIGTRAP | 0x80)) {
		if (on_syscall(t, p))
			return true;
		sig = 0;
	}
	go_on(t, p, sig);
	return false;
}

/* Until the kill (true), or until nothing is left that could reach the wanted call. */
static bool follow(struct trace *t)
{
	int still_ms = 0;

	while (t->n && !(t->is_self && t->is_program_done)) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | (t->is_program_done ? WNOHANG : 0));
		struct tracee *p;

		if (pid == 0) {
			if (t->is_program_done && still_ms >= STILL_MS)
				return false;
			still_ms++;
			nap_ms(1);
			continue;
		}
		if (pid < 0)
			return false;
		still_ms = 0;
		p = find(t, pid);
		if (!p && WIFSTOPPED(status)) /* a child's first stop */
			p = add(t, pid, !t->is_self);
		if (!p)
			continue;
		if (!WIFSTOPPED(status))
			on_end(t, p);
		else if (on_stop(t, p, status))
			return true;
	}
	return false;
}

static pid_t spawn(char **argv, int *out_gate)
{
	int gate[2];
	char byte;
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) < 0)
		fail("make a pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		(void)close(gate[1]);
		if (read(gate[0], &byte, 1) == 1)
			(void)execvp(argv[0], argv);
		_exit(127);
	}
	(void)close(gate[0]);
	*out_gate = gate[1];
	return pid;
}

static void seize(pid_t pid, bool with_children)
{
	long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;

	if (with_children)
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	if (ptrace(PTRACE_SEIZE, pid, 0, options) < 0)
		fail("trace a process");
}

/* Starts to count the calls of a process that runs already. */
static void take(struct trace *t, pid_t pid)
{
	int status;

	seize(pid, false);
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || waitpid(pid, &status, __WALL) != pid)
		fail("stop a process");
	go_on(t, add(t, pid, true), 0);
}

static int command_at(const char *number, const char *whom, char **argv)
{
	struct trace t = { .wanted = strtol(number, NULL, 10) };
	bool is_child = strcmp(whom, "child") == 0;
	int gate;

	t.is_self = strcmp(whom, "self") == 0;
	(void)alarm(DEADLINE_S);
	t.program = spawn(argv, &gate);
	seize(t.program, is_child);
	(void)add(&t, t.program, t.is_self);
	if (!t.is_self && !is_child)
		take(&t, (pid_t)strtol(whom, NULL, 10));
	if (write(gate, "g", 1) != 1)
		fail("start the program");
	if (follow(&t)) {
		/* The others come to their end by themselves. */
		while (find(&t, t.killed) || (t.n && !t.is_program_done))
			(void)follow(&t);
		let_all_go(&t);
		return 0;
	}
	let_all_go(&t);
	printf("%ld calls\n", t.count);
	return EXIT_FEWER;
}

/* ---- reap --------------------------------------------------------------------------------------
 */

/* Names and kills what lives. */
static void report_left(void)
{
	char path[64];
	char text[4096];
	ssize_t n;
	char *save = NULL;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	for (char *pid = strtok_r(text, " ", &save); pid; pid = strtok_r(NULL, " ", &save)) {
		char stat_text[512];

		(void)snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = read(fd, stat_text, sizeof(stat_text) - 1);
		stat_text[n > 0 ? n : 0] = '\0';
		(void)close(fd);
		fprintf(stderr, "killat: a process is left: %.60s\n", stat_text);
		(void)kill((pid_t)strtol(pid, NULL, 10), SIGKILL);
	}
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void report_end(pid_t pid, int status)
{
	printf("adopted %d: %d\n", pid, exit_code(status));
}

static int command_reap(char **argv)
{
	int code = 0;
	int gate;
	int status;
	pid_t program;
	pid_t pid;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		fail("become the parent of orphans");
	program = spawn(argv, &gate);
	if (write(gate, "g", 1) != 1)
		fail("start the program");
	while ((pid = waitpid(-1, &status, 0)) != program && pid >= 0)
		report_end(pid, status);
	code = exit_code(status);
	for (int ms = 0; ms < REAP_MS; ms++) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			report_end(pid, status);
		if (pid < 0)
			return code;
		nap_ms(1);
	}
	report_left();
	return EXIT_LEFT;
}

int main(int argc, char **argv)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc >= 5 && strcmp(argv[1], "at") == 0)
		return command_at(argv[2], argv[3], argv + 4);
	if (argc >= 3 && strcmp(argv[1], "reap") == 0)
		return command_reap(argv + 2);
	fprintf(
	    stderr,
	    "usage: killat at N self|child|PID PROGRAM ARG...  |  killat reap PROGRAM ARG...\n");
	return 2;
}
