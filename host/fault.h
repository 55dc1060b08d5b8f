/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A host that misbehaves on purpose: rules, what they match, and what is to be done. docs/fault.md
 * has the grammar. This part only decides; who is asked carries it out: vmbus_fault.c for messages,
 * worker_fault.c for packets and interrupts, hyperv.c for hypercalls.
 * Invariant: where no rule exists, a question costs one load and one branch (fault_armed()).
 */
#ifndef HVIS_HOST_FAULT_H
#define HVIS_HOST_FAULT_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault_hold.h"
#include "wire/packet.h"

#define FAULT_NAME_BYTES  24 /* of a channel */
#define FAULT_BYTES_MAX	  240 /* given in a rule */
#define FAULT_RANGES_MAX  1000 /* that a rule may give a packet */
#define FAULT_ACTIONS_MAX 8 /* on one event; rules beyond do not hit */

enum fault_subject {
	FAULT_MESSAGE, /* a control message */
	FAULT_PACKET, /* in a ring */
	FAULT_HYPERCALL,
	FAULT_INTERRUPT, /* of a channel */
	FAULT_NOW, /* nothing to wait for: done when the rule is added */
	FAULT_SUBJECTS,
};

enum fault_direction {
	FAULT_EITHER, /* in a rule only */
	FAULT_TO_GUEST,
	FAULT_FROM_GUEST,
};

enum fault_verb {
	FAULT_DELAY,
	FAULT_DROP,
	FAULT_DUPLICATE,
	FAULT_REORDER, /* behind the next one */
	FAULT_CORRUPT,
	FAULT_ANSWER, /* with chosen fields */
	FAULT_RAISE, /* interrupts of a channel */
	FAULT_STALL, /* stop draining the guest's ring, until the rule goes */
	FAULT_RING, /* write header fields of a ring */
	FAULT_RAW, /* a packet of given bytes */
	FAULT_SEND, /* an unsolicited packet */
	FAULT_POST, /* a control message of ours */
	FAULT_RESCIND,
	FAULT_SILENT, /* until the rule goes */
	FAULT_LIE, /* one of the others, by lot; never seen outside fault.c */
	FAULT_VERBS,
};

/* Where in a packet bytes are corrupted. */
enum fault_place {
	FAULT_AT_PAYLOAD, /* and, in front of it, the descriptor */
	FAULT_AT_RANGES, /* what lies between the descriptor and the payload */
	FAULT_AT_POINTED, /* what the packet points at, in the guest's memory */
};

/* The fields of an action; which verb takes which is in fault_parse.c. */
enum fault_key {
	FAULT_KEY_MS,
	FAULT_KEY_OFFSET, /* from the payload or message; negative: into a packet's descriptor */
	FAULT_KEY_VALUE,
	FAULT_KEY_ADD, /* to what is there */
	FAULT_KEY_SIZE,
	FAULT_KEY_AT, /* enum fault_place */
	FAULT_KEY_RANGES, /* so many in the packet */
	FAULT_KEY_STATUS,
	FAULT_KEY_SRB_STATUS,
	FAULT_KEY_SCSI_STATUS,
	FAULT_KEY_SENSE, /* key << 16 | asc << 8 | ascq */
	FAULT_KEY_TRANSFER,
	FAULT_KEY_ID,
	FAULT_KEY_OP,
	FAULT_KEY_NVSP,
	FAULT_KEY_DM, FAULT_KEY_PAGES, FAULT_KEY_PFN,
	FAULT_KEY_IC, FAULT_KEY_TIME, FAULT_KEY_FLAGS, FAULT_KEY_FRAMES, FAULT_KEY_VERSIONS,
	FAULT_KEY_TYPE,
	FAULT_KEY_LENGTH,
	FAULT_KEY_RELID,
	FAULT_KEY_TIMES,
	FAULT_KEY_REOFFER,
	FAULT_KEY_IN, /* enum fault_direction: which ring */
	FAULT_KEY_READ,
	FAULT_KEY_WRITE,
	FAULT_KEY_MASK,
	FAULT_KEY_PENDING,
	FAULT_KEY_BYTES, /* in the bytes member */
	FAULT_KEY_CHANNEL, /* in the channel member */
	FAULT_KEY_OF, /* set of enum fault_verb */
	FAULT_KEYS,
};

struct fault_action {
	enum fault_verb verb;
	uint64_t given; /* set of enum fault_key */
	uint64_t value[FAULT_KEYS];
	char channel[FAULT_NAME_BYTES]; /* what it is done to; empty: none, or all */
	uint8_t bytes[FAULT_BYTES_MAX];
	uint32_t byte_count;
	uint64_t random; /* for what the rule leaves open */
};

/* What a rule may ask of an event; the numbers are equal, or the rule does not match. */
enum fault_condition {
	FAULT_IF_TYPE, /* of message or packet; code of a hypercall */
	FAULT_IF_RELID,
	FAULT_IF_CONNECTION, /* id, of a hypercall */
	FAULT_IF_OP, /* VSTOR */
	FAULT_IF_CDB, /* first byte */
	FAULT_IF_LUN,
	FAULT_IF_NVSP, /* type */
	FAULT_IF_DM, FAULT_IF_IC, /* types */
	FAULT_IF_RNDIS, /* type of the first message that the packet points at */
	FAULT_IF_OID, /* of a QUERY or SET, and of its answer */
	FAULT_CONDITIONS,
};

