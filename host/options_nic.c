// SPDX-License-Identifier: GPL-2.0
/*
 * --nic SPEC: the network first, "user", "tap=NAME" or "sink", then ",key=value". See options_nic.h.
 */
#include "options_nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netvsp.h"
#include "options_spec.h"
#include "wire/nvsp.h"

static const char *set_user(void *target, const char *value)
{
	struct option_nic *nic = target;

	nic->net.user = true;
	return value ? "user takes no value" : NULL;
}

static const char *set_sink(void *target, const char *value)
{
	struct option_nic *nic = target;

	nic->net.sink = true;
	return value ? "sink takes no value" : NULL;
}

static const char *set_tap(void *target, const char *value)
{
	struct option_nic *nic = target;

	nic->net.tap = value;
	return value && *value ? NULL : "tap= needs the name of an interface";
}

static const char *set_text(const char **field, const char *value, const char *wrong)
{
	*field = value;
	return value && *value ? NULL : wrong;
}

static const char *set_forward(void *target, const char *value)
{
	struct option_nic *nic = target;

	return set_text(&nic->net.host_forwards, value, "hostfwd= needs a rule, for example tcp:127.0.0.1:2222-:22");
}

static const char *set_dns(void *target, const char *value)
{
	struct option_nic *nic = target;

	return set_text(&nic->net.dns, value, "dns= needs an address");
}

static const char *set_network(void *target, const char *value)
{
	struct option_nic *nic = target;

	return set_text(&nic->net.network, value, "net= needs a network, for example 10.0.2.0/24");
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

static const char *set_mac(void *target, const char *value)
{
	struct option_nic *nic = target;
	static const char wrong[] = "mac= needs a unicast address, for example 52:54:00:12:34:56";

	if (!value || strlen(value) != 17)
		return wrong;
	for (unsigned int i = 0; i < 6; i++) {
		int high = digit(value[3 * i]), low = digit(value[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && value[3 * i + 2] != ':'))
			return wrong;
		nic->mac[i] = (uint8_t)(high << 4 | low);
	}
	nic->mac_given = true;
	return nic->mac[0] & 1 ? wrong : NULL;
}

static const char *set_mtu(void *target, const char *value)
{
	struct option_nic *nic = target;

	_Static_assert(NET_MTU_MIN == 68 && NET_MTU_MAX == 9000, "the text below");
	return spec_number(value, NET_MTU_MIN, NET_MTU_MAX, &nic->mtu) ? NULL : "mtu= needs a number from 68 to 9000";
}

static const char *set_queues(void *target, const char *value)
{
	struct option_nic *nic = target;

	_Static_assert(NETVSP_CHANNELS_MAX == 64, "the text below");
	return spec_number(value, 1, NETVSP_CHANNELS_MAX, &nic->net.queues) ? NULL
									       : "queues= needs a number from 1 to 64";
}

static const char *set_channels(void *target, const char *value)
{
	struct option_nic *nic = target;

	_Static_assert(NETVSP_CHANNELS_MAX == 64, "the text below");
	return spec_number(value, 1, NETVSP_CHANNELS_MAX, &nic->channels) ? NULL
									  : "channels= needs a number from 1 to 64";
}

static const char *set_version(void *target, const char *value)
{
	struct option_nic *nic = target;
	static const struct {
		const char *name;
		uint32_t version;
	} versions[] = { { "1", NVSP_VERSION_1 }, { "2", NVSP_VERSION_2 }, { "4", NVSP_VERSION_4 },
			 { "5", NVSP_VERSION_5 }, { "6", NVSP_VERSION_6 }, { "6.1", NVSP_VERSION_6_1 } };

	for (size_t i = 0; value && i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (strcmp(versions[i].name, value))
			continue;
		nic->version_max = versions[i].version;
		return NULL;
	}
	return "nvsp= must be 1, 2, 4, 5, 6 or 6.1";
}

static const char *set_link(void *target, const char *value)
{
	struct option_nic *nic = target;

	if (!value || (strcmp(value, "up") && strcmp(value, "down")))
		return "link= must be up or down";
	nic->link_down = !strcmp(value, "down");
	return NULL;
}

static const char *set_model(void *target, const char *value)
{
	struct option_nic *nic = target;

	if (!value || (strcmp(value, "synthetic") && strcmp(value, "tulip")))
		return "model= must be synthetic or tulip";
	nic->model_given = true;
	nic->tulip = !strcmp(value, "tulip");
	return NULL;
}

/* The adapter has one list of descriptors each way, for frames of a classic Ethernet. Return: NULL, or what it has not. */
static const char *check_tulip(const struct option_nic *nic)
{
	if (nic->version_max)
		return "model=tulip knows no NVSP: leave nvsp= out";
	if (nic->mtu && nic->mtu != NET_MTU_DEFAULT)
		return "model=tulip has an MTU of 1500";
	if (nic->channels > 1)
		return "model=tulip has one channel";
	return nic->net.queues > 1 ? "model=tulip has one queue" : NULL;
}

static const struct spec_key keys[] = {
	{ "user", set_user },	{ "tap", set_tap },	  { "sink", set_sink },	   { "mac", set_mac },
	{ "mtu", set_mtu },	{ "queues", set_queues }, { "nvsp", set_version }, { "link", set_link },
	{ "hostfwd", set_forward }, { "dns", set_dns },	  { "net", set_network },  { "channels", set_channels },
	{ "model", set_model },
};

int option_nic_parse(struct option_nic *nic, const char *argument, char *what, size_t room)
{
	const char *wrong;
	int ret;

	nic->argument = argument;
	nic->copy = strdup(argument);
	ret = spec_parse(keys, sizeof(keys) / sizeof(keys[0]), nic, nic->copy, what, room);
	if (ret)
		return ret;
	if (nic->net.user + nic->net.sink + !!nic->net.tap != 1) {
		snprintf(what, room, "needs one of user, tap=NAME and sink");
		return -EINVAL;
	}
	if (!nic->net.user && (nic->net.host_forwards || nic->net.dns || nic->net.network)) {
		snprintf(what, room, "hostfwd=, dns= and net= are for user only");
		return -EINVAL;
	}
	wrong = nic->tulip ? check_tulip(nic) : NULL;
	if (wrong)
		snprintf(what, room, "%s", wrong);
	return wrong ? -EINVAL : 0;
}

const char *option_nic_settle(struct option_nic *nic, unsigned int generation)
{
	if (generation != 1 || nic->model_given)
		return NULL;
	nic->tulip = true;
	return check_tulip(nic);
}

/* FNV-1a. */
static uint32_t hash(const char *text)
{
	uint32_t value = 2166136261u;

	while (*text)
		value = (value ^ (uint8_t)*text++) * 16777619u;
	return value;
}

/*
 * Locally administered, and stable, so that names in the guest are. VMs on one switch must differ: each has a tap of its own, while on the
 * other networks nobody else is.
 */
void option_nic_mac(const struct option_nic *nic, unsigned int number, uint8_t mac[6])
{
	uint8_t own[6] = { 0x02, 'h', 'v', 'i', 's', (uint8_t)number };
	uint32_t name = nic->net.tap ? hash(nic->net.tap) : 0;

	if (nic->net.tap)
		memcpy(own + 2, &name, sizeof(name));
	memcpy(mac, nic->mac_given ? nic->mac : own, 6);
}
