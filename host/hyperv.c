// SPDX-License-Identifier: GPL-2.0
/*
 * Hyper-V's interface to the partition: CPUID leaves, hypercall and SynIC exits. See hyperv.h.
 * Source: TLFS 2.4 (leaves), 3 (hypercalls), 11 (SynIC).
 *
 * Invariant: nothing is advertised that KVM or we do not do; KVM enforces it
 * (KVM_CAP_HYPERV_ENFORCE_CPUID).
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hyperv.h"
#include "log.h"
#include "msr.h"
#include "synic_internal.h"
#include "wire/tlfs.h"

/*
 * Version of the hypervisor that guests print; 10.0.14393 is Windows Server 2016, the level KVM is
 * modelled on.
 */
#define BUILD_NUMBER 14393u
#define BUILD_VERSION (10u << 16)
#define LOGICAL_PROCESSORS_MAX 64
#define LEAVES_MAX 32 /* that KVM may report */

static const struct kvm_cpuid_entry2 features = {
	.function = TLFS_CPUID_FEATURES,
	.eax = TLFS_ACCESS_REFERENCE_COUNTER | TLFS_ACCESS_SYNIC | TLFS_ACCESS_STIMER |
	       TLFS_ACCESS_APIC_MSRS | TLFS_ACCESS_HYPERCALL_MSRS | TLFS_ACCESS_VP_INDEX |
	       TLFS_ACCESS_REFERENCE_TSC | TLFS_ACCESS_FREQUENCY_MSRS,
	.ebx = TLFS_POST_MESSAGES | TLFS_SIGNAL_EVENTS,
	.edx = TLFS_FEATURE_FREQUENCY_MSRS | TLFS_FEATURE_CRASH_MSRS | TLFS_FEATURE_DIRECT_STIMER,
};

/* A guest without these cannot reach us at all. */
static const struct kvm_cpuid_entry2 features_needed = {
	.eax = TLFS_ACCESS_SYNIC | TLFS_ACCESS_HYPERCALL_MSRS | TLFS_ACCESS_VP_INDEX,
	.ebx = TLFS_POST_MESSAGES | TLFS_SIGNAL_EVENTS,
};

static int supported_leaves(int kvm, struct kvm_cpuid_entry2 *feature_leaf,
			    struct kvm_cpuid_entry2 *hint_leaf)
{
	struct {
		uint32_t nent;
		uint32_t padding;
		struct kvm_cpuid_entry2 entry[LEAVES_MAX];
	} leaves = { .nent = LEAVES_MAX };

	if (ioctl(kvm, KVM_GET_SUPPORTED_HV_CPUID, &leaves))
		return -errno;
	for (unsigned int i = 0; i < leaves.nent; i++) {
		if (leaves.entry[i].function == TLFS_CPUID_FEATURES)
			*feature_leaf = leaves.entry[i];
		if (leaves.entry[i].function == TLFS_CPUID_HINTS)
			*hint_leaf = leaves.entry[i];
	}
	return 0;
}

