// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics. See stats.h. The meaning of each name is in docs/measuring.md.
 * Invariant: nothing is counted here; each number belongs to the part that counts it.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "legacy/legacy.h"
#include "machine.h"
#include "network.h"
#include "ram.h"
#include "services.h"
#include "stats_kvm.h"

struct stats {
	struct stats_kvm *vm;
	unsigned int count;
	struct stats_kvm *vp[];
};

struct stats *stats_create(int vm_fd, const struct vcpus *vcpus)
{
	unsigned int count = vcpus_count(vcpus);
	struct stats *stats = calloc(1, sizeof(*stats) + count * sizeof(stats->vp[0]));

	if (!stats)
		return NULL;
	stats->count = count;
	stats->vm = stats_kvm_open(ioctl(vm_fd, KVM_GET_STATS_FD, NULL));
	for (unsigned int i = 0; i < count; i++)
		stats->vp[i] = stats_kvm_open(ioctl(vcpus_fd(vcpus, i), KVM_GET_STATS_FD, NULL));
	return stats;
}

void stats_destroy(struct stats *stats)
{
	for (unsigned int i = 0; i < stats->count; i++)
		stats_kvm_close(stats->vp[i]);
	stats_kvm_close(stats->vm);
	free(stats);
}

/* The counters of each VP under "vcpus", those of the VM under "vm". Return: "exits" of all VPs. */
static json_int_t add_kvm(json_t *result, const struct stats *stats)
{
	json_t *vcpus = json_array();
	json_int_t exits = 0;

	for (unsigned int i = 0; i < stats->count; i++) {
		json_t *vp = stats_kvm_read(stats->vp[i]);

		exits += json_integer_value(json_object_get(vp, "exits"));
		json_array_append_new(vcpus, vp);
	}
	json_object_set_new(result, "vcpus", vcpus);
	json_object_set_new(result, "vm", stats_kvm_read(stats->vm));
	json_object_set_new(result, "exits", json_integer(exits));
	return exits;
}

static json_int_t sum_over_vcpus(const json_t *result, const char *name)
{
	json_int_t sum = 0;
	json_t *vp;
	size_t i;

	json_array_foreach(json_object_get(result, "vcpus"), i, vp)
		sum += json_integer_value(json_object_get(vp, name));
	return sum;
}

static json_int_t user_exits(const struct vcpus *vcpus, enum vcpu_exit reason)
{
	json_int_t sum = 0;

	for (unsigned int i = 0; i < vcpus_count(vcpus); i++)
		sum += (json_int_t)vcpus_exits(vcpus, i, reason);
	return sum;
}

/*
 * KVM counts few causes by name, and the doorbells it takes itself not at all: those we know from
 * whom they woke. The rest, for example timers, EOIs and CPUID, is "other".
 */
static void add_causes(json_t *result, json_int_t exits, json_int_t doorbells,
		       const struct vcpus *vcpus)
{
	static const struct {
		const char *name, *kvm;
	} causes[] = {
		{ "io", "io_exits" },
		{ "mmio", "mmio_exits" },
		{ "halt", "halt_exits" },
		{ "host_interrupt", "irq_exits" },
		{ "interrupt_window", "irq_window_exits" },
		{ "nmi_window", "nmi_window_exits" },
		{ "page_fault", "pf_taken" },
	};
	json_int_t hyperv = user_exits(vcpus, VCPU_EXIT_SYNIC) +
			    user_exits(vcpus, VCPU_EXIT_HYPERCALL) +
			    user_exits(vcpus, VCPU_EXIT_SIGNAL);
	json_int_t other = exits - hyperv - doorbells;
	json_t *object = json_object();

	for (unsigned int i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		json_int_t sum = sum_over_vcpus(result, causes[i].kvm);

		other -= sum;
		json_object_set_new(object, causes[i].name, json_integer(sum));
	}
	json_object_set_new(object, "doorbell", json_integer(doorbells));
	json_object_set_new(object, "hyperv", json_integer(hyperv));
	json_object_set_new(object, "other", json_integer(other > 0 ? other : 0));
	json_object_set_new(result, "exits_by_cause", object);
}

static void add_userspace_exits(json_t *result, const struct vcpus *vcpus)
{
	json_t *exits = json_object();

	for (unsigned int reason = 0; reason < VCPU_EXIT_COUNT; reason++)
		json_object_set_new(exits, vcpu_exit_name(reason),
				    json_integer(user_exits(vcpus, reason)));
	json_object_set_new(result, "userspace_exits", exits);
}

static json_t *counter(const _Atomic uint64_t *value)
{
	return json_integer((json_int_t)atomic_load_explicit(value, memory_order_relaxed));
}

/* Hypercalls by code as "0x005c", those that came to us only; and writes of SynIC registers. */
static void add_hyperv(json_t *result, const struct hyperv_counters *counters)
{
	json_t *calls = json_object();

	for (unsigned int code = 0; code <= HYPERV_CODES; code++) {
		char name[16] = "other";

		if (!atomic_load_explicit(&counters->hypercalls[code], memory_order_relaxed))
			continue;
		if (code < HYPERV_CODES)
			snprintf(name, sizeof(name), "0x%04x", code);
		json_object_set_new(calls, name, counter(&counters->hypercalls[code]));
	}
	json_object_set_new(result, "hypercalls", calls);
	json_object_set_new(result, "synic_msrs",
			    json_pack("{s:o, s:o, s:o}", "SCONTROL", counter(&counters->control),
				      "SIEFP", counter(&counters->event_page), "SIMP",
				      counter(&counters->message_page)));
}

