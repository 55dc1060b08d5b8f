// SPDX-License-Identifier: GPL-2.0
/*
 * Which LUNs there are: the first scan, and what the host or a command's sense data say has changed
 * since. News of one LUN make us look at that one, news of the list at what differs from it; LUNs
 * that stayed are left alone. News come in interrupts as bits; one piece of work acts on them. A
 * bit set twice is acted on once, and the work waits a little, so that a burst (or a host that
 * never stops) costs one look at a time.
 * Invariant: nothing of it runs or starts before storvsc_news_start() or after
 * storvsc_news_stop().
 */
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <scsi/scsi_proto.h>

#include "internal.h"

#define GATHER_MS     50
#define READY_TIMEOUT (10 * HZ)
#define READY_RETRIES 3
#define LIST_BYTES    (8 + STORVSC_LUNS * 8) /* of a REPORT LUNS answer */

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
 * Any context. A LUN that is only being looked for is not there to be removed. One that answers
 * that it is not there gets a look: by then there may be another in its place.
 */
void storvsc_news_act(struct storvsc_host *host, struct scsi_device *sdev,
		      enum storvsc_action action)
{
	switch (action) {
	case STORVSC_ACT_SCAN:
		set_bit(NEWS_LIST, &host->news_flags);
		break;
	case STORVSC_ACT_RESCAN:
		set_bit(storvsc_address(sdev), host->changed);
		break;
	case STORVSC_ACT_REMOVE:
		if (READ_ONCE(sdev->sdev_state) == SDEV_CREATED)
			return;
		set_bit(storvsc_address(sdev), host->look);
		break;
	default:
		return;
	}
	schedule_news(host, GATHER_MS);
}

/* An event names its LUN; one that we do not have is taken to be about all. */
static void note_event(struct storvsc_host *host, const struct vstor_event *event)
{
	if (event->path || event->target >= STORVSC_TARGETS || event->lun >= STORVSC_LUNS)
		return storvsc_news_add(host, NEWS_LIST);
	set_bit(event->target * STORVSC_LUNS + event->lun, host->look);
	schedule_news(host, GATHER_MS);
}

/**
 * storvsc_news_unasked() - a packet with transaction id 0
 * @host: the controller
 * @packet: anything at all
 *
 * Any context. Only three operations may come unasked. Whatever they say happened, we look for
 * ourselves: at one LUN, or at the list of them.
 */
void storvsc_news_unasked(struct storvsc_host *host, const struct hvis_packet *packet)
{
	const struct vstor_packet *vstor = packet->payload;

	if (packet->type != PACKET_INBAND)
		return storvsc_refuse(host, REFUSED_TYPE, 0);
	if (packet->payload_bytes < sizeof(vstor->operation))
		return storvsc_refuse(host, REFUSED_SHORT, 0);
	switch (vstor->operation) {
	case VSTOR_EVENT_NOTIFICATION:
		if (packet->payload_bytes < offsetofend(struct vstor_packet, event))
			return storvsc_refuse(host, REFUSED_SHORT, 0);
		return note_event(host, &vstor->event);
	case VSTOR_ENUMERATE_BUS:
	case VSTOR_REMOVE_DEVICE:
		return storvsc_news_add(host, NEWS_LIST);
	default:
		storvsc_refuse(host, REFUSED_UNASKED, 0);
	}
}

static struct scsi_device *lookup(struct storvsc_host *host, unsigned int address)
{
	return scsi_device_lookup(host->shost, 0, address / STORVSC_LUNS, address % STORVSC_LUNS);
}

static void scan(struct storvsc_host *host, unsigned int target, u64 lun, enum scsi_scan_mode mode)
{
	scsi_scan_target(&host->shost->shost_gendev, 0, target, lun, mode);
}

/* Not answered because there is no such LUN, rather than no host. */
static bool is_gone(struct storvsc_host *host, int result)
{
	return host_byte(result) == DID_NO_CONNECT && READ_ONCE(host->state) == STORVSC_RUNNING;
}

