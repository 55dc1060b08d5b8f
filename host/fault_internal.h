/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A rule as it is kept. fault_parse.c makes it with the names of fault_names.c, fault.c matches and counts.
 */
#ifndef HVIS_HOST_FAULT_INTERNAL_H
#define HVIS_HOST_FAULT_INTERNAL_H

#include "fault.h"

struct fault_rule {
	struct fault_rule *next;
	unsigned int id;
	char *text;
	enum fault_subject subject;
	enum fault_direction direction;
	uint32_t conditions; /* set of enum fault_condition */
	uint64_t want[FAULT_CONDITIONS];
	char channel[FAULT_NAME_BYTES]; /* empty: any */
	uint64_t nth, every, count; /* 0: not given */
	uint64_t chance; /* out of FAULT_CERTAIN */
	uint64_t random; /* the generator's state */
	struct fault_action action;
	uint64_t matched, hits;
	bool engaged; /* it is silent, or stalls, until it is removed */
};
#define FAULT_CERTAIN (1ull << 32)

/**
 * fault_parse() - make a rule of @text. Return: NULL, and what is wrong in @error. Free with
 * fault_rule_free().
 */
struct fault_rule *fault_parse(const char *text, char *error);
void fault_rule_free(struct fault_rule *rule);

/* What has names in rules. */
enum fault_names {
	FAULT_NAMES_NONE, /* numbers only */
	FAULT_NAMES_SUBJECT,
	FAULT_NAMES_MESSAGE,
	FAULT_NAMES_PACKET,
	FAULT_NAMES_HYPERCALL,
	FAULT_NAMES_VSTOR,
	FAULT_NAMES_NVSP,
	FAULT_NAMES_DM,
	FAULT_NAMES_IC,
	FAULT_NAMES_RNDIS,
	FAULT_NAMES_OID,
	FAULT_NAMES_RING,
	FAULT_NAMES_PLACE,
};
/** fault_name() - the number that @text names. Return: false: it is none of these names. */
bool fault_name(enum fault_names names, const char *text, uint64_t *value);
/** fault_name_of() - the reverse. Return: NULL: the number has no name. */
const char *fault_name_of(enum fault_names names, uint64_t value);

#endif
