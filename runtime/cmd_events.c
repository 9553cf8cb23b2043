// SPDX-License-Identifier: GPL-2.0-or-later
/* `events`: statistics and out-of-memory news, one JSON object per line, until the container ends.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>

#include "cgroups/events.h"
#include "runtime/backend.h"
#include "runtime/commands.h"
#include "runtime/events_json.h"
#include "spec/base/fd.h"
#include "spec/base/num.h"
#include "spec/base/proc.h"

enum { DEFAULT_INTERVAL_MS = 5000, NET_DEV_MAX_BYTES = 1 << 20 };

struct events_options {
	const char *interval;
	bool stats;
};

static const struct cli_option events_rows[] = {
	{ "interval", 0, "TIME", "between two lines of statistics (default 5s)", CLI_TEXT,
	  offsetof(struct events_options, interval) },
	{ "stats", 0, NULL, "one line of statistics, and no more", CLI_FLAG,
	  offsetof(struct events_options, stats) },
};

/* "5s", "500ms", "1.5m", "1h". */
static int parse_interval(const char *text, int *out_ms, struct err *err)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	size_t len = strspn(text, "0123456789.");
	char number[24];
	uint64_t milli;

	if (len > 0 && len < sizeof(number)) {
		memcpy(number, text, len);
		number[len] = '\0';
		for (size_t i = 0; i < ARRAY_LEN(units); i++) {
			if (!str_eq(text + len, units[i].unit) ||
			    num_milli(number, (uint64_t)INT_MAX * 1000 / units[i].ms, &milli) < 0)
				continue;
			*out_ms = (int)(milli * units[i].ms / 1000);
			if (*out_ms > 0)
				return 0;
		}
	}
	return err_set(err, -EINVAL, "option '--interval': '%s' is not a time such as 5s or 500ms",
		       text);
}

/* The interfaces of the container's own network; NULL: the host's, which say nothing about it. */
static const char *read_interfaces(struct container *c, struct buf *out)
{
	char path[48];

	if (container_load_config(c, NULL) < 0 || !c->config.linux_.namespaces[NS_NETWORK].is_set)
		return NULL;
	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", c->init.pid);
	/* The process lives after the reading: the number was its own. */
	if (file_read_at(AT_FDCWD, path, NET_DEV_MAX_BYTES, out) < 0 || !container_find_init(c))
		return NULL;
	return buf_str(out);
}

static int print_stats(struct container *c, struct err *err)
{
	auto_cleanup(cg_stats_fini) struct cg_stats stats = { .arena = ARENA_INIT };
	auto_buf struct buf net_dev = BUF_INIT;
	struct net_ends networks;
	auto_buf struct buf line = BUF_INIT;
	int rc = c->backend->stats(c, &stats, err);

	network_view_load(c, &networks);
	if (rc == 0)
		rc = events_write_stats(c->state.id, &stats, read_interfaces(c, &net_dev),
					&networks, &line, err);
	return rc < 0 ? rc : cli_print(&line, err);
}

static int print_ooms(struct container *c, struct cg_watch *watch, struct err *err)
{
	auto_buf struct buf lines = BUF_INIT;
	int n = cg_watch_read(watch, err);

	if (n == -ENODEV)
		return 0; /* the end of the process says so too */
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		int rc = events_write_oom(c->state.id, &lines, err);

		if (rc < 0)
			return rc;
	}
	return cli_print(&lines, err);
}

/* Waits for news until @deadline_ms. Returns 1 when the container has ended. */
static int wait_for_news(struct container *c, struct cg_watch *watch, int64_t deadline_ms,
			 struct err *err)
{
	for (;;) {
		struct pollfd polls[] = { { c->init_pid_fd, POLLIN, 0 }, { watch->fd, POLLIN, 0 } };
		int64_t left = deadline_ms - proc_now_ms();
		int n;

		if (left <= 0)
			return 0;
		n = poll(polls, ARRAY_LEN(polls), (int)left);
		if (n < 0 && errno != EINTR)
			return err_sys(err, "wait for events");
		if (n <= 0)
			continue;
		if (polls[1].revents) {
			int rc = print_ooms(c, watch, err);

			if (rc < 0)
				return rc;
		}
		if (polls[0].revents)
			return 1;
	}
}

static int follow(struct container *c, int interval_ms, struct err *err)
{
	auto_cleanup(cg_watch_fini) struct cg_watch watch = CG_WATCH_INIT;
	int rc = c->cgroup ? cg_watch_open(c->cgroup, &watch, err) : 0;

	/* Without a memory controller there are statistics all the same. */
	if (rc < 0 && rc != -ENOTSUP)
		return rc;
	for (;;) {
		rc = print_stats(c, err);
		if (rc == 0)
			rc = wait_for_news(c, &watch, proc_now_ms() + interval_ms, err);
		/* A group that goes while it is read is the end, not a failure. */
		if (rc < 0 && !container_find_init(c))
			return 0;
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
}

static int events_run(struct invocation *inv, struct err *err)
{
	const struct events_options *o = inv->options;
	auto_container struct container c = CONTAINER_INIT;
	int interval_ms = DEFAULT_INTERVAL_MS;
	int rc = 0;

	if (o->interval)
		rc = parse_interval(o->interval, &interval_ms, err);
	if (rc == 0)
		rc = container_open(inv->app, inv->args[0], 0, &c, err);
	if (rc < 0)
		return rc;
	if (!container_find_init(&c))
		return err_set(err, -ESRCH, "container '%s': container not running", c.state.id);
	rc = container_open_cgroup(&c, err);
	if (rc < 0)
		return rc;
	return o->stats ? print_stats(&c, err) : follow(&c, interval_ms, err);
}

const struct command cmd_events = {
	.name = "events",
	.summary = "show statistics and out-of-memory events as JSON lines",
	.usage = "[options] ID",
	.examples = "  bivalve events --interval 1s web\n"
		    "  bivalve events --stats web | jq .data.memory.usage\n",
	.groups = { CLI_GROUP(events_rows) },
	.options_size = sizeof(struct events_options),
	.min_args = 1,
	.max_args = 1,
	.run = events_run,
};
