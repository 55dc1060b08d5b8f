// SPDX-License-Identifier: GPL-2.0
/*
 * The device: made and offered, how much memory it shall bring its guest to, its numbers. See balloon.h.
 * Invariant: what several threads look at changes under the lock; the target outlives the guest's drivers.
 */
#include "balloon_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"

uint64_t balloon_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct balloon *balloon_create(const struct balloon_options *options, struct memory *memory)
{
	struct balloon *balloon = calloc(1, sizeof(*balloon));

	if (!balloon)
		return NULL;
	pthread_mutex_init(&balloon->lock, NULL);
	balloon->options = *options;
	if (!balloon->options.version_max)
		balloon->options.version_max = DM_VERSION_WIN10;
	balloon->memory = memory;
	balloon->target = memory_startup(memory);
	return balloon;
}

int balloon_offer(struct balloon *balloon, struct vmbus *vmbus)
{
	const struct vmbus_guid type = DM_GUID;
	const struct channel_offer offer = {
		.name = "dm0",
		.type = type,
		/* Ours to choose; there is one of a VM. */
		.instance = {{0x6d, 0x69, 0x76, 0x68, 0x65, 0x6d, 0x69, 0x73, 0x80, 0x00, 0x68, 0x76, 0x69, 0x73, 0x00, 0x00}},
		.ops = &balloon_channel_ops,
		.context = balloon,
	};

	return provider_offer(&balloon->provider, vmbus, &offer);
}

void balloon_destroy(struct balloon *balloon)
{
	if (!balloon)
		return;
	pthread_mutex_destroy(&balloon->lock);
	free(balloon);
}

int balloon_set_target(struct balloon *balloon, uint64_t bytes)
{
	if (bytes < balloon->options.min || bytes > balloon->options.max)
		return -ERANGE;
	pthread_mutex_lock(&balloon->lock);
	balloon->target = bytes / MEMORY_PAGE;
	balloon->why = NULL;
	if (balloon->channel)
		channel_call(balloon->channel);
	pthread_mutex_unlock(&balloon->lock);
	return 0;
}

void balloon_set_state(struct balloon *balloon, enum balloon_state state)
{
	pthread_mutex_lock(&balloon->lock);
	balloon->state = state;
	balloon->silent = false;
	pthread_mutex_unlock(&balloon->lock);
}

void balloon_refuse(struct balloon *balloon, enum balloon_refusal what, const char *why)
{
	balloon_count(&balloon->refused[what], 1);
	if (balloon->logged[what])
		return;
	balloon->logged[what] = true;
	log_warn("dm0: refused: %s (more of these are only counted)", why);
}

/* A guest counts what was taken from it as committed, too. */
static bool demand_of(const struct balloon *balloon, uint64_t *demand)
{
	const struct balloon_status *status = &balloon->status;
	uint64_t taken = atomic_load(&memory_counters(balloon->memory)->ballooned) * MEMORY_PAGE;
	uint64_t committed = status->committed > taken ? status->committed - taken : 0;

	*demand = committed + committed / 100 * balloon->options.buffer;
	return status->at && balloon_now() - status->at < BALLOON_STATUS_FRESH * 1000000000ull;
}

void balloon_needs(struct balloon *balloon, struct balloon_needs *needs)
{
	pthread_mutex_lock(&balloon->lock);
	*needs = (struct balloon_needs){
		.min = balloon->options.min,
		.max = balloon->options.max,
		.assigned = memory_assigned(balloon->memory) * MEMORY_PAGE,
		.target = balloon->target * MEMORY_PAGE,
	};
	needs->known = demand_of(balloon, &needs->demand);
	pthread_mutex_unlock(&balloon->lock);
}

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static const char *progress(const struct balloon *balloon)
{
	if (balloon->state == BALLOON_CLOSED || balloon->state == BALLOON_ENDED)
		return "no-driver";
	if (balloon->silent)
		return "silent";
	if (balloon->why)
		return "partial";
	if (balloon->state == BALLOON_READY && balloon->target == memory_assigned(balloon->memory))
		return "settled";
	return "moving";
}

static const char *reason(const struct balloon *balloon)
{
	if (balloon->state == BALLOON_ENDED)
		return "the guest's driver and this host agree upon no version";
	if (balloon->state == BALLOON_CLOSED)
		return "the guest has no driver for dynamic memory";
	return balloon->silent ? "the guest does not answer" : balloon->why;
}

