// SPDX-License-Identifier: GPL-2.0
/*
 * A channel's life: created from an offer, opened and closed by its driver, rescinded by the host at any moment.
 * Ring memory is ring_memory.c's, packets and interrupts are channel_io.c's.
 * Invariant: each change of state is one function that opens with its guard, under channel->lock, and nothing waits
 * for the host while holding that lock; so a rescind always gets through, also to an open or close that waits.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>

#include "channel.h"
#include "trace.h"

/**
 * channel_create() - a closed channel for an offer
 * @offer: checked
 * @primary: of a sub-channel; otherwise NULL
 *
 * May sleep. Return: one reference, or NULL without memory.
 */
struct vmbus_channel *channel_create(const struct chanmsg_offer *offer, struct vmbus_channel *primary)
{
	struct vmbus_channel *channel = kzalloc(sizeof(*channel), GFP_KERNEL);

	if (!channel)
		return NULL;
	kref_init(&channel->ref);
	mutex_init(&channel->lock);
	mutex_init(&channel->cpu_lock);
	channel_io_init(channel);
	channel_move_init(channel);
	memcpy(&channel->type, &offer->if_type, sizeof(channel->type));
	memcpy(&channel->instance, &offer->if_instance, sizeof(channel->instance));
	channel->relid = offer->relid;
	channel->connection_id = offer->connection_id;
	channel->monitor_id = offer->monitor_id;
	channel->monitored = offer->monitor_allocated & CHANMSG_OFFER_MONITOR_ALLOCATED;
	channel->dedicated = offer->dedicated_interrupt & CHANMSG_OFFER_DEDICATED_INTERRUPT;
	channel->state = CHANNEL_CLOSED;
	channel->index = offer->sub_channel_index;
	channel->primary = primary;
	if (primary)
		kref_get(&primary->ref);
	return channel;
}

static void channel_free(struct kref *ref)
{
	struct vmbus_channel *channel = container_of(ref, struct vmbus_channel, ref);

	if (channel->primary)
		channel_put(channel->primary);
	kfree(channel);
}

/** channel_put() - give a reference back; any context */
void channel_put(struct vmbus_channel *channel)
{
	kref_put(&channel->ref, channel_free);
}

/* The transitions. */

static void set_state(struct vmbus_channel *channel, enum channel_state state)
{
	lockdep_assert_held(&channel->lock);
	spin_lock_irq(&channel->out_lock);
	WRITE_ONCE(channel->state, state);
	spin_unlock_irq(&channel->out_lock);
}

static int start_opening(struct vmbus_channel *channel, const struct hvis_channel_config *config)
{
	int error = 0;

	mutex_lock(&channel->lock);
	if (channel->rescinded)
		error = -ENODEV;
	else if (channel->state == CHANNEL_LOST)
		error = -EIO;
	else if (channel->state != CHANNEL_CLOSED)
		error = -EBUSY;
	if (!error) {
		channel->config = *config;
		channel->broken = NULL;
		channel->want_room = 0;
		channel->polling = false;
		set_state(channel, CHANNEL_OPENING);
	}
	mutex_unlock(&channel->lock);
	return error;
}

/* A rescind that came while the host was opening: its rescinded() is not owed, the open fails instead. */
static int confirm_open(struct vmbus_channel *channel)
{
	int error = 0;

	mutex_lock(&channel->lock);
	if (channel->rescinded)
		error = -ENODEV;
	else
		set_state(channel, CHANNEL_OPEN);
	mutex_unlock(&channel->lock);
	return error;
}

static void settle(struct vmbus_channel *channel, enum channel_state state)
{
	mutex_lock(&channel->lock);
	set_state(channel, state);
	mutex_unlock(&channel->lock);
}

static bool start_closing(struct vmbus_channel *channel)
{
	bool open;

	mutex_lock(&channel->lock);
	open = channel->state == CHANNEL_OPEN;
	if (open)
		set_state(channel, CHANNEL_CLOSING);
	mutex_unlock(&channel->lock);
	return open;
}

/* Opening. */

static int post_open(struct vmbus_channel *channel)
{
	const struct hvis_channel_config *config = &channel->config;
	struct chanmsg_open open = {
		.header.type = CHANMSG_OPEN,
		.relid = channel->relid,
		.open_id = channel->memory.shared.gpadl,
		.ring_gpadl = channel->memory.shared.gpadl,
		.target_vp = synic_vp_index(channel->cpu),
		.downstream_page = channel->memory.send_pages,
	};
	struct chanmsg_call call = {
		.answer = CHANMSG_OPEN_RESULT, .key = open.open_id, .gone = &channel->rescinded,
	};
	struct chanmsg_open_result result = {};
	int error;

	if (config->user_data)
		memcpy(open.user_data, config->user_data, config->user_data_len);
	chanmsg_call_begin(&call, &result, sizeof(result));
	error = chanmsg_ask(&call, &open, sizeof(open), "OPEN");
	if (!error && (result.status || result.relid != channel->relid)) {
		pr_err("channel %u: the host refuses to open it (status 0x%x)\n", channel->relid, result.status);
		error = -EREMOTEIO;
	}
	return error;
}

