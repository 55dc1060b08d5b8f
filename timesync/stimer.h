/* SPDX-License-Identifier: GPL-2.0 */
/* One CPU's synthetic timer as a clock event device. Which CPUs have one, and when, is stimer.c's. */
#ifndef HVIS_TIMESYNC_STIMER_H
#define HVIS_TIMESYNC_STIMER_H

#include <linux/clockchips.h>

/* How expiry reaches the CPU. */
enum stimer_way {
	STIMER_DIRECT, /* a vector of its own */
	STIMER_MESSAGE, /* a message in the SIM page */
};

/* OFF -> ON -> OFF, on the CPU itself. PINNED: on, and nothing else could take its place. */
enum stimer_state {
	STIMER_OFF,
	STIMER_ON,
	STIMER_PINNED,
};

/**
 * struct stimer - the first synthetic timer of a CPU
 * @event: as the kernel sees it
 * @other: what the CPU used before, and goes back to
 * @config: STIMER0_CONFIG while it is in use
 * @way: how it tells
 * @irq: for STIMER_DIRECT
 * @state: enum stimer_state
 * @expired: interrupts since it was switched on
 */
struct stimer {
	struct clock_event_device event;
	struct clock_event_device *other;
	u64 config;
	enum stimer_way way;
	int irq;
	enum stimer_state state;
	unsigned long expired;
};

int stimer_cpu_on(struct stimer *stimer, unsigned int cpu, enum stimer_way way);
int stimer_cpu_off(struct stimer *stimer, unsigned int cpu);
void stimer_cpu_silence(void);
struct stimer *stimer_of(unsigned int cpu);
const char *stimer_way_name(void);

#endif
