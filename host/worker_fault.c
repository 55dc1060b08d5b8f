// SPDX-License-Identifier: GPL-2.0
/*
 * What a worker does wrong on purpose: packets in both directions, interrupts, rings. Which fault
 * hits when is fault.c's decision; the bus thread's share is vmbus_fault.c's.
 * Invariant: the host's own indices, counts and queues stay true, whatever the guest is told: a
 * packet is lied about before it is written, or after it was read.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/vstor.h"
#include "worker_internal.h"

#define REORDER_MS 1000 /* until a packet behind which nothing comes is let go */
#define KIND_INTERRUPT 0

/* A packet on its way, with room to lie in. */
struct image {
	enum fault_direction direction;
	struct packet_desc desc;
	uint32_t bytes; /* of data */
	uint32_t payload; /* where it begins in data */
	uint8_t data[] __attribute__((aligned(8)));
};

static struct fault *faults(const struct channel_worker *worker)
{
	return worker->channel->host.fault;
}

static struct image *image_make(enum fault_direction direction, const struct packet_desc *desc,
				const void *data, uint32_t bytes, uint32_t payload)
{
	struct image *image = malloc(sizeof(*image) + bytes);

	if (!image)
		return NULL;
	image->direction = direction;
	image->desc = *desc;
	image->bytes = bytes;
	image->payload = payload;
	if (bytes)
		memcpy(image->data, data, bytes);
	return image;
}

/* What the channel has lost by now is not passed on: it may be closing, or full. */
static void let_go(struct channel_worker *worker, struct image *image)
{
	struct packet packet = { .desc = image->desc,
				 .bytes = image->bytes,
				 .payload = image->payload,
				 .data = image->data };

	if (!worker->state || worker_broken(worker))
		return;
	if (image->direction == FAULT_TO_GUEST)
		worker_put(worker, &image->desc, image->data, image->bytes, true);
	else if (!(worker->halt & WORKER_HALT_CLOSING) &&
		 worker->in_flight < CHANNEL_IN_FLIGHT_MAX)
		worker_pass(worker, &packet);
}

static void released(void *context, struct fault_held *held)
{
	struct channel_worker *worker = context;

	if (held->kind == KIND_INTERRUPT)
		worker_raise(worker, worker->channel->relid);
	else
		let_go(worker, (struct image *)held->data);
}

static void hold(struct channel_worker *worker, const struct image *image, uint64_t ms,
		 bool until_next)
{
	fault_hold_add(&worker->fault.hold, image->direction, ms, until_next, image,
		       sizeof(*image) + image->bytes, NULL, 0);
}

/* The lengths in a packet that the host is to read stay true. */
static void corrupt(struct image *image, struct fault_action *action)
{
	struct packet_desc desc = image->desc;

	fault_corrupt(action, &desc, image->data + image->payload, image->bytes - image->payload);
	if (image->direction == FAULT_FROM_GUEST) {
		desc.len8 = image->desc.len8;
		desc.offset8 = image->desc.offset8;
	}
	image->desc = desc;
}

static void duplicate(struct channel_worker *worker, const struct image *image,
		      struct fault_action *action)
{
	uint64_t times = fault_has(action, FAULT_KEY_TIMES) ? action->value[FAULT_KEY_TIMES] : 1;
	struct image *copy = image_make(image->direction, &image->desc, image->data, image->bytes,
					image->payload);

	if (!copy)
		return;
	if (fault_has(action, FAULT_KEY_OFFSET))
		corrupt(copy, action);
	while (times--)
		hold(worker, copy, action->value[FAULT_KEY_MS], false);
	free(copy);
}

/* A request is answered without having been looked at. Return: true: it goes on to the provider. */
static bool answer(struct channel_worker *worker, struct image *image,
		   const struct fault_action *action)
{
	struct packet_desc desc = { .type = PACKET_COMPLETION,
				    .transaction_id = image->desc.transaction_id };
	uint8_t *payload = image->data + image->payload;
	uint32_t bytes = image->bytes - image->payload;
	const uint32_t operation = VSTOR_COMPLETE_IO;

	if (image->direction == FAULT_TO_GUEST) {
		fault_answer_packet(action, &image->desc, payload, bytes);
		return true;
	}
	if (!(image->desc.flags & PACKET_FLAG_COMPLETION_REQUESTED) ||
	    bytes > worker->ops->completion_max)
		return true;
	if (bytes >= sizeof(operation))
		memcpy(payload, &operation, sizeof(operation));
	fault_answer_packet(action, &desc, payload, bytes);
	worker_put(worker, &desc, payload, bytes, true);
	return false;
}

/* What becomes of the packet itself. Return: true: it goes on, perhaps changed. */
static bool change(struct channel_worker *worker, struct image *image, struct fault_action *action)
{
	switch (action->verb) {
	case FAULT_DROP:
		return false;
	case FAULT_DELAY:
		hold(worker, image, action->value[FAULT_KEY_MS], false);
		return false;
	case FAULT_REORDER:
		hold(worker, image,
		     fault_has(action, FAULT_KEY_MS) ? action->value[FAULT_KEY_MS] : REORDER_MS,
		     true);
		return false;
	case FAULT_DUPLICATE:
		duplicate(worker, image, action);
		return true;
	case FAULT_CORRUPT:
		corrupt(image, action);
		return true;
	case FAULT_ANSWER:
		return answer(worker, image, action);
	default:
		return true;
	}
}

