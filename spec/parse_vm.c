// SPDX-License-Identifier: GPL-2.0-or-later
/* The "vm" object. Source: OCI config-vm.md. */
#include "spec/parse_internal.h"

/* Xen-style passthrough has no counterpart in a KVM guest: refused, not dropped. */
static void refuse_passthrough(struct json_reader *r, const struct json *hw)
{
	static const char *const lists[] = { "dtdevs", "iomems", "irqs" };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct json *list = json_get_array(r, hw, lists[i]);

		if (json_count(list))
			json_fail(r, list, "is not supported");
	}
}

void parse_vm(struct json_reader *r, const struct json *obj, struct config_vm *out)
{
	const struct json *hypervisor = json_get_object(r, obj, "hypervisor");
	const struct json *kernel = json_get_object(r, obj, "kernel");
	const struct json *image = json_get_object(r, obj, "image");
	const struct json *hw = json_get_object(r, obj, "hwConfig");

	parse_str(r, hypervisor, "path", &out->hypervisor_path);
	(void)json_get_strv(r, hypervisor, "parameters", &out->hypervisor_parameters);
	parse_str(r, kernel, "path", &out->kernel_path);
	(void)json_get_strv(r, kernel, "parameters", &out->kernel_parameters);
	parse_str(r, kernel, "initrd", &out->initrd);
	parse_str(r, image, "path", &out->image_path);
	parse_str(r, image, "format", &out->image_format);
	parse_str(r, hw, "deviceTree", &out->device_tree);
	parse_opt_u32(r, hw, "vcpus", UINT32_MAX, &out->vcpus);
	parse_opt_u64(r, hw, "memory", UINT64_MAX, &out->memory_bytes);
	refuse_passthrough(r, hw);
}
