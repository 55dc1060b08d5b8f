// SPDX-License-Identifier: GPL-2.0
/*
 * lieload: IO that goes on whatever the disk does: fail, go away, come back under another name.
 *	lieload storm  BYTES [LIMIT]	reads and writes anywhere, many at a time; what they bring does not matter
 *	lieload verify BYTES [LIMIT]	one at a time; every byte that was acknowledged must be what was written
 * The disk is found by its size. Ends on SIGTERM, or after LIMIT operations, of which then not one may fail. While
 * /tmp/pause exists no disk is held open. Prints how many went well and how many failed; exit status 1 if data was wrong.
 *
 * A block that is verified holds 512 times its number and generation. A write that was not acknowledged may have happened,
 * in part, or may yet: so of each block the last acknowledged generation and the last attempted are known, and every word
 * must lie between them.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH	    32
#define BLOCKS	    256
#define BLOCK_BYTES 4096
#define WORDS	    (BLOCK_BYTES / 8)
#define IO_MAX	    65536
#define FAILED_MAX  24 /* in a row, until the disk is looked for anew */
#define WAIT_MS	    100

struct load {
	uint64_t bytes; /* of the disk */
	unsigned long limit; /* 0: none */
	unsigned long well, failed, wrong, opened;
	unsigned int failed_in_a_row;
	uint64_t random;
	int fd;
	char name[32];
	uint8_t *buffer;
	int uevents;
	/* storm */
	aio_context_t context;
	struct iocb iocbs[DEPTH];
	unsigned int flying;
	/* verify */
	uint32_t acknowledged[BLOCKS], attempted[BLOCKS];
};

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

