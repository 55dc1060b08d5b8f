// SPDX-License-Identifier: GPL-2.0
/*
 * The names that rules of faults have for numbers (docs/fault.md).
 */
#include <string.h>

#include "fault_internal.h"
#include "wire/chanmsg.h"
#include "wire/dm.h"
#include "wire/hypercall.h"
#include "wire/ic.h"
#include "wire/nvsp.h"
#include "wire/packet.h"
#include "wire/rndis.h"
#include "wire/vstor.h"

struct name {
	const char *name;
	uint64_t value;
};

static const struct name subjects[] = {
	{ "message", FAULT_MESSAGE },	  { "packet", FAULT_PACKET }, { "hypercall", FAULT_HYPERCALL },
	{ "interrupt", FAULT_INTERRUPT }, { "now", FAULT_NOW },
};

static const struct name message_types[] = {
	{ "offer", CHANMSG_OFFER },
	{ "rescind", CHANMSG_RESCIND },
	{ "request-offers", CHANMSG_REQUEST_OFFERS },
	{ "all-offers-delivered", CHANMSG_ALL_OFFERS_DELIVERED },
	{ "open", CHANMSG_OPEN },
	{ "open-result", CHANMSG_OPEN_RESULT },
	{ "close", CHANMSG_CLOSE },
	{ "gpadl-header", CHANMSG_GPADL_HEADER },
	{ "gpadl-body", CHANMSG_GPADL_BODY },
	{ "gpadl-created", CHANMSG_GPADL_CREATED },
	{ "gpadl-teardown", CHANMSG_GPADL_TEARDOWN },
	{ "gpadl-torndown", CHANMSG_GPADL_TORNDOWN },
	{ "relid-released", CHANMSG_RELID_RELEASED },
	{ "initiate-contact", CHANMSG_INITIATE_CONTACT },
	{ "version-response", CHANMSG_VERSION_RESPONSE },
	{ "unload", CHANMSG_UNLOAD },
	{ "unload-response", CHANMSG_UNLOAD_RESPONSE },
	{ "modify", CHANMSG_MODIFY },
	{ "modify-response", CHANMSG_MODIFY_RESPONSE },
};

static const struct name packet_types[] = {
	{ "inband", PACKET_INBAND },
	{ "xfer-pages", PACKET_XFER_PAGES },
	{ "gpa-direct", PACKET_GPA_DIRECT },
	{ "completion", PACKET_COMPLETION },
};

static const struct name hypercalls[] = {
	{ "post-message", TLFS_HCALL_POST_MESSAGE },
	{ "signal-event", TLFS_HCALL_SIGNAL_EVENT },
};

static const struct name operations[] = {
	{ "complete-io", VSTOR_COMPLETE_IO },
	{ "remove-device", VSTOR_REMOVE_DEVICE },
	{ "execute-srb", VSTOR_EXECUTE_SRB },
	{ "reset-lun", VSTOR_RESET_LUN },
	{ "reset-adapter", VSTOR_RESET_ADAPTER },
	{ "reset-bus", VSTOR_RESET_BUS },
	{ "begin-initialization", VSTOR_BEGIN_INITIALIZATION },
	{ "end-initialization", VSTOR_END_INITIALIZATION },
	{ "query-protocol-version", VSTOR_QUERY_PROTOCOL_VERSION },
	{ "query-properties", VSTOR_QUERY_PROPERTIES },
	{ "enumerate-bus", VSTOR_ENUMERATE_BUS },
	{ "fchba-data", VSTOR_FCHBA_DATA },
	{ "create-sub-channels", VSTOR_CREATE_SUB_CHANNELS },
	{ "event-notification", VSTOR_EVENT_NOTIFICATION },
};

static const struct name nvsp_types[] = {
	{ "init", NVSP_INIT },
	{ "init-complete", NVSP_INIT_COMPLETE },
	{ "ndis-version", NVSP_SEND_NDIS_VERSION },
	{ "ndis-config", NVSP_SEND_NDIS_CONFIG },
	{ "recv-buf", NVSP_SEND_RECV_BUF },
	{ "recv-buf-complete", NVSP_SEND_RECV_BUF_COMPLETE },
	{ "revoke-recv-buf", NVSP_REVOKE_RECV_BUF },
	{ "send-buf", NVSP_SEND_SEND_BUF },
	{ "send-buf-complete", NVSP_SEND_SEND_BUF_COMPLETE },
	{ "revoke-send-buf", NVSP_REVOKE_SEND_BUF },
	{ "rndis", NVSP_SEND_RNDIS_PKT },
	{ "rndis-complete", NVSP_SEND_RNDIS_PKT_COMPLETE },
	{ "vf-association", NVSP_SEND_VF_ASSOCIATION },
	{ "data-path", NVSP_SWITCH_DATA_PATH },
	{ "sub-channel", NVSP_SUBCHANNEL },
	{ "indirection-table", NVSP_SEND_INDIRECTION_TABLE },
};

