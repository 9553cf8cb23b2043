// SPDX-License-Identifier: GPL-2.0-or-later
/* Block I/O and huge page accounts. */
#include <fcntl.h>
#include <string.h>

#include "cgroups/stats_internal.h"
#include "spec/base/num.h"

/* The words of the kernel's files are few: the text lives in this table, not in the arena. */
static const char *op_name(const char *word)
{
	static const char *const names[] = { "Read", "Write", "Sync", "Async", "Discard", "Total" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(word, names[i]))
			return names[i];
	}
	return NULL;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* "MAJ:MIN" */
static int parse_device(char *text, struct cg_io_entry *out)
{
	char *colon = strchr(text, ':');

	if (!colon)
		return -EPROTO;
	*colon = '\0';
	if (num_u64(text, 0, UINT32_MAX, &out->major) < 0 ||
	    num_u64(colon + 1, 0, UINT32_MAX, &out->minor) < 0)
		return -EPROTO;
	return 0;
}

int cg_stat_parse_io_v1(struct arena *a, char *text, struct cg_io_entries *out)
{
	char *save = NULL;

	out->n = 0;
	out->items = arena_alloc(a, count_lines(text), sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct cg_io_entry *e = &out->items[out->n];
		char *word_save = NULL;
		char *device = strtok_r(line, " ", &word_save);
		char *op = strtok_r(NULL, " ", &word_save);
		char *value = strtok_r(NULL, " ", &word_save);

		if (device && str_eq(device, "Total"))
			continue;
		if (!device || !op || parse_device(device, e) < 0)
			return -EPROTO;
		e->op = value ? op_name(op) : "";
		if (!e->op)
			continue; /* an operation that this program does not know of */
		if (num_u64(value ? value : op, 0, UINT64_MAX, &e->value) < 0)
			return -EPROTO;
		out->n++;
	}
	return 0;
}

static const struct {
	const char *key, *op;
	bool is_bytes;
} io_keys[] = {
	{ "rbytes", "Read", true }, { "wbytes", "Write", true }, { "dbytes", "Discard", true },
	{ "rios", "Read", false },  { "wios", "Write", false },  { "dios", "Discard", false },
};

/* One "KEY=VALUE" of @device. A key that came already is dropped, so room for each is enough. */
static int add_io_word(char *word, const struct cg_io_entry *device, bool *seen,
		       struct cg_stats_io *out)
{
	char *equals = strchr(word, '=');

	if (!equals)
		return 0;
	*equals = '\0';
	for (size_t i = 0; i < ARRAY_LEN(io_keys); i++) {
		struct cg_io_entries *to =
		    io_keys[i].is_bytes ? &out->service_bytes : &out->serviced;
		struct cg_io_entry *e = &to->items[to->n];

		if (seen[i] || !str_eq(word, io_keys[i].key))
			continue;
		*e = *device;
		e->op = io_keys[i].op;
		if (num_u64(equals + 1, 0, UINT64_MAX, &e->value) < 0)
			return -EPROTO;
		seen[i] = true;
		to->n++;
	}
	return 0;
}

static int add_io_line(char *line, struct cg_stats_io *out)
{
	struct cg_io_entry device = { 0 };
	bool seen[ARRAY_LEN(io_keys)] = { false };
	char *save = NULL;
	char *word = strtok_r(line, " ", &save);
	int rc = 0;

	/* A device without numbers is listed as its name alone. */
	if (!word || parse_device(word, &device) < 0)
		return 0;
	while (rc == 0 && (word = strtok_r(NULL, " ", &save)))
		rc = add_io_word(word, &device, seen, out);
	return rc;
}

int cg_stat_parse_io_v2(struct arena *a, char *text, struct cg_stats_io *out)
{
	size_t max = count_lines(text) * ARRAY_LEN(io_keys) + 1;
	char *save = NULL;
	int rc = 0;

	out->service_bytes.items = arena_alloc(a, max, sizeof(struct cg_io_entry));
	out->serviced.items = arena_alloc(a, max, sizeof(struct cg_io_entry));
	out->service_bytes.n = 0;
	out->serviced.n = 0;
	if (!out->service_bytes.items || !out->serviced.items)
		return -ENOMEM;
	for (char *line = strtok_r(text, "\n", &save); rc == 0 && line;
	     line = strtok_r(NULL, "\n", &save))
		rc = add_io_line(line, out);
	return rc;
}

/* The first of the files that is there; BFQ's, then those of older schedulers, then throttling's.
 */
static int read_first(const struct cgroup *cg, const struct cg_hier *hier, const char *const *files,
		      struct arena *a, struct cg_io_entries *out)
{
	auto_buf struct buf text = BUF_INIT;

	for (; *files; files++) {
		int rc = cg_stat_text(cg, hier, *files, &text);

		if (rc > 0)
			rc = cg_stat_parse_io_v1(a, text.data, out);
		if (rc < 0 || out->n > 0)
			return rc;
	}
	return 0;
}

