// SPDX-License-Identifier: GPL-2.0
/*
 * The grammar of rules: SUBJECT[,CONDITION=VALUE]...:VERB[,KEY=VALUE]... (docs/fault.md).
 * Tables say what there is (names: fault_names.c); what is wrong with a rule is said in one line that names the part.
 * Invariant: a rule that was parsed can be carried out: its verb fits its subject, its keys fit
 * its verb, what the verb cannot do without is there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fault_internal.h"
#include "wire/packet.h"

#define MS_MAX 1000000
#define BIT(n) (1u << (n))

#define KEY(name) (1ull << FAULT_KEY_##name)
#define ON_WIRE	  (BIT(FAULT_MESSAGE) | BIT(FAULT_PACKET))
#define ON_CHANNEL (ON_WIRE | BIT(FAULT_INTERRUPT) | BIT(FAULT_NOW))
#define IC_KEYS (KEY(IC) | KEY(TIME) | KEY(FLAGS) | KEY(FRAMES) | KEY(VERSIONS))
#define ANSWER_KEYS                                                                          \
	(KEY(STATUS) | KEY(SRB_STATUS) | KEY(SCSI_STATUS) | KEY(SENSE) | KEY(TRANSFER) | \
	 KEY(ID) | KEY(OP) | KEY(NVSP) | KEY(DM) | KEY(PAGES) | KEY(PFN) | IC_KEYS)
#define RING_KEYS (KEY(READ) | KEY(WRITE) | KEY(MASK) | KEY(PENDING))

/* Which verb fits which subject, what it takes, and of what it needs at least one (0: nothing). */
static const struct verb {
	const char *name;
	uint32_t subjects;
	uint64_t keys, needs;
} verbs[FAULT_VERBS] = {
	[FAULT_DELAY] = { "delay", ON_WIRE | BIT(FAULT_INTERRUPT), KEY(MS), KEY(MS) },
	[FAULT_DROP] = { "drop", ON_WIRE | BIT(FAULT_INTERRUPT) | BIT(FAULT_HYPERCALL), 0, 0 },
	[FAULT_DUPLICATE] = { "duplicate", ON_WIRE | BIT(FAULT_INTERRUPT),
			      KEY(MS) | KEY(OFFSET) | KEY(VALUE) | KEY(SIZE) | KEY(TIMES), 0 },
	[FAULT_REORDER] = { "reorder", ON_WIRE, KEY(MS), 0 },
	[FAULT_CORRUPT] = { "corrupt", ON_WIRE,
			    KEY(OFFSET) | KEY(VALUE) | KEY(ADD) | KEY(SIZE) | KEY(BYTES) | KEY(AT) | KEY(RANGES), 0 },
	[FAULT_ANSWER] = { "answer", ON_WIRE | BIT(FAULT_HYPERCALL), ANSWER_KEYS, ANSWER_KEYS },
	[FAULT_RAISE] = { "raise", ON_CHANNEL, KEY(TIMES) | KEY(RELID) | KEY(CHANNEL), 0 },
	[FAULT_STALL] = { "stall", ON_CHANNEL, KEY(CHANNEL), 0 },
	[FAULT_RING] = { "ring", ON_CHANNEL, RING_KEYS | KEY(IN) | KEY(CHANNEL), RING_KEYS },
	[FAULT_RAW] = { "raw", ON_CHANNEL, KEY(BYTES) | KEY(CHANNEL), KEY(BYTES) },
	[FAULT_SEND] = { "send", ON_CHANNEL,
			 KEY(TYPE) | KEY(ID) | KEY(OP) | KEY(NVSP) | KEY(DM) | KEY(PAGES) | KEY(PFN) | IC_KEYS |
				 KEY(STATUS) | KEY(LENGTH) | KEY(TIMES) | KEY(CHANNEL),
			 0 },
	[FAULT_POST] = { "post", ON_CHANNEL,
			 KEY(TYPE) | KEY(RELID) | KEY(STATUS) | KEY(LENGTH) | KEY(TIMES) | KEY(BYTES),
			 KEY(TYPE) | KEY(BYTES) },
	[FAULT_RESCIND] = { "rescind", ON_CHANNEL, KEY(REOFFER) | KEY(TIMES) | KEY(CHANNEL), 0 },
	[FAULT_SILENT] = { "silent", ON_CHANNEL | BIT(FAULT_HYPERCALL), KEY(CHANNEL), 0 },
	[FAULT_LIE] = { "lie", ON_WIRE | BIT(FAULT_INTERRUPT), KEY(OF), 0 },
};

