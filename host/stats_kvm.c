// SPDX-License-Identifier: GPL-2.0
/*
 * KVM's binary statistics. See stats_kvm.h.
 * Invariant: what the file says of itself is bounded here before it sizes anything.
 */
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stats_kvm.h"

#define DESCRIPTORS_MAX 4096u
#define NAME_MAX_BYTES	256u

struct stats_kvm {
	int fd;
	struct kvm_stats_header header;
	char *descriptors;
};

static size_t descriptor_bytes(const struct stats_kvm *stats)
{
	return sizeof(struct kvm_stats_desc) + stats->header.name_size;
}

static const struct kvm_stats_desc *descriptor(const struct stats_kvm *stats, unsigned int index)
{
	return (const void *)(stats->descriptors + index * descriptor_bytes(stats));
}

static bool read_header(struct stats_kvm *stats)
{
	struct kvm_stats_header *header = &stats->header;

	return pread(stats->fd, header, sizeof(*header), 0) == sizeof(*header) &&
	       header->num_desc <= DESCRIPTORS_MAX && header->name_size &&
	       header->name_size <= NAME_MAX_BYTES && header->name_size % 8 == 0;
}

static bool read_descriptors(struct stats_kvm *stats)
{
	size_t bytes = stats->header.num_desc * descriptor_bytes(stats);

	stats->descriptors = malloc(bytes);
	return stats->descriptors &&
	       pread(stats->fd, stats->descriptors, bytes, stats->header.desc_offset) ==
		       (ssize_t)bytes;
}

struct stats_kvm *stats_kvm_open(int fd)
{
	struct stats_kvm *stats = fd < 0 ? NULL : calloc(1, sizeof(*stats));

	if (stats) {
		stats->fd = fd;
		if (read_header(stats) && read_descriptors(stats))
			return stats;
		stats_kvm_close(stats);
	} else if (fd >= 0) {
		close(fd);
	}
	return NULL;
}

void stats_kvm_close(struct stats_kvm *stats)
{
	if (!stats)
		return;
	free(stats->descriptors);
	close(stats->fd);
	free(stats);
}

static bool is_scalar(const struct kvm_stats_desc *desc)
{
	return desc->size == 1 && (desc->flags & KVM_STATS_TYPE_MASK) <= KVM_STATS_TYPE_PEAK;
}

json_t *stats_kvm_read(const struct stats_kvm *stats)
{
	json_t *result = json_object();

	for (unsigned int i = 0; stats && i < stats->header.num_desc; i++) {
		const struct kvm_stats_desc *desc = descriptor(stats, i);
		off_t at = stats->header.data_offset + desc->offset;
		char name[NAME_MAX_BYTES + 1];
		uint64_t value;

		if (!is_scalar(desc) || pread(stats->fd, &value, sizeof(value), at) != sizeof(value))
			continue;
		memcpy(name, desc->name, stats->header.name_size);
		name[stats->header.name_size] = 0;
		json_object_set_new(result, name, json_integer((json_int_t)value));
	}
	return result;
}
