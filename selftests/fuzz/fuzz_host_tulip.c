// SPDX-License-Identifier: GPL-2.0
// links: host/legacy/tulip.c host/legacy/tulip_registers.c host/legacy/tulip_rom.c host/legacy/tulip_filter.c host/legacy/tulip_ring.c host/legacy/tulip_tx.c host/legacy/tulip_rx.c host/legacy/tulip_query.c host/net_offload.c host/guestmem.c host/pagemap.c
/*
 * The 21140A: any accesses to its registers, with lists from the same input that are nearly right, on a network that fails, answers
 * late and has frames of any size.
 * Properties: every piece that the network is given lies in the guest's memory or is the adapter's own; a turn is bounded; the
 * interrupt line changes when it says so; after a reset the adapter takes a setup frame and moves a frame each way.
 */
#include <errno.h>

#include "legacy/tulip_internal.h"
#include "quiet_log.h"
#include "tape.h"

#define MEMORY_BYTES (1u << 20)
#define TX_LIST	     0x8000u
#define RX_LIST	     0x9000u
#define DATA	     0x10000u
#define LIST_MAX     16u
#define WORKS_MAX    3u

static struct guestmem *mem;
static struct loop_work *works[WORKS_MAX];
static unsigned int work_count, moved;
static bool line, stopped, calm, poll;
static struct tape *input;
static struct tulip *nic;

struct net_queue {
	unsigned int waiting;
	bool told;
	void (*ready)(void *context);
	void *context;
} the_queue;

struct device_worker *device_worker_create(const char *name)
{
	(void)name;
	return (struct device_worker *)&work_count;
}

int device_worker_run(struct device_worker *worker)
{
	(void)worker;
	return 0;
}

static void work_once(void)
{
	struct loop_work *work = works[0];

	if (!work_count)
		return;
	work_count--;
	memmove(works, works + 1, sizeof(works) - sizeof(works[0]));
	moved = 0;
	work->run(work);
	/* Each way, and nothing else is moved in a turn. */
	MUST(moved <= 2 * TULIP_TURN_FRAMES);
}

void device_worker_end(struct device_worker *worker)
{
	(void)worker;
	while (work_count)
		work_once();
	MUST(stopped);
}

struct loop *device_worker_loop(const struct device_worker *worker)
{
	(void)worker;
	return NULL;
}

void loop_call(struct loop *loop, struct loop_work *work)
{
	MUST(!loop && work_count < WORKS_MAX);
	for (unsigned int i = 0; i < work_count; i++)
		MUST(works[i] != work);
	works[work_count++] = work;
}

void loop_stop(struct loop *loop)
{
	(void)loop;
	stopped = true;
}

struct tulip_timers *tulip_timers_create(struct tulip *tulip, struct loop *loop)
{
	(void)tulip;
	(void)loop;
	return (struct tulip_timers *)&work_count;
}

void tulip_timers_end(struct tulip_timers *timers, void (*ended)(void *context), void *context)
{
	(void)timers;
	ended(context);
}

void tulip_timers_destroy(struct tulip_timers *timers)
{
	(void)timers;
}

void tulip_timer_set(struct tulip_timers *timers, uint64_t ns, bool again)
{
	(void)timers;
	(void)again;
	MUST(ns <= 65535ull * DEC_TIMER_UNIT_NS);
}

uint64_t tulip_timer_left(const struct tulip_timers *timers)
{
	(void)timers;
	return tape_u16(input);
}

void tulip_timer_poll(struct tulip_timers *timers, uint64_t ns)
{
	(void)timers;
	MUST(ns >= 1000000);
	poll = true;
}

static void interrupt(void *context, bool level)
{
	(void)context;
	MUST(line != level);
	line = level;
}

static bool is_in(const uint8_t *base, size_t bytes, const void *from, size_t room)
{
	return base >= (const uint8_t *)from && base + bytes <= (const uint8_t *)from + room;
}

/* @to: it is written there; what is read may be padding, too, of which there is little. */
static void check_pieces(const struct iovec *pieces, unsigned int count, bool to)
{
	const uint8_t *memory = guestmem_ptr(mem, gpa(0), MEMORY_BYTES);

	MUST(count && count <= TULIP_PIECES && count <= NET_PIECES_MAX);
	for (unsigned int i = 0; i < count; i++)
		MUST(is_in(pieces[i].iov_base, pieces[i].iov_len, memory, MEMORY_BYTES) ||
		     is_in(pieces[i].iov_base, pieces[i].iov_len, nic->scrap, sizeof(nic->scrap)) ||
		     (!to && i == count - 1 && pieces[i].iov_len <= TULIP_FRAME_MIN));
}

