// SPDX-License-Identifier: GPL-2.0
/*
 * See timesync.h. The guest is told to set its clock (SYNC) when it has its driver, when the VM goes on after a pause, and when this
 * machine's clock or the offset was set; in between it gets a SAMPLE every 5 seconds, as Hyper-V does. Bytes: wire/timesync.h.
 * Invariant: each message is of one moment: nothing is taken from one that was sent before.
 */
#include "timesync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "log.h"
#include "wire/timesync.h"

#define SAMPLE_MS 5000u
#define STRATUM_UNSYNCHRONISED 16
#define LEAP_UNSYNCHRONISED 3

struct timesync {
	struct ic ic;
	const struct clock *clock;
	_Atomic int64_t offset; /* ns */
	atomic_bool due; /* a SYNC */
	bool complained; /* the worker's: the clock could not be read, and that has been logged */
	_Atomic uint64_t syncs, samples, errors, within; /* of the newest message, ns */
};

static const struct ic_version versions[] = { { 1, 0 }, { 3, 0 }, { 4, 0 } };
static const struct ic_version with_reference = { 4, 0 };

static struct timesync *of(struct ic *ic)
{
	return (struct timesync *)((char *)ic - offsetof(struct timesync, ic));
}

/* NTP's leap indicator, as this machine's kernel was told. */
static int leap(void)
{
	struct timex timex = { 0 };

	if (adjtimex(&timex) < 0 || timex.status & STA_UNSYNC)
		return LEAP_UNSYNCHRONISED;
	return timex.status & STA_INS ? 1 : timex.status & STA_DEL ? 2 : 0;
}

static uint64_t parent_time(const struct timesync *timesync, const struct clock_pair *pair)
{
	return TIMESYNC_UNIX_EPOCH + (pair->wall_ns + (uint64_t)atomic_load(&timesync->offset)) / 100;
}

/* The kernel does not know its own stratum; 0 is NTP's "not specified". */
static bool send_reference(struct timesync *timesync, const struct clock_pair *pair, uint8_t flag)
{
	struct timesync_reference_data data = {
		.parent_time = parent_time(timesync, pair),
		.vm_reference_time = pair->reference,
		.flags = flag,
		.leap = (int8_t)leap(),
	};

	data.stratum = data.leap == LEAP_UNSYNCHRONISED ? STRATUM_UNSYNCHRONISED : 0;
	return ic_request(&timesync->ic, &data, TIMESYNC_REFERENCE_DATA_SIZE);
}

static bool send_data(struct timesync *timesync, const struct clock_pair *pair, uint8_t flag)
{
	const struct timesync_data data = { .parent_time = parent_time(timesync, pair), .flags = flag };

	return ic_request(&timesync->ic, &data, TIMESYNC_DATA_SIZE);
}

static bool tell(struct timesync *timesync, uint8_t flag)
{
	struct clock_pair pair;
	int error = clock_pair(timesync->clock, &pair);

	if (error) {
		ic_count(&timesync->errors);
		if (!timesync->complained)
			log_warn("timesync: the VM's clock cannot be read: %s", strerror(-error));
		timesync->complained = true;
		return false;
	}
	if (!(ic_speaks(&timesync->ic, with_reference) ? send_reference : send_data)(timesync, &pair, flag))
		return false;
	atomic_store(&timesync->within, pair.within_ns);
	ic_count(flag == TIMESYNC_SYNC ? &timesync->syncs : &timesync->samples);
	return true;
}

/* One that could not be sent is due still. */
static void send_next(struct timesync *timesync)
{
	if (!atomic_exchange(&timesync->due, false))
		tell(timesync, TIMESYNC_SAMPLE);
	else if (!tell(timesync, TIMESYNC_SYNC))
		atomic_store(&timesync->due, true);
	ic_wait(&timesync->ic, SAMPLE_MS);
}

static void called(struct ic *ic)
{
	if (atomic_load(&of(ic)->due))
		send_next(of(ic));
}

static void sync_now(struct ic *ic)
{
	atomic_store(&of(ic)->due, true);
	send_next(of(ic));
}

static void timer(struct ic *ic)
{
	send_next(of(ic));
}

/* It says nothing that we would not know. */
static void answered(struct ic *ic, const struct ic_answer *answer)
{
	(void)ic;
	(void)answer;
}

static const struct ic_kind kind = {
	.name = "timesync",
	.type = TIMESYNC_GUID,
	/* Ours to choose; there is one of a VM. */
	.instance = {{0x73, 0x69, 0x76, 0x68, 0x74, 0x69, 0x6d, 0x65, 0x80, 0x00, 0x68, 0x76, 0x69, 0x73, 0x00, 0x00}},
	.message_type = IC_TIMESYNC,
	.versions = versions,
	.version_count = sizeof(versions) / sizeof(versions[0]),
	.ready = sync_now,
	.answered = answered,
	.timer = timer,
	.called = called,
	.resumed = sync_now,
};

struct timesync *timesync_create(const struct clock *clock, struct ic_version version_max)
{
	struct timesync *timesync = calloc(1, sizeof(*timesync));
	int error = timesync ? ic_init(&timesync->ic, &kind, version_max) : -ENOMEM;

	if (error) {
		free(timesync);
		errno = -error;
		return NULL;
	}
	timesync->clock = clock;
	return timesync;
}

int timesync_offer(struct timesync *timesync, struct vmbus *vmbus)
{
	return ic_offer(&timesync->ic, vmbus);
}

void timesync_destroy(struct timesync *timesync)
{
	if (!timesync)
		return;
	ic_destroy(&timesync->ic);
	free(timesync);
}

void timesync_sync(struct timesync *timesync)
{
	atomic_store(&timesync->due, true);
	ic_call(&timesync->ic);
}

void timesync_set_offset(struct timesync *timesync, int64_t offset)
{
	atomic_store(&timesync->offset, offset);
	timesync_sync(timesync);
}

json_t *timesync_query(struct timesync *timesync)
{
	json_t *object = ic_query(&timesync->ic);
	struct clock_pair now;

	json_object_set_new(object, "now",
			    clock_pair(timesync->clock, &now) ? json_null()
							      : json_pack("{s:I, s:I, s:I}", "wall_ns", (json_int_t)now.wall_ns, "reference",
									  (json_int_t)now.reference, "within_ns", (json_int_t)now.within_ns));
	json_object_set_new(object, "offset_ns", json_integer(atomic_load(&timesync->offset)));
	json_object_set_new(object, "syncs", json_integer((json_int_t)atomic_load(&timesync->syncs)));
	json_object_set_new(object, "samples", json_integer((json_int_t)atomic_load(&timesync->samples)));
	json_object_set_new(object, "within_ns", json_integer((json_int_t)atomic_load(&timesync->within)));
	json_object_set_new(object, "errors", json_integer((json_int_t)atomic_load(&timesync->errors)));
	return object;
}
