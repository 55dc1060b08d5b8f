// SPDX-License-Identifier: GPL-2.0
// links: host/vmbus.c host/connection.c host/offer.c host/request.c host/vmbus_query.c
// links: host/channel.c host/channel_buffer.c host/worker.c host/thread.c host/worker_out.c host/worker_trace.c host/gpadl.c host/ring.c host/loop.c host/guestmem.c host/pagemap.c
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c
// links: host/vmbus_fault.c host/worker_fault.c
// links: host/trace.c host/trace_buffer.c host/trace_pcapng.c host/log.c selftests/unit/bus_fixture.c selftests/unit/bus_guest.c
// links: host/storvsp.c host/storvsp_channel.c host/storvsp_srb.c host/storvsp_barrier.c host/storvsp_reset.c host/storvsp_plug.c host/gpa_direct.c host/provider.c
// links: host/scsi.c host/scsi_inquiry.c host/scsi_mode.c host/scsi_rw.c host/scsi_unmap.c
// links: host/disk_raw.c host/disk_raw_flush.c host/disk_raw_open.c host/disk_null.c
// links: host/fault_names.c host/fault_image.c host/fault_vstor.c host/error.c
/*
 * A controller with three channels under load, each with a guest thread, while its LUNs come, go and
 * change and resets cross: everything real but the SynIC, for the sanitizers.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "bus_fixture.h"
#include "error.h"
#include "storvsp.h"
#include "wire/vstor.h"

#define CHANNELS 3
#define REQUESTS 6000u
#define ROUNDS	 150u
#define LUNS	 4u

struct load {
	struct guest *guest;
	uint64_t answered, absent, attentions, unasked;
	const char *failed;
};

/* What the bus thread does for the test. */
struct plug {
	struct storvsp *storvsp;
	unsigned int round;
	atomic_uint done;
	char path[64];
};

static void offer(struct bus *bus, void *context)
{
	struct plug *plug = context;
	struct storvsp_options options = { .loop = bus->loop, .sub_channels = CHANNELS - 1 };

	plug->storvsp = storvsp_create(&options);
	if (!plug->storvsp || storvsp_offer(plug->storvsp, bus->vmbus))
		abort();
}

static void plugged(void *context, const char *why)
{
	atomic_uint *done = context;

	if (why)
		abort();
	atomic_fetch_add(done, 1);
}

/* LUN 0 is a file and stays, but changes its size; the others come and go. */
static void plug_round(struct bus *bus, void *context)
{
	struct plug *plug = context;
	unsigned int lun = 1 + plug->round % (LUNS - 1);
	struct disk_options file = { .path = plug->path };
	struct disk_options null = { .null_bytes = 1 << 20 };
	char why[ERROR_BYTES];
	int ret = -EBUSY;

	(void)bus;
	if (!plug->round)
		storvsp_add_disk(plug->storvsp, 0, disk_raw_open(&file, why));
	if (plug->round % 5 == 4)
		ret = storvsp_resize_disk(plug->storvsp, 0, (1 + plug->round % 7) << 20, plugged,
					  &plug->done);
	if (ret)
		ret = storvsp_remove_disk(plug->storvsp, lun, plugged, &plug->done);
	if (ret == -ENOENT && storvsp_add_disk(plug->storvsp, lun, disk_null_open(&null, why)))
		abort();
	if (ret)
		atomic_fetch_add(&plug->done, 1);
}

/* One step of the conversation. */
static uint32_t say(struct guest *guest, uint32_t operation, uint16_t value)
{
	struct vstor_packet vstor = { .operation = operation, .version.version = value };

	assert_int_equal(guest_send(guest, 1, &vstor, sizeof(vstor)), 0);
	assert_true(guest_receive(guest));
	memcpy(&vstor, guest->packet.data + guest->packet.payload, sizeof(vstor));
	return vstor.status;
}

static bool send_one(struct guest *guest, uint64_t number)
{
	struct vstor_packet vstor = {
		.operation = number % 97 ? VSTOR_EXECUTE_SRB :
			     number % 2	 ? VSTOR_RESET_LUN :
					   VSTOR_RESET_BUS,
		.srb = { .length = 52,
			 .lun = number % LUNS,
			 .cdb_length = 10,
			 .sense_length = 20,
			 .data_direction = VSTOR_DATA_NONE,
			 .cdb = { number % 3 ? 0x00 : 0x35 } },
	};

	return guest_try_send(guest, 1 + number, &vstor, sizeof(vstor));
}

