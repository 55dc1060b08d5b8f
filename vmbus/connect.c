// SPDX-License-Identifier: GPL-2.0
/*
 * The connection to the host's VMBus: which version is spoken, asking for offers, and leaving again (UNLOAD), also out
 * of a crashing kernel. Channels are offer.c's.
 * Invariant: pages whose address the host was told are freed only after it confirmed that it has left; otherwise they
 * are leaked.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/nmi.h>

#include "internal.h"

#define CRASH_POLL_MS 10

static const u32 versions[] = {
	VMBUS_VERSION_WIN10_V5_3, VMBUS_VERSION_WIN10_V5_2, VMBUS_VERSION_WIN10_V5_1, VMBUS_VERSION_WIN10_V5,
	VMBUS_VERSION_WIN10_V4_1, VMBUS_VERSION_WIN10,	    VMBUS_VERSION_WIN8_1,
};

static struct connection *connection(void)
{
	return &hvis_bus.connection;
}

static bool change_state(enum connection_state from, enum connection_state to)
{
	return atomic_cmpxchg(&connection()->state, from, to) == from;
}

/** connect_is_up() - is the connection made and not yet left? Any context. */
bool connect_is_up(void)
{
	return atomic_read(&connection()->state) == CONNECTION_CONNECTED;
}

/**
 * connect_parse_version() - "5.3" to a version that we speak
 * @text: major.minor
 * @version: filled in
 *
 * Return: 0 or -EINVAL.
 */
int connect_parse_version(const char *text, u32 *version)
{
	unsigned int i, major, minor, used = 0;

	if (sscanf(text, "%u.%u%n", &major, &minor, &used) != 2 || (text[used] && text[used] != '\n'))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		if (major == versions[i] >> 16 && minor == (versions[i] & 0xFFFF)) {
			*version = versions[i];
			return 0;
		}
	}
	return -EINVAL;
}

/* Pages that the host is told of. */

static void free_pages_of(struct connection *c)
{
	free_page((unsigned long)c->monitor_pages[1]);
	free_page((unsigned long)c->monitor_pages[0]);
	free_page((unsigned long)c->interrupt_page);
}

static int alloc_pages_of(struct connection *c)
{
	c->interrupt_page = (void *)get_zeroed_page(GFP_KERNEL);
	c->monitor_pages[0] = (void *)get_zeroed_page(GFP_KERNEL);
	c->monitor_pages[1] = (void *)get_zeroed_page(GFP_KERNEL);
	if (c->interrupt_page && c->monitor_pages[0] && c->monitor_pages[1])
		return 0;
	free_pages_of(c);
	return -ENOMEM;
}

/* Negotiation. */

static void build_contact(struct chanmsg_initiate_contact *contact, u32 version)
{
	const struct connection *c = connection();

	*contact = (struct chanmsg_initiate_contact){
		.header.type = CHANMSG_INITIATE_CONTACT,
		.version = version,
		.target_vcpu = synic_vp_index(c->cpu),
		.monitor_page_to_guest = virt_to_phys(c->monitor_pages[0]),
		.monitor_page_to_host = virt_to_phys(c->monitor_pages[1]),
	};
	if (version >= VMBUS_VERSION_WIN10_V5)
		contact->msg_sint = TLFS_SINT_VMBUS;
	else
		contact->interrupt_page = virt_to_phys(c->interrupt_page);
}

/* From 5.0 on the host listens elsewhere; one that knows no such version may know no such connection id either. */
static int post_contact(const struct chanmsg_initiate_contact *contact)
{
	int error = -ENXIO;

	if (contact->version >= VMBUS_VERSION_WIN10_V5)
		error = chanmsg_post_to(VMBUS_MESSAGE_CONNECTION_ID_4, contact, sizeof(*contact));
	if (error == -ENXIO)
		error = chanmsg_post_to(VMBUS_MESSAGE_CONNECTION_ID, contact, sizeof(*contact));
	return error;
}

/* Return: 0 agreed; -EPROTONOSUPPORT try an older version; else it cannot work. */
static int try_version(u32 version)
{
	struct chanmsg_call call = { .answer = CHANMSG_VERSION_RESPONSE };
	struct chanmsg_version_response response = {};
	struct chanmsg_initiate_contact contact;
	int error;

	build_contact(&contact, version);
	chanmsg_call_begin(&call, &response, sizeof(response));
	error = post_contact(&contact);
	if (error) {
		chanmsg_call_end(&call);
		pr_err("INITIATE_CONTACT could not be sent (error %d): has this machine a VMBus?\n", error);
		return error;
	}
	error = chanmsg_call_wait(&call, hvis_bus.chanmsg.timeout_ms, "INITIATE_CONTACT");
	if (error)
		return error;
	if (!response.supported)
		return -EPROTONOSUPPORT;
	if (response.connection_state) {
		pr_err("the host accepts VMBus %u.%u but refuses the connection (state %u)\n", version >> 16,
		       version & 0xFFFF, response.connection_state);
		return -ECONNREFUSED;
	}
	if (version >= VMBUS_VERSION_WIN10_V5)
		hvis_bus.chanmsg.connection_id = response.msg_connection_id;
	connection()->version = version;
	return 0;
}

