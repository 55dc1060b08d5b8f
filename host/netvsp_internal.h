/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the files of the network provider: netvsp.c has the NIC and what all its channels know,
 * netvsp_channel.c an open channel, netvsp_conversation.c what is agreed before frames flow, netvsp_area.h the two buffers that the guest lends,
 * netvsp_tx.c frames from the guest, netvsp_rx.c to it, netvsp_spread.c those that another channel has read, netvsp_out.c the packets they go in.
 */
#ifndef HVIS_HOST_NETVSP_INTERNAL_H
#define HVIS_HOST_NETVSP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "channel.h"
#include "net_offload.h"
#include "netvsp.h"
#include "netvsp_area.h"
#include "rndis.h"
#include "rss.h"
#include "wire/nvsp.h"

#define NETVSP_PIECES 150u /* of guest memory in one packet, or one frame */
#define NETVSP_PACKET_MAX 4096u /* bytes of a packet of the guest: its page numbers, mostly */
#define NETVSP_MDL_CHAIN_MAX 34u /* ranges that we say a packet may have */
#define NETVSP_SLOTS 256u /* packets with frames that the guest has not returned, per channel */
#define NETVSP_ANSWERS 16u /* control messages that wait for the guest */
#define NETVSP_SPARE_MAX 128u

/* What a channel has done. Written by its worker alone, read by anyone. */
struct netvsp_counters {
	_Atomic uint64_t tx_packets, tx_frames, tx_bytes, tx_dropped; /* from the guest; packets: messages of NVSP */
	_Atomic uint64_t tx_segments, rx_segments; /* frames of a wire: what is segmented or coalesced counts as its parts */
	_Atomic uint64_t tx_csum, tx_lso, tx_refused;
	_Atomic uint64_t rx_packets, rx_frames, rx_bytes, rx_dropped, rx_filtered;
	_Atomic uint64_t rx_coalesced, rx_no_buffer, rx_errors;
	_Atomic uint64_t rx_handed_over, rx_taken_over; /* frames read for other channels, and by others for this one */
	_Atomic uint64_t refused; /* other packets than frames that were wrong */
	_Atomic uint64_t tx_section_bytes; /* that came in the send buffer: the guest has copied them there */
	_Atomic uint64_t copied_bytes; /* of frames and their RNDIS headers, by us */
} __attribute__((aligned(64)));

/* Units with frames that are to go out, linked by netvsp_area.next. @first, @last: only with @ranges. */
struct netvsp_chain {
	uint32_t first, last;
	uint32_t ranges, frames;
};

/* Frames that other channels have read for an open channel. */
struct netvsp_inbox {
	pthread_mutex_t lock; /* held for a few instructions; what is atomic is also looked at without */
	struct netvsp_area *_Atomic area; /* whose units @chain has; NULL: nothing may be put here */
	struct channel *channel; /* is called; with @area */
	struct netvsp_chain chain;
	atomic_bool filled; /* @chain is not empty, and the channel was called for that */
	atomic_bool stuck; /* the channel waits for its guest */
} __attribute__((aligned(64)));

struct netvsp {
	unsigned int number, plugged;
	char name[16];
	struct net *net;
	unsigned int channels_max;
	uint32_t version_max;
	struct channel_ops ops;
	struct provider provider; /* the bus thread's */

	/* Any thread, under the lock. A change is followed by netvsp_tell_all(). */
	pthread_mutex_t lock;
	struct rndis_about about;
	struct rndis_config config;
	struct rss *rss; /* NULL: what is read on a channel goes out on it */
	struct netvsp_area *recv, *send;
	struct netvsp_channel *channels[NETVSP_CHANNELS_MAX]; /* open ones, by index */
	unsigned int granted; /* sub-channels */

