// SPDX-License-Identifier: GPL-2.0-or-later
/* The features document, from the same tables that the parser reads with. */
#include "spec/features.h"

#include <seccomp.h>
#include <stdio.h>

#include "spec/json_write.h"
#include "spec/mount_opts.h"
#include "spec/tables.h"

/*
 * Annotations of a config that change what the runtime does; a trailing '.' makes a prefix. Of the
 * second, which is a peer's, some keys are read for compatibility.
 */
static const char *const unsafe_annotations[] = {
	"org.bivalve.",
	"run.oci.",
};

static void write_names(struct json_writer *w, const char *key, const struct name_table *t)
{
	json_write_array(w, key);
	for (size_t i = 0; i < t->n; i++)
		json_write_str(w, NULL, t->items[i].name);
	json_write_end(w);
}

static void write_enabled(struct json_writer *w, const char *key)
{
	json_write_object(w, key);
	json_write_bool(w, "enabled", true);
	json_write_end(w);
}

static void write_cgroup(struct json_writer *w)
{
	json_write_object(w, "cgroup");
	json_write_bool(w, "v1", true);
	json_write_bool(w, "v2", true);
	json_write_bool(w, "systemd", false);
	json_write_bool(w, "systemdUser", false);
	json_write_bool(w, "rdma", true);
	json_write_end(w);
}

static void write_seccomp_features(struct json_writer *w)
{
	json_write_object(w, "seccomp");
	json_write_bool(w, "enabled", true);
	write_names(w, "actions", &table_seccomp_actions);
	write_names(w, "operators", &table_seccomp_ops);
	write_names(w, "archs", &table_seccomp_archs);
	write_names(w, "knownFlags", &table_seccomp_flags);
	write_names(w, "supportedFlags", &table_seccomp_flags);
	json_write_end(w);
}

static void write_linux_features(struct json_writer *w)
{
	json_write_object(w, "linux");
	write_names(w, "namespaces", &table_namespaces);
	write_names(w, "capabilities", &table_capabilities);
	write_cgroup(w);
	write_seccomp_features(w);
	write_enabled(w, "apparmor");
	write_enabled(w, "selinux");
	json_write_object(w, "memoryPolicy");
	write_names(w, "modes", &table_mpol_modes);
	write_names(w, "flags", &table_mpol_flags);
	json_write_end(w);
	json_write_object(w, "intelRdt");
	json_write_bool(w, "enabled", true);
	json_write_bool(w, "schemata", true);
	json_write_bool(w, "monitoring", true);
	json_write_end(w);
	json_write_object(w, "mountExtensions");
	write_enabled(w, "idmap");
	json_write_end(w);
	write_enabled(w, "netDevices");
	json_write_end(w);
}

static void write_features_annotations(struct json_writer *w, const char *version,
				       const char *commit)
{
	const struct scmp_version *lib = seccomp_version();

	json_write_object(w, "annotations");
	if (lib) {
		char text[48];

		(void)snprintf(text, sizeof(text), "%u.%u.%u", lib->major, lib->minor, lib->micro);
		json_write_str(w, "io.github.seccomp.libseccomp.version", text);
	}
	json_write_str(w, "org.bivalve.version", version);
	json_write_str(w, "org.bivalve.commit", commit);
	json_write_str(w, "org.bivalve.checkpoint.enabled", "false");
	json_write_end(w);
}

int features_write(const char *version, const char *commit, struct buf *out, struct err *err)
{
	struct json_writer w;
	int rc;

	json_writer_init(&w, out, JSON_PRETTY);
	json_write_object(&w, NULL);
	json_write_str(&w, "ociVersionMin", OCI_VERSION_MIN);
	json_write_str(&w, "ociVersionMax", OCI_VERSION_MAX);
	write_names(&w, "hooks", &table_hooks);
	json_write_array(&w, "mountOptions");
	for (size_t i = 0; mount_option_name(i); i++)
		json_write_str(&w, NULL, mount_option_name(i));
	json_write_end(&w);
	write_linux_features(&w);
	write_features_annotations(&w, version, commit);
	json_write_array(&w, "potentiallyUnsafeConfigAnnotations");
	for (size_t i = 0; i < ARRAY_LEN(unsafe_annotations); i++)
		json_write_str(&w, NULL, unsafe_annotations[i]);
	json_write_end(&w);
	json_write_end(&w);
	rc = json_writer_finish(&w);
	return rc < 0 ? err_code(err, rc, "write the features") : 0;
}
