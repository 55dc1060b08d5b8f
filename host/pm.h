/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fixed ACPI hardware (PM1a event and control blocks, PM timer), the two ports a PC is reset by
 * (0xCF9 and the keyboard controller's 0x64) and, from rtc.h, the clock that tells the date. It
 * only recognises the guest's wish; what to do then is the callbacks' business.
 */
#ifndef HVIS_HOST_PM_H
#define HVIS_HOST_PM_H

#include "pio.h"

struct pm;

/**
 * pm_create() - the power management block
 * @power_off: the guest entered S5
 * @reset: the guest asked for a reset
 * @context: handed to both
 *
 * The callbacks run in the vCPU thread that wrote the port; they may come more than once and must
 * not block.
 * Return: the block or NULL when out of memory.
 */
struct pm *pm_create(void (*power_off)(void *context), void (*reset)(void *context), void *context);
void pm_destroy(struct pm *pm);

/**
 * pm_share_address() - 32-bit accesses to port 0xCF8, in the middle of which the reset port lies, are @address's; before the VPs run
 *
 * Without it there is no PCI, and nobody answers them.
 */
void pm_share_address(struct pm *pm, const struct pio_device *address);

/** pm_attach() - claim the ports, the clock's too. Return: 0 or the error of pio_add(). */
int pm_attach(struct pm *pm, struct pio *pio);

/** pm_skip() - the timer stood still for @ns. Any thread. */
void pm_skip(struct pm *pm, uint64_t ns);
/** pm_set_time_offset() - the clock that tells the date is so much beyond this machine's. Any thread. */
void pm_set_time_offset(struct pm *pm, int64_t seconds);

#endif
