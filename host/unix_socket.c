// SPDX-License-Identifier: GPL-2.0
/*
 * Listening Unix sockets. See unix_socket.h. What comes through them is the callers' business.
 * Invariant: nothing but a socket without a listener is ever removed from the file system.
 */
#include "unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The kernel refuses a connection to a file that is no socket with the same errno as one to a
 * socket without a listener, so the type comes first.
 */
static int clear_path(const struct sockaddr_un *address)
{
	struct stat status;
	int probe;
	int error;

	if (lstat(address->sun_path, &status))
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(status.st_mode))
		return EEXIST;
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return errno;
	error = connect(probe, (const struct sockaddr *)address, sizeof(*address)) ? errno
										   : EADDRINUSE;
	close(probe);
	if (error != ECONNREFUSED)
		return error == EAGAIN ? EADDRINUSE : error;
	return unlink(address->sun_path) ? errno : 0;
}

int unix_socket_listen(const char *path, int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	error = clear_path(&address);
	if (error)
		return -error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, backlog))
		return fd;
	error = errno;
	close(fd);
	return -error;
}
