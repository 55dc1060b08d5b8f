// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to commands the host does not answer, and the bound on it.
 *
 * The ladder, climbed by the SCSI layer's error handler, one thread per controller:
 *	time-out	T: 60 s for disks unless their sysfs attribute timeout says otherwise; a
 *			caller of SG_IO names his own
 *	abort		VSTOR has none. At once: success if the host has answered by now, also if its
 *			answer lies in the ring and the interrupt was lost
 *	reset LUN	10 s for the answer, then 5 s for the LUN's commands to come back
 *	reset bus	the same for all LUNs. Neither is tried again after one without answer
 *	reset host	close all channels, fail what was outstanding, reopen, initialise: 60 s,
 *			20 s for sub-channels, and the bus's limits for open and close. If it
 *			fails, the controller is dead and everything fails
 * After each step that succeeded, the layer tests the LUN with a command of 10 s.
 *
 * The bound: a host that is silent costs T, one unanswered reset and the host reset: T + 90 s and
 * the bus's limits. The worst host answers just enough to keep us on the ladder. The handler starts
 * when every command of the controller has ended or timed out (2 T), is sent straight to the host
 * reset after 30 s (eh_deadline) plus the step it is in (55 s), takes 80 s for that and 35 s for
 * each LUN that had commands, and may retry a command younger than 180 s: 345 s + 2 T + 35 s per
 * such LUN. A host reset that leads to another within 30 s is the last.
 *
 * Invariant: no step reports success while the host may still touch a page of the commands it was
 * meant for.
 */
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>

#include "internal.h"

#define RETRY_AGE_S 180
#define REOPEN_PAUSE_S 30

static struct storvsc_host *host_of(struct scsi_cmnd *cmd)
{
	return shost_priv(cmd->device->host);
}

/*
 * Takes the answers for which an interrupt was lost. Polled links are read all the time; who closes
 * or reopens a link holds recovery, and then the ladder decides.
 */
static void look_into_ring(struct storvsc_host *host, const struct storvsc_slot *slot)
{
	struct storvsc_link *link = &host->links[READ_ONCE(slot->link)];

	if (!mutex_trylock(&host->recovery))
		return;
	if (link->opened && !link->polled) {
		hvis_channel_look(link->channel);
		if (storvsc_slot_is_free(slot))
			dev_warn_ratelimited(&host->device->dev,
					     "channel %u: an interrupt was lost\n", link->index);
	}
	mutex_unlock(&host->recovery);
}

/**
 * storvsc_eh_abort() - has the host answered after all?
 * @cmd: timed out; its tag is still its own
 *
 * May sleep, shortly. A free slot is not enough: who claimed it may still be writing the result.
 *
 * Return: SUCCESS: the host is done with the command and so is everybody else; FAILED: it is not.
 */
int storvsc_eh_abort(struct scsi_cmnd *cmd)
{
	struct storvsc_host *host = host_of(cmd);
	const struct storvsc_slot *slot = storvsc_slot_of(host, cmd);

	if (!slot)
		return FAILED;
	if (!storvsc_slot_is_free(slot))
		look_into_ring(host, slot);
	if (!storvsc_slot_is_free(slot))
		return FAILED;
	return storvsc_links_sync(host) ? SUCCESS : FAILED;
}

/* One reset message; 0 if the host agreed. */
static int ask_reset(struct storvsc_host *host, u32 operation, const struct scsi_device *sdev,
		     const char *step)
{
	struct vstor_packet packet = { .operation = operation };
	int error;

	packet.srb.length = sizeof(packet.srb);
	packet.srb.target = sdev->id;
	packet.srb.lun = sdev->lun;
	error = storvsc_control_ask(host, &packet,
				    min_t(u32, STORVSC_RESET_MS, storvsc_connect_ms), step);
	if (error == -ETIMEDOUT)
		host->silent = true;
	return error ? error : packet.status ? -EIO : 0;
}

static bool drained(struct storvsc_host *host, u32 address)
{
	if (!wait_event_timeout(host->answered,
				!storvsc_slots_outstanding(host, STORVSC_LINK_ANY, address),
				msecs_to_jiffies(STORVSC_DRAIN_MS)))
		return false;
	return storvsc_links_sync(host);
}

/*
 * The controller is dead, but its commands end only a moment later (storvsc_die() in another
 * thread), and not before that may the SCSI layer have them. recovery is held.
 */
static int all_gone(struct storvsc_host *host)
{
	storvsc_die(host);
	return storvsc_links_sync(host) ? FAST_IO_FAIL : FAILED;
}

/* Resets commands of @address; the host gives them back, and only then they are safe. */
static int reset(struct scsi_cmnd *cmd, u32 operation, u32 address, const char *step)
{
	struct storvsc_host *host = host_of(cmd);
	int rc = FAILED;

	mutex_lock(&host->recovery);
	if (READ_ONCE(host->state) == STORVSC_DEAD)
		rc = all_gone(host);
	else if (READ_ONCE(host->state) == STORVSC_RUNNING && !host->silent &&
		 !ask_reset(host, operation, cmd->device, step) && drained(host, address))
		rc = SUCCESS;
	mutex_unlock(&host->recovery);

	dev_info(&host->device->dev, "%s for lun %llu: %s\n", step, cmd->device->lun,
		 rc == SUCCESS ? "done" : rc == FAILED ? "failed" : "the controller is gone");
	return rc;
}

/**
 * storvsc_eh_device_reset() - reset the LUN of a command
 * @cmd: names the LUN
 *
 * Error handler's thread, or the process of a reset ioctl. May sleep, bounded.
 *
 * Return: SUCCESS, FAILED, or FAST_IO_FAIL if the controller is gone.
 */
