// SPDX-License-Identifier: GPL-2.0
/*
 * The worker of an open channel: one thread and loop that reads the guest's packets and hands them
 * to the provider. Answers are worker_out.c's; when it starts and ends is the bus thread's decision
 * (channel.c); what packets mean is the provider's.
 * Invariant: while the backlog of answers is not empty, or as many packets are in flight as it
 * could hold, no packet is read. So nothing is allocated per packet.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "thread.h"
#include "worker_internal.h"

#define LOOP_ENTRIES 256
#define TURN_PACKETS 64 /* read at most, then let completions flow */
#define WORKER_OF(pointer, member) \
	((struct channel_worker *)((char *)(pointer)-offsetof(struct channel_worker, member)))

static void report(struct channel_worker *worker, unsigned int what)
{
	struct channel *channel = worker->channel;

	atomic_fetch_or(&channel->reports, what);
	channel->host.wake(channel->host.context);
}

/* Serve again, but first what else the loop has. */
static void serve_again(struct channel_worker *worker)
{
	if (worker->again_armed)
		return;
	io_uring_prep_nop(loop_sqe(worker->loop, &worker->again));
	worker->again_armed = true;
}

void channel_ask_sub_channels(struct channel *channel, unsigned int count)
{
	atomic_store(&channel->sub_channels, count);
	report(channel->worker, CHANNEL_REPORT_SUBS);
}

static void call_provider(struct channel_worker *worker)
{
	if (worker->state && worker->ops->called)
		worker->ops->called(worker->state);
}

static void call(struct loop_work *work)
{
	struct channel_worker *worker = WORKER_OF(work, call);

	atomic_store(&worker->called, false);
	call_provider(worker);
}

void channel_call(struct channel *channel)
{
	struct channel_worker *worker = channel->worker;

	if (!atomic_exchange(&worker->called, true))
		loop_call(worker->loop, &worker->call);
}

bool channel_may_send(struct channel *channel)
{
	struct channel_worker *worker = channel->worker;

	worker->recall |= worker->backlog_count;
	return !worker->backlog_count;
}

struct loop *channel_loop(struct channel *channel)
{
	return channel->worker->loop;
}

static bool may_read(const struct channel_worker *worker)
{
	return !worker->halt && !worker->backlog_count &&
	       worker->in_flight < CHANNEL_IN_FLIGHT_MAX && !worker_broken(worker);
}

void worker_pass(struct channel_worker *worker, struct packet *packet)
{
	const char *why = "packet against its protocol";

	/* Before packet(): it may answer at once. */
	if (packet->desc.flags & PACKET_FLAG_COMPLETION_REQUESTED)
		worker_flying(worker, 1);
	if (worker->ops->packet(worker->state, packet, &why) < 0)
		worker_break(worker, why);
}

static void deliver(struct channel_worker *worker, struct packet *packet)
{
	struct channel_stats *stats = &worker->channel->stats;

	worker_trace_in(worker, packet);
	worker_count(&stats->packets_in, 1);
	worker_count(&stats->bytes_in, packet->bytes + RING_TRAILER);
	if (!fault_armed(worker->channel->host.fault) || !worker_fault_in(worker, packet))
		worker_pass(worker, packet);
}

/* Read at most @budget packets. Return: how many there were. */
static unsigned int read_packets(struct channel_worker *worker, unsigned int budget)
{
	struct packet packet = { .data = worker->packet };
	unsigned int done = 0;
	int result = 1;

	while (done < budget && may_read(worker)) {
		result = ring_read(&worker->in, &packet, worker->packet_room);
		if (result <= 0)
			break;
		deliver(worker, &packet);
		done++;
	}
	if (result < 0)
		worker_break(worker, worker->in.ring.broken);
	if (ring_reader_publish(&worker->in)) {
		worker_count(&worker->channel->stats.guest_ring_full, 1);
		worker->raise = true;
	}
	return done;
}

/*
 * One turn at the guest's ring. It ends with the doorbell unmasked and the ring found empty
 * afterwards, or with another turn ordered, or stalled (turn_end() takes it up), or broken.
 */
static void serve(struct channel_worker *worker)
{
	unsigned int budget = TURN_PACKETS;

	if (worker->halt & WORKER_HALT_CLOSING || worker_broken(worker))
		return;
	worker->served = true;
	worker_flush(worker);
	worker->stalled = false;
	do {
		ring_reader_mask(&worker->in);
		budget -= read_packets(worker, budget);
		if (worker_broken(worker))
			return;
		worker->stalled = !may_read(worker);
		if (worker->stalled)
			return;
		if (!budget) {
			serve_again(worker);
			return;
		}
	} while (ring_reader_unmask(&worker->in));
}

