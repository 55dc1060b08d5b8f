/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The blocks of a pcapng file, as bytes. It writes nothing and knows nothing of VMBus.
 * Source: draft-ietf-opsawg-pcapng (PCAP Now Generic). Numbers are in the byte order of this host,
 * which is what the format wants; all blocks are a multiple of 4 bytes.
 */
#ifndef HVIS_HOST_TRACE_PCAPNG_H
#define HVIS_HOST_TRACE_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

#define PCAPNG_BLOCK_MAX 512 /* of all blocks below */
#define PCAPNG_TAIL_MAX	 32

/** pcapng_section() - the first block: who wrote this. Return: its length. */
size_t pcapng_section(char block[PCAPNG_BLOCK_MAX], const char *application);
/**
 * pcapng_interface() - the next interface; they are numbered from 0 in the order they appear
 * Timestamps of its packets are in nanoseconds. @name, @description: longer ones are cut.
 */
size_t pcapng_interface(char block[PCAPNG_BLOCK_MAX], uint16_t linktype, const char *name,
			const char *description);

struct pcapng_packet {
	uint32_t interface;
	uint64_t nanoseconds; /* since 1970 */
	uint32_t captured, original; /* bytes */
	uint32_t direction; /* epb_flags: 1 inbound, 2 outbound */
	uint64_t dropped; /* of this interface since its last packet */
};
/* What stands before a packet's bytes. */
struct pcapng_packet_head {
	uint32_t type, length;
	uint32_t interface, time_high, time_low;
	uint32_t captured, original;
};
/**
 * pcapng_packet() - head and tail of a packet: the file gets head, @packet->captured bytes, tail
 * Return: the length of the tail.
 */
size_t pcapng_packet(const struct pcapng_packet *packet, struct pcapng_packet_head *head,
		     char tail[PCAPNG_TAIL_MAX]);

struct pcapng_statistics {
	uint32_t interface;
	uint64_t start, end; /* nanoseconds since 1970 */
	uint64_t received, dropped;
};
/** pcapng_statistics() - the last word on an interface; @comment may be NULL. */
size_t pcapng_statistics(char block[PCAPNG_BLOCK_MAX], const struct pcapng_statistics *statistics,
			 const char *comment);

#endif
