// SPDX-License-Identifier: GPL-2.0
/*
 * A thread with a loop for a 21140A. What it does is given to the loop; see tulip.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "legacy/tulip_internal.h"
#include "log.h"
#include "thread.h"

#define LOOP_ENTRIES 64

struct tulip_worker {
	struct loop *loop;
	pthread_t thread;
	bool runs;
	unsigned int number;
};

static void *worker_main(void *context)
{
	struct tulip_worker *worker = context;
	int error = loop_run(worker->loop);

	if (error)
		log_error("NIC %u: event loop: %s", worker->number, strerror(-error));
	return NULL;
}

struct tulip_worker *tulip_worker_create(unsigned int number)
{
	struct tulip_worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return NULL;
	worker->number = number;
	worker->loop = loop_create(LOOP_ENTRIES, NULL, NULL);
	if (worker->loop)
		return worker;
	free(worker);
	return NULL;
}

int tulip_worker_run(struct tulip_worker *worker)
{
	char name[12];
	int error;

	snprintf(name, sizeof(name), "tulip%u", worker->number % 100);
	error = thread_start(&worker->thread, name, worker_main, worker);
	worker->runs = !error;
	return error;
}

void tulip_worker_destroy(struct tulip_worker *worker)
{
	if (worker->runs)
		pthread_join(worker->thread, NULL);
	else
		worker_main(worker);
	loop_destroy(worker->loop);
	free(worker);
}

struct loop *tulip_worker_loop(const struct tulip_worker *worker)
{
	return worker->loop;
}
