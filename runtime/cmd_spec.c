// SPDX-License-Identifier: GPL-2.0-or-later
/* `spec`: a configuration to start from. */
#include <fcntl.h>
#include <unistd.h>

#include "runtime/commands.h"
#include "spec/base/fd.h"
#include "spec/defaults.h"
#include "spec/parse.h"
#include "spec/write.h"

struct spec_options {
	const char *bundle;
	const char *file;
	bool rootless;
};

static const struct cli_option spec_rows[] = {
	{ "bundle", 'b', "DIR", "folder to write it into (default: .)", CLI_TEXT,
	  offsetof(struct spec_options, bundle) },
	{ "file", 'f', "FILE", "name of the file (default: config.json; '-': stdout)", CLI_TEXT,
	  offsetof(struct spec_options, file) },
	{ "rootless", 0, NULL, "for a user without rights: a user namespace", CLI_FLAG,
	  offsetof(struct spec_options, rootless) },
};

static int write_new_file(const struct spec_options *o, const struct buf *text, struct err *err)
{
	const char *bundle = o->bundle ? o->bundle : ".";
	const char *name = o->file ? o->file : "config.json";
	auto_close int dir_fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = -1;
	int rc;

	if (dir_fd < 0)
		return err_sys(err, "open bundle '%s'", bundle);
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, "make '%s' in '%s'", name, bundle);
	rc = fd_write_all(fd, text->data, text->len);
	if (rc < 0)
		(void)unlinkat(dir_fd, name, 0);
	return rc < 0 ? err_code(err, rc, "write '%s'", name) : 0;
}

static int spec_run(struct invocation *inv, struct err *err)
{
	const struct spec_options *o = inv->options;
	const struct config_default_opts rootless = { .is_rootless = true,
						      .uid = geteuid(),
						      .gid = getegid() };
	auto_config struct config config = { 0 };
	auto_buf struct buf text = BUF_INIT;
	int rc = config_default(o->rootless ? &rootless : NULL, &config, err);

	if (rc == 0)
		rc = config_write_json(&config, JSON_PRETTY, &text, err);
	if (rc < 0)
		return rc;
	if (o->file && str_eq(o->file, "-"))
		return cli_print(&text, err);
	return write_new_file(o, &text, err);
}

const struct command cmd_spec = {
	.name = "spec",
	.summary = "write a config.json with safe defaults",
	.usage = "[options]",
	.examples = "  mkdir -p web/rootfs && bivalve spec --bundle web\n"
		    "  bivalve spec --rootless\n",
	.groups = { CLI_GROUP(spec_rows) },
	.options_size = sizeof(struct spec_options),
	.run = spec_run,
};
