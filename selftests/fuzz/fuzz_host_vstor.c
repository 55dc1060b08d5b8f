// SPDX-License-Identifier: GPL-2.0
// links: host/storvsp.c host/storvsp_channel.c host/storvsp_srb.c host/storvsp_barrier.c host/storvsp_reset.c host/storvsp_plug.c host/scsi.c host/scsi_inquiry.c host/scsi_mode.c host/scsi_rw.c host/scsi_unmap.c host/guestmem.c host/pagemap.c host/gpa_direct.c host/provider.c
// links: host/fault_vstor.c
/*
 * The storage provider on channels of the fuzzer's own: the conversation in any order, sub-channels that open and close,
 * requests with any pages, resets, disks that answer late, and a close at any moment.
 * Properties: every packet that passes the gate is answered once, on its own channel, with a completion of the right size,
 * but for resets that wait when it closes; a reset of all is answered after all that was sent before it on any channel;
 * a sub-channel does nothing while the primary is not ready; closing ends with everything returned; no byte outside the
 * pages named is touched (a guard byte in every page of guest memory that no request names).
 */
#include "channel.h"
#include "memory_disk.h"
#include "quiet_log.h"
#include "storvsp_internal.h"
#include "wire/vstor.h"

#define PAGES	  24u /* of guest memory */
#define GUARDS	  4u /* the first of them, never named in a request */
#define LUNS	  2u
#define SUBS	  2u
#define BUS_LOOP  ((struct loop *)&disks)
#define SENT_MAX  2048u
#define PACKET_MAX 65536u
#define RESET_ALL  1
#define RESET_PART 2

#define CHANNELS   (1 + SUBS)

struct channel {
	void *state;
	unsigned int sub; /* index */
	bool open, closing, called;
	uint32_t owed; /* answers */
};

/* The first is the primary. One that is not open may have its state still, to be opened faster in the next run. */
static struct channel channels[CHANNELS];
static struct channel *const primary = channels;
static unsigned int offered; /* sub-channels */

/* What was sent: transaction ids are 1.. */
static struct sent {
	struct channel *owed_on; /* NULL: nothing is owed */
	uint32_t status; /* of the answer */
	uint8_t reset; /* 0: none, RESET_ALL, RESET_PART: of one LUN, or who knows */
} packets[SENT_MAX + 1];
static uint32_t sent;

static struct guestmem *mem;
static const struct channel_ops *ops;
static void *ops_context;
static struct storvsp *storvsp;
static struct loop_work *calls, **calls_end = &calls;
static bool leaving[LUNS], resizing[LUNS];
static struct memory_disk disks[LUNS];
static struct packet packet;
static uint8_t *packet_bytes;

struct channel *vmbus_offer(struct vmbus *vmbus, const struct channel_offer *offer)
{
	(void)vmbus;
	ops = offer->ops;
	ops_context = offer->context;
	return primary;
}

static bool older_owed(uint64_t id)
{
	for (uint64_t i = 1; i < id; i++)
		if (packets[i].owed_on && !packets[i].reset)
			return true;
	return false;
}

static void paid(uint64_t id)
{
	packets[id].owed_on->owed--;
	packets[id].owed_on = NULL;
}

void channel_complete(struct channel *to, uint64_t id, const void *payload, uint32_t bytes)
{
	const struct vstor_packet *answer = payload;

	MUST(to->open && id && id <= sent && packets[id].owed_on == to);
	MUST(bytes == sizeof(*answer) && bytes <= ops->completion_max);
	MUST(answer->operation == VSTOR_COMPLETE_IO);
	paid(id);
	packets[id].status = answer->status;
	if (packets[id].reset == RESET_ALL && !answer->status)
		MUST(!older_owed(id));
}

void channel_send(struct channel *to, const void *payload, uint32_t bytes)
{
	(void)payload;
	MUST(to == primary && to->open && !to->closing && bytes <= ops->completion_max);
}

/* Resets that waited are not answered any more; all else has been. */
static void closed(struct channel *of)
{
	ops->closed(of->state);
	for (uint32_t id = 1; id <= sent; id++) {
		if (packets[id].owed_on != of)
			continue;
		MUST(packets[id].reset);
		paid(id);
	}
	MUST(!of->owed);
	of->state = NULL;
	of->open = of->closing = of->called = false;
}

void channel_idle(struct channel *from)
{
	MUST(from->open && from->closing);
	closed(from);
}

/* Not open: its state is kept for the next run, and the provider thinks that it is open. */
void channel_call(struct channel *of)
{
	MUST(of->state);
	of->called = true;
}

