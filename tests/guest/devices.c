// SPDX-License-Identifier: GPL-2.0-or-later
/* Minimal drivers of a disk, a folder and a network card. The host's side is in vmm_boot.bats. */
#include "tests/guest/guest.h"

enum { ID_NET = 1, ID_BLOCK = 2, ID_FS = 26, SECTOR = 512 };

/* The compiler may make calls of these. */
void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *to, int c, size_t n)
{
	for (uint8_t *p = to; n--;)
		*(volatile uint8_t *)p++ = (uint8_t)c;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	const uint8_t *f = from;

	for (uint8_t *p = to; n--;)
		*(volatile uint8_t *)p++ = *f++;
	return to;
}

static bool same(const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (((const volatile uint8_t *)a)[i] != ((const volatile uint8_t *)b)[i])
			return false;
	}
	return true;
}

/* ---- a disk: what the host wrote is in sector 1, what it looks for goes to sector 3 ---------- */

static uint8_t blk_request(uint32_t type, uint64_t sector, void *data, uint32_t len, bool write)
{
	static struct {
		uint32_t type, ioprio;
		uint64_t sector;
	} header;
	static volatile uint8_t status;
	const struct vq_buffer b[] = { { &header, sizeof(header), false },
				       { data, len, write },
				       { (void *)(uintptr_t)&status, 1, true } };
	const struct vq_buffer flush[] = { b[0], b[2] };

	header.type = type;
	header.sector = sector;
	status = 0xee;
	vq_call(0, len ? b : flush, len ? 3 : 2);
	return status;
}

unsigned int blk_test(void)
{
	enum { IN, OUT, FLUSH = 4, FLUSH_BIT = 1 << 9 };
	static uint8_t data[SECTOR];

	if (!vq_open(ID_BLOCK, FLUSH_BIT, 1))
		return 1;
	if (vq_config(0) != 2048 || vq_config(4) != 0) /* sectors of 1 MiB */
		return 2;
	if (blk_request(IN, 1, data, SECTOR, true) != 0 || !same(data, "from the host", 13))
		return 3;
	memcpy(data, "from the guest", 14);
	if (blk_request(OUT, 3, data, SECTOR, false) != 0 ||
	    blk_request(FLUSH, 0, NULL, 0, false) != 0)
		return 4;
	memset(data, 0, SECTOR);
	if (blk_request(IN, 3, data, SECTOR, true) != 0 || !same(data, "from the guest", 14))
		return 5;
	if (blk_request(IN, 2048, data, SECTOR, true) != 1 ||                  /* behind the end */
	    blk_request(OUT, UINT64_MAX / SECTOR, data, SECTOR, false) != 1 || /* it wraps */
	    blk_request(99, 0, data, SECTOR, true) != 2)                       /* no such request */
		return 6;
	print("the disk is well\n");
	return 0;
}

/* ---- a folder: file "hello" in it ------------------------------------------------------------ */

struct fuse_in {
	uint32_t len, opcode;
	uint64_t unique, nodeid;
	uint32_t uid, gid, pid, extension;
};

static struct {
	uint32_t len;
	int32_t error;
	uint64_t unique;
	uint8_t body[256];
} fuse_out;

/* One request on the request queue. Its answer is in fuse_out; the error is returned. */
static int32_t fuse(uint32_t opcode, uint64_t nodeid, void *args, uint32_t len)
{
	static struct fuse_in in;
	const struct vq_buffer b[] = { { &in, sizeof(in), false },
				       { args, len, false },
				       { &fuse_out, sizeof(fuse_out), true } };

	in.len = (uint32_t)sizeof(in) + len;
	in.opcode = opcode;
	in.unique += 2;
	in.nodeid = nodeid;
	if (vq_call(1, b, 3) != fuse_out.len || fuse_out.unique != in.unique)
		return 1;
	return fuse_out.error;
}

unsigned int fs_test(void)
{
	enum { LOOKUP = 1, OPEN = 14, READ = 15, RELEASE = 18, INIT = 26, EINVAL = 22, ENOENT = 2 };
	static char name[] = "hello";
	static char outside[] = "../hello";
	static char missing[] = "missing";
	static uint32_t init[4] = { 7, 31, 65536, 0 };
	static uint32_t open[2];
	static struct {
		uint64_t fh, offset;
		uint32_t size, flags;
		uint64_t owner;
		uint32_t open_flags, padding;
	} read = { .size = 100 };
	uint64_t node;

	if (!vq_open(ID_FS, 0, 2) || vq_config(0) != ('t' | 'a' << 8 | 'g' << 16))
		return 1;
	if (fuse(LOOKUP, 1, name, sizeof(name)) != -5) /* before INIT */
		return 2;
	if (fuse(INIT, 0, init, sizeof(init)) != 0 || fuse_out.body[0] != 7)
		return 3;
	if (fuse(LOOKUP, 1, missing, sizeof(missing)) != -ENOENT ||
	    fuse(LOOKUP, 1, outside, sizeof(outside)) != -EINVAL)
		return 4;
	if (fuse(LOOKUP, 1, name, sizeof(name)) != 0)
		return 5;
	memcpy(&node, fuse_out.body, sizeof(node));
	if (fuse(OPEN, node, open, sizeof(open)) != 0)
		return 6;
	memcpy(&read.fh, fuse_out.body, sizeof(read.fh));
	if (fuse(READ, node, &read, sizeof(read)) != 0 || fuse_out.len != 16 + 14 ||
	    !same(fuse_out.body, "hello, guest!\n", 14))
		return 7;
	if (fuse(RELEASE, node, &read, 24) != 0 || fuse(READ, node, &read, sizeof(read)) == 0)
		return 8;
	print("the folder is well\n");
	return 0;
}

/* ---- a card: ARP, who has 10.9.9.1? -----------------------------------------------------------
 */

unsigned int net_test(void)
{
	enum { RX, TX, HEADER = 12, MAC_BIT = 1 << 5 };
	static const uint8_t arp[] = { 0, 1, 8, 0, 6, 4, 0 };
	static uint8_t frame[HEADER + 60];
	static uint8_t answer[HEADER + 1514];
	const struct vq_buffer out = { frame, sizeof(frame), false };
	const struct vq_buffer in = { answer, sizeof(answer), true };
	uint8_t *p = frame + HEADER;

	if (!vq_open(ID_NET, MAC_BIT, 2))
		return 1;
	if (vq_config(0) != 0x33221102U) /* of the MAC address */
		return 2;
	memset(p, 0xff, 6);
	memcpy(p + 6, "\x02\x11\x22\x33\x44\x55\x08\x06", 8);
	memcpy(p + 14, arp, sizeof(arp));
	p[21] = 1; /* a request */
	memcpy(p + 22, "\x02\x11\x22\x33\x44\x55\x0a\x09\x09\x02", 10);
	memcpy(p + 38, "\x0a\x09\x09\x01", 4);
	vq_put(RX, &in, 1);
	vq_call(TX, &out, 1);
	/* The host speaks of other things too. */
	for (unsigned int i = 0; i < 100; i++) {
		const uint32_t len = vq_wait(RX);
		const uint8_t *a = answer + HEADER;

		if (len >= HEADER + 42 && a[12] == 8 && a[13] == 6 && a[21] == 2 &&
		    same(a, "\x02\x11\x22\x33\x44\x55", 6) && same(a + 28, "\x0a\x09\x09\x01", 4)) {
			print("the card is well\n");
			return 0;
		}
		vq_put(RX, &in, 1);
	}
	return 3;
}
