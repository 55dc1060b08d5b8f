// SPDX-License-Identifier: GPL-2.0
/*
 * The objects of an RNDIS device: one row each, asked and set.
 * Source: which ones guests use: drivers/net/hyperv/rndis_filter.c of Linux; meanings: Microsoft's NDIS reference.
 */
#include "rndis.h"

#include <stddef.h>
#include <string.h>

#define ETHERNET_BYTES 14u
#define LINK_SPEED 100000000u /* 10 Gbit/s in 100 bit/s */
#define LSO_BYTES_MAX 65520u /* with an Ethernet header and a tag below NET_FRAME_MAX */

static uint32_t put(struct rndis_exchange *exchange, const void *value, uint32_t bytes)
{
	if (bytes > exchange->out_room)
		return RNDIS_STATUS_FAILURE;
	memcpy(exchange->out, value, bytes);
	exchange->out_bytes = bytes;
	return RNDIS_STATUS_SUCCESS;
}

static uint32_t put_u32(struct rndis_exchange *exchange, uint32_t value)
{
	return put(exchange, &value, sizeof(value));
}

static uint32_t hardware_status(struct rndis_exchange *exchange)
{
	return put_u32(exchange, 0); /* ready */
}

static uint32_t medium(struct rndis_exchange *exchange)
{
	return put_u32(exchange, 0); /* 802.3 */
}

static uint32_t frame_size(struct rndis_exchange *exchange)
{
	return put_u32(exchange, exchange->about->mtu);
}

static uint32_t total_size(struct rndis_exchange *exchange)
{
	return put_u32(exchange, exchange->about->mtu + ETHERNET_BYTES);
}

static uint32_t link_speed(struct rndis_exchange *exchange)
{
	return put_u32(exchange, LINK_SPEED);
}

static uint32_t vendor_id(struct rndis_exchange *exchange)
{
	return put_u32(exchange, 0xFFFFFF); /* none of IEEE's */
}

static uint32_t vendor_description(struct rndis_exchange *exchange)
{
	static const char text[] = "hvis";

	return put(exchange, text, sizeof(text));
}

static uint32_t get_filter(struct rndis_exchange *exchange)
{
	return put_u32(exchange, exchange->config->filter);
}

static uint32_t link_status(struct rndis_exchange *exchange)
{
	return put_u32(exchange, exchange->about->link ? RNDIS_MEDIA_CONNECTED : RNDIS_MEDIA_DISCONNECTED);
}

/* "Permanent" is what Linux asks for; after it has set an address, and reloaded, it wants to see that one. */
static uint32_t address(struct rndis_exchange *exchange)
{
	return put(exchange, exchange->config->mac, sizeof(exchange->config->mac));
}

static uint32_t multicast_max(struct rndis_exchange *exchange)
{
	return put_u32(exchange, RNDIS_MULTICAST_MAX);
}

static uint32_t get_multicast(struct rndis_exchange *exchange)
{
	return put(exchange, exchange->config->multicast, exchange->config->multicast_count * 6);
}

static uint32_t count(struct rndis_exchange *exchange, enum rndis_counter which)
{
	return put_u32(exchange, (uint32_t)exchange->about->counter(exchange->about->context, which));
}

static uint32_t xmit_ok(struct rndis_exchange *exchange)
{
	return count(exchange, RNDIS_XMIT_OK);
}

static uint32_t rcv_ok(struct rndis_exchange *exchange)
{
	return count(exchange, RNDIS_RCV_OK);
}

static uint32_t xmit_error(struct rndis_exchange *exchange)
{
	return count(exchange, RNDIS_XMIT_ERROR);
}

static uint32_t rcv_error(struct rndis_exchange *exchange)
{
	return count(exchange, RNDIS_RCV_ERROR);
}

static uint32_t rcv_no_buffer(struct rndis_exchange *exchange)
{
	return count(exchange, RNDIS_RCV_NO_BUFFER);
}

