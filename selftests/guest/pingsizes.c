// SPDX-License-Identifier: GPL-2.0
/*
 * pingsizes ADDRESS MTU [PAYLOAD...]: one echo request of every size that fits into one packet, or of these, each answered with the same bytes.
 * Prints how many, or the first size that was not; exit status 0 only if all were.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define HEADERS 28
#define ANSWER_SECONDS 5

static uint16_t checksum(const uint8_t *data, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum += i & 1 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The echo request, in place: only its type differs from the answer that is wanted. */
static size_t fill(uint8_t *packet, unsigned int payload, uint16_t id, uint8_t type)
{
	struct icmphdr header = { .type = type };

	header.un.echo.id = id;
	header.un.echo.sequence = htons((uint16_t)payload);
	for (unsigned int i = 0; i < payload; i++)
		packet[sizeof(header) + i] = (uint8_t)(i * 13 + payload);
	memcpy(packet, &header, sizeof(header));
	header.checksum = checksum(packet, sizeof(header) + payload);
	memcpy(packet, &header, sizeof(header));
	return sizeof(header) + payload;
}

static int ping(int fd, unsigned int payload, uint16_t id)
{
	static uint8_t sent[65536], wanted[65536], got[65536];
	size_t bytes = fill(sent, payload, id, ICMP_ECHO);

	fill(wanted, payload, id, ICMP_ECHOREPLY);
	if (send(fd, sent, bytes, 0) != (ssize_t)bytes)
		return -1;
	for (;;) {
		ssize_t answer = recv(fd, got, sizeof(got), 0);

		if (answer < 0)
			return -1;
		answer -= (got[0] & 15) * 4;
		if (answer == (ssize_t)bytes && !memcmp(got + (got[0] & 15) * 4, wanted, bytes))
			return 0;
	}
}

int main(int argc, char **argv)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	int mtu = argc >= 3 ? atoi(argv[2]) : 0, count = argc > 3 ? argc - 3 : mtu - HEADERS + 1;

	if (mtu < HEADERS || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1 || fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("pingsizes ADDRESS MTU [PAYLOAD...]");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		int payload = argc > 3 ? atoi(argv[3 + i]) : i;

		if (payload < 0 || payload > mtu - HEADERS) {
			fprintf(stderr, "pingsizes: %s does not fit into %d bytes\n", argv[3 + i], mtu);
			return 2;
		}
		if (ping(fd, (unsigned int)payload, htons((uint16_t)getpid()))) {
			printf("no answer to %d bytes\n", payload);
			return 1;
		}
	}
	printf("%d sizes answered\n", count);
	return 0;
}
