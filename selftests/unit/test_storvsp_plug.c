// SPDX-License-Identifier: GPL-2.0
// links: host/storvsp.c host/storvsp_channel.c host/storvsp_srb.c host/storvsp_barrier.c host/storvsp_reset.c host/storvsp_plug.c host/scsi.c host/scsi_inquiry.c host/scsi_mode.c host/scsi_rw.c host/scsi_unmap.c host/guestmem.c host/pagemap.c host/gpa_direct.c host/provider.c
// links: host/fault_vstor.c
/*
 * A controller with several channels whose LUNs come, go and change: resets wait for requests on all
 * channels, disks are closed after the last request, and what the guest is told. The test runs every
 * worker's calls itself, so it decides who is late.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "channel.h"
#include "log.h"
#include "storvsp.h"
#include "wire/vstor.h"

#define CHANNELS 3
#define DISKS	 3
#define ANSWERS	 128
#define MIB	 (1u << 20)

struct channel {
	void *state;
	unsigned int index;
	bool called, full, recall, closed, idle;
	unsigned int answers, sent;
	uint64_t ids[ANSWERS];
	struct vstor_packet last, messages[ANSWERS];
};

struct memory {
	struct disk disk;
	struct disk_request *held[16];
	unsigned int held_count;
	bool hold, closed;
	uint64_t resized;
	int error;
};

static struct channel channels[CHANNELS];
static struct memory disks[DISKS];
static struct guestmem *mem;
static const struct channel_ops *ops;
static struct storvsp *storvsp;
static struct loop_work *works[8];
static unsigned int work_count, done_count, rescinds;
static char done_why[256];

void log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

struct channel *vmbus_offer(struct vmbus *vmbus, const struct channel_offer *offer)
{
	(void)vmbus;
	ops = offer->ops;
	ops->used(offer->context, 1);
	return &channels[0];
}

void vmbus_rescind(struct vmbus *vmbus, struct channel *channel)
{
	(void)vmbus;
	assert_ptr_equal(channel, &channels[0]);
	rescinds++;
}

void channel_complete(struct channel *channel, uint64_t id, const void *payload, uint32_t bytes)
{
	assert_false(channel->closed);
	assert_int_equal(bytes, sizeof(channel->last));
	channel->ids[channel->answers++] = id;
	memcpy(&channel->last, payload, bytes);
}

void channel_send(struct channel *channel, const void *payload, uint32_t bytes)
{
	assert_int_equal(channel->index, 0); /* news are the primary's */
	assert_int_equal(bytes, sizeof(channel->last));
	memcpy(&channel->messages[channel->sent++], payload, bytes);
}

bool channel_may_send(struct channel *channel)
{
	channel->recall |= channel->full;
	return !channel->full;
}

void channel_call(struct channel *channel)
{
	assert_false(channel->closed);
	channel->called = true;
}

void channel_idle(struct channel *channel)
{
	ops->closed(channel->state);
	channel->idle = channel->closed = true;
}

void channel_ask_sub_channels(struct channel *channel, unsigned int count)
{
	(void)channel;
	(void)count;
}

unsigned int channel_sub_index(const struct channel *channel)
{
	return channel->index;
}

struct loop *channel_loop(struct channel *channel)
{
	return (struct loop *)channel;
}

const struct guestmem *channel_guestmem(const struct channel *channel)
{
	(void)channel;
	return mem;
}

const char *channel_name(const struct channel *channel)
{
	(void)channel;
	return "scsi0";
}

bool channel_wants_data(const struct channel *channel)
{
	(void)channel;
	return false;
}

void channel_data(struct channel *channel, bool to_guest, uint64_t transaction_id,
		  const struct iovec *pieces, unsigned int count, uint64_t bytes)
{
	(void)channel;
	(void)to_guest;
	(void)transaction_id;
	(void)pieces;
	(void)count;
	(void)bytes;
}

/* To the bus thread only. */
void loop_call(struct loop *loop, struct loop_work *work)
{
	assert_ptr_equal(loop, (void *)works);
	works[work_count++] = work;
}

static void bus_turn(void)
{
	for (unsigned int i = 0; i < work_count; i++)
		works[i]->run(works[i]);
	work_count = 0;
}

/* A turn of one worker. */
static void turn(unsigned int index)
{
	if (!channels[index].called)
		return;
	channels[index].called = false;
	ops->called(channels[index].state);
}

