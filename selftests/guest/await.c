// SPDX-License-Identifier: GPL-2.0
/*
 * await: waits for something to appear or to go, by kernel event, never by sleeping.
 *	await SECONDS PATH...	until all paths (may be glob patterns) exist; ! before a path: until it is gone
 * Exit status 0, or 1 with the missing paths named. Every block, SCSI or module change sends a uevent; the state
 * is looked at after the socket is open and again after each event, so none is lost in between.
 */
#include <errno.h>
#include <glob.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

static bool holds(const char *what)
{
	bool wanted = *what != '!';
	glob_t found;
	bool there = glob(wanted ? what : what + 1, GLOB_NOSORT, NULL, &found) == 0;

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

int main(int argc, char **argv)
{
	char event[4096];
	struct pollfd uevents = { .events = POLLIN };
	long end, left;

	if (argc < 3) {
		fprintf(stderr, "usage: await SECONDS [!]PATH...\n");
		return 2;
	}
	uevents.fd = open_uevents();
	end = now_ms() + atol(argv[1]) * 1000;
	while (!all_hold(argv + 2)) {
		left = end - now_ms();
		if (left <= 0 || poll(&uevents, 1, (int)left) == 0)
			break;
		if (recv(uevents.fd, event, sizeof(event), 0) < 0 && errno != ENOBUFS)
			break;
	}
	for (argv += 2, argc = 0; *argv; argv++)
		if (!holds(*argv)) {
			fprintf(stderr, "await: %s did not come true\n", *argv);
			argc = 1;
		}
	return argc;
}
