// SPDX-License-Identifier: GPL-2.0
/*
 * holdmem MIB: fills so much memory with a pattern, says "holdmem: holds MIB", then looks at all of it again and again, writing one part in
 * eight anew in memory that it takes anew, until it reads a line. Says how often it saw all of it. Exit status 1: something else was read
 * than was written; 2: there is no such memory.
 *
 * A part is 2 MiB, as large as a huge page, so that memory that comes and goes is used by parts.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PART (2ul << 20)
#define STRIDE 64u /* words: each 512 bytes have one */
#define ANEW 8u

struct part {
	uint64_t *words;
	uint64_t seed;
};

static uint64_t word_of(uint64_t seed, size_t i)
{
	return (seed + i) * 0x9E3779B97F4A7C15u + 1;
}

static void fill(struct part *part, uint64_t seed)
{
	part->seed = seed;
	part->words = mmap(NULL, PART, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (part->words == MAP_FAILED) {
		perror("holdmem");
		exit(2);
	}
	for (size_t i = 0; i < PART / sizeof(*part->words); i += STRIDE)
		part->words[i] = word_of(seed, i);
}

static void check(const struct part *part, size_t number)
{
	for (size_t i = 0; i < PART / sizeof(*part->words); i += STRIDE) {
		if (part->words[i] == word_of(part->seed, i))
			continue;
		printf("holdmem: part %zu, word %zu: %#llx, not %#llx\n", number, i, (unsigned long long)part->words[i],
		       (unsigned long long)word_of(part->seed, i));
		exit(1);
	}
}

static bool is_told(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 0) > 0;
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? ((size_t)atol(argv[1]) << 20) / PART : 0;
	struct part *parts = calloc(count + 1, sizeof(*parts));
	unsigned long rounds = 0;

	for (size_t i = 0; i < count; i++)
		fill(&parts[i], i);
	printf("holdmem: holds %zu\n", count * PART >> 20);
	fflush(stdout);
	while (!is_told()) {
		for (size_t i = 0; i < count; i++) {
			check(&parts[i], i);
			if ((i + rounds) % ANEW)
				continue;
			munmap(parts[i].words, PART);
			fill(&parts[i], parts[i].seed + count);
		}
		rounds++;
	}
	for (size_t i = 0; i < count; i++)
		check(&parts[i], i);
	printf("holdmem: %lu rounds\n", rounds);
	return 0;
}
