/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a network card would do to frames, for networks that cannot: checksums and segments. And what the
 * headers of a frame say. Pure functions on bytes; a frame may be guest memory, which changes: headers are
 * copied first, and only the copy is believed.
 */
#ifndef HVIS_HOST_NET_OFFLOAD_H
#define HVIS_HOST_NET_OFFLOAD_H

#include "net.h"

#define NET_HEADER_MAX 256u /* of a frame whose headers are looked at: Ethernet, tags, IP, TCP with options */

/* Where the headers of a frame are; offsets from its start. */
struct net_headers {
	uint16_t ip; /* 0: neither IPv4 nor IPv6 */
	uint16_t transport; /* 0: not TCP or UDP, or a fragment, or cut short */
	uint16_t end; /* of the TCP or UDP header */
	bool v6;
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
};

/** net_headers() - look at the first @bytes of a frame; IPv6 extension headers are not followed. */
void net_headers(const uint8_t *frame, size_t bytes, struct net_headers *headers);

/* A part of scattered bytes. Return: pieces in @to; 0: @room is not enough, or @offset + @bytes is too much. */
unsigned int net_slice(const struct iovec *from, unsigned int count, size_t offset, size_t bytes, struct iovec *to,
		       unsigned int room);
/** net_copy() - the bytes themselves. Return: false: there are not so many. */
bool net_copy(const struct iovec *from, unsigned int count, size_t offset, void *to, size_t bytes);

/** net_sum() - the one's complement sum of pieces, from byte @offset on, added to @sum; not folded. */
uint64_t net_sum(const struct iovec *pieces, unsigned int count, size_t offset, uint64_t sum);
/** net_fold() - to 16 bits, in network order, not inverted. */
uint16_t net_fold(uint64_t sum);
/** net_pseudo() - the sum of the pseudo-header of @transport_bytes behind @headers in @frame. */
uint64_t net_pseudo(const uint8_t *frame, const struct net_headers *headers, uint32_t transport_bytes);
/** net_ip4_checksum() - fill in the header checksum of the IPv4 header at @ip, which is in @frame as a whole. */
void net_ip4_checksum(uint8_t *frame, const struct net_headers *headers);

/**
 * net_send() - as the operation of that name, whatever the network can
 *
 * A frame that wants what the network cannot do is checksummed or cut here. The loop's thread of @queue.
 * Return: as send(); -EINVAL: the frame is not what @meta says.
 */
int net_send(const struct net *net, struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces,
	     unsigned int count, size_t bytes);

#endif
