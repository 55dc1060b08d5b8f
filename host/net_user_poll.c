// SPDX-License-Identifier: GPL-2.0
/*
 * What libslirp waits for: its files become one-shot polls of the loop, its times one timeout. It says anew each time
 * what it waits for; a poll in flight stays, even where it is not wanted at the moment, and is replaced only where more
 * is wanted than it looks for.
 * Invariant: a poll in flight holds its file open, so when libslirp closes one its poll is cancelled.
 */
#include "net_user.h"

#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS_PER_S 1000
#define NS_PER_MS 1000000

/*
 * Not POLLPRI: a poll of io_uring that was waiting says what the waker thinks might be there, and a TCP socket's waker
 * always names PRI with IN. libslirp would mark the last byte it reads as urgent, and the guest take it out of the
 * stream. Urgent bytes from outside stay in the stream this way (libslirp sets SO_OOBINLINE), without their mark.
 */
static const struct {
	short ours;
	int theirs;
} events[] = {
	{ POLLIN, SLIRP_POLL_IN },
	{ POLLOUT, SLIRP_POLL_OUT },
	{ POLLERR, SLIRP_POLL_ERR },
	{ POLLHUP, SLIRP_POLL_HUP },
};

static short to_ours(int theirs)
{
	short ours = 0;

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		ours |= theirs & events[i].theirs ? events[i].ours : 0;
	return ours;
}

static int to_theirs(short ours)
{
	int theirs = 0;

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		theirs |= ours & events[i].ours ? events[i].theirs : 0;
	return theirs;
}

int64_t user_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

static void watch_done(struct loop_op *op, int result)
{
	struct user_watch *watch = (struct user_watch *)op;
	struct net_user *user = watch->user;

	user->poll.pending--;
	watch->armed = 0;
	if (watch->retired) {
		free(watch);
		user_check_closed(user);
		return;
	}
	/* What cannot be polled is for libslirp's read to find out. */
	watch->found = result < 0 ? POLLERR : (short)result;
	user_schedule(user);
}

static void watch_arm(struct user_watch *watch, short wanted)
{
	struct io_uring_sqe *sqe = loop_sqe(watch->user->queue.loop, &watch->op);

	io_uring_prep_poll_add(sqe, watch->fd, (unsigned int)wanted);
	watch->armed = wanted;
	watch->user->poll.pending++;
}

static void watch_retire(struct user_watch *watch)
{
	if (!watch->armed) {
		free(watch);
		return;
	}
	watch->retired = true;
	io_uring_prep_cancel(loop_sqe(watch->user->queue.loop, NULL), &watch->op, 0);
}

void user_poll_forget(int fd, void *context)
{
	struct user_poll *poll = &((struct net_user *)context)->poll;

	if (fd < 0 || (unsigned int)fd >= poll->room || !poll->watches[fd])
		return;
	watch_retire(poll->watches[fd]);
	poll->watches[fd] = NULL;
}

/* Room for @fd in the table. Return: false: no memory. */
static bool grow(struct user_poll *poll, int fd)
{
	unsigned int room = poll->room ? poll->room : 64;
	struct user_watch **watches;

	if ((unsigned int)fd < poll->room)
		return true;
	while (room <= (unsigned int)fd)
		room *= 2;
	watches = realloc(poll->watches, room * sizeof(struct user_watch *));
	if (!watches)
		return false;
	memset(watches + poll->room, 0, (room - poll->room) * sizeof(struct user_watch *));
	poll->watches = watches;
	poll->room = room;
	return true;
}

static struct user_watch *watch_of(struct net_user *user, int fd)
{
	struct user_poll *poll = &user->poll;
	struct user_watch *watch;

	if (!grow(poll, fd))
		return NULL;
	watch = poll->watches[fd];
	if (watch)
		return watch;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	watch->op.done = watch_done;
	watch->user = user;
	watch->fd = fd;
	poll->watches[fd] = watch;
	return watch;
}

/* Return: the number to ask for what was found; -1: will not be asked. */
static int add_poll(int fd, int wanted_by_slirp, void *context)
{
	struct net_user *user = context;
	short wanted = to_ours(wanted_by_slirp);
	struct user_watch *watch;

	if (user->poll.hold)
		wanted &= POLLOUT;
	if (!wanted)
		return -1;
	watch = watch_of(user, fd);
	if (watch && watch->armed && wanted & ~watch->armed) {
		wanted |= watch->armed;
		user_poll_forget(fd, user);
		watch = watch_of(user, fd);
	}
	if (!watch)
		return -1; /* no memory: libslirp's next round tries again */
	watch->found = 0; /* if it was not asked for, it was not wanted */
	if (!watch->armed)
		watch_arm(watch, wanted);
	return fd;
}

