/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of hvis_storvsc share: one controller. Its queues, channels and slots are in
 * queue.h.
 *
 * Life of a command: the SCSI layer gives it a queue and a tag -> request.c builds its packet in
 * the ring of the queue's channel and lends it to the tag's slot -> whoever takes the id back out
 * of the slot (slot.c), and nobody else, may touch and end it.
 */
#ifndef HVIS_STORVSC_INTERNAL_H
#define HVIS_STORVSC_INTERNAL_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#include "vmbus.h"
#include "map.h"
#include "queue.h"

/* Hyper-V puts up to 64 LUNs behind target 0 of path 0; a second target costs one INQUIRY. */
#define STORVSC_TARGETS 2
#define STORVSC_LUNS 64
#define STORVSC_ADDRESSES (STORVSC_TARGETS * STORVSC_LUNS)
#define STORVSC_ADDRESS_ANY STORVSC_ADDRESSES

/* Bounds, in ms. A real host that is busy moving the VM takes minutes for the first answers. */
#define STORVSC_CONNECT_MS 180000
#define STORVSC_RECONNECT_MS 60000
#define STORVSC_RESET_MS 10000
#define STORVSC_DRAIN_MS 5000
#define STORVSC_CREATE_MS 30000 /* an answer to CREATE_SUB_CHANNELS */
#define STORVSC_OFFERS_MS 10000 /* all sub-channels it promised */
#define STORVSC_REAP_MS 10 /* answers nobody polls for */

#define STORVSC_PACKET_MAX 256 /* of inbound packets; the ones we know take 80 */

/**
 * enum storvsc_state - may commands go to the host?
 * @STORVSC_CLOSED: not now: the channel is being opened, or closed for a while by error handling
 * @STORVSC_RUNNING: yes
 * @STORVSC_DEAD: never again: rescinded, broken, given up, or removed
 */
enum storvsc_state {
	STORVSC_CLOSED,
	STORVSC_RUNNING,
	STORVSC_DEAD,
};

/* Why a packet from the host was refused; indexes storvsc_host.refused. */
enum storvsc_refusal {
	REFUSED_UNKNOWN_ID,
	REFUSED_STALE_ID,
	REFUSED_OPERATION,
	REFUSED_TYPE,
	REFUSED_SHORT,
	REFUSED_UNASKED,
	REFUSED_CHANNEL,
	REFUSALS,
};

/**
 * struct storvsc_host - one controller; lives behind its Scsi_Host
 * @shost: the SCSI layer's side
 * @device: the bus's side
 * @state: enum storvsc_state; storvsc_set_state() changes it
 * @version: VSTOR protocol negotiated
 * @limits: negotiated
 * @dma_parms: for the device, if the bus gave it none: the SCSI layer expects to find one
 * @links: channels, the primary first
 * @link_count: how many there may be: as many as there are queues at most
 * @queues: hardware queues; the polled ones come last
 * @queue_count: how many; 0 until the first conversation settled it, and constant after
 * @plan: how many of them are polled
 * @wanted: the plan before the host was asked
 * @ring_bytes: data bytes of each ring
 * @sub_channels_max: how many the host says it can offer
 * @sub_channels: how many it agreed to offer in this conversation
 * @route_lock: guards queue.link and link.up
 * @answered: woken after each round of reading
 * @wq: work that IO depends on
 * @recovery: serialises opening, closing and resets; held over everything that waits for the host
 * @reaper: held while outstanding commands are failed; taken last, and not over a wait for the host
 * @silent: a reset was not answered; no other is worth its time limit until the channel is
 *	open anew. Under @recovery
 * @reset: when error handling last reset the controller, in jiffies, or 0. Under @recovery
 * @control_lock: guards the next three
 * @control: who waits for an answer that is no command's, or NULL
 * @control_id: its transaction id
 * @control_sequence: of the last control id
 * @broken: closes a channel whose host broke the protocol
 * @news: scans and rescans
 * @news_lock: guards @listening against queueing @news
 * @listening: news are acted on: the SCSI layer knows the controller, which is not being removed
 * @news_flags: NEWS_*
 * @look: addresses to look at: there, not there, or different
 * @changed: addresses to read again
 * @debugfs: folder of the controller
 * @refused: packets refused, by reason
 */
