// SPDX-License-Identifier: GPL-2.0
/*
 * kvmhost-agent.c: process 1 of the emulated KVM host that tools/with-kvm starts.
 *
 * Owns what happens inside: loads the modules, puts the caller's file tree
 * together from 9p shares, then runs commands for tools/with-kvm, which owns
 * QEMU, time limits and the terminal.  The two speak frames (struct frame) over
 * one virtio-serial port.
 *
 * Invariant: every START is answered by exactly one STARTED and one EXIT, and
 * all output of a command comes before its EXIT.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT		"/dev/vport0p1"
#define MAX_COMMANDS	32
#define CHUNK		65536
#define MAX_FRAME	(1 << 20)

/* Must match FRAME_* in tools/with-kvm. */
enum {
	FRAME_START = 1,	/* in: time, cwd, argc, argv..., environment..., each ended by NUL */
	FRAME_STDIN,		/* in: bytes; no bytes mean the end of the input */
	FRAME_SIGNAL,		/* in: one byte, the signal's number */
	FRAME_PING,		/* in; answered by FRAME_PONG */
	FRAME_READY,		/* out, once, after start-up */
	FRAME_STARTED,		/* out */
	FRAME_STDOUT,		/* out */
	FRAME_STDERR,		/* out */
	FRAME_STDIN_DONE,	/* out: the last FRAME_STDIN is consumed, send the next */
	FRAME_EXIT,		/* out: one byte, the exit status */
	FRAME_PONG,		/* out */
	FRAME_CONFIG,		/* in, first: release, its modules; tag, mode, path of each share */
};

struct frame {
	uint32_t command;	/* which command this is about, chosen by with-kvm; 0: none */
	uint32_t type;
	uint32_t length;	/* bytes that follow */
};

struct command {
	uint32_t id;		/* 0: this place is free */
	pid_t pid;
	int in;			/* the command's standard input, -1 when closed */
	int out[2];		/* its standard output and error, -1 at their end */
	char *pending;		/* input not yet written */
	size_t pending_length, pending_done;
	int exited, status;
};

static struct command commands[MAX_COMMANDS];
static int port = -1;

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Ends the machine: with-kvm sees QEMU go and shows the console's last lines. */
static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "kvmhost-agent: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(args);
	exit(1);
}

static void must_mount(const char *what, const char *where, const char *type,
		       unsigned long flags, const char *options)
{
	if (mount(what, where, type, flags, options))
		die("cannot mount %s at %s", what, where);
}

static void make_folders(const char *path)
{
	char part[PATH_MAX];
	size_t i;

	snprintf(part, sizeof(part), "%s", path);
	for (i = 1; part[i]; i++) {
		if (part[i] != '/')
			continue;
		part[i] = 0;
		mkdir(part, 0755);
		part[i] = '/';
	}
	mkdir(part, 0755);
}

static void load_modules(void)
{
	FILE *list = fopen("/etc/modules.load", "re");
	char path[PATH_MAX];
	int fd;

	if (!list)
		die("cannot open the list of modules");
	while (fgets(path, sizeof(path), list)) {
		path[strcspn(path, "\n")] = 0;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			die("cannot load %s", path);
		close(fd);
	}
	fclose(list);
}

/*
 * The root is read through a cache that never looks back.  The other shares may
 * change outside while this machine lives, so they are not cached.
 */
static void mount_share(const char *tag, const char *mode, const char *path, const char *cache)
{
	char options[128];

	snprintf(options, sizeof(options), "trans=virtio,version=9p2000.L,msize=1048576,cache=%s",
		 cache);
	make_folders(path);
	must_mount(tag, path, "9p", strcmp(mode, "rw") ? MS_RDONLY : 0, options);
}

/* The kernel of this machine is not installed on the caller's: show its modules where modprobe looks. */
static void show_modules(const char *release, const char *tree)
{
	char from[PATH_MAX], to[PATH_MAX];
	int old = open("/lib/modules", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (old < 0)
		return;
	dir = fdopendir(old);
	if (!dir)
		die("cannot list /lib/modules");
	must_mount("modules", "/lib/modules", "tmpfs", 0, "mode=755");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, release))
			continue;
		snprintf(from, sizeof(from), "/proc/self/fd/%d/%s", old, entry->d_name);
		snprintf(to, sizeof(to), "/lib/modules/%s", entry->d_name);
		mkdir(to, 0755);
		mount(from, to, NULL, MS_BIND, NULL);
	}
	snprintf(to, sizeof(to), "/lib/modules/%s", release);
	mkdir(to, 0755);
	must_mount(tree, to, NULL, MS_BIND, NULL);
	closedir(dir);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, text, strlen(text)) < 0)
			fprintf(stderr, "kvmhost-agent: %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

/* Not fatal where it is only nice to have. */
static void mount_system(void)
{
	must_mount("proc", "/proc", "proc", 0, NULL);
	must_mount("sysfs", "/sys", "sysfs", 0, NULL);
	must_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	make_folders("/dev/pts");
	make_folders("/dev/shm");
	must_mount("devpts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666");
	must_mount("shm", "/dev/shm", "tmpfs", 0, "mode=1777");
	must_mount("tmp", "/tmp", "tmpfs", 0, "mode=1777,size=75%");
	must_mount("run", "/run", "tmpfs", 0, "mode=755");
	mount("var-tmp", "/var/tmp", "tmpfs", 0, "mode=1777");
	must_mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	/* Guests boot twice as fast where their memory, a memfd, is huge pages: a walk of nested tables is dear here. */
	write_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "advise");
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		ioctl(fd, SIOCSIFFLAGS, &request);
		close(fd);
	}
}

