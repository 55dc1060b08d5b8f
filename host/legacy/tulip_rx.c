// SPDX-License-Identifier: GPL-2.0
/*
 * Frames to the guest: from the network straight into the buffers of the receive list, whose descriptors are closed when it turns
 * out that the frame is wanted. See tulip_internal.h.
 * Invariant: nothing is copied but the frame, once, by the network. What does not fit ends in a place of ours, as on the chip it
 * would end in nothing. While there are no descriptors frames wait in the network, which throws them away when it is full.
 */
#include <errno.h>
#include <string.h>

#include "legacy/tulip_internal.h"
#include "log.h"
#include "net_offload.h"

#define POLL_NS	    1000000u
#define POLL_NS_MAX 64000000u
#define TYPE_MIN 1501u /* below it is a length */

/* Buffers for a frame of any usual length. Return: how many descriptors, 0: there are none, or -EFAULT. */
static int gather(struct tulip *tulip, struct tulip_frame *frame)
{
	tulip_ring_begin(&tulip->rx, frame);
	while (frame->room < TULIP_FRAME_TAGGED + DEC_CRC_BYTES && frame->descriptors < TULIP_DESCRIPTORS) {
		struct dec_descriptor descriptor;
		int ret = tulip_ring_read(tulip, frame->next, &descriptor);

		if (ret < 0 || (ret && tulip_ring_add(tulip, &tulip->rx, &descriptor, frame)))
			return -EFAULT;
		if (!ret)
			break;
	}
	return (int)frame->descriptors;
}

/* No frame is shorter on a wire. */
static uint32_t pad(struct tulip_frame *frame, uint32_t bytes)
{
	struct iovec end[TULIP_PIECES];
	unsigned int count;

	if (bytes >= TULIP_FRAME_MIN)
		return bytes;
	count = net_slice(frame->pieces, frame->count, bytes, TULIP_FRAME_MIN - bytes, end, TULIP_PIECES);
	for (unsigned int i = 0; i < count; i++)
		memset(end[i].iov_base, 0, end[i].iov_len);
	return TULIP_FRAME_MIN;
}

static uint32_t status_of(const struct tulip_frame *frame, const uint8_t *header, uint32_t length, bool match)
{
	uint32_t status = length << DEC_RX_LENGTH_SHIFT | DEC_RX_LAST;

	if (header[0] & 1)
		status |= DEC_RX_MULTICAST;
	if ((header[12] << 8 | header[13]) >= (int)TYPE_MIN)
		status |= DEC_RX_TYPE;
	if (!match)
		status |= DEC_RX_FILTER_FAIL;
	if (length > TULIP_FRAME_MAX + DEC_CRC_BYTES)
		status |= DEC_RX_TOO_LONG | DEC_RX_ERROR;
	if (length > frame->room)
		status |= DEC_RX_NO_ROOM | DEC_RX_ERROR;
	return status;
}

/* Those that the frame needs, or all; the others stay where they are. The CRC has a place, but nobody computes it. */
static void close_frame(struct tulip *tulip, const struct tulip_frame *frame, uint32_t length, uint32_t status)
{
	uint32_t first = DEC_RX_FIRST, sum = frame->bytes[0];
	unsigned int i = 0;

	for (; sum < length && i + 1 < frame->descriptors; i++) {
		tulip_ring_close(tulip, frame->at[i], first);
		first = 0;
		sum += frame->bytes[i + 1];
	}
	tulip_ring_close(tulip, frame->at[i], first | status);
	tulip->rx.at = i + 1 < frame->descriptors ? frame->at[i + 1] : frame->next;
	tulip_raise(tulip, DEC_STATUS_RX_DONE);
}

