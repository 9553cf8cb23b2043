// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AML. The package length of a block takes one to four bytes, depending on itself; three are kept
 * free for every block (up to 1 MiB), which is a valid way to write any length above 63, and the
 * unused ones of a shorter block are taken out at its end.
 */
#include "vmmode/vmm/x86/aml.h"

#include <string.h>

enum {
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_WORD = 0x0b,
	OP_DWORD = 0x0c,
	OP_STRING = 0x0d,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_EXT = 0x5b,
	OP_EXT_DEVICE = 0x82,
	LEN_BYTES = 3,
	RES_IO = 0x47,
	RES_END = 0x79,
	RES_MEMORY32_FIXED = 0x86,
	RES_INTERRUPT = 0x89,
	IO_DECODE16 = 1,
	MEMORY_WRITABLE = 1,
	INTERRUPT_FLAGS = 0x03, /* consumer, edge; active high, exclusive, no wake are 0 */
};

static void add8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void add16(struct buf *b, uint16_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void add32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

/* The begin of a block is where its length is. */
static size_t begin_length(struct buf *b)
{
	const size_t begin = b->len;

	buf_add(b, "\0\0\0", LEN_BYTES);
	return begin;
}

size_t aml_scope_begin(struct buf *b, const char *name)
{
	size_t begin;

	add8(b, OP_SCOPE);
	begin = begin_length(b);
	buf_add_str(b, name);
	return begin;
}

size_t aml_device_begin(struct buf *b, const char *name)
{
	size_t begin;

	add8(b, OP_EXT);
	add8(b, OP_EXT_DEVICE);
	begin = begin_length(b);
	buf_add_str(b, name);
	return begin;
}

void aml_name(struct buf *b, const char *name)
{
	add8(b, OP_NAME);
	buf_add_str(b, name);
}

void aml_integer(struct buf *b, uint32_t value)
{
	if (value <= 1) {
		add8(b, (uint8_t)value); /* ZeroOp, OneOp */
	} else if (value <= UINT8_MAX) {
		add8(b, OP_BYTE);
		add8(b, (uint8_t)value);
	} else if (value <= UINT16_MAX) {
		add8(b, OP_WORD);
		add16(b, (uint16_t)value);
	} else {
		add8(b, OP_DWORD);
		add32(b, value);
	}
}

void aml_string(struct buf *b, const char *s)
{
	add8(b, OP_STRING);
	buf_add(b, s, strlen(s) + 1);
}

size_t aml_package_begin(struct buf *b, uint8_t elements)
{
	size_t begin;

	add8(b, OP_PACKAGE);
	begin = begin_length(b);
	add8(b, elements);
	return begin;
}

/* A buffer begins with its size as an integer, which is not known yet: always a word. */
size_t aml_resources_begin(struct buf *b)
{
	size_t begin;

	add8(b, OP_BUFFER);
	begin = begin_length(b);
	add8(b, OP_WORD);
	add16(b, 0);
	return begin;
}

void aml_memory32(struct buf *b, uint32_t base, uint32_t bytes)
{
	add8(b, RES_MEMORY32_FIXED);
	add16(b, 9);
	add8(b, MEMORY_WRITABLE);
	add32(b, base);
	add32(b, bytes);
}

void aml_io(struct buf *b, uint16_t base, uint8_t bytes)
{
	add8(b, RES_IO);
	add8(b, IO_DECODE16);
	add16(b, base);
	add16(b, base);
	add8(b, 1);
	add8(b, bytes);
}

void aml_interrupt(struct buf *b, uint32_t gsi)
{
	add8(b, RES_INTERRUPT);
	add16(b, 6);
	add8(b, INTERRUPT_FLAGS);
	add8(b, 1);
	add32(b, gsi);
}

void aml_resources_end(struct buf *b, size_t begin)
{
	const size_t content = begin + LEN_BYTES + 3;
	uint16_t bytes;

	add8(b, RES_END);
	add8(b, 0); /* no checksum */
	if (buf_failed(b))
		return;
	bytes = (uint16_t)(b->len - content);
	memcpy(b->data + content - sizeof(bytes), &bytes, sizeof(bytes));
	aml_end(b, begin);
}

void aml_end(struct buf *b, size_t begin)
{
	uint8_t *at;
	size_t content;
	size_t used;
	size_t len;

	if (buf_failed(b))
		return;
	at = (uint8_t *)b->data + begin;
	content = b->len - begin - LEN_BYTES;
	/* The length counts its own bytes. 20.2.4: 6 bits in one byte, else 4 and 8 per byte. */
	used = content + 1 <= 0x3f ? 1 : content + 2 <= 0xfff ? 2 : 3;
	len = content + used;
	if (used == 1) {
		at[0] = (uint8_t)len;
	} else {
		at[0] = (uint8_t)((used - 1) << 6 | (len & 0xf));
		at[1] = (uint8_t)(len >> 4);
		if (used == 3)
			at[2] = (uint8_t)(len >> 12);
	}
	memmove(at + used, at + LEN_BYTES, content);
	b->len -= LEN_BYTES - used;
}
