// SPDX-License-Identifier: GPL-2.0
/*
 * The trace: one lock that puts records of all threads in the order of their times, the interfaces
 * of the file, starting and stopping. Blocks are trace_pcapng.c's, writing is trace_buffer.c's.
 * Invariant: the buffer is there exactly while a trace runs, and used under the lock only.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "log.h"
#include "trace.h"
#include "trace_buffer.h"
#include "trace_pcapng.h"

#define APPLICATION	"hvis-host"
#define INTERFACES_MAX	4096u
#define NAME_BYTES	32
#define DATA_PIECES_MAX 24u
#define PIECES_MAX	(DATA_PIECES_MAX + 4) /* head, trace_header, transaction id, ..., tail */

struct interface {
	char name[NAME_BYTES];
	uint64_t received, dropped;
	uint64_t unreported; /* of those dropped: since its last record in the file */
};

struct trace {
	struct trace_switch first;
	pthread_mutex_t lock;
	struct trace_buffer *buffer;
	uint32_t run; /* grows with each trace */
	uint32_t data; /* bytes per transfer */
	struct interface *interfaces;
	unsigned int interface_count, interface_room;
	uint64_t nameless; /* lost before their interface was in the file */
	uint64_t started; /* nanoseconds since 1970 */
	/* The main thread's. */
	int fd;
	char *path;
	bool signals;
	uint64_t written; /* bytes; of a trace that has ended */
	int error;
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* Under the lock, as all below up to the records. Return: false if there is no room for it. */
static bool add_block(struct trace *trace, const char *block, size_t length)
{
	const struct iovec piece = { (void *)block, length };

	return trace_buffer_add(trace->buffer, &piece, 1);
}

static bool make_room(struct trace *trace)
{
	unsigned int room = trace->interface_room ? 2 * trace->interface_room : 16;
	struct interface *bigger;

	if (trace->interface_count < trace->interface_room)
		return true;
	if (trace->interface_count == INTERFACES_MAX)
		return false;
	bigger = realloc(trace->interfaces, room * sizeof(*bigger));
	if (!bigger)
		return false;
	trace->interfaces = bigger;
	trace->interface_room = room;
	return true;
}

/* Return: its number, or -1: no room, and the file does not have it. */
static int add_interface(struct trace *trace, const char *name, const char *description)
{
	char block[PCAPNG_BLOCK_MAX];
	struct interface *interface;

	if (!make_room(trace) ||
	    !add_block(trace, block, pcapng_interface(block, TRACE_LINKTYPE, name, description)))
		return -1;
	interface = &trace->interfaces[trace->interface_count];
	memset(interface, 0, sizeof(*interface));
	snprintf(interface->name, sizeof(interface->name), "%s", name);
	return (int)trace->interface_count++;
}

static int find_interface(struct trace *trace, const char *name)
{
	for (unsigned int i = 0; i < trace->interface_count; i++)
		if (!strncmp(trace->interfaces[i].name, name, NAME_BYTES - 1))
			return (int)i;
	return -1;
}

/* Interface 0 is that of the control messages. */
static struct interface *interface_of(struct trace *trace, struct trace_source *source)
{
	int number;

