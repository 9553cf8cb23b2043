// SPDX-License-Identifier: GPL-2.0-or-later
/* One entry of "mounts". Options stay text here: see spec/mount_opts.h. */
#include "spec/parse_internal.h"

void parse_mount(struct json_reader *r, const struct json *obj, struct config_mount *out)
{
	if (!json_check_object(r, obj))
		return;
	parse_str_required(r, obj, "destination", &out->destination);
	parse_str(r, obj, "type", &out->type);
	parse_str(r, obj, "source", &out->source);
	(void)json_get_strv(r, obj, "options", &out->options);
	parse_id_maps(r, obj, "uidMappings", &out->uid_mappings);
	parse_id_maps(r, obj, "gidMappings", &out->gid_mappings);
}
