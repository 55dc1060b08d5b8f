// SPDX-License-Identifier: GPL-2.0
// links: host/balloon.c host/balloon_channel.c host/balloon_request.c host/balloon_answer.c host/balloon_plan.c
// links: host/memory.c host/memory_blocks.c host/guestmem.c host/pagemap.c host/provider.c host/fault_dm.c
/*
 * The dynamic memory provider with a guest of the fuzzer's own: any message of any length at any time, answers that are true, near the truth
 * or anything, drivers that go and come, targets that change, timers that fire, a full ring, slots that KVM refuses, pages that channels use.
 * Properties, after each step: the ledger adds up; a page is gone exactly if it is ballooned or not added; what is ballooned was named by the
 * guest while it was asked for; a page that the guest has keeps what is in it; a page in a GPADL is never gone; at most one request waits.
 */
#include "balloon_model.h"
#include "pagemap.h"
#include "quiet_log.h"
#include "tape.h"

#define STAMPS 64u /* pages of RAM that have something in them */
#define STAMP_STEP (MODEL_STARTUP / STAMPS)

static struct pagemap *named; /* by the guest, in answers while it was asked */

static uint8_t *page(uint64_t pfn)
{
	return guestmem_ptr(model.mem, gpa(pfn * 4096), 4096);
}

/* What the guest has put in a page that is its own. */
static void stamp(uint64_t pfn)
{
	if (page(pfn))
		memset(page(pfn), 1 + (int)(pfn % 250), 64);
}

static void check_stamps(void)
{
	for (uint64_t pfn = 0; pfn < MODEL_STARTUP; pfn += STAMP_STEP) {
		if (!page(pfn)) {
			MUST(pagemap_any(named, pfn, 1));
			continue;
		}
		MUST(*page(pfn) == 1 + pfn % 250 || pagemap_any(named, pfn, 1));
	}
}

static void check_ledger(void)
{
	const struct memory_counters *counters = memory_counters(model.memory);
	uint64_t gone = guestmem_count_gone(model.mem, 0, MODEL_STARTUP), window = MODEL_MAX - MODEL_STARTUP;
	uint64_t ballooned = atomic_load(&counters->ballooned), added = atomic_load(&counters->added);
	uint64_t absent = window - added, gone_window = guestmem_count_gone(model.mem, MODEL_WINDOW, window);

	MUST(added <= window && ballooned <= MODEL_STARTUP + added);
	MUST(gone + gone_window == ballooned + absent);
	MUST(memory_assigned(model.memory) == MODEL_STARTUP + added - ballooned);
	MUST(gone <= pagemap_count(named, 0, MODEL_STARTUP));
	for (uint64_t i = 0, block = memory_block(model.memory); i < window / block; i++)
		MUST(model.slots[i] || guestmem_count_gone(model.mem, MODEL_WINDOW + i * block, block) == block);
	MUST(!model.lent || !guestmem_gone(model.mem, model.lent, 1));
	check_stamps();
}

/* A guest reads what it is sent; it is of the right length and names nothing that it does not have. */
static void read_all(void)
{
	const struct model_message *message;

	while ((message = model_next())) {
		struct dm_unballoon_request head;

		memcpy(&head, message->body, sizeof(head));
		MUST(head.header.size == message->bytes && message->bytes <= DM_MESSAGE_MAX);
		if (head.header.type != DM_UNBALLOON_REQUEST)
			continue;
		MUST(sizeof(head) + head.range_count * 8 == message->bytes);
		for (uint32_t i = 0; i < head.range_count; i++) {
			uint64_t word;

			memcpy(&word, message->body + sizeof(head) + 8 * i, sizeof(word));
			MUST(DM_RANGE_PAGES(word) && guestmem_covers(model.mem, DM_RANGE_PFN(word), DM_RANGE_PAGES(word)));
			MUST(!guestmem_gone(model.mem, DM_RANGE_PFN(word), DM_RANGE_PAGES(word)));
		}
	}
}

static uint64_t some_range(struct tape *tape)
{
	uint64_t pfn = tape_u8(tape) & 1 ? MODEL_WINDOW + tape_below(tape, 4) * MODEL_BLOCK : 0;

	switch (tape_below(tape, 8)) {
	case 0:
		return tape_u64(tape);
	case 1:
		return DM_RANGE(pfn, MODEL_BLOCK);
	case 2:
		return DM_RANGE((pfn + tape_u16(tape)) & DM_RANGE_PFN_MAX, tape_u16(tape));
	default:
		return DM_RANGE(pfn + tape_below(tape, 64) * 256, tape_lie(tape, 256) & DM_RANGE_PAGES_MAX);
	}
}

/* Remember what it names, if it was asked. */
static void name_range(uint64_t word)
{
	uint64_t pfn = DM_RANGE_PFN(word), pages = DM_RANGE_PAGES(word);

	if (model.balloon->state == BALLOON_TAKING && pages && guestmem_covers(model.mem, pfn, pages))
		pagemap_set(named, pfn, pages);
}

