// SPDX-License-Identifier: GPL-2.0
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c host/loop.c host/error.c
// links: host/fault_names.c host/fault_vstor.c host/fault_nvsp.c host/fault_dm.c host/fault_image.c
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

#include "error.h"
#include "fault.h"
#include "fault_image.h"
#include "wire/chanmsg.h"
#include "wire/dm.h"
#include "wire/hypercall.h"
#include "wire/nvsp.h"
#include "wire/rndis.h"
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
	struct fault_event event;

	fault_event_init(&event, FAULT_PACKET, FAULT_TO_GUEST);
	event.channel = channel;
	event.is[FAULT_IF_TYPE] = PACKET_COMPLETION;
	event.is[FAULT_IF_RELID] = 3;
	event.is[FAULT_IF_OP] = operation;
	event.is[FAULT_IF_CDB] = cdb;
	return event;
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
	char error[ERROR_BYTES];

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
		{ "packet,nvsp=initt:drop", "nvsp=initt: not a value for it" },
		{ "packet,oid=no-such:drop", "oid=no-such: not a value for it" },
		{ "packet:corrupt,at=moon", "at= of 'corrupt': not a value for it" },
		{ "packet:corrupt,at=9", "at= of 'corrupt': not a value for it" },
		{ "packet:corrupt,ranges=1001", "ranges= of 'corrupt': not a value for it" },
		{ "packet:duplicate,at=ranges", "'duplicate' takes no 'at'" },
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
	char error[ERROR_BYTES];

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
		"packet:answer,status=0xC0000001,srb-status=4,scsi-status=2,sense=5/20/00,transfer=0,id=7,op=99",
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
		"packet,from=guest,type=gpa-direct,nvsp=rndis,rndis=query,oid=rss-capabilities:drop",
		"packet,to=guest,type=xfer-pages,rndis=packet:corrupt,at=ranges,offset=8,add=1,size=4",
		"packet,to=guest,rndis=0x80000004,oid=0x10204:corrupt,at=pointed,offset=0,bytes=0102",
		"packet,nvsp=init-complete:answer,nvsp=99,status=2",
		"packet,dm=unballoon-request,channel=dm0:answer,pfn=0x100,pages=5",
		"now,channel=dm0:send,dm=hot-add-request,pfn=0x100000,pages=0x8000,times=2",
		"packet:corrupt,ranges=563",
		"packet,to=guest,ic=negotiate:answer,frames=65535,versions=300",
		"now,channel=timesync:send,ic=timesync,time=0x7fffffffffffffff,flags=1,times=500",
		"packet,ic=99:answer,ic=shutdown,status=0x80004005",
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
	event.is[FAULT_IF_CDB] = 0x2A;
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
	struct fault_action action;

	add(*state, "packet:answer,srb-status=4,scsi-status=2,sense=2/04/01,transfer=100,"
		    "status=0xC0000001");
	action = decide(*state, &event);
	fault_vstor.set(&action, &vstor, sizeof(vstor));
	assert_int_equal(vstor.status, NTSTATUS_UNSUCCESSFUL);
	assert_int_equal(vstor.srb.srb_status, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
	assert_int_equal(vstor.srb.scsi_status, 2);
	assert_int_equal(vstor.srb.transfer_length, 100);
	assert_int_equal(vstor.srb.sense[0], 0x70);
	assert_int_equal(vstor.srb.sense[2], 2);
	assert_int_equal(vstor.srb.sense[12], 4);
	assert_int_equal(vstor.srb.sense[13], 1);
	assert_int_equal(vstor.srb.sense_length, 18);
	fault_vstor.set(&action, &vstor, 9); /* a short one: what is there */
}

static void corruption_adds_and_writes_long(void **state)
{
	const struct fault_event event = packet_event("nic0", FAULT_UNKNOWN, FAULT_UNKNOWN);
	uint8_t bytes[20] = { 0 };
	struct fault_action action;

	bytes[1] = 0xFF;
	add(*state, "packet:corrupt,offset=1,add=2,size=2");
	action = decide(*state, &event);
	fault_corrupt(&action, NULL, bytes, sizeof(bytes));
	assert_int_equal(bytes[1], 1);
	assert_int_equal(bytes[2], 1);
	fault_remove(*state, 0);
	add(*state, "packet:corrupt,offset=8,bytes=0102030405060708090a");
	action = decide(*state, &event);
	fault_corrupt(&action, NULL, bytes, 16);
	assert_int_equal(bytes[8], 1);
	assert_int_equal(bytes[15], 8);
	assert_int_equal(bytes[16], 0);
}

