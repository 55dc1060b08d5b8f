// SPDX-License-Identifier: GPL-2.0
// links: host/vmbus.c host/connection.c host/offer.c host/request.c host/vmbus_query.c host/channel.c host/gpadl.c host/guestmem.c host/pagemap.c host/ring.c host/thread.c
/*
 * The host's whole control conversation: the tape is what a guest posts, when the host offers, rescinds and
 * resets, and when workers report. Loop, SynIC and workers are fakes that do nothing on their own, so a run
 * is one thread and the same every time.
 * Properties: every request that has an answer gets exactly one; a GPADL is pinned exactly while a channel
 * is not closed on it; budgets add up; at the end no doorbell, mapping or byte of memory is left.
 */
#include <errno.h>

#include "../../host/vmbus.h"
#include "quiet_log.h"
#include "tape.h"
#include "vmbus_internal.h"
#include "wire/hypercall.h"

#define VPS	    2u
#define PAGES	    64u /* of guest memory */
#define HANDLES	    6u
#define HANDLE_BASE 0xE1E10u
#define INSTANCES   3u
#define OPENS	    1024u
#define RELIDS	    64u

struct synic {
	unsigned int doorbells;
};

struct loop {
	struct loop_work *first, **last;
};

struct channel_worker {
	struct channel *channel;
	struct channel_rings rings;
	bool started, opened, stopping, finished;
};

/* MAYBE: posted behind other mail, so it is not known in which state it was looked at. */
enum debt {
	NOTHING,
	OWED,
	MAYBE,
};

/* What the guest is owed, and what came during this turn. */
static struct world {
	struct synic synic;
	struct loop loop;
	struct vmbus *vmbus;
	struct channel *offered[INSTANCES];
	uint32_t next_open; /* open ids are the guest's own count */
	enum debt open_owed[OPENS], torndown_owed[HANDLES];
	uint64_t versions, unloads; /* answered, or cancelled by a reset of the VM */
	unsigned int created, torndown, modified; /* this turn */
	uint32_t created_status;
	unsigned int workers;
	bool deaf, no_doorbell, no_thread; /* what fails next time */
} world;

static struct guestmem *memory;

/* The fakes. */

void loop_call(struct loop *loop, struct loop_work *work)
{
	work->next = NULL;
	*loop->last = work;
	loop->last = &work->next;
}

static void run_loop(struct loop *loop)
{
	while (loop->first) {
		struct loop_work *work = loop->first;

		loop->first = work->next;
		if (!loop->first)
			loop->last = &loop->first;
		work->run(work);
	}
}

static void take_open_result(const struct chanmsg_open_result *result)
{
	MUST(result->open_id < OPENS && world.open_owed[result->open_id]);
	world.open_owed[result->open_id] = NOTHING;
}

static void take_torndown(const struct chanmsg_gpadl_torndown *torndown)
{
	uint32_t handle = torndown->gpadl - HANDLE_BASE;

	world.torndown++;
	if (handle >= HANDLES)
		return;
	MUST(world.torndown_owed[handle]);
	world.torndown_owed[handle] = NOTHING;
}

static void take_reply(const void *payload, uint32_t bytes)
{
	const struct chanmsg_header *header = payload;

	MUST(bytes >= sizeof(*header) && bytes <= CHANMSG_SIZE_MAX);
	switch (header->type) {
	case CHANMSG_OPEN_RESULT:
		take_open_result(payload);
		break;
	case CHANMSG_GPADL_CREATED:
		world.created++;
		world.created_status = ((const struct chanmsg_gpadl_created *)payload)->status;
		break;
	case CHANMSG_GPADL_TORNDOWN:
		take_torndown(payload);
		break;
	case CHANMSG_MODIFY_RESPONSE:
		world.modified++;
		break;
	case CHANMSG_VERSION_RESPONSE:
		world.versions++;
		break;
	case CHANMSG_UNLOAD_RESPONSE:
		world.unloads++;
		break;
	default:
		MUST(header->type == CHANMSG_OFFER || header->type == CHANMSG_RESCIND ||
		     header->type == CHANMSG_ALL_OFFERS_DELIVERED);
	}
}

