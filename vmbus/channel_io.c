// SPDX-License-Identifier: GPL-2.0
/*
 * Packets and interrupts of an open channel: from an event flag to the driver's event(), sending in batches with one
 * doorbell each, and flow control in both directions. The rings' arithmetic is ring.c's, the states are channel.c's.
 * Interrupts: the ring is masked while its driver reads, and looked at once more after it is unmasked, so no packet
 * waits for an interrupt that never comes.
 * Invariant: ring memory is touched only by a producer that saw state OPEN under out_lock, by event() between
 * channel_io_start() and channel_io_stop(), or by a poller that its driver stops before it closes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/bottom_half.h>
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <asm/sync_bitops.h>

#include "channel.h"
#include "trace.h"
#include "wire/packet.h"

/* A host that produces as fast as we read must not keep this CPU: after so many rounds others get a turn. */
#define ROUNDS_MAX 8

static bool is_open(const struct vmbus_channel *channel)
{
	return READ_ONCE(channel->state) == CHANNEL_OPEN;
}

/* The first rule that was broken gets the log line; both directions are dead from then on. */
static void channel_break(struct vmbus_channel *channel, const char *rule)
{
	if (!cmpxchg(&channel->broken, NULL, rule))
		pr_err("channel %u is out of service: %s\n", channel->relid, rule);
}

static void signal_host(const struct vmbus_channel *channel)
{
	u16 status;

	/*
	 * Without a doorbell of its own, the bit in the shared page tells which channel is meant. The host writes there
	 * even when this kernel runs on one CPU and has patched its own atomics down.
	 */
	if (!channel->dedicated)
		sync_set_bit(channel->relid, hvis_bus.connection.interrupt_page + PAGE_SIZE / 2);
	status = hypercall_signal_event(channel->connection_id);
	trace_channel_doorbell(channel->relid, channel->connection_id, status);
	if (status != TLFS_STATUS_SUCCESS)
		pr_err_ratelimited("channel %u: the doorbell failed (hypercall status %u)\n", channel->relid, status);
}

/* Events. */

/* Is room that a sender waits for there now? Then the wish is fulfilled, and withdrawn. */
static bool room_came(struct vmbus_channel *channel)
{
	unsigned long flags;
	bool came;

	if (!READ_ONCE(channel->want_room))
		return false;
	spin_lock_irqsave(&channel->out_lock, flags);
	came = channel->want_room && ring_out_want_room(&channel->out, channel->want_room);
	if (came)
		channel->want_room = 0;
	spin_unlock_irqrestore(&channel->out_lock, flags);
	return came;
}

static void publish(struct vmbus_channel *channel)
{
	if (!ring_in_publish(&channel->in))
		return;
	channel->room_signals++;
	signal_host(channel);
}

/* By serve() only. */
static void run_events(struct vmbus_channel *channel)
{
	const struct hvis_channel_config *config = &channel->config;
	unsigned int round;

	if (room_came(channel) && config->send_room)
		config->send_room(channel, config->context);
	if (config->polled)
		return;
	/* Acquire: what a poller did to the ring before it resumed. */
	if (smp_load_acquire(&channel->polling))
		return;
	for (round = 0; round < ROUNDS_MAX; round++) {
		ring_in_mask(&channel->in);
		/* Before event(), since the poller that it wakes may be done before it returns. */
		WRITE_ONCE(channel->polling, true);
		if (config->event(channel, config->context) == HVIS_EVENT_POLLING)
			return;
		WRITE_ONCE(channel->polling, false);
		/* Only now, so that event() hears of it from hvis_channel_recv(). */
		if (READ_ONCE(channel->broken))
			return;
		publish(channel);
		if (!ring_in_unmask(&channel->in))
			return;
	}
	ring_in_mask(&channel->in);
	irq_work_queue(&channel->again);
}

