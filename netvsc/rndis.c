// SPDX-License-Identifier: GPL-2.0
/*
 * RNDIS requests: initialisation, queries and settings by OID, and what the host says of itself. How a request finds its answer
 * is control.c's. Source: MS-RNDIS, and drivers/net/hyperv/rndis_filter.c of Linux for what hosts know.
 */
#include <linux/slab.h>

#include "internal.h"

#define REPLY_MAX 512u
/* What hosts are told we take in one packet; they do not send several messages in one. */
#define TRANSFER_MAX 0x4000u

static int to_errno(u32 status)
{
	switch (status) {
	case RNDIS_STATUS_SUCCESS:
		return 0;
	case RNDIS_STATUS_NOT_SUPPORTED:
	case RNDIS_STATUS_INVALID_OID:
		return -EOPNOTSUPP;
	default:
		return -EREMOTEIO;
	}
}

/**
 * netvsc_query() - ask for the value of an OID
 * @nv: RNDIS is initialised
 * @oid: RNDIS_OID_*
 * @value: also what is sent along, as some queries want
 * @bytes: room there; on success how much the host gave
 *
 * May sleep, bounded. Return: 0; -EOPNOTSUPP, -EREMOTEIO: the host does not know it, or refuses; -EPROTO: it answered
 * nonsense; or the errors of netvsc_nvsp_ask().
 */
int netvsc_query(struct netvsc *nv, u32 oid, void *value, u32 *bytes)
{
	const struct rndis_request body = {
		.oid = oid, .buffer_bytes = *bytes, .buffer_offset = sizeof(body),
	};
	const struct netvsc_request ask = {
		.type = RNDIS_QUERY, .body = &body, .body_bytes = sizeof(body), .value = value, .value_bytes = *bytes,
		.step = "QUERY",
	};
	struct rndis_query_complete complete;
	u8 reply[REPLY_MAX];
	u32 got = sizeof(reply);
	int error = netvsc_rndis_ask(nv, &ask, reply, &got);

	if (error)
		return error;
	if (got < sizeof(complete))
		return -EPROTO;
	memcpy(&complete, reply, sizeof(complete));
	error = to_errno(complete.status);
	if (error)
		return error;
	if (complete.buffer_offset > got || complete.buffer_bytes > got - complete.buffer_offset)
		return -EPROTO;
	*bytes = min(*bytes, complete.buffer_bytes);
	memcpy(value, reply + complete.buffer_offset, *bytes);
	return 0;
}

/**
 * netvsc_set() - set the value of an OID
 * @nv: RNDIS is initialised
 * @oid: RNDIS_OID_*
 * @value: it
 * @bytes: its length
 *
 * May sleep, bounded. Return: as netvsc_query().
 */
int netvsc_set(struct netvsc *nv, u32 oid, const void *value, u32 bytes)
{
	const struct rndis_request body = {
		.oid = oid, .buffer_bytes = bytes, .buffer_offset = sizeof(body),
	};
	const struct netvsc_request ask = {
		.type = RNDIS_SET, .body = &body, .body_bytes = sizeof(body), .value = value, .value_bytes = bytes,
		.step = "SET",
	};
	struct rndis_complete complete;
	u32 got = sizeof(complete);
	int error = netvsc_rndis_ask(nv, &ask, &complete, &got);

	if (error)
		return error;
	return got < sizeof(complete) ? -EPROTO : to_errno(complete.status);
}

/* Return: 0, or the step that failed said so. */
static int initialize(struct netvsc *nv)
{
	const struct rndis_initialize body = {
		.major = RNDIS_VERSION_MAJOR, .minor = RNDIS_VERSION_MINOR, .transfer_max = TRANSFER_MAX,
	};
	const struct netvsc_request ask = {
		.type = RNDIS_INITIALIZE, .body = &body, .body_bytes = sizeof(body), .step = "INITIALIZE",
	};
	struct rndis_initialize_complete complete = {};
	u32 got = sizeof(complete);
	int error = netvsc_rndis_ask(nv, &ask, &complete, &got);

	if (!error && got < offsetofend(struct rndis_initialize_complete, alignment))
		error = -EPROTO;
	if (!error)
		error = to_errno(complete.status);
	if (error)
		return error;
	if (!netvsc_limits_derive(&nv->limits, &complete, nv->send_section_bytes))
		netvsc_refuse(nv, REFUSED_LIMITS);
	return 0;
}

