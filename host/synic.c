// SPDX-License-Identifier: GPL-2.0
/*
 * SynIC: message slots, event flags, doorbells. See synic.h.
 *
 * A message's way: synic_post() queues and kicks the VP -> its thread calls synic_deliver() ->
 * slot, interrupt. If the slot is full the thread sets the slot's "pending" flag, which makes the
 * guest write EOM after freeing it. KVM turns EOM (and EOI, which means nothing here) into the
 * resample eventfd, for which the main loop polls, once, and only while a message waits: channel
 * interrupts must not cost a wake-up. The poll kicks the VP again.
 *
 * Invariant: @waiting is true only while a poll is armed or about to be, so that a lost EOM needs a
 * lost eventfd.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "log.h"
#include "synic_internal.h"

struct message {
	struct message *next;
	uint8_t bytes;
	uint8_t payload[TLFS_MESSAGE_PAYLOAD_MAX];
};

struct synic_vp {
	struct synic *synic;
	unsigned int index;
	int raise_fd; /* written: interrupt */
	int ack_fd; /* readable: the guest acknowledged */

	/* Written by the VP's thread. */
	struct tlfs_message_page *messages; /* NULL: off */
	bool warned;
	_Atomic(struct tlfs_event_page *) events; /* NULL: off */
	atomic_uint signallers; /* inside synic_signal() with a copy of @events */

	pthread_mutex_t lock;
	struct message *first, **last; /* @lock */
	unsigned int queued; /* @lock */
	bool waiting; /* @lock: for the guest to free the slot */
	atomic_bool work; /* the VP's thread shall look at the queue */

	/* The poll of ack_fd. */
	struct loop_work arm;
	atomic_bool arm_queued;
	struct loop_op poll;
	bool polling; /* main loop only */

	_Atomic uint64_t interrupts, sent, waits, dropped;
};

struct synic {
	struct vm *vm;
	const struct guestmem *mem;
	struct loop *loop;
	void (*kick)(void *context, unsigned int vp);
	void *kick_context;
	unsigned int count;
	struct synic_vp vp[];
};

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void kick(struct synic_vp *vp)
{
	atomic_store(&vp->work, true);
	if (vp->synic->kick)
		vp->synic->kick(vp->synic->kick_context, vp->index);
}

static void raise_interrupt(struct synic_vp *vp)
{
	uint64_t one = 1;

	/* Cannot fail: the counter is consumed by KVM in the write itself. */
	if (write(vp->raise_fd, &one, sizeof(one)) == sizeof(one))
		count(&vp->interrupts);
}

static void drain_ack(struct synic_vp *vp)
{
	uint64_t acks;

	while (read(vp->ack_fd, &acks, sizeof(acks)) < 0 && errno == EINTR)
		;
}

/* Main loop: the guest acknowledged something on this SINT. */
static void acknowledged(struct loop_op *op, int result)
{
	struct synic_vp *vp = (struct synic_vp *)((char *)op - offsetof(struct synic_vp, poll));

	(void)result; /* a failed poll leads to another look and another poll, too */
	vp->polling = false;
	pthread_mutex_lock(&vp->lock);
	vp->waiting = false;
	pthread_mutex_unlock(&vp->lock);
	kick(vp);
}

static void arm_poll(struct loop_work *work)
{
	struct synic_vp *vp = (struct synic_vp *)((char *)work - offsetof(struct synic_vp, arm));

	atomic_store(&vp->arm_queued, false);
	if (vp->polling)
		return;
	vp->polling = true;
	io_uring_prep_poll_add(loop_sqe(vp->synic->loop, &vp->poll), vp->ack_fd, POLLIN);
}

/* Under the lock. */
static void wait_for_ack(struct synic_vp *vp)
{
	if (vp->waiting)
		return;
	vp->waiting = true;
	count(&vp->waits);
	if (!atomic_exchange(&vp->arm_queued, true))
		loop_call(vp->synic->loop, &vp->arm);
}

/* Under the lock. */
static void drop_queue(struct synic_vp *vp, bool counted)
{
	struct message *message;

	while ((message = vp->first)) {
		vp->first = message->next;
		free(message);
		if (counted)
			count(&vp->dropped);
	}
	vp->last = &vp->first;
	vp->queued = 0;
	vp->waiting = false;
}

/*
 * Whether the slot may be written. If not, the guest has been asked for an EOM, and any
 * acknowledgement from before that is forgotten. The second look closes the race with a guest that
 * freed the slot before it could see the flag.
 */
static bool claim_slot(struct synic_vp *vp, struct tlfs_message *slot)
{
	if (__atomic_load_n(&slot->message_type, __ATOMIC_ACQUIRE) == TLFS_MESSAGE_TYPE_NONE)
		return true;
	drain_ack(vp);
	__atomic_fetch_or(&slot->flags, TLFS_MESSAGE_FLAG_PENDING, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&slot->message_type, __ATOMIC_SEQ_CST) == TLFS_MESSAGE_TYPE_NONE;
}

