// SPDX-License-Identifier: GPL-2.0
// links: storvsc/map.c
/*
 * What storvsc decides without a kernel: transaction ids, limits, and the table from SRB status,
 * SCSI status and sense to a result. The guest's real source, compiled here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/errno.h>
#include <scsi/scsi_proto.h>
#include <scsi/scsi_status.h>

#include "storvsc/map.h"

#define HOST(byte) ((u32)(byte) << 16)
#define CHECK SAM_STAT_CHECK_CONDITION
#define SENSE_OK SRB_STATUS_AUTOSENSE_VALID

/* Transaction ids */

static void ids_go_there_and_back(void **state)
{
	static const u32 generations[] = { 1, 2, 0x1234, 0x7FFFFFFF };
	static const u32 tags[] = { 0, 1, 511, 1023 };
	static const u32 queues[] = { 0, 1, 63, 65535 };
	u32 tag, queue;

	(void)state;
	for (size_t g = 0; g < 4; g++) {
		for (size_t t = 0; t < 16; t++) {
			u64 id = storvsc_id_make(generations[g], queues[t / 4], tags[t % 4]);

			assert_int_not_equal(id, 0);
			assert_false(id & STORVSC_ID_CONTROL);
			tag = queue = 0xDEAD;
			assert_true(storvsc_id_parse(id, 65536, 1024, &queue, &tag));
			assert_int_equal(tag, tags[t % 4]);
			assert_int_equal(queue, queues[t / 4]);
		}
	}
	assert_int_equal(storvsc_id_make(5, 0, 7), 5ULL << 32 | 8);
	assert_int_equal(storvsc_id_make(5, 3, 7), 5ULL << 32 | 3 << 16 | 8);
}

static void impossible_ids_are_refused(void **state)
{
	static const u64 ids[] = {
		0, /* unsolicited */
		1, /* no generation */
		1ULL << 32, /* no tag */
		1ULL << 32 | 17, /* past the last slot */
		1ULL << 32 | 0xFFFFFFFF,
		1ULL << 32 | 2 << 16 | 1, /* past the last queue */
		1ULL << 32 | 1 << 16, /* a queue, no tag */
		STORVSC_ID_CONTROL | 1,
		STORVSC_ID_CONTROL | 1ULL << 32 | 1,
		~0ULL,
	};
	u32 tag = 0xDEAD, queue = 0xDEAD;

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_false(storvsc_id_parse(ids[i], 2, 16, &queue, &tag));
	assert_int_equal(tag, 0xDEAD);
	assert_true(storvsc_id_parse(1ULL << 32 | 1 << 16 | 16, 2, 16, &queue, &tag));
	assert_false(storvsc_id_parse(1ULL << 32 | 1, 0, 16, &queue, &tag)); /* before there are queues */
}

/* Queues */

static void plans_fit_the_channels(void **state)
{
	static const struct {
		u32 wanted, wanted_polled, channels, queues, polled;
	} cases[] = {
		{ 4, 0, 4, 4, 0 },
		{ 4, 0, 2, 2, 0 },
		{ 4, 0, 1, 1, 0 },
		{ 4, 2, 6, 4, 2 },
		{ 4, 2, 64, 4, 2 },
		{ 4, 2, 5, 3, 2 },
		{ 4, 4, 4, 2, 2 },
		{ 2, 1, 2, 1, 1 },
		{ 2, 1, 1, 1, 0 }, /* the primary is never polled */
		{ 1, 8, 5, 1, 4 }, /* what nobody else wants goes to polling */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct storvsc_plan plan = { cases[i].wanted, cases[i].wanted_polled };

		storvsc_plan_fit(&plan, cases[i].channels);
		assert_int_equal(plan.queues, cases[i].queues);
		assert_int_equal(plan.polled, cases[i].polled);
	}
}

