// SPDX-License-Identifier: GPL-2.0
// links: host/storvsp.c host/storvsp_channel.c host/storvsp_srb.c host/storvsp_barrier.c host/storvsp_reset.c host/storvsp_plug.c host/scsi.c host/scsi_inquiry.c host/scsi_mode.c host/scsi_rw.c host/scsi_unmap.c host/guestmem.c host/pagemap.c host/gpa_direct.c host/provider.c
// links: host/fault_vstor.c
/*
 * The storage provider on a channel of the test's own: the test is the guest, writes packets as they
 * would come out of the ring, and looks at the completions. The disk is memory; it can hold requests
 * back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "channel.h"
#include "log.h"
#include "storvsp.h"
#include "wire/vstor.h"

#define MEMORY_BYTES (16u << 20)
#define DISK_BYTES   (4u << 20)
#define ANSWERS_MAX  2200
#define HELD_MAX     1100
#define PACKET_MAX   16384
#define PAGE	     4096u

struct answer {
	uint64_t id;
	struct vstor_packet packet;
};

/* What the provider sees as a channel. */
struct channel {
	struct guestmem *mem;
	const struct channel_ops *ops;
	void *context, *state;
	struct answer *answers;
	unsigned int answer_count;
	unsigned int idle;
	unsigned int sub; /* index of the one that open() is called for */
	unsigned int subs_asked;
	bool closed;
};

struct bench {
	struct channel channel;
	struct storvsp *storvsp;
	struct disk disk;
	uint8_t *medium;
	struct disk_request *held[HELD_MAX];
	unsigned int held_count;
	bool hold;
	unsigned int iov_count; /* of the last request */
	bool disk_closed;
	_Alignas(16) uint8_t data[PACKET_MAX];
	struct packet packet;
	const char *why;
	uint64_t next_id;
};

static unsigned int logged; /* lines */

void log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
	logged++;
}

struct channel *vmbus_offer(struct vmbus *vmbus, const struct channel_offer *offer)
{
	struct channel *channel = (struct channel *)vmbus;

	channel->ops = offer->ops;
	channel->context = offer->context;
	assert_string_equal(offer->name, "scsi3");
	return channel;
}

void channel_complete(struct channel *channel, uint64_t id, const void *payload, uint32_t bytes)
{
	struct answer *answer = &channel->answers[channel->answer_count++];

	assert_true(channel->answer_count <= ANSWERS_MAX);
	assert_false(channel->closed);
	assert_int_equal(bytes, sizeof(answer->packet));
	assert_true(bytes <= channel->ops->completion_max);
	answer->id = id;
	memcpy(&answer->packet, payload, bytes);
	assert_int_equal(answer->packet.operation, VSTOR_COMPLETE_IO);
}

/* As the worker does: the state is gone when this returns. */
void channel_idle(struct channel *channel)
{
	channel->idle++;
	channel->closed = true;
	channel->ops->closed(channel->state);
	channel->state = NULL;
}

/* What test_storvsp_plug.c is about. */
void channel_call(struct channel *channel)
{
	(void)channel;
}

bool channel_may_send(struct channel *channel)
{
	(void)channel;
	return false;
}

void channel_send(struct channel *channel, const void *payload, uint32_t bytes)
{
	(void)channel;
	(void)payload;
	(void)bytes;
	abort();
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	(void)loop;
	(void)work;
	abort();
}

void vmbus_rescind(struct vmbus *vmbus, struct channel *channel)
{
	(void)vmbus;
	(void)channel;
	abort();
}

void channel_ask_sub_channels(struct channel *channel, unsigned int count)
{
	channel->subs_asked += count;
}

