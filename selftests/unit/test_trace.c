// SPDX-License-Identifier: GPL-2.0
// links: host/vmbus.c host/connection.c host/offer.c host/request.c host/vmbus_query.c
// links: host/channel.c host/channel_buffer.c host/worker.c host/thread.c host/worker_out.c host/worker_trace.c host/gpadl.c host/ring.c host/loop.c host/guestmem.c host/pagemap.c
// links: host/trace.c host/trace_buffer.c host/trace_pcapng.c host/log.c selftests/unit/bus_fixture.c selftests/unit/bus_guest.c
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c
// links: host/vmbus_fault.c host/worker_fault.c
// links: host/fault_names.c host/fault_image.c host/fault_vstor.c host/error.c
/*
 * Traces: every file is parsed back block by block as pcapng wants it, and compared with what was
 * said; also when the buffer is too small, the disk is full, nobody reads, or a trace ends in the
 * middle.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus_fixture.h"
#include "error.h"
#include "log.h"
#include "trace.h"

#define FILE_MAX (32u << 20)
#define INTERFACES_MAX 64

/* A file, parsed. */

struct record {
	uint32_t interface;
	uint64_t time;
	uint32_t captured, original, flags;
	uint64_t dropped;
	const uint8_t *bytes;
	struct trace_header header;
};

struct parsed {
	uint8_t *bytes;
	size_t length;
	unsigned int interface_count, statistics_count;
	char names[INTERFACES_MAX][40];
	uint64_t received[INTERFACES_MAX], dropped[INTERFACES_MAX];
	bool comment[INTERFACES_MAX];
	struct record *records;
	size_t count;
};

static uint32_t get32(const uint8_t *from)
{
	uint32_t number;

	memcpy(&number, from, 4);
	return number;
}

static uint64_t get64(const uint8_t *from)
{
	uint64_t number;

	memcpy(&number, from, 8);
	return number;
}

/* The value of option @code in [@from, @end), which must be well formed; NULL: not there. */
static const uint8_t *find_option(const uint8_t *from, const uint8_t *end, unsigned int code,
				  unsigned int *length)
{
	const uint8_t *found = NULL;

	for (;;) {
		unsigned int this = get32(from) & 0xFFFF, bytes = get32(from) >> 16;

		assert_true(from + 4 <= end);
		from += 4;
		if (!this)
			break;
		if (this == code) {
			found = from;
			*length = bytes;
		}
		from += (bytes + 3) / 4 * 4;
		assert_true(from < end);
	}
	assert_ptr_equal(from, end);
	return found;
}

static void parse_interface(struct parsed *file, const uint8_t *body, const uint8_t *end)
{
	unsigned int length = 0;
	const uint8_t *name = find_option(body + 8, end, 2, &length), *resolution;

	assert_non_null(name);
	assert_int_equal(get32(body), TRACE_LINKTYPE);
	assert_int_equal(get32(body + 4), 0);
	snprintf(file->names[file->interface_count++], 40, "%.*s", (int)length, name);
	resolution = find_option(body + 8, end, 9, &length);
	assert_non_null(resolution);
	assert_int_equal(length, 1);
	assert_int_equal(*resolution, 9);
}

static void parse_packet(struct parsed *file, const uint8_t *body, const uint8_t *end)
{
	struct record *record = &file->records[file->count++];
	unsigned int length = 0;
	const uint8_t *options, *value;

	record->interface = get32(body);
	record->time = (uint64_t)get32(body + 4) << 32 | get32(body + 8);
	record->captured = get32(body + 12);
	record->original = get32(body + 16);
	record->bytes = body + 20 + sizeof(record->header);
	assert_true(record->interface < file->interface_count);
	assert_true(record->captured >= sizeof(record->header));
	assert_true(record->original >= record->captured);
	memcpy(&record->header, body + 20, sizeof(record->header));
	options = body + 20 + (record->captured + 3) / 4 * 4;
	value = find_option(options, end, 2, &length);
	assert_non_null(value);
	record->flags = get32(value);
	value = find_option(options, end, 4, &length);
	record->dropped = value ? get64(value) : 0;
	assert_int_equal(record->header.version, TRACE_HEADER_VERSION);
	assert_int_equal(record->header.direction, record->flags);
	if (file->count > 1)
		assert_true(record->time >= record[-1].time);
}

