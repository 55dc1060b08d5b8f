// SPDX-License-Identifier: GPL-2.0
/*
 * clockload: what the tests of time want to know of a guest's clocks.
 *	clockload cost N		one line: ns of clock_gettime() as libc does it, of the system call, of rdtsc
 *	clockload quiet			clock_gettime() makes no system call, or exit status 1
 *	clockload monotone CPUS READS SECONDS
 *					a thread on each CPU reads the clock, each read after another thread's: how many there were and how
 *					many were behind an earlier one; exit status 1 if any. Ends after READS reads or SECONDS
 *	clockload lateness US COUNT	COUNT sleeps to points US apart: ns of lateness, least, mean, 99th percentile, most
 *	clockload sleep US COUNT	COUNT nanosleep()s: ns beyond, the same four
 *	clockload vvar			how many pages of [vvar] can be read
 *	clockload ptp DEVICE		its name, that it cannot be set, and how far it is from the clock: ns, by extended and precise stamps
 *	clockload host TTY COUNT	asks the other side for its wall clock, COUNT times: ns that it is ahead of ours, by the quickest
 *					answer, and how long that took
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/ptp_clock.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define NS	   1000000000ll
#define CPUS_MAX   64
#define SYSTEM_CALL 2

static int64_t ns_of(const struct timespec *time)
{
	return time->tv_sec * NS + time->tv_nsec;
}

static int64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return ns_of(&time);
}

/* Cost. */

static void by_libc(struct timespec *time)
{
	clock_gettime(CLOCK_MONOTONIC, time);
}

static void by_syscall(struct timespec *time)
{
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, time);
}

static void by_rdtsc(struct timespec *time)
{
	*(volatile long *)&time->tv_nsec = (long)__rdtsc();
}

/* The least of many turns, so short that some are disturbed by nobody, even on a busy machine. */
static double cost(void (*read)(struct timespec *time), int reads)
{
	const int turns = 50;
	double least = 1e18, took;
	struct timespec time;
	int64_t began;

	for (int turn = 0; turn < turns; turn++) {
		began = now(CLOCK_MONOTONIC);
		for (int i = 0; i < reads; i++)
			read(&time);
		took = (double)(now(CLOCK_MONOTONIC) - began) / reads;
		least = took < least ? took : least;
	}
	return least;
}

static int show_cost(int reads)
{
	printf("%.1f %.1f %.1f\n", cost(by_libc, reads / 10), cost(by_syscall, reads / 10), cost(by_rdtsc, reads));
	return 0;
}

/* No system call: the kernel would refuse it. */

static int quiet(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	struct timespec time;
	int calls = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("clockload: seccomp");
		return SYSTEM_CALL;
	}
	if (!syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time)) {
		printf("the system call was not refused: this says nothing\n");
		return SYSTEM_CALL;
	}
	for (int i = 0; i < 10000; i++)
		calls += clock_gettime(i & 1 ? CLOCK_MONOTONIC : CLOCK_REALTIME, &time) != 0;
	printf("%d of 10000 readings were system calls\n", calls);
	return calls != 0;
}

/* Monotonic across CPUs. */

static struct {
	_Atomic int64_t latest;
	_Atomic uint64_t reads, back, alternations;
	_Atomic int last;
	_Atomic int64_t worst;
	uint64_t reads_max;
	int64_t ends;
} race;

