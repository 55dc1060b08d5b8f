/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A rule as it is kept. fault_parse.c makes it, fault.c matches and counts.
 */
#ifndef HVIS_HOST_FAULT_INTERNAL_H
#define HVIS_HOST_FAULT_INTERNAL_H

#include "fault.h"

/* What a rule may ask of an event; the numbers are equal, or the rule does not match. */
enum fault_condition {
	FAULT_IF_TYPE,
	FAULT_IF_RELID,
	FAULT_IF_OP,
	FAULT_IF_CDB,
	FAULT_IF_LUN,
	FAULT_IF_CONNECTION,
	FAULT_CONDITIONS,
};

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

#endif
