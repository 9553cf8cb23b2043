// SPDX-License-Identifier: GPL-2.0-or-later
/* Names and values, sorted by name; test_tables.c checks that they are. */
#include "spec/tables.h"

#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "spec/base/num.h"
#include "spec/base/str.h"
#include "spec/config.h"

#ifndef SCHED_ISO
#define SCHED_ISO 4 /* reserved in uapi linux/sched.h, never built */
#endif
#ifndef MPOL_WEIGHTED_INTERLEAVE
#define MPOL_WEIGHTED_INTERLEAVE 6 /* Linux 6.9 */
#endif

#define NAMED(constant)                                                                            \
	{                                                                                          \
#constant, constant                                                                \
	}
#define TABLE(items)                                                                               \
	{                                                                                          \
		items, ARRAY_LEN(items)                                                            \
	}

/* capabilities(7). */
static const struct name_value capabilities[] = {
	NAMED(CAP_AUDIT_CONTROL),   NAMED(CAP_AUDIT_READ),   NAMED(CAP_AUDIT_WRITE),
	NAMED(CAP_BLOCK_SUSPEND),   NAMED(CAP_BPF),          NAMED(CAP_CHECKPOINT_RESTORE),
	NAMED(CAP_CHOWN),           NAMED(CAP_DAC_OVERRIDE), NAMED(CAP_DAC_READ_SEARCH),
	NAMED(CAP_FOWNER),          NAMED(CAP_FSETID),       NAMED(CAP_IPC_LOCK),
	NAMED(CAP_IPC_OWNER),       NAMED(CAP_KILL),         NAMED(CAP_LEASE),
	NAMED(CAP_LINUX_IMMUTABLE), NAMED(CAP_MAC_ADMIN),    NAMED(CAP_MAC_OVERRIDE),
	NAMED(CAP_MKNOD),           NAMED(CAP_NET_ADMIN),    NAMED(CAP_NET_BIND_SERVICE),
	NAMED(CAP_NET_BROADCAST),   NAMED(CAP_NET_RAW),      NAMED(CAP_PERFMON),
	NAMED(CAP_SETFCAP),         NAMED(CAP_SETGID),       NAMED(CAP_SETPCAP),
	NAMED(CAP_SETUID),          NAMED(CAP_SYSLOG),       NAMED(CAP_SYS_ADMIN),
	NAMED(CAP_SYS_BOOT),        NAMED(CAP_SYS_CHROOT),   NAMED(CAP_SYS_MODULE),
	NAMED(CAP_SYS_NICE),        NAMED(CAP_SYS_PACCT),    NAMED(CAP_SYS_PTRACE),
	NAMED(CAP_SYS_RAWIO),       NAMED(CAP_SYS_RESOURCE), NAMED(CAP_SYS_TIME),
	NAMED(CAP_SYS_TTY_CONFIG),  NAMED(CAP_WAKE_ALARM),
};
const struct name_table table_capabilities = TABLE(capabilities);

_Static_assert(ARRAY_LEN(capabilities) == CAP_LAST_CAP + 1, "a capability is missing");

/* getrlimit(2). */
static const struct name_value rlimits[] = {
	NAMED(RLIMIT_AS),      NAMED(RLIMIT_CORE),     NAMED(RLIMIT_CPU),
	NAMED(RLIMIT_DATA),    NAMED(RLIMIT_FSIZE),    NAMED(RLIMIT_LOCKS),
	NAMED(RLIMIT_MEMLOCK), NAMED(RLIMIT_MSGQUEUE), NAMED(RLIMIT_NICE),
	NAMED(RLIMIT_NOFILE),  NAMED(RLIMIT_NPROC),    NAMED(RLIMIT_RSS),
	NAMED(RLIMIT_RTPRIO),  NAMED(RLIMIT_RTTIME),   NAMED(RLIMIT_SIGPENDING),
	NAMED(RLIMIT_STACK),
};
const struct name_table table_rlimits = TABLE(rlimits);

