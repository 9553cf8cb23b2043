// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an attacker would run, in a container or on a folder that a container shares; for tests.
 *
 *   hostile watch MS SECRET   for MS milliseconds, looks at each process that appears: can its
 *                             executable be opened, and written to when it has ended? Can the
 *                             file SECRET of the host be opened through its root, its working
 *                             folder or a descriptor? Prints a line for what succeeded.
 *   hostile swap A B          exchanges two names for ever
 *   hostile fds               "N TARGET" for each open descriptor
 *   hostile elf KIND          an ELF file that lies, on stdout
 *   hostile inheritable       the inheritable and the ambient set, as numbers
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HELD_MAX = 256, PATH_MAX_BYTES = 512 };

/* ---- watch ------------------------------------------------------------------------------------
 */

struct held {
	int fd;
	char name[128];
	bool is_written;
};

struct watch {
	const char *secret;
	dev_t own_dev;
	struct held held[HELD_MAX];
	size_t n;
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Programs of the image are on the same file system as this one: not of interest. */
static void look_at_exe(struct watch *w, const char *pid)
{
	char path[PATH_MAX_BYTES];
	struct held *h = &w->held[w->n];
	struct stat st;
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || st.st_dev == w->own_dev || w->n == HELD_MAX) {
		(void)close(fd);
		return;
	}
	len = readlink(path, h->name, sizeof(h->name) - 1);
	h->name[len > 0 ? len : 0] = '\0';
	h->fd = fd;
	h->is_written = false;
	w->n++;
	printf("opened the executable '%s'\n", h->name);
}

static void reach(const struct watch *w, const char *pid, const char *through)
{
	char path[PATH_MAX_BYTES];
	char text[64] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/%s%s", pid, through, w->secret);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0)
		printf("reached the host through %s: %s\n", through, text);
	(void)close(fd);
}

static void look_at_fds(const struct watch *w, const char *pid)
{
	char path[PATH_MAX_BYTES];
	struct dirent *e;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "fd/%s/../../../../../../../../../..",
			       e->d_name);
		reach(w, pid, path);
	}
	if (dir)
		(void)closedir(dir);
}

static void try_to_write(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct held *h = &w->held[i];
		char path[64];
		int fd;

		if (h->is_written)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", h->fd);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (write(fd, "#!/hostile\n", 11) == 11) {
			printf("overwrote '%s'\n", h->name);
			h->is_written = true;
		}
		(void)close(fd);
	}
}

static int command_watch(const char *ms, const char *secret)
{
	static struct watch w;
	int64_t end = now_ms() + strtol(ms, NULL, 10);
	struct stat st;
	DIR *proc = opendir("/proc");

	if (!proc || stat("/proc/self/exe", &st) < 0)
		return 1;
	w.secret = secret;
	w.own_dev = st.st_dev;
	printf("watching\n");
	while (now_ms() < end) {
		struct dirent *e;

		rewinddir(proc);
		while ((e = readdir(proc))) {
			if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
			    strtol(e->d_name, NULL, 10) == getpid())
				continue;
			reach(&w, e->d_name, "root");
			reach(&w, e->d_name, "cwd");
			look_at_exe(&w, e->d_name);
			look_at_fds(&w, e->d_name);
		}
		try_to_write(&w);
	}
	printf("watched\n");
	return 0;
}

/* ---- swap, fds --------------------------------------------------------------------------------
 */

static int command_swap(const char *a, const char *b)
{
	for (;;) {
		if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) < 0 && errno != ENOENT) {
			perror("hostile: exchange");
			return 1;
		}
	}
}

static int command_fds(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[64];
		char target[PATH_MAX_BYTES];
		ssize_t len;

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		printf("%d %s\n", fd, target);
	}
	return 0;
}

static int command_inheritable(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "CapInh:", 7) == 0 || strncmp(line, "CapAmb:", 7) == 0)
			printf("%s", line);
	}
	return f ? fclose(f) : 1;
}

/* ---- elf --------------------------------------------------------------------------------------
 */

static int command_elf(const char *kind)
{
	static const char evil[] = "/lib/\033[31mred\nbivalve: all is well\n";
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr ph[2];
		char interp[512];
	} f = { .head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT },
			  .e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_version = EV_CURRENT,
			  .e_phoff = sizeof(Elf64_Ehdr),
			  .e_ehsize = sizeof(Elf64_Ehdr),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 1 } };
	size_t size = sizeof(f);

	f.ph[0] = (Elf64_Phdr){ .p_type = PT_INTERP,
				.p_offset = sizeof(f.head) + sizeof(f.ph),
				.p_filesz = sizeof(evil) };
	memcpy(f.interp, evil, sizeof(evil));
	if (strcmp(kind, "far") == 0)
		f.ph[0].p_offset = UINT64_MAX - 8;
	else if (strcmp(kind, "wide") == 0)
		f.ph[0].p_filesz = UINT64_MAX / 2;
	else if (strcmp(kind, "many") == 0)
		f.head.e_phnum = 0xffff;
	else if (strcmp(kind, "none") == 0)
		f.head.e_phnum = 0;
	else if (strcmp(kind, "nowhere") == 0)
		f.head.e_phoff = UINT64_MAX - 16;
	else if (strcmp(kind, "open") == 0) /* its name has no end */
		memset(f.interp, 'x', sizeof(f.interp)), f.ph[0].p_filesz = sizeof(f.interp);
	else if (strcmp(kind, "short") == 0)
		size = sizeof(f.head) - 1;
	else if (strcmp(kind, "empty") == 0)
		f.ph[0].p_filesz = 0;
	else if (strcmp(kind, "text") != 0)
		return 2;
	return fwrite(&f, size, 1, stdout) == 1 ? 0 : 1;
}

int main(int argc, char **argv)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && strcmp(argv[1], "watch") == 0)
		return command_watch(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "swap") == 0)
		return command_swap(argv[2], argv[3]);
	if (argc == 2 && strcmp(argv[1], "fds") == 0)
		return command_fds();
	if (argc == 2 && strcmp(argv[1], "inheritable") == 0)
		return command_inheritable();
	if (argc == 3 && strcmp(argv[1], "elf") == 0)
		return command_elf(argv[2]);
	fprintf(stderr,
		"usage: hostile watch MS SECRET | swap A B | fds | inheritable | elf KIND\n");
	return 2;
}
