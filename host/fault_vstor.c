// SPDX-License-Identifier: GPL-2.0
/*
 * What rules of faults can say of storage packets (VSTOR).
 * Invariant: nothing outside the given bytes is touched, whatever a rule says.
 */
#include <string.h>

#include "fault.h"
#include "wire/vstor.h"

#define SENSE_BYTES 18 /* fixed format */

static void describe(struct fault_event *event, const struct fault_view *view)
{
	struct vstor_packet vstor;

	if (view->bytes != sizeof(vstor))
		return;
	memcpy(&vstor, view->payload, sizeof(vstor));
	event->is[FAULT_IF_OP] = vstor.operation;
	if (vstor.operation != VSTOR_EXECUTE_SRB && vstor.operation != VSTOR_COMPLETE_IO)
		return;
	event->is[FAULT_IF_LUN] = vstor.srb.lun;
	event->is[FAULT_IF_CDB] = vstor.srb.cdb[0];
}

static void turn(void *payload, uint32_t bytes)
{
	const uint32_t operation = VSTOR_COMPLETE_IO;

	if (bytes >= sizeof(operation))
		memcpy(payload, &operation, sizeof(operation));
}

static void put_sense(struct vstor_srb *srb, uint64_t sense)
{
	memset(srb->sense, 0, sizeof(srb->sense));
	srb->sense[0] = 0x70;
	srb->sense[2] = sense >> 16 & 0xF;
	srb->sense[7] = SENSE_BYTES - 8;
	srb->sense[12] = sense >> 8 & 0xFF;
	srb->sense[13] = sense & 0xFF;
	srb->sense_length = SENSE_BYTES;
	srb->srb_status |= SRB_STATUS_AUTOSENSE_VALID;
}

static void set_vstor(const struct fault_action *action, struct vstor_packet *vstor)
{
	const uint64_t *value = action->value;

	if (fault_has(action, FAULT_KEY_OP))
		vstor->operation = value[FAULT_KEY_OP];
	if (fault_has(action, FAULT_KEY_STATUS))
		vstor->status = value[FAULT_KEY_STATUS];
	if (fault_has(action, FAULT_KEY_SRB_STATUS))
		vstor->srb.srb_status = value[FAULT_KEY_SRB_STATUS];
	if (fault_has(action, FAULT_KEY_SCSI_STATUS))
		vstor->srb.scsi_status = value[FAULT_KEY_SCSI_STATUS];
	if (fault_has(action, FAULT_KEY_TRANSFER))
		vstor->srb.transfer_length = value[FAULT_KEY_TRANSFER];
	if (fault_has(action, FAULT_KEY_SENSE))
		put_sense(&vstor->srb, value[FAULT_KEY_SENSE]);
}

static void set(const struct fault_action *action, void *payload, uint32_t bytes)
{
	struct vstor_packet vstor = { 0 };

	if (bytes > sizeof(vstor))
		bytes = sizeof(vstor);
	memcpy(&vstor, payload, bytes);
	set_vstor(action, &vstor);
	memcpy(payload, &vstor, bytes);
}

const struct fault_protocol fault_vstor = {
	.bytes = sizeof(struct vstor_packet),
	.describe = describe,
	.turn = turn,
	.set = set,
};
