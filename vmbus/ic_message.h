/* SPDX-License-Identifier: GPL-2.0 */
/* Messages of integration services as bytes: the gate, and the answer to the handshake. Knows no channel. */
#ifndef HVIS_VMBUS_IC_MESSAGE_H
#define HVIS_VMBUS_IC_MESSAGE_H

#include <linux/types.h>

#include "wire/ic.h"

/* What the gate says. */
enum ic_verdict {
	IC_FINE,
	IC_SHORT, /* no room for the two headers */
	IC_LONG, /* more than IC_MESSAGE_MAX */
	IC_PIPE_SIZE, /* the pipe header says more than came, or less than the IC header */
	IC_BODY_SIZE, /* the IC header says more than the pipe header, or nothing at all */
	IC_ANSWER, /* not a request */
	IC_COUNTS, /* NEGOTIATE: more versions than came, or than IC_VERSIONS_MAX of one kind */
	IC_VERDICTS,
};

/**
 * struct ic_message - what passed the gate
 * @type: IC_*
 * @bytes: the whole message, both headers included
 * @body_bytes: of its body
 */
struct ic_message {
	u16 type;
	u32 bytes;
	u32 body_bytes;
};

/**
 * struct ic_agreed - what a handshake came to
 * @frame: version of frames
 * @message: version of the service's messages
 */
struct ic_agreed {
	struct ic_version frame;
	struct ic_version message;
};

enum ic_verdict ic_message_check(struct ic_message *message, const void *packet, u32 packet_bytes);
const char *ic_verdict_text(enum ic_verdict verdict);
bool ic_message_agree(void *message, const struct ic_version *versions, unsigned int count, struct ic_agreed *agreed);
void ic_message_answer(void *message, u32 status);

#endif
