# SPDX-License-Identifier: GPL-2.0
#
# The front door.  Everything is built below build/; `make help` says what there is.
# The kernel's build system reads Kbuild instead of this file.

VERSION := 0.1.0
KVER ?= default
PREFIX ?= /usr/local
DESTDIR ?=
DKMS_TREE ?= $(DESTDIR)/usr/src
TOP := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))

ifeq ($(origin CC),default)
CC := gcc
endif
# Each compiler has its own folder, so that neither sees the other's objects.
HOST_DIR := build/host$(if $(findstring clang,$(CC)),-clang)
HOST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Werror -pthread $(CFLAGS)
HOST_CPPFLAGS := -Iinclude -Ihost -Ibuild/host -D_GNU_SOURCE= -MMD -MP $(CPPFLAGS)
HOST_LIBS := -luring -ljansson -lslirp -lpthread $(LDLIBS)
HOST_SOURCES := $(wildcard host/*.c host/legacy/*.c)
HOST_OBJECTS := $(HOST_SOURCES:host/%.c=$(HOST_DIR)/%.o)

# Shows a short line for each step; V=1 shows the commands.
quiet = $(if $(V),,@printf '  %-7s %s\n' "$(1)" "$(2)";)

build: modules host

help:
	@echo 'make demo          the main job: installs what is missing, builds, boots a guest, does real IO'
	@echo 'make measure       what an IO costs, with our drivers and with the kernel'"'"'s own on the same host'
	@echo 'make bench         disk and network by our drivers, the kernel'"'"'s, emulated devices and QEMU: build/bench/report.html; QUICK=1: few loads'
	@echo 'make check         every kind of test; the last line counts them'
	@echo 'make check-all     those of which others are like them, too: much longer'
	@echo 'make               builds the modules and the host (modules, host: one of them)'
	@echo '                   KVER= a kernel of tools/kernel or an exact release; default the newest headers'
	@echo '                   CC=clang builds the host with clang in build/host-clang'
	@echo 'make modules-all   the modules for every kernel of tools/kernel'
	@echo 'make unit          unit tests under ASAN and UBSAN'
	@echo 'make style         sparse, checkpatch, clang-format, include rules, sizes'
	@echo 'make fuzz          fuzz targets, FUZZ_SECONDS=60 each, two at a time (docs/testing.md)'
	@echo 'make install       modules for KVER and hvis-host on this machine (PREFIX=, DESTDIR=)'
	@echo 'make dkms          modules rebuilt for every kernel this machine will get'
	@echo 'make compile_commands.json   for editors and clang tools'
	@echo 'make clean         removes build/ except downloaded kernels; distclean: those too'
	@echo
	@echo 'tools/with-kvm CMD...   runs CMD where KVM with Hyper-V support works'

modules:
	@tools/modules $(KVER) $(if $(V),V=1) modules

# KERNELS: only those.
modules-all:
	@for k in $(or $(KERNELS),$$(tools/kernel list)); do \
		s=0; tools/kernel release $$k >/dev/null || s=$$?; \
		if [ $$s = 3 ]; then continue; fi; \
		tools/modules $$k $(if $(V),V=1) modules || exit 1; \
	done

host: $(HOST_DIR)/hvis-host

$(HOST_DIR)/hvis-host: $(HOST_OBJECTS)
	$(call quiet,LD,$@)$(CC) $(HOST_CFLAGS) $(LDFLAGS) -o $@ $^ $(HOST_LIBS)

$(HOST_DIR)/%.o: host/%.c Makefile | $(HOST_DIR)/legacy build/host/dsdt.hex build/host/pci.hex tools-for-host
	$(call quiet,CC,$@)$(CC) $(HOST_CFLAGS) $(HOST_CPPFLAGS) -c -o $@ $<

# Only what looks at a table is compiled again when it changes: the object names it in its dependencies.
build/host/dsdt.hex: host/dsdt.asl
build/host/pci.hex: host/legacy/pci.asl
build/host/%.hex: | build/host tools-for-host
	$(call quiet,IASL,$@)iasl -tc -we -p build/host/$* $(filter %.asl,$^) >build/host/$*.log 2>&1 || \
		{ cat build/host/$*.log >&2; rm -f $@; exit 1; }

$(sort build/host $(HOST_DIR)/legacy):
	@mkdir -p $@

# One clear line instead of the compiler's many when something is not installed.
tools-for-host:
	@for tool in $(firstword $(CC)) iasl; do \
		command -v $$tool >/dev/null || { echo "$$tool is missing: run tools/setup" >&2; exit 1; }; \
	done
	@for header in liburing.h jansson.h slirp/libslirp.h; do \
		echo "#include <$$header>" | $(CC) $(CPPFLAGS) -E -o /dev/null - 2>/dev/null || \
			{ echo "$$header is missing: run tools/setup" >&2; exit 1; }; \
	done

-include $(HOST_OBJECTS:.o=.d)

unit:
	@$(MAKE) --no-print-directory -C selftests/unit

style:
	@tools/includes && tools/budget && tools/tour && tools/style

fuzz:
	@$(MAKE) --no-print-directory -C selftests/fuzz

# The demo's guest is stable's own kernel unless KVER says otherwise.
demo: DEMO_KVER := $(if $(filter default,$(KVER)),6.1-amd64,$(KVER))
demo:
	@tools/setup 6.1-amd64 $(filter-out 6.1-amd64,$(DEMO_KVER))
	@$(MAKE) --no-print-directory KVER=$(DEMO_KVER) build
	@KVER=$(DEMO_KVER) selftests/demo

measure: MEASURE_KVER := $(if $(filter default,$(KVER)),6.12-amd64,$(KVER))
measure:
	@tools/setup $(MEASURE_KVER)
	@$(MAKE) --no-print-directory KVER=$(MEASURE_KVER) build
	@KVER=$(MEASURE_KVER) selftests/measure

bench: BENCH_KVER := $(if $(filter default,$(KVER)),6.12-amd64,$(KVER))
bench:
	@tools/setup $(BENCH_KVER)
	@$(MAKE) --no-print-directory KVER=$(BENCH_KVER) build
	@KVER=$(BENCH_KVER) QUICK=$(QUICK) bench/run

# What the first guests boot; selftests/check builds the others' beside them.
check check-all:
	@tools/setup
	@$(MAKE) --no-print-directory modules-all KERNELS="6.1-amd64 6.12-amd64"
	@$(MAKE) --no-print-directory -j$$(nproc) host
	@selftests/check $(if $(filter check-all,$@),--all)

compile_commands.json: tools/compile-commands
	@$(MAKE) --no-print-directory modules
	@tools/compile-commands $(KVER) $(CC) $(filter-out -MMD -MP,$(HOST_CPPFLAGS)) $(HOST_CFLAGS) -- $(HOST_SOURCES) >$@

install: build
	install -D -m 755 $(HOST_DIR)/hvis-host $(DESTDIR)$(PREFIX)/bin/hvis-host
	@tools/modules $(KVER) modules_install INSTALL_MOD_DIR=updates $(if $(DESTDIR),INSTALL_MOD_PATH=$(abspath $(DESTDIR)))
	@[ -n "$(DESTDIR)" ] || PATH=$$PATH:/sbin:/usr/sbin depmod $$(tools/kernel release $(KVER))

dkms:
	@tools/dkms $(VERSION) "$(DKMS_TREE)"

# The kernels and packages under build/kernels cost a download; they stay.
clean:
	@tools/with-kvm --stop 2>/dev/null || true
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name kernels -exec rm -rf {} +
	@rm -f compile_commands.json

distclean: clean
	@rm -rf build

.PHONY: build help modules modules-all host tools-for-host unit style fuzz demo measure bench check check-all install dkms clean distclean \
	compile_commands.json
.DELETE_ON_ERROR:
