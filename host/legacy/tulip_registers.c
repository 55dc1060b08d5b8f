// SPDX-License-Identifier: GPL-2.0
/*
 * The registers (CSRs) of a 21140A and its interrupt line, as VPs' accesses come. See tulip_internal.h.
 * Invariant: the line is high exactly while a status bit is set that the mask lets through, as a level.
 */
#include <string.h>

#include "legacy/tulip_internal.h"

/* What reads as ones because nothing is there. */
#define CSR0_ONES  0xfe000000u
#define CSR5_ONES  0xfc000000u
#define CSR6_ONES  0x32000000u
#define CSR7_ONES  0xfffe0000u
#define CSR8_ONES  0xe0000000u
#define CSR9_ONES  0xfff00000u
#define CSR11_ONES 0xfffe0000u
#define CSR12_ONES 0xfffffe00u

#define STATUS_CLEARABLE (DEC_STATUS_NORMAL_ANY | DEC_STATUS_ABNORMAL_ANY)
#define CSR6_AT_RESET	 DEC_MODE_PROMISCUOUS
#define CSR9_AT_RESET	 0x000083f7u
#define WIRES		 (DEC_ROM_CS | DEC_ROM_CLOCK | DEC_ROM_IN)

static uint32_t summary(const struct tulip *tulip)
{
	uint32_t seen = tulip->status & tulip->mask;

	return (seen & DEC_STATUS_NORMAL_ANY ? DEC_STATUS_NORMAL : 0) | (seen & DEC_STATUS_ABNORMAL_ANY ? DEC_STATUS_ABNORMAL : 0);
}

/* With the lock. */
static void settle(struct tulip *tulip)
{
	bool level = summary(tulip) & tulip->mask;

	if (level == tulip->line)
		return;
	tulip->line = level;
	tulip_count(&tulip->counters.interrupts, level);
	tulip->interrupt(tulip->context, level);
}

void tulip_raise(struct tulip *tulip, uint32_t bits)
{
	pthread_mutex_lock(&tulip->lock);
	tulip->status |= bits;
	settle(tulip);
	pthread_mutex_unlock(&tulip->lock);
}

void tulip_bus_error(struct tulip *tulip)
{
	atomic_store(&tulip->dead, true);
	tulip_count(&tulip->counters.bus_errors, 1);
	tulip_raise(tulip, DEC_STATUS_BUS_ERROR | DEC_STATUS_MASTER_ABORT);
}

void tulip_power_up(struct tulip *tulip)
{
	atomic_store(&tulip->csr0, 0);
	atomic_store(&tulip->csr6, CSR6_AT_RESET);
	atomic_store(&tulip->dead, false);
	atomic_store(&tulip->tx_suspended, false);
	atomic_store(&tulip->rx_suspended, false);
	tulip->tx = tulip->rx = (struct tulip_list){ 0 };
	memset(&tulip->filter, 0, sizeof(tulip->filter));
	tulip->status = tulip->mask = 0;
	tulip->csr9 = CSR9_AT_RESET;
	tulip->csr10 = tulip->csr15 = tulip->timer = 0;
	tulip->port = tulip->port_outputs = 0;
	tulip_rom_drive(&tulip->rom, 0);
	if (tulip->timers)
		tulip_timer_set(tulip->timers, 0, false);
	settle(tulip);
}

/* Neither process runs; once the turn is ours, none moves anything any more. */
static void reset(struct tulip *tulip)
{
	atomic_store(&tulip->csr6, CSR6_AT_RESET);
	pthread_mutex_lock(&tulip->turn);
	pthread_mutex_lock(&tulip->lock);
	tulip_power_up(tulip);
	tulip_count(&tulip->counters.resets, 1);
	pthread_mutex_unlock(&tulip->lock);
	pthread_mutex_unlock(&tulip->turn);
}

static uint32_t state(const struct tulip *tulip, uint32_t mode, bool suspended, enum dec_state when_suspended)
{
	if (!(atomic_load(&tulip->csr6) & mode) || atomic_load(&tulip->dead))
		return DEC_STOPPED;
	return suspended ? when_suspended : DEC_RUNNING;
}

