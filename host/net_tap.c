// SPDX-License-Identifier: GPL-2.0
/*
 * Frames to and from a tap interface: one system call each, straight between the kernel and the caller's memory, with
 * struct virtio_net_hdr in front, so that checksums and segments are left to the host's kernel or to the wire.
 * Source: linux/if_tun.h, linux/virtio_net.h, Documentation/networking/tuntap.rst.
 * Invariant: the queue waits for its file (a poll in flight) exactly while the last receive() found nothing.
 */
#include "net_tap.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log.h"

/* A tap that nobody reads holds its transmit queue's length at most (1000 unless changed). */
#define STALE_MAX 65536u
#define TCP_LENGTH_AT 12u /* the byte of the TCP header whose upper half is its length in words */
#define TCP_BYTES_MIN 20u

struct net_queue {
	struct loop_op poll;
	struct net_tap *tap;
	struct loop *loop;
	int fd;
	bool sends_only; /* on the file of another queue */
	bool waiting;
	void (*ready)(void *context);
	void *context;
	void (*closed)(void *context);
	void *closed_context;
	struct iovec *iov; /* = entries; by their own name GCC with UBSAN takes them for one */
	struct iovec entries[NET_PIECES_MAX + 2]; /* the header, the caller's, one byte that shows what did not fit */
};

static struct net_tap *tap_of(struct net *net)
{
	return (struct net_tap *)net;
}

static void switch_queue(const struct net_tap *tap, int fd, short attach)
{
	struct ifreq request = { .ifr_flags = attach };

	/* It fails if the interface is gone, which the first read tells. */
	if (tap->multi_queue && ioctl(fd, TUNSETQUEUE, &request) < 0)
		log_debug("%s: cannot switch a queue: %s", tap->net.name, strerror(errno));
}

static void end_queue(struct net_queue *queue)
{
	if (!queue->sends_only)
		switch_queue(queue->tap, queue->fd, IFF_DETACH_QUEUE);
	queue->closed(queue->closed_context);
	free(queue);
}

static void poll_done(struct loop_op *op, int result)
{
	struct net_queue *queue = (struct net_queue *)op;

	(void)result; /* whatever it is: the next read says it better */
	queue->waiting = false;
	if (queue->closed)
		end_queue(queue);
	else
		queue->ready(queue->context);
}

static void wait_for_frames(struct net_queue *queue)
{
	queue->waiting = true;
	io_uring_prep_poll_add(loop_sqe(queue->loop, &queue->poll), queue->fd, POLLIN);
}

/* Frames that came before there was anybody to take them are old news. */
static void drop_stale(int fd)
{
	uint8_t scrap[64];

	for (unsigned int i = 0; i < STALE_MAX && read(fd, scrap, sizeof(scrap)) >= 0; i++)
		;
}

static void receive_from_now(struct net_queue *queue)
{
	drop_stale(queue->fd);
	switch_queue(queue->tap, queue->fd, IFF_ATTACH_QUEUE);
	wait_for_frames(queue);
}

static struct net_queue *tap_open(struct net *net, unsigned int index, struct loop *loop, void (*ready)(void *context),
				  void *context)
{
	struct net_tap *tap = tap_of(net);
	struct net_queue *queue;

	queue = malloc(sizeof(*queue)); /* most of it is iov: not worth zeroing */
	if (!queue)
		return NULL;
	queue->poll.done = poll_done;
	queue->tap = tap;
	queue->loop = loop;
	queue->fd = tap->fds[index % tap->queues];
	queue->sends_only = index >= tap->queues;
	queue->waiting = false;
	queue->ready = ready;
	queue->context = context;
	queue->closed = NULL;
	queue->iov = queue->entries;
	if (!queue->sends_only)
		receive_from_now(queue);
	return queue;
}

static void tap_close(struct net_queue *queue, void (*closed)(void *context), void *context)
{
	queue->closed = closed;
	queue->closed_context = context;
	if (queue->waiting)
		io_uring_prep_cancel(loop_sqe(queue->loop, NULL), &queue->poll, 0);
	else
		end_queue(queue);
}

/* Return: @error as it was. EBADFD is what the kernel says for a file without its interface, or without its queue. */
static int failed(struct net_tap *tap, int error)
{
	if (error == EBADFD && !atomic_exchange(&tap->gone, true))
		log_error("the interface %s is gone: its NIC has no carrier any more", tap->net.name);
	return -error;
}

static struct virtio_net_hdr header_of(const struct net_meta *meta)
{
	struct virtio_net_hdr header = { 0 };

	if (meta->flags & NET_CSUM_WANTED) {
		header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		header.csum_start = meta->csum_start;
		header.csum_offset = meta->csum_offset;
	}
	if (meta->gso != NET_GSO_NONE) {
		header.gso_type = meta->gso == NET_GSO_TCP6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
		header.gso_size = meta->mss;
		header.hdr_len = meta->header_bytes;
	}
	return header;
}

