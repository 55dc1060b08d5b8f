// SPDX-License-Identifier: GPL-2.0
/*
 * The rules of a VM: kept in order, matched, counted. See fault.h. What a rule may say is
 * fault_parse.c's, what it does to bytes fault_edit.c's, what it knows of a protocol fault_vstor.c's, fault_nvsp.c's and fault_dm.c's.
 * Invariant: rules and orders are touched under the lock; only whether there is a first rule may
 * be asked without.
 */
#include "fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fault_internal.h"
#include "wire/hypercall.h"

struct fault *fault_create(void)
{
	struct fault *fault = calloc(1, sizeof(*fault));

	if (!fault)
		return NULL;
	pthread_mutex_init(&fault->lock, NULL);
	fault->orders_end = &fault->orders;
	fault_hold_init(&fault->messages, NULL, NULL, NULL);
	return fault;
}

void fault_destroy(struct fault *fault)
{
	struct fault_order *order;

	if (!fault)
		return;
	fault_remove(fault, 0);
	while ((order = fault_orders(fault)))
		free(order);
	fault_hold_free(&fault->messages);
	pthread_mutex_destroy(&fault->lock);
	free(fault);
}

/* Nobody adds a rule to this one, so nobody ever writes to it. */
struct fault *fault_none(void)
{
	static const struct fault none;

	return (struct fault *)&none;
}

uint64_t fault_random(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15ull;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ z >> 27) * 0x94D049BB133111EBull;
	return z ^ z >> 31;
}

int fault_check(const char *text, char *error)
{
	struct fault_rule *rule = fault_parse(text, error);
	int ret = 0;

	if (!rule)
		return -EINVAL;
	if (rule->subject == FAULT_NOW) {
		error_set(error, "'now' is only for a guest that runs (ctl)");
		ret = -EINVAL;
	}
	fault_rule_free(rule);
	return ret;
}

static void append(struct fault *fault, struct fault_rule *rule)
{
	struct fault_rule *last = atomic_load(&fault->first);

	rule->id = ++fault->id_last;
	if (!last) {
		atomic_store(&fault->first, rule);
		return;
	}
	while (last->next)
		last = last->next;
	last->next = rule;
}

int fault_add(struct fault *fault, const char *text, char *error)
{
	struct fault_rule *rule = fault_parse(text, error);
	int id;

	if (!rule)
		return -EINVAL;
	pthread_mutex_lock(&fault->lock);
	append(fault, rule);
	id = rule->id;
	pthread_mutex_unlock(&fault->lock);
	return id;
}

/* The lock is held. */
static unsigned int remove_rules(struct fault *fault, unsigned int id)
{
	struct fault_rule *rule = atomic_load(&fault->first), *kept = NULL, **end = &kept, *next;
	unsigned int removed = 0;

	for (; rule; rule = next) {
		next = rule->next;
		if (!id || rule->id == id) {
			fault_rule_free(rule);
			removed++;
			continue;
		}
		*end = rule;
		end = &rule->next;
	}
	*end = NULL;
	atomic_store(&fault->first, kept);
	return removed;
}

unsigned int fault_remove(struct fault *fault, unsigned int id)
{
	unsigned int removed;

	pthread_mutex_lock(&fault->lock);
	removed = remove_rules(fault, id);
	pthread_mutex_unlock(&fault->lock);
	return removed;
}

json_t *fault_list(struct fault *fault)
{
	json_t *list = json_array();

	pthread_mutex_lock(&fault->lock);
	for (const struct fault_rule *rule = atomic_load(&fault->first); rule; rule = rule->next)
		json_array_append_new(list, json_pack("{sisssIsIsb}", "id", (int)rule->id, "rule",
						      rule->text, "matched",
						      (json_int_t)rule->matched, "hits",
						      (json_int_t)rule->hits, "engaged",
						      rule->engaged));
	pthread_mutex_unlock(&fault->lock);
	return list;
}

/* A star at the end stands for anything: a controller with its sub-channels. */
static bool same_channel(const char *wanted, const char *name)
{
	size_t length = strlen(wanted);

	if (!length)
		return true;
	if (!name)
		return false;
	if (wanted[length - 1] == '*')
		return !strncmp(wanted, name, length - 1);
	return !strcmp(wanted, name);
}

static bool matches(const struct fault_rule *rule, const struct fault_event *event)
{
	if (rule->subject != event->subject || !same_channel(rule->channel, event->channel))
		return false;
	if (rule->direction != FAULT_EITHER && rule->direction != event->direction)
		return false;
	for (unsigned int i = 0; i < FAULT_CONDITIONS; i++)
		if (rule->conditions >> i & 1 && rule->want[i] != event->is[i])
			return false;
	return true;
}

/* The event matches: is this the time? */
static bool hits(struct fault_rule *rule)
{
	uint64_t start = rule->nth ? rule->nth : 1;
	uint64_t count = rule->count;

	if (rule->nth && !rule->every && !count)
		count = 1;
	rule->matched++;
	if (rule->matched < start || (count && rule->hits >= count))
		return false;
	if (rule->every && (rule->matched - start) % rule->every)
		return false;
	if (rule->chance < FAULT_CERTAIN && fault_random(&rule->random) >> 32 >= rule->chance)
		return false;
	rule->hits++;
	return true;
}

