/* SPDX-License-Identifier: GPL-2.0 */
/* A guest that hangs: what it was doing, for whoever has to find out why. */
#ifndef HVIS_HOST_HANG_H
#define HVIS_HOST_HANG_H

struct guestmem;
struct vcpus;

/**
 * hang_report() - print where each VP is, and what on its stack may be a return address of Linux's kernel or its modules
 * @vcpus: all stopped (vcpus_stop())
 * @mem: the guest's memory
 *
 * Main thread.
 */
void hang_report(struct vcpus *vcpus, const struct guestmem *mem);

#endif
