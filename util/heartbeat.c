// SPDX-License-Identifier: GPL-2.0
/*
 * Heartbeat: the host counts, the guest counts one further, so the host knows that its kernel still runs work. What the bus does for every
 * service is vmbus_ic.h's.
 * Invariant: an answer counts by exactly one.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "internal.h"

static const struct ic_version versions[] = { { 3, 0 }, { 1, 0 } };

static u32 request(void *context, const struct hvis_ic_request *request)
{
	struct ic_heartbeat heartbeat = {};
	u32 bytes = min_t(u32, request->bytes, offsetof(struct ic_heartbeat, reserved));

	if (request->bytes < sizeof(heartbeat.sequence)) {
		pr_warn_ratelimited("hvis_util: a heartbeat of %u bytes refused: it needs %zu\n", request->bytes, sizeof(heartbeat.sequence));
		return IC_STATUS_FAIL;
	}
	memcpy(&heartbeat, request->body, bytes);
	heartbeat.sequence++;
	/* Of the programs nobody has told us anything. */
	heartbeat.application_state = IC_APPLICATION_UNKNOWN;
	memcpy(request->body, &heartbeat, bytes);
	return IC_STATUS_OK;
}

const struct hvis_ic_service heartbeat_service = {
	.name = "heartbeat",
	.type = IC_HEARTBEAT,
	.versions = versions,
	.version_count = ARRAY_SIZE(versions),
	.request = request,
};