static void post_close(struct vmbus_channel *channel)
{
	const struct chanmsg_relid close = { .header.type = CHANMSG_CLOSE, .relid = channel->relid };

	/* A failure is logged there, and shows again in the teardown that follows. */
	chanmsg_post(&close, sizeof(close));
}

static int create_rings(struct vmbus_channel *channel)
{
	const struct hvis_channel_config *config = &channel->config;
	struct ring_memory *memory = &channel->memory;
	u32 copy_bytes = ALIGN_DOWN(config->packet_max, 8);
	int error;

	channel->in_copy = kvmalloc(copy_bytes, GFP_KERNEL);
	if (!channel->in_copy)
		return -ENOMEM;
	error = ring_memory_create(memory, config->send_bytes, config->recv_bytes, cpu_to_node(channel->cpu));
	if (error) {
		kvfree(channel->in_copy);
		return error;
	}
	ring_out_init(&channel->out, memory->send, memory->send + PAGE_SIZE, (memory->send_pages - 1) * PAGE_SIZE);
	ring_in_init(&channel->in, memory->recv, memory->recv + PAGE_SIZE,
		     (memory->shared.count - memory->send_pages - 1) * PAGE_SIZE, channel->in_copy, copy_bytes);
	if (config->polled)
		ring_in_mask(&channel->in);
	return 0;
}

/* @leak: NULL, or why the host may still use the pages. Return: what the channel is then. */
static enum channel_state destroy_rings(struct vmbus_channel *channel, const char *leak)
{
	if (leak)
		ring_memory_leak(&channel->memory, channel->relid, leak);
	else
		ring_memory_destroy(&channel->memory);
	kvfree(channel->in_copy);
	channel->in_copy = NULL;
	return leak ? CHANNEL_LOST : CHANNEL_CLOSED;
}

static const char *unshare(struct vmbus_channel *channel)
{
	if (hvis_channel_rescinded(channel) ||
	    !shared_pages_unshare(&channel->memory.shared, channel->relid, &channel->rescinded))
		return NULL;
	return "the host did not confirm the end of their GPADL";
}

/* The steps that need the host, each undone if the next fails. @leak: set if it may hold the pages for good. */
static int open_with_host(struct vmbus_channel *channel, const char **leak)
{
	int error;

	error = shared_pages_share(&channel->memory.shared, channel->relid, &channel->rescinded);
	if (error) {
		if (error == -ETIMEDOUT || error == -EPROTO)
			*leak = "the host did not answer GPADL_HEADER as it must";
		return error;
	}
	/* Before OPEN: its first interrupt may come before its result. */
	channel_io_start(channel);
	error = post_open(channel);
	if (!error)
		error = confirm_open(channel);
	if (!error)
		return 0;

	channel_io_stop(channel);
	*leak = error == -ETIMEDOUT ? "the host did not answer OPEN" : unshare(channel);
	return error;
}

static bool config_valid(const struct hvis_channel_config *config)
{
	return (config->event || config->polled) && config->packet_max >= sizeof(struct packet_desc) &&
	       config->user_data_len <= CHANMSG_USER_DATA &&
	       (config->cpu == HVIS_CPU_ANY || (config->cpu < nr_cpu_ids && cpu_possible(config->cpu)));
}

/* Return: 0, or an error after which the channel is CLOSED or LOST. */
static int open_on_cpu(struct vmbus_channel *channel)
{
	const char *leak = NULL;
	int error;

	error = create_rings(channel);
	if (error) {
		settle(channel, CHANNEL_CLOSED);
		return error;
	}
	error = open_with_host(channel, &leak);
	if (error)
		settle(channel, destroy_rings(channel, leak));
	return error;
}

/**
 * hvis_channel_open() - allocate rings, show them to the host, open
 * @channel: closed
 * @config: copied; user_data is used during the call only
 *
 * event() may run before this returns, though never before the host confirmed; the bus calls it once of its own accord
 * for packets that came early. May sleep, bounded; not in event(), send_room() or rescinded().
 * Protocol: GPADL_HEADER, OPEN (include/linux/hyperv.h of Linux).
 *
 * Return: 0; -EINVAL bad configuration; -EBUSY not closed; -ENODEV rescinded; -EREMOTEIO refused by the host;
 * -ETIMEDOUT no answer, after which the channel is of no more use; -EIO it was so before; -ENOMEM.
 */