/* OCI config-linux.md, "Namespaces". */
static const struct name_value namespaces[] = {
	{ "cgroup", NS_CGROUP },   { "ipc", NS_IPC }, { "mount", NS_MOUNT },
	{ "network", NS_NETWORK }, { "pid", NS_PID }, { "time", NS_TIME },
	{ "user", NS_USER },       { "uts", NS_UTS },
};
const struct name_table table_namespaces = TABLE(namespaces);

/* OCI config.md, "POSIX-platform Hooks". */
static const struct name_value hooks[] = {
	{ "createContainer", HOOK_CREATE_CONTAINER },
	{ "createRuntime", HOOK_CREATE_RUNTIME },
	{ "poststart", HOOK_POSTSTART },
	{ "poststop", HOOK_POSTSTOP },
	{ "prestart", HOOK_PRESTART },
	{ "startContainer", HOOK_START_CONTAINER },
};
const struct name_table table_hooks = TABLE(hooks);

/* OCI config-linux.md, "Rootfs Mount Propagation"; the recursive forms are what callers send. */
static const struct name_value propagations[] = {
	{ "private", MS_PRIVATE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "rshared", MS_SHARED | MS_REC },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
	{ "shared", MS_SHARED },
	{ "slave", MS_SLAVE },
	{ "unbindable", MS_UNBINDABLE },
};
const struct name_table table_propagations = TABLE(propagations);

/* OCI config-linux.md, "Personality". */
static const struct name_value personalities[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
};
const struct name_table table_personalities = TABLE(personalities);

/* sched(7); ISO is reserved and refused by every kernel so far. */
static const struct name_value sched_policies[] = {
	NAMED(SCHED_BATCH), NAMED(SCHED_DEADLINE), NAMED(SCHED_FIFO), NAMED(SCHED_IDLE),
	NAMED(SCHED_ISO),   NAMED(SCHED_OTHER),    NAMED(SCHED_RR),
};
const struct name_table table_sched_policies = TABLE(sched_policies);

/* uapi linux/sched.h. */
static const struct name_value sched_flags[] = {
	NAMED(SCHED_FLAG_DL_OVERRUN),     NAMED(SCHED_FLAG_KEEP_PARAMS),
	NAMED(SCHED_FLAG_KEEP_POLICY),    NAMED(SCHED_FLAG_RECLAIM),
	NAMED(SCHED_FLAG_RESET_ON_FORK),  NAMED(SCHED_FLAG_UTIL_CLAMP_MAX),
	NAMED(SCHED_FLAG_UTIL_CLAMP_MIN),
};
const struct name_table table_sched_flags = TABLE(sched_flags);

/* uapi linux/ioprio.h. */
static const struct name_value ioprio_classes[] = {
	NAMED(IOPRIO_CLASS_BE),
	NAMED(IOPRIO_CLASS_IDLE),
	NAMED(IOPRIO_CLASS_RT),
};
const struct name_table table_ioprio_classes = TABLE(ioprio_classes);

/* set_mempolicy(2). */
static const struct name_value mpol_modes[] = {
	NAMED(MPOL_BIND),
	NAMED(MPOL_DEFAULT),
	NAMED(MPOL_INTERLEAVE),
	NAMED(MPOL_LOCAL),
	NAMED(MPOL_PREFERRED),
	NAMED(MPOL_PREFERRED_MANY),
	NAMED(MPOL_WEIGHTED_INTERLEAVE),
};
const struct name_table table_mpol_modes = TABLE(mpol_modes);

/* set_mempolicy(2). */
static const struct name_value mpol_flags[] = {
	NAMED(MPOL_F_NUMA_BALANCING),
	NAMED(MPOL_F_RELATIVE_NODES),
	NAMED(MPOL_F_STATIC_NODES),
};
const struct name_table table_mpol_flags = TABLE(mpol_flags);

