// SPDX-License-Identifier: GPL-2.0
/*
 * Signals and the time limit. See watch.h.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "log.h"
#include "watch.h"

struct watch {
	struct vm *vm;
	unsigned int seconds;
	int signal_fd;
	int timer_fd;
	struct loop_op signal;
	struct loop_op timer;
};

/*
 * Not those that whoever started us wants ignored (nohup, background jobs of a script): a blocked
 * signal would arrive all the same.
 */
static sigset_t watched_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action;
	sigset_t set;

	sigemptyset(&set);
	for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!sigaction(signals[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&set, signals[i]);
	return set;
}

/* Threads that are created meanwhile inherit it, so only the main thread ever takes one. */
static void block_signals(int how)
{
	sigset_t set = watched_signals();

	pthread_sigmask(how, &set, NULL);
}

static void signalled(struct loop_op *op, int result)
{
	struct watch *watch = (struct watch *)((char *)op - offsetof(struct watch, signal));
	struct signalfd_siginfo info;

	(void)result;
	if (read(watch->signal_fd, &info, sizeof(info)) == sizeof(info))
		vm_stop(watch->vm, VM_SIGNALLED + (int)info.ssi_signo);
}

static void timed_out(struct loop_op *op, int result)
{
	struct watch *watch = (struct watch *)((char *)op - offsetof(struct watch, timer));

	(void)result;
	log_error("--time-limit %u: the guest was still running", watch->seconds);
	vm_stop(watch->vm, VM_TIMED_OUT);
}

/* Polls, so that nothing of ours is in the kernel's hands when the loop is gone. */
static void wait_for(struct watch *watch, struct loop_op *op, int fd)
{
	io_uring_prep_poll_add(loop_sqe(watch->vm->loop, op), fd, POLLIN);
}

static int open_signals(struct watch *watch)
{
	sigset_t set = watched_signals();

	block_signals(SIG_BLOCK);
	watch->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch->signal_fd < 0)
		return -errno;
	wait_for(watch, &watch->signal, watch->signal_fd);
	return 0;
}

static int open_timer(struct watch *watch)
{
	struct itimerspec limit = { .it_value.tv_sec = watch->seconds };

	if (!watch->seconds)
		return 0;
	watch->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (watch->timer_fd < 0 || timerfd_settime(watch->timer_fd, 0, &limit, NULL))
		return -errno;
	wait_for(watch, &watch->timer, watch->timer_fd);
	return 0;
}

struct watch *watch_create(struct vm *vm, unsigned int seconds)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int ret;

	if (!watch)
		return NULL;
	watch->vm = vm;
	watch->seconds = seconds;
	watch->signal_fd = watch->timer_fd = -1;
	watch->signal.done = signalled;
	watch->timer.done = timed_out;
	ret = open_signals(watch);
	if (!ret)
		ret = open_timer(watch);
	if (ret) {
		watch_destroy(watch);
		errno = -ret;
		return NULL;
	}
	return watch;
}

void watch_destroy(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->signal_fd >= 0)
		close(watch->signal_fd);
	if (watch->timer_fd >= 0)
		close(watch->timer_fd);
	free(watch);
	block_signals(SIG_UNBLOCK);
}
