// SPDX-License-Identifier: GPL-2.0
/*
 * Hyper-V's interface to the partition: hypercall and SynIC exits. See hyperv.h.
 * Source: TLFS 3 (hypercalls), 11 (SynIC).
 * Invariant: what a guest passes by address is copied before it is looked at.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hyperv.h"
#include "log.h"
#include "msr.h"
#include "synic_internal.h"
#include "wire/hypercall.h"
#include "wire/tlfs.h"

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
