# SPDX-License-Identifier: GPL-2.0-or-later
# One non-recursive Makefile. Output goes to build/VARIANT/ alone; `make help` lists the targets.

.DEFAULT_GOAL := all
# V=1 shows the commands.
V       ?=
Q       := $(if $(V),,@)
VARIANT ?= release
B       := build/$(VARIANT)
VERSION := $(shell cat VERSION)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif

WARN := -Wall -Wextra -Wshadow -Wvla -Wundef -Wformat=2 -Wwrite-strings -Wpointer-arith \
	-Wcast-qual -Wcast-align -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum -Wconversion \
	-Werror=implicit-function-declaration -Werror=int-conversion \
	-Werror=incompatible-pointer-types -Werror=return-type -Werror=vla
GCC_ONLY := $(shell $(CC) --version | grep -q clang || echo -Wduplicated-cond -Wduplicated-branches \
	-Wlogical-op -Walloca -Wframe-larger-than=16384)
WERROR ?=
HARDEN := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-ftrivial-auto-var-init=zero
COMMON := -std=gnu17 -D_GNU_SOURCE -iquote . -fno-strict-aliasing -fno-common -fPIE -MMD -MP -g \
	-ffunction-sections -fdata-sections

CFLAGS_release := -O2 $(HARDEN)
CFLAGS_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# The fences of the rings are unknown to it: what they order is ordered by acquire and release as well.
CFLAGS_tsan    := -O1 -fsanitize=thread -fno-omit-frame-pointer $(if $(GCC_ONLY),-Wno-tsan)
CFLAGS_cov     := -O0 --coverage
# Leaks are the address sanitizer's: what only a pointer into it is kept of is lost to gcc 12.
CFLAGS_analyze := -O1 -fanalyzer -Wno-analyzer-malloc-leak
# The release command is static: it starts faster, and a container never sees a library of the host's.
LDFLAGS_release := -static-pie -Wl,-z,relro,-z,now -Wl,--gc-sections
LDFLAGS_asan    := -pie -fsanitize=address,undefined
LDFLAGS_tsan    := -pie -fsanitize=thread
LDFLAGS_cov     := -pie --coverage
LDFLAGS_analyze := -pie
LIBS_release := -lseccomp -lcap -lyajl_s -lnftnl -lm
LIBS_asan    := -lseccomp -lcap -lyajl -Wl,-Bstatic -lnftnl -Wl,-Bdynamic -lmnl -lm
LIBS_cov     := $(LIBS_asan)
LIBS_analyze := $(LIBS_asan)

ALL_CFLAGS  := $(COMMON) $(WARN) $(GCC_ONLY) $(WERROR) $(CFLAGS_$(VARIANT)) $(CFLAGS)
ALL_LDFLAGS := $(LDFLAGS_$(VARIANT)) $(LDFLAGS)
LIBS        := $(LIBS_$(VARIANT))

