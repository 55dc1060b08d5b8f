// SPDX-License-Identifier: GPL-2.0
/*
 * A network with nobody in it but an echo: it answers ARP for every address, and ICMP echo requests, and counts as
 * sent what else it is given. For tests, and to measure the way of frames itself. An answer comes out of the queue
 * that its question went into; where that only sends, because fewer were asked for, out of one that several share.
 * Invariant: a queue that is not shared belongs to its channel's thread; nothing is allocated per frame.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "net_offload.h"

#define QUEUES 64u
#define ANSWERS 64u
#define ANSWER_BYTES (NET_MTU_MAX + 18u)
#define LOOK_BYTES 96u /* of a frame's front: Ethernet, a tag, and IPv4 with options and the start of ICMP */
#define ARP_BYTES 28u
#define ICMP_ECHO_REQUEST 8u

struct answer {
	uint32_t bytes;
	uint8_t frame[ANSWER_BYTES];
};

/* @lock: where queues are @shared it is held while one is looked at. */
struct sink {
	struct net net;
	bool shared;
	pthread_mutex_t lock;
	struct net_queue *open[QUEUES];
};

struct net_queue {
	struct sink *sink;
	unsigned int index;
	struct loop *loop;
	void (*ready)(void *context);
	void *context;
	bool told; /* ready() was called, or will be, and receive() has not said -EAGAIN since */
	bool telling; /* @tell is on its way to the loop */
	struct loop_work tell;
	void (*closed)(void *context); /* set: it is closing */
	void *closed_context;
	unsigned int first, count;
	struct answer answers[ANSWERS];
};

static const uint8_t own_mac[6] = { 0x02, 's', 'i', 'n', 'k', 0 };

static void enter(struct sink *sink)
{
	if (sink->shared)
		pthread_mutex_lock(&sink->lock);
}

static void leave(struct sink *sink)
{
	if (sink->shared)
		pthread_mutex_unlock(&sink->lock);
}

/* The queue that answers come out of. Inside. Return: NULL: it is not open. */
static struct net_queue *receiver_of(struct net_queue *queue)
{
	return queue->sink->shared ? queue->sink->open[queue->index % queue->sink->net.queues_max] : queue;
}

static void end_queue(struct net_queue *queue)
{
	void (*closed)(void *context) = queue->closed;
	void *context = queue->closed_context;

	free(queue);
	closed(context);
}

/* In the loop of the queue that has something, where another queue's thread has put it. */
static void tell(struct loop_work *work)
{
	struct net_queue *queue = (struct net_queue *)((char *)work - offsetof(struct net_queue, tell));

	enter(queue->sink);
	queue->telling = false;
	leave(queue->sink);
	if (queue->closed)
		end_queue(queue);
	else
		queue->ready(queue->context);
}

static struct net_queue *open_queue(struct net *net, unsigned int index, struct loop *loop,
				    void (*ready)(void *context), void *context)
{
	struct net_queue *queue = index < QUEUES ? malloc(sizeof(*queue)) : NULL; /* most of it is answers */

	if (!queue) {
		errno = index < QUEUES ? ENOMEM : ENOSPC;
		return NULL;
	}
	queue->sink = (struct sink *)net;
	queue->index = index;
	queue->loop = loop;
	queue->ready = ready;
	queue->context = context;
	queue->told = queue->telling = false;
	queue->tell.run = tell;
	queue->closed = NULL;
	queue->first = queue->count = 0;
	enter(queue->sink);
	queue->sink->open[index] = queue;
	leave(queue->sink);
	return queue;
}

/* A place for an answer, with the question in it and turned round. Return: NULL: all are taken, as in any network. */
static struct answer *turn_round(struct net_queue *queue, const struct iovec *pieces, unsigned int count, size_t bytes)
{
	struct answer *answer = &queue->answers[(queue->first + queue->count) % ANSWERS];

	if (queue->count == ANSWERS || bytes > ANSWER_BYTES || !net_copy(pieces, count, 0, answer->frame, bytes))
		return NULL;
	answer->bytes = (uint32_t)bytes;
	memcpy(answer->frame, answer->frame + 6, 6);
	memcpy(answer->frame + 6, own_mac, 6);
	queue->count++;
	return answer;
}

/* Sender and target change places, and the sender is us; but nobody answers who asks for himself. */
static int answer_arp(struct net_queue *queue, const uint8_t *arp, const struct iovec *pieces, unsigned int count,
		      size_t bytes, unsigned int at)
{
	uint8_t address[4];
	struct answer *answer;

	if (!memcmp(arp + 14, arp + 24, 4))
		return 0;
	answer = turn_round(queue, pieces, count, bytes);
	if (!answer)
		return -EAGAIN;
	arp = answer->frame + at;
	memcpy(address, arp + 24, 4);
	memmove(answer->frame + at + 18, arp + 8, 10);
	answer->frame[at + 7] = 2;
	memcpy(answer->frame + at + 8, own_mac, 6);
	memcpy(answer->frame + at + 14, address, 4);
	return 0;
}

/* Its beginning has the ICMP header, and was turned into an answer; the rest needs only new addresses. */
static bool is_later_fragment(const uint8_t *ip)
{
	return ip[6] & 0x1F || ip[7];
}