/* An address that the user gave is the host's business, not the reverse, from the second connection on. */
static int query_address(struct netvsc *nv)
{
	u8 address[ETH_ALEN];
	u32 bytes = sizeof(address);
	int error;

	if (nv->netdev->reg_state != NETREG_UNINITIALIZED)
		return 0;
	error = netvsc_query(nv, RNDIS_OID_802_3_PERMANENT_ADDRESS, address, &bytes);
	if (error)
		return error;
	if (bytes != sizeof(address) || !is_valid_ether_addr(address))
		return -EPROTO;
	eth_hw_addr_set(nv->netdev, address);
	memcpy(nv->netdev->perm_addr, address, ETH_ALEN);
	return 0;
}

/* Hosts that do not say how long a frame may be take the standard size. */
static void query_mtu(struct netvsc *nv)
{
	u32 mtu, bytes = sizeof(mtu);

	nv->netdev->min_mtu = ETH_MIN_MTU;
	if (netvsc_query(nv, RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE, &mtu, &bytes) || bytes < sizeof(mtu))
		return;
	/* It is what we said in SEND_NDIS_CONFIG, or less: a host that can do more does not say so. */
	if (mtu < nv->mtu && mtu >= ETH_DATA_LEN)
		nv->netdev->max_mtu = mtu;
}

static int query_link(struct netvsc *nv)
{
	u32 state, bytes = sizeof(state);
	int error = netvsc_query(nv, RNDIS_OID_GEN_MEDIA_CONNECT_STATUS, &state, &bytes);

	if (error == -EOPNOTSUPP) {
		WRITE_ONCE(nv->link_down, false);
		return 0;
	}
	if (!error && bytes < sizeof(state))
		error = -EPROTO;
	if (!error)
		WRITE_ONCE(nv->link_down, state != RNDIS_MEDIA_CONNECTED);
	return error;
}

/**
 * netvsc_rndis_init() - initialise RNDIS and learn what the adapter can do
 * @nv: the buffers are the host's
 *
 * May sleep, until the deadline. Return: 0 or negative errno, after a line that names the step.
 */
int netvsc_rndis_init(struct netvsc *nv)
{
	static const struct {
		const char *name;
		int (*run)(struct netvsc *nv);
	} steps[] = {
		{ "INITIALIZE", initialize },
		{ "QUERY of the address", query_address },
		{ "QUERY of the link", query_link },
		{ "QUERY of the offloads", netvsc_offload_query },
		{ "QUERY of RSS", netvsc_rss_query },
	};
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		error = steps[i].run(nv);
		if (error) {
			dev_err(&nv->device->dev, "%s failed: error %d\n", steps[i].name, error);
			return error;
		}
	}
	query_mtu(nv);
	return nv->control.silent ? -ETIMEDOUT : 0;
}

/** netvsc_rndis_halt() - the opposite of netvsc_rndis_init(); waits, bounded, until the host has read it; may sleep */
void netvsc_rndis_halt(struct netvsc *nv)
{
	const struct rndis_halt body = {};
	const struct netvsc_request ask = {
		.type = RNDIS_HALT, .body = &body, .body_bytes = sizeof(body), .step = "HALT",
	};
	struct nvsp_message answer;
	u32 got = sizeof(answer);

	netvsc_rndis_ask(nv, &ask, &answer, &got);
}

static void indicated(struct netvsc *nv, const u8 *body, u32 bytes)
{
	struct rndis_indicate_status status;

	if (bytes < sizeof(status))
		return netvsc_refuse(nv, REFUSED_RNDIS_LENGTH);
	memcpy(&status, body, sizeof(status));
	netvsc_link_says(nv, status.status);
}

/**
 * netvsc_rndis_message() - an RNDIS message that is no frame came on the primary channel
 * @nv: the adapter
 * @message: private copy
 * @bytes: of its range, at least a header
 *
 * In poll().
 */
void netvsc_rndis_message(struct netvsc *nv, const void *message, u32 bytes)
{
	struct rndis_header header;
	u32 body_bytes;

	memcpy(&header, message, sizeof(header));
	if (header.length > bytes || header.length < sizeof(header) + sizeof(u32))
		return netvsc_refuse(nv, REFUSED_RNDIS_LENGTH);
	body_bytes = header.length - sizeof(header);
	switch (header.type) {
	case RNDIS_INITIALIZE | RNDIS_COMPLETION:
	case RNDIS_QUERY | RNDIS_COMPLETION:
	case RNDIS_SET | RNDIS_COMPLETION:
	case RNDIS_KEEPALIVE | RNDIS_COMPLETION:
		return netvsc_control_rndis(nv, message, header.length);
	case RNDIS_INDICATE_STATUS:
		return indicated(nv, (const u8 *)message + sizeof(header), body_bytes);
	default:
		netvsc_refuse(nv, REFUSED_RNDIS_TYPE);
	}
}