static void parse_statistics(struct parsed *file, const uint8_t *body, const uint8_t *end)
{
	unsigned int length = 0, interface = get32(body);
	const uint8_t *value = find_option(body + 12, end, 4, &length);

	assert_true(interface < file->interface_count);
	file->statistics_count++;
	file->received[interface] = get64(value);
	file->dropped[interface] = get64(find_option(body + 12, end, 5, &length));
	file->comment[interface] = find_option(body + 12, end, 1, &length);
}

static void parse_block(struct parsed *file, const uint8_t *block, uint32_t length)
{
	const uint8_t *body = block + 8, *end = block + length - 4;

	switch (get32(block)) {
	case 0x0A0D0D0A:
		assert_int_equal(get32(body), 0x1A2B3C4D);
		assert_int_equal(get32(body + 4), 1);
		find_option(body + 16, end, 0, &length);
		break;
	case 1:
		parse_interface(file, body, end);
		break;
	case 5:
		parse_statistics(file, body, end);
		break;
	case 6:
		parse_packet(file, body, end);
		break;
	default:
		fail_msg("unknown block %#x", get32(block));
	}
}

static void parse_bytes(struct parsed *file)
{
	uint32_t length;

	file->records = calloc(file->length / 32 + 1, sizeof(*file->records));
	assert_int_equal(get32(file->bytes), 0x0A0D0D0A);
	for (size_t at = 0; at < file->length; at += length) {
		assert_true(file->length - at >= 12);
		length = get32(file->bytes + at + 4);
		assert_int_equal(length % 4, 0);
		assert_true(length >= 12 && length <= file->length - at);
		assert_int_equal(get32(file->bytes + at + length - 4), length);
		parse_block(file, file->bytes + at, length);
	}
}

static struct parsed *parse(const char *path)
{
	struct parsed *file = calloc(1, sizeof(*file));
	FILE *from = fopen(path, "rb");

	assert_non_null(from);
	file->bytes = calloc(1, FILE_MAX);
	file->length = fread(file->bytes, 1, FILE_MAX, from);
	assert_true(file->length < FILE_MAX);
	fclose(from);
	parse_bytes(file);
	return file;
}

static void forget(struct parsed *file)
{
	free(file->records);
	free(file->bytes);
	free(file);
}

/* Every interface has its last word, and it says what is in the file. */
static void check_statistics(const struct parsed *file)
{
	uint64_t records[INTERFACES_MAX] = { 0 }, dropped[INTERFACES_MAX] = { 0 };

	assert_int_equal(file->statistics_count, file->interface_count);
	for (size_t i = 0; i < file->count; i++) {
		records[file->records[i].interface]++;
		dropped[file->records[i].interface] += file->records[i].dropped;
	}
	for (unsigned int i = 0; i < file->interface_count; i++) {
		assert_int_equal(file->received[i], records[i] + file->dropped[i]);
		assert_true(dropped[i] <= file->dropped[i]); /* the last ones have no record after */
		assert_int_equal(file->comment[i], file->dropped[i] != 0);
	}
}

/* The tests. */

