/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line of "hvis-host run": parsed, checked, not yet acted upon. No file is opened here:
 * what is wrong with a file is said by whoever opens it. One table drives parsing, errors and
 * --help.
 */
#ifndef HVIS_HOST_OPTIONS_H
#define HVIS_HOST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "disk.h"
#include "hyperv_leaves.h"
#include "net.h"
#include "trace.h"
#include "wire/ic.h"

#define OPTIONS_DISKS_MAX 256
#define OPTIONS_CONTROLLERS_MAX 4
#define OPTIONS_CONTROLLER_IDE OPTIONS_CONTROLLERS_MAX /* as a number of a controller: the IDE one */
#define OPTIONS_NICS_MAX 8
#define OPTIONS_SERIALS_MAX 2
#define OPTIONS_FAULTS_MAX 64
#define OPTIONS_HOST_CPUS_MAX 64
#define OPTIONS_MEMORY_MAX (1ull << 37) /* ends well below the MMIO window that the DSDT names */

struct option_disk {
	struct disk_options disk;
	const char *argument; /* as given, for messages */
	char *copy; /* what disk's strings point into */
	bool lun_given, controller_given;
	unsigned int lun;
	unsigned int controller; /* or OPTIONS_CONTROLLER_IDE */
};

struct option_controller {
	bool given; /* there, even without a disk */
	unsigned int channels; /* in all, 0: as many as suit the VPs */
};

struct option_nic {
	struct net_options net;
	const char *argument; /* as given, for messages */
	char *copy; /* what net's strings point into */
	bool mac_given;
	uint8_t mac[6];
	uint32_t mtu; /* 0: the usual one */
	unsigned int channels; /* at most; 0: one per virtual processor */
	uint32_t version_max; /* NVSP_VERSION_*, 0: newest */
	bool link_down;
	bool model_given;
	bool tulip; /* not a synthetic one, but legacy.h's */
};

/* Bytes, multiples of 4096, min <= startup <= max. */
struct option_memory {
	uint64_t startup, min, max;
	bool dynamic; /* the guest is offered dynamic memory; else the three are equal */
	bool automatic; /* this machine's pressure decides how much the guest has */
	unsigned int buffer; /* percent */
	unsigned int weight;
	uint32_t version_max; /* DM_VERSION_*, 0: newest */
	uint64_t caps_off; /* set of DM_CAP_* */
};

struct option_service {
	bool on;
	struct ic_version version_max; /* 0.0: the newest */
};

struct option_services {
	struct option_service timesync, heartbeat, shutdown;
};

struct options {
	uint64_t seen; /* options.c's: rows that were given */
	bool help;
	const char *kernel;
	const char *initrd;
	const char *append;
	unsigned int cpus;
	unsigned int generation; /* 1: disks and NICs that do not say otherwise are emulated ones; 2: synthetic */
	struct option_memory memory;
	struct option_disk disks[OPTIONS_DISKS_MAX];
	unsigned int disk_count;
	struct option_controller controllers[OPTIONS_CONTROLLERS_MAX];
	struct option_nic nics[OPTIONS_NICS_MAX];
	unsigned int nic_count;
	const char *serials[OPTIONS_SERIALS_MAX]; /* [0] is never NULL */
	unsigned int serial_count;
	const char *faults[OPTIONS_FAULTS_MAX]; /* rules, checked */
	unsigned int fault_count;
	const char *control;
	const char *stats;
	struct trace_options trace; /* path NULL: none */
	char *trace_copy; /* what trace.path points into */
	uint32_t vmbus_version; /* VMBUS_VERSION(), 0: newest */
	unsigned int time_limit; /* seconds, 0: none */
	bool verbose;
	bool hyperv;
	struct hyperv_features hyperv_features;
	struct option_services services;
	unsigned int host_cpus[OPTIONS_HOST_CPUS_MAX]; /* on which VPs run, in turn */
	unsigned int host_cpu_count; /* 0: on any */
};

/**
 * options_parse() - parse the arguments behind "run"
 * @arguments: @count of them; must outlive @options
 * @error: ERROR_BYTES; on failure one line that names the argument
 *
 * With --help among them @options->help is set and nothing is checked. Free with options_free(),
 * also on failure.
 * Return: 0 or -EINVAL.
 */
int options_parse(struct options *options, int count, char *const *arguments, char *error);
void options_free(struct options *options);

/** options_help() - print the table of options. */
void options_help(FILE *file);

/**
 * options_parse_size() - "123", "4K", "512M", "1G", "2T"
 * Return: false if it is no such number or does not fit.
 */
bool options_parse_size(const char *text, uint64_t *bytes);

#endif
