// SPDX-License-Identifier: GPL-2.0
/*
 * Byte streams for serial ports: owns descriptors, the output buffer and the terminal's mode.
 * Leaves flow control of input to its taker (room), and what the bytes mean to everyone else.
 * Invariant: the lock guards output only; the input side (polls, client) belongs to the loop's
 * thread, and a poll never has a buffer in the kernel's hands.
 */
#define _GNU_SOURCE
#include "chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "log.h"
#include "unix_socket.h"

#define OUTPUT_BYTES   65536
#define FLUSH_AT       4096 /* a file or terminal gets this much at once even without a newline */
#define FLUSH_DELAY_NS 10000000
#define INPUT_BYTES    256
#define READY_BYTES    4096 /* what a pipe that is ready takes without waiting (PIPE_BUF) */
#define PATIENCE_MS    2000 /* for a terminal or pipe that takes nothing */

struct chardev {
	struct loop *loop;
	struct chardev_input input;
	int in; /* -1: none */
	int out; /* -1: none */
	int listener; /* -1: not a socket; a client is in, and out until it takes no more */
	char path[UNIX_SOCKET_PATH_BYTES]; /* of the socket */
	bool raw; /* the terminal's mode was changed, this was it before: */
	struct termios cooked;

	/* the loop's thread only */
	struct loop_op readable;
	struct loop_op writable;
	struct loop_op flush_timer;
	struct loop_op pause_timer; /* before the next try to accept */
	bool pausing;
	struct __kernel_timespec flush_delay;
	bool reading;
	bool writing;

	struct loop_work start;
	struct loop_work resume;
	struct loop_work delay;
	atomic_bool resume_queued;

	pthread_mutex_t lock; /* everything below, and out */
	bool timer_due; /* the delay work or its timer is under way: neither may be queued twice */
	bool waiting; /* output waits for a poll or for the next client, which will flush it */
	bool failed; /* writing gave an error: output is lost, said once */
	bool ignored; /* nobody took anything for as long as we wait: do not wait again until then */
	size_t used;
	uint8_t output[OUTPUT_BYTES];
};

/* container_of() for the members that come back to us. */
#define chardev_of(pointer, member) \
	((struct chardev *)((char *)(pointer)-offsetof(struct chardev, member)))

static void drop_front(struct chardev *chardev, size_t bytes)
{
	chardev->used -= bytes;
	memmove(chardev->output, chardev->output + bytes, chardev->used);
}

/* A socket says itself that it would have to wait; a file is always ready. */
static bool is_ready(const struct chardev *chardev)
{
	struct pollfd poll_fd = {.fd = chardev->out, .events = POLLOUT};

	return chardev->listener >= 0 || poll(&poll_fd, 1, 0) > 0;
}

