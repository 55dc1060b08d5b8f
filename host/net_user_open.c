// SPDX-License-Identifier: GPL-2.0
/*
 * Opening a user network: addresses, and which ports of this machine lead to the guest.
 * Invariant: all that can be wrong with the options is found before the guest runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "net_user.h"

#define NETWORK_DEFAULT "10.0.2.0/24"
#define PREFIX_MIN 8u
#define PREFIX_MAX 27u /* the first guest has number 15 */
#define HOST_NUMBER 2u
#define DNS_NUMBER 3u
#define GUEST_NUMBER 15u
#define FORWARD_FORM "tcp:HOST-ADDRESS:PORT-GUEST-ADDRESS:PORT or udp:..., addresses may be left out"

static struct in_addr in_network(const SlirpConfig *config, uint32_t number)
{
	return (struct in_addr){ config->vnetwork.s_addr | htonl(number) };
}

/* A decimal number from @least to @most, and nothing behind it. */
static bool parse_number(const char *text, unsigned int least, unsigned int most, unsigned int *number)
{
	unsigned long parsed;

	if (!*text || text[strspn(text, "0123456789")] || strlen(text) > 5)
		return false;
	parsed = strtoul(text, NULL, 10);
	*number = (unsigned int)parsed;
	return parsed >= least && parsed <= most;
}

static int set_network(SlirpConfig *config, const char *given, char *error)
{
	char text[32];
	unsigned int prefix;
	char *slash;

	snprintf(text, sizeof(text), "%s", given);
	slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (strlen(given) >= sizeof(text) || !slash || inet_pton(AF_INET, text, &config->vnetwork) != 1 ||
	    !parse_number(slash + 1, PREFIX_MIN, PREFIX_MAX, &prefix))
		return error_set(error, "network '%.60s' is not of the form " NETWORK_DEFAULT ", with /%u to /%u", given, PREFIX_MIN, PREFIX_MAX);
	config->vnetmask.s_addr = htonl(UINT32_MAX << (32 - prefix));
	if (config->vnetwork.s_addr & ~config->vnetmask.s_addr)
		return error_set(error, "network '%.60s' has bits behind its first %u", given, prefix);
	config->vhost = in_network(config, HOST_NUMBER);
	config->vnameserver = in_network(config, DNS_NUMBER);
	config->vdhcp_start = in_network(config, GUEST_NUMBER);
	return 0;
}

static int set_dns(SlirpConfig *config, const char *given, char *error)
{
	if (inet_pton(AF_INET, given, &config->vnameserver) != 1)
		return error_set(error, "dns '%.60s' is not an IPv4 address", given);
	if ((config->vnameserver.s_addr & config->vnetmask.s_addr) != config->vnetwork.s_addr ||
	    config->vnameserver.s_addr == config->vhost.s_addr)
		return error_set(error,
				 "dns '%.60s' must be an address of the user network that is not its gateway: what the guest asks there, this machine's own name server answers",
				 given);
	return 0;
}

/* fec0::/64, and in it the same numbers. */
static void set_network6(SlirpConfig *config)
{
	config->in6_enabled = true;
	config->vprefix_len = 64;
	inet_pton(AF_INET6, "fec0::", &config->vprefix_addr6);
	config->vhost6 = config->vprefix_addr6;
	config->vhost6.s6_addr[15] = HOST_NUMBER;
	config->vnameserver6 = config->vprefix_addr6;
	config->vnameserver6.s6_addr[15] = DNS_NUMBER;
}

static int configure(SlirpConfig *config, const struct net_options *options, char *error)
{
	*config = (SlirpConfig){
		.version = 4,
		.in_enabled = true,
		.if_mtu = USER_MTU,
		.if_mru = USER_MTU,
	};
	set_network6(config);
	if (set_network(config, options->network ? options->network : NETWORK_DEFAULT, error))
		return -1;
	return options->dns ? set_dns(config, options->dns, error) : 0;
}

struct forward {
	bool udp;
	struct in_addr host, guest;
	unsigned int host_port, guest_port;
};

/* "ADDRESS:PORT" or ":PORT", which leaves @address alone. */
static bool parse_end(char *text, struct in_addr *address, unsigned int *port)
{
	char *colon = strrchr(text, ':');

	if (!colon)
		return false;
	*colon = '\0';
	return (!*text || inet_pton(AF_INET, text, address) == 1) && parse_number(colon + 1, 1, UINT16_MAX, port);
}

static bool parse_forward(char *text, struct forward *forward)
{
	char *host = strchr(text, ':');
	char *guest = host ? strchr(host, '-') : NULL;

	if (!guest)
		return false;
	*host++ = '\0';
	*guest++ = '\0';
	*forward = (struct forward){ .udp = !strcmp(text, "udp"), .host.s_addr = htonl(INADDR_LOOPBACK) };
	return (forward->udp || !strcmp(text, "tcp")) && parse_end(host, &forward->host, &forward->host_port) &&
	       parse_end(guest, &forward->guest, &forward->guest_port);
}

static int add_forward(struct net_user *user, const SlirpConfig *config, const char *given, char *error)
{
	struct forward forward;
	char text[96];

	snprintf(text, sizeof(text), "%s", given);
	if (strlen(given) >= sizeof(text) || !parse_forward(text, &forward))
		return error_set(error, "forward '%.60s' is not of the form " FORWARD_FORM, given);
	if (forward.guest.s_addr && (forward.guest.s_addr & config->vnetmask.s_addr) != config->vnetwork.s_addr)
		return error_set(error, "forward '%.60s' leads out of the user network", given);
	if (slirp_add_hostfwd(user->slirp, forward.udp, forward.host, (int)forward.host_port, forward.guest,
			      (int)forward.guest_port))
		return error_set(error, "forward '%.60s': port %u of this machine: %s", given, forward.host_port, strerror(errno));
	return 0;
}

static int add_forwards(struct net_user *user, const SlirpConfig *config, const char *given, char *error)
{
	char *all = strdup(given);
	char *next = all;
	int result = 0;
	char *one;

	if (!all)
		return error_set(error, "no memory for the forwards");
	while (!result && (one = strsep(&next, ";")))
		result = add_forward(user, config, one, error);
	free(all);
	return result;
}

static int start(struct net_user *user, const struct net_options *options, char *error)
{
	SlirpConfig config;

	if (configure(&config, options, error))
		return -1;
	user->slirp = slirp_new(&config, &user_callbacks, user);
	if (!user->slirp)
		return error_set(error, "libslirp %s refuses its settings", slirp_version_string());
	return options->host_forwards ? add_forwards(user, &config, options->host_forwards, error) : 0;
}

struct net *net_user_open(const struct net_options *options, char *error)
{
	struct net_user *user = calloc(1, sizeof(*user));
	int result;

	if (!user) {
		error_set(error, "no memory for a user network");
		return NULL;
	}
	user->net.ops = &net_user_ops;
	user->net.queues_max = user->net.channels_max = 1;
	user->net.mtu_max = USER_MTU;
	snprintf(user->net.name, sizeof(user->net.name), "user");
	user_enter();
	result = start(user, options, error);
	user_leave();
	if (!result)
		return &user->net;
	net_close(&user->net);
	return NULL;
}