static void add_conversation(json_t *object, const struct balloon *balloon)
{
	static const char *const states[BALLOON_STATES] = { "closed", "opened",     "agreed",	"ready",   "ended",
							    "taking", "giving", "adding", "removing" };
	const char *why = reason(balloon);
	char version[24] = "";

	if (balloon->version)
		snprintf(version, sizeof(version), "%u.%u", balloon->version >> 16, balloon->version & 0xFFFF);
	json_object_set_new(object, "state", json_string(states[balloon->state]));
	json_object_set_new(object, "progress", json_string(progress(balloon)));
	json_object_set_new(object, "reason", why ? json_string(why) : json_null());
	json_object_set_new(object, "version", json_string(version));
	json_object_set_new(object, "capabilities",
			    json_pack("{s:b, s:b, s:b}", "balloon", !!(balloon->caps & DM_CAP_BALLOON), "hot_add",
				      !!(balloon->caps & DM_CAP_HOT_ADD), "hot_remove", !!(balloon->caps & DM_CAP_HOT_REMOVE)));
	set(object, "floor", balloon->floor * MEMORY_PAGE);
	set(object, "block", memory_block(balloon->memory) * MEMORY_PAGE);
}

static void add_status(json_t *object, const struct balloon *balloon)
{
	const struct balloon_status *status = &balloon->status;
	uint64_t demand;
	bool known = demand_of(balloon, &demand);

	json_object_set_new(object, "demand", known ? json_integer((json_int_t)demand) : json_null());
	if (!status->at) {
		json_object_set_new(object, "status", json_null());
		return;
	}
	json_object_set_new(object, "status",
			    json_pack("{s:I, s:I, s:I}", "age_ms", (json_int_t)((balloon_now() - status->at) / 1000000), "available",
				      (json_int_t)status->available, "committed", (json_int_t)status->committed));
}

static void add_memory(json_t *object, const struct balloon *balloon)
{
	const struct memory_counters *counters = memory_counters(balloon->memory);

	set(object, "startup", memory_startup(balloon->memory) * MEMORY_PAGE);
	set(object, "min", balloon->options.min);
	set(object, "max", balloon->options.max);
	set(object, "buffer_percent", balloon->options.buffer);
	set(object, "weight", balloon->options.weight);
	set(object, "target", balloon->target * MEMORY_PAGE);
	set(object, "assigned", memory_assigned(balloon->memory) * MEMORY_PAGE);
	set(object, "ballooned", atomic_load(&counters->ballooned) * MEMORY_PAGE);
	set(object, "hot_added", atomic_load(&counters->added) * MEMORY_PAGE);
	set(object, "rss", memory_resident(balloon->memory));
	set(object, "punched", atomic_load(&counters->punched) * MEMORY_PAGE);
	set(object, "punches", atomic_load(&counters->punches));
	set(object, "punch_errors", atomic_load(&counters->punch_errors));
}

static void add_counters(json_t *object, const struct balloon *balloon)
{
	static const char *const refusals[BALLOON_REFUSALS] = { "messages", "out_of_turn", "ranges", "lent_pages" };
	static const char *const acts[BALLOON_ACTS] = { NULL, "balloon", "unballoon", "hot_add", "hot_remove" };
	json_t *refused = json_object(), *requests = json_object();

	for (unsigned int i = 0; i < BALLOON_REFUSALS; i++)
		set(refused, refusals[i], atomic_load(&balloon->refused[i]));
	for (unsigned int i = BALLOON_ACT_TAKE; i < BALLOON_ACTS; i++)
		set(requests, acts[i], atomic_load(&balloon->requests[i]));
	json_object_set_new(object, "requests", requests);
	json_object_set_new(object, "refused", refused);
	set(object, "statuses", atomic_load(&balloon->statuses));
	set(object, "timeouts", atomic_load(&balloon->timeouts));
	set(object, "relieved", atomic_load(&balloon->relieved));
}

json_t *balloon_query(struct balloon *balloon)
{
	json_t *object = json_object();

	pthread_mutex_lock(&balloon->lock);
	add_memory(object, balloon);
	add_status(object, balloon);
	add_conversation(object, balloon);
	pthread_mutex_unlock(&balloon->lock);
	add_counters(object, balloon);
	return object;
}
