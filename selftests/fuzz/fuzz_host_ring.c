// SPDX-License-Identifier: GPL-2.0
// links: host/ring.c vmbus/ring.c
/*
 * The host's end of the rings: with an honest guest every packet arrives and nobody sleeps too long; with one
 * that writes what it likes into the rings and their headers the host stays inside its memory.
 */
#include "ring_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	model_run(data, bytes, host_turn, guest_turn);
	return 0;
}