static ssize_t write_some(const struct chardev *chardev)
{
	size_t bytes = chardev->used < READY_BYTES ? chardev->used : READY_BYTES;

	if (chardev->listener >= 0)
		return send(chardev->out, chardev->output, chardev->used,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(chardev->out, chardev->output, bytes);
}

/* After an error: is it worth another try at once? */
static bool write_again(struct chardev *chardev, int error)
{
	if (error == EINTR)
		return true;
	if (error == EAGAIN)
		return false;
	if (chardev->listener < 0)
		chardev->failed = true;
	else
		chardev->out = -1;
	return false;
}

/*
 * Called with the lock held, so it writes only what is taken at once: the main loop wants the lock,
 * too, and has signals and the time limit to look after. A client that is gone gets nothing more;
 * closing is the input side's business.
 */
static void write_output(struct chardev *chardev)
{
	while (chardev->used && chardev->out >= 0 && !chardev->failed && is_ready(chardev)) {
		ssize_t done = write_some(chardev);

		if (done > 0) {
			drop_front(chardev, (size_t)done);
			chardev->ignored = false;
		} else if (done == 0 || !write_again(chardev, errno)) {
			break;
		}
	}
	if (chardev->failed && chardev->used) {
		log_warn("serial output is lost: %s", strerror(errno));
		chardev->used = 0;
	}
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Called with the lock held; gives it up meanwhile. Waits until a terminal or pipe takes more, but
 * for one that took nothing in all the time only once.
 */
static void wait_ready(struct chardev *chardev)
{
	struct pollfd poll_fd = {.fd = chardev->out, .events = POLLOUT};
	int64_t left, end = now_ms() + PATIENCE_MS;
	int ready;

	if (chardev->listener >= 0 || chardev->failed || chardev->ignored)
		return;
	pthread_mutex_unlock(&chardev->lock);
	do {
		left = end - now_ms();
		ready = poll(&poll_fd, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	pthread_mutex_lock(&chardev->lock);
	if (ready || chardev->ignored)
		return;
	chardev->ignored = true;
	log_warn("serial output is lost: nobody takes it");
}

static void make_room(struct chardev *chardev)
{
	if (chardev->used == OUTPUT_BYTES)
		write_output(chardev);
	if (chardev->used == OUTPUT_BYTES) {
		wait_ready(chardev);
		write_output(chardev);
	}
	if (chardev->used == OUTPUT_BYTES)
		drop_front(chardev, OUTPUT_BYTES / 4);
}

void chardev_put(struct chardev *chardev, uint8_t byte)
{
	bool start_delay = false;

	if (chardev->listener < 0 && chardev->out < 0)
		return;
	pthread_mutex_lock(&chardev->lock);
	make_room(chardev);
	if (!chardev->failed)
		chardev->output[chardev->used++] = byte;
	if (byte == '\n' || chardev->used % FLUSH_AT == 0)
		write_output(chardev);
	if (chardev->used && !chardev->timer_due && !chardev->waiting) {
		chardev->timer_due = true;
		start_delay = true;
	}
	pthread_mutex_unlock(&chardev->lock);
	if (start_delay)
		loop_call(chardev->loop, &chardev->delay);
}

void chardev_flush(struct chardev *chardev)
{
	pthread_mutex_lock(&chardev->lock);
	write_output(chardev);
	pthread_mutex_unlock(&chardev->lock);
}

/* What was not taken is written when more can be, or to the next client. */
static void flush_late(struct chardev *chardev)
{
	int fd;

	pthread_mutex_lock(&chardev->lock);
	write_output(chardev);
	chardev->waiting = chardev->used > 0;
	fd = chardev->used ? chardev->out : -1;
	pthread_mutex_unlock(&chardev->lock);
	if (fd < 0 || chardev->writing)
		return;
	chardev->writing = true;
	io_uring_prep_poll_add(loop_sqe(chardev->loop, &chardev->writable), fd, POLLOUT);
}

static void writable_done(struct loop_op *op, int result)
{
	struct chardev *chardev = chardev_of(op, writable);

	(void)result;
	chardev->writing = false;
	flush_late(chardev);
}

static void flush_timer_done(struct loop_op *op, int result)
{
	struct chardev *chardev = chardev_of(op, flush_timer);

	(void)result;
	pthread_mutex_lock(&chardev->lock);
	chardev->timer_due = false;
	pthread_mutex_unlock(&chardev->lock);
	flush_late(chardev);
}

static void delay_run(struct loop_work *work)
{
	struct chardev *chardev = chardev_of(work, delay);

	io_uring_prep_timeout(loop_sqe(chardev->loop, &chardev->flush_timer), &chardev->flush_delay,
			      0, 0);
}

static void start_reading(struct chardev *chardev)
{
	int fd = chardev->in >= 0 ? chardev->in : chardev->listener;

	if (chardev->reading || chardev->pausing || fd < 0)
		return;
	if (chardev->in >= 0 && !chardev->input.room(chardev->input.context))
		return;
	chardev->reading = true;
	io_uring_prep_poll_add(loop_sqe(chardev->loop, &chardev->readable), fd, POLLIN);
}

/* Nobody could be accepted, for want of descriptors maybe: the poll would end at once, again and again. */
static void pause_accepting(struct chardev *chardev)
{
	static const struct __kernel_timespec pause = { .tv_nsec = 200000000 };

	chardev->pausing = true;
	io_uring_prep_timeout(loop_sqe(chardev->loop, &chardev->pause_timer),
			      (struct __kernel_timespec *)&pause, 0, 0);
}

static void pause_done(struct loop_op *op, int result)
{
	struct chardev *chardev = chardev_of(op, pause_timer);

	(void)result;
	chardev->pausing = false;
	start_reading(chardev);
}

static void accept_client(struct chardev *chardev)
{
	int client = accept4(chardev->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			pause_accepting(chardev);
		return;
	}
	chardev->in = client;
	pthread_mutex_lock(&chardev->lock);
	chardev->out = client;
	pthread_mutex_unlock(&chardev->lock);
	flush_late(chardev);
}

/* The end of standard input is the end of input; the end of a client makes place for the next. */
static void end_input(struct chardev *chardev)
{
	int fd = chardev->in;

	chardev->in = -1;
	if (chardev->listener < 0)
		return;
	pthread_mutex_lock(&chardev->lock);
	chardev->out = -1;
	pthread_mutex_unlock(&chardev->lock);
	/* A poll of ours that still waits for room keeps the socket open: this ends it. */
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

static void take_input(struct chardev *chardev)
{
	uint8_t bytes[INPUT_BYTES];
	size_t room = chardev->input.room(chardev->input.context);
	ssize_t count;

	if (!room)
		return;
	count = read(chardev->in, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	if (count > 0)
		chardev->input.take(chardev->input.context, bytes, (size_t)count);
	else if (!count || (errno != EAGAIN && errno != EINTR))
		end_input(chardev);
}

static void readable_done(struct loop_op *op, int result)
{
	struct chardev *chardev = chardev_of(op, readable);

	chardev->reading = false;
	if (result < 0)
		return;
	if (chardev->in >= 0)
		take_input(chardev);
	else
		accept_client(chardev);
	start_reading(chardev);
}

static void start_run(struct loop_work *work)
{
	start_reading(chardev_of(work, start));
}

static void resume_run(struct loop_work *work)
{
	struct chardev *chardev = chardev_of(work, resume);

	/* First, so that room which grows from now on asks again. */
	atomic_store(&chardev->resume_queued, false);
	start_reading(chardev);
}

void chardev_resume(struct chardev *chardev)
{
	if (!atomic_exchange(&chardev->resume_queued, true))
		loop_call(chardev->loop, &chardev->resume);
}

/*
 * Keys must reach the guest one by one, unechoed; Ctrl-C stays ours. A background job that touched
 * the terminal would be stopped by it, so it gets no input.
 */
static int open_stdio(struct chardev *chardev)
{
	struct termios raw;

	chardev->out = STDOUT_FILENO;
	if (!isatty(STDIN_FILENO)) {
		chardev->in = fcntl(STDIN_FILENO, F_GETFD) < 0 ? -1 : STDIN_FILENO;
		return 0;
	}
	if (tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &chardev->cooked))
		return 0;
	chardev->in = STDIN_FILENO;
	raw = chardev->cooked;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO | IEXTEN);
	raw.c_iflag &= (tcflag_t) ~(ICRNL | IXON);
	chardev->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	return 0;
}

static int open_file(struct chardev *chardev, const char *path)
{
	chardev->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	return chardev->out < 0 ? errno : 0;
}

static int open_socket(struct chardev *chardev, const char *path)
{
	int fd = unix_socket_listen(path, 1);

	if (fd < 0)
		return -fd;
	chardev->listener = fd;
	strcpy(chardev->path, path);
	return 0;
}

static const char *open_spec(struct chardev *chardev, const char *spec)
{
	int error;

	if (!strcmp(spec, "null"))
		return NULL;
	if (!strcmp(spec, "stdio"))
		error = open_stdio(chardev);
	else if (!strncmp(spec, "file=", 5) && spec[5])
		error = open_file(chardev, spec + 5);
	else if (!strncmp(spec, "socket=", 7) && spec[7])
		error = open_socket(chardev, spec + 7);
	else
		return "unknown; expected stdio, null, file=PATH or socket=PATH";
	return error ? strerror(error) : NULL;
}

static struct chardev *allocate(struct loop *loop, const struct chardev_input *input)
{
	struct chardev *chardev = calloc(1, sizeof(*chardev));

	if (!chardev)
		return NULL;
	chardev->loop = loop;
	chardev->input = *input;
	chardev->in = -1;
	chardev->out = -1;
	chardev->listener = -1;
	chardev->readable.done = readable_done;
	chardev->writable.done = writable_done;
	chardev->flush_timer.done = flush_timer_done;
	chardev->pause_timer.done = pause_done;
	chardev->start.run = start_run;
	chardev->flush_delay.tv_nsec = FLUSH_DELAY_NS;
	chardev->resume.run = resume_run;
	chardev->delay.run = delay_run;
	pthread_mutex_init(&chardev->lock, NULL);
	return chardev;
}

struct chardev *chardev_open(const char *spec, struct loop *loop, const struct chardev_input *input,
			     char *error)
{
	struct chardev *chardev = allocate(loop, input);
	const char *wrong = chardev ? open_spec(chardev, spec) : "out of memory";

	if (wrong) {
		error_set(error, "%.150s: %s", spec, wrong);
		chardev_close(chardev);
		return NULL;
	}
	if (chardev->in >= 0 || chardev->listener >= 0)
		loop_call(loop, &chardev->start);
	return chardev;
}

static void close_fd(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

/* Nothing is lost at the end either, as long as it is taken. */
static void flush_last(struct chardev *chardev)
{
	pthread_mutex_lock(&chardev->lock);
	write_output(chardev);
	while (chardev->used && chardev->listener < 0 && !chardev->failed && !chardev->ignored) {
		wait_ready(chardev);
		write_output(chardev);
	}
	pthread_mutex_unlock(&chardev->lock);
}

void chardev_close(struct chardev *chardev)
{
	if (!chardev)
		return;
	flush_last(chardev);
	if (chardev->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &chardev->cooked);
	if (chardev->listener >= 0)
		close_fd(chardev->in);
	else
		close_fd(chardev->out);
	close_fd(chardev->listener);
	if (chardev->path[0])
		unlink(chardev->path);
	pthread_mutex_destroy(&chardev->lock);
	free(chardev);
}
