// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.intelRdt: classes of service and monitoring groups in the resctrl file system. */
#include "cgroups/resctrl.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "spec/base/fd.h"
#include "spec/base/str.h"

#define RDT      "/linux/intelRdt"
#define RDT_ROOT "/sys/fs/resctrl"

enum { SCHEMATA_MAX = 64 << 10, MOUNTINFO_MAX = 16 << 20 };

/* ---- schemas, pure ------------------------------------------------------------------------- */

static void add_line(struct buf *out, const char *line, size_t len)
{
	if (len == 0)
		return;
	buf_add(out, line, len);
	buf_add_char(out, '\n');
}

/* The lines of @text, but those that begin with @without (NULL: all). */
static void add_lines(struct buf *out, const char *text, const char *without)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		if (!without || strncmp(text, without, strlen(without)) != 0)
			add_line(out, text, len);
		text += len;
		text += *text == '\n';
	}
}

void rdt_legacy_schemata(const char *l3, const char *mb, struct buf *out)
{
	add_lines(out, l3, mb ? "MB:" : NULL);
	add_lines(out, mb, NULL);
}

/* The value of domain @id (up to '=') in "0=ff;1=0f", without leading zeros; NULL: not there. */
static const char *domain_value(const char *domains, const char *id, size_t id_len, size_t *out_len)
{
	while (*domains && *domains != '\n') {
		size_t len = strcspn(domains, ";\n");

		if (len > id_len && strncmp(domains, id, id_len) == 0 && domains[id_len] == '=') {
			const char *v = domains + id_len + 1;

			len -= id_len + 1;
			while (len > 1 && *v == '0') {
				v++;
				len--;
			}
			*out_len = len;
			return v;
		}
		domains += len;
		domains += *domains == ';';
	}
	return NULL;
}

