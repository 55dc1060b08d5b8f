// SPDX-License-Identifier: GPL-2.0
// links: host/netvsp_rx.c host/netvsp_spread.c host/netvsp_area.c host/netvsp_out.c host/rss.c host/rndis.c host/net_offload.c
/*
 * Three channels of one receive buffer, each with a thread: two queues of the network are read and spread over all three,
 * while channels refuse packets and close and open again. Every frame goes out once or is counted as dropped, those of a flow
 * in order on each channel, and all units come back. What threads hardly ever meet is tried without them, step by step.
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "netvsp_internal.h"

#define CHANNELS 3u
#define READERS 2u /* queues of the network */
#define FLOWS 64u /* of each queue */
#define FRAMES 40000u /* on each queue */
#define UNENDING (BATCH_READ + 1) /* net_queue.since, of a network that always has something */
#define PAGES 128u
#define BATCH_READ 30u /* then the network has nothing for a moment */

struct channel {
	unsigned int number;
	struct netvsp_channel state;
	sem_t call;
	atomic_bool stop;
	unsigned int random, rounds;
	uint64_t ids[NETVSP_SLOTS]; /* packets that the guest has */
	unsigned int id_count;
	uint32_t next[READERS][FLOWS]; /* the lowest number that a frame of the flow may have */
	atomic_uint delivered;
	pthread_t thread;
};

struct net_queue {
	unsigned int number;
	uint32_t made, max, since;
	uint32_t seqs[FLOWS];
	struct channel *closes; /* once the first frame has been read */
};

static struct netvsp netvsp;
static struct channel channels[CHANNELS];
static struct net_queue queues[READERS];
static sem_t progress;
static atomic_bool failed;