int synic_post(struct synic *synic, unsigned int vp, unsigned int sint, const void *payload,
	       uint32_t bytes)
{
	bool deaf = world.deaf;

	(void)synic;
	MUST(vp < VPS && sint < TLFS_SINT_COUNT);
	take_reply(payload, bytes); /* it was the host's answer, even if the guest never hears it */
	world.deaf = false;
	return deaf ? -ENOBUFS : 0;
}

/* The connection these belong to is over: who waited in it waits no more. */
void synic_flush(struct synic *synic)
{
	(void)synic;
	for (unsigned int i = 0; i < OPENS; i++)
		world.open_owed[i] = world.open_owed[i] == MAYBE ? MAYBE : NOTHING;
	for (unsigned int i = 0; i < HANDLES; i++)
		world.torndown_owed[i] = world.torndown_owed[i] == MAYBE ? MAYBE : NOTHING;
}

bool synic_signal(struct synic *synic, unsigned int vp, unsigned int sint, unsigned int flag)
{
	(void)synic;
	MUST(vp < VPS && sint < TLFS_SINT_COUNT && flag < TLFS_EVENT_FLAGS);
	return true;
}

int synic_doorbell_add(struct synic *synic, uint32_t connection_id, int fd)
{
	(void)connection_id;
	(void)fd;
	if (world.no_doorbell) {
		world.no_doorbell = false;
		return -ENOSPC;
	}
	synic->doorbells++;
	return 0;
}

void synic_doorbell_remove(struct synic *synic, uint32_t connection_id, int fd)
{
	(void)connection_id;
	(void)fd;
	MUST(synic->doorbells--);
}

unsigned int synic_vp_count(const struct synic *synic)
{
	(void)synic;
	return VPS;
}

struct channel_worker *worker_create(struct channel *channel, const struct channel_rings *rings,
				     const char **why)
{
	struct channel_worker *worker;
	struct ring_reader in;
	struct ring_writer out;

	ring_reader_init(&in, rings->in, (uint8_t *)rings->in + 4096, rings->in_bytes);
	ring_writer_init(&out, rings->out, (uint8_t *)rings->out + 4096, rings->out_bytes);
	if (in.ring.broken || out.ring.broken) {
		*why = "bad ring";
		errno = EINVAL;
		return NULL;
	}
	worker = calloc(1, sizeof(*worker));
	worker->channel = channel;
	worker->rings = *rings;
	world.workers++;
	return worker;
}

int worker_start(struct channel_worker *worker)
{
	worker->started = !world.no_thread;
	world.no_thread = false;
	return worker->started ? 0 : -EAGAIN;
}

/* It hears at once. */
void worker_pause(struct channel_worker *worker)
{
	MUST(worker->started && !worker->stopping);
	sem_post(&worker->channel->host.pause->heard);
}

void worker_stop(struct channel_worker *worker)
{
	MUST(worker->started && !worker->stopping);
	worker->stopping = true;
}

bool worker_ended(struct channel_worker *worker, const struct timespec *until)
{
	(void)worker;
	(void)until;
	return true;
}

void worker_join(struct channel_worker *worker)
{
	MUST(worker->started);
	worker->finished = true;
}

void worker_destroy(struct channel_worker *worker)
{
	MUST(!worker->started || worker->finished);
	worker_unmap(&worker->rings);
	world.workers--;
	free(worker);
}

int worker_doorbell(const struct channel_worker *worker)
{
	(void)worker;
	return 0;
}

/* Nor is there a trace. */
void trace_control(struct trace *trace, unsigned int direction, uint32_t value, const void *message,
		   uint32_t bytes)
{
	(void)trace;
	(void)direction;
	(void)value;
	(void)message;
	(void)bytes;
	MUST(0);
}

/* The host's deliberate faults are tested by themselves; here it has none. */
struct fault *fault_none(void)
{
	static struct fault none;

	return &none;
}

bool vmbus_fault_in(struct vmbus *vmbus, const struct request *request)
{
	(void)vmbus;
	(void)request;
	return false;
}