bool channel_may_send(struct channel *of)
{
	return of == primary;
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
	for (unsigned int i = 0; i < CHANNELS; i++) {
		struct channel *at = &channels[i];

		if (!at->called || at->closing)
			continue;
		at->called = false;
		ops->called(at->state);
	}
}

void vmbus_rescind(struct vmbus *vmbus, struct channel *of)
{
	MUST(vmbus && of == primary);
}

void channel_ask_sub_channels(struct channel *of, unsigned int count)
{
	MUST(of == primary && count && count <= SUBS && !offered);
	offered = count;
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
	MUST(of->open && transaction_id <= sent && bytes);
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
	(void)of;
	return mem;
}

const char *channel_name(const struct channel *of)
{
	(void)of;
	return "fuzz";
}

static bool is_ready(void)
{
	const struct storvsp_channel *state = primary->state;

	return primary->open && !primary->closing && state->state == STORVSP_READY;
}

/* Hand it over as the worker does: copied out, no larger than the protocol has. */
static void deliver(struct channel *at, uint16_t type, uint16_t flags, uint8_t reset)
{
	uint32_t id = ++sent;
	const bool serves = !at->sub || is_ready();
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
	packets[id] = (struct sent){ .reset = reset };
	if (flags & PACKET_FLAG_COMPLETION_REQUESTED) {
		packets[id].owed_on = at;
		at->owed++;
	}
	result = ops->packet(at->state, &packet, &why);
	free(packet.data);
	MUST(result <= 0 && (result == 0 || why));
	if (result < 0 && packets[id].owed_on) /* the channel breaks here; the fuzzer goes on */
		paid(id);
	else if (!serves)
		MUST(result < 0 || (!packets[id].owed_on && packets[id].status));
}

/* A channel that takes packets: the one chosen, or else the primary. */
static struct channel *choose(struct tape *tape)
{
	struct channel *at = &channels[tape_below(tape, CHANNELS)];

	return at->open && !at->closing ? at : primary;
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

static void converse(struct tape *tape, struct channel *at)
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
	uint32_t which = tape_below(tape, 16);

