// SPDX-License-Identifier: GPL-2.0
/*
 * EXECUTE_SRB: from the SRB to a SCSI task, and back. A packet whose
 * own structure is wrong breaks the channel; one that asks for something impossible is answered so.
 * Invariant: the SRB is looked at in the request's own copy only.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "gpa_direct.h"
#include "storvsp_internal.h"

static uint8_t srb_status(const struct scsi_task *task)
{
	switch (task->delivery) {
	case SCSI_NO_LUN:
		return SRB_STATUS_INVALID_LUN;
	case SCSI_OVERRUN:
		return SRB_STATUS_DATA_OVERRUN;
	case SCSI_BAD_REQUEST:
		return SRB_STATUS_INVALID_REQUEST;
	default:
		return task->status == SCSI_STATUS_GOOD ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR;
	}
}

/*
 * Sense takes the place of the CDB, as much as the guest has room for; the flag says that it is
 * there.
 */
static void put_sense(struct vstor_srb *srb, const struct scsi_task *task)
{
	uint8_t room = srb->sense_length < VSTOR_SENSE_MAX ? srb->sense_length : VSTOR_SENSE_MAX;
	uint8_t bytes = task->sense_bytes < room ? task->sense_bytes : room;

	memset(srb->cdb_or_sense, 0, sizeof(srb->cdb_or_sense));
	memcpy(srb->sense, task->sense, bytes);
	srb->sense_length = bytes;
	if (bytes)
		srb->srb_status |= SRB_STATUS_AUTOSENSE_VALID;
}

/*
 * For the trace. A backend that moved less than all at first has altered the pieces: then none of
 * the bytes is shown, rather than wrong ones.
 */
static void show_read(struct storvsp_request *request)
{
	const struct scsi_task *task = &request->task;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < task->iov_count; i++)
		bytes += task->iov[i].iov_len;
	channel_data(request->channel->channel, true, request->transaction_id, task->iov,
		     bytes < task->moved ? 0 : task->iov_count, task->moved);
}

static void finished(struct scsi_task *task)
{
	struct storvsp_request *request =
		(struct storvsp_request *)((char *)task - offsetof(struct storvsp_request, task));
	struct vstor_srb *srb = &request->packet.srb;

	if (task->direction == SCSI_DATA_IN && task->moved &&
	    channel_wants_data(request->channel->channel))
		show_read(request);
	srb->srb_status = srb_status(task);
	srb->scsi_status = task->status;
	srb->transfer_length = task->moved;
	put_sense(srb, task);
	request->packet.status = NTSTATUS_SUCCESS;
	storvsp_request_done(request);
}

/* What the answer says where no LUN was asked: nothing moved, no sense. */
static void unasked(struct vstor_srb *srb, uint8_t srb_state, uint8_t scsi_status)
{
	srb->srb_status = srb_state;
	srb->scsi_status = scsi_status;
	srb->transfer_length = 0;
	srb->sense_length = 0;
}

/* Requests that no LUN needs to see. @bytes: of the pages. Return: NULL, or why it is refused. */
static const char *impossible(const struct storvsp_channel *channel, const struct vstor_srb *srb,
			      uint64_t bytes)
{
	if (bytes != srb->transfer_length)
		return "transfer length is not that of the pages";
	if (bytes > channel->storvsp->target.max_transfer_bytes)
		return "transfer longer than the largest allowed";
	if (srb->data_direction > VSTOR_DATA_NONE)
		return "unknown data direction";
	if (srb->data_direction == VSTOR_DATA_NONE && bytes)
		return "data with a request that has none";
	return NULL;
}

static void run(struct storvsp_request *request, const struct gpa_pieces *pages)
{
	static const enum scsi_direction directions[] = {
		[VSTOR_DATA_OUT] = SCSI_DATA_OUT,
		[VSTOR_DATA_IN] = SCSI_DATA_IN,
		[VSTOR_DATA_NONE] = SCSI_NO_DATA,
	};
	const struct vstor_srb *srb = &request->packet.srb;
	struct storvsp_channel *channel = request->channel;
	struct scsi_task *task = &request->task;
	bool ours = !srb->path && !srb->target;

	task->target = ours ? &channel->storvsp->target : NULL;
	task->lun_number = srb->lun;
	task->loop = channel_loop(channel->channel);
	memset(task->cdb, 0, sizeof(task->cdb));
	memcpy(task->cdb, srb->cdb,
	       srb->cdb_length < VSTOR_CDB_MAX ? srb->cdb_length : VSTOR_CDB_MAX);
	task->cdb_length = srb->cdb_length;
	task->direction = directions[srb->data_direction];
	task->iov = request->iov;
	task->iov_count = pages->count;
	task->iov_room = channel->iov_room;
	task->bytes = (uint32_t)pages->bytes;
	task->finished = finished;
	scsi_execute(task);
}

/*
 * @refused: what is wrong with the pages already, or NULL. The SRB is looked at in the request's
 * own copy only.
 */
static void start(struct storvsp_request *request, const struct gpa_pieces *pages, const char *refused)
{
	struct storvsp_channel *channel = request->channel;
	struct vstor_srb *srb = &request->packet.srb;

	if (!refused)
		refused = impossible(channel, srb, pages->bytes);
	if (!refused) {
		if (srb->data_direction == VSTOR_DATA_OUT && pages->bytes &&
		    channel_wants_data(channel->channel))
			channel_data(channel->channel, false, request->transaction_id,
				     request->iov, pages->count, pages->bytes);
		run(request, pages);
		return;
	}
	storvsp_refuse(channel->storvsp, refused);
	unasked(srb, SRB_STATUS_INVALID_REQUEST, SCSI_STATUS_GOOD);
	request->packet.status = NTSTATUS_INVALID_PARAMETER;
	storvsp_request_done(request);
}

int storvsp_execute(struct storvsp_channel *channel, const struct packet *packet,
		    struct vstor_packet *vstor, const char **why)
{
	struct storvsp_request *request;
	const char *refused = NULL;
	struct gpa_pieces pages = {.room = channel->iov_room};

	if (!storvsp_serves(channel)) {
		unasked(&vstor->srb, SRB_STATUS_INVALID_REQUEST, SCSI_STATUS_GOOD);
		storvsp_answer(channel, packet->desc.transaction_id, vstor,
			       NTSTATUS_INVALID_DEVICE_STATE);
		return 0;
	}
	request = storvsp_request_get(channel, packet);
	if (!request) {
		atomic_fetch_add_explicit(&channel->storvsp->full, 1, memory_order_relaxed);
		unasked(&vstor->srb, SRB_STATUS_BUSY, SCSI_STATUS_TASK_SET_FULL);
		storvsp_answer(channel, packet->desc.transaction_id, vstor, NTSTATUS_SUCCESS);
		return 0;
	}
	request->packet = *vstor;
	pages.iov = request->iov;
	if (packet->desc.type == PACKET_GPA_DIRECT &&
	    gpa_direct_gather(channel_guestmem(channel->channel), packet, &pages, &refused, why) < 0) {
		storvsp_request_drop(request);
		return -EINVAL;
	}
	start(request, &pages, refused);
	return 0;
}