static int negotiate(u32 version_max)
{
	int error = -EPROTONOSUPPORT;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(versions) && error == -EPROTONOSUPPORT; i++)
		if (versions[i] <= version_max)
			error = try_version(versions[i]);
	if (error == -EPROTONOSUPPORT)
		pr_err("the host accepts no VMBus version from %u.%u down to 3.0\n", version_max >> 16,
		       version_max & 0xFFFF);
	return error;
}

/**
 * connect_start() - connect to the host
 * @version_max: the newest version to try
 *
 * May sleep. Return: 0; or, with one line in the log, -EPROTONOSUPPORT, -ECONNREFUSED, -ETIMEDOUT, what posting
 * returns, or -ENOMEM.
 */
int connect_start(u32 version_max)
{
	struct connection *c = connection();
	int error;

	error = alloc_pages_of(c);
	if (error)
		return error;
	c->cpu = synic_pin();
	change_state(CONNECTION_IDLE, CONNECTION_CONTACT);
	error = negotiate(version_max);
	if (!error) {
		change_state(CONNECTION_CONTACT, CONNECTION_CONNECTED);
		return 0;
	}

	change_state(CONNECTION_CONTACT, CONNECTION_IDLE);
	synic_unpin(c->cpu);
	if (error != -ETIMEDOUT)
		free_pages_of(c);
	return error;
}

/**
 * connect_request_offers() - ask for the offers and wait until the host says that it has sent all
 *
 * A host that never says so is reported and otherwise forgiven: what it offers later is taken as well. May sleep.
 * Return: 0, or negative errno if the host could not be asked.
 */
int connect_request_offers(void)
{
	const struct chanmsg_header request = { .type = CHANMSG_REQUEST_OFFERS };
	struct chanmsg_call call = { .answer = CHANMSG_ALL_OFFERS_DELIVERED };
	int error;

	chanmsg_call_begin(&call, NULL, 0);
	error = chanmsg_ask(&call, &request, sizeof(request), "REQUEST_OFFERS");
	return error == -ETIMEDOUT ? 0 : error;
}

/* Return: 0 the host confirmed; -ENOTCONN it was not up, or left before; else it may still use our pages. */
static int leave(void)
{
	const struct chanmsg_header unload = { .type = CHANMSG_UNLOAD };
	struct chanmsg_call call = { .answer = CHANMSG_UNLOAD_RESPONSE };
	int error;

	if (!change_state(CONNECTION_CONNECTED, CONNECTION_LEFT))
		return -ENOTCONN;
	chanmsg_call_begin(&call, NULL, 0);
	error = chanmsg_post(&unload, sizeof(unload));
	if (error)
		chanmsg_call_end(&call);
	else
		error = chanmsg_call_wait(&call, hvis_bus.chanmsg.timeout_ms * VMBUS_UNLOAD_PATIENCE, "UNLOAD");
	synic_unpin(connection()->cpu);
	return error;
}

/**
 * connect_stop() - leave: the host closes what is open, forgets all GPADLs and confirms
 *
 * No channel is open. Does nothing if the connection is not up, or was left before. May sleep.
 */
void connect_stop(void)
{
	int error = leave();

	if (!error)
		free_pages_of(connection());
	else if (error != -ENOTCONN)
		pr_warn("three pages that the host may still write to are leaked\n");
}

/**
 * connect_shutdown() - leave, before power-off or another kernel
 *
 * Channels may be open and their drivers at work, so the pages stay: a doorbell may be written to one of them.
 * May sleep.
 */
void connect_shutdown(void)
{
	leave();
}

/* A crashing kernel. */

static bool is_unload_response(const struct tlfs_message *message)
{
	const struct chanmsg_header *header = (const void *)message->payload;

	return message->message_type == TLFS_MESSAGE_TYPE_VMBUS && header->type == CHANMSG_UNLOAD_RESPONSE;
}

static bool post_unload_crashed(unsigned int *left_ms)
{
	const struct chanmsg_header unload = { .type = CHANMSG_UNLOAD };
	u16 status;

	for (;;) {
		status = hypercall_post_message(hvis_bus.chanmsg.connection_id, &unload, sizeof(unload));
		if (status == TLFS_STATUS_SUCCESS)
			return true;
		if (status != TLFS_STATUS_INSUFFICIENT_BUFFERS && status != TLFS_STATUS_INSUFFICIENT_MEMORY)
			return false;
		if (*left_ms < CRASH_POLL_MS)
			return false;
		mdelay(CRASH_POLL_MS);
		touch_nmi_watchdog();
		*left_ms -= CRASH_POLL_MS;
	}
}

/**
 * connect_crash() - leave, in a kernel that has crashed: no sleep, no lock, no interrupt, other CPUs perhaps stopped
 *
 * The host's answer may land in the slot of any CPU, so all are polled. Bounded as connect_stop() is. The host
 * would otherwise go on writing into rings that the next kernel uses for something else. Any context.
 */
void connect_crash(void)
{
	unsigned int left_ms = hvis_bus.chanmsg.timeout_ms * VMBUS_UNLOAD_PATIENCE;

	if (!change_state(CONNECTION_CONNECTED, CONNECTION_LEFT))
		return;
	synic_crash();
	if (post_unload_crashed(&left_ms)) {
		while (!synic_poll_crashed(is_unload_response) && left_ms >= CRASH_POLL_MS) {
			mdelay(CRASH_POLL_MS);
			touch_nmi_watchdog();
			left_ms -= CRASH_POLL_MS;
		}
	}
	synic_disable_this_cpu();
	hypercall_disable();
}