	if (!source)
		return &trace->interfaces[0];
	if (source->run != trace->run) {
		number = find_interface(trace, source->name);
		if (number < 0)
			number = add_interface(trace, source->name, "a VMBus channel");
		if (number < 0)
			return NULL;
		source->run = trace->run;
		source->interface = (uint32_t)number;
	}
	return &trace->interfaces[source->interface];
}

static void lose(struct trace *trace, struct interface *interface)
{
	int error = trace_buffer_error(trace->buffer);

	if (interface) {
		interface->dropped++;
		interface->unreported++;
	} else {
		trace->nameless++;
	}
	if (!error || !atomic_exchange(&trace->first.mode, 0))
		return;
	log_warn("trace %s: %s: nothing more is recorded", trace->path, strerror(-error));
}

/* @pieces[0] and the one behind the last are left free for the block's head and tail. */
static void record(struct trace *trace, struct interface *interface, struct iovec *pieces,
		   unsigned int count, uint64_t beyond)
{
	struct pcapng_packet packet = { .nanoseconds = now() };
	const struct trace_header *header = pieces[1].iov_base;
	struct pcapng_packet_head head;
	char tail[PCAPNG_TAIL_MAX];

	if (!interface) {
		lose(trace, NULL);
		return;
	}
	for (unsigned int i = 1; i < count; i++)
		packet.captured += (uint32_t)pieces[i].iov_len;
	packet.interface = (uint32_t)(interface - trace->interfaces);
	packet.original = packet.captured + (uint32_t)beyond;
	packet.direction = header->direction;
	packet.dropped = interface->unreported;
	pieces[count].iov_len = pcapng_packet(&packet, &head, tail);
	pieces[count].iov_base = tail;
	pieces[0] = (struct iovec){ &head, sizeof(head) };
	if (!trace_buffer_add(trace->buffer, pieces, count + 1)) {
		lose(trace, interface);
		return;
	}
	interface->received++;
	interface->unreported = 0;
}

static void record_locked(struct trace *trace, struct trace_source *source, struct iovec *pieces,
			  unsigned int count, uint64_t beyond)
{
	pthread_mutex_lock(&trace->lock);
	if (trace->buffer)
		record(trace, interface_of(trace, source), pieces, count, beyond);
	pthread_mutex_unlock(&trace->lock);
}

static void fill_header(struct trace_header *header, const struct trace_source *source,
			enum trace_kind kind, unsigned int direction)
{
	*header = (struct trace_header){
		.version = TRACE_HEADER_VERSION,
		.kind = kind,
		.direction = (uint8_t)direction,
		.relid = source->relid,
		.sub_channel = source->sub_channel,
	};
	memcpy(header->type, source->type, sizeof(header->type));
}

void trace_control(struct trace *trace, unsigned int direction, uint32_t value, const void *message,
		   uint32_t bytes)
{
	struct trace_header header = { .version = TRACE_HEADER_VERSION,
				       .kind = TRACE_CONTROL,
				       .direction = (uint8_t)direction,
				       .value = value };
	struct iovec pieces[4] = { [1] = { &header, sizeof(header) },
				   [2] = { (void *)message, bytes } };

	record_locked(trace, NULL, pieces, 3, 0);
}

void trace_packet(struct trace_source *source, unsigned int direction, const struct iovec *given,
		  unsigned int count)
{
	struct trace_header header;
	struct iovec pieces[PIECES_MAX] = { [1] = { &header, sizeof(header) } };

	fill_header(&header, source, TRACE_PACKET, direction);
	memcpy(pieces + 2, given, count * sizeof(*given));
	record_locked(source->trace, source, pieces, 2 + count, 0);
}

static void record_signal(struct trace_source *source, struct trace_header *header)
{
	struct iovec pieces[3] = { [1] = { header, sizeof(*header) } };

	record_locked(source->trace, source, pieces, 2, 0);
}

void trace_doorbell(struct trace_source *source, uint32_t count)
{
	struct trace_header header;

	if (!(trace_mode(source->trace) & TRACE_SIGNALS))
		return;
	fill_header(&header, source, TRACE_DOORBELL, TRACE_TO_HOST);
	header.value = count;
	record_signal(source, &header);
}

void trace_interrupt(struct trace_source *source, uint32_t vp, uint32_t event_flag, bool raised)
{
	struct trace_header header;

	if (!(trace_mode(source->trace) & TRACE_SIGNALS))
		return;
	fill_header(&header, source, TRACE_INTERRUPT, TRACE_TO_GUEST);
	header.value = vp;
	header.event_flag = (uint16_t)event_flag;
	header.flags = raised ? TRACE_FLAG_RAISED : 0;
	record_signal(source, &header);
}

/* The first bytes of @given, as far as pieces and @limit go. Return: pieces used. */
static unsigned int take_front(struct iovec *to, const struct iovec *given, unsigned int count,
			       uint64_t *limit)
{
	unsigned int used = 0;

	while (used < count && used < DATA_PIECES_MAX && *limit) {
		to[used] = given[used];
		if (to[used].iov_len > *limit)
			to[used].iov_len = *limit;
		*limit -= to[used++].iov_len;
	}
	return used;
}

void trace_data(struct trace_source *source, unsigned int direction, uint64_t transaction_id,
		const struct iovec *given, unsigned int count, uint64_t bytes)
{
	struct trace *trace = source->trace;
	struct trace_header header;
	struct iovec pieces[PIECES_MAX] = { [1] = { &header, sizeof(header) },
					    [2] = { &transaction_id, sizeof(transaction_id) } };
	uint64_t wanted, left;
	unsigned int used;

	if (!(trace_mode(trace) & TRACE_BYTES))
		return;
	pthread_mutex_lock(&trace->lock);
	wanted = left = bytes < trace->data ? bytes : trace->data;
	used = take_front(pieces + 3, given, count, &left);
	fill_header(&header, source, TRACE_DATA, direction);
	header.value = (uint32_t)bytes;
	header.flags = wanted - left < bytes ? TRACE_FLAG_CUT : 0;
	if (trace->buffer)
		record(trace, interface_of(trace, source), pieces, 3 + used,
		       bytes - (wanted - left));
	pthread_mutex_unlock(&trace->lock);
}

struct trace *trace_create(void)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return NULL;
	trace->fd = -1;
	pthread_mutex_init(&trace->lock, NULL);
	return trace;
}

