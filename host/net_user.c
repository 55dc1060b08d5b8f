// SPDX-License-Identifier: GPL-2.0
/*
 * A network without privileges: libslirp plays the gateway, DHCP and name server, and carries connections on by
 * sockets of this process. It hands out frames when it likes; they wait in a ring until the guest takes them. While
 * that is half full nothing is read from sockets, so that TCP streams wait instead of losing.
 * Source: libslirp 4.7's libslirp.h.
 * Invariant: libslirp runs in send() and in the pump only, and the pump, which runs after a batch of the loop, is the
 * only one that says ready: nobody is called back from inside a call of his own.
 */
#include "net_user.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define HOLD_FROM (USER_FRAMES / 2)
#define HOLD_UNTIL (USER_FRAMES / 8)
#define COMPLAINTS_MAX 10

static pthread_mutex_t inside = PTHREAD_MUTEX_INITIALIZER;

/* libslirp complains by glib, whose log would go to stderr without any limit, at the guest's will. */
static void take_complaint(const char *domain, int level, const char *message, void *context)
{
	static atomic_uint complaints;

	(void)level;
	(void)context;
	if (atomic_fetch_add(&complaints, 1) < COMPLAINTS_MAX)
		log_warn("%s: %s", domain ? domain : "glib", message);
	else
		log_debug("%s: %s", domain ? domain : "glib", message);
}

/* glib is there because libslirp needs it; its headers need not be. */
static void take_complaints(void)
{
	typedef void handler(const char *domain, int level, const char *message, void *context);
	handler *(*set)(handler *new_handler, void *context);

	*(void **)&set = dlsym(RTLD_DEFAULT, "g_log_set_default_handler");
	if (set)
		set(take_complaint, NULL);
}

void user_enter(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, take_complaints);
	pthread_mutex_lock(&inside);
}

void user_leave(void)
{
	pthread_mutex_unlock(&inside);
}

static struct net_user *user_of(struct net *net)
{
	return (struct net_user *)net;
}

static unsigned int waiting(const struct net_queue *queue)
{
	return queue->put - queue->taken;
}

/* libslirp's: a frame for the guest. */
static ssize_t take_frame(const void *data, size_t bytes, void *context)
{
	struct net_user *user = context;
	struct net_queue *queue = &user->queue;
	struct user_frame *frame;

	if (!queue->loop || waiting(queue) == USER_FRAMES || bytes > USER_FRAME_BYTES) {
		atomic_fetch_add_explicit(&user->net.dropped, 1, memory_order_relaxed);
		return (ssize_t)bytes;
	}
	frame = &queue->frames[queue->put++ % USER_FRAMES];
	frame->bytes = (uint16_t)bytes;
	memcpy(frame->data, data, bytes);
	return (ssize_t)bytes;
}

static void guest_error(const char *message, void *context)
{
	log_debug("%s: %s", ((struct net_user *)context)->net.name, message);
}

