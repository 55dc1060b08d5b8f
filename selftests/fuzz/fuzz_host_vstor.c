// SPDX-License-Identifier: GPL-2.0
// links: host/storvsp.c host/storvsp_channel.c host/storvsp_srb.c host/storvsp_barrier.c host/storvsp_reset.c host/storvsp_plug.c host/scsi.c host/scsi_inquiry.c host/scsi_mode.c host/scsi_rw.c host/scsi_unmap.c host/guestmem.c
/*
 * The storage provider on a channel of the fuzzer's own: the conversation in any order, requests with any pages, resets,
 * disks that answer late, and a close at any moment.
 * Properties: every packet that passes the gate is answered once, with a completion of the right size, but for
 * resets that wait when it closes; a reset of all is answered after all that was sent before it; closing ends with everything returned; no byte outside
 * the pages named is touched (a guard byte in every page of guest memory that no request names).
 */
#include "channel.h"
#include "memory_disk.h"
#include "quiet_log.h"
#include "storvsp_internal.h"
#include "wire/vstor.h"

#define PAGES	  24u /* of guest memory */
#define GUARDS	  4u /* the first of them, never named in a request */
#define LUNS	  2u
#define SUBS	  5u
#define BUS_LOOP  ((struct loop *)&disks)
#define SENT_MAX  2048u
#define PACKET_MAX 65536u
#define RESET_ALL  1
#define RESET_PART 2

struct channel {
	struct guestmem *mem;
	const struct channel_ops *ops;
	void *context, *state;
	bool closing, idle, called;
	unsigned int sub; /* index */
	uint32_t sent; /* transaction ids are 1.. */
	bool owed[SENT_MAX + 1];
	uint8_t reset[SENT_MAX + 1]; /* 0: none, RESET_ALL, RESET_PART: of one LUN, or who knows */
	uint32_t owed_count;
};

static struct channel channel;
static struct storvsp *storvsp;
static struct loop_work *calls, **calls_end = &calls;
static bool leaving[LUNS], resizing[LUNS];
static struct memory_disk disks[LUNS];
static struct packet packet;
static uint8_t *packet_bytes;

struct channel *vmbus_offer(struct vmbus *vmbus, const struct channel_offer *offer)
{
	(void)vmbus;
	channel.ops = offer->ops;
	channel.context = offer->context;
	return &channel;
}

static bool older_owed(uint64_t id)
{
	for (uint64_t i = 1; i < id; i++)
		if (channel.owed[i] && !channel.reset[i])
			return true;
	return false;
}

void channel_complete(struct channel *to, uint64_t id, const void *payload, uint32_t bytes)
{
	const struct vstor_packet *answer = payload;

	MUST(to == &channel && !channel.idle);
	MUST(id && id <= channel.sent && channel.owed[id]);
	MUST(bytes == sizeof(*answer) && bytes <= channel.ops->completion_max);
	MUST(answer->operation == VSTOR_COMPLETE_IO);
	channel.owed[id] = false;
	channel.owed_count--;
	if (channel.reset[id] == RESET_ALL && !answer->status)
		MUST(!older_owed(id));
}

void channel_send(struct channel *to, const void *payload, uint32_t bytes)
{
	(void)payload;
	MUST(to == &channel && bytes <= channel.ops->completion_max);
}

void channel_idle(struct channel *from)
{
	MUST(from == &channel && channel.closing && !channel.idle);
	channel.idle = true;
	channel.ops->closed(channel.state);
	channel.state = NULL;
}

void channel_call(struct channel *of)
{
	MUST(of == &channel);
	channel.called = true;
}

bool channel_may_send(struct channel *of)
{
	return of == &channel;
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	MUST(loop == BUS_LOOP);
	work->next = NULL;
	*calls_end = work;
	calls_end = &work->next;
}

/* What the bus thread and the worker do when they get to it. */
static void run_calls(void)
{
	while (calls) {
		struct loop_work *work = calls;

		calls = work->next;
		if (!calls)
			calls_end = &calls;
		work->run(work);
	}
	if (channel.called && channel.state && !channel.closing) {
		channel.called = false;
		channel.ops->called(channel.state);
	}
}

void vmbus_rescind(struct vmbus *vmbus, struct channel *of)
{
	MUST(vmbus && of);
}

void channel_ask_sub_channels(struct channel *of, unsigned int count)
{
	MUST(of == &channel && count && count <= SUBS);
}

unsigned int channel_sub_index(const struct channel *of)
{
	return of->sub;
}

bool channel_wants_data(const struct channel *of)
{
	(void)of;
	return true;
}