# ---- modules: one archive each; the link lines below are the architecture -----------------------
MODULES := spec/base spec cgroups namespaces netns vmmode/virtio vmmode/virtio/fs vmmode/vmm vmmode/vmm/x86 runtime
src      = $(wildcard $(1)/*.c)
objs     = $(patsubst %.c,$(B)/%.o,$(call src,$(1)))
archive  = $(B)/lib$(subst /,_,$(1)).a

define module_rule
$(call archive,$(1)): $(call objs,$(1))
	@rm -f $$@
	$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$(m))))

A_BASE    := $(call archive,spec/base)
A_SPEC    := $(call archive,spec) $(A_BASE)
A_CGROUPS := $(call archive,cgroups) $(A_SPEC)
A_NS      := $(call archive,namespaces) $(A_SPEC)
A_NET     := $(call archive,netns) $(A_BASE)
A_VMM     := $(call archive,vmmode/vmm) $(call archive,vmmode/vmm/x86) $(call archive,vmmode/virtio/fs) \
	$(call archive,vmmode/virtio) $(A_BASE)
A_RUNTIME := $(call archive,runtime) $(call archive,namespaces) $(call archive,cgroups) $(call archive,netns) \
	$(A_SPEC)

.PHONY: all
all: $(B)/bivalve $(B)/bivalve-vmm

# A static program's start without the C library's questions to the processor: see the file.
START_release := $(B)/spec/base/static/libc_start.o
START_asan    := $(B)/tests/asan/lsan_guard.o
START := $(START_$(VARIANT))

# Debian has no static libmnl: the release has those few of its functions itself.
MNL_release := $(B)/netns/static/mnl.o
A_RUNTIME += $(MNL_$(VARIANT))

$(B)/bivalve: $(START) $(A_RUNTIME)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS)

$(B)/bivalve-vmm: $(START) $(A_VMM)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group

# Else those of tests are deleted when they are linked, and made again by the next make.
.PRECIOUS: $(B)/%.o
$(B)/%.o: %.c
	@mkdir -p $(@D)
	@[ -n '$(V)' ] || echo '  CC $<'
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/runtime/version.o: ALL_CFLAGS += -DBIVALVE_VERSION='"$(VERSION)"' -DBIVALVE_COMMIT='"$(COMMIT)"'
$(B)/tests/unit/%.o: ALL_CFLAGS += -Wframe-larger-than=65536

# ---- unit tests: tests/unit/test_FILE.c mirrors one source file ---------------------------------
tests_of = $(foreach f,$(call src,$(1)),$(wildcard tests/unit/test_$(notdir $(f))))
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SRC))

$(B)/unit/%: $(B)/tests/unit/%.o $(A_RUNTIME)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(A_RUNTIME) -Wl,--end-group $(LIBS)

# Its tests use the shared libmnl, of which Debian has no static archive.
UNIT_NET := $(call tests_of,netns)
LINK_NET  = $(CC) $(filter-out -static-pie,$(ALL_LDFLAGS)) -pie -o $@ $< $(A_NET) -lnftnl -lmnl

$(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_NET)): $(B)/unit/%: $(B)/tests/unit/%.o $(A_NET)
	@mkdir -p $(@D)
	$(Q)$(LINK_NET)

# Beside the shared library, whose functions it loads to compare.
$(B)/unit/test_mnl: $(B)/tests/unit/test_mnl.o $(B)/netns/static/mnl.o $(A_BASE)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -static-pie,$(ALL_LDFLAGS)) -pie -o $@ $^

# The machine's tests are linked as the machine is: without spec, without JSON.
# A namesake in namespaces/ has the test.
UNIT_VMM := $(filter-out $(call tests_of,namespaces),$(wildcard tests/unit/test_fs_*.c) $(foreach m,vmmode/virtio \
	vmmode/virtio/fs vmmode/vmm vmmode/vmm/x86,$(call tests_of,$(m))))

$(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_VMM)): $(B)/unit/%: $(B)/tests/unit/%.o $(A_VMM)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(A_VMM) -Wl,--end-group

# Bare-metal guests: they run also where KVM emulates, which has no SSE. With a PVH note, and without.
GUEST_SRC := $(wildcard tests/guest/*.[cS])
GUEST_CFLAGS := -std=gnu17 -iquote . -O2 $(WARN) -Wno-cast-align -ffreestanding -mgeneral-regs-only -mno-red-zone \
	-fno-pic -fno-stack-protector -fcf-protection=none -nostdlib -static -no-pie

$(B)/guest/%: $(GUEST_SRC) tests/guest/guest.h tests/guest/link.ld
	@mkdir -p $(@D)
	gcc $(GUEST_CFLAGS) $(if $(filter pvh,$*),-DPVH) -Wl,-T,tests/guest/link.ld \
		-Wl,--build-id=none,--no-warn-rwx-segments -o $@ $(GUEST_SRC)

.PHONY: guests
guests: $(B)/guest/linux64 $(B)/guest/pvh

# A command line for netns/ alone; tests/bats/net_*.bats use it.
$(B)/net/netctl: $(B)/tests/net/netctl.o $(A_NET)
	@mkdir -p $(@D)
	$(Q)$(LINK_NET)

$(B)/net/probe: $(B)/tests/net/probe.o
	@mkdir -p $(@D)
	$(CC) $(filter-out -static-pie,$(ALL_LDFLAGS)) -pie -o $@ $<

.PHONY: net-tools
net-tools: $(B)/net/netctl $(B)/net/probe $(B)/net/frame

# Small programs that bats files use: static and plain, for some of them run inside a container.
build_tool = @mkdir -p $(@D); $(CC) $(COMMON) $(WARN) -O1 -static -o $@ $<
$(B)/tools/%: tests/tools/%.c
	$(build_tool)
$(B)/tools/%: tests/crash/%.c
	$(build_tool)
$(B)/net/frame: tests/net/frame.c
	$(build_tool)

.PHONY: test-tools
test-tools: $(addprefix $(B)/tools/,$(notdir $(basename $(wildcard tests/tools/*.c tests/crash/*.c))))

.PHONY: unit
unit: $(UNIT_BIN)

-include $(shell find $(B) build/fuzz/obj -name '*.d' 2>/dev/null)

# ---- tests ---------------------------------------------------------------------------------------
BATS_FILES ?= $(sort $(wildcard tests/bats/*.bats))
# Files of bats at a time.
JOBS ?= 1

.PHONY: check check-unit check-bats
check: all unit net-tools test-tools guests
	@tests/run.sh --bin $(B) --unit '$(UNIT_BIN)' --bats '$(BATS_FILES)' --jobs $(JOBS)

check-unit: unit
	@tests/run.sh --bin $(B) --unit '$(UNIT_BIN)'

check-bats: all net-tools test-tools guests
	@tests/run.sh --bin $(B) --bats '$(BATS_FILES)' --jobs $(JOBS)

# In the test bed (tests/bed/README.md): what this machine may not have, cgroup v2 and a full KVM above all.
# A bed for each file, of one processor: with two QEMU 7.2 runs code that was replaced.
BED_BATS ?= tests/bats/cgroups_v2.bats tests/bats/lifecycle.bats $(sort $(wildcard tests/bats/vmm_*.bats))
BED_JOBS ?= 2
.PHONY: check-vm
check-vm: all test-tools guests
	@tests/run.sh --bin $(B) --bats '$(BED_BATS)' --jobs $(BED_JOBS) --bats-runner 'tests/bed/bats.sh --timeout 900'

.PHONY: asan
asan:
	@$(MAKE) --no-print-directory VARIANT=asan check

# The machine's unit tests, for it alone has threads. Without address randomization, with much of which
# the sanitizer cannot map its shadow; without the sandbox, whose filters end what the sanitizer does.
.PHONY: tsan check-tsan
tsan:
	@$(MAKE) --no-print-directory VARIANT=tsan check-tsan

check-tsan: $(filter-out %/test_sandbox %/test_sandbox_filter,$(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_VMM)))
	@TSAN_OPTIONS=suppressions=tests/unit/tsan.supp $(if $(shell setarch -R true 2>/dev/null && echo y),setarch -R) \
		tests/run.sh --bin $(B) --unit '$^'

.PHONY: analyze
analyze:
	$(MAKE) --no-print-directory VARIANT=analyze WERROR=-Werror all

.PHONY: coverage
coverage:
	$(MAKE) --no-print-directory VARIANT=cov check
	gcovr --root . build/cov || gcov -n $$(find build/cov -name '*.gcda') | tail -n 1

FUZZ_SECONDS ?= 60
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
.PHONY: fuzz
fuzz: $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_SRC))
	@for t in $^; do tests/fuzz/run.sh $$t $(FUZZ_SECONDS) || exit 1; done

# Compiled once for all targets. Those of the machine mirror a source file there; they know no JSON.
FUZZ_FLAGS := -O1 -fsanitize=address,undefined
FUZZ_VMM_SRC := $(foreach m,spec/base vmmode/virtio vmmode/virtio/fs vmmode/vmm vmmode/vmm/x86,$(call src,$(m)))
FUZZ_VMM := $(foreach f,$(FUZZ_VMM_SRC),$(wildcard tests/fuzz/fuzz_$(notdir $(f))))

.PRECIOUS: build/fuzz/obj/%.o
build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)clang $(COMMON) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

build/fuzz/vmm.a: $(patsubst %.c,build/fuzz/obj/%.o,$(filter-out %/main.c,$(FUZZ_VMM_SRC)))
build/fuzz/spec.a: $(patsubst %.c,build/fuzz/obj/%.o,$(call src,spec/base) $(call src,spec))
build/fuzz/vmm.a build/fuzz/spec.a:
	@rm -f $@
	$(Q)ar rcs $@ $^

$(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_VMM)): build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o build/fuzz/vmm.a
	$(Q)clang $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^

build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o build/fuzz/spec.a
	$(Q)clang $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ -lyajl -lseccomp

# ---- lint ----------------------------------------------------------------------------------------
C_FILES = $(shell git ls-files '*.c' '*.h')
SRC_FILES = $(filter-out tests/%,$(C_FILES))
SH_FILES = $(shell git ls-files '*.sh' '*.bash' .ci/run tests/bed/init)

.PHONY: lint check-format check-layers check-headers check-size check-shell tidy cppcheck format
lint: check-format check-layers check-headers check-size check-shell cppcheck tidy
	@echo 'lint: clean'

check-format:
	$(Q)clang-format --dry-run --Werror $(C_FILES)

check-layers:
	$(Q)awk -f tests/lint/layers.awk tests/layers.txt $(SRC_FILES)

check-headers:
	$(Q)tests/lint/headers.sh $(CC) $(C_FILES)

check-size:
	$(Q)tests/lint/size.sh $(C_FILES)

check-shell:
	$(Q)shellcheck $(SH_FILES)
	$(Q)shellcheck --shell=bats $(BATS_FILES)

tidy:
	$(Q)printf '%s\n' $(filter %.c,$(SRC_FILES)) | xargs -P 2 -n 8 sh -c \
		'clang-tidy --quiet "$$@" -- -std=gnu17 -D_GNU_SOURCE -iquote . -DBIVALVE_VERSION=\"0\" -DBIVALVE_COMMIT=\"0\" 2>/dev/null' sh

# Not asked: leaks and unread variables (the cleanup attribute is unknown to it), the scope of variables
# (declarations stand at the head of a block).
cppcheck:
	$(Q)cppcheck --quiet -j 2 --std=c11 --enable=warning,style,performance,portability --inline-suppr \
		--error-exitcode=1 --suppress=missingIncludeSystem --suppress=unusedStructMember \
		--suppress=memleak --suppress=resourceLeak --suppress=variableScope --suppress=unreadVariable \
		-I . $(filter %.c,$(SRC_FILES))

format:
	$(Q)clang-format -i $(C_FILES)

# ---- kernels for guests (vmmode/guest/README.md) --------------------------------------------------
GUEST_DIR ?= build/guest-assets
.PHONY: guest guest-kernel
guest:
	@vmmode/guest/assets.sh $(GUEST_DIR)

guest-kernel:
	@vmmode/guest/kernel.sh $(GUEST_DIR)/small

# ---- what a user runs ----------------------------------------------------------------------------
.PHONY: deps deps-dev deps-guest demo bench install uninstall clean help compile_commands.json
DEPS     := gcc make pkg-config libc6-dev libcap-dev libseccomp-dev libyajl-dev libmnl-dev \
	libnftnl-dev busybox-static
DEPS_DEMO := $(DEPS) mmdebstrap socat
DEPS_DEV  := $(DEPS_DEMO) bats jq strace uidmap iproute2 nftables iperf3 dnsmasq-base acl attr procps git \
	clang clang-format clang-tidy cppcheck shellcheck universal-ctags libclang-rt-14-dev crun runc \
	$(shell . tests/bed/packages && echo $$BED_HOST_PACKAGES)
DEPS_GUEST := busybox-static lz4 xz-utils zstd gcc make perl flex bison bc libelf-dev

# $(call install_packages,LIST): installs what is missing, and says nothing when all is there.
install_packages = missing=; for p in $(1); do dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null \
	| grep -qx installed || missing="$$missing $$p"; done; [ -z "$$missing" ] || \
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; }

deps:
	@$(call install_packages,$(DEPS_DEMO))

deps-guest:
	@$(call install_packages,$(DEPS_GUEST))

deps-dev:
	@$(call install_packages,$(DEPS_DEV))

demo: deps
	@$(MAKE) --no-print-directory all
	@tests/demo/run.sh $(B)/bivalve

bench: all net-tools $(B)/bench/floor $(B)/bench/measure
	@tests/bench/run.sh $(B)

# The machine beside QEMU, in the test bed. The native rows: tests/bench/vmm.sh.
.PHONY: bench-vm
bench-vm: all guests $(B)/bench/vm/boot $(B)/bench/vm/io $(B)/bench/vm/init
	@tests/bench/vm/run.sh $(B) $(GUEST_DIR)

$(B)/bench/vm/init: tests/bench/vm/init.c
	@mkdir -p $(@D)
	gcc -std=gnu17 $(WARN) -Os -ffreestanding -fno-stack-protector -fcf-protection=none -nostdlib -static \
		-Wl,-e,start -Wl,--build-id=none -s -o $@ $<

# What one request to the file server costs, and a vsock stream; by hand, not part of bench.
$(B)/bench/fs_queue $(B)/bench/vsock_queue: $(B)/bench/%: $(B)/tests/bench/%.o $(A_VMM)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(A_VMM) -Wl,--end-group

$(B)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(COMMON) $(WARN) -O2 -static -o $@ $<

install: all
	install -D -m 0755 $(B)/bivalve $(DESTDIR)$(BINDIR)/bivalve
	install -D -m 0755 $(B)/bivalve-vmm $(DESTDIR)$(BINDIR)/bivalve-vmm
	install -D -m 0644 docs/bivalve.1 $(DESTDIR)$(MANDIR)/man1/bivalve.1
	install -D -m 0644 docs/bivalve-vmm.1 $(DESTDIR)$(MANDIR)/man1/bivalve-vmm.1

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/bivalve $(DESTDIR)$(BINDIR)/bivalve-vmm $(DESTDIR)$(MANDIR)/man1/bivalve.1 \
		$(DESTDIR)$(MANDIR)/man1/bivalve-vmm.1

compile_commands.json:
	bear -- $(MAKE) -B all unit

clean:
	rm -rf build

help:
	@echo 'For users:'
	@echo '  make demo       install what is needed, build, and run real workloads'
	@echo '  make check      all tests (as root; see deps-dev)'
	@echo '  make            build/release/bivalve'
	@echo '  make install    to PREFIX ($(PREFIX)); uninstall takes it away'
	@echo '  make guest      a kernel and an initrd for bivalve-vmm, from a Debian package; installs nothing'
	@echo '  make guest-kernel   a small kernel from Debian'"'"'s source package, some minutes (deps-guest first)'
	@echo '  make bench      against crun, runc and the floor, side by side'
	@echo '  make bench-vm   bivalve-vmm against QEMU, in the test bed (tests/bed), in counted time'
	@echo 'For developers:'
	@echo '  make deps-dev   the packages for tests and lint'
	@echo '  make check-unit | check-bats   one half of check; BATS_FILES=... picks files, JOBS=2 runs two at a time'
	@echo '  make check-vm   cgroup v2 and the machine with Linux as its guest, in the test bed; needs no /dev/kvm'
	@echo '  make asan       all of check under the address and undefined-behaviour sanitizers'
	@echo '  make tsan       the machine'"'"'s unit tests under the thread sanitizer'
	@echo '  make analyze    gcc -fanalyzer;  make fuzz: each fuzz target for FUZZ_SECONDS (60)'
	@echo '  make lint       format, layers, headers, sizes, shellcheck, cppcheck, clang-tidy'
	@echo '  make format | coverage | compile_commands.json | clean'
