// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Times command sequences in turn (A B C A B C ...), so that a machine whose speed drifts drifts
 * for all of them, and prints medians and the ratio to the first one.
 *
 * Usage: measure [-d] [-p MS] ROUNDS 'NAME: PROGRAM ARG... [; PROGRAM ARG...]...' ...
 * -d adds two columns of differences to the first one, in ms: the median, over the rounds, of the
 * difference; and that of the lower quartiles, which other work on the machine disturbs less.
 * -p waits before each sequence: the kernel deletes the last one's namespaces meanwhile.
 * "%n" in an argument becomes the number of the round. Output of the programs goes to /dev/null;
 * a program that fails ends the measurement.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ARGS = 64, WARMUP = 3 };

struct sample {
	double wall_ms, cpu_ms;
};

struct contender {
	const char *name;
	char *commands;
	struct sample *samples;
	long peak_kib;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double timeval_ms(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static void die(const char *name, const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", name, what);
	exit(1);
}

/* Runs one program, its arguments separated by blanks in @text; adds its CPU time to @s. */
static void run_one(struct contender *c, char *text, int round, struct sample *s)
{
	char number[16];
	char expanded[MAX_ARGS][256];
	char *argv[MAX_ARGS + 1];
	char *save = NULL;
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	int argc = 0;
	int status;
	pid_t pid;

	snprintf(number, sizeof(number), "%d", round);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *mark = strstr(w, "%n");

		if (argc == MAX_ARGS)
			die(c->name, "too many arguments");
		argv[argc] = w;
		if (mark) {
			snprintf(expanded[argc], sizeof(expanded[argc]), "%.*s%s%s",
				 (int)(mark - w), w, number, mark + 2);
			argv[argc] = expanded[argc];
		}
		argc++;
	}
	argv[argc] = NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (argc == 0 || posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
		die(c->name, "cannot be started");
	posix_spawn_file_actions_destroy(&actions);
	while (wait4(pid, &status, 0, &usage) < 0) {
		if (errno != EINTR)
			die(c->name, "wait4 failed");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die(c->name, "a program failed");
	s->cpu_ms += timeval_ms(usage.ru_utime) + timeval_ms(usage.ru_stime);
	if (usage.ru_maxrss > c->peak_kib)
		c->peak_kib = usage.ru_maxrss;
}

static void run_round(struct contender *c, int round, struct sample *out)
{
	char *copy = strdup(c->commands);
	char *save = NULL;
	struct sample s = { 0 };
	double start = now_ms();

	for (char *p = strtok_r(copy, ";", &save); p; p = strtok_r(NULL, ";", &save))
		run_one(c, p, round, &s);
	s.wall_ms = now_ms() - start;
	free(copy);
	*out = s;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value that @part of 4 parts of the samples are below. */
static double quartile(const struct sample *samples, int n, int part, int use_cpu)
{
	double *v = malloc(sizeof(*v) * (size_t)n);
	double m;

	for (int i = 0; i < n; i++)
		v[i] = use_cpu ? samples[i].cpu_ms : samples[i].wall_ms;
	qsort(v, (size_t)n, sizeof(*v), compare);
	m = v[n * part / 4];
	free(v);
	return m;
}

static double median(const struct sample *samples, int n, int use_cpu)
{
	return quartile(samples, n, 2, use_cpu);
}

static double median_difference(const struct contender *c, const struct contender *first, int n)
{
	struct sample *d = calloc((size_t)n, sizeof(*d));
	double m;

	for (int i = 0; i < n; i++)
		d[i].wall_ms = c->samples[i].wall_ms - first->samples[i].wall_ms;
	m = median(d, n, 0);
	free(d);
	return m;
}

int main(int argc, char **argv)
{
	int with_difference = 0;
	int pause_ms = 0;
	int rounds;
	int n;
	int c;
	struct contender *all;
	double first;

	while ((c = getopt(argc, argv, "+dp:")) != -1) {
		if (c == 'd')
			with_difference = 1;
		else if (c == 'p')
			pause_ms = atoi(optarg);
	}
	argc -= optind - 1;
	argv += optind - 1;
	rounds = argc > 2 ? atoi(argv[1]) : 0;
	n = argc - 2;
	if (rounds <= 0) {
		fprintf(stderr, "usage: measure [-d] [-p MS] ROUNDS "
				"'NAME: COMMAND [; COMMAND]...' ...\n");
		return 2;
	}
	all = calloc((size_t)n, sizeof(*all));
	for (int i = 0; i < n; i++) {
		char *colon = strchr(argv[i + 2], ':');

		if (!colon)
			die(argv[i + 2], "lacks 'NAME:'");
		*colon = '\0';
		all[i].name = argv[i + 2];
		all[i].commands = colon + 1;
		all[i].samples = calloc((size_t)rounds, sizeof(struct sample));
	}
	for (int r = -WARMUP; r < rounds; r++) {
		for (int i = 0; i < n; i++) {
			struct sample s;

			(void)usleep((useconds_t)pause_ms * 1000);
			run_round(&all[i], r + WARMUP, &s);
			if (r >= 0)
				all[i].samples[r] = s;
		}
	}
	first = median(all[0].samples, rounds, 0);
	for (int i = 0; i < n; i++) {
		double wall = median(all[i].samples, rounds, 0);

		printf("| %-22s | %8.3f | %6.2f | %8.3f | %7.1f |", all[i].name, wall, wall / first,
		       median(all[i].samples, rounds, 1), (double)all[i].peak_kib / 1024);
		if (with_difference)
			printf(" %+7.3f | %+7.3f |", median_difference(&all[i], &all[0], rounds),
			       quartile(all[i].samples, rounds, 1, 0) -
				   quartile(all[0].samples, rounds, 1, 0));
		printf("\n");
	}
	return 0;
}
