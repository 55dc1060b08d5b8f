/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Both rings of a channel with the real code at both ends, and a model that says what must come out.
 * As long as both ends are honest every property is exact: packets arrive whole and in order, room is
 * what it must be, and nobody sleeps while there is something to do. Once one end has lied, only its
 * peer goes on, and what must hold is that the peer survives: indices in range, copies in bounds,
 * broken for good.
 */
#ifndef HVIS_FUZZ_RING_MODEL_H
#define HVIS_FUZZ_RING_MODEL_H

#include "ring_pair.h"

#include "tape.h"

#define MODEL_SIZE    8192u
#define MODEL_COPY    1024u /* largest packet */
#define MODEL_PACKETS (MODEL_SIZE / 24)

/* One direction. */
struct flow {
	uint64_t next_id, first_id; /* ids are consecutive: written and not read are the ones between */
	uint32_t sizes[MODEL_PACKETS]; /* by id modulo; with trailer */
	uint32_t unread; /* bytes */
	uint32_t kept; /* bytes read and not yet given back */
	bool asked; /* must_signal() was asked since the last packet */
	bool asleep; /* the reader unmasked, found nothing and sleeps */
	uint32_t wanted; /* the writer waits for room for so many bytes with trailer; 0: not */
};

struct model {
	struct pair *pair;
	struct flow up, down; /* to the host, to the guest */
	bool lied;
};

static inline uint32_t flow_free(const struct flow *flow)
{
	return MODEL_SIZE - flow->unread - flow->kept;
}

static inline void flow_wrote(struct flow *flow, uint32_t bytes)
{
	flow->sizes[flow->next_id++ % MODEL_PACKETS] = bytes;
	flow->unread += bytes;
	flow->asked = false;
	flow->wanted = 0;
}

static inline void flow_read(struct flow *flow)
{
	uint32_t bytes = flow->sizes[flow->first_id++ % MODEL_PACKETS];

	flow->unread -= bytes;
	flow->kept += bytes;
}

/* Nobody sleeps although there is something for him to do. */
static inline void flow_check(const struct flow *flow)
{
	MUST(!(flow->asleep && flow->unread && flow->asked));
	MUST(!(flow->wanted && flow_free(flow) > flow->wanted));
}

static inline uint32_t packet_size(struct tape *tape)
{
	return 16 + 8 * tape_below(tape, (MODEL_COPY - 16) / 8 + 1);
}

/* Ids are 64-bit counters that both payload patterns are made from. */
static inline void model_guest_send(struct model *model, struct tape *tape)
{
	struct flow *flow = &model->up;
	uint32_t bytes = packet_size(tape);
	int error = pair_guest_send(model->pair, flow->next_id, bytes);

	if (model->lied)
		return;
	MUST(error == (flow_free(flow) > bytes + RING_TRAILER ? 0 : -EAGAIN));
	if (!error)
		flow_wrote(flow, bytes + RING_TRAILER);
}

static inline void model_host_send(struct model *model, struct tape *tape)
{
	struct flow *flow = &model->down;
	uint32_t bytes = packet_size(tape);
	int error = pair_host_send(model->pair, flow->next_id, bytes);

	if (model->lied)
		return;
	MUST(error == (flow_free(flow) > bytes + RING_TRAILER ? 0 : -EAGAIN));
	if (!error)
		flow_wrote(flow, bytes + RING_TRAILER);
}

static inline void model_guest_signal(struct model *model)
{
	struct flow *flow = &model->up;

	if (ring_out_must_signal(&model->pair->out))
		flow->asleep = false;
	flow->asked = true;
}

static inline void model_host_signal(struct model *model)
{
	struct flow *flow = &model->down;

	if (ring_writer_must_signal(&model->pair->writer))
		flow->asleep = false;
	flow->asked = true;
}

static inline void check_host_index(const struct ring_reader *reader)
{
	MUST(reader->read < MODEL_SIZE && reader->read % 8 == 0);
	MUST(reader->published < MODEL_SIZE && reader->published % 8 == 0);
}

static inline uint32_t between(uint32_t from, uint32_t to)
{
	return (to + MODEL_SIZE - from) % MODEL_SIZE;
}

/* Return: a packet was read. */
static inline bool model_host_read(struct model *model)
{
	struct pair *pair = model->pair;
	struct flow *flow = &model->up;
	bool broken = pair->reader.ring.broken;
	uint32_t from = pair->reader.read;
	int result = pair_host_read(pair);

	check_host_index(&pair->reader);
	MUST(!broken || result == -EIO);
	MUST(result >= 0 || pair->reader.ring.broken);
	if (result > 0) {
		MUST(pair->packet.bytes <= pair->copy_bytes && pair->packet.bytes >= 16);
		MUST(pair->packet.payload >= 16 && pair->packet.payload <= pair->packet.bytes);
		MUST(pair->packet.bytes == pair->packet.desc.len8 * 8u);
		MUST(pair->packet.bytes + RING_TRAILER <= between(from, pair->reader.write));
	}
	if (model->lied)
		return result > 0;
	MUST(result == !!flow->unread);
	if (!result)
		return false;
	MUST(pair->packet.desc.transaction_id == flow->first_id);
	MUST(pair->packet.bytes + RING_TRAILER == flow->sizes[flow->first_id % MODEL_PACKETS]);
	MUST(pair_filled(pair->packet.data + 16, flow->first_id, pair->packet.bytes - 16));
	flow_read(flow);
	return true;
}

