// SPDX-License-Identifier: GPL-2.0
/*
 * See services.h. That this machine's wall clock was set is told by a timer on it that never comes to its end: the kernel cancels it.
 * Invariant: a service that options leave out is NULL, everywhere.
 */
#include "services.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "heartbeat.h"
#include "machine.h"
#include "shutdown.h"
#include "timesync.h"

#define FAR_SECONDS (100ll * 365 * 86400)

/* Armed anew each time: it is cancelled once. Polls, so that nothing of ours is in the kernel's hands when the loop is gone. */
static int watch_clock(struct machine *machine)
{
	struct itimerspec far = { .it_value.tv_sec = time(NULL) + FAR_SECONDS };

	if (timerfd_settime(machine->wall_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL) && errno != ECANCELED)
		return -errno;
	io_uring_prep_poll_add(loop_sqe(machine->loop, &machine->wall), machine->wall_fd, POLLIN);
	return 0;
}

static void clock_was_set(struct loop_op *op, int result)
{
	struct machine *machine = (struct machine *)((char *)op - offsetof(struct machine, wall));
	uint64_t times;
	bool set = read(machine->wall_fd, &times, sizeof(times)) < 0 && errno == ECANCELED;

	(void)result;
	/* In this order: a clock that is set between the two is read after it was set. */
	watch_clock(machine);
	if (set)
		timesync_sync(machine->timesync);
}

static int offer_timesync(struct machine *machine)
{
	int ret;

	machine->timesync = timesync_create(&machine->clock, machine->options->services.timesync.version_max);
	if (!machine->timesync)
		return -errno;
	ret = timesync_offer(machine->timesync, machine->vmbus);
	if (ret)
		return ret;
	machine->wall.done = clock_was_set;
	machine->wall_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	return machine->wall_fd < 0 ? -errno : watch_clock(machine);
}

static int offer_heartbeat(struct machine *machine)
{
	machine->heartbeat = heartbeat_create(machine->options->services.heartbeat.version_max);
	return machine->heartbeat ? heartbeat_offer(machine->heartbeat, machine->vmbus) : -errno;
}

static int offer_shutdown(struct machine *machine)
{
	machine->shutdown = shutdown_create(machine->loop, machine->options->services.shutdown.version_max);
	return machine->shutdown ? shutdown_offer(machine->shutdown, machine->vmbus) : -errno;
}

int services_offer(struct machine *machine, char *error)
{
	const struct option_services *services = &machine->options->services;
	int ret = 0;

	if (!machine->options->hyperv)
		return 0;
	if (services->timesync.on)
		ret = offer_timesync(machine);
	if (!ret && services->heartbeat.on)
		ret = offer_heartbeat(machine);
	if (!ret && services->shutdown.on)
		ret = offer_shutdown(machine);
	return ret ? error_set(error, "cannot offer the integration services: %s", strerror(-ret)) : 0;
}

void services_close(struct machine *machine)
{
	if (machine->wall_fd > 0)
		close(machine->wall_fd);
	timesync_destroy(machine->timesync);
	heartbeat_destroy(machine->heartbeat);
	shutdown_destroy(machine->shutdown);
}

json_t *services_query(struct machine *machine)
{
	json_t *object = json_object();

	json_object_set_new(object, "timesync", machine->timesync ? timesync_query(machine->timesync) : json_null());
	json_object_set_new(object, "heartbeat", machine->heartbeat ? heartbeat_query(machine->heartbeat) : json_null());
	json_object_set_new(object, "shutdown", machine->shutdown ? shutdown_query(machine->shutdown) : json_null());
	return object;
}

static int missing(const char *name, char *error)
{
	return error_set(error, "this VM has no service %s (--services, --hyperv)", name);
}

json_t *services_heartbeat(struct machine *machine, char *error)
{
	if (machine->heartbeat)
		return heartbeat_query(machine->heartbeat);
	missing("heartbeat", error);
	return NULL;
}

int services_set_offset(struct machine *machine, int64_t offset, char *error)
{
	if (!machine->timesync)
		return missing("timesync", error);
	if (offset < -SERVICES_OFFSET_MAX || offset > SERVICES_OFFSET_MAX)
		return error_set(error, "the offset must be within ten years, 87600h");
	pm_set_time_offset(machine->pm, offset / 1000000000);
	timesync_set_offset(machine->timesync, offset);
	return 0;
}

int services_shutdown(struct machine *machine, uint32_t flags, const char *reason, void (*done)(void *context, const char *why),
		      void *context, char *error)
{
	const struct shutdown_request request = { .flags = flags, .reason = reason, .done = done, .context = context };
	const char *why;

	if (!machine->shutdown)
		return missing("shutdown", error);
	if (machine->paused)
		return error_set(error, "the VM is paused");
	why = shutdown_ask(machine->shutdown, &request);
	return why ? error_set(error, "%s", why) : 0;
}