/*
 * The one way to run_events(). A channel has one CPU at a time, and its @cpu is changed on the old one with interrupts
 * off (channel_move.c), so being that CPU with interrupts off is all the exclusion that the event path needs, and
 * acquiring @cpu shows what the old one did. Elsewhere (the host still interrupts the old CPU, or chose a wrong one)
 * the event is handed on. A hand-over that is still pending looks at the ring later than now, so one is enough.
 */
static void serve(struct vmbus_channel *channel)
{
	unsigned int cpu = smp_load_acquire(&channel->cpu); /* what the old one did */

	lockdep_assert_irqs_disabled();
	/* Not open yet: channel_look() comes here once it is. */
	if (!is_open(channel))
		return;
	if (cpu == smp_processor_id()) {
		run_events(channel);
		return;
	}
	WRITE_ONCE(channel->handed_on, true);
	smp_call_function_single_async(cpu, &channel->hand_over);
}

static void run_again(struct irq_work *work)
{
	serve(container_of(work, struct vmbus_channel, again));
}

static void run_handed_on(void *channel)
{
	serve(channel);
}

/** channel_look() - run the event path once, soon, on the channel's CPU; any context but NMI */
void channel_look(struct vmbus_channel *channel)
{
	unsigned long flags;

	local_irq_save(flags);
	serve(channel);
	local_irq_restore(flags);
}

/**
 * channel_look_from_task() - channel_look() in process context
 * @channel: open
 *
 * An event() may raise a softirq: here, unlike behind an interrupt, nobody but us would run it soon. May sleep.
 */
void channel_look_from_task(struct vmbus_channel *channel)
{
	local_bh_disable();
	channel_look(channel);
	local_bh_enable();
}

/**
 * channel_event() - the event flag of a channel was set
 * @relid: below TLFS_EVENT_FLAGS; the host may name any
 *
 * Hard interrupt context.
 */
void channel_event(u32 relid)
{
	struct vmbus_channel *channel;

	rcu_read_lock();
	channel = rcu_dereference(hvis_bus.active[relid]);
	if (channel) {
		channel->interrupts++;
		trace_channel_event(relid, channel->cpu);
		serve(channel);
	}
	rcu_read_unlock();
}

/** channel_io_init() - for a new channel; any context */
void channel_io_init(struct vmbus_channel *channel)
{
	spin_lock_init(&channel->out_lock);
	channel->again = IRQ_WORK_INIT_HARD(run_again);
	INIT_CSD(&channel->hand_over, run_handed_on, channel);
}

/** channel_io_start() - events find the channel from now on; the rings are ready; any context */
void channel_io_start(struct vmbus_channel *channel)
{
	channel->handed_on = false;
	rcu_assign_pointer(hvis_bus.active[channel->relid], channel);
}

/** channel_io_stop() - no callback of the driver runs any more, the state is no longer OPEN; may sleep */
void channel_io_stop(struct vmbus_channel *channel)
{
	RCU_INIT_POINTER(hvis_bus.active[channel->relid], NULL);
	/* The event path runs with interrupts off, which counts as reading. After this nothing is queued any more. */
	synchronize_rcu();
	irq_work_sync(&channel->again);
	if (!READ_ONCE(channel->handed_on))
		return;
	/* Unlocked means that it has begun, with interrupts off; then wait for its end. */
	smp_cond_load_acquire(&channel->hand_over.node.u_flags, !(VAL & CSD_FLAG_LOCK));
	synchronize_rcu();
}

/* Receiving. */

/**
 * hvis_channel_recv() - the next packet
 * @channel: open
 * @packet: filled in; its payload is a private copy, valid until the next call
 *
 * From event(), or from one poller after it returned HVIS_EVENT_POLLING; the driver serialises. Any context.
 * Return: 1; 0 nothing there (and the space of what was read is the host's again); -EIO broken; -ENODEV not open.
 */