/* The driver makes the port's node when the device has answered: wait for the name to appear. */
static int open_port(void)
{
	int watch = inotify_init1(IN_CLOEXEC), fd;
	char events[4096];

	if (watch < 0 || inotify_add_watch(watch, "/dev", IN_CREATE) < 0)
		die("cannot watch /dev");
	while ((fd = open(PORT, O_RDWR | O_CLOEXEC)) < 0) {
		if (errno != ENOENT || read(watch, events, sizeof(events)) < 0)
			die("cannot open %s", PORT);
	}
	close(watch);
	return fd;
}

static void write_all(int fd, const void *data, size_t length)
{
	const char *next = data;
	ssize_t n;

	while (length) {
		n = write(fd, next, length);
		if (n < 0 && errno != EINTR)
			die("cannot write to the port");
		if (n > 0) {
			next += n;
			length -= n;
		}
	}
}

static void read_all(int fd, void *data, size_t length)
{
	char *next = data;
	ssize_t n;

	while (length) {
		n = read(fd, next, length);
		if (n == 0 || (n < 0 && errno != EINTR))
			die("with-kvm is gone");
		if (n > 0) {
			next += n;
			length -= n;
		}
	}
}

static void send_frame(uint32_t command, uint32_t type, const void *data, size_t length)
{
	static char buffer[sizeof(struct frame) + CHUNK];
	struct frame frame = { .command = command, .type = type, .length = length };

	memcpy(buffer, &frame, sizeof(frame));
	if (length)
		memcpy(buffer + sizeof(frame), data, length);
	write_all(port, buffer, sizeof(frame) + length);
}

static struct command *find_command(uint32_t id)
{
	int i;

	for (i = 0; i < MAX_COMMANDS; i++)
		if (commands[i].id == id)
			return &commands[i];
	return NULL;
}

/* Every command has its own control group: whatever it leaves behind is found and killed. */
static void group_path(char *path, size_t size, uint32_t id, const char *file)
{
	snprintf(path, size, "/sys/fs/cgroup/command-%u%s", id, file);
}

static void group_kill(uint32_t id)
{
	char path[128];

	group_path(path, sizeof(path), id, "/cgroup.kill");
	write_file(path, "1");
}

static int any_command(void)
{
	int i;

	for (i = 0; i < MAX_COMMANDS; i++)
		if (commands[i].id)
			return 1;
	return 0;
}

/* Splits a START into its strings; the environment follows the arguments. */
static char **split_strings(char *data, size_t length, size_t *count)
{
	char **list, *at = data, *end = data + length;
	size_t n = 0;

	for (at = data; at < end; at += strlen(at) + 1)
		n++;
	list = calloc(n + 2, sizeof(*list));
	if (!list)
		die("no memory for a command");
	*count = n;
	for (n = 0, at = data; at < end; at += strlen(at) + 1)
		list[n++] = at;
	return list;
}

static void complain_and_exit(const char *what, int error, int status)
{
	fprintf(stderr, "with-kvm: %s: %s\n", what, strerror(error));
	_exit(status);
}

static void child(uint32_t id, int pipes[3][2], const char *cwd, char **argv, char **env)
{
	struct rlimit files = { .rlim_cur = 1024, .rlim_max = 524288 };
	sigset_t none;
	char path[128];
	int i;

	for (i = 0; i < 3; i++)
		dup2(pipes[i][i ? 1 : 0], i);
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setrlimit(RLIMIT_NOFILE, &files);
	setpriority(PRIO_PROCESS, 0, 0);
	group_path(path, sizeof(path), id, "/cgroup.procs");
	write_file(path, "0");
	environ = env;
	if (chdir(cwd))
		complain_and_exit(cwd, errno, 125);
	execvp(argv[0], argv);
	complain_and_exit(argv[0], errno, errno == ENOENT ? 127 : 126);
}

