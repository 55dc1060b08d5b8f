// SPDX-License-Identifier: GPL-2.0
// links: host/stats.c host/stats_kvm.c host/pio.c
/*
 * The shape of the statistics as programs read them (docs/measuring.md), the sums in them, and KVM's
 * binary statistics, also where they make no sense. VPs, bus, SynIC and disks are fakes.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "legacy/legacy.h"
#include "machine.h"
#include "network.h"
#include "ram.h"
#include "stats_kvm.h"

#define NAME_BYTES 24

/* Numbers as a VP of a small KVM would have them. */
static const struct {
	const char *name;
	uint32_t flags;
	uint16_t size;
	uint64_t value;
} vp_counters[] = {
	{ "exits", KVM_STATS_TYPE_CUMULATIVE, 1, 1000 },
	{ "io_exits", KVM_STATS_TYPE_CUMULATIVE, 1, 100 },
	{ "halt_exits", KVM_STATS_TYPE_CUMULATIVE, 1, 200 },
	{ "irq_exits", KVM_STATS_TYPE_CUMULATIVE, 1, 50 },
	{ "halt_wait_hist", KVM_STATS_TYPE_LOG_HIST, 3, 7 },
	{ "guest_mode", KVM_STATS_TYPE_INSTANT, 1, 1 },
};

#define COUNTERS (sizeof(vp_counters) / sizeof(vp_counters[0]))

static int stats_file(const struct kvm_stats_header *header)
{
	const size_t step = sizeof(struct kvm_stats_desc) + NAME_BYTES;
	int fd = memfd_create("stats", 0);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, header, sizeof(*header), 0), sizeof(*header));
	for (unsigned int i = 0; i < COUNTERS; i++) {
		char text[NAME_BYTES] = "";
		struct kvm_stats_desc desc = { .flags = vp_counters[i].flags,
					       .size = vp_counters[i].size,
					       .offset = i * 32 };

		strcpy(text, vp_counters[i].name);
		pwrite(fd, &desc, sizeof(desc), header->desc_offset + i * step);
		pwrite(fd, text, sizeof(text), header->desc_offset + i * step + sizeof(desc));
		pwrite(fd, &vp_counters[i].value, 8, header->data_offset + i * 32);
	}
	return fd;
}

static const struct kvm_stats_header good = {
	.name_size = NAME_BYTES, .num_desc = COUNTERS, .desc_offset = 64, .data_offset = 1024
};

/* Fakes. */

static struct vcpus {
	int unused;
} fake_vcpus;

unsigned int vcpus_count(const struct vcpus *vcpus)
{
	assert_ptr_equal(vcpus, &fake_vcpus);
	return 2;
}

int vcpus_fd(const struct vcpus *vcpus, unsigned int index)
{
	(void)vcpus;
	(void)index;
	return -1;
}

uint64_t vcpus_exits(const struct vcpus *vcpus, unsigned int index, enum vcpu_exit reason)
{
	(void)vcpus;
	return reason == VCPU_EXIT_HYPERCALL ? 10 + index : 0;
}

const char *vcpu_exit_name(enum vcpu_exit reason)
{
	static const char *const names[VCPU_EXIT_COUNT] = { "a", "b", "c", "d", "e", "f", "g" };

	return names[reason];
}

void vcpus_call(struct vcpus *vcpus, unsigned int index, void (*function)(int fd, void *argument),
		void *argument)
{
	(void)vcpus;
	(void)index;
	function(-1, argument);
}

bool tsc_page_act(struct tsc_page *page, int fd, enum tsc_page_act act, uint32_t *sequence)
{
	(void)page;
	(void)fd;
	assert_int_equal(act, TSC_PAGE_LOOK);
	*sequence = 7;
	return true;
}

json_t *services_query(struct machine *machine)
{
	(void)machine;
	return json_object();
}

void synic_query(const struct synic *synic, struct synic_counters *counters)
{
	(void)synic;
	*counters = (struct synic_counters){ .interrupts = 77, .messages = 5 };
}

json_t *vmbus_query(struct vmbus *vmbus)
{
	(void)vmbus;
	return json_pack("{s:[{s:i}, {s:i}], s:{s:i}}", "channels", "doorbells", 3, "doorbells", 4,
			 "channels_removed", "doorbells", 5);
}

json_t *fault_list(struct fault *fault)
{
	(void)fault;
	return json_array();
}

int vm_master_clock(struct vm *vm)
{
	(void)vm;
	return -EINVAL;
}

json_t *trace_query(struct trace *trace)
{
	(void)trace;
	return json_null();
}

json_t *network_query(struct machine *machine)
{
	(void)machine;
	return json_pack("{s:s}", "faked", "nics");
}

json_t *ram_query(struct machine *machine)
{
	(void)machine;
	return json_pack("{s:s}", "faked", "memory");
}

json_t *legacy_query(const struct machine *machine)
{
	(void)machine;
	return NULL;
}

json_t *storvsp_query(struct storvsp *storvsp)
{
	(void)storvsp;
	return json_pack("{s:[]}", "luns");
}

/* Tests. */

static void kvm_statistics_are_read(void **state)
{
	struct stats_kvm *stats = stats_kvm_open(stats_file(&good));
	json_t *values;

	(void)state;
	assert_non_null(stats);
	values = stats_kvm_read(stats);
	assert_int_equal(json_object_size(values), COUNTERS - 1); /* not the histogram */
	for (unsigned int i = 0; i < COUNTERS; i++)
		if (vp_counters[i].size == 1)
			assert_int_equal(json_integer_value(json_object_get(
						 values, vp_counters[i].name)),
					 vp_counters[i].value);
	json_decref(values);
	stats_kvm_close(stats);
}