/* Fill in what the rule left open. A silent or stalling rule remembers whom it is about. */
static void act(struct fault_rule *rule, const struct fault_event *event,
		struct fault_action *action)
{
	*action = rule->action;
	action->random = fault_random(&rule->random);
	if (action->verb == FAULT_LIE)
		fault_lie(event, action);
	if (!action->channel[0] && event->channel &&
	    (action->verb != FAULT_SILENT || event->subject == FAULT_NOW))
		snprintf(action->channel, sizeof(action->channel), "%s", event->channel);
	if (action->verb != FAULT_SILENT && action->verb != FAULT_STALL)
		return;
	rule->engaged = true;
	memcpy(rule->action.channel, action->channel, sizeof(action->channel));
}

static bool keeps_silent(const struct fault_rule *rule, const struct fault_event *event)
{
	return rule->engaged && rule->action.verb == FAULT_SILENT &&
	       same_channel(rule->action.channel, event->channel);
}

/* The lock is held. */
static void ask_rules(struct fault *fault, const struct fault_event *event,
		      struct fault_verdict *verdict)
{
	struct fault_rule *rule = atomic_load(&fault->first);

	for (; rule && verdict->count < FAULT_ACTIONS_MAX; rule = rule->next) {
		if (matches(rule, event) && hits(rule))
			act(rule, event, &verdict->actions[verdict->count++]);
		if (keeps_silent(rule, event))
			verdict->silent = true;
	}
}

void fault_event_init(struct fault_event *event, enum fault_subject subject,
		      enum fault_direction direction)
{
	event->subject = subject;
	event->direction = direction;
	event->channel = NULL;
	for (unsigned int i = 0; i < FAULT_CONDITIONS; i++)
		event->is[i] = FAULT_UNKNOWN;
}

void fault_decide(struct fault *fault, const struct fault_event *event,
		  struct fault_verdict *verdict)
{
	verdict->count = 0;
	verdict->silent = false;
	pthread_mutex_lock(&fault->lock);
	ask_rules(fault, event, verdict);
	pthread_mutex_unlock(&fault->lock);
}

bool fault_now(struct fault *fault, unsigned int id, struct fault_action *action)
{
	struct fault_rule *rule;
	bool now = false;

	pthread_mutex_lock(&fault->lock);
	for (rule = atomic_load(&fault->first); rule && rule->id != id; rule = rule->next)
		;
	if (rule && rule->subject == FAULT_NOW && !rule->matched) {
		const struct fault_event event = { .subject = FAULT_NOW,
						   .channel = rule->channel };

		now = hits(rule);
		act(rule, &event, action);
	}
	pthread_mutex_unlock(&fault->lock);
	return now;
}

bool fault_stalled(struct fault *fault, const char *name)
{
	bool stalled = false;

	pthread_mutex_lock(&fault->lock);
	for (struct fault_rule *rule = atomic_load(&fault->first); rule; rule = rule->next)
		if (rule->engaged && rule->action.verb == FAULT_STALL &&
		    same_channel(rule->action.channel, name))
			stalled = true;
	pthread_mutex_unlock(&fault->lock);
	return stalled;
}

/* Nothing but its result can be wrong about a hypercall; a lost one looks like a success. */
bool fault_hypercall(struct fault *fault, uint16_t code, uint64_t connection, uint16_t *status)
{
	struct fault_event event;
	struct fault_verdict verdict;

	fault_event_init(&event, FAULT_HYPERCALL, FAULT_FROM_GUEST);
	event.is[FAULT_IF_TYPE] = code;
	event.is[FAULT_IF_CONNECTION] = connection;
	fault_decide(fault, &event, &verdict);
	*status = TLFS_STATUS_SUCCESS;
	if (verdict.count && verdict.actions[0].verb == FAULT_ANSWER)
		*status = (uint16_t)fault_number(&verdict.actions[0], FAULT_KEY_STATUS);
	return verdict.count || verdict.silent;
}

void fault_order(struct fault *fault, const struct fault_action *action)
{
	struct fault_order *order = malloc(sizeof(*order));

	if (!order)
		return;
	order->next = NULL;
	order->action = *action;
	pthread_mutex_lock(&fault->lock);
	*fault->orders_end = order;
	fault->orders_end = &order->next;
	if (fault->wake)
		fault->wake(fault->context);
	pthread_mutex_unlock(&fault->lock);
}

struct fault_order *fault_orders(struct fault *fault)
{
	struct fault_order *order;

	pthread_mutex_lock(&fault->lock);
	order = fault->orders;
	if (order) {
		fault->orders = order->next;
		if (!fault->orders)
			fault->orders_end = &fault->orders;
	}
	pthread_mutex_unlock(&fault->lock);
	return order;
}

void fault_attach(struct fault *fault, void (*wake)(void *context), void *context)
{
	pthread_mutex_lock(&fault->lock);
	fault->wake = wake;
	fault->context = context;
	pthread_mutex_unlock(&fault->lock);
}
