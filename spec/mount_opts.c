// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mount options to flags: one sorted table, and the rules of how options of one kind follow each
 * other. Whether a mount may have what is asked for is the mounting module's to decide.
 */
#include "spec/mount_opts.h"

#include <linux/mount.h>
#include <sys/mount.h>

#include "spec/base/buf.h"

/* glibc's <sys/mount.h> has these from 2.36 on, but not every kernel header it is built with. */
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256 /* Linux 5.10 */
#endif
#ifndef MS_LAZYTIME
#define MS_LAZYTIME (1 << 25) /* Linux 4.0 */
#endif

enum option_kind {
	OPT_NONE,        /* "defaults" */
	OPT_SET,         /* value: MS_* */
	OPT_CLEAR,       /* value: MS_* */
	OPT_REC_SET,     /* value: MOUNT_ATTR_* */
	OPT_REC_CLEAR,   /* value: MOUNT_ATTR_* */
	OPT_REC_ATIME,   /* value: one mode of MOUNT_ATTR__ATIME */
	OPT_PROPAGATION, /* value: MS_* */
	OPT_BIND,
	OPT_RBIND,
	OPT_TMPCOPYUP,
	OPT_COPY_SYMLINK,
	OPT_SRC_NOFOLLOW,
	OPT_DEST_NOFOLLOW,
	OPT_IDMAP,
	OPT_RIDMAP,
};

struct option {
	const char *name;
	enum option_kind kind;
	uint64_t value;
};