void log_line(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

void netvsp_refuse(struct netvsp *nic, _Atomic uint64_t *counter, const char *why)
{
	(void)nic;
	(void)counter;
	(void)why;
	atomic_store(&failed, true);
}

void channel_call(struct channel *channel)
{
	sem_post(&channel->call);
}

void netvsp_call_all(struct netvsp *nic)
{
	(void)nic;
	for (unsigned int i = 0; i < CHANNELS; i++)
		channel_call(&channels[i]);
}

struct channel_buffer *channel_borrow(struct channel *channel, uint32_t handle, const char **why)
{
	struct channel_buffer *buffer = malloc(sizeof(*buffer) + PAGES * sizeof(buffer->pages[0]));
	uint8_t *memory = aligned_alloc(4096, PAGES * 4096);

	(void)channel;
	(void)handle;
	(void)why;
	buffer->bytes = PAGES * 4096;
	for (unsigned int i = 0; i < PAGES; i++)
		buffer->pages[i] = memory + i * 4096;
	return buffer;
}

void channel_return(struct channel_buffer *buffer)
{
	free(buffer->pages[0]);
	free(buffer);
}

static unsigned int draw(struct channel *channel)
{
	channel->random = channel->random * 1103515245 + 12345;
	return channel->random >> 16;
}

/* The guest looks at a frame: addresses say which flow, behind them is its number. */
static void see(struct channel *channel, const struct packet_xfer_range *range)
{
	const uint8_t *at = channel_buffer_at(channel->state.recv->buffer, range->byte_offset);
	uint32_t words[3], seq;
	const uint8_t *frame;

	memcpy(words, at, sizeof(words));
	frame = at + 8 + words[2];
	memcpy(&seq, frame + 54, sizeof(seq));
	if (seq < channel->next[frame[28]][frame[29]])
		atomic_store(&failed, true);
	channel->next[frame[28]][frame[29]] = seq + 1;
	atomic_fetch_add(&channel->delivered, 1);
}

bool channel_try_send(struct channel *channel, const struct packet_desc *desc, const void *body, uint32_t bytes)
{
	struct packet_xfer_range range;
	uint32_t head[2];

	(void)bytes;
	if (draw(channel) % 4 == 0)
		return false;
	memcpy(head, body, sizeof(head));
	for (uint32_t i = 0; i < head[1]; i++) {
		memcpy(&range, (const uint8_t *)body + 8 + 8 * i, sizeof(range));
		see(channel, &range);
	}
	channel->ids[channel->id_count++] = desc->transaction_id;
	return true;
}

static void give_back(struct channel *channel)
{
	const uint32_t words[2] = { NVSP_SEND_RNDIS_PKT_COMPLETE, NVSP_STATUS_SUCCESS };
	struct packet packet = { .data = (uint8_t *)words, .bytes = sizeof(words) };

	while (channel->id_count) {
		packet.desc.transaction_id = channel->ids[--channel->id_count];
		netvsp_out_returned(&channel->state, &packet);
	}
}

static ssize_t receive(struct net_queue *queue, struct net_meta *meta, const struct iovec *pieces, unsigned int count)
{
	static const uint8_t head[54] = { 2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, [23] = 6, [26] = 10, [46] = 0x50 };
	uint8_t *frame = pieces[0].iov_base, flow = (uint8_t)(queue->made % FLOWS);

	(void)count;
	if (queue->made == queue->max || queue->since++ == BATCH_READ)
		return -EAGAIN;
	if (queue->made && queue->closes) {
		netvsp_spread_close(&queue->closes->state);
		queue->closes = NULL;
	}
	queue->made++;
	*meta = (struct net_meta){ 0 };
	memcpy(frame, head, sizeof(head));
	frame[28] = (uint8_t)queue->number;
	frame[29] = flow;
	memcpy(frame + 54, &queue->seqs[flow], 4);
	queue->seqs[flow]++;
	return 60;
}

/* One turn, as the worker of a channel has it. */
static void work_once(struct channel *channel)
{
	struct netvsp_channel *state = &channel->state;

	state->blocked = state->starved = false;
	if (state->queue && state->queue->made < state->queue->max) {
		state->queue->since = 0;
		state->ready = true;
		channel_call(channel);
	}
	netvsp_receive(state);
	if (state->blocked)
		channel_call(channel);
	if (channel->number && ++channel->rounds % 50 == 0) {
		netvsp_spread_close(state);
		sched_yield();
		netvsp_spread_open(state);
	}
	if (channel->id_count) {
		give_back(channel);
		channel_call(channel);
	}
}

static void *work(void *context)
{
	struct channel *channel = context;

	for (;;) {
		while (sem_wait(&channel->call))
			;
		if (atomic_load(&channel->stop))
			return NULL;
		work_once(channel);
		sem_post(&progress);
	}
}

static uint64_t accounted(void)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < CHANNELS; i++)
		all += atomic_load(&channels[i].delivered) + atomic_load(&netvsp.counters[i].rx_dropped);
	return all;
}

/* Flows go to @count channels from @first on. */
static struct rss *make_rss(unsigned int first, unsigned int count)
{
	struct rndis_rss parameters = { .on = true, .hash = NDIS_HASH_TOEPLITZ | NDIS_HASH_IPV4, .table_count = 128 };

	for (unsigned int i = 0; i < 128; i++)
		parameters.table[i] = (uint8_t)(first + i % count);
	for (unsigned int i = 0; i < NDIS_RSS_KEY_BYTES; i++)
		parameters.key[i] = (uint8_t)(i * 37 + 11);
	return rss_create(&parameters);
}

