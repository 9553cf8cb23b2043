// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Starts a machine, waits for the line "init" of its guest, passes on lines that begin with "io "
 * as they come, and prints what it took until then:
 *
 *   seconds exits io_exits ept_faults rss_kib
 *
 * Counts are differences of /sys/kernel/debug/kvm; rss_kib is the memory of the process beyond
 * guest RAM, which is any mapping of at least MIB. The machine is killed then.
 *
 * Usage: boot MIB PROGRAM ARG...
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 20000, COUNTERS = 3 };

static const char *const counter_names[COUNTERS] = { "exits", "io_exits", "pf_fixed" };

static void die(const char *what)
{
	fprintf(stderr, "boot: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long long counter(const char *name)
{
	char path[64];
	long long value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/kvm/%s", name);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%lld", &value) != 1)
		die(path);
	fclose(f);
	return value;
}

/* Resident memory of a process but for mappings of @ram_kib and more. */
static long rss_beyond(pid_t pid, unsigned long ram_kib)
{
	unsigned long size = 0;
	unsigned long value;
	long total = 0;
	char line[512];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/smaps", (int)pid);
	f = fopen(line, "re");
	if (!f)
		die(line);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Size: %lu kB", &value) == 1)
			size = value;
		else if (sscanf(line, "Rss: %lu kB", &value) == 1 && size < ram_kib)
			total += (long)value;
	}
	fclose(f);
	return total;
}

static pid_t start(char **argv, int *out_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	close(fds[1]);
	*out_fd = fds[0];
	return pid;
}

/* Handles one line of the guest; true if it is "init". */
static int take_line(const char *line)
{
	const size_t len = strlen(line);

	if (strncmp(line, "io ", 3) == 0) {
		puts(line);
		fflush(stdout); /* what a machine measured before it hangs is worth having */
	}
	return len >= 4 && strcmp(line + len - 4, "init") == 0;
}

/* Handles the whole lines of @text and leaves the rest at its beginning. The console ends them with
 * "\r\n". Returns 1 behind the line "init". */
static int take_lines(char *text, size_t *len)
{
	char *end;

	while ((end = memchr(text, '\n', *len))) {
		const size_t bytes = (size_t)(end - text) + 1;
		int found;

		*end = '\0';
		if (end > text && end[-1] == '\r')
			end[-1] = '\0';
		found = take_line(text);
		*len -= bytes;
		memmove(text, text + bytes, *len);
		if (found)
			return 1;
	}
	return 0;
}

/* Reads until a line "init" was seen. */
static int wait_for_init(int fd)
{
	static char text[65536];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len < sizeof(text) - 1 && poll(&p, 1, TIMEOUT_MS) == 1) {
		ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
		if (take_lines(text, &len))
			return 0;
	}
	fprintf(stderr, "boot: no init; the machine's last line: %.*s\n", (int)len, text);
	return -1;
}

int main(int argc, char **argv)
{
	long long before[COUNTERS];
	double seconds;
	pid_t pid;
	int fd;
	int rc;

	if (argc < 3) {
		fputs("usage: boot MIB PROGRAM ARG...\n", stderr);
		return 2;
	}
	for (int i = 0; i < COUNTERS; i++)
		before[i] = counter(counter_names[i]);
	seconds = now_s();
	pid = start(argv + 2, &fd);
	rc = wait_for_init(fd);
	seconds = now_s() - seconds;
	if (rc == 0) {
		printf("%.4f", seconds);
		for (int i = 0; i < COUNTERS; i++)
			printf(" %lld", counter(counter_names[i]) - before[i]);
		printf(" %ld\n", rss_beyond(pid, strtoul(argv[1], NULL, 10) << 10));
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return rc == 0 ? 0 : 1;
}
