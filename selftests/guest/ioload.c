// SPDX-License-Identifier: GPL-2.0
/*
 * ioload: a known number of IOs at a known depth, with the host's counters taken right before and right after, so
 * that signals, interrupts and exits per IO are exact. Small and static, because a guest may run where KVM is emulated.
 *	ioload [--singly] [--spin] [--poll] [--unmarked] [--here] [--cpus N] [--irq WORD] NAME DEVICE,... randread|randwrite|read|write BLOCK DEPTH COUNT
 * All events that have come are replaced in one io_submit(), as databases do.
 * --singly: each in one of its own, as fio does unless told otherwise. --spin: asks for events again and again instead
 * of sleeping. --poll: io_uring with IOPOLL, which asks the device's poll queues for completions. --unmarked: no counters and
 * no figures, only the load: exit status 1 if an IO failed. --irq: also says how many interrupts of the lines of /proc/interrupts
 * that have WORD in them came meanwhile. --here: this is no guest, and DEVICE may be a file: by io_uring, as hvis-host does, through the page
 * cache where there is no O_DIRECT; figures without marks, and NAME.cpu_ns, what the IOs took of this process, or of all of --cpus.
 * --cpus: N processes that share the IOs, each at that depth and on a CPU of its own as far as there are so many.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <sched.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 128
#define DEVICES_MAX 64
#define REPORT "/dev/ttyS1"

struct load {
	const char *name;
	int fds[DEVICES_MAX];
	unsigned int devices, device; /* each IO goes to the next one */
	unsigned int cpus; /* so many processes, one on each CPU in turn; 0: only this one, on any */
	double *cpu_seconds; /* of each of them, what its part took; shared with them */
	int random;
	int singly;
	int uring; /* instead of io_submit() */
	int poll; /* with it: polled completions */
	int here;
	int spin;
	int unmarked;
	const char *irq;
	uint16_t opcode;
	unsigned int depth;
	unsigned int block;
	unsigned long count;
	uint64_t blocks; /* of the device */
	uint64_t state; /* of the random generator */
	uint64_t next; /* sequential position */
	aio_context_t context;
	struct io_uring ring; /* instead, with uring */
	struct iocb iocbs[DEPTH_MAX];
};

static void usage(void)
{
	fprintf(stderr, "usage: ioload [--singly] [--spin] [--poll] [--unmarked] [--here] [--cpus N] [--irq WORD] "
			"NAME DEVICE,... MODE BLOCK DEPTH COUNT\n"
			"MODE: randread|randwrite|read|write. "
			"Does COUNT IOs of BLOCK bytes with DEPTH in flight (on each of N CPUs) over all DEVICEs in turn and\n"
			"reports NAME.iops and NAME.mbps.\n");
	exit(2);
}

