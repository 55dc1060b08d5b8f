// SPDX-License-Identifier: GPL-2.0
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c host/loop.c
/*
 * Rules of faults: what is a rule and what is said of one that is none, which events hit, how often,
 * with what luck; what is done to bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fault.h"
#include "wire/chanmsg.h"
#include "wire/tlfs.h"
#include "wire/vstor.h"

static int setup(void **state)
{
	*state = fault_create();
	return 0;
}

static int teardown(void **state)
{
	fault_destroy(*state);
	return 0;
}

static struct fault_event packet_event(const char *channel, uint64_t operation, uint64_t cdb)
{
	return (struct fault_event){ .subject = FAULT_PACKET,
				     .direction = FAULT_TO_GUEST,
				     .type = PACKET_COMPLETION,
				     .channel = channel,
				     .relid = 3,
				     .operation = operation,
				     .cdb = cdb };
}

static unsigned int hits(struct fault *fault, const struct fault_event *event, unsigned int times)
{
	struct fault_verdict verdict;
	unsigned int count = 0;

	while (times--) {
		fault_decide(fault, event, &verdict);
		count += verdict.count;
	}
	return count;
}

static void add(struct fault *fault, const char *rule)
{
	char error[FAULT_ERROR_BYTES];

	if (fault_add(fault, rule, error) < 0)
		fail_msg("%s: %s", rule, error);
}

static json_int_t number_of(struct fault *fault, unsigned int index, const char *name)
{
	json_t *list = fault_list(fault);
	json_int_t number =
		json_integer_value(json_object_get(json_array_get(list, index), name));

	json_decref(list);
	return number;
}

static void bad_rules_are_told(void **state)
{
	static const struct {
		const char *rule, *error;
	} bad[] = {
		{ "drop", "a rule is written WHEN:WHAT" },
		{ "", "a rule is written WHEN:WHAT" },
		{ "pocket:drop", "'pocket' is not message, packet, hypercall, interrupt or now" },
		{ "packet:dorp", "'dorp' is nothing that could be done" },
		{ "packet:", "'' is nothing that could be done" },
		{ "packet,nth:drop", "'nth': a condition is written NAME=VALUE" },
		{ "packet,nth=0:drop", "nth=0: not a value for it" },
		{ "packet,nth=-1:drop", "nth=-1: not a value for it" },
		{ "packet,every=x:drop", "every=x: not a value for it" },
		{ "packet,prob=2:drop", "prob=2: not a value for it" },
		{ "packet,prob=0:drop", "prob=0: not a value for it" },
		{ "packet,to=moon:drop", "to=moon: not a value for it" },
		{ "packet,op=compete-io:drop", "op=compete-io: not a value for it" },
		{ "message,type=opne:drop", "type=opne: not a value for it" },
		{ "packet,wibble=1:drop", "unknown condition 'wibble'" },
		{ "packet,channel=:drop", "channel=: not a value for it" },
		{ "packet:drop,ms=3", "'drop' takes no 'ms'" },
		{ "packet:delay", "'delay' needs ms=" },
		{ "packet:delay,ms=9999999", "ms= of 'delay': not a value for it" },
		{ "packet:delay,ms=1,ms=2", "'ms' is there twice" },
		{ "packet:corrupt,offset=-17", "offset= of 'corrupt': not a value for it" },
		{ "packet:corrupt,size=9", "size= of 'corrupt': not a value for it" },
		{ "packet:answer", "'answer' needs something to write" },
		{ "packet:answer,sense=2", "sense= of 'answer': not a value for it" },
		{ "packet:raw,bytes=abc", "bytes= of 'raw': not a value for it" },
		{ "packet:raw", "'raw' needs something to write" },
		{ "packet:ring,in=sideways,read=1", "in= of 'ring': not a value for it" },
		{ "packet:lie,of=drop+lie", "of= of 'lie': not a value for it" },
		{ "hypercall:delay,ms=1", "'delay' cannot be done to 'hypercall'" },
		{ "now:drop", "'drop' cannot be done to 'now'" },
		{ "now:rescind", "'rescind' needs channel= when it is done now" },
	};
	char error[FAULT_ERROR_BYTES];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(fault_add(*state, bad[i].rule, error) < 0);
		assert_string_equal(error, bad[i].error);
	}
	assert_false(fault_armed(*state));
}

static void every_verb_is_taken(void **state)
{
	static const char *const good[] = {
		"message,to=guest,type=offer,channel=scsi0:delay,ms=10",
		"message,from=guest,type=14,relid=0x10:drop",
		"packet,from=guest,type=gpa-direct,op=execute-srb,cdb=0x28,lun=3:reorder,ms=5",
		"packet,to=guest,op=1,nth=3,every=2,count=9:duplicate,ms=500,offset=0,value=1",
		"packet,prob=0.5,seed=42:corrupt,offset=-8,value=0x1122334455667788,size=8",
		"packet:answer,status=0xC0000001,srb-status=4,scsi-status=2,sense=5/20/00,transfer=0,"
		"id=7,op=99",
		"interrupt,channel=scsi0.1:drop",
		"now,channel=scsi0:raise,times=100,relid=5",
		"packet,nth=1:stall",
		"now,channel=scsi0:ring,in=to-guest,write=0xfffffff8,pending=4,mask=1,read=8",
		"now:raw,channel=scsi0,bytes=06000200080000000000000000000000",
		"now,channel=scsi0:send,type=7,op=enumerate-bus,length=12",
		"now:post,type=rescind,relid=2000,length=12,times=3",
		"message,type=open:rescind,reoffer=10,times=5",
		"packet:silent,channel=scsi0",
		"hypercall,type=post-message,connection=4:answer,status=18",
		"packet,every=3:lie,of=drop+ring",
	};
	size_t count = sizeof(good) / sizeof(good[0]);

	for (size_t i = 0; i < count; i++)
		add(*state, good[i]);
	assert_int_equal(number_of(*state, count - 1, "id"), count);
	assert_int_equal(fault_remove(*state, 3), 1);
	assert_int_equal(fault_remove(*state, 3), 0);
	assert_int_equal(fault_remove(*state, 0), count - 1);
	assert_false(fault_armed(*state));
}

static void conditions_all_hold(void **state)
{
	struct fault_event event = packet_event("scsi0", VSTOR_COMPLETE_IO, 0x28);

	add(*state, "packet,to=guest,channel=scsi0,op=complete-io,cdb=0x28,relid=3:drop");
	assert_int_equal(hits(*state, &event, 1), 1);
	event.cdb = 0x2A;
	assert_int_equal(hits(*state, &event, 1), 0);
	event = packet_event("scsi0.1", VSTOR_COMPLETE_IO, 0x28);
	assert_int_equal(hits(*state, &event, 1), 0);
	event = packet_event("scsi0", VSTOR_COMPLETE_IO, 0x28);
	event.direction = FAULT_FROM_GUEST;
	assert_int_equal(hits(*state, &event, 1), 0);
	event = packet_event("scsi0", VSTOR_COMPLETE_IO, FAULT_UNKNOWN);
	assert_int_equal(hits(*state, &event, 1), 0);
	fault_remove(*state, 0);
	add(*state, "packet,channel=scsi0*:drop");
	event.channel = "scsi0.12";
	assert_int_equal(hits(*state, &event, 1), 1);
	event.channel = "scsi1";
	assert_int_equal(hits(*state, &event, 1), 0);
	assert_int_equal(number_of(*state, 0, "matched"), 1);
	assert_int_equal(number_of(*state, 0, "hits"), 1);
}

static void occasions_are_counted(void **state)
{
	const struct fault_event event = packet_event("scsi0", VSTOR_COMPLETE_IO, 0x28);
	static const struct {
		const char *rule;
		unsigned int of_20;
	} rules[] = {
		{ "packet:drop", 20 },		      { "packet,nth=3:drop", 1 },
		{ "packet,nth=3,count=5:drop", 5 },   { "packet,every=4:drop", 5 },
		{ "packet,nth=2,every=4:drop", 5 },   { "packet,every=2,count=3:drop", 3 },
		{ "packet,count=7:drop", 7 },	      { "packet,nth=21:drop", 0 },
		{ "packet,nth=15,every=1:drop", 6 },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		add(*state, rules[i].rule);
		assert_int_equal(hits(*state, &event, 20), rules[i].of_20);
		fault_remove(*state, 0);
	}
}

static void luck_is_reproducible(void **state)
{
	const struct fault_event event = packet_event("scsi0", VSTOR_COMPLETE_IO, 0x28);
	unsigned int same;

	add(*state, "packet,prob=0.25,seed=7:drop");
	same = hits(*state, &event, 2000);
	assert_in_range(same, 400, 600);
	fault_remove(*state, 0);
	add(*state, "packet,prob=0.25,seed=7:drop");
	assert_int_equal(hits(*state, &event, 2000), same);
	fault_remove(*state, 0);
	add(*state, "packet,prob=1,seed=7:drop");
	assert_int_equal(hits(*state, &event, 100), 100);
}

static void silence_lasts_until_removed(void **state)
{
	struct fault_event event = packet_event("scsi0", VSTOR_COMPLETE_IO, 0x28);
	struct fault_verdict verdict;

	add(*state, "packet,nth=2:silent,channel=scsi0");
	fault_decide(*state, &event, &verdict);
	assert_false(verdict.silent);
	for (int i = 0; i < 3; i++) {
		fault_decide(*state, &event, &verdict);
		assert_true(verdict.silent);
	}
	event.channel = "scsi1";
	fault_decide(*state, &event, &verdict);
	assert_false(verdict.silent);
	fault_remove(*state, 0);
	event.channel = "scsi0";
	fault_decide(*state, &event, &verdict);
	assert_false(verdict.silent);
}

static void hypercalls_are_answered(void **state)
{
	uint16_t status;

	add(*state, "hypercall,type=post-message,connection=4,nth=2:answer,status=18");
	add(*state, "hypercall,type=0x77:drop");
	assert_false(fault_hypercall(*state, TLFS_HCALL_POST_MESSAGE, 4, &status));
	assert_false(fault_hypercall(*state, TLFS_HCALL_POST_MESSAGE, 1, &status));
	assert_true(fault_hypercall(*state, TLFS_HCALL_POST_MESSAGE, 4, &status));
	assert_int_equal(status, TLFS_STATUS_INVALID_CONNECTION_ID);
	assert_true(fault_hypercall(*state, 0x77, FAULT_UNKNOWN, &status));
	assert_int_equal(status, TLFS_STATUS_SUCCESS);
}

/* The action of the first rule that hits. */
static struct fault_action decide(struct fault *fault, const struct fault_event *event)
{
	struct fault_verdict verdict;

