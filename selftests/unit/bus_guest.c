// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of bus_fixture.h: what it posts, what it expects, and its ends of the rings.
 */
#include "bus_fixture.h"
#include "wire/hypercall.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 10
#define PFN_BASE 100

static void deadline(struct timespec *when)
{
	clock_gettime(CLOCK_REALTIME, when);
	when->tv_sec += PATIENCE;
}

void bus_post(struct bus *bus, const void *message, uint32_t bytes)
{
	uint16_t status;

	/* A guest retries when the host's mailbox is full. */
	while ((status = vmbus_post_message(bus->vmbus, bus->message_id, TLFS_MESSAGE_TYPE_VMBUS,
					    message, bytes)) == TLFS_STATUS_INSUFFICIENT_BUFFERS)
		sched_yield();
	assert_int_equal(status, TLFS_STATUS_SUCCESS);
}

void bus_post_relid(struct bus *bus, uint32_t type, uint32_t relid)
{
	const struct chanmsg_relid message = { .header.type = type, .relid = relid };

	bus_post(bus, &message, sizeof(message));
}

static struct posted *take(struct synic *synic)
{
	struct posted *posted;
	struct timespec until;
	int error = 0;

	deadline(&until);
	pthread_mutex_lock(&synic->lock);
	while (!synic->first && !error)
		error = pthread_cond_timedwait(&synic->changed, &synic->lock, &until);
	posted = synic->first;
	if (posted) {
		synic->first = posted->next;
		if (!synic->first)
			synic->last = &synic->first;
	}
	pthread_mutex_unlock(&synic->lock);
	return posted;
}

const struct posted *bus_expect_any(struct bus *bus)
{
	struct posted *posted = take(&bus->synic);

	assert_non_null(posted);
	bus->message = *posted;
	free(posted);
	return &bus->message;
}

const struct posted *bus_expect(struct bus *bus, uint32_t type)
{
	bus_expect_any(bus);
	assert_int_equal(bus->message.header.type, type);
	return &bus->message;
}

void bus_expect_nothing(struct bus *bus)
{
	bool none;

	bus_settle(bus);
	pthread_mutex_lock(&bus->synic.lock);
	none = !bus->synic.first;
	pthread_mutex_unlock(&bus->synic.lock);
	assert_true(none);
}

void bus_expect_refused(struct bus *bus, uint64_t refused_before)
{
	bus_expect_nothing(bus);
	assert_int_equal(bus_refused(bus), refused_before + 1);
}

void bus_contact(struct bus *bus, uint32_t version)
{
	struct chanmsg_initiate_contact message = { .header.type = CHANMSG_INITIATE_CONTACT,
						    .version = version };

	bus->message_id = VMBUS_MESSAGE_CONNECTION_ID;
	if (version >= VMBUS_VERSION_WIN10_V5) {
		bus->message_id = VMBUS_MESSAGE_CONNECTION_ID_4;
		message.msg_sint = TLFS_SINT_VMBUS;
	}
	bus_post(bus, &message, sizeof(message));
	bus_expect(bus, CHANMSG_VERSION_RESPONSE);
}

void bus_connect(struct bus *bus, uint32_t version)
{
	const struct chanmsg_header request = { .type = CHANMSG_REQUEST_OFFERS };
	struct posted *posted;
	uint32_t type;

	bus_contact(bus, version);
	assert_int_equal(bus->message.version.supported, 1);
	bus_post(bus, &request, sizeof(request));
	do {
		posted = take(&bus->synic);
		assert_non_null(posted);
		type = posted->header.type;
		free(posted);
		assert_true(type == CHANMSG_OFFER || type == CHANMSG_ALL_OFFERS_DELIVERED);
	} while (type == CHANMSG_OFFER);
}

static void post_pfns(struct bus *bus, void *message, uint32_t fixed, const uint64_t *pfns,
		      uint32_t count)
{
	memcpy((uint8_t *)message + fixed, pfns, count * sizeof(*pfns));
	bus_post(bus, message, fixed + count * sizeof(*pfns));
}