static struct net_queue *open_queue(struct net *net, unsigned int index, struct loop *loop, void (*ready)(void *context), void *context)
{
	(void)net;
	MUST(!index && !loop);
	the_queue = (struct net_queue){ .ready = ready, .context = context };
	return &the_queue;
}

static int send_frame(struct net_queue *queue, const struct net_meta *meta, const struct iovec *pieces, unsigned int count, size_t bytes)
{
	uint8_t frame[TULIP_FRAME_JABBER];
	size_t sum = 0;

	MUST(queue == &the_queue && !meta->flags && !meta->gso);
	check_pieces(pieces, count, false);
	MUST(bytes >= TULIP_ETHERNET && bytes <= sizeof(frame));
	for (unsigned int i = 0; i < count; i++) {
		memcpy(frame + sum, pieces[i].iov_base, pieces[i].iov_len);
		sum += pieces[i].iov_len;
	}
	MUST(sum == bytes);
	moved++;
	return calm || tape_u8(input) % 8 ? 0 : -EAGAIN;
}

static ssize_t receive(struct net_queue *queue, struct net_meta *meta, const struct iovec *pieces, unsigned int count)
{
	static const uint16_t sizes[] = { 60, 1514, 1518, 13, 0, 300, 1600, 2048 };
	size_t bytes = calm ? 60 : sizes[tape_u8(input) % 8], done = 0;

	check_pieces(pieces, count, true);
	if (!queue->waiting) {
		queue->told = false;
		return -EAGAIN;
	}
	*meta = (struct net_meta){ 0 };
	queue->waiting--;
	moved++;
	for (unsigned int i = 0; i < count && done < bytes; i++) {
		size_t part = bytes - done < pieces[i].iov_len ? bytes - done : pieces[i].iov_len;

		memset(pieces[i].iov_base, 0xff, part);
		done += part;
	}
	return done == bytes ? (ssize_t)bytes : -EMSGSIZE;
}

static void close_queue(struct net_queue *queue, void (*closed)(void *context), void *context)
{
	MUST(queue == &the_queue);
	closed(context);
}

static void destroy(struct net *net)
{
	(void)net;
}

static const struct net_ops ops = { .name = "fuzz", .open = open_queue, .send = send_frame, .receive = receive,
				    .close = close_queue, .destroy = destroy };

static void arrive(unsigned int count)
{
	the_queue.waiting += count;
	if (the_queue.told || !count)
		return;
	the_queue.told = true;
	the_queue.ready(the_queue.context);
}

static void set_csr(unsigned int number, uint32_t value)
{
	uint8_t data[4];

	memcpy(data, &value, sizeof(data));
	tulip_out(nic, (uint16_t)(8 * number), data, 4);
}

static uint32_t csr(unsigned int number)
{
	uint8_t data[4];
	uint32_t value;

	tulip_in(nic, (uint16_t)(8 * number), data, 4);
	memcpy(&value, data, sizeof(value));
	return value;
}

/* A list that is nearly right, near the place where it belongs. */
static void put_list(struct tape *tape, uint32_t place)
{
	static const uint32_t kinds[] = { DEC_TX_FIRST | DEC_TX_LAST, DEC_TX_FIRST, DEC_TX_LAST, 0, DEC_TX_SETUP, DEC_CHAINED,
					  DEC_TX_INTERRUPT | DEC_TX_FIRST | DEC_TX_LAST, DEC_TX_NO_CRC | DEC_TX_FIRST | DEC_TX_LAST };
	uint32_t at = tape_lie(tape, place), count = 1 + tape_below(tape, LIST_MAX);

	for (uint32_t i = 0; i < count; i++) {
		uint8_t kind = tape_u8(tape);
		uint32_t bytes = kind % 8 == 4 ? DEC_SETUP_BYTES : tape_lie(tape, 1536) & 0x3fffff;
		struct dec_descriptor descriptor = { .status = kind & 0x80 ? 0 : DEC_OWN,
						     .control = tape_lie(tape, kinds[kind % 8] | bytes),
						     .buffer1 = tape_lie(tape, DATA + 2048 * i),
						     .buffer2 = tape_lie(tape, place + 16 * (tape_u8(tape) % LIST_MAX)) };
		void *to = guestmem_ptr(mem, gpa(at + i * sizeof(descriptor)), sizeof(descriptor));

		if (i + 1 == count)
			descriptor.control |= DEC_RING_END;
		if (to)
			memcpy(to, &descriptor, sizeof(descriptor));
	}
	set_csr(place == TX_LIST ? 4 : 3, at);
}

