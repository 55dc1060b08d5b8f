// SPDX-License-Identifier: GPL-2.0
/*
 * A 16550A: owns the registers, the receive FIFO and the interrupt line. Leaves bytes' ways to
 * chardev.c.
 * Transmission takes no time: the transmitter is empty again as soon as a byte was written.
 * Register meaning: the NS16550A data sheet.
 * Invariant: the eventfd is written exactly when the interrupt line goes from low to high, under
 * the lock.
 */
#include "serial.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "chardev.h"
#include "error.h"

#define PORTS	   8
#define FIFO_BYTES 16

/* Offsets; the first two name the divisor while LCR_DLAB is set. */
enum {
	DATA = 0,
	IER = 1,
	IIR_FCR = 2,
	LCR = 3,
	MCR = 4,
	LSR = 5,
	MSR = 6,
	SCR = 7
};

#define IER_RECEIVED	  0x01
#define IER_EMPTY	  0x02
#define IER_MASK	  0x0f

#define IIR_NONE	  0x01
#define IIR_EMPTY	  0x02
#define IIR_RECEIVED	  0x04
#define IIR_TIMEOUT	  0x0c /* bytes below the trigger level wait */
#define IIR_FIFOS	  0xc0

#define FCR_ENABLE	  0x01
#define FCR_CLEAR_RECEIVE 0x02
#define FCR_TRIGGER(fcr)  ((fcr) >> 6)

#define LCR_DLAB	  0x80

#define MCR_DTR		  0x01
#define MCR_RTS		  0x02
#define MCR_OUT1	  0x04
#define MCR_OUT2	  0x08 /* connects the interrupt line */
#define MCR_LOOP	  0x10
#define MCR_MASK	  0x1f

#define LSR_READY	  0x01
#define LSR_EMPTY	  0x60 /* holding register and shift register */

#define MSR_CTS		  0x10
#define MSR_DSR		  0x20
#define MSR_RI		  0x40
#define MSR_DCD		  0x80

struct serial {
	struct chardev *chardev;
	int irq_fd;
	uint16_t port;

	pthread_mutex_t lock; /* all below */
	uint8_t ier, fcr, lcr, mcr, scr;
	uint8_t divisor[2];
	bool empty_pending; /* "transmitter empty" was not yet told by a read of IIR */
	bool line;
	unsigned int fifo_used;
	unsigned int fifo_read;
	uint8_t fifo[FIFO_BYTES];
};

static unsigned int fifo_size(const struct serial *serial)
{
	return serial->fcr & FCR_ENABLE ? FIFO_BYTES : 1;
}

static unsigned int trigger_level(const struct serial *serial)
{
	static const uint8_t levels[] = {1, 4, 8, 14};

	return serial->fcr & FCR_ENABLE ? levels[FCR_TRIGGER(serial->fcr)] : 1;
}

static void fifo_put(struct serial *serial, uint8_t byte)
{
	if (serial->fifo_used == fifo_size(serial))
		return;
	serial->fifo[(serial->fifo_read + serial->fifo_used++) % FIFO_BYTES] = byte;
}

static uint8_t fifo_get(struct serial *serial)
{
	uint8_t byte = serial->fifo[serial->fifo_read];

	if (!serial->fifo_used)
		return 0;
	serial->fifo_used--;
	serial->fifo_read = (serial->fifo_read + 1) % FIFO_BYTES;
	return byte;
}

/* The most urgent interrupt. Line and modem status never change here, so those two never come. */
static uint8_t interrupt(const struct serial *serial)
{
	if ((serial->ier & IER_RECEIVED) && serial->fifo_used)
		return serial->fifo_used >= trigger_level(serial) ? IIR_RECEIVED : IIR_TIMEOUT;
	if ((serial->ier & IER_EMPTY) && serial->empty_pending)
		return IIR_EMPTY;
	return IIR_NONE;
}

/*
 * After every change. The GSI is an edge: KVM makes it of one write, and nothing is to be done when
 * the line falls.
 */
static void update_line(struct serial *serial)
{
	bool line = interrupt(serial) != IIR_NONE && (serial->mcr & MCR_OUT2) &&
		    !(serial->mcr & MCR_LOOP);

	if (line && !serial->line)
		eventfd_write(serial->irq_fd, 1);
	serial->line = line;
}

static void write_data(struct serial *serial, uint8_t value)
{
	serial->empty_pending = true;
	if (serial->mcr & MCR_LOOP)
		fifo_put(serial, value);
	else
		chardev_put(serial->chardev, value);
}

/*
 * Enabling "transmitter empty" while it is empty interrupts at once: drivers start sending that
 * way.
 */
static void write_ier(struct serial *serial, uint8_t value)
{
	if (!(serial->ier & IER_EMPTY) && (value & IER_EMPTY))
		serial->empty_pending = true;
	serial->ier = value & IER_MASK;
}

