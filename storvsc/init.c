// SPDX-License-Identifier: GPL-2.0
/*
 * The conversation that makes a controller usable, from its first open channel to its last. When to
 * hold it is host.c's and error_handling.c's business.
 * Invariant: the whole conversation ends within one time limit, and a failure is one line that
 * names the step.
 */
#include <linux/jiffies.h>

#include "internal.h"

/* Newest first; 5.1 and older hosts use a shorter SRB and are not spoken to. */
static const u16 versions[] = { VSTOR_VERSION_WIN10, VSTOR_VERSION_WIN8_1 };

/**
 * struct conversation - one run through the steps
 * @host: with whom
 * @deadline: in jiffies, for all steps together
 * @packet: request and answer of the current step
 */
struct conversation {
	struct storvsc_host *host;
	unsigned long deadline;
	struct vstor_packet packet;
};

/* One step. The answer's status is left to the caller. */
static int ask(struct conversation *talk, u32 operation, const char *step)
{
	long left = talk->deadline - jiffies;
	int error;

	talk->packet.operation = operation;
	error = storvsc_control_ask(talk->host, &talk->packet,
				    left > 0 ? jiffies_to_msecs(left) : 1, step);
	if (error && error != -ETIMEDOUT) /* that one has its line already */
		dev_err(&talk->host->device->dev, "%s failed: error %d\n", step, error);
	return error;
}

/* A step that the host must agree to. */
static int demand(struct conversation *talk, u32 operation, const char *step)
{
	int error = ask(talk, operation, step);

	if (!error && talk->packet.status) {
		dev_err(&talk->host->device->dev, "%s failed: host status 0x%08x\n", step,
			talk->packet.status);
		error = -EPROTO;
	}
	return error;
}

static int begin(struct conversation *talk)
{
	memset(&talk->packet, 0, sizeof(talk->packet));
	return demand(talk, VSTOR_BEGIN_INITIALIZATION, "BEGIN_INITIALIZATION");
}

static int negotiate_version(struct conversation *talk)
{
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		memset(&talk->packet, 0, sizeof(talk->packet));
		talk->packet.version.version = versions[i];
		error = ask(talk, VSTOR_QUERY_PROTOCOL_VERSION, "QUERY_PROTOCOL_VERSION");
		if (error)
			return error;
		if (!talk->packet.status) {
			talk->host->version = versions[i];
			return 0;
		}
	}
	dev_err(&talk->host->device->dev,
		"QUERY_PROTOCOL_VERSION failed: host takes neither 6.2 nor 6.0\n");
	return -EPROTONOSUPPORT;
}

/* After a reset the SCSI layer still holds to the first limits, so the host has to as well. */
static int accept_limits(struct storvsc_host *host, const struct storvsc_limits *limits)
{
	if (!host->limits.can_queue) {
		host->limits = *limits;
		return 0;
	}
	return limits->max_bytes < host->limits.max_bytes ? -EPROTO : 0;
}

static int query_properties(struct conversation *talk)
{
	struct storvsc_host *host = talk->host;
	struct storvsc_limits limits;
	u32 max_bytes;
	int error;

	memset(&talk->packet, 0, sizeof(talk->packet));
	talk->packet.client.flags = VSTOR_CLIENT_ASYNC_NOTIFY;
	error = demand(talk, VSTOR_QUERY_PROPERTIES, "QUERY_PROPERTIES");
	if (error)
		return error;
	max_bytes = talk->packet.properties.max_transfer_bytes;
	host->sub_channels_max = talk->packet.properties.flags & VSTOR_PROPERTY_MULTI_CHANNEL
					 ? talk->packet.properties.max_channels
					 : 0;
	error = storvsc_limits_derive(&limits, max_bytes, host->ring_bytes);
	if (!error)
		error = accept_limits(host, &limits);
	if (error)
		dev_err(&host->device->dev,
			"QUERY_PROPERTIES failed: max_transfer_bytes %u is of no use\n", max_bytes);
	return error;
}

static int end(struct conversation *talk)
{
	memset(&talk->packet, 0, sizeof(talk->packet));
	return demand(talk, VSTOR_END_INITIALIZATION, "END_INITIALIZATION");
}

/*
 * A host that does not want to, or does not answer, leaves us with the primary channel, so only the
 * end of that one is an error. A second conversation asks for what the first had use for.
 */
static int create_sub_channels(struct conversation *talk)
{
	struct storvsc_host *host = talk->host;
	u32 useful = (host->queue_count ? host->queue_count : host->link_count) - 1;
	u32 count = min(useful, host->sub_channels_max);
	unsigned long limit = jiffies + msecs_to_jiffies(STORVSC_CREATE_MS);
	int error;

	host->sub_channels = 0;
	if (!count)
		return 0;
	memset(&talk->packet, 0, sizeof(talk->packet));
	talk->packet.sub_channel_count = count;
	if (time_before(limit, talk->deadline))
		talk->deadline = limit;
	error = ask(talk, VSTOR_CREATE_SUB_CHANNELS, "CREATE_SUB_CHANNELS");
	if (error)
		return error == -ENODEV || error == -EIO ? error : 0;
	if (!talk->packet.status)
		host->sub_channels = count;
	return 0;
}

static int converse(struct storvsc_host *host, unsigned int limit_ms)
{
	static int (*const steps[])(struct conversation *talk) = {
		begin,
		negotiate_version,
		query_properties,
		end,
		create_sub_channels,
	};
	struct conversation talk = {
		.host = host,
		.deadline = jiffies + msecs_to_jiffies(limit_ms),
	};
	unsigned int i;
	int error = 0;

	for (i = 0; i < ARRAY_SIZE(steps) && !error; i++)
		error = steps[i](&talk);
	return error;
}

/* The sub-channels the host agreed to, as far as they come. One line if they are too few. */
static void connect_subs(struct storvsc_host *host)
{
	u32 useful, channels = storvsc_links_get(host);

	if (!host->queue_count)
		storvsc_queues_plan(host, channels);
	channels = storvsc_links_open(host);
	useful = host->queue_count ? host->queue_count : host->link_count;
	if (channels < useful)
		dev_info(&host->device->dev, "%u channels, where %u would be of use%s\n", channels,
			 useful, host->wanted.polled > host->plan.polled ? ", to poll, too" : "");
}

/**
 * storvsc_connect() - open the channels and hold the conversation
 * @host: the controller, state CLOSED; recovery is held
 * @limit_ms: time limit of the conversation; opening has the bus's own
 *
 * May sleep. Sets version and limits. The caller makes the state RUNNING.
 *
 * Return: 0 or negative errno, after one log line; then the channels are closed again.
 */
int storvsc_connect(struct storvsc_host *host, unsigned int limit_ms)
{
	int error;

	lockdep_assert_held(&host->recovery);
	host->silent = false;
	error = storvsc_link_open(&host->links[0]);
	if (error) {
		/* Taken back while it was probed: no error of anybody's. */
		if (error != -ENODEV)
			dev_err(&host->device->dev, "opening the channel failed: error %d\n", error);
		return error;
	}
	error = converse(host, limit_ms);
	if (error)
		storvsc_links_close(host);
	else
		connect_subs(host);
	return error;
}
