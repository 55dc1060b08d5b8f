// SPDX-License-Identifier: GPL-2.0
/*
 * See bus_fixture.h. Owns the fake SynIC and provider; the bus, its channels, rings, loops and
 * memory are real. What runs outside the test's thread aborts instead of asserting: cmocka can only
 * return to the test's thread.
 */
#include "bus_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "log.h"

#define PATIENCE 10 /* seconds until a wait has failed */
#define RING_PFN 1000

static void deadline(struct timespec *when)
{
	clock_gettime(CLOCK_REALTIME, when);
	when->tv_sec += PATIENCE;
}

/* The fake SynIC. */

static void init_synic(struct synic *synic)
{
	pthread_mutex_init(&synic->lock, NULL);
	pthread_cond_init(&synic->changed, NULL);
	synic->last = &synic->first;
}

int synic_post(struct synic *synic, unsigned int vp, unsigned int sint, const void *payload,
	       uint32_t bytes)
{
	struct posted *posted;

	if (vp >= BUS_VPS || bytes > CHANMSG_SIZE_MAX)
		abort();
	if (synic->deaf)
		return -ENOBUFS;
	posted = calloc(1, sizeof(*posted));
	posted->vp = vp;
	posted->sint = sint;
	posted->bytes = bytes;
	memcpy(posted->raw, payload, bytes);
	pthread_mutex_lock(&synic->lock);
	*synic->last = posted;
	synic->last = &posted->next;
	pthread_cond_broadcast(&synic->changed);
	pthread_mutex_unlock(&synic->lock);
	return 0;
}

void synic_flush(struct synic *synic)
{
	pthread_mutex_lock(&synic->lock);
	while (synic->first) {
		struct posted *posted = synic->first;

		synic->first = posted->next;
		free(posted);
	}
	synic->last = &synic->first;
	synic->flushes++;
	pthread_mutex_unlock(&synic->lock);
}

bool synic_signal(struct synic *synic, unsigned int vp, unsigned int sint, unsigned int flag)
{
	if (vp >= BUS_VPS)
		abort();
	pthread_mutex_lock(&synic->lock);
	synic->interrupts[vp]++;
	synic->last_flag = flag;
	synic->last_sint = sint;
	pthread_cond_broadcast(&synic->changed);
	pthread_mutex_unlock(&synic->lock);
	return true;
}

static int change_doorbell(struct synic *synic, uint32_t old_id, int old_fd, uint32_t id, int fd)
{
	int error = -ENOENT;

	pthread_mutex_lock(&synic->lock);
	for (unsigned int i = 0; i < BUS_DOORBELLS && error; i++) {
		if (synic->doorbells[i].connection_id != old_id || synic->doorbells[i].fd != old_fd)
			continue;
		synic->doorbells[i].connection_id = id;
		synic->doorbells[i].fd = fd;
		error = 0;
	}
	pthread_mutex_unlock(&synic->lock);
	return error;
}

int synic_doorbell_add(struct synic *synic, uint32_t connection_id, int fd)
{
	return change_doorbell(synic, 0, 0, connection_id, fd);
}

void synic_doorbell_remove(struct synic *synic, uint32_t connection_id, int fd)
{
	if (change_doorbell(synic, connection_id, fd, 0, 0))
		abort();
}

unsigned int synic_vp_count(const struct synic *synic)
{
	(void)synic;
	return BUS_VPS;
}

uint64_t synic_interrupts(struct bus *bus, unsigned int vp)
{
	uint64_t count;

	pthread_mutex_lock(&bus->synic.lock);
	count = bus->synic.interrupts[vp];
	pthread_mutex_unlock(&bus->synic.lock);
	return count;
}

/*
 * The echo provider. Its packets beginning with "BAD" are against its protocol; "SUBS3" asks for three
 * sub-channels; "TRY" fills the ring with packets of another type; "LEND" and a handle borrows that GPADL and answers with
 * "LENT" and the first byte of its second page, or why not; "BACK" returns it.
 */

#define HELD_MAX 2048

struct echo_channel {
	struct echo *echo;
	struct echo_slot *slot;
	struct channel *channel;
	struct loop *loop;
	struct loop_work release;
	bool closing;
	unsigned int held;
	uint64_t ids[HELD_MAX];
	struct channel_buffer *lent;
};