/* One LUN: there now, not there any more, or different. */
static void look(struct storvsc_host *host, unsigned int address)
{
	struct scsi_device *sdev = lookup(host, address);
	struct scsi_sense_hdr sense;

	if (!sdev)
		return scan(host, address / STORVSC_LUNS, address % STORVSC_LUNS, SCSI_SCAN_RESCAN);
	if (is_gone(host, scsi_test_unit_ready(sdev, READY_TIMEOUT, READY_RETRIES, &sense)))
		scsi_remove_device(sdev);
	else
		scsi_rescan_device(sdev);
	scsi_device_put(sdev);
}

/* Return: which LUNs the host reports, or a negative errno. */
static int read_list(struct scsi_device *sdev, u64 *luns)
{
	const u8 command[VSTOR_CDB_MAX] = { REPORT_LUNS, [8] = LIST_BYTES >> 8, LIST_BYTES & 0xFF };
	int resid = 0, result, error = -EIO;
	u8 *list = kzalloc(LIST_BYTES, GFP_KERNEL);

	if (!list)
		return -ENOMEM;
	result = compat_scsi_read(sdev, command, list, LIST_BYTES, READY_TIMEOUT, READY_RETRIES,
				  &resid);
	if (!result && resid >= 0 && resid <= LIST_BYTES)
		error = storvsc_luns_parse(list, LIST_BYTES - resid, luns);
	kfree(list);
	return error;
}

/* Which LUNs of a target we know. Return: the lowest, with a reference, or NULL. */
static struct scsi_device *known_luns(struct storvsc_host *host, unsigned int target, u64 *luns)
{
	struct scsi_device *sdev, *lowest = NULL;
	unsigned int lun;

	*luns = 0;
	for (lun = 0; lun < STORVSC_LUNS; lun++) {
		sdev = lookup(host, target * STORVSC_LUNS + lun);
		if (!sdev)
			continue;
		*luns |= BIT_ULL(lun);
		if (lowest)
			scsi_device_put(sdev);
		else
			lowest = sdev;
	}
	return lowest;
}

/*
 * The list of LUNs may have changed: whatever differs from what we know gets a look. Without a list
 * that is every known LUN, and a scan for new ones.
 */
static void compare_list(struct storvsc_host *host, unsigned int target)
{
	struct scsi_device *sdev;
	u64 known, there = 0;
	unsigned int lun;
	int error;

	sdev = known_luns(host, target, &known);
	error = sdev ? read_list(sdev, &there) : -ENXIO;
	if (sdev)
		scsi_device_put(sdev);
	for (lun = 0; lun < STORVSC_LUNS; lun++) {
		if ((known ^ there) & BIT_ULL(lun))
			set_bit(target * STORVSC_LUNS + lun, host->look);
	}
	if (error)
		scan(host, target, SCAN_WILD_CARD, SCSI_SCAN_RESCAN);
}

/* The bit goes first, so that later news of the same LUN count again. */
static void look_at_marked(struct storvsc_host *host)
{
	unsigned int address;

	for_each_set_bit(address, host->look, STORVSC_ADDRESSES) {
		clear_bit(address, host->look);
		look(host, address);
	}
}

static void rescan_marked(struct storvsc_host *host)
{
	struct scsi_device *sdev;
	unsigned int address;

	for_each_set_bit(address, host->changed, STORVSC_ADDRESSES) {
		clear_bit(address, host->changed);
		sdev = lookup(host, address);
		if (!sdev)
			continue;
		scsi_rescan_device(sdev);
		scsi_device_put(sdev);
	}
}

static void news_work(struct work_struct *work)
{
	struct storvsc_host *host = container_of(to_delayed_work(work), struct storvsc_host, news);
	unsigned int target;
	bool first, list;

	first = test_and_clear_bit(NEWS_SCAN_FIRST, &host->news_flags);
	list = test_and_clear_bit(NEWS_LIST, &host->news_flags);
	for (target = 0; target < STORVSC_TARGETS; target++) {
		if (first)
			scan(host, target, SCAN_WILD_CARD, SCSI_SCAN_INITIAL);
		else if (list)
			compare_list(host, target);
	}
	look_at_marked(host);
	rescan_marked(host);
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
