/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KVM's binary statistics: one file per VP and one per VM, which describes itself. Read into JSON
 * under KVM's own names. Source of the format: Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD.
 */
#ifndef HVIS_HOST_STATS_KVM_H
#define HVIS_HOST_STATS_KVM_H

#include <jansson.h>

struct stats_kvm;

/**
 * stats_kvm_open() - read the descriptions; the values are read at each query
 * @fd: what KVM_GET_STATS_FD returned, negative if this KVM has none; closed by us
 *
 * Return: NULL if there are no statistics or they make no sense: then there is nothing to show.
 */
struct stats_kvm *stats_kvm_open(int fd);
/** stats_kvm_close() - @stats may be NULL. */
void stats_kvm_close(struct stats_kvm *stats);
/**
 * stats_kvm_read() - all counters as an object (new reference), empty if @stats is NULL
 *
 * Histograms are left out. Any thread; VPs may run.
 */
json_t *stats_kvm_read(const struct stats_kvm *stats);

#endif