/* Ranges that were used: "0x3f8-0x3ff", and "nobody" for what no device took. */
static void add_ports(json_t *result, const struct pio *pio)
{
	json_t *ports = json_object();
	struct pio_counters range;

	for (unsigned int i = 0; pio_query(pio, i, &range); i++) {
		char name[16] = "nobody";

		if (!range.in && !range.out)
			continue;
		if (range.count)
			snprintf(name, sizeof(name), "0x%x-0x%x", range.port,
				 range.port + range.count - 1u);
		json_object_set_new(ports, name,
				    json_pack("{s:I, s:I}", "in", (json_int_t)range.in, "out",
					      (json_int_t)range.out));
	}
	json_object_set_new(result, "io_ports", ports);
}

static json_int_t nanoseconds(const struct timeval *time)
{
	return time->tv_sec * (json_int_t)1000000000 + time->tv_usec * 1000;
}

/* CPU time of the whole process: guest, workers and main loop. */
static void add_times(json_t *result, const struct timespec *started)
{
	struct rusage usage = { 0 };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	getrusage(RUSAGE_SELF, &usage);
	json_object_set_new(result, "uptime_ns",
			    json_integer((now.tv_sec - started->tv_sec) * (json_int_t)1000000000 +
					 now.tv_nsec - started->tv_nsec));
	json_object_set_new(result, "cpu",
			    json_pack("{s:I, s:I}", "user_ns", nanoseconds(&usage.ru_utime),
				      "system_ns", nanoseconds(&usage.ru_stime)));
}

static void add_synic(json_t *result, const struct synic *synic)
{
	struct synic_counters counters;

	synic_query(synic, &counters);
	json_object_set_new(result, "interrupts", json_integer(counters.interrupts));
	json_object_set_new(result, "synic",
			    json_pack("{s:I, s:I, s:I, s:I}", "interrupts",
				      (json_int_t)counters.interrupts, "messages",
				      (json_int_t)counters.messages, "message_waits",
				      (json_int_t)counters.message_waits, "dropped",
				      (json_int_t)counters.dropped));
}

/* KVM takes the doorbells; how many rang is known only to the channels that listened. */
static json_int_t sum_doorbells(const json_t *vmbus)
{
	const json_t *removed = json_object_get(vmbus, "channels_removed");
	json_int_t sum = json_integer_value(json_object_get(removed, "doorbells"));
	json_t *channel;
	size_t i;

	json_array_foreach(json_object_get(vmbus, "channels"), i, channel)
		sum += json_integer_value(json_object_get(channel, "doorbells"));
	return sum;
}

struct tsc_page_question {
	struct tsc_page *page;
	uint32_t sequence;
};

static void ask_tsc_page(int fd, void *argument)
{
	struct tsc_page_question *question = argument;

	tsc_page_act(question->page, fd, TSC_PAGE_LOOK, &question->sequence);
}

/* 0: the guest has no page that it can use. */
static uint32_t tsc_page_sequence(struct machine *machine)
{
	struct tsc_page_question question = { .page = &machine->tsc_page };

	if (machine->options->hyperv)
		vcpus_call(machine->vcpus, 0, ask_tsc_page, &question);
	return question.sequence;
}

json_t *stats_query_disks(struct machine *machine)
{
	json_t *result = json_object(), *ide;

	for (unsigned int i = 0; i < OPTIONS_CONTROLLERS_MAX; i++) {
		char name[16];

		if (!machine->storvsps[i])
			continue;
		snprintf(name, sizeof(name), "scsi%u", i);
		json_object_set_new(result, name, storvsp_query(machine->storvsps[i]));
	}
	ide = legacy_query(machine);
	if (ide)
		json_object_set_new(result, "ide", ide);
	return result;
}

json_t *stats_query(struct machine *machine)
{
	json_t *result = json_object();
	json_t *vmbus = vmbus_query(machine->vmbus);
	json_int_t doorbells = sum_doorbells(vmbus);
	int master_clock = vm_master_clock(machine->vm);
	uint32_t sequence = tsc_page_sequence(machine);

	if (!result)
		return NULL;
	add_times(result, &machine->started);
	add_causes(result, add_kvm(result, machine->stats), doorbells, machine->vcpus);
	add_userspace_exits(result, machine->vcpus);
	add_hyperv(result, &machine->hyperv.counters);
	add_ports(result, machine->pio);
	add_synic(result, machine->synic);
	json_object_set_new(result, "doorbells", json_integer(doorbells));
	json_object_set_new(result, "tsc_page_valid", json_boolean(sequence != 0));
	json_object_set_new(result, "tsc_page_sequence", json_integer(sequence));
	json_object_set_new(result, "master_clock",
			    master_clock < 0 ? json_null() : json_boolean(master_clock));
	json_object_set_new(result, "trace", trace_query(machine->trace));
	json_object_set_new(result, "vmbus", vmbus);
	json_object_set_new(result, "disks", stats_query_disks(machine));
	json_object_set_new(result, "nics", network_query(machine));
	json_object_set_new(result, "memory", ram_query(machine));
	json_object_set_new(result, "services", services_query(machine));
	json_object_set_new(result, "faults", fault_list(machine->fault));
	return result;
}

int stats_write(struct machine *machine, const char *path)
{
	json_t *result = stats_query(machine);
	int ret;

	if (!result)
		return -ENOMEM;
	errno = 0;
	ret = json_dump_file(result, path, JSON_INDENT(2)) ? -(errno ? errno : EIO) : 0;
	json_decref(result);
	return ret;
}
