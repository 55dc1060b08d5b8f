// SPDX-License-Identifier: GPL-2.0
// links: host/net_user.c host/net_user_open.c host/net_user_poll.c host/loop.c host/log.c selftests/unit/tiny_guest.c host/error.c
/*
 * The user backend with the real libslirp: what a guest with a few lines of TCP (tiny_guest.c) gets from it, what
 * happens when that guest takes nothing, and what is said of wrong options.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "net_user.h"
#include "tiny_guest.h"

#define STREAM_BYTES (1u << 20)
#define DATAGRAMS 150u /* at a time and socket: what a socket's buffer holds, whatever its default */

struct test {
	struct loop *loop;
	struct net *net;
	struct net_queue *queue;
	struct guest guest;
	bool deaf; /* take no frames */
	bool (*over)(struct test *test);
	unsigned int told;
	bool closed;
};

static void take_frames(struct test *test)
{
	uint8_t frame[2048];
	struct net_meta meta;
	ssize_t got;

	for (;;) {
		const struct iovec pieces[] = { { frame, 14 }, { frame + 14, sizeof(frame) - 14 } };

		got = test->net->ops->receive(test->queue, &meta, pieces, 2);
		if (got < 0)
			break;
		guest_take(&test->guest, frame, (size_t)got);
	}
	assert_int_equal(got, -EAGAIN);
}

static void ready(void *context)
{
	struct test *test = context;

	test->told++;
	if (!test->deaf)
		take_frames(test);
}

static void batch(void *context)
{
	struct test *test = context;

	if (test->over && test->over(test)) {
		test->over = NULL; /* a stop that comes twice would end the next run */
		loop_stop(test->loop);
	}
}

static void send_frame(void *context, const void *frame, size_t bytes)
{
	const struct test *test = context;
	const struct net_meta plain = { 0 };
	const struct iovec pieces[] = { { (void *)frame, 7 }, { (uint8_t *)frame + 7, bytes - 7 } };

	assert_int_equal(test->net->ops->send(test->queue, &plain, pieces, 2, bytes), 0);
}

static void begin(struct test *test, const struct net_options *options)
{
	char error[ERROR_BYTES] = "";

	*test = (struct test){ .loop = loop_create(64, batch, test), .guest = { .send = send_frame, .context = test } };
	assert_non_null(test->loop);
	test->net = net_user_open(options, error);
	if (!test->net)
		fail_msg("%s", error);
	test->queue = test->net->ops->open(test->net, 0, test->loop, ready, test);
	assert_non_null(test->queue);
	assert_null(test->net->ops->open(test->net, 0, test->loop, ready, test));
	assert_null(test->net->ops->open(test->net, 1, test->loop, ready, test));
}

static void run_until(struct test *test, bool (*over)(struct test *test))
{
	test->over = over;
	assert_return_code(loop_run(test->loop), 0);
}

static void closed(void *context)
{
	struct test *test = context;

	test->closed = true;
	loop_stop(test->loop);
}

static void close_queue(struct test *test)
{
	test->closed = false;
	test->net->ops->close(test->queue, closed, test);
	assert_return_code(loop_run(test->loop), 0);
	assert_true(test->closed);
}

static void end(struct test *test)
{
	close_queue(test);
	net_close(test->net);
	loop_destroy(test->loop);
}

static struct sockaddr_in local(unsigned int port)
{
	return (struct sockaddr_in){ AF_INET, htons((uint16_t)port), { htonl(INADDR_LOOPBACK) }, { 0 } };
}

/* A socket on a free port; with @listens it takes connections. */
static int bound(int type, bool listens, unsigned int *port)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = local(0);
	socklen_t bytes = sizeof(address);

	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	assert_return_code(getsockname(fd, (struct sockaddr *)&address, &bytes), errno);
	if (listens)
		assert_return_code(listen(fd, 1), errno);
	*port = ntohs(address.sin_port);
	return fd;
}

/* A port that was free a moment ago: what to forward cannot be left to the kernel. */
static unsigned int free_port(int type)
{
	unsigned int port;

	close(bound(type, false, &port));
	return port;
}

static bool has_offer(struct test *test)
{
	return test->guest.offered;
}

static void a_discover_gets_an_offer(void **state)
{
	const struct net_options options = { .user = true };
	const struct net_options other = { .user = true, .network = "192.168.70.0/24", .dns = "192.168.70.9" };
	struct test test;

	(void)state;
	begin(&test, &options);
	guest_discover(&test.guest);
	run_until(&test, has_offer);
	assert_int_equal(test.guest.offered, 0x0A00020F);
	assert_int_equal(test.guest.router, 0x0A000202);
	assert_int_equal(test.guest.dns, 0x0A000203);
	end(&test);
	begin(&test, &other);
	guest_discover(&test.guest);
	run_until(&test, has_offer);
	assert_int_equal(test.guest.offered, 0xC0A8460F);
	assert_int_equal(test.guest.router, 0xC0A84602);
	assert_int_equal(test.guest.dns, 0xC0A84609);
	end(&test);
}

