// SPDX-License-Identifier: GPL-2.0-or-later
// Finding args[0]: PATH rules, permissions, and what is said about files that cannot run. Made
// files in a temporary folder; hostile ELF heads by hand.
#include "namespaces/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec/base/fd.h"
#include "tests/unit/child.h"
#include "tests/unit/test.h"

static char top[64];

static void make_file(const char *path, const void *data, size_t len, mode_t mode)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_EQ(fd_write_all(fd, data, len), 0);
	CHECK_EQ(fchmod(fd, mode), 0);
}

static void make_text(const char *path, const char *text, mode_t mode)
{
	make_file(path, text, strlen(text), mode);
}

static void enter(void)
{
	(void)snprintf(top, sizeof(top), "/tmp/bivalve-program-XXXXXX");
	CHECK(mkdtemp(top));
	CHECK_EQ(chmod(top, 0755), 0);
	CHECK_EQ(chdir(top), 0);
}

static void leave(void)
{
	char cmd[128];

	CHECK_EQ(chdir("/"), 0);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	CHECK_EQ(system(cmd), 0);
}

/* Looks up @name with PATH=@path (NULL: none) and checks the code and a part of the text. */
static void expect(const char *name, const char *path, int rc, const char *text)
{
	char var[512];
	char *vars[] = { var, NULL };
	struct strv env = { vars, path ? 1 : 0 };
	struct program p;
	struct err err = ERR_INIT;
	int got;

	(void)snprintf(var, sizeof(var), "PATH=%s", path ? path : "");
	got = program_find(name, &env, &p, &err);
	if (got != rc)
		TEST_FAIL("'%.40s' in '%s': %d (%s), wanted %d", name, path ? path : "(none)", got,
			  err.msg, rc);
	if (rc == 0)
		CHECK_HAS(p.what, text);
	else
		CHECK_HAS(err.msg, text);
}

static void test_search(void)
{
	char path[512], name[PATH_MAX + 10];

	enter();
	CHECK_EQ(mkdir("a", 0755), 0);
	CHECK_EQ(mkdir("b", 0755), 0);
	CHECK_EQ(mkdir("a/tool", 0755), 0); /* a folder of that name is passed over */
	make_text("a/noexec", "#!/bin/sh\n", 0644);
	make_text("a/file", "", 0644);
	make_text("b/tool", "#!/bin/sh\n", 0755);
	make_text("here", "#!/bin/sh\n", 0755);
	(void)snprintf(path, sizeof(path), "%s/none:%s/a:%s/a/file:%s/b", top, top, top, top);
	expect("tool", path, 0, "/b/tool'");
	expect("b/tool", "/nowhere", 0, "exec 'b/tool'");
	expect("absent", path, -ENOENT, "exec 'absent': executable file not found in $PATH");
	expect("noexec", path, -EACCES, "/a/noexec': permission denied");
	expect("a/noexec", path, -EACCES, "exec 'a/noexec': permission denied");
	expect("a/tool", path, -EACCES, "exec 'a/tool': permission denied: is a directory");
	expect("./absent", path, -ENOENT, "exec './absent': no such file or directory");
	expect("here/below", path, -ENOENT, "exec 'here/below': no such file or directory");
	expect("here", path, -ENOENT, "executable file not found in $PATH");
	expect("here", "", 0, "exec 'here'"); /* an empty part is the working directory */
	expect("here", "/nowhere:", 0, "exec 'here'");
	expect("here", ":/nowhere", 0, "exec 'here'");
	expect("sh", NULL, 0, "/bin/sh'");
	expect("", path, -ENOENT, "executable file not found in $PATH");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	expect(name, path, -ENAMETOOLONG, "too long");
	name[PATH_MAX - 1] = '\0';
	expect(name, path, -ENOENT, "executable file not found in $PATH");
	leave();
}