static void rung(struct loop_eventfd *event)
{
	struct channel_worker *worker = WORKER_OF(event, doorbell);

	worker_count(&worker->channel->stats.doorbells, event->value);
	worker_trace_doorbell(worker, event->value);
	serve(worker);
}

static void again(struct loop_op *op, int result)
{
	struct channel_worker *worker = WORKER_OF(op, again);

	(void)result;
	worker->again_armed = false;
	serve(worker);
}

/* worker_flush() asks the guest for what is wanted by now; only a look after that cannot miss the room. */
static void tell_of_room(struct channel_worker *worker)
{
	while (worker->recall && worker_has_room(worker)) {
		worker->recall = false;
		worker->room_wanted = 0;
		call_provider(worker);
		worker_flush(worker);
	}
}

/*
 * A guest that is sent something may leave its reply in the ring without a doorbell, as nobody waits for it: whoever sends and has not read
 * in this turn looks.
 */
static void look(struct channel_worker *worker)
{
	if (worker->sent && !worker->served && !worker->stalled && ring_reader_waiting(&worker->in))
		serve_again(worker);
	worker->sent = false;
	worker->served = false;
}

/* The loop's batch callback: what all the done() calls wrote is signalled at most once. */
static void turn_end(void *context)
{
	struct channel_worker *worker = context;

	if (worker->state && worker->ops->turn)
		worker->ops->turn(worker->state);
	worker_flush(worker);
	tell_of_room(worker);
	if (worker->stalled && may_read(worker))
		serve_again(worker);
	look(worker);
	if (ring_writer_must_signal(&worker->out) || worker->raise)
		worker_interrupt(worker);
}

static void timer_ended(struct loop_eventfd *event)
{
	loop_stop(event->loop);
}

static void doorbell_ended(struct loop_eventfd *event)
{
	if (!worker_fault_end(WORKER_OF(event, doorbell), timer_ended))
		loop_stop(event->loop);
}

/*
 * The last act: no request is in flight but the read of the doorbell, which ends first. The memory
 * goes when the bus thread has joined this one.
 */
static void finish(struct channel_worker *worker)
{
	worker->ops->closed(worker->state);
	worker->state = NULL;
	worker->doorbell.ended = doorbell_ended;
	loop_eventfd_disarm(&worker->doorbell);
}

/* Packets that came before are answered; the doorbell of what is in the ring, or comes, is heard when it is read again. */
static void follow_pause(struct channel_worker *worker)
{
	const struct channel_pause *pause = worker->channel->host.pause;
	bool on = pause && atomic_load(&pause->on);

	if (on == !!(worker->halt & WORKER_HALT_PAUSE))
		return;
	worker->halt ^= WORKER_HALT_PAUSE;
	if (worker->state && worker->ops->paused)
		worker->ops->paused(worker->state, on);
	if (!on && worker->state)
		serve_again(worker);
}

static void pause_or_resume(struct loop_work *work)
{
	struct channel_worker *worker = WORKER_OF(work, pause);

	atomic_store(&worker->pausing, false);
	follow_pause(worker);
	sem_post(&worker->channel->host.pause->heard);
}

static void start(struct loop_work *work)
{
	struct channel_worker *worker = WORKER_OF(work, start);
	struct channel *channel = worker->channel;

	worker->state = worker->ops->open(channel, channel->offer.context);
	if (!worker->state) {
		loop_stop(worker->loop);
		return;
	}
	loop_eventfd_arm(worker->loop, &worker->doorbell);
	report(worker, CHANNEL_REPORT_OPENED);
	follow_pause(worker); /* opened by a message from before the pause */
	/* The guest may have written before it opened, and will not ring for that. */
	serve(worker);
}

static void stop(struct loop_work *work)
{
	struct channel_worker *worker = WORKER_OF(work, stop);

	if (!worker->state)
		return; /* the provider had refused: the loop ends anyway */
	worker->halt |= WORKER_HALT_CLOSING;
	ring_reader_mask(&worker->in);
	if (worker->ops->close(worker->state))
		finish(worker);
}

void channel_idle(struct channel *channel)
{
	finish(channel->worker);
}