static uint32_t rss_capabilities(struct rndis_exchange *exchange)
{
	const struct ndis_rss_capabilities capabilities = {
		.header = { NDIS_OBJECT_RSS_CAPABILITIES, NDIS_RSS_CAPABILITIES_REVISION, sizeof(capabilities) },
		.flags = NDIS_HASH_TOEPLITZ | NDIS_RSS_CAP_TCP_IPV4 | NDIS_RSS_CAP_TCP_IPV6 |
			 NDIS_RSS_CAP_UDP_IPV4 | NDIS_RSS_CAP_UDP_IPV6 |
			 NDIS_RSS_CAP_CLASSIFICATION_AT_ISR | NDIS_RSS_CAP_CLASSIFICATION_AT_DPC,
		.interrupt_count = exchange->about->channels_max,
		.queue_count = exchange->about->channels_max,
		.table_count = NDIS_RSS_TABLE_DEFAULT,
	};

	return put(exchange, &capabilities, sizeof(capabilities));
}

/* As old as the one who asks: what he sends along says so, else the protocol version does. */
static uint32_t offload_revision(const struct rndis_exchange *exchange)
{
	struct ndis_object header;

	if (exchange->in_bytes >= sizeof(header)) {
		memcpy(&header, exchange->in, sizeof(header));
		if (header.type == NDIS_OBJECT_OFFLOAD && header.revision && header.revision < NDIS_OFFLOAD_REVISION_3)
			return header.revision;
	}
	return exchange->about->nvsp_version >= 0x50000 ? NDIS_OFFLOAD_REVISION_3 : NDIS_OFFLOAD_REVISION_2;
}

static uint32_t get_offloads(struct rndis_exchange *exchange)
{
	static const uint16_t sizes[] = {
		[NDIS_OFFLOAD_REVISION_1] = offsetof(struct ndis_offload, ipsec_v2),
		[NDIS_OFFLOAD_REVISION_2] = offsetof(struct ndis_offload, rsc_ip4),
		[NDIS_OFFLOAD_REVISION_3] = sizeof(struct ndis_offload),
	};
	uint32_t revision = offload_revision(exchange);
	const uint32_t ip4 = NDIS_CSUM_IP4_OPTIONS | NDIS_CSUM_TCP4_OPTIONS | NDIS_CSUM_TCP4 | NDIS_CSUM_UDP4 |
			     NDIS_CSUM_IP4;
	const uint32_t ip6 = NDIS_CSUM_IP6_EXTENSIONS | NDIS_CSUM_TCP6_OPTIONS | NDIS_CSUM_TCP6 | NDIS_CSUM_UDP6;
	const struct ndis_offload offload = {
		.header = { NDIS_OBJECT_OFFLOAD, (uint8_t)revision, sizes[revision] },
		.csum = { NDIS_ENCAPSULATION_8023, ip4, NDIS_ENCAPSULATION_8023, ip4, NDIS_ENCAPSULATION_8023, ip6,
			  NDIS_ENCAPSULATION_8023, ip6 },
		.lso_v2 = { NDIS_ENCAPSULATION_8023, LSO_BYTES_MAX, 2, NDIS_ENCAPSULATION_8023, LSO_BYTES_MAX, 2,
			    NDIS_LSO_IP6_EXTENSIONS | NDIS_LSO_TCP6_OPTIONS },
		.rsc_ip4 = exchange->about->rsc,
		.rsc_ip6 = exchange->about->rsc,
	};

	return put(exchange, &offload, sizes[revision]);
}

/* A switch of OFFLOAD_PARAMETERS, of checksums: what of it is about receiving. */
static void set_csum(uint8_t value, bool *rx)
{
	if (value >= NDIS_OFFLOAD_OFF && value <= NDIS_OFFLOAD_TX_RX)
		*rx = value >= NDIS_OFFLOAD_RX;
}

static void set_rsc(uint8_t value, bool possible, bool *rsc)
{
	if (value == NDIS_OFFLOAD_DISABLED || value == NDIS_OFFLOAD_ENABLED)
		*rsc = possible && value == NDIS_OFFLOAD_ENABLED;
}

