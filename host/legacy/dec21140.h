/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers of a DEC 21140A: its registers (CSRs), its descriptors and its setup frames, as far as they are used here.
 * Defined by Digital's "21140A PCI Fast Ethernet LAN Controller Hardware Reference Manual" (EC-QN7NF), which was not to hand: what
 * Linux 6.1's drivers/net/ethernet/dec/tulip/ uses is as it has it, the rest may be off.
 */
#ifndef HVIS_HOST_LEGACY_DEC21140_H
#define HVIS_HOST_LEGACY_DEC21140_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define DEC_IO_BYTES  128u
#define DEC_CSRS      16u
#define DEC_CSR_BYTES 8u /* from one CSR to the next; four of them are used */

/* CSR0: bus mode. */
#define DEC_CSR0_RESET	   0x00000001u
#define DEC_CSR0_SKIP(csr) ((csr) >> 2 & 0x1f) /* longwords between descriptors of a ring */
#define DEC_CSR0_AUTO_POLL 0x000e0000u /* how often to look for something to transmit; 0: on demand only */

/* CSR5: status. */
#define DEC_STATUS_TX_DONE    0x00000001u
#define DEC_STATUS_TX_STOPPED 0x00000002u
#define DEC_STATUS_TX_EMPTY   0x00000004u /* the next descriptor is the driver's */
#define DEC_STATUS_TX_JABBER  0x00000008u
#define DEC_STATUS_RX_DONE    0x00000040u
#define DEC_STATUS_RX_EMPTY   0x00000080u
#define DEC_STATUS_RX_STOPPED 0x00000100u
#define DEC_STATUS_TIMER      0x00000800u
#define DEC_STATUS_BUS_ERROR  0x00002000u
#define DEC_STATUS_ABNORMAL   0x00008000u /* a summary of those below, as is the next one */
#define DEC_STATUS_NORMAL     0x00010000u
#define DEC_STATUS_NORMAL_ANY   (DEC_STATUS_TX_DONE | DEC_STATUS_TX_EMPTY | DEC_STATUS_RX_DONE | DEC_STATUS_TIMER)
#define DEC_STATUS_ABNORMAL_ANY (DEC_STATUS_TX_STOPPED | DEC_STATUS_TX_JABBER | DEC_STATUS_RX_EMPTY | DEC_STATUS_RX_STOPPED | \
				 DEC_STATUS_BUS_ERROR)
#define DEC_STATUS_RX_STATE_SHIFT 17
#define DEC_STATUS_TX_STATE_SHIFT 20
#define DEC_STATUS_MASTER_ABORT	  0x00800000u /* with a bus error: why */

/* What the two processes do, in CSR5; there are more states, too short to be seen. */
enum dec_state {
	DEC_STOPPED = 0,
	DEC_RUNNING = 3, /* waiting for a frame; moving one */
	DEC_RX_SUSPENDED = 4,
	DEC_TX_SUSPENDED = 6,
};

/* CSR6: operation mode. */
#define DEC_MODE_HASH	      0x00000001u /* these three tell of the setup frame and cannot be written */
#define DEC_MODE_HASH_ONLY    0x00000004u
#define DEC_MODE_INVERSE      0x00000010u
#define DEC_MODE_FILTER	      (DEC_MODE_HASH | DEC_MODE_HASH_ONLY | DEC_MODE_INVERSE)
#define DEC_MODE_RX	      0x00000002u
#define DEC_MODE_PROMISCUOUS  0x00000040u
#define DEC_MODE_MULTICASTS   0x00000080u
#define DEC_MODE_LOOPBACK     0x00000c00u
#define DEC_MODE_TX	      0x00002000u

/* CSR8: frames missed. */
#define DEC_MISSED_MAX	    0xffffu
#define DEC_MISSED_OVERFLOW 0x00010000u

/* CSR9: the wires of the serial ROM, and of an MII that is not there. */
#define DEC_ROM_CS     0x00000001u
#define DEC_ROM_CLOCK  0x00000002u
#define DEC_ROM_IN     0x00000004u /* to the ROM */
#define DEC_ROM_OUT    0x00000008u /* from it */
#define DEC_ROM_SELECT 0x00000800u
#define DEC_MII_IN     0x00080000u

/* CSR11: timer. */
#define DEC_TIMER_COUNT	     0x0000ffffu
#define DEC_TIMER_CONTINUOUS 0x00010000u
#define DEC_TIMER_UNIT_NS    81920u /* of a port at 100 Mbit/s */

/* CSR12: general purpose port. */
#define DEC_PORT_PINS	0x000000ffu
#define DEC_PORT_DIRECT 0x00000100u /* a write says which pins are outputs */

/* What is owned by the chip, in both lists' first word. */
#define DEC_OWN 0x80000000u
/* In both lists' second word. */
#define DEC_BUFFER1(control) ((control) & 0x7ff)
#define DEC_BUFFER2(control) ((control) >> 11 & 0x7ff)
#define DEC_CHAINED 0x01000000u /* the second buffer's address is the next descriptor's */
#define DEC_RING_END 0x02000000u

/* Receive status. */
#define DEC_RX_LENGTH_SHIFT 16
#define DEC_RX_FILTER_FAIL  0x40000000u
#define DEC_RX_ERROR	    0x00008000u
#define DEC_RX_NO_ROOM	    0x00004000u
#define DEC_RX_MULTICAST    0x00000400u
#define DEC_RX_FIRST	    0x00000200u
#define DEC_RX_LAST	    0x00000100u
#define DEC_RX_TOO_LONG	    0x00000080u
#define DEC_RX_TYPE	    0x00000020u /* a type, not a length */

/* Transmit status and control. */
#define DEC_TX_ERROR	   0x00008000u
#define DEC_TX_JABBERED	   0x00004000u
#define DEC_TX_NO_CARRIER  0x00000c00u /* lost, and none */
#define DEC_TX_SETUP_DONE  0x7fffffffu
#define DEC_TX_INTERRUPT   0x80000000u
#define DEC_TX_LAST	   0x40000000u
#define DEC_TX_FIRST	   0x20000000u
#define DEC_TX_INVERSE	   0x10000000u /* of a setup frame, as the next one */
#define DEC_TX_SETUP	   0x08000000u
#define DEC_TX_NO_CRC	   0x04000000u /* the frame has its own */
#define DEC_TX_NO_PADDING  0x00800000u
#define DEC_TX_HASH	   0x00400000u

struct dec_descriptor {
	uint32_t status; /* the driver's until DEC_OWN is in it, then the chip's until it is not */
	uint32_t control; /* the driver's, as the next two */
	uint32_t buffer1;
	uint32_t buffer2;
};
static_assert(sizeof(struct dec_descriptor) == 16, "in rings the next one follows");
static_assert(offsetof(struct dec_descriptor, buffer2) == 12, "or is named here");

/* Of each longword of a setup frame the lower half counts: 16 addresses of three, or a hash table and one address. */
#define DEC_SETUP_BYTES	       192u
#define DEC_SETUP_ADDRESSES    16u
#define DEC_SETUP_HASH_BITS    512u
#define DEC_SETUP_HASH_ADDRESS 13u /* the one address, where there is a hash table */

#define DEC_CRC_BYTES 4u

#endif