static void write_fcr(struct serial *serial, uint8_t value)
{
	/* Switching the FIFOs on or off empties them. */
	if ((value & FCR_CLEAR_RECEIVE) || ((value ^ serial->fcr) & FCR_ENABLE))
		serial->fifo_used = 0;
	serial->fcr = value;
}

static void write_register(struct serial *serial, unsigned int offset, uint8_t value)
{
	if (offset <= IER && (serial->lcr & LCR_DLAB)) {
		serial->divisor[offset] = value;
		return;
	}
	switch (offset) {
	case DATA:
		write_data(serial, value);
		break;
	case IER:
		write_ier(serial, value);
		break;
	case IIR_FCR:
		write_fcr(serial, value);
		break;
	case LCR:
		serial->lcr = value;
		break;
	case MCR:
		serial->mcr = value & MCR_MASK;
		break;
	case SCR:
		serial->scr = value;
		break;
	default: /* LSR and MSR are read-only */
		break;
	}
}

static uint8_t read_iir(struct serial *serial)
{
	uint8_t iir = interrupt(serial);

	if (iir == IIR_EMPTY)
		serial->empty_pending = false;
	return serial->fcr & FCR_ENABLE ? iir | IIR_FIFOS : iir;
}

/* In loop mode the outputs come back as inputs; otherwise the other end is there and ready. */
static uint8_t read_msr(const struct serial *serial)
{
	uint8_t mcr = serial->mcr;

	if (!(mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uint8_t)((mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) |
			 (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static uint8_t read_register(struct serial *serial, unsigned int offset)
{
	if (offset <= IER && (serial->lcr & LCR_DLAB))
		return serial->divisor[offset];
	switch (offset) {
	case DATA:
		return fifo_get(serial);
	case IER:
		return serial->ier;
	case IIR_FCR:
		return read_iir(serial);
	case LCR:
		return serial->lcr;
	case MCR:
		return serial->mcr;
	case LSR:
		return LSR_EMPTY | (serial->fifo_used ? LSR_READY : 0);
	case MSR:
		return read_msr(serial);
	default:
		return serial->scr;
	}
}

static size_t fifo_room(const struct serial *serial)
{
	unsigned int size = fifo_size(serial);

	return serial->fifo_used < size ? size - serial->fifo_used : 0;
}

/* Input waits in its source while the FIFO is full; whoever makes the first room calls for more. */
static void serial_access(struct serial *serial, bool write, uint16_t offset, uint8_t *data,
			  unsigned int size)
{
	bool resume;

	pthread_mutex_lock(&serial->lock);
	resume = !fifo_room(serial);
	for (unsigned int i = 0; i < size; i++) {
		if (write)
			write_register(serial, offset + i, data[i]);
		else
			data[i] = read_register(serial, offset + i);
	}
	update_line(serial);
	resume = resume && fifo_room(serial);
	pthread_mutex_unlock(&serial->lock);
	if (resume)
		chardev_resume(serial->chardev);
}

static void serial_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	serial_access(context, false, offset, data, size);
}

static void serial_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	uint8_t copy[4];

	memcpy(copy, data, size);
	serial_access(context, true, offset, copy, size);
}

static size_t input_room(void *context)
{
	struct serial *serial = context;
	size_t room;

	pthread_mutex_lock(&serial->lock);
	room = fifo_room(serial);
	pthread_mutex_unlock(&serial->lock);
	return room;
}

/*
 * The room may have shrunk since it was asked for only if the guest switched its FIFO off: it lost
 * input then.
 */
static void input_take(void *context, const uint8_t *bytes, size_t count)
{
	struct serial *serial = context;

	pthread_mutex_lock(&serial->lock);
	for (size_t i = 0; i < count; i++)
		fifo_put(serial, bytes[i]);
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
}

struct serial *serial_create(const char *spec, unsigned int index, struct loop *loop, int irq_fd,
			     char *error)
{
	struct serial *serial = calloc(1, sizeof(*serial));
	const struct chardev_input input = {input_room, input_take, serial};
	char wrong[ERROR_BYTES];

	if (!serial) {
		error_set(error, "--serial %.150s: out of memory", spec);
		return NULL;
	}
	serial->irq_fd = irq_fd;
	serial->port = index == 0 ? 0x3f8 : 0x2f8;
	pthread_mutex_init(&serial->lock, NULL);
	serial->chardev = chardev_open(spec, loop, &input, wrong);
	if (!serial->chardev) {
		error_set(error, "--serial %.240s", wrong);
		serial_destroy(serial);
		return NULL;
	}
	return serial;
}

void serial_destroy(struct serial *serial)
{
	if (!serial)
		return;
	chardev_close(serial->chardev);
	pthread_mutex_destroy(&serial->lock);
	free(serial);
}

struct pio_device serial_pio(struct serial *serial)
{
	return (struct pio_device){
		.port = serial->port,
		.count = PORTS,
		.context = serial,
		.in = serial_in,
		.out = serial_out,
	};
}

void serial_flush(struct serial *serial)
{
	chardev_flush(serial->chardev);
}
