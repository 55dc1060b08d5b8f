// SPDX-License-Identifier: GPL-2.0
/*
 * remoteload none|tlb|ipi|free|gup SECONDS: one thread per CPU, what one does makes the kernel reach all others.
 * tlb: the first changes the protection of a page that all others read, which flushes their TLBs; each change must be seen by the next
 *	access of every other thread. ipi: the first calls membarrier(), an interrupt to every CPU where the others run.
 * none: neither; all run, to know what that costs by itself.
 * free: the first maps, fills and unmaps memory, which frees page tables; the others read elsewhere.
 * gup: the others read that memory meanwhile by process_vm_readv() and vmsplice(), which walk page tables without a lock
 *	(get_user_pages_fast()); what they get must be this memory's pattern or nothing.
 * Prints "NAME COUNT NANOSECONDS": how often the first did it and what once took. Exit status 1: something was seen that must not be.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul
#define AREA (2ul << 20) /* a page table of its own */
#define PATTERN 0x5A17C0DE5A17C0DEull
#define CPUS_MAX 64

static atomic_bool ended;
static atomic_ulong wrong;
static volatile uint64_t *page; /* tlb */
static _Atomic uint64_t forbidden; /* tlb: round since which nobody may write; 0: all may */
static char *area; /* free, gup: a fixed address */

static void pin(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("remoteload: sched_setaffinity");
}

/* tlb: a write that should have failed is one that a stale TLB let through. */
static __thread sigjmp_buf fault;

static void on_fault(int number)
{
	(void)number;
	siglongjmp(fault, 1);
}

/*
 * @forbidden is set after mprotect() has returned, and cleared before it is called again: who sees the same round
 * there before and after a write wrote while nobody might.
 */
static void try_write(void)
{
	uint64_t before = atomic_load(&forbidden);

	if (sigsetjmp(fault, 1))
		return;
	*page = before;
	if (before && atomic_load(&forbidden) == before)
		atomic_fetch_add(&wrong, 1);
}

static void *tlb_other(void *context)
{
	pin((long)context);
	while (!atomic_load(&ended))
		try_write();
	return NULL;
}

static bool tlb_first(unsigned long count)
{
	bool good;

	good = !mprotect((void *)page, PAGE, PROT_READ);
	atomic_store(&forbidden, count + 1);
	for (volatile int i = 0; i < 200; i++)
		;
	atomic_store(&forbidden, 0);
	return good && !mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE);
}

static void *ipi_other(void *context)
{
	pin((long)context);
	while (!atomic_load_explicit(&ended, memory_order_relaxed))
		;
	return NULL;
}

static bool ipi_first(unsigned long count)
{
	(void)count;
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

static bool none_first(unsigned long count)
{
	(void)count;
	return true;
}

static bool free_first(unsigned long count)
{
	uint64_t *words = mmap(area, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (words == MAP_FAILED)
		return false;
	madvise(words, AREA, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < AREA / 8; at += PAGE / 8)
		for (size_t i = 0; i < 8; i++)
			words[at + i] = PATTERN;
	if (count % 4 == 3)
		madvise(words, AREA / 2, MADV_DONTNEED);
	return !munmap(words, AREA);
}

/* Zero is a page that was not written yet. */
static void judge(const uint64_t *words, size_t bytes)
{
	for (size_t i = 0; i < bytes / 8; i++)
		if (words[i] && words[i] != PATTERN)
			atomic_fetch_add(&wrong, 1);
}

static void read_vm(size_t at)
{
	uint64_t words[8];
	struct iovec local = { words, sizeof(words) }, remote = { area + at, sizeof(words) };
	ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	if (got > 0)
		judge(words, (size_t)got);
}

static void splice_vm(int pipe_in, int pipe_out, size_t at)
{
	struct iovec some = { area + at, 64 };
	uint64_t words[8];
	ssize_t got = vmsplice(pipe_in, &some, 1, SPLICE_F_NONBLOCK);

	if (got > 0 && read(pipe_out, words, sizeof(words)) == got)
		judge(words, (size_t)got);
}

static void *gup_other(void *context)
{
	size_t at = (size_t)context * PAGE;
	int ends[2];

	pin((long)context);
	if (pipe(ends))
		return NULL;
	while (!atomic_load(&ended)) {
		at = (at + 7 * PAGE) % AREA;
		read_vm(at);
		splice_vm(ends[1], ends[0], at);
	}
	close(ends[0]);
	close(ends[1]);
	return NULL;
}

struct kind {
	const char *name;
	bool (*first)(unsigned long count);
	void *(*other)(void *context);
};

static const struct kind kinds[] = {
	{ "none", none_first, ipi_other },
	{ "tlb", tlb_first, tlb_other },
	{ "ipi", ipi_first, ipi_other },
	{ "free", free_first, ipi_other },
	{ "gup", free_first, gup_other },
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_nsec;
}

static void prepare(void)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Aligned, with nothing else below the same page table. */
	area = (char *)(((uintptr_t)mmap(NULL, 4 * AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 2 * AREA - 1) & -AREA);
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

static int run(const struct kind *kind, double seconds)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t others[CPUS_MAX];
	unsigned long count = 0;
	uint64_t began, ends;

	pin(0);
	for (long cpu = 1; cpu < cpus && cpu < CPUS_MAX; cpu++)
		if (pthread_create(&others[cpu], NULL, kind->other, (void *)cpu))
			return 2;
	began = now();
	ends = began + (uint64_t)(seconds * 1e9);
	while (now() < ends && kind->first(count))
		count++;
	ends = now();
	atomic_store(&ended, true);
	for (long cpu = 1; cpu < cpus && cpu < CPUS_MAX; cpu++)
		pthread_join(others[cpu], NULL);
	printf("%s %lu %llu\n", kind->name, count, count ? (unsigned long long)(ends - began) / count : 0ull);
	if (atomic_load(&wrong))
		fprintf(stderr, "remoteload: %s: %lu times something was seen that must not be\n", kind->name, atomic_load(&wrong));
	return atomic_load(&wrong) || !count;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name)) {
			prepare();
			return run(&kinds[i], atof(argv[2]));
		}
	fprintf(stderr, "usage: remoteload none|tlb|ipi|free|gup SECONDS\n");
	return 2;
}
