// SPDX-License-Identifier: GPL-2.0
/*
 * The directory channels/NUMBER of each channel below its device, with the figures that the kernel's own bus shows, under
 * its names and in its forms, and one more: "ring", the bytes of both rings.
 * Invariant: directories are made and removed by one thread at a time (those of one instance come and go in order), and each holds a
 * reference to its channel until its last reader is gone.
 */
#include <linux/kobject.h>
#include <linux/slab.h>

#include "device.h"

/**
 * struct channel_dir - the directory of one channel
 * @kobj: in the kset of its device
 * @channel: with a reference
 */
struct channel_dir {
	struct kobject kobj;
	struct vmbus_channel *channel;
};

struct channel_attr {
	struct attribute attr;
	ssize_t (*show)(struct vmbus_channel *channel, char *text);
	ssize_t (*store)(struct vmbus_channel *channel, const char *text, size_t bytes);
};

static struct vmbus_channel *kobj_channel(struct kobject *kobj)
{
	return container_of(kobj, struct channel_dir, kobj)->channel;
}

/* Figures. */

static ssize_t cpu_show(struct vmbus_channel *channel, char *text)
{
	return sysfs_emit(text, "%u\n", hvis_channel_cpu(channel));
}

static ssize_t cpu_store(struct vmbus_channel *channel, const char *text, size_t bytes)
{
	unsigned int cpu;
	int error = kstrtouint(text, 0, &cpu);

	if (!error)
		error = channel_set_cpu(channel, cpu);
	return error ?: bytes;
}

static struct channel_attr attr_cpu = __ATTR_RW(cpu);

#define FIGURE(name, format, value)										\
static ssize_t name##_show(struct vmbus_channel *channel, char *text)						\
{														\
	return sysfs_emit(text, format "\n", value);								\
}														\
static struct channel_attr attr_##name = __ATTR_RO(name)

FIGURE(subchannel_id, "%u", channel->index);
FIGURE(interrupts, "%llu", READ_ONCE(channel->interrupts));
FIGURE(events, "%llu", READ_ONCE(channel->signals) + READ_ONCE(channel->room_signals));
FIGURE(intr_in_full, "%llu", READ_ONCE(channel->room_signals));
FIGURE(intr_out_empty, "%llu", READ_ONCE(channel->signals));
FIGURE(out_full_first, "%llu", READ_ONCE(channel->full_first));
FIGURE(out_full_total, "%llu", READ_ONCE(channel->full_total));
FIGURE(monitor_id, "%u", channel->monitor_id);
FIGURE(pending, "%d", channel_monitor_pending(channel));
FIGURE(latency, "%u", channel_monitor_latency(channel));

/* @offset: of a u32 in struct ring_figures. Reading fails for a channel that is not open. */
static ssize_t show_ring(struct vmbus_channel *channel, char *text, bool outbound, size_t offset)
{
	struct ring_figures out, in;
	int error = channel_ring_figures(channel, &out, &in);

	if (error)
		return error;
	return sysfs_emit(text, "%u\n", *(u32 *)((void *)(outbound ? &out : &in) + offset));
}

#define RING_FIGURE(name, outbound, member)									\
static ssize_t name##_show(struct vmbus_channel *channel, char *text)						\
{														\
	return show_ring(channel, text, outbound, offsetof(struct ring_figures, member));			\
}														\
static struct channel_attr attr_##name = __ATTR_RO(name)

RING_FIGURE(out_mask, true, mask);
RING_FIGURE(in_mask, false, mask);
RING_FIGURE(read_avail, false, readable);
RING_FIGURE(write_avail, true, writable);

static struct attribute *channel_attrs[] = {
	&attr_cpu.attr,
	&attr_subchannel_id.attr,
	&attr_interrupts.attr,
	&attr_events.attr,
	&attr_intr_in_full.attr,
	&attr_intr_out_empty.attr,
	&attr_out_full_first.attr,
	&attr_out_full_total.attr,
	&attr_out_mask.attr,
	&attr_in_mask.attr,
	&attr_read_avail.attr,
	&attr_write_avail.attr,
	&attr_monitor_id.attr,
	&attr_pending.attr,
	&attr_latency.attr,
	NULL,
};