/* seccomp_rule_add(3). */
static const struct name_value seccomp_actions[] = {
	NAMED(SCMP_ACT_ALLOW),       { "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0) },
	NAMED(SCMP_ACT_KILL),        NAMED(SCMP_ACT_KILL_PROCESS),
	NAMED(SCMP_ACT_KILL_THREAD), NAMED(SCMP_ACT_LOG),
	NAMED(SCMP_ACT_NOTIFY),      { "SCMP_ACT_TRACE", SCMP_ACT_TRACE(0) },
	NAMED(SCMP_ACT_TRAP),
};
const struct name_table table_seccomp_actions = TABLE(seccomp_actions);

/* seccomp_rule_add(3). */
static const struct name_value seccomp_ops[] = {
	NAMED(SCMP_CMP_EQ), NAMED(SCMP_CMP_GE),        NAMED(SCMP_CMP_GT), NAMED(SCMP_CMP_LE),
	NAMED(SCMP_CMP_LT), NAMED(SCMP_CMP_MASKED_EQ), NAMED(SCMP_CMP_NE),
};
const struct name_table table_seccomp_ops = TABLE(seccomp_ops);

/* seccomp_arch_add(3). */
static const struct name_value seccomp_archs[] = {
	NAMED(SCMP_ARCH_AARCH64),  NAMED(SCMP_ARCH_ARM),         NAMED(SCMP_ARCH_MIPS),
	NAMED(SCMP_ARCH_MIPS64),   NAMED(SCMP_ARCH_MIPS64N32),   NAMED(SCMP_ARCH_MIPSEL),
	NAMED(SCMP_ARCH_MIPSEL64), NAMED(SCMP_ARCH_MIPSEL64N32), NAMED(SCMP_ARCH_PARISC),
	NAMED(SCMP_ARCH_PARISC64), NAMED(SCMP_ARCH_PPC),         NAMED(SCMP_ARCH_PPC64),
	NAMED(SCMP_ARCH_PPC64LE),  NAMED(SCMP_ARCH_RISCV64),     NAMED(SCMP_ARCH_S390),
	NAMED(SCMP_ARCH_S390X),    NAMED(SCMP_ARCH_X32),         NAMED(SCMP_ARCH_X86),
	NAMED(SCMP_ARCH_X86_64),
};
const struct name_table table_seccomp_archs = TABLE(seccomp_archs);

/* seccomp(2). */
static const struct name_value seccomp_flags[] = {
	NAMED(SECCOMP_FILTER_FLAG_LOG),
	NAMED(SECCOMP_FILTER_FLAG_SPEC_ALLOW),
	NAMED(SECCOMP_FILTER_FLAG_TSYNC),
	NAMED(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
};
const struct name_table table_seccomp_flags = TABLE(seccomp_flags);

bool name_table_find(const struct name_table *t, const char *name, uint64_t *out)
{
	size_t low = 0;
	size_t high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int diff = strcmp(name, t->items[mid].name);

		if (diff == 0) {
			*out = t->items[mid].value;
			return true;
		}
		if (diff < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

const char *name_table_name(const struct name_table *t, uint64_t value)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i].value == value)
			return t->items[i].name;
	}
	return NULL;
}

/* "RTMIN+3", "RTMAX-1" and the bare names; @text has no "SIG" any more. */
static int realtime_signal(const char *text, int *out)
{
	bool is_min = strncasecmp(text, "RTMIN", 5) == 0;
	uint64_t offset = 0;
	int sig;

	if (!is_min && strncasecmp(text, "RTMAX", 5) != 0)
		return -EINVAL;
	text += 5;
	if (*text) {
		if (*text != (is_min ? '+' : '-'))
			return -EINVAL;
		if (num_u64(text + 1, 0, (uint64_t)(SIGRTMAX - SIGRTMIN), &offset) < 0)
			return -EINVAL;
	}
	sig = is_min ? SIGRTMIN + (int)offset : SIGRTMAX - (int)offset;
	*out = sig;
	return 0;
}

int signal_from_name(const char *text, int *out)
{
	static const struct {
		const char *name;
		int sig;
	} aliases[] = { { "CLD", SIGCHLD }, { "IOT", SIGABRT } };
	uint64_t number;

	if (num_u64(text, 1, (uint64_t)SIGRTMAX, &number) == 0) {
		*out = (int)number;
		return 0;
	}
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int sig = 1; sig < SIGRTMIN; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name && strcasecmp(name, text) == 0) {
			*out = sig;
			return 0;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (strcasecmp(text, aliases[i].name) == 0) {
			*out = aliases[i].sig;
			return 0;
		}
	}
	return realtime_signal(text, out);
}
