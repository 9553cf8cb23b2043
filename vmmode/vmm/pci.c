// SPDX-License-Identifier: GPL-2.0-or-later
/* The address register of PCI's configuration space. All that it could name reads as all ones. */
#include <string.h>

#include "spec/base/cleanup.h"
#include "vmmode/vmm/legacy.h"

static void on_read(struct bus_range *r, uint64_t off, void *data, uint32_t len)
{
	const uint32_t address = CONTAINER_OF(r, struct pci, range)->address;

	if (off == 0 && len == sizeof(address))
		memcpy(data, &address, sizeof(address));
	else
		memset(data, 0xff, len);
}

/* Parts of it are other registers, of which there are none. */
static void on_write(struct bus_range *r, uint64_t off, const void *data, uint32_t len)
{
	uint32_t address;

	if (off != 0 || len != sizeof(address))
		return;
	memcpy(&address, data, sizeof(address));
	CONTAINER_OF(r, struct pci, range)->address = address;
}

void pci_init(struct pci *p)
{
	*p = (struct pci){
		.range = { .base = PCI_ADDRESS_PORT,
			   .size = sizeof(uint32_t),
			   .read = on_read,
			   .write = on_write },
	};
}
