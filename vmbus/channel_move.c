// SPDX-License-Identifier: GPL-2.0
/*
 * A channel changes its CPU while packets flow: because somebody wants it so, because its CPU goes offline, or because
 * its own CPU came back.
 *
 * Order of a move: the new CPU is taken; the host is told (MODIFYCHANNEL); @cpu is changed, on the old CPU with
 * interrupts off, so no event path of this channel is in its middle; then the new CPU looks at the ring once. At any
 * time before, between and after, an event may come to either CPU: serve() in channel_io.c hands it on to the one that
 * @cpu names. So the old CPU may lose its SynIC as soon as the host is known not to use it for this channel any more:
 *   from 5.3 on, that is what MODIFY_RESPONSE says, and what was signalled before it is found by the look after it.
 *   4.1 to 5.2 have no answer, and no other answer implies it (hosts pass the message on within themselves). Events
 *   go astray until the host has come to it, and it may take as long as for any message: for that time the ring is
 *   looked at every WATCH_MS. The same after an answer that came too late for us, as the next might be taken for it.
 *   Before 4.1 there is no such message: the driver closes the channel and opens it again, on another CPU.
 * Invariant: @cpu is online and usable or leaving, and taken, as long as the channel is not closed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>

#include "channel.h"
#include "trace.h"

#define WATCH_MS 10

static void watch(struct timer_list *timer)
{
	struct vmbus_channel *channel = container_of(timer, struct vmbus_channel, watch);

	channel_look(channel);
	if (time_before(jiffies, READ_ONCE(channel->watch_until)))
		mod_timer(&channel->watch, jiffies + msecs_to_jiffies(WATCH_MS));
}

static void start_watch(struct vmbus_channel *channel)
{
	WRITE_ONCE(channel->watch_until, jiffies + msecs_to_jiffies(hvis_bus.chanmsg.timeout_ms));
	mod_timer(&channel->watch, jiffies + msecs_to_jiffies(WATCH_MS));
}

/** channel_move_init() - for a new channel; any context */
void channel_move_init(struct vmbus_channel *channel)
{
	channel->home = HVIS_CPU_ANY;
	timer_setup(&channel->watch, watch, 0);
}

/** channel_move_stop() - the channel is being closed: what a move left behind ends; cpu_lock held; may sleep */
void channel_move_stop(struct vmbus_channel *channel)
{
	lockdep_assert_held(&channel->cpu_lock);
	del_timer_sync(&channel->watch);
	channel->unsure = false;
}

static bool is_open(const struct vmbus_channel *channel)
{
	lockdep_assert_held(&channel->cpu_lock);
	return channel->state == CHANNEL_OPEN;
}

/* A rescinded channel interrupts nobody any more, so there is nobody to tell. */
static bool can_move(const struct vmbus_channel *channel)
{
	return hvis_bus.connection.version >= VMBUS_VERSION_WIN10_V4_1 || hvis_channel_rescinded(channel);
}

static int ask_host(struct vmbus_channel *channel, const struct chanmsg_modify *modify)
{
	struct chanmsg_call call = {
		.answer = CHANMSG_MODIFY_RESPONSE, .key = channel->relid, .gone = &channel->rescinded,
	};
	struct chanmsg_modify_response response = {};
	int error;

	chanmsg_call_begin(&call, &response, sizeof(response));
	error = chanmsg_ask(&call, modify, sizeof(*modify), "MODIFYCHANNEL");
	if (error == -ETIMEDOUT)
		channel->unsure = true;
	if (!error && response.status) {
		pr_err("channel %u: the host refuses to move it (status 0x%x)\n", channel->relid, response.status);
		error = -EREMOTEIO;
	}
	return error;
}

/* Return: 0 also if it was rescinded meanwhile. */
static int tell_host(struct vmbus_channel *channel, unsigned int cpu)
{
	const struct chanmsg_modify modify = {
		.header.type = CHANMSG_MODIFY, .relid = channel->relid, .target_vp = synic_vp_index(cpu),
	};
	int error;

	if (hvis_channel_rescinded(channel))
		return 0;
	if (hvis_bus.connection.version >= VMBUS_VERSION_WIN10_V5_3)
		error = ask_host(channel, &modify);
	else
		error = chanmsg_post(&modify, sizeof(modify));
	return error == -ENODEV ? 0 : error;
}

struct change {
	struct vmbus_channel *channel;
	unsigned int cpu;
};

/* On the old CPU with interrupts off. */
static void change_cpu(void *context)
{
	const struct change *change = context;

	smp_store_release(&change->channel->cpu, change->cpu); /* all that the event path did here */
}

