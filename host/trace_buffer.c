// SPDX-License-Identifier: GPL-2.0
/*
 * The buffer of a trace. See trace_buffer.h. Bytes lie in a circle, counted by two positions that
 * only grow: those who add own [tail, tail + bytes), the thread [head, tail).
 * The thread writes when there is a good part to write or a moment has passed since the first byte
 * came, so that a busy guest does not cost one wake-up per record.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "thread.h"
#include "trace_buffer.h"

#define GATHER_NS   20000000 /* wait so long for more before a small write */
#define PATIENCE_NS 2000000000ull /* that trace_buffer_drain() gives a pipe that nobody reads */
#define POLL_MS	    100 /* how often a full pipe looks whether it is told to end */
#define WRITE_BYTES (1u << 20) /* at once at most */

struct trace_buffer {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled; /* for the thread */
	pthread_cond_t emptied; /* for drain */
	/* Under the lock. */
	uint64_t head, tail;
	bool waiting; /* the thread, for the first byte */
	bool gathering; /* the thread, for more */
	bool hurry; /* somebody drains */
	bool end;
	int error;
	/* Fixed. */
	size_t size;
	char *bytes;
};

static void copy_in(struct trace_buffer *buffer, const void *from, size_t length)
{
	size_t at = buffer->tail % buffer->size;
	size_t first = length < buffer->size - at ? length : buffer->size - at;

	memcpy(buffer->bytes + at, from, first);
	memcpy(buffer->bytes, (const char *)from + first, length - first);
	buffer->tail += length;
}

static size_t room(const struct trace_buffer *buffer)
{
	return buffer->error ? 0 : buffer->size - (buffer->tail - buffer->head);
}

/* Wake the thread for the first byte, and out of its gathering when half is full. */
static void tell(struct trace_buffer *buffer)
{
	bool much = buffer->tail - buffer->head >= buffer->size / 2;

	if (!buffer->waiting && !(buffer->gathering && much))
		return;
	buffer->waiting = false;
	buffer->gathering = false;
	pthread_cond_signal(&buffer->filled);
}

bool trace_buffer_add(struct trace_buffer *buffer, const struct iovec *pieces, unsigned int count)
{
	size_t bytes = 0;
	bool fits;

	for (unsigned int i = 0; i < count; i++)
		bytes += pieces[i].iov_len;
	pthread_mutex_lock(&buffer->lock);
	fits = bytes <= room(buffer);
	for (unsigned int i = 0; fits && i < count; i++)
		if (pieces[i].iov_len)
			copy_in(buffer, pieces[i].iov_base, pieces[i].iov_len);
	tell(buffer);
	pthread_mutex_unlock(&buffer->lock);
	return fits;
}

size_t trace_buffer_room(struct trace_buffer *buffer)
{
	size_t bytes;

	pthread_mutex_lock(&buffer->lock);
	bytes = room(buffer);
	pthread_mutex_unlock(&buffer->lock);
	return bytes;
}

int trace_buffer_error(struct trace_buffer *buffer)
{
	int error;

	pthread_mutex_lock(&buffer->lock);
	error = buffer->error;
	pthread_mutex_unlock(&buffer->lock);
	return error;
}

uint64_t trace_buffer_written(struct trace_buffer *buffer)
{
	uint64_t written;

	pthread_mutex_lock(&buffer->lock);
	written = buffer->head;
	pthread_mutex_unlock(&buffer->lock);
	return written;
}

/* Under the lock: until there is enough to write, or time to end. */
static void await_bytes(struct trace_buffer *buffer)
{
	struct timespec when;

	buffer->waiting = true;
	while (buffer->waiting && buffer->head == buffer->tail && !buffer->end)
		pthread_cond_wait(&buffer->filled, &buffer->lock);
	buffer->waiting = false;
	when = thread_after(GATHER_NS);
	buffer->gathering = buffer->tail - buffer->head < buffer->size / 2;
	while (buffer->gathering && !buffer->hurry && !buffer->end)
		if (pthread_cond_timedwait(&buffer->filled, &buffer->lock, &when))
			break;
	buffer->gathering = false;
}

