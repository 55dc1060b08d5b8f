// SPDX-License-Identifier: GPL-2.0
// links: vmbus/ring.c host/ring.c
/*
 * The guest's end of the rings: with an honest host every packet arrives and nobody sleeps too long; with one
 * that writes what it likes into the rings and their headers the guest stays inside its memory.
 */
#include "ring_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	model_run(data, bytes, guest_turn, host_turn);
	return 0;
}