static uint64_t cpu_time(clockid_t clock)
{
	struct timespec time = { 0 };

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* The clock of a thread that has ended reads as 0; by then the thread has noted its time itself. */
void worker_query(const struct channel_worker *worker, struct channel_work *work)
{
	clockid_t clock = atomic_load(&worker->clock);
	uint64_t live = clock ? cpu_time(clock) : 0, final = atomic_load(&worker->cpu_ns);
	struct loop_counters loop;

	work->cpu_ns += final ? final : live;
	loop_query(worker->loop, &loop);
	work->loop.enters += loop.enters;
	work->loop.sleeps += loop.sleeps;
	work->loop.submitted += loop.submitted;
	work->loop.batches += loop.batches;
	work->loop.completed += loop.completed;
}

static void *worker_main(void *context)
{
	struct channel_worker *worker = context;
	clockid_t clock;
	int error;

	if (!pthread_getcpuclockid(pthread_self(), &clock))
		atomic_store(&worker->clock, clock);
	error = loop_run(worker->loop);
	if (error)
		log_error("%s: event loop: %s", worker->channel->name, strerror(-error));
	atomic_store(&worker->cpu_ns, cpu_time(CLOCK_THREAD_CPUTIME_ID));
	report(worker, CHANNEL_REPORT_FINISHED);
	return NULL;
}

int worker_start(struct channel_worker *worker)
{
	loop_call(worker->loop, &worker->start);
	return -thread_start(&worker->thread, worker->channel->name, worker_main, worker);
}

void worker_pause(struct channel_worker *worker)
{
	if (!atomic_exchange(&worker->pausing, true))
		loop_call(worker->loop, &worker->pause);
	else
		sem_post(&worker->channel->host.pause->heard); /* it has not heard of the last time yet, and then hears of this */
}

void worker_stop(struct channel_worker *worker)
{
	loop_call(worker->loop, &worker->stop);
}

bool worker_ended(struct channel_worker *worker, const struct timespec *until)
{
	worker->joined = worker->joined || thread_join_until(worker->thread, until);
	return worker->joined;
}

void worker_join(struct channel_worker *worker)
{
	if (!worker->joined)
		pthread_join(worker->thread, NULL);
}

int worker_doorbell(const struct channel_worker *worker)
{
	return worker->doorbell.fd;
}

static int init_rings(struct channel_worker *worker, const char **why)
{
	struct channel_rings *rings = &worker->rings;

	ring_reader_init(&worker->in, rings->in, (uint8_t *)rings->in + 4096, rings->in_bytes);
	ring_writer_init(&worker->out, rings->out, (uint8_t *)rings->out + 4096, rings->out_bytes);
	if (!worker->in.ring.broken && !worker->out.ring.broken)
		return 0;
	*why = worker->in.ring.broken ? worker->in.ring.broken : worker->out.ring.broken;
	errno = EINVAL;
	return -1;
}

static int init_buffers(struct channel_worker *worker)
{
	worker->packet_room = (worker->ops->packet_max + 7) / 8 * 8;
	worker->packet = aligned_alloc(16, (worker->packet_room + 15) / 16 * 16);
	worker->doorbell.fd = eventfd(0, EFD_CLOEXEC);
	worker->loop = loop_create(LOOP_ENTRIES, turn_end, worker);
	if (!worker->packet || !worker_out_create(worker) || worker->doorbell.fd < 0 ||
	    !worker->loop) {
		errno = ENOMEM;
		return -1;
	}
	worker->fault.hold.loop = worker->loop;
	return 0;
}

struct channel_worker *worker_create(struct channel *channel, const struct channel_rings *rings,
				     const char **why)
{
	struct channel_worker *worker = calloc(1, sizeof(*worker));
	int error;

	*why = "host out of memory or file descriptors";
	if (!worker)
		return NULL;
	worker->channel = channel;
	worker->ops = channel->offer.ops;
	worker->start.run = start;
	worker->pause.run = pause_or_resume;
	worker->stop.run = stop;
	worker->call.run = call;
	worker->again.done = again;
	worker->doorbell.fired = rung;
	worker->doorbell.fd = -1;
	worker->rings = *rings;
	worker_fault_init(worker);
	if (!init_rings(worker, why) && !init_buffers(worker))
		return worker;
	error = errno;
	memset(&worker->rings, 0, sizeof(worker->rings));
	worker_destroy(worker);
	errno = error;
	return NULL;
}

/* The loop before the eventfd it reads and the buffers its requests use. */
void worker_destroy(struct channel_worker *worker)
{
	if (worker->loop)
		loop_destroy(worker->loop);
	if (worker->doorbell.fd >= 0)
		close(worker->doorbell.fd);
	worker_fault_free(worker);
	worker_unmap(&worker->rings);
	atomic_store(&worker->channel->stats.in_flight, 0);
	free(worker->backlog);
	free(worker->packet);
	free(worker);
}