static uint32_t read_status(const struct tulip *tulip)
{
	uint32_t rx = state(tulip, DEC_MODE_RX, atomic_load(&tulip->rx_suspended), DEC_RX_SUSPENDED);
	uint32_t tx = state(tulip, DEC_MODE_TX, atomic_load(&tulip->tx_suspended), DEC_TX_SUSPENDED);

	return CSR5_ONES | tulip->status | summary(tulip) | rx << DEC_STATUS_RX_STATE_SHIFT | tx << DEC_STATUS_TX_STATE_SHIFT;
}

/* What was missed is what the network had to throw away, for it waits for descriptors as long as it can. */
static uint32_t read_missed(struct tulip *tulip)
{
	uint64_t now = atomic_load_explicit(&tulip->net->dropped, memory_order_relaxed), since = now - tulip->missed;

	tulip->missed = now;
	return CSR8_ONES | (since > DEC_MISSED_MAX ? DEC_MISSED_OVERFLOW | DEC_MISSED_MAX : (uint32_t)since);
}

static uint32_t read_rom(const struct tulip *tulip)
{
	return CSR9_ONES | DEC_MII_IN | (tulip->csr9 & ~DEC_ROM_OUT) | (tulip->rom.out ? DEC_ROM_OUT : 0);
}

static uint32_t read_timer(const struct tulip *tulip)
{
	uint64_t left = tulip->timer & DEC_TIMER_COUNT && tulip->timers ? tulip_timer_left(tulip->timers) : 0;
	uint32_t count = (uint32_t)((left + DEC_TIMER_UNIT_NS - 1) / DEC_TIMER_UNIT_NS);

	return CSR11_ONES | (tulip->timer & DEC_TIMER_CONTINUOUS) | (count & DEC_TIMER_COUNT);
}

static uint32_t read_port(const struct tulip *tulip)
{
	uint8_t inputs = atomic_load(&tulip->link) ? 1u << TULIP_LINK_PIN : 0;

	return CSR12_ONES | (tulip->port & tulip->port_outputs) | (inputs & (uint8_t)~tulip->port_outputs);
}

static uint32_t read_locked(struct tulip *tulip, unsigned int csr)
{
	switch (csr) {
	case 0:
		return CSR0_ONES | atomic_load(&tulip->csr0);
	case 5:
		return read_status(tulip);
	case 6:
		return CSR6_ONES | atomic_load(&tulip->csr6) | tulip->filter.mode;
	case 7:
		return CSR7_ONES | tulip->mask;
	case 8:
		return read_missed(tulip);
	case 9:
		return read_rom(tulip);
	case 10:
		return tulip->csr10;
	case 11:
		return read_timer(tulip);
	case 12:
		return read_port(tulip);
	case 15:
		return tulip->csr15;
	default:
		return ~0u;
	}
}

static uint32_t read_list(struct tulip *tulip, const struct tulip_list *list)
{
	uint32_t base;

	pthread_mutex_lock(&tulip->turn);
	base = list->base;
	pthread_mutex_unlock(&tulip->turn);
	return base;
}

static uint32_t read_csr(struct tulip *tulip, unsigned int csr)
{
	uint32_t value;

	if (csr == 3 || csr == 4)
		return read_list(tulip, csr == 3 ? &tulip->rx : &tulip->tx);
	pthread_mutex_lock(&tulip->lock);
	value = read_locked(tulip, csr);
	pthread_mutex_unlock(&tulip->lock);
	return value;
}

static void set_list(struct tulip *tulip, struct tulip_list *list, uint32_t base)
{
	pthread_mutex_lock(&tulip->turn);
	list->base = list->at = base & ~3u;
	pthread_mutex_unlock(&tulip->turn);
}

static void demand(struct tulip *tulip, uint32_t modes)
{
	if (modes & DEC_MODE_TX) {
		atomic_store(&tulip->tx_suspended, false);
		atomic_store(&tulip->tx_demand, true);
	}
	if (modes & DEC_MODE_RX)
		atomic_store(&tulip->rx_suspended, false);
	if (modes & (DEC_MODE_TX | DEC_MODE_RX))
		tulip_kick(tulip);
}