static void start(void)
{
	static const struct net_ops ops = { .name = "stress", .receive = receive };
	static struct net net = { .ops = &ops };
	const char *why;

	memset(&netvsp, 0, sizeof(netvsp));
	memset(channels, 0, sizeof(channels));
	memset(queues, 0, sizeof(queues));
	netvsp.net = &net;
	netvsp.rss = make_rss(0, CHANNELS);
	netvsp.recv = netvsp_area_open(&channels[0], 1, 2048, true, &why);
	pthread_mutex_init(&netvsp.lock, NULL);
	sem_init(&progress, 0, 0);
	for (unsigned int i = 0; i < CHANNELS; i++) {
		struct netvsp_channel *state = &channels[i].state;

		channels[i].number = channels[i].random = i;
		sem_init(&channels[i].call, 0, 1);
		pthread_mutex_init(&netvsp.inboxes[i].lock, NULL);
		state->netvsp = &netvsp;
		state->channel = &channels[i];
		state->index = i;
		state->counters = &netvsp.counters[i];
		state->recv = netvsp.recv;
		state->rss = netvsp.rss;
		state->config.running = state->link = true;
		state->config.filter = RNDIS_FILTER_PROMISCUOUS;
		state->queue = i < READERS ? &queues[i] : NULL;
		if (state->queue)
			*state->queue = (struct net_queue){ .number = i, .max = FRAMES };
		netvsp_out_init(state);
		netvsp_spread_open(state);
	}
}

/* All units come back. */
static void end(void)
{
	unsigned int units = 0;

	for (unsigned int i = 0; i < CHANNELS; i++) {
		netvsp_spread_close(&channels[i].state);
		netvsp_out_end(&channels[i].state);
	}
	for (unsigned int i = 0; i < netvsp.recv->units / 64; i++)
		units += (unsigned int)__builtin_popcountll(netvsp.recv->free[i]);
	assert_int_equal(units, netvsp.recv->units);
	netvsp_area_drop(netvsp.recv);
	rss_drop(netvsp.rss);
}

static void all_frames_and_units_are_accounted_for(void **state)
{
	(void)state;
	atomic_store(&failed, false);
	start();
	for (unsigned int i = 0; i < CHANNELS; i++)
		assert_int_equal(pthread_create(&channels[i].thread, NULL, work, &channels[i]), 0);
	while (accounted() < READERS * FRAMES)
		sem_wait(&progress);
	for (unsigned int i = 0; i < CHANNELS; i++) {
		atomic_store(&channels[i].stop, true);
		channel_call(&channels[i]);
	}
	for (unsigned int i = 0; i < CHANNELS; i++)
		pthread_join(channels[i].thread, NULL);
	print_message("# delivered %u %u %u, handed over %llu %llu, dropped %llu\n", channels[0].delivered, channels[1].delivered,
		      channels[2].delivered, (unsigned long long)netvsp.counters[0].rx_handed_over,
		      (unsigned long long)netvsp.counters[1].rx_handed_over,
		      (unsigned long long)(accounted() - channels[0].delivered - channels[1].delivered - channels[2].delivered));
	/* It reads no queue: others handed it over. How much is the scheduler's affair. */
	assert_true(channels[2].delivered > 0);
	end();
	assert_int_equal(accounted(), READERS * FRAMES);
	assert_false(atomic_load(&failed));
}

/*
 * Channel 0 has more from others than one packet takes, and reads for channel 2, which closes meanwhile: what it read comes
 * back to it, behind those of others, and what it reads then must not go out before that.
 */
static void frames_that_come_back_stay_in_order(void **state)
{
	struct rss *to_first = make_rss(0, 1), *to_last = make_rss(2, 1);

	(void)state;
	start();
	channels[1].state.rss = to_first;
	queues[1].max = 120;
	queues[1].since = UNENDING;
	channels[1].state.ready = true;
	netvsp_receive(&channels[1].state);
	assert_int_equal(netvsp.counters[1].rx_handed_over, 120);
	channels[0].state.rss = to_last;
	queues[0] = (struct net_queue){ .max = 200, .closes = &channels[2] };
	while (accounted() < 120 + 200) {
		channels[0].state.blocked = channels[0].state.starved = false;
		channels[0].state.ready = queues[0].made < queues[0].max;
		queues[0].since = UNENDING;
		netvsp_receive(&channels[0].state);
		give_back(&channels[0]);
	}
	assert_int_equal(channels[0].delivered, 120 + 200);
	end();
	assert_false(atomic_load(&failed));
	rss_drop(to_first);
	rss_drop(to_last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_that_come_back_stay_in_order),
		cmocka_unit_test(all_frames_and_units_are_accounted_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