/* The kernel lets user space map it, for its UIO driver; here it can only be looked at. */
static ssize_t ring_read(struct file *file, struct kobject *kobj, struct bin_attribute *attr, char *buffer,
			 loff_t offset, size_t bytes)
{
	return channel_ring_read(kobj_channel(kobj), buffer, offset, bytes);
}
static BIN_ATTR(ring, 0400, ring_read, NULL, 0);

static struct bin_attribute *channel_bin_attrs[] = {
	&bin_attr_ring,
	NULL,
};

static umode_t is_visible(struct kobject *kobj, struct attribute *attr, int index)
{
	bool monitor = attr == &attr_monitor_id.attr || attr == &attr_pending.attr || attr == &attr_latency.attr;

	return monitor && !kobj_channel(kobj)->monitored ? 0 : attr->mode;
}

static const struct attribute_group channel_group = {
	.attrs = channel_attrs,
	.bin_attrs = channel_bin_attrs,
	.is_visible = is_visible,
};

static const struct attribute_group *channel_groups[] = { &channel_group, NULL };

static ssize_t show(struct kobject *kobj, struct attribute *attr, char *text)
{
	return container_of(attr, struct channel_attr, attr)->show(kobj_channel(kobj), text);
}

static ssize_t store(struct kobject *kobj, struct attribute *attr, const char *text, size_t bytes)
{
	struct channel_attr *channel_attr = container_of(attr, struct channel_attr, attr);

	return channel_attr->store ? channel_attr->store(kobj_channel(kobj), text, bytes) : -EIO;
}

static const struct sysfs_ops channel_sysfs_ops = { .show = show, .store = store };

/* Directories. */

static void dir_free(struct kobject *kobj)
{
	struct channel_dir *dir = container_of(kobj, struct channel_dir, kobj);

	channel_put(dir->channel);
	kfree(dir);
}

static const struct kobj_type channel_type = {
	.release = dir_free,
	.sysfs_ops = &channel_sysfs_ops,
	.default_groups = channel_groups,
};

/* The kset "channels" of a device; it is made with the first channel, the primary. */
static struct kset *dirs_of(struct vmbus_channel *primary)
{
	if (!primary->dirs && primary->device)
		primary->dirs = kset_create_and_add("channels", NULL, &primary->device->dev.kobj);
	return primary->dirs;
}

static void remove(struct kobject *kobj)
{
	kobj_channel(kobj)->dir = NULL;
	kobject_del(kobj);
	kobject_put(kobj);
}

/**
 * device_channel_add() - make the directory of a channel
 * @channel: primary, whose device is there, or sub-channel
 *
 * A sub-channel whose primary has no device (any more) gets none. May sleep. Return: 0 or negative errno.
 */
int device_channel_add(struct vmbus_channel *channel)
{
	struct vmbus_channel *primary = channel->primary ?: channel;
	struct channel_dir *dir;
	int error;

	if (!primary->device)
		return 0;
	dir = kzalloc(sizeof(*dir), GFP_KERNEL);
	if (!dir)
		return -ENOMEM;
	kref_get(&channel->ref);
	dir->channel = channel;
	dir->kobj.kset = dirs_of(primary);
	error = dir->kobj.kset ? 0 : -ENOMEM;
	kobject_init(&dir->kobj, &channel_type);
	if (!error)
		error = kobject_add(&dir->kobj, NULL, "%u", channel->relid);
	if (error) {
		kobject_put(&dir->kobj);
		return error;
	}
	channel->dir = &dir->kobj;
	kobject_uevent(&dir->kobj, KOBJ_ADD);
	return 0;
}

/** device_channel_remove() - take a channel's directory away, if it has one; may sleep */
void device_channel_remove(struct vmbus_channel *channel)
{
	if (channel->dir)
		remove(channel->dir);
}

static struct kobject *first_of(struct kset *dirs)
{
	struct kobject *kobj;

	spin_lock(&dirs->list_lock);
	kobj = list_first_entry_or_null(&dirs->list, struct kobject, entry);
	spin_unlock(&dirs->list_lock);
	return kobj;
}

/** device_channel_remove_all() - the device goes: take away those of sub-channels that are still there; may sleep */
void device_channel_remove_all(struct vmbus_device *device)
{
	struct kset *dirs = device->channel->dirs;
	struct kobject *kobj;

	if (!dirs)
		return;
	while ((kobj = first_of(dirs)))
		remove(kobj);
	device->channel->dirs = NULL;
	kset_unregister(dirs);
}
