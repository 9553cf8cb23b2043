// SPDX-License-Identifier: GPL-2.0-or-later
/* The test guest's main: finds the command line, runs the test that it names. */
#include "tests/guest/guest.h"

enum { ZP_CMDLINE = 0x228, PVH_CMDLINE = 24, MAGIC_PVH = 0x336ec578 };

void guest_main(uint64_t info, int is_pvh);

void print(const char *s)
{
	while (*s)
		out8(SERIAL, (uint8_t)*s++);
}

void print_hex(uint64_t v)
{
	for (int i = 60; i >= 0; i -= 4)
		out8(SERIAL, (uint8_t) "0123456789abcdef"[(v >> i) & 15]);
}

void finish(uint8_t status)
{
	out8(EXIT, status);
	for (;;)
		__asm__ volatile("hlt");
}

/* @word is in @s; what follows "word=" as a number goes to @out. */
static bool has_word(const char *s, const char *word, uint32_t *out)
{
	while (*s) {
		const char *w = word;

		while (*s == ' ')
			s++;
		while (*w && *s == *w) {
			s++;
			w++;
		}
		if (!*w && (*s == ' ' || *s == '=' || !*s)) {
			uint32_t n = 0;

			for (s += *s == '='; *s >= '0' && *s <= '9'; s++)
				n = n * 10 + (uint32_t)(*s - '0');
			*out = n;
			return true;
		}
		while (*s && *s != ' ')
			s++;
	}
	return false;
}

static void triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

static void test_timer(void)
{
	irq_init();
	irq_timer(1000000);
	irq_wait(VECTOR_TIMER, 5);
	finish(0);
}

/* Memory tells its size: the last byte of what the test names is there, the next page is not. */
static void test_memory(uint32_t mib)
{
	volatile uint8_t *end = (volatile uint8_t *)((uint64_t)mib << 20);

	end[-1] = 0x5a;
	finish(end[-1] == 0x5a && end[0] == 0xff ? 0 : 1);
}

static void run(const char *cmdline)
{
	uint32_t n;

	if (has_word(cmdline, "exit", &n))
		finish((uint8_t)n);
	if (has_word(cmdline, "poweroff", &n))
		out8(0x600, 0x34);
	if (has_word(cmdline, "reset", &n))
		out8(0x64, 0xfe);
	if (has_word(cmdline, "panic", &n))
		out8(0x505, 1);
	if (has_word(cmdline, "triple", &n))
		triple_fault();
	if (has_word(cmdline, "timer", &n))
		test_timer();
	if (has_word(cmdline, "memory", &n))
		test_memory(n);
	if (has_word(cmdline, "smp", &n))
		finish(smp_start() ? 0 : 1);
	if (has_word(cmdline, "rng", &n))
		finish((uint8_t)rng_test());
	if (has_word(cmdline, "blk", &n))
		finish((uint8_t)blk_test());
	if (has_word(cmdline, "console", &n))
		finish((uint8_t)console_test());
	if (has_word(cmdline, "fs", &n))
		finish((uint8_t)fs_test());
	if (has_word(cmdline, "net", &n))
		finish((uint8_t)net_test());
	if (has_word(cmdline, "mmio", &n))
		finish((uint8_t)mmio_test());
	if (has_word(cmdline, "vsock", &n))
		finish((uint8_t)vsock_test());
	if (has_word(cmdline, "balloon", &n))
		finish((uint8_t)balloon_test(n));
	if (has_word(cmdline, "flood", &n)) {
		while (n--)
			print("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n");
		finish(0);
	}
	if (has_word(cmdline, "spin", &n)) {
		for (;;)
			__asm__ volatile("pause");
	}
	for (;;) /* "hlt" and all else */
		__asm__ volatile("cli; hlt");
}

void guest_main(uint64_t info, int is_pvh)
{
	const char *cmdline;

	if (is_pvh) {
		print(read32(info) == MAGIC_PVH ? "entry: pvh\n" : "entry: bad start info\n");
		cmdline = *(const char **)(info + PVH_CMDLINE);
	} else {
		print("entry: linux64\n");
		cmdline = (const char *)(uint64_t)read32(info + ZP_CMDLINE);
	}
	print("cmdline: ");
	print(cmdline);
	print("\n");
	run(cmdline);
}
