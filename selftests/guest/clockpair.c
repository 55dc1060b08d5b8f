// SPDX-License-Identifier: GPL-2.0
/*
 * clockpair NAME: says what this guest's wall clock was when the hypervisor's reference counter read so much:
 * "services: clock NAME REALTIME_NS REFERENCE SPREAD_NS MONOTONIC_NS", the closest of several tries. Needs /dev/cpu/0/msr.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TIME_REF_COUNT 0x40000020
#define TRIES 9

static int64_t now(clockid_t which)
{
	struct timespec time;

	clock_gettime(which, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

int main(int count, char **arguments)
{
	int64_t best_spread = INT64_MAX, best_wall = 0, monotonic = 0;
	int fd = open("/dev/cpu/0/msr", O_RDONLY);
	uint64_t best_reference = 0;
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (fd < 0 || count != 2 || sched_setaffinity(0, sizeof(first), &first)) {
		perror("clockpair");
		return 1;
	}
	for (int i = 0; i < TRIES; i++) {
		int64_t before = now(CLOCK_REALTIME), after;
		uint64_t reference;

		if (pread(fd, &reference, sizeof(reference), TIME_REF_COUNT) != sizeof(reference)) {
			perror("clockpair: /dev/cpu/0/msr");
			return 1;
		}
		after = now(CLOCK_REALTIME);
		if (after < before || after - before >= best_spread)
			continue;
		best_spread = after - before;
		best_wall = before + best_spread / 2;
		best_reference = reference;
		monotonic = now(CLOCK_MONOTONIC);
	}
	printf("services: clock %s %lld %llu %lld %lld\n", arguments[1], (long long)best_wall, (unsigned long long)best_reference,
	       (long long)best_spread, (long long)monotonic);
	return 0;
}