static const struct name dm_types[] = {
	{ "version-request", DM_VERSION_REQUEST },
	{ "version-response", DM_VERSION_RESPONSE },
	{ "caps-report", DM_CAPS_REPORT },
	{ "caps-response", DM_CAPS_RESPONSE },
	{ "status-report", DM_STATUS_REPORT },
	{ "balloon-request", DM_BALLOON_REQUEST },
	{ "balloon-response", DM_BALLOON_RESPONSE },
	{ "unballoon-request", DM_UNBALLOON_REQUEST },
	{ "unballoon-response", DM_UNBALLOON_RESPONSE },
	{ "hot-add-request", DM_HOT_ADD_REQUEST },
	{ "hot-add-response", DM_HOT_ADD_RESPONSE },
	{ "info", DM_INFO },
	{ "hot-remove-request", DM_HOT_REMOVE_REQUEST },
	{ "hot-remove-response", DM_HOT_REMOVE_RESPONSE },
};

static const struct name ic_types[] = {
	{ "negotiate", IC_NEGOTIATE },
	{ "heartbeat", IC_HEARTBEAT },
	{ "shutdown", IC_SHUTDOWN },
	{ "timesync", IC_TIMESYNC },
};

static const struct name rndis_types[] = {
	{ "packet", RNDIS_PACKET },
	{ "initialize", RNDIS_INITIALIZE },
	{ "initialize-complete", RNDIS_INITIALIZE | RNDIS_COMPLETION },
	{ "halt", RNDIS_HALT },
	{ "query", RNDIS_QUERY },
	{ "query-complete", RNDIS_QUERY | RNDIS_COMPLETION },
	{ "set", RNDIS_SET },
	{ "set-complete", RNDIS_SET | RNDIS_COMPLETION },
	{ "reset", RNDIS_RESET },
	{ "reset-complete", RNDIS_RESET | RNDIS_COMPLETION },
	{ "indicate-status", RNDIS_INDICATE_STATUS },
	{ "keepalive", RNDIS_KEEPALIVE },
	{ "keepalive-complete", RNDIS_KEEPALIVE | RNDIS_COMPLETION },
};

static const struct name oids[] = {
	{ "frame-size", RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE },
	{ "link-speed", RNDIS_OID_GEN_LINK_SPEED },
	{ "packet-filter", RNDIS_OID_GEN_CURRENT_PACKET_FILTER },
	{ "link", RNDIS_OID_GEN_MEDIA_CONNECT_STATUS },
	{ "rss-capabilities", RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES },
	{ "rss-parameters", RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS },
	{ "config-parameter", RNDIS_OID_GEN_CONFIG_PARAMETER },
	{ "permanent-address", RNDIS_OID_802_3_PERMANENT_ADDRESS },
	{ "current-address", RNDIS_OID_802_3_CURRENT_ADDRESS },
	{ "offload-parameters", RNDIS_OID_TCP_OFFLOAD_PARAMETERS },
	{ "offload-capabilities", RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES },
};

static const struct name rings[] = {
	{ "to-guest", FAULT_TO_GUEST },
	{ "from-guest", FAULT_FROM_GUEST },
};

static const struct name places[] = {
	{ "payload", FAULT_AT_PAYLOAD },
	{ "ranges", FAULT_AT_RANGES },
	{ "pointed", FAULT_AT_POINTED },
};

#define TABLE(array) { array, sizeof(array) / sizeof((array)[0]) }
static const struct {
	const struct name *names;
	size_t count;
} tables[] = {
	[FAULT_NAMES_NONE] = { NULL, 0 },
	[FAULT_NAMES_SUBJECT] = TABLE(subjects),
	[FAULT_NAMES_MESSAGE] = TABLE(message_types),
	[FAULT_NAMES_PACKET] = TABLE(packet_types),
	[FAULT_NAMES_HYPERCALL] = TABLE(hypercalls),
	[FAULT_NAMES_VSTOR] = TABLE(operations),
	[FAULT_NAMES_NVSP] = TABLE(nvsp_types),
	[FAULT_NAMES_DM] = TABLE(dm_types),
	[FAULT_NAMES_IC] = TABLE(ic_types),
	[FAULT_NAMES_RNDIS] = TABLE(rndis_types),
	[FAULT_NAMES_OID] = TABLE(oids),
	[FAULT_NAMES_RING] = TABLE(rings),
	[FAULT_NAMES_PLACE] = TABLE(places),
};

bool fault_name(enum fault_names names, const char *text, uint64_t *value)
{
	for (size_t i = 0; i < tables[names].count; i++) {
		if (strcmp(tables[names].names[i].name, text))
			continue;
		*value = tables[names].names[i].value;
		return true;
	}
	return false;
}

const char *fault_name_of(enum fault_names names, uint64_t value)
{
	for (size_t i = 0; i < tables[names].count; i++)
		if (tables[names].names[i].value == value)
			return tables[names].names[i].name;
	return NULL;
}
