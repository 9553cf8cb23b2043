// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: the text of a config, a process or resources. What is accepted must survive
 * being written and read again unchanged; what is refused must say why in one line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spec/mount_opts.h"
#include "spec/parse.h"
#include "spec/validate.h"
#include "spec/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int ok)
{
	if (!ok)
		abort();
}

static void require_message(int rc, const struct err *err)
{
	require(rc < 0 && err->code == rc && err->msg[0] && !strchr(err->msg, '\n'));
}

static void round_trip(const struct config *c)
{
	auto_config struct config again = { 0 };
	auto_buf struct buf first = BUF_INIT;
	auto_buf struct buf second = BUF_INIT;
	struct err err = ERR_INIT;

	require(config_write_json(c, JSON_COMPACT, &first, &err) == 0);
	require(config_parse(first.data, first.len, &again, &err) == 0);
	require(config_write_json(&again, JSON_COMPACT, &second, &err) == 0);
	require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
}

static void read_mount_options(const struct config *c)
{
	for (size_t i = 0; i < c->mounts.n; i++) {
		auto_mount_opts struct mount_opts o = { 0 };
		struct err err = ERR_INIT;
		int rc = mount_options_parse(&c->mounts.items[i].options, &o, &err);

		if (rc < 0) {
			require_message(rc, &err);
			continue;
		}
		require((o.flags_set & o.flags_clear) == 0);
		require((o.rec_attrs.set & ~UINT64_C(0x70) & o.rec_attrs.clear) == 0);
	}
}

static void try_config(const char *text, size_t len)
{
	auto_config struct config c = { 0 };
	struct err err = ERR_INIT;
	int rc = config_parse(text, len, &c, &err);

	if (rc < 0) {
		require_message(rc, &err);
		return;
	}
	rc = config_validate(&c, &err);
	if (rc < 0)
		require_message(rc, &err);
	round_trip(&c);
	read_mount_options(&c);
}

static void try_parts(const char *text, size_t len)
{
	auto_process_doc struct process_doc p = { 0 };
	auto_resources_doc struct resources_doc r = { 0 };
	struct err err = ERR_INIT;
	int rc = process_parse(text, len, &p, &err);

	if (rc == 0)
		rc = process_validate(&p.process, "", &err);
	if (rc < 0)
		require_message(rc, &err);
	err = (struct err)ERR_INIT;
	rc = resources_parse(text, len, &r, &err);
	if (rc == 0)
		rc = resources_validate(&r.resources, "", &err);
	if (rc < 0)
		require_message(rc, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_config((const char *)data, size);
	try_parts((const char *)data, size);
	return 0;
}
