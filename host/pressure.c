// SPDX-License-Identifier: GPL-2.0
/*
 * See pressure.h. The kernel wakes us when tasks have waited for memory (a trigger), and a timer lets the guest grow again.
 * Invariant: while an operation of it is in the loop it is not freed; pressure_leave() leaves that to the last of them.
 */
#include "pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "pressure_policy.h"

/* Tell us when some task has waited a tenth of two seconds; that window is the shortest that everybody may ask for. */
#define TRIGGER "some 200000 2000000"
#define TICK_SECONDS 1
#define PRESSED_SECONDS 2u /* so long after a trigger it counts */
#define PATH_BYTES 512

struct pressure {
	struct loop_op poll, tick;
	struct loop *loop;
	struct balloon *balloon;
	int fd;
	char path[PATH_BYTES]; /* of memory.pressure */
	char group[PATH_BYTES - 32]; /* directory of the cgroup; empty: none */
	unsigned int flying; /* operations in the loop */
	bool ended;
	unsigned int calm; /* seconds since the last trigger */
	uint64_t triggers, room;
};

static void submit_poll(struct pressure *pressure)
{
	io_uring_prep_poll_add(loop_sqe(pressure->loop, &pressure->poll), pressure->fd, POLLPRI);
	pressure->flying++;
}

static void submit_tick(struct pressure *pressure)
{
	static struct __kernel_timespec second = { .tv_sec = TICK_SECONDS };

	io_uring_prep_timeout(loop_sqe(pressure->loop, &pressure->tick), &second, 0, 0);
	pressure->flying++;
}

void pressure_destroy(struct pressure *pressure)
{
	if (!pressure)
		return;
	close(pressure->fd);
	free(pressure);
}

/* Return: false: it decides no more, and may have been freed. */
static bool landed(struct pressure *pressure)
{
	pressure->flying--;
	if (!pressure->ended)
		return true;
	if (!pressure->flying)
		pressure_destroy(pressure);
	return false;
}

/* A number of bytes in a file of the cgroup. Return: false: there is none, or it says "max". */
static bool group_number(const struct pressure *pressure, const char *name, unsigned long long *value)
{
	char path[PATH_BYTES];
	FILE *file;
	bool good;

	if (!pressure->group[0])
		return false;
	snprintf(path, sizeof(path), "%s/%s", pressure->group, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	good = fscanf(file, "%llu", value) == 1;
	fclose(file);
	return good;
}

static uint64_t available(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib << 10;
}

/* What this machine could still give, within our cgroup's limit. */
static uint64_t room(const struct pressure *pressure)
{
	unsigned long long max, current, left;
	uint64_t bytes = available();

	if (!group_number(pressure, "memory.max", &max) || !group_number(pressure, "memory.current", &current))
		return bytes;
	left = max > current ? max - current : 0;
	return left < bytes ? left : bytes;
}

static void decide(struct pressure *pressure)
{
	struct balloon_needs needs;
	struct pressure_view view;
	uint64_t target;

	balloon_needs(pressure->balloon, &needs);
	pressure->room = room(pressure);
	view = (struct pressure_view){
		.min = needs.min,
		.max = needs.max,
		.assigned = needs.assigned,
		.target = needs.target,
		.demand = needs.demand,
		.room = pressure->room,
		.known = needs.known,
		.pressed = pressure->calm < PRESSED_SECONDS,
		.calm = pressure->calm,
	};
	target = pressure_target(&view);
	if (target != needs.target)
		balloon_set_target(pressure->balloon, target);
}

static void triggered(struct loop_op *op, int result)
{
	struct pressure *pressure = (struct pressure *)((char *)op - offsetof(struct pressure, poll));

	if (!landed(pressure) || result < 0 || result & POLLERR)
		return;
	pressure->triggers++;
	pressure->calm = 0;
	decide(pressure);
	submit_poll(pressure);
}

static void ticked(struct loop_op *op, int result)
{
	struct pressure *pressure = (struct pressure *)((char *)op - offsetof(struct pressure, tick));

	if (!landed(pressure) || (result < 0 && result != -ETIME))
		return;
	pressure->calm += TICK_SECONDS;
	decide(pressure);
	submit_tick(pressure);
}

/* "0::/user.slice/...": ours, where that has a memory controller. */
static void find_group(struct pressure *pressure)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_BYTES - 64];

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "0::/", 4) && line[4])
			snprintf(pressure->group, sizeof(pressure->group), "/sys/fs/cgroup/%s", line + 4);
	}
	if (file)
		fclose(file);
}

static int open_trigger(struct pressure *pressure)
{
	int ret;

	pressure->fd = open(pressure->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (pressure->fd < 0)
		return -errno;
	if (write(pressure->fd, TRIGGER, sizeof(TRIGGER)) > 0)
		return 0;
	ret = -errno;
	close(pressure->fd);
	pressure->fd = -1;
	return ret;
}

static int open_pressure(struct pressure *pressure, char *error)
{
	int ret = -ENOENT;

	find_group(pressure);
	if (pressure->group[0]) {
		snprintf(pressure->path, sizeof(pressure->path), "%s/memory.pressure", pressure->group);
		ret = open_trigger(pressure);
	}
	if (ret) {
		pressure->group[0] = 0;
		strcpy(pressure->path, "/proc/pressure/memory");
		ret = open_trigger(pressure);
	}
	if (ret)
		error_set(error, "%.60s: %s (a kernel with PSI, maybe booted with psi=1, is needed)", pressure->path, strerror(-ret));
	return ret;
}

struct pressure *pressure_create(struct loop *loop, struct balloon *balloon, char *error)
{
	struct pressure *pressure = calloc(1, sizeof(*pressure));

	if (!pressure) {
		error_set(error, "out of memory");
		return NULL;
	}
	*pressure = (struct pressure){ .poll.done = triggered, .tick.done = ticked, .loop = loop, .balloon = balloon, .calm = PRESSED_SECONDS };
	if (open_pressure(pressure, error)) {
		free(pressure);
		return NULL;
	}
	submit_poll(pressure);
	submit_tick(pressure);
	return pressure;
}

void pressure_leave(struct pressure *pressure)
{
	if (!pressure)
		return;
	pressure->ended = true;
	io_uring_prep_cancel(loop_sqe(pressure->loop, NULL), &pressure->poll, 0);
	io_uring_prep_timeout_remove(loop_sqe(pressure->loop, NULL), (uint64_t)(uintptr_t)&pressure->tick, 0);
}

json_t *pressure_query(const struct pressure *pressure)
{
	return json_pack("{s:s, s:I, s:i, s:I}", "pressure", pressure->path, "triggers", (json_int_t)pressure->triggers, "calm_seconds",
			 (int)pressure->calm, "room", (json_int_t)pressure->room);
}
