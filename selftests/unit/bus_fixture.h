/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A VMBus server in a test: its bus thread, a SynIC that only remembers, a provider that echoes,
 * and a guest that the test plays. The test's thread is the guest's vCPU.
 */
#ifndef HVIS_UNIT_BUS_FIXTURE_H
#define HVIS_UNIT_BUS_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* By path: the guest has a vmbus.h of its own. */
#include "../../host/vmbus.h"
#include "channel_internal.h"
#include "ring.h"

#define BUS_VPS		 2
#define BUS_MEMORY_PAGES 4096
#define BUS_DOORBELLS	 64
#define ECHO_MAX	 512 /* largest packet and payload of the echo provider */

/* A message the host posted. */
struct posted {
	struct posted *next;
	uint32_t vp, sint, bytes;
	union {
		struct chanmsg_header header;
		struct chanmsg_version_response version;
		struct chanmsg_offer offer;
		struct chanmsg_open_result open;
		struct chanmsg_gpadl_created created;
		struct chanmsg_gpadl_torndown torndown;
		struct chanmsg_relid relid;
		struct chanmsg_modify_response modify;
		uint8_t raw[CHANMSG_SIZE_MAX];
	};
};

/* Stands for the real one. */
struct synic {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct posted *first, **last;
	struct {
		uint32_t connection_id;
		int fd;
	} doorbells[BUS_DOORBELLS];
	uint64_t interrupts[BUS_VPS];
	uint32_t last_flag, last_sint;
	bool deaf; /* the guest takes no messages */
	unsigned int flushes;
};

/* What the echo provider does; shared by all its channels. */
struct echo {
	atomic_bool refuse; /* open() fails */
	atomic_bool hold; /* answer nothing until echo_release() */
	atomic_bool say; /* called() sends a packet unasked */
	atomic_uint opened, closed, held, called;
	atomic_int used; /* channels that may open */
};

struct echo_slot {
	struct echo *echo;
	_Atomic(struct echo_channel *) open;
};

struct bus {
	struct synic synic;
	struct echo echo;
	struct guestmem *mem;
	struct loop *loop;
	pthread_t thread;
	struct fault *fault;
	struct vmbus *vmbus;
	struct trace *trace; /* none runs */
	uint32_t message_id; /* connection id of our messages */
	struct channel *channels[BUS_DOORBELLS];
	struct echo_slot slots[BUS_DOORBELLS];
	struct posted message; /* the one bus_expect() found */
};

/* One end of an open channel, as the guest has it. */
struct guest {
	struct bus *bus;
	uint32_t relid, connection_id, gpadl;
	uint32_t pages, downstream;
	uint64_t pfns[64];
	uint8_t *out_map, *in_map;
	struct ring_writer out;
	struct ring_reader in;
	uint8_t buffer[ECHO_MAX + 64];
	struct packet packet;
};

/* Start a bus with @channels echo channels; 0: newest version. */
struct bus *bus_start(uint32_t version_max, unsigned int channels);
void bus_stop(struct bus *bus);

/* Run @run in the bus thread, and wait. */
void bus_call(struct bus *bus, void (*run)(struct bus *bus, void *context), void *context);
/* Everything posted so far has been handled when this returns. */
void bus_settle(struct bus *bus);
struct channel *bus_offer(struct bus *bus, unsigned int number);
void bus_rescind(struct bus *bus, unsigned int number);
void bus_reset(struct bus *bus);
/* Add a rule, which must be one. Return: its id. */
int bus_fault(struct bus *bus, const char *text);
/* Remove rule @id; 0: all. */
void bus_fault_remove(struct bus *bus, int id);
json_t *bus_query(struct bus *bus);
uint64_t bus_refused(struct bus *bus);
const char *bus_state(struct bus *bus, char state[32]);
/* A member of a channel's query, or -1. */
json_int_t bus_channel_number(struct bus *bus, unsigned int channel, const char *name);
/* Wait until a member has reached @value. */
void bus_await_number(struct bus *bus, unsigned int channel, const char *name, json_int_t value);

/* Post as the guest; must be taken. */
void bus_post(struct bus *bus, const void *message, uint32_t bytes);
void bus_post_relid(struct bus *bus, uint32_t type, uint32_t relid);
/* The host's next message, which must be of @type. */
const struct posted *bus_expect(struct bus *bus, uint32_t type);
const struct posted *bus_expect_any(struct bus *bus);
void bus_expect_nothing(struct bus *bus);
/* The message just posted was refused: counted, not answered. */
void bus_expect_refused(struct bus *bus, uint64_t refused_before);

/* Conversations that must work. */
void bus_contact(struct bus *bus, uint32_t version);
void bus_connect(struct bus *bus, uint32_t version); /* contact and offers */
void bus_gpadl(struct bus *bus, uint32_t relid, uint32_t handle, const uint64_t *pfns,
	       uint32_t pages);
void bus_gpadl_post(struct bus *bus, uint32_t relid, uint32_t handle, const uint64_t *pfns,
		    uint32_t pages);
void bus_teardown(struct bus *bus, uint32_t relid, uint32_t handle);
uint32_t bus_open(struct bus *bus, uint32_t relid, uint32_t handle, uint32_t downstream,
		  uint32_t vp);

/* Ring of 2 * @pages pages on channel @relid, opened on VP 1. */
struct guest *guest_open(struct bus *bus, uint32_t relid, uint32_t pages);
/* The same without OPEN. */
struct guest *guest_prepare(struct bus *bus, uint32_t relid, uint32_t pages);
/* Close, tear down and free. */
void guest_close(struct guest *guest);
void guest_free(struct guest *guest);
/* Ring the doorbell, as HvSignalEvent does. False: there is none. */
bool guest_ring(struct guest *guest);
/* Write a packet and ring if the rules say so. Return: as ring_write(). */
int guest_send(struct guest *guest, uint64_t id, const void *payload, uint32_t bytes);
/* Without a doorbell. Return: whether it needed one. */
bool guest_leave(struct guest *guest, uint64_t id, const void *payload, uint32_t bytes);
/* The same; if it does not fit, the host will interrupt when it does. */
bool guest_try_send(struct guest *guest, uint64_t id, const void *payload, uint32_t bytes);
/* The next packet of the host; sleeps until one is there. False: none came. */
bool guest_receive(struct guest *guest);
/* The next packet of the host if there is one. Return: as ring_read(). */
int guest_poll(struct guest *guest);
/*
 * For a guest that waits for packets and for room: count the interrupts, then look at both, then sleep
 * until there are more. False: none came. As in a real guest, only the rules of the ring wake it.
 */
uint64_t guest_interrupts(struct guest *guest);
bool guest_sleep(struct guest *guest, uint64_t seen);
/* Let the echo provider answer what it holds on channel @number. */
void echo_release(struct bus *bus, unsigned int number);
/* Let it send a packet unasked there. */
void echo_say(struct bus *bus, unsigned int number);
uint64_t synic_interrupts(struct bus *bus, unsigned int vp);

#endif