static void store(__u32 *field, const struct fault_action *action, enum fault_key key)
{
	if (fault_has(action, key))
		__atomic_store_n(field, (uint32_t)action->value[key], __ATOMIC_RELEASE);
}

/* What the guest wrote itself may be overwritten, too: then it is the host that finds it broken. */
static void write_ring(struct channel_worker *worker, const struct fault_action *action)
{
	struct ring_header *header = action->value[FAULT_KEY_IN] == FAULT_FROM_GUEST
					     ? worker->in.ring.header
					     : worker->out.ring.header;

	store(&header->read_index, action, FAULT_KEY_READ);
	store(&header->write_index, action, FAULT_KEY_WRITE);
	store(&header->interrupt_mask, action, FAULT_KEY_MASK);
	store(&header->pending_send_size, action, FAULT_KEY_PENDING);
	worker->raise = true;
}

/* The bytes begin with the descriptor; what is missing of that is 0. */
static void write_raw(struct channel_worker *worker, const struct fault_action *action)
{
	struct packet_desc desc = { 0 };
	uint32_t head = action->byte_count < sizeof(desc) ? action->byte_count : sizeof(desc);

	memcpy(&desc, action->bytes, head);
	worker_put(worker, &desc, action->bytes + head, action->byte_count - head, true);
	worker->raise = true;
}

static uint64_t value_or(const struct fault_action *action, enum fault_key key, uint64_t other)
{
	return fault_has(action, key) ? action->value[key] : other;
}

static void send_packet(struct channel_worker *worker, const struct fault_action *action)
{
	struct packet_desc desc = { .type = value_or(action, FAULT_KEY_TYPE, PACKET_INBAND) };
	uint64_t times = value_or(action, FAULT_KEY_TIMES, 1);
	uint8_t payload[FAULT_BYTES_MAX] = { 0 };

	fault_answer_packet(action, &desc, payload, sizeof(payload));
	while (times--)
		worker_put(worker, &desc, payload,
			   value_or(action, FAULT_KEY_LENGTH, sizeof(struct vstor_packet)), true);
	worker->raise = true;
}

static void raise_often(struct channel_worker *worker, const struct fault_action *action)
{
	uint32_t flag = value_or(action, FAULT_KEY_RELID, worker->channel->relid);

	for (uint64_t times = value_or(action, FAULT_KEY_TIMES, 1); times--;)
		if (flag <= CHANNEL_RELID_MAX)
			worker_raise(worker, flag);
}

/* What is done to this channel beside the packet. */
static void act(struct channel_worker *worker, const struct fault_action *action)
{
	if (worker_broken(worker))
		return;
	switch (action->verb) {
	case FAULT_STALL:
		worker->halt |= WORKER_HALT_FAULT;
		break;
	case FAULT_RING:
		write_ring(worker, action);
		break;
	case FAULT_RAW:
		write_raw(worker, action);
		break;
	case FAULT_SEND:
		send_packet(worker, action);
		break;
	case FAULT_RAISE:
		raise_often(worker, action);
		break;
	default:
		break;
	}
}

/* Here, if it is about this channel; what is about others or the bus is the bus thread's. */
static void act_somewhere(struct channel_worker *worker, const struct fault_action *action)
{
	bool bus = action->verb == FAULT_RESCIND || action->verb == FAULT_POST;

	if (!bus && !strcmp(action->channel, worker->channel->name))
		act(worker, action);
	else if (bus || action->verb >= FAULT_RAISE)
		fault_order(faults(worker), action);
}

static struct fault_event event_of(const struct channel_worker *worker, enum fault_subject subject,
				   enum fault_direction direction)
{
	return (struct fault_event){
		.subject = subject,
		.direction = direction,
		.type = FAULT_UNKNOWN,
		.channel = worker->channel->name,
		.relid = worker->channel->relid,
		.operation = FAULT_UNKNOWN,
		.cdb = FAULT_UNKNOWN,
		.lun = FAULT_UNKNOWN,
		.connection = FAULT_UNKNOWN,
	};
}

/* First the packet, then the rest, so that what is written to a ring is not overwritten by it. */
static void carry_out(struct channel_worker *worker, struct image *image,
		      struct fault_verdict *verdict)
{
	enum fault_direction direction = image->direction;
	bool goes_on = !verdict->silent;

	for (unsigned int i = 0; i < verdict->count && goes_on; i++)
		goes_on = change(worker, image, &verdict->actions[i]);
	if (goes_on) {
		let_go(worker, image);
		fault_hold_next(&worker->fault.hold, direction);
	}
	for (unsigned int i = 0; i < verdict->count; i++)
		act_somewhere(worker, &verdict->actions[i]);
}

