// SPDX-License-Identifier: GPL-2.0
/*
 * await: waits for something to appear or to go, by kernel event.
 *	await SECONDS WHAT...	until all hold; WHAT is PATH (may be a glob pattern): exists, !PATH: does not,
 *				PATH=TEXT: the file says TEXT (sysfs tells nobody, so it is read again every 20 ms)
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
#include <string.h>
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

static bool says(const char *what)
{
	const char *equals = strchr(what, '=');
	char path[256], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%.*s", (int)(equals - what), what);
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

int main(int argc, char **argv)
{
	char event[4096];
	struct pollfd uevents = { .events = POLLIN };
	bool rereads = false;
	long end, left, patience;

	if (argc < 3) {
		fprintf(stderr, "usage: await SECONDS [!]PATH|PATH=TEXT...\n");
		return 2;
	}
	for (char **what = argv + 2; *what; what++)
		rereads |= strchr(*what, '=') != NULL;
	uevents.fd = open_uevents();
	end = now_ms() + atol(argv[1]) * 1000;
	while (!all_hold(argv + 2)) {
		left = end - now_ms();
		if (left <= 0)
			break;
		patience = rereads && left > REREAD_MS ? REREAD_MS : left;
		if (poll(&uevents, 1, (int)patience) > 0 &&
		    recv(uevents.fd, event, sizeof(event), 0) < 0 && errno != ENOBUFS)
			break;
	}
	for (argv += 2, argc = 0; *argv; argv++)
		if (!holds(*argv)) {
			fprintf(stderr, "await: %s did not come true\n", *argv);
			argc = 1;
		}
	return argc;
}