static uint64_t number_in(const char *path)
{
	unsigned long long number = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		return 0;
	if (fscanf(file, "%llu", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

static bool paused(void)
{
	return !access("/tmp/pause", F_OK);
}

/* The name of the disk of this size. */
static bool find_disk(struct load *load)
{
	DIR *folder = opendir("/sys/block");
	struct dirent *entry;
	bool found = false;
	char path[300];

	if (!folder)
		return false;
	while (!found && (entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/sys/block/%s/size", entry->d_name);
		if (strncmp(entry->d_name, "sd", 2) || number_in(path) * 512 != load->bytes)
			continue;
		found = true;
		snprintf(load->name, sizeof(load->name), "%.31s", entry->d_name);
	}
	closedir(folder);
	return found;
}

/* A command that the host forgets shall not hold us up for half a minute. */
static void shorten_timeout(const struct load *load)
{
	char path[128];
	int fd;

	if (load->limit)
		return;
	snprintf(path, sizeof(path), "/sys/block/%s/device/timeout", load->name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		fprintf(stderr, "lieload: %s: %s\n", path, strerror(errno));
	close(fd);
}

static bool open_disk(struct load *load)
{
	char path[64];

	if (paused() || !find_disk(load))
		return false;
	snprintf(path, sizeof(path), "/dev/%s", load->name);
	load->fd = open(path, O_RDWR | O_DIRECT);
	if (load->fd < 0)
		return false;
	shorten_timeout(load);
	load->failed_in_a_row = 0;
	load->opened++;
	return true;
}

/* Something changes, or enough time has passed to look again at what no event tells. */
static void await_change(struct load *load)
{
	struct pollfd event = { .fd = load->uevents, .events = POLLIN };
	char text[4096];

	if (poll(&event, 1, WAIT_MS) > 0)
		while (recv(load->uevents, text, sizeof(text), MSG_DONTWAIT) > 0)
			;
}

static uint64_t draw(struct load *load, uint64_t limit)
{
	load->random ^= load->random << 13;
	load->random ^= load->random >> 7;
	load->random ^= load->random << 17;
	return load->random % limit;
}

static void count(struct load *load, bool well)
{
	if (well) {
		load->well++;
		load->failed_in_a_row = 0;
	} else {
		load->failed++;
		load->failed_in_a_row++;
	}
}

static bool over(const struct load *load)
{
	return ended || load->wrong || (load->limit && load->well + load->failed >= load->limit);
}

static bool go_on(const struct load *load)
{
	return !over(load) && load->failed_in_a_row < FAILED_MAX && !paused();
}

/* Many at a time. */

/* Mostly small, so that there are many. */
static void prepare_one(struct load *load, struct iocb *iocb)
{
	unsigned int slot = (unsigned int)(iocb - load->iocbs);

	memset(iocb, 0, sizeof(*iocb));
	iocb->aio_fildes = (uint32_t)load->fd;
	iocb->aio_lio_opcode = draw(load, 4) ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE;
	iocb->aio_buf = (uintptr_t)load->buffer + (uintptr_t)slot * IO_MAX;
	iocb->aio_nbytes = 512u << (draw(load, 16) ? draw(load, 4) : draw(load, 8));
	iocb->aio_offset = (int64_t)(draw(load, (load->bytes - IO_MAX) / 512) * 512);
}

/* In one go, as few doorbells as there can be. What cannot be submitted has failed. */
static void submit(struct load *load, struct iocb **batch, long waiting)
{
	while (waiting > 0) {
		long done = syscall(SYS_io_submit, load->context, waiting, batch);

		if (done > 0) {
			load->flying += (unsigned int)done;
		} else {
			count(load, false);
			done = 1;
		}
		batch += done;
		waiting -= done;
	}
}

static void reap(struct load *load)
{
	struct timespec wait = { .tv_nsec = WAIT_MS * 1000000 };
	struct io_event events[DEPTH];
	struct iocb *batch[DEPTH];
	long got = syscall(SYS_io_getevents, load->context, 1, DEPTH, events, &wait), again = 0;

	for (long i = 0; i < got; i++) {
		struct iocb *iocb = (struct iocb *)(uintptr_t)events[i].obj;

		load->flying--;
		count(load, events[i].res == (int64_t)iocb->aio_nbytes);
		if (!go_on(load))
			continue;
		prepare_one(load, iocb);
		batch[again++] = iocb;
	}
	submit(load, batch, again);
}

/* What is in flight is waited for: the disk may be gone, but every request ends. */
static void storm(struct load *load)
{
	struct iocb *batch[DEPTH];

	for (unsigned int i = 0; i < DEPTH; i++) {
		batch[i] = &load->iocbs[i];
		prepare_one(load, batch[i]);
	}
	submit(load, batch, DEPTH);
	while (load->flying)
		reap(load);
}

/* One at a time. */

static void write_block(struct load *load, unsigned int block)
{
	uint64_t *words = (uint64_t *)load->buffer;
	uint32_t generation = ++load->attempted[block];
	bool well;

	for (unsigned int i = 0; i < WORDS; i++)
		words[i] = (uint64_t)block << 32 | generation;
	well = pwrite(load->fd, words, BLOCK_BYTES, (off_t)block * BLOCK_BYTES) == BLOCK_BYTES;
	if (well)
		load->acknowledged[block] = generation;
	count(load, well);
}

static bool word_right(const struct load *load, unsigned int block, uint64_t word)
{
	uint32_t generation = (uint32_t)word;

	if (!word && !load->acknowledged[block])
		return true; /* never written */
	return word >> 32 == block && generation >= load->acknowledged[block] &&
	       generation <= load->attempted[block];
}

static void read_block(struct load *load, unsigned int block)
{
	uint64_t *words = (uint64_t *)load->buffer;

	memset(words, 0xEE, BLOCK_BYTES);
	if (pread(load->fd, words, BLOCK_BYTES, (off_t)block * BLOCK_BYTES) != BLOCK_BYTES) {
		count(load, false);
		return;
	}
	count(load, true);
	for (unsigned int i = 0; i < WORDS && !load->wrong; i++) {
		if (word_right(load, block, words[i]))
			continue;
		load->wrong++;
		printf("# block %u word %u is %016llx, must be generation %u to %u\n", block, i,
		       (unsigned long long)words[i], load->acknowledged[block], load->attempted[block]);
	}
}

/* With a limit there was somebody before us, whose generations we do not know: ours first, everywhere. */
static void verify(struct load *load)
{
	for (unsigned int block = 0; load->limit && block < BLOCKS && go_on(load); block++)
		if (!load->attempted[block])
			write_block(load, block);
	while (go_on(load)) {
		unsigned int block = (unsigned int)draw(load, BLOCKS);

		if (draw(load, 2))
			write_block(load, block);
		else
			read_block(load, block);
	}
}

static int open_uevents(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	perror("lieload: uevents");
	exit(2);
}

static void prepare(struct load *load, char **argv)
{
	struct sigaction action = { .sa_handler = end };
	void *buffer;

	load->bytes = strtoull(argv[2], NULL, 10);
	load->limit = argv[3] ? strtoul(argv[3], NULL, 10) : 0;
	load->random = 0x9E3779B97F4A7C15ull;
	load->uevents = open_uevents();
	sigaction(SIGTERM, &action, NULL);
	if (posix_memalign(&buffer, 4096, (size_t)DEPTH * IO_MAX) ||
	    syscall(SYS_io_setup, DEPTH, &load->context)) {
		perror("lieload");
		exit(2);
	}
	memset(buffer, 0, (size_t)DEPTH * IO_MAX);
	load->buffer = buffer;
}

int main(int argc, char **argv)
{
	static struct load load;
	bool verifies = argc > 1 && !strcmp(argv[1], "verify");

	if (argc < 3 || argc > 4 || (!verifies && strcmp(argv[1], "storm"))) {
		fprintf(stderr, "usage: lieload storm|verify BYTES [LIMIT]\n");
		return 2;
	}
	prepare(&load, argv);
	while (!over(&load)) {
		if (!open_disk(&load)) {
			await_change(&load);
			continue;
		}
		if (verifies)
			verify(&load);
		else
			storm(&load);
		close(load.fd);
		if (load.failed_in_a_row)
			await_change(&load);
	}
	printf("@figure hostile.lies.%s.%s %lu count\n", argv[1], load.limit ? "well_after" : "well", load.well);
	printf("@figure hostile.lies.%s.%s %lu count\n", argv[1], load.limit ? "failed_after" : "failed", load.failed);
	printf("@figure hostile.lies.%s.%s %lu count\n", argv[1], load.limit ? "opened_after" : "opened", load.opened);
	return load.wrong || (load.limit && load.failed);
}
