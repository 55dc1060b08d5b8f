// SPDX-License-Identifier: GPL-2.0
// links:
/*
 * Every struct of include/wire/ against the protocol's figures, written down here a second time
 * and independently: size, and where each field lies. Sources: include/linux/hyperv.h and
 * drivers/scsi/storvsc_drv.c of Linux (by pahole), and the TLFS sections on SynIC messages and
 * events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/chanmsg.h"
#include "wire/gpadl.h"
#include "wire/hypercall.h"
#include "wire/packet.h"
#include "wire/ring.h"
#include "wire/tlfs.h"
#include "wire/vstor.h"

#define SIZE(type, bytes) assert_int_equal(sizeof(struct type), bytes)
/* A field's place and width in one line. */
#define FIELD(type, field, offset, bytes)                                   \
	do {                                                                \
		assert_int_equal(offsetof(struct type, field), offset);     \
		assert_int_equal(sizeof(((struct type *)0)->field), bytes); \
	} while (0)

static void channel_message_types(void **state)
{
	static const struct {
		unsigned int ours, theirs;
	} types[] = {
		{ CHANMSG_OFFER, 1 },
		{ CHANMSG_RESCIND, 2 },
		{ CHANMSG_REQUEST_OFFERS, 3 },
		{ CHANMSG_ALL_OFFERS_DELIVERED, 4 },
		{ CHANMSG_OPEN, 5 },
		{ CHANMSG_OPEN_RESULT, 6 },
		{ CHANMSG_CLOSE, 7 },
		{ CHANMSG_GPADL_HEADER, 8 },
		{ CHANMSG_GPADL_BODY, 9 },
		{ CHANMSG_GPADL_CREATED, 10 },
		{ CHANMSG_GPADL_TEARDOWN, 11 },
		{ CHANMSG_GPADL_TORNDOWN, 12 },
		{ CHANMSG_RELID_RELEASED, 13 },
		{ CHANMSG_INITIATE_CONTACT, 14 },
		{ CHANMSG_VERSION_RESPONSE, 15 },
		{ CHANMSG_UNLOAD, 16 },
		{ CHANMSG_UNLOAD_RESPONSE, 17 },
		{ CHANMSG_MODIFY, 22 },
		{ CHANMSG_MODIFY_RESPONSE, 24 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_int_equal(types[i].ours, types[i].theirs);
	assert_int_equal(CHANMSG_SIZE_MAX, 240);
}

static void versions_and_connection_ids(void **state)
{
	(void)state;
	assert_int_equal(VMBUS_VERSION_WIN8_1, 0x00030000);
	assert_int_equal(VMBUS_VERSION_WIN10, 0x00040000);
	assert_int_equal(VMBUS_VERSION_WIN10_V4_1, 0x00040001);
	assert_int_equal(VMBUS_VERSION_WIN10_V5, 0x00050000);
	assert_int_equal(VMBUS_VERSION_WIN10_V5_1, 0x00050001);
	assert_int_equal(VMBUS_VERSION_WIN10_V5_2, 0x00050002);
	assert_int_equal(VMBUS_VERSION_WIN10_V5_3, 0x00050003);
	assert_int_equal(VMBUS_MESSAGE_CONNECTION_ID, 1);
	assert_int_equal(VMBUS_MESSAGE_CONNECTION_ID_4, 4);
	assert_int_equal(VMBUS_EVENT_CONNECTION_ID, 2);
	assert_true(CHANMSG_TARGET_VP_NONE == 0xFFFFFFFF);
	assert_int_equal(CHANMSG_OFFER_ENUMERATE, 0x1);
	assert_int_equal(CHANMSG_OFFER_NAMED_PIPE, 0x10);
}

static void contact_messages(void **state)
{
	(void)state;
	SIZE(vmbus_guid, 16);
	SIZE(chanmsg_header, 8);
	FIELD(chanmsg_header, type, 0, 4);
	SIZE(chanmsg_initiate_contact, 40);
	FIELD(chanmsg_initiate_contact, version, 8, 4);
	FIELD(chanmsg_initiate_contact, target_vcpu, 12, 4);
	FIELD(chanmsg_initiate_contact, interrupt_page, 16, 8);
	FIELD(chanmsg_initiate_contact, msg_sint, 16, 1);
	FIELD(chanmsg_initiate_contact, msg_vtl, 17, 1);
	FIELD(chanmsg_initiate_contact, feature_flags, 20, 4);
	FIELD(chanmsg_initiate_contact, monitor_page_to_guest, 24, 8);
	FIELD(chanmsg_initiate_contact, monitor_page_to_host, 32, 8);
	SIZE(chanmsg_version_response, 16);
	FIELD(chanmsg_version_response, supported, 8, 1);
	FIELD(chanmsg_version_response, connection_state, 9, 1);
	FIELD(chanmsg_version_response, msg_connection_id, 12, 4);
}

static void offer_messages(void **state)
{
	(void)state;
	SIZE(chanmsg_offer, 196);
	FIELD(chanmsg_offer, if_type, 8, 16);
	FIELD(chanmsg_offer, if_instance, 24, 16);
	FIELD(chanmsg_offer, reserved, 40, 16);
	FIELD(chanmsg_offer, flags, 56, 2);
	FIELD(chanmsg_offer, mmio_megabytes, 58, 2);
	FIELD(chanmsg_offer, user_data, 60, 120);
	FIELD(chanmsg_offer, sub_channel_index, 180, 2);
	FIELD(chanmsg_offer, relid, 184, 4);
	FIELD(chanmsg_offer, monitor_id, 188, 1);
	FIELD(chanmsg_offer, monitor_allocated, 189, 1);
	FIELD(chanmsg_offer, dedicated_interrupt, 190, 2);
	FIELD(chanmsg_offer, connection_id, 192, 4);
	SIZE(chanmsg_relid, 12);
	FIELD(chanmsg_relid, relid, 8, 4);
}

static void channel_messages(void **state)
{
	(void)state;
	SIZE(chanmsg_open, 148);
	FIELD(chanmsg_open, relid, 8, 4);
	FIELD(chanmsg_open, open_id, 12, 4);
	FIELD(chanmsg_open, ring_gpadl, 16, 4);
	FIELD(chanmsg_open, target_vp, 20, 4);
	FIELD(chanmsg_open, downstream_page, 24, 4);
	FIELD(chanmsg_open, user_data, 28, 120);
	SIZE(chanmsg_open_result, 20);
	FIELD(chanmsg_open_result, relid, 8, 4);
	FIELD(chanmsg_open_result, open_id, 12, 4);
	FIELD(chanmsg_open_result, status, 16, 4);
	SIZE(chanmsg_modify, 16);
	FIELD(chanmsg_modify, relid, 8, 4);
	FIELD(chanmsg_modify, target_vp, 12, 4);
	SIZE(chanmsg_modify_response, 16);
	FIELD(chanmsg_modify_response, relid, 8, 4);
	FIELD(chanmsg_modify_response, status, 12, 4);
}

static void gpadl_messages(void **state)
{
	(void)state;
	SIZE(gpa_range, 8);
	FIELD(gpa_range, byte_count, 0, 4);
	FIELD(gpa_range, byte_offset, 4, 4);
	SIZE(chanmsg_gpadl_header, 20);
	FIELD(chanmsg_gpadl_header, relid, 8, 4);
	FIELD(chanmsg_gpadl_header, gpadl, 12, 4);
	FIELD(chanmsg_gpadl_header, range_buflen, 16, 2);
	FIELD(chanmsg_gpadl_header, rangecount, 18, 2);
	SIZE(chanmsg_gpadl_body, 16);
	FIELD(chanmsg_gpadl_body, msgnumber, 8, 4);
	FIELD(chanmsg_gpadl_body, gpadl, 12, 4);
	SIZE(chanmsg_gpadl_created, 20);
	FIELD(chanmsg_gpadl_created, relid, 8, 4);
	FIELD(chanmsg_gpadl_created, gpadl, 12, 4);
	FIELD(chanmsg_gpadl_created, status, 16, 4);
	SIZE(chanmsg_gpadl_teardown, 16);
	FIELD(chanmsg_gpadl_teardown, relid, 8, 4);
	FIELD(chanmsg_gpadl_teardown, gpadl, 12, 4);
	SIZE(chanmsg_gpadl_torndown, 12);
	FIELD(chanmsg_gpadl_torndown, gpadl, 8, 4);
	assert_int_equal(GPADL_HEADER_PFNS, 26);
	assert_int_equal(GPADL_BODY_PFNS, 28);
	assert_int_equal(GPADL_PFNS_MAX, 8190);
}

static void rings_and_packets(void **state)
{
	(void)state;
	SIZE(ring_header, 4096);
	FIELD(ring_header, write_index, 0, 4);
	FIELD(ring_header, read_index, 4, 4);
	FIELD(ring_header, interrupt_mask, 8, 4);
	FIELD(ring_header, pending_send_size, 12, 4);
	FIELD(ring_header, feature_bits, 64, 4);
	assert_int_equal(RING_FEATURE_PENDING_SEND_SIZE, 1);
	assert_int_equal(RING_TRAILER, 8);
	SIZE(packet_desc, 16);
	FIELD(packet_desc, type, 0, 2);
	FIELD(packet_desc, offset8, 2, 2);
	FIELD(packet_desc, len8, 4, 2);
	FIELD(packet_desc, flags, 6, 2);
	FIELD(packet_desc, transaction_id, 8, 8);
	SIZE(packet_gpa_direct, 24);
	FIELD(packet_gpa_direct, range_count, 20, 4);
	SIZE(packet_xfer_pages, 24);
	FIELD(packet_xfer_pages, xfer_pageset_id, 16, 2);
	FIELD(packet_xfer_pages, sender_owns_set, 18, 1);
	FIELD(packet_xfer_pages, range_count, 20, 4);
	SIZE(packet_xfer_range, 8);
	FIELD(packet_xfer_range, byte_count, 0, 4);
	FIELD(packet_xfer_range, byte_offset, 4, 4);
	assert_int_equal(PACKET_INBAND, 6);
	assert_int_equal(PACKET_XFER_PAGES, 7);
	assert_int_equal(PACKET_GPADL, 8);
	assert_int_equal(PACKET_GPA_DIRECT, 9);
	assert_int_equal(PACKET_COMPLETION, 0xb);
	assert_int_equal(PACKET_FLAG_COMPLETION_REQUESTED, 1);
}

static void synic_pages(void **state)
{
	(void)state;
	SIZE(tlfs_message, 256);
	FIELD(tlfs_message, message_type, 0, 4);
	FIELD(tlfs_message, payload_size, 4, 1);
	FIELD(tlfs_message, flags, 5, 1);
	FIELD(tlfs_message, origin, 8, 8);
	FIELD(tlfs_message, payload, 16, 240);
	SIZE(tlfs_message_page, 4096);
	SIZE(tlfs_event_page, 4096);
	assert_int_equal(TLFS_EVENT_FLAGS, 2048);
	assert_int_equal(TLFS_SINT_COUNT, 16);
	assert_int_equal(TLFS_SINT_VMBUS, 2);
	assert_int_equal(TLFS_SINT_MASKED, 0x10000);
	assert_int_equal(TLFS_SINT_AUTO_EOI, 0x20000);
	assert_int_equal(TLFS_SINT_POLLING, 0x40000);
	assert_int_equal(TLFS_MESSAGE_TYPE_VMBUS, 1);
	assert_int_equal(TLFS_MESSAGE_FLAG_PENDING, 1);
}

static void hypercalls(void **state)
{
	(void)state;
	SIZE(tlfs_post_message, 256);
	FIELD(tlfs_post_message, connection_id, 0, 4);
	FIELD(tlfs_post_message, message_type, 8, 4);
	FIELD(tlfs_post_message, payload_size, 12, 4);
	FIELD(tlfs_post_message, payload, 16, 240);
	SIZE(tlfs_signal_event, 8);
	FIELD(tlfs_signal_event, connection_id, 0, 4);
	FIELD(tlfs_signal_event, flag_number, 4, 2);
	assert_int_equal(TLFS_HCALL_POST_MESSAGE, 0x5c);
	assert_int_equal(TLFS_HCALL_SIGNAL_EVENT, 0x5d);
	assert_int_equal(TLFS_HCALL_FAST, 0x10000);
	assert_int_equal(TLFS_STATUS_INSUFFICIENT_MEMORY, 11);
	assert_int_equal(TLFS_STATUS_INVALID_CONNECTION_ID, 18);
	assert_int_equal(TLFS_STATUS_INSUFFICIENT_BUFFERS, 19);
}

static void msrs_and_cpuid(void **state)
{
	(void)state;
	assert_int_equal(TLFS_MSR_GUEST_OS_ID, 0x40000000);
	assert_int_equal(TLFS_MSR_HYPERCALL, 0x40000001);
	assert_int_equal(TLFS_MSR_VP_INDEX, 0x40000002);
	assert_int_equal(TLFS_MSR_TIME_REF_COUNT, 0x40000020);
	assert_int_equal(TLFS_MSR_REFERENCE_TSC, 0x40000021);
	assert_int_equal(TLFS_MSR_SCONTROL, 0x40000080);
	assert_int_equal(TLFS_MSR_SIEFP, 0x40000082);
	assert_int_equal(TLFS_MSR_SIMP, 0x40000083);
	assert_int_equal(TLFS_MSR_EOM, 0x40000084);
	assert_int_equal(TLFS_MSR_SINT0, 0x40000090);
	assert_int_equal(TLFS_MSR_CRASH_P0, 0x40000100);
	assert_int_equal(TLFS_MSR_CRASH_CTL, 0x40000105);
	assert_int_equal(sizeof(TLFS_SIGNATURE) - 1, 12);
	assert_memory_equal(&(uint32_t){ TLFS_INTERFACE_HV1 }, "Hv#1", 4);
	assert_int_equal(TLFS_ACCESS_REFERENCE_COUNTER, 1 << 1);
	assert_int_equal(TLFS_ACCESS_SYNIC, 1 << 2);
	assert_int_equal(TLFS_ACCESS_STIMER, 1 << 3);
	assert_int_equal(TLFS_ACCESS_HYPERCALL_MSRS, 1 << 5);
	assert_int_equal(TLFS_ACCESS_VP_INDEX, 1 << 6);
	assert_int_equal(TLFS_ACCESS_REFERENCE_TSC, 1 << 9);
}

static void storage_packet(void **state)
{
	(void)state;
	SIZE(vstor_packet, 64);
	FIELD(vstor_packet, operation, 0, 4);
	FIELD(vstor_packet, flags, 4, 4);
	FIELD(vstor_packet, status, 8, 4);
	FIELD(vstor_packet, srb, 12, 52);
	FIELD(vstor_packet, client, 12, 4);
	FIELD(vstor_packet, properties, 12, 24);
	FIELD(vstor_packet, version, 12, 4);
	FIELD(vstor_packet, event, 12, 4);
	FIELD(vstor_packet, sub_channel_count, 12, 2);
	FIELD(vstor_packet, raw, 12, 52);
	SIZE(vstor_properties, 24);
	FIELD(vstor_properties, max_channels, 4, 2);
	FIELD(vstor_properties, flags, 8, 4);
	FIELD(vstor_properties, max_transfer_bytes, 12, 4);
	FIELD(vstor_version, version, 0, 2);
	FIELD(vstor_version, revision, 2, 2);
	FIELD(vstor_event, lun, 0, 1);
	FIELD(vstor_event, target, 1, 1);
	FIELD(vstor_event, path, 2, 1);
	FIELD(vstor_event, flags, 3, 1);
}

static void storage_srb(void **state)
{
	(void)state;
	SIZE(vstor_srb, 52);
	FIELD(vstor_srb, length, 0, 2);
	FIELD(vstor_srb, srb_status, 2, 1);
	FIELD(vstor_srb, scsi_status, 3, 1);
	FIELD(vstor_srb, port, 4, 1);
	FIELD(vstor_srb, path, 5, 1);
	FIELD(vstor_srb, target, 6, 1);
	FIELD(vstor_srb, lun, 7, 1);
	FIELD(vstor_srb, cdb_length, 8, 1);
	FIELD(vstor_srb, sense_length, 9, 1);
	FIELD(vstor_srb, data_direction, 10, 1);
	FIELD(vstor_srb, transfer_length, 12, 4);
	FIELD(vstor_srb, cdb, 16, 16);
	FIELD(vstor_srb, sense, 16, 20);
	FIELD(vstor_srb, queue_tag, 38, 1);
	FIELD(vstor_srb, queue_action, 39, 1);
	FIELD(vstor_srb, srb_flags, 40, 4);
	FIELD(vstor_srb, timeout, 44, 4);
	FIELD(vstor_srb, queue_sort_key, 48, 4);
}

static void storage_values(void **state)
{
	/* ba6163d9-04a1-4d29-b605-72e2ffb1dc7f as the modalias "vmbus:" prints it */
	static const uint8_t scsi[16] =
		"\xd9\x63\x61\xba\xa1\x04\x29\x4d\xb6\x05\x72\xe2\xff\xb1\xdc\x7f";
	const struct vmbus_guid guid = VSTOR_SCSI_GUID;

	(void)state;
	assert_memory_equal(guid.b, scsi, 16);
	assert_int_equal(VSTOR_COMPLETE_IO, 1);
	assert_int_equal(VSTOR_EXECUTE_SRB, 3);
	assert_int_equal(VSTOR_RESET_BUS, 6);
	assert_int_equal(VSTOR_BEGIN_INITIALIZATION, 7);
	assert_int_equal(VSTOR_END_INITIALIZATION, 8);
	assert_int_equal(VSTOR_QUERY_PROTOCOL_VERSION, 9);
	assert_int_equal(VSTOR_QUERY_PROPERTIES, 10);
	assert_int_equal(VSTOR_ENUMERATE_BUS, 11);
	assert_int_equal(VSTOR_CREATE_SUB_CHANNELS, 13);
	assert_int_equal(VSTOR_EVENT_NOTIFICATION, 14);
	assert_int_equal(VSTOR_VERSION_WIN8, 0x0501);
	assert_int_equal(VSTOR_VERSION_WIN8_1, 0x0600);
	assert_int_equal(VSTOR_VERSION_WIN10, 0x0602);
	assert_int_equal(VSTOR_DATA_OUT, 0);
	assert_int_equal(VSTOR_DATA_IN, 1);
	assert_int_equal(VSTOR_DATA_NONE, 2);
	assert_int_equal(SRB_STATUS_MASK, 0x3F);
	assert_int_equal(SRB_STATUS_AUTOSENSE_VALID, 0x80);
	assert_int_equal(SRB_STATUS_QUEUE_FROZEN, 0x40);
	assert_int_equal(SRB_STATUS_INVALID_LUN, 0x20);
	assert_int_equal(SRB_STATUS_DATA_OVERRUN, 0x12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channel_message_types),
		cmocka_unit_test(versions_and_connection_ids),
		cmocka_unit_test(contact_messages),
		cmocka_unit_test(offer_messages),
		cmocka_unit_test(channel_messages),
		cmocka_unit_test(gpadl_messages),
		cmocka_unit_test(rings_and_packets),
		cmocka_unit_test(synic_pages),
		cmocka_unit_test(hypercalls),
		cmocka_unit_test(msrs_and_cpuid),
		cmocka_unit_test(storage_packet),
		cmocka_unit_test(storage_srb),
		cmocka_unit_test(storage_values),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