/* Every queue has a CPU, its first one is the one that gets its interrupts, neighbours stay together. */
static void cpus_spread_over_queues(void **state)
{
	(void)state;
	for (u32 cpus = 1; cpus <= 130; cpus++) {
		for (u32 queues = 1; queues <= cpus; queues++) {
			u32 before = 0;

			assert_int_equal(storvsc_spread(0, cpus, queues), 0);
			assert_int_equal(storvsc_spread(cpus - 1, cpus, queues), queues - 1);
			for (u32 cpu = 1; cpu < cpus; cpu++) {
				u32 queue = storvsc_spread(cpu, cpus, queues);

				assert_in_range(queue, before, before + 1);
				if (queue != before)
					assert_int_equal(storvsc_spread_first(queue, cpus, queues), cpu);
				before = queue;
			}
		}
	}
}

static void rings_shrink_with_many_channels(void **state)
{
	(void)state;
	assert_int_equal(storvsc_ring_bytes_for(1), 128 << 10);
	assert_int_equal(storvsc_ring_bytes_for(16), 128 << 10);
	assert_int_equal(storvsc_ring_bytes_for(17), 120 << 10);
	assert_int_equal(storvsc_ring_bytes_for(64), 32 << 10);
	assert_int_equal(storvsc_ring_bytes_for(10000), 32 << 10);
}

static void buckets_are_powers_of_two(void **state)
{
	(void)state;
	assert_int_equal(storvsc_bucket(0), 0);
	assert_int_equal(storvsc_bucket(1), 0);
	for (u32 i = 1; i < 64; i++) {
		u32 bucket = i < STORVSC_BUCKETS ? i : STORVSC_BUCKETS - 1;

		assert_int_equal(storvsc_bucket(1ULL << i), bucket);
		assert_int_equal(storvsc_bucket((2ULL << i) - 1), bucket);
	}
}

/* REPORT LUNS */

static void lists_of_luns(void **state)
{
	u8 list[8 + 8 * 8] = { 0, 0, 0, 40 };
	u64 luns = 0xDEAD;

	(void)state;
	list[8 + 1] = 3;
	list[16] = 0x40, list[16 + 1] = 63; /* flat */
	list[24 + 1] = 64; /* too high */
	list[32] = 0x41; /* 256 */
	list[40 + 1] = 5, list[40 + 7] = 1; /* a second level */
	assert_int_equal(storvsc_luns_parse(list, sizeof(list), &luns), 0);
	assert_true(luns == (1ULL << 63 | 1 << 3));
	assert_int_equal(storvsc_luns_parse(list, 48, &luns), 0);
	luns = 0xDEAD;
	assert_int_equal(storvsc_luns_parse(list, 47, &luns), -EINVAL); /* cut short */
	assert_int_equal(storvsc_luns_parse(list, 0, &luns), -EINVAL);
	assert_int_equal(storvsc_luns_parse(list, 7, &luns), -EINVAL);
	list[0] = 0xFF;
	assert_int_equal(storvsc_luns_parse(list, sizeof(list), &luns), -EINVAL);
	list[0] = 0, list[3] = 39;
	assert_int_equal(storvsc_luns_parse(list, sizeof(list), &luns), -EINVAL);
	assert_true(luns == 0xDEAD);
	list[3] = 0;
	assert_int_equal(storvsc_luns_parse(list, 8, &luns), 0);
	assert_true(luns == 0);
}

static void generations_wrap_without_zero(void **state)
{
	(void)state;
	assert_int_equal(storvsc_generation_next(0), 1);
	assert_int_equal(storvsc_generation_next(1), 2);
	assert_int_equal(storvsc_generation_next(0x7FFFFFFE), 0x7FFFFFFF);
	assert_int_equal(storvsc_generation_next(0x7FFFFFFF), 1);
	assert_int_not_equal(storvsc_id_make(storvsc_generation_next(9), 0, 3), storvsc_id_make(9, 0, 3));
}

/* Limits */

static void packets_have_the_sizes_of_the_protocol(void **state)
{
	(void)state;
	assert_int_equal(storvsc_packet_bytes(0), 80);
	assert_int_equal(storvsc_packet_bytes(1), 104);
	assert_int_equal(storvsc_packet_bytes(257), 96 + 257 * 8);
	assert_int_equal(storvsc_packet_bytes(3) % 8, 0);
}