int storvsc_eh_device_reset(struct scsi_cmnd *cmd)
{
	return reset(cmd, VSTOR_RESET_LUN, storvsc_address(cmd->device), "RESET_LUN");
}

/**
 * storvsc_eh_bus_reset() - reset all LUNs
 * @cmd: of the controller
 *
 * Context and return as storvsc_eh_device_reset().
 */
int storvsc_eh_bus_reset(struct scsi_cmnd *cmd)
{
	return reset(cmd, VSTOR_RESET_BUS, STORVSC_ADDRESS_ANY, "RESET_BUS");
}

/* Resets in a row do not help. */
static bool just_reset(const struct storvsc_host *host)
{
	return host->reset && time_before(jiffies, host->reset + REOPEN_PAUSE_S * HZ);
}

/* Else it is the wish of a process, or a CPU goes: as often as they like, and no sign of a bad host. */
static bool by_error_handler(const struct scsi_cmnd *cmd)
{
	return cmd && cmd->submitter != SUBMITTED_BY_SCSI_RESET_IOCTL;
}

static int reopen(struct storvsc_host *host)
{
	/* The rings' memory must not wait for the IO that waits for this. */
	unsigned int noio = memalloc_noio_save();
	int error = storvsc_connect(host, min_t(u32, STORVSC_RECONNECT_MS, storvsc_connect_ms));

	memalloc_noio_restore(noio);
	if (error)
		return error;
	if (!storvsc_set_state(host, STORVSC_CLOSED, STORVSC_RUNNING)) {
		storvsc_links_close(host);
		return -ENODEV; /* rescinded meanwhile */
	}
	return 0;
}

/*
 * recovery is held, state CLOSED. On failure the channels are closed, so the controller can be
 * declared dead.
 */
static int reconnect(struct storvsc_host *host, struct scsi_cmnd *cmd)
{
	int error;

	synchronize_rcu();
	storvsc_links_close(host);
	storvsc_slots_fail(host, STORVSC_LINK_ANY, DID_RESET);
	error = by_error_handler(cmd) && just_reset(host) ? -ETIMEDOUT : reopen(host);
	if (error)
		storvsc_die(host);
	else if (by_error_handler(cmd))
		host->reset = jiffies | 1;
	return error;
}

/**
 * storvsc_reopen() - close all channels and open them again, because a CPU wants to go
 * @host: the controller; recovery is held
 *
 * May sleep, bounded as a host reset is. The host gets some time to answer what it has.
 */
void storvsc_reopen(struct storvsc_host *host)
{
	if (!storvsc_set_state(host, STORVSC_RUNNING, STORVSC_CLOSED))
		return;
	synchronize_rcu();
	drained(host, STORVSC_ADDRESS_ANY);
	if (reconnect(host, NULL))
		dev_err(&host->device->dev, "the channel did not open again: controller offline\n");
}

/**
 * storvsc_eh_host_reset() - start over with a new channel
 * @cmd: of the controller
 *
 * With the channel closed the host can reach no page of an outstanding command any more, whatever
 * it does, so all of them are ended, and retried by the SCSI layer if they may be. Context and
 * return as storvsc_eh_device_reset().
 */
int storvsc_eh_host_reset(struct scsi_cmnd *cmd)
{
	struct storvsc_host *host = host_of(cmd);
	int error;

	mutex_lock(&host->recovery);
	if (!storvsc_set_state(host, STORVSC_RUNNING, STORVSC_CLOSED)) {
		error = all_gone(host);
		mutex_unlock(&host->recovery);
		return error;
	}
	error = reconnect(host, cmd);
	mutex_unlock(&host->recovery);

	if (error) {
		dev_err(&host->device->dev,
			"reset failed with error %d: the controller is offline\n", error);
		return FAILED;
	}
	dev_info(&host->device->dev, "reset: the channel was closed and opened again\n");
	return SUCCESS;
}

/**
 * storvsc_eh_should_retry() - may a command be tried again after error handling?
 * @cmd: the command
 *
 * The layer's own limit is a number of tries, each of which can take minutes.
 */
bool storvsc_eh_should_retry(struct scsi_cmnd *cmd)
{
	return time_before(jiffies, cmd->jiffies_at_alloc + RETRY_AGE_S * HZ);
}

/**
 * storvsc_report_broken() - the host broke the protocol of a ring
 * @link: whose; the bus has logged which rule
 *
 * Any context. Who waits for an answer hears of it at once; the rest is work.
 */
void storvsc_report_broken(struct storvsc_link *link)
{
	struct storvsc_host *host = link->host;

	set_bit(LINK_BROKEN, &link->flags);
	if (link->index) {
		queue_work(host->wq, &link->drop);
		return;
	}
	storvsc_control_fail(host, -EIO);
	queue_work(host->wq, &host->broken);
}

/**
 * storvsc_broken_work() - close a broken primary channel, and with it all, for good
 * @work: broken of a controller
 *
 * Before its commands are failed: a host that writes nonsense may still be writing to their pages.
 * Does nothing if error handling was first and has closed this opening of the channel; if it is
 * just being opened, its opener sees the error for himself.
 */
void storvsc_broken_work(struct work_struct *work)
{
	struct storvsc_host *host = container_of(work, struct storvsc_host, broken);

	mutex_lock(&host->recovery);
	if (test_bit(LINK_BROKEN, &host->links[0].flags) &&
	    storvsc_set_state(host, STORVSC_RUNNING, STORVSC_DEAD)) {
		synchronize_rcu();
		storvsc_links_close(host);
		storvsc_die(host);
		dev_err(&host->device->dev, "the channel is broken: the controller is offline\n");
	}
	mutex_unlock(&host->recovery);
}
