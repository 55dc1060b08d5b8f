/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The hypervisor's own interface: CPUID leaves, synthetic MSRs and the pages it shares with the guest. Hypercalls: hypercall.h.
 * Source: Hypervisor Top Level Functional Specification (TLFS), the section named at each group.
 * Everything is little-endian; a guest physical address is a byte address unless a name says pfn.
 */
#ifndef HVIS_WIRE_TLFS_H
#define HVIS_WIRE_TLFS_H

#include <linux/types.h>

#define TLFS_PAGE_SIZE 4096
#define TLFS_PAGE_SHIFT 12

/* CPUID (TLFS 2.4, feature and interface discovery). */
#define TLFS_CPUID_VENDOR 0x40000000u /* EAX: highest leaf; EBX, ECX, EDX: signature */
#define TLFS_CPUID_INTERFACE 0x40000001u
#define TLFS_CPUID_VERSION 0x40000002u
#define TLFS_CPUID_FEATURES 0x40000003u
#define TLFS_CPUID_HINTS 0x40000004u
#define TLFS_CPUID_LIMITS 0x40000005u

#define TLFS_SIGNATURE "Microsoft Hv" /* EBX, ECX, EDX of TLFS_CPUID_VENDOR, 12 bytes */
#define TLFS_INTERFACE_HV1 0x31237648u /* "Hv#1" */

/* TLFS_CPUID_FEATURES, EAX: MSRs the partition may use. */
#define TLFS_ACCESS_REFERENCE_COUNTER (1u << 1)
#define TLFS_ACCESS_SYNIC (1u << 2)
#define TLFS_ACCESS_STIMER (1u << 3)
#define TLFS_ACCESS_APIC_MSRS (1u << 4)
#define TLFS_ACCESS_HYPERCALL_MSRS (1u << 5)
#define TLFS_ACCESS_VP_INDEX (1u << 6)
#define TLFS_ACCESS_RESET (1u << 7)
#define TLFS_ACCESS_REFERENCE_TSC (1u << 9)
#define TLFS_ACCESS_GUEST_IDLE (1u << 10)
#define TLFS_ACCESS_FREQUENCY_MSRS (1u << 11)
#define TLFS_ACCESS_TSC_INVARIANT (1u << 15)
/* TLFS_CPUID_FEATURES, EBX: hypercalls the partition may make. */
#define TLFS_POST_MESSAGES (1u << 4)
#define TLFS_SIGNAL_EVENTS (1u << 5)
#define TLFS_CPU_MANAGEMENT (1u << 12) /* only the root partition has it */
#define TLFS_ISOLATION (1u << 22) /* memory is private to the guest unless shared by page */
/* TLFS_CPUID_FEATURES, EDX. */
#define TLFS_FEATURE_FREQUENCY_MSRS (1u << 8)
#define TLFS_FEATURE_CRASH_MSRS (1u << 10)
#define TLFS_FEATURE_DIRECT_STIMER (1u << 19)
/* TLFS_CPUID_HINTS, EAX. */
#define TLFS_HINT_LOCAL_TLB_FLUSH (1u << 1)
#define TLFS_HINT_REMOTE_TLB_FLUSH (1u << 2)
#define TLFS_HINT_APIC_MSRS (1u << 3) /* for EOI, ICR and TPR; with the VP assist page most EOIs need no write */
#define TLFS_HINT_RELAXED_TIMING (1u << 5)
#define TLFS_HINT_DEPRECATE_AUTO_EOI (1u << 9)
#define TLFS_HINT_CLUSTER_IPI (1u << 10)
#define TLFS_HINT_EX_PROCESSOR_MASKS (1u << 11)
/* TLFS_CPUID_HINTS, EBX: how often to try a spinlock before HvCallNotifyLongSpinWait; 0 where nobody says. */
#define TLFS_SPIN_NEVER_NOTIFY 0xFFFFFFFFu

/* Synthetic MSRs (TLFS appendix "MSR index"). */
#define TLFS_MSR_GUEST_OS_ID 0x40000000u
#define TLFS_MSR_HYPERCALL 0x40000001u
#define TLFS_MSR_VP_INDEX 0x40000002u
#define TLFS_MSR_TIME_REF_COUNT 0x40000020u
#define TLFS_MSR_REFERENCE_TSC 0x40000021u
#define TLFS_MSR_SCONTROL 0x40000080u
#define TLFS_MSR_SIEFP 0x40000082u
#define TLFS_MSR_SIMP 0x40000083u
#define TLFS_MSR_EOM 0x40000084u
#define TLFS_MSR_SINT0 0x40000090u
#define TLFS_MSR_STIMER0_CONFIG 0x400000B0u
#define TLFS_MSR_STIMER0_COUNT 0x400000B1u
#define TLFS_MSR_CRASH_P0 0x40000100u /* P0 to P4; with NOTIFY_MSG P3 is the address of a text and P4 its bytes */
#define TLFS_MSR_CRASH_P3 0x40000103u
#define TLFS_MSR_CRASH_P4 0x40000104u
#define TLFS_MSR_CRASH_CTL 0x40000105u