int hvis_channel_recv(struct vmbus_channel *channel, struct hvis_packet *packet)
{
	int got;

	if (!is_open(channel))
		return -ENODEV;
	if (READ_ONCE(channel->broken))
		return -EIO;
	got = ring_in_read(&channel->in, packet);
	if (got < 0)
		channel_break(channel, channel->in.broken);
	else if (!got)
		publish(channel);
	return got;
}
EXPORT_SYMBOL_GPL(hvis_channel_recv);

/**
 * hvis_channel_ready() - would hvis_channel_recv() return anything but 0?
 * @channel: open
 *
 * For an event() that leaves all reading to a poller: DRAINED if not, else wake it and POLLING. Without that look the
 * event that follows hvis_channel_resume() would wake the poller for ever. Context as for hvis_channel_recv().
 */
bool hvis_channel_ready(struct vmbus_channel *channel)
{
	return is_open(channel) && !READ_ONCE(channel->broken) && ring_in_ready(&channel->in);
}
EXPORT_SYMBOL_GPL(hvis_channel_ready);

/**
 * hvis_channel_resume() - a poller has read all and gives the ring back to event()
 * @channel: open
 *
 * The poller reads no more until the next event(), which is called once soon: interrupts are unmasked on the channel's
 * CPU only, where nobody can be reading at the same time. Any context but NMI.
 */
void hvis_channel_resume(struct vmbus_channel *channel)
{
	/* Release: our last look at the ring comes before event()'s first. */
	smp_store_release(&channel->polling, false);
	channel_look(channel);
}
EXPORT_SYMBOL_GPL(hvis_channel_resume);

/**
 * hvis_channel_look() - as if the host had signalled: for a driver that suspects a lost interrupt
 * @channel: open, or not (then nothing happens)
 *
 * Calls event() on the channel's CPU unless a poller has the ring, and waits for it. May sleep; not in event().
 */
void hvis_channel_look(struct vmbus_channel *channel)
{
	/* As channel_look_from_task(). */
	local_bh_disable();
	/* Should it move meanwhile, serve() hands on; an offline CPU has none. */
	smp_call_function_single(READ_ONCE(channel->cpu), run_handed_on, channel, 1);
	local_bh_enable();
}
EXPORT_SYMBOL_GPL(hvis_channel_look);

/* Sending. */

static void *reserve(struct vmbus_channel *channel, u32 bytes)
{
	void *packet;

	lockdep_assert_held(&channel->out_lock);
	if (channel->state != CHANNEL_OPEN || READ_ONCE(channel->rescinded))
		return ERR_PTR(-ENODEV);
	if (READ_ONCE(channel->broken))
		return ERR_PTR(-EIO);
	packet = ring_out_reserve(&channel->out, bytes);
	if (packet == ERR_PTR(-EAGAIN)) {
		channel->full_total++;
		channel->full_first += !channel->want_room;
		/* Noted before the host is asked (a full barrier), so that its interrupt finds the note. */
		WRITE_ONCE(channel->want_room, bytes);
		if (ring_out_want_room(&channel->out, bytes)) {
			WRITE_ONCE(channel->want_room, 0);
			packet = ring_out_reserve(&channel->out, bytes);
		}
	}
	if (packet == ERR_PTR(-EIO))
		channel_break(channel, channel->out.broken);
	return packet;
}

/**
 * hvis_channel_reserve() - room for one packet, to be written in place
 * @channel: open
 * @bytes: descriptor, ranges and payload; a multiple of 8
 * @irq_flags: for hvis_channel_commit()
 *
 * On success the producer lock is held and interrupts are off until hvis_channel_commit(). Any context but NMI; not
 * between another reserve and its commit.
 * Return: contiguous memory; ERR_PTR(-EAGAIN): no room, send_room() will be called; -EMSGSIZE it never fits; -EIO
 * broken; -ENODEV rescinded or not open.
 */