unsigned int channel_sub_index(const struct channel *channel)
{
	return channel->sub;
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

struct loop *channel_loop(struct channel *channel)
{
	return (struct loop *)channel;
}

const struct guestmem *channel_guestmem(const struct channel *channel)
{
	return channel->mem;
}

const char *channel_name(const struct channel *channel)
{
	(void)channel;
	return "scsi3";
}

static void carry_out(struct bench *bench, struct disk_request *request)
{
	uint8_t *at = bench->medium + request->offset;

	for (unsigned int i = 0; i < request->iov_count; i++) {
		if (request->what == DISK_READ)
			memcpy(request->iov[i].iov_base, at, request->iov[i].iov_len);
		else if (request->what == DISK_WRITE)
			memcpy(at, request->iov[i].iov_base, request->iov[i].iov_len);
		at += request->iov[i].iov_len;
	}
	request->moved = request->bytes;
	request->finished(request, 0);
}

static void submit(struct disk *disk, struct disk_request *request)
{
	struct bench *bench = (struct bench *)((char *)disk - offsetof(struct bench, disk));

	bench->iov_count = request->iov_count;
	if (bench->hold)
		bench->held[bench->held_count++] = request;
	else
		carry_out(bench, request);
}

static void disk_close_memory(struct disk *disk)
{
	struct bench *bench = (struct bench *)((char *)disk - offsetof(struct bench, disk));

	bench->disk_closed = true;
}

static const struct disk_ops memory_ops = {
	.name = "memory", .submit = submit, .close = disk_close_memory};

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct storvsp_options options = {.controller = 3, .sub_channels = 5};

	logged = 0;
	bench->channel.mem = guestmem_create(MEMORY_BYTES);
	bench->channel.answers = calloc(ANSWERS_MAX, sizeof(*bench->channel.answers));
	bench->disk = (struct disk){.ops = &memory_ops,
				    .bytes = DISK_BYTES,
				    .block_bytes = 512,
				    .physical_bytes = 4096,
				    .can_unmap = true};
	bench->medium = malloc(DISK_BYTES);
	for (unsigned int i = 0; i < DISK_BYTES; i++)
		bench->medium[i] = (uint8_t)(i + i / 511);
	bench->packet.data = bench->data;
	bench->next_id = 100;
	bench->storvsp = storvsp_create(&options);
	assert_int_equal(storvsp_add_disk(bench->storvsp, 2, &bench->disk), 0);
	assert_int_equal(storvsp_add_disk(bench->storvsp, 2, &bench->disk), -EEXIST);
	assert_int_equal(storvsp_add_disk(bench->storvsp, 64, &bench->disk), -EINVAL);
	assert_int_equal(storvsp_offer(bench->storvsp, (struct vmbus *)&bench->channel), 0);
	bench->channel.state = bench->channel.ops->open(&bench->channel, bench->channel.context);
	assert_non_null(bench->channel.state);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	if (bench->channel.state) {
		assert_true(bench->channel.ops->close(bench->channel.state));
		bench->channel.ops->closed(bench->channel.state);
	}
	storvsp_destroy(bench->storvsp);
	assert_true(bench->disk_closed);
	guestmem_destroy(bench->channel.mem);
	free(bench->channel.answers);
	free(bench->medium);
	free(bench);
	return 0;
}

static void *guest(struct bench *bench, uint64_t address)
{
	return guestmem_ptr(bench->channel.mem, gpa(address), 1);
}

/* Hand the packet in bench->data to the provider, as the worker does. */
static int deliver(struct bench *bench, uint16_t type, uint16_t flags)
{
	struct packet_desc desc = {.type = type,
				   .flags = flags,
				   .offset8 = (uint16_t)(bench->packet.payload / 8),
				   .len8 = (uint16_t)(bench->packet.bytes / 8),
				   .transaction_id = bench->next_id++};

	bench->packet.desc = desc;
	memcpy(bench->data, &desc, sizeof(desc));
	assert_true(bench->packet.bytes <= bench->channel.ops->packet_max);
	bench->why = NULL;
	return bench->channel.ops->packet(bench->channel.state, &bench->packet, &bench->why);
}

static int send_inband(struct bench *bench, const struct vstor_packet *vstor)
{
	bench->packet.payload = 16;
	bench->packet.bytes = 16 + sizeof(*vstor);
	memcpy(bench->data + 16, vstor, sizeof(*vstor));
	return deliver(bench, PACKET_INBAND, PACKET_FLAG_COMPLETION_REQUESTED);
}

/* Lay out a GPA_DIRECT packet of one range; the caller may damage it before deliver(). */
static void put_direct(struct bench *bench, const struct vstor_packet *vstor, uint32_t count,
		       uint32_t offset, const uint64_t *pfns, unsigned int pages)
{
	uint32_t head[4] = {0, 1, count, offset};

	bench->packet.payload = 32 + pages * 8;
	bench->packet.bytes = bench->packet.payload + sizeof(*vstor);
	memcpy(bench->data + 16, head, sizeof(head));
	if (pages)
		memcpy(bench->data + 32, pfns, pages * sizeof(*pfns));
	memcpy(bench->data + bench->packet.payload, vstor, sizeof(*vstor));
}

static int deliver_direct(struct bench *bench)
{
	return deliver(bench, PACKET_GPA_DIRECT, PACKET_FLAG_COMPLETION_REQUESTED);
}

static const struct vstor_packet *last(const struct bench *bench)
{
	const struct answer *answer = &bench->channel.answers[bench->channel.answer_count - 1];

	assert_true(bench->channel.answer_count > 0);
	assert_int_equal(answer->id, bench->next_id - 1);
	return &answer->packet;
}

/* Send an operation without pages. Return: the status it was answered with. */
static uint32_t ask(struct bench *bench, uint32_t operation, uint16_t value)
{
	struct vstor_packet vstor = {.operation = operation, .version.version = value};
	unsigned int before = bench->channel.answer_count;

	assert_int_equal(send_inband(bench, &vstor), 0);
	assert_int_equal(bench->channel.answer_count, before + 1);
	return last(bench)->status;
}