bool vmbus_fault_out(struct vmbus *vmbus, const void *message, uint32_t bytes)
{
	(void)vmbus;
	(void)message;
	(void)bytes;
	return false;
}

void vmbus_fault_start(struct vmbus *vmbus)
{
	(void)vmbus;
}

void vmbus_fault_stop(struct vmbus *vmbus)
{
	(void)vmbus;
}

void worker_query(const struct channel_worker *worker, struct channel_work *work)
{
	(void)worker;
	work->cpu_ns++;
}

/* A worker moves on: its provider agrees or refuses, or the last request after a stop is done. */
static void worker_turn(struct channel *channel, bool agree)
{
	struct channel_worker *worker = channel->worker;
	unsigned int report = CHANNEL_REPORT_FINISHED;

	if (!worker || worker->finished)
		return;
	if (!worker->opened && agree)
		report = CHANNEL_REPORT_OPENED;
	else if (worker->opened && !worker->stopping)
		return;
	worker->opened = true;
	worker->finished = report == CHANNEL_REPORT_FINISHED;
	atomic_fetch_or(&channel->reports, report);
	channel->host.wake(channel->host.context);
}

/* The guest asked a primary channel for sub-channels. */
static void ask_subs(struct channel *channel, unsigned int count)
{
	const struct channel_worker *worker = channel->worker;

	if (!worker || !worker->opened || worker->finished || channel->offer.sub_channel_index)
		return;
	atomic_store(&channel->sub_channels, count);
	atomic_fetch_or(&channel->reports, CHANNEL_REPORT_SUBS);
	channel->host.wake(channel->host.context);
}

/* What must hold between turns. */

static void check_channel(const struct vmbus *vmbus, const struct channel *channel)
{
	bool closed = channel->state == CHANNEL_CLOSED;

	MUST(closed == !channel->worker && closed == !channel->ring);
	MUST(!closed || (!channel->doorbell && !channel->answer_open));
	MUST(channel->relid && channel->relid <= CHANNEL_RELID_MAX);
	for (const struct channel *other = channel->next; other; other = other->next)
		MUST(other->relid != channel->relid);
	if (closed)
		return;
	MUST(gpadl_find(&vmbus->gpadls, channel->ring->handle) == channel->ring);
	MUST(channel->ring->complete && channel->ring->relid == channel->relid);
}

static bool answer_waits(enum after_reset what)
{
	return world.vmbus->state == BUS_RESETTING && world.vmbus->after_reset == what;
}

static void check(void)
{
	const struct vmbus *vmbus = world.vmbus;
	uint32_t count = 0, pages = 0, pins = 0, open = 0, doorbells = 0;

	for (const struct gpadl *gpadl = vmbus->gpadls.first; gpadl; gpadl = gpadl->next) {
		count++;
		pages += gpadl->words - gpadl->ranges;
		pins += gpadl->pins;
	}
	for (const struct channel *channel = vmbus->channels; channel; channel = channel->next) {
		check_channel(vmbus, channel);
		open += channel->state != CHANNEL_CLOSED;
		doorbells += channel->doorbell;
	}
	MUST(count == vmbus->gpadls.count && pages == vmbus->gpadls.pages);
	MUST(pins == open && open == world.workers && doorbells == world.synic.doorbells);
	MUST(vmbus->counters.contacts == world.versions + answer_waits(AFTER_RESET_VERSION_RESPONSE));
	MUST(vmbus->counters.unloads == world.unloads + answer_waits(AFTER_RESET_UNLOAD_RESPONSE));
}

/* The guest. */

struct message {
	union {
		struct chanmsg_header header;
		struct chanmsg_initiate_contact contact;
		struct chanmsg_open open;
		struct chanmsg_gpadl_header gpadl_header;
		struct chanmsg_gpadl_body gpadl_body;
		struct chanmsg_gpadl_teardown teardown;
		struct chanmsg_relid relid;
		struct chanmsg_modify modify;
		uint8_t raw[CHANMSG_SIZE_MAX];
	};
	uint32_t bytes;
};

static void turn(void)
{
	world.created = 0;
	world.torndown = 0;
	world.modified = 0;
	run_loop(&world.loop);
	check();
}