static void limits_follow_the_host_within_bounds(void **state)
{
	static const struct {
		u32 host, max;
	} cases[] = {
		{ 4096, 4096 },
		{ 8191, 4096 },
		{ 65536, 65536 },
		{ 1 << 20, 1 << 20 },
		{ 16 << 20, 4 << 20 },
		{ 0xFFFFFFFF, 4 << 20 },
	};
	struct storvsc_limits limits;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(storvsc_limits_derive(&limits, cases[i].host, 131072), 0);
		assert_int_equal(limits.max_bytes, cases[i].max);
		assert_int_equal(limits.pages_max, cases[i].max / 4096 + 1);
		assert_in_range(limits.can_queue, 500, 1024);
	}
	assert_int_equal(storvsc_limits_derive(&limits, 0, 131072), -EINVAL);
	assert_int_equal(storvsc_limits_derive(&limits, 4095, 131072), -EINVAL);
	assert_int_equal(storvsc_limits_derive(&limits, 4096, 256), -EINVAL);
}

static void the_largest_request_fits_a_quarter_of_any_ring(void **state)
{
	struct storvsc_limits limits;

	(void)state;
	for (u32 ring = 4096; ring <= 16 << 20; ring += ring < 65536 ? 8 : ring / 2) {
		assert_int_equal(storvsc_limits_derive(&limits, 0xFFFFFFFF, ring), 0);
		assert_true(storvsc_packet_bytes(limits.pages_max) + RING_TRAILER <= ring / 4);
		assert_in_range(limits.can_queue, 1, 1024);
		assert_int_equal(limits.max_bytes % 4096, 0);
		assert_true(limits.max_bytes >= 4096);
	}
}

/* Verdicts */

static struct vstor_srb srb_of(u8 srb_status, u8 scsi_status, u32 transferred)
{
	return (struct vstor_srb){
		.length = sizeof(struct vstor_srb),
		.srb_status = srb_status,
		.scsi_status = scsi_status,
		.transfer_length = transferred,
	};
}

static void put_sense(struct vstor_srb *srb, u8 key, u8 asc, u8 ascq)
{
	srb->sense_length = 18;
	memset(srb->sense, 0, sizeof(srb->sense));
	srb->sense[0] = 0x70;
	srb->sense[2] = key;
	srb->sense[7] = 10;
	srb->sense[12] = asc;
	srb->sense[13] = ascq;
}

static struct storvsc_verdict judge(const struct vstor_srb *srb, u32 bytes, u32 underflow)
{
	struct storvsc_verdict verdict;

	memset(&verdict, 0xA5, sizeof(verdict));
	storvsc_judge(&verdict, srb, bytes, underflow);
	assert_true(verdict.moved <= bytes);
	assert_true(verdict.sense_bytes <= VSTOR_SENSE_MAX);
	return verdict;
}

static void success_is_success(void **state)
{
	struct vstor_srb srb = srb_of(SRB_STATUS_SUCCESS, SAM_STAT_GOOD, 4096);
	struct storvsc_verdict verdict = judge(&srb, 4096, 4096);

	(void)state;
	assert_int_equal(verdict.result, 0);
	assert_int_equal(verdict.moved, 4096);
	assert_int_equal(verdict.sense_bytes, 0);
	assert_int_equal(verdict.action, STORVSC_ACT_NONE);

	srb.srb_status |= SRB_STATUS_QUEUE_FROZEN;
	assert_int_equal(judge(&srb, 4096, 4096).result, 0);
}

static void transfer_length_is_bounded(void **state)
{
	struct vstor_srb srb = srb_of(SRB_STATUS_SUCCESS, SAM_STAT_GOOD, 0xFFFFFFFF);

	(void)state;
	assert_int_equal(judge(&srb, 512, 512).moved, 512);
	assert_int_equal(judge(&srb, 0, 0).moved, 0);
	srb.srb_status = SRB_STATUS_ERROR;
	assert_int_equal(judge(&srb, 512, 512).moved, 0);
}

