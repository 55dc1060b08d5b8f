/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a serial port's bytes go and come from: the terminal, a file, a socket, nowhere. It knows
 * no UART.
 * Output is buffered: a write happens at a newline, when the buffer is full, some milliseconds
 * after the first byte that waits, and at close. Input is read only while its taker has room.
 */
#ifndef HVIS_HOST_CHARDEV_H
#define HVIS_HOST_CHARDEV_H

#include <stddef.h>
#include <stdint.h>

#include "loop.h"

struct chardev;

/**
 * struct chardev_input - who takes what comes in
 * @room: how many bytes can be taken now
 * @take: bytes that came, never more than room() said. Both run in the loop's thread,
 *	without locks held.
 */
struct chardev_input {
	size_t (*room)(void *context);
	void (*take)(void *context, const uint8_t *bytes, size_t count);
	void *context;
};

/**
 * chardev_open() - open what @spec names
 * @spec: "stdio", "null", "file=PATH" or "socket=PATH" (listens; one client at a time)
 * @loop: where input arrives; may be not running yet
 * @input: copied
 * @error: ERROR_BYTES; on failure one line, "SPEC: what is wrong"
 *
 * Return: the device or NULL.
 */
struct chardev *chardev_open(const char *spec, struct loop *loop, const struct chardev_input *input,
			     char *error);

/**
 * chardev_close() - write what is buffered, close, free; loop_run() has returned for good. NULL is
 * fine.
 */
void chardev_close(struct chardev *chardev);

/**
 * chardev_put() - output one byte
 *
 * Any thread. Beyond 64 KiB that wait, a terminal or pipe that takes nothing makes the caller wait,
 * but not for ever: after two seconds, and at once from then on, the oldest output is lost. So it is
 * at once with a socket without a client, or with one that does not read.
 */
void chardev_put(struct chardev *chardev, uint8_t byte);
/** chardev_flush() - write what is buffered, as far as it is taken at once. Any thread. */
void chardev_flush(struct chardev *chardev);
/** chardev_resume() - room() may have grown. Any thread, does not block. */
void chardev_resume(struct chardev *chardev);

#endif