static void initialise(struct bench *bench)
{
	assert_int_equal(ask(bench, VSTOR_BEGIN_INITIALIZATION, 0), 0);
	assert_int_equal(ask(bench, VSTOR_QUERY_PROTOCOL_VERSION, VSTOR_VERSION_WIN10), 0);
	assert_int_equal(ask(bench, VSTOR_QUERY_PROPERTIES, 0), 0);
	assert_int_equal(ask(bench, VSTOR_END_INITIALIZATION, 0), 0);
	bench->channel.answer_count = 0;
}

/* An SRB for LUN 2 with a 10-byte READ (0x28), WRITE (0x2A) or what the caller makes of it. */
static struct vstor_packet srb(uint8_t opcode, uint8_t direction, uint32_t bytes, uint32_t lba,
			       uint16_t blocks)
{
	struct vstor_packet vstor = {.operation = VSTOR_EXECUTE_SRB,
				     .flags = VSTOR_FLAG_REQUEST_COMPLETION,
				     .srb = {.length = 52,
					     .lun = 2,
					     .cdb_length = 10,
					     .sense_length = 20,
					     .data_direction = direction,
					     .transfer_length = bytes,
					     .cdb = {opcode, 0, (uint8_t)(lba >> 24),
						     (uint8_t)(lba >> 16), (uint8_t)(lba >> 8),
						     (uint8_t)lba, 0, (uint8_t)(blocks >> 8),
						     (uint8_t)blocks, 0}}};

	return vstor;
}

static void assert_srb(const struct bench *bench, uint8_t srb_status, uint8_t scsi_status,
		       uint32_t moved)
{
	const struct vstor_packet *vstor = last(bench);

	assert_int_equal(vstor->srb.srb_status, srb_status);
	assert_int_equal(vstor->srb.scsi_status, scsi_status);
	assert_int_equal(vstor->srb.transfer_length, moved);
	if (!(srb_status & SRB_STATUS_AUTOSENSE_VALID))
		assert_int_equal(vstor->srb.sense_length, 0);
}

static void test_conversation(void **state)
{
	struct bench *bench = *state;
	const struct vstor_packet *answer;

	assert_int_equal(ask(bench, VSTOR_BEGIN_INITIALIZATION, 0), 0);
	assert_int_not_equal(ask(bench, VSTOR_QUERY_PROTOCOL_VERSION, VSTOR_VERSION(7, 0)), 0);
	assert_int_not_equal(ask(bench, VSTOR_QUERY_PROTOCOL_VERSION, VSTOR_VERSION_WIN8), 0);
	assert_int_not_equal(ask(bench, VSTOR_QUERY_PROTOCOL_VERSION, VSTOR_VERSION(6, 1)), 0);
	assert_int_equal(ask(bench, VSTOR_QUERY_PROTOCOL_VERSION, VSTOR_VERSION_WIN8_1), 0);
	assert_int_equal(ask(bench, VSTOR_QUERY_PROPERTIES, 0xFFFF), 0);
	answer = last(bench);
	assert_int_equal(answer->properties.max_transfer_bytes, 2 << 20);
	assert_int_not_equal(ask(bench, VSTOR_FCHBA_DATA, 0), 0);
	assert_int_equal(ask(bench, VSTOR_END_INITIALIZATION, 0), 0);
	assert_int_not_equal(ask(bench, 99, 0), 0);
	assert_int_not_equal(ask(bench, VSTOR_COMPLETE_IO, 0), 0);
	assert_int_equal(logged, 1);
}

/* Every step at the wrong time is refused and changes nothing; BEGIN starts over at any time. */
static void test_order(void **state)
{
	struct bench *bench = *state;
	static const uint32_t order[] = {VSTOR_BEGIN_INITIALIZATION, VSTOR_QUERY_PROTOCOL_VERSION,
					 VSTOR_QUERY_PROPERTIES, VSTOR_END_INITIALIZATION};
	struct vstor_packet tur = srb(0, VSTOR_DATA_NONE, 0, 0, 0);

	for (unsigned int reached = 0; reached <= 4; reached++) {
		for (unsigned int i = 1; i < 4; i++)
			if (i != reached)
				assert_int_equal(ask(bench, order[i], VSTOR_VERSION_WIN10),
						 0xC0000184);
		assert_int_equal(ask(bench, VSTOR_RESET_BUS, 0), reached == 4 ? 0 : 0xC0000184);
		assert_int_equal(send_inband(bench, &tur), 0);
		assert_srb(bench, reached == 4 ? SRB_STATUS_SUCCESS : SRB_STATUS_INVALID_REQUEST, 0,
			   0);
		if (reached < 4)
			assert_int_equal(ask(bench, order[reached], VSTOR_VERSION_WIN10), 0);
	}
	assert_int_equal(ask(bench, VSTOR_BEGIN_INITIALIZATION, 0), 0);
	assert_int_equal(send_inband(bench, &tur), 0);
	assert_srb(bench, SRB_STATUS_INVALID_REQUEST, 0, 0);
	initialise(bench);
	assert_int_equal(send_inband(bench, &tur), 0);
	assert_srb(bench, SRB_STATUS_SUCCESS, 0, 0);
}

#define SUBS 5