static void test_odd_files(void)
{
	enter();
	CHECK_EQ(mkfifo("fifo", 0777), 0);
	expect("./fifo", "", -EACCES, "permission denied");
	expect("/dev/null", "", -EACCES, "permission denied");
	CHECK_EQ(symlink("loop", "loop"), 0);
	expect("./loop", "", -ELOOP, "exec './loop': ");
	CHECK_EQ(symlink("absent", "dangling"), 0);
	expect("./dangling", "", -ENOENT, "no such file or directory");
	leave();
}

static void child_as_user(void *arg)
{
	(void)arg;
	CHECK_EQ(setresuid(1000, 1000, 1000), 0);
	expect("./secret", "", -EACCES, "permission denied");
	expect("./dark", "", 0, "exec './dark'"); /* executable, not readable */
	expect("closed/tool", "", -EACCES, "permission denied");
}

static void test_as_user(void)
{
	if (!is_root())
		TEST_SKIP("needs root");
	enter();
	make_text("secret", "#!/bin/sh\n", 0700);
	make_text("dark", "garbage", 0711);
	CHECK_EQ(mkdir("closed", 0700), 0);
	make_text("closed/tool", "#!/bin/sh\n", 0755);
	IN_CHILD(child_as_user, NULL);
	leave();
}

static void test_scripts(void)
{
	static const struct {
		const char *head;
		int rc;
		const char *text;
	} table[] = {
		{ "#!/bin/sh\n", 0, "exec './s'" },
		{ "#!/bin/sh", 0, "exec './s'" },
		{ "#! \t/bin/sh -e\n", 0, "exec './s'" },
		{ "#!/no/such/thing -x\n", -ENOENT,
		  "exec './s': its interpreter '/no/such/thing': no such file or directory" },
		{ "#!/bin/sh\r\n", -ENOENT,
		  "'/bin/sh?': no such file or directory (the first line "
		  "ends in CR LF)" },
		{ "#!/bin/sh/x\n", -ENOENT, "'/bin/sh/x'" },
		{ "#!nowhere\n", -ENOENT, "'nowhere'" },
		{ "#!\n", 0, "names no interpreter" },
		{ "#!", 0, "names no interpreter" },
		{ "#!   \nx", 0, "names no interpreter" },
		{ "echo hello\n", 0, "neither an ELF program nor a script" },
		{ "", 0, "an empty file" },
		{ "#", 0, "neither" },
		{ "#!/a\x01"
		  "b\n",
		  -ENOENT, "'/a?b'" },
	};
	char line[600] = "#!/";

	enter();
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		make_text("s", table[i].head, 0755);
		expect("./s", "", table[i].rc, table[i].text);
	}
	/* The kernel refuses a name that its buffer cuts: nothing sure to say. */
	memset(line + 3, 'y', 300);
	line[303] = '\0';
	make_text("s", line, 0755);
	expect("./s", "", 0, "exec './s'");
	line[200] = '\n';
	make_text("s", line, 0755);
	expect("./s", "", -ENOENT, "no such file or directory");
	leave();
}

/* ---- ELF ---------------------------------------------------------------------------------------
 */

struct elf64 {
	Elf64_Ehdr e;
	Elf64_Phdr p[2];
	char interp[32];
};

static struct elf64 good_elf(void)
{
	struct elf64 f = {
		.e = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		       .e_type = ET_DYN,
		       .e_machine = EM_X86_64,
		       .e_phoff = offsetof(struct elf64, p),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 2 },
		.p = { { .p_type = PT_LOAD },
		       { .p_type = PT_INTERP,
			 .p_offset = offsetof(struct elf64, interp),
			 .p_filesz = sizeof("/bin/sh") } },
		.interp = "/bin/sh",
	};

	return f;
}

static void check_elf(const struct elf64 *f, size_t len, int rc, const char *text)
{
	make_file("e", f, len, 0755);
	expect("./e", "", rc, text);
}

