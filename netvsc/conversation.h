/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests to the host, one at a time: how they find their answers (control.c), and what they say (nvsp.c, rndis.c).
 */
#ifndef HVIS_NETVSC_CONVERSATION_H
#define HVIS_NETVSC_CONVERSATION_H

#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "vmbus.h"
#include "wire/nvsp.h"

struct netvsc;

/**
 * struct netvsc_control - the one request that waits for the host's answer (control.c)
 * @mutex: held by who asks, until the answer
 * @lock: guards the rest
 * @xact: who waits, or NULL
 * @id: transaction id of the packet
 * @request: RNDIS request id of the answer; 0: the answer is the packet's completion
 * @sequence: of the last id
 * @page: where RNDIS requests lie, for the host to read
 * @silent: one was not answered: others fail at once until there is a new connection
 */
struct netvsc_control {
	struct mutex mutex;
	spinlock_t lock;
	struct hvis_xact *xact;
	u64 id;
	u32 request;
	u64 sequence;
	void *page;
	bool silent;
};

/**
 * struct netvsc_request - an RNDIS request
 * @type: RNDIS_*
 * @body: what follows the header; begins with a place for the request id
 * @body_bytes: its length
 * @value: follows the body; @value_bytes: its length
 * @step: its name, for the log line of a time-out
 */
struct netvsc_request {
	u32 type;
	const void *body;
	u32 body_bytes;
	const void *value;
	u32 value_bytes;
	const char *step;
};

/* control.c */
void netvsc_control_init(struct netvsc *nv);
int netvsc_nvsp_ask(struct netvsc *nv, struct nvsp_message *message, u32 *bytes, const char *step);
int netvsc_nvsp_tell(struct netvsc *nv, const struct nvsp_message *message);
int netvsc_rndis_ask(struct netvsc *nv, const struct netvsc_request *ask, void *reply, u32 *reply_bytes);
void netvsc_control_answer(struct netvsc *nv, const struct hvis_packet *packet);
void netvsc_control_rndis(struct netvsc *nv, const void *message, u32 bytes);
void netvsc_control_fail(struct netvsc *nv, int error);

/* nvsp.c */
int netvsc_nvsp_init(struct netvsc *nv);
int netvsc_nvsp_buffers(struct netvsc *nv, u32 recv_gpadl, u32 send_gpadl);
u32 netvsc_nvsp_sub_channels(struct netvsc *nv, u32 count);
void netvsc_nvsp_revoke(struct netvsc *nv);
void netvsc_nvsp_unasked(struct netvsc *nv, const struct hvis_packet *packet);

/* rndis.c */
int netvsc_rndis_init(struct netvsc *nv);
void netvsc_rndis_halt(struct netvsc *nv);
int netvsc_query(struct netvsc *nv, u32 oid, void *value, u32 *bytes);
int netvsc_set(struct netvsc *nv, u32 oid, const void *value, u32 bytes);
void netvsc_rndis_message(struct netvsc *nv, const void *message, u32 bytes);

#endif