static int read_io_v1(const struct cgroup *cg, const struct cg_hier *hier, struct cg_stats *s)
{
	static const char *const files[8][4] = {
		{ "blkio.bfq.io_service_bytes_recursive", "blkio.io_service_bytes_recursive",
		  "blkio.throttle.io_service_bytes_recursive", NULL },
		{ "blkio.bfq.io_serviced_recursive", "blkio.io_serviced_recursive",
		  "blkio.throttle.io_serviced_recursive", NULL },
		{ "blkio.bfq.io_queued_recursive", "blkio.io_queued_recursive", NULL },
		{ "blkio.bfq.io_service_time_recursive", "blkio.io_service_time_recursive", NULL },
		{ "blkio.bfq.io_wait_time_recursive", "blkio.io_wait_time_recursive", NULL },
		{ "blkio.bfq.io_merged_recursive", "blkio.io_merged_recursive", NULL },
		{ "blkio.bfq.time_recursive", "blkio.time_recursive", NULL },
		{ "blkio.bfq.sectors_recursive", "blkio.sectors_recursive", NULL },
	};
	struct cg_stats_io *io = &s->io;
	struct cg_io_entries *const to[8] = { &io->service_bytes, &io->serviced,  &io->queued,
					      &io->service_time,  &io->wait_time, &io->merged,
					      &io->time,          &io->sectors };
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(to); i++)
		rc = read_first(cg, hier, files[i], &s->arena, to[i]);
	io->is_set = true;
	return rc;
}

int cg_stats_read_io(const struct cgroup *cg, struct cg_stats *s)
{
	const struct cg_hier *v1 = cg_host_v1(&cg->host, CTL_IO);
	const struct cg_hier *v2 = cg_host_v2(&cg->host);
	auto_buf struct buf text = BUF_INIT;
	int rc = 0;

	if (v1) {
		rc = read_io_v1(cg, v1, s);
	} else if (v2) {
		rc = cg_stat_text(cg, v2, "io.stat", &text);
		s->io.is_set = rc > 0;
		if (rc > 0)
			rc = cg_stat_parse_io_v2(&s->arena, text.data, &s->io);
	}
	return rc < 0 ? rc : cg_stat_psi(cg, "io.pressure", &s->io.psi);
}

/* ---- huge pages ---------------------------------------------------------------------------- */

enum { PAGE_SIZES_MAX = 16 };

/* The page sizes of "hugetlb.SIZE.SUFFIX" files. */
static int find_page_sizes(const struct cgroup *cg, const struct cg_hier *hier, struct cg_stats *s)
{
	const char *suffix = hier->is_v2 ? ".current" : ".usage_in_bytes";
	auto_closedir DIR *dir = NULL;
	auto_close int fd = cg_file_open(cg, hier, ".", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)take_fd(&fd);
	s->hugetlb.items = arena_alloc(&s->arena, PAGE_SIZES_MAX, sizeof(*s->hugetlb.items));
	if (!s->hugetlb.items)
		return -ENOMEM;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		const char *size = e->d_name + strlen("hugetlb.");
		size_t len;

		if (!str_starts(e->d_name, "hugetlb.") || s->hugetlb.n == PAGE_SIZES_MAX)
			continue;
		len = strcspn(size, ".");
		if (!str_eq(size + len, suffix))
			continue; /* "2MB.rsvd.current" and all others */
		s->hugetlb.items[s->hugetlb.n].page_size = arena_strndup(&s->arena, size, len);
		if (!s->hugetlb.items[s->hugetlb.n++].page_size)
			return -ENOMEM;
	}
	return 0;
}

/* Reservations where the kernel counts them, as the limit is set on them; else pages in use. */
static int read_page_size(const struct cgroup *cg, const struct cg_hier *hier,
			  struct cg_stats_hugetlb *h)
{
	for (int i = 0; i < 2; i++) {
		const char *rsvd = i == 0 ? ".rsvd" : "";
		auto_buf struct buf events = BUF_INIT;
		char file[96];
		int rc;

		(void)snprintf(file, sizeof(file), "hugetlb.%s%s.%s", h->page_size, rsvd,
			       hier->is_v2 ? "current" : "usage_in_bytes");
		rc = cg_stat_u64(cg, hier, file, &h->usage);
		if (rc == 0)
			continue;
		if (rc > 0 && hier->is_v2) {
			(void)snprintf(file, sizeof(file), "hugetlb.%s.events", h->page_size);
			rc = cg_stat_text(cg, hier, file, &events);
			if (rc > 0)
				h->failcnt = cg_text_key_or(events.data, "max", 0);
		} else if (rc > 0) {
			(void)snprintf(file, sizeof(file), "hugetlb.%s%s.max_usage_in_bytes",
				       h->page_size, rsvd);
			rc = cg_stat_u64(cg, hier, file, &h->max);
			(void)snprintf(file, sizeof(file), "hugetlb.%s%s.failcnt", h->page_size,
				       rsvd);
			if (rc >= 0)
				rc = cg_stat_u64(cg, hier, file, &h->failcnt);
		}
		return rc < 0 ? rc : 0;
	}
	return 0;
}

int cg_stats_read_hugetlb(const struct cgroup *cg, struct cg_stats *s)
{
	const struct cg_hier *v1 = cg_host_v1(&cg->host, CTL_HUGETLB);
	const struct cg_hier *hier = v1 ? v1 : cg_host_v2(&cg->host);
	int rc;

	if (!hier)
		return 0;
	rc = find_page_sizes(cg, hier, s);
	for (size_t i = 0; rc == 0 && i < s->hugetlb.n; i++)
		rc = read_page_size(cg, hier, &s->hugetlb.items[i]);
	return rc;
}