struct storvsc_host {
	struct Scsi_Host *shost;
	struct vmbus_device *device;
	enum storvsc_state state;
	u16 version;
	struct storvsc_limits limits;
	struct device_dma_parameters dma_parms;
	struct storvsc_link *links;
	u32 link_count;
	struct storvsc_queue *queues;
	u32 queue_count;
	struct storvsc_plan plan;
	struct storvsc_plan wanted;
	u32 ring_bytes;
	u32 sub_channels_max;
	u32 sub_channels;
	spinlock_t route_lock;
	wait_queue_head_t answered;
	struct workqueue_struct *wq;

	struct mutex recovery;
	struct mutex reaper;
	bool silent;
	unsigned long reset;

	spinlock_t control_lock;
	struct hvis_xact *control;
	u64 control_id;
	u64 control_sequence;

	struct work_struct broken;
	struct delayed_work news;
	spinlock_t news_lock;
	bool listening;
	unsigned long news_flags;
#define NEWS_SCAN_FIRST 0
#define NEWS_LIST 1
	DECLARE_BITMAP(look, STORVSC_ADDRESSES);
	DECLARE_BITMAP(changed, STORVSC_ADDRESSES);

	struct dentry *debugfs;
	atomic_t refused[REFUSALS];
};

/* host.c */
extern struct scsi_host_template storvsc_template;
int storvsc_probe(struct vmbus_device *device, const struct hv_vmbus_device_id *id);
void storvsc_remove(struct vmbus_device *device);
void storvsc_shutdown(struct vmbus_device *device);
bool storvsc_set_state(struct storvsc_host *host, enum storvsc_state from, enum storvsc_state to);
void storvsc_die(struct storvsc_host *host);
extern unsigned int storvsc_ring_bytes;
extern unsigned int storvsc_connect_ms;
extern unsigned int storvsc_queue_limit;
extern bool storvsc_hold;
extern unsigned int storvsc_poll_queues;

/* init.c */
int storvsc_connect(struct storvsc_host *host, unsigned int limit_ms);

/* control.c */
int storvsc_control_ask(struct storvsc_host *host, struct vstor_packet *packet,
			unsigned int timeout_ms, const char *step);
bool storvsc_control_answer(struct storvsc_host *host, u64 id, const struct vstor_packet *packet);
void storvsc_control_fail(struct storvsc_host *host, int error);

/* completion.c */
void storvsc_refuse(struct storvsc_host *host, enum storvsc_refusal reason, u64 id);

/* error_handling.c */
int storvsc_eh_abort(struct scsi_cmnd *cmd);
int storvsc_eh_device_reset(struct scsi_cmnd *cmd);
int storvsc_eh_bus_reset(struct scsi_cmnd *cmd);
int storvsc_eh_host_reset(struct scsi_cmnd *cmd);
bool storvsc_eh_should_retry(struct scsi_cmnd *cmd);
void storvsc_report_broken(struct storvsc_link *link);
void storvsc_broken_work(struct work_struct *work);
void storvsc_reopen(struct storvsc_host *host);

/* news.c */
void storvsc_news_init(struct storvsc_host *host);
void storvsc_news_start(struct storvsc_host *host);
void storvsc_news_add(struct storvsc_host *host, int flag);
void storvsc_news_act(struct storvsc_host *host, struct scsi_device *sdev,
		      enum storvsc_action action);
void storvsc_news_unasked(struct storvsc_host *host, const struct hvis_packet *packet);
void storvsc_news_stop(struct storvsc_host *host);

/* latency.c */
void storvsc_latency_init(void);
void storvsc_latency_exit(void);
void storvsc_latency_show(struct storvsc_host *host);
void storvsc_latency_hide(struct storvsc_host *host);

/* attrs.c */
extern const struct attribute_group *storvsc_host_groups[];

static inline u32 storvsc_address(const struct scsi_device *sdev)
{
	return sdev->id * STORVSC_LUNS + (u32)sdev->lun;
}

#endif