static void done(void *context, const char *why)
{
	assert_ptr_equal(context, &done_count);
	done_count++;
	snprintf(done_why, sizeof(done_why), "%s", why ? why : "");
}

static void submit(struct disk *disk, struct disk_request *request)
{
	struct memory *memory = (struct memory *)disk;

	assert_false(memory->closed);
	if (memory->hold)
		memory->held[memory->held_count++] = request;
	else
		request->finished(request, 0);
}

static void release(struct memory *memory)
{
	struct disk_request *request = memory->held[--memory->held_count];

	assert_false(memory->closed);
	request->finished(request, 0);
}

static void close_memory(struct disk *disk)
{
	struct memory *memory = (struct memory *)disk;

	assert_int_equal(memory->held_count, 0);
	memory->closed = true;
}

static int resize_memory(struct disk *disk, uint64_t bytes, char *error)
{
	struct memory *memory = (struct memory *)disk;

	if (memory->error)
		strcpy(error, "no room");
	else
		memory->resized = bytes;
	return memory->error;
}

static const struct disk_ops memory_ops = {
	.name = "memory", .submit = submit, .close = close_memory, .resize = resize_memory};

static const struct vstor_packet *say(unsigned int index, const struct vstor_packet *vstor,
				      uint64_t id)
{
	uint8_t data[16 + sizeof(*vstor)] = {0};
	struct packet packet = {.desc = {.type = PACKET_INBAND,
					 .flags = PACKET_FLAG_COMPLETION_REQUESTED,
					 .transaction_id = id},
				.bytes = sizeof(data),
				.payload = 16,
				.data = data};
	const char *why = NULL;

	memcpy(data + 16, vstor, sizeof(*vstor));
	assert_int_equal(ops->packet(channels[index].state, &packet, &why), 0);
	return &channels[index].last;
}

static const struct vstor_packet *command(unsigned int index, uint8_t opcode, uint8_t lun,
					  uint64_t id)
{
	struct vstor_packet vstor = {.operation = VSTOR_EXECUTE_SRB,
				     .srb = {.length = 52,
					     .lun = lun,
					     .cdb_length = opcode ? 10 : 6,
					     .sense_length = 20,
					     .data_direction = VSTOR_DATA_NONE,
					     .cdb = {opcode}}};

	return say(index, &vstor, id);
}

#define TEST_UNIT_READY 0x00
#define SYNCHRONIZE	0x35

static void reset(unsigned int index, uint32_t operation, uint8_t lun, uint64_t id)
{
	struct vstor_packet vstor = {.operation = operation, .srb.lun = lun};

	say(index, &vstor, id);
}

static void initialise(uint32_t client)
{
	struct vstor_packet begin = {.operation = VSTOR_BEGIN_INITIALIZATION};
	struct vstor_packet version = {.operation = VSTOR_QUERY_PROTOCOL_VERSION,
				       .version.version = VSTOR_VERSION_WIN10};
	struct vstor_packet properties = {.operation = VSTOR_QUERY_PROPERTIES,
					  .client.flags = client};
	struct vstor_packet end = {.operation = VSTOR_END_INITIALIZATION};

	say(0, &begin, 1);
	say(0, &version, 1);
	say(0, &properties, 1);
	assert_int_equal(say(0, &end, 1)->status, 0);
	channels[0].answers = 0;
}

static void open_channel(unsigned int index)
{
	channels[index] = (struct channel){.index = index};
	channels[index].state = ops->open(&channels[index], storvsp);
	assert_non_null(channels[index].state);
}

static void close_channel(unsigned int index)
{
	if (channels[index].closed)
		return;
	if (ops->close(channels[index].state))
		channel_idle(&channels[index]);
}

static int setup(void **state)
{
	struct storvsp_options options = {.loop = (void *)works, .sub_channels = CHANNELS - 1};

	(void)state;
	work_count = done_count = rescinds = 0;
	done_why[0] = 0;
	mem = guestmem_create(1 << 20);
	storvsp = storvsp_create(&options);
	for (unsigned int i = 0; i < DISKS; i++)
		disks[i] = (struct memory){.disk = {.ops = &memory_ops,
						    .bytes = 4 * MIB,
						    .block_bytes = 512,
						    .physical_bytes = 4096}};
	assert_int_equal(storvsp_add_disk(storvsp, 0, &disks[0].disk), 0);
	assert_int_equal(storvsp_add_disk(storvsp, 63, &disks[1].disk), 0);
	assert_int_equal(storvsp_offer(storvsp, NULL), 0);
	for (unsigned int i = 0; i < CHANNELS; i++)
		open_channel(i);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CHANNELS; i++)
		close_channel(i);
	storvsp_destroy(storvsp);
	assert_true(disks[0].closed && disks[1].closed);
	guestmem_destroy(mem);
	return 0;
}