static void *read_along(void *argument)
{
	int self = (int)(intptr_t)argument;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(self, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (uint64_t i = 1;; i++) {
		int64_t before = race.latest, time = now(CLOCK_MONOTONIC);

		if (time < before) {
			race.back++;
			if (before - time > race.worst)
				race.worst = before - time;
		}
		while (time > before && !__atomic_compare_exchange_n((int64_t *)&race.latest, &before, time, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
		race.alternations += race.last != self;
		race.last = self;
		if (++race.reads >= race.reads_max || time >= race.ends)
			return NULL;
	}
}

static int monotone(int cpus, uint64_t reads, int seconds)
{
	pthread_t threads[CPUS_MAX];

	race.reads_max = reads;
	race.ends = now(CLOCK_MONOTONIC) + seconds * NS;
	for (int i = 0; i < cpus && i < CPUS_MAX; i++)
		pthread_create(&threads[i], NULL, read_along, (void *)(intptr_t)i);
	for (int i = 0; i < cpus && i < CPUS_MAX; i++)
		pthread_join(threads[i], NULL);
	printf("%lu reads, %lu after one on another CPU, %lu back, at most %ld ns\n", (unsigned long)race.reads,
	       (unsigned long)race.alternations, (unsigned long)race.back, (long)race.worst);
	return race.back != 0;
}

/* Lateness. */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void show_four(int64_t *late, int count)
{
	int64_t sum = 0;

	qsort(late, (size_t)count, sizeof(*late), compare);
	for (int i = 0; i < count; i++)
		sum += late[i];
	printf("%ld %ld %ld %ld\n", (long)late[0], (long)(sum / count), (long)late[count * 99 / 100], (long)late[count - 1]);
}

static int lateness(int64_t step_ns, int count, bool relative)
{
	const struct sched_param high = { .sched_priority = 80 };
	const struct timespec nap = { step_ns / NS, step_ns % NS };
	int64_t *late = calloc((size_t)count, sizeof(*late)), point;
	struct timespec until;

	sched_setscheduler(0, SCHED_FIFO, &high);
	point = now(CLOCK_MONOTONIC);
	for (int i = 0; i < count; i++) {
		if (relative)
			point = now(CLOCK_MONOTONIC);
		point += step_ns;
		until = (struct timespec){ point / NS, point % NS };
		if (relative)
			nanosleep(&nap, NULL);
		else
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		late[i] = now(CLOCK_MONOTONIC) - point;
		/* After a long delay: the points between are not late twice. */
		if (late[i] > step_ns)
			point = now(CLOCK_MONOTONIC);
	}
	show_four(late, count);
	if (late[0] < 0)
		fprintf(stderr, "clockload: woken %ld ns early\n", (long)-late[0]);
	return late[0] < 0;
}

/* The pages that the kernel maps beside the vDSO. */

static sigjmp_buf bus_error;

static void on_bus_error(int number)
{
	siglongjmp(bus_error, number);
}

static int show_vvar(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	volatile int pages = 0;
	char line[256];

	signal(SIGBUS, on_bus_error);
	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "[vvar]") || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		for (volatile unsigned long at = from; at < to; at += 4096)
			if (!sigsetjmp(bus_error, 1)) {
				(void)*(volatile char *)at;
				pages++;
			}
	}
	printf("%d\n", pages);
	return 0;
}

/* PTP. */

static int64_t ptp_ns(const struct ptp_clock_time *time)
{
	return time->sec * NS + time->nsec;
}

static bool can_be_set(int fd)
{
	clockid_t clock = ((~(clockid_t)fd) << 3) | 3;
	struct timespec time;

	return clock_gettime(clock, &time) || !clock_settime(clock, &time);
}

static int ptp(const char *path)
{
	struct ptp_sys_offset_extended extended = { .n_samples = 5 };
	struct ptp_sys_offset_precise precise = {};
	struct ptp_clock_caps caps = {};
	int fd = open(path, O_RDWR);
	int64_t middle = 0;

	if (fd < 0 || ioctl(fd, PTP_CLOCK_GETCAPS, &caps) || ioctl(fd, PTP_SYS_OFFSET_EXTENDED, &extended)) {
		perror(path);
		return 1;
	}
	for (int i = 0; i < 5; i++)
		middle += ptp_ns(&extended.ts[i][1]) - (ptp_ns(&extended.ts[i][0]) + ptp_ns(&extended.ts[i][2])) / 2;
	printf("%s %ld ", can_be_set(fd) ? "settable" : "read-only", (long)(middle / 5));
	if (ioctl(fd, PTP_SYS_OFFSET_PRECISE, &precise))
		printf("none(%d)\n", errno);
	else
		printf("%ld\n", (long)(ptp_ns(&precise.device) - ptp_ns(&precise.sys_realtime)));
	return can_be_set(fd);
}

/* The host's clock, by who is at the other end of a serial port: "@clock" is answered by ns since 1970. */

static int against_host(const char *tty, int count)
{
	int64_t best = INT64_MAX, offset = 0;
	FILE *port = fopen(tty, "r+");
	char line[64];

	for (int i = 0; port && i < count; i++) {
		int64_t before = now(CLOCK_REALTIME), after, took;

		fputs("@clock\n", port);
		fflush(port);
		if (!fgets(line, sizeof(line), port))
			return 1;
		after = now(CLOCK_REALTIME);
		took = after - before;
		if (took < best) {
			best = took;
			offset = atoll(line) - (before + took / 2);
		}
		fseek(port, 0, SEEK_CUR);
	}
	printf("%ld %ld\n", (long)offset, (long)best);
	return !port;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long first = argc > 2 ? atol(argv[2]) : 0, second = argc > 3 ? atol(argv[3]) : 0;

	if (!strcmp(what, "cost") && first > 0)
		return show_cost((int)first);
	if (!strcmp(what, "quiet"))
		return quiet();
	if (!strcmp(what, "monotone") && argc > 4)
		return monotone((int)first, (uint64_t)second, atoi(argv[4]));
	if ((!strcmp(what, "lateness") || !strcmp(what, "sleep")) && second > 0)
		return lateness(first * 1000, (int)second, *what == 's');
	if (!strcmp(what, "vvar"))
		return show_vvar();
	if (!strcmp(what, "ptp") && argc > 2)
		return ptp(argv[2]);
	if (!strcmp(what, "host") && second > 0)
		return against_host(argv[2], (int)second);
	fprintf(stderr, "clockload: cost N | quiet | monotone CPUS READS SECONDS | lateness US COUNT | sleep US COUNT | vvar | ptp DEVICE | host TTY COUNT\n");
	return SYSTEM_CALL;
}
