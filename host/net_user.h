/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the user backend share. net_user.c: frames, and when libslirp runs; net_user_poll.c: the files and
 * the time it waits for; net_user_open.c: options.
 */
#ifndef HVIS_HOST_NET_USER_H
#define HVIS_HOST_NET_USER_H

#include <linux/time_types.h>
#include <slirp/libslirp.h>

#include "net.h"

#define USER_MTU 1500u /* libslirp cuts IPv4 for the guest and refuses IPv6 by one number, for good */
#define USER_FRAMES 512u /* a power of two; a TCP connection has at most 128 KiB on its way, that is 90 */
#define USER_FRAME_BYTES (USER_MTU + 14u)

struct net_user;

/* One poll of one file; when libslirp closes the file it is @retired, and freed when its poll is over. */
struct user_watch {
	struct loop_op op;
	struct net_user *user;
	int fd;
	short armed; /* events of the poll in flight */
	short found; /* since libslirp last looked */
	bool retired;
};

/* A timer of libslirp's; times in ms of CLOCK_MONOTONIC. */
struct user_timer {
	struct user_timer *next;
	SlirpTimerId id;
	void *context;
	int64_t expires; /* INT64_MAX: not set */
};

/* Watches by file descriptor, and one timeout for the earliest of all times. */
struct user_poll {
	struct user_watch **watches;
	unsigned int room;
	unsigned int pending; /* polls and timeouts in flight */
	bool hold; /* leave in the sockets what has not been read */
	struct user_timer *timers;
	struct loop_op timeout;
	struct __kernel_timespec at;
	int64_t armed_until; /* 0: no timeout in flight */
};

struct user_frame {
	uint16_t bytes;
	uint8_t data[USER_FRAME_BYTES];
};

/* The only queue; @loop is NULL while it is closed. @told: ready() was called and receive() has not said -EAGAIN. */
struct net_queue {
	struct net_user *user;
	struct loop *loop;
	bool told, closing, scheduled;
	struct loop_work pump;
	void (*ready)(void *context);
	void *context;
	void (*closed)(void *context);
	void *closed_context;
	struct user_frame *frames; /* USER_FRAMES of them, from @taken up to @put, which only grow */
	unsigned int taken, put;
};

struct net_user {
	struct net net;
	Slirp *slirp;
	bool good_checksums; /* say that they are */
	struct net_queue queue;
	struct user_poll poll;
	uint8_t outgoing[USER_FRAME_BYTES];
};

extern const struct net_ops net_user_ops;
extern const SlirpCb user_callbacks;

/*
 * libslirp keeps the time and the name server in variables of the whole process, so one network at a time is inside it.
 */
void user_enter(void);
void user_leave(void);
int64_t user_now_ms(void);
/* Run libslirp soon, once, however often this is called. The loop's thread. */
void user_schedule(struct net_user *user);
/* After something of poll ended: the queue's closing may be complete. */
void user_check_closed(struct net_user *user);

/* Inside libslirp: tell it what was found, then ask it what to wait for. */
void user_poll_tell(struct net_user *user);
void user_poll_ask(struct net_user *user);
/* End all waiting; @poll.pending says what is still to come. */
void user_poll_end(struct net_user *user);
void user_poll_free(struct user_poll *poll);
/* Called by libslirp. */
void user_poll_forget(int fd, void *context);
void *user_timer_new(SlirpTimerId id, void *timer_context, void *context);
void user_timer_free(void *timer, void *context);
void user_timer_set(void *timer, int64_t expires, void *context);

#endif
