// SPDX-License-Identifier: GPL-2.0
/*
 * See shutdown.h. Bytes: wire/ic.h.
 * Invariant: a request that was taken is answered once: by the guest, by its silence, or by its driver's end.
 */
#include "shutdown.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

#define REASON_PLANNED_OTHER 0x80000000u /* SHTDN_REASON_FLAG_PLANNED, nothing more said */

/* Under the lock; NONE -> WANTED: shutdown_ask(); -> SENT: the worker; either -> ENDED: end(); -> NONE: tell(). */
enum request_state {
	REQUEST_NONE,
	REQUEST_WANTED,
	REQUEST_SENT,
	REQUEST_ENDED,
};

struct shutdown {
	struct ic ic;
	struct loop *loop;
	pthread_mutex_t lock;
	enum request_state state;
	struct shutdown_request request; /* reason: not kept, it is in body */
	struct ic_shutdown body;
	const char *why;
	struct loop_work work;
};

static const struct ic_version versions[] = { { 1, 0 }, { 3, 0 }, { 3, 1 }, { 3, 2 } };
static const struct ic_version with_reboot = { 3, 1 };

static struct shutdown *of(struct ic *ic)
{
	return (struct shutdown *)((char *)ic - offsetof(struct shutdown, ic));
}

/* In the main thread. */
static void tell(struct loop_work *work)
{
	struct shutdown *shutdown = (struct shutdown *)((char *)work - offsetof(struct shutdown, work));
	struct shutdown_request request;
	const char *why;

	pthread_mutex_lock(&shutdown->lock);
	request = shutdown->request;
	why = shutdown->why;
	shutdown->state = REQUEST_NONE;
	pthread_mutex_unlock(&shutdown->lock);
	request.done(request.context, why);
}

/* @from: the states in which this is the end of the request. */
static void end(struct shutdown *shutdown, enum request_state from, const char *why)
{
	bool ended;

	pthread_mutex_lock(&shutdown->lock);
	ended = shutdown->state == from;
	if (ended) {
		shutdown->state = REQUEST_ENDED;
		shutdown->why = why;
	}
	pthread_mutex_unlock(&shutdown->lock);
	if (ended)
		loop_call(shutdown->loop, &shutdown->work);
}

static void send_request(struct ic *ic)
{
	struct shutdown *shutdown = of(ic);
	struct ic_shutdown body;
	bool wanted;

	pthread_mutex_lock(&shutdown->lock);
	wanted = shutdown->state == REQUEST_WANTED;
	body = shutdown->body;
	if (wanted)
		shutdown->state = REQUEST_SENT;
	pthread_mutex_unlock(&shutdown->lock);
	if (!wanted)
		return;
	if (ic_request(ic, &body, sizeof(body)))
		ic_wait(ic, IC_PATIENCE_MS);
	else
		end(shutdown, REQUEST_SENT, "the guest does not read what it was sent before");
}

static void ready(struct ic *ic)
{
	(void)ic;
}

static void answered(struct ic *ic, const struct ic_answer *answer)
{
	ic_wait(ic, 0);
	end(of(ic), REQUEST_SENT, answer->status == IC_STATUS_OK ? NULL : "the guest refuses");
}

static void timer(struct ic *ic)
{
	ic_count(&ic->timeouts);
	end(of(ic), REQUEST_SENT, "the guest does not answer");
}

static void gone(struct ic *ic)
{
	end(of(ic), REQUEST_WANTED, "the guest's driver has gone");
	end(of(ic), REQUEST_SENT, "the guest's driver has gone without an answer");
}

static const struct ic_kind kind = {
	.name = "shutdown",
	.type = IC_SHUTDOWN_GUID,
	/* Ours to choose; there is one of a VM. */
	.instance = {{0x73, 0x69, 0x76, 0x68, 0x64, 0x6f, 0x77, 0x6e, 0x80, 0x00, 0x68, 0x76, 0x69, 0x73, 0x00, 0x00}},
	.message_type = IC_SHUTDOWN,
	.versions = versions,
	.version_count = sizeof(versions) / sizeof(versions[0]),
	.ready = ready,
	.answered = answered,
	.timer = timer,
	.called = send_request,
	.gone = gone,
};

struct shutdown *shutdown_create(struct loop *loop, struct ic_version version_max)
{
	struct shutdown *shutdown = calloc(1, sizeof(*shutdown));
	int error = shutdown ? ic_init(&shutdown->ic, &kind, version_max) : -ENOMEM;

	if (error) {
		free(shutdown);
		errno = -error;
		return NULL;
	}
	pthread_mutex_init(&shutdown->lock, NULL);
	shutdown->loop = loop;
	shutdown->work.run = tell;
	return shutdown;
}

int shutdown_offer(struct shutdown *shutdown, struct vmbus *vmbus)
{
	return ic_offer(&shutdown->ic, vmbus);
}

void shutdown_destroy(struct shutdown *shutdown)
{
	if (!shutdown)
		return;
	ic_destroy(&shutdown->ic);
	pthread_mutex_destroy(&shutdown->lock);
	free(shutdown);
}

const char *shutdown_ask(struct shutdown *shutdown, const struct shutdown_request *request)
{
	const char *why = ic_trouble(&shutdown->ic);

	if (why)
		return why;
	if (request->flags & IC_SHUTDOWN_REBOOT && !ic_speaks(&shutdown->ic, with_reboot))
		return "the guest's driver is too old to reboot on request";
	pthread_mutex_lock(&shutdown->lock);
	if (shutdown->state != REQUEST_NONE) {
		why = "the guest is being asked already";
	} else {
		shutdown->state = REQUEST_WANTED;
		shutdown->request = *request;
		shutdown->body = (struct ic_shutdown){ .reason = REASON_PLANNED_OTHER, .flags = request->flags };
		snprintf((char *)shutdown->body.text, sizeof(shutdown->body.text), "%s", request->reason ? request->reason : "");
	}
	pthread_mutex_unlock(&shutdown->lock);
	if (why)
		return why;
	ic_call(&shutdown->ic);
	/* A driver that went in between heard nothing of it. */
	why = ic_trouble(&shutdown->ic);
	if (why)
		end(shutdown, REQUEST_WANTED, why);
	return NULL;
}

json_t *shutdown_query(struct shutdown *shutdown)
{
	return ic_query(&shutdown->ic);
}
