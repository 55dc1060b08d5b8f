/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The least guest that can talk to a network: ARP, DHCP's first step, UDP that counts, and one TCP connection that
 * echoes. It loses nothing and sends nothing twice, so the network must not lose anything either.
 */
#ifndef HVIS_SELFTESTS_TINY_GUEST_H
#define HVIS_SELFTESTS_TINY_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_ADDRESS 0x0A00020Fu
#define GUEST_GATEWAY 0x0A000202u
#define GUEST_PORT 7u
#define GUEST_ROOM 60000u

enum guest_tcp { GUEST_IDLE, GUEST_LISTENING, GUEST_CONNECTING, GUEST_OPEN, GUEST_CLOSING, GUEST_CLOSED };

struct guest {
	void (*send)(void *context, const void *frame, size_t bytes);
	void *context;
	uint32_t offered, router, dns; /* by DHCP */
	unsigned int arp_replies, advertisements, datagrams;
	uint16_t last_datagram[2]; /* numbers, even and odd: each must only grow */
	enum guest_tcp tcp;
	bool peer_done;
	uint32_t peer;
	uint16_t port, peer_port;
	uint32_t next, unacknowledged, expected, peer_window;
	size_t waiting; /* in echo[]: taken, but not sent back yet */
	size_t echoed;
	uint8_t echo[GUEST_ROOM];
};

void guest_take(struct guest *guest, const uint8_t *frame, size_t bytes);
void guest_discover(struct guest *guest);
void guest_ask_arp(struct guest *guest, uint32_t address);
void guest_announce(struct guest *guest); /* so that the network need not ask who has its address */
void guest_solicit(struct guest *guest);
void guest_listen(struct guest *guest);
void guest_connect(struct guest *guest, uint32_t address, unsigned int port);

#endif