static void too_little_is_an_error_for_block_io_only(void **state)
{
	struct vstor_srb srb = srb_of(SRB_STATUS_SUCCESS, SAM_STAT_GOOD, 511);
	struct storvsc_verdict verdict;

	(void)state;
	assert_int_equal(judge(&srb, 4096, 512).result, HOST(DID_ERROR));
	verdict = judge(&srb, 4096, 0);
	assert_int_equal(verdict.result, 0);
	assert_int_equal(verdict.moved, 511);
	srb.transfer_length = 2048; /* some blocks: the rest is asked for again */
	assert_int_equal(judge(&srb, 4096, 512).result, 0);
}

static void srb_errors_without_sense(void **state)
{
	static const struct {
		u8 srb_status;
		u32 result;
		enum storvsc_action action;
	} cases[] = {
		{ SRB_STATUS_PENDING, HOST(DID_ERROR), STORVSC_ACT_NONE },
		{ SRB_STATUS_ABORTED, HOST(DID_SOFT_ERROR), STORVSC_ACT_NONE },
		{ SRB_STATUS_ERROR, HOST(DID_ERROR), STORVSC_ACT_NONE },
		{ SRB_STATUS_BUSY, SAM_STAT_BUSY, STORVSC_ACT_NONE },
		{ SRB_STATUS_INVALID_REQUEST, HOST(DID_ERROR), STORVSC_ACT_NONE },
		{ SRB_STATUS_NO_DEVICE, HOST(DID_NO_CONNECT), STORVSC_ACT_NONE },
		{ SRB_STATUS_TIMEOUT, HOST(DID_ERROR), STORVSC_ACT_NONE },
		{ SRB_STATUS_SELECTION_TIMEOUT, HOST(DID_ERROR), STORVSC_ACT_NONE },
		{ SRB_STATUS_BUS_RESET, HOST(DID_SOFT_ERROR), STORVSC_ACT_NONE },
		{ SRB_STATUS_DATA_OVERRUN, HOST(DID_ERROR), STORVSC_ACT_NONE },
		{ SRB_STATUS_INVALID_LUN, HOST(DID_NO_CONNECT), STORVSC_ACT_REMOVE },
		{ SRB_STATUS_INTERNAL_ERROR, HOST(DID_ERROR), STORVSC_ACT_NONE },
		{ 0x3F, HOST(DID_ERROR), STORVSC_ACT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vstor_srb srb = srb_of(cases[i].srb_status, SAM_STAT_GOOD, 4096);
		struct storvsc_verdict verdict = judge(&srb, 4096, 4096);

		assert_int_equal(verdict.result, cases[i].result);
		assert_int_equal(verdict.action, cases[i].action);
		assert_int_equal(verdict.sense_bytes, 0);
	}
}

static void srb_errors_with_sense_leave_it_to_the_sense(void **state)
{
	static const u8 codes[] = {
		SRB_STATUS_ABORTED,
		SRB_STATUS_ERROR,
		SRB_STATUS_INVALID_REQUEST,
		SRB_STATUS_TIMEOUT,
		SRB_STATUS_SELECTION_TIMEOUT,
		SRB_STATUS_BUS_RESET,
		SRB_STATUS_DATA_OVERRUN,
		SRB_STATUS_INTERNAL_ERROR,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(codes); i++) {
		struct vstor_srb srb = srb_of(codes[i] | SENSE_OK, CHECK, 0);
		struct storvsc_verdict verdict;

		put_sense(&srb, ILLEGAL_REQUEST, 0x20, 0);
		verdict = judge(&srb, 4096, 4096);
		assert_int_equal(verdict.result, CHECK);
		assert_int_equal(verdict.sense_bytes, 18);
		assert_int_equal(verdict.action, STORVSC_ACT_NONE);

		srb.scsi_status = SAM_STAT_GOOD; /* the host left it out */
		assert_int_equal(judge(&srb, 4096, 4096).result, CHECK);
	}
}

static void sense_counts_only_if_it_is_really_there(void **state)
{
	struct vstor_srb good = srb_of(SRB_STATUS_ERROR | SENSE_OK, CHECK, 0);
	struct vstor_srb srb;

	(void)state;
	put_sense(&good, UNIT_ATTENTION, 0x2A, 0x09);
	assert_int_equal(judge(&good, 0, 0).action, STORVSC_ACT_RESCAN);

	srb = good;
	srb.srb_status = SRB_STATUS_ERROR; /* the flag is missing */
	assert_int_equal(judge(&srb, 0, 0).sense_bytes, 0);
	assert_int_equal(judge(&srb, 0, 0).result, HOST(DID_ERROR));
	assert_int_equal(judge(&srb, 0, 0).action, STORVSC_ACT_NONE);

	for (unsigned int length = 0; length <= 255; length++) {
		srb = good;
		srb.sense_length = (u8)length;
		assert_int_equal(judge(&srb, 0, 0).sense_bytes,
				 length >= 8 && length <= VSTOR_SENSE_MAX ? length : 0);
	}
	srb = good;
	srb.sense_length = 8; /* no room for a code: none is made up */
	assert_int_equal(judge(&srb, 0, 0).action, STORVSC_ACT_NONE);

	for (unsigned int code = 0; code <= 255; code++) {
		srb = good;
		srb.sense[0] = (u8)code;
		assert_int_equal(judge(&srb, 0, 0).sense_bytes,
				 (code & 0x7F) >= 0x70 && (code & 0x7F) <= 0x73 ? 18 : 0);
	}
}

static void changes_ask_for_a_look(void **state)
{
	struct vstor_srb srb = srb_of(SRB_STATUS_ERROR | SENSE_OK, CHECK, 0);

	(void)state;
	put_sense(&srb, UNIT_ATTENTION, 0x3F, 0x0E);
	assert_int_equal(judge(&srb, 0, 0).action, STORVSC_ACT_SCAN);
	put_sense(&srb, UNIT_ATTENTION, 0x3F, 0x01);
	assert_int_equal(judge(&srb, 0, 0).action, STORVSC_ACT_RESCAN);
	put_sense(&srb, UNIT_ATTENTION, 0x29, 0x00);
	assert_int_equal(judge(&srb, 0, 0).action, STORVSC_ACT_NONE);

	/* The same said with SRB success: with and without CHECK CONDITION. */
	srb = srb_of(SRB_STATUS_SUCCESS | SENSE_OK, CHECK, 0);
	put_sense(&srb, UNIT_ATTENTION, 0x2A, 0x09);
	assert_int_equal(judge(&srb, 0, 0).result, CHECK);
	assert_int_equal(judge(&srb, 0, 0).action, STORVSC_ACT_RESCAN);
	srb.scsi_status = SAM_STAT_GOOD;
	srb.transfer_length = 512;
	assert_int_equal(judge(&srb, 512, 512).result, 0);
	assert_int_equal(judge(&srb, 512, 512).action, STORVSC_ACT_RESCAN);

	/* Descriptor format. */
	srb = srb_of(SRB_STATUS_ERROR | SENSE_OK, CHECK, 0);
	srb.sense_length = 8;
	srb.sense[0] = 0x72;
	srb.sense[1] = UNIT_ATTENTION;
	srb.sense[2] = 0x2A;
	srb.sense[3] = 0x09;
	assert_int_equal(judge(&srb, 0, 0).action, STORVSC_ACT_RESCAN);
}

static void overrun_is_no_error_beside_block_io(void **state)
{
	struct vstor_srb srb = srb_of(SRB_STATUS_DATA_OVERRUN, SAM_STAT_GOOD, 40);
	struct storvsc_verdict verdict = judge(&srb, 64, 0); /* as for MAINTENANCE_IN */

	(void)state;
	assert_int_equal(verdict.result, 0);
	assert_int_equal(verdict.moved, 40);
	assert_int_equal(judge(&srb, 512, 512).result, HOST(DID_ERROR));
}

static void scsi_statuses(void **state)
{
	static const u8 passed_on[] = {
		SAM_STAT_BUSY,
		SAM_STAT_RESERVATION_CONFLICT,
		SAM_STAT_TASK_SET_FULL,
		SAM_STAT_TASK_ABORTED,
	};
	/* The last one without sense. */
	static const u8 nonsense[] = { 0x01, 0x10, 0x22, 0x30, 0x80, 0xFF, CHECK };
	struct vstor_srb srb;

	(void)state;
	for (size_t i = 0; i < sizeof(passed_on); i++) {
		srb = srb_of(SRB_STATUS_ERROR, passed_on[i], 0);
		assert_int_equal(judge(&srb, 512, 512).result, passed_on[i]);
		srb = srb_of(SRB_STATUS_SUCCESS, passed_on[i], 0);
		assert_int_equal(judge(&srb, 512, 512).result, passed_on[i]);
	}
	for (size_t i = 0; i < sizeof(nonsense); i++) {
		srb = srb_of(SRB_STATUS_ERROR, nonsense[i], 0);
		assert_int_equal(judge(&srb, 512, 512).result, HOST(DID_ERROR));
		srb = srb_of(SRB_STATUS_SUCCESS, nonsense[i], 512);
		assert_int_equal(judge(&srb, 512, 512).result, HOST(DID_ERROR));
	}
	/* CONDITION MET is a good status: an SRB error must not hide behind it. */
	srb = srb_of(SRB_STATUS_ERROR, SAM_STAT_CONDITION_MET, 0);
	assert_int_equal(judge(&srb, 0, 0).result, HOST(DID_ERROR) | SAM_STAT_CONDITION_MET);
	srb = srb_of(SRB_STATUS_SUCCESS, SAM_STAT_CONDITION_MET, 0);
	assert_int_equal(judge(&srb, 0, 0).result, SAM_STAT_CONDITION_MET);
	/* A missing LUN is missing, whatever else is said. */
	srb = srb_of(SRB_STATUS_INVALID_LUN | SENSE_OK, CHECK, 0);
	put_sense(&srb, UNIT_ATTENTION, 0x2A, 0x09);
	assert_int_equal(judge(&srb, 512, 512).result, HOST(DID_NO_CONNECT));
	assert_int_equal(judge(&srb, 512, 512).action, STORVSC_ACT_REMOVE);
	assert_int_equal(judge(&srb, 512, 512).sense_bytes, 0);
}

/* No answer of 2^16 status pairs is good that did not move the data or say success. */
static void nothing_bad_looks_good(void **state)
{
	(void)state;
	for (u32 pair = 0; pair < 65536; pair++) {
		struct vstor_srb srb = srb_of((u8)pair, (u8)(pair >> 8), 512);
		u32 result;

		put_sense(&srb, MEDIUM_ERROR, 0x11, 0);
		result = judge(&srb, 512, 512).result;
		if (result == 0 || result == SAM_STAT_CONDITION_MET)
			assert_int_equal(srb.srb_status & SRB_STATUS_MASK, SRB_STATUS_SUCCESS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_go_there_and_back),
		cmocka_unit_test(impossible_ids_are_refused),
		cmocka_unit_test(buckets_are_powers_of_two),
		cmocka_unit_test(lists_of_luns),
		cmocka_unit_test(plans_fit_the_channels),
		cmocka_unit_test(cpus_spread_over_queues),
		cmocka_unit_test(rings_shrink_with_many_channels),
		cmocka_unit_test(generations_wrap_without_zero),
		cmocka_unit_test(packets_have_the_sizes_of_the_protocol),
		cmocka_unit_test(limits_follow_the_host_within_bounds),
		cmocka_unit_test(the_largest_request_fits_a_quarter_of_any_ring),
		cmocka_unit_test(success_is_success),
		cmocka_unit_test(transfer_length_is_bounded),
		cmocka_unit_test(too_little_is_an_error_for_block_io_only),
		cmocka_unit_test(srb_errors_without_sense),
		cmocka_unit_test(srb_errors_with_sense_leave_it_to_the_sense),
		cmocka_unit_test(sense_counts_only_if_it_is_really_there),
		cmocka_unit_test(changes_ask_for_a_look),
		cmocka_unit_test(overrun_is_no_error_beside_block_io),
		cmocka_unit_test(scsi_statuses),
		cmocka_unit_test(nothing_bad_looks_good),
	};

	return cmocka_run_group_tests_name("storvsc map", tests, NULL, NULL);
}