static void assert_sense(const struct vstor_packet *answer, uint32_t sense)
{
	assert_int_equal(answer->srb.scsi_status, 2);
	assert_int_equal(answer->srb.sense[2] << 16 | answer->srb.sense[12] << 8 |
				 answer->srb.sense[13],
			 sense);
}

/* The answer to a reset on one channel waits for the requests on the others. */
static void a_reset_waits_for_all_channels(void **state)
{
	(void)state;
	initialise(0);
	disks[0].hold = true;
	command(1, SYNCHRONIZE, 0, 11);
	command(2, SYNCHRONIZE, 0, 12);
	reset(0, VSTOR_RESET_BUS, 0, 5);
	release(&disks[0]); /* 12, before its worker has heard of the reset */
	assert_int_equal(channels[0].answers, 0);
	turn(1);
	turn(2);
	assert_int_equal(channels[0].answers, 0);
	command(1, SYNCHRONIZE, 0, 13); /* came later, and does not count */
	command(0, SYNCHRONIZE, 0, 14);
	disks[0].held[0]->finished(disks[0].held[0], 0); /* 11 */
	disks[0].held[0] = disks[0].held[--disks[0].held_count];
	assert_int_equal(channels[0].answers, 0); /* done in the thread of channel 1 */
	assert_true(channels[0].called);
	turn(0);
	assert_int_equal(channels[0].answers, 1);
	assert_int_equal(channels[0].ids[0], 5);
	assert_int_equal(channels[0].last.status, 0);
	while (disks[0].held_count)
		release(&disks[0]);
}

/* RESET_LUN minds its LUN only. */
static void a_lun_reset_waits_for_its_lun(void **state)
{
	(void)state;
	initialise(0);
	disks[0].hold = disks[1].hold = true;
	command(0, SYNCHRONIZE, 0, 11);
	command(1, SYNCHRONIZE, 63, 12);
	reset(2, VSTOR_RESET_LUN, 5, 20);
	turn(0);
	turn(1);
	turn(2);
	assert_int_equal(channels[2].answers, 1);
	reset(2, VSTOR_RESET_LUN, 63, 21);
	reset(2, VSTOR_RESET_ADAPTER, 63, 22);
	turn(0);
	turn(1);
	release(&disks[1]);
	turn(2);
	assert_int_equal(channels[2].answers, 2);
	assert_int_equal(channels[2].ids[1], 21);
	release(&disks[0]);
	turn(2);
	assert_int_equal(channels[2].answers, 3);
}

/* A channel may close with a reset of its own waiting, or one that waits for it. */
static void closing_leaves_no_reset_behind(void **state)
{
	(void)state;
	initialise(0);
	disks[0].hold = true;
	command(2, SYNCHRONIZE, 0, 11);
	reset(0, VSTOR_RESET_BUS, 0, 20); /* waits for 2, which has not seen it */
	reset(1, VSTOR_RESET_BUS, 0, 21);
	close_channel(1);
	assert_true(channels[1].closed);
	close_channel(2);
	assert_false(channels[2].closed);
	release(&disks[0]);
	assert_true(channels[2].closed);
	turn(0);
	assert_int_equal(channels[0].answers, 1);
	assert_int_equal(channels[0].ids[0], 20);
}

