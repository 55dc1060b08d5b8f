// SPDX-License-Identifier: GPL-2.0
/*
 * LUNs that come, go and change their size while the guest runs, and what the guest hears of it. All but storvsp_tell() belongs to the bus thread.
 * Invariant: a disk is closed, or its end cut off, only after a barrier that was started when no
 * command could find it, or what is behind its new end, any more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "storvsp_internal.h"

/* Something that a barrier's end, and then the bus thread, brings about. */
struct storvsp_job {
	struct storvsp_barrier barrier; /* first */
	struct loop_work work;
	struct storvsp_job *next;
	unsigned int lun;
	struct disk *disk;
	bool remove; /* else: shrink */
	uint64_t bytes, before; /* size to be, size that was */
	storvsp_done *done;
	void *context;
};

/* One message or all in @moved and @changed is for the guest. */
static void announce(struct storvsp *storvsp, uint64_t moved, uint64_t changed)
{
	pthread_mutex_lock(&storvsp->lock);
	storvsp->moved |= moved;
	storvsp->changed |= changed;
	if (storvsp->primary)
		channel_call(storvsp->primary->channel);
	pthread_mutex_unlock(&storvsp->lock);
}

void storvsp_tell_nothing(struct storvsp *storvsp)
{
	pthread_mutex_lock(&storvsp->lock);
	storvsp->moved = 0;
	storvsp->changed = 0;
	pthread_mutex_unlock(&storvsp->lock);
}

/* Take one LUN to tell of, or all if @all. Return: false: there is none. */
static bool take_news(struct storvsp *storvsp, bool all, struct vstor_event *event)
{
	uint64_t any, bit;

	pthread_mutex_lock(&storvsp->lock);
	any = storvsp->moved | storvsp->changed;
	bit = all ? any : any & -any;
	if (bit) {
		event->lun = (__u8)__builtin_ctzll(bit);
		event->flags = storvsp->moved & bit ? VSTOR_EVENT_DEVICE_STATUS
						    : VSTOR_EVENT_MEDIA_STATUS;
	}
	storvsp->moved &= ~bit;
	storvsp->changed &= ~bit;
	pthread_mutex_unlock(&storvsp->lock);
	return bit;
}

/*
 * To a guest that can take it, one message per LUN; to others "look at the bus". What cannot be sent now
 * stays in the masks, where it merges with what comes later.
 */
void storvsp_tell(struct storvsp_channel *channel)
{
	struct vstor_packet packet = {.operation = channel->notifies ? VSTOR_EVENT_NOTIFICATION
								     : VSTOR_ENUMERATE_BUS};
	struct vstor_event event = {0};

	while (channel->state == STORVSP_READY && channel_may_send(channel->channel) &&
	       take_news(channel->storvsp, !channel->notifies, &event)) {
		if (channel->notifies)
			packet.event = event;
		channel_send(channel->channel, &packet, sizeof(packet));
	}
}

static void reset_counters(struct scsi_counters *counters)
{
	_Atomic uint64_t *all[] = {&counters->reads,	   &counters->read_bytes,
				   &counters->writes,	   &counters->write_bytes,
				   &counters->flushes,	   &counters->unmaps,
				   &counters->refused,	   &counters->errors};

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		atomic_store(all[i], 0);
}

struct disk *storvsp_disk(const struct storvsp *storvsp, unsigned int lun)
{
	return lun < STORVSP_LUNS ? atomic_load(&storvsp->target.luns[lun].disk) : NULL;
}

/* The guest may take a disk at a LUN that it knows for the one that was there: attention. */
int storvsp_add_disk(struct storvsp *storvsp, unsigned int lun, struct disk *disk)
{
	struct scsi_lun *place = &storvsp->target.luns[lun];

	if (lun >= STORVSP_LUNS)
		return -EINVAL;
	if (atomic_load(&place->disk))
		return -EEXIST;
	/* A disk without a name of its own is named after its place. */
	if (!disk->id[0])
		snprintf(disk->id, sizeof(disk->id), "hvis-%s-lun%u", storvsp->name, lun);
	reset_counters(&place->counters);
	atomic_store(&place->attentions,
		     storvsp->seen & 1ull << lun ? SCSI_ATTENTION_INQUIRY : 0);
	storvsp->seen |= 1ull << lun;
	atomic_store(&place->disk, disk);
	announce(storvsp, 1ull << lun, 0);
	return 0;
}

static void size_changed(struct storvsp *storvsp, unsigned int lun)
{
	atomic_fetch_or(&storvsp->target.luns[lun].attentions, SCSI_ATTENTION_CAPACITY);
	announce(storvsp, 0, 1ull << lun);
}

static void unlink_job(struct storvsp *storvsp, const struct storvsp_job *job)
{
	struct storvsp_job **link = &storvsp->jobs;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
}

