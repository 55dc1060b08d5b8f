/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads of hvis-host beside the main one, which alone takes signals.
 */
#ifndef HVIS_HOST_THREAD_H
#define HVIS_HOST_THREAD_H

#include <pthread.h>

/**
 * thread_start() - a thread that no signal reaches; writing to a pipe without a reader is an error there, not a signal
 * @name: for tools; what is more than 15 characters is cut off
 *
 * Return: 0 or an errno.
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context);

#endif