static void answer_held(struct loop_work *work)
{
	struct echo_channel *state =
		(struct echo_channel *)((char *)work - offsetof(struct echo_channel, release));

	for (unsigned int i = 0; i < state->held; i++)
		channel_complete(state->channel, state->ids[i], "late", 4);
	state->held = 0;
	if (state->closing)
		channel_idle(state->channel);
}

/* In the bus thread, so that the worker's loop cannot go while we are still calling it. */
static void release_held(struct bus *bus, void *context)
{
	struct echo_channel *state = atomic_load(&bus->slots[*(unsigned int *)context].open);

	loop_call(state->loop, &state->release);
}

void echo_release(struct bus *bus, unsigned int number)
{
	bus_call(bus, release_held, &number);
}

static void call_provider(struct bus *bus, void *context)
{
	struct echo_channel *state = atomic_load(&bus->slots[*(unsigned int *)context].open);

	channel_call(state->channel);
}

void echo_say(struct bus *bus, unsigned int number)
{
	atomic_store(&bus->echo.say, true);
	bus_call(bus, call_provider, &number);
}

static void *echo_open(struct channel *channel, void *context)
{
	struct echo_slot *slot = context;
	struct echo_channel *state;

	if (atomic_load(&slot->echo->refuse))
		return NULL;
	state = calloc(1, sizeof(*state));
	state->echo = slot->echo;
	state->slot = slot;
	state->channel = channel;
	state->loop = channel_loop(channel);
	state->release.run = answer_held;
	if (!channel_sub_index(channel))
		atomic_store(&slot->open, state);
	atomic_fetch_add(&state->echo->opened, 1);
	return state;
}

static void echo_lend(struct echo_channel *state, uint64_t id, const uint8_t *payload)
{
	uint8_t answer[64] = "LENT";
	const char *why;
	uint32_t handle;

	memcpy(&handle, payload + 4, sizeof(handle));
	state->lent = channel_borrow(state->channel, handle, &why);
	if (state->lent)
		answer[4] = *channel_buffer_at(state->lent, 4096);
	else
		strcpy((char *)answer, why);
	channel_complete(state->channel, id, answer, sizeof(answer));
}

/* Return: whether it was for this. */
static bool echo_buffer(struct echo_channel *state, uint64_t id, const uint8_t *payload, uint32_t bytes)
{
	if (bytes >= 8 && !memcmp(payload, "LEND", 4)) {
		echo_lend(state, id, payload);
		return true;
	}
	if (bytes >= 4 && !memcmp(payload, "BACK", 4)) {
		channel_return(state->lent);
		state->lent = NULL;
	}
	return false;
}

static int echo_packet(void *context, struct packet *packet, const char **why)
{
	struct echo_channel *state = context;
	const struct packet_desc pages = { .type = PACKET_XFER_PAGES, .offset8 = 3, .transaction_id = 99 };
	const uint8_t *payload = packet->data + packet->payload;
	uint32_t bytes = packet->bytes - packet->payload;

	if (bytes >= 3 && !memcmp(payload, "BAD", 3)) {
		*why = "packet says it is bad";
		return -EINVAL;
	}
	if (bytes >= 3 && !memcmp(payload, "TRY", 3))
		while (channel_try_send(state->channel, &pages, payload, bytes))
			;
	if (echo_buffer(state, packet->desc.transaction_id, payload, bytes))
		return 0;
	if (bytes >= 4 && !memcmp(payload, "SEND", 4))
		channel_send(state->channel, payload, bytes);
	for (int i = 0; i < 2000 && bytes >= 4 && !memcmp(payload, "MANY", 4); i++)
		channel_send(state->channel, payload, bytes);
	if (bytes >= 4 && !memcmp(payload, "FILL", 4)) /* the ring, then ask to be told of room */
		while (channel_may_send(state->channel))
			channel_send(state->channel, payload, bytes);
	if (bytes >= 5 && !memcmp(payload, "SUBS", 4))
		channel_ask_sub_channels(state->channel, payload[4] - '0');
	if (!(packet->desc.flags & PACKET_FLAG_COMPLETION_REQUESTED))
		return 0;
	if (!atomic_load(&state->echo->hold)) {
		channel_complete(state->channel, packet->desc.transaction_id, payload, bytes);
		return 0;
	}
	if (state->held == HELD_MAX)
		abort();
	state->ids[state->held++] = packet->desc.transaction_id;
	atomic_fetch_add(&state->echo->held, 1);
	return 0;
}