void *hvis_channel_reserve(struct vmbus_channel *channel, u32 bytes, unsigned long *irq_flags)
	__acquires(&channel->out_lock)
{
	unsigned long flags;
	void *packet;

	spin_lock_irqsave(&channel->out_lock, flags);
	packet = reserve(channel, bytes);
	if (IS_ERR(packet)) {
		spin_unlock_irqrestore(&channel->out_lock, flags);
		__acquire(&channel->out_lock); /* sparse knows no "only if" */
	}
	*irq_flags = flags;
	return packet;
}
EXPORT_SYMBOL_GPL(hvis_channel_reserve);

/** hvis_channel_commit() - publish the packet and release the producer lock; the host is not yet signalled */
void hvis_channel_commit(struct vmbus_channel *channel, unsigned long irq_flags)
	__releases(&channel->out_lock)
{
	ring_out_commit(&channel->out);
	spin_unlock_irqrestore(&channel->out_lock, irq_flags);
}
EXPORT_SYMBOL_GPL(hvis_channel_commit);

/**
 * hvis_channel_all_read() - has the host read everything that was sent?
 * @channel: any state
 *
 * Says nothing of what it did about it. Any context. Return: false, too, if the channel is not open.
 */
bool hvis_channel_all_read(struct vmbus_channel *channel)
{
	unsigned long flags;
	bool all;

	spin_lock_irqsave(&channel->out_lock, flags);
	all = channel->state == CHANNEL_OPEN && ring_out_all_read(&channel->out);
	spin_unlock_irqrestore(&channel->out_lock, flags);
	return all;
}
EXPORT_SYMBOL_GPL(hvis_channel_all_read);

/**
 * hvis_channel_kick() - signal the host if it may be asleep on what was committed
 * @channel: any state
 *
 * Once after a batch, by everyone who committed. Any context but NMI.
 */
void hvis_channel_kick(struct vmbus_channel *channel)
{
	unsigned long flags;
	bool signal = false;

	spin_lock_irqsave(&channel->out_lock, flags);
	if (channel->state == CHANNEL_OPEN && !READ_ONCE(channel->broken)) {
		signal = ring_out_must_signal(&channel->out);
		channel->signals += signal;
		if (channel->out.broken)
			channel_break(channel, channel->out.broken);
	}
	spin_unlock_irqrestore(&channel->out_lock, flags);
	/* Outside the lock: an exit to the hypervisor is long, and a signal too many does no harm. */
	if (signal)
		signal_host(channel);
}
EXPORT_SYMBOL_GPL(hvis_channel_kick);

/**
 * hvis_channel_send_inband() - send one packet whose data is its payload, and signal
 * @channel: open
 * @payload: copied
 * @bytes: its length; padded with zeros to a multiple of 8
 * @transaction_id: the answer will carry it
 * @flags: PACKET_FLAG_*
 *
 * Any context but NMI. Return: 0 or the errors of hvis_channel_reserve().
 */
int hvis_channel_send_inband(struct vmbus_channel *channel, const void *payload, u32 bytes, u64 transaction_id,
			     u16 flags)
{
	const u32 total = sizeof(struct packet_desc) + ALIGN(bytes, 8);
	unsigned long irq_flags;
	u8 *packet;

	if (bytes > U16_MAX)
		return -EMSGSIZE;
	packet = hvis_channel_reserve(channel, total, &irq_flags);
	if (IS_ERR(packet))
		return PTR_ERR(packet);
	*(struct packet_desc *)packet = (struct packet_desc){
		.type = PACKET_INBAND,
		.offset8 = sizeof(struct packet_desc) / 8,
		.len8 = total / 8,
		.flags = flags,
		.transaction_id = transaction_id,
	};
	memcpy(packet + sizeof(struct packet_desc), payload, bytes);
	memset(packet + sizeof(struct packet_desc) + bytes, 0, ALIGN(bytes, 8) - bytes);
	hvis_channel_commit(channel, irq_flags);
	hvis_channel_kick(channel);
	/* The kick may just have found out, and nobody will answer. */
	return READ_ONCE(channel->broken) ? -EIO : 0;
}
EXPORT_SYMBOL_GPL(hvis_channel_send_inband);
