/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The worker of a legacy device is a thread with a loop: what the device does besides its registers is given to the loop, so that a vCPU never waits
 * for a file or a network.
 */
#ifndef HVIS_HOST_DEVICE_WORKER_H
#define HVIS_HOST_DEVICE_WORKER_H

struct device_worker;
struct loop;

/**
 * device_worker_create() - a worker that does not run yet: until then its loop is the caller's
 * @name: of the device, for tools and errors
 *
 * Return: NULL: no memory or no io_uring, see errno.
 */
struct device_worker *device_worker_create(const char *name);
/** device_worker_run() - the loop runs from now on, until loop_stop(). Return: 0 or an errno. */
int device_worker_run(struct device_worker *worker);
/** device_worker_end() - wait for the end of the loop, which somebody stops; it runs in the caller's thread if it did in none. */
void device_worker_end(struct device_worker *worker);
/** device_worker_loop() - as long as the thread is. Any thread. */
struct loop *device_worker_loop(const struct device_worker *worker);

#endif
