// SPDX-License-Identifier: GPL-2.0
/*
 * The guess behind bell.c: a task that has not slept since its last packet is probably not done. The first packet
 * after a sleep is never held, so at depth 1 nothing changes. A task that spins for its answer never sleeps; when the
 * timer finds that out twice in a row, nothing is held for a while, and each further time for twice as long.
 *
 * Where the host is so quick that an answer is there before the task could sleep for it, one who sends a request at a
 * time looks like one who sends many. His are held alone: the bell tells of one packet, as the packet itself would
 * have, and a thread has run for that. After some such in a row the next few are not held; then it is tried again, and
 * if that was in vain, too, again after twice as many. One that was not held alone ends this, and one that is sent while
 * others have no answer, which such a task never does.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "burst.h"

/** burst_init() - nothing sent yet; @now in jiffies; @held_max packets wait for the bell at most */
void burst_init(struct burst *burst, unsigned long now, unsigned int held_max)
{
	*burst = (struct burst){ .resume = now, .held_max = held_max, .skip_next = BURST_SKIP_MIN };
}

/* Somebody sends many: to hold packets is worth it. */
static void believe(struct burst *burst)
{
	WRITE_ONCE(burst->alone, 0);
	WRITE_ONCE(burst->skip, 0);
	WRITE_ONCE(burst->skip_next, BURST_SKIP_MIN);
}

/* Is this packet one of those that are not held? */
static bool skips(struct burst *burst, bool alone)
{
	unsigned int skip = READ_ONCE(burst->skip);

	if (!skip)
		return false;
	if (alone)
		WRITE_ONCE(burst->skip, skip - 1);
	else
		believe(burst);
	return alone;
}

/**
 * burst_holds() - a packet was sent: may the bell wait?
 * @burst: of its channel
 * @task: who sent it, or NULL if that says nothing
 * @slept: how often that task has slept in its life
 * @now: in jiffies
 * @more: more are known to follow at once
 * @alone: the host has answered all that was sent before
 *
 * Any context. Return: false: ring now, burst_rung() has been called.
 */
bool burst_holds(struct burst *burst, const void *task, unsigned long slept, unsigned long now, bool more, bool alone)
{
	bool goes_on = task && READ_ONCE(burst->task) == task && READ_ONCE(burst->slept) == slept &&
		       !time_before(now, READ_ONCE(burst->resume));
	unsigned int held = READ_ONCE(burst->held) + 1;

	if (goes_on && !more && skips(burst, alone))
		goes_on = false;
	WRITE_ONCE(burst->task, task);
	WRITE_ONCE(burst->slept, slept);
	if ((!goes_on && !more) || held > burst->held_max) {
		burst_rung(burst);
		return false;
	}
	WRITE_ONCE(burst->held, held);
	WRITE_ONCE(burst->since, now);
	return true;
}

/** burst_rung() - the host is told of all; any context */
void burst_rung(struct burst *burst)
{
	WRITE_ONCE(burst->held, 0);
}

/* The task slept with @held packets held: was it worth it? */
static void learn(struct burst *burst, unsigned int held)
{
	unsigned int alone = READ_ONCE(burst->alone) + 1, skip = READ_ONCE(burst->skip_next);

	if (held > 1) {
		believe(burst);
	} else if (alone < BURST_ALONE_MAX) {
		WRITE_ONCE(burst->alone, alone);
	} else { /* and one more in vain is enough the next time */
		WRITE_ONCE(burst->skip, skip);
		WRITE_ONCE(burst->skip_next, min(skip * 2, BURST_SKIP_MAX));
	}
}

/** burst_task_slept() - the guess was right, and what came late before was chance; any context */
void burst_task_slept(struct burst *burst)
{
	unsigned int held = READ_ONCE(burst->held);

	if (held)
		learn(burst, held);
	WRITE_ONCE(burst->pause_s, 0);
	burst_rung(burst);
}

/**
 * burst_late() - the task has not slept for some ticks
 * @burst: of its channel
 * @now: in jiffies
 *
 * If it has sent more meanwhile it is only busy (one tick counts as meanwhile); if not, it waits for what was held, or
 * the machine has stood still, so the first time has no consequence.
 */
void burst_late(struct burst *burst, unsigned long now)
{
	unsigned int pause = READ_ONCE(burst->pause_s);

	if (READ_ONCE(burst->held) && time_after(now, READ_ONCE(burst->since) + 1)) {
		WRITE_ONCE(burst->resume, now + pause * HZ);
		WRITE_ONCE(burst->pause_s, pause ? min(pause * 2, BURST_PAUSE_MAX_S) : 1);
	}
	burst_rung(burst);
}