/* Return: it is in the mailbox, and will be looked at by itself in this turn. */
static bool post(struct tape *tape, const struct message *message)
{
	bool alone = world.vmbus->state != BUS_RESETTING && !world.vmbus->mailbox.count;
	bool on_4 = world.vmbus->version >= VMBUS_VERSION_WIN10_V5;
	uint32_t id = on_4 ? VMBUS_MESSAGE_CONNECTION_ID_4 : VMBUS_MESSAGE_CONNECTION_ID;
	uint16_t status;

	if (message->header.type == CHANMSG_INITIATE_CONTACT)
		id = message->contact.version >= VMBUS_VERSION_WIN10_V5 ?
			     VMBUS_MESSAGE_CONNECTION_ID_4 :
			     VMBUS_MESSAGE_CONNECTION_ID;
	status = vmbus_post_message(world.vmbus, tape_lie(tape, id), TLFS_MESSAGE_TYPE_VMBUS,
				    message->raw, message->bytes);
	return alone && status == TLFS_STATUS_SUCCESS;
}

static struct channel *nth_channel(unsigned int n)
{
	struct channel *channel = world.vmbus->channels;

	while (channel && n--)
		channel = channel->next;
	return channel;
}

static uint32_t pick_relid(struct tape *tape)
{
	const struct channel *channel = nth_channel(tape_below(tape, 6));

	return tape_lie(tape, channel ? channel->relid : 1);
}

static uint32_t pick_handle(struct tape *tape)
{
	return tape_lie(tape, HANDLE_BASE + tape_below(tape, HANDLES));
}

static uint32_t pick_length(struct tape *tape, uint32_t bytes)
{
	bytes = tape_lie(tape, bytes);
	return bytes <= CHANMSG_SIZE_MAX ? bytes : CHANMSG_SIZE_MAX;
}

static void say_contact(struct tape *tape)
{
	static const uint32_t versions[] = { VMBUS_VERSION_WIN10_V5_3, VMBUS_VERSION_WIN10_V5,
					     VMBUS_VERSION_WIN10_V4_1, VMBUS_VERSION_WIN8_1 };
	struct message message = { .contact = { .header.type = CHANMSG_INITIATE_CONTACT } };

	message.contact.version = tape_lie(tape, versions[tape_below(tape, 4)]);
	message.contact.target_vcpu = tape_lie(tape, tape_below(tape, VPS));
	if (message.contact.version >= VMBUS_VERSION_WIN10_V5)
		message.contact.msg_sint = tape_lie(tape, TLFS_SINT_VMBUS);
	message.bytes = pick_length(tape, sizeof(message.contact));
	post(tape, &message);
	turn();
}

static void say_plain(struct tape *tape, uint32_t type)
{
	struct message message = { .header = { .type = type } };

	message.bytes = pick_length(tape, sizeof(message.header));
	post(tape, &message);
	turn();
}

static void say_relid(struct tape *tape, uint32_t type)
{
	struct message message = { .relid = { .header.type = type } };

	message.relid.relid = pick_relid(tape);
	message.bytes = pick_length(tape, sizeof(message.relid));
	post(tape, &message);
	turn();
}

/* Exactly one CREATED if the list is over, good or bad; none while bodies are to come. */
static void expect_created(uint32_t handle, bool was_complete, bool answered_anyway)
{
	const struct gpadl *gpadl = gpadl_find(&world.vmbus->gpadls, handle);

	if (answered_anyway) {
		MUST(world.created == 1 && world.created_status != NTSTATUS_SUCCESS);
		return;
	}
	if (was_complete) {
		MUST(!world.created && gpadl);
		return;
	}
	MUST(world.created == (!gpadl || gpadl->complete));
	if (world.created)
		MUST((world.created_status == NTSTATUS_SUCCESS) == !!gpadl);
}

