// SPDX-License-Identifier: GPL-2.0
/*
 * await: waits for something to appear or to go, by kernel event.
 *	await SECONDS WHAT...	until all hold; WHAT is PATH (may be a glob pattern): exists, !PATH: does not,
 *				PATH=TEXT: the first line of the file is TEXT
 * Exit status 0, or 1 with the missing paths named. Every block, SCSI or module change sends a uevent, and inotify tells of
 * files that programs write; the state is looked at after both are set up and again after each event, so none is lost in
 * between. What a file of sysfs says changes without either: only that is read again, every 20 ms.
 */
#include <errno.h>
#include <glob.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int open_uevents(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	perror("await: uevents");
	exit(2);
}

#define REREAD_MS 20
#define PATH_ROOM 256

/* The path alone. */
static void path_of(char *path, const char *what)
{
	if (*what == '!')
		what++;
	snprintf(path, PATH_ROOM, "%.*s", (int)strcspn(what, "="), what);
}

static bool of_the_kernel(const char *path)
{
	return !strncmp(path, "/sys/", 5) || !strncmp(path, "/proc/", 6);
}

/* Its folder tells when it comes, goes or is written to the end, itself what is written until then. */
static void watch(int inotify, const char *what)
{
	char path[PATH_ROOM];
	char *name;

	path_of(path, what);
	if (of_the_kernel(path))
		return;
	inotify_add_watch(inotify, path, IN_MODIFY);
	name = strrchr(path, '/');
	if (name)
		*name = 0;
	inotify_add_watch(inotify, name ? *path ? path : "/" : ".", IN_CREATE | IN_MOVE | IN_DELETE | IN_CLOSE_WRITE);
}

static bool says(const char *what)
{
	const char *equals = strchr(what, '=');
	char path[PATH_ROOM], text[256] = "";
	FILE *file;

	path_of(path, what);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fgets(text, sizeof(text), file))
		text[strcspn(text, "\n")] = 0;
	fclose(file);
	return !strcmp(text, equals + 1);
}

static bool holds(const char *what)
{
	bool wanted = *what != '!', there;
	glob_t found;

	if (strchr(what, '='))
		return says(what);
	there = glob(wanted ? what : what + 1, GLOB_NOSORT, NULL, &found) == 0;

	globfree(&found);
	return there == wanted;
}

static bool all_hold(char **what)
{
	while (*what && holds(*what))
		what++;
	return !*what;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

/* Waits for an event, MS at most. False: no more can come. */
static bool next_event(int uevents, int inotify, long ms)
{
	struct pollfd sources[] = { { .fd = uevents, .events = POLLIN }, { .fd = inotify, .events = POLLIN } };
	char event[4096];

	poll(sources, 2, (int)ms);
	if (sources[0].revents && recv(uevents, event, sizeof(event), 0) < 0 && errno != ENOBUFS)
		return false;
	return !sources[1].revents || read(inotify, event, sizeof(event)) > 0;
}

/* A file that came since is one to watch itself. */
static void watch_all(int inotify, char **what)
{
	for (; *what; what++)
		watch(inotify, *what);
}

static bool must_be_reread(const char *what)
{
	char path[PATH_ROOM];

	path_of(path, what);
	return strchr(what, '=') && of_the_kernel(path);
}

/* Return: how many do not hold, each of them named. */
static int name_missing(char **what)
{
	int missing = 0;

	for (; *what; what++)
		if (!holds(*what)) {
			fprintf(stderr, "await: %s did not come true\n", *what);
			missing++;
		}
	return missing;
}

int main(int argc, char **argv)
{
	bool held, rereads = false;
	int uevents, inotify;
	long end, left;

	if (argc < 3) {
		fprintf(stderr, "usage: await SECONDS [!]PATH|PATH=TEXT...\n");
		return 2;
	}
	for (char **what = argv + 2; *what; what++)
		rereads |= must_be_reread(*what);
	uevents = open_uevents();
	inotify = inotify_init1(IN_CLOEXEC);
	if (inotify < 0) {
		perror("await: inotify");
		return 2;
	}
	end = now_ms() + atol(argv[1]) * 1000;
	while (watch_all(inotify, argv + 2), !(held = all_hold(argv + 2))) {
		left = end - now_ms();
		if (left <= 0 || !next_event(uevents, inotify, rereads && left > REREAD_MS ? REREAD_MS : left))
			break;
	}
	close(uevents);
	close(inotify);
	/* What held once has come true, whatever it is now. */
	return !held && name_missing(argv + 2);
}
