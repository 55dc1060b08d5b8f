/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guess whether more packets follow right away, and how many are being held for them; pure logic. The clock, the
 * task and the bell are bell.c's. Fields are read and written by racing tasks without a lock: a wrong guess costs
 * a doorbell or a delay, never a packet.
 */
#ifndef HVIS_VMBUS_BURST_H
#define HVIS_VMBUS_BURST_H

#include <linux/types.h>

#define BURST_PAUSE_MAX_S 64u
#define BURST_ALONE_MAX 8u /* so often may a single packet be held in vain, in a row */
#define BURST_SKIP_MIN 8u /* packets that are not held then; each further time twice as many */
#define BURST_SKIP_MAX 256u

/**
 * struct burst - packets that come one by one
 * @task: sent the last packet; only compared
 * @slept: how often it had slept by then
 * @held: packets held since the last bell
 * @held_max: so many wait for it at most
 * @since: when the last of them was sent, in jiffies
 * @resume: nothing is held before, in jiffies
 * @pause_s: how long that will be the next time
 * @alone: how often in a row no other packet had followed the one that was held when the task slept
 * @skip: so many more are not held for that
 * @skip_next: how many that will be the next time
 */
struct burst {
	const void *task;
	unsigned long slept;
	unsigned int held;
	unsigned int held_max;
	unsigned long since;
	unsigned long resume;
	unsigned int pause_s;
	unsigned int alone;
	unsigned int skip;
	unsigned int skip_next;
};

void burst_init(struct burst *burst, unsigned long now, unsigned int held_max);
bool burst_holds(struct burst *burst, const void *task, unsigned long slept, unsigned long now, bool more, bool alone);
void burst_rung(struct burst *burst);
void burst_task_slept(struct burst *burst);
void burst_late(struct burst *burst, unsigned long now);

#endif