static void answer_ranges(struct tape *tape, bool removed)
{
	uint64_t ranges[16] = { 0 }, message[20] = { 0 };
	uint32_t count = tape_below(tape, 16), head = removed ? 3 : 2, bytes, said = tape_lie(tape, count);
	bool more = tape_below(tape, 3) == 0;

	for (uint32_t i = 0; i < count; i++) {
		ranges[i] = some_range(tape);
		name_range(ranges[i]);
	}
	bytes = (head + count) * 8;
	message[0] = (removed ? DM_HOT_REMOVE_RESPONSE : DM_BALLOON_RESPONSE) | (uint64_t)(tape_lie(tape, bytes) & 0xFFFF) << 16;
	if (removed)
		message[1] = (uint64_t)said << 32 | 1;
	else
		message[1] = (uint64_t)(said << 1 | more) << 32;
	if (removed)
		message[2] = more;
	memcpy(&message[head], ranges, count * 8);
	model_packet(PACKET_INBAND, 0, message, bytes);
}

static void answer_add(struct tape *tape)
{
	const uint64_t asked = model.channel.state->asked;
	struct dm_hot_add_response answer = { .header = { .type = DM_HOT_ADD_RESPONSE, .size = sizeof(answer) },
					      .page_count = tape_lie(tape, (uint32_t)asked),
					      .result = tape_u8(tape) & 1 };

	model_packet(PACKET_INBAND, 0, &answer, sizeof(answer));
}

static void any_message(struct tape *tape)
{
	uint8_t bytes[256];
	uint32_t count = tape_below(tape, sizeof(bytes) + 1);
	struct dm_header header = { .type = tape_below(tape, 16), .size = (uint16_t)tape_lie(tape, count) };

	tape_take(tape, bytes, count);
	if (count >= sizeof(header))
		memcpy(bytes, &header, sizeof(header));
	for (uint32_t at = 16; header.type == DM_BALLOON_RESPONSE && at + 8 <= count; at += 8) {
		uint64_t word;

		memcpy(&word, bytes + at, sizeof(word));
		name_range(word);
	}
	model_packet(tape_u8(tape) & 7 ? PACKET_INBAND : tape_u8(tape), tape_u8(tape) & 1, bytes, count);
}

static void greet(struct tape *tape)
{
	struct dm_version_request version = { .header = { .type = DM_VERSION_REQUEST, .size = sizeof(version) },
					      .version = tape_lie(tape, DM_VERSION_WIN10),
					      .last_attempt = tape_u8(tape) & 1 };
	struct dm_caps_report caps = { .header = { .type = DM_CAPS_REPORT, .size = sizeof(caps) },
				       .caps = tape_lie(tape, 0x5F),
				       .min_page_count = tape_u8(tape) & 7 ? 0 : tape_u64(tape) };

	model_packet(PACKET_INBAND, 0, &version, sizeof(version));
	model_packet(PACKET_INBAND, 0, &caps, sizeof(caps));
}

static void report(struct tape *tape)
{
	struct dm_status status = { .header = { .type = DM_STATUS_REPORT, .size = sizeof(status) },
				    .available = tape_u8(tape) & 1 ? tape_u64(tape) : tape_u16(tape),
				    .committed = tape_u64(tape) };

	model_packet(PACKET_INBAND, 0, &status, sizeof(status));
}

static void take_back(void)
{
	struct dm_header header = { .type = DM_UNBALLOON_RESPONSE, .size = sizeof(header) };

	model_packet(PACKET_INBAND, 0, &header, sizeof(header));
}

/* A page of the guest's own may be lent to a channel; what is lent is not gone. */
static void lend(struct tape *tape)
{
	uint64_t pfn = tape_below(tape, MODEL_STARTUP);

	model.lent = guestmem_gone(model.mem, pfn, 1) ? 0 : pfn;
}

static void reopen(void)
{
	model_close();
	MUST(!atomic_load(&memory_counters(model.memory)->ballooned) && !model.armed);
	model_open();
}

static void step(struct tape *tape)
{
	switch (tape_below(tape, 16)) {
	case 0:
		greet(tape);
		break;
	case 1:
	case 2:
		balloon_set_target(model.balloon, (uint64_t)tape_u32(tape) % (MODEL_MAX + 1) * 4096);
		model_turn();
		break;
	case 3:
		report(tape);
		break;
	case 4:
		any_message(tape);
		break;
	case 5:
		take_back();
		break;
	case 6:
		answer_add(tape);
		break;
	case 7:
		answer_ranges(tape, true);
		break;
	case 8:
		model_fire();
		break;
	case 9:
		model.channel.full = tape_u8(tape) & 1;
		channel_call(&model.channel);
		model_turn();
		break;
	case 10:
		model.slot_fails = tape_below(tape, 4) == 0;
		break;
	case 11:
		lend(tape);
		break;
	case 12:
		if (tape_below(tape, 4) == 0)
			reopen();
		break;
	default:
		answer_ranges(tape, false);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };
	json_t *query;

	model_start(0, 0);
	named = pagemap_create(MODEL_WINDOW + MODEL_MAX);
	for (uint64_t pfn = 0; pfn < MODEL_STARTUP; pfn += STAMP_STEP)
		stamp(pfn);
	model_open();
	greet(&tape);
	for (unsigned int i = 0; i < 200 && tape_more(&tape); i++) {
		step(&tape);
		read_all();
		check_ledger();
	}
	query = balloon_query(model.balloon);
	MUST(query);
	json_decref(query);
	model_stop();
	pagemap_destroy(named);
	return 0;
}
