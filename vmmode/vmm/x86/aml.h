/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes AML, as much of it as a DSDT of devices needs. A block (scope, device, package, buffer)
 * has its length in front: it is begun, filled and ended, and the end puts the length in.
 * Source: ACPI 6.4, chapter 20 (AML), 6.4 (resource descriptors).
 */
#ifndef BIVALVE_VMMODE_VMM_X86_AML_H
#define BIVALVE_VMMODE_VMM_X86_AML_H

#include <stdint.h>

#include "spec/base/buf.h"

/* A name segment is exactly four characters: A-Z, 0-9, '_'; a leading '\' is the root. */
size_t aml_scope_begin(struct buf *b, const char *name);
size_t aml_device_begin(struct buf *b, const char *name);

/* aml_name - Name (@name, ...): the value is what is added next. */
void aml_name(struct buf *b, const char *name);
void aml_integer(struct buf *b, uint32_t value);
void aml_string(struct buf *b, const char *s);
size_t aml_package_begin(struct buf *b, uint8_t elements);

/* A resource template: its descriptors are added between the two calls. */
size_t aml_resources_begin(struct buf *b);
void aml_memory32(struct buf *b, uint32_t base, uint32_t bytes);
void aml_io(struct buf *b, uint16_t base, uint8_t bytes);
/* An edge triggered, active high, exclusive interrupt. */
void aml_interrupt(struct buf *b, uint32_t gsi);
void aml_resources_end(struct buf *b, size_t begin);

/* aml_end - ends the block that @begin is of. */
void aml_end(struct buf *b, size_t begin);

#endif
