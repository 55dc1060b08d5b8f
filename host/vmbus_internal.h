/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMBus server inside: vmbus.c (queue, gate), connection.c (version, unload, reset), offer.c
 * (offers, rescind), request.c (GPADLs, open, close, modify), vmbus_query.c. Everything but the
 * mailbox belongs to the bus thread.
 */
#ifndef HVIS_HOST_VMBUS_INTERNAL_H
#define HVIS_HOST_VMBUS_INTERNAL_H

#include <pthread.h>

#include "channel_internal.h"
#include "gpadl.h"
#include "vmbus.h"

#define MAILBOX_MAX 256u

enum bus_state {
	BUS_DISCONNECTED,
	BUS_CONNECTED, /* a version is agreed */
	BUS_OFFERED, /* the guest has asked for offers, and gets later ones at once */
	BUS_RESETTING, /* waiting for workers; no message is taken meanwhile */
};

/* One message of the guest, as posted. */
struct request {
	uint32_t connection_id;
	uint32_t bytes;
	union {
		struct chanmsg_header header;
		struct chanmsg_initiate_contact contact;
		struct chanmsg_relid relid;
		struct chanmsg_gpadl_header gpadl_header;
		struct chanmsg_gpadl_body gpadl_body;
		struct chanmsg_gpadl_teardown gpadl_teardown;
		struct chanmsg_open open;
		struct chanmsg_modify modify;
		uint8_t raw[CHANMSG_SIZE_MAX];
	};
};

/* The only part that vCPU and worker threads touch. */
struct mailbox {
	pthread_mutex_t lock;
	struct loop_work wake; /* runs the bus thread's turn */
	bool woken; /* wake is queued */
	uint32_t first, count;
	struct request requests[MAILBOX_MAX];
};

/* Where the guest wants its messages, and what to answer once a reset is done. */
struct contact {
	uint32_t version;
	uint32_t vp;
	uint32_t sint;
	bool acceptable; /* the version came on the connection id it belongs to, and we speak it */
};

enum after_reset {
	AFTER_RESET_NOTHING,
	AFTER_RESET_VERSION_RESPONSE,
	AFTER_RESET_UNLOAD_RESPONSE,
};

struct vmbus_counters {
	uint64_t in[CHANMSG_TYPE_COUNT + 1], out[CHANMSG_TYPE_COUNT + 1]; /* by type; last: others */
	uint64_t messages_in;
	uint64_t messages_out;
	uint64_t lost; /* to the guest: it does not take its messages */
	uint64_t refused;
	uint64_t contacts;
	uint64_t unloads;
};

struct vmbus {
	struct vmbus_config config;
	struct mailbox mailbox;
	enum bus_state state;
	enum after_reset after_reset;
	struct contact contact; /* the newest */
	uint32_t version; /* agreed; 0: none */
	struct gpadl_table gpadls;
	struct channel *channels; /* in order of their offers */
	struct channel *by_relid[CHANNEL_RELID_MAX + 1]; /* the same; NULL: the relid is free */
	uint32_t relid_next; /* where the search for a free relid begins */
	unsigned int refusals_logged;
	struct vmbus_counters counters;
	struct channel_stats removed; /* summed over the channels that are gone */
	unsigned int removed_count;
	struct channel_pause pause;
	struct loop_work fault_work; /* faults that other threads leave to us */
	atomic_bool fault_called; /* fault_work is queued */
};

/** vmbus_reply() - post a message to the guest, at the VP and SINT it chose. */
void vmbus_reply(struct vmbus *vmbus, const void *message, uint32_t bytes);
/** vmbus_count_removed() - keep the numbers of a channel that goes. */
void vmbus_count_removed(struct vmbus *vmbus, const struct channel *channel);
/** vmbus_give(), vmbus_take() - post and handle a message, whatever the faults say. */
void vmbus_give(struct vmbus *vmbus, const void *message, uint32_t bytes);
void vmbus_take(struct vmbus *vmbus, const struct request *request);
/*
 * Faults; asked only where fault_armed(). Return: true: it has been taken care of, the caller does
 * nothing more.
 */
bool vmbus_fault_in(struct vmbus *vmbus, const struct request *request);
bool vmbus_fault_out(struct vmbus *vmbus, const void *message, uint32_t bytes);
/** vmbus_fault_start(), vmbus_fault_stop() - of a bus that has faults. */
void vmbus_fault_start(struct vmbus *vmbus);
void vmbus_fault_stop(struct vmbus *vmbus);
/** vmbus_find() - the channel that the guest knows by @relid, or NULL. */
struct channel *vmbus_find(const struct vmbus *vmbus, uint32_t relid);
/**
 * vmbus_collect() - free what a finished worker of @channel leaves, and tell the guest what it
 * waits for.
 */
void vmbus_collect(struct vmbus *vmbus, struct channel *channel);

/*
 * The handlers behind the gate: type, length and bus state have been checked. Return: NULL, or the
 * rule that the guest broke.
 */
const char *connection_contact(struct vmbus *vmbus, const struct request *request);
const char *connection_unload(struct vmbus *vmbus, const struct request *request);
const char *offer_request(struct vmbus *vmbus, const struct request *request);
const char *offer_released(struct vmbus *vmbus, const struct request *request);
const char *request_gpadl_header(struct vmbus *vmbus, const struct request *request);
const char *request_gpadl_body(struct vmbus *vmbus, const struct request *request);
const char *request_gpadl_teardown(struct vmbus *vmbus, const struct request *request);
const char *request_open(struct vmbus *vmbus, const struct request *request);
const char *request_close(struct vmbus *vmbus, const struct request *request);
const char *request_modify(struct vmbus *vmbus, const struct request *request);

/** connection_newest() - the newest version we speak. */
uint32_t connection_newest(void);
/** connection_reset_step() - finish a reset if no worker is left. */
void connection_reset_step(struct vmbus *vmbus);

/** request_open_result() - answer an OPEN. */
void request_open_result(struct vmbus *vmbus, uint32_t relid, uint32_t open_id, uint32_t status);
/** request_torndown() - tell the guest that @handle is its own again. */
void request_torndown(struct vmbus *vmbus, uint32_t handle);

/**
 * offer_add() - put a channel on the list, and tell the guest if it waits for offers. NULL: errno.
 */
struct channel *offer_add(struct vmbus *vmbus, const struct channel_host *host,
			  const struct channel_offer *offer);
/** offer_sub_channels() - offer what the provider of an open primary channel asked for. */
void offer_sub_channels(struct vmbus *vmbus, struct channel *primary);
/** offer_rescind_subs() - @primary closes or goes: its sub-channels go before it. */
void offer_rescind_subs(struct vmbus *vmbus, const struct channel *primary);
/** offer_remove() - take a closed channel off the list and free it. */
void offer_remove(struct vmbus *vmbus, struct channel *channel);
/**
 * offer_forget() - the guest knows of no channel any more; sub-channels and those being rescinded are
 * freed. All are closed.
 */
void offer_forget(struct vmbus *vmbus);

#endif