/* In flight: finished and answered. Later: no such LUN. Closed: after the last, on whatever channel. */
static void a_removed_disk_is_closed_last(void **state)
{
	(void)state;
	initialise(0);
	assert_int_equal(storvsp_remove_disk(storvsp, 5, done, &done_count), -ENOENT);
	assert_int_equal(storvsp_remove_disk(storvsp, 64, done, &done_count), -ENOENT);
	disks[0].hold = disks[1].hold = true;
	command(1, SYNCHRONIZE, 0, 11);
	command(2, SYNCHRONIZE, 0, 12);
	command(2, SYNCHRONIZE, 63, 13); /* of another LUN: of no concern */
	assert_int_equal(storvsp_remove_disk(storvsp, 0, done, &done_count), 0);
	assert_int_equal(storvsp_remove_disk(storvsp, 0, done, &done_count), -ENOENT);
	assert_int_equal(command(1, TEST_UNIT_READY, 0, 14)->srb.srb_status, SRB_STATUS_INVALID_LUN);
	for (unsigned int i = 0; i < CHANNELS; i++)
		turn(i);
	bus_turn();
	assert_false(disks[0].closed);
	release(&disks[0]);
	bus_turn();
	assert_false(disks[0].closed);
	release(&disks[0]);
	assert_int_equal(channels[1].last.srb.srb_status, SRB_STATUS_SUCCESS);
	assert_int_equal(done_count, 0);
	bus_turn();
	assert_true(disks[0].closed);
	assert_int_equal(done_count, 1);
	assert_string_equal(done_why, "");
	/* Another disk at the same place: the guest must not take it for the old one. */
	assert_int_equal(storvsp_add_disk(storvsp, 0, &disks[2].disk), 0);
	assert_sense(command(2, TEST_UNIT_READY, 0, 15), 0x063F03);
	assert_int_equal(command(1, TEST_UNIT_READY, 0, 16)->srb.srb_status, SRB_STATUS_SUCCESS);
	release(&disks[1]);
}

/* Nobody has it open: it goes at once; and what waits when all ends is ended too. */
static void removing_without_a_guest(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CHANNELS; i++)
		close_channel(i);
	assert_int_equal(storvsp_remove_disk(storvsp, 0, done, &done_count), 0);
	bus_turn();
	assert_true(disks[0].closed);
	assert_int_equal(storvsp_remove_disk(storvsp, 63, done, &done_count), 0);
	work_count = 0; /* the loop has stopped for good */
	assert_int_equal(done_count, 1);
}

static void news_by_the_bus(void **state)
{
	(void)state;
	turn(0); /* of what came before it was ready it hears nothing: it scans */
	initialise(0);
	turn(0);
	assert_int_equal(channels[0].sent, 0);
	storvsp_add_disk(storvsp, 7, &disks[2].disk);
	storvsp_remove_disk(storvsp, 0, done, &done_count);
	turn(0);
	assert_int_equal(channels[0].sent, 1); /* one sweep does for both */
	assert_int_equal(channels[0].messages[0].operation, VSTOR_ENUMERATE_BUS);
	storvsp_resize_disk(storvsp, 7, 8 * MIB, done, &done_count);
	turn(0);
	assert_int_equal(channels[0].sent, 2);
	turn(1);
	turn(2);
	bus_turn();
}

static void news_by_lun(void **state)
{
	const struct vstor_packet *messages = channels[0].messages;

	(void)state;
	initialise(VSTOR_CLIENT_ASYNC_NOTIFY);
	storvsp_add_disk(storvsp, 7, &disks[2].disk);
	storvsp_resize_disk(storvsp, 63, 8 * MIB, done, &done_count);
	turn(0);
	assert_int_equal(channels[0].sent, 2);
	assert_int_equal(messages[0].operation, VSTOR_EVENT_NOTIFICATION);
	assert_int_equal(messages[0].event.lun, 7);
	assert_int_equal(messages[0].event.flags, VSTOR_EVENT_DEVICE_STATUS);
	assert_int_equal(messages[1].event.lun, 63);
	assert_int_equal(messages[1].event.flags, VSTOR_EVENT_MEDIA_STATUS);
	/* A guest that does not read has them merged, and gets them when it does. */
	channels[0].full = true;
	for (unsigned int i = 0; i < 1000; i++)
		storvsp_resize_disk(storvsp, 63, (9 + i) * MIB, done, &done_count);
	turn(0);
	assert_int_equal(channels[0].sent, 2);
	assert_true(channels[0].recall);
	channels[0].full = false;
	ops->called(channels[0].state);
	assert_int_equal(channels[0].sent, 3);
	assert_int_equal(messages[2].event.lun, 63);
}

static void a_disk_grows(void **state)
{
	(void)state;
	initialise(0);
	assert_int_equal(storvsp_resize_disk(storvsp, 5, MIB, done, &done_count), -ENOENT);
	assert_int_equal(storvsp_resize_disk(storvsp, 63, 8 * MIB, done, &done_count), 0);
	assert_int_equal(done_count, 1);
	assert_int_equal(disks[1].resized, 8 * MIB);
	assert_int_equal(disks[1].disk.bytes, 8 * MIB);
	assert_sense(command(2, TEST_UNIT_READY, 63, 11), 0x062A09);
	assert_int_equal(command(0, TEST_UNIT_READY, 63, 12)->srb.srb_status, SRB_STATUS_SUCCESS);
	disks[1].error = -ENOSPC;
	assert_int_equal(storvsp_resize_disk(storvsp, 63, 16 * MIB, done, &done_count), 0);
	assert_string_equal(done_why, "no room");
	assert_int_equal(disks[1].disk.bytes, 8 * MIB);
	assert_int_equal(command(0, TEST_UNIT_READY, 63, 13)->srb.srb_status, SRB_STATUS_SUCCESS);
}