/* The checksums: of IP it does not change with the order of addresses; of ICMP by the type, 8. */
static int answer_ping(struct net_queue *queue, const struct iovec *pieces, unsigned int count, size_t bytes,
		       unsigned int ip, unsigned int icmp)
{
	struct answer *answer = turn_round(queue, pieces, count, bytes);
	uint8_t address[4], *frame;
	uint32_t sum;

	if (!answer)
		return -EAGAIN;
	frame = answer->frame;
	memcpy(address, frame + ip + 12, 4);
	memcpy(frame + ip + 12, frame + ip + 16, 4);
	memcpy(frame + ip + 16, address, 4);
	if (is_later_fragment(frame + ip))
		return 0;
	frame[icmp] = 0;
	sum = net_fold((uint64_t)(frame[icmp + 2] << 8 | frame[icmp + 3]) + 0x0800);
	frame[icmp + 2] = (uint8_t)(sum >> 8);
	frame[icmp + 3] = (uint8_t)sum;
	return 0;
}

/* @ip: a copy of what is left of the frame's front, @length of it. */
static bool is_ping(const uint8_t *ip, size_t length, unsigned int *header_bytes)
{
	*header_bytes = (ip[0] & 15) * 4u;
	if (length < 20 || ip[0] >> 4 != 4 || ip[9] != IPPROTO_ICMP)
		return false;
	return is_later_fragment(ip) || (*header_bytes + 8 <= length && ip[*header_bytes] == ICMP_ECHO_REQUEST);
}

/* Inside; @queue: the receiver. */
static int answer_frame(struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces,
			unsigned int count, size_t bytes)
{
	uint8_t look[LOOK_BYTES] = { 0 };
	size_t length = bytes < sizeof(look) ? bytes : sizeof(look);
	unsigned int at = 14, header_bytes;

	if (meta->gso || !net_copy(pieces, count, 0, look, length))
		return 0;
	if (look[12] == 0x81 && !look[13])
		at += 4;
	if (length < at || look[at - 2] != 8)
		return 0;
	if (look[at - 1] == 6)
		return length >= at + ARP_BYTES && look[at + 7] == 1
			       ? answer_arp(queue, look + at, pieces, count, bytes, at) : 0;
	if (look[at - 1] || !is_ping(look + at, length - at, &header_bytes))
		return 0;
	return answer_ping(queue, pieces, count, bytes, at, at + header_bytes);
}

static int send_frame(struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces,
		      unsigned int count, size_t bytes)
{
	struct sink *sink = queue->sink;
	struct net_queue *receiver;
	int result = 0;

	enter(sink);
	receiver = receiver_of(queue);
	if (receiver)
		result = answer_frame(receiver, meta, pieces, count, bytes);
	leave(sink);
	return result;
}

static void flush(struct net_queue *queue)
{
	struct sink *sink = queue->sink;
	struct net_queue *receiver;
	bool news, own;

	enter(sink);
	receiver = receiver_of(queue);
	own = receiver == queue;
	news = receiver && receiver->count && !receiver->told;
	if (news)
		receiver->told = true;
	if (news && !own && !receiver->telling) {
		receiver->telling = true;
		loop_call(receiver->loop, &receiver->tell);
	}
	leave(sink);
	if (news && own)
		queue->ready(queue->context);
}

/* Return: false: it does not fit. */
static bool copy_out(const struct answer *answer, const struct iovec *pieces, unsigned int count)
{
	uint32_t done = 0;

	for (unsigned int i = 0; i < count && done < answer->bytes; i++) {
		uint32_t left = answer->bytes - done;
		uint32_t part = pieces[i].iov_len < left ? (uint32_t)pieces[i].iov_len : left;

		memcpy(pieces[i].iov_base, answer->frame + done, part);
		done += part;
	}
	return done == answer->bytes;
}

/* Inside. */
static ssize_t take(struct net_queue *queue, struct net_meta *meta, const struct iovec *pieces, unsigned int count)
{
	const struct answer *answer = &queue->answers[queue->first];

	if (!queue->count) {
		queue->told = false;
		return -EAGAIN;
	}
	*meta = (struct net_meta){ 0 };
	queue->first = (queue->first + 1) % ANSWERS;
	queue->count--;
	return copy_out(answer, pieces, count) ? (ssize_t)answer->bytes : -EMSGSIZE;
}

static ssize_t receive(struct net_queue *queue, struct net_meta *meta, const struct iovec *pieces, unsigned int count)
{
	struct sink *sink = queue->sink;
	ssize_t result;

	enter(sink);
	result = take(queue, meta, pieces, count);
	leave(sink);
	return result;
}

static void close_queue(struct net_queue *queue, void (*closed)(void *context), void *context)
{
	struct sink *sink = queue->sink;
	bool telling;

	enter(sink);
	sink->open[queue->index] = NULL;
	queue->closed = closed;
	queue->closed_context = context;
	telling = queue->telling;
	leave(sink);
	if (!telling)
		end_queue(queue);
}

static void destroy(struct net *net)
{
	struct sink *sink = (struct sink *)net;

	pthread_mutex_destroy(&sink->lock);
	free(sink);
}

static const struct net_ops sink_ops = {
	.name = "sink",
	.open = open_queue,
	.send = send_frame,
	.flush = flush,
	.receive = receive,
	.close = close_queue,
	.destroy = destroy,
};

struct net *net_sink_open(const struct net_options *options, char *error)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink) {
		error_set(error, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&sink->lock, NULL);
	sink->shared = options->queues && options->queues < QUEUES;
	sink->net = (struct net){
		.ops = &sink_ops,
		.queues_max = options->queues ? options->queues : QUEUES,
		.channels_max = QUEUES,
		.mtu_max = NET_MTU_MAX,
		.can_csum = true,
		.can_gso = true,
		.name = "sink",
	};
	return &sink->net;
}