static bool echo_close(void *context)
{
	struct echo_channel *state = context;

	state->closing = true;
	return !state->held;
}

static void echo_closed(void *context)
{
	struct echo_channel *state = context;

	if (state->lent)
		channel_return(state->lent);
	if (!channel_sub_index(state->channel))
		atomic_store(&state->slot->open, NULL);
	atomic_fetch_add(&state->echo->closed, 1);
	free(state);
}

static void echo_called(void *context)
{
	const struct packet_desc said = { .type = PACKET_INBAND, .offset8 = 2 };
	struct echo_channel *state = context;

	atomic_fetch_add(&state->echo->called, 1);
	if (atomic_exchange(&state->echo->say, false))
		channel_try_send(state->channel, &said, "said", 4);
}

static void echo_used(void *context, int by)
{
	struct echo_slot *slot = context;

	atomic_fetch_add(&slot->echo->used, by);
}

static const struct channel_ops echo_ops = {
	.called = echo_called,
	.used = echo_used,
	.open = echo_open,
	.packet = echo_packet,
	.close = echo_close,
	.closed = echo_closed,
	.faults = &fault_vstor,
	.packet_max = ECHO_MAX,
	.completion_max = ECHO_MAX,
};

/* The bus thread. */

static void *bus_main(void *context)
{
	struct bus *bus = context;

	if (loop_run(bus->loop))
		abort();
	return NULL;
}

struct call {
	struct loop_work work;
	struct bus *bus;
	void (*run)(struct bus *bus, void *context);
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
};

static void run_call(struct loop_work *work)
{
	struct call *call = (struct call *)work;

	call->run(call->bus, call->context);
	pthread_mutex_lock(&call->lock);
	call->done = true;
	pthread_cond_signal(&call->changed);
	pthread_mutex_unlock(&call->lock);
}

void bus_call(struct bus *bus, void (*run)(struct bus *bus, void *context), void *context)
{
	struct call call = { .work.run = run_call, .bus = bus, .run = run, .context = context };
	struct timespec until;
	int error = 0;

	pthread_mutex_init(&call.lock, NULL);
	pthread_cond_init(&call.changed, NULL);
	deadline(&until);
	loop_call(bus->loop, &call.work);
	pthread_mutex_lock(&call.lock);
	while (!call.done && !error)
		error = pthread_cond_timedwait(&call.changed, &call.lock, &until);
	pthread_mutex_unlock(&call.lock);
	if (error)
		abort(); /* the bus thread hangs, and holds our stack */
	pthread_mutex_destroy(&call.lock);
	pthread_cond_destroy(&call.changed);
}

static void nothing(struct bus *bus, void *context)
{
	(void)bus;
	(void)context;
}

/* The bus's own wake-up was called before ours, and calls run in order. */
void bus_settle(struct bus *bus)
{
	bus_call(bus, nothing, NULL);
}

static void offer(struct bus *bus, void *context)
{
	unsigned int number = *(unsigned int *)context;
	char name[16];
	struct channel_offer new = { .name = name,
				     .type.b = { 1, 2, 3, 4, 5, 6, 7, 8 },
				     .ops = &echo_ops,
				     .context = &bus->slots[number] };

	snprintf(name, sizeof(name), "echo%u", number);
	new.instance.b[0] = number;
	bus->slots[number].echo = &bus->echo;
	bus->channels[number] = vmbus_offer(bus->vmbus, &new);
}

struct channel *bus_offer(struct bus *bus, unsigned int number)
{
	bus_call(bus, offer, &number);
	return bus->channels[number];
}

static void rescind(struct bus *bus, void *context)
{
	vmbus_rescind(bus->vmbus, bus->channels[*(unsigned int *)context]);
}

void bus_rescind(struct bus *bus, unsigned int number)
{
	bus_call(bus, rescind, &number);
}

struct rule {
	const char *text;
	int id;
};

