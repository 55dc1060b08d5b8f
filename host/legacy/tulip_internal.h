/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A 21140A inside: tulip.c (its life), tulip_query.c (what it tells), tulip_registers.c (CSRs, interrupt line), tulip_rom.c (the
 * serial ROM), tulip_filter.c (setup frames), tulip_ring.c (descriptors), tulip_tx.c and tulip_rx.c (frames) and tulip_timer.c.
 * Locks, outer first: @turn is held while a frame moves and protects both lists' positions and the filter, so that whoever
 * stops a process and then takes it once knows that memory is left alone from then on; @lock protects registers and line.
 */
#ifndef HVIS_HOST_LEGACY_TULIP_INTERNAL_H
#define HVIS_HOST_LEGACY_TULIP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "legacy/dec21140.h"
#include "legacy/device_worker.h"
#include "legacy/tulip.h"
#include "loop.h"

#define TULIP_TURN_FRAMES   64u /* each way, then let other things of the loop happen */
#define TULIP_DESCRIPTORS   64u /* of one frame; with more it is none */
#define TULIP_PIECES	    (2 * TULIP_DESCRIPTORS + 1) /* and padding, or what did not fit */
#define TULIP_FRAME_MIN	    60u /* on a wire, without its CRC */
#define TULIP_FRAME_MAX	    1514u /* one that is longer is marked */
#define TULIP_FRAME_TAGGED  1518u
#define TULIP_FRAME_JABBER  2048u /* no longer one is sent or received */
#define TULIP_ETHERNET	    14u
#define TULIP_ROM_WORDS	    64u
#define TULIP_LINK_PIN	    6u /* of the general purpose port; high: link */

/* A serial ROM of the kind 93C46, between two edges of its clock. */
struct tulip_rom {
	uint16_t words[TULIP_ROM_WORDS];
	bool clock, out;
	uint8_t bits; /* of a command, its start bit first, so far */
	uint16_t command;
	uint8_t left; /* of data to shift out */
	uint16_t data;
};

struct tulip_filter {
	bool valid; /* there was a setup frame */
	atomic_uint mode; /* of DEC_MODE_FILTER; it says what is in the others. Read without the lock */
	uint8_t addresses[DEC_SETUP_ADDRESSES][6];
	uint16_t hash[DEC_SETUP_HASH_BITS / 16];
};

struct tulip_list {
	uint32_t base, at;
};

/* A frame and its descriptors. */
struct tulip_frame {
	struct iovec pieces[TULIP_PIECES];
	uint32_t at[TULIP_DESCRIPTORS]; /* the descriptors */
	uint32_t bytes[TULIP_DESCRIPTORS]; /* of the buffers of each */
	unsigned int count, descriptors;
	uint32_t room; /* sum of bytes */
	uint32_t next; /* the descriptor behind */
	uint32_t control; /* of the last one */
};

/* Written by one thread or with a lock held; any thread reads. */
struct tulip_counters {
	_Atomic uint64_t interrupts, resets, ignored; /* accesses that no register answers */
	_Atomic uint64_t tx_frames, tx_bytes, tx_dropped, tx_bad, setup_frames;
	_Atomic uint64_t rx_frames, rx_bytes, rx_dropped, rx_filtered, rx_no_buffer, rx_truncated;
	_Atomic uint64_t bus_errors;
	_Atomic uint64_t copied_bytes; /* of frames, by us */
};

struct tulip_timers;

struct tulip {
	const struct guestmem *mem;
	struct net *net;
	unsigned int number;
	uint8_t mac[6];
	void (*interrupt)(void *context, bool level);
	void *context;

	struct device_worker *worker; /* between tulip_start() and tulip_stop(), as the next two */
	struct tulip_timers *timers;
	struct net_queue *queue;
	struct loop_work work, closing;
	unsigned int ending; /* of queue and timers, how many are not closed yet */

	atomic_bool scheduled; /* @work is on its way */
	atomic_bool tx_demand; /* look at the transmit list */
	atomic_bool master, link;
	atomic_bool dead; /* after a bus error, until a reset */
	atomic_uint csr0, csr6; /* CSR6 without what is the filter's */
	atomic_bool tx_suspended, rx_suspended; /* until a demand: there was no descriptor */
	bool rx_ready; /* the network has something; the worker's, as the next one */
	bool sent; /* something that may have to be flushed */
	uint32_t rx_poll_ns; /* when to look at an empty list again */

	pthread_mutex_t turn;
	struct tulip_list tx, rx;
	struct tulip_filter filter;
	struct tulip_frame frame; /* the worker's */
	uint8_t scrap[TULIP_FRAME_JABBER]; /* frames that nobody wants, and ends of those that do not fit */

