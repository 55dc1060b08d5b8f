/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 16550A serial port: registers, FIFO, interrupt. Where its bytes go and come from is a chardev's
 * business.
 */
#ifndef HVIS_HOST_SERIAL_H
#define HVIS_HOST_SERIAL_H

#include "loop.h"
#include "pio.h"

#define SERIAL_MAX	   2

struct serial;

/**
 * serial_irq() - the GSI of COM1 (@index 0) or COM2 (1): edge, to be wired to the port's irq_fd by
 * irqfd
 */
static inline unsigned int serial_irq(unsigned int index)
{
	return index == 0 ? 4 : 3;
}

/**
 * serial_create() - a port
 * @spec: "stdio", "null", "file=PATH" or "socket=PATH"
 * @index: 0: COM1 at 0x3F8, 1: COM2 at 0x2F8
 * @loop: where input arrives and late output is flushed; may be not running yet
 * @irq_fd: eventfd written once when the port begins to want an interrupt; stays the caller's
 * @error: ERROR_BYTES; on failure one line like "--serial file=/x/y: No such file or
 *	directory"
 *
 * Return: the port or NULL.
 */
struct serial *serial_create(const char *spec, unsigned int index, struct loop *loop, int irq_fd,
			     char *error);

/**
 * serial_destroy() - flush, close, free; NULL is fine
 *
 * The vCPUs have stopped and loop_run() has returned for good; the loop may be destroyed before or
 * after.
 */
void serial_destroy(struct serial *serial);

/** serial_pio() - the port's registers, for pio_add() */
struct pio_device serial_pio(struct serial *serial);

/** serial_flush() - hand over buffered output now. Any thread. */
void serial_flush(struct serial *serial);

#endif
