// SPDX-License-Identifier: GPL-2.0-or-later
// Looking up args[0] and reading the head of what was found, for messages that name the cause. The
// search rules are those of execvp(3). What fails here in an unexpected way is left to execve.
#include "namespaces/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 255, /* what the kernel reads of a "#!" line: BINPRM_BUF_SIZE - 1 */
	PHDRS_MAX = 64,
	SHOWN_MAX = 128, /* of a name from the file, in a message; of a path 200, so that its
			    cause has room */
};

static const char usual_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* ---- the first bytes ---------------------------------------------------------------------------
 */

/* A name out of the file for one line of text: control characters become '?'. */
static void printable(char *out, const char *s, size_t len)
{
	if (len > SHOWN_MAX - 1)
		len = SHOWN_MAX - 1;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		out[i] = (char)(c < ' ' || c == 0x7f ? '?' : c);
	}
	out[len] = '\0';
}

static void add_what(struct program *p, const char *text)
{
	size_t len = strlen(p->what);

	(void)snprintf(p->what + len, sizeof(p->what) - len, ": %s", text);
}

/*
 * The interpreter @name (not terminated) that the file asks for must be there. Only what is sure is
 * an error: as in execve, a relative name is taken from the working directory.
 */
static int check_interpreter(const struct program *p, const char *name, size_t len, struct err *err)
{
	char path[PATH_MAX], shown[SHOWN_MAX];
	struct stat st;

	if (len == 0 || len >= sizeof(path))
		return 0;
	memcpy(path, name, len);
	path[len] = '\0';
	if (stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return 0;
	printable(shown, name, len);
	return err_set(err, -ENOENT, "%s: its interpreter '%s': no such file or directory%s",
		       p->what, shown,
		       name[len - 1] == '\r' ? " (the first line ends in CR LF)" : "");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "#!", blanks, the name up to a blank or the line's end. Source: fs/binfmt_script.c, execve(2). */
static int check_script(const char *head, size_t len, struct program *p, struct err *err)
{
	size_t end = len, at = 2, first;

	if (end > LINE_MAX_BYTES)
		end = LINE_MAX_BYTES;
	while (at < end && is_blank(head[at]))
		at++;
	first = at;
	while (at < end && !is_blank(head[at]) && head[at] != '\n' && head[at] != '\0')
		at++;
	if (at == first)
		add_what(p, "the first line names no interpreter");
	else if (at < end || len <= LINE_MAX_BYTES) /* else the kernel refuses a cut name */
		return check_interpreter(p, head + first, at - first, err);
	return 0;
}

#if defined(__x86_64__)
#define NATIVE_MACHINE   EM_X86_64
#define NATIVE_MACHINE_2 EM_386
#elif defined(__aarch64__)
#define NATIVE_MACHINE   EM_AARCH64
#define NATIVE_MACHINE_2 EM_ARM
#else
#error "add the machine that this architecture executes"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ORDER ELFDATA2LSB
#else
#define NATIVE_ORDER ELFDATA2MSB
#endif

static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{ EM_386, "i386" },      { EM_MIPS, "mips" },       { EM_PPC, "ppc" },
	{ EM_PPC64, "ppc64" },   { EM_S390, "s390" },       { EM_ARM, "arm" },
	{ EM_X86_64, "x86_64" }, { EM_AARCH64, "aarch64" }, { EM_RISCV, "riscv" },
	{ 258, "loongarch" }, /* EM_LOONGARCH */
};

static void doubt_machine(const unsigned char *ident, uint16_t machine, struct program *p)
{
	char text[64];

	if (ident[EI_DATA] != NATIVE_ORDER)
		machine = (uint16_t)(machine << 8 | machine >> 8);
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		if (machines[i].machine != machine)
			continue;
		(void)snprintf(text, sizeof(text), "built for %s", machines[i].name);
		add_what(p, text);
		return;
	}
	(void)snprintf(text, sizeof(text), "built for machine %u", machine);
	add_what(p, text);
}

