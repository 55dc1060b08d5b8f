/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network: where a virtual NIC's frames go to and come from, behind a small set of operations. It knows no RNDIS, no
 * NVSP and no VMBus.
 * A network has one queue per channel of the NIC; where it receives on fewer, the others only send. A queue is used on the loop
 * of its channel, by that thread alone; different queues at the same time by different threads. Frames are moved once, between guest memory and the backend,
 * during the call: nobody keeps an iovec.
 */
#ifndef HVIS_HOST_NET_H
#define HVIS_HOST_NET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "loop.h"

#define NET_MTU_MIN 68u
#define NET_MTU_MAX 9000u
#define NET_MTU_DEFAULT 1500u
#define NET_PIECES_MAX 1022u /* of one frame: what readv() takes, with a header before them and one byte behind */
#define NET_FRAME_MAX 65550u /* with segmentation: 64 KiB behind an Ethernet header */

/* What a frame still needs done, or has had done; the sense of struct virtio_net_hdr. */
#define NET_CSUM_WANTED 1u /* the transport checksum has to be filled in, at csum_start + csum_offset */
#define NET_CSUM_GOOD 2u /* received and found right */

enum net_gso {
	NET_GSO_NONE,
	NET_GSO_TCP4,
	NET_GSO_TCP6,
};

struct net_meta {
	uint8_t flags; /* NET_CSUM_* */
	uint8_t gso; /* enum net_gso: a frame that stands for several, of @mss payload bytes each */
	uint16_t header_bytes; /* with @gso: up to the end of the TCP header */
	uint16_t mss;
	uint16_t csum_start, csum_offset;
};

/** net_segments() - how many frames of a wire a frame of @bytes stands for */
static inline uint32_t net_segments(const struct net_meta *meta, size_t bytes)
{
	if (meta->gso == NET_GSO_NONE || !meta->mss || bytes <= meta->header_bytes)
		return 1;
	return (uint32_t)((bytes - meta->header_bytes + meta->mss - 1) / meta->mss);
}

/* What the guest's side wants done by the backend, or by nobody: as agreed in offload parameters. */
struct net_offloads {
	bool rx_csum; /* received frames may come with NET_CSUM_WANTED: they never left this machine */
	bool rx_gso4, rx_gso6; /* received frames may come with a gso */
};

struct net;
struct net_queue;

struct net_ops {
	const char *name; /* "user", "tap", "sink" */
	/*
	 * A queue for one channel, below channels_max; from queues_max on it sends only. @ready is called in the loop's
	 * thread when there is something to receive, and then not again before net_receive() has said -EAGAIN.
	 * NULL: errno says why.
	 */
	struct net_queue *(*open)(struct net *net, unsigned int index, struct loop *loop,
				  void (*ready)(void *context), void *context);
	/*
	 * One frame of @bytes to the network. Return: 0, or negative errno: the frame is lost (-EAGAIN: because the
	 * backend is full), which is what networks do.
	 */
	int (*send)(struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces,
		    unsigned int count, size_t bytes);
	/* All that was sent so far goes out now, if the backend has held it back; may be NULL. */
	void (*flush)(struct net_queue *queue);
	/*
	 * One frame from the network into @pieces. Return: its bytes; -EAGAIN: none now; -EMSGSIZE: there was one that
	 * did not fit, it is lost; other negative errno: the backend is broken for good.
	 */
	ssize_t (*receive)(struct net_queue *queue, struct net_meta *meta, const struct iovec *pieces, unsigned int count);
	/* From now on frames come as @offloads say. Queue 0's thread. Return: what of it is so. May be NULL: nothing. */
	struct net_offloads (*set_offloads)(struct net *net, const struct net_offloads *offloads);
	/*
	 * No @ready comes any more when @closed is called, once, in the loop's thread, perhaps before close() returns;
	 * it frees what @context is. The same index may be opened again afterwards.
	 */
	void (*close)(struct net_queue *queue, void (*closed)(void *context), void *context);
	void (*destroy)(struct net *net); /* all queues are closed; main thread */
};

/*
 * @queues_max: how many queues it receives on; @channels_max: how many it has, with those that only send; @mtu_max: largest MTU it can carry; @can_csum, @can_gso: takes frames that
 * still need that done. @link: whether there is a carrier: changed by net_set_link() in the main thread.
 */
struct net {
	const struct net_ops *ops;
	unsigned int queues_max, channels_max;
	unsigned int mtu_max;
	bool can_csum, can_gso;
	_Atomic uint64_t dropped; /* frames for the guest that the backend had no room for; any thread reads */
	char name[32]; /* for logs: "tap0", "user" */
};

/**
 * struct net_options - parsed from --nic
 * @spec: what is before the first comma: "user", "tap=NAME", "sink"
 */
struct net_options {
	const char *tap; /* name of the interface; NULL: not a tap */
	bool user, sink;
	const char *host_forwards; /* user: "tcp:127.0.0.1:2222-:22;..." */
	const char *dns, *network; /* user: addresses, NULL: those of libslirp */
	unsigned int queues; /* that receive; 0: what the network has, of a tap 1 */
};

/**
 * net_user_open(), net_tap_open(), net_sink_open() - open a backend; main thread
 * @error: ERROR_BYTES; on failure one line that says what is wrong and what would be right
 * Return: the network, or NULL.
 */
struct net *net_user_open(const struct net_options *options, char *error);
struct net *net_tap_open(const struct net_options *options, char *error);
struct net *net_sink_open(const struct net_options *options, char *error);

static inline void net_close(struct net *net)
{
	net->ops->destroy(net);
}

#endif