/* Nobody uses the disk, or its end, any more. */
static void finish_job(struct storvsp *storvsp, struct storvsp_job *job)
{
	char why[ERROR_BYTES] = "";

	unlink_job(storvsp, job);
	if (job->remove) {
		disk_close(job->disk);
	} else if (disk_resize(job->disk, job->bytes, why)) {
		job->disk->bytes = job->before;
		size_changed(storvsp, job->lun);
	}
	job->done(job->context, why[0] ? why : NULL);
	free(job);
}

static void job_runs(struct loop_work *work)
{
	struct storvsp_job *job =
		(struct storvsp_job *)((char *)work - offsetof(struct storvsp_job, work));

	finish_job(job->barrier.storvsp, job);
}

static void job_waited(struct storvsp_barrier *barrier, struct storvsp_channel *here)
{
	struct storvsp_job *job = (struct storvsp_job *)barrier;

	(void)here;
	loop_call(barrier->storvsp->provider.loop, &job->work);
}

void storvsp_drop_jobs(struct storvsp *storvsp)
{
	while (storvsp->jobs)
		finish_job(storvsp, storvsp->jobs);
}

static bool busy(const struct storvsp *storvsp, const struct disk *disk)
{
	for (const struct storvsp_job *job = storvsp->jobs; job; job = job->next)
		if (job->disk == disk)
			return true;
	return false;
}

static struct storvsp_job *create_job(struct storvsp *storvsp, unsigned int lun,
				      storvsp_done *done, void *context)
{
	struct storvsp_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->barrier.storvsp = storvsp;
	job->barrier.lun = lun;
	job->barrier.done = job_waited;
	job->work.run = job_runs;
	job->lun = lun;
	job->disk = storvsp_disk(storvsp, lun);
	job->done = done;
	job->context = context;
	return job;
}

/* From here on the job's end is certain: without memory for a barrier only its time is not. */
static int start_job(struct storvsp *storvsp, struct storvsp_job *job)
{
	job->next = storvsp->jobs;
	storvsp->jobs = job;
	if (storvsp_barrier_start(&job->barrier, NULL))
		return 0;
	unlink_job(storvsp, job);
	free(job);
	return -ENOMEM;
}

int storvsp_remove_disk(struct storvsp *storvsp, unsigned int lun, storvsp_done *done,
			void *context)
{
	struct disk *disk = storvsp_disk(storvsp, lun);
	struct storvsp_job *job;
	int ret;

	if (!disk)
		return -ENOENT;
	if (busy(storvsp, disk))
		return -EBUSY;
	job = create_job(storvsp, lun, done, context);
	if (!job)
		return -ENOMEM;
	job->remove = true;
	atomic_store(&storvsp->target.luns[lun].disk, NULL);
	ret = start_job(storvsp, job);
	if (ret) {
		atomic_store(&storvsp->target.luns[lun].disk, disk);
		return ret;
	}
	announce(storvsp, 1ull << lun, 0);
	return 0;
}

static int shrink(struct storvsp *storvsp, unsigned int lun, uint64_t bytes, storvsp_done *done,
		  void *context)
{
	struct storvsp_job *job = create_job(storvsp, lun, done, context);
	struct disk *disk = storvsp_disk(storvsp, lun);
	uint64_t before = disk->bytes;

	if (!job)
		return -ENOMEM;
	job->bytes = bytes;
	job->before = before;
	disk->bytes = bytes;
	if (start_job(storvsp, job)) {
		disk->bytes = before;
		return -ENOMEM;
	}
	size_changed(storvsp, lun);
	return 0;
}

int storvsp_resize_disk(struct storvsp *storvsp, unsigned int lun, uint64_t bytes,
			storvsp_done *done, void *context)
{
	struct disk *disk = storvsp_disk(storvsp, lun);
	char why[ERROR_BYTES] = "";

	if (!disk)
		return -ENOENT;
	if (busy(storvsp, disk))
		return -EBUSY;
	if (bytes < disk->bytes)
		return shrink(storvsp, lun, bytes, done, context);
	if (!disk_resize(disk, bytes, why)) {
		disk->bytes = bytes;
		size_changed(storvsp, lun);
	}
	done(context, why[0] ? why : NULL);
	return 0;
}

void storvsp_moved(void *context, struct channel *channel)
{
	struct storvsp *storvsp = context;

	provider_moved(&storvsp->provider, channel);
}

void storvsp_used(void *context, int by)
{
	struct storvsp *storvsp = context;

	provider_used(&storvsp->provider, by);
}

void storvsp_leave(struct storvsp *storvsp, storvsp_done *done, void *context)
{
	provider_leave(&storvsp->provider, done, context);
}
