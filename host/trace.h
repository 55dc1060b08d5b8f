/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A trace of what guest and host say to each other, as a pcapng file: control messages, ring packets
 * and, if asked for, doorbells, interrupts and guest data. docs/trace.md shows how to read it.
 * It knows bytes and names only: what they mean is the reader's business.
 * Invariant: whoever records never waits for the disk: what does not fit into the buffer is dropped
 * and counted, and the file says so.
 */
#ifndef HVIS_HOST_TRACE_H
#define HVIS_HOST_TRACE_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define TRACE_BUFFER_DEFAULT (8u << 20)
#define TRACE_BUFFER_MIN     (64u << 10)
#define TRACE_BUFFER_MAX     (1u << 30)
#define TRACE_DATA_MAX	     (64u << 10)
#define TRACE_LINKTYPE	     147 /* LINKTYPE_USER0 */

/* What a record is. */
enum trace_kind {
	TRACE_CONTROL = 1, /* one control message */
	TRACE_PACKET = 2, /* one ring packet from its descriptor on, without its trailer */
	TRACE_DOORBELL = 3, /* HvSignalEvent as the worker heard it; no bytes */
	TRACE_INTERRUPT = 4, /* an event flag was set for the guest; no bytes */
	TRACE_DATA = 5, /* a transaction id, then guest memory that it names */
};

/* Directions, the same values as in pcapng's epb_flags: the host is at the centre. */
#define TRACE_TO_HOST  1
#define TRACE_TO_GUEST 2

#define TRACE_FLAG_CUT	  1 /* DATA: there was more than data=BYTES allows */
#define TRACE_FLAG_RAISED 2 /* INTERRUPT: raised; without it the event flag was still set */

#define TRACE_HEADER_VERSION 1

/* Before the bytes of every record, little-endian. The host writes it, the dissector reads it. */
struct trace_header {
	uint8_t version; /* TRACE_HEADER_VERSION */
	uint8_t kind; /* enum trace_kind */
	uint8_t direction; /* TRACE_TO_* */
	uint8_t flags; /* TRACE_FLAG_* */
	uint32_t relid; /* the channel's; 0 with control messages */
	/*
	 * CONTROL to the host: its connection id, to the guest: the VP that gets it. DOORBELL: how
	 * many. INTERRUPT: the VP. DATA: bytes in all.
	 */
	uint32_t value;
	uint16_t sub_channel; /* 0: the primary channel */
	uint16_t event_flag; /* INTERRUPT: the one that was set, which should be the relid */
	uint8_t type[16]; /* interface type GUID of the offer; 0 with control messages */
};
_Static_assert(sizeof(struct trace_header) == 32, "trace header");

/* What trace_mode() has while a trace runs. */
#define TRACE_ON      1u
#define TRACE_SIGNALS 2u /* doorbells and interrupts, too */
#define TRACE_BYTES   4u /* guest data, too */

/* struct trace begins with it, so that looking whether a trace runs is one load in place. */
struct trace_switch {
	atomic_uint mode; /* TRACE_ON ... or 0 */
};

struct trace;
struct trace_file;

/* Whose records they are: one of each channel. But for the last two fixed before the first record. */
struct trace_source {
	struct trace *trace; /* NULL: never traced */
	const char *name; /* of the interface in the file; the same name is the same interface */
	uint32_t relid;
	uint16_t sub_channel;
	uint8_t type[16];
	uint32_t run; /* trace.c's: the trace for which @interface is right */
	uint32_t interface;
};

struct trace_options {
	const char *path;
	bool signals;
	uint32_t data; /* bytes of guest data per transfer, at most TRACE_DATA_MAX; 0: none */
	uint32_t buffer; /* bytes; 0: TRACE_BUFFER_DEFAULT */
};

/** trace_mode() - what is recorded now, 0: nothing. @trace may be NULL. Any thread. */
static inline unsigned int trace_mode(const struct trace *trace)
{
	const struct trace_switch *first = (const void *)trace;

	return __builtin_expect(!!first, 1) ? atomic_load_explicit(&first->mode, memory_order_relaxed)
					    : 0;
}

/** trace_create() - nothing is recorded yet. Return: NULL when out of memory. */
struct trace *trace_create(void);
/** trace_destroy() - no thread records any more; a trace that runs is ended. NULL is allowed. */
void trace_destroy(struct trace *trace);

/**
 * trace_start() - open the file and record from now on
 * @error: ERROR_BYTES; one line without the path on failure
 *
 * A FIFO must have a reader. Main thread, as the next two. Return: 0 or negative errno; -EALREADY
 * if a trace runs.
 */
int trace_start(struct trace *trace, const struct trace_options *options, char *error);
/**
 * trace_stop() - write out what is in the buffer and close the file
 * @error: ERROR_BYTES; one line on failure
 *
 * Waits for the disk; for a FIFO that nobody reads a few seconds at most. Return: 0; -ENOENT if no
 * trace runs; negative errno if the file is not complete, for example -ENOSPC.
 */
int trace_stop(struct trace *trace, char *error);
/** trace_query() - the trace that runs, or the last one, as JSON (new reference); null: none. */
json_t *trace_query(struct trace *trace);

/*
 * Records. Call them only if trace_mode() says so; a trace that ends meanwhile is no error. Any
 * thread, a source only one at a time; they take a lock for the time of a copy.
 */

/** trace_control() - a control message; @value as in struct trace_header. */
void trace_control(struct trace *trace, unsigned int direction, uint32_t value, const void *message,
		   uint32_t bytes);
/** trace_packet() - a ring packet in at most 4 pieces. */
void trace_packet(struct trace_source *source, unsigned int direction, const struct iovec *pieces,
		  unsigned int count);
/** trace_doorbell() - a worker heard of @count doorbells, if signals are recorded. */
void trace_doorbell(struct trace_source *source, uint32_t count);
/** trace_interrupt() - @event_flag was set for @vp, @raised: with an interrupt, if signals are. */
void trace_interrupt(struct trace_source *source, uint32_t vp, uint32_t event_flag, bool raised);
/**
 * trace_data() - guest memory that @transaction_id names, as it is now, if data is recorded
 * @pieces: pointers into guest memory, @bytes in all
 */
void trace_data(struct trace_source *source, unsigned int direction, uint64_t transaction_id,
		const struct iovec *pieces, unsigned int count, uint64_t bytes);

#endif
