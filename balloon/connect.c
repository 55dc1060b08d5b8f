// SPDX-License-Identifier: GPL-2.0
/*
 * The negotiation: which version of the protocol, and what the guest can do. What comes after it is server.c's.
 * Invariant: one question at a time, each with a time limit; an answer that nobody waits for changes nothing.
 */
#include "internal.h"

/* Newest first. */
static const u32 versions[] = { DM_VERSION_WIN10, DM_VERSION_WIN8, DM_VERSION_WIN7 };

static void set_waiting(struct balloon_ask *ask, struct hvis_xact *xact, u16 type)
{
	spin_lock(&ask->lock);
	ask->xact = xact;
	ask->type = type;
	spin_unlock(&ask->lock);
}

/* Send a message and wait for its answer, @type. Return: 0 or negative errno. */
static int ask(struct balloon *balloon, const void *message, u32 bytes, u16 type, u64 *flags)
{
	struct hvis_xact xact;
	char what[64];
	int error;

	snprintf(what, sizeof(what), "%s of %s", type == DM_VERSION_RESPONSE ? "VERSION_REQUEST" : "CAPS_REPORT",
		 dev_name(&balloon->device->dev));
	hvis_xact_init(&xact, flags, sizeof(*flags));
	set_waiting(&balloon->ask, &xact, type);
	error = balloon_is_gone(balloon) ? -ENODEV : balloon_send(balloon, message, bytes);
	if (!error)
		error = hvis_xact_wait(&xact, balloon_connect_ms, what);
	set_waiting(&balloon->ask, NULL, 0);
	return error;
}

static int ask_version(struct balloon *balloon)
{
	struct dm_version_request request = { .header = { DM_VERSION_REQUEST, sizeof(request) } };
	u64 flags = 0;
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		request.header.trans_id = atomic_inc_return(&balloon->trans_id);
		request.version = versions[i];
		request.last_attempt = i == ARRAY_SIZE(versions) - 1;
		error = ask(balloon, &request, sizeof(request), DM_VERSION_RESPONSE, &flags);
		if (error)
			return error;
		if (flags & 1) {
			balloon->version = versions[i];
			return 0;
		}
	}
	dev_err(&balloon->device->dev, "the host accepts none of the versions 2.0, 1.0 and 0.3\n");
	return -EPROTONOSUPPORT;
}

static u64 capabilities(const struct balloon *balloon)
{
	u64 caps = 0;

	if (balloon_balloon)
		caps |= DM_CAP_BALLOON;
	if (balloon_hot_add) {
		u64 alignment = ilog2(memory_block_pages() >> (20 - DM_PAGE_SHIFT));

		caps |= DM_CAP_HOT_ADD | alignment << DM_CAP_HOT_ADD_ALIGNMENT_SHIFT;
		if (balloon->version >= DM_VERSION_WIN10)
			caps |= DM_CAP_HOT_REMOVE;
	}
	return caps;
}

static int report_caps(struct balloon *balloon)
{
	struct dm_caps_report report = {
		.header = { DM_CAPS_REPORT, sizeof(report), atomic_inc_return(&balloon->trans_id) },
		.caps = capabilities(balloon),
		.min_page_count = balloon_floor(balloon_total(balloon), balloon_fixed_floor()),
		.max_page_number = balloon->ledger.page_limit - 1,
	};
	int error = ask(balloon, &report, sizeof(report), DM_CAPS_RESPONSE, &balloon->host_flags);

	if (error)
		return error;
	if (balloon->host_flags & DM_CAPS_ACCEPTED)
		return 0;
	dev_err(&balloon->device->dev, "the host does not accept capabilities 0x%llx\n", report.caps);
	return -EPROTO;
}

/**
 * balloon_connect() - negotiate; afterwards the device is READY, and may be serving a request already
 * @balloon: its channel is open, its server runs
 *
 * May sleep, at most four times balloon_connect_ms. Return: 0; negative errno after a line that says what the host did: -EPROTONOSUPPORT,
 * -EPROTO: it refused; -ETIMEDOUT, -ENODEV, -EIO: it did not answer, is gone, or broke the ring's rules.
 */
int balloon_connect(struct balloon *balloon)
{
	int error = ask_version(balloon);

	return error ? error : report_caps(balloon);
}

/* A host may ask for something right behind its CAPS_RESPONSE: whoever reads that next finds the state right, however late the waiter runs. */
static bool accept_caps(struct balloon *balloon, const struct balloon_message *message)
{
	return message->type != DM_CAPS_RESPONSE || !(message->flags & DM_CAPS_ACCEPTED) ||
	       balloon_enter(balloon, BALLOON_NEGOTIATING, BALLOON_READY);
}

/** balloon_connect_answer() - a VERSION_RESPONSE or CAPS_RESPONSE came; the server's */
void balloon_connect_answer(struct balloon *balloon, const struct balloon_message *message)
{
	struct balloon_ask *question = &balloon->ask;
	bool taken = false;

	spin_lock(&question->lock);
	if (question->xact && question->type == message->type && accept_caps(balloon, message))
		taken = hvis_xact_complete(question->xact, &message->flags, sizeof(message->flags));
	spin_unlock(&question->lock);
	if (!taken)
		balloon_refuse(balloon, REFUSED_STATE, 0, 0);
}

/** balloon_connect_fail() - nobody will answer; process context */
void balloon_connect_fail(struct balloon *balloon, int error)
{
	spin_lock(&balloon->ask.lock);
	if (balloon->ask.xact)
		hvis_xact_fail(balloon->ask.xact, error);
	spin_unlock(&balloon->ask.lock);
}