static bool has_arp_reply(struct test *test)
{
	return test->guest.arp_replies;
}

static void the_gateway_answers_arp(void **state)
{
	const struct net_options options = { .user = true };
	struct test test;

	(void)state;
	begin(&test, &options);
	guest_ask_arp(&test.guest, GUEST_GATEWAY);
	run_until(&test, has_arp_reply);
	assert_int_equal(test.guest.arp_replies, 1);
	assert_int_equal(test.told, 1);
	end(&test);
}

static bool has_advertisement(struct test *test)
{
	return test->guest.advertisements;
}

static void a_router_solicitation_is_answered(void **state)
{
	const struct net_options options = { .user = true };
	struct test test;

	(void)state;
	begin(&test, &options);
	guest_solicit(&test.guest);
	run_until(&test, has_advertisement);
	end(&test);
}

struct peer {
	pthread_t thread;
	unsigned int port;
	int listener; /* or -1: connect to @port */
	bool good;
};

static uint8_t stream_byte(size_t at)
{
	return (uint8_t)(at * 31 + (at >> 9));
}

static void *write_stream(void *context)
{
	int fd = *(int *)context;
	uint8_t block[4096];

	for (size_t at = 0; at < STREAM_BYTES; at += sizeof(block)) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = stream_byte(at + i);
		for (size_t done = 0; done < sizeof(block);) {
			ssize_t part = send(fd, block + done, sizeof(block) - done, MSG_NOSIGNAL);

			if (part <= 0)
				return NULL;
			done += (size_t)part;
		}
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

/* Writes and reads at the same time; all must come back as it went, and then the end of the stream. */
static void *run_peer(void *context)
{
	struct peer *peer = context;
	struct sockaddr_in address = local(peer->port);
	int fd = peer->listener < 0 ? socket(AF_INET, SOCK_STREAM, 0) : accept(peer->listener, NULL, NULL);
	uint8_t block[4096];
	pthread_t writer;
	size_t at = 0;
	ssize_t got;

	if (peer->listener < 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return NULL;
	pthread_create(&writer, NULL, write_stream, &fd);
	peer->good = true;
	while ((got = recv(fd, block, sizeof(block), 0)) > 0)
		for (ssize_t i = 0; i < got; i++, at++)
			peer->good = peer->good && block[i] == stream_byte(at);
	peer->good = peer->good && !got && at == STREAM_BYTES;
	pthread_join(writer, NULL);
	close(fd);
	return NULL;
}

static bool echo_is_over(struct test *test)
{
	return test->guest.tcp == GUEST_CLOSED;
}

static void run_echo(struct test *test, struct peer *peer)
{
	assert_int_equal(pthread_create(&peer->thread, NULL, run_peer, peer), 0);
	run_until(test, echo_is_over);
	pthread_join(peer->thread, NULL);
	assert_true(peer->good);
	assert_int_equal(test->guest.echoed, STREAM_BYTES);
	assert_int_equal(test->net->dropped, 0);
}

static void a_forward_reaches_the_guest_and_data_flows_both_ways(void **state)
{
	struct peer peer = { .listener = -1, .port = free_port(SOCK_STREAM) };
	struct net_options options = { .user = true };
	char forward[64];
	struct test test;

	(void)state;
	snprintf(forward, sizeof(forward), "tcp:127.0.0.1:%u-:%u", peer.port, GUEST_PORT);
	options.host_forwards = forward;
	begin(&test, &options);
	guest_announce(&test.guest);
	guest_listen(&test.guest);
	run_echo(&test, &peer);
	end(&test);
}

static void the_guest_reaches_a_listener_of_this_machine(void **state)
{
	const struct net_options options = { .user = true };
	struct peer peer = { 0 };
	struct test test;

	(void)state;
	peer.listener = bound(SOCK_STREAM, true, &peer.port);
	begin(&test, &options);
	guest_connect(&test.guest, GUEST_GATEWAY, peer.port);
	run_echo(&test, &peer);
	close(peer.listener);
	end(&test);
}

static bool is_holding(struct test *test)
{
	return ((struct net_user *)test->net)->poll.hold;
}

static bool has_all_datagrams(struct test *test)
{
	return test->guest.datagrams == 4 * DATAGRAMS;
}

static void send_datagrams(const unsigned int ports[2], unsigned int *number)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (unsigned int i = 0; i < 2 * DATAGRAMS; i++) {
		struct sockaddr_in address = local(ports[i % 2]);
		uint16_t word = htons((uint16_t)(*number)++);

		assert_int_equal(sendto(fd, &word, 2, 0, (struct sockaddr *)&address, sizeof(address)), 2);
	}
	close(fd);
}

/* More frames than the ring holds, while nobody takes any: they stay in the sockets. */
static void a_guest_that_takes_nothing_loses_nothing(void **state)
{
	unsigned int ports[2] = { free_port(SOCK_DGRAM), free_port(SOCK_DGRAM) };
	struct net_options options = { .user = true };
	unsigned int number = 0;
	char forwards[128];
	struct test test;

	(void)state;
	assert_true(4 * DATAGRAMS > USER_FRAMES);
	snprintf(forwards, sizeof(forwards), "udp::%u-:%u;udp:127.0.0.1:%u-10.0.2.15:%u", ports[0], GUEST_PORT, ports[1],
		 GUEST_PORT);
	options.host_forwards = forwards;
	begin(&test, &options);
	guest_announce(&test.guest);
	test.deaf = true;
	send_datagrams(ports, &number);
	run_until(&test, is_holding);
	assert_int_equal(test.told, 1);
	send_datagrams(ports, &number);
	assert_in_range(test.queue->put - test.queue->taken, USER_FRAMES / 2, USER_FRAMES / 2 + 8);
	test.deaf = false;
	take_frames(&test);
	run_until(&test, has_all_datagrams);
	assert_int_equal(test.net->dropped, 0);
	assert_false(is_holding(&test));
	end(&test);
}

/* The guest's driver goes and comes again while a connection lives. */
static void a_queue_may_be_opened_again(void **state)
{
	struct net_options options = { .user = true };
	struct test test;
	unsigned int port;
	int listener = bound(SOCK_STREAM, true, &port);
	int fd;

	(void)state;
	begin(&test, &options);
	guest_connect(&test.guest, GUEST_GATEWAY, port);
	fd = accept(listener, NULL, NULL);
	assert_return_code(fd, errno);
	close_queue(&test);
	test.queue = test.net->ops->open(test.net, 0, test.loop, ready, &test);
	assert_non_null(test.queue);
	test.guest.arp_replies = 0;
	guest_ask_arp(&test.guest, GUEST_GATEWAY);
	run_until(&test, has_arp_reply);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	shutdown(fd, SHUT_WR);
	run_until(&test, echo_is_over);
	assert_int_equal(test.guest.echoed, 1);
	close(fd);
	close(listener);
	end(&test);
}

static void refused(const struct net_options *options, const char *wanted)
{
	char error[ERROR_BYTES] = "";

	assert_null(net_user_open(options, error));
	if (!strstr(error, wanted) || strchr(error, '\n'))
		fail_msg("'%s' does not say '%s' in one line", error, wanted);
}

static void refused_forward(const char *forward, const char *wanted)
{
	const struct net_options options = { .user = true, .host_forwards = forward };

	refused(&options, wanted);
}

static void wrong_options_get_one_line(void **state)
{
	static const char *const networks[] = { "", "10.0.2.0", "10.0.2.0/", "10.0.2.0/28", "10.0.2.0/7", "10.0.2/24",
						"10.0.2.0/24 ", "ten/24", "10.0.2.0/+24",
						"1234567890123456789012345678901234567890/24" };
	static const char *const forwards[] = { "", "tcp", "tcp:", "tcp::1", "tcp::1-2", "sctp::1-:2", "tcp::0-:2",
						"tcp::1-:0", "tcp::65536-:1", "tcp::x-:1", "tcp:host:1-:2",
						"tcp::1-guest:2", "tcp::1-:2x", ";" };
	struct net_options options = { .user = true };
	unsigned int port, udp_port;
	int listener = bound(SOCK_STREAM, true, &port), udp = bound(SOCK_DGRAM, false, &udp_port);
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		options.network = networks[i];
		refused(&options, "is not of the form 10.0.2.0/24");
	}
	options.network = "10.0.2.1/24";
	refused(&options, "has bits behind its first 24");
	options.network = NULL;
	options.dns = "name.server";
	refused(&options, "not an IPv4 address");
	options.dns = "8.8.8.8";
	refused(&options, "must be an address of the user network");
	options.dns = "10.0.2.2";
	refused(&options, "that is not its gateway");
	for (size_t i = 0; i < sizeof(forwards) / sizeof(forwards[0]); i++)
		refused_forward(forwards[i], "is not of the form tcp:HOST-ADDRESS:PORT-GUEST-ADDRESS:PORT");
	refused_forward("tcp::1-10.0.3.15:2", "leads out of the user network");
	snprintf(text, sizeof(text), "tcp:127.0.0.1:%u-:22", port);
	refused_forward(text, "of this machine: Address already in use");
	snprintf(text, sizeof(text), "udp::%u-:22", udp_port);
	refused_forward(text, "of this machine: Address already in use");
	close(listener);
	close(udp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_discover_gets_an_offer),
		cmocka_unit_test(the_gateway_answers_arp),
		cmocka_unit_test(a_router_solicitation_is_answered),
		cmocka_unit_test(a_forward_reaches_the_guest_and_data_flows_both_ways),
		cmocka_unit_test(the_guest_reaches_a_listener_of_this_machine),
		cmocka_unit_test(a_guest_that_takes_nothing_loses_nothing),
		cmocka_unit_test(a_queue_may_be_opened_again),
		cmocka_unit_test(wrong_options_get_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