/* CREATE_SUB_CHANNELS: told of, granted once, at the right time, and never more than told of. */
static void test_sub_channels(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(ask(bench, VSTOR_CREATE_SUB_CHANNELS, 1), 0xC0000184);
	assert_int_equal(ask(bench, VSTOR_BEGIN_INITIALIZATION, 0), 0);
	assert_int_equal(ask(bench, VSTOR_QUERY_PROTOCOL_VERSION, VSTOR_VERSION_WIN10), 0);
	assert_int_equal(ask(bench, VSTOR_QUERY_PROPERTIES, 0), 0);
	assert_int_equal(last(bench)->properties.max_channels, SUBS);
	assert_int_equal(last(bench)->properties.flags, VSTOR_PROPERTY_MULTI_CHANNEL);
	assert_int_equal(ask(bench, VSTOR_CREATE_SUB_CHANNELS, 1), 0xC0000184);
	assert_int_equal(ask(bench, VSTOR_END_INITIALIZATION, 0), 0);
	assert_int_equal(ask(bench, VSTOR_CREATE_SUB_CHANNELS, 0), 0xC000000D);
	assert_int_equal(ask(bench, VSTOR_CREATE_SUB_CHANNELS, SUBS + 1), 0xC000000D);
	assert_int_equal(ask(bench, VSTOR_CREATE_SUB_CHANNELS, 0xFFFF), 0xC000000D);
	assert_int_equal(bench->channel.subs_asked, 0);
	assert_int_equal(ask(bench, VSTOR_CREATE_SUB_CHANNELS, SUBS), 0);
	assert_int_equal(bench->channel.subs_asked, SUBS);
	assert_int_equal(ask(bench, VSTOR_CREATE_SUB_CHANNELS, 1), 0xC0000184);
	initialise(bench); /* anew on the same open: they are still there */
	assert_int_equal(ask(bench, VSTOR_CREATE_SUB_CHANNELS, 1), 0xC0000184);
	assert_int_equal(bench->channel.subs_asked, SUBS);
}

/* A sub-channel carries requests while the primary is ready, and nothing of the conversation. */
static void test_on_a_sub_channel(void **state)
{
	static const uint32_t conversation[] = {VSTOR_BEGIN_INITIALIZATION,
						VSTOR_QUERY_PROTOCOL_VERSION,
						VSTOR_QUERY_PROPERTIES, VSTOR_END_INITIALIZATION,
						VSTOR_FCHBA_DATA, VSTOR_CREATE_SUB_CHANNELS};
	struct bench *bench = *state;
	struct vstor_packet tur = srb(0, VSTOR_DATA_NONE, 0, 0, 0);
	void *primary = bench->channel.state, *sub;

	bench->channel.sub = 1;
	sub = bench->channel.ops->open(&bench->channel, bench->storvsp);
	bench->channel.state = sub;
	assert_int_equal(ask(bench, VSTOR_RESET_BUS, 0), 0xC0000184);
	assert_int_equal(send_inband(bench, &tur), 0);
	assert_srb(bench, SRB_STATUS_INVALID_REQUEST, 0, 0);
	assert_int_equal(last(bench)->status, 0xC0000184);
	bench->channel.state = primary;
	initialise(bench);
	bench->channel.state = sub;
	for (unsigned int i = 0; i < sizeof(conversation) / sizeof(conversation[0]); i++)
		assert_int_equal(ask(bench, conversation[i], VSTOR_VERSION_WIN10), 0xC0000184);
	assert_int_equal(send_inband(bench, &tur), 0);
	assert_srb(bench, SRB_STATUS_SUCCESS, 0, 0);
	bench->channel.state = primary; /* closes: the sub-channel is of no use without it */
	assert_true(bench->channel.ops->close(primary));
	bench->channel.ops->closed(primary);
	bench->channel.state = sub;
	assert_int_equal(send_inband(bench, &tur), 0);
	assert_srb(bench, SRB_STATUS_INVALID_REQUEST, 0, 0);
}

static void test_version_cap(void **state)
{
	struct storvsp_options options = {
		.controller = 3, .version_max = VSTOR_VERSION_WIN8_1, .max_transfer_bytes = 100000};
	struct bench *bench = *state;
	const struct channel_ops *ops = bench->channel.ops;
	struct storvsp *storvsp = storvsp_create(&options);
	void *before = bench->channel.state;

	assert_int_equal(storvsp_offer(storvsp, (struct vmbus *)&bench->channel), 0);
	bench->channel.state = bench->channel.ops->open(&bench->channel, storvsp);
	ask(bench, VSTOR_BEGIN_INITIALIZATION, 0);
	assert_int_not_equal(ask(bench, VSTOR_QUERY_PROTOCOL_VERSION, VSTOR_VERSION_WIN10), 0);
	assert_int_equal(ask(bench, VSTOR_QUERY_PROTOCOL_VERSION, VSTOR_VERSION_WIN8_1), 0);
	assert_int_equal(ask(bench, VSTOR_QUERY_PROPERTIES, 0), 0);
	assert_int_equal(last(bench)->properties.max_transfer_bytes, 98304);
	assert_int_equal(last(bench)->properties.max_channels, 0); /* as its options have it */
	assert_int_equal(last(bench)->properties.flags, 0);
	assert_int_equal(ask(bench, VSTOR_END_INITIALIZATION, 0), 0);
	assert_int_equal(ask(bench, VSTOR_CREATE_SUB_CHANNELS, 1), 0xC00000BB);
	assert_true(bench->channel.ops->close(bench->channel.state));
	bench->channel.ops->closed(bench->channel.state);
	storvsp_destroy(storvsp);
	bench->channel.state = before;
	bench->channel.ops = ops;
}

