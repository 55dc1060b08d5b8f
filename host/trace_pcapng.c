// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks of a pcapng file. See trace_pcapng.h. A block is type, length, a fixed body, options and
 * the length once more; an option is code, length and a value padded to 4 bytes.
 * Invariant: texts are cut so that every block fits into PCAPNG_BLOCK_MAX.
 */
#include <string.h>

#include "trace_pcapng.h"

#define BLOCK_SECTION	 0x0A0D0D0Au
#define BLOCK_INTERFACE	 1u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET	 6u

#define BYTE_ORDER_MAGIC 0x1A2B3C4Du
#define TEXT_MAX	 120u

/* Option codes. */
#define OPTION_END		  0
#define OPTION_COMMENT		  1
#define SECTION_APPLICATION	  4
#define INTERFACE_NAME		  2
#define INTERFACE_DESCRIPTION	  3
#define INTERFACE_TIME_RESOLUTION 9
#define PACKET_FLAGS		  2
#define PACKET_DROPPED		  4
#define STATISTICS_START	  2
#define STATISTICS_END		  3
#define STATISTICS_RECEIVED	  4
#define STATISTICS_DROPPED	  5

static char *put(char *to, const void *bytes, size_t length)
{
	if (length)
		memcpy(to, bytes, length);
	return to + length;
}

static char *put32(char *to, uint32_t number)
{
	return put(to, &number, sizeof(number));
}

static char *put_option(char *to, uint16_t code, const void *value, uint16_t length)
{
	static const char zeros[4];

	to = put(to, &code, sizeof(code));
	to = put(to, &length, sizeof(length));
	to = put(to, value, length);
	return put(to, zeros, -length & 3u);
}

static char *put_text(char *to, uint16_t code, const char *text)
{
	return put_option(to, code, text, (uint16_t)strnlen(text, TEXT_MAX));
}

/* A time as two halves, the high one first whatever the byte order. */
static char *put_time(char *to, uint16_t code, uint64_t time)
{
	const uint32_t halves[2] = { (uint32_t)(time >> 32), (uint32_t)time };

	return put_option(to, code, halves, sizeof(halves));
}

static char *begin(char *block, uint32_t type)
{
	return put32(put32(block, type), 0); /* the length comes at the end */
}

static size_t end(char *block, char *to)
{
	uint32_t length;

	to = put_option(to, OPTION_END, NULL, 0);
	length = (uint32_t)(to - block) + sizeof(length);
	put32(to, length);
	put32(block + 4, length);
	return length;
}

size_t pcapng_section(char block[PCAPNG_BLOCK_MAX], const char *application)
{
	const uint16_t version[2] = { 1, 0 };
	const int64_t unknown = -1; /* the length of the section */
	char *to = begin(block, BLOCK_SECTION);

	to = put32(to, BYTE_ORDER_MAGIC);
	to = put(to, version, sizeof(version));
	to = put(to, &unknown, sizeof(unknown));
	to = put_text(to, SECTION_APPLICATION, application);
	return end(block, to);
}

size_t pcapng_interface(char block[PCAPNG_BLOCK_MAX], uint16_t linktype, const char *name,
			const char *description)
{
	const uint8_t nanoseconds = 9;
	char *to = begin(block, BLOCK_INTERFACE);

	to = put32(to, linktype);
	to = put32(to, 0); /* packets of any length */
	to = put_text(to, INTERFACE_NAME, name);
	to = put_text(to, INTERFACE_DESCRIPTION, description);
	to = put_option(to, INTERFACE_TIME_RESOLUTION, &nanoseconds, 1);
	return end(block, to);
}

size_t pcapng_packet(const struct pcapng_packet *packet, struct pcapng_packet_head *head,
		     char tail[PCAPNG_TAIL_MAX])
{
	char *to = tail;

	memset(to, 0, 4);
	to += -packet->captured & 3u;
	to = put_option(to, PACKET_FLAGS, &packet->direction, sizeof(packet->direction));
	if (packet->dropped)
		to = put_option(to, PACKET_DROPPED, &packet->dropped, sizeof(packet->dropped));
	to = put_option(to, OPTION_END, NULL, 0);
	*head = (struct pcapng_packet_head){
		.type = BLOCK_PACKET,
		.length = (uint32_t)(sizeof(*head) + packet->captured + (to - tail) + 4),
		.interface = packet->interface,
		.time_high = (uint32_t)(packet->nanoseconds >> 32),
		.time_low = (uint32_t)packet->nanoseconds,
		.captured = packet->captured,
		.original = packet->original,
	};
	to = put32(to, head->length);
	return to - tail;
}

size_t pcapng_statistics(char block[PCAPNG_BLOCK_MAX], const struct pcapng_statistics *statistics,
			 const char *comment)
{
	char *to = begin(block, BLOCK_STATISTICS);

	to = put32(to, statistics->interface);
	to = put32(to, (uint32_t)(statistics->end >> 32));
	to = put32(to, (uint32_t)statistics->end);
	if (comment)
		to = put_text(to, OPTION_COMMENT, comment);
	to = put_time(to, STATISTICS_START, statistics->start);
	to = put_time(to, STATISTICS_END, statistics->end);
	to = put_option(to, STATISTICS_RECEIVED, &statistics->received, 8);
	to = put_option(to, STATISTICS_DROPPED, &statistics->dropped, 8);
	return end(block, to);
}
