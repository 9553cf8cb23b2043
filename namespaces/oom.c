// SPDX-License-Identifier: GPL-2.0-or-later
// process.oomScoreAdj through the host's procfs.
#include "namespaces/oom.h"

#include <fcntl.h>
#include <stdio.h>

#include "namespaces/procfs.h"
#include "spec/base/fd.h"

int oom_apply(int proc_fd, pid_t pid, struct opt_i64 adj, struct err *err)
{
	auto_close int fd = -1;
	char text[24]; /* an int64_t in decimal */
	int n, rc;

	if (!adj.is_set)
		return 0;
	fd = procfs_open_task(proc_fd, pid, "oom_score_adj", O_WRONLY);
	if (fd < 0)
		return err_code(err, fd, "/process/oomScoreAdj: open oom_score_adj");
	n = snprintf(text, sizeof(text), "%lld", (long long)adj.v);
	rc = fd_write_all(fd, text, (size_t)n);
	if (rc < 0)
		return err_code(err, rc, "/process/oomScoreAdj: set to %s", text);
	return 0;
}