struct world {
	struct trace *trace;
	char folder[64], path[96];
	char error[ERROR_BYTES];
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	strcpy(world->folder, "/tmp/trace-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	snprintf(world->path, sizeof(world->path), "%s/file", world->folder);
	log_set_level(LOG_ERROR);
	world->trace = trace_create();
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	trace_destroy(world->trace);
	unlink(world->path);
	rmdir(world->folder);
	free(world);
	return 0;
}

static int start(struct world *world, struct trace_options options)
{
	if (!options.path)
		options.path = world->path;
	return trace_start(world->trace, &options, world->error);
}

static struct trace_source source_of(struct trace *trace, const char *name, uint32_t relid)
{
	return (struct trace_source){ .trace = trace, .name = name, .relid = relid,
				      .sub_channel = 3, .type = { 1, 2, 3 } };
}

static void record_packet(struct trace_source *source, unsigned int direction, const void *bytes,
			  size_t length)
{
	const struct iovec pieces[2] = { { (void *)bytes, length / 2 },
					 { (char *)bytes + length / 2, length - length / 2 } };

	trace_packet(source, direction, pieces, 2);
}

/* Every length modulo 4, both directions, two channels. */
static void records_come_back(void **state)
{
	struct world *world = *state;
	struct trace_source a = source_of(world->trace, "a", 7), b = source_of(world->trace, "b", 8);
	uint8_t bytes[64];
	struct parsed *file;

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(trace_mode(world->trace), 0);
	assert_int_equal(start(world, (struct trace_options){ 0 }), 0);
	assert_int_equal(trace_mode(world->trace), TRACE_ON);
	for (unsigned int i = 0; i < sizeof(bytes); i++) {
		record_packet(i % 3 ? &a : &b, i % 2 ? TRACE_TO_HOST : TRACE_TO_GUEST, bytes, i);
		trace_control(world->trace, TRACE_TO_HOST, 4, bytes, i);
	}
	assert_int_equal(trace_stop(world->trace, world->error), 0);
	assert_int_equal(trace_mode(world->trace), 0);
	file = parse(world->path);
	check_statistics(file);
	assert_int_equal(file->interface_count, 3);
	assert_string_equal(file->names[0], "control");
	assert_int_equal(file->count, 2 * sizeof(bytes));
	for (unsigned int i = 0; i < sizeof(bytes); i++) {
		const struct record *packet = &file->records[2 * i], *control = packet + 1;

		assert_string_equal(file->names[packet->interface], i % 3 ? "a" : "b");
		assert_int_equal(packet->header.kind, TRACE_PACKET);
		assert_int_equal(packet->header.relid, i % 3 ? 7 : 8);
		assert_int_equal(packet->header.sub_channel, 3);
		assert_memory_equal(packet->header.type, "\1\2\3", 4);
		assert_int_equal(packet->flags, i % 2 ? TRACE_TO_HOST : TRACE_TO_GUEST);
		assert_int_equal(packet->captured, sizeof(struct trace_header) + i);
		assert_memory_equal(packet->bytes, bytes, i);
		assert_int_equal(control->interface, 0);
		assert_int_equal(control->header.kind, TRACE_CONTROL);
		assert_int_equal(control->header.value, 4);
		assert_memory_equal(control->bytes, bytes, i);
	}
	forget(file);
}

static void signals_and_data_are_recorded_if_asked_for(void **state)
{
	struct world *world = *state;
	struct trace_source source = source_of(world->trace, "a", 7);
	struct iovec pieces[2] = { { "hello, ", 7 }, { "disk and all", 12 } };
	struct parsed *file;

	for (int on = 0; on < 2; on++) {
		assert_int_equal(start(world, (struct trace_options){ .signals = on,
								      .data = on ? 11 : 0 }),
				 0);
		trace_doorbell(&source, 5);
		trace_interrupt(&source, 1, 9, true);
		trace_data(&source, TRACE_TO_GUEST, 0x1122334455667788, pieces, 2, 19);
		trace_data(&source, TRACE_TO_HOST, 9, pieces, 1, 7);
		assert_int_equal(trace_stop(world->trace, world->error), 0);
		file = parse(world->path);
		check_statistics(file);
		assert_int_equal(file->count, on ? 4 : 0);
		if (on) {
			const struct record *record = file->records;

			assert_int_equal(record[0].header.kind, TRACE_DOORBELL);
			assert_int_equal(record[0].header.value, 5);
			assert_int_equal(record[1].header.flags, TRACE_FLAG_RAISED);
			assert_int_equal(record[1].flags, TRACE_TO_GUEST);
			assert_int_equal(record[1].header.value, 1);
			assert_int_equal(record[1].header.event_flag, 9);
			assert_int_equal(record[2].header.flags, TRACE_FLAG_CUT);
			assert_int_equal(record[2].header.value, 19);
			assert_int_equal(get64(record[2].bytes), 0x1122334455667788);
			assert_memory_equal(record[2].bytes + 8, "hello, disk", 11);
			assert_int_equal(record[2].original - record[2].captured, 8);
			assert_int_equal(record[3].header.flags, 0);
			assert_int_equal(record[3].captured, sizeof(struct trace_header) + 15);
		}
		forget(file);
	}
}

/* A reader of a FIFO that comes late. */
struct reader {
	int fd;
	struct parsed *file;
};

static void *read_all(void *context)
{
	struct reader *reader = context;
	struct parsed *file = reader->file;
	ssize_t got;

	while ((got = read(reader->fd, file->bytes + file->length, FILE_MAX - file->length)) > 0)
		file->length += got;
	return NULL;
}

static json_int_t query_number(struct world *world, const char *name)
{
	json_t *query = trace_query(world->trace);
	json_int_t value = json_integer_value(json_object_get(query, name));

	json_decref(query);
	return value;
}

/* What does not fit is counted where it is missing, and the file is sound. */
static void full_buffer_drops_and_says_so(void **state)
{
	struct world *world = *state;
	struct trace_source source = source_of(world->trace, "a", 7);
	struct reader reader = { .file = calloc(1, sizeof(*reader.file)) };
	struct parsed *file = reader.file;
	uint8_t bytes[1000] = { 0 };
	uint64_t sent = 0, said = 0;
	pthread_t thread;

	file->bytes = calloc(1, FILE_MAX);
	assert_int_equal(mkfifo(world->path, 0600), 0);
	reader.fd = open(world->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(start(world, (struct trace_options){ .buffer = TRACE_BUFFER_MIN }), 0);
	for (; query_number(world, "lost") < 10; sent++)
		record_packet(&source, TRACE_TO_HOST, bytes, sizeof(bytes));
	fcntl(reader.fd, F_SETFL, 0);
	pthread_create(&thread, NULL, read_all, &reader);
	/* As soon as there is room again, the next record tells what is missing before it. */
	for (json_int_t records = query_number(world, "records");
	     query_number(world, "records") == records; sent++)
		record_packet(&source, TRACE_TO_HOST, bytes, sizeof(bytes));
	assert_int_equal(trace_stop(world->trace, world->error), 0);
	pthread_join(thread, NULL);
	close(reader.fd);
	parse_bytes(file);
	check_statistics(file);
	assert_int_equal(file->received[1], sent);
	assert_int_equal(file->dropped[1], query_number(world, "lost"));
	assert_true(file->dropped[1] >= 10);
	for (size_t i = 0; i < file->count; i++)
		said += file->records[i].dropped;
	assert_int_equal(said, file->dropped[1]);
	forget(file);
}

static void full_disk_is_an_error(void **state)
{
	struct world *world = *state;
	struct trace_source source = source_of(world->trace, "a", 7);
	uint8_t bytes[1000] = { 0 };
	json_t *query;

	assert_int_equal(start(world, (struct trace_options){ .path = "/dev/full" }), 0);
	while (trace_mode(world->trace))
		record_packet(&source, TRACE_TO_HOST, bytes, sizeof(bytes));
	query = trace_query(world->trace);
	assert_string_equal(json_string_value(json_object_get(query, "error")), strerror(ENOSPC));
	json_decref(query);
	assert_int_equal(trace_stop(world->trace, world->error), -ENOSPC);
	assert_string_equal(world->error, strerror(ENOSPC));
}

static void pipe_without_reader_ends(void **state)
{
	struct world *world = *state;
	struct trace_source source = source_of(world->trace, "a", 7);
	static uint8_t bytes[200000];
	int reader;

	assert_int_equal(mkfifo(world->path, 0600), 0);
	reader = open(world->path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(start(world, (struct trace_options){ 0 }), 0);
	record_packet(&source, TRACE_TO_HOST, bytes, sizeof(bytes)); /* more than the pipe holds */
	assert_int_equal(trace_stop(world->trace, world->error), -ETIMEDOUT);
	assert_int_equal(start(world, (struct trace_options){ 0 }), 0);
	close(reader);
	record_packet(&source, TRACE_TO_HOST, bytes, sizeof(bytes));
	assert_int_equal(trace_stop(world->trace, world->error), -EPIPE);
}

static void refusals_say_why(void **state)
{
	struct world *world = *state;

	assert_int_equal(trace_stop(world->trace, world->error), -ENOENT);
	assert_int_equal(start(world, (struct trace_options){ .path = "/nowhere/file" }), -ENOENT);
	assert_int_equal(start(world, (struct trace_options){ .path = "/tmp" }), -EISDIR);
	assert_int_equal(mkfifo(world->path, 0600), 0);
	assert_int_equal(start(world, (struct trace_options){ 0 }), -ENXIO);
	assert_string_equal(world->error, "nobody reads this pipe");
	unlink(world->path);
	assert_int_equal(start(world, (struct trace_options){ 0 }), 0);
	assert_int_equal(start(world, (struct trace_options){ 0 }), -EALREADY);
	/* A trace that still runs is ended with its owner: teardown. */
}

#define THREADS 4
#define EACH	20000

static void *record_many(void *context)
{
	struct trace_source *source = context;

	for (uint32_t i = 0; i < EACH; i++)
		record_packet(source, TRACE_TO_HOST, &i, sizeof(i));
	return NULL;
}

/* Nothing is lost or mixed up between threads. */
static void threads_record_at_once(void **state)
{
	static const char *const names[THREADS] = { "a", "b", "c", "c" };
	struct world *world = *state;
	struct trace_source sources[THREADS];
	uint32_t next[THREADS] = { 0 };
	pthread_t threads[THREADS];
	struct parsed *file;

	assert_int_equal(start(world, (struct trace_options){ .buffer = 32 << 20 }), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		sources[i] = source_of(world->trace, names[i], i);
		pthread_create(&threads[i], NULL, record_many, &sources[i]);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(trace_stop(world->trace, world->error), 0);
	file = parse(world->path);
	check_statistics(file);
	assert_int_equal(file->interface_count, 4); /* control, a, b, and both channels called c */
	assert_int_equal(file->count, THREADS * EACH);
	for (size_t i = 0; i < file->count; i++) {
		const struct record *record = &file->records[i];

		assert_int_equal(get32(record->bytes), next[record->header.relid]++);
	}
	forget(file);
}

/* The bus and a worker under a trace. */

static size_t count_kind(const struct parsed *file, unsigned int kind, unsigned int direction,
			 uint32_t type)
{
	size_t count = 0;

	for (size_t i = 0; i < file->count; i++) {
		const struct record *record = &file->records[i];

		count += record->header.kind == kind && record->flags == direction &&
			 (!type || get32(record->bytes) == type);
	}
	return count;
}

static json_int_t counted(struct bus *bus, const char *direction, const char *name)
{
	json_t *query = bus_query(bus);
	json_int_t value = json_integer_value(json_object_get(
		json_object_get(json_object_get(query, "messages"), direction), name));

	json_decref(query);
	return value;
}

static void bus_says_what_it_said(void **state)
{
	struct world *world = *state;
	struct bus *bus = bus_start(0, 1);
	struct trace_options options = { .path = world->path, .signals = true };
	struct parsed *file;
	struct guest *guest;
	size_t answers = 0;

	assert_int_equal(trace_start(bus->trace, &options, world->error), 0);
	bus_connect(bus, VMBUS_VERSION_WIN10_V5_3);
	guest = guest_open(bus, 1, 4);
	for (unsigned int i = 0; i < 50; i++) {
		assert_int_equal(guest_send(guest, 100 + i, "abcdefghi", i % 10), 0);
		assert_true(guest_receive(guest));
	}
	guest_close(guest);
	assert_int_equal(trace_stop(bus->trace, world->error), 0);
	file = parse(world->path);
	check_statistics(file);
	assert_int_equal(count_kind(file, TRACE_CONTROL, TRACE_TO_HOST, CHANMSG_OPEN),
			 counted(bus, "in", "OPEN"));
	assert_int_equal(count_kind(file, TRACE_CONTROL, TRACE_TO_HOST, CHANMSG_OPEN), 1);
	assert_int_equal(count_kind(file, TRACE_CONTROL, TRACE_TO_GUEST, CHANMSG_OFFER),
			 counted(bus, "out", "OFFER"));
	assert_int_equal(count_kind(file, TRACE_PACKET, TRACE_TO_HOST, 0),
			 bus_channel_number(bus, 0, "packets_in"));
	assert_int_equal(count_kind(file, TRACE_PACKET, TRACE_TO_GUEST, 0),
			 bus_channel_number(bus, 0, "packets_out"));
	assert_int_equal(count_kind(file, TRACE_INTERRUPT, TRACE_TO_GUEST, 0),
			 bus_channel_number(bus, 0, "interrupts"));
	for (size_t i = 0; i < file->count; i++) {
		const struct record *record = &file->records[i];
		struct packet_desc desc;

		if (record->header.kind != TRACE_PACKET)
			continue;
		memcpy(&desc, record->bytes, sizeof(desc));
		assert_int_equal(desc.len8 * 8 + sizeof(struct trace_header), record->captured);
		if (record->flags == TRACE_TO_GUEST) {
			assert_int_equal(desc.transaction_id, 100 + answers);
			assert_memory_equal(record->bytes + desc.offset8 * 8, "abcdefghi",
					    answers % 10);
			answers++;
		}
	}
	assert_int_equal(answers, 50);
	forget(file);
	bus_stop(bus);
}

/* Two traces one after the other, begun and ended while packets flow. */
static void traces_begin_and_end_under_load(void **state)
{
	struct world *world = *state;
	struct bus *bus = bus_start(0, 1);
	struct trace_options options = { .path = world->path };
	struct guest *guest;

	bus_connect(bus, VMBUS_VERSION_WIN10_V5_3);
	guest = guest_open(bus, 1, 4);
	for (unsigned int round = 0; round < 20; round++) {
		struct parsed *file;

		for (unsigned int i = 0; i < 20; i++)
			assert_int_equal(guest_send(guest, i, "x", 1), 0);
		assert_int_equal(trace_start(bus->trace, &options, world->error), 0);
		assert_int_equal(guest_send(guest, 20, "x", 1), 0);
		for (unsigned int i = 0; i < 10; i++)
			assert_true(guest_receive(guest));
		assert_int_equal(trace_stop(bus->trace, world->error), 0);
		for (unsigned int i = 0; i < 11; i++)
			assert_true(guest_receive(guest));
		file = parse(world->path);
		check_statistics(file);
		assert_true(file->interface_count <= 2);
		forget(file);
	}
	guest_close(guest);
	bus_stop(bus);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(records_come_back),
		CASE(signals_and_data_are_recorded_if_asked_for),
		CASE(full_buffer_drops_and_says_so),
		CASE(full_disk_is_an_error),
		CASE(pipe_without_reader_ends),
		CASE(refusals_say_why),
		CASE(threads_record_at_once),
		CASE(bus_says_what_it_said),
		CASE(traces_begin_and_end_under_load),
	};

	signal(SIGPIPE, SIG_DFL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
