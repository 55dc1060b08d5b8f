// SPDX-License-Identifier: GPL-2.0
/*
 * usemem MIB [STEP]: writes to so much memory, a word of its own in each 64 bytes, reads all of it back, lets it go. With STEP it grows by so
 * many MiB at a time, as there is memory for the next, and holds what it has until it reads a line, be that all of it or not. Exit status 1:
 * something else was read than was written.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STRIDE 8u /* words */
#define MIB (1ul << 20)
#define SPARE_MIB 24ul /* are left to the kernel */

static uint64_t word_of(size_t place, size_t i)
{
	return (place + i) * 0x9E3779B97F4A7C15u + 1;
}

static uint64_t *take(size_t place, size_t bytes)
{
	uint64_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("usemem");
		exit(2);
	}
	for (size_t i = 0; i < bytes / sizeof(*memory); i += STRIDE)
		memory[i] = word_of(place, i);
	return memory;
}

static bool check(const uint64_t *memory, size_t place, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*memory); i += STRIDE) {
		if (memory[i] == word_of(place, i))
			continue;
		fprintf(stderr, "usemem: word %zu holds %#llx\n", place + i, (unsigned long long)memory[i]);
		return false;
	}
	return true;
}

static unsigned long available_mib(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib >> 10;
}

/* Wait for memory. Return: false: it is enough, somebody says. */
static bool await_memory(size_t mib)
{
	struct pollfd said = { .fd = STDIN_FILENO, .events = POLLIN };

	while (available_mib() < mib + SPARE_MIB)
		if (poll(&said, 1, 50) > 0)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? (size_t)atol(argv[1]) : 0, step = argc > 2 ? (size_t)atol(argv[2]) : mib;
	size_t count = step ? mib / step : 0, taken = 0;
	uint64_t **parts = calloc(count + 1, sizeof(*parts));
	char line[8];

	for (; taken < count && (argc <= 2 || await_memory(step)); taken++)
		parts[taken] = take(taken, step * MIB);
	if (argc > 2) {
		printf("usemem: holds %zu\n", taken * step);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return 2;
	}
	for (size_t i = 0; i < taken; i++)
		if (!check(parts[i], i, step * MIB))
			return 1;
	return 0;
}
