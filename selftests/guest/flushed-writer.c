// SPDX-License-Identifier: GPL-2.0
/*
 * Writes 64-KiB blocks "block NUMBER" one after the other, flushes after every 16th and says so: what a line
 * "flushed N" covers must be on the disk whatever happens next. Starts over at the end of the disk.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536
#define LINE 15

static void fill(char *block, unsigned int number)
{
	char line[LINE + 1];
	size_t at;

	memset(block, '\n', BLOCK);
	snprintf(line, sizeof(line), "block %8u\n", number);
	for (at = 0; at + LINE <= BLOCK; at += LINE)
		memcpy(block + at, line, LINE);
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_DIRECT) : -1;
	unsigned int number, flushed = 0;
	char *block;

	if (fd < 0 || posix_memalign((void **)&block, 4096, BLOCK)) {
		perror("flushed-writer");
		return 1;
	}
	for (;;) {
		for (number = 0;; number++) {
			fill(block, number);
			if (pwrite(fd, block, BLOCK, (off_t)number * BLOCK) != BLOCK)
				break;
			if (number % 16 != 15)
				continue;
			if (fsync(fd)) {
				perror("flushed-writer: fsync");
				return 1;
			}
			flushed = number + 1 > flushed ? number + 1 : flushed;
			printf("flushed %u\n", flushed);
			fflush(stdout);
		}
	}
}