/* Data straight to and from scattered pages, starting inside the first. */
static void test_read_write(void **state)
{
	struct bench *bench = *state;
	static const uint64_t scattered[] = {7, 3, 4, 5, 200};
	struct vstor_packet vstor = srb(0x28, VSTOR_DATA_IN, 16384, 8, 32);
	uint8_t *expected = bench->medium + 8 * 512;

	initialise(bench);
	put_direct(bench, &vstor, 16384, 512, scattered, 5);
	assert_int_equal(deliver_direct(bench), 0);
	assert_srb(bench, SRB_STATUS_SUCCESS, 0, 16384);
	assert_int_equal(bench->iov_count, 3); /* pages 3, 4 and 5 are neighbours */
	assert_memory_equal(guest(bench, 7 * PAGE + 512), expected, 3584);
	assert_memory_equal(guest(bench, 3 * PAGE), expected + 3584, 3 * PAGE);
	assert_memory_equal(guest(bench, 200 * PAGE), expected + 3584 + 3 * PAGE, 512);
	assert_int_equal(*(uint8_t *)guest(bench, 7 * PAGE + 511), 0);
	assert_int_equal(*(uint8_t *)guest(bench, 200 * PAGE + 512), 0);
	memset(guest(bench, 3 * PAGE), 0xAB, 3 * PAGE);
	vstor = srb(0x2A, VSTOR_DATA_OUT, 8192, 100, 16);
	put_direct(bench, &vstor, 8192, 0, scattered + 1, 2);
	assert_int_equal(deliver_direct(bench), 0);
	assert_srb(bench, SRB_STATUS_SUCCESS, 0, 8192);
	assert_memory_equal(bench->medium + 100 * 512, guest(bench, 3 * PAGE), 8192);
}

/* The largest transfer there is, no page next to another, and one byte more. */
static void test_largest(void **state)
{
	struct bench *bench = *state;
	struct vstor_packet vstor = srb(0x28, VSTOR_DATA_IN, 2 << 20, 0, 4096);
	uint64_t pfns[514];

	for (unsigned int i = 0; i < 514; i++)
		pfns[i] = 2000 - 2 * i;
	initialise(bench);
	put_direct(bench, &vstor, 2 << 20, 512, pfns, 513);
	assert_int_equal(deliver_direct(bench), 0);
	assert_srb(bench, SRB_STATUS_SUCCESS, 0, 2 << 20);
	assert_int_equal(bench->iov_count, 513);
	assert_memory_equal(guest(bench, 2000 * PAGE + 512), bench->medium, 3584);
	assert_memory_equal(guest(bench, (2000 - 1024) * PAGE), bench->medium + (2 << 20) - 512,
			    512);
	vstor.srb.transfer_length = (2 << 20) + 512;
	put_direct(bench, &vstor, (2 << 20) + 512, 512, pfns, 513);
	assert_int_equal(deliver_direct(bench), 0);
	assert_srb(bench, SRB_STATUS_INVALID_REQUEST, 0, 0);
}

static void test_two_ranges(void **state)
{
	struct bench *bench = *state;
	struct vstor_packet vstor = srb(0x28, VSTOR_DATA_IN, 1024, 5, 2);
	struct {
		uint32_t reserved, count;
		struct {
			uint32_t count, offset;
			uint64_t pfn;
		} range[2];
		struct vstor_packet vstor;
	} body = {0, 2, {{512, 3584, 9}, {512, 0, 11}}, vstor};

	initialise(bench);
	bench->packet.payload = 16 + offsetof(__typeof__(body), vstor);
	bench->packet.bytes = bench->packet.payload + sizeof(vstor);
	memcpy(bench->data + 16, &body, sizeof(body));
	assert_int_equal(deliver_direct(bench), 0);
	assert_srb(bench, SRB_STATUS_SUCCESS, 0, 1024);
	assert_memory_equal(guest(bench, 9 * PAGE + 3584), bench->medium + 5 * 512, 512);
	assert_memory_equal(guest(bench, 11 * PAGE), bench->medium + 6 * 512, 512);
}