static int make_pipes(int pipes[3][2])
{
	int i;

	for (i = 0; i < 3; i++)
		if (pipe2(pipes[i], O_CLOEXEC))
			return -1;
	fcntl(pipes[0][1], F_SETFL, O_NONBLOCK);
	fcntl(pipes[1][0], F_SETFL, O_NONBLOCK);
	fcntl(pipes[2][0], F_SETFL, O_NONBLOCK);
	return 0;
}

static void spawn(struct command *command, uint32_t id, char **strings, size_t count)
{
	size_t argc = count > 2 ? strtoul(strings[2], NULL, 10) : 0;
	char path[128], **argv;
	int pipes[3][2], i;

	if (argc < 1 || count < argc + 3 || make_pipes(pipes))
		die("bad command");
	group_path(path, sizeof(path), id, "");
	mkdir(path, 0755);
	argv = calloc(argc + 1, sizeof(*argv));
	if (!argv)
		die("no memory for a command");
	memcpy(argv, strings + 3, argc * sizeof(*argv));
	*command = (struct command){ .id = id, .in = pipes[0][1],
				     .out = { pipes[1][0], pipes[2][0] } };
	command->pid = fork();
	if (command->pid < 0)
		die("cannot fork");
	if (!command->pid)
		child(id, pipes, strings[1], argv, strings + 3 + argc);
	for (i = 0; i < 3; i++)
		close(pipes[i][i ? 1 : 0]);
	free(argv);
}

/*
 * The clock chip knows only whole seconds and the emulated TSC drifts: without
 * this, files written through a share would come from the future.
 */
static void set_clock(const char *text)
{
	double now = strtod(text, NULL);
	struct timespec time = { .tv_sec = (time_t)now, .tv_nsec = (now - (time_t)now) * 1e9 };

	if (clock_settime(CLOCK_REALTIME, &time))
		fprintf(stderr, "kvmhost-agent: cannot set the clock: %s\n", strerror(errno));
}

static void start(uint32_t id, char *data, size_t length)
{
	static int started;
	struct command *command = find_command(0);
	char **strings, full[] = "with-kvm: too many commands at once\n";
	unsigned char status = 125;
	size_t count;

	send_frame(id, FRAME_STARTED, NULL, 0);
	if (!command) {
		send_frame(id, FRAME_STDERR, full, strlen(full));
		send_frame(id, FRAME_EXIT, &status, 1);
		return;
	}
	strings = split_strings(data, length, &count);
	if (!any_command()) {
		set_clock(strings[0]);
		/* What the root's cache holds may be old by now; nothing running keeps it in use. */
		if (started++)
			write_file("/proc/sys/vm/drop_caches", "3");
	}
	spawn(command, id, strings, count);
	free(strings);
}

static void close_input(struct command *command)
{
	if (command->in >= 0)
		close(command->in);
	command->in = -1;
	free(command->pending);
	command->pending = NULL;
}

static void input_done(struct command *command)
{
	free(command->pending);
	command->pending = NULL;
	send_frame(command->id, FRAME_STDIN_DONE, NULL, 0);
}

static void feed_input(struct command *command)
{
	size_t left = command->pending_length - command->pending_done;
	ssize_t n = write(command->in, command->pending + command->pending_done, left);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		close_input(command);
		return;
	}
	command->pending_done += n;
	if (command->pending_done == command->pending_length)
		input_done(command);
}

/* Returns 1 when it keeps the data. */
static int take_input(struct command *command, char *data, size_t length)
{
	if (command->in < 0 || command->pending)
		return 0;
	if (!length) {
		close_input(command);
		return 0;
	}
	command->pending = data;
	command->pending_length = length;
	command->pending_done = 0;
	return 1;
}

static void deliver_signal(struct command *command, int signal)
{
	if (signal == SIGKILL)
		group_kill(command->id);
	else if (!command->exited)
		kill(-command->pid, signal);
}

static void receive(void)
{
	struct command *command;
	struct frame frame;
	char *data;
	int kept = 0;

	read_all(port, &frame, sizeof(frame));
	if (frame.length > MAX_FRAME)
		die("a frame of %u bytes", frame.length);
	data = calloc(1, frame.length + 1);
	if (!data)
		die("no memory for a frame");
	read_all(port, data, frame.length);
	command = frame.command ? find_command(frame.command) : NULL;
	if (frame.type == FRAME_PING)
		send_frame(0, FRAME_PONG, NULL, 0);
	else if (frame.type == FRAME_START)
		start(frame.command, data, frame.length);
	else if (command && frame.type == FRAME_STDIN)
		kept = take_input(command, data, frame.length);
	else if (command && frame.type == FRAME_SIGNAL && frame.length)
		deliver_signal(command, data[0]);
	if (!kept)
		free(data);
}

