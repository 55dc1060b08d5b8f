// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics. See stats.h.
 * Source of the format: Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD. Histograms are left out.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine.h"

/* One VP's statistics file: the descriptors are read once, the values at each query. */
struct vp_stats {
	int fd;
	struct kvm_stats_header header;
	char *descriptors;
};

struct stats {
	unsigned int count;
	struct vp_stats vp[];
};

static size_t descriptor_bytes(const struct vp_stats *vp)
{
	return sizeof(struct kvm_stats_desc) + vp->header.name_size;
}

static const struct kvm_stats_desc *descriptor(const struct vp_stats *vp, unsigned int index)
{
	return (const struct kvm_stats_desc *)(vp->descriptors + index * descriptor_bytes(vp));
}

static void open_vp(struct vp_stats *vp, int vcpu_fd)
{
	size_t bytes;

	vp->fd = ioctl(vcpu_fd, KVM_GET_STATS_FD, NULL);
	if (vp->fd < 0)
		return;
	if (pread(vp->fd, &vp->header, sizeof(vp->header), 0) != sizeof(vp->header))
		return;
	bytes = vp->header.num_desc * descriptor_bytes(vp);
	vp->descriptors = malloc(bytes);
	if (vp->descriptors &&
	    pread(vp->fd, vp->descriptors, bytes, vp->header.desc_offset) == (ssize_t)bytes)
		return;
	free(vp->descriptors);
	vp->descriptors = NULL;
}

struct stats *stats_create(const struct vcpus *vcpus)
{
	unsigned int count = vcpus_count(vcpus);
	struct stats *stats = calloc(1, sizeof(*stats) + count * sizeof(stats->vp[0]));

	if (!stats)
		return NULL;
	stats->count = count;
	for (unsigned int i = 0; i < count; i++)
		open_vp(&stats->vp[i], vcpus_fd(vcpus, i));
	return stats;
}

void stats_destroy(struct stats *stats)
{
	for (unsigned int i = 0; i < stats->count; i++) {
		free(stats->vp[i].descriptors);
		if (stats->vp[i].fd >= 0)
			close(stats->vp[i].fd);
	}
	free(stats);
}

static bool is_scalar(const struct kvm_stats_desc *desc)
{
	return desc->size == 1 && (desc->flags & KVM_STATS_TYPE_MASK) <= KVM_STATS_TYPE_PEAK;
}

static json_t *query_vp(const struct vp_stats *vp)
{
	json_t *result = json_object();

	for (unsigned int i = 0; vp->descriptors && i < vp->header.num_desc; i++) {
		const struct kvm_stats_desc *desc = descriptor(vp, i);
		uint64_t value;

		if (!is_scalar(desc))
			continue;
		if (pread(vp->fd, &value, sizeof(value), vp->header.data_offset + desc->offset) ==
		    sizeof(value))
			json_object_set_new(result, desc->name, json_integer(value));
	}
	return result;
}

/* Adds the counters of each VP under "vcpus", and "exits", the sum over all. */
static void add_vcpus(json_t *result, const struct stats *stats)
{
	json_t *vcpus = json_array();
	json_int_t exits = 0;

	for (unsigned int i = 0; i < stats->count; i++) {
		json_t *vp = query_vp(&stats->vp[i]);

		exits += json_integer_value(json_object_get(vp, "exits"));
		json_array_append_new(vcpus, vp);
	}
	json_object_set_new(result, "vcpus", vcpus);
	json_object_set_new(result, "exits", json_integer(exits));
}

static void add_userspace_exits(json_t *result, const struct vcpus *vcpus)
{
	json_t *exits = json_object();

	for (unsigned int reason = 0; reason < VCPU_EXIT_COUNT; reason++) {
		uint64_t sum = 0;

		for (unsigned int i = 0; i < vcpus_count(vcpus); i++)
			sum += vcpus_exits(vcpus, i, reason);
		json_object_set_new(exits, vcpu_exit_name(reason), json_integer(sum));
	}
	json_object_set_new(result, "userspace_exits", exits);
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
	json_t *channel;
	json_int_t sum = 0;
	size_t i;

	json_array_foreach(json_object_get(vmbus, "channels"), i, channel)
		sum += json_integer_value(json_object_get(channel, "doorbells"));
	return sum;
}

struct tsc_page_question {
	const struct guestmem *mem;
	bool valid;
};

static void ask_tsc_page(int fd, void *argument)
{
	struct tsc_page_question *question = argument;

	question->valid = hyperv_tsc_page_valid(question->mem, fd);
}

static bool tsc_page_valid(struct machine *machine)
{
	struct tsc_page_question question = { .mem = machine->mem };

	if (machine->options->hyperv)
		vcpus_call(machine->vcpus, 0, ask_tsc_page, &question);
	return question.valid;
}

json_t *stats_query_disks(struct machine *machine)
{
	json_t *result = json_object();

	for (unsigned int i = 0; i < OPTIONS_CONTROLLERS_MAX; i++) {
		char name[16];

		if (!machine->storvsps[i])
			continue;
		snprintf(name, sizeof(name), "scsi%u", i);
		json_object_set_new(result, name, storvsp_query(machine->storvsps[i]));
	}
	return result;
}

json_t *stats_query(struct machine *machine)
{
	json_t *result = json_object();
	json_t *vmbus = vmbus_query(machine->vmbus);
	int master_clock = vm_master_clock(machine->vm);

	if (!result)
		return NULL;
	add_vcpus(result, machine->stats);
	add_userspace_exits(result, machine->vcpus);
	add_synic(result, machine->synic);
	json_object_set_new(result, "doorbells", json_integer(sum_doorbells(vmbus)));
	json_object_set_new(result, "tsc_page_valid", json_boolean(tsc_page_valid(machine)));
	json_object_set_new(result, "master_clock",
			    master_clock < 0 ? json_null() : json_boolean(master_clock));
	json_object_set_new(result, "vmbus", vmbus);
	json_object_set_new(result, "disks", stats_query_disks(machine));
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