/* A request of RNDIS in @front, as the host finds it in guest memory. */
static struct fault_event rndis_event(struct fault_view *view, uint32_t type, uint32_t request, uint32_t oid)
{
	static uint8_t front[FAULT_POINTED_MAX];
	static const uint32_t nvsp = NVSP_SEND_RNDIS_PKT;
	const uint32_t words[] = { type, sizeof(front), request, oid };
	struct fault_event event;

	memcpy(front, words, sizeof(words));
	view->payload = &nvsp;
	view->bytes = sizeof(nvsp);
	view->pointed = front;
	view->pointed_bytes = sizeof(front);
	fault_event_init(&event, FAULT_PACKET, FAULT_TO_GUEST);
	fault_nvsp.describe(&event, view);
	return event;
}

static void network_packets_are_described(void **state)
{
	uint64_t memory[FAULT_MEMORY] = { 0 };
	struct fault_view view = { .memory = memory };
	struct fault_event event;

	add(*state, "packet,nvsp=rndis,rndis=query-complete,oid=rss-capabilities:drop");
	event = rndis_event(&view, RNDIS_QUERY, 5, RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES);
	assert_int_equal(event.is[FAULT_IF_OID], RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES);
	assert_int_equal(hits(*state, &event, 1), 0);
	rndis_event(&view, RNDIS_QUERY, 6, RNDIS_OID_GEN_LINK_SPEED);
	/* The answer's second word is its status, not an OID. */
	event = rndis_event(&view, RNDIS_QUERY | RNDIS_COMPLETION, 5, 0);
	assert_int_equal(hits(*state, &event, 1), 1);
	event = rndis_event(&view, RNDIS_QUERY | RNDIS_COMPLETION, 6, 0);
	assert_int_equal(hits(*state, &event, 1), 0);
	event = rndis_event(&view, RNDIS_SET | RNDIS_COMPLETION, 7, 0);
	assert_int_equal(event.is[FAULT_IF_OID], FAULT_UNKNOWN);
	event = rndis_event(&view, RNDIS_HALT, 8, 0);
	view.pointed_bytes = 12; /* HALT has no more */
	fault_nvsp.describe(&event, &view);
	assert_int_equal(event.is[FAULT_IF_RNDIS], RNDIS_HALT);
	view.bytes = 3;
	view.pointed_bytes = 3;
	fault_event_init(&event, FAULT_PACKET, FAULT_TO_GUEST);
	fault_nvsp.describe(&event, &view);
	assert_int_equal(event.is[FAULT_IF_NVSP], FAULT_UNKNOWN);
	assert_int_equal(event.is[FAULT_IF_RNDIS], FAULT_UNKNOWN);
}

static void network_answers_have_a_status(void **state)
{
	static const struct {
		uint32_t request, answer;
		unsigned int status_word;
	} rows[] = {
		{ NVSP_INIT, NVSP_INIT_COMPLETE, 3 },
		{ NVSP_SEND_RECV_BUF, NVSP_SEND_RECV_BUF_COMPLETE, 1 },
		{ NVSP_SEND_SEND_BUF, NVSP_SEND_SEND_BUF_COMPLETE, 1 },
		{ NVSP_SEND_RNDIS_PKT, NVSP_SEND_RNDIS_PKT_COMPLETE, 1 },
		{ NVSP_SUBCHANNEL, NVSP_SUBCHANNEL, 1 },
	};
	const struct fault_event event = packet_event("nic0", FAULT_UNKNOWN, FAULT_UNKNOWN);
	struct fault_action action;

	add(*state, "packet:answer,status=2");
	action = decide(*state, &event);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t words[10] = { rows[i].request, 77, 77, 77, 77 };

		fault_nvsp.turn(words, sizeof(words));
		fault_nvsp.set(&action, words, sizeof(words));
		assert_int_equal(words[0], rows[i].answer);
		assert_int_equal(words[rows[i].status_word], 2);
		assert_int_equal(words[4], 0);
	}
}