static void fill_slot(struct tlfs_message *slot, const struct message *message, bool more)
{
	slot->payload_size = message->bytes;
	slot->flags = more ? TLFS_MESSAGE_FLAG_PENDING : 0;
	slot->reserved = 0;
	slot->origin = 0;
	memcpy(slot->payload, message->payload, message->bytes);
	__atomic_store_n(&slot->message_type, TLFS_MESSAGE_TYPE_VMBUS, __ATOMIC_RELEASE);
}

/* Under the lock, with a message queued. Return: true if the slot was filled. */
static bool send_first(struct synic_vp *vp)
{
	struct tlfs_message *slot = &vp->messages->slot[TLFS_SINT_VMBUS];
	struct message *message = vp->first;
	bool more = message->next;

	if (!claim_slot(vp, slot))
		return false;
	if (more)
		drain_ack(vp);
	fill_slot(slot, message, more);
	vp->first = message->next;
	if (!more)
		vp->last = &vp->first;
	vp->queued--;
	free(message);
	count(&vp->sent);
	return true;
}

void synic_deliver(struct synic *synic, unsigned int index)
{
	struct synic_vp *vp = &synic->vp[index];
	bool sent = false;

	if (!atomic_load_explicit(&vp->work, memory_order_relaxed))
		return;
	atomic_store(&vp->work, false);
	pthread_mutex_lock(&vp->lock);
	if (!vp->messages)
		drop_queue(vp, true);
	else if (vp->first && !vp->waiting)
		sent = send_first(vp);
	if (vp->first)
		wait_for_ack(vp);
	pthread_mutex_unlock(&vp->lock);
	if (sent)
		raise_interrupt(vp);
}

static int enqueue(struct synic_vp *vp, const void *payload, uint32_t bytes)
{
	struct message *message;
	bool waiting;

	message = malloc(sizeof(*message));
	if (!message)
		return -ENOBUFS;
	message->next = NULL;
	message->bytes = bytes;
	memcpy(message->payload, payload, bytes);

	pthread_mutex_lock(&vp->lock);
	if (vp->queued >= SYNIC_QUEUE_MAX) {
		pthread_mutex_unlock(&vp->lock);
		free(message);
		return -ENOBUFS;
	}
	*vp->last = message;
	vp->last = &message->next;
	vp->queued++;
	waiting = vp->waiting;
	pthread_mutex_unlock(&vp->lock);
	/* The acknowledgement it waits for will bring the VP's thread here anyway. */
	if (!waiting)
		kick(vp);
	return 0;
}

int synic_post(struct synic *synic, unsigned int vp, unsigned int sint, const void *payload,
	       uint32_t bytes)
{
	if (vp >= synic->count || sint != TLFS_SINT_VMBUS || bytes > TLFS_MESSAGE_PAYLOAD_MAX)
		return -EINVAL;
	return enqueue(&synic->vp[vp], payload, bytes);
}

void synic_flush(struct synic *synic)
{
	for (unsigned int i = 0; i < synic->count; i++) {
		struct synic_vp *vp = &synic->vp[i];

		pthread_mutex_lock(&vp->lock);
		drop_queue(vp, false);
		pthread_mutex_unlock(&vp->lock);
	}
}

bool synic_signal(struct synic *synic, unsigned int index, unsigned int sint, unsigned int flag)
{
	struct tlfs_event_page *page;
	struct synic_vp *vp;
	uint64_t bit = 1ull << (flag % 64), before = bit;

	if (index >= synic->count || sint != TLFS_SINT_VMBUS || flag >= TLFS_EVENT_FLAGS)
		return false;
	vp = &synic->vp[index];
	/*
	 * In this order: who takes the page away waits until it saw no signaller after it cleared
	 * the pointer.
	 */
	atomic_fetch_add(&vp->signallers, 1);
	page = atomic_load(&vp->events);
	if (page)
		before = __atomic_fetch_or(&page->flags[sint][flag / 64], bit, __ATOMIC_SEQ_CST);
	else
		count(&vp->dropped);
	atomic_fetch_sub_explicit(&vp->signallers, 1, memory_order_release);
	if (before & bit)
		return false;
	raise_interrupt(vp);
	return true;
}

int synic_doorbell_add(struct synic *synic, uint32_t connection_id, int fd)
{
	struct kvm_hyperv_eventfd doorbell = { .conn_id = connection_id, .fd = fd };

	return ioctl(synic->vm->fd, KVM_HYPERV_EVENTFD, &doorbell) ? -errno : 0;
}

void synic_doorbell_remove(struct synic *synic, uint32_t connection_id, int fd)
{
	struct kvm_hyperv_eventfd doorbell = {
		.conn_id = connection_id,
		.fd = fd,
		.flags = KVM_HYPERV_EVENTFD_DEASSIGN,
	};

	if (ioctl(synic->vm->fd, KVM_HYPERV_EVENTFD, &doorbell))
		log_warn("doorbell %#x: cannot be removed: %s", connection_id, strerror(errno));
}