/* What a trace would copy must be there. */
void channel_data(struct channel *of, bool to_guest, uint64_t transaction_id,
		  const struct iovec *pieces, unsigned int count, uint64_t bytes)
{
	static volatile uint8_t seen;

	(void)to_guest;
	MUST(of == &channel && transaction_id <= channel.sent && bytes);
	for (unsigned int i = 0; i < count; i++)
		if (pieces[i].iov_len)
			seen = ((const uint8_t *)pieces[i].iov_base)[pieces[i].iov_len - 1];
	(void)seen;
}

struct loop *channel_loop(struct channel *of)
{
	return (struct loop *)of;
}

const struct guestmem *channel_guestmem(const struct channel *of)
{
	return of->mem;
}

const char *channel_name(const struct channel *of)
{
	(void)of;
	return "fuzz";
}

/* Hand it over as the worker does: copied out, no larger than the protocol has. */
static void deliver(uint16_t type, uint16_t flags, uint8_t reset)
{
	uint32_t id = ++channel.sent;
	const char *why = NULL;
	int result;

	packet.desc = (struct packet_desc){ .type = type,
					    .flags = flags,
					    .offset8 = (uint16_t)(packet.payload / 8),
					    .len8 = (uint16_t)(packet.bytes / 8),
					    .transaction_id = id };
	packet.data = malloc(packet.bytes);
	memcpy(packet.data, packet_bytes, packet.bytes);
	memcpy(packet.data, &packet.desc, sizeof(packet.desc));
	channel.owed[id] = flags & PACKET_FLAG_COMPLETION_REQUESTED;
	channel.owed_count += channel.owed[id];
	channel.reset[id] = reset;
	result = channel.ops->packet(channel.state, &packet, &why);
	free(packet.data);
	MUST(result <= 0 && (result == 0 || why));
	if (result < 0 && channel.owed[id]) { /* the channel breaks here; the fuzzer goes on */
		channel.owed[id] = false;
		channel.owed_count--;
	}
}

static void put_inband(const struct vstor_packet *vstor)
{
	packet.payload = 16;
	packet.bytes = 16 + sizeof(*vstor);
	memcpy(packet_bytes + 16, vstor, sizeof(*vstor));
}

static uint8_t reset_kind(uint32_t operation)
{
	if (operation == VSTOR_RESET_LUN)
		return RESET_PART;
	return operation == VSTOR_RESET_ADAPTER || operation == VSTOR_RESET_BUS ? RESET_ALL : 0;
}

static void converse(struct tape *tape)
{
	static const uint32_t operations[] = { VSTOR_BEGIN_INITIALIZATION,
					       VSTOR_QUERY_PROTOCOL_VERSION,
					       VSTOR_QUERY_PROPERTIES,
					       VSTOR_END_INITIALIZATION,
					       VSTOR_FCHBA_DATA,
					       VSTOR_CREATE_SUB_CHANNELS,
					       VSTOR_RESET_LUN,
					       VSTOR_RESET_BUS };
	struct vstor_packet vstor = { .flags = VSTOR_FLAG_REQUEST_COMPLETION };
	uint32_t which = tape_below(tape, 8);

	vstor.operation = tape_lie(tape, operations[which]);
	if (which == 1)
		vstor.version.version = (uint16_t)tape_lie(tape, VSTOR_VERSION_WIN10);
	if (which == 5)
		vstor.sub_channel_count = (uint16_t)tape_lie(tape, 1);
	put_inband(&vstor);
	deliver((uint16_t)tape_lie(tape, PACKET_INBAND),
		(uint16_t)tape_lie(tape, PACKET_FLAG_COMPLETION_REQUESTED),
		reset_kind(vstor.operation));
}

/* Append a range of @bytes; the pages are guest memory behind the guards, in any order. */
static void put_range(struct tape *tape, uint32_t bytes, uint32_t offset)
{
	uint32_t head[2] = { tape_lie(tape, bytes), tape_lie(tape, offset) };
	uint32_t pages = tape_lie(tape, (offset + bytes + 4095) / 4096);

	memcpy(packet_bytes + packet.payload, head, sizeof(head));
	packet.payload += sizeof(head);
	while (pages-- && packet.payload + 8 + 128 < PACKET_MAX) {
		uint64_t pfn = GUARDS + tape_below(tape, PAGES - GUARDS);

		if (tape_u8(tape) == 1)
			pfn = tape_u64(tape) | 1ull << 40;
		memcpy(packet_bytes + packet.payload, &pfn, sizeof(pfn));
		packet.payload += sizeof(pfn);
	}
}

