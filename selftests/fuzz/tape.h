/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share: the input as a tape of decisions, and what a broken property does.
 * A target reads operations and their arguments from the tape, so almost any bytes are a meaningful
 * run, and mutations change one decision at a time.
 * Invariant: past its end a tape reads as zeros; a target ends its run when tape_more() is false.
 */
#ifndef HVIS_FUZZ_TAPE_H
#define HVIS_FUZZ_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A property that must hold: the fuzzer keeps the input of a run that ends here. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s: must hold: %s\n", __FILE__, __LINE__,          \
				__func__, #condition);                                             \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct tape {
	const uint8_t *at;
	size_t left;
};

/* The entry point that libFuzzer calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static inline bool tape_more(const struct tape *tape)
{
	return tape->left;
}

/** tape_take() - copy @bytes off the tape, zeros behind its end. */
static inline void tape_take(struct tape *tape, void *to, size_t bytes)
{
	size_t have = bytes < tape->left ? bytes : tape->left;

	memcpy(to, tape->at, have);
	memset((uint8_t *)to + have, 0, bytes - have);
	tape->at += have;
	tape->left -= have;
}

static inline uint8_t tape_u8(struct tape *tape)
{
	uint8_t value;

	tape_take(tape, &value, sizeof(value));
	return value;
}

static inline uint16_t tape_u16(struct tape *tape)
{
	uint16_t value;

	tape_take(tape, &value, sizeof(value));
	return value;
}

static inline uint32_t tape_u32(struct tape *tape)
{
	uint32_t value;

	tape_take(tape, &value, sizeof(value));
	return value;
}

static inline uint64_t tape_u64(struct tape *tape)
{
	uint64_t value;

	tape_take(tape, &value, sizeof(value));
	return value;
}

/** tape_below() - 0..@limit-1; @limit at most 65536. */
static inline uint32_t tape_below(struct tape *tape, uint32_t limit)
{
	return (limit > 256 ? tape_u16(tape) : tape_u8(tape)) % limit;
}

/**
 * tape_lie() - @truth seven times out of eight, else something else: near it, a power of two, or
 * anything
 */
static inline uint32_t tape_lie(struct tape *tape, uint32_t truth)
{
	uint8_t how = tape_u8(tape);

	switch (how) {
	case 1:
		return truth + 1;
	case 2:
		return truth - 1;
	case 3:
		return 0;
	case 4:
		return UINT32_MAX;
	case 5:
		return 1u << (tape_u8(tape) % 32);
	case 6 ... 32:
		return tape_u32(tape);
	default:
		return truth;
	}
}

#endif