/* The fields that a rule may give a message about memory, wherever that has them. */
static void answers_about_memory(void **state)
{
	static const struct {
		const char *rule;
		uint16_t type;
		unsigned int word;
		uint64_t value;
		uint16_t size;
	} rows[] = {
		{ "packet:answer,pages=7", DM_BALLOON_REQUEST, 1, 7, 16 },
		{ "packet:answer,pages=7,pfn=0x123", DM_UNBALLOON_REQUEST, 2, DM_RANGE(0x123, 7), 24 },
		{ "packet:answer,pages=7,pfn=0x123", DM_HOT_ADD_REQUEST, 1, DM_RANGE(0x123, 7), 16 },
		{ "packet:answer,pages=7", DM_HOT_REMOVE_REQUEST, 1, 7ull << 32, 24 },
		{ "packet:answer,status=5", DM_CAPS_RESPONSE, 1, 5, 16 },
		{ "packet:answer,status=0", DM_VERSION_RESPONSE, 1, 0, 16 },
	};
	const struct fault_event event = packet_event("dm0", FAULT_UNKNOWN, FAULT_UNKNOWN);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t words[5] = { rows[i].type, 0, 0, 0, 99 };
		struct fault_view view = { .payload = words, .bytes = 8 };
		struct fault_event seen = event;
		struct fault_action action;

		fault_remove(*state, 0);
		add(*state, rows[i].rule);
		action = decide(*state, &event);
		fault_dm.set(&action, words, 32);
		assert_int_equal(words[0], rows[i].type | (uint64_t)rows[i].size << 16);
		assert_int_equal(words[rows[i].word], rows[i].value);
		assert_int_equal(words[4], 99);
		fault_dm.describe(&seen, &view);
		assert_int_equal(seen.is[FAULT_IF_DM], rows[i].type);
	}
}

static struct fault_image *transfer(uint8_t *message, uint32_t bytes)
{
	struct {
		uint16_t id;
		uint8_t owns, reserved;
		uint32_t count;
		struct packet_xfer_range ranges[2];
		uint32_t nvsp;
	} body = { NVSP_RECV_BUF_ID, 0, 0, 2, { { 60, 2048 }, { 70, 4096 } }, NVSP_SEND_RNDIS_PKT };
	const struct packet packet = {
		.desc = { .type = PACKET_XFER_PAGES, .offset8 = 5 },
		.bytes = sizeof(body), .payload = 24, .data = (uint8_t *)&body,
	};

	return fault_image_make(FAULT_TO_GUEST, &packet, &(struct iovec){ message, bytes });
}

static void corrupt_image(struct fault *fault, struct fault_image *image, const char *rule)
{
	const struct fault_event event = packet_event("nic0", FAULT_UNKNOWN, FAULT_UNKNOWN);
	struct fault_action action;

	add(fault, rule);
	action = decide(fault, &event);
	fault_image_corrupt(image, &action);
	fault_remove(fault, 0);
}

static uint32_t word(const struct fault_image *image, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, image->data + offset, sizeof(value));
	return value;
}

/* All three places of a transfer-pages packet, and a list that grows and shrinks. */
static void transfers_are_lied_about(void **state)
{
	uint8_t message[8] = { 0 };
	struct fault_image *image = transfer(message, sizeof(message));

	corrupt_image(*state, image, "packet:corrupt,at=ranges,offset=12,add=0x100000,size=4");
	assert_int_equal(word(image, 12), 2048 + 0x100000);
	corrupt_image(*state, image, "packet:corrupt,at=ranges,offset=24,value=1,size=4"); /* is behind them */
	corrupt_image(*state, image, "packet:corrupt,at=payload,offset=0,value=99,size=4");
	assert_int_equal(word(image, image->payload), 99);
	corrupt_image(*state, image, "packet:corrupt,at=pointed,offset=6,bytes=11223344");
	assert_int_equal(message[6], 0x11);
	assert_int_equal(message[7], 0x22);
	corrupt_image(*state, image, "packet:corrupt,ranges=563");
	assert_int_equal(word(image, 4), 563);
	assert_int_equal(image->payload, 8 + 563 * 8);
	assert_int_equal(image->desc.offset8, 3 + 563);
	assert_int_equal(word(image, 8 + 562 * 8), 70);
	assert_int_equal(word(image, image->payload), 99);
	assert_int_equal(image->bytes, image->payload + 4);
	corrupt_image(*state, image, "packet:corrupt,ranges=1");
	assert_int_equal(word(image, 4), 1);
	assert_int_equal(word(image, image->payload), 99);
	free(image);
	image = transfer(NULL, 0);
	corrupt_image(*state, image, "packet:corrupt,at=pointed,offset=0,value=1"); /* at nothing */
	image->desc.type = PACKET_INBAND;
	corrupt_image(*state, image, "packet:corrupt,ranges=9");
	assert_int_equal(image->payload, 24);
	free(image);
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
		TEST(answers_about_memory),
		TEST(bad_rules_are_told),	   TEST(every_verb_is_taken),
		TEST(conditions_all_hold),	   TEST(occasions_are_counted),
		TEST(luck_is_reproducible),	   TEST(silence_lasts_until_removed),
		TEST(hypercalls_are_answered),	   TEST(corruption_stays_inside),
		TEST(answers_have_chosen_fields), TEST(lies_are_of_what_was_asked),
		TEST(corruption_adds_and_writes_long), TEST(network_packets_are_described),
		TEST(network_answers_have_a_status), TEST(transfers_are_lied_about),
		TEST(now_is_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