static void test_elf(void)
{
	struct elf64 f = good_elf();

	enter();
	check_elf(&f, sizeof(f), 0, "exec './e'");
	strcpy(f.interp, "/lib/ld-none.so.1");
	f.p[1].p_filesz = sizeof("/lib/ld-none.so.1");
	check_elf(&f, sizeof(f), -ENOENT,
		  "exec './e': its interpreter '/lib/ld-none.so.1': no such file or directory");
	f.p[0].p_type = PT_INTERP; /* the first counts: it is empty, so the kernel's to refuse */
	check_elf(&f, sizeof(f), 0, "exec './e'");
	f = good_elf();
	f.e.e_machine = EM_AARCH64;
	check_elf(&f, sizeof(f), 0, "exec './e': built for aarch64");
	f.e.e_machine = 0x1234;
	check_elf(&f, sizeof(f), 0, "built for machine 4660");
	f.e.e_ident[EI_DATA] = ELFDATA2MSB;
	f.e.e_machine = EM_S390 << 8;
	check_elf(&f, sizeof(f), 0, "built for s390");
	f = good_elf();
	f.e.e_type = ET_REL;
	check_elf(&f, sizeof(f), 0, "an ELF file, but not a program");
	check_elf(&f, 10, 0, "a cut ELF file");
	leave();
}

/* Each of these lies about itself; none may read out of bounds or be believed. */
static void test_elf_lies(void)
{
	struct elf64 f;

	enter();
	for (int i = 0; i < 12; i++) {
		f = good_elf();
		memset(f.interp, 'z', sizeof(f.interp));
		switch (i) {
		case 0:
			f.e.e_phoff = UINT64_MAX - 8;
			break;
		case 1:
			f.e.e_phnum = UINT16_MAX;
			break;
		case 2:
			f.e.e_phentsize = 1;
			break;
		case 3:
			f.p[1].p_offset = UINT64_MAX;
			break;
		case 4:
			f.p[1].p_filesz = UINT64_MAX;
			break;
		case 5:
			f.p[1].p_filesz = PATH_MAX + 1;
			break;
		case 6:
			f.p[1].p_filesz = 1;
			break;
		case 7: /* not terminated */
			f.p[1].p_filesz = 8;
			break;
		case 8: /* behind the end of the file */
			f.p[1].p_offset = sizeof(f) - 4;
			break;
		case 9:
			f.e.e_phoff = sizeof(f) - 4;
			break;
		case 10:
			f.e.e_phnum = 0;
			break;
		default:
			f.p[1].p_offset = (uint64_t)INT64_MAX;
			break;
		}
		check_elf(&f, sizeof(f), 0, "exec './e'");
	}
	/* So many headers that they are all there, and would fill more than the room for them. */
	f = good_elf();
	f.e.e_phnum = UINT16_MAX;
	make_file("e", &f, sizeof(f), 0755);
	CHECK_EQ(truncate("e", 1 << 22), 0);
	expect("./e", "", 0, "exec './e'");
	f = good_elf();
	for (size_t len = 0; len < sizeof(f.e) + 8; len++)
		check_elf(&f, len, 0, "exec './e'");
	leave();
}

static void test_elf32(void)
{
	struct {
		Elf32_Ehdr e;
		Elf32_Phdr p;
		char interp[16];
	} f = {
		.e = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
		       .e_type = ET_EXEC,
		       .e_machine = EM_386,
		       .e_phoff = sizeof(Elf32_Ehdr),
		       .e_phentsize = sizeof(Elf32_Phdr),
		       .e_phnum = 1 },
		.p = { .p_type = PT_INTERP,
		       .p_offset = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
		       .p_filesz = 9 },
		.interp = "/no/ld32",
	};

	enter();
	make_file("e", &f, sizeof(f), 0755);
	expect("./e", "", -ENOENT, "its interpreter '/no/ld32'");
	f.p.p_type = PT_LOAD;
	make_file("e", &f, sizeof(f), 0755);
	expect("./e", "", 0, "exec './e': built for i386");
	leave();
}

TEST_MAIN(TEST(test_search), TEST(test_odd_files), TEST(test_as_user), TEST(test_scripts),
	  TEST(test_elf), TEST(test_elf_lies), TEST(test_elf32))