#define TLFS_MSR_ENABLE 1ull /* bit 0 of HYPERCALL, SIMP, SIEFP, SCONTROL, REFERENCE_TSC; page number from bit 12 */
#define TLFS_CRASH_NOTIFY (1ull << 63)
#define TLFS_CRASH_NOTIFY_MSG (1ull << 62)
#define TLFS_CRASH_TEXT_MAX TLFS_PAGE_SIZE /* within one page */

/* SINTx register (TLFS 11.8). */
#define TLFS_SINT_VECTOR_MASK 0xFFull
#define TLFS_SINT_MASKED (1ull << 16)
#define TLFS_SINT_AUTO_EOI (1ull << 17)
#define TLFS_SINT_POLLING (1ull << 18)
#define TLFS_SINT_COUNT 16
#define TLFS_SINT_VMBUS 2 /* the SINT on which VMBus listens, by convention of both sides */
#define TLFS_SINT_TIMER 3 /* where our guest has its timers' messages; the guest's choice alone */

/* Open source guest id (TLFS 2.6): bit 63, then OS type, then free for the vendor. */
#define TLFS_GUEST_OS_OPEN_SOURCE (1ull << 63)
#define TLFS_GUEST_OS_LINUX (0x100ull << 48)

/* Messages: a slot of the SIM page, and the input of HvPostMessage (TLFS 11.9, 11.11). */
#define TLFS_MESSAGE_PAYLOAD_MAX 240
#define TLFS_MESSAGE_TYPE_NONE 0u
#define TLFS_MESSAGE_TYPE_VMBUS 1u /* carries one channel message of chanmsg.h */
#define TLFS_MESSAGE_TYPE_TIMER 0x80000010u /* a synthetic timer has expired */
#define TLFS_MESSAGE_FLAG_PENDING 1u /* host: another message waits, write EOM after freeing the slot */

/*
 * One of the 16 slots of the SIM page. The hypervisor writes all of it while message_type is NONE; the guest
 * only ever writes message_type back to NONE. message_type is written last.
 */
struct tlfs_message {
	__u32 message_type;
	__u8 payload_size;
	__u8 flags;
	__u16 reserved;
	__u64 origin;
	__u8 payload[TLFS_MESSAGE_PAYLOAD_MAX];
};
_Static_assert(sizeof(struct tlfs_message) == 256, "SIM slot");
_Static_assert(__builtin_offsetof(struct tlfs_message, flags) == 5, "SIM slot flags");
_Static_assert(__builtin_offsetof(struct tlfs_message, payload) == 16, "SIM slot payload");

struct tlfs_message_page {
	struct tlfs_message slot[TLFS_SINT_COUNT];
};
_Static_assert(sizeof(struct tlfs_message_page) == TLFS_PAGE_SIZE, "SIM page");

/* SIEF page: 2048 event flags per SINT. The host sets a bit atomically, the guest clears it atomically. */
#define TLFS_EVENT_FLAGS 2048
struct tlfs_event_page {
	__u64 flags[TLFS_SINT_COUNT][TLFS_EVENT_FLAGS / 64];
};
_Static_assert(sizeof(struct tlfs_event_page) == TLFS_PAGE_SIZE, "SIEF page");

/*
 * Reference TSC page (TLFS 12.7): the reference time, in units of 100 ns since the partition was created, is
 * ((tsc * scale) >> 64) + offset, which the guest computes by itself. The hypervisor writes all of it, sequence last; a
 * reader takes what it read between two equal sequences. While the sequence is INVALID the register
 * TLFS_MSR_TIME_REF_COUNT tells.
 */
#define TLFS_REFERENCE_HZ 10000000u
#define TLFS_REFERENCE_TSC_INVALID 0u
struct tlfs_reference_tsc {
	__u32 sequence;
	__u32 reserved;
	__u64 scale;
	__s64 offset;
};
_Static_assert(sizeof(struct tlfs_reference_tsc) == 24, "reference TSC page");
_Static_assert(__builtin_offsetof(struct tlfs_reference_tsc, offset) == 16, "reference TSC page, offset");

/* STIMERx_CONFIG (TLFS 12.5). STIMERx_COUNT is the reference time of expiry; 0 stops the timer. */
#define TLFS_STIMER_ENABLE 1ull
#define TLFS_STIMER_PERIODIC (1ull << 1)
#define TLFS_STIMER_LAZY (1ull << 2)
#define TLFS_STIMER_AUTO_ENABLE (1ull << 3) /* a COUNT written enables it */
#define TLFS_STIMER_VECTOR_SHIFT 4 /* 8 bits, with DIRECT */
#define TLFS_STIMER_DIRECT (1ull << 12) /* expiry raises the vector, without a message */
#define TLFS_STIMER_SINT_SHIFT 16 /* 4 bits, without DIRECT */

/* Payload of TLFS_MESSAGE_TYPE_TIMER. */
struct tlfs_timer_message {
	__u32 timer;
	__u32 reserved;
	__u64 expiration_time;
	__u64 delivery_time;
};
_Static_assert(sizeof(struct tlfs_timer_message) == 24, "timer message");

#endif
