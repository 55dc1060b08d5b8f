/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One ring in a test, mapped by both ends. The guest is played by the host's own types on a second
 * mapping of the same pages.
 */
#ifndef HVIS_UNIT_HOST_RING_FIXTURE_H
#define HVIS_UNIT_HOST_RING_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guestmem.h"
#include "ring.h"

#define DATA_PAGES 2u
#define SIZE	   (DATA_PAGES * 4096u)
#define MAPPED	   (1 + 2 * DATA_PAGES)
#define ROOM	   2048u

struct fixture {
	struct guestmem *mem;
	uint8_t *host, *guest; /* two mappings of one ring */
	struct ring_header *header;
	struct ring_reader reader;
	struct ring_writer writer;
	uint8_t buffer[ROOM];
	struct packet packet;
};

static int setup(void **state)
{
	const uint64_t pfns[MAPPED] = { 9, 3, 5, 3, 5 };
	struct fixture *f = calloc(1, sizeof(*f));

	f->mem = guestmem_create(16 * 4096);
	f->host = guestmem_map(f->mem, pfns, MAPPED);
	f->guest = guestmem_map(f->mem, pfns, MAPPED);
	assert_non_null(f->host);
	assert_non_null(f->guest);
	f->header = (struct ring_header *)f->guest;
	ring_reader_init(&f->reader, (struct ring_header *)f->host, f->host + 4096, SIZE);
	ring_writer_init(&f->writer, f->header, f->guest + 4096, SIZE);
	f->packet.data = f->buffer;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	guestmem_unmap(f->host, MAPPED);
	guestmem_unmap(f->guest, MAPPED);
	guestmem_destroy(f->mem);
	free(f);
	return 0;
}

static int put(struct fixture *f, uint64_t id, const void *payload, uint32_t bytes)
{
	struct packet_desc desc = { .type = PACKET_INBAND, .transaction_id = id };
	struct ring_piece piece = { payload, bytes };

	return ring_write(&f->writer, &desc, &piece, 1);
}

static int get(struct fixture *f)
{
	return ring_read(&f->reader, &f->packet, ROOM);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
