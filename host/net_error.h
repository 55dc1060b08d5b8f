/* SPDX-License-Identifier: GPL-2.0 */
/* How a network says why it cannot be opened: one line in the caller's buffer of NET_ERROR_BYTES. */
#ifndef HVIS_HOST_NET_ERROR_H
#define HVIS_HOST_NET_ERROR_H

/** net_fail() - write the line. Return: -1, so that the caller can return it. */
int net_fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