static void put_pfns(struct tape *tape, struct message *message, uint32_t fixed, uint32_t count)
{
	uint64_t pfn = tape_below(tape, PAGES);

	message->bytes = fixed;
	for (uint32_t i = 0; i < count && message->bytes + 8 <= CHANMSG_SIZE_MAX; i++) {
		memcpy(message->raw + message->bytes, &pfn, 8);
		message->bytes += 8;
		pfn = (pfn + 1) % PAGES;
	}
	if (tape_u8(tape) == 1 && message->bytes > fixed)
		tape_take(tape, message->raw + message->bytes - 8, 8);
}

static void say_gpadl_header(struct tape *tape)
{
	struct message message = { .gpadl_header = { .header.type = CHANMSG_GPADL_HEADER } };
	struct chanmsg_gpadl_header *header = &message.gpadl_header;
	uint32_t pages = 1 + tape_below(tape, 64), fixed = sizeof(*header) + sizeof(struct gpa_range);
	struct gpa_range range = { .byte_count = pages * 4096 };
	bool offered, known;

	header->relid = pick_relid(tape);
	header->gpadl = pick_handle(tape);
	header->range_buflen = tape_lie(tape, 8 + pages * 8);
	header->rangecount = tape_lie(tape, 1);
	range.byte_count = tape_lie(tape, range.byte_count);
	range.byte_offset = tape_lie(tape, 0);
	memcpy(message.raw + sizeof(*header), &range, sizeof(range));
	put_pfns(tape, &message, fixed, pages);
	message.bytes = pick_length(tape, message.bytes);
	offered = world.vmbus->state == BUS_OFFERED && message.bytes >= sizeof(*header);
	known = gpadl_find(&world.vmbus->gpadls, header->gpadl);
	offered &= post(tape, &message);
	turn();
	if (offered)
		expect_created(header->gpadl, false, known);
}

static void say_gpadl_body(struct tape *tape)
{
	struct message message = { .gpadl_body = { .header.type = CHANMSG_GPADL_BODY } };
	struct chanmsg_gpadl_body *body = &message.gpadl_body;
	const struct gpadl *gpadl;
	bool offered, complete;

	body->gpadl = pick_handle(tape);
	gpadl = gpadl_find(&world.vmbus->gpadls, body->gpadl);
	put_pfns(tape, &message, sizeof(*body),
		 tape_lie(tape, gpadl ? gpadl->words - gpadl->filled : 1));
	message.bytes = pick_length(tape, message.bytes);
	complete = gpadl && gpadl->complete;
	offered = world.vmbus->state == BUS_OFFERED && message.bytes >= sizeof(*body);
	offered &= post(tape, &message);
	turn();
	if (offered && gpadl)
		expect_created(body->gpadl, complete, false);
}

static void say_gpadl_teardown(struct tape *tape)
{
	struct message message = { .teardown = { .header.type = CHANMSG_GPADL_TEARDOWN } };
	const struct gpadl *gpadl;
	uint32_t handle;
	bool taken;

	message.teardown.gpadl = pick_handle(tape);
	gpadl = gpadl_find(&world.vmbus->gpadls, message.teardown.gpadl);
	message.teardown.relid = tape_lie(tape, gpadl ? gpadl->relid : 0);
	message.bytes = pick_length(tape, sizeof(message.teardown));
	handle = message.teardown.gpadl - HANDLE_BASE;
	taken = gpadl && gpadl->relid == message.teardown.relid && !gpadl->torn &&
		world.vmbus->state == BUS_OFFERED && message.bytes == sizeof(message.teardown);
	if (!post(tape, &message)) {
		if (handle < HANDLES)
			world.torndown_owed[handle] = MAYBE;
		taken = false;
	} else if (taken && handle < HANDLES) {
		world.torndown_owed[handle] = OWED;
	}
	turn();
	if (!taken)
		return;
	gpadl = gpadl_find(&world.vmbus->gpadls, message.teardown.gpadl);
	MUST(gpadl ? gpadl->torn && gpadl->pins && !world.torndown : world.torndown == 1);
}

static const struct gpadl *ring_gpadl(uint32_t relid)
{
	const struct gpadl *gpadl = world.vmbus->gpadls.first;

	while (gpadl && !(gpadl->relid == relid && gpadl->complete))
		gpadl = gpadl->next;
	return gpadl;
}