static void add_rule(struct bus *bus, void *context)
{
	struct rule *rule = context;
	char error[ERROR_BYTES] = "";

	rule->id = vmbus_fault_add(bus->vmbus, rule->text, error);
	if (rule->id < 0)
		fprintf(stderr, "%s: %s\n", rule->text, error);
}

int bus_fault(struct bus *bus, const char *text)
{
	struct rule rule = { .text = text };

	bus_call(bus, add_rule, &rule);
	assert_true(rule.id > 0);
	return rule.id;
}

static void remove_rule(struct bus *bus, void *context)
{
	vmbus_fault_remove(bus->vmbus, *(int *)context);
}

void bus_fault_remove(struct bus *bus, int id)
{
	bus_call(bus, remove_rule, &id);
}

static void reset(struct bus *bus, void *context)
{
	(void)context;
	vmbus_reset(bus->vmbus);
}

void bus_reset(struct bus *bus)
{
	bus_call(bus, reset, NULL);
}

struct bus *bus_start(uint32_t version_max, unsigned int channels)
{
	struct bus *bus = calloc(1, sizeof(*bus));
	struct vmbus_config config = { .synic = &bus->synic, .version_max = version_max };

	log_set_level(LOG_ERROR); /* the lies of the tests would be many lines */
	init_synic(&bus->synic);
	bus->mem = guestmem_create(BUS_MEMORY_PAGES * 4096ull);
	bus->loop = loop_create(64, NULL, NULL);
	config.loop = bus->loop;
	config.mem = bus->mem;
	bus->fault = fault_create();
	config.fault = bus->fault;
	config.trace = bus->trace = trace_create();
	bus->vmbus = vmbus_create(&config);
	bus->message_id = VMBUS_MESSAGE_CONNECTION_ID;
	pthread_create(&bus->thread, NULL, bus_main, bus);
	for (unsigned int i = 0; i < channels; i++)
		assert_non_null(bus_offer(bus, i));
	return bus;
}

void bus_stop(struct bus *bus)
{
	loop_stop(bus->loop);
	pthread_join(bus->thread, NULL);
	vmbus_destroy(bus->vmbus);
	loop_destroy(bus->loop);
	fault_destroy(bus->fault);
	for (unsigned int i = 0; i < BUS_DOORBELLS; i++)
		assert_int_equal(bus->synic.doorbells[i].connection_id, 0);
	assert_int_equal(bus->echo.opened, bus->echo.closed);
	assert_int_equal(bus->echo.used, 0);
	synic_flush(&bus->synic);
	pthread_mutex_destroy(&bus->synic.lock);
	pthread_cond_destroy(&bus->synic.changed);
	guestmem_destroy(bus->mem);
	trace_destroy(bus->trace);
	free(bus);
}

/* What the bus says of itself. */

static void query(struct bus *bus, void *context)
{
	*(json_t **)context = vmbus_query(bus->vmbus);
}

json_t *bus_query(struct bus *bus)
{
	json_t *object = NULL;

	bus_call(bus, query, &object);
	assert_non_null(object);
	return object;
}

uint64_t bus_refused(struct bus *bus)
{
	json_t *object = bus_query(bus);
	uint64_t count = json_integer_value(json_object_get(object, "refused"));

	json_decref(object);
	return count;
}

const char *bus_state(struct bus *bus, char state[32])
{
	json_t *object = bus_query(bus);

	snprintf(state, 32, "%s", json_string_value(json_object_get(object, "state")));
	json_decref(object);
	return state;
}

json_int_t bus_channel_number(struct bus *bus, unsigned int channel, const char *name)
{
	json_t *object = bus_query(bus);
	json_t *member =
		json_object_get(json_array_get(json_object_get(object, "channels"), channel), name);
	json_int_t number = -1;

	if (json_is_boolean(member))
		number = json_is_true(member);
	else if (json_is_integer(member))
		number = json_integer_value(member);
	json_decref(object);
	return number;
}

void bus_await_number(struct bus *bus, unsigned int channel, const char *name, json_int_t value)
{
	struct timespec until, now;

	deadline(&until);
	do {
		if (bus_channel_number(bus, channel, name) == value)
			return;
		sched_yield();
		clock_gettime(CLOCK_REALTIME, &now);
	} while (now.tv_sec < until.tv_sec);
	fail_msg("%s never was %d", name, (int)value);
}