static int64_t clock_ns(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What it polls for is asked for in every round. */
static void register_poll(int fd, void *context)
{
	(void)fd;
	(void)context;
}

static void notify(void *context)
{
	user_schedule(context);
}

const SlirpCb user_callbacks = {
	.send_packet = take_frame,
	.guest_error = guest_error,
	.clock_get_ns = clock_ns,
	.timer_new_opaque = user_timer_new,
	.timer_free = user_timer_free,
	.timer_mod = user_timer_set,
	.register_poll_fd = register_poll,
	.unregister_poll_fd = user_poll_forget,
	.notify = notify,
};

void user_schedule(struct net_user *user)
{
	struct net_queue *queue = &user->queue;

	if (!queue->loop || queue->scheduled || queue->closing)
		return;
	queue->scheduled = true;
	loop_call(queue->loop, &queue->pump);
}

static void tell_ready(struct net_queue *queue)
{
	if (queue->told || !waiting(queue))
		return;
	queue->told = true;
	queue->ready(queue->context);
}

static void choose_hold(struct net_user *user)
{
	user->poll.hold = waiting(&user->queue) >= (user->poll.hold ? HOLD_UNTIL : HOLD_FROM);
}

/* One round of libslirp. */
static void pump(struct loop_work *work)
{
	struct net_queue *queue = (struct net_queue *)((char *)work - offsetof(struct net_queue, pump));
	struct net_user *user = queue->user;

	queue->scheduled = false;
	if (queue->closing) {
		user_check_closed(user);
		return;
	}
	user_enter();
	choose_hold(user);
	user_poll_tell(user);
	choose_hold(user);
	user_poll_ask(user);
	user_leave();
	tell_ready(queue);
}

static struct net_queue *user_open(struct net *net, unsigned int index, struct loop *loop, void (*ready)(void *context),
				   void *context)
{
	struct net_user *user = user_of(net);
	struct net_queue *queue = &user->queue;

	if (index || queue->loop) {
		errno = index ? EINVAL : EBUSY;
		return NULL;
	}
	*queue = (struct net_queue){
		.user = user,
		.ready = ready,
		.context = context,
		.pump.run = pump,
		.frames = malloc(USER_FRAMES * sizeof(*queue->frames)),
	};
	if (!queue->frames)
		return NULL;
	queue->loop = loop;
	user->poll.hold = false;
	user_schedule(user);
	return queue;
}

/* When the last of what was in flight has come back. */
void user_check_closed(struct net_user *user)
{
	struct net_queue *queue = &user->queue;

	if (!queue->closing || queue->scheduled || user->poll.pending)
		return;
	queue->closing = false;
	queue->loop = NULL;
	free(queue->frames);
	queue->frames = NULL;
	queue->closed(queue->closed_context);
}

static void user_close(struct net_queue *queue, void (*closed)(void *context), void *context)
{
	queue->closed = closed;
	queue->closed_context = context;
	queue->closing = true;
	user_poll_end(queue->user);
	user_check_closed(queue->user);
}

/*
 * A copy, although libslirp makes one of IP packets, too: it looks at the rest in place, more than once, and what it
 * looks at must not change under its eyes.
 */
static int user_send(struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces,
		     unsigned int count, size_t bytes)
{
	struct net_user *user = queue->user;
	uint8_t *to = user->outgoing;

	if (meta->gso != NET_GSO_NONE || meta->flags & NET_CSUM_WANTED)
		return -EOPNOTSUPP;
	(void)bytes;
	for (unsigned int i = 0; i < count; i++) {
		size_t left = (size_t)(user->outgoing + sizeof(user->outgoing) - to);

		if (pieces[i].iov_len > left)
			return -EMSGSIZE;
		memcpy(to, pieces[i].iov_base, pieces[i].iov_len);
		to += pieces[i].iov_len;
	}
	user_enter();
	slirp_input(user->slirp, user->outgoing, (int)(to - user->outgoing));
	user_leave();
	user_schedule(user);
	return 0;
}

/* Return: whether all of @frame went into @pieces. */
static bool scatter(const struct user_frame *frame, const struct iovec *pieces, unsigned int count)
{
	size_t done = 0;

	for (unsigned int i = 0; i < count && done < frame->bytes; i++) {
		size_t part = frame->bytes - done;

		if (part > pieces[i].iov_len)
			part = pieces[i].iov_len;
		memcpy(pieces[i].iov_base, frame->data + done, part);
		done += part;
	}
	return done == frame->bytes;
}

static ssize_t user_receive(struct net_queue *queue, struct net_meta *meta, const struct iovec *pieces,
			    unsigned int count)
{
	struct net_user *user = queue->user;
	const struct user_frame *frame = &queue->frames[queue->taken % USER_FRAMES];
	bool whole;

	if (!waiting(queue)) {
		queue->told = false;
		return -EAGAIN;
	}
	whole = scatter(frame, pieces, count);
	queue->taken++;
	if (user->poll.hold && waiting(queue) < HOLD_UNTIL)
		user_schedule(user);
	*meta = (struct net_meta){ .flags = user->good_checksums ? NET_CSUM_GOOD : 0 };
	return whole ? (ssize_t)frame->bytes : -EMSGSIZE;
}

/* libslirp has just made the checksums itself. */
static struct net_offloads user_set_offloads(struct net *net, const struct net_offloads *wanted)
{
	user_of(net)->good_checksums = wanted->rx_csum;
	return (struct net_offloads){ .rx_csum = wanted->rx_csum };
}

static void user_destroy(struct net *net)
{
	struct net_user *user = user_of(net);

	if (user->slirp) {
		user_enter();
		slirp_cleanup(user->slirp);
		user_leave();
	}
	user_poll_free(&user->poll);
	free(user);
}

const struct net_ops net_user_ops = {
	.name = "user",
	.open = user_open,
	.send = user_send,
	.receive = user_receive,
	.set_offloads = user_set_offloads,
	.close = user_close,
	.destroy = user_destroy,
};