/* A packet that is wrong in itself breaks the channel, with the rule named and nothing in flight. */
static void test_malformed(void **state)
{
	struct bench *bench = *state;
	struct vstor_packet vstor = srb(0x28, VSTOR_DATA_IN, 512, 0, 1);
	static const uint64_t pfns[] = {5, 6, 7};
	static const struct {
		uint32_t ranges, count, offset;
		unsigned int pages;
	} cases[] = {
		{0, 512, 0, 1}, /* no range */
		{2, 512, 0, 1}, /* one range missing */
		{0xFFFFFFFF, 512, 0, 1}, {1, 0, 0, 1}, /* nothing in it */
		{1, 512, 4096, 1}, /* offset beyond the page */
		{1, 512, 0xFFFFFFFF, 1}, {1, 512, 0, 2}, /* a page number too many */
		{1, 512, 3585, 1}, /* crosses into a page that is not there */
		{1, 8193, 0, 2},	 {1, 0xFFFFFFFF, 4095, 3},
		{1, 512, 0, 0},
	};

	initialise(bench);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_direct(bench, &vstor, cases[i].count, cases[i].offset, pfns, cases[i].pages);
		memcpy(bench->data + 20, &cases[i].ranges, 4);
		assert_int_equal(deliver_direct(bench), -EINVAL);
		assert_non_null(bench->why);
	}
	bench->packet.payload = 16; /* no room for the ranges' head */
	bench->packet.bytes = 16 + sizeof(vstor);
	assert_int_equal(deliver_direct(bench), -EINVAL);
	assert_int_equal(bench->channel.answer_count, 0);
	assert_int_equal(logged, 0); /* the channel logs it */
}

static void test_gate(void **state)
{
	struct bench *bench = *state;
	struct vstor_packet vstor = srb(0, VSTOR_DATA_NONE, 0, 0, 0);
	static const uint64_t pfn = 5;

	initialise(bench);
	for (uint32_t bytes = 16; bytes <= 16 + sizeof(vstor) + 8; bytes += 8) {
		if (bytes == 16 + sizeof(vstor))
			continue;
		bench->packet.payload = 16;
		bench->packet.bytes = bytes;
		assert_int_equal(deliver(bench, PACKET_INBAND, 1), -EINVAL);
		assert_non_null(bench->why);
	}
	bench->packet.bytes = 16 + sizeof(vstor);
	assert_int_equal(deliver(bench, PACKET_COMPLETION, 1), -EINVAL);
	assert_int_equal(deliver(bench, PACKET_XFER_PAGES, 1), -EINVAL);
	assert_int_equal(deliver(bench, PACKET_INBAND, 0), -EINVAL);
	vstor.operation = VSTOR_RESET_BUS;
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	assert_int_equal(deliver_direct(bench), -EINVAL);
	assert_int_equal(bench->channel.answer_count, 0);
}

/* A sound packet that asks for what cannot be is answered; the channel goes on; the log has one line. */
static void test_refused(void **state)
{
	struct bench *bench = *state;
	static const uint64_t outside[] = {MEMORY_BYTES / PAGE, UINT64_MAX, 1ull << 52,
					   UINT64_MAX / PAGE};
	struct vstor_packet vstor = srb(0x28, VSTOR_DATA_IN, 512, 0, 1);
	static const uint64_t pfn = 5;

	initialise(bench);
	for (unsigned int i = 0; i < 4; i++) {
		put_direct(bench, &vstor, 512, 0, &outside[i], 1);
		assert_int_equal(deliver_direct(bench), 0);
		assert_srb(bench, SRB_STATUS_INVALID_REQUEST, 0, 0);
	}
	vstor.srb.transfer_length = 1024;
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	assert_int_equal(deliver_direct(bench), 0);
	assert_srb(bench, SRB_STATUS_INVALID_REQUEST, 0, 0);
	assert_int_equal(send_inband(bench, &vstor), 0); /* data, but no pages */
	assert_srb(bench, SRB_STATUS_INVALID_REQUEST, 0, 0);
	vstor = srb(0x28, 3, 512, 0, 1);
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	assert_int_equal(deliver_direct(bench), 0);
	assert_srb(bench, SRB_STATUS_INVALID_REQUEST, 0, 0);
	vstor = srb(0x28, VSTOR_DATA_NONE, 512, 0, 1);
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	assert_int_equal(deliver_direct(bench), 0);
	assert_srb(bench, SRB_STATUS_INVALID_REQUEST, 0, 0);
	assert_int_equal(logged, 1);
	vstor = srb(0x28, VSTOR_DATA_IN, 512, 0, 1);
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	assert_int_equal(deliver_direct(bench), 0);
	assert_srb(bench, SRB_STATUS_SUCCESS, 0, 512);
}

