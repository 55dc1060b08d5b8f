/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Listening Unix sockets at a path: the control socket and those of serial ports.
 */
#ifndef HVIS_HOST_UNIX_SOCKET_H
#define HVIS_HOST_UNIX_SOCKET_H

#include <sys/un.h>

#define UNIX_SOCKET_PATH_BYTES sizeof(((struct sockaddr_un *)0)->sun_path)

/**
 * unix_socket_listen() - listen at @path
 * @path: shorter than UNIX_SOCKET_PATH_BYTES, else -ENAMETOOLONG
 *
 * A socket that a killed process left behind is replaced. One that somebody listens on is not
 * (-EADDRINUSE), nor is anything that is no socket (-EEXIST). Whoever closes it unlinks @path.
 * Return: a descriptor that does not block, or negative errno.
 */
int unix_socket_listen(const char *path, int backlog);

#endif
