// SPDX-License-Identifier: GPL-2.0
/*
 * The outer conversation: version, what kind of adapter we are, the two buffers, sub-channels. Order and source:
 * wire/nvsp.h.
 */
#include <linux/if_ether.h>

#include "internal.h"

static const u32 versions[] = {
	NVSP_VERSION_6_1, NVSP_VERSION_6, NVSP_VERSION_5, NVSP_VERSION_4, NVSP_VERSION_2, NVSP_VERSION_1,
};

static int failed(const struct netvsc *nv, const char *step, int error)
{
	if (error != -ETIMEDOUT && error != -ENODEV) /* these have a line already, or are no fault */
		dev_err(&nv->device->dev, "%s failed: error %d\n", step, error);
	return error;
}

/* Return: 0; -EPROTONOSUPPORT: another version, please; other errors end the conversation. */
static int propose(struct netvsc *nv, u32 version)
{
	struct nvsp_message message = {
		.type = NVSP_INIT, .init = { .version_min = version, .version_max = version },
	};
	u32 bytes;
	int error = netvsc_nvsp_ask(nv, &message, &bytes, "INIT");

	if (error)
		return error;
	if (message.type != NVSP_INIT_COMPLETE || bytes < offsetofend(struct nvsp_message, init_complete))
		return -EPROTO;
	if (message.init_complete.status != NVSP_STATUS_SUCCESS)
		return -EPROTONOSUPPORT;
	nv->version = version;
	nv->mdl_chain_max = message.init_complete.mdl_chain_max;
	return 0;
}

static int tell_ndis(struct netvsc *nv)
{
	struct nvsp_message config = {
		.type = NVSP_SEND_NDIS_CONFIG,
		.ndis_config = { .mtu = nv->mtu + ETH_HLEN, .capabilities = NVSP_CAP_8021Q },
	};
	struct nvsp_message ndis = {
		.type = NVSP_SEND_NDIS_VERSION,
		.ndis_version = { .major = 6, .minor = nv->version <= NVSP_VERSION_4 ? 1 : 30 },
	};
	int error = 0;

	if (nv->version >= NVSP_VERSION_6)
		config.ndis_config.capabilities |= NVSP_CAP_RSC;
	if (nv->version >= NVSP_VERSION_2)
		error = netvsc_nvsp_tell(nv, &config);
	return error ?: netvsc_nvsp_tell(nv, &ndis);
}

/**
 * netvsc_nvsp_init() - agree on a version and say what we are
 * @nv: the primary channel was just opened; mtu is set
 *
 * May sleep, until the deadline. Return: 0 or negative errno.
 */
int netvsc_nvsp_init(struct netvsc *nv)
{
	unsigned int i;
	int error = -EPROTONOSUPPORT;

	for (i = 0; i < ARRAY_SIZE(versions) && error == -EPROTONOSUPPORT; i++)
		error = propose(nv, versions[i]);
	if (!error)
		error = tell_ndis(nv);
	return error ? failed(nv, "INIT", error) : 0;
}

static int give_recv(struct netvsc *nv, u32 gpadl)
{
	struct nvsp_message message = {
		.type = NVSP_SEND_RECV_BUF, .buffer = { .gpadl = gpadl, .id = NVSP_RECV_BUF_ID },
	};
	u32 bytes;
	int error = netvsc_nvsp_ask(nv, &message, &bytes, "SEND_RECV_BUF");

	if (error)
		return error;
	if (message.type != NVSP_SEND_RECV_BUF_COMPLETE)
		return -EPROTO;
	return netvsc_buffers_recv(nv, &message.recv_buf_complete, bytes - min_t(u32, bytes, sizeof(message.type)));
}

