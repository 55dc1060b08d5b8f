/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of a PC's CMOS clock that a kernel reads at boot to learn the date. No alarm, no
 * interrupt, no memory: the FADT says "no RTC", so no driver binds to it, but Linux reads the wall
 * clock from these ports all the same and waits a second for an answer if there is none.
 */
#ifndef HVIS_HOST_RTC_H
#define HVIS_HOST_RTC_H

#include <stdatomic.h>
#include <stdint.h>

#include "pio.h"

struct rtc {
	atomic_uchar index; /* the register chosen by port 0x70 */
	_Atomic int64_t offset; /* seconds beyond this machine's time */
};

/**
 * rtc_pio() - ports 0x70 and 0x71 for pio_add(); @rtc is zeroed by its owner and outlives the port
 * table
 */
struct pio_device rtc_pio(struct rtc *rtc);

#endif
