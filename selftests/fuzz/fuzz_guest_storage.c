// SPDX-License-Identifier: GPL-2.0
// links: storvsc/completion.c storvsc/slot.c storvsc/map.c storvsc/control.c storvsc/news.c vmbus/xact.c selftests/fuzz/shim/one_thread.c
/*
 * The guest's storage driver behind the ring: packets of any kind on any channel, while commands are lent and ended,
 * control requests asked, and LUNs come and go. The SCSI layer and the channels are fakes.
 * Properties: a command ends exactly once, and only by an answer that has its id and comes on its channel, or by being
 * failed; what it then says stays inside its own bounds; a packet that is refused touches no command; news end.
 */
#include <one_thread_scsi.h>

#include "storvsc/internal.h"

#include "tape.h"

#define QUEUES	 2u
#define LINKS	 3u
#define TAGS	 6u
#define BYTES	 8192u
#define PER_TURN 600u /* more than one round of the driver's */

struct vmbus_channel {
	unsigned int index;
};

/* A command and what may become of it. */
struct command {
	struct scsi_cmnd cmd;
	u8 sense[SCSI_SENSE_BUFFERSIZE];
	u64 id; /* it is lent with; 0: not lent */
	unsigned int link, ends;
};

static struct world {
	struct tape tape;
	struct storvsc_host host;
	struct storvsc_link links[LINKS];
	struct storvsc_queue queues[QUEUES];
	struct storvsc_slot *slots[QUEUES]; /* TAGS each, exactly, for ASAN */
	struct command commands[QUEUES][TAGS];
	struct vmbus_channel channels[LINKS];
	struct vmbus_device device;
	struct Scsi_Host shost;
	struct scsi_device luns[4];
	bool present[4];
	struct vstor_packet packet; /* on its way in */
	struct hvis_packet in;
	u64 last_id, may_end; /* the id that this packet may end a command with */
	unsigned int left; /* packets of this round */
	bool failing, asking;
} world;

/* The SCSI layer. */

void scsi_done(struct scsi_cmnd *cmd)
{
	struct command *command = container_of(cmd, struct command, cmd);

	MUST(!command->ends++);
	MUST(command->id && (world.failing || command->id == world.may_end));
	MUST(cmd->resid <= cmd->bytes);
	MUST(cmd->result >> 16 <= 0xFF);
	command->id = 0;
	world.may_end = 0;
}

static unsigned int number_of(unsigned int id, u64 lun)
{
	return id * 2 + (unsigned int)lun;
}

struct scsi_device *scsi_device_lookup(struct Scsi_Host *shost, unsigned int channel, unsigned int id, u64 lun)
{
	MUST(shost == &world.shost && !channel && id < STORVSC_TARGETS && lun < STORVSC_LUNS);
	return lun < 2 && world.present[number_of(id, lun)] ? &world.luns[number_of(id, lun)] : NULL;
}

void scsi_scan_target(struct device *parent, unsigned int channel, unsigned int id, u64 lun, enum scsi_scan_mode mode)
{
	MUST(parent == &world.shost.shost_gendev && !channel && id < STORVSC_TARGETS);
	MUST(lun < STORVSC_LUNS || lun == SCAN_WILD_CARD);
	if (lun < 2)
		world.present[number_of(id, lun)] = tape_u8(&world.tape) & 1;
}

void scsi_rescan_device(struct scsi_device *sdev)
{
	MUST(world.present[sdev - world.luns]);
}

void scsi_remove_device(struct scsi_device *sdev)
{
	world.present[sdev - world.luns] = false;
}

int scsi_test_unit_ready(struct scsi_device *sdev, int timeout, int retries, struct scsi_sense_hdr *sense)
{
	MUST(world.present[sdev - world.luns]);
	return tape_u8(&world.tape) & 1 ? DID_NO_CONNECT << 16 : 0;
}

/* What the host left of the buffer: mostly the truth, maybe more than there is, or less than nothing. */
static u32 lie_resid(struct tape *tape, u32 room, u32 length)
{
	return tape_lie(tape, room - length);
}

int compat_scsi_read(struct scsi_device *sdev, const u8 *cdb, void *buffer, unsigned int bytes, int timeout, int retries,
		     int *resid)
{
	u32 length = 8 * tape_below(&world.tape, 4);
	u8 *list = buffer;

	tape_take(&world.tape, list, bytes < 40 ? bytes : 40);
	if (tape_u8(&world.tape) & 1) {
		memset(list, 0, 8);
		list[3] = (u8)length;
	}
	*resid = (int)lie_resid(&world.tape, bytes, 8 + length);
	return tape_u8(&world.tape) == 1 ? -EIO : 0;
}

