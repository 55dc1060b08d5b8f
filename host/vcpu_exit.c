// SPDX-License-Identifier: GPL-2.0
/*
 * What a VP's exits ask for. See vcpu_internal.h. Exits of the Hyper-V kind go to hyperv.c, port IO to pio.c, crash reports to crash.c.
 * Invariant: no exit ends the process; the worst that a guest can bring about is the end of its VM.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "crash.h"
#include "log.h"
#include "vcpu_internal.h"
#include "wire/tlfs.h"

static void handle_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	pio_access(vcpu->all->pio, run->io.direction == KVM_EXIT_IO_OUT, run->io.port,
		   (uint8_t *)run + run->io.data_offset, run->io.size, run->io.count);
}

/* Nothing is mapped outside RAM and the APICs: reads see a bus that floats high, writes vanish. */
static void handle_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	log_debug("VP %u: %s of %u bytes at %#llx, where nothing is", vcpu->index,
		  run->mmio.is_write ? "write" : "read", run->mmio.len,
		  (unsigned long long)run->mmio.phys_addr);
	if (!run->mmio.is_write)
		memset(run->mmio.data, 0xFF, sizeof(run->mmio.data));
}

static enum vcpu_exit handle_hyperv(struct vcpu *vcpu)
{
	static const enum vcpu_exit reason[] = {
		[HYPERV_EXIT_SYNIC] = VCPU_EXIT_SYNIC,
		[HYPERV_EXIT_POST_MESSAGE] = VCPU_EXIT_HYPERCALL,
		[HYPERV_EXIT_SIGNAL_EVENT] = VCPU_EXIT_SIGNAL,
		[HYPERV_EXIT_OTHER] = VCPU_EXIT_OTHER,
	};

	return reason[hyperv_exit(vcpu->all->hyperv, vcpu->index, &vcpu->run->hyperv)];
}

static void crashed(struct vcpu *vcpu, const char *how, unsigned int detail)
{
	struct kvm_regs regs = { 0 };

	ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	log_error("VP %u: %s (%u) at rip %#llx", vcpu->index, how, detail,
		  (unsigned long long)regs.rip);
	vm_stop(vcpu->all->vm, VM_CRASHED);
}

static void handle_system_event(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->all->vm;

	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_stop(vm, VM_POWERED_OFF);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_stop(vm, VM_RESET);
		break;
	case KVM_SYSTEM_EVENT_CRASH:
		crash_report(vcpu->fd, vcpu->index, vcpu->all->hyperv->mem, 0);
		vm_stop(vm, VM_CRASHED);
		break;
	default:
		crashed(vcpu, "system event", vcpu->run->system_event.type);
	}
}

/* Only the crash control register is watched (crash.h). Without the bit that reports, a write means nothing. */
static void handle_msr_write(struct vcpu *vcpu)
{
	const uint64_t control = vcpu->run->msr.data;

	vcpu->run->msr.error = vcpu->run->msr.index != TLFS_MSR_CRASH_CTL;
	if (vcpu->run->msr.error || !(control & TLFS_CRASH_NOTIFY))
		return;
	crash_report(vcpu->fd, vcpu->index, vcpu->all->hyperv->mem, control);
	vm_stop(vcpu->all->vm, VM_CRASHED);
}

/* What can be reported, and how. */
static void handle_msr_read(struct vcpu *vcpu)
{
	vcpu->run->msr.error = vcpu->run->msr.index != TLFS_MSR_CRASH_CTL;
	vcpu->run->msr.data = TLFS_CRASH_NOTIFY | TLFS_CRASH_NOTIFY_MSG;
}

enum vcpu_exit vcpu_handle_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(vcpu);
		return VCPU_EXIT_IO;
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu);
		return VCPU_EXIT_MMIO;
	case KVM_EXIT_HYPERV:
		return handle_hyperv(vcpu);
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(vcpu);
		break;
	case KVM_EXIT_X86_RDMSR:
		handle_msr_read(vcpu);
		break;
	case KVM_EXIT_X86_WRMSR:
		handle_msr_write(vcpu);
		break;
	case KVM_EXIT_SHUTDOWN:
		crashed(vcpu, "triple fault", 0);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		crashed(vcpu, "KVM internal error", run->internal.suberror);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		log_error("VP %u: the processor refused to enter the guest: %#llx", vcpu->index,
			  (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		vm_stop(vcpu->all->vm, VM_FAILED);
		break;
	default:
		crashed(vcpu, "unexpected exit", run->exit_reason);
	}
	return VCPU_EXIT_OTHER;
}
