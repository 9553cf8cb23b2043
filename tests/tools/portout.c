// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes a byte to an I/O port, as root. usage: portout PORT VALUE */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

int main(int argc, char **argv)
{
	if (argc != 3 || iopl(3) < 0) {
		perror("usage: portout PORT VALUE");
		return 1;
	}
	outb((uint8_t)strtoul(argv[2], NULL, 0), (uint16_t)strtoul(argv[1], NULL, 0));
	return 0;
}