void bus_gpadl_post(struct bus *bus, uint32_t relid, uint32_t handle, const uint64_t *pfns,
		    uint32_t pages)
{
	union {
		struct {
			struct chanmsg_gpadl_header header;
			struct gpa_range range;
		} __attribute__((packed)) first;
		struct chanmsg_gpadl_body body;
		uint8_t raw[CHANMSG_SIZE_MAX];
	} message = { .first = { { { CHANMSG_GPADL_HEADER, 0 }, relid, handle, 8 + pages * 8, 1 },
				 { pages * 4096, 0 } } };
	uint32_t count = pages < GPADL_HEADER_PFNS ? pages : GPADL_HEADER_PFNS;

	post_pfns(bus, &message, sizeof(message.first), pfns, count);
	message.body = (struct chanmsg_gpadl_body){ { CHANMSG_GPADL_BODY, 0 }, 0, handle };
	for (uint32_t at = count; at < pages; at += count) {
		count = pages - at < GPADL_BODY_PFNS ? pages - at : GPADL_BODY_PFNS;
		post_pfns(bus, &message, sizeof(message.body), pfns + at, count);
	}
}

void bus_gpadl(struct bus *bus, uint32_t relid, uint32_t handle, const uint64_t *pfns,
	       uint32_t pages)
{
	bus_gpadl_post(bus, relid, handle, pfns, pages);
	bus_expect(bus, CHANMSG_GPADL_CREATED);
	assert_int_equal(bus->message.bytes, sizeof(struct chanmsg_gpadl_created));
	assert_int_equal(bus->message.created.relid, relid);
	assert_int_equal(bus->message.created.gpadl, handle);
	assert_int_equal(bus->message.created.status, NTSTATUS_SUCCESS);
}

void bus_teardown(struct bus *bus, uint32_t relid, uint32_t handle)
{
	const struct chanmsg_gpadl_teardown message = { { CHANMSG_GPADL_TEARDOWN, 0 },
							relid,
							handle };

	bus_post(bus, &message, sizeof(message));
}

uint32_t bus_open(struct bus *bus, uint32_t relid, uint32_t handle, uint32_t downstream,
		  uint32_t vp)
{
	const struct chanmsg_open message = { .header.type = CHANMSG_OPEN,
					      .relid = relid,
					      .open_id = relid + 500,
					      .ring_gpadl = handle,
					      .target_vp = vp,
					      .downstream_page = downstream };

	bus_post(bus, &message, sizeof(message));
	bus_expect(bus, CHANMSG_OPEN_RESULT);
	assert_int_equal(bus->message.open.relid, relid);
	assert_int_equal(bus->message.open.open_id, relid + 500);
	return bus->message.open.status;
}

/* The guest's own view: header, data, data. */
static uint8_t *map_ring(struct guest *guest, uint32_t first, uint32_t pages)
{
	uint64_t list[2 * 64];

	memcpy(list, guest->pfns + first, pages * 8);
	memcpy(list + pages, guest->pfns + first + 1, (pages - 1) * 8);
	return guestmem_map(guest->bus->mem, list, 2 * pages - 1);
}

struct guest *guest_prepare(struct bus *bus, uint32_t relid, uint32_t pages)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	guest->bus = bus;
	guest->relid = relid;
	guest->connection_id = 0x2000 | relid;
	guest->gpadl = 0xE1E10 + relid;
	guest->pages = pages;
	guest->downstream = pages;
	/* Backwards, so that no two pages are neighbours. */
	for (uint32_t i = 0; i < 2 * pages; i++)
		guest->pfns[i] = PFN_BASE + relid * 64 - i;
	guest->out_map = map_ring(guest, 0, pages);
	guest->in_map = map_ring(guest, pages, pages);
	memset(guest->out_map, 0, 4096);
	memset(guest->in_map, 0, 4096);
	ring_writer_init(&guest->out, (struct ring_header *)guest->out_map, guest->out_map + 4096,
			 (pages - 1) * 4096);
	ring_reader_init(&guest->in, (struct ring_header *)guest->in_map, guest->in_map + 4096,
			 (pages - 1) * 4096);
	guest->packet.data = guest->buffer;
	bus_gpadl(bus, relid, guest->gpadl, guest->pfns, 2 * pages);
	return guest;
}