static uint32_t set_offloads(struct rndis_exchange *exchange)
{
	struct rndis_config *config = exchange->config;
	struct ndis_offload_parameters parameters = { 0 };
	uint32_t bytes = exchange->in_bytes < sizeof(parameters) ? exchange->in_bytes : sizeof(parameters);

	if (bytes < NDIS_OFFLOAD_PARAMETERS_BYTES_V4 - 2)
		return RNDIS_STATUS_INVALID_LENGTH;
	memcpy(&parameters, exchange->in, bytes);
	if (parameters.header.type != NDIS_OBJECT_DEFAULT)
		return RNDIS_STATUS_INVALID_DATA;
	/* What is sent carries its wishes with it; only what is received is decided here. */
	set_csum(parameters.tcp4_csum, &config->rx_csum4);
	set_csum(parameters.tcp6_csum, &config->rx_csum6);
	set_rsc(parameters.rsc_ip4, exchange->about->rsc, &config->rsc4);
	set_rsc(parameters.rsc_ip6, exchange->about->rsc, &config->rsc6);
	return RNDIS_STATUS_SUCCESS;
}

static uint32_t set_filter(struct rndis_exchange *exchange)
{
	if (exchange->in_bytes < sizeof(exchange->config->filter))
		return RNDIS_STATUS_INVALID_LENGTH;
	memcpy(&exchange->config->filter, exchange->in, sizeof(exchange->config->filter));
	return RNDIS_STATUS_SUCCESS;
}

static uint32_t set_multicast(struct rndis_exchange *exchange)
{
	struct rndis_config *config = exchange->config;

	if (exchange->in_bytes % 6 || exchange->in_bytes > sizeof(config->multicast))
		return RNDIS_STATUS_INVALID_LENGTH;
	if (exchange->in_bytes)
		memcpy(config->multicast, exchange->in, exchange->in_bytes);
	config->multicast_count = exchange->in_bytes / 6;
	return RNDIS_STATUS_SUCCESS;
}

static uint32_t set_rss(struct rndis_exchange *exchange)
{
	return rndis_rss_set(&exchange->config->rss, exchange->in, exchange->in_bytes, exchange->about->channels_max);
}

/* Encapsulation: plain Ethernet is all there is, whatever is asked. */
static uint32_t set_nothing(struct rndis_exchange *exchange)
{
	(void)exchange;
	return RNDIS_STATUS_SUCCESS;
}

/* UTF-16 that is ASCII. Return: false: it is not @bytes of such. */
static bool to_ascii(const struct rndis_exchange *exchange, uint32_t offset, uint32_t bytes, char *text, uint32_t room)
{
	if (bytes % 2 || bytes / 2 >= room || offset > exchange->in_bytes || bytes > exchange->in_bytes - offset)
		return false;
	for (uint32_t i = 0; i < bytes / 2; i++) {
		if (exchange->in[offset + 2 * i + 1])
			return false;
		text[i] = (char)exchange->in[offset + 2 * i];
	}
	text[bytes / 2] = 0;
	return true;
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != 12)
		return false;
	for (unsigned int i = 0; i < 12; i++) {
		const char *digit = strchr(digits, text[i] | 0x20);

		if (!digit || !text[i])
			return false;
		mac[i / 2] = (uint8_t)(mac[i / 2] << 4 | (digit - digits));
	}
	return !(mac[0] & 1);
}

static uint32_t set_parameter(struct rndis_exchange *exchange)
{
	struct rndis_config_parameter parameter;
	char name[32], value[32];
	uint8_t mac[6] = { 0 };

	if (exchange->in_bytes < sizeof(parameter))
		return RNDIS_STATUS_INVALID_LENGTH;
	memcpy(&parameter, exchange->in, sizeof(parameter));
	if (parameter.type != RNDIS_PARAMETER_STRING ||
	    !to_ascii(exchange, parameter.name_offset, parameter.name_bytes, name, sizeof(name)) ||
	    !to_ascii(exchange, parameter.value_offset, parameter.value_bytes, value, sizeof(value)))
		return RNDIS_STATUS_INVALID_DATA;
	if (strcmp(name, RNDIS_PARAMETER_MAC))
		return RNDIS_STATUS_NOT_SUPPORTED;
	if (!parse_mac(value, mac))
		return RNDIS_STATUS_INVALID_DATA;
	memcpy(exchange->config->mac, mac, sizeof(mac));
	return RNDIS_STATUS_SUCCESS;
}

