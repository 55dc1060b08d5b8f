/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics as JSON: KVM's binary statistics of each VP under KVM's own names, our exit counters,
 * and what the bus and the disks say of themselves.
 */
#ifndef HVIS_HOST_STATS_H
#define HVIS_HOST_STATS_H

#include <jansson.h>

struct machine;
struct stats;
struct vcpus;

/**
 * stats_create() - open KVM's statistics of the VM and all VPs. Never NULL but for lack of memory;
 * a KVM without them has none.
 */
struct stats *stats_create(int vm_fd, const struct vcpus *vcpus);
void stats_destroy(struct stats *stats);

/**
 * stats_query() - everything, as a new reference. Main thread; VPs may run. NULL: out of memory.
 */
json_t *stats_query(struct machine *machine);

/** stats_query_disks() - only the disks: an object with one entry per controller. */
json_t *stats_query_disks(struct machine *machine);

/** stats_write() - stats_query() into a file. Return: 0 or negative errno. */
int stats_write(struct machine *machine, const char *path);

#endif