static void put_cdb(struct tape *tape, struct vstor_srb *srb, uint32_t blocks)
{
	static const uint8_t opcodes[] = { 0x28, 0x2A, 0x12, 0x25, 0x35, 0x00, 0xA0, 0x42, 0x41 };

	srb->cdb_length = 10;
	srb->cdb[0] = (uint8_t)tape_lie(tape, opcodes[tape_below(tape, sizeof(opcodes))]);
	srb->cdb[5] = (uint8_t)tape_lie(tape, tape_u8(tape) % 128);
	srb->cdb[8] = (uint8_t)blocks;
	if (srb->cdb[0] == 0x12)
		srb->cdb[4] = 96, srb->cdb[8] = 0;
	if (tape_u8(tape) == 1)
		tape_take(tape, srb->cdb, VSTOR_CDB_MAX);
}

static void request(struct tape *tape)
{
	uint32_t blocks = tape_below(tape, 32), bytes = blocks * 512, ranges = 1, head[2] = { 0 };
	struct vstor_packet vstor = { .operation = VSTOR_EXECUTE_SRB };
	struct vstor_srb *srb = &vstor.srb;

	srb->length = (uint16_t)tape_lie(tape, sizeof(*srb));
	srb->lun = (uint8_t)tape_lie(tape, tape_below(tape, LUNS));
	srb->target = (uint8_t)tape_lie(tape, 0);
	srb->sense_length = (uint8_t)tape_lie(tape, VSTOR_SENSE_MAX);
	put_cdb(tape, srb, blocks);
	srb->data_direction = (uint8_t)tape_lie(tape, !bytes ? VSTOR_DATA_NONE :
						srb->cdb[0] == 0x28 || srb->cdb[0] == 0x12 ||
							       srb->cdb[0] == 0xA0 ?
							     VSTOR_DATA_IN :
							     VSTOR_DATA_OUT);
	srb->transfer_length = tape_lie(tape, bytes);
	packet.payload = sizeof(struct packet_gpa_direct);
	if (bytes >= 1024 && tape_u8(tape) % 8 == 7)
		ranges = 2;
	head[1] = tape_lie(tape, ranges);
	memcpy(packet_bytes + 16, head, sizeof(head));
	for (uint32_t i = 0; i < ranges && bytes; i++)
		put_range(tape, i ? 512 : bytes - 512 * (ranges - 1), 512 * tape_below(tape, 8));
	memcpy(packet_bytes + packet.payload, &vstor, sizeof(vstor));
	packet.bytes = packet.payload + sizeof(vstor);
	if (!bytes)
		put_inband(&vstor);
	if (packet.bytes > channel.ops->packet_max)
		return;
	deliver((uint16_t)tape_lie(tape, bytes ? PACKET_GPA_DIRECT : PACKET_INBAND),
		PACKET_FLAG_COMPLETION_REQUESTED,
		reset_kind(vstor.operation));
}

/* Any bytes with any offsets that ring_read() lets through. */
static void nonsense(struct tape *tape)
{
	packet.bytes = 16 + 8 * tape_below(tape, 32);
	packet.payload = 16 + 8 * (tape_u8(tape) % (packet.bytes / 8 - 1));
	tape_take(tape, packet_bytes + 16, packet.bytes - 16);
	deliver(tape_u8(tape), PACKET_FLAG_COMPLETION_REQUESTED, RESET_PART);
}

static void release(struct tape *tape)
{
	struct memory_disk *disk = &disks[tape_below(tape, LUNS)];

	if (disk->held_count)
		memory_disk_release(disk);
}

/* Disks come, go and are resized, whatever is in flight on them. */

static void gone(void *context, const char *why)
{
	unsigned int lun = (unsigned int)(uintptr_t)context;

	MUST(!why && leaving[lun] && !disks[lun].held_count);
	leaving[lun] = false;
}

static void resized(void *context, const char *why)
{
	unsigned int lun = (unsigned int)(uintptr_t)context;

	MUST(!why);
	resizing[lun] = false;
}

static void put_in(struct tape *tape, unsigned int lun)
{
	memory_disk_start(&disks[lun], tape, lun ? tape_u8(tape) : 4);
	disks[lun].slow = 96;
	disks[lun].disk.id[0] = 'x';
	MUST(!storvsp_add_disk(storvsp, lun, &disks[lun].disk));
}

static void plug(struct tape *tape)
{
	unsigned int lun = tape_below(tape, LUNS);
	bool there = storvsp_disk(storvsp, lun), busy = leaving[lun] || resizing[lun];
	void *context = (void *)(uintptr_t)lun;
	uint8_t what = tape_u8(tape);
	int error;

	if (!there) {
		if (!busy)
			put_in(tape, lun);
		return;
	}
	if (what < 96) {
		leaving[lun] = !busy;
		error = storvsp_remove_disk(storvsp, lun, gone, context);
	} else {
		resizing[lun] = true;
		error = storvsp_resize_disk(storvsp, lun, 4096ull * (1 + what % 16), resized, context);
	}
	MUST(error == (busy ? -EBUSY : 0));
}