static void test_scsi_outcomes(void **state)
{
	struct bench *bench = *state;
	struct vstor_packet vstor = srb(0x28, VSTOR_DATA_IN, 512, DISK_BYTES / 512, 1);
	static const uint64_t pfn = 5;

	initialise(bench);
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	deliver_direct(bench);
	assert_srb(bench, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID, 2, 0);
	assert_int_equal(last(bench)->srb.sense_length, 18);
	assert_int_equal(last(bench)->srb.sense[2], 5);
	assert_int_equal(last(bench)->srb.sense[12], 0x21);
	vstor.srb.sense_length = 0; /* no room: no sense, and no flag */
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	deliver_direct(bench);
	assert_srb(bench, SRB_STATUS_ERROR, 2, 0);
	vstor.srb.sense_length = 255; /* more than the packet holds */
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	deliver_direct(bench);
	assert_int_equal(last(bench)->srb.sense_length, 18);
	vstor = srb(0x28, VSTOR_DATA_IN, 512, 0, 2);
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	deliver_direct(bench);
	assert_srb(bench, SRB_STATUS_DATA_OVERRUN | SRB_STATUS_AUTOSENSE_VALID, 2, 0);
	vstor = srb(0x28, VSTOR_DATA_IN, 2048, 0, 2); /* underrun */
	put_direct(bench, &vstor, 2048, 0, &pfn, 1);
	deliver_direct(bench);
	assert_srb(bench, SRB_STATUS_SUCCESS, 0, 1024);
	vstor = srb(0x28, VSTOR_DATA_OUT, 512, 0, 1);
	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	deliver_direct(bench);
	assert_srb(bench, SRB_STATUS_INVALID_REQUEST | SRB_STATUS_AUTOSENSE_VALID, 2, 0);
	for (unsigned int length = 0; length < 256; length++) {
		vstor = srb(0x28, VSTOR_DATA_IN, 512, 0, 1);
		vstor.srb.cdb_length = (uint8_t)length;
		put_direct(bench, &vstor, 512, 0, &pfn, 1);
		deliver_direct(bench);
		if (length >= 10 && length <= 16)
			assert_srb(bench, SRB_STATUS_SUCCESS, 0, 512);
		else
			assert_srb(bench, 0x80 | SRB_STATUS_INVALID_REQUEST, 2, 0);
	}
}

/* What a Linux guest does to find LUNs; absent ones must not look like disks. */
static void test_addresses(void **state)
{
	struct bench *bench = *state;
	static const uint8_t addresses[][3] = {{0, 0, 0}, {0, 0, 255}, {0, 1, 2}, {7, 0, 2}};
	static const uint64_t pfn = 5;
	struct vstor_packet vstor;
	uint8_t *data = guest(bench, 5 * PAGE);

	initialise(bench);
	for (size_t i = 0; i < 4; i++) {
		vstor = srb(0x12, VSTOR_DATA_IN, 36, 0, 0);
		vstor.srb.path = addresses[i][0];
		vstor.srb.target = addresses[i][1];
		vstor.srb.lun = addresses[i][2];
		vstor.srb.cdb_length = 6;
		vstor.srb.cdb[4] = 36;
		put_direct(bench, &vstor, 36, 0, &pfn, 1);
		deliver_direct(bench);
		assert_srb(bench, SRB_STATUS_SUCCESS, 0, 36);
		assert_int_equal(data[0], 0x7F);
		vstor.srb.cdb[0] = 0; /* TEST UNIT READY */
		vstor.srb.cdb[4] = 0;
		vstor.srb.transfer_length = 0;
		vstor.srb.data_direction = VSTOR_DATA_NONE;
		send_inband(bench, &vstor);
		assert_srb(bench, SRB_STATUS_INVALID_LUN, 0, 0);
		vstor.srb.cdb_length = 12; /* REPORT LUNS */
		vstor.srb.cdb[0] = 0xA0;
		vstor.srb.cdb[8] = 16;
		vstor.srb.transfer_length = 4096;
		vstor.srb.data_direction = VSTOR_DATA_IN;
		put_direct(bench, &vstor, 4096, 0, &pfn, 1);
		deliver_direct(bench);
		assert_srb(bench, SRB_STATUS_SUCCESS, 0, i < 2 ? 16 : 8);
		assert_int_equal(data[3], i < 2 ? 8 : 0);
		if (i < 2)
			assert_int_equal(data[9], 2);
	}
}

static void send_write(struct bench *bench)
{
	struct vstor_packet vstor = srb(0x2A, VSTOR_DATA_OUT, 512, 0, 1);
	static const uint64_t pfn = 5;

	put_direct(bench, &vstor, 512, 0, &pfn, 1);
	assert_int_equal(deliver_direct(bench), 0);
}

/* At most 64 resets wait; the others are told to come again. */
static int send_reset(struct bench *bench, uint32_t operation);

static void test_resets_are_bounded(void **state)
{
	struct bench *bench = *state;

	initialise(bench);
	bench->hold = true;
	send_write(bench);
	for (unsigned int i = 0; i < 64; i++)
		send_reset(bench, VSTOR_RESET_BUS);
	assert_int_equal(bench->channel.answer_count, 0);
	send_reset(bench, VSTOR_RESET_BUS);
	assert_int_equal(last(bench)->status, 0x80000011);
	carry_out(bench, bench->held[0]);
	assert_int_equal(bench->channel.answer_count, 66);
	send_reset(bench, VSTOR_RESET_BUS);
	assert_int_equal(last(bench)->status, 0);
}

