// SPDX-License-Identifier: GPL-2.0
// links: host/serial.c host/chardev.c host/unix_socket.c host/loop.c host/log.c host/error.c
/*
 * The serial port as a driver sees it (detection, interrupts, FIFO) and its files and sockets from
 * the other side.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "serial.h"

enum {
	DATA = 0,
	IER = 1,
	IIR = 2,
	FCR = 2,
	LCR = 3,
	MCR = 4,
	LSR = 5,
	MSR = 6,
	SCR = 7
};

struct port {
	char directory[64];
	char path[96];
	struct loop *loop;
	pthread_t thread;
	int irq;
	struct serial *serial;
	struct pio_device pio;
	struct loop_work call;
	sem_t called;
};

static int make_port(void **state)
{
	struct port *port = calloc(1, sizeof(*port));

	strcpy(port->directory, "/tmp/hvis-test-serial-XXXXXX");
	if (!mkdtemp(port->directory))
		return -1;
	snprintf(port->path, sizeof(port->path), "%s/port", port->directory);
	port->loop = loop_create(16, NULL, NULL);
	port->irq = eventfd(0, EFD_NONBLOCK);
	*state = port;
	return port->loop && port->irq >= 0 ? 0 : -1;
}

static int remove_port(void **state)
{
	struct port *port = *state;

	loop_destroy(port->loop);
	close(port->irq);
	unlink(port->path);
	rmdir(port->directory);
	free(port);
	return 0;
}

static void *run_loop(void *context)
{
	struct port *port = context;

	assert_int_equal(loop_run(port->loop), 0);
	return NULL;
}

static void open_port(struct port *port, const char *kind)
{
	char spec[128];
	char error[ERROR_BYTES] = "";

	snprintf(spec, sizeof(spec), "%s%s", kind, strchr(kind, '=') ? port->path : "");
	port->serial = serial_create(spec, 0, port->loop, port->irq, error);
	if (!port->serial)
		fail_msg("%s", error);
	port->pio = serial_pio(port->serial);
	assert_int_equal(pthread_create(&port->thread, NULL, run_loop, port), 0);
}

static void close_port(struct port *port)
{
	loop_stop(port->loop);
	pthread_join(port->thread, NULL);
	serial_destroy(port->serial);
}

static void out(struct port *port, uint16_t offset, uint8_t value)
{
	port->pio.out(port->pio.context, offset, &value, 1);
}

static uint8_t in(struct port *port, uint16_t offset)
{
	uint8_t value = 0xee;

	port->pio.in(port->pio.context, offset, &value, 1);
	return value;
}

static void puts_port(struct port *port, const char *text)
{
	while (*text)
		out(port, DATA, (uint8_t)*text++);
}

/* How often the interrupt line rose since the last time. */
static unsigned int interrupts(const struct port *port)
{
	eventfd_t count = 0;

	return eventfd_read(port->irq, &count) ? 0 : (unsigned int)count;
}

static void wait_interrupt(const struct port *port)
{
	struct pollfd poll_fd = {.fd = port->irq, .events = POLLIN};

	assert_int_equal(poll(&poll_fd, 1, 10000), 1);
}

/* What Linux's 8250 driver looks at to tell a 16550A from its relatives. */
static void a_driver_finds_a_16550a(void **state)
{
	struct port *port = *state;

	open_port(port, "null");
	assert_int_equal(port->pio.port, 0x3f8);
	assert_int_equal(port->pio.count, 8);
	out(port, IER, 0xff);
	assert_int_equal(in(port, IER), 0x0f);
	out(port, IER, 0);
	assert_int_equal(in(port, IER), 0);
	out(port, MCR, 0x1a); /* loop, RTS, OUT2 */
	assert_int_equal(in(port, MSR) & 0xf0, 0x90);
	out(port, MCR, 0);
	assert_int_equal(in(port, MSR) & 0xf0, 0xb0);
	assert_int_equal(in(port, IIR), 0x01);
	out(port, FCR, 0x01);
	assert_int_equal(in(port, IIR), 0xc1);
	out(port, LCR, 0x80);
	out(port, DATA, 0x0c);
	out(port, IER, 0x01);
	assert_int_equal(in(port, DATA), 0x0c);
	assert_int_equal(in(port, IER), 0x01);
	out(port, LCR, 0x13);
	assert_int_equal(in(port, LCR), 0x13);
	assert_int_equal(in(port, IER), 0);
	out(port, SCR, 0x5a);
	assert_int_equal(in(port, SCR), 0x5a);
	assert_int_equal(in(port, LSR), 0x60);
	assert_int_equal(interrupts(port), 0);
	close_port(port);
}