/* What else the driver has. */

void storvsc_report_broken(struct storvsc_link *link)
{
	set_bit(LINK_BROKEN, &link->flags);
	storvsc_control_fail(link->host, -EIO);
}

void hvis_channel_resume(struct vmbus_channel *channel)
{
}

void storvsc_latency_answered(struct storvsc_queue *queue, u64 sent, u64 read)
{
}

/* The host. */

static struct command *nth_lent(unsigned int n)
{
	for (unsigned int i = 0; i < QUEUES * TAGS; i++) {
		struct command *command = &world.commands[i / TAGS][i % TAGS];

		if (command->id && !n--)
			return command;
	}
	return NULL;
}

/* Whose answer this is meant to look like. */
static u64 choose_id(unsigned int link)
{
	struct command *command = nth_lent(tape_below(&world.tape, QUEUES * TAGS));

	switch (tape_below(&world.tape, 8)) {
	case 0:
		return 0;
	case 1:
		return tape_u64(&world.tape);
	case 2:
		return world.host.control_id;
	case 3:
		return world.last_id; /* once more */
	default:
		return command ? command->id ^ (tape_u8(&world.tape) == 1 ? 1ull << tape_u8(&world.tape) % 64 : 0) : 0;
	}
}

static bool ends_somebody(u64 id, unsigned int link)
{
	for (unsigned int i = 0; i < QUEUES * TAGS; i++) {
		const struct command *command = &world.commands[i / TAGS][i % TAGS];

		if (id && command->id == id)
			return command->link == link;
	}
	return false;
}

static void fill_packet(void)
{
	static const u32 operations[] = { VSTOR_COMPLETE_IO, VSTOR_COMPLETE_IO, VSTOR_COMPLETE_IO, VSTOR_ENUMERATE_BUS,
					  VSTOR_REMOVE_DEVICE, VSTOR_EVENT_NOTIFICATION };
	struct vstor_srb *srb = &world.packet.srb;

	tape_take(&world.tape, &world.packet, 32);
	world.packet.operation = tape_lie(&world.tape, operations[tape_below(&world.tape, 6)]);
	if (tape_u8(&world.tape) & 1)
		srb->srb_status = SRB_STATUS_SUCCESS;
	if (tape_u8(&world.tape) & 1)
		srb->scsi_status = 0;
	tape_take(&world.tape, srb->sense, 14);
	if (tape_u8(&world.tape) % 4 == 3) {
		srb->srb_status = SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
		srb->scsi_status = SAM_STAT_CHECK_CONDITION;
		srb->sense_length = (u8)tape_lie(&world.tape, 18);
		srb->sense[0] = 0x70 | tape_u8(&world.tape) % 4;
	}
}

int hvis_channel_recv(struct vmbus_channel *channel, struct hvis_packet *packet)
{
	u64 id;

	if (!world.left || !tape_more(&world.tape))
		return 0;
	world.left--;
	if (tape_u8(&world.tape) == 255)
		return -EIO;
	fill_packet();
	id = choose_id(channel->index);
	*packet = (struct hvis_packet){
		.type = tape_lie(&world.tape, id ? PACKET_COMPLETION : PACKET_INBAND),
		.transaction_id = id,
		.payload_bytes = tape_lie(&world.tape, sizeof(world.packet)),
	};
	/* Exactly as long as said, so that ASAN sees one byte too many. */
	free((void *)world.in.payload);
	packet->payload_bytes = packet->payload_bytes > 256 ? 64 : packet->payload_bytes;
	packet->payload = calloc(1, packet->payload_bytes ?: 1);
	memcpy((void *)packet->payload, &world.packet,
	       packet->payload_bytes < sizeof(world.packet) ? packet->payload_bytes : sizeof(world.packet));
	world.in = *packet;
	world.may_end = ends_somebody(id, channel->index) && packet->type == PACKET_COMPLETION &&
					packet->payload_bytes >= sizeof(world.packet) &&
					world.packet.operation == VSTOR_COMPLETE_IO ? id : 0;
	world.last_id = id;
	return 1;
}

static void round_of(unsigned int link, unsigned int packets)
{
	world.left = packets;
	world.may_end = 0;
	storvsc_event(&world.channels[link], &world.links[link]);
	while (shim_run_one(world.host.wq))
		;
	world.may_end = 0;
	world.left = 0;
	free((void *)world.in.payload);
	world.in.payload = NULL;
}

