// SPDX-License-Identifier: GPL-2.0-or-later
/* The lock of a container's folder, safe against the folder's removal. */
#include "runtime/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is what @dir_fd refers to still named @id? */
static bool is_current(int root_fd, const char *id, int dir_fd)
{
	struct stat held;
	struct stat named;

	return fstat(dir_fd, &held) == 0 &&
	       fstatat(root_fd, id, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static void on_alarm(int sig)
{
	(void)sig; /* it is there to interrupt flock */
}

/* Waits for the lock with a deadline, which flock(2) does not have: a timer interrupts it. */
static int wait_for_lock(int dir_fd)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct sigaction old;
	sigset_t alarm_set;
	sigset_t old_set;
	int rc;

	(void)sigemptyset(&alarm_set);
	(void)sigaddset(&alarm_set, SIGALRM);
	if (sigaction(SIGALRM, &act, &old) < 0)
		return -errno;
	(void)sigprocmask(SIG_UNBLOCK, &alarm_set, &old_set);
	(void)alarm(LOCK_TIMEOUT_S);
	rc = flock(dir_fd, LOCK_EX) < 0 ? -errno : 0;
	(void)alarm(0);
	(void)sigprocmask(SIG_SETMASK, &old_set, NULL);
	(void)sigaction(SIGALRM, &old, NULL);
	return rc == -EINTR ? -EBUSY : rc;
}

static int hold(const char *id, int dir_fd, struct err *err)
{
	int rc = flock(dir_fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;

	if (rc == -EWOULDBLOCK)
		rc = wait_for_lock(dir_fd);
	if (rc == -EBUSY)
		return err_set(err, rc,
			       "container '%s' is busy: another command works on it since %d s", id,
			       LOCK_TIMEOUT_S);
	return rc < 0 ? err_code(err, rc, "lock container '%s'", id) : 0;
}

int lock_new(int root_fd, const char *id, int *out_dir_fd, struct err *err)
{
	for (;;) {
		auto_close int dir_fd = -1;
		int rc;

		if (mkdirat(root_fd, id, 0700) < 0)
			return errno == EEXIST ? err_set(err, -EEXIST,
							 "container with given ID already exists: "
							 "'%s'",
							 id)
					       : err_sys(err, "make the state folder of '%s'", id);
		dir_fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (dir_fd < 0 && errno != ENOENT)
			return err_sys(err, "open the state folder of '%s'", id);
		/* Gone or another's already: a `delete --force` found it empty. Once more. */
		if (dir_fd < 0)
			continue;
		rc = hold(id, dir_fd, err);
		if (rc < 0)
			return rc;
		if (is_current(root_fd, id, dir_fd)) {
			*out_dir_fd = take_fd(&dir_fd);
			return 0;
		}
	}
}

int lock_take(int root_fd, const char *id, int *out_dir_fd, struct err *err)
{
	auto_close int dir_fd = -1;
	int rc;

	dir_fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0)
		return errno == ENOENT ? err_set(err, -ENOENT, "container '%s' does not exist", id)
				       : err_sys(err, "open the state folder of '%s'", id);
	rc = lock_retake(root_fd, id, dir_fd, err);
	if (rc < 0)
		return rc;
	*out_dir_fd = take_fd(&dir_fd);
	return 0;
}

int lock_retake(int root_fd, const char *id, int dir_fd, struct err *err)
{
	int rc = hold(id, dir_fd, err);

	if (rc < 0)
		return rc;
	if (is_current(root_fd, id, dir_fd))
		return 0;
	lock_release(dir_fd);
	return err_set(err, -ENOENT, "container '%s' does not exist", id);
}

void lock_release(int dir_fd)
{
	(void)flock(dir_fd, LOCK_UN);
}

bool lock_is_held(int dir_fd)
{
	if (flock(dir_fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	lock_release(dir_fd);
	return false;
}