/* Asked at most once per round: what it found is then used up. */
static int get_found(int fd, void *context)
{
	struct user_poll *poll = &((struct net_user *)context)->poll;
	struct user_watch *watch = fd >= 0 && (unsigned int)fd < poll->room ? poll->watches[fd] : NULL;
	short found = watch ? watch->found : 0;

	if (!watch)
		return 0;
	watch->found = 0;
	return to_theirs(poll->hold ? found & POLLOUT : found);
}

static void run_timers(struct net_user *user)
{
	int64_t now = user_now_ms();

	for (struct user_timer *timer = user->poll.timers; timer; timer = timer->next) {
		if (timer->expires > now)
			continue;
		timer->expires = INT64_MAX;
		slirp_handle_timer(user->slirp, timer->id, timer->context);
	}
}

void user_poll_tell(struct net_user *user)
{
	slirp_pollfds_poll(user->slirp, 0, get_found, user);
	run_timers(user);
}

static void timeout_done(struct loop_op *op, int result)
{
	struct net_user *user = (struct net_user *)((char *)op - offsetof(struct net_user, poll.timeout));

	(void)result;
	user->poll.pending--;
	user->poll.armed_until = 0;
	user_schedule(user);
	user_check_closed(user);
}

/* A timeout in flight that is later than @until is moved; an earlier one may fire for nothing. */
static void arm_timeout(struct net_user *user, int64_t until)
{
	struct user_poll *poll = &user->poll;
	struct loop *loop = user->queue.loop;

	if (poll->armed_until && poll->armed_until <= until)
		return;
	poll->at = (struct __kernel_timespec){ until / MS_PER_S, until % MS_PER_S * NS_PER_MS };
	if (poll->armed_until) {
		io_uring_prep_timeout_update(loop_sqe(loop, NULL), &poll->at, (uintptr_t)&poll->timeout,
					     IORING_TIMEOUT_ABS);
	} else {
		poll->timeout.done = timeout_done;
		io_uring_prep_timeout(loop_sqe(loop, &poll->timeout), &poll->at, 0, IORING_TIMEOUT_ABS);
		poll->pending++;
	}
	poll->armed_until = until;
}

void user_poll_ask(struct net_user *user)
{
	uint32_t wait_ms = UINT32_MAX;
	int64_t until;

	slirp_pollfds_fill(user->slirp, &wait_ms, add_poll, user);
	until = user_now_ms() + wait_ms;
	for (struct user_timer *timer = user->poll.timers; timer; timer = timer->next)
		if (timer->expires < until)
			until = timer->expires;
	arm_timeout(user, until);
}

void user_poll_end(struct net_user *user)
{
	struct user_poll *poll = &user->poll;

	for (unsigned int fd = 0; fd < poll->room; fd++)
		user_poll_forget((int)fd, user);
	if (poll->armed_until)
		io_uring_prep_cancel(loop_sqe(user->queue.loop, NULL), &poll->timeout, 0);
}

void user_poll_free(struct user_poll *poll)
{
	while (poll->timers)
		user_timer_free(poll->timers, (char *)poll - offsetof(struct net_user, poll));
	free(poll->watches);
	poll->watches = NULL;
	poll->room = 0;
}

void *user_timer_new(SlirpTimerId id, void *timer_context, void *context)
{
	struct net_user *user = context;
	struct user_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		abort(); /* as glib does, in whose name libslirp asks */
	*timer = (struct user_timer){ user->poll.timers, id, timer_context, INT64_MAX };
	user->poll.timers = timer;
	return timer;
}

void user_timer_free(void *timer, void *context)
{
	struct user_timer **at = &((struct net_user *)context)->poll.timers;

	while (*at && *at != timer)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = (*at)->next;
	free(timer);
}

void user_timer_set(void *timer, int64_t expires, void *context)
{
	(void)context; /* who runs libslirp asks for the times afterwards */
	((struct user_timer *)timer)->expires = expires;
}