static int give_send(struct netvsc *nv, u32 gpadl)
{
	struct nvsp_message message = {
		.type = NVSP_SEND_SEND_BUF, .buffer = { .gpadl = gpadl, .id = NVSP_SEND_BUF_ID },
	};
	u32 bytes;
	int error = netvsc_nvsp_ask(nv, &message, &bytes, "SEND_SEND_BUF");

	if (error)
		return error;
	if (message.type != NVSP_SEND_SEND_BUF_COMPLETE || bytes < offsetofend(struct nvsp_message, send_buf_complete))
		return -EPROTO;
	netvsc_buffers_send(nv, &message.send_buf_complete);
	return 0;
}

/**
 * netvsc_nvsp_buffers() - give the host both buffers
 * @nv: after netvsc_nvsp_init()
 * @recv_gpadl: handle of the receive buffer
 * @send_gpadl: of the send buffer
 *
 * May sleep, until the deadline. Return: 0 or negative errno.
 */
int netvsc_nvsp_buffers(struct netvsc *nv, u32 recv_gpadl, u32 send_gpadl)
{
	int error = give_recv(nv, recv_gpadl);

	if (error)
		return failed(nv, "SEND_RECV_BUF", error);
	error = give_send(nv, send_gpadl);
	return error ? failed(nv, "SEND_SEND_BUF", error) : 0;
}

/**
 * netvsc_nvsp_sub_channels() - ask for more channels
 * @nv: after RNDIS was initialised
 * @count: how many beside the primary
 *
 * May sleep, until the deadline. A host that does not want to leaves us with the primary.
 * Return: how many it will offer, not more than @count.
 */
u32 netvsc_nvsp_sub_channels(struct netvsc *nv, u32 count)
{
	struct nvsp_message message = {
		.type = NVSP_SUBCHANNEL, .subchannel = { .operation = NVSP_SUBCHANNEL_ALLOCATE, .count = count },
	};
	u32 bytes;

	if (!count || nv->version < NVSP_VERSION_5)
		return 0;
	if (netvsc_nvsp_ask(nv, &message, &bytes, "SUBCHANNEL") || message.type != NVSP_SUBCHANNEL ||
	    bytes < offsetofend(struct nvsp_message, subchannel_complete) ||
	    message.subchannel_complete.status != NVSP_STATUS_SUCCESS)
		return 0;
	if (message.subchannel_complete.count > count)
		netvsc_refuse(nv, REFUSED_LIMITS);
	return min(count, message.subchannel_complete.count);
}

/** netvsc_nvsp_revoke() - the host shall use the buffers no more; it does not answer. May sleep. */
void netvsc_nvsp_revoke(struct netvsc *nv)
{
	struct nvsp_message message = { .type = NVSP_REVOKE_RECV_BUF, .revoke = { .id = NVSP_RECV_BUF_ID } };

	/* Errors mean that the channel is gone, and with it the host's use of them. */
	if (nv->recv_sections)
		netvsc_nvsp_tell(nv, &message);
	message.type = NVSP_REVOKE_SEND_BUF;
	message.revoke.id = NVSP_SEND_BUF_ID;
	if (nv->send_sections)
		netvsc_nvsp_tell(nv, &message);
}

/**
 * netvsc_nvsp_unasked() - an in-band packet from the host
 * @nv: the adapter
 * @packet: private copy
 *
 * In poll().
 */
void netvsc_nvsp_unasked(struct netvsc *nv, const struct hvis_packet *packet)
{
	u32 type;

	if (packet->payload_bytes < sizeof(type))
		return netvsc_refuse(nv, REFUSED_SHORT);
	memcpy(&type, packet->payload, sizeof(type));
	switch (type) {
	case NVSP_SEND_INDIRECTION_TABLE:
		return netvsc_send_table(nv, packet->payload, packet->payload_bytes);
	case NVSP_SEND_VF_ASSOCIATION:
		/* We did not say that we can do SR-IOV; hosts tell all the same. */
		return;
	default:
		netvsc_refuse(nv, REFUSED_UNKNOWN_NVSP);
	}
}
