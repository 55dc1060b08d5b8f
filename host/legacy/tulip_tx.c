// SPDX-License-Identifier: GPL-2.0
/*
 * Frames from the guest: out of the transmit list's buffers as they lie in guest memory to the network, and setup frames to the
 * filter. See tulip_internal.h.
 * Invariant: descriptors are closed in their order, and none before its frame is complete; so a frame whose end the driver has
 * not handed over yet is looked at again from its start.
 */
#include <errno.h>
#include <string.h>

#include "legacy/tulip_internal.h"

#define POLL_NS 1600000u

static void close_frame(struct tulip *tulip, const struct tulip_frame *frame, uint32_t status)
{
	unsigned int last = frame->descriptors - 1;

	for (unsigned int i = 0; i < last; i++)
		tulip_ring_close(tulip, frame->at[i], 0);
	tulip_ring_close(tulip, frame->at[last], status);
	tulip->tx.at = frame->next;
	if (frame->control & DEC_TX_INTERRUPT)
		tulip_raise(tulip, DEC_STATUS_TX_DONE);
}

/* One that is not as long as it must be is as good as none. */
static void take_setup(struct tulip *tulip, const struct tulip_frame *frame)
{
	uint8_t setup[DEC_SETUP_BYTES];

	if (DEC_BUFFER1(frame->control) == sizeof(setup)) {
		memcpy(setup, frame->pieces[0].iov_base, sizeof(setup));
		tulip_filter_set(&tulip->filter, setup, frame->control);
		tulip_count(&tulip->counters.setup_frames, 1);
	} else {
		tulip_count(&tulip->counters.tx_bad, 1);
	}
	close_frame(tulip, frame, DEC_TX_SETUP_DONE);
}

/* The rest of a frame, behind its first descriptor. Return: 1; 0: the driver has not handed over all of it; -EFAULT. */
static int gather(struct tulip *tulip, struct tulip_frame *frame)
{
	while (!(frame->control & DEC_TX_LAST) && frame->descriptors < TULIP_DESCRIPTORS) {
		struct dec_descriptor descriptor;
		int ret = tulip_ring_read(tulip, frame->next, &descriptor);

		if (ret <= 0)
			return ret;
		ret = tulip_ring_add(tulip, &tulip->tx, &descriptor, frame);
		if (ret)
			return ret;
	}
	return 1;
}

/* The driver's own CRC: the network has none. */
static void cut_crc(struct tulip_frame *frame)
{
	uint32_t left = DEC_CRC_BYTES;

	frame->room -= left;
	while (left) {
		struct iovec *last = &frame->pieces[frame->count - 1];
		uint32_t part = last->iov_len < left ? (uint32_t)last->iov_len : left;

		last->iov_len -= part;
		left -= part;
		if (!last->iov_len)
			frame->count--;
	}
}

static void pad(struct tulip_frame *frame)
{
	static uint8_t zeros[TULIP_FRAME_MIN];

	frame->pieces[frame->count++] = (struct iovec){ zeros, TULIP_FRAME_MIN - frame->room };
	frame->room = TULIP_FRAME_MIN;
}

static bool is_impossible(const struct tulip_frame *frame)
{
	return !(frame->control & DEC_TX_LAST) || frame->room > TULIP_FRAME_JABBER || frame->room < TULIP_ETHERNET;
}

/* On to the wire. */
static void put_out(struct tulip *tulip, struct tulip_frame *frame)
{
	const struct net_meta plain = { 0 };

	if (frame->control & DEC_TX_NO_CRC && frame->room >= TULIP_FRAME_MIN + DEC_CRC_BYTES)
		cut_crc(frame);
	if (frame->room < TULIP_FRAME_MIN && !(frame->control & DEC_TX_NO_PADDING))
		pad(frame);
	tulip->sent = true;
	if (tulip->net->ops->send(tulip->queue, &plain, frame->pieces, frame->count, frame->room)) {
		tulip_count(&tulip->counters.tx_dropped, 1);
		return;
	}
	tulip_count(&tulip->counters.tx_frames, 1);
	tulip_count(&tulip->counters.tx_bytes, frame->room);
}

/* Return: what is said of it in its last descriptor. */
static uint32_t send_frame(struct tulip *tulip, struct tulip_frame *frame)
{
	if (is_impossible(frame)) {
		tulip_count(&tulip->counters.tx_bad, 1);
		tulip_raise(tulip, DEC_STATUS_TX_JABBER);
		return DEC_TX_ERROR | DEC_TX_JABBERED;
	}
	if (!atomic_load(&tulip->link)) {
		tulip_count(&tulip->counters.tx_dropped, 1);
		return DEC_TX_ERROR | DEC_TX_NO_CARRIER;
	}
	if (atomic_load(&tulip->csr6) & DEC_MODE_LOOPBACK)
		tulip_count(&tulip->counters.tx_dropped, 1);
	else
		put_out(tulip, frame);
	return 0;
}

/* With the turn. Return: 1: something was done; 0: there is nothing; -EFAULT. */
static int transmit_one(struct tulip *tulip)
{
	struct tulip_frame *frame = &tulip->frame;
	struct dec_descriptor first;
	int ret = tulip_ring_read(tulip, tulip->tx.at, &first);

	if (ret <= 0)
		return ret;
	tulip_ring_begin(&tulip->tx, frame);
	ret = tulip_ring_add(tulip, &tulip->tx, &first, frame);
	if (ret)
		return ret;
	if (first.control & DEC_TX_SETUP) {
		take_setup(tulip, frame);
		return 1;
	}
	/* No frame begins here: drivers put empty ones before setup frames, and what is behind an impossible frame goes so, too. */
	if (!(first.control & DEC_TX_FIRST)) {
		close_frame(tulip, frame, 0);
		return 1;
	}
	ret = gather(tulip, frame);
	if (ret > 0)
		close_frame(tulip, frame, send_frame(tulip, frame));
	return ret;
}

static int step(struct tulip *tulip)
{
	int ret = -EPERM;

	pthread_mutex_lock(&tulip->turn);
	if (tulip_runs(tulip, DEC_MODE_TX))
		ret = transmit_one(tulip);
	if (ret == -EFAULT)
		tulip_bus_error(tulip);
	pthread_mutex_unlock(&tulip->turn);
	return ret;
}

/* Told once for each time that it ran. */
static void suspend(struct tulip *tulip)
{
	if (!atomic_exchange(&tulip->tx_suspended, true))
		tulip_raise(tulip, DEC_STATUS_TX_EMPTY);
	if (atomic_load(&tulip->csr0) & DEC_CSR0_AUTO_POLL)
		tulip_timer_poll(tulip->timers, POLL_NS);
}

bool tulip_transmit(struct tulip *tulip)
{
	int ret = 1;

	if (!atomic_exchange(&tulip->tx_demand, false))
		return false;
	for (unsigned int i = 0; i < TULIP_TURN_FRAMES && ret > 0; i++) {
		ret = step(tulip);
		if (ret > 0)
			atomic_store(&tulip->tx_suspended, false);
	}
	if (tulip->sent && tulip->net->ops->flush)
		tulip->net->ops->flush(tulip->queue);
	tulip->sent = false;
	if (!ret)
		suspend(tulip);
	if (ret > 0)
		atomic_store(&tulip->tx_demand, true);
	return ret > 0;
}
