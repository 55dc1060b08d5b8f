// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of a test guest: mounts, runs /test/run, reads the kernel log, reports, ends the machine.
 * The report goes to the second serial port, apart from the console, so that a crash, a hang or a chatty
 * kernel can never look like a pass: the host side wants the line "@result ok" and the right end.
 * Kernel command line: hvis.end=poweroff|reboot|crash (default poweroff), hvis.limit=SECONDS for /test/run;
 * every other hvis.NAME=VALUE becomes the variable HVIS_NAME of the test.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define REPORT "/dev/ttyS1"
#define TEST "/test/run"
#define LOG_BYTES (16 << 20)

/* A line of the kernel log with one of these is a failed test. */
static const char *const trouble[] = {
	"WARNING:",	     "BUG:",		  "Oops",	      "Call Trace",
	"general protection", "blocked for more", "soft lockup",      "self-detected stall",
	"rcu_sched",	     "rcu_preempt",	  "refcount_t",	      "cannot create duplicate",
	"use-after-free",    "Bad page",	  "I/O error",	      "timed out",
	"possible circular", "invalid opcode",	  "unable to handle", "Kernel panic",
};

/* Kernel taint that no test may add, but for O (12) and E (13) of our modules, and S (2) of clearcpuid= at boot. */
#define TAINT_ALLOWED ((1ul << 2) | (1ul << 12) | (1ul << 13))

static FILE *report;

static void make_mount(const char *source, const char *target, const char *type)
{
	mkdir(target, 0755);
	if (mount(source, target, type, 0, NULL) && errno != EBUSY)
		fprintf(stderr, "init: mount %s: %s\n", target, strerror(errno));
}

static void mount_filesystems(void)
{
	make_mount("devtmpfs", "/dev", "devtmpfs");
	make_mount("proc", "/proc", "proc");
	make_mount("sysfs", "/sys", "sysfs");
	make_mount("tmpfs", "/tmp", "tmpfs");
	make_mount("debugfs", "/sys/kernel/debug", "debugfs");
	if (symlink("/proc/self/fd", "/dev/fd") || symlink("/proc/self/fd/1", "/dev/stdout"))
		fprintf(stderr, "init: /dev/fd: %s\n", strerror(errno));
}

/* The report is a tty only by accident: no echo, no translation, both ways. */
static void open_report(void)
{
	struct termios raw;
	int fd = open(REPORT, O_RDWR | O_NOCTTY);

	if (fd < 0) {
		report = stderr;
		return;
	}
	if (!tcgetattr(fd, &raw)) {
		cfmakeraw(&raw);
		raw.c_cflag |= CLOCAL;
		tcsetattr(fd, TCSANOW, &raw);
	}
	report = fdopen(fd, "r+");
	setvbuf(report, NULL, _IOLBF, 512);
}

static char *read_file(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, room - 1);

	text[got > 0 ? got : 0] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

/* hvis.some-name=value becomes HVIS_SOME_NAME=value. */
static void export_option(char *word)
{
	char *value = strchr(word, '=');
	char name[64] = "HVIS_";
	size_t i;

	if (!value)
		return;
	*value++ = 0;
	for (i = 5; *word && i < sizeof(name) - 1; word++, i++)
		name[i] = isalnum((unsigned char)*word) ? (char)toupper((unsigned char)*word) : '_';
	setenv(name, value, 1);
}

static void export_options(void)
{
	static char cmdline[4096];
	char *rest = read_file("/proc/cmdline", cmdline, sizeof(cmdline));
	char *word;

	while ((word = strsep(&rest, " \n")))
		if (!strncmp(word, "hvis.", 5))
			export_option(word + 5);
}

static void exec_test(void)
{
	int fd = fileno(report);
	char *argv[] = { TEST, NULL };

	/* No session of its own: a leader that opens a terminal owns it, and hangs it up for us when it ends. */
	setpgid(0, 0);
	signal(SIGCHLD, SIG_DFL);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	execv(TEST, argv);
	fprintf(stderr, "init: %s: %s\n", TEST, strerror(errno));
	_exit(127);
}

/* Runs the test and reaps orphans until it ends or its time is over. Returns its exit status, 124 for the latter. */
static int run_test(unsigned int limit_s)
{
	struct timespec left = { .tv_sec = limit_s };
	sigset_t child;
	pid_t pid, got;
	int status;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_UNBLOCK, &child, NULL);
		exec_test();
	}
	for (;;) {
		if (sigtimedwait(&child, NULL, &left) < 0 && errno == EAGAIN)
			break;
		while ((got = waitpid(-1, &status, WNOHANG)) > 0)
			if (got == pid)
				return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	kill(-pid, SIGKILL);
	return 124;
}

/*
 * hvis.lies=1: the host lies, so errors and time-outs of the IO itself are what is to be seen. hvis.errors-on=sdb: a
 * test takes that disk away under IO, so errors on it are no trouble.
 */
static bool is_expected(const char *line)
{
	const char *disk = getenv("HVIS_ERRORS_ON");
	char text[48];

	if (strstr(line, "hvis-expected:"))
		return true;
	snprintf(text, sizeof(text), "I/O error, dev %.16s,", disk ? disk : "");
	if (disk && strstr(line, text))
		return true;
	return getenv("HVIS_LIES") && (strstr(line, "I/O error") || strstr(line, "timed out"));
}

static bool is_trouble(const char *line)
{
	size_t i;

	if (is_expected(line))
		return false;
	for (i = 0; i < sizeof(trouble) / sizeof(trouble[0]); i++)
		if (strstr(line, trouble[i]))
			return true;
	return false;
}

static unsigned int scan_kernel_log(void)
{
	char *log = malloc(LOG_BYTES), *rest = log, *line;
	unsigned int found = 0;
	int bytes = log ? klogctl(3, log, LOG_BYTES - 1) : -1;

	if (bytes < 0) {
		fprintf(report, "# init: the kernel log cannot be read\n");
		return 1;
	}
	log[bytes] = 0;
	while ((line = strsep(&rest, "\n")))
		if (is_trouble(line) && ++found <= 20)
			fprintf(report, "# kernel: %s\n", line);
	free(log);
	return found;
}

static unsigned long new_taint(void)
{
	char text[32];

	return strtoul(read_file("/proc/sys/kernel/tainted", text, sizeof(text)), NULL, 10) & ~TAINT_ALLOWED;
}

static void end_machine(void)
{
	const char *end = getenv("HVIS_END");
	int fd;

	fflush(report);
	tcdrain(fileno(report));
	sync();
	if (end && !strcmp(end, "reboot"))
		reboot(RB_AUTOBOOT);
	if (end && !strcmp(end, "crash")) {
		fd = open("/proc/sysrq-trigger", O_WRONLY);
		if (fd < 0 || write(fd, "c", 1) != 1)
			fprintf(report, "# init: cannot crash: %s\n", strerror(errno));
	}
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

int main(void)
{
	const char *limit;
	unsigned int found;
	unsigned long taint;
	int status;

	mount_filesystems();
	open_report();
	export_options();
	fprintf(report, "@started\n");
	limit = getenv("HVIS_LIMIT");
	status = run_test(limit ? (unsigned int)atoi(limit) : 120);
	found = scan_kernel_log();
	taint = new_taint();
	if (!status && !found && !taint)
		fprintf(report, "@result ok\n");
	else
		fprintf(report, "@result failed: test exit status %d, %u lines in the kernel log, taint %#lx\n", status,
			found, taint);
	end_machine();
}
