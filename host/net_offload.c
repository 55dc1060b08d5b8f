// SPDX-License-Identifier: GPL-2.0
/*
 * Checksums and segmentation in software. See net_offload.h.
 * Source: RFC 1071 (checksum), RFC 9293 (TCP), RFC 8200 (IPv6 pseudo-header).
 * Invariant: a frame's own memory is never written.
 */
#include "net_offload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define ETHERNET_BYTES 14u
#define TAG_BYTES 4u
#define TYPE_IP4 0x0800u
#define TYPE_IP6 0x86DDu
#define TYPE_TAG 0x8100u
#define PIECES_MAX 160u
#define TCP_CHECKSUM 16u
#define UDP_CHECKSUM 6u
#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

static uint16_t get16(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *from)
{
	return (uint32_t)get16(from) << 16 | get16(from + 2);
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value);
}

/* Where the transport header begins, or 0; @headers->ip and v6 are set. */
static size_t find_transport(const uint8_t *frame, size_t bytes, struct net_headers *headers)
{
	const uint8_t *ip = frame + headers->ip;
	size_t left = bytes - headers->ip;

	if (headers->v6) {
		headers->protocol = left >= 40 ? ip[6] : 0;
		return left >= 40 && ip[0] >> 4 == 6 ? headers->ip + 40u : 0;
	}
	if (left < 20 || ip[0] >> 4 != 4 || (ip[0] & 15) < 5 || get16(ip + 6) & 0x3FFF)
		return 0;
	headers->protocol = ip[9];
	return headers->ip + (ip[0] & 15) * 4u;
}

void net_headers(const uint8_t *frame, size_t bytes, struct net_headers *headers)
{
	size_t at = ETHERNET_BYTES, transport;
	uint16_t type;

	*headers = (struct net_headers){ 0 };
	if (bytes < at + TAG_BYTES)
		return;
	type = get16(frame + 12);
	if (type == TYPE_TAG) {
		type = get16(frame + 16);
		at += TAG_BYTES;
	}
	if (type != TYPE_IP4 && type != TYPE_IP6)
		return;
	headers->ip = (uint16_t)at;
	headers->v6 = type == TYPE_IP6;
	transport = find_transport(frame, bytes, headers);
	if (!transport || transport + 8 > bytes)
		return;
	if (headers->protocol == IPPROTO_UDP) {
		headers->transport = (uint16_t)transport;
		headers->end = (uint16_t)(transport + 8);
	} else if (headers->protocol == IPPROTO_TCP && transport + 20 <= bytes &&
		   frame[transport + 12] >> 4 >= 5) {
		headers->transport = (uint16_t)transport;
		headers->end = (uint16_t)(transport + (frame[transport + 12] >> 4) * 4u);
	}
}

unsigned int net_slice(const struct iovec *from, unsigned int count, size_t offset, size_t bytes, struct iovec *to,
		       unsigned int room)
{
	unsigned int used = 0;

	for (unsigned int i = 0; i < count && bytes; i++) {
		size_t length = from[i].iov_len;

		if (offset >= length) {
			offset -= length;
			continue;
		}
		length -= offset;
		if (length > bytes)
			length = bytes;
		if (used == room)
			return 0;
		to[used++] = (struct iovec){ (uint8_t *)from[i].iov_base + offset, length };
		bytes -= length;
		offset = 0;
	}
	return bytes ? 0 : used;
}

bool net_copy(const struct iovec *from, unsigned int count, size_t offset, void *to, size_t bytes)
{
	uint8_t *at = to;

	for (unsigned int i = 0; i < count && bytes; i++) {
		size_t length = from[i].iov_len;

		if (offset >= length) {
			offset -= length;
			continue;
		}
		length -= offset;
		if (length > bytes)
			length = bytes;
		memcpy(at, (uint8_t *)from[i].iov_base + offset, length);
		at += length;
		bytes -= length;
		offset = 0;
	}
	return !bytes;
}

/* Add bytes in network order; @odd: they begin in the middle of a 16-bit word. */
static uint64_t add_bytes(const uint8_t *from, size_t bytes, bool odd, uint64_t sum)
{
	if (odd && bytes) {
		sum += *from++;
		bytes--;
	}
	for (; bytes >= 2; from += 2, bytes -= 2)
		sum += get16(from);
	return bytes ? sum + ((uint64_t)*from << 8) : sum;
}

uint64_t net_sum(const struct iovec *pieces, unsigned int count, size_t offset, uint64_t sum)
{
	bool odd = false;

	for (unsigned int i = 0; i < count; i++) {
		size_t length = pieces[i].iov_len;

		if (offset >= length) {
			offset -= length;
			continue;
		}
		length -= offset;
		sum = add_bytes((const uint8_t *)pieces[i].iov_base + offset, length, odd, sum);
		odd ^= length & 1;
		offset = 0;
	}
	return sum;
}

uint16_t net_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t net_pseudo(const uint8_t *frame, const struct net_headers *headers, uint32_t transport_bytes)
{
	const uint8_t *ip = frame + headers->ip;
	uint64_t sum = (uint64_t)headers->protocol + (transport_bytes >> 16) + (transport_bytes & 0xFFFF);

	return headers->v6 ? add_bytes(ip + 8, 32, false, sum) : add_bytes(ip + 12, 8, false, sum);
}

void net_ip4_checksum(uint8_t *frame, const struct net_headers *headers)
{
	uint8_t *ip = frame + headers->ip;

	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~net_fold(add_bytes(ip, (ip[0] & 15) * 4u, false, 0)));
}