/* Sorted by name. A mode of access times replaces the former one, as in mount(8). */
static const struct option options[] = {
	{ "async", OPT_CLEAR, MS_SYNCHRONOUS },
	{ "atime", OPT_CLEAR, MS_NOATIME },
	{ "bind", OPT_BIND, 0 },
	{ "copy-symlink", OPT_COPY_SYMLINK, 0 },
	{ "defaults", OPT_NONE, 0 },
	{ "dest-nofollow", OPT_DEST_NOFOLLOW, 0 },
	{ "dev", OPT_CLEAR, MS_NODEV },
	{ "diratime", OPT_CLEAR, MS_NODIRATIME },
	{ "dirsync", OPT_SET, MS_DIRSYNC },
	{ "exec", OPT_CLEAR, MS_NOEXEC },
	{ "idmap", OPT_IDMAP, 0 },
	{ "iversion", OPT_SET, MS_I_VERSION },
	{ "lazytime", OPT_SET, MS_LAZYTIME },
	{ "loud", OPT_CLEAR, MS_SILENT },
	{ "mand", OPT_SET, MS_MANDLOCK },
	{ "noatime", OPT_SET, MS_NOATIME },
	{ "nodev", OPT_SET, MS_NODEV },
	{ "nodiratime", OPT_SET, MS_NODIRATIME },
	{ "noexec", OPT_SET, MS_NOEXEC },
	{ "noiversion", OPT_CLEAR, MS_I_VERSION },
	{ "nolazytime", OPT_CLEAR, MS_LAZYTIME },
	{ "nomand", OPT_CLEAR, MS_MANDLOCK },
	{ "norelatime", OPT_CLEAR, MS_RELATIME },
	{ "nostrictatime", OPT_CLEAR, MS_STRICTATIME },
	{ "nosuid", OPT_SET, MS_NOSUID },
	{ "nosymfollow", OPT_SET, MS_NOSYMFOLLOW },
	{ "private", OPT_PROPAGATION, MS_PRIVATE },
	{ "ratime", OPT_REC_ATIME, MOUNT_ATTR_RELATIME },
	{ "rbind", OPT_RBIND, 0 },
	{ "rdev", OPT_REC_CLEAR, MOUNT_ATTR_NODEV },
	{ "rdiratime", OPT_REC_CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "relatime", OPT_SET, MS_RELATIME },
	{ "remount", OPT_SET, MS_REMOUNT },
	{ "rexec", OPT_REC_CLEAR, MOUNT_ATTR_NOEXEC },
	{ "ridmap", OPT_RIDMAP, 0 },
	{ "rnoatime", OPT_REC_ATIME, MOUNT_ATTR_NOATIME },
	{ "rnodev", OPT_REC_SET, MOUNT_ATTR_NODEV },
	{ "rnodiratime", OPT_REC_SET, MOUNT_ATTR_NODIRATIME },
	{ "rnoexec", OPT_REC_SET, MOUNT_ATTR_NOEXEC },
	/* "Not" a mode leaves the kernel's default, which is relatime since Linux 2.6.30. */
	{ "rnorelatime", OPT_REC_ATIME, MOUNT_ATTR_RELATIME },
	{ "rnostrictatime", OPT_REC_ATIME, MOUNT_ATTR_RELATIME },
	{ "rnosuid", OPT_REC_SET, MOUNT_ATTR_NOSUID },
	{ "rnosymfollow", OPT_REC_SET, MOUNT_ATTR_NOSYMFOLLOW },
	{ "ro", OPT_SET, MS_RDONLY },
	{ "rprivate", OPT_PROPAGATION, MS_PRIVATE | MS_REC },
	{ "rrelatime", OPT_REC_ATIME, MOUNT_ATTR_RELATIME },
	{ "rro", OPT_REC_SET, MOUNT_ATTR_RDONLY },
	{ "rrw", OPT_REC_CLEAR, MOUNT_ATTR_RDONLY },
	{ "rshared", OPT_PROPAGATION, MS_SHARED | MS_REC },
	{ "rslave", OPT_PROPAGATION, MS_SLAVE | MS_REC },
	{ "rstrictatime", OPT_REC_ATIME, MOUNT_ATTR_STRICTATIME },
	{ "rsuid", OPT_REC_CLEAR, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", OPT_REC_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "runbindable", OPT_PROPAGATION, MS_UNBINDABLE | MS_REC },
	{ "rw", OPT_CLEAR, MS_RDONLY },
	{ "shared", OPT_PROPAGATION, MS_SHARED },
	{ "silent", OPT_SET, MS_SILENT },
	{ "slave", OPT_PROPAGATION, MS_SLAVE },
	{ "src-nofollow", OPT_SRC_NOFOLLOW, 0 },
	{ "strictatime", OPT_SET, MS_STRICTATIME },
	{ "suid", OPT_CLEAR, MS_NOSUID },
	{ "symfollow", OPT_CLEAR, MS_NOSYMFOLLOW },
	{ "sync", OPT_SET, MS_SYNCHRONOUS },
	{ "tmpcopyup", OPT_TMPCOPYUP, 0 },
	{ "unbindable", OPT_PROPAGATION, MS_UNBINDABLE },
};

static const struct option *find_option(const char *name)
{
	size_t low = 0;
	size_t high = ARRAY_LEN(options);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int diff = strcmp(name, options[mid].name);

		if (diff == 0)
			return &options[mid];
		if (diff < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const char *mount_option_name(size_t i)
{
	return i < ARRAY_LEN(options) ? options[i].name : NULL;
}

static void set_flag(struct mount_opts *o, unsigned long flag)
{
	const unsigned long atime_modes = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;

	if (flag & atime_modes)
		o->flags_set &= ~atime_modes;
	o->flags_set |= flag;
	o->flags_clear &= ~flag;
}

static void clear_flag(struct mount_opts *o, unsigned long flag)
{
	o->flags_set &= ~flag;
	o->flags_clear |= flag;
}

static void set_rec_attr(struct mount_opts *o, uint64_t attr)
{
	o->rec_attrs.set |= attr;
	o->rec_attrs.clear &= ~attr;
}

static void clear_rec_attr(struct mount_opts *o, uint64_t attr)
{
	o->rec_attrs.set &= ~attr;
	o->rec_attrs.clear |= attr;
}

static int add_propagation(struct mount_opts *o, const struct option *opt, struct err *err)
{
	if (o->n_propagations == MOUNT_PROPAGATIONS_MAX)
		return err_set(err, -EINVAL, "option '%s': more than %d propagation options",
			       opt->name, MOUNT_PROPAGATIONS_MAX);
	o->propagations[o->n_propagations++] = (unsigned long)opt->value;
	return 0;
}

static int apply_option(struct mount_opts *o, const struct option *opt, struct err *err)
{
	switch (opt->kind) {
	case OPT_NONE:
		break;
	case OPT_SET:
		set_flag(o, (unsigned long)opt->value);
		break;
	case OPT_CLEAR:
		clear_flag(o, (unsigned long)opt->value);
		break;
	case OPT_REC_SET:
		set_rec_attr(o, opt->value);
		break;
	case OPT_REC_CLEAR:
		clear_rec_attr(o, opt->value);
		break;
	case OPT_REC_ATIME:
		/* mount_setattr(2): a new mode needs the whole field in attr_clr. */
		o->rec_attrs.clear |= MOUNT_ATTR__ATIME;
		o->rec_attrs.set = (o->rec_attrs.set & ~(uint64_t)MOUNT_ATTR__ATIME) | opt->value;
		break;
	case OPT_PROPAGATION:
		return add_propagation(o, opt, err);
	case OPT_RBIND:
		o->is_rbind = true;
		o->is_bind = true;
		break;
	case OPT_BIND:
		o->is_bind = true;
		break;
	case OPT_TMPCOPYUP:
		o->has_tmpcopyup = true;
		break;
	case OPT_COPY_SYMLINK:
		o->has_copy_symlink = true;
		break;
	case OPT_SRC_NOFOLLOW:
		o->has_src_nofollow = true;
		break;
	case OPT_DEST_NOFOLLOW:
		o->has_dest_nofollow = true;
		break;
	case OPT_IDMAP:
		o->idmap = MOUNT_IDMAP_PLAIN;
		break;
	case OPT_RIDMAP:
		o->idmap = MOUNT_IDMAP_RECURSIVE;
		break;
	}
	return 0;
}

/* The flags that belong to one mount, not to its file system, as mount_setattr(2) wants them. */
static void derive_attrs(struct mount_opts *o)
{
	static const struct {
		unsigned long flag;
		uint64_t attr;
	} map[] = {
		{ MS_RDONLY, MOUNT_ATTR_RDONLY },
		{ MS_NOSUID, MOUNT_ATTR_NOSUID },
		{ MS_NODEV, MOUNT_ATTR_NODEV },
		{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
		{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
		{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	};
	static const struct {
		unsigned long flag;
		uint64_t mode;
	} atime[] = {
		{ MS_NOATIME, MOUNT_ATTR_NOATIME },
		{ MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
		{ MS_RELATIME, MOUNT_ATTR_RELATIME },
	};

	for (size_t i = 0; i < ARRAY_LEN(map); i++) {
		if (o->flags_set & map[i].flag)
			o->attrs.set |= map[i].attr;
		if (o->flags_clear & map[i].flag)
			o->attrs.clear |= map[i].attr;
	}
	for (size_t i = 0; i < ARRAY_LEN(atime); i++) {
		if ((o->flags_set | o->flags_clear) & atime[i].flag)
			o->attrs.clear |= MOUNT_ATTR__ATIME;
		if (o->flags_set & atime[i].flag)
			o->attrs.set |= atime[i].mode;
	}
}

/* Reads one option; what is unknown goes to @data. */
static int read_option(const char *text, struct mount_opts *o, struct buf *data, struct err *err)
{
	const struct option *opt = find_option(text);

	if (opt)
		return apply_option(o, opt, err);
	if (str_starts(text, "idmap=")) {
		free(o->idmap_spec);
		o->idmap_spec = strdup(text + strlen("idmap="));
		if (!o->idmap_spec)
			return err_code(err, -ENOMEM, "read option 'idmap'");
		if (o->idmap == MOUNT_IDMAP_NONE)
			o->idmap = MOUNT_IDMAP_PLAIN;
		return 0;
	}
	if (!*text)
		return 0;
	if (data->len)
		buf_add_char(data, ',');
	buf_add_str(data, text);
	return 0;
}

int mount_options_parse(const struct strv *list, struct mount_opts *out, struct err *err)
{
	auto_mount_opts struct mount_opts o = { 0 };
	auto_buf struct buf data = BUF_INIT;

	for (size_t i = 0; i < list->n; i++) {
		int rc = read_option(list->v[i], &o, &data, err);

		if (rc < 0)
			return rc;
	}
	if (buf_failed(&data))
		return err_code(err, -ENOMEM, "read mount options");
	derive_attrs(&o);
	o.data = TAKE_PTR(data.data);
	*out = o;
	o.idmap_spec = NULL; /* theirs now, as is data */
	o.data = NULL;
	return 0;
}

void mount_opts_fini(struct mount_opts *o)
{
	cleanup_free(&o->idmap_spec);
	cleanup_free(&o->data);
	o->idmap_spec = NULL;
	o->data = NULL;
}