static int send_reset(struct bench *bench, uint32_t operation)
{
	struct vstor_packet vstor = {.operation = operation, .srb.lun = 2};

	return send_inband(bench, &vstor);
}

/* A reset is answered after what was in flight before it, and not held up by what comes after. */
static void test_reset(void **state)
{
	struct bench *bench = *state;
	struct answer *answers = bench->channel.answers;

	initialise(bench);
	assert_int_equal(ask(bench, VSTOR_RESET_LUN, 0), 0); /* nothing in flight */
	bench->channel.answer_count = 0;
	bench->next_id = 1;
	bench->hold = true;
	send_write(bench); /* 1 */
	send_write(bench); /* 2 */
	send_reset(bench, VSTOR_RESET_LUN); /* 3 */
	send_write(bench); /* 4 */
	send_reset(bench, VSTOR_RESET_BUS); /* 5 */
	send_write(bench); /* 6 */
	assert_int_equal(bench->channel.answer_count, 0);
	carry_out(bench, bench->held[3]); /* 6: frees nobody */
	carry_out(bench, bench->held[0]); /* 1 */
	assert_int_equal(bench->channel.answer_count, 2);
	carry_out(bench, bench->held[1]); /* 2, and with it 3 */
	assert_int_equal(bench->channel.answer_count, 4);
	assert_int_equal(answers[2].id, 2);
	assert_int_equal(answers[3].id, 3);
	assert_int_equal(answers[3].packet.status, 0);
	carry_out(bench, bench->held[2]); /* 4, and with it 5 */
	assert_int_equal(bench->channel.answer_count, 6);
	assert_int_equal(answers[5].id, 5);
}

/* The pool is bounded: beyond it the guest is told to come again, and nothing is lost. */
static void test_task_set_full(void **state)
{
	struct bench *bench = *state;
	unsigned int i;

	initialise(bench);
	bench->hold = true;
	for (i = 0; i < 1024; i++)
		send_write(bench);
	assert_int_equal(bench->channel.answer_count, 0);
	send_write(bench);
	assert_srb(bench, SRB_STATUS_BUSY, 0x28, 0);
	send_reset(bench, VSTOR_RESET_LUN); /* needs no place in the pool */
	assert_int_equal(bench->channel.answer_count, 1);
	for (i = 0; i < 1024; i++)
		carry_out(bench, bench->held[i]);
	assert_int_equal(bench->channel.answer_count, 1026);
	bench->hold = false;
	send_write(bench);
	assert_srb(bench, SRB_STATUS_SUCCESS, 0, 512);
}

/*
 * Closed with requests in flight: idle once, after the last. They are answered; whether the guest is to
 * see that is the channel's business. A reset that waits does not hold up the end.
 */
static void test_close(void **state)
{
	struct bench *bench = *state;

	initialise(bench);
	bench->hold = true;
	send_write(bench);
	send_write(bench);
	send_reset(bench, VSTOR_RESET_BUS);
	assert_false(bench->channel.ops->close(bench->channel.state));
	carry_out(bench, bench->held[1]);
	assert_int_equal(bench->channel.idle, 0);
	carry_out(bench, bench->held[0]);
	assert_int_equal(bench->channel.idle, 1);
	assert_int_equal(bench->channel.answer_count, 3);
	assert_null(bench->channel.state);
}

static json_int_t number(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static void test_query(void **state)
{
	struct bench *bench = *state;
	json_t *object, *lun;

	initialise(bench);
	send_write(bench);
	send_reset(bench, VSTOR_RESET_LUN);
	strcpy(bench->disk.path, "a\xFF"); /* no UTF-8 */
	object = storvsp_query(bench->storvsp);
	assert_string_equal(json_string_value(json_object_get(object, "version")), "6.2");
	assert_int_equal(number(object, "resets"), 1);
	assert_int_equal(number(object, "max_transfer_bytes"), 2 << 20);
	assert_int_equal(json_array_size(json_object_get(object, "luns")), 1);
	lun = json_array_get(json_object_get(object, "luns"), 0);
	assert_int_equal(number(lun, "lun"), 2);
	assert_int_equal(number(lun, "writes"), 1);
	assert_int_equal(number(lun, "write_bytes"), 512);
	assert_string_equal(json_string_value(json_object_get(lun, "id")), "hvis-scsi3-lun2");
	json_decref(object);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_conversation),  TEST(test_order),	TEST(test_version_cap),
		TEST(test_read_write),	  TEST(test_largest),	TEST(test_two_ranges),
		TEST(test_malformed),	  TEST(test_gate),	TEST(test_refused),
		TEST(test_scsi_outcomes), TEST(test_addresses), TEST(test_reset),
		TEST(test_task_set_full), TEST(test_close),	TEST(test_query),
		TEST(test_sub_channels),  TEST(test_on_a_sub_channel), TEST(test_resets_are_bounded),
	};

	return cmocka_run_group_tests_name("storvsp", tests, NULL, NULL);
}