/* Once anything is held back, what passes must let go what waited for it. */
static bool nothing_to_do(const struct channel_worker *worker, const struct fault_verdict *verdict)
{
	return !verdict->silent && !verdict->count && !worker->fault.hold.count;
}

static bool packet_passes(struct channel_worker *worker, enum fault_direction direction,
			  const struct packet_desc *desc, const void *data, uint32_t bytes,
			  uint32_t payload)
{
	struct fault_event event = event_of(worker, FAULT_PACKET, direction);
	struct fault_verdict verdict;
	struct image *image;

	event.type = desc->type;
	fault_vstor_event(&event, (const uint8_t *)data + payload, bytes - payload);
	fault_decide(faults(worker), &event, &verdict);
	if (nothing_to_do(worker, &verdict))
		return true;
	image = image_make(direction, desc, data, bytes, payload);
	if (!image)
		return true;
	carry_out(worker, image, &verdict);
	free(image);
	return false;
}

bool worker_fault_in(struct channel_worker *worker, const struct packet *packet)
{
	return !packet_passes(worker, FAULT_FROM_GUEST, &packet->desc, packet->data, packet->bytes,
			      packet->payload);
}

bool worker_fault_out(struct channel_worker *worker, const struct packet_desc *desc,
		      const void *payload, uint32_t bytes)
{
	return !packet_passes(worker, FAULT_TO_GUEST, desc, payload, bytes, 0);
}

bool worker_fault_interrupt(struct channel_worker *worker)
{
	const struct fault_event event = event_of(worker, FAULT_INTERRUPT, FAULT_TO_GUEST);
	struct fault_verdict verdict;
	bool withheld;

	fault_decide(faults(worker), &event, &verdict);
	withheld = verdict.silent;
	for (unsigned int i = 0; i < verdict.count; i++) {
		const struct fault_action *action = &verdict.actions[i];
		uint64_t times = value_or(action, FAULT_KEY_TIMES, 1);

		if (action->verb == FAULT_DROP || action->verb == FAULT_DELAY)
			withheld = true;
		if (action->verb != FAULT_DUPLICATE && action->verb != FAULT_DELAY)
			times = 0;
		while (times--)
			fault_hold_add(&worker->fault.hold, KIND_INTERRUPT,
				       action->value[FAULT_KEY_MS], false, NULL, 0, NULL, 0);
		act_somewhere(worker, action);
	}
	return withheld;
}

static struct fault_order *take_orders(struct worker_fault *fault)
{
	struct fault_order *orders;

	pthread_mutex_lock(&fault->lock);
	orders = fault->orders;
	fault->orders = NULL;
	fault->orders_end = &fault->orders;
	fault->called = false;
	pthread_mutex_unlock(&fault->lock);
	return orders;
}

/* The bus thread called: rules have gone, or there is something to do. */
static void called(struct loop_work *work)
{
	struct worker_fault *fault =
		(struct worker_fault *)((char *)work - offsetof(struct worker_fault, work));
	struct channel_worker *worker =
		(struct channel_worker *)((char *)fault - offsetof(struct channel_worker, fault));
	struct fault_order *order = take_orders(fault), *next;

	for (; order; order = next) {
		next = order->next;
		if (worker->state)
			act(worker, &order->action);
		free(order);
	}
	if (!fault_stalled(faults(worker), worker->channel->name))
		worker->halt &= ~WORKER_HALT_FAULT;
	if (!fault_armed(faults(worker)))
		fault_hold_release(&fault->hold);
}

void worker_fault_call(struct channel_worker *worker, const struct fault_action *action)
{
	struct fault_order *order = action ? malloc(sizeof(*order)) : NULL;
	struct worker_fault *fault = &worker->fault;
	bool call;

	pthread_mutex_lock(&fault->lock);
	if (order) {
		*order = (struct fault_order){ .action = *action };
		*fault->orders_end = order;
		fault->orders_end = &order->next;
	}
	call = !fault->called;
	fault->called = true;
	pthread_mutex_unlock(&fault->lock);
	if (call)
		loop_call(worker->loop, &fault->work);
}

void worker_fault_init(struct channel_worker *worker)
{
	struct worker_fault *fault = &worker->fault;

	pthread_mutex_init(&fault->lock, NULL);
	fault->orders_end = &fault->orders;
	fault->work.run = called;
	fault_hold_init(&fault->hold, NULL, released, worker);
	if (fault_armed(faults(worker)) && fault_stalled(faults(worker), worker->channel->name))
		worker->halt = WORKER_HALT_FAULT;
}

bool worker_fault_end(struct channel_worker *worker, void (*ended)(struct loop_eventfd *timer))
{
	return fault_hold_end(&worker->fault.hold, ended);
}

void worker_fault_free(struct channel_worker *worker)
{
	struct fault_order *order = take_orders(&worker->fault), *next;

	for (; order; order = next) {
		next = order->next;
		free(order);
	}
	fault_hold_free(&worker->fault.hold);
	pthread_mutex_destroy(&worker->fault.lock);
}