static void take_frame(struct tulip *tulip, struct tulip_frame *frame, uint32_t bytes)
{
	uint32_t mode = atomic_load(&tulip->csr6), length;
	uint8_t header[TULIP_ETHERNET];
	bool match;

	if (bytes > TULIP_FRAME_JABBER || bytes < sizeof(header) ||
	    !net_copy(frame->pieces, frame->count, 0, header, sizeof(header))) {
		tulip_count(&tulip->counters.rx_dropped, 1);
		return;
	}
	tulip_count(&tulip->counters.copied_bytes, sizeof(header));
	match = tulip_filter_match(&tulip->filter, header);
	if (!match && !(mode & DEC_MODE_PROMISCUOUS) && !(mode & DEC_MODE_MULTICASTS && header[0] & 1)) {
		tulip_count(&tulip->counters.rx_filtered, 1);
		return;
	}
	length = pad(frame, bytes) + DEC_CRC_BYTES;
	tulip_count(&tulip->counters.rx_frames, 1);
	tulip_count(&tulip->counters.rx_bytes, bytes);
	tulip_count(&tulip->counters.rx_truncated, length > frame->room);
	close_frame(tulip, frame, length, status_of(frame, header, length, match));
}

/* Return: 1: there was one; -EAGAIN. */
static int no_frame(struct tulip *tulip, int error)
{
	if (error == -EMSGSIZE) {
		tulip_count(&tulip->counters.rx_dropped, 1);
		return 1;
	}
	tulip->rx_ready = false;
	if (error != -EAGAIN)
		log_error("NIC %u: %s: %s: no more frames are received", tulip->number, tulip->net->ops->name, strerror(-error));
	return -EAGAIN;
}

/* With the turn. Return: 1: there was a frame; 0: there is no descriptor; -EAGAIN: no frame; -EFAULT. */
static int receive_one(struct tulip *tulip)
{
	struct tulip_frame *frame = &tulip->frame;
	struct net_meta meta = { 0 };
	int ret = gather(tulip, frame);
	ssize_t got;

	if (ret <= 0)
		return ret;
	frame->pieces[frame->count++] = (struct iovec){ tulip->scrap, sizeof(tulip->scrap) };
	got = tulip->net->ops->receive(tulip->queue, &meta, frame->pieces, frame->count);
	if (got < 0)
		return no_frame(tulip, (int)got);
	take_frame(tulip, frame, (uint32_t)got);
	return 1;
}

/* Nobody listens, and they must not pile up. */
static int drop_one(struct tulip *tulip)
{
	const struct iovec scrap = { tulip->scrap, sizeof(tulip->scrap) };
	struct net_meta meta;
	ssize_t got = tulip->net->ops->receive(tulip->queue, &meta, &scrap, 1);

	if (got < 0)
		return no_frame(tulip, (int)got);
	tulip_count(&tulip->counters.rx_dropped, 1);
	return 1;
}

static int step(struct tulip *tulip)
{
	bool listens;
	int ret;

	pthread_mutex_lock(&tulip->turn);
	listens = tulip_runs(tulip, DEC_MODE_RX) && atomic_load(&tulip->link);
	ret = listens ? receive_one(tulip) : drop_one(tulip);
	if (ret == -EFAULT)
		tulip_bus_error(tulip);
	pthread_mutex_unlock(&tulip->turn);
	return ret;
}

/* The driver does not always say that it has refilled its list, so it is looked at now and then; more and more rarely. */
static void suspend(struct tulip *tulip)
{
	if (!atomic_exchange(&tulip->rx_suspended, true)) {
		tulip_count(&tulip->counters.rx_no_buffer, 1);
		tulip_raise(tulip, DEC_STATUS_RX_EMPTY);
		tulip->rx_poll_ns = POLL_NS;
	}
	/* Automatic polling of the other list has the same timer. */
	tulip_timer_poll(tulip->timers, atomic_load(&tulip->csr0) & DEC_CSR0_AUTO_POLL ? POLL_NS : tulip->rx_poll_ns);
	if (tulip->rx_poll_ns < POLL_NS_MAX)
		tulip->rx_poll_ns *= 2;
}

bool tulip_receive(struct tulip *tulip)
{
	int ret = 1;

	for (unsigned int i = 0; i < TULIP_TURN_FRAMES && tulip->rx_ready && ret > 0; i++) {
		ret = step(tulip);
		if (ret > 0)
			atomic_store(&tulip->rx_suspended, false);
	}
	if (!ret)
		suspend(tulip);
	/* After a bus error what comes is dropped. */
	return tulip->rx_ready && ret && ret != -EAGAIN;
}
