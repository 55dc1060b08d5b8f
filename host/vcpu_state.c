// SPDX-License-Identifier: GPL-2.0
/*
 * Initial state of the VPs. See vcpu_state.h.
 * Source: Intel SDM volume 3 (control registers, segment descriptors, MTRRs); boot.h for what the
 * kernel expects.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "hyperv.h"
#include "msr.h"
#include "vcpu_state.h"

#define CR0_PE (1ull << 0)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_PG (1ull << 31)
#define CR4_PAE (1ull << 5)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define RFLAGS_ALWAYS 2
#define XCR0_BASIC 7u /* x87, SSE, AVX */

#define MSR_MTRR_DEF_TYPE 0x2FF
#define MTRR_ENABLED (1u << 11)
#define MTRR_WRITE_BACK 6

#define SEGMENT_CODE 11 /* execute, read, accessed */
#define SEGMENT_DATA 3 /* read, write, accessed */
#define SEGMENT_BUSY_TSS 11

/*
 * The guest's kernel turns these on itself, and KVM then has leaf 0xD report the matching size. But
 * where KVM runs on an emulator that does not intercept XSETBV it never hears of that, and the
 * kernel finds a size that is too small. Starting with what every kernel turns on gives the right
 * size in both cases.
 */
static int set_xcr0(int fd, const struct cpuid_table *table)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };

	for (unsigned int i = 0; i < table->nent; i++)
		if (table->entry[i].function == 0xD && table->entry[i].index == 0)
			xcrs.xcrs[0].value = table->entry[i].eax & XCR0_BASIC;
	if (!xcrs.xcrs[0].value)
		return 0;
	return ioctl(fd, KVM_SET_XCRS, &xcrs) ? -errno : 0;
}

int vcpu_state_init(int fd, unsigned int index, bool hyperv, struct cpuid_table *base)
{
	int ret;

	cpuid_personalise(base, index);
	if (ioctl(fd, KVM_SET_CPUID2, base))
		return -errno;
	if (hyperv) {
		ret = hyperv_vp_enable(fd, index);
		if (ret)
			return ret;
	}
	ret = set_xcr0(fd, base);
	/* Firmware turns the caches on; without firmware it is us. */
	return ret ? ret : msr_set(fd, MSR_MTRR_DEF_TYPE, MTRR_ENABLED | MTRR_WRITE_BACK);
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){
		.limit = 0xFFFFFFFF,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.l = code,
		.db = !code,
		.g = 1,
	};
}

static void set_long_mode(struct kvm_sregs *sregs, const struct boot_entry *entry)
{
	struct kvm_segment data = flat_segment(BOOT_DS, SEGMENT_DATA, false);

	sregs->cs = flat_segment(BOOT_CS, SEGMENT_CODE, true);
	sregs->ds = sregs->es = sregs->ss = sregs->fs = sregs->gs = data;
	sregs->tr = (struct kvm_segment){ .limit = 0x67, .type = SEGMENT_BUSY_TSS, .present = 1 };
	sregs->gdt.base = entry->gdt_gpa;
	sregs->gdt.limit = entry->gdt_limit;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
	sregs->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	sregs->cr3 = entry->cr3;
	sregs->cr4 = CR4_PAE;
	sregs->efer |= EFER_LME | EFER_LMA;
}

int vcpu_state_boot(int fd, const struct boot_entry *entry)
{
	struct kvm_regs regs = { .rip = entry->rip, .rsi = entry->rsi, .rflags = RFLAGS_ALWAYS };
	struct kvm_sregs sregs;

	if (ioctl(fd, KVM_GET_SREGS, &sregs))
		return -errno;
	set_long_mode(&sregs, entry);
	if (ioctl(fd, KVM_SET_SREGS, &sregs) || ioctl(fd, KVM_SET_REGS, &regs))
		return -errno;
	return 0;
}

static struct kvm_device_attr tsc_attribute(uint64_t *offset)
{
	return (struct kvm_device_attr){
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)offset,
	};
}

int vcpu_state_tsc_offset(int fd, uint64_t *offset)
{
	struct kvm_device_attr attribute = tsc_attribute(offset);

	return ioctl(fd, KVM_GET_DEVICE_ATTR, &attribute) ? -errno : 0;
}

int vcpu_state_share_tsc(int fd, uint64_t offset)
{
	struct kvm_device_attr attribute = tsc_attribute(&offset);

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &attribute) ? -errno : 0;
}