static void empty_transmitter_interrupts_once(void **state)
{
	struct port *port = *state;

	open_port(port, "null");
	out(port, FCR, 0x01);
	out(port, IER, 0x02);
	assert_int_equal(interrupts(port), 0); /* OUT2 does not connect the line yet */
	out(port, MCR, 0x08);
	assert_int_equal(interrupts(port), 1);
	out(port, IER, 0x00);
	out(port, IER, 0x02);
	assert_int_equal(interrupts(port), 1);
	assert_int_equal(in(port, IIR), 0xc2);
	assert_int_equal(in(port, IIR), 0xc1); /* reading it told it */
	assert_int_equal(interrupts(port), 0);
	puts_port(port, "sixteen bytes...");
	assert_int_equal(interrupts(port), 1);
	assert_int_equal(in(port, IIR), 0xc2);
	assert_int_equal(in(port, IIR), 0xc1);
	close_port(port);
}

static void loop_mode_fills_the_fifo(void **state)
{
	struct port *port = *state;

	open_port(port, "null");
	out(port, FCR, 0x81); /* trigger level 8 */
	out(port, IER, 0x01);
	out(port, MCR, 0x18);
	for (unsigned int i = 0; i < 20; i++)
		out(port, DATA, (uint8_t)(0x40 + i));
	assert_int_equal(in(port, IIR), 0xc4);
	assert_int_equal(interrupts(port), 0); /* loop mode cuts the line */
	out(port, MCR, 0x08);
	assert_int_equal(interrupts(port), 1);
	for (unsigned int i = 0; i < 16; i++) {
		assert_int_equal(in(port, LSR), 0x61);
		assert_int_equal(in(port, IIR), i <= 8 ? 0xc4 : 0xcc);
		assert_int_equal(in(port, DATA), 0x40 + i);
	}
	assert_int_equal(in(port, LSR), 0x60);
	assert_int_equal(in(port, IIR), 0xc1);
	assert_int_equal(in(port, DATA), 0);
	out(port, MCR, 0x10);
	out(port, DATA, 1);
	out(port, FCR, 0x03); /* clear */
	assert_int_equal(in(port, LSR), 0x60);
	close_port(port);
}

static size_t read_file(const char *path, char *text, size_t bytes)
{
	FILE *file = fopen(path, "r");
	size_t count;

	assert_non_null(file);
	count = fread(text, 1, bytes - 1, file);
	text[count] = 0;
	fclose(file);
	return count;
}

static void lines_reach_the_file_at_once(void **state)
{
	struct port *port = *state;
	char text[256];

	open_port(port, "file=");
	puts_port(port, "first line\nand the rest");
	read_file(port->path, text, sizeof(text));
	assert_ptr_equal(strstr(text, "first line\n"), text);
	serial_flush(port->serial);
	read_file(port->path, text, sizeof(text));
	assert_string_equal(text, "first line\nand the rest");
	puts_port(port, ", not lost");
	close_port(port);
	read_file(port->path, text, sizeof(text));
	assert_string_equal(text, "first line\nand the rest, not lost");
}

/* A prompt has no newline: it must appear by itself. The wait ends with its arrival. */
static void a_prompt_appears_without_newline(void **state)
{
	struct port *port = *state;
	char text[16];
	int ends[2];
	int saved = dup(STDOUT_FILENO);

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDOUT_FILENO);
	open_port(port, "stdio");
	puts_port(port, "login: ");
	for (size_t got = 0; got < 7;) {
		struct pollfd poll_fd = {.fd = ends[0], .events = POLLIN};

		assert_int_equal(poll(&poll_fd, 1, 10000), 1);
		got += (size_t)read(ends[0], text + got, 7 - got);
	}
	assert_memory_equal(text, "login: ", 7);
	close_port(port);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