/* How the values of keys are written. */
enum form { NUMBER, SIGNED, SENSE, TYPE, BYTES, CHANNEL, LIES };
static const struct key {
	const char *name;
	enum form form;
	uint64_t max; /* of a number */
	enum fault_names names; /* beside numbers */
} keys[FAULT_KEYS] = {
	[FAULT_KEY_MS] = { "ms", NUMBER, MS_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_OFFSET] = { "offset", SIGNED, UINT16_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_VALUE] = { "value", NUMBER, UINT64_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_ADD] = { "add", NUMBER, UINT64_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_AT] = { "at", NUMBER, 0, FAULT_NAMES_PLACE },
	[FAULT_KEY_RANGES] = { "ranges", NUMBER, FAULT_RANGES_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_SIZE] = { "size", NUMBER, 8, FAULT_NAMES_NONE },
	[FAULT_KEY_STATUS] = { "status", NUMBER, UINT32_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_SRB_STATUS] = { "srb-status", NUMBER, UINT8_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_SCSI_STATUS] = { "scsi-status", NUMBER, UINT8_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_SENSE] = { "sense", SENSE, 0, FAULT_NAMES_NONE },
	[FAULT_KEY_TRANSFER] = { "transfer", NUMBER, UINT32_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_ID] = { "id", NUMBER, UINT64_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_OP] = { "op", NUMBER, UINT32_MAX, FAULT_NAMES_VSTOR },
	[FAULT_KEY_NVSP] = { "nvsp", NUMBER, UINT32_MAX, FAULT_NAMES_NVSP },
	[FAULT_KEY_DM] = { "dm", NUMBER, UINT16_MAX, FAULT_NAMES_DM },
	[FAULT_KEY_IC] = { "ic", NUMBER, UINT16_MAX, FAULT_NAMES_IC },
	[FAULT_KEY_TIME] = { "time", NUMBER, UINT64_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_FLAGS] = { "flags", NUMBER, UINT8_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_FRAMES] = { "frames", NUMBER, UINT16_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_VERSIONS] = { "versions", NUMBER, UINT16_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_PAGES] = { "pages", NUMBER, UINT32_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_PFN] = { "pfn", NUMBER, UINT64_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_TYPE] = { "type", TYPE, UINT32_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_LENGTH] = { "length", NUMBER, FAULT_BYTES_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_RELID] = { "relid", NUMBER, UINT32_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_TIMES] = { "times", NUMBER, 100000, FAULT_NAMES_NONE },
	[FAULT_KEY_REOFFER] = { "reoffer", NUMBER, MS_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_IN] = { "in", NUMBER, 0, FAULT_NAMES_RING },
	[FAULT_KEY_READ] = { "read", NUMBER, UINT32_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_WRITE] = { "write", NUMBER, UINT32_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_MASK] = { "mask", NUMBER, UINT32_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_PENDING] = { "pending", NUMBER, UINT32_MAX, FAULT_NAMES_NONE },
	[FAULT_KEY_BYTES] = { "bytes", BYTES, 0, FAULT_NAMES_NONE },
	[FAULT_KEY_CHANNEL] = { "channel", CHANNEL, 0, FAULT_NAMES_NONE },
	[FAULT_KEY_OF] = { "of", LIES, 0, FAULT_NAMES_NONE },
};

#define wrong(error, ...) (error_set(error, __VA_ARGS__), false)

/* Decimal, or hexadecimal behind 0x. */
static bool number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
	return !errno && !*end && *value <= max;
}

static bool name_or_number(enum fault_names names, const char *text, uint64_t max, uint64_t *value)
{
	return fault_name(names, text, value) || number(text, max, value);
}

/* KEY/ASC/ASCQ in hexadecimal. */
static bool sense(const char *text, uint64_t *value)
{
	unsigned int key, asc, ascq;
	char rest;

	if (sscanf(text, "%1x/%2x/%2x%c", &key, &asc, &ascq, &rest) != 3)
		return false;
	*value = key << 16 | asc << 8 | ascq;
	return true;
}

static bool hex(const char *text, struct fault_action *action)
{
	size_t digits = strlen(text);

	if (!digits || digits % 2 || digits / 2 > sizeof(action->bytes) ||
	    strspn(text, "0123456789abcdefABCDEF") != digits)
		return false;
	for (size_t i = 0; i < digits / 2; i++)
		sscanf(text + 2 * i, "%2hhx", &action->bytes[i]);
	action->byte_count = digits / 2;
	return true;
}

static bool channel_name(const char *text, char *name)
{
	return *text && snprintf(name, FAULT_NAME_BYTES, "%s", text) < FAULT_NAME_BYTES;
}

