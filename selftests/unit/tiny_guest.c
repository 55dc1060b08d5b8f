// SPDX-License-Identifier: GPL-2.0
/*
 * See tiny_guest.h. Sources: RFC 826 (ARP), 768, 791, 793, 1071, 2131, 2132, 4861.
 */
#include "tiny_guest.h"

#include <assert.h>
#include <string.h>

#define ETHER 14u
#define IP 20u
#define TCP 20u
#define MSS 1460u
#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
#define TCP_URG 0x20u
#define DHCP_BYTES 300u
#define DHCP_OPTIONS 240u

static const uint8_t own_mac[6] = { 2, 0, 0, 0, 0, 9 };

static uint32_t get(const uint8_t *from, unsigned int bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | *from++;
	return value;
}

static void put(uint8_t *to, uint32_t value, unsigned int bytes)
{
	while (bytes--) {
		to[bytes] = (uint8_t)value;
		value >>= 8;
	}
}

static uint16_t checksum(const uint8_t *data, size_t bytes, uint32_t sum)
{
	for (size_t i = 0; i < bytes; i++)
		sum += i & 1 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_ether(uint8_t *frame, uint16_t type)
{
	memset(frame, 0xFF, 6); /* whoever the wire leads to */
	memcpy(frame + 6, own_mac, 6);
	put(frame + 12, type, 2);
}

static void put_ip(uint8_t *frame, uint8_t protocol, uint32_t from, uint32_t to, size_t payload)
{
	uint8_t *ip = frame + ETHER;

	put_ether(frame, 0x0800);
	memset(ip, 0, IP);
	ip[0] = 0x45;
	put(ip + 2, (uint32_t)(IP + payload), 2);
	ip[8] = 64;
	ip[9] = protocol;
	put(ip + 12, from, 4);
	put(ip + 16, to, 4);
	put(ip + 10, checksum(ip, IP, 0), 2);
}

static void send_arp(struct guest *guest, uint16_t operation, uint32_t address)
{
	uint8_t frame[60] = { 0 };
	uint8_t *arp = frame + ETHER;

	put_ether(frame, 0x0806);
	put(arp, 1, 2);
	put(arp + 2, 0x0800, 2);
	arp[4] = 6;
	arp[5] = 4;
	put(arp + 6, operation, 2);
	memcpy(arp + 8, own_mac, 6);
	put(arp + 14, GUEST_ADDRESS, 4);
	put(arp + 24, address, 4);
	guest->send(guest->context, frame, sizeof(frame));
}

void guest_ask_arp(struct guest *guest, uint32_t address)
{
	send_arp(guest, 1, address);
}

void guest_announce(struct guest *guest)
{
	send_arp(guest, 1, GUEST_ADDRESS);
}

static void take_arp(struct guest *guest, const uint8_t *arp)
{
	if (get(arp + 6, 2) == 2 && get(arp + 14, 4) == GUEST_GATEWAY && !memcmp(arp + 18, own_mac, 6))
		guest->arp_replies++;
	else if (get(arp + 6, 2) == 1 && get(arp + 24, 4) == GUEST_ADDRESS)
		send_arp(guest, 2, get(arp + 14, 4));
}

void guest_discover(struct guest *guest)
{
	uint8_t frame[ETHER + IP + 8 + DHCP_BYTES] = { 0 };
	uint8_t *udp = frame + ETHER + IP;
	uint8_t *dhcp = udp + 8;

	put_ip(frame, 17, 0, 0xFFFFFFFF, 8 + DHCP_BYTES);
	put(udp, 68, 2);
	put(udp + 2, 67, 2);
	put(udp + 4, 8 + DHCP_BYTES, 2);
	dhcp[0] = 1;
	dhcp[1] = 1;
	dhcp[2] = 6;
	put(dhcp + 4, 0x12345678, 4);
	memcpy(dhcp + 28, own_mac, 6);
	put(dhcp + 236, 0x63825363, 4);
	put(dhcp + DHCP_OPTIONS, 0x350101FF, 4); /* message type DISCOVER, end */
	guest->send(guest->context, frame, sizeof(frame));
}

static void take_offer(struct guest *guest, const uint8_t *dhcp, size_t bytes)
{
	size_t at = DHCP_OPTIONS;

	assert(bytes > at && get(dhcp + 4, 4) == 0x12345678);
	while (at + 2 < bytes && dhcp[at] != 0xFF) {
		const uint8_t *value = dhcp + at + 2;

		if (dhcp[at] == 53)
			assert(*value == 2);
		if (dhcp[at] == 3)
			guest->router = get(value, 4);
		if (dhcp[at] == 6)
			guest->dns = get(value, 4);
		at += 2u + dhcp[at + 1];
	}
	guest->offered = get(dhcp + 16, 4);
}

static void take_udp(struct guest *guest, const uint8_t *udp)
{
	size_t bytes = get(udp + 4, 2) - 8;
	uint16_t number;

	if (get(udp + 2, 2) == 68) {
		take_offer(guest, udp + 8, bytes);
		return;
	}
	assert(get(udp + 2, 2) == GUEST_PORT && bytes == 2);
	number = (uint16_t)get(udp + 8, 2);
	assert(number < 2 || number == guest->last_datagram[number % 2] + 2);
	guest->last_datagram[number % 2] = number;
	guest->datagrams++;
}

/* With an address of the link, from the link; multicast to all routers. */
void guest_solicit(struct guest *guest)
{
	uint8_t frame[ETHER + 40 + 8] = { 0 };
	uint8_t *ip = frame + ETHER, *icmp = ip + 40;

	put_ether(frame, 0x86DD);
	ip[0] = 0x60;
	put(ip + 4, 8, 2);
	ip[6] = 58;
	ip[7] = 255;
	put(ip + 8, 0xFE800000, 4);
	ip[23] = 9;
	put(ip + 24, 0xFF020000, 4);
	ip[39] = 2;
	icmp[0] = 133;
	put(icmp + 2, checksum(ip + 8, 40, 8 + 58), 2);
	guest->send(guest->context, frame, sizeof(frame));
}

static void send_tcp(struct guest *guest, uint8_t flags, const uint8_t *data, size_t bytes)
{
	uint8_t frame[ETHER + IP + TCP + MSS];
	uint8_t *tcp = frame + ETHER + IP;

	put_ip(frame, 6, GUEST_ADDRESS, guest->peer, TCP + bytes);
	memset(tcp, 0, TCP);
	put(tcp, guest->port, 2);
	put(tcp + 2, guest->peer_port, 2);
	put(tcp + 4, guest->next, 4);
	put(tcp + 8, flags & TCP_ACK ? guest->expected : 0, 4);
	tcp[12] = TCP / 4 << 4;
	tcp[13] = flags;
	put(tcp + 14, (uint32_t)(GUEST_ROOM - guest->waiting), 2);
	if (bytes)
		memcpy(tcp + TCP, data, bytes);
	/* The pseudo-header: both addresses, which stand in front, then protocol and length. */
	put(tcp + 16, checksum(tcp - 8, 8 + TCP + bytes, (uint32_t)(6 + TCP + bytes)), 2);
	guest->next += (uint32_t)bytes + !!(flags & (TCP_SYN | TCP_FIN));
	guest->send(guest->context, frame, ETHER + IP + TCP + bytes);
}

void guest_listen(struct guest *guest)
{
	guest->tcp = GUEST_LISTENING;
}

void guest_connect(struct guest *guest, uint32_t address, unsigned int port)
{
	guest->tcp = GUEST_CONNECTING;
	guest->peer = address;
	guest->peer_port = (uint16_t)port;
	guest->port = 40000;
	guest->next = guest->unacknowledged = 1000;
	send_tcp(guest, TCP_SYN, NULL, 0);
}

static void accept_syn(struct guest *guest, const uint8_t *ip, const uint8_t *tcp)
{
	assert(get(tcp + 2, 2) == GUEST_PORT);
	guest->peer = get(ip + 12, 4);
	guest->peer_port = (uint16_t)get(tcp, 2);
	guest->port = GUEST_PORT;
	guest->expected = get(tcp + 4, 4) + 1;
	guest->next = guest->unacknowledged = 5000;
	guest->tcp = GUEST_OPEN;
	send_tcp(guest, TCP_SYN | TCP_ACK, NULL, 0);
}

static void echo(struct guest *guest)
{
	size_t sent = 0;

	while (guest->waiting > sent) {
		size_t bytes = guest->waiting - sent;
		uint32_t room = guest->unacknowledged + guest->peer_window - guest->next;

		if (bytes > MSS)
			bytes = MSS;
		if ((int32_t)room <= 0)
			break;
		if (bytes > room)
			bytes = room;
		send_tcp(guest, TCP_ACK | TCP_PSH, guest->echo + sent, bytes);
		sent += bytes;
	}
	guest->echoed += sent;
	guest->waiting -= sent;
	memmove(guest->echo, guest->echo + sent, guest->waiting);
}

static void take_data(struct guest *guest, const uint8_t *tcp, size_t bytes)
{
	const uint8_t *data = tcp + (tcp[12] >> 4) * 4;

	bytes -= (size_t)(data - tcp);
	if (get(tcp + 4, 4) != guest->expected)
		return; /* sent twice; the answer says what was expected */
	assert(bytes <= GUEST_ROOM - guest->waiting);
	memcpy(guest->echo + guest->waiting, data, bytes);
	guest->waiting += bytes;
	guest->expected += (uint32_t)bytes;
	if (tcp[13] & TCP_FIN && guest->tcp == GUEST_OPEN && !guest->peer_done) {
		guest->expected++;
		guest->peer_done = true;
	}
}

static void take_tcp(struct guest *guest, const uint8_t *ip, const uint8_t *tcp, size_t bytes)
{
	/* Nobody sends anything urgent here; a byte so marked would be missing from a real guest's stream. */
	assert(!(tcp[13] & (TCP_RST | TCP_URG)));
	if (guest->tcp == GUEST_LISTENING && tcp[13] & TCP_SYN) {
		guest->peer_window = get(tcp + 14, 2);
		accept_syn(guest, ip, tcp);
		return;
	}
	if (guest->tcp == GUEST_CONNECTING && tcp[13] & TCP_SYN) {
		guest->expected = get(tcp + 4, 4) + 1;
		guest->tcp = GUEST_OPEN;
	} else {
		take_data(guest, tcp, bytes);
	}
	guest->unacknowledged = get(tcp + 8, 4);
	guest->peer_window = get(tcp + 14, 2);
	echo(guest);
	if (guest->tcp == GUEST_CLOSING) {
		if (guest->unacknowledged == guest->next)
			guest->tcp = GUEST_CLOSED;
		return;
	}
	if (guest->peer_done && !guest->waiting) {
		guest->tcp = GUEST_CLOSING;
		send_tcp(guest, TCP_ACK | TCP_FIN, NULL, 0);
	} else if (bytes > (tcp[12] >> 4) * 4u || tcp[13] & (TCP_SYN | TCP_FIN)) {
		send_tcp(guest, TCP_ACK, NULL, 0);
	}
}

static void take_ip(struct guest *guest, const uint8_t *ip, size_t bytes)
{
	size_t total = get(ip + 2, 2);

	assert(total <= bytes && !checksum(ip, IP, 0));
	if (ip[9] == 17)
		take_udp(guest, ip + IP);
	else if (ip[9] == 6)
		take_tcp(guest, ip, ip + IP, total - IP);
}

void guest_take(struct guest *guest, const uint8_t *frame, size_t bytes)
{
	assert(bytes >= ETHER + IP);
	switch (get(frame + 12, 2)) {
	case 0x0806:
		take_arp(guest, frame + ETHER);
		break;
	case 0x0800:
		take_ip(guest, frame + ETHER, bytes - ETHER);
		break;
	case 0x86DD:
		guest->advertisements += frame[ETHER + 6] == 58 && frame[ETHER + 40] == 134;
		break;
	}
}