	pthread_mutex_t lock;
	uint32_t status, mask; /* CSR5 without states and summaries, CSR7 */
	uint32_t csr9, csr10, csr15, timer;
	uint8_t port, port_outputs;
	bool line;
	uint64_t missed; /* frames that CSR8 has already told of */
	struct tulip_rom rom;
	struct tulip_counters counters;
};

static inline void tulip_count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/** tulip_runs() - whether the process of @mode, DEC_MODE_TX or DEC_MODE_RX, may use memory. */
static inline bool tulip_runs(const struct tulip *tulip, uint32_t mode)
{
	return atomic_load(&tulip->csr6) & mode && atomic_load(&tulip->master) && !atomic_load(&tulip->dead);
}

/* tulip.c */
/** tulip_kick() - the worker is to look what there is to do. Any thread. */
void tulip_kick(struct tulip *tulip);

/* tulip_registers.c */
/** tulip_power_up() - all registers as after a reset; with both locks held, or nobody else there. */
void tulip_power_up(struct tulip *tulip);
/** tulip_raise() - these bits of DEC_STATUS_* are so. No lock held. */
void tulip_raise(struct tulip *tulip, uint32_t bits);
/** tulip_bus_error() - a list or a buffer is where no memory is: nothing moves until a reset, which waits for the turn that we have. */
void tulip_bus_error(struct tulip *tulip);

/* tulip_rom.c */
void tulip_rom_fill(struct tulip_rom *rom, const uint8_t mac[6]);
/** tulip_rom_drive() - the wires are now so, of DEC_ROM_CS, _CLOCK and _IN. */
void tulip_rom_drive(struct tulip_rom *rom, uint32_t wires);

/* tulip_filter.c */
/** tulip_filter_set() - @setup: DEC_SETUP_BYTES; @control: of its descriptor. */
void tulip_filter_set(struct tulip_filter *filter, const uint8_t *setup, uint32_t control);
/** tulip_filter_match() - whether the chip would take a frame to @address, going by the setup frame alone. */
bool tulip_filter_match(const struct tulip_filter *filter, const uint8_t *address);
/** tulip_crc() - the CRC of Ethernet, before the inversion at its end. */
uint32_t tulip_crc(const uint8_t *bytes, unsigned int count);
/** tulip_filter_bit() - the place of an address in the hash table. */
unsigned int tulip_filter_bit(const uint8_t *address);

/* tulip_ring.c; with @turn held */
/** tulip_ring_read() - copy the descriptor at @at. Return: 1: it is the chip's; 0: it is the driver's; -EFAULT: there is no memory. */
int tulip_ring_read(const struct tulip *tulip, uint32_t at, struct dec_descriptor *descriptor);
/** tulip_ring_close() - @status, without DEC_OWN, and the descriptor is the driver's. */
void tulip_ring_close(const struct tulip *tulip, uint32_t at, uint32_t status);
/**
 * tulip_ring_add() - look up the buffers of a descriptor and add them, it and the place of the next one to a frame that has room
 * Return: 0 or -EFAULT.
 */
int tulip_ring_add(const struct tulip *tulip, const struct tulip_list *list, const struct dec_descriptor *descriptor,
		   struct tulip_frame *frame);
/** tulip_ring_begin() - an empty frame at the list's position. */
void tulip_ring_begin(const struct tulip_list *list, struct tulip_frame *frame);

/* tulip_tx.c, tulip_rx.c: the worker's. Return: whether there is more to do at once. */
bool tulip_transmit(struct tulip *tulip);
bool tulip_receive(struct tulip *tulip);

/* tulip_timer.c */
struct tulip_timers *tulip_timers_create(struct tulip *tulip, struct loop *loop);
/** tulip_timers_end() - @ended is called when they may be destroyed. The loop's thread. */
void tulip_timers_end(struct tulip_timers *timers, void (*ended)(void *context), void *context);
void tulip_timers_destroy(struct tulip_timers *timers);
/** tulip_timer_set() - CSR11's, raises DEC_STATUS_TIMER; @ns 0: off. Any thread. */
void tulip_timer_set(struct tulip_timers *timers, uint64_t ns, bool again);
/** tulip_timer_left() - until it fires. Any thread. */
uint64_t tulip_timer_left(const struct tulip_timers *timers);
/** tulip_timer_poll() - a kick in @ns. */
void tulip_timer_poll(struct tulip_timers *timers, uint64_t ns);

#endif
