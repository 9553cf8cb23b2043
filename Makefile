# SPDX-License-Identifier: GPL-2.0-or-later
# One non-recursive Makefile. Output goes to build/VARIANT/ alone; `make help` lists the targets.

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
CFLAGS_cov     := -O0 --coverage
CFLAGS_analyze := -O1 -fanalyzer
# The release command is static: it starts faster, and a container never sees a library of the host's.
LDFLAGS_release := -static-pie -Wl,-z,relro,-z,now -Wl,--gc-sections
LDFLAGS_asan    := -pie -fsanitize=address,undefined
LDFLAGS_cov     := -pie --coverage
LDFLAGS_analyze := -pie
LIBS_release := -lseccomp -lcap -lyajl_s -lm
LIBS_asan    := -lseccomp -lcap -lyajl
LIBS_cov     := $(LIBS_asan)
LIBS_analyze := $(LIBS_asan)

ALL_CFLAGS  := $(COMMON) $(WARN) $(GCC_ONLY) $(WERROR) $(CFLAGS_$(VARIANT)) $(CFLAGS)
ALL_LDFLAGS := $(LDFLAGS_$(VARIANT)) $(LDFLAGS)
LIBS        := $(LIBS_$(VARIANT))

# ---- modules: one archive each; the link lines below are the architecture -----------------------
MODULES := spec/base spec cgroups namespaces runtime
src      = $(wildcard $(1)/*.c)
objs     = $(patsubst %.c,$(B)/%.o,$(call src,$(1)))
archive  = $(B)/lib$(subst /,_,$(1)).a

define module_rule
$(call archive,$(1)): $(call objs,$(1))
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$(m))))

A_BASE    := $(call archive,spec/base)
A_SPEC    := $(call archive,spec) $(A_BASE)
A_CGROUPS := $(call archive,cgroups) $(A_SPEC)
A_NS      := $(call archive,namespaces) $(A_SPEC)
A_RUNTIME := $(call archive,runtime) $(call archive,namespaces) $(call archive,cgroups) $(A_SPEC)

.PHONY: all
all: $(B)/bivalve

$(B)/bivalve: $(A_RUNTIME)
	$(CC) $(ALL_LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/runtime/version.o: ALL_CFLAGS += -DBIVALVE_VERSION='"$(VERSION)"' -DBIVALVE_COMMIT='"$(COMMIT)"'

# ---- unit tests: tests/unit/test_FILE.c mirrors one source file ---------------------------------
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/unit/%,$(UNIT_SRC))

$(B)/unit/%: $(B)/tests/unit/%.o $(A_RUNTIME)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(A_RUNTIME) -Wl,--end-group $(LIBS)

.PHONY: unit
unit: $(UNIT_BIN)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
