/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Hypercalls: the input and result values, codes, status, and what the guest writes into the input page.
 * Source: Hypervisor Top Level Functional Specification (TLFS), the section named at each group.
 */
#ifndef HVIS_WIRE_HYPERCALL_H
#define HVIS_WIRE_HYPERCALL_H

#include <linux/types.h>

#include "tlfs.h"

/* Hypercall input value, RCX (TLFS 3.7). */
#define TLFS_HCALL_CODE_MASK 0xFFFFull
#define TLFS_HCALL_FAST (1ull << 16)
#define TLFS_HCALL_VARIABLE_HEADER_SHIFT 17 /* 8-byte words that follow the fixed header */
#define TLFS_HCALL_REPS_SHIFT 32 /* of a call with a list: its elements, 12 bits */
#define TLFS_HCALL_REP_START_SHIFT 48 /* and the first one to look at */
#define TLFS_HCALL_REP_MASK 0xFFFull
/* Hypercall result, RAX. */
#define TLFS_HCALL_STATUS_MASK 0xFFFFull
#define TLFS_HCALL_REPS_DONE_SHIFT 32

#define TLFS_HCALL_FLUSH_SPACE 0x02u /* HvCallFlushVirtualAddressSpace */
#define TLFS_HCALL_FLUSH_LIST 0x03u /* HvCallFlushVirtualAddressList */
#define TLFS_HCALL_NOTIFY_LONG_SPIN_WAIT 0x08u /* fast; input: tries so far */
#define TLFS_HCALL_SEND_IPI 0x0Bu /* HvCallSendSyntheticClusterIpi */
#define TLFS_HCALL_FLUSH_SPACE_EX 0x13u
#define TLFS_HCALL_FLUSH_LIST_EX 0x14u
#define TLFS_HCALL_SEND_IPI_EX 0x15u
#define TLFS_HCALL_POST_MESSAGE 0x5Cu
#define TLFS_HCALL_SIGNAL_EVENT 0x5Du

/* Hypercall status codes (TLFS appendix B). */
#define TLFS_STATUS_SUCCESS 0
#define TLFS_STATUS_INVALID_HYPERCALL_CODE 2
#define TLFS_STATUS_INVALID_HYPERCALL_INPUT 3
#define TLFS_STATUS_INVALID_ALIGNMENT 4
#define TLFS_STATUS_INVALID_PARAMETER 5
#define TLFS_STATUS_ACCESS_DENIED 6
#define TLFS_STATUS_INSUFFICIENT_MEMORY 11
#define TLFS_STATUS_INVALID_PORT_ID 17
#define TLFS_STATUS_INVALID_CONNECTION_ID 18
#define TLFS_STATUS_INSUFFICIENT_BUFFERS 19

/* In the hypercall input page; guest writes all of it. Must not cross a page and must be 8-aligned. */
struct tlfs_post_message {
	__u32 connection_id;
	__u32 reserved;
	__u32 message_type;
	__u32 payload_size;
	__u8 payload[TLFS_MESSAGE_PAYLOAD_MAX];
};
_Static_assert(sizeof(struct tlfs_post_message) == 256, "HvPostMessage input");

/* HvSignalEvent input; passed in registers by a fast hypercall. */
struct tlfs_signal_event {
	__u32 connection_id;
	__u16 flag_number;
	__u16 reserved;
};
_Static_assert(sizeof(struct tlfs_signal_event) == 8, "HvSignalEvent input");

/*
 * A set of VPs (TLFS 7.8.7.3): VP n is bit n % 64 of bank n / 64. Only the banks of valid_banks are there, in ascending
 * order; their number stands in the call's variable header size.
 */
#define TLFS_VP_SET_SPARSE_4K 0u
#define TLFS_VP_BANKS_MAX 64
struct tlfs_vp_set {
	__u64 format;
	__u64 valid_banks;
	__u64 banks[];
};
_Static_assert(sizeof(struct tlfs_vp_set) == 16, "VP set");

/* HvCallFlushVirtualAddressSpace and List (TLFS 9.4). The list's elements follow; Ex: after the banks. */
#define TLFS_FLUSH_ALL_PROCESSORS (1ull << 0)
#define TLFS_FLUSH_ALL_SPACES (1ull << 1)
#define TLFS_FLUSH_NON_GLOBAL_ONLY (1ull << 2)
#define TLFS_FLUSH_MORE_PAGES_MAX 4095 /* low 12 bits of an element: pages that follow the one it names */
struct tlfs_flush {
	__u64 space; /* CR3 without its low 12 bits */
	__u64 flags;
	__u64 processors; /* VP 0 to 63; KVM takes 0 for all of them */
	__u64 list[];
};
_Static_assert(sizeof(struct tlfs_flush) == 24, "flush input");

struct tlfs_flush_ex {
	__u64 space;
	__u64 flags;
	struct tlfs_vp_set set;
};
_Static_assert(sizeof(struct tlfs_flush_ex) == 32, "flush input with a VP set");

/* HvCallSendSyntheticClusterIpi (TLFS 10.5); as a fast call, vector and processors in registers. */
#define TLFS_IPI_VECTOR_MIN 0x10
#define TLFS_IPI_VECTOR_MAX 0xFF
struct tlfs_send_ipi {
	__u32 vector;
	__u8 target_vtl;
	__u8 reserved[3];
	__u64 processors;
};
_Static_assert(sizeof(struct tlfs_send_ipi) == 16, "send IPI input");

struct tlfs_send_ipi_ex {
	__u32 vector;
	__u8 target_vtl;
	__u8 reserved[3];
	struct tlfs_vp_set set;
};
_Static_assert(sizeof(struct tlfs_send_ipi_ex) == 24, "send IPI input with a VP set");

#endif
