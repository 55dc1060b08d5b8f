/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The synthetic NICs of a machine (those with model=tulip are legacy.h's): opened from the options, offered, plugged and unplugged while
 * the guest runs, closed. What a NIC does is netvsp.h's. All of it belongs to the main thread, which is the bus thread.
 */
#ifndef HVIS_HOST_NETWORK_H
#define HVIS_HOST_NETWORK_H

#include <jansson.h>
#include <stdbool.h>

struct machine;
struct net;
struct net_options;

/** network_open_backend() - the network that @options name, for whatever NIC. @error: ERROR_BYTES. Return: NULL on failure. */
struct net *network_open_backend(const struct net_options *options, char *error);

/**
 * network_open() - make the NICs that the options name
 * @error: ERROR_BYTES; on failure one line that names the option
 *
 * What was opened is closed by network_close(), also on failure. Return: 0 or -1.
 */
int network_open(struct machine *machine, char *error);
/** network_offer() - put all NICs on the bus. @error: as above. Return: 0 or -1. */
int network_offer(struct machine *machine, char *error);
/** network_close() - after vmbus_destroy(). */
void network_close(struct machine *machine);
/** network_query() - all NICs by name, legacy.h's too, as JSON (new reference). */
json_t *network_query(struct machine *machine);

/* While the guest runs. @error: as above, on failure. */
typedef void network_done(void *context, const char *why);

/** network_add() - @spec: as of --nic. Return: what it is (new reference), or NULL. */
json_t *network_add(struct machine *machine, const char *spec, char *error);
/** network_remove() - done when the guest has let go of it. Return: 0 or -1. */
int network_remove(struct machine *machine, unsigned int number, network_done *done, void *context, char *error);
/** network_set_link() - of any NIC. Return: 0 or -1. */
int network_set_link(struct machine *machine, unsigned int number, bool up, char *error);

#endif