/* What happens, as a rule sees it: fault_event_init(), then what is known. */
#define FAULT_UNKNOWN UINT64_MAX
struct fault_event {
	enum fault_subject subject;
	enum fault_direction direction;
	const char *channel; /* or NULL */
	uint64_t is[FAULT_CONDITIONS];
};

#define FAULT_MEMORY 16 /* numbers */

/* A packet as its protocol reads it: private copies, but for the memory. */
struct fault_view {
	const void *payload;
	uint32_t bytes;
	const void *pointed; /* the front of what the packet points at */
	uint32_t pointed_bytes;
	uint64_t *memory; /* of the channel, from packet to packet; [FAULT_MEMORY], zeroed at first */
};
#define FAULT_POINTED_MAX 64u /* bytes that are copied to be read */

/* What rules can say of the packets of a protocol: a provider names the one that it speaks. */
struct fault_protocol {
	uint32_t bytes; /* of a packet that is invented */
	/* The conditions that are the protocol's. */
	void (*describe)(struct fault_event *event, const struct fault_view *view);
	/* A request becomes an answer that says nothing yet. */
	void (*turn)(void *payload, uint32_t bytes);
	/* Fields of an answer, or of what is there of it. */
	void (*set)(const struct fault_action *action, void *payload, uint32_t bytes);
};
extern const struct fault_protocol fault_vstor, fault_nvsp, fault_dm, fault_ic;

struct fault_verdict {
	unsigned int count;
	bool silent; /* as if it never happened; no action then */
	struct fault_action actions[FAULT_ACTIONS_MAX];
};

struct fault_rule;

/* One per VM. The members are fault.c's; first may be looked at by fault_armed(). */
struct fault {
	_Atomic(struct fault_rule *) first;
	pthread_mutex_t lock; /* rules with their counters, orders */
	unsigned int id_last;
	struct fault_order *orders, **orders_end;
	void (*wake)(void *context);
	void *context;
	struct fault_hold messages; /* the bus thread's */
};

/* Whether there are any rules at all. Any thread. */
static inline bool fault_armed(const struct fault *fault)
{
	return __builtin_expect(
		!!atomic_load_explicit(&fault->first, memory_order_relaxed), 0);
}

/* Whether @key was given. */
static inline bool fault_has(const struct fault_action *action, enum fault_key key)
{
	return action->given >> key & 1;
}

struct fault *fault_create(void);
/** fault_destroy() - after the bus thread's loop is gone, which may hold its timer. */
void fault_destroy(struct fault *fault);
/** fault_none() - for who has none: never armed. */
struct fault *fault_none(void);

/**
 * fault_check() - whether @rule is one that --fault takes
 * @error: ERROR_BYTES: what is wrong
 * Return: 0 or -EINVAL.
 */
int fault_check(const char *rule, char *error);
/**
 * fault_add() - add a rule, behind the others. Any thread. Return: its id (1..), or -EINVAL or
 * -ENOMEM with @error (ERROR_BYTES).
 */
int fault_add(struct fault *fault, const char *rule, char *error);
/**
 * fault_now() - whether rule @id is to be carried out at once; counts that. Any thread
 * @action: filled in if so; the caller does it
 */
bool fault_now(struct fault *fault, unsigned int id, struct fault_action *action);
/** fault_remove() - remove rule @id; 0: all. Return: how many there were. Any thread. */
unsigned int fault_remove(struct fault *fault, unsigned int id);
/** fault_list() - rules with counters, as JSON (new reference). Any thread. */
json_t *fault_list(struct fault *fault);

/** fault_event_init() - an event of which no number is known yet. */
void fault_event_init(struct fault_event *event, enum fault_subject subject,
		      enum fault_direction direction);
/** fault_decide() - what the rules say to @event; counts. Any thread. */
void fault_decide(struct fault *fault, const struct fault_event *event,
		  struct fault_verdict *verdict);
/** fault_stalled() - whether a rule keeps channel @name from being drained. Any thread. */
bool fault_stalled(struct fault *fault, const char *name);
/** fault_hypercall() - ask about one. Return: true: *@status is the answer. A vCPU thread. */
bool fault_hypercall(struct fault *fault, uint16_t code, uint64_t connection, uint16_t *status);

/* What a worker or vCPU thread leaves for the bus thread to do. */
struct fault_order {
	struct fault_order *next;
	struct fault_action action;
};
/** fault_order() - leave @action to the bus thread. Any thread. */
void fault_order(struct fault *fault, const struct fault_action *action);
/** fault_orders() - take the oldest order; the caller frees it. NULL: none. Bus thread. */
struct fault_order *fault_orders(struct fault *fault);
/** fault_attach() - who is woken, in any thread, when there are orders. */
void fault_attach(struct fault *fault, void (*wake)(void *context), void *context);

/** fault_random() - the next number of a generator (splitmix64). */
uint64_t fault_random(uint64_t *state);
/** fault_number() - what the rule says, or a random number. */
uint64_t fault_number(struct fault_action *action, enum fault_key key);
/** fault_corrupt() - change bytes of @desc (may be NULL) or @bytes as @action says. */
void fault_corrupt(struct fault_action *action, void *desc, void *bytes, uint32_t count);
/** fault_lie() - choose what to do to @event; @action becomes that. */
void fault_lie(const struct fault_event *event, struct fault_action *action);

#endif
