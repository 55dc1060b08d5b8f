// SPDX-License-Identifier: GPL-2.0
/*
 * A thread with a loop for an IDE channel. What it does is given to the loop; see ide_transfer.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "legacy/ide_internal.h"
#include "log.h"
#include "thread.h"

#define LOOP_ENTRIES 16 /* a channel has one request in flight */

struct ide_worker {
	struct loop *loop;
	pthread_t thread;
	unsigned int channel;
};

static void *worker_main(void *context)
{
	struct ide_worker *worker = context;
	int error = loop_run(worker->loop);

	if (error)
		log_error("IDE channel %u: event loop: %s", worker->channel, strerror(-error));
	return NULL;
}

static int start(struct ide_worker *worker)
{
	char name[8];

	snprintf(name, sizeof(name), "ide%u", worker->channel % IDE_CHANNELS);
	return thread_start(&worker->thread, name, worker_main, worker);
}

struct ide_worker *ide_worker_create(unsigned int channel)
{
	struct ide_worker *worker = calloc(1, sizeof(*worker));
	int error = ENOMEM;

	if (!worker)
		return NULL;
	worker->channel = channel;
	worker->loop = loop_create(LOOP_ENTRIES, NULL, NULL);
	if (!worker->loop)
		goto free_worker;
	error = start(worker);
	if (!error)
		return worker;
	loop_destroy(worker->loop);
free_worker:
	free(worker);
	errno = error;
	return NULL;
}

void ide_worker_destroy(struct ide_worker *worker)
{
	loop_stop(worker->loop);
	pthread_join(worker->thread, NULL);
	loop_destroy(worker->loop);
	free(worker);
}

struct loop *ide_worker_loop(const struct ide_worker *worker)
{
	return worker->loop;
}