static const char *look(struct load *load)
{
	const struct packet *packet = &load->guest->packet;
	struct vstor_packet vstor;

	memcpy(&vstor, packet->data + packet->payload, sizeof(vstor));
	if (!packet->desc.transaction_id) {
		load->unasked++;
		return vstor.operation == VSTOR_ENUMERATE_BUS ? NULL : "unknown news";
	}
	load->answered++;
	if (vstor.operation != VSTOR_COMPLETE_IO)
		return "no completion";
	if (!((packet->desc.transaction_id - 1) % 97))
		return NULL; /* a reset: done, or too many of them */
	load->absent += vstor.srb.srb_status == SRB_STATUS_INVALID_LUN;
	load->attentions += vstor.srb.scsi_status == 2 && vstor.srb.sense[2] == 6;
	if (vstor.srb.srb_status == SRB_STATUS_SUCCESS ||
	    vstor.srb.srb_status == SRB_STATUS_INVALID_LUN ||
	    (vstor.srb.scsi_status == 2 && vstor.srb.sense[2] == 6))
		return NULL;
	return "a command failed";
}

static void *run_load(void *context)
{
	struct load *load = context;
	uint64_t sent = 0;

	while (load->answered < REQUESTS && !load->failed) {
		uint64_t seen = guest_interrupts(load->guest);

		while (sent < REQUESTS && sent - load->answered < 16 && send_one(load->guest, sent))
			sent++;
		if (guest_poll(load->guest))
			load->failed = look(load);
		else if (!guest_sleep(load->guest, seen))
			load->failed = "no interrupt";
	}
	return NULL;
}

static void open_all(struct bus *bus, struct load *load)
{
	load[0].guest = guest_open(bus, 1, 4);
	assert_int_equal(say(load[0].guest, VSTOR_BEGIN_INITIALIZATION, 0), 0);
	assert_int_equal(say(load[0].guest, VSTOR_QUERY_PROTOCOL_VERSION, VSTOR_VERSION_WIN10), 0);
	assert_int_equal(say(load[0].guest, VSTOR_QUERY_PROPERTIES, 0), 0);
	assert_int_equal(say(load[0].guest, VSTOR_END_INITIALIZATION, 0), 0);
	assert_int_equal(say(load[0].guest, VSTOR_CREATE_SUB_CHANNELS, CHANNELS - 1), 0);
	for (unsigned int i = 1; i < CHANNELS; i++)
		assert_int_equal(bus_expect(bus, CHANMSG_OFFER)->offer.relid, 1 + i);
	for (unsigned int i = 1; i < CHANNELS; i++)
		load[i].guest = guest_open(bus, 1 + i, 4);
}

static void leave(struct bus *bus, void *context)
{
	struct plug *plug = context;

	(void)bus;
	storvsp_leave(plug->storvsp, plugged, &plug->done);
}

static void await_done(struct plug *plug, unsigned int count)
{
	while (atomic_load(&plug->done) < count)
		usleep(100);
}

static void plugging_under_load(void **state)
{
	struct plug plug = { .path = "/tmp/hvis-plug-XXXXXX" };
	struct bus *bus = bus_start(0, 0);
	struct load load[CHANNELS] = { 0 };
	pthread_t threads[CHANNELS];
	int fd = mkstemp(plug.path);

	(void)state;
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	close(fd);
	bus_call(bus, offer, &plug);
	bus_connect(bus, VMBUS_VERSION(5, 3));
	open_all(bus, load);
	for (unsigned int i = 0; i < CHANNELS; i++)
		pthread_create(&threads[i], NULL, run_load, &load[i]);
	for (; plug.round < ROUNDS; plug.round++) {
		bus_call(bus, plug_round, &plug);
		await_done(&plug, plug.round + 1);
	}
	for (unsigned int i = 0; i < CHANNELS; i++) {
		pthread_join(threads[i], NULL);
		if (load[i].failed)
			fail_msg("channel %u: %s", i, load[i].failed);
		print_message("channel %u: %d absent, %d attentions, %d news\n", i,
			      (int)load[i].absent, (int)load[i].attentions, (int)load[i].unasked);
	}
	assert_true(load[0].unasked > 0);
	assert_int_equal(load[1].unasked + load[2].unasked, 0);
	/* The controller goes with requests on their way; freed when the last channel has closed. */
	for (uint64_t i = 0; i < 20; i++)
		for (unsigned int c = 0; c < CHANNELS; c++)
			send_one(load[c].guest, 3 * LUNS * i);
	bus_call(bus, leave, &plug);
	await_done(&plug, ROUNDS + 1);
	storvsp_destroy(plug.storvsp);
	for (unsigned int i = 0; i < CHANNELS; i++)
		guest_free(load[i].guest);
	bus_stop(bus);
	unlink(plug.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plugging_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