/* The header in front of the caller's pieces. */
static struct iovec *gather(struct net_queue *queue, struct virtio_net_hdr *header, const struct iovec *pieces,
			    unsigned int count)
{
	queue->iov[0] = (struct iovec){ header, sizeof(*header) };
	memcpy(&queue->iov[1], pieces, count * sizeof(*pieces));
	return queue->iov;
}

static int tap_send(struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces,
		    unsigned int count, size_t bytes)
{
	struct virtio_net_hdr header = header_of(meta);
	const struct iovec *all;
	ssize_t done;

	(void)bytes;
	if (count > NET_PIECES_MAX)
		return -EMSGSIZE;
	all = gather(queue, &header, pieces, count);
	do
		done = writev(queue->fd, all, (int)count + 1);
	while (done < 0 && errno == EINTR);
	if (done >= 0)
		return 0;
	/* The queue whose file this is may have closed. */
	return queue->sends_only ? -errno : failed(queue->tap, errno);
}

/* The byte at @offset of @count pieces, or 0. */
static uint8_t byte_at(const struct iovec *pieces, unsigned int count, size_t offset)
{
	for (unsigned int i = 0; i < count; i++) {
		if (offset < pieces[i].iov_len)
			return ((const uint8_t *)pieces[i].iov_base)[offset];
		offset -= pieces[i].iov_len;
	}
	return 0;
}

/*
 * The kernel's hdr_len says how it keeps the frame (what lies in one piece), not where the headers end; that is what
 * the TCP header says.
 */
static uint16_t header_bytes(const struct virtio_net_hdr *header, const struct iovec *pieces, unsigned int count)
{
	unsigned int tcp = byte_at(pieces, count, header->csum_start + TCP_LENGTH_AT) >> 4 << 2;

	return (uint16_t)(header->csum_start + (tcp < TCP_BYTES_MIN ? TCP_BYTES_MIN : tcp));
}

static void read_header(struct net_meta *meta, const struct virtio_net_hdr *header, const struct iovec *pieces,
			unsigned int count)
{
	*meta = (struct net_meta){ 0 };
	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		meta->flags = NET_CSUM_WANTED;
		meta->csum_start = header->csum_start;
		meta->csum_offset = header->csum_offset;
	} else if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		meta->flags = NET_CSUM_GOOD;
	}
	switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		meta->gso = NET_GSO_TCP4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		meta->gso = NET_GSO_TCP6;
		break;
	default:
		return;
	}
	meta->mss = header->gso_size;
	meta->header_bytes = header_bytes(header, pieces, count);
}

static ssize_t tap_receive(struct net_queue *queue, struct net_meta *meta, const struct iovec *pieces,
			   unsigned int count)
{
	struct virtio_net_hdr header;
	size_t room = sizeof(header);
	struct iovec *all;
	uint8_t beyond;
	ssize_t got;

	if (count > NET_PIECES_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++)
		room += pieces[i].iov_len;
	all = gather(queue, &header, pieces, count);
	all[count + 1] = (struct iovec){ &beyond, 1 };
	do
		got = readv(queue->fd, all, (int)count + 2);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN) {
		if (!queue->waiting)
			wait_for_frames(queue);
		return -EAGAIN;
	}
	if (got < 0)
		return failed(queue->tap, errno);
	if ((size_t)got > room || (size_t)got < sizeof(header))
		return -EMSGSIZE;
	read_header(meta, &header, pieces, count);
	return got - (ssize_t)sizeof(header);
}

/* Segments without checksums make no sense to the kernel either. */
static struct net_offloads tap_set_offloads(struct net *net, const struct net_offloads *wanted)
{
	struct net_offloads so = {
		.rx_csum = wanted->rx_csum,
		.rx_gso4 = wanted->rx_csum && wanted->rx_gso4,
		.rx_gso6 = wanted->rx_csum && wanted->rx_gso6,
	};
	unsigned long flags = (so.rx_csum ? TUN_F_CSUM : 0) | (so.rx_gso4 ? TUN_F_TSO4 : 0) |
			      (so.rx_gso6 ? TUN_F_TSO6 : 0);

	if (ioctl(tap_of(net)->fds[0], TUNSETOFFLOAD, flags) < 0) {
		failed(tap_of(net), errno);
		return (struct net_offloads){ 0 };
	}
	return so;
}

static void tap_destroy(struct net *net)
{
	struct net_tap *tap = tap_of(net);

	for (unsigned int i = 0; i < tap->queues; i++)
		if (tap->fds[i] >= 0)
			close(tap->fds[i]);
	free(tap);
}

const struct net_ops net_tap_ops = {
	.name = "tap",
	.open = tap_open,
	.send = tap_send,
	.receive = tap_receive,
	.set_offloads = tap_set_offloads,
	.close = tap_close,
	.destroy = tap_destroy,
};