struct guest *guest_open(struct bus *bus, uint32_t relid, uint32_t pages)
{
	struct guest *guest = guest_prepare(bus, relid, pages);

	assert_int_equal(bus_open(bus, relid, guest->gpadl, guest->downstream, 1),
			 NTSTATUS_SUCCESS);
	return guest;
}

void guest_free(struct guest *guest)
{
	guestmem_unmap(guest->out_map, 2 * guest->pages - 1);
	guestmem_unmap(guest->in_map, 2 * guest->pages - 1);
	free(guest);
}

void guest_close(struct guest *guest)
{
	struct bus *bus = guest->bus;

	bus_post_relid(bus, CHANMSG_CLOSE, guest->relid);
	bus_teardown(bus, guest->relid, guest->gpadl);
	bus_expect(bus, CHANMSG_GPADL_TORNDOWN);
	assert_int_equal(bus->message.torndown.gpadl, guest->gpadl);
	guest_free(guest);
}

bool guest_ring(struct guest *guest)
{
	struct synic *synic = &guest->bus->synic;
	const uint64_t one = 1;
	bool rung = false;

	pthread_mutex_lock(&synic->lock);
	for (unsigned int i = 0; i < BUS_DOORBELLS; i++)
		if (synic->doorbells[i].connection_id == guest->connection_id)
			rung = write(synic->doorbells[i].fd, &one, 8) == 8;
	pthread_mutex_unlock(&synic->lock);
	return rung;
}

static int put(struct guest *guest, uint64_t id, const void *payload, uint32_t bytes)
{
	struct packet_desc desc = { .type = PACKET_INBAND,
				    .flags = PACKET_FLAG_COMPLETION_REQUESTED,
				    .transaction_id = id };
	struct ring_piece piece = { payload, bytes };

	return ring_write(&guest->out, &desc, &piece, 1);
}

bool guest_leave(struct guest *guest, uint64_t id, const void *payload, uint32_t bytes)
{
	return !put(guest, id, payload, bytes) && ring_writer_must_signal(&guest->out);
}

int guest_send(struct guest *guest, uint64_t id, const void *payload, uint32_t bytes)
{
	int error = put(guest, id, payload, bytes);

	if (!error && ring_writer_must_signal(&guest->out))
		guest_ring(guest);
	return error;
}

int guest_poll(struct guest *guest)
{
	int result = ring_read(&guest->in, &guest->packet, sizeof(guest->buffer));

	if (result > 0 && ring_reader_publish(&guest->in))
		guest_ring(guest);
	return result;
}

static uint64_t interrupts(const struct synic *synic)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < BUS_VPS; i++)
		sum += synic->interrupts[i];
	return sum;
}

uint64_t guest_interrupts(struct guest *guest)
{
	struct synic *synic = &guest->bus->synic;
	uint64_t sum;

	pthread_mutex_lock(&synic->lock);
	sum = interrupts(synic);
	pthread_mutex_unlock(&synic->lock);
	return sum;
}

bool guest_sleep(struct guest *guest, uint64_t seen)
{
	struct synic *synic = &guest->bus->synic;
	struct timespec until;
	int error = 0;

	deadline(&until);
	pthread_mutex_lock(&synic->lock);
	while (interrupts(synic) == seen && !error)
		error = pthread_cond_timedwait(&synic->changed, &synic->lock, &until);
	pthread_mutex_unlock(&synic->lock);
	return !error;
}

bool guest_receive(struct guest *guest)
{
	uint64_t seen;
	int result;

	do {
		seen = guest_interrupts(guest);
		result = guest_poll(guest);
	} while (!result && guest_sleep(guest, seen));
	return result > 0;
}

bool guest_try_send(struct guest *guest, uint64_t id, const void *payload, uint32_t bytes)
{
	int error = guest_send(guest, id, payload, bytes);

	if (!error)
		return true;
	ring_writer_want_room(&guest->out, 16 + (bytes + 7) / 8 * 8 + RING_TRAILER);
	/* The room may have come before the host could see the wish. */
	error = guest_send(guest, id, payload, bytes);
	if (!error)
		ring_writer_want_room(&guest->out, 0);
	return !error;
}
