// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One system call by number, from inside a container; static, as there is no library.
 * Usage: rawcall [--i386] NR [ARG...]
 * Prints the result, or the name of the error. --i386 goes through the 32-bit entry (x86_64 only).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* An argument that is no number is a string of its own. */
static long number(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 0);

	return *text && !*end ? (long)v : (long)text;
}

static long call_i386(const long *a)
{
#ifdef __x86_64__
	long rc;

	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3])
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)rc;
#else
	(void)a;
	return -ENOSYS;
#endif
}

int main(int argc, char **argv)
{
	int first = argc > 1 && strcmp(argv[1], "--i386") == 0 ? 2 : 1;
	long a[7] = { 0 };
	long rc;

	if (argc <= first || argc > first + 7) {
		fprintf(stderr, "usage: rawcall [--i386] NR [ARG...]\n");
		return 2;
	}
	for (int i = first; i < argc; i++)
		a[i - first] = number(argv[i]);
	if (first == 2) {
		rc = call_i386(a);
	} else {
		rc = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
		if (rc < 0)
			rc = -errno;
	}
	if (rc < 0 && rc >= -4095)
		puts(strerrorname_np((int)-rc) ? strerrorname_np((int)-rc) : "unknown error");
	else
		printf("%ld\n", rc);
	return 0;
}