int hvis_channel_open(struct vmbus_channel *channel, const struct hvis_channel_config *config)
{
	int error;

	if (!config_valid(config))
		return -EINVAL;
	mutex_lock(&channel->cpu_lock);
	error = start_opening(channel, config);
	if (error)
		goto unlock;
	channel->home = config->cpu;
	channel->cpu = synic_take(config->cpu);
	error = open_on_cpu(channel);
	trace_channel_open(channel->relid, channel->index, channel->cpu, config->send_bytes, config->recv_bytes,
			   config->polled, error);
	if (error)
		synic_give(channel->cpu);
	else
		/* For what came while it was being opened. */
		channel_look_from_task(channel);
unlock:
	mutex_unlock(&channel->cpu_lock);
	return error;
}
EXPORT_SYMBOL_GPL(hvis_channel_open);

/**
 * hvis_channel_close() - undo hvis_channel_open()
 * @channel: open, or not (then nothing happens); also after a rescind
 *
 * When it returns, event(), send_room() and rescinded() neither run nor will run. The driver has stopped its own
 * senders and pollers before. May sleep, bounded; not in rescinded().
 */
void hvis_channel_close(struct vmbus_channel *channel)
{
	const char *leak;

	mutex_lock(&channel->cpu_lock);
	if (!start_closing(channel))
		goto unlock;
	channel_move_stop(channel);
	channel_io_stop(channel);
	if (!hvis_channel_rescinded(channel))
		post_close(channel);
	leak = unshare(channel);
	trace_channel_close(channel->relid, leak);
	synic_give(channel->cpu);
	settle(channel, destroy_rings(channel, leak));
unlock:
	mutex_unlock(&channel->cpu_lock);
}
EXPORT_SYMBOL_GPL(hvis_channel_close);

/** channel_device_set() - the device of a primary channel, or NULL before it goes; may sleep */
void channel_device_set(struct vmbus_channel *channel, struct vmbus_device *device)
{
	mutex_lock(&channel->lock);
	channel->device = device;
	mutex_unlock(&channel->lock);
}

/** channel_device_get() - the device that a channel or its primary belongs to, with a reference, or NULL; may sleep */
struct vmbus_device *channel_device_get(struct vmbus_channel *channel)
{
	struct vmbus_channel *primary = channel->primary ?: channel;
	struct vmbus_device *device;

	mutex_lock(&primary->lock);
	device = primary->device;
	if (device)
		get_device(&device->dev);
	mutex_unlock(&primary->lock);
	return device;
}

/**
 * channel_rescind() - the host took the offer back
 * @channel: in any state
 *
 * Whoever waits for the host is told, and so is the driver if it had the channel open. May sleep.
 * Return: false if that had happened before.
 */
bool channel_rescind(struct vmbus_channel *channel)
{
	bool first;

	mutex_lock(&channel->lock);
	first = !channel->rescinded;
	WRITE_ONCE(channel->rescinded, true);
	if (first) {
		trace_channel_rescind(channel->relid, channel->index, channel->state == CHANNEL_OPEN);
		chanmsg_fail_calls(&channel->rescinded);
		if (channel->state == CHANNEL_OPEN && channel->config.rescinded)
			channel->config.rescinded(channel, channel->config.context);
	}
	mutex_unlock(&channel->lock);
	return first;
}

/** channel_abandon() - make sure it is closed after its driver is gone; may sleep */
void channel_abandon(struct vmbus_channel *channel)
{
	if (WARN_ON(READ_ONCE(channel->state) == CHANNEL_OPEN))
		hvis_channel_close(channel);
}

/** hvis_channel_rescinded() - did the host take it back? Stays true. Any context. */
bool hvis_channel_rescinded(const struct vmbus_channel *channel)
{
	return READ_ONCE(channel->rescinded);
}
EXPORT_SYMBOL_GPL(hvis_channel_rescinded);

/** hvis_channel_version() - the VMBus version of the connection, as VMBUS_VERSION(); any context */
u32 hvis_channel_version(const struct vmbus_channel *channel)
{
	return hvis_bus.connection.version;
}
EXPORT_SYMBOL_GPL(hvis_channel_version);

/** hvis_channel_cpu() - the CPU that gets the interrupts of an open channel; any context */
unsigned int hvis_channel_cpu(const struct vmbus_channel *channel)
{
	return channel->cpu;
}
EXPORT_SYMBOL_GPL(hvis_channel_cpu);