static int connect_port(const struct port *port)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 10};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, port->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

/* A read with a time limit is not restarted when io_uring has work for this thread. */
static size_t receive_some(int fd, char *bytes, size_t room)
{
	ssize_t count;

	do {
		count = recv(fd, bytes, room, 0);
	} while (count < 0 && errno == EINTR);
	assert_true(count > 0);
	return (size_t)count;
}

static void receive(int fd, const char *text)
{
	char got[256];
	size_t bytes = strlen(text), have = 0;

	while (have < bytes)
		have += receive_some(fd, got + have, bytes - have);
	assert_memory_equal(got, text, bytes);
}

static void a_socket_carries_both_ways(void **state)
{
	struct port *port = *state;
	int client;

	open_port(port, "socket=");
	puts_port(port, "before anyone came\n");
	client = connect_port(port);
	receive(client, "before anyone came\n");
	out(port, FCR, 0x01);
	out(port, MCR, 0x08);
	out(port, IER, 0x01);
	assert_int_equal(send(client, "abc", 3, 0), 3);
	wait_interrupt(port);
	for (const char *expected = "abc"; *expected; expected++) {
		while (!(in(port, LSR) & 1))
			sched_yield();
		assert_int_equal(in(port, DATA), *expected);
	}
	puts_port(port, "hello\n");
	receive(client, "hello\n");
	close(client);
	client = connect_port(port); /* the next one */
	puts_port(port, "again\n");
	receive(client, "again\n");
	close(client);
	close_port(port);
	assert_int_equal(access(port->path, F_OK), -1);
}

/*
 * More input than the FIFO holds waits in the socket; none is lost and none needs a second
 * interrupt to be asked for.
 */
static void input_waits_for_the_guest(void **state)
{
	struct port *port = *state;
	uint8_t sent[4096];
	int client;

	open_port(port, "socket=");
	out(port, FCR, 0x01);
	out(port, MCR, 0x08);
	out(port, IER, 0x01);
	client = connect_port(port);
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 31 + i / 256);
	assert_int_equal(send(client, sent, sizeof(sent), 0), sizeof(sent));
	for (size_t got = 0; got < sizeof(sent);) {
		wait_interrupt(port);
		interrupts(port);
		while (in(port, LSR) & 1)
			assert_int_equal(in(port, DATA), sent[got++]);
	}
	close(client);
	close_port(port);
}

/* A client that does not read must not stop the guest; it loses the oldest output. */
static void a_lazy_client_stops_nobody(void **state)
{
	struct port *port = *state;
	char text[4096];
	size_t kept = 0;
	int client;

	open_port(port, "socket=");
	client = connect_port(port);
	for (unsigned int i = 0; i < 40000; i++) {
		char line[16];

		snprintf(line, sizeof(line), "line %05u\n", i);
		puts_port(port, line);
	}
	while (kept < 10 || memcmp(text + kept - 10, "ine 39999\n", 10)) {
		if (kept > 10) {
			memmove(text, text + kept - 10, 10);
			kept = 10;
		}
		kept += receive_some(client, text + kept, sizeof(text) - kept);
	}
	close(client);
	close_port(port);
}

static void note_call(struct loop_work *work)
{
	struct port *port = (struct port *)((char *)work - offsetof(struct port, call));

	sem_post(&port->called);
}

/* Nobody reads the pipe: the guest goes on, and so does the loop, which has signals to serve. */
static void a_reader_that_stopped_stops_nobody(void **state)
{
	struct port *port = *state;
	int saved = dup(STDOUT_FILENO);
	char line[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\n";
	struct timespec limit;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDOUT_FILENO);
	sem_init(&port->called, 0, 0);
	port->call.run = note_call;
	open_port(port, "stdio");
	for (unsigned int i = 0; i < 4096; i++)
		puts_port(port, line);
	loop_call(port->loop, &port->call);
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 10;
	assert_int_equal(sem_timedwait(&port->called, &limit), 0);
	close_port(port);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(ends[0]);
	close(ends[1]);
	sem_destroy(&port->called);
}