	atomic_uint news; /* changes of the above, which channels have a copy of */
	atomic_bool logged; /* the first refusal has been logged; the rest are counted */
	_Atomic uint32_t version; /* agreed; 0: none */
	struct netvsp_counters counters[NETVSP_CHANNELS_MAX];
	struct netvsp_inbox inboxes[NETVSP_CHANNELS_MAX]; /* by index */
};

enum netvsp_state {
	NETVSP_CLOSED, /* nothing said yet */
	NETVSP_VERSION_AGREED,
};

/* A packet with frames that is the guest's. */
struct netvsp_slot {
	uint32_t first; /* unit; NETVSP_UNIT_NONE: the slot is free */
	uint32_t generation;
	uint32_t next_free;
};

/* A packet with frames in the making. */
struct netvsp_batch {
	uint32_t count; /* ranges */
	uint32_t first, last; /* units */
	bool control;
	struct packet_xfer_range ranges[RNDIS_RSC_RANGES_MAX];
};

/* An open channel. All of it belongs to its worker. */
struct netvsp_channel {
	struct netvsp *netvsp;
	struct channel *channel;
	unsigned int index;
	struct netvsp_counters *counters;
	struct net_queue *queue; /* NULL once it closes */
	bool closing, idle_owed;
	/* Copies of what netvsp has, see netvsp_sync(). */
	unsigned int news;
	struct rss *rss;
	struct rndis_config config;
	bool link, link_told; /* told: to the guest */
	struct netvsp_area *recv, *send;
	/* The primary's conversation. */
	enum netvsp_state state;
	uint32_t version;
	struct nvsp_ndis_config ndis;
	bool subs_asked, table_told;
	struct rndis_answer answers[NETVSP_ANSWERS];
	unsigned int answer_first, answer_count;
	uint8_t request[RNDIS_REQUEST_MAX];
	/* To the network. */
	bool sent; /* something since the last flush */
	struct iovec pieces[NETVSP_PIECES], frame[NETVSP_PIECES];
	/* To the guest. */
	bool ready; /* the network has frames */
	bool blocked; /* no room in the ring or no slot, */
	bool starved; /* no unit: until something comes back */
	struct netvsp_chain taken; /* what others have read for it */
	struct netvsp_chain outboxes[NETVSP_CHANNELS_MAX]; /* what it reads for others */
	uint64_t outboxes_used; /* a bit each */
	uint32_t spare[NETVSP_SPARE_MAX], spare_count, search;
	struct netvsp_slot slots[NETVSP_SLOTS];
	uint32_t slot_free;
	struct netvsp_batch batch;
	uint8_t body[8 + sizeof(struct packet_xfer_range) * RNDIS_RSC_RANGES_MAX + sizeof(struct nvsp_message)];
};

/* One writer: no locked instruction is needed. */
static inline void netvsp_count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by, memory_order_relaxed);
}

/* netvsp.c */
/** netvsp_refuse() - log the first packet that was refused; @counter goes up by one. */
void netvsp_refuse(struct netvsp *netvsp, _Atomic uint64_t *counter, const char *why);
/** netvsp_tell_all() - have all open channels call netvsp_sync(). Under the lock. */
void netvsp_tell_all(struct netvsp *netvsp);
/** netvsp_call_all() - have all open channels try again what waits. Under the lock. */
void netvsp_call_all(struct netvsp *netvsp);

/* netvsp_channel.c */
extern const struct channel_ops netvsp_channel_ops;
/** netvsp_sync() - take over what netvsp has. The channel's worker. */
void netvsp_sync(struct netvsp_channel *channel);
/** netvsp_set_area() - another buffer, or none, at @place, for all channels. Worker of the primary. */
void netvsp_set_area(struct netvsp_channel *channel, struct netvsp_area **place, struct netvsp_area *area);
/** netvsp_control() - a control message of @bytes in @pieces. Return: NULL, or why it is refused. */
const char *netvsp_control(struct netvsp_channel *channel, const struct iovec *pieces, unsigned int count,
			   uint64_t bytes);