/* The part behind "NAME:" of the line for resource @name in @text; NULL: no such line. */
static const char *resource_line(const char *text, const char *name, size_t name_len)
{
	while (*text) {
		text += strspn(text, " ");
		if (strncmp(text, name, name_len) == 0 && text[name_len] == ':')
			return text + name_len + 1;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

bool rdt_schemata_has(const char *have, const char *wanted)
{
	while (*wanted) {
		size_t name_len = strcspn(wanted, ":\n");
		const char *domains = wanted + name_len;
		const char *line = resource_line(have, wanted, name_len);

		if (*domains != ':' || !line)
			return false;
		for (domains++; *domains && *domains != '\n';) {
			size_t len = strcspn(domains, ";\n");
			size_t id_len = strcspn(domains, "=;\n");
			size_t a_len, b_len;
			const char *a = domain_value(domains, domains, id_len, &a_len);
			const char *b = domain_value(line, domains, id_len, &b_len);

			if (!a || !b || a_len != b_len || strncasecmp(a, b, a_len) != 0)
				return false;
			domains += len;
			domains += *domains == ';';
		}
		wanted = domains + (*domains == '\n');
	}
	return true;
}

/* ---- folders ------------------------------------------------------------------------------- */

static bool is_name(const char *s)
{
	return *s && strlen(s) <= 255 && !strchr(s, '/') && !strchr(s, '\n') && !str_eq(s, ".") &&
	       !str_eq(s, "..") && !str_eq(s, "info") && !str_eq(s, "mon_groups") &&
	       !str_eq(s, "mon_data");
}

/* The class's folder below the root: "." for "/", the default class. */
static int clos_name(const struct config_intel_rdt *rdt, const char *id, const char **out,
		     struct err *err)
{
	if (rdt->clos_id && str_eq(rdt->clos_id, "/")) {
		*out = ".";
		return 0;
	}
	*out = rdt->clos_id ? rdt->clos_id : id;
	if (!is_name(*out))
		return err_set(err, -EINVAL, RDT "/closID: '%s' cannot name a class", *out);
	return 0;
}

/* Mounted elsewhere than usual. Returns a descriptor or -ENOENT. */
static int open_from_mountinfo(void)
{
	auto_buf struct buf text = BUF_INIT;
	char *save = NULL;

	if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text) < 0 || !text.data)
		return -ENOENT;
	for (char *l = strtok_r(text.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char point[256];

		if (strstr(l, " - resctrl ") && sscanf(l, "%*s %*s %*s %*s %255s", point) == 1)
			return open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -ENOENT;
}

static int open_root(struct err *err)
{
	auto_close int fd = open(RDT_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd >= 0 && (fstatfs(fd, &fs) < 0 || fs.f_type != RDTGROUP_SUPER_MAGIC)) {
		(void)close(fd);
		fd = -1;
	}
	if (fd < 0)
		fd = open_from_mountinfo();
	if (fd < 0)
		return err_set(err, -ENOTSUP, RDT ": no resctrl file system is mounted");
	return take_fd(&fd);
}

static int open_folder(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool has_schema(const struct config_intel_rdt *rdt)
{
	return rdt->l3_cache_schema || rdt->mem_bw_schema || rdt->schemata.n > 0;
}

/* Writes @text to the class's schemata; the kernel says in info/last_cmd_status what it lacks. */
static int write_schemata(int root_fd, int clos_fd, const char *text, const char *json,
			  struct err *err)
{
	auto_buf struct buf why = BUF_INIT;
	int rc = file_write_at(clos_fd, "schemata", text);

	if (rc == 0)
		return 0;
	if (file_read_at(root_fd, "info/last_cmd_status", SCHEMATA_MAX, &why) == 0 && why.data) {
		why.data[strcspn(why.data, "\n")] = '\0';
		return err_code(err, rc, "%s: write 'schemata' (%s)", json, why.data);
	}
	return err_code(err, rc, "%s: write 'schemata'", json);
}

static int set_schemas(int root_fd, int clos_fd, const struct config_intel_rdt *rdt,
		       struct err *err)
{
	auto_buf struct buf legacy = BUF_INIT;
	auto_buf struct buf text = BUF_INIT;
	int rc = 0;

	rdt_legacy_schemata(rdt->l3_cache_schema, rdt->mem_bw_schema, &legacy);
	for (size_t i = 0; i < rdt->schemata.n; i++)
		add_lines(&text, rdt->schemata.v[i], NULL);
	if (buf_failed(&legacy) || buf_failed(&text))
		return err_set(err, -ENOMEM, RDT ": out of memory");
	if (legacy.len > 0)
		rc = write_schemata(
		    root_fd, clos_fd, legacy.data,
		    rdt->l3_cache_schema ? RDT "/l3CacheSchema" : RDT "/memBwSchema", err);
	/* Last, so that it wins. Source: OCI config-linux, "IntelRdt". */
	if (rc == 0 && text.len > 0)
		rc = write_schemata(root_fd, clos_fd, text.data, RDT "/schemata", err);
	return rc;
}

/* A class that was there must have what the config asks for. */
static int check_schemas(int clos_fd, const struct config_intel_rdt *rdt, struct err *err)
{
	auto_buf struct buf have = BUF_INIT;
	auto_buf struct buf wanted = BUF_INIT;
	int rc = file_read_at(clos_fd, "schemata", SCHEMATA_MAX, &have);

	if (rc < 0)
		return err_code(err, rc, RDT ": read 'schemata'");
	if (rdt->schemata.n == 0)
		rdt_legacy_schemata(rdt->l3_cache_schema, rdt->mem_bw_schema, &wanted);
	for (size_t i = 0; i < rdt->schemata.n; i++)
		add_lines(&wanted, rdt->schemata.v[i], NULL);
	if (buf_failed(&wanted))
		return err_set(err, -ENOMEM, RDT ": out of memory");
	if (!rdt_schemata_has(buf_str(&have), buf_str(&wanted)))
		return err_set(err, -EINVAL,
			       RDT "/closID: the class exists and has another schema");
	return 0;
}

/* Opens the class, made when it may be. *@out_made: this call made it. */
static int enter_clos(int root_fd, const char *name, const struct config_intel_rdt *rdt,
		      bool *out_made, struct err *err)
{
	bool may_make = !rdt->clos_id || has_schema(rdt);
	int fd;

	*out_made = may_make && mkdirat(root_fd, name, 0755) == 0;
	if (may_make && !*out_made && errno != EEXIST)
		return err_sys(err, RDT "/closID: make class '%s'", name);
	fd = open_folder(root_fd, name);
	if (fd == -ENOENT)
		return err_set(err, -ENOENT, RDT "/closID: class '%s' does not exist", name);
	return fd < 0 ? err_code(err, fd, RDT "/closID: open class '%s'", name) : fd;
}

int rdt_clos_exists(const struct config_intel_rdt *rdt, const char *id, struct err *err)
{
	auto_close int root_fd = -1;
	const char *name;
	int rc = clos_name(rdt, id, &name, err);

	if (rc < 0)
		return rc;
	root_fd = open_root(err);
	if (root_fd < 0)
		return root_fd;
	if (faccessat(root_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_sys(err, RDT "/closID: look for class '%s'", name);
}

static int make_mon_group(int clos_fd, const char *id, struct err *err)
{
	auto_close int mon_fd = open_folder(clos_fd, "mon_groups");

	if (mon_fd < 0)
		return err_code(err, mon_fd, RDT "/enableMonitoring: open 'mon_groups'");
	if (mkdirat(mon_fd, id, 0755) < 0 && errno != EEXIST)
		return err_sys(err, RDT "/enableMonitoring: make group '%s'", id);
	return 0;
}

int rdt_prepare(const struct config_intel_rdt *rdt, const char *id, struct err *err)
{
	auto_close int root_fd = -1;
	auto_close int clos_fd = -1;
	bool is_made = false;
	const char *name;
	int rc = clos_name(rdt, id, &name, err);

	if (rc == 0 && rdt->mem_bw_schema && !str_starts(rdt->mem_bw_schema, "MB:"))
		rc = err_set(err, -EINVAL, RDT "/memBwSchema: must begin with \"MB:\"");
	if (rc < 0)
		return rc;
	root_fd = open_root(err);
	if (root_fd < 0)
		return root_fd;
	clos_fd = enter_clos(root_fd, name, rdt, &is_made, err);
	if (clos_fd < 0)
		return clos_fd;
	if (has_schema(rdt))
		rc = is_made ? set_schemas(root_fd, clos_fd, rdt, err)
			     : check_schemas(clos_fd, rdt, err);
	if (rc == 0 && rdt->enable_monitoring)
		rc = make_mon_group(clos_fd, id, err);
	if (rc < 0 && is_made)
		(void)unlinkat(root_fd, name, AT_REMOVEDIR);
	return rc;
}

/* A class that exists, open. */
struct clos {
	const char *name;
	int root_fd, fd;
};

#define CLOS_INIT                                                                                  \
	{                                                                                          \
		NULL, -1, -1                                                                       \
	}

static void clos_fini(struct clos *c)
{
	cleanup_close(&c->fd);
	cleanup_close(&c->root_fd);
}

static int clos_open(struct clos *c, const struct config_intel_rdt *rdt, const char *id,
		     struct err *err)
{
	int rc = clos_name(rdt, id, &c->name, err);

	if (rc < 0)
		return rc;
	c->root_fd = open_root(err);
	if (c->root_fd < 0)
		return c->root_fd;
	c->fd = open_folder(c->root_fd, c->name);
	return c->fd < 0 ? err_code(err, c->fd, RDT ": open class '%s'", c->name) : 0;
}

int rdt_join(const struct config_intel_rdt *rdt, const char *id, pid_t pid, struct err *err)
{
	auto_cleanup(clos_fini) struct clos c = CLOS_INIT;
	char text[16];
	int rc = clos_open(&c, rdt, id, err);

	if (rc < 0)
		return rc;
	(void)snprintf(text, sizeof(text), "%d", pid);
	rc = file_write_at(c.fd, "tasks", text);
	if (rc == 0 && rdt->enable_monitoring) {
		char path[300];

		(void)snprintf(path, sizeof(path), "mon_groups/%s/tasks", id);
		rc = file_write_at(c.fd, path, text);
	}
	return rc < 0 ? err_code(err, rc, RDT ": put process %d into class '%s'", pid, c.name) : 0;
}

int rdt_update(const struct config_intel_rdt *rdt, const char *id, const char *l3_cache_schema,
	       const char *mem_bw_schema, struct err *err)
{
	const struct config_intel_rdt next = { .clos_id = rdt->clos_id,
					       .l3_cache_schema = l3_cache_schema,
					       .mem_bw_schema = mem_bw_schema };
	auto_cleanup(clos_fini) struct clos c = CLOS_INIT;
	int rc = clos_open(&c, rdt, id, err);

	return rc < 0 ? rc : set_schemas(c.root_fd, c.fd, &next, err);
}

int rdt_remove(const struct config_intel_rdt *rdt, const char *id, bool clos_is_ours,
	       struct err *err)
{
	auto_close int root_fd = -1;
	const char *name;
	int rc = clos_name(rdt, id, &name, err);

	if (rc < 0)
		return rc;
	root_fd = open_root(err);
	if (root_fd < 0)
		return root_fd;
	if (rdt->enable_monitoring && is_name(id)) {
		char path[600];

		(void)snprintf(path, sizeof(path), "%s/mon_groups/%s", name, id);
		if (unlinkat(root_fd, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return err_sys(err, RDT ": remove monitoring group '%s'", id);
	}
	if (clos_is_ours && !str_eq(name, ".") && unlinkat(root_fd, name, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		return err_sys(err, RDT ": remove class '%s'", name);
	return 0;
}
