// SPDX-License-Identifier: GPL-2.0
/*
 * See heartbeat.h. A sequence number every 2 seconds, which the guest returns plus one. Bytes: wire/ic.h.
 * Invariant: the state follows from when the last answer came; a paused VM is not lost.
 */
#include "heartbeat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define INTERVAL_MS 2000u
#define LOST_MS 10000u
#define NS_PER_MS 1000000ull

struct heartbeat {
	struct ic ic;
	uint64_t sequence; /* the worker's: of the newest request */
	bool lost; /* the worker's: and it has been logged */
	_Atomic uint64_t heard; /* CLOCK_MONOTONIC, ns; 0: nothing since the driver came */
	_Atomic uint32_t application;
};

static const struct ic_version versions[] = { { 1, 0 }, { 3, 0 } };
static const struct ic_version with_application = { 3, 0 };

static struct heartbeat *of(struct ic *ic)
{
	return (struct heartbeat *)((char *)ic - offsetof(struct heartbeat, ic));
}

static bool is_lost(uint64_t heard)
{
	return heard && ic_now() - heard > LOST_MS * NS_PER_MS;
}

static void beat(struct ic *ic)
{
	struct heartbeat *heartbeat = of(ic);
	const struct ic_heartbeat body = { .sequence = heartbeat->sequence + 1 };

	if (ic_request(ic, &body, sizeof(body)))
		heartbeat->sequence++;
	if (is_lost(atomic_load(&heartbeat->heard)) && !heartbeat->lost) {
		log_warn("heartbeat: the guest has not answered for %u s", LOST_MS / 1000);
		heartbeat->lost = true;
	}
	ic_wait(ic, INTERVAL_MS);
}

static void answered(struct ic *ic, const struct ic_answer *answer)
{
	struct heartbeat *heartbeat = of(ic);
	struct ic_heartbeat body = { 0 };

	memcpy(&body, answer->body, answer->bytes < sizeof(body) ? answer->bytes : sizeof(body));
	if (body.sequence != heartbeat->sequence - answer->age + 1) {
		ic_refuse(ic, IC_BAD_ANSWER, "a sequence that is not the one that was sent, plus one");
		return;
	}
	heartbeat->lost = false;
	atomic_store(&heartbeat->heard, ic_now());
	atomic_store(&heartbeat->application, ic_speaks(ic, with_application) ? body.application_state : IC_APPLICATION_UNKNOWN);
}

/* The guest could not answer. */
static void resumed(struct ic *ic)
{
	if (atomic_load(&of(ic)->heard))
		atomic_store(&of(ic)->heard, ic_now());
}

static void gone(struct ic *ic)
{
	struct heartbeat *heartbeat = of(ic);

	atomic_store(&heartbeat->heard, 0);
	atomic_store(&heartbeat->application, IC_APPLICATION_UNKNOWN);
	heartbeat->lost = false;
}

static const struct ic_kind kind = {
	.name = "heartbeat",
	.type = IC_HEARTBEAT_GUID,
	/* Ours to choose; there is one of a VM. */
	.instance = {{0x73, 0x69, 0x76, 0x68, 0x62, 0x65, 0x61, 0x74, 0x80, 0x00, 0x68, 0x76, 0x69, 0x73, 0x00, 0x00}},
	.message_type = IC_HEARTBEAT,
	.versions = versions,
	.version_count = sizeof(versions) / sizeof(versions[0]),
	.answer_min = sizeof(uint64_t), /* a guest that knows 1.0 only may send no more */
	.ready = beat,
	.answered = answered,
	.timer = beat,
	.resumed = resumed,
	.gone = gone,
};

struct heartbeat *heartbeat_create(struct ic_version version_max)
{
	struct heartbeat *heartbeat = calloc(1, sizeof(*heartbeat));
	int error = heartbeat ? ic_init(&heartbeat->ic, &kind, version_max) : -ENOMEM;

	if (!error)
		return heartbeat;
	free(heartbeat);
	errno = -error;
	return NULL;
}

int heartbeat_offer(struct heartbeat *heartbeat, struct vmbus *vmbus)
{
	return ic_offer(&heartbeat->ic, vmbus);
}

void heartbeat_destroy(struct heartbeat *heartbeat)
{
	if (!heartbeat)
		return;
	ic_destroy(&heartbeat->ic);
	free(heartbeat);
}

static const char *application_name(uint32_t application)
{
	static const char *const names[] = { "unknown", "healthy", "critical", "stopped" };

	return application < sizeof(names) / sizeof(names[0]) ? names[application] : "unknown";
}

json_t *heartbeat_query(struct heartbeat *heartbeat)
{
	uint64_t heard = atomic_load(&heartbeat->heard);
	json_t *object = ic_query(&heartbeat->ic);

	json_object_set_new(object, "state", json_string(!heard ? "no-contact" : is_lost(heard) ? "lost" : "ok"));
	json_object_set_new(object, "application", json_string(application_name(atomic_load(&heartbeat->application))));
	json_object_set_new(object, "age_ms", heard ? json_integer((json_int_t)((ic_now() - heard) / NS_PER_MS)) : json_null());
	return object;
}