/* To @cpu, which was taken for it and is given back on error. */
static int move(struct vmbus_channel *channel, unsigned int cpu)
{
	struct change change = { .channel = channel, .cpu = cpu };
	const unsigned int old = channel->cpu;
	const bool unsure = channel->unsure || hvis_bus.connection.version < VMBUS_VERSION_WIN10_V5_3;
	int error;

	lockdep_assert_held(&channel->cpu_lock);
	error = tell_host(channel, cpu);
	trace_channel_move(channel->relid, old, cpu, error);
	if (error) {
		synic_give(cpu);
		return error;
	}
	smp_call_function_single(old, change_cpu, &change, 1);
	synic_give(old);
	if (unsure)
		start_watch(channel);
	channel_look_from_task(channel);
	return 0;
}

/**
 * channel_set_cpu() - move an open channel, and let it belong there
 * @channel: any
 * @cpu: any number
 *
 * May sleep, bounded; not with the CPU hotplug lock held.
 * Return: 0; -EINVAL no such CPU, or offline; -EIO not open, or VMBus older than 4.1; -EREMOTEIO the host refuses;
 * -ETIMEDOUT it does not answer, and the channel stays where it is; what posting returns.
 */
int channel_set_cpu(struct vmbus_channel *channel, unsigned int cpu)
{
	int error = 0;

	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	mutex_lock(&channel->cpu_lock);
	if (!is_open(channel) || !can_move(channel))
		error = -EIO;
	else if (cpu != channel->cpu)
		error = synic_try_take(cpu) ? move(channel, cpu) : -EINVAL;
	if (!error)
		channel->home = cpu;
	mutex_unlock(&channel->cpu_lock);
	return error;
}

/*
 * Not under cpu_lock, which close and open take. The device's lock keeps probe() and remove() away; trying it only,
 * because who has it may wait for the end of this very hotplug.
 */
static int reopen(struct vmbus_channel *channel)
{
	struct vmbus_device *device;
	int error = -EBUSY;

	device = channel_device_get(channel);
	if (!device)
		return error;
	if (device_trylock(&device->dev)) {
		if (device->dev.driver && channel->config.reopen) {
			channel->config.reopen(channel, channel->config.context);
			error = 0;
		}
		device_unlock(&device->dev);
	}
	put_device(&device->dev);
	return error;
}

static bool is_open_on(struct vmbus_channel *channel, unsigned int cpu)
{
	bool yes;

	mutex_lock(&channel->cpu_lock);
	yes = is_open(channel) && channel->cpu == cpu;
	mutex_unlock(&channel->cpu_lock);
	return yes;
}

static int leave_by_reopen(struct vmbus_channel *channel, unsigned int cpu)
{
	int error;

	if (!is_open_on(channel, cpu))
		return 0;
	error = reopen(channel);
	/* It may also have been closed meanwhile. */
	return is_open_on(channel, cpu) ? error ?: -EBUSY : 0;
}

/*
 * A channel that the host was once asked to move here, without an answer, may turn to this CPU yet: it is told once
 * more where the channel is.
 */
static int confirm_cpu(struct vmbus_channel *channel)
{
	int error = tell_host(channel, channel->cpu);

	if (!error)
		start_watch(channel);
	return error;
}

static int leave_by_move(struct vmbus_channel *channel, unsigned int cpu)
{
	int error = 0;

	mutex_lock(&channel->cpu_lock);
	if (is_open(channel) && channel->cpu == cpu)
		error = move(channel, synic_take(channel->home));
	else if (is_open(channel) && channel->unsure)
		error = confirm_cpu(channel);
	mutex_unlock(&channel->cpu_lock);
	return error;
}

/**
 * channel_leave_cpu() - a CPU goes offline and needs another one for this channel, if it is there
 * @channel: any
 * @cpu: not usable any more
 *
 * CPU hotplug thread; may sleep, bounded. Return: 0; else it is still there, after one line in the log.
 */
int channel_leave_cpu(struct vmbus_channel *channel, unsigned int cpu)
{
	int error = can_move(channel) ? leave_by_move(channel, cpu) : leave_by_reopen(channel, cpu);

	if (error)
		pr_err("CPU %u stays online: channel %u {%pUl} cannot leave it (error %d)\n", cpu, channel->relid,
		       &channel->instance, error);
	return error;
}

/**
 * channel_come_home() - a CPU came online: the channel moves there if it belongs there
 * @channel: any
 * @cpu: usable
 *
 * Before 4.1 it stays where it is until it is opened again: a nearer CPU is not worth the pause and the lost requests.
 * CPU hotplug thread; may sleep, bounded. Return: 0; else it stays where it is, after one line in the log.
 */
int channel_come_home(struct vmbus_channel *channel, unsigned int cpu)
{
	int error = 0;

	mutex_lock(&channel->cpu_lock);
	if (is_open(channel) && can_move(channel) && channel->home == cpu && channel->cpu != cpu &&
	    synic_try_take(cpu))
		error = move(channel, cpu);
	mutex_unlock(&channel->cpu_lock);
	if (error)
		pr_err("channel %u {%pUl} stays on CPU %u instead of %u (error %d)\n", channel->relid,
		       &channel->instance, channel->cpu, cpu, error);
	return error;
}
