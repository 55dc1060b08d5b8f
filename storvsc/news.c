// SPDX-License-Identifier: GPL-2.0
/*
 * Which LUNs there are: the first scan, and what the host or a command's sense data say has changed
 * since. News come in interrupts as bits; one piece of work acts on them. A bit set twice is acted
 * on once, and the work waits a little, so that a burst (or a host that never stops) costs one scan
 * at a time.
 * Invariant: nothing of it runs or starts before storvsc_news_start() or after
 * storvsc_news_stop().
 */
#include <linux/jiffies.h>

#include "internal.h"

#define GATHER_MS     50
#define READY_TIMEOUT (10 * HZ)
#define READY_RETRIES 3

/* system_unbound_wq: a scan may wait for the host, and IO does not depend on it. */
static void schedule_news(struct storvsc_host *host, unsigned int delay_ms)
{
	unsigned long flags;

	spin_lock_irqsave(&host->news_lock, flags);
	if (host->listening)
		queue_delayed_work(system_unbound_wq, &host->news, msecs_to_jiffies(delay_ms));
	spin_unlock_irqrestore(&host->news_lock, flags);
}

/**
 * storvsc_news_add() - something about all LUNs
 * @host: the controller
 * @flag: NEWS_*
 *
 * Any context.
 */
void storvsc_news_add(struct storvsc_host *host, int flag)
{
	set_bit(flag, &host->news_flags);
	schedule_news(host, GATHER_MS);
}

/**
 * storvsc_news_act() - a command's answer says that its LUN changed
 * @host: the controller
 * @sdev: the LUN
 * @action: not NONE
 *
 * Any context. A LUN that is only being looked for is not there to be removed.
 */
void storvsc_news_act(struct storvsc_host *host, struct scsi_device *sdev,
		      enum storvsc_action action)
{
	switch (action) {
	case STORVSC_ACT_SCAN:
		set_bit(NEWS_SCAN, &host->news_flags);
		break;
	case STORVSC_ACT_RESCAN:
		set_bit(storvsc_address(sdev), host->changed);
		break;
	case STORVSC_ACT_REMOVE:
		if (READ_ONCE(sdev->sdev_state) == SDEV_CREATED)
			return;
		set_bit(storvsc_address(sdev), host->gone);
		break;
	default:
		return;
	}
	schedule_news(host, GATHER_MS);
}

/**
 * storvsc_news_unasked() - a packet with transaction id 0
 * @host: the controller
 * @packet: anything at all
 *
 * Any context. Only three operations may come unasked, and from their operation alone all is known:
 * they say that something changed, the scan finds out what.
 */
void storvsc_news_unasked(struct storvsc_host *host, const struct hvis_packet *packet)
{
	const struct vstor_packet *vstor = packet->payload;

	if (packet->type != PACKET_INBAND)
		return storvsc_refuse(host, REFUSED_TYPE, 0);
	if (packet->payload_bytes < sizeof(vstor->operation))
		return storvsc_refuse(host, REFUSED_SHORT, 0);
	switch (vstor->operation) {
	case VSTOR_ENUMERATE_BUS:
	case VSTOR_REMOVE_DEVICE:
	case VSTOR_EVENT_NOTIFICATION:
		set_bit(NEWS_CHECK, &host->news_flags);
		storvsc_news_add(host, NEWS_SCAN);
		break;
	default:
		storvsc_refuse(host, REFUSED_UNASKED, 0);
	}
}

/* The known LUNs: one that is gone answers INVALID_LUN, which sets its bit in gone. */
static void check_known(struct storvsc_host *host)
{
	struct scsi_sense_hdr sense;
	struct scsi_device *sdev;

	shost_for_each_device(sdev, host->shost)
		scsi_test_unit_ready(sdev, READY_TIMEOUT, READY_RETRIES, &sense);
}

static void scan(struct storvsc_host *host, enum scsi_scan_mode mode)
{
	unsigned int target;

	for (target = 0; target < STORVSC_TARGETS; target++)
		scsi_scan_target(&host->shost->shost_gendev, 0, target, SCAN_WILD_CARD, mode);
}

/* Visits every LUN whose bit is set; the bit goes first, so that later news of it count again. */
static void visit_marked(struct storvsc_host *host, unsigned long *marks,
			 void (*visit)(struct scsi_device *sdev))
{
	struct scsi_device *sdev;
	unsigned int address;

	for_each_set_bit(address, marks, STORVSC_ADDRESSES) {
		clear_bit(address, marks);
		sdev = scsi_device_lookup(host->shost, 0, address / STORVSC_LUNS,
					  address % STORVSC_LUNS);
		if (!sdev)
			continue;
		visit(sdev);
		scsi_device_put(sdev);
	}
}

static void rescan_device(struct scsi_device *sdev)
{
	scsi_rescan_device(sdev);
}

static void news_work(struct work_struct *work)
{
	struct storvsc_host *host = container_of(to_delayed_work(work), struct storvsc_host, news);

	if (test_and_clear_bit(NEWS_SCAN_FIRST, &host->news_flags))
		scan(host, SCSI_SCAN_INITIAL);
	if (test_and_clear_bit(NEWS_CHECK, &host->news_flags))
		check_known(host);
	visit_marked(host, host->gone, scsi_remove_device);
	visit_marked(host, host->changed, rescan_device);
	if (test_and_clear_bit(NEWS_SCAN, &host->news_flags))
		scan(host, SCSI_SCAN_RESCAN);
}

/**
 * storvsc_news_init() - before any can come
 * @host: the controller
 */
void storvsc_news_init(struct storvsc_host *host)
{
	spin_lock_init(&host->news_lock);
	INIT_DELAYED_WORK(&host->news, news_work);
}

/**
 * storvsc_news_start() - the SCSI layer knows the controller: look what is there
 * @host: the controller
 *
 * News that came earlier left their bits, which the first scan settles. Process context.
 */
void storvsc_news_start(struct storvsc_host *host)
{
	spin_lock_irq(&host->news_lock);
	host->listening = true;
	spin_unlock_irq(&host->news_lock);
	set_bit(NEWS_SCAN_FIRST, &host->news_flags);
	schedule_news(host, 0);
}

/**
 * storvsc_news_stop() - no news any more
 * @host: the controller
 *
 * May sleep until a scan that is running has ended, bounded by its commands' time limits.
 */
void storvsc_news_stop(struct storvsc_host *host)
{
	spin_lock_irq(&host->news_lock);
	host->listening = false;
	spin_unlock_irq(&host->news_lock);
	cancel_delayed_work_sync(&host->news);
}