	fault_decide(fault, event, &verdict);
	assert_int_equal(verdict.count, 1);
	return verdict.actions[0];
}

static void corruption_stays_inside(void **state)
{
	const struct fault_event event = packet_event("scsi0", VSTOR_COMPLETE_IO, 0x28);
	struct packet_desc desc = { .transaction_id = 1 };
	uint8_t bytes[10] = { 0 }, zero[10] = { 0 };
	struct fault_action action;

	add(*state, "packet:corrupt,offset=4,value=0x0102,size=2");
	action = decide(*state, &event);
	fault_corrupt(&action, &desc, bytes, 8);
	assert_int_equal(bytes[4], 2);
	assert_int_equal(bytes[5], 1);
	fault_remove(*state, 0);
	add(*state, "packet:corrupt,offset=-8,value=9");
	action = decide(*state, &event);
	fault_corrupt(&action, &desc, bytes, 8);
	assert_int_equal(desc.transaction_id, 9);
	fault_corrupt(&action, NULL, bytes, 8);
	fault_remove(*state, 0);
	memset(bytes, 0, sizeof(bytes));
	add(*state, "packet:corrupt,offset=7,value=0xffffffffffffffff,size=8");
	action = decide(*state, &event);
	fault_corrupt(&action, NULL, bytes, 8);
	assert_int_equal(bytes[7], 0xFF);
	assert_int_equal(bytes[8], 0);
	fault_corrupt(&action, NULL, zero, 7);
	assert_int_equal(zero[6], 0);
	fault_corrupt(&action, NULL, zero, 0);
}

