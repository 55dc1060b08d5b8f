// SPDX-License-Identifier: GPL-2.0
/*
 * Workers of legacy devices. See device_worker.h.
 */
#include "legacy/device_worker.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "thread.h"

#define LOOP_ENTRIES 64
#define NAME_BYTES 16

struct device_worker {
	struct loop *loop;
	pthread_t thread;
	bool runs;
	char name[NAME_BYTES];
};

static void *worker_main(void *context)
{
	struct device_worker *worker = context;
	int error = loop_run(worker->loop);

	if (error)
		log_error("%s: event loop: %s", worker->name, strerror(-error));
	return NULL;
}

struct device_worker *device_worker_create(const char *name)
{
	struct device_worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return NULL;
	snprintf(worker->name, sizeof(worker->name), "%s", name);
	worker->loop = loop_create(LOOP_ENTRIES, NULL, NULL);
	if (worker->loop)
		return worker;
	free(worker);
	return NULL;
}

int device_worker_run(struct device_worker *worker)
{
	int error = thread_start(&worker->thread, worker->name, worker_main, worker);

	worker->runs = !error;
	return error;
}

void device_worker_end(struct device_worker *worker)
{
	if (worker->runs)
		pthread_join(worker->thread, NULL);
	else
		worker_main(worker);
	loop_destroy(worker->loop);
	free(worker);
}

struct loop *device_worker_loop(const struct device_worker *worker)
{
	return worker->loop;
}
