// SPDX-License-Identifier: GPL-2.0
/*
 * Shutdown: the host asks for an orderly end or a restart. The answer is sent before anything is done, as there may be no later. How the
 * machine goes down is user space's: its poweroff and reboot commands, and if they fail, the kernel does it itself.
 * Invariant: the machine goes down at most once, and only after a request that passed the gate was answered with success.
 */
#include <linux/kernel.h>
#include <linux/reboot.h>
#include <linux/string.h>

#include "internal.h"

static const struct ic_version versions[] = { { 3, 2 }, { 3, 1 }, { 3, 0 }, { 1, 0 } };

/* NONE -> ASKED_* -> DOING, for good: a machine that goes down does not come back. */
enum shutdown_state {
	SHUTDOWN_NONE,
	SHUTDOWN_ASKED_POWER_OFF,
	SHUTDOWN_ASKED_REBOOT,
	SHUTDOWN_DOING,
};

/* There is one machine, however many devices ask. Only work items of the service, one device's, change it. */
static enum shutdown_state state;

static enum shutdown_state wish_of(u32 flags)
{
	switch (flags & ~IC_SHUTDOWN_FORCE) {
	case IC_SHUTDOWN_POWER_OFF:
		return SHUTDOWN_ASKED_POWER_OFF;
	case IC_SHUTDOWN_REBOOT:
		return SHUTDOWN_ASKED_REBOOT;
	default:
		return SHUTDOWN_NONE;
	}
}

static u32 refuse(u32 flags)
{
	bool hibernate = (flags & ~IC_SHUTDOWN_FORCE) == IC_SHUTDOWN_HIBERNATE;

	pr_warn_ratelimited("hvis_util: shutdown with flags 0x%x refused: %s\n", flags,
			    hibernate ? "hibernation is not supported" : "not known");
	return IC_STATUS_FAIL;
}

static u32 request(void *context, const struct hvis_ic_request *request)
{
	enum shutdown_state wish;
	u32 flags;

	if (request->bytes < offsetof(struct ic_shutdown, text)) {
		pr_warn_ratelimited("hvis_util: a shutdown of %u bytes refused: it needs %zu\n", request->bytes,
				    offsetof(struct ic_shutdown, text));
		return IC_STATUS_FAIL;
	}
	memcpy(&flags, request->body + offsetof(struct ic_shutdown, flags), sizeof(flags));
	wish = wish_of(flags);
	if (wish == SHUTDOWN_NONE)
		return refuse(flags);
	if (state == SHUTDOWN_NONE)
		state = wish;
	return IC_STATUS_OK;
}

/* The answer is on its way. */
static void drained(void *context)
{
	enum shutdown_state asked = state;

	if (asked == SHUTDOWN_NONE || asked == SHUTDOWN_DOING)
		return;
	state = SHUTDOWN_DOING;
	pr_info("hvis_util: the host asks for %s\n", asked == SHUTDOWN_ASKED_REBOOT ? "a reboot" : "power-off");
	if (asked == SHUTDOWN_ASKED_REBOOT)
		orderly_reboot();
	else
		orderly_poweroff(true);
}

const struct hvis_ic_service shutdown_service = {
	.name = "shutdown",
	.type = IC_SHUTDOWN,
	.versions = versions,
	.version_count = ARRAY_SIZE(versions),
	.request = request,
	.drained = drained,
};
