// SPDX-License-Identifier: GPL-2.0
/*
 * usemem MIB: writes to so much memory, a word of its own in each 64 bytes, reads all of it back, lets it go. Exit status 1: something else
 * was read than was written.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define STRIDE 8u /* words */

int main(int argc, char **argv)
{
	size_t bytes = argc == 2 ? (size_t)atol(argv[1]) << 20 : 0, words = bytes / sizeof(uint64_t);
	uint64_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("usemem");
		return 2;
	}
	for (size_t i = 0; i < words; i += STRIDE)
		memory[i] = i * 0x9E3779B97F4A7C15u + 1;
	for (size_t i = 0; i < words; i += STRIDE)
		if (memory[i] != i * 0x9E3779B97F4A7C15u + 1) {
			fprintf(stderr, "usemem: word %zu holds %#llx\n", i, (unsigned long long)memory[i]);
			return 1;
		}
	return 0;
}
