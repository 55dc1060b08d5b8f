/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why something cannot be done: one line, for whoever asked. A function of ours that takes an @error takes a buffer of ERROR_BYTES and has
 * written it whenever it failed.
 */
#ifndef HVIS_HOST_ERROR_H
#define HVIS_HOST_ERROR_H

#define ERROR_BYTES 512

/** error_set() - write the line; what is too long is cut off. Any thread. Return: -1, so that the caller can return it. */
int error_set(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