/* A socket file left by a killed process is replaced, a socket in use and other files are not. */
static void only_dead_sockets_are_replaced(void **state)
{
	struct port *port = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int dead = socket(AF_UNIX, SOCK_STREAM, 0);
	char error[ERROR_BYTES];
	char spec[128];

	strcpy(address.sun_path, port->path);
	assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof(address)), 0);
	close(dead);
	open_port(port, "socket=");
	snprintf(spec, sizeof(spec), "socket=%s", port->path);
	assert_null(serial_create(spec, 1, port->loop, port->irq, error));
	assert_non_null(strstr(error, "Address already in use"));
	close_port(port);
	assert_int_equal(mkdir(port->path, 0700), 0);
	assert_null(serial_create(spec, 1, port->loop, port->irq, error));
	assert_non_null(strstr(error, "File exists"));
	assert_int_equal(rmdir(port->path), 0);
	/* connect() refuses a plain file with the errno of a dead socket */
	close(open(port->path, O_CREAT | O_WRONLY, 0600));
	assert_null(serial_create(spec, 1, port->loop, port->irq, error));
	assert_non_null(strstr(error, "File exists"));
	assert_int_equal(unlink(port->path), 0);
}

static void bad_specs_are_named(void **state)
{
	static const struct {
		const char *spec, *error;
	} cases[] = {
		{"", "--serial : unknown; expected stdio"},
		{"stdout", "--serial stdout: unknown; expected stdio"},
		{"file=", "--serial file=: unknown; expected stdio"},
		{"file=/nowhere/at/all",
		 "--serial file=/nowhere/at/all: No such file or directory"},
		{"file=/", "--serial file=/: Is a directory"},
		{"socket=/nowhere/at/all", "--serial socket=/nowhere/at/all: No such file"},
	};
	struct port *port = *state;
	char error[ERROR_BYTES];
	char spec[1024] = "socket=/";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(serial_create(cases[i].spec, 0, port->loop, port->irq, error));
		if (strncmp(error, cases[i].error, strlen(cases[i].error)))
			fail_msg("said \"%s\", expected \"%s\"", error, cases[i].error);
	}
	memset(spec + 8, 'x', sizeof(spec) - 9);
	assert_null(serial_create(spec, 0, port->loop, port->irq, error));
	assert_non_null(strstr(error, "File name too long"));
	serial_destroy(NULL);
}

/* The disk is full: said once, and the guest goes on. */
static void a_full_disk_stops_nobody(void **state)
{
	struct port *port = *state;
	char error[ERROR_BYTES];

	port->serial = serial_create("file=/dev/full", 1, port->loop, port->irq, error);
	assert_non_null(port->serial);
	port->pio = serial_pio(port->serial);
	assert_int_equal(port->pio.port, 0x2f8);
	for (unsigned int i = 0; i < 100; i++)
		puts_port(port, "a line\n");
	assert_int_equal(pthread_create(&port->thread, NULL, run_loop, port), 0);
	close_port(port);
}

int main(void)
{
#define port_test(name) cmocka_unit_test_setup_teardown(name, make_port, remove_port)
	const struct CMUnitTest tests[] = {
		port_test(a_driver_finds_a_16550a),
		port_test(empty_transmitter_interrupts_once),
		port_test(loop_mode_fills_the_fifo),
		port_test(lines_reach_the_file_at_once),
		port_test(a_prompt_appears_without_newline),
		port_test(a_socket_carries_both_ways),
		port_test(input_waits_for_the_guest),
		port_test(a_lazy_client_stops_nobody),
		port_test(a_reader_that_stopped_stops_nobody),
		port_test(only_dead_sockets_are_replaced),
		port_test(bad_specs_are_named),
		port_test(a_full_disk_stops_nobody),
	};

	/* The port of the stdio test must not read the input of whoever runs us. */
	if (!freopen("/dev/null", "r", stdin))
		return 1;
	return cmocka_run_group_tests_name("serial", tests, NULL, NULL);
}