static void access_any(struct tape *tape)
{
	static const unsigned int sizes[] = { 4, 4, 4, 4, 4, 4, 2, 1 };
	uint8_t which = tape_u8(tape), how = tape_u8(tape), data[4];
	unsigned int size = sizes[how % 8];
	uint16_t offset = (uint16_t)(how & 0x40 ? which % (DEC_IO_BYTES - 3) : which % DEC_CSRS * DEC_CSR_BYTES);

	tape_take(tape, data, sizeof(data));
	if (how & 0x20)
		tulip_in(nic, offset, data, size);
	else
		tulip_out(nic, offset, data, size);
}

/* The timer, if it was set. */
static void fire(void)
{
	if (!poll)
		return;
	poll = false;
	atomic_store(&nic->tx_demand, true);
	tulip_kick(nic);
}

static void act(struct tape *tape)
{
	uint8_t what = tape_u8(tape);

	switch (what % 8) {
	case 0:
		put_list(tape, TX_LIST);
		break;
	case 1:
		put_list(tape, RX_LIST);
		break;
	case 2 ... 3:
		access_any(tape);
		break;
	case 4:
		arrive(what / 8);
		break;
	case 5:
		tulip_set_link(nic, what & 0x10 || what & 0x20);
		tulip_set_master(nic, what & 0x40 || what & 0x20);
		break;
	case 6:
		set_csr(6, DEC_MODE_TX | DEC_MODE_RX | (what & 8 ? DEC_MODE_PROMISCUOUS : 0));
		set_csr(1 + what / 16 % 2, 0);
		break;
	default:
		if (what & 8)
			fire();
		work_once();
		break;
	}
}

static struct dec_descriptor *put_one(uint32_t at, uint32_t control, uint32_t buffer)
{
	struct dec_descriptor *descriptor = guestmem_ptr(mem, gpa(at), sizeof(*descriptor));

	*descriptor = (struct dec_descriptor){ DEC_OWN, control | DEC_RING_END, buffer, 0 };
	return descriptor;
}

/* Each turn moves something or ends, so there is an end. */
static void finish(void)
{
	fire();
	for (unsigned int i = 0; work_count; i++) {
		MUST(i < 10000);
		work_once();
	}
}

/* Whatever was done to it. */
static void recover(void)
{
	struct dec_descriptor *tx, *rx;

	calm = true;
	tulip_set_link(nic, true);
	tulip_set_master(nic, true);
	set_csr(0, DEC_CSR0_RESET);
	set_csr(0, 0);
	finish();
	MUST(!line && csr(5) == 0xfc000000);
	MUST(!the_queue.waiting);
	memset(guestmem_ptr(mem, gpa(DATA), DEC_SETUP_BYTES), 0xff, DEC_SETUP_BYTES);
	tx = put_one(TX_LIST, DEC_TX_SETUP | DEC_SETUP_BYTES, DATA);
	rx = put_one(RX_LIST, 1536, DATA + 4096);
	set_csr(3, RX_LIST);
	set_csr(4, TX_LIST);
	set_csr(7, 0x1ebef);
	set_csr(6, DEC_MODE_TX | DEC_MODE_RX);
	finish();
	MUST(tx->status == DEC_TX_SETUP_DONE && line);
	arrive(1);
	tx = put_one(TX_LIST, DEC_TX_FIRST | DEC_TX_LAST | 100, DATA);
	set_csr(1, 0);
	finish();
	MUST(!(tx->status & DEC_OWN) && !(rx->status & DEC_OWN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };
	struct net net = { .ops = &ops };
	struct tulip_config config = { .net = &net, .interrupt = interrupt };

	if (!mem)
		mem = guestmem_create(MEMORY_BYTES);
	work_count = 0;
	line = stopped = calm = poll = false;
	input = &tape;
	config.mem = mem;
	nic = tulip_create(&config);
	MUST(!tulip_start(nic));
	tulip_set_master(nic, true);
	while (tape_more(&tape))
		act(&tape);
	recover();
	json_decref(tulip_query(nic));
	tulip_stop(nic);
	tulip_destroy(nic);
	return 0;
}
