// SPDX-License-Identifier: GPL-2.0
/*
 * The table of all messages that a host may send us, and who takes them. It names handlers of higher layers, so it is
 * none of chanmsg.c's, which keeps the gate.
 * Invariant: after the gate a handler may read as many bytes as the table says.
 */
#include "internal.h"

/* The lengths are those that we read; hosts may append. */
const struct chanmsg_rule message_rules[CHANMSG_TYPE_COUNT] = {
	[CHANMSG_OFFER] = { sizeof(struct chanmsg_offer), 0, offer_handle },
	[CHANMSG_RESCIND] = { sizeof(struct chanmsg_relid), 0, offer_handle_rescind },
	[CHANMSG_ALL_OFFERS_DELIVERED] = { sizeof(struct chanmsg_header) },
	[CHANMSG_OPEN_RESULT] = { sizeof(struct chanmsg_open_result),
				  offsetof(struct chanmsg_open_result, open_id) },
	[CHANMSG_GPADL_CREATED] = { sizeof(struct chanmsg_gpadl_created),
				    offsetof(struct chanmsg_gpadl_created, gpadl) },
	[CHANMSG_GPADL_TORNDOWN] = { sizeof(struct chanmsg_gpadl_torndown),
				     offsetof(struct chanmsg_gpadl_torndown, gpadl) },
	/* Before 5.0 it ends here, without the connection id. */
	[CHANMSG_VERSION_RESPONSE] = { offsetof(struct chanmsg_version_response, padding) },
	[CHANMSG_UNLOAD_RESPONSE] = { sizeof(struct chanmsg_header) },
	[CHANMSG_MODIFY_RESPONSE] = { sizeof(struct chanmsg_modify_response),
				      offsetof(struct chanmsg_modify_response, relid) },
};
