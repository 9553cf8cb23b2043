// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules of sysctl and seccomp: what reaches into the kernel and must not reach the host's. */
#include <seccomp.h>
#include <string.h>

#include "spec/base/str.h"
#include "spec/tables.h"
#include "spec/validate_internal.h"

enum { MAX_KEY = 255 };

/* Keys of the kernel that belong to a namespace; a trailing '.' means all below it. */
static const struct {
	const char *key;
	enum config_ns_kind ns;
} namespaced[] = {
	{ "fs.mqueue.", NS_IPC },
	{ "kernel.auto_msgmni", NS_IPC },
	{ "kernel.domainname", NS_UTS },
	{ "kernel.hostname", NS_UTS },
	{ "kernel.msg_next_id", NS_IPC },
	{ "kernel.msgmax", NS_IPC },
	{ "kernel.msgmnb", NS_IPC },
	{ "kernel.msgmni", NS_IPC },
	{ "kernel.sem", NS_IPC },
	{ "kernel.sem_next_id", NS_IPC },
	{ "kernel.shm_next_id", NS_IPC },
	{ "kernel.shm_rmid_forced", NS_IPC },
	{ "kernel.shmall", NS_IPC },
	{ "kernel.shmmax", NS_IPC },
	{ "kernel.shmmni", NS_IPC },
	{ "net.", NS_NETWORK },
	{ "user.", NS_USER },
};

/*
 * Writes @key with '.' between its parts. As in sysctl(8), the first separator that is seen is the
 * one in use, and the other stands for a dot in a name. False: too long, or no plain path.
 */
static bool dotted_key(const char *key, char out[MAX_KEY + 1])
{
	const char *separator = strpbrk(key, "./");
	size_t len = strlen(key);
	size_t part = 0; /* length of the part so far */

	if (len == 0 || len > MAX_KEY)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_end = separator && key[i] == *separator;

		if (is_end && part == 0)
			return false;
		part = is_end ? 0 : part + 1;
		out[i] = key[i];
		if (is_end)
			out[i] = '.';
		else if (key[i] == '.')
			out[i] = '/';
		if ((unsigned char)key[i] < 0x20)
			return false;
	}
	out[len] = '\0';
	/* A part "." is now "/", and ".." is "//". */
	return part > 0 && !strstr(out, "./.") && !strstr(out, "//") && out[len - 1] != '/';
}

static int check_sysctl(const struct config *c, const struct config_sysctl *s, struct err *err)
{
	char key[MAX_KEY + 1];

	if (!dotted_key(s->key, key))
		return err_set(err, -EINVAL, "/linux/sysctl/%s: is not a sysctl key", s->key);
	if ((c->hostname && str_eq(key, "kernel.hostname")) ||
	    (c->domainname && str_eq(key, "kernel.domainname")))
		return err_set(err, -EINVAL, "/linux/sysctl/%s: conflicts with /%s", s->key,
			       key + strlen("kernel."));
	for (size_t i = 0; i < ARRAY_LEN(namespaced); i++) {
		const char *known = namespaced[i].key;
		bool is_prefix = known[strlen(known) - 1] == '.';

		if (is_prefix ? !str_starts(key, known) : !str_eq(key, known))
			continue;
		if (c->linux_.namespaces[namespaced[i].ns].is_set)
			return 0;
		return err_set(err, -EINVAL, "/linux/sysctl/%s: needs the %s namespace", s->key,
			       name_table_name(&table_namespaces, namespaced[i].ns));
	}
	return err_set(err, -EINVAL, "/linux/sysctl/%s: is not a setting of a namespace", s->key);
}

int validate_sysctls(const struct config *c, struct err *err)
{
	for (size_t i = 0; i < c->linux_.sysctl.n; i++) {
		int rc = check_sysctl(c, &c->linux_.sysctl.items[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int validate_seccomp(const struct config_seccomp *s, struct err *err)
{
	bool notifies = false;

	/* Every call of the program, and ours until it runs, would wait for the listener. */
	if (s->default_action == SCMP_ACT_NOTIFY)
		return err_set(err, -EINVAL,
			       "/linux/seccomp/defaultAction: must not be SCMP_ACT_NOTIFY");
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct config_seccomp_rule *rule = &s->rules.items[i];

		if (rule->names.n == 0)
			return err_set(err, -EINVAL,
				       "/linux/seccomp/syscalls/%zu/names: at least one entry is "
				       "required",
				       i);
		for (size_t k = 0; k < rule->names.n; k++) {
			if (!*rule->names.v[k])
				return err_set(err, -EINVAL,
					       "/linux/seccomp/syscalls/%zu/names/%zu: must not be "
					       "empty",
					       i, k);
		}
		notifies |= rule->action == SCMP_ACT_NOTIFY;
	}
	if (notifies && !s->listener_path)
		return err_set(err, -EINVAL,
			       "/linux/seccomp/listenerPath: is required for SCMP_ACT_NOTIFY");
	if (s->listener_metadata && !s->listener_path)
		return err_set(err, -EINVAL, "/linux/seccomp/listenerMetadata: needs listenerPath");
	return 0;
}
