/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on disk about a container, in the folder ROOT/ID (README.md has the layout). What is
 * written is only what was decided at its creation and never changes: paths, and which resources
 * are the container's own. What it is doing (created, running, ...) is found out when asked.
 *
 *   config.json  the configuration as it was at create
 *   state.json   struct state; there before any resource is made
 *   init         symbolic link whose text is "PID START-TICKS": one call makes it, whole or not at
 *                all. It is called init.new until the container is created
 *   start        socket on which a created container waits; absent: it was started
 */
#ifndef BIVALVE_RUNTIME_STATE_H
#define BIVALVE_RUNTIME_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/app.h"
#include "spec/base/arena.h"
#include "spec/base/buf.h"
#include "spec/base/err.h"
#include "spec/config.h"
#include "spec/json_write.h"

#define STATE_CONFIG_FILE   "config.json"
#define STATE_FILE          "state.json"
#define STATE_INIT_LINK     "init"
#define STATE_INIT_NEW_LINK "init.new"
#define STATE_START_SOCKET  "start"

struct state {
	struct arena arena; /* owns what state_load() read */
	const char *id;
	const char *bundle;    /* absolute */
	const char *rootfs;    /* absolute */
	const char *created;   /* RFC 3339 with nanoseconds, UTC */
	const char *isolation; /* "container", "vm" */
	struct {
		struct config_annotation *items;
		size_t n;
	} annotations;
	const char *cgroup_path; /* NULL: no group */
	bool is_cgroup_ours;     /* it was not there before: delete removes it */
	bool has_rdt, is_clos_ours;
	struct strv networks; /* as asked for; empty: none to take down */
	bool is_rootless;
};

enum container_status { CTR_CREATING, CTR_CREATED, CTR_RUNNING, CTR_PAUSED, CTR_STOPPED };

/* container_status_name - "creating", "created", ... */
const char *container_status_name(enum container_status s);

/* state_check_id - returns 0 or -EINVAL. Letters, digits and "_+.-", not a leading dot. */
MUST_CHECK int state_check_id(const char *id, struct err *err);

/*
 * state_root_open - the folder of all containers' state.
 * @make: make it when it is not there
 * It must be the caller's own and closed to all others. Returns a descriptor; -ENOENT: not there.
 */
MUST_CHECK int state_root_open(const struct app *app, bool make, struct err *err);

/* state_save - writes state.json below @dir_fd by rename. */
MUST_CHECK int state_save(int dir_fd, const struct state *s, struct err *err);

/* state_load - gives @out (state_fini). -ENOENT: no state.json: a create ended before it. */
MUST_CHECK int state_load(int dir_fd, const char *id, struct state *out, struct err *err);
void state_fini(struct state *s);

/* The container's first process, as recorded. */
struct state_init {
	pid_t pid; /* 0: none was recorded */
	uint64_t start_ticks;
	bool is_new; /* its creation is not through */
};
MUST_CHECK int state_save_init(int dir_fd, const struct state_init *init, struct err *err);
MUST_CHECK int state_load_init(int dir_fd, struct state_init *out, struct err *err);
/* state_end_new - its creation is through. */
MUST_CHECK int state_end_new(int dir_fd, struct state_init *init, struct err *err);

/* state_folder_path - the path of folder @fd, in @s's arena. */
MUST_CHECK int state_folder_path(int fd, struct state *s, const char **out, struct err *err);

/* state_now - the present time as in state.created. */
enum { STATE_TIME_MAX = 48 };
void state_now(char out[STATE_TIME_MAX]);
/* state_time - @seconds since 1970-01-01 and nanoseconds, not before it. */
void state_time(int64_t seconds, long nanoseconds, char out[STATE_TIME_MAX]);

struct net_ends;

/* What state_write_object() says beside what is on disk. */
struct state_view {
	enum container_status status;
	pid_t pid;                       /* 0: none */
	const struct net_ends *networks; /* may be NULL */
	const char *owner; /* NULL: the members that only `state` and `list` have are left out */
};

/*
 * state_write_object - writes the state as the specification has it, as one object of @w. "pid" is
 * the last member, so that the text around it can be had (state_split_pid).
 */
void state_write_object(struct json_writer *w, const struct state *s, const struct state_view *v);

/* state_write_text - appends the state as one document. */
MUST_CHECK int state_write_text(const struct state *s, const struct state_view *v,
				enum json_style style, struct buf *out, struct err *err);

/*
 * state_split_pid - takes compact text of state_write_text() apart: @text is cut in front of the
 * pid's digits. Returns what stands behind them.
 */
const char *state_split_pid(struct buf *text);

#endif