/* The end is cut off when nothing that could reach it is in flight. */
static void a_disk_shrinks(void **state)
{
	(void)state;
	initialise(0);
	disks[1].hold = true;
	command(1, SYNCHRONIZE, 63, 11);
	assert_int_equal(storvsp_resize_disk(storvsp, 63, MIB, done, &done_count), 0);
	assert_int_equal(disks[1].disk.bytes, MIB);
	assert_int_equal(storvsp_resize_disk(storvsp, 63, MIB / 2, done, &done_count), -EBUSY);
	assert_int_equal(storvsp_remove_disk(storvsp, 63, done, &done_count), -EBUSY);
	for (unsigned int i = 0; i < CHANNELS; i++)
		turn(i);
	bus_turn();
	assert_int_equal(disks[1].resized, 0);
	assert_sense(command(2, TEST_UNIT_READY, 63, 12), 0x062A09);
	release(&disks[1]);
	bus_turn();
	assert_int_equal(disks[1].resized, MIB);
	assert_int_equal(done_count, 1);
	disks[1].hold = false;
	disks[1].error = -EINVAL; /* a device, say: it keeps its size */
	assert_int_equal(storvsp_resize_disk(storvsp, 63, MIB / 2, done, &done_count), 0);
	for (unsigned int i = 0; i < CHANNELS; i++)
		turn(i);
	bus_turn();
	assert_string_equal(done_why, "no room");
	assert_int_equal(disks[1].disk.bytes, MIB);
	assert_int_equal(storvsp_remove_disk(storvsp, 63, done, &done_count), 0);
	for (unsigned int i = 0; i < CHANNELS; i++)
		turn(i);
	bus_turn();
	assert_int_equal(done_count, 3);
}

/* The controller may be freed when no channel can use it any more. */
static void the_controller_leaves(void **state)
{
	(void)state;
	ops->used(storvsp, 1); /* a sub-channel */
	storvsp_leave(storvsp, done, &done_count);
	bus_turn();
	assert_int_equal(rescinds, 1);
	ops->used(storvsp, -1);
	bus_turn();
	assert_int_equal(done_count, 0);
	ops->moved(storvsp, NULL); /* faults take it away, and offer it again, however late */
	ops->used(storvsp, 1);
	ops->moved(storvsp, &channels[0]);
	bus_turn();
	assert_int_equal(rescinds, 2);
	ops->used(storvsp, -1);
	ops->used(storvsp, -1);
	assert_int_equal(done_count, 0); /* from the loop, not from inside the bus */
	bus_turn();
	assert_int_equal(done_count, 1);
}

/* The primary was taken away and offered again while the old one still closes. */
static void an_old_primary_has_no_say(void **state)
{
	static struct channel again;
	void *old = channels[0].state;

	(void)state;
	initialise(0);
	again = (struct channel){.index = 0};
	again.state = ops->open(&again, storvsp);
	channels[0].state = again.state;
	initialise(0);
	assert_true(ops->close(old));
	ops->closed(old);
	assert_int_equal(command(1, TEST_UNIT_READY, 0, 12)->srb.srb_status, SRB_STATUS_SUCCESS);
	assert_true(ops->close(again.state));
	assert_int_equal(command(1, TEST_UNIT_READY, 0, 13)->status, 0xC0000184);
	ops->closed(again.state);
	channels[0].closed = true;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reset_waits_for_all_channels), TEST(a_lun_reset_waits_for_its_lun),
		TEST(closing_leaves_no_reset_behind), TEST(a_removed_disk_is_closed_last),
		TEST(removing_without_a_guest),	      TEST(news_by_the_bus),
		TEST(news_by_lun),		      TEST(a_disk_grows),
		TEST(a_disk_shrinks),		      TEST(the_controller_leaves),
		TEST(an_old_primary_has_no_say),
	};

	return cmocka_run_group_tests_name("storvsp_plug", tests, NULL, NULL);
}