/* A stopped process is said to have stopped when it has, so drivers need not wait for it. */
static void set_mode(struct tulip *tulip, uint32_t value)
{
	uint32_t old = atomic_exchange(&tulip->csr6, value & ~DEC_MODE_FILTER), stopped = old & ~value;

	if (stopped & (DEC_MODE_TX | DEC_MODE_RX)) {
		pthread_mutex_lock(&tulip->turn);
		pthread_mutex_unlock(&tulip->turn);
		tulip_raise(tulip, (stopped & DEC_MODE_TX ? DEC_STATUS_TX_STOPPED : 0) |
				   (stopped & DEC_MODE_RX ? DEC_STATUS_RX_STOPPED : 0));
	}
	demand(tulip, value & ~old);
}

static void set_rom(struct tulip *tulip, uint32_t value)
{
	tulip->csr9 = value;
	tulip_rom_drive(&tulip->rom, value & DEC_ROM_SELECT ? value & WIRES : 0);
}

static void set_timer(struct tulip *tulip, uint32_t value)
{
	tulip->timer = value & (DEC_TIMER_COUNT | DEC_TIMER_CONTINUOUS);
	if (tulip->timers)
		tulip_timer_set(tulip->timers, (uint64_t)(value & DEC_TIMER_COUNT) * DEC_TIMER_UNIT_NS,
				value & DEC_TIMER_CONTINUOUS);
}

static void set_port(struct tulip *tulip, uint32_t value)
{
	if (value & DEC_PORT_DIRECT)
		tulip->port_outputs = value & DEC_PORT_PINS;
	else
		tulip->port = value & DEC_PORT_PINS;
}

static void write_locked(struct tulip *tulip, unsigned int csr, uint32_t value)
{
	switch (csr) {
	case 5:
		tulip->status &= ~(value & STATUS_CLEARABLE);
		settle(tulip);
		break;
	case 7:
		tulip->mask = value & ~CSR7_ONES;
		settle(tulip);
		break;
	case 9:
		set_rom(tulip, value);
		break;
	case 10:
		tulip->csr10 = value;
		break;
	case 11:
		set_timer(tulip, value);
		break;
	case 12:
		set_port(tulip, value);
		break;
	case 15:
		tulip->csr15 = value;
		break;
	default:
		break;
	}
}

static void set_register(struct tulip *tulip, unsigned int csr, uint32_t value)
{
	pthread_mutex_lock(&tulip->lock);
	write_locked(tulip, csr, value);
	pthread_mutex_unlock(&tulip->lock);
	/* Drivers that acknowledge or unmask have often just refilled their list, and say so no otherwise. */
	if ((csr == 5 || csr == 7) && atomic_load(&tulip->rx_suspended))
		tulip_kick(tulip);
}

static void write_csr(struct tulip *tulip, unsigned int csr, uint32_t value)
{
	switch (csr) {
	case 0:
		if (value & DEC_CSR0_RESET)
			reset(tulip);
		atomic_store(&tulip->csr0, value & ~CSR0_ONES);
		break;
	case 1:
		demand(tulip, DEC_MODE_TX);
		break;
	case 2:
		demand(tulip, DEC_MODE_RX);
		break;
	case 3:
	case 4:
		set_list(tulip, csr == 3 ? &tulip->rx : &tulip->tx, value);
		break;
	case 6:
		set_mode(tulip, value);
		break;
	default:
		set_register(tulip, csr, value);
		break;
	}
}

/* Registers are longwords, eight bytes apart. */
static bool is_register(struct tulip *tulip, uint16_t offset, unsigned int size)
{
	if (size == sizeof(uint32_t) && !(offset % DEC_CSR_BYTES) && offset < DEC_CSRS * DEC_CSR_BYTES)
		return true;
	tulip_count(&tulip->counters.ignored, 1);
	return false;
}

void tulip_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	uint32_t value;

	memset(data, 0xff, size);
	if (!is_register(context, offset, size))
		return;
	value = read_csr(context, offset / DEC_CSR_BYTES);
	memcpy(data, &value, sizeof(value));
}

void tulip_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	uint32_t value;

	if (!is_register(context, offset, size))
		return;
	memcpy(&value, data, sizeof(value));
	write_csr(context, offset / DEC_CSR_BYTES, value);
}
