// SPDX-License-Identifier: GPL-2.0
/*
 * The NICs of a machine and their networks. See network.h.
 * Invariant: machine->nics[n] is NULL where there is no NIC n.
 */
#include "network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "legacy/legacy.h"
#include "machine.h"
#include "netvsp.h"
#include "options_nic.h"

/* A NIC that was taken off the bus and is still used by channels that close. */
struct network_leave {
	struct network_leave *next;
	struct machine *machine;
	struct netvsp *netvsp;
	network_done *done;
	void *context;
};

struct net *network_open_backend(const struct net_options *options, char *error)
{
	if (options->tap)
		return net_tap_open(options, error);
	return options->user ? net_user_open(options, error) : net_sink_open(options, error);
}

/* @verb: what was asked for, "--nic" or the like, for messages. */
static int open_nic(struct machine *machine, unsigned int number, const struct option_nic *option, const char *verb,
		    char *error)
{
	struct netvsp_options options = {
		.loop = machine->loop,
		.number = number,
		.plugged = machine->nics_plugged,
		.version_max = option->version_max,
		.mtu = option->mtu,
		.channels = machine->options->cpus,
		.link_down = option->link_down,
	};
	char why[ERROR_BYTES];
	struct net *net = network_open_backend(&option->net, why);

	if (!net)
		return error_set(error, "%s %s: %s", verb, option->argument, why);
	if (option->mtu > net->mtu_max) {
		error_set(error, "%s %s: mtu= is more than this network carries, %u", verb, option->argument, net->mtu_max);
		goto close_net;
	}
	if (!option->mtu && net->mtu_max > NET_MTU_DEFAULT)
		options.mtu = net->mtu_max;
	if (option->channels && option->channels < options.channels)
		options.channels = option->channels;
	option_nic_mac(option, number, options.mac);
	machine->nics[number] = netvsp_create(&options, net);
	if (machine->nics[number])
		return 0;
	error_set(error, "%s %s: out of memory", verb, option->argument);
close_net:
	net_close(net);
	return -1;
}

int network_open(struct machine *machine, char *error)
{
	const struct options *options = machine->options;

	for (unsigned int i = 0; i < options->nic_count; i++)
		if (!options->nics[i].tulip && open_nic(machine, i, &options->nics[i], "--nic", error))
			return -1;
	return 0;
}

int network_offer(struct machine *machine, char *error)
{
	for (unsigned int i = 0; i < OPTIONS_NICS_MAX; i++) {
		int ret = machine->nics[i] ? netvsp_offer(machine->nics[i], machine->vmbus) : 0;

		if (ret)
			return error_set(error, "cannot offer NIC %u: %s", i, strerror(-ret));
	}
	return 0;
}

/* Nobody uses the NIC any more. */
static void finish_leave(struct network_leave *leave, const char *why)
{
	struct network_leave **link = &leave->machine->nics_leaving;

	while (*link != leave)
		link = &(*link)->next;
	*link = leave->next;
	netvsp_destroy(leave->netvsp);
	leave->done(leave->context, why);
	free(leave);
}

static void left(void *context, const char *why)
{
	finish_leave(context, why);
}

void network_close(struct machine *machine)
{
	while (machine->nics_leaving)
		finish_leave(machine->nics_leaving, "the guest has ended");
	for (unsigned int i = 0; i < OPTIONS_NICS_MAX; i++)
		if (machine->nics[i])
			netvsp_destroy(machine->nics[i]);
}

json_t *network_query(struct machine *machine)
{
	json_t *result = json_object();

	for (unsigned int i = 0; i < OPTIONS_NICS_MAX; i++) {
		json_t *nic = machine->nics[i] ? netvsp_query(machine->nics[i]) : legacy_query_nic(machine, i);
		char name[16];

		if (!nic)
			continue;
		snprintf(name, sizeof(name), "nic%u", i);
		json_object_set_new(result, name, nic);
	}
	return result;
}

static int add(struct machine *machine, unsigned int number, const struct option_nic *option, char *error)
{
	int ret;

	machine->nics_plugged++;
	ret = open_nic(machine, number, option, "nic-add", error);

	if (ret)
		return ret;
	ret = netvsp_offer(machine->nics[number], machine->vmbus);
	if (!ret)
		return 0;
	netvsp_destroy(machine->nics[number]);
	machine->nics[number] = NULL;
	return error_set(error, "nic-add %s: %s", option->argument, strerror(-ret));
}

/* A place of the options' NICs that have model=tulip, which stay. */
static bool is_legacy(const struct machine *machine, unsigned int number)
{
	return number < machine->options->nic_count && machine->options->nics[number].tulip;
}

json_t *network_add(struct machine *machine, const char *spec, char *error)
{
	struct option_nic option = { 0 };
	json_t *result = NULL;
	unsigned int number = 0;
	char what[160];

	while (number < OPTIONS_NICS_MAX && (machine->nics[number] || is_legacy(machine, number)))
		number++;
	if (option_nic_parse(&option, spec, what, sizeof(what)))
		error_set(error, "nic-add %s: %s", spec, what);
	else if (option.tulip)
		error_set(error, "nic-add %s: a NIC with model=tulip does not come while the guest runs: use --nic", spec);
	else if (number == OPTIONS_NICS_MAX)
		error_set(error, "nic-add %s: there are %u already, and no more can be", spec, OPTIONS_NICS_MAX);
	else if (!add(machine, number, &option, error))
		result = json_pack("{s:i}", "nic", (int)number);
	free(option.copy);
	return result;
}

static struct netvsp *find(const struct machine *machine, unsigned int number)
{
	return number < OPTIONS_NICS_MAX ? machine->nics[number] : NULL;
}

int network_remove(struct machine *machine, unsigned int number, network_done *done, void *context, char *error)
{
	struct netvsp *netvsp = find(machine, number);
	struct network_leave *leave;

	if (is_legacy(machine, number))
		return error_set(error, "nic-remove: NIC %u has model=tulip and does not go while the guest runs", number);
	if (!netvsp)
		return error_set(error, "nic-remove: there is no NIC %u", number);
	leave = calloc(1, sizeof(*leave));
	if (!leave)
		return error_set(error, "nic-remove: out of memory");
	*leave = (struct network_leave){ machine->nics_leaving, machine, netvsp, done, context };
	machine->nics_leaving = leave;
	machine->nics[number] = NULL;
	netvsp_leave(netvsp, left, leave);
	return 0;
}

int network_set_link(struct machine *machine, unsigned int number, bool up, char *error)
{
	struct netvsp *netvsp = find(machine, number);

	if (legacy_set_link(machine, number, up))
		return 0;
	if (!netvsp)
		return error_set(error, "nic-link: there is no NIC %u", number);
	netvsp_set_link(netvsp, up);
	return 0;
}
