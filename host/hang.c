// SPDX-License-Identifier: GPL-2.0
/* A guest that hangs. See hang.h. Names of addresses are in the guest's /proc/kallsyms; boot it with "nokaslr", and they are the same each time. */
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "guestmem.h"
#include "hang.h"
#include "log.h"
#include "vcpu.h"

/* Where Linux has its own text and that of modules (Documentation/arch/x86/x86_64/mm.rst). */
#define TEXT_FIRST 0xFFFFFFFF80000000ull
#define TEXT_LAST 0xFFFFFFFFFEFFFFFFull
#define WORDS_LOOKED_AT 512
#define WORDS_SHOWN 16

/* NULL: nothing is mapped there, or no RAM. */
static const uint64_t *word_at(int fd, const struct guestmem *mem, uint64_t address)
{
	struct kvm_translation translation = { .linear_address = address };

	if (ioctl(fd, KVM_TRANSLATE, &translation) || !translation.valid)
		return NULL;
	return guestmem_ptr(mem, gpa(translation.physical_address), sizeof(uint64_t));
}

static bool is_text(uint64_t value)
{
	return value >= TEXT_FIRST && value <= TEXT_LAST;
}

static void report_stack(unsigned int index, int fd, const struct guestmem *mem, uint64_t stack)
{
	char line[WORDS_SHOWN * 20 + 1] = "";
	unsigned int shown = 0;
	const uint64_t *word;
	int length = 0;

	for (unsigned int i = 0; i < WORDS_LOOKED_AT && shown < WORDS_SHOWN; i++) {
		word = word_at(fd, mem, (stack & ~7ull) + i * sizeof(*word));
		if (!word)
			break;
		if (!is_text(*word))
			continue;
		length += snprintf(line + length, sizeof(line) - (size_t)length, " %#" PRIx64, *word);
		shown++;
	}
	if (shown)
		log_error("VP %u: on its stack:%s", index, line);
}

void hang_report(struct vcpus *vcpus, const struct guestmem *mem)
{
	for (unsigned int i = 0; i < vcpus_count(vcpus); i++) {
		int fd = vcpus_fd(vcpus, i);
		struct kvm_mp_state state = { 0 };
		struct kvm_regs regs = { 0 };

		ioctl(fd, KVM_GET_REGS, &regs);
		ioctl(fd, KVM_GET_MP_STATE, &state);
		report_stack(i, fd, mem, regs.rsp);
		log_error("VP %u: %s at rip %#llx, flags %#llx", i,
			  state.mp_state == KVM_MP_STATE_RUNNABLE ? "running"
			  : state.mp_state == KVM_MP_STATE_HALTED ? "halted"
								  : "not started",
			  (unsigned long long)regs.rip, (unsigned long long)regs.rflags);
	}
}
