/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest that crashes says so in the crash MSRs: five parameters, and a control register whose write is the report. What then becomes of
 * the VM is vcpu.c's.
 */
#ifndef HVIS_HOST_CRASH_H
#define HVIS_HOST_CRASH_H

#include <stdbool.h>
#include <stdint.h>

#include "guestmem.h"

/**
 * crash_watch() - have reads and writes of the control register come to us
 * @vm: KVM's file descriptor
 *
 * KVM's own exit (KVM_SYSTEM_EVENT_CRASH) does not tell whether there is a message, so without this the parameters must do.
 * Return: 0 or negative errno; on failure KVM's own exit is what there is.
 */
int crash_watch(int vm);

/**
 * crash_report() - say what a guest has left behind: parameters, registers, the message
 * @vcpu: the VP that reports, from its thread
 * @control: what it wrote into the control register; 0: not known
 */
void crash_report(int vcpu, unsigned int index, const struct guestmem *mem, uint64_t control);

/**
 * crash_text() - copy a message out of guest memory, as lines that can be shown
 * @text: CRASH_TEXT_BYTES; ends with 0, what cannot be shown becomes '.', but for ends of lines
 *
 * Any thread. Return: NULL, or why there is none.
 */
#define CRASH_MESSAGE_MAX 4096u
#define CRASH_TEXT_BYTES (CRASH_MESSAGE_MAX + 1)
const char *crash_text(const struct guestmem *mem, uint64_t address, uint64_t bytes, char *text);

#endif