/* Who waits for a control answer lets the host speak. */
bool world_turn(void)
{
	if (!tape_more(&world.tape) || tape_u8(&world.tape) == 1)
		return false;
	round_of(tape_below(&world.tape, LINKS), 1 + tape_below(&world.tape, 4));
	return true;
}

int hvis_channel_send_inband(struct vmbus_channel *channel, const void *payload, u32 bytes, u64 transaction_id, u16 flags)
{
	MUST(transaction_id & STORVSC_ID_CONTROL);
	return tape_u8(&world.tape) == 1 ? -EAGAIN : 0;
}

/* The guest. */

static void submit(void)
{
	u32 queue = tape_below(&world.tape, QUEUES), tag = tape_below(&world.tape, TAGS);
	struct command *command = &world.commands[queue][tag];
	struct storvsc_slot *slot = &world.slots[queue][tag];
	u8 shape = tape_u8(&world.tape);

	MUST(storvsc_slot_is_free(slot) == !command->id);
	if (command->id)
		return;
	command->cmd = (struct scsi_cmnd){ .request.tag = (int)tag, .device = &world.luns[shape & 3],
					   .sense_buffer = command->sense, .bytes = shape & 4 ? BYTES : 0,
					   .underflow = shape & 8 ? BYTES : 0 };
	command->ends = 0;
	command->link = (shape >> 4) % LINKS;
	command->id = storvsc_slot_prepare(slot, &command->cmd, queue, command->link);
	MUST(command->id && !(command->id & STORVSC_ID_CONTROL));
	storvsc_slot_lend(slot, command->id);
}

static void fail(void)
{
	u32 link = tape_u8(&world.tape) & 1 ? STORVSC_LINK_ANY : tape_below(&world.tape, LINKS);

	world.failing = true;
	storvsc_slots_fail(&world.host, link, DID_RESET);
	world.failing = false;
	MUST(!storvsc_slots_outstanding(&world.host, link, STORVSC_ADDRESS_ANY));
	MUST(storvsc_links_sync(&world.host));
}

static void ask(void)
{
	struct vstor_packet packet = { .operation = VSTOR_RESET_LUN };
	int error;

	mutex_lock(&world.host.recovery);
	error = storvsc_control_ask(&world.host, &packet, 100, "fuzz");
	mutex_unlock(&world.host.recovery);
	MUST(error <= 0 && (error || packet.operation == VSTOR_COMPLETE_IO));
	MUST(!world.host.control);
}

static void start(void)
{
	struct storvsc_host *host = &world.host;

	host->shost = &world.shost;
	host->wq = alloc_ordered_workqueue("storage", 0);
	host->device = &world.device;
	host->state = STORVSC_RUNNING;
	host->links = world.links;
	host->link_count = LINKS;
	host->queues = world.queues;
	host->queue_count = QUEUES;
	host->limits.can_queue = TAGS;
	storvsc_news_init(host);
	for (unsigned int i = 0; i < LINKS; i++) {
		world.channels[i].index = i;
		world.links[i] = (struct storvsc_link){ .host = host, .channel = &world.channels[i], .index = i };
		INIT_WORK(&world.links[i].drain, storvsc_drain_work);
	}
	for (unsigned int i = 0; i < QUEUES; i++)
		world.queues[i].slots = world.slots[i] = calloc(TAGS, sizeof(*world.slots[i]));
	for (unsigned int i = 0; i < 4; i++)
		world.luns[i] = (struct scsi_device){ .host = &world.shost, .id = i / 2, .lun = i % 2, .sdev_state = SDEV_RUNNING };
	storvsc_news_start(host);
}

static void turn(void)
{
	switch (tape_below(&world.tape, 8)) {
	case 0:
	case 1:
	case 2:
		return submit();
	case 3:
		return fail();
	case 4:
		return ask();
	case 5:
		shim_run_one(system_unbound_wq);
		return;
	default:
		return round_of(tape_below(&world.tape, LINKS), tape_below(&world.tape, PER_TURN));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (!system_unbound_wq)
		system_unbound_wq = alloc_ordered_workqueue("system", 0);
	memset(&world, 0, sizeof(world));
	world.tape = (struct tape){ data, bytes };
	start();
	while (tape_more(&world.tape))
		turn();
	storvsc_news_stop(&world.host);
	world.failing = true;
	storvsc_slots_fail(&world.host, STORVSC_LINK_ANY, DID_NO_CONNECT);
	for (unsigned int i = 0; i < QUEUES * TAGS; i++)
		MUST(!world.commands[i / TAGS][i % TAGS].id);
	for (unsigned int i = 0; i < QUEUES; i++)
		free(world.slots[i]);
	destroy_workqueue(world.host.wq);
	return 0;
}
