// SPDX-License-Identifier: GPL-2.0
// links: host/ring.c vmbus/ring.c
/*
 * The host's end of the rings: with an honest guest every packet arrives and nobody sleeps too long; with one
 * that writes what it likes into the rings and their headers the host stays inside its memory.
 */
#include "ring_model.h"

static void host_turn(struct model *model, struct tape *tape, unsigned int what)
{
	switch (what) {
	case 0:
		model_host_read(model);
		break;
	case 1:
		model_host_publish(model);
		break;
	case 2:
		model_host_rest(model);
		break;
	case 3:
		model_host_send(model, tape);
		break;
	case 4:
		model_host_signal(model);
		break;
	default:
		model_host_want(model, tape);
	}
}

static void guest_turn(struct model *model, struct tape *tape, unsigned int what)
{
	switch (what) {
	case 0:
		model_guest_send(model, tape);
		break;
	case 1:
		model_guest_signal(model);
		break;
	case 2:
		model_guest_want(model, tape);
		break;
	case 3:
		model_guest_rest(model);
		break;
	case 4:
		model_guest_read(model);
		break;
	default:
		model_guest_publish(model);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };
	struct model model;

	model_start(&model, &tape);
	while (tape_more(&tape)) {
		unsigned int what = tape_below(&tape, 14);

		if (what < 6)
			host_turn(&model, &tape, what);
		else if (what == 12)
			model_lie(&model, &tape);
		else if (!model.lied)
			guest_turn(&model, &tape, what % 6);
		model_check(&model);
	}
	return 0;
}