/* The front of a frame in memory of our own, the rest where it was. Return: pieces, 0: too many. */
static unsigned int replace_front(uint8_t *front, size_t front_bytes, const struct iovec *pieces, unsigned int count,
				  size_t offset, size_t bytes, struct iovec *to)
{
	unsigned int rest = 0;

	to[0] = (struct iovec){ front, front_bytes };
	if (bytes) {
		rest = net_slice(pieces, count, offset, bytes, to + 1, PIECES_MAX - 1);
		if (!rest)
			return 0;
	}
	return 1 + rest;
}

/* The checksum field holds the sum of the pseudo-header already. */
static int send_checksummed(struct net_queue *queue, const struct net *net, const struct net_meta *meta,
			    const struct iovec *pieces, unsigned int count, size_t bytes)
{
	const struct net_meta none = { 0 };
	size_t field = (size_t)meta->csum_start + meta->csum_offset, end = field + 2;
	uint8_t front[NET_HEADER_MAX];
	struct iovec list[PIECES_MAX];
	uint16_t sum;

	if (end > sizeof(front) || end > bytes || !net_copy(pieces, count, 0, front, end))
		return -EINVAL;
	count = replace_front(front, end, pieces, count, end, bytes - end, list);
	if (!count)
		return -EINVAL;
	sum = (uint16_t)~net_fold(net_sum(list, count, meta->csum_start, 0));
	if (!sum && meta->csum_offset == UDP_CHECKSUM)
		sum = 0xFFFF; /* in UDP 0 means: none */
	put16(front + field, sum);
	return net->ops->send(queue, &none, list, count, bytes);
}

/* One frame to be cut, and where in it we are. */
struct cut {
	const struct net *net;
	struct net_queue *queue;
	const struct iovec *pieces;
	unsigned int count;
	uint8_t header[NET_HEADER_MAX];
	struct net_headers headers;
	uint32_t header_bytes;
	uint32_t sequence;
	uint16_t id;
	uint8_t flags;
};

/* The header of the segment with @payload bytes from @done on. */
static void make_header(struct cut *cut, uint8_t *header, uint32_t done, uint32_t payload, bool last)
{
	const struct net_headers *headers = &cut->headers;
	uint8_t *ip = header + headers->ip, *tcp = header + headers->transport;
	uint32_t transport = cut->header_bytes - headers->transport + payload;

	memcpy(header, cut->header, cut->header_bytes);
	if (headers->v6) {
		put16(ip + 4, cut->header_bytes - headers->ip - 40 + payload);
	} else {
		put16(ip + 2, cut->header_bytes - headers->ip + payload);
		put16(ip + 4, cut->id++);
		net_ip4_checksum(header, headers);
	}
	put32(tcp + 4, cut->sequence + done);
	tcp[13] = cut->flags;
	if (!last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (done)
		tcp[13] &= (uint8_t)~TCP_CWR;
	put16(tcp + TCP_CHECKSUM, net_fold(net_pseudo(header, headers, transport)));
}

static int send_segment(struct cut *cut, uint32_t done, uint32_t payload, bool last)
{
	struct net_meta meta = {
		.flags = NET_CSUM_WANTED,
		.csum_start = cut->headers.transport,
		.csum_offset = TCP_CHECKSUM,
	};
	uint8_t header[NET_HEADER_MAX];
	struct iovec list[PIECES_MAX];
	unsigned int count;

	make_header(cut, header, done, payload, last);
	count = replace_front(header, cut->header_bytes, cut->pieces, cut->count, cut->header_bytes + done, payload,
			      list);
	if (!count)
		return -EINVAL;
	return net_send(cut->net, cut->queue, &meta, list, count, cut->header_bytes + payload);
}

/* Return: of the segments, the first that failed. */
static int send_cut(struct net_queue *queue, const struct net *net, const struct net_meta *meta,
		    const struct iovec *pieces, unsigned int count, size_t bytes)
{
	struct cut cut = { .net = net, .queue = queue, .pieces = pieces, .count = count };
	size_t front = bytes < NET_HEADER_MAX ? bytes : NET_HEADER_MAX;
	uint32_t payload, done = 0;
	int ret = 0;

	if (!net_copy(pieces, count, 0, cut.header, front))
		return -EINVAL;
	net_headers(cut.header, front, &cut.headers);
	if (!cut.headers.transport || cut.headers.protocol != IPPROTO_TCP || !meta->mss || cut.headers.end > front)
		return -EINVAL;
	cut.header_bytes = cut.headers.end;
	cut.sequence = get32(cut.header + cut.headers.transport + 4);
	cut.flags = cut.header[cut.headers.transport + 13];
	cut.id = get16(cut.header + cut.headers.ip + 4);
	payload = (uint32_t)bytes - cut.header_bytes;
	do {
		uint32_t now = payload - done < meta->mss ? payload - done : meta->mss;
		int error = send_segment(&cut, done, now, done + now == payload);

		ret = ret ? ret : error;
		done += now;
	} while (done < payload);
	return ret;
}

int net_send(const struct net *net, struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces,
	     unsigned int count, size_t bytes)
{
	if (meta->gso && !net->can_gso)
		return send_cut(queue, net, meta, pieces, count, bytes);
	if (meta->flags & NET_CSUM_WANTED && !net->can_csum)
		return send_checksummed(queue, net, meta, pieces, count, bytes);
	return net->ops->send(queue, meta, pieces, count, bytes);
}