static void senseless_kvm_statistics_are_none(void **state)
{
	struct kvm_stats_header bad[4] = { good, good, good, good };
	json_t *values = stats_kvm_read(NULL);

	(void)state;
	bad[0].num_desc = UINT32_MAX;
	bad[1].name_size = UINT32_MAX & ~7u;
	bad[2].name_size = 0;
	bad[3].num_desc = COUNTERS + 1000; /* more than the file has */
	for (unsigned int i = 0; i < 4; i++)
		assert_null(stats_kvm_open(stats_file(&bad[i])));
	assert_null(stats_kvm_open(-1));
	assert_int_equal(json_object_size(values), 0);
	json_decref(values);
}

static json_int_t number(const json_t *object, const char *name, const char *member)
{
	const json_t *value = json_object_get(object, name);

	if (member)
		value = json_object_get(value, member);
	if (!json_is_integer(value))
		fail_msg("no number %s %s", name, member ? member : "");
	return json_integer_value(value);
}

struct world {
	struct options options;
	struct machine machine;
	struct vm vm;
};

static void port_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	(void)context;
	(void)offset;
	memset(data, 0, size);
}

static void port_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	(void)context;
	(void)offset;
	(void)data;
	(void)size;
}

static void use_ports(struct pio *pio)
{
	const struct pio_device serial = { 0x3f8, 8, NULL, port_in, port_out };
	uint8_t byte = 0;

	assert_int_equal(pio_add(pio, &serial), 0);
	for (unsigned int i = 0; i < 3; i++)
		pio_access(pio, true, 0x3f9, &byte, 1, 1);
	pio_access(pio, false, 0x3ff, &byte, 1, 1);
	pio_access(pio, true, 0x80, &byte, 1, 1);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct machine *machine = &world->machine;

	world->options.hyperv = true;
	world->vm.fd = -1;
	machine->options = &world->options;
	machine->vm = &world->vm;
	machine->vcpus = &fake_vcpus;
	machine->pio = pio_create();
	machine->stats = stats_create(-1, &fake_vcpus);
	assert_non_null(machine->stats);
	clock_gettime(CLOCK_MONOTONIC, &machine->started);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	stats_destroy(world->machine.stats);
	pio_destroy(world->machine.pio);
	free(world);
	return 0;
}

static void every_part_has_its_place(void **state)
{
	static const char *const objects[] = {
		"cpu", "vm",	   "exits_by_cause", "userspace_exits", "hypercalls", "synic_msrs",
		"io_ports", "synic", "vmbus",	     "disks",
	};
	struct world *world = *state;
	json_t *stats = stats_query(&world->machine);

	for (unsigned int i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (!json_is_object(json_object_get(stats, objects[i])))
			fail_msg("no object %s", objects[i]);
	assert_int_equal(json_array_size(json_object_get(stats, "vcpus")), 2);
	assert_true(number(stats, "uptime_ns", NULL) > 0);
	assert_true(number(stats, "cpu", "user_ns") + number(stats, "cpu", "system_ns") > 0);
	assert_int_equal(number(stats, "interrupts", NULL), 77);
	assert_true(json_is_null(json_object_get(stats, "master_clock")));
	assert_true(json_is_true(json_object_get(stats, "tsc_page_valid")));
	assert_int_equal(json_integer_value(json_object_get(stats, "tsc_page_sequence")), 7);
	json_decref(stats);
}

static void exits_are_told_apart(void **state)
{
	struct world *world = *state;
	struct hyperv_counters *counters = &world->machine.hyperv.counters;
	json_t *stats;

	use_ports(world->machine.pio);
	counters->hypercalls[0x5c] = 21;
	counters->hypercalls[HYPERV_CODES] = 1;
	counters->control = 2;
	stats = stats_query(&world->machine);
	assert_int_equal(number(stats, "userspace_exits", "d"), 21);
	assert_int_equal(number(stats, "exits_by_cause", "hyperv"), 21);
	assert_int_equal(number(stats, "hypercalls", "0x005c"), 21);
	assert_int_equal(number(stats, "hypercalls", "other"), 1);
	assert_int_equal(json_object_size(json_object_get(stats, "hypercalls")), 2);
	assert_int_equal(number(stats, "synic_msrs", "SCONTROL"), 2);
	assert_int_equal(number(json_object_get(stats, "io_ports"), "0x3f8-0x3ff", "out"), 3);
	assert_int_equal(number(json_object_get(stats, "io_ports"), "0x3f8-0x3ff", "in"), 1);
	assert_int_equal(number(json_object_get(stats, "io_ports"), "nobody", "out"), 1);
	json_decref(stats);
}

/* Also those of channels that are gone. Without KVM's numbers there is no rest to be negative. */
static void doorbells_are_summed(void **state)
{
	struct world *world = *state;
	json_t *stats = stats_query(&world->machine);

	assert_int_equal(number(stats, "doorbells", NULL), 12);
	assert_int_equal(number(stats, "exits_by_cause", "doorbell"), 12);
	assert_int_equal(number(stats, "exits_by_cause", "other"), 0);
	json_decref(stats);
}

static void files_that_cannot_be_written_are_errors(void **state)
{
	struct world *world = *state;

	assert_int_equal(stats_write(&world->machine, "/dev/full"), -ENOSPC);
	assert_int_equal(stats_write(&world->machine, "/nowhere/stats"), -ENOENT);
	assert_int_equal(stats_write(&world->machine, "/dev/null"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kvm_statistics_are_read),
		cmocka_unit_test(senseless_kvm_statistics_are_none),
		cmocka_unit_test_setup_teardown(every_part_has_its_place, setup, teardown),
		cmocka_unit_test_setup_teardown(exits_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(doorbells_are_summed, setup, teardown),
		cmocka_unit_test_setup_teardown(files_that_cannot_be_written_are_errors, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
