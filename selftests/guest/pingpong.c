// SPDX-License-Identifier: GPL-2.0
/*
 * pingpong serve ADDRESS PORT		answers each byte of one TCP connection with the same byte, until the other end closes it
 * pingpong ask ADDRESS PORT SECONDS	sends a byte, waits for the answer, and again: one line with round trips per second, then ns of a round trip:
 *					the median and the 99th percentile
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TRIPS_MAX (1u << 22)
#define ANSWER_SECONDS 20

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static int serve(const struct sockaddr_in *address)
{
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	char byte;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) || listen(listener, 1))
		return fail("pingpong: listen");
	fd = accept(listener, NULL, NULL);
	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		return fail("pingpong: accept");
	while (read(fd, &byte, 1) == 1)
		if (write(fd, &byte, 1) != 1)
			return fail("pingpong: write");
	return 0;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int trip(int fd, char byte)
{
	char answer;

	return write(fd, &byte, 1) == 1 && read(fd, &answer, 1) == 1 && answer == byte ? 0 : -1;
}

static int ask(const struct sockaddr_in *address, int seconds)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	int64_t *took = calloc(TRIPS_MAX, sizeof(*took)), began, before, after;
	unsigned int trips = 0;

	if (!took || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)) || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		return fail("pingpong: connect");
	began = after = now();
	do {
		before = after;
		if (trip(fd, (char)trips))
			return fail("pingpong: no answer");
		after = now();
		took[trips++] = after - before;
	} while (after - began < seconds * 1000000000ll && trips < TRIPS_MAX);
	qsort(took, trips, sizeof(*took), by_size);
	printf("%.1f %lld %lld\n", trips * 1e9 / (double)(after - began), (long long)took[trips / 2], (long long)took[trips * 99ull / 100]);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int asks = argc == 5 && !strcmp(argv[1], "ask") && atoi(argv[4]) > 0;
	int serves = argc == 4 && !strcmp(argv[1], "serve");

	if ((!asks && !serves) || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) {
		fprintf(stderr, "usage: pingpong serve ADDRESS PORT | pingpong ask ADDRESS PORT SECONDS\n");
		return 2;
	}
	address.sin_port = htons((uint16_t)atoi(argv[3]));
	return asks ? ask(&address, atoi(argv[4])) : serve(&address);
}