/* Everything in flight ends, and with it every removal and resizing. */
static void release_all(void)
{
	for (unsigned int i = 0; i < LUNS; i++)
		while (disks[i].held_count)
			memory_disk_release(&disks[i]);
	run_calls();
	run_calls();
	for (unsigned int i = 0; i < LUNS; i++)
		MUST(!leaving[i] && !resizing[i]);
	MUST(!channel.owed_count);
}

static void begin(struct tape *tape)
{
	static const uint8_t steps[] = { 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0 };
	struct tape talk = { steps, sizeof(steps) };

	if (tape_below(tape, 4) == 3)
		return;
	for (int i = 0; i < 4; i++)
		converse(&talk);
	MUST(!channel.owed_count);
}

static void check_guards(void)
{
	const uint8_t *guard = guestmem_ptr(channel.mem, gpa(0), GUARDS * 4096);

	MUST(guard[0] == 0xA5 && !memcmp(guard, guard + 1, GUARDS * 4096 - 1));
}

static void close_channel(void)
{
	channel.closing = true;
	if (channel.ops->close(channel.state)) {
		MUST(!disks[0].held_count && !disks[1].held_count);
		channel.ops->closed(channel.state);
		return;
	}
	for (unsigned int i = 0; i < LUNS; i++)
		while (disks[i].held_count)
			memory_disk_release(&disks[i]);
	MUST(channel.idle);
}

static void create(void)
{
	struct storvsp_options options = { .max_transfer_bytes = 65536,
					   .sub_channels = SUBS,
					   .loop = BUS_LOOP };

	storvsp = storvsp_create(&options);
	for (unsigned int i = 0; i < LUNS; i++)
		MUST(!storvsp_add_disk(storvsp, i, &disks[i].disk));
	MUST(!storvsp_offer(storvsp, NULL));
	channel.state = channel.ops->open(&channel, channel.context);
	MUST(channel.state);
}

/* Opening takes long beside all else: a channel that was not closed serves the next run, put back to its beginning. */
static void reuse(void)
{
	struct storvsp_channel *state = channel.state;

	MUST(!state->in_flight && !state->resets);
	state->state = STORVSP_CLOSED;
	state->number = 0;
	storvsp_tell_nothing(storvsp);
	for (unsigned int i = 0; i < LUNS; i++) {
		storvsp->target.luns[i].attentions = 0;
		if (!storvsp_disk(storvsp, i))
			MUST(!storvsp_add_disk(storvsp, i, &disks[i].disk));
	}
	storvsp_tell_nothing(storvsp);
	channel.called = false;
	channel.sent = 0;
	memset(channel.owed, 0, sizeof(channel.owed));
}

static void start(struct tape *tape)
{
	if (!packet_bytes) {
		packet_bytes = malloc(PACKET_MAX);
		channel.mem = guestmem_create(PAGES * 4096);
	}
	memset(guestmem_ptr(channel.mem, gpa(0), GUARDS * 4096), 0xA5, GUARDS * 4096);
	for (unsigned int i = 0; i < LUNS; i++) {
		memory_disk_start(&disks[i], tape, i ? tape_u8(tape) : 4);
		disks[i].slow = 96;
		disks[i].disk.id[0] = 'x';
	}
	if (storvsp)
		reuse();
	else
		create();
}

static void end(void)
{
	struct guestmem *mem = channel.mem;

	close_channel();
	json_decref(storvsp_query(storvsp));
	/* By now the bus thread's loop has stopped for good. */
	calls = NULL;
	calls_end = &calls;
	storvsp_destroy(storvsp);
	MUST(!leaving[0] && !leaving[1] && !resizing[0] && !resizing[1]);
	storvsp = NULL;
	memset(&channel, 0, sizeof(channel));
	channel.mem = mem;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };
	bool close;

	start(&tape);
	close = tape_u8(&tape) % 32 == 31;
	begin(&tape);
	while (tape_more(&tape) && channel.sent < SENT_MAX) {
		uint8_t what = tape_u8(&tape) % 32;

		run_calls();
		if (what >= 30)
			plug(&tape);
		else if (what >= 16)
			request(&tape);
		else if (what < 3)
			converse(&tape);
		else if (what < 11)
			request(&tape);
		else if (what < 15)
			release(&tape);
		else
			nonsense(&tape);
	}
	check_guards();
	if (close) {
		end();
		return 0;
	}
	release_all();
	return 0;
}