/* Names of verbs with plus signs between. */
static bool lies(char *text, uint64_t *set)
{
	for (char *rest, *name = strtok_r(text, "+", &rest); name;
	     name = strtok_r(NULL, "+", &rest)) {
		unsigned int verb = 0;

		while (verb < FAULT_LIE && strcmp(verbs[verb].name, name))
			verb++;
		if (verb == FAULT_LIE)
			return false;
		*set |= BIT(verb);
	}
	return *set;
}

static bool type(enum fault_subject subject, bool posted, const char *text, uint64_t *value)
{
	if (subject == FAULT_HYPERCALL)
		return name_or_number(FAULT_NAMES_HYPERCALL, text, UINT16_MAX, value);
	if (posted || subject == FAULT_MESSAGE)
		return name_or_number(FAULT_NAMES_MESSAGE, text, UINT32_MAX, value);
	return name_or_number(FAULT_NAMES_PACKET, text, UINT16_MAX, value);
}

/* The value of @key. In "send" and "post" the type is that of what is sent. */
static bool key_value(struct fault_action *action, const struct key *key, char *text)
{
	uint64_t *value = &action->value[key - keys];

	switch (key->form) {
	case SENSE:
		return sense(text, value);
	case TYPE:
		return type(FAULT_PACKET, action->verb == FAULT_POST, text, value);
	case BYTES:
		return hex(text, action);
	case CHANNEL:
		return channel_name(text, action->channel);
	case LIES:
		return lies(text, value);
	case SIGNED:
		if (*text != '-')
			break;
		if (!number(text + 1, sizeof(struct packet_desc), value))
			return false;
		*value = -*value;
		return true;
	default:
		break;
	}
	return name_or_number(key->names, text, key->max, value);
}

/* Ends the part at its comma and at its equals sign. Return: the rest, or NULL. */
static char *cut(char *part, char **value)
{
	char *rest = strchr(part, ',');

	if (rest)
		*rest++ = 0;
	*value = strchr(part, '=');
	if (*value)
		*(*value)++ = 0;
	return rest;
}

static bool parse_key(struct fault_rule *rule, const char *name, char *value, char *error)
{
	struct fault_action *action = &rule->action;
	const struct verb *verb = &verbs[action->verb];
	unsigned int key = 0;

	while (key < FAULT_KEYS && strcmp(keys[key].name, name))
		key++;
	if (key == FAULT_KEYS || !(verb->keys >> key & 1))
		return wrong(error, "'%s' takes no '%.40s'", verb->name, name);
	if (action->given >> key & 1)
		return wrong(error, "'%s' is there twice", name);
	if (!value || !key_value(action, &keys[key], value))
		return wrong(error, "%s= of '%s': not a value for it", name, verb->name);
	action->given |= 1ull << key;
	return true;
}

static bool parse_action(struct fault_rule *rule, char *text, char *error)
{
	unsigned int verb = 0;
	char *value, *rest = cut(text, &value);

	while (verb < FAULT_VERBS && strcmp(verbs[verb].name, text))
		verb++;
	if (verb == FAULT_VERBS || value)
		return wrong(error, "'%.40s' is nothing that could be done", text);
	if (!(verbs[verb].subjects & BIT(rule->subject)))
		return wrong(error, "'%s' cannot be done to '%s'", text,
			     fault_name_of(FAULT_NAMES_SUBJECT, rule->subject));
	rule->action.verb = verb;
	while (rest) {
		char *part = rest;

		rest = cut(part, &value);
		if (!parse_key(rule, part, value, error))
			return false;
	}
	if (verbs[verb].needs && !(rule->action.given & verbs[verb].needs))
		return wrong(error, "'%s' needs %s", text,
			     verb == FAULT_DELAY ? "ms=" : "something to write");
	if (rule->subject == FAULT_NOW && (verbs[verb].keys & KEY(CHANNEL)) &&
	    verb != FAULT_SILENT && !rule->channel[0] && !rule->action.channel[0])
		return wrong(error, "'%s' needs channel= when it is done now", text);
	return true;
}

