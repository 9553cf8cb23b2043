// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: a kernel image. A refusal has a message; an accepted kernel begins inside guest
 * memory, and nothing below 1 MiB was written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmmode/vmm/x86/boot.h"
#include "vmmode/vmm/x86/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAM = 4 << 20 };

static void require(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t ram[RAM];
	static uint8_t zero[X86_HIGH];
	struct guest_mem mem = { .n = 0 };
	struct err err = ERR_INIT;
	struct x86_kernel k;
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	gpa_t at;
	int rc;

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	require(guest_mem_add(&mem, 0, RAM, ram) == 0);
	rc = x86_load_kernel(&mem, fd, &k, &err);
	if (rc < 0) {
		require(err.code == rc && err.msg[0] && !strchr(err.msg, '\n'));
	} else {
		require(k.start >= X86_HIGH && k.start < k.end && k.end <= RAM);
		require(k.setup_header_len <= sizeof(k.setup_header));
		if (x86_load_initrd(&mem, &k, fd, size, &at, NULL) == 0)
			require(at >= k.end && at + size <= RAM);
		require(memcmp(ram, zero, X86_HIGH) == 0);
		require(x86_write_boot(&mem, &(struct x86_boot){ .kernel = &k, .cmdline = "" },
				       NULL) == 0);
		memset(ram, 0, X86_HIGH);
	}
	require(close(fd) == 0);
	return 0;
}
