// SPDX-License-Identifier: GPL-2.0
/*
 * What a worker does wrong on purpose: packets in both directions, interrupts, rings. Which fault
 * hits when is fault.c's decision; the bus thread's share is vmbus_fault.c's.
 * Invariant: the host's own indices, counts and queues stay true, whatever the guest is told: a
 * packet is lied about before it is written, or after it was read.
 */
#include <stdlib.h>
#include <string.h>

#include "fault_image.h"
#include "worker_internal.h"

#define REORDER_MS 1000 /* until a packet behind which nothing comes is let go */
#define KIND_INTERRUPT 0

static struct fault *faults(const struct channel_worker *worker)
{
	return worker->channel->host.fault;
}

/* What the channel has lost by now is not passed on: it may be closing, or full. */
static void let_go(struct channel_worker *worker, struct fault_image *image)
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
		let_go(worker, (struct fault_image *)held->data);
}

static void hold(struct channel_worker *worker, const struct fault_image *image, uint64_t ms,
		 bool until_next)
{
	fault_hold_add(&worker->fault.hold, image->direction, ms, until_next, image,
		       sizeof(*image) + image->bytes, NULL, 0);
}

static void duplicate(struct channel_worker *worker, const struct fault_image *image,
		      struct fault_action *action)
{
	uint64_t times = fault_has(action, FAULT_KEY_TIMES) ? action->value[FAULT_KEY_TIMES] : 1;
	struct fault_image *copy = fault_image_copy(image);

	if (!copy)
		return;
	if (fault_has(action, FAULT_KEY_OFFSET))
		fault_image_corrupt(copy, action);
	while (times--)
		hold(worker, copy, action->value[FAULT_KEY_MS], false);
	free(copy);
}

/* The id, and what the protocol has beside it. */
static void set_fields(const struct channel_worker *worker, const struct fault_action *action,
		       struct packet_desc *desc, void *payload, uint32_t bytes)
{
	if (fault_has(action, FAULT_KEY_ID))
		desc->transaction_id = action->value[FAULT_KEY_ID];
	if (worker->ops->faults)
		worker->ops->faults->set(action, payload, bytes);
}

/* A request is answered without having been looked at. Return: true: it goes on to the provider. */
static bool answer(struct channel_worker *worker, struct fault_image *image,
		   const struct fault_action *action)
{
	struct packet_desc desc = { .type = PACKET_COMPLETION,
				    .transaction_id = image->desc.transaction_id };
	uint8_t *payload = image->data + image->payload;
	uint32_t bytes = image->bytes - image->payload;

	if (image->direction == FAULT_TO_GUEST) {
		set_fields(worker, action, &image->desc, payload, bytes);
		return true;
	}
	if (!(image->desc.flags & PACKET_FLAG_COMPLETION_REQUESTED) ||
	    bytes > worker->ops->completion_max)
		return true;
	if (worker->ops->faults)
		worker->ops->faults->turn(payload, bytes);
	set_fields(worker, action, &desc, payload, bytes);
	worker_put(worker, &desc, payload, bytes, true);
	return false;
}

/* What becomes of the packet itself. Return: true: it goes on, perhaps changed. */
static bool change(struct channel_worker *worker, struct fault_image *image, struct fault_action *action)
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
		fault_image_corrupt(image, action);
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
	uint32_t usual = worker->ops->faults ? worker->ops->faults->bytes : 0;
	uint8_t payload[FAULT_BYTES_MAX] = { 0 };

	set_fields(worker, action, &desc, payload, sizeof(payload));
	while (times--)
		worker_put(worker, &desc, payload,
			   value_or(action, FAULT_KEY_LENGTH, usual), true);
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
	struct fault_event event;

	fault_event_init(&event, subject, direction);
	event.channel = worker->channel->name;
	event.is[FAULT_IF_RELID] = worker->channel->relid;
	return event;
}

/* First the packet, then the rest, so that what is written to a ring is not overwritten by it. */
static void carry_out(struct channel_worker *worker, struct fault_image *image,
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

/* What the packet points at may change under us: what is decided by is a copy. */
static void describe(struct channel_worker *worker, struct fault_event *event, const struct packet *packet,
		     struct iovec *pointed)
{
	uint8_t front[FAULT_POINTED_MAX];
	struct fault_view view = {
		.payload = packet->data + packet->payload,
		.bytes = packet->bytes - packet->payload,
		.pointed = front,
		.memory = worker->fault.memory,
	};

	event->is[FAULT_IF_TYPE] = packet->desc.type;
	if (!worker->ops->faults)
		return;
	if (worker->ops->pointed)
		*pointed = worker->ops->pointed(worker->state, packet);
	view.pointed_bytes = pointed->iov_len < sizeof(front) ? (uint32_t)pointed->iov_len : sizeof(front);
	if (view.pointed_bytes)
		memcpy(front, pointed->iov_base, view.pointed_bytes);
	worker->ops->faults->describe(event, &view);
}

static bool packet_passes(struct channel_worker *worker, enum fault_direction direction,
			  const struct packet *packet)
{
	struct fault_event event = event_of(worker, FAULT_PACKET, direction);
	struct fault_verdict verdict;
	struct iovec pointed = { 0 };
	struct fault_image *image;

	describe(worker, &event, packet, &pointed);
	fault_decide(faults(worker), &event, &verdict);
	if (nothing_to_do(worker, &verdict))
		return true;
	image = fault_image_make(direction, packet, &pointed);
	if (!image)
		return true;
	carry_out(worker, image, &verdict);
	free(image);
	return false;
}

bool worker_fault_in(struct channel_worker *worker, const struct packet *packet)
{
	return !packet_passes(worker, FAULT_FROM_GUEST, packet);
}

bool worker_fault_out(struct channel_worker *worker, const struct packet_desc *desc, const void *body, uint32_t bytes)
{
	const struct packet packet = {
		.desc = *desc,
		.bytes = bytes,
		.payload = desc->offset8 ? desc->offset8 * 8u - sizeof(*desc) : 0,
		.data = (uint8_t *)body,
	};

	return !packet_passes(worker, FAULT_TO_GUEST, &packet);
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