static void say_open(struct tape *tape)
{
	struct message message = { .open = { .header.type = CHANMSG_OPEN } };
	const struct gpadl *gpadl;
	enum debt *owed;
	bool taken;

	if (world.next_open == OPENS)
		return;
	message.open.relid = pick_relid(tape);
	gpadl = ring_gpadl(message.open.relid);
	message.open.open_id = world.next_open++;
	message.open.ring_gpadl = tape_lie(tape, gpadl ? gpadl->handle : HANDLE_BASE);
	message.open.target_vp = tape_lie(tape, tape_below(tape, VPS));
	message.open.downstream_page = tape_lie(tape, gpadl ? gpadl->words / 2 : 2);
	message.bytes = pick_length(tape, sizeof(message.open));
	owed = &world.open_owed[message.open.open_id];
	taken = world.vmbus->state == BUS_OFFERED && message.bytes == sizeof(message.open);
	*owed = !post(tape, &message) ? MAYBE : taken ? OWED : NOTHING;
	turn();
}

static void say_modify(struct tape *tape)
{
	struct message message = { .modify = { .header.type = CHANMSG_MODIFY } };
	uint32_t version = world.vmbus->version;
	bool taken;

	message.modify.relid = pick_relid(tape);
	message.modify.target_vp = tape_lie(tape, tape_below(tape, VPS));
	message.bytes = pick_length(tape, sizeof(message.modify));
	taken = world.vmbus->state == BUS_OFFERED && message.bytes == sizeof(message.modify);
	taken &= post(tape, &message);
	turn();
	if (taken)
		MUST(world.modified == (version >= VMBUS_VERSION_WIN10_V5_3));
}

/* Anything at all, and maybe more than the mailbox holds. */
static void say_anything(struct tape *tape)
{
	struct message message;
	unsigned int times = tape_u8(tape) == 1 ? MAILBOX_MAX + 10 : 1;

	message.bytes = tape_below(tape, CHANMSG_SIZE_MAX + 1);
	tape_take(tape, message.raw, message.bytes < 32 ? message.bytes : 32);
	memset(message.raw + 32, 0, sizeof(message.raw) - 32);
	/* Not one of those whose answers are counted. */
	message.raw[0] |= 0x80;
	while (times--)
		vmbus_post_message(world.vmbus, VMBUS_MESSAGE_CONNECTION_ID,
				   TLFS_MESSAGE_TYPE_VMBUS, message.raw, message.bytes);
	turn();
}

/* What a real guest does to open channel 1, 2 or 3 with a ring of its own: the way to all that comes after. */
static void open_well(struct tape *tape)
{
	uint8_t number = tape_below(tape, 3), ring[] = { 7, number, 0, number, 0, 0, 0, 0 };
	uint8_t open[] = { number, 0, 0, 0 };
	struct tape share = { ring, sizeof(ring) }, go = { open, sizeof(open) };

	say_gpadl_header(&share);
	say_open(&go);
	if (nth_channel(number) && tape_u8(tape) & 1)
		worker_turn(nth_channel(number), true);
	turn();
}

static void guest_turn(struct tape *tape)
{
	switch (tape_below(tape, 13)) {
	case 0:
		return say_contact(tape);
	case 1:
		return say_plain(tape, CHANMSG_REQUEST_OFFERS);
	case 2:
		return say_plain(tape, CHANMSG_UNLOAD);
	case 3:
	case 4:
		return say_gpadl_header(tape);
	case 5:
		return say_gpadl_body(tape);
	case 6:
		return say_gpadl_teardown(tape);
	case 7:
		return say_open(tape);
	case 8:
		return say_relid(tape, CHANMSG_CLOSE);
	case 9:
		return say_relid(tape, CHANMSG_RELID_RELEASED);
	case 10:
		return say_modify(tape);
	case 11:
		return open_well(tape);
	default:
		return say_anything(tape);
	}
}

/* The host's own doings. */

static const struct channel_ops no_ops = { .packet_max = 512, .completion_max = 512 };

static struct channel *known(unsigned int number)
{
	struct channel *channel = world.vmbus->channels;

