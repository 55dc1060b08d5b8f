// SPDX-License-Identifier: GPL-2.0
// links: host/hyperv.c host/guestmem.c host/pagemap.c host/log.c host/loop.c
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c
// links: host/fault_names.c host/error.c
/*
 * Hypercall and SynIC exits as KVM hands them over, with all that a guest can get wrong in them.
 * The bus and the SynIC behind them are fakes that note what arrives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "hyperv.h"
#include "synic_internal.h"
#include "wire/hypercall.h"
#include "wire/tlfs.h"

#define MEMORY_BYTES (1ull << 20)
#define INPUT 0x8000ull
#define BUS_STATUS TLFS_STATUS_INSUFFICIENT_BUFFERS /* what the fake bus answers */

static struct hyperv hyperv;
static unsigned int posted, signalled, written;
static struct {
	uint32_t connection, type, bytes, msr;
	uint16_t flag;
	uint8_t payload[TLFS_MESSAGE_PAYLOAD_MAX];
	struct synic_msrs msrs;
} seen;

uint16_t vmbus_post_message(struct vmbus *vmbus, uint32_t connection_id, uint32_t message_type,
			    const void *payload, uint32_t bytes)
{
	(void)vmbus;
	posted++;
	seen.connection = connection_id;
	seen.type = message_type;
	seen.bytes = bytes;
	memcpy(seen.payload, payload, bytes);
	return BUS_STATUS;
}

uint16_t vmbus_signal_event(struct vmbus *vmbus, uint32_t connection_id, uint16_t flag)
{
	(void)vmbus;
	signalled++;
	seen.connection = connection_id;
	seen.flag = flag;
	return BUS_STATUS;
}

void synic_write(struct synic *synic, unsigned int vp, uint32_t msr, const struct synic_msrs *msrs)
{
	(void)synic;
	assert_int_equal(vp, 3);
	written++;
	seen.msr = msr;
	seen.msrs = *msrs;
}

static int setup(void **state)
{
	(void)state;
	posted = signalled = written = 0;
	memset(&seen, 0, sizeof(seen));
	hyperv = (struct hyperv){ .mem = guestmem_create(MEMORY_BYTES), .fault = fault_create() };
	return hyperv.mem ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	guestmem_destroy((struct guestmem *)hyperv.mem);
	fault_destroy(hyperv.fault);
	return 0;
}

static uint64_t hypercall(uint64_t input, uint64_t parameter)
{
	struct kvm_hyperv_exit exit = {
		.type = KVM_EXIT_HYPERV_HCALL,
		.u.hcall = { .input = input, .params = { parameter }, .result = 0xDEAD },
	};

	hyperv_exit(&hyperv, 3, &exit);
	return exit.u.hcall.result;
}

/* Puts as much of a message as fits into memory at @address and posts it. */
static uint64_t post(uint64_t address, uint32_t bytes)
{
	struct tlfs_post_message message = { .connection_id = 4,
					     .message_type = 1,
					     .payload_size = bytes };
	uint8_t *to = guestmem_ptr(hyperv.mem, gpa(address), 16);

	memset(message.payload, 0x5A, sizeof(message.payload));
	if (to && address + sizeof(message) <= MEMORY_BYTES)
		memcpy(to, &message, sizeof(message));
	else if (to)
		memcpy(to, &message, MEMORY_BYTES - address);
	return hypercall(TLFS_HCALL_POST_MESSAGE, address);
}

static void message_reaches_the_bus(void **state)
{
	(void)state;
	assert_int_equal(post(INPUT, 40), BUS_STATUS);
	assert_int_equal(posted, 1);
	assert_int_equal(seen.connection, 4);
	assert_int_equal(seen.type, 1);
	assert_int_equal(seen.bytes, 40);
	assert_int_equal(seen.payload[39], 0x5A);
	assert_int_equal(post(INPUT + 8, TLFS_MESSAGE_PAYLOAD_MAX), BUS_STATUS);
	assert_int_equal(seen.bytes, TLFS_MESSAGE_PAYLOAD_MAX);
	assert_int_equal(post(INPUT, 0), BUS_STATUS);
	assert_int_equal(seen.bytes, 0);
}

static void message_may_end_at_the_end_of_memory(void **state)
{
	(void)state;
	assert_int_equal(post(MEMORY_BYTES - 256, TLFS_MESSAGE_PAYLOAD_MAX), BUS_STATUS);
	assert_int_equal(post(MEMORY_BYTES - 64, 48), BUS_STATUS);
	assert_int_equal(post(MEMORY_BYTES - 16, 0), BUS_STATUS);
	assert_int_equal(posted, 3);
}