/* Without the lock: what lies between head and tail is the thread's. Return: bytes or -errno. */
static ssize_t write_some(struct trace_buffer *buffer, uint64_t head, size_t bytes)
{
	struct pollfd full = { .fd = buffer->fd, .events = POLLOUT };
	size_t at = head % buffer->size;
	ssize_t done;

	if (bytes > buffer->size - at)
		bytes = buffer->size - at;
	if (bytes > WRITE_BYTES)
		bytes = WRITE_BYTES;
	done = write(buffer->fd, buffer->bytes + at, bytes);
	if (done >= 0)
		return done;
	if (errno == EAGAIN)
		poll(&full, 1, POLL_MS);
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Under the lock; what cannot be written any more is dropped, so that nobody waits for it. */
static void take_note(struct trace_buffer *buffer, ssize_t done)
{
	if (done > 0)
		buffer->head += done;
	if (done < 0) {
		buffer->error = (int)done;
		buffer->tail = buffer->head;
	}
	if (buffer->head == buffer->tail)
		pthread_cond_broadcast(&buffer->emptied);
}

static void *writer(void *context)
{
	struct trace_buffer *buffer = context;

	pthread_mutex_lock(&buffer->lock);
	while (!buffer->end) {
		await_bytes(buffer);
		while (buffer->head != buffer->tail && !buffer->end) {
			uint64_t head = buffer->head;
			size_t bytes = buffer->tail - head;
			ssize_t done;

			pthread_mutex_unlock(&buffer->lock);
			done = write_some(buffer, head, bytes);
			pthread_mutex_lock(&buffer->lock);
			take_note(buffer, done);
		}
	}
	pthread_mutex_unlock(&buffer->lock);
	return NULL;
}

int trace_buffer_drain(struct trace_buffer *buffer)
{
	uint64_t last;
	int error = 0;

	pthread_mutex_lock(&buffer->lock);
	buffer->hurry = true;
	pthread_cond_signal(&buffer->filled);
	last = buffer->head;
	while (buffer->head != buffer->tail && !error) {
		struct timespec when = thread_after(PATIENCE_NS);

		error = pthread_cond_timedwait(&buffer->emptied, &buffer->lock, &when);
		if (error == ETIMEDOUT && buffer->head != last)
			error = 0; /* slow, but it moves */
		last = buffer->head;
	}
	buffer->hurry = false;
	error = buffer->error ? buffer->error : -error;
	pthread_mutex_unlock(&buffer->lock);
	return error;
}

struct trace_buffer *trace_buffer_create(int fd, size_t bytes)
{
	struct trace_buffer *buffer = calloc(1, sizeof(*buffer));
	int error;

	if (!buffer)
		return NULL;
	buffer->fd = fd;
	buffer->size = bytes;
	pthread_mutex_init(&buffer->lock, NULL);
	thread_condition_init(&buffer->filled);
	thread_condition_init(&buffer->emptied);
	buffer->bytes = malloc(bytes);
	error = buffer->bytes ? thread_start(&buffer->thread, "trace", writer, buffer) : ENOMEM;
	if (!error)
		return buffer;
	free(buffer->bytes);
	free(buffer);
	errno = error;
	return NULL;
}

void trace_buffer_destroy(struct trace_buffer *buffer)
{
	pthread_mutex_lock(&buffer->lock);
	buffer->end = true;
	pthread_cond_signal(&buffer->filled);
	pthread_mutex_unlock(&buffer->lock);
	pthread_join(buffer->thread, NULL);
	pthread_cond_destroy(&buffer->filled);
	pthread_cond_destroy(&buffer->emptied);
	pthread_mutex_destroy(&buffer->lock);
	free(buffer->bytes);
	free(buffer);
}