	while (channel && channel != world.offered[number])
		channel = channel->next;
	if (!channel || channel->rescinded || channel->offer.sub_channel_index)
		return NULL;
	return channel->offer.instance.b[0] == number ? channel : NULL;
}

static void offer(unsigned int number)
{
	struct channel_offer new = { .name = "fuzz", .ops = &no_ops };
	bool there = known(number);
	struct channel *channel;

	new.type.b[0] = 1;
	new.instance.b[0] = number;
	channel = vmbus_offer(world.vmbus, &new);
	MUST(!channel == there);
	if (channel)
		world.offered[number] = channel;
}

static void rescind(unsigned int number)
{
	if (known(number))
		vmbus_rescind(world.vmbus, world.offered[number]);
}

static void host_turn(struct tape *tape)
{
	uint8_t what = tape_u8(tape);
	struct channel *channel = nth_channel(what >> 5);

	switch (what % 16) {
	case 11:
		if (channel)
			ask_subs(channel, tape_below(tape, 4));
		break;
	case 12:
		world.deaf = what & 32;
		world.no_doorbell = what & 64;
		world.no_thread = what & 128;
		break;
	case 0:
		offer(tape_below(tape, INSTANCES));
		break;
	case 1:
		rescind(tape_below(tape, INSTANCES));
		break;
	case 2:
		world.versions += answer_waits(AFTER_RESET_VERSION_RESPONSE);
		world.unloads += answer_waits(AFTER_RESET_UNLOAD_RESPONSE);
		vmbus_reset(world.vmbus);
		break;
	case 3:
		json_decref(vmbus_query(world.vmbus));
		break;
	case 5:
		vmbus_pause(world.vmbus, what & 32);
		break;
	case 4: /* what the guest writes into a ring's header */
		tape_take(tape,
			  guestmem_ptr(memory, gpa(4096 * tape_below(tape, PAGES)), 64),
			  4 * tape_below(tape, 3));
		break;
	default:
		if (channel)
			worker_turn(channel, what % 16 > 6);
	}
	turn();
}

/* Let every worker finish: then everybody who waits must have his answer. */
static void settle(void)
{
	struct channel *channel, *next;

	for (int i = 0; i < 3; i++) {
		for (channel = world.vmbus->channels; channel; channel = next) {
			next = channel->next;
			worker_turn(channel, true);
		}
		turn();
	}
	for (unsigned int i = 0; i < OPENS; i++)
		MUST(world.open_owed[i] != OWED);
	for (unsigned int i = 0; i < HANDLES; i++) {
		const struct gpadl *gpadl = gpadl_find(&world.vmbus->gpadls, HANDLE_BASE + i);

		MUST(world.torndown_owed[i] != OWED || (gpadl && gpadl->torn && gpadl->pins));
	}
}

static void start(void)
{
	struct vmbus_config config = { .loop = &world.loop, .synic = &world.synic };

	if (!memory)
		memory = guestmem_create(PAGES * 4096);
	for (unsigned int i = 0; i < PAGES; i++)
		memset(guestmem_ptr(memory, gpa(i * 4096), 64), 0, 64);
	memset(&world, 0, sizeof(world));
	world.loop.last = &world.loop.first;
	config.mem = memory;
	world.vmbus = vmbus_create(&config);
	offer(0);
	offer(1);
}

/* Most of what there is to find lies behind a connection: three runs of four begin with one. */
static void connect_first(void)
{
	static const uint8_t contact[] = { 0, 0, 0, 0, 0, 0, 0 }, none[] = { 0, 0, 0 };
	struct tape talk = { contact, sizeof(contact) }, ask = { none, sizeof(none) };

	say_contact(&talk);
	say_plain(&ask, CHANMSG_REQUEST_OFFERS);
	MUST(world.vmbus->state == BUS_OFFERED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };

	start();
	if (tape_below(&tape, 4))
		connect_first();
	while (tape_more(&tape)) {
		if (tape_below(&tape, 3))
			guest_turn(&tape);
		else
			host_turn(&tape);
	}
	settle();
	vmbus_destroy(world.vmbus);
	MUST(!world.workers && !world.synic.doorbells);
	return 0;
}
