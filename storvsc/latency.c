// SPDX-License-Identifier: GPL-2.0
/*
 * Where the time of IO goes: three histograms per hardware queue in debugfs,
 * hvis_storvsc/DEVICE/latency, filled while the module parameter latency is on.
 *
 *	ring_wait	queuecommand() to the packet in the ring; a command that found the ring full
 *			and came again counts from its first try
 *	host		packet in the ring to its answer read; the host's part, and that of waiting to
 *			be told
 *	completion	answer read to the command ended
 *
 * The clock is local_clock(), two reads per command on the way out and two on the way back; off, it
 * is a branch that is patched away. A histogram has one writer at a time (who holds the ring's
 * producer lock; who reads the ring), so nothing is locked or shared for it. Readers may see a count
 * that is one behind.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "internal.h"

DEFINE_STATIC_KEY_FALSE(storvsc_latency_on);

static struct dentry *root;

static int latency_set(const char *text, const struct kernel_param *param)
{
	bool on;
	int error = kstrtobool(text, &on);

	if (error)
		return error;
	if (on)
		static_branch_enable(&storvsc_latency_on);
	else
		static_branch_disable(&storvsc_latency_on);
	return 0;
}

static int latency_get(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%c\n", static_key_enabled(&storvsc_latency_on) ? 'Y' : 'N');
}

static const struct kernel_param_ops latency_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = latency_set,
	.get = latency_get,
};
module_param_cb(latency, &latency_ops, NULL, 0644);
MODULE_PARM_DESC(latency, "Fill the latency histograms in debugfs (default off)");

/*
 * A step from @since to @now, both of local_clock(); 0: the clock was off. Clocks of two CPUs may
 * disagree by some ns.
 */
static void count(u64 *buckets, u64 since, u64 now)
{
	u64 *bucket;

	if (!since || !now)
		return;
	bucket = &buckets[storvsc_bucket(now > since ? now - since : 0)];
	WRITE_ONCE(*bucket, *bucket + 1);
}

/**
 * storvsc_latency_full() - a command found no room and will come again
 * @queue: its queue
 * @began: when it came, from storvsc_clock()
 */
void storvsc_latency_full(struct storvsc_queue *queue, u64 began)
{
	if (!READ_ONCE(queue->full_since))
		WRITE_ONCE(queue->full_since, began);
}

/**
 * storvsc_latency_sent() - a command is in the ring
 * @queue: its queue; the ring's producer lock is held
 * @began: when it came
 *
 * Return: now, for the slot.
 */
u64 storvsc_latency_sent(struct storvsc_queue *queue, u64 began)
{
	u64 since = READ_ONCE(queue->full_since), now = local_clock();

	if (since)
		WRITE_ONCE(queue->full_since, 0);
	count(queue->ring_wait, since ? since : began, now);
	return now;
}

/**
 * storvsc_latency_answered() - a command was answered and has ended
 * @queue: its queue; the caller is the reader of its link
 * @sent: from its slot
 * @read: when its answer was read
 */
void storvsc_latency_answered(struct storvsc_queue *queue, u64 sent, u64 read)
{
	count(queue->host, sent, read);
	count(queue->completion, read, local_clock());
}

static void show_phase(struct seq_file *file, u32 queue, const char *phase, const u64 *buckets)
{
	u32 i;

	seq_printf(file, "%u %s", queue, phase);
	for (i = 0; i < STORVSC_BUCKETS; i++) {
		u64 counted = READ_ONCE(buckets[i]);

		if (counted)
			seq_printf(file, " %llu:%llu", i ? 1ULL << i : 0, counted);
	}
	seq_putc(file, '\n');
}

static int latency_show(struct seq_file *file, void *unused)
{
	struct storvsc_host *host = file->private;
	u32 i;

	seq_puts(file, "# queue phase from_ns:commands...\n");
	for (i = 0; i < host->queue_count; i++) {
		const struct storvsc_queue *queue = &host->queues[i];

		show_phase(file, i, "ring_wait", queue->ring_wait);
		show_phase(file, i, "host", queue->host);
		show_phase(file, i, "completion", queue->completion);
	}
	return 0;
}

static int latency_open(struct inode *inode, struct file *file)
{
	return single_open(file, latency_show, inode->i_private);
}

/* Any write starts over. Commands that end meanwhile may be lost or counted. */
static ssize_t latency_write(struct file *file, const char __user *text, size_t bytes, loff_t *at)
{
	struct storvsc_host *host = ((struct seq_file *)file->private_data)->private;
	u32 i;

	for (i = 0; i < host->queue_count; i++) {
		struct storvsc_queue *queue = &host->queues[i];

		memset(queue->ring_wait, 0, sizeof(queue->ring_wait));
		memset(queue->host, 0, sizeof(queue->host));
		memset(queue->completion, 0, sizeof(queue->completion));
	}
	return bytes;
}

static const struct file_operations latency_files = {
	.owner = THIS_MODULE,
	.open = latency_open,
	.read = seq_read,
	.write = latency_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/**
 * storvsc_latency_show() - make a controller's histograms readable
 * @host: its queues are there and stay until storvsc_latency_hide()
 */
void storvsc_latency_show(struct storvsc_host *host)
{
	host->debugfs = debugfs_create_dir(dev_name(&host->device->dev), root);
	debugfs_create_file("latency", 0600, host->debugfs, host, &latency_files);
}

/**
 * storvsc_latency_hide() - nobody reads them any more when this returns
 * @host: shown or not
 */
void storvsc_latency_hide(struct storvsc_host *host)
{
	debugfs_remove(host->debugfs);
	host->debugfs = NULL;
}

/** storvsc_latency_init() - once, before the first controller */
void storvsc_latency_init(void)
{
	root = debugfs_create_dir("hvis_storvsc", NULL);
}

/** storvsc_latency_exit() - once, after the last controller */
void storvsc_latency_exit(void)
{
	debugfs_remove(root);
}