static void fail(const char *what)
{
	fprintf(stderr, "ioload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The host takes its counters between our line and its answer. */
static void mark(const struct load *load, const char *when)
{
	FILE *report;
	char answer[16];

	if (load->unmarked || load->here)
		return;
	report = fopen(REPORT, "r+");
	if (!report)
		fail(REPORT);
	fprintf(report, "@mark %s.%s\n", load->name, when);
	fflush(report);
	if (!fgets(answer, sizeof(answer), report))
		fail("no answer to a mark");
	fclose(report);
}

/* Of all CPUs: the numbers behind the first colon of each line that has the word. */
static unsigned long interrupts(const char *word)
{
	FILE *file = fopen("/proc/interrupts", "r");
	unsigned long sum = 0, value;
	char line[1024], *at, *end;

	if (!file)
		fail("/proc/interrupts");
	while (fgets(line, sizeof(line), file)) {
		at = strchr(line, ':');
		if (!at || !strstr(line, word))
			continue;
		for (at++; value = strtoul(at, &end, 10), end != at && *end == ' '; at = end)
			sum += value;
	}
	fclose(file);
	return sum;
}

static uint64_t next_block(struct load *load)
{
	if (!load->random)
		return load->next++ % load->blocks;
	load->state ^= load->state << 13;
	load->state ^= load->state >> 7;
	load->state ^= load->state << 17;
	return load->state % load->blocks;
}

static void prepare(struct load *load, struct iocb *iocb)
{
	iocb->aio_offset = (int64_t)(next_block(load) * load->block);
	iocb->aio_lio_opcode = load->opcode;
	iocb->aio_fildes = (uint32_t)load->fds[load->device++ % load->devices];
	iocb->aio_nbytes = load->block;
}

/* Return: how many were taken. */
static long submit_some(struct load *load, struct iocb **batch, long count)
{
	long i;

	if (!load->uring)
		return syscall(SYS_io_submit, load->context, count, batch);
	for (i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&load->ring);

		io_uring_prep_rw(load->opcode == IOCB_CMD_PREAD ? IORING_OP_READ : IORING_OP_WRITE, sqe,
				 (int)batch[i]->aio_fildes, (void *)(uintptr_t)batch[i]->aio_buf, load->block, (uint64_t)batch[i]->aio_offset);
		io_uring_sqe_set_data(sqe, batch[i]);
	}
	errno = 0;
	i = io_uring_submit(&load->ring);
	if (i != count)
		fail("io_uring_submit");
	return i;
}

static void submit(struct load *load, struct iocb **batch, long count)
{
	while (count > 0) {
		long done = submit_some(load, batch, load->singly ? 1 : count);

		if (done < 0)
			fail("io_submit");
		batch += done;
		count -= done;
	}
}

/* Waits for at least one. Return: how many have completed. */
static long collect(struct load *load, struct io_event *events)
{
	struct io_uring_cqe *cqes[DEPTH_MAX], *first;
	unsigned int got, i;

	if (!load->uring)
		return syscall(SYS_io_getevents, load->context, !load->spin, load->depth, events, NULL);
	errno = -io_uring_wait_cqe(&load->ring, &first);
	if (errno)
		return -1;
	got = io_uring_peek_batch_cqe(&load->ring, cqes, load->depth);
	for (i = 0; i < got; i++) {
		events[i].obj = cqes[i]->user_data;
		events[i].res = cqes[i]->res;
	}
	io_uring_cq_advance(&load->ring, got);
	return got;
}

/* Replaces what has completed, all at once, until nothing is left to start. Returns how many completed. */
static unsigned int turn(struct load *load, unsigned long *left)
{
	struct io_event events[DEPTH_MAX];
	struct iocb *batch[DEPTH_MAX];
	long got, i, count = 0;

	got = collect(load, events);
	if (got < 0)
		fail("waiting for completions");
	for (i = 0; i < got; i++) {
		if (events[i].res != (int64_t)load->block) {
			errno = events[i].res < 0 ? (int)-events[i].res : EIO;
			fail("an IO failed");
		}
		if (!*left)
			continue;
		(*left)--;
		batch[count] = (struct iocb *)(uintptr_t)events[i].obj;
		prepare(load, batch[count++]);
	}
	submit(load, batch, count);
	return (unsigned int)got;
}

static void run(struct load *load, unsigned long count)
{
	struct iocb *batch[DEPTH_MAX];
	unsigned long left = count, flying;
	unsigned int i;

	for (i = 0; i < load->depth && left; i++, left--) {
		batch[i] = &load->iocbs[i];
		prepare(load, batch[i]);
	}
	flying = i;
	submit(load, batch, i);
	while (flying || left) {
		unsigned long before = left;

		flying -= turn(load, &left);
		flying += before - left;
	}
}

static int open_device(const struct load *load, const char *path)
{
	int fd = open(path, O_RDWR | O_DIRECT);

	return fd < 0 && errno == EINVAL && load->here ? open(path, O_RDWR) : fd;
}

static int size_of(int fd, uint64_t *bytes)
{
	struct stat status;

	if (fstat(fd, &status))
		return -1;
	if (!S_ISREG(status.st_mode))
		return ioctl(fd, BLKGETSIZE64, bytes);
	*bytes = (uint64_t)status.st_size;
	return 0;
}

static void open_devices(struct load *load, char *paths)
{
	uint64_t bytes;
	char *path;

	for (path = strtok(paths, ","); path; path = strtok(NULL, ",")) {
		int fd = open_device(load, path);

		if (load->devices == DEVICES_MAX)
			usage();
		if (fd < 0 || size_of(fd, &bytes))
			fail(path);
		if (!load->devices || bytes / load->block < load->blocks)
			load->blocks = bytes / load->block;
		load->fds[load->devices++] = fd;
	}
	if (!load->devices)
		usage();
}

/* Of this process: contexts do not survive a fork. */
static void set_up(struct load *load)
{
	void *buffers;
	unsigned int i;

	if (posix_memalign(&buffers, 4096, (size_t)load->block * load->depth))
		fail("memory");
	memset(buffers, 0x5a, (size_t)load->block * load->depth);
	for (i = 0; i < load->depth; i++)
		load->iocbs[i].aio_buf = (uintptr_t)buffers + (uintptr_t)i * load->block;
	if (load->uring) {
		errno = -io_uring_queue_init(DEPTH_MAX, &load->ring, load->poll ? IORING_SETUP_IOPOLL : 0);
		if (errno)
			fail("io_uring_queue_init");
	} else if (syscall(SYS_io_setup, load->depth, &load->context)) {
		fail("io_setup");
	}
}

static void stay_on_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

/* A part of the load: ready, then as much as is left for it when the parent closes @go. */
static void child(struct load *load, unsigned int number, int ready, int go)
{
	unsigned long count = load->count / load->cpus;
	char byte = 0;
	double begin;

	stay_on_cpu(number % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN));
	load->state += number;
	load->device = number;
	set_up(load);
	run(load, load->depth * 4ul);
	if (write(ready, &byte, 1) != 1)
		fail("pipe");
	close(ready); /* or nobody would hear that another one ends early */
	if (read(go, &byte, 1))
		fail("pipe");
	begin = now(CLOCK_PROCESS_CPUTIME_ID);
	run(load, count + (number < load->count % load->cpus));
	load->cpu_seconds[number] = now(CLOCK_PROCESS_CPUTIME_ID) - begin;
	exit(0);
}

