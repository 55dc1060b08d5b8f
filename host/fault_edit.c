// SPDX-License-Identifier: GPL-2.0
/*
 * What faults do to bytes, whatever they mean, and the dice of "lie".
 * Invariant: nothing outside the given bytes is touched, whatever a rule says.
 */
#include <string.h>

#include "fault.h"
#include "wire/packet.h"

uint64_t fault_number(struct fault_action *action, enum fault_key key)
{
	return fault_has(action, key) ? action->value[key] : fault_random(&action->random);
}

/* What is to be written, of @size bytes: given ones, or a number, which may be counted from @old. */
static void write_bytes(struct fault_action *action, void *to, uint64_t value, uint32_t size)
{
	uint64_t old = 0;

	if (action->byte_count) {
		memcpy(to, action->bytes, size);
		return;
	}
	if (fault_has(action, FAULT_KEY_ADD)) {
		memcpy(&old, to, size);
		value = old + action->value[FAULT_KEY_ADD];
	}
	memcpy(to, &value, size);
}

/* Where: in the descriptor, if there is one and the offset is negative. */
void fault_corrupt(struct fault_action *action, void *desc, void *bytes, uint32_t count)
{
	int64_t size = fault_has(action, FAULT_KEY_SIZE) ? (int64_t)action->value[FAULT_KEY_SIZE] : 1;
	uint64_t value = fault_number(action, FAULT_KEY_VALUE);
	int64_t offset = (int64_t)fault_number(action, FAULT_KEY_OFFSET);
	uint8_t *at = bytes;
	int64_t room = count;

	if (action->byte_count)
		size = action->byte_count;
	if (!fault_has(action, FAULT_KEY_OFFSET))
		offset = count ? (int64_t)((uint64_t)offset % count) : 0;
	if (offset < 0) {
		at = desc;
		room = desc ? (int64_t)sizeof(struct packet_desc) : 0;
		offset += sizeof(struct packet_desc);
	}
	if (offset < room)
		write_bytes(action, at + offset, value, (uint32_t)(size < room - offset ? size : room - offset));
}

static uint64_t below(struct fault_action *action, uint64_t limit)
{
	return fault_random(&action->random) % limit;
}

static void give(struct fault_action *action, enum fault_key key, uint64_t value)
{
	action->given |= 1ull << key;
	action->value[key] = value;
}

static void lie_answer(struct fault_action *action)
{
	static const enum fault_key fields[] = {
		FAULT_KEY_STATUS,   FAULT_KEY_SRB_STATUS, FAULT_KEY_SCSI_STATUS,
		FAULT_KEY_TRANSFER, FAULT_KEY_SENSE,	  FAULT_KEY_ID,
		FAULT_KEY_OP,
	};
	enum fault_key key = fields[below(action, sizeof(fields) / sizeof(fields[0]))];
	uint64_t value = fault_random(&action->random);

	/* Near to what is true, or far from it. */
	give(action, key, value & 1 ? value >> 1 : value >> 1 & 0x3F);
}

static void lie_ring(struct fault_action *action)
{
	static const uint32_t values[] = { 0, 4, 8, 0x1000, 0x10000, 0x7FFFFFF8, 0xFFFFFFF8,
					   0xFFFFFFFF };
	static const enum fault_key fields[] = { FAULT_KEY_READ, FAULT_KEY_WRITE, FAULT_KEY_MASK,
						 FAULT_KEY_PENDING };
	enum fault_key key = fields[below(action, 4)];

	give(action, FAULT_KEY_IN, below(action, 2) ? FAULT_TO_GUEST : FAULT_FROM_GUEST);
	give(action, key, values[below(action, sizeof(values) / sizeof(values[0]))]);
}

static void lie_raw(struct fault_action *action)
{
	const uint16_t head[4] = { below(action, 2) ? PACKET_COMPLETION : below(action, 16),
				   below(action, 8), below(action, 20), below(action, 2) };

	action->byte_count = 16 + below(action, 9) * 8;
	for (uint32_t i = 0; i < action->byte_count; i++)
		action->bytes[i] = fault_random(&action->random);
	memcpy(action->bytes, head, sizeof(head));
	give(action, FAULT_KEY_BYTES, 0);
}

/* What each lie leaves to chance beyond what the carrying out does. */
static void dice(struct fault_action *action)
{
	switch (action->verb) {
	case FAULT_DELAY:
		give(action, FAULT_KEY_MS, 1 + below(action, 20));
		break;
	case FAULT_DUPLICATE:
		if (below(action, 2))
			give(action, FAULT_KEY_MS, 1 + below(action, 50));
		break;
	case FAULT_REORDER:
		give(action, FAULT_KEY_MS, 20);
		break;
	case FAULT_ANSWER:
		lie_answer(action);
		break;
	case FAULT_RAISE:
		give(action, FAULT_KEY_TIMES, 1 + below(action, 4));
		if (below(action, 4) == 0)
			give(action, FAULT_KEY_RELID, 1 + below(action, 2047));
		break;
	case FAULT_RING:
		lie_ring(action);
		break;
	case FAULT_RAW:
		lie_raw(action);
		break;
	case FAULT_RESCIND:
		give(action, FAULT_KEY_REOFFER, below(action, 50));
		break;
	default:
		break;
	}
}

#define BIT(verb) (1u << (verb))

/* What a lie may be where the rule does not say, by what it is about. */
static uint32_t usual_lies(const struct fault_event *event)
{
	if (event->subject == FAULT_INTERRUPT)
		return BIT(FAULT_DELAY) | BIT(FAULT_DROP) | BIT(FAULT_DUPLICATE);
	return BIT(FAULT_DELAY) | BIT(FAULT_DROP) | BIT(FAULT_DUPLICATE) | BIT(FAULT_REORDER) |
	       BIT(FAULT_CORRUPT) | BIT(FAULT_ANSWER) | BIT(FAULT_RAISE) |
	       (event->subject == FAULT_PACKET ? BIT(FAULT_RING) | BIT(FAULT_RAW) : 0);
}

void fault_lie(const struct fault_event *event, struct fault_action *action)
{
	uint32_t set = fault_has(action, FAULT_KEY_OF) ? (uint32_t)action->value[FAULT_KEY_OF]
						       : usual_lies(event);
	unsigned int skip = below(action, __builtin_popcount(set));

	while (skip--)
		set &= set - 1;
	action->verb = __builtin_ctz(set);
	dice(action);
}
