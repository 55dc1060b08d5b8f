// SPDX-License-Identifier: GPL-2.0
/* hugemem MIB: writes to so much memory in one mapping, and says how many huge pages of 2 MiB it got. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE (2ul << 20)
#define PAGE 4096ul

/* AnonHugePages of the mapping that has the address, in KiB; it may have been joined with a neighbour that has none. */
static unsigned long huge_kib(uintptr_t address)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long from, to, kib = 0;
	char line[256];
	int ours = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			ours = address >= from && address < to;
		else if (ours && sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			break;
	}
	if (file)
		fclose(file);
	return kib;
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 1 ? (size_t)atol(argv[1]) << 20 : 0;
	char *memory = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *aligned;

	if (!bytes || memory == MAP_FAILED) {
		perror("hugemem");
		return 2;
	}
	aligned = (char *)(((uintptr_t)memory + HUGE - 1) & ~(HUGE - 1));
	for (size_t at = 0; at < bytes; at += PAGE)
		aligned[at] = 1;
	printf("hugemem: %lu\n", huge_kib((uintptr_t)aligned) >> 11);
	return 0;
}