unsigned int synic_vp_count(const struct synic *synic)
{
	return synic->count;
}

/* The page an MSR names, or NULL when it is disabled or not RAM. */
static void *enabled_page(struct synic *synic, uint64_t control, uint64_t msr)
{
	if (!(control & TLFS_MSR_ENABLE) || !(msr & TLFS_MSR_ENABLE))
		return NULL;
	return guestmem_ptr(synic->mem, gpa(msr & ~(uint64_t)(TLFS_PAGE_SIZE - 1)), TLFS_PAGE_SIZE);
}

static void clear_page(struct synic_vp *vp, uint64_t msr)
{
	void *page = enabled_page(vp->synic, TLFS_MSR_ENABLE, msr);

	if (page) {
		memset(page, 0, TLFS_PAGE_SIZE);
	} else if (msr & TLFS_MSR_ENABLE && !vp->warned) {
		vp->warned = true; /* a guest can do this as often as it likes */
		log_warn("VP %u: the guest put a SynIC page at %#llx, which is not RAM", vp->index,
			 (unsigned long long)msr);
	}
}

static void set_event_page(struct synic_vp *vp, struct tlfs_event_page *page)
{
	if (page == atomic_load(&vp->events))
		return;
	atomic_store(&vp->events, NULL);
	while (atomic_load(&vp->signallers))
		sched_yield(); /* a signaller holds it for one instruction */
	atomic_store(&vp->events, page);
}

void synic_write(struct synic *synic, unsigned int index, uint32_t msr,
		 const struct synic_msrs *msrs)
{
	struct synic_vp *vp;

	if (index >= synic->count)
		return;
	vp = &synic->vp[index];
	if (msr == TLFS_MSR_SIMP)
		clear_page(vp, msrs->message_page);
	if (msr == TLFS_MSR_SIEFP)
		clear_page(vp, msrs->event_page);
	set_event_page(vp, enabled_page(synic, msrs->control, msrs->event_page));
	vp->messages = enabled_page(synic, msrs->control, msrs->message_page);

	/* Whoever had the slot before will not acknowledge any more. */
	pthread_mutex_lock(&vp->lock);
	vp->waiting = false;
	if (vp->first)
		atomic_store(&vp->work, true);
	pthread_mutex_unlock(&vp->lock);
}

static void init_vp(struct synic *synic, unsigned int index)
{
	struct synic_vp *vp = &synic->vp[index];

	vp->synic = synic;
	vp->index = index;
	vp->raise_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vp->ack_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vp->last = &vp->first;
	vp->arm.run = arm_poll;
	vp->poll.done = acknowledged;
	pthread_mutex_init(&vp->lock, NULL);
}

struct synic *synic_create(const struct synic_config *config)
{
	unsigned int vps = config->vm->hyperv ? config->vm->cpus : 0;
	struct synic *synic = calloc(1, sizeof(*synic) + vps * sizeof(synic->vp[0]));
	bool failed = false;

	if (!synic)
		return NULL;
	synic->vm = config->vm;
	synic->mem = config->mem;
	synic->loop = config->loop;
	synic->count = vps;
	for (unsigned int i = 0; i < vps; i++) {
		init_vp(synic, i);
		failed |= synic->vp[i].raise_fd < 0 || synic->vp[i].ack_fd < 0;
	}
	if (failed) {
		synic_destroy(synic);
		errno = EMFILE;
		return NULL;
	}
	return synic;
}

int synic_attach(struct synic *synic, void (*kick_vp)(void *context, unsigned int vp),
		 void *context)
{
	for (unsigned int i = 0; i < synic->count; i++) {
		struct synic_vp *vp = &synic->vp[i];
		int ret = vm_irqfd_resample(synic->vm, VM_GSI_SINT(i), vp->raise_fd, vp->ack_fd);

		if (ret)
			return ret;
	}
	synic->kick_context = context;
	synic->kick = kick_vp;
	return 0;
}

void synic_detach(struct synic *synic)
{
	synic->kick = NULL;
}

void synic_destroy(struct synic *synic)
{
	for (unsigned int i = 0; i < synic->count; i++) {
		struct synic_vp *vp = &synic->vp[i];

		drop_queue(vp, false);
		pthread_mutex_destroy(&vp->lock);
		if (vp->raise_fd >= 0)
			close(vp->raise_fd);
		if (vp->ack_fd >= 0)
			close(vp->ack_fd);
	}
	free(synic);
}

void synic_query(const struct synic *synic, struct synic_counters *counters)
{
	memset(counters, 0, sizeof(*counters));
	for (unsigned int i = 0; i < synic->count; i++) {
		const struct synic_vp *vp = &synic->vp[i];

		counters->interrupts += atomic_load_explicit(&vp->interrupts, memory_order_relaxed);
		counters->messages += atomic_load_explicit(&vp->sent, memory_order_relaxed);
		counters->message_waits += atomic_load_explicit(&vp->waits, memory_order_relaxed);
		counters->dropped += atomic_load_explicit(&vp->dropped, memory_order_relaxed);
	}
}