int hyperv_leaves(int kvm, unsigned int cpus, struct kvm_cpuid_entry2 *entries)
{
	struct kvm_cpuid_entry2 can = { 0 }, hints = { 0 };
	uint32_t signature[3];
	int ret = supported_leaves(kvm, &can, &hints);

	if (ret)
		return ret;
	if (features_needed.eax & ~can.eax || features_needed.ebx & ~can.ebx)
		return -ENOTSUP;
	memcpy(signature, TLFS_SIGNATURE, sizeof(signature));
	entries[0] = (struct kvm_cpuid_entry2){
		.function = TLFS_CPUID_VENDOR,
		.eax = TLFS_CPUID_LIMITS,
		.ebx = signature[0],
		.ecx = signature[1],
		.edx = signature[2],
	};
	entries[1] = (struct kvm_cpuid_entry2){ .function = TLFS_CPUID_INTERFACE,
						.eax = TLFS_INTERFACE_HV1 };
	entries[2] = (struct kvm_cpuid_entry2){
		.function = TLFS_CPUID_VERSION,
		.eax = BUILD_NUMBER,
		.ebx = BUILD_VERSION,
	};
	entries[3] = features;
	entries[3].eax &= can.eax;
	entries[3].edx &= can.edx;
	/* KVM loses a message-mode timer that expires before SIMP is on: direct ones or none. */
	if (!(entries[3].edx & TLFS_FEATURE_DIRECT_STIMER))
		entries[3].eax &= ~TLFS_ACCESS_STIMER;
	entries[4] = (struct kvm_cpuid_entry2){
		.function = TLFS_CPUID_HINTS,
		.eax = (TLFS_HINT_REMOTE_TLB_FLUSH | TLFS_HINT_RELAXED_TIMING |
			TLFS_HINT_DEPRECATE_AUTO_EOI | TLFS_HINT_CLUSTER_IPI |
			TLFS_HINT_EX_PROCESSOR_MASKS) &
		       hints.eax,
		.ebx = hints.ebx ? hints.ebx : TLFS_SPIN_NEVER_NOTIFY,
	};
	entries[5] = (struct kvm_cpuid_entry2){
		.function = TLFS_CPUID_LIMITS,
		.eax = cpus,
		.ebx = LOGICAL_PROCESSORS_MAX,
	};
	return 0;
}

static int enable(int fd, unsigned int capability, uint64_t argument)
{
	struct kvm_enable_cap cap = { .cap = capability, .args = { argument } };

	return ioctl(fd, KVM_ENABLE_CAP, &cap) ? -errno : 0;
}

int hyperv_vp_enable(int fd, unsigned int vp)
{
	int ret = enable(fd, KVM_CAP_HYPERV_SYNIC2, 0);

	if (!ret)
		ret = msr_set(fd, TLFS_MSR_VP_INDEX, vp);
	if (!ret)
		ret = enable(fd, KVM_CAP_HYPERV_ENFORCE_CPUID, 1);
	return ret;
}

/* Whether a fault answers a hypercall; then @status is what it says. */
static bool lied(struct hyperv *hyperv, uint64_t code, uint64_t connection, uint16_t *status)
{
	return fault_armed(hyperv->fault) &&
	       fault_hypercall(hyperv->fault, code, connection, status);
}

/*
 * HvPostMessage. The guest may change its page while we read it: the header is copied first, and
 * what it says then decides how much of the payload is copied.
 */
static uint16_t post_message(struct hyperv *hyperv, uint64_t input, uint64_t address)
{
	const size_t head = __builtin_offsetof(struct tlfs_post_message, payload);
	size_t room = TLFS_PAGE_SIZE - address % TLFS_PAGE_SIZE;
	struct tlfs_post_message message;
	const uint8_t *from;
	uint16_t status;

	if (input & TLFS_HCALL_FAST)
		return TLFS_STATUS_INVALID_HYPERCALL_INPUT;
	if (address % 8 || room < head)
		return TLFS_STATUS_INVALID_ALIGNMENT;
	from = guestmem_ptr(hyperv->mem, gpa(address), room);
	if (!from)
		return TLFS_STATUS_INVALID_PARAMETER;
	memcpy(&message, from, head);
	if (message.payload_size > TLFS_MESSAGE_PAYLOAD_MAX)
		return TLFS_STATUS_INVALID_PARAMETER;
	if (message.payload_size > room - head)
		return TLFS_STATUS_INVALID_ALIGNMENT;
	memcpy(message.payload, from + head, message.payload_size);
	if (lied(hyperv, TLFS_HCALL_POST_MESSAGE, message.connection_id, &status))
		return status;
	return vmbus_post_message(hyperv->vmbus, message.connection_id, message.message_type,
				  message.payload, message.payload_size);
}