/* Where the program headers are, in either class. */
struct elf_view {
	uint64_t off;
	uint16_t size, n;
	bool is_64;
};

static bool view_elf(const char *head, size_t len, struct elf_view *out)
{
	if (head[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr h;

		if (len < sizeof(h))
			return false;
		memcpy(&h, head, sizeof(h));
		*out = (struct elf_view){ h.e_phoff, h.e_phentsize, h.e_phnum, true };
	} else {
		Elf32_Ehdr h;

		if (len < sizeof(h))
			return false;
		memcpy(&h, head, sizeof(h));
		*out = (struct elf_view){ h.e_phoff, h.e_phentsize, h.e_phnum, false };
	}
	return out->size == (out->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) && out->n > 0 &&
	       out->n <= PHDRS_MAX;
}

/* Reads @want bytes at @off, from the head when they are in it. */
static bool read_at(int fd, const char *head, size_t len, uint64_t off, void *out, size_t want)
{
	if (off <= len && want <= len - off) {
		memcpy(out, head + off, want);
		return true;
	}
	return off <= INT64_MAX - want && pread(fd, out, want, (off_t)off) == (ssize_t)want;
}

/* Program header @i, as type, offset and size in the file. */
static bool read_phdr(const struct elf_view *v, const char *table, size_t i, uint64_t *off,
		      uint64_t *size)
{
	if (v->is_64) {
		Elf64_Phdr h;

		memcpy(&h, table + i * sizeof(h), sizeof(h));
		*off = h.p_offset;
		*size = h.p_filesz;
		return h.p_type == PT_INTERP;
	} else {
		Elf32_Phdr h;

		memcpy(&h, table + i * sizeof(h), sizeof(h));
		*off = h.p_offset;
		*size = h.p_filesz;
		return h.p_type == PT_INTERP;
	}
}

static int check_elf_interpreter(int fd, const char *head, size_t len, struct program *p,
				 struct err *err)
{
	char table[PHDRS_MAX * sizeof(Elf64_Phdr)];
	char name[PATH_MAX];
	struct elf_view v;
	uint64_t off, size;

	if (!view_elf(head, len, &v) || !read_at(fd, head, len, v.off, table, (size_t)v.size * v.n))
		return 0;
	for (size_t i = 0; i < v.n; i++) {
		if (!read_phdr(&v, table, i, &off, &size))
			continue;
		if (size < 2 || size > sizeof(name) ||
		    !read_at(fd, head, len, off, name, (size_t)size) || name[size - 1] != '\0')
			return 0;
		return check_interpreter(p, name, strlen(name), err);
	}
	return 0; /* static */
}

static int check_elf(int fd, const char *head, size_t len, struct program *p, struct err *err)
{
	const size_t machine_off = offsetof(Elf64_Ehdr, e_machine);
	uint16_t type, machine;

	_Static_assert(offsetof(Elf64_Ehdr, e_machine) == offsetof(Elf32_Ehdr, e_machine), "");
	if (len < machine_off + sizeof(machine)) {
		add_what(p, "a cut ELF file");
		return 0;
	}
	memcpy(&type, head + offsetof(Elf64_Ehdr, e_type), sizeof(type));
	memcpy(&machine, head + machine_off, sizeof(machine));
	if (head[EI_DATA] != NATIVE_ORDER ||
	    (machine != NATIVE_MACHINE && machine != NATIVE_MACHINE_2)) {
		doubt_machine((const unsigned char *)head, machine, p);
		return 0;
	}
	if (type != ET_EXEC && type != ET_DYN) {
		add_what(p, "an ELF file, but not a program");
		return 0;
	}
	/* Of the other class: a kernel may lack its emulation. */
	if (machine != NATIVE_MACHINE)
		doubt_machine((const unsigned char *)head, machine, p);
	return check_elf_interpreter(fd, head, len, p, err);
}

int program_check(int fd, const void *head, size_t len, struct program *p, struct err *err)
{
	const char *h = head;

	if (len == 0)
		add_what(p, "an empty file");
	else if (len >= 2 && h[0] == '#' && h[1] == '!')
		return check_script(h, len, p, err);
	else if (len >= SELFMAG && memcmp(h, ELFMAG, SELFMAG) == 0)
		return check_elf(fd, h, len, p, err);
	else
		add_what(p, "neither an ELF program nor a script with '#!'");
	return 0;
}

/* ---- where -------------------------------------------------------------------------------------
 */

/* Whether @path could be executed: 0, or -errno as execve would give (-EISDIR for a folder). */
static int probe(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	/* Knows of access lists and noexec mounts, which the mode does not show. */
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 && errno == EACCES ? -EACCES : 0;
}

static int probe_error(const char *path, int rc, struct err *err)
{
	switch (rc) {
	case -ENOENT:
	case -ENOTDIR:
		return err_set(err, -ENOENT, "exec '%.200s': no such file or directory", path);
	case -EISDIR:
		return err_set(err, -EACCES, "exec '%.200s': permission denied: is a directory",
			       path);
	case -EACCES:
		return err_set(err, -EACCES, "exec '%.200s': permission denied", path);
	default:
		return err_code(err, rc, "exec '%.200s'", path);
	}
}

/* Puts "@dir/@name" into @out; an empty folder is the working directory. False: too long. */
static bool join(char *out, const char *dir, size_t dir_len, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%.*s%s%s", (int)dir_len, dir, dir_len ? "/" : "", name);

	return n >= 0 && n < PATH_MAX;
}

/* Walks @search; a file that may not be executed is passed over, but remembered. */
static int search_path(const char *name, const char *search, struct program *out, struct err *err)
{
	char refused[PATH_MAX] = "";
	int refusal = 0;

	for (const char *dir = search;; dir++) {
		size_t len = strcspn(dir, ":");
		int rc = len < PATH_MAX && join(out->path, dir, len, name) ? probe(out->path)
									   : -ENAMETOOLONG;

		if (rc == 0)
			return 0;
		if ((rc == -EACCES || rc == -EISDIR) && !refusal) {
			refusal = rc;
			memcpy(refused, out->path, sizeof(refused));
		}
		dir += len;
		if (!*dir)
			break;
	}
	if (refusal)
		return probe_error(refused, refusal, err);
	return err_set(err, -ENOENT, "exec '%.200s': executable file not found in $PATH", name);
}

static int locate(const char *name, const struct strv *env, struct program *out, struct err *err)
{
	size_t len = strlen(name);
	int rc;

	if (len == 0)
		return err_set(err, -ENOENT, "exec '': executable file not found in $PATH");
	if (len >= sizeof(out->path))
		return err_set(err, -ENAMETOOLONG, "exec: the program's name is too long");
	if (!strchr(name, '/')) {
		const char *search = strv_env(env, "PATH");

		return search_path(name, search ? search : usual_path, out, err);
	}
	memcpy(out->path, name, len + 1);
	rc = probe(out->path);
	return rc < 0 ? probe_error(out->path, rc, err) : 0;
}

int program_find(const char *name, const struct strv *env, struct program *out, struct err *err)
{
	_Alignas(Elf64_Ehdr) char head[PROGRAM_HEAD_BYTES];
	auto_close int fd = -1;
	ssize_t n;
	int rc;

	rc = locate(name, env, out, err);
	if (rc < 0)
		return rc;
	(void)snprintf(out->what, sizeof(out->what), "exec '%.200s'", out->path);
	/* A program may be executable and not readable; then execve alone knows. O_NONBLOCK: the
	 * name may have become a FIFO since. */
	fd = open(out->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = pread(fd, head, sizeof(head), 0);
	return n < 0 ? 0 : program_check(fd, head, (size_t)n, out, err);
}