void trace_destroy(struct trace *trace)
{
	char error[ERROR_BYTES];

	if (!trace)
		return;
	if (trace->fd >= 0)
		trace_stop(trace, error);
	pthread_mutex_destroy(&trace->lock);
	free(trace->interfaces);
	free(trace->path);
	free(trace);
}

/* A pipe without a reader would hold up its opener for ever: non-blocking. */
static int open_file(const char *path, char *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
	int ret = -errno;

	if (fd < 0)
		error_set(error, "%s", ret == -ENXIO ? "nobody reads this pipe" : strerror(-ret));
	return fd < 0 ? ret : fd;
}

static bool begin_file(struct trace *trace)
{
	char block[PCAPNG_BLOCK_MAX];

	trace->interface_count = 0;
	return add_block(trace, block, pcapng_section(block, APPLICATION)) &&
	       add_interface(trace, "control", "VMBus control messages") == 0;
}

/* Return: 0 or negative errno. */
static int begin(struct trace *trace, const struct trace_options *options)
{
	int ret = 0;

	trace->path = strdup(options->path);
	pthread_mutex_lock(&trace->lock);
	trace->buffer = trace->path ? trace_buffer_create(trace->fd, options->buffer
									     ? options->buffer
									     : TRACE_BUFFER_DEFAULT)
				    : NULL;
	if (trace->buffer) {
		trace->run++;
		trace->data = options->data;
		trace->nameless = 0;
		trace->started = now();
		if (!begin_file(trace)) {
			trace_buffer_destroy(trace->buffer);
			trace->buffer = NULL;
		}
	}
	if (!trace->buffer)
		ret = -ENOMEM;
	pthread_mutex_unlock(&trace->lock);
	return ret;
}

int trace_start(struct trace *trace, const struct trace_options *options, char *error)
{
	int ret;

	if (trace->fd >= 0) {
		error_set(error, "a trace runs already, to %.200s", trace->path);
		return -EALREADY;
	}
	ret = open_file(options->path, error);
	if (ret < 0)
		return ret;
	trace->fd = ret;
	free(trace->path);
	ret = begin(trace, options);
	if (ret) {
		error_set(error, "%s", strerror(-ret));
		close(trace->fd);
		trace->fd = -1;
		return ret;
	}
	trace->signals = options->signals;
	trace->error = 0;
	atomic_store(&trace->first.mode, TRACE_ON | (options->signals ? TRACE_SIGNALS : 0) |
						 (options->data ? TRACE_BYTES : 0));
	return 0;
}