/*
 * HvSignalEvent that KVM found no eventfd for. KVM has replaced the address by the input it points
 * to, also where the control word says "slow", so @value is the input itself in both cases.
 */
static uint16_t signal_event(struct hyperv *hyperv, uint64_t value)
{
	struct tlfs_signal_event event;
	uint16_t status;

	memcpy(&event, &value, sizeof(event));
	if (event.reserved)
		return TLFS_STATUS_INVALID_HYPERCALL_INPUT;
	if (lied(hyperv, TLFS_HCALL_SIGNAL_EVENT, event.connection_id, &status))
		return status;
	return vmbus_signal_event(hyperv->vmbus, event.connection_id, event.flag_number);
}

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void count_write(struct hyperv_counters *counters, uint32_t msr)
{
	if (msr == TLFS_MSR_SCONTROL)
		count(&counters->control);
	else if (msr == TLFS_MSR_SIEFP)
		count(&counters->event_page);
	else if (msr == TLFS_MSR_SIMP)
		count(&counters->message_page);
}

static void count_call(struct hyperv_counters *counters, uint64_t input)
{
	uint64_t code = input & TLFS_HCALL_CODE_MASK;

	count(&counters->hypercalls[code < HYPERV_CODES ? code : HYPERV_CODES]);
}

enum hyperv_exit_kind hyperv_exit(struct hyperv *hyperv, unsigned int vp,
				  struct kvm_hyperv_exit *exit)
{
	uint64_t input;

	if (exit->type == KVM_EXIT_HYPERV_SYNIC) {
		struct synic_msrs msrs = {
			.control = exit->u.synic.control,
			.event_page = exit->u.synic.evt_page,
			.message_page = exit->u.synic.msg_page,
		};

		count_write(&hyperv->counters, exit->u.synic.msr);
		synic_write(hyperv->synic, vp, exit->u.synic.msr, &msrs);
		return HYPERV_EXIT_SYNIC;
	}
	if (exit->type != KVM_EXIT_HYPERV_HCALL)
		return HYPERV_EXIT_OTHER;

	input = exit->u.hcall.input;
	count_call(&hyperv->counters, input);
	switch (input & TLFS_HCALL_CODE_MASK) {
	case TLFS_HCALL_POST_MESSAGE:
		exit->u.hcall.result = post_message(hyperv, input, exit->u.hcall.params[0]);
		return HYPERV_EXIT_POST_MESSAGE;
	case TLFS_HCALL_SIGNAL_EVENT:
		exit->u.hcall.result = signal_event(hyperv, exit->u.hcall.params[0]);
		return HYPERV_EXIT_SIGNAL_EVENT;
	default:
		exit->u.hcall.result = TLFS_STATUS_INVALID_HYPERCALL_CODE;
		return HYPERV_EXIT_OTHER;
	}
}

void hyperv_report_crash(int fd)
{
	uint64_t p[5] = { 0 };

	for (unsigned int i = 0; i < 5; i++)
		msr_get(fd, TLFS_MSR_CRASH_P0 + i, &p[i]);
	log_error("the guest crashed: parameters %#llx %#llx %#llx %#llx %#llx",
		  (unsigned long long)p[0], (unsigned long long)p[1], (unsigned long long)p[2],
		  (unsigned long long)p[3], (unsigned long long)p[4]);
}

/* The page begins with a sequence number; 0 means "do not use" (TLFS 12.7). */
bool hyperv_tsc_page_valid(const struct guestmem *mem, int fd)
{
	const uint32_t *sequence;
	uint64_t msr;

	if (msr_get(fd, TLFS_MSR_REFERENCE_TSC, &msr) || !(msr & TLFS_MSR_ENABLE))
		return false;
	sequence = guestmem_ptr(mem, gpa(msr & ~(uint64_t)(TLFS_PAGE_SIZE - 1)), TLFS_PAGE_SIZE);
	return sequence && __atomic_load_n(sequence, __ATOMIC_RELAXED) != 0;
}