static void bad_messages_do_not_reach_it(void **state)
{
	(void)state;
	assert_int_equal(post(INPUT, TLFS_MESSAGE_PAYLOAD_MAX + 1), TLFS_STATUS_INVALID_PARAMETER);
	assert_int_equal(post(INPUT, 0xFFFFFFFF), TLFS_STATUS_INVALID_PARAMETER);
	assert_int_equal(post(INPUT + 4, 8), TLFS_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(post(INPUT + 0xFF8, 8), TLFS_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(post(INPUT + 0xFC0, 49), TLFS_STATUS_INVALID_ALIGNMENT);
	assert_int_equal(post(MEMORY_BYTES, 8), TLFS_STATUS_INVALID_PARAMETER);
	assert_int_equal(post(GUESTMEM_LOW_END, 8), TLFS_STATUS_INVALID_PARAMETER);
	assert_int_equal(post(0xFFFFFFFFFFFFF000ull, 8), TLFS_STATUS_INVALID_PARAMETER);
	assert_int_equal(hypercall(TLFS_HCALL_POST_MESSAGE | TLFS_HCALL_FAST, INPUT),
			 TLFS_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(posted, 0);
}

static void signal_event_is_taken_by_value(void **state)
{
	(void)state;
	assert_int_equal(hypercall(TLFS_HCALL_SIGNAL_EVENT, 0x700002001ull), BUS_STATUS);
	assert_int_equal(seen.connection, 0x2001);
	assert_int_equal(seen.flag, 7);
	assert_int_equal(hypercall(TLFS_HCALL_SIGNAL_EVENT | TLFS_HCALL_FAST, 0x2002), BUS_STATUS);
	assert_int_equal(seen.connection, 0x2002);
	assert_int_equal(seen.flag, 0);
	assert_int_equal(signalled, 2);
	assert_int_equal(hypercall(TLFS_HCALL_SIGNAL_EVENT, 1ull << 48),
			 TLFS_STATUS_INVALID_HYPERCALL_INPUT);
	assert_int_equal(signalled, 2);
}

static void other_hypercalls_are_refused(void **state)
{
	(void)state;
	assert_int_equal(hypercall(0, 0), TLFS_STATUS_INVALID_HYPERCALL_CODE);
	assert_int_equal(hypercall(0x5B, INPUT), TLFS_STATUS_INVALID_HYPERCALL_CODE);
	assert_int_equal(hypercall(0xFFFF, UINT64_MAX), TLFS_STATUS_INVALID_HYPERCALL_CODE);
	assert_int_equal(posted + signalled, 0);
}

static void synic_registers_are_passed_on(void **state)
{
	struct kvm_hyperv_exit exit = {
		.type = KVM_EXIT_HYPERV_SYNIC,
		.u.synic = { .msr = TLFS_MSR_SIMP,
			     .control = 1,
			     .evt_page = 0x2001,
			     .msg_page = 0x3001 },
	};

	(void)state;
	assert_int_equal(hyperv_exit(&hyperv, 3, &exit), HYPERV_EXIT_SYNIC);
	assert_int_equal(written, 1);
	assert_int_equal(seen.msr, TLFS_MSR_SIMP);
	assert_int_equal(seen.msrs.control, 1);
	assert_int_equal(seen.msrs.event_page, 0x2001);
	assert_int_equal(seen.msrs.message_page, 0x3001);
	exit.type = KVM_EXIT_HYPERV_SYNDBG;
	assert_int_equal(hyperv_exit(&hyperv, 3, &exit), HYPERV_EXIT_OTHER);
	assert_int_equal(written, 1);
}

static void faults_answer_in_the_bus_s_place(void **state)
{
	char error[ERROR_BYTES];

	(void)state;
	fault_add(hyperv.fault, "hypercall,type=post-message,connection=4,nth=2:answer,status=18",
		  error);
	assert_int_equal(post(INPUT, 40), BUS_STATUS);
	assert_int_equal(post(INPUT, 40), TLFS_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(post(INPUT, 40), BUS_STATUS);
	assert_int_equal(posted, 2);
	fault_remove(hyperv.fault, 0);
	fault_add(hyperv.fault, "hypercall,type=signal-event:drop", error);
	assert_int_equal(hypercall(TLFS_HCALL_SIGNAL_EVENT, 7), TLFS_STATUS_SUCCESS);
	assert_int_equal(signalled, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(message_reaches_the_bus),	    TEST(message_may_end_at_the_end_of_memory),
		TEST(bad_messages_do_not_reach_it), TEST(signal_event_is_taken_by_value),
		TEST(other_hypercalls_are_refused), TEST(synic_registers_are_passed_on),
		TEST(faults_answer_in_the_bus_s_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