static uint64_t lost(const struct trace *trace)
{
	uint64_t sum = trace->nameless;

	for (unsigned int i = 0; i < trace->interface_count; i++)
		sum += trace->interfaces[i].dropped;
	return sum;
}

/* The last block of an interface. Return: 0 or negative errno. */
static int end_interface(struct trace *trace, struct trace_buffer *buffer, unsigned int number)
{
	const struct interface *interface = &trace->interfaces[number];
	const struct pcapng_statistics statistics = {
		.interface = number,
		.start = trace->started,
		.end = now(),
		.received = interface->received + interface->dropped,
		.dropped = interface->dropped,
	};
	char block[PCAPNG_BLOCK_MAX], comment[100];
	struct iovec piece = { block, 0 };
	int ret;

	snprintf(comment, sizeof(comment), "%llu records are missing: the buffer was full",
		 (unsigned long long)interface->dropped);
	piece.iov_len = pcapng_statistics(block, &statistics, interface->dropped ? comment : NULL);
	if (trace_buffer_add(buffer, &piece, 1))
		return 0;
	ret = trace_buffer_drain(buffer);
	if (!ret && !trace_buffer_add(buffer, &piece, 1))
		ret = -ENOBUFS;
	return ret;
}

static int end_file(struct trace *trace, struct trace_buffer *buffer)
{
	int ret = trace_buffer_drain(buffer);

	for (unsigned int i = 0; !ret && i < trace->interface_count; i++)
		ret = end_interface(trace, buffer, i);
	if (!ret)
		ret = trace_buffer_drain(buffer);
	trace->written = trace_buffer_written(buffer);
	trace_buffer_destroy(buffer);
	if (close(trace->fd) && !ret)
		ret = -errno;
	trace->fd = -1;
	return ret;
}

int trace_stop(struct trace *trace, char *error)
{
	struct trace_buffer *buffer;

	if (trace->fd < 0) {
		error_set(error, "no trace runs");
		return -ENOENT;
	}
	atomic_store(&trace->first.mode, 0);
	pthread_mutex_lock(&trace->lock);
	buffer = trace->buffer;
	trace->buffer = NULL; /* from here on nobody records, nor touches the interfaces */
	pthread_mutex_unlock(&trace->lock);
	trace->error = end_file(trace, buffer);
	if (lost(trace))
		log_warn("trace %s: %llu records are missing: the buffer was full", trace->path,
			 (unsigned long long)lost(trace));
	if (trace->error == -ETIMEDOUT)
		error_set(error, "the end is missing: nobody reads this pipe");
	else if (trace->error)
		error_set(error, "%s", strerror(-trace->error));
	return trace->error;
}

json_t *trace_query(struct trace *trace)
{
	uint64_t received = 0, missing, written = trace->written;
	int error = trace->error;
	json_t *object;

	if (!trace->path)
		return json_null();
	pthread_mutex_lock(&trace->lock);
	for (unsigned int i = 0; i < trace->interface_count; i++)
		received += trace->interfaces[i].received;
	missing = lost(trace);
	if (trace->buffer) {
		written = trace_buffer_written(trace->buffer);
		error = trace_buffer_error(trace->buffer);
	}
	pthread_mutex_unlock(&trace->lock);
	object = json_pack("{s:b, s:b, s:i, s:i, s:I, s:I, s:I}", "running", trace->fd >= 0,
			   "signals", (int)trace->signals, "data", (int)trace->data, "interfaces",
			   (int)trace->interface_count, "records", (json_int_t)received, "lost",
			   (json_int_t)missing, "bytes", (json_int_t)written);
	/* A path may hold any bytes, JSON only UTF-8: then it is left out. */
	json_object_set_new(object, "file", json_string(trace->path));
	json_object_set_new(object, "error", error ? json_string(strerror(-error)) : json_null());
	return object;
}