static void pass_output(struct command *command, int which)
{
	static char buffer[CHUNK];
	ssize_t n = read(command->out[which], buffer, sizeof(buffer));

	if (n > 0) {
		send_frame(command->id, which ? FRAME_STDERR : FRAME_STDOUT, buffer, n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(command->out[which]);
		command->out[which] = -1;
	}
}

static void reap(int signals)
{
	struct signalfd_siginfo info;
	int status, i;
	pid_t pid;

	if (read(signals, &info, sizeof(info)) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < MAX_COMMANDS; i++) {
			if (!commands[i].id || commands[i].pid != pid || commands[i].exited)
				continue;
			commands[i].exited = 1;
			commands[i].status = status;
			/* Its children would hold its pipes open for ever. */
			group_kill(commands[i].id);
		}
	}
}

static void finish(struct command *command)
{
	unsigned char status;
	char path[128];

	status = WIFSIGNALED(command->status) ? 128 + WTERMSIG(command->status)
					      : WEXITSTATUS(command->status);
	close_input(command);
	group_path(path, sizeof(path), command->id, "");
	rmdir(path);
	send_frame(command->id, FRAME_EXIT, &status, 1);
	command->id = 0;
}

struct target {
	struct command *command;
	int what;		/* 0: feed its input; 1, 2: pass its output, its errors */
};

static int collect(struct pollfd *fds, struct target *targets)
{
	int count = 0, i, which;

	for (i = 0; i < MAX_COMMANDS; i++) {
		struct command *c = &commands[i];

		if (!c->id)
			continue;
		if (c->pending) {
			targets[count] = (struct target){ c, 0 };
			fds[count++] = (struct pollfd){ .fd = c->in, .events = POLLOUT };
		}
		for (which = 0; which < 2; which++) {
			if (c->out[which] < 0)
				continue;
			targets[count] = (struct target){ c, which + 1 };
			fds[count++] = (struct pollfd){ .fd = c->out[which], .events = POLLIN };
		}
	}
	return count;
}

static void serve_once(int signals)
{
	struct pollfd fds[2 + 3 * MAX_COMMANDS];
	struct target targets[3 * MAX_COMMANDS];
	int count, i;

	fds[0] = (struct pollfd){ .fd = port, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
	count = collect(fds + 2, targets);
	if (poll(fds, count + 2, -1) < 0)
		return;
	for (i = 0; i < count; i++) {
		if (!fds[i + 2].revents)
			continue;
		if (targets[i].what)
			pass_output(targets[i].command, targets[i].what - 1);
		else
			feed_input(targets[i].command);
	}
	if (fds[1].revents)
		reap(signals);
	if (fds[0].revents)
		receive();
	for (i = 0; i < MAX_COMMANDS; i++)
		if (commands[i].id && commands[i].exited && commands[i].out[0] < 0 &&
		    commands[i].out[1] < 0)
			finish(&commands[i]);
}

/*
 * The first frame says what to put together.  chroot() rather than a new mount
 * namespace: process 1 shares its root with the programs the kernel starts, so modules
 * that the kernel asks for are found too.
 */
static void assemble(void)
{
	struct frame frame;
	char *data, **strings;
	size_t count, i;

	read_all(port, &frame, sizeof(frame));
	if (frame.type != FRAME_CONFIG || frame.length > MAX_FRAME)
		die("no configuration came first");
	data = calloc(1, frame.length + 1);
	if (!data)
		die("no memory for the configuration");
	read_all(port, data, frame.length);
	strings = split_strings(data, frame.length, &count);
	if (count < 2)
		die("the configuration is too short");
	mount_share("root", "ro", "/newroot", "loose");
	if (chroot("/newroot") || chdir("/"))
		die("cannot enter the shared root");
	mount_system();
	for (i = 2; i + 2 < count; i += 3)
		mount_share(strings[i], strings[i + 1], strings[i + 2], "mmap");
	show_modules(strings[0], strings[1]);
	free(strings);
	free(data);
}

int main(void)
{
	sigset_t wanted;
	int signals;

	umask(022);
	signal(SIGPIPE, SIG_IGN);
	must_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	load_modules();
	port = open_port();
	assemble();
	loopback_up();
	sethostname("kvm-host", 8);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGCHLD);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Busy guests must not keep the heartbeat from being answered. */
	setpriority(PRIO_PROCESS, 0, -20);
	send_frame(0, FRAME_READY, NULL, 0);
	for (;;)
		serve_once(signals);
}
