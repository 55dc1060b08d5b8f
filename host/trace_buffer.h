/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A bounded buffer between those who record and a file, with the thread that empties it.
 * Invariant: adding never waits for the file; whoever adds is told at once if there is no room.
 */
#ifndef HVIS_HOST_TRACE_BUFFER_H
#define HVIS_HOST_TRACE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct trace_buffer;

/**
 * trace_buffer_create() - a buffer of @bytes and its thread
 * @fd: non-blocking if it is a pipe; stays the caller's
 *
 * Return: NULL with errno set.
 */
struct trace_buffer *trace_buffer_create(int fd, size_t bytes);
/**
 * trace_buffer_add() - append all of @pieces, or nothing
 * Any thread. Return: false if there is no room, or the file has failed.
 */
bool trace_buffer_add(struct trace_buffer *buffer, const struct iovec *pieces, unsigned int count);
/** trace_buffer_room() - bytes that would fit now. */
size_t trace_buffer_room(struct trace_buffer *buffer);
/** trace_buffer_error() - 0, or the negative errno that ended the writing. Any thread. */
int trace_buffer_error(struct trace_buffer *buffer);
/** trace_buffer_written() - bytes that are in the file. Any thread. */
uint64_t trace_buffer_written(struct trace_buffer *buffer);
/**
 * trace_buffer_drain() - wait until all is written
 * A pipe that nobody reads has PATIENCE seconds. Return: 0 or negative errno.
 */
int trace_buffer_drain(struct trace_buffer *buffer);
/** trace_buffer_destroy() - end the thread; what is not written is lost. */
void trace_buffer_destroy(struct trace_buffer *buffer);

#endif