static inline bool model_guest_read(struct model *model)
{
	struct pair *pair = model->pair;
	struct flow *flow = &model->down;
	bool broken = pair->in.broken;
	uint32_t from = pair->in.read;
	int result = pair_guest_read(pair);

	MUST(pair->in.read < MODEL_SIZE && pair->in.read % 8 == 0);
	MUST(!broken || result == -EIO);
	MUST(result >= 0 || pair->in.broken);
	if (result > 0) {
		const u8 *end = pair->guest_copy + pair->copy_bytes;

		MUST((const u8 *)pair->got.payload + pair->got.payload_bytes <= end);
		MUST((const u8 *)pair->got.ranges + pair->got.ranges_bytes ==
		     (const u8 *)pair->got.payload);
		MUST(16 + pair->got.ranges_bytes + pair->got.payload_bytes + RING_TRAILER <=
		     between(from, pair->in.write));
	}
	if (model->lied)
		return result > 0;
	MUST(result == !!flow->unread);
	if (!result)
		return false;
	MUST(pair->got.transaction_id == flow->first_id);
	MUST(pair->got.payload_bytes + 16 + RING_TRAILER ==
	     flow->sizes[flow->first_id % MODEL_PACKETS]);
	MUST(pair_filled(pair->got.payload, flow->first_id, pair->got.payload_bytes));
	flow_read(flow);
	return true;
}

static inline void model_host_publish(struct model *model)
{
	if (ring_reader_publish(&model->pair->reader))
		model->up.wanted = 0;
	model->up.kept = 0;
}

static inline void model_guest_publish(struct model *model)
{
	if (ring_in_publish(&model->pair->in))
		model->down.wanted = 0;
	model->down.kept = 0;
}

/* Read all, publish, unmask and, if that found nothing, sleep. */
static inline void model_host_rest(struct model *model)
{
	ring_reader_mask(&model->pair->reader);
	while (model_host_read(model))
		;
	model_host_publish(model);
	model->up.asleep = !ring_reader_unmask(&model->pair->reader);
}

static inline void model_guest_rest(struct model *model)
{
	ring_in_mask(&model->pair->in);
	while (model_guest_read(model))
		;
	model_guest_publish(model);
	model->down.asleep = !ring_in_unmask(&model->pair->in);
}

static inline void model_guest_want(struct model *model, struct tape *tape)
{
	uint32_t bytes = packet_size(tape);

	if (ring_out_want_room(&model->pair->out, bytes)) {
		MUST(model->lied || flow_free(&model->up) > bytes + RING_TRAILER);
		model->up.wanted = 0;
	} else {
		model->up.wanted = bytes + RING_TRAILER;
	}
}

/* As the host's worker does: the wish first, then one more look. */
static inline void model_host_want(struct model *model, struct tape *tape)
{
	uint32_t bytes = packet_size(tape) + RING_TRAILER;

	ring_writer_want_room(&model->pair->writer, bytes);
	model->down.wanted = bytes;
	if (ring_writer_room(&model->pair->writer) >= bytes) {
		ring_writer_want_room(&model->pair->writer, 0);
		model->down.wanted = 0;
	}
}

/* Overwrite something in shared memory: a field of a header, or what lies in a ring. */
static inline void model_lie(struct model *model, struct tape *tape)
{
	struct pair_view *view = tape_u8(tape) & 1 ? &model->pair->up_host :
						     &model->pair->down_host;
	uint32_t *fields[] = { &view->header->write_index, &view->header->read_index,
			       &view->header->interrupt_mask, &view->header->pending_send_size };
	uint32_t where = tape_below(tape, 8);

	model->lied = true;
	if (where < 4)
		*fields[where] = tape_lie(tape, *fields[where]);
	else if (where == 4)
		*fields[0] = (*fields[0] + 8 * tape_u8(tape)) % MODEL_SIZE;
	else
		tape_take(tape, view->data + 8 * tape_below(tape, MODEL_SIZE / 8), 8);
}

static inline void model_start(struct model *model, struct tape *tape)
{
	static struct pair *pair;

	if (!pair)
		pair = pair_create(MODEL_SIZE, MODEL_COPY);
	*model = (struct model){ .pair = pair };
	memset(pair->up_guest.header, 0, PAIR_PAGE);
	memset(pair->down_guest.header, 0, PAIR_PAGE);
	pair_start_at(pair, 8 * tape_below(tape, MODEL_SIZE / 8));
	/* Nobody has told the reader of anything yet; he looks before he sleeps. */
	model->up.asked = true;
	model->down.asked = true;
}

static inline void model_check(const struct model *model)
{
	if (model->lied)
		return;
	flow_check(&model->up);
	flow_check(&model->down);
}

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

typedef void model_turn(struct model *model, struct tape *tape, unsigned int what);

/* One run: @own is under test and goes on for ever, @peer until lies are told in its name. */
static void model_run(const uint8_t *data, size_t bytes, model_turn *own, model_turn *peer)
{
	struct tape tape = { data, bytes };
	struct model model;

	model_start(&model, &tape);
	while (tape_more(&tape)) {
		unsigned int what = tape_below(&tape, 14);

		if (what < 6)
			own(&model, &tape, what);
		else if (what == 12)
			model_lie(&model, &tape);
		else if (!model.lied)
			peer(&model, &tape, what % 6);
		model_check(&model);
	}
}

#endif
