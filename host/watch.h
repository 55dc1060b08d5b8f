/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What may end the VM from outside: SIGINT, SIGTERM and SIGHUP, and the time limit. Both arrive in
 * the main loop.
 */
#ifndef HVIS_HOST_WATCH_H
#define HVIS_HOST_WATCH_H

#include "vm.h"

struct watch;

/**
 * watch_create() - stop @vm on a signal or after @seconds (0: no limit)
 *
 * From now on to watch_destroy() these signals do nothing else, in this thread and those that it creates.
 * Main thread; the time runs from now. Return: NULL and errno on failure.
 */
struct watch *watch_create(struct vm *vm, unsigned int seconds);
/**
 * watch_destroy() - after loop_run() has returned for good; NULL is fine. A signal ends the process again,
 * also one that came meanwhile.
 */
void watch_destroy(struct watch *watch);

#endif
