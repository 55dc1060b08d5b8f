// SPDX-License-Identifier: GPL-2.0
/*
 * See crash.h. Source: TLFS, "Partition crash enlightenment": with NOTIFY_MSG, P3 is where a message is and P4 its length.
 * Invariant: a guest that is broken names anything; what it names is checked by guestmem.c, at most a page of it is read, once.
 */
#include "crash.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "log.h"
#include "msr.h"
#include "wire/tlfs.h"

#define PARAMETERS 5u

int crash_watch(int vm)
{
	/* KVM reads the bitmap through a pointer of its own; 0: denied, so that it comes to us. */
	uint8_t denied[8] = { 0 };
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_USER_SPACE_MSR, .args = { KVM_MSR_EXIT_REASON_FILTER } };
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges = { { .flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE, .nmsrs = 1, .base = TLFS_MSR_CRASH_CTL, .bitmap = denied } },
	};

	if (ioctl(vm, KVM_ENABLE_CAP, &cap) || ioctl(vm, KVM_X86_SET_MSR_FILTER, &filter))
		return -errno;
	return 0;
}

const char *crash_text(const struct guestmem *mem, uint64_t address, uint64_t bytes, char *text)
{
	const char *from;

	if (!bytes || bytes > CRASH_MESSAGE_MAX)
		return "its length is not from 1 to 4096";
	from = guestmem_ptr(mem, gpa(address), bytes);
	if (!from)
		return "it is not in the guest's memory";
	memcpy(text, from, bytes);
	text[bytes] = 0;
	for (uint64_t i = 0; i < bytes && text[i]; i++)
		if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))
			text[i] = '.';
	return NULL;
}

static void print_text(char *text)
{
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_error("guest: %s", line);
}

/* Where nobody saw the control register: a message comes with nothing in the first three. */
static bool has_message(uint64_t control, const uint64_t *p)
{
	if (control)
		return control & TLFS_CRASH_NOTIFY_MSG;
	return !p[0] && !p[1] && !p[2] && p[3] && p[4] && p[4] <= CRASH_MESSAGE_MAX;
}

static void print_registers(int vcpu, unsigned int index)
{
	struct kvm_sregs sregs = { 0 };
	struct kvm_regs regs = { 0 };

	if (ioctl(vcpu, KVM_GET_REGS, &regs) || ioctl(vcpu, KVM_GET_SREGS, &sregs)) {
		log_error("VP %u: no registers to be had: %s", index, strerror(errno));
		return;
	}
	log_error("VP %u: rip %#llx rsp %#llx rflags %#llx cr0 %#llx cr2 %#llx cr3 %#llx cr4 %#llx", index, regs.rip, regs.rsp, regs.rflags,
		  sregs.cr0, sregs.cr2, sregs.cr3, sregs.cr4);
	log_error("VP %u: rax %#llx rbx %#llx rcx %#llx rdx %#llx rsi %#llx rdi %#llx rbp %#llx", index, regs.rax, regs.rbx, regs.rcx,
		  regs.rdx, regs.rsi, regs.rdi, regs.rbp);
}

void crash_report(int vcpu, unsigned int index, const struct guestmem *mem, uint64_t control)
{
	char text[CRASH_TEXT_BYTES];
	uint64_t p[PARAMETERS] = { 0 };
	const char *why;

	for (unsigned int i = 0; i < PARAMETERS; i++)
		msr_get(vcpu, TLFS_MSR_CRASH_P0 + i, &p[i]);
	log_error("the guest crashed: parameters %#llx %#llx %#llx %#llx %#llx", (unsigned long long)p[0], (unsigned long long)p[1],
		  (unsigned long long)p[2], (unsigned long long)p[3], (unsigned long long)p[4]);
	print_registers(vcpu, index);
	if (!has_message(control, p))
		return;
	why = crash_text(mem, p[3], p[4], text);
	if (why)
		log_error("the guest's message about it cannot be shown: %s", why);
	else
		print_text(text);
}
