// SPDX-License-Identifier: GPL-2.0
// links: host/ic.c host/timesync.c host/heartbeat.c host/shutdown.c host/provider.c host/fault_ic.c
/*
 * An integration service with a guest of the fuzzer's own: answers that are true, near the truth, of other requests or anything, at any time;
 * drivers that go and come, a ring that is full, timers that fire, pauses, requests of users.
 * Properties, after each step: what the guest is sent is a whole message of the agreed versions; versions are agreed only out of those that
 * were offered; a heartbeat is "ok" only after a true answer; each request of a user ends once, and "the guest will" only if it said so.
 */
#include "fault.h"
#include "heartbeat.h"
#include "ic_model.h"
#include "quiet_log.h"
#include "shutdown.h"
#include "tape.h"
#include "timesync.h"
#include "wire/timesync.h"

static struct {
	struct timesync *timesync;
	struct heartbeat *heartbeat;
	struct shutdown *shutdown;
	struct ic *ic;
	struct model_message newest[4]; /* messages that the guest may still answer */
	unsigned int count;
	unsigned int asked, ended;
	bool agreed; /* a true answer to the newest request for a shutdown was given */
	bool beat; /* a true answer to a heartbeat was given since the driver came */
	uint64_t sequence;
} world;

static const char *text(json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static void done(void *context, const char *why)
{
	MUST(context == &world && world.ended < world.asked);
	world.ended++;
	MUST(why || world.agreed);
}

static void read_all(void)
{
	const struct model_message *message;

	while ((message = model_next())) {
		MUST(message->bytes == IC_HEADERS + message->header.size);
		MUST(message->pipe.size == message->bytes - sizeof(message->pipe));
		MUST(message->header.flags == (IC_FLAG_TRANSACTION | IC_FLAG_REQUEST));
		MUST(!message->header.frame.major == (message->header.type == IC_NEGOTIATE));
		MUST(message->header.type == IC_NEGOTIATE || message->header.type == world.ic->kind->message_type);
		world.newest[world.count++ % 4] = *message;
	}
}

static void check(void)
{
	struct ic *ic = world.ic;
	json_t *query;

	MUST(ic->state < IC_STATES && (ic->state == IC_CLOSED) == !model.channel.state);
	MUST((ic->state == IC_READY) == !!ic->message.major);
	if (ic->version_max.major)
		MUST(ic->message.major <= ic->version_max.major);
	if (!world.heartbeat)
		return;
	query = heartbeat_query(world.heartbeat);
	MUST(strcmp(text(query, "state"), "ok") || world.beat);
	json_decref(query);
}

/* The answer to one of the last messages, as an honest guest would give it, but for what the tape says. */
static void answer(struct tape *tape)
{
	struct model_message *message = &world.newest[world.count ? (world.count - 1 - tape_below(tape, 4)) % 4 : 0];
	struct ic_header *header = &message->header;
	uint8_t body[IC_SEND_MAX];
	uint32_t bytes = message->bytes >= IC_HEADERS ? message->bytes - (uint32_t)IC_HEADERS : 0;
	uint32_t status = tape_u8(tape) & 3 ? IC_STATUS_OK : tape_u32(tape);
	uint64_t sequence;

	memcpy(body, message->body, bytes);
	if (tape_below(tape, 8) == 0)
		header->transaction_id = tape_u8(tape);
	if (tape_below(tape, 8) == 0)
		header->type = tape_below(tape, 9);
	memcpy(&sequence, body, sizeof(sequence));
	sequence += tape_lie(tape, 1);
	memcpy(body, &sequence, sizeof(sequence));
	if (header->type == IC_HEARTBEAT && world.ic->state == IC_READY)
		world.beat = true;
	if (status == IC_STATUS_OK)
		world.agreed = true;
	bytes = tape_lie(tape, bytes) % (sizeof(body) + 1);
	model_answer(message, status, body, bytes);
}

static void negotiate(struct tape *tape)
{
	struct ic_version frame = { (uint16_t)tape_lie(tape, 3), (uint16_t)tape_lie(tape, 0) };
	struct ic_version chosen = { (uint16_t)tape_lie(tape, 3), (uint16_t)tape_lie(tape, 0) };
	struct model_message *message = &world.newest[(world.count - 1) % 4];

	if (!world.count)
		return;
	world.agreed = true; /* if it was another request that this answers */
	model_choose(message, frame, chosen);
}

static void any_packet(struct tape *tape)
{
	uint8_t bytes[128];
	uint32_t count = tape_below(tape, sizeof(bytes) + 1);

	tape_take(tape, bytes, count);
	if (count >= IC_HEADERS) {
		struct ic_header header;

		memcpy(&header, bytes + sizeof(struct ic_pipe_header), sizeof(header));
		world.beat |= header.type == IC_HEARTBEAT;
		world.agreed |= !header.status;
	}
	model_packet(tape_u8(tape) & 7 ? PACKET_INBAND : tape_u8(tape), bytes, count);
}

static void ask(struct tape *tape)
{
	const struct shutdown_request request = { .flags = tape_below(tape, 4), .reason = tape_u8(tape) & 1 ? "why not" : NULL,
						  .done = done, .context = &world };

	if (world.shutdown && !shutdown_ask(world.shutdown, &request)) {
		world.asked++;
		world.agreed = false;
	}
	if (world.timesync)
		timesync_set_offset(world.timesync, (int64_t)tape_u64(tape) / 2);
}

static void reopen(void)
{
	model_close();
	MUST(!model.armed);
	world.beat = false;
	if (!model_open())
		MUST(!"open");
}

static void pause_or_resume(struct tape *tape)
{
	bool paused = tape_u8(tape) & 1;

	if (model.channel.state)
		model.ops->paused(model.channel.state, paused);
}

static void step(struct tape *tape)
{
	switch (tape_below(tape, 12)) {
	case 0:
		negotiate(tape);
		break;
	case 1:
		any_packet(tape);
		break;
	case 2:
		ask(tape);
		break;
	case 3:
		model_main_loop();
		break;
	case 4:
		model.channel.full = tape_u8(tape) & 1;
		break;
	case 5:
		pause_or_resume(tape);
		break;
	case 6:
		model.clock_error = tape_u8(tape) & 3 ? 0 : -5;
		model.pair = (struct clock_pair){ tape_u64(tape), tape_u64(tape), tape_u64(tape) };
		break;
	case 7:
		if (tape_below(tape, 4) == 0)
			reopen();
		break;
	case 8:
	case 9:
		model_fire();
		break;
	default:
		answer(tape);
	}
	model_turn();
}

static void start(struct tape *tape)
{
	struct ic_version most = { 0, 0 };

	memset(&model, 0, sizeof(model));
	memset(&world, 0, sizeof(world));
	if (tape_u8(tape) & 1)
		most.major = 3;
	switch (tape_below(tape, 3)) {
	case 0:
		world.timesync = timesync_create(NULL, most);
		MUST(world.timesync && !timesync_offer(world.timesync, NULL));
		break;
	case 1:
		world.heartbeat = heartbeat_create(most);
		MUST(world.heartbeat && !heartbeat_offer(world.heartbeat, NULL));
		break;
	default:
		world.shutdown = shutdown_create(NULL, most);
		MUST(world.shutdown && !shutdown_offer(world.shutdown, NULL));
	}
	world.ic = model.context;
	MUST(model_open());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };

	start(&tape);
	read_all();
	if (tape_below(&tape, 4))
		model_choose(&world.newest[0], IC_FRAME_3, (struct ic_version){ 3, 0 });
	for (unsigned int i = 0; i < 200 && tape_more(&tape); i++) {
		read_all();
		step(&tape);
		check();
	}
	model_close();
	while (model_main_loop())
		;
	MUST(world.ended == world.asked);
	timesync_destroy(world.timesync);
	heartbeat_destroy(world.heartbeat);
	shutdown_destroy(world.shutdown);
	return 0;
}