/* netvsp_conversation.c */
/** netvsp_converse() - any message but frames. Return: bytes of @answer. Worker of the primary. */
uint32_t netvsp_converse(struct netvsp_channel *channel, const struct nvsp_message *message, struct nvsp_message *answer);
/** netvsp_tell_table() - once all that were granted are open: which of them to send on, by hash. */
void netvsp_tell_table(struct netvsp_channel *channel);

/* netvsp_tx.c */
/** netvsp_transmit() - SEND_RNDIS_PKT, always answered. */
void netvsp_transmit(struct netvsp_channel *channel, const struct packet *packet, struct nvsp_rndis rndis);

/** netvsp_tx_pointed() - where the message of a packet of the guest begins. */
struct iovec netvsp_tx_pointed(struct netvsp_channel *channel, const struct packet *packet);

/* netvsp_rx.c */
/** netvsp_receive() - as much as there is and has room, then a break. */
void netvsp_receive(struct netvsp_channel *channel);

/* netvsp_spread.c */
/** netvsp_spread_open(), netvsp_spread_close() - from now on others may, or may not, hand over units of its receive buffer. */
void netvsp_spread_open(struct netvsp_channel *channel);
void netvsp_spread_close(struct netvsp_channel *channel);
/** netvsp_spread_choose() - where a frame of @hash goes. Return: NULL: out on @channel. */
struct netvsp_chain *netvsp_spread_choose(struct netvsp_channel *channel, uint32_t hash);
/** netvsp_spread_add() - @bytes in @unit for another channel; @parts: of the whole frame, 0: not the first. */
void netvsp_spread_add(struct netvsp_channel *channel, struct netvsp_chain *chain, uint32_t unit, uint32_t bytes,
		       uint32_t parts);
/** netvsp_spread_flush() - what was added changes hands. */
void netvsp_spread_flush(struct netvsp_channel *channel);
/** netvsp_spread_waiting() - is there anything for netvsp_spread_take()? */
bool netvsp_spread_waiting(const struct netvsp_channel *channel);
/** netvsp_spread_take() - what others have read joins the batch, as far as there is room. */
void netvsp_spread_take(struct netvsp_channel *channel);
/** netvsp_spread_drop() - nobody wants it. netvsp_spread_note() - tell others whether this channel is stuck. */
void netvsp_spread_drop(struct netvsp_channel *channel);
void netvsp_spread_note(struct netvsp_channel *channel);

/* netvsp_out.c */
/** netvsp_out_init(), netvsp_out_end() - of a channel that has, or gives back, its receive buffer. */
void netvsp_out_init(struct netvsp_channel *channel);
void netvsp_out_end(struct netvsp_channel *channel);
/** netvsp_out_add() - a range of @bytes in @unit. There is room in the batch. */
void netvsp_out_add(struct netvsp_channel *channel, uint32_t unit, uint32_t bytes);
/** netvsp_out_send() - the batch, if it has anything. Return: false: it stays; called when it may go. */
bool netvsp_out_send(struct netvsp_channel *channel);
/** netvsp_out_ranges_max() - in one packet. */
uint32_t netvsp_out_ranges_max(const struct netvsp_channel *channel);
/** netvsp_out_pointed() - where the first message of a packet to the guest begins. */
struct iovec netvsp_out_pointed(const struct netvsp_channel *channel, const struct packet *packet);
/** netvsp_out_returned() - PACKET_COMPLETION of the guest. */
void netvsp_out_returned(struct netvsp_channel *channel, const struct packet *packet);
/** netvsp_out_answer() - room for a control message; NULL: too many wait. netvsp_out_answers() sends it. */
struct rndis_answer *netvsp_out_answer(struct netvsp_channel *channel);
/** netvsp_out_answers() - send what waits, as far as there is room. */
void netvsp_out_answers(struct netvsp_channel *channel);

#endif
