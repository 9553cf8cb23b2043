// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /init of the guest that is booted to be measured. It has no C library, so that unpacking it costs
 * nothing: it says "init" at the first serial port, by the port itself, and waits to be killed.
 */
#include <sys/syscall.h>

enum { SERIAL_PORT = 0x3f8 };

static long call1(long number, long arg)
{
	long rc;

	__asm__ volatile("syscall" : "=a"(rc) : "0"(number), "D"(arg) : "rcx", "r11", "memory");
	return rc;
}

__attribute__((noreturn)) void start(void);

void start(void)
{
	static const char text[] = "init\n";

	call1(SYS_iopl, 3);
	for (const char *p = text; *p; p++)
		__asm__ volatile("outb %0, %w1" : : "a"(*p), "Nd"(SERIAL_PORT));
	for (;;)
		call1(SYS_pause, 0);
}