	if (which >= 8) /* what all channels have to do with */
		which = 6 + which % 2;
	vstor.operation = tape_lie(tape, operations[which]);
	if (which == 1)
		vstor.version.version = (uint16_t)tape_lie(tape, VSTOR_VERSION_WIN10);
	if (which == 5)
		vstor.sub_channel_count = (uint16_t)tape_lie(tape, SUBS);
	put_inband(&vstor);
	deliver(at, (uint16_t)tape_lie(tape, PACKET_INBAND),
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

static void request(struct tape *tape, struct channel *at)
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
	if (packet.bytes > ops->packet_max)
		return;
	deliver(at, (uint16_t)tape_lie(tape, bytes ? PACKET_GPA_DIRECT : PACKET_INBAND),
		PACKET_FLAG_COMPLETION_REQUESTED,
		reset_kind(vstor.operation));
}

/* Any bytes with any offsets that ring_read() lets through. */
static void nonsense(struct tape *tape, struct channel *at)
{
	packet.bytes = 16 + 8 * tape_below(tape, 32);
	packet.payload = 16 + 8 * (tape_u8(tape) % (packet.bytes / 8 - 1));
	tape_take(tape, packet_bytes + 16, packet.bytes - 16);
	deliver(at, tape_u8(tape), PACKET_FLAG_COMPLETION_REQUESTED, RESET_PART);
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

static void release_disks(void)
{
	for (unsigned int i = 0; i < LUNS; i++)
		while (disks[i].held_count)
			memory_disk_release(&disks[i]);
}

/* Everything in flight ends, and with it every removal and resizing. */
static void release_all(void)
{
	release_disks();
	run_calls();
	run_calls();
	for (unsigned int i = 0; i < LUNS; i++)
		MUST(!leaving[i] && !resizing[i]);
	for (unsigned int i = 0; i < CHANNELS; i++)
		MUST(!channels[i].owed && (i == 0 || !channels[i].closing));
}

/* Its state of an earlier run is as good as a new one. */
static void open_channel(struct channel *at)
{
	if (!at->state)
		at->state = ops->open(at, ops_context);
	MUST(at->state);
	at->open = true;
}

static void close_channel(struct channel *at)
{
	at->closing = true;
	if (ops->close(at->state))
		closed(at);
}

/*
 * Those that were offered come and go as the guest likes; one whose requests take long comes back only after them. A real
 * opening takes longer than all else, so few runs @may_close.
 */
static void open_or_close(struct tape *tape, bool may_close)
{
	struct channel *sub = &channels[1 + tape_below(tape, SUBS)];

	if (sub->sub > offered || sub->closing)
		return;
	if (!sub->open)
		open_channel(sub);
	else if (may_close)
		close_channel(sub);
}

static void begin(struct tape *tape)
{
	static const uint8_t steps[] = { 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 0 };
	struct tape talk = { steps, sizeof(steps) };
	uint8_t what = tape_u8(tape);

	if (what % 4 == 3)
		return;
	while (tape_more(&talk))
		converse(&talk, primary);
	MUST(!primary->owed && offered == SUBS);
	for (unsigned int i = 0; i < what / 4 % CHANNELS; i++)
		open_channel(&channels[1 + i]);
}

static void check_guards(void)
{
	const uint8_t *guard = guestmem_ptr(mem, gpa(0), GUARDS * 4096);

	MUST(guard[0] == 0xA5 && !memcmp(guard, guard + 1, GUARDS * 4096 - 1));
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
	for (unsigned int i = 0; i < CHANNELS; i++)
		channels[i].sub = i;
}

/* Opening takes long beside all else: channels that were not closed serve the next run, put back to their beginning. */
static void reuse(void)
{
	for (unsigned int i = 0; i < CHANNELS; i++) {
		struct storvsp_channel *state = channels[i].state;

		channels[i].open = channels[i].called = false;
		if (!state)
			continue;
		MUST(!state->in_flight && !state->resets && !state->parts && !state->asked);
		state->state = STORVSP_CLOSED;
		state->number = 0;
		state->subs_asked = state->notifies = false;
	}
	storvsp->ready = false;
	storvsp_tell_nothing(storvsp);
	for (unsigned int i = 0; i < LUNS; i++) {
		storvsp->target.luns[i].attentions = 0;
		if (!storvsp_disk(storvsp, i))
			MUST(!storvsp_add_disk(storvsp, i, &disks[i].disk));
	}
	storvsp_tell_nothing(storvsp);
}

static void start(struct tape *tape)
{
	if (!packet_bytes) {
		packet_bytes = malloc(PACKET_MAX);
		mem = guestmem_create(PAGES * 4096);
	}
	memset(guestmem_ptr(mem, gpa(0), GUARDS * 4096), 0xA5, GUARDS * 4096);
	for (unsigned int i = 0; i < LUNS; i++) {
		memory_disk_start(&disks[i], tape, i ? tape_u8(tape) : 4);
		disks[i].slow = 96;
		disks[i].disk.id[0] = 'x';
	}
	if (storvsp)
		reuse();
	else
		create();
	sent = 0;
	offered = 0;
	open_channel(primary);
}

/* All channels, the primary first or last; what sub-channels are asked then is refused. */
static void end(struct tape *tape)
{
	bool primary_first = tape_u8(tape) & 1;

	if (primary_first)
		close_channel(primary);
	for (unsigned int i = 1; i < CHANNELS; i++) {
		if (channels[i].open && !channels[i].closing && sent < SENT_MAX)
			request(tape, &channels[i]);
		if (channels[i].state && !channels[i].closing)
			close_channel(&channels[i]);
	}
	if (!primary_first)
		close_channel(primary);
	release_disks();
	for (unsigned int i = 0; i < CHANNELS; i++)
		MUST(!channels[i].state);
	json_decref(storvsp_query(storvsp));
	/* By now the bus thread's loop has stopped for good. */
	calls = NULL;
	calls_end = &calls;
	storvsp_destroy(storvsp);
	MUST(!leaving[0] && !leaving[1] && !resizing[0] && !resizing[1]);
	storvsp = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };
	bool close, may_close;
	uint8_t how;

	start(&tape);
	how = tape_u8(&tape);
	close = how == 255;
	may_close = how % 64 == 62;
	begin(&tape);
	while (tape_more(&tape) && sent < SENT_MAX) {
		uint8_t what = tape_u8(&tape) % 32;

		run_calls();
		if (what >= 30)
			plug(&tape);
		else if (what >= 16)
			request(&tape, choose(&tape));
		else if (what < 2)
			open_or_close(&tape, may_close);
		else if (what < 5)
			converse(&tape, choose(&tape));
		else if (what < 11)
			request(&tape, choose(&tape));
		else if (what < 15)
			release(&tape);
		else
			nonsense(&tape, choose(&tape));
	}
	check_guards();
	if (close) {
		end(&tape);
		return 0;
	}
	release_all();
	return 0;
}