static uint32_t list_oids(struct rndis_exchange *exchange);

static const struct row {
	uint32_t oid;
	uint32_t (*query)(struct rndis_exchange *exchange);
	uint32_t (*set)(struct rndis_exchange *exchange);
} rows[] = {
	{ RNDIS_OID_GEN_SUPPORTED_LIST, list_oids, NULL },
	{ RNDIS_OID_GEN_HARDWARE_STATUS, hardware_status, NULL },
	{ RNDIS_OID_GEN_MEDIA_SUPPORTED, medium, NULL },
	{ RNDIS_OID_GEN_MEDIA_IN_USE, medium, NULL },
	{ RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE, frame_size, NULL },
	{ RNDIS_OID_GEN_LINK_SPEED, link_speed, NULL },
	{ RNDIS_OID_GEN_VENDOR_ID, vendor_id, NULL },
	{ RNDIS_OID_GEN_VENDOR_DESCRIPTION, vendor_description, NULL },
	{ RNDIS_OID_GEN_CURRENT_PACKET_FILTER, get_filter, set_filter },
	{ RNDIS_OID_GEN_MAXIMUM_TOTAL_SIZE, total_size, NULL },
	{ RNDIS_OID_GEN_MEDIA_CONNECT_STATUS, link_status, NULL },
	{ RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES, rss_capabilities, NULL },
	{ RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS, NULL, set_rss },
	{ RNDIS_OID_GEN_CONFIG_PARAMETER, NULL, set_parameter },
	{ RNDIS_OID_GEN_XMIT_OK, xmit_ok, NULL },
	{ RNDIS_OID_GEN_RCV_OK, rcv_ok, NULL },
	{ RNDIS_OID_GEN_XMIT_ERROR, xmit_error, NULL },
	{ RNDIS_OID_GEN_RCV_ERROR, rcv_error, NULL },
	{ RNDIS_OID_GEN_RCV_NO_BUFFER, rcv_no_buffer, NULL },
	{ RNDIS_OID_802_3_PERMANENT_ADDRESS, address, NULL },
	{ RNDIS_OID_802_3_CURRENT_ADDRESS, address, NULL },
	{ RNDIS_OID_802_3_MULTICAST_LIST, get_multicast, set_multicast },
	{ RNDIS_OID_802_3_MAXIMUM_LIST_SIZE, multicast_max, NULL },
	{ RNDIS_OID_TCP_OFFLOAD_CURRENT_CONFIG, get_offloads, NULL },
	{ RNDIS_OID_TCP_OFFLOAD_PARAMETERS, NULL, set_offloads },
	{ RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, get_offloads, NULL },
	{ RNDIS_OID_OFFLOAD_ENCAPSULATION, NULL, set_nothing },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static uint32_t list_oids(struct rndis_exchange *exchange)
{
	uint32_t list[ROWS];

	for (uint32_t i = 0; i < ROWS; i++)
		list[i] = rows[i].oid;
	return put(exchange, list, sizeof(list));
}

static const struct row *find(uint32_t oid)
{
	for (uint32_t i = 0; i < ROWS; i++)
		if (rows[i].oid == oid)
			return &rows[i];
	return NULL;
}

uint32_t rndis_query_oid(struct rndis_exchange *exchange, uint32_t oid)
{
	const struct row *row = find(oid);

	return row && row->query ? row->query(exchange) : RNDIS_STATUS_NOT_SUPPORTED;
}

uint32_t rndis_set_oid(struct rndis_exchange *exchange, uint32_t oid)
{
	const struct row *row = find(oid);

	return row && row->set ? row->set(exchange) : RNDIS_STATUS_NOT_SUPPORTED;
}