/* A condition that compares a number. Return: false if @name is none. */
static bool comparison(struct fault_rule *rule, const char *name, const char *value, bool *good)
{
	static const struct {
		const char *name;
		enum fault_names names;
	} comparisons[FAULT_CONDITIONS] = {
		[FAULT_IF_TYPE] = { "type", FAULT_NAMES_NONE },
		[FAULT_IF_RELID] = { "relid", FAULT_NAMES_NONE },
		[FAULT_IF_CONNECTION] = { "connection", FAULT_NAMES_NONE },
		[FAULT_IF_OP] = { "op", FAULT_NAMES_VSTOR },
		[FAULT_IF_CDB] = { "cdb", FAULT_NAMES_NONE },
		[FAULT_IF_LUN] = { "lun", FAULT_NAMES_NONE },
		[FAULT_IF_NVSP] = { "nvsp", FAULT_NAMES_NVSP },
		[FAULT_IF_DM] = { "dm", FAULT_NAMES_DM },
		[FAULT_IF_IC] = { "ic", FAULT_NAMES_IC },
		[FAULT_IF_RNDIS] = { "rndis", FAULT_NAMES_RNDIS },
		[FAULT_IF_OID] = { "oid", FAULT_NAMES_OID },
	};
	unsigned int which = 0;
	uint64_t *want;

	while (which < FAULT_CONDITIONS && strcmp(comparisons[which].name, name))
		which++;
	if (which == FAULT_CONDITIONS)
		return false;
	want = &rule->want[which];
	rule->conditions |= BIT(which);
	if (which == FAULT_IF_TYPE)
		*good = type(rule->subject, false, value, want);
	else
		*good = name_or_number(comparisons[which].names, value, UINT32_MAX, want);
	return true;
}

static bool chance(const char *value, uint64_t *out_of)
{
	char *end;
	double probability = strtod(value, &end);

	if (end == value || *end || !(probability > 0 && probability <= 1))
		return false;
	*out_of = probability * FAULT_CERTAIN;
	return true;
}

static bool direction(struct fault_rule *rule, bool to, const char *value)
{
	if (!strcmp(value, "guest"))
		rule->direction = to ? FAULT_TO_GUEST : FAULT_FROM_GUEST;
	else if (!strcmp(value, "host"))
		rule->direction = to ? FAULT_FROM_GUEST : FAULT_TO_GUEST;
	else
		return false;
	return true;
}

/* When it hits, of all that match. Return: false if @name is no such condition. */
static bool occasion(struct fault_rule *rule, const char *name, const char *value, bool *good)
{
	if (!strcmp(name, "nth"))
		*good = number(value, UINT64_MAX, &rule->nth) && rule->nth;
	else if (!strcmp(name, "every"))
		*good = number(value, UINT64_MAX, &rule->every) && rule->every;
	else if (!strcmp(name, "count"))
		*good = number(value, UINT64_MAX, &rule->count) && rule->count;
	else if (!strcmp(name, "prob"))
		*good = chance(value, &rule->chance);
	else if (!strcmp(name, "seed"))
		*good = number(value, UINT64_MAX, &rule->random);
	else
		return false;
	return true;
}

static bool parse_condition(struct fault_rule *rule, const char *name, const char *value,
			    char *error)
{
	bool good = false;

	if (!value)
		return wrong(error, "'%.40s': a condition is written NAME=VALUE", name);
	if (!strcmp(name, "to") || !strcmp(name, "from"))
		good = direction(rule, *name == 't', value);
	else if (!strcmp(name, "channel"))
		good = channel_name(value, rule->channel);
	else if (!comparison(rule, name, value, &good) && !occasion(rule, name, value, &good))
		return wrong(error, "unknown condition '%.40s'", name);
	return good || wrong(error, "%s=%.40s: not a value for it", name, value);
}

static bool parse_subject(struct fault_rule *rule, char *text, char *error)
{
	char *value, *rest = cut(text, &value);
	uint64_t subject;

	if (!fault_name(FAULT_NAMES_SUBJECT, text, &subject) || value)
		return wrong(error, "'%.40s' is not message, packet, hypercall, interrupt or now",
			     text);
	rule->subject = subject;
	while (rest) {
		char *part = rest;

		rest = cut(part, &value);
		if (!parse_condition(rule, part, value, error))
			return false;
	}
	return true;
}

void fault_rule_free(struct fault_rule *rule)
{
	free(rule->text);
	free(rule);
}

struct fault_rule *fault_parse(const char *text, char *error)
{
	struct fault_rule *rule = calloc(1, sizeof(*rule));
	char *copy = strdup(text), *action = copy ? strchr(copy, ':') : NULL;
	bool good;

	if (action)
		*action++ = 0;
	if (rule)
		rule->text = strdup(text);
	if (!rule || !copy || !rule->text) {
		good = wrong(error, "out of memory");
	} else {
		rule->chance = FAULT_CERTAIN;
		good = action ? parse_subject(rule, copy, error) &&
					parse_action(rule, action, error)
			      : wrong(error, "a rule is written WHEN:WHAT");
	}
	free(copy);
	if (good)
		return rule;
	if (rule)
		fault_rule_free(rule);
	return NULL;
}