static void answers_have_chosen_fields(void **state)
{
	const struct fault_event event = packet_event("scsi0", VSTOR_COMPLETE_IO, 0x28);
	struct vstor_packet vstor = { .operation = VSTOR_COMPLETE_IO };
	struct packet_desc desc = { .transaction_id = 5 };
	struct fault_action action;

	add(*state, "packet:answer,srb-status=4,scsi-status=2,sense=2/04/01,transfer=100,id=77,"
		    "status=0xC0000001");
	action = decide(*state, &event);
	fault_answer_packet(&action, &desc, &vstor, sizeof(vstor));
	assert_int_equal(desc.transaction_id, 77);
	assert_int_equal(vstor.status, NTSTATUS_UNSUCCESSFUL);
	assert_int_equal(vstor.srb.srb_status, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
	assert_int_equal(vstor.srb.scsi_status, 2);
	assert_int_equal(vstor.srb.transfer_length, 100);
	assert_int_equal(vstor.srb.sense[0], 0x70);
	assert_int_equal(vstor.srb.sense[2], 2);
	assert_int_equal(vstor.srb.sense[12], 4);
	assert_int_equal(vstor.srb.sense[13], 1);
	assert_int_equal(vstor.srb.sense_length, 18);
	fault_answer_packet(&action, &desc, &vstor, 9); /* a short one: what is there */
}

static void lies_are_of_what_was_asked(void **state)
{
	const struct fault_event event = packet_event("scsi0", VSTOR_COMPLETE_IO, 0x28);
	unsigned int seen[FAULT_VERBS] = { 0 };

	add(*state, "packet,seed=3:lie");
	for (int i = 0; i < 2000; i++)
		seen[decide(*state, &event).verb]++;
	assert_int_equal(seen[FAULT_LIE] + seen[FAULT_SILENT] + seen[FAULT_RESCIND], 0);
	assert_true(seen[FAULT_DROP] && seen[FAULT_DELAY] && seen[FAULT_DUPLICATE] &&
		    seen[FAULT_REORDER] && seen[FAULT_CORRUPT] && seen[FAULT_ANSWER] &&
		    seen[FAULT_RAISE] && seen[FAULT_RING] && seen[FAULT_RAW]);
	fault_remove(*state, 0);
	add(*state, "packet,seed=3:lie,of=rescind+delay");
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < 200; i++)
		seen[decide(*state, &event).verb]++;
	assert_int_equal(seen[FAULT_RESCIND] + seen[FAULT_DELAY], 200);
	assert_true(seen[FAULT_RESCIND] && seen[FAULT_DELAY]);
}

static void now_is_once(void **state)
{
	struct fault_action action;

	add(*state, "now,channel=scsi0:rescind,reoffer=0");
	assert_true(fault_now(*state, 1, &action));
	assert_int_equal(action.verb, FAULT_RESCIND);
	assert_string_equal(action.channel, "scsi0");
	assert_false(fault_now(*state, 1, &action));
	assert_int_equal(number_of(*state, 0, "hits"), 1);
	add(*state, "packet:drop");
	assert_false(fault_now(*state, 2, &action));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_rules_are_told),	   TEST(every_verb_is_taken),
		TEST(conditions_all_hold),	   TEST(occasions_are_counted),
		TEST(luck_is_reproducible),	   TEST(silence_lasts_until_removed),
		TEST(hypercalls_are_answered),	   TEST(corruption_stays_inside),
		TEST(answers_have_chosen_fields), TEST(lies_are_of_what_was_asked),
		TEST(now_is_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