/* The children have warmed up when this returns. Returns what to close for them to begin. */
static int start_children(struct load *load)
{
	int ready[2], go[2];
	unsigned int number;
	char byte;

	load->cpu_seconds = mmap(NULL, load->cpus * sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (load->cpu_seconds == MAP_FAILED || pipe(ready) || pipe(go))
		fail("pipe or memory");
	for (number = 0; number < load->cpus; number++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (!pid) {
			close(go[1]);
			child(load, number, ready[1], go[0]);
		}
	}
	close(ready[1]);
	for (number = 0; number < load->cpus; number++)
		if (read(ready[0], &byte, 1) != 1)
			fail("a part of the load ended early");
	return go[1];
}

/* Return: seconds of CPU that all of them took. */
static double await_children(const struct load *load)
{
	double sum = 0;
	unsigned int i;
	int status;

	for (i = 0; i < load->cpus; i++)
		if (wait(&status) < 0 || status)
			fail("a part of the load failed");
	for (i = 0; i < load->cpus; i++)
		sum += load->cpu_seconds[i];
	return sum;
}

int main(int argc, char **argv)
{
	static struct load load = { .state = 0x9E3779B97F4A7C15ull };
	unsigned long before = 0;
	double begin, seconds, cpu;
	int go = -1;

	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		if (!strcmp(argv[1], "--singly"))
			load.singly = 1;
		else if (!strcmp(argv[1], "--spin"))
			load.spin = 1;
		else if (!strcmp(argv[1], "--poll"))
			load.poll = load.uring = 1;
		else if (!strcmp(argv[1], "--here"))
			load.here = load.uring = 1;
		else if (!strcmp(argv[1], "--unmarked"))
			load.unmarked = 1;
		else if (!strcmp(argv[1], "--irq") && argc > 2)
			load.irq = argv[2], argc--, argv++;
		else if (!strcmp(argv[1], "--cpus") && argc > 2 && atoi(argv[2]) > 0)
			load.cpus = (unsigned int)atoi(argv[2]), argc--, argv++;
		else
			usage();
	}
	if (argc != 7)
		usage();
	load.name = argv[1];
	load.block = (unsigned int)atoi(argv[4]);
	load.depth = (unsigned int)atoi(argv[5]);
	load.count = strtoul(argv[6], NULL, 10);
	if (load.block < 512 || !load.depth || load.depth > DEPTH_MAX || !load.count)
		usage();
	load.random = !strncmp(argv[3], "rand", 4);
	load.opcode = strstr(argv[3], "write") ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
	open_devices(&load, argv[2]);
	if (load.cpus) {
		go = start_children(&load);
	} else {
		set_up(&load);
		run(&load, load.depth * 4ul); /* warm up: code paths, caches, the host's worker */
	}
	mark(&load, "begin");
	if (load.irq)
		before = interrupts(load.irq);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	begin = now(CLOCK_MONOTONIC);
	if (load.cpus) {
		close(go);
		cpu = await_children(&load);
	} else {
		run(&load, load.count);
		cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	}
	seconds = now(CLOCK_MONOTONIC) - begin;
	if (load.unmarked)
		return 0;
	if (load.irq)
		before = interrupts(load.irq) - before;
	mark(&load, "end");
	if (load.irq)
		printf("@figure %s.interrupts %lu count\n", load.name, before);
	if (load.here)
		printf("@figure %s.cpu_ns %.0f ns\n", load.name, cpu * 1e9);
	printf("@figure %s.ios %lu count\n", load.name, load.count);
	printf("@figure %s.iops %.1f 1/s\n", load.name, (double)load.count / seconds);
	printf("@figure %s.mbps %.2f MB/s\n", load.name, (double)load.count * load.block / seconds / 1e6);
	return 0;
}
