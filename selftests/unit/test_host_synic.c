// SPDX-License-Identifier: GPL-2.0
// links: host/synic.c host/loop.c host/guestmem.c host/pagemap.c host/log.c
/*
 * The host's SynIC against a guest made here, which takes messages the way guests do: free the
 * slot, then write EOM only if the slot said that more is waiting. KVM is replaced by the two
 * eventfds it would hold.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "synic_internal.h"

#define MEMORY_BYTES (1ull << 20)
#define SIMP_GPA 0x10000ull
#define SIEFP_GPA 0x11000ull
#define SINT TLFS_SINT_VMBUS
#define BURST_TOTAL 20000u

struct fixture {
	struct vm vm;
	struct loop *loop;
	struct guestmem *mem;
	struct synic *synic;
	int raise_fd[2], ack_fd[2]; /* per VP */
	atomic_uint kicks;
	sem_t kicked;
	pthread_t loop_thread;
};

static struct fixture *current;

int vm_irqfd_resample(struct vm *vm, unsigned int gsi, int fd, int resample_fd)
{
	(void)vm;
	current->raise_fd[gsi - VM_GSI_SINT(0)] = fd;
	current->ack_fd[gsi - VM_GSI_SINT(0)] = resample_fd;
	return 0;
}

static void kick(void *context, unsigned int vp)
{
	struct fixture *fixture = context;

	(void)vp;
	atomic_fetch_add(&fixture->kicks, 1);
	sem_post(&fixture->kicked);
}

static void *run_loop(void *context)
{
	struct fixture *fixture = context;

	loop_run(fixture->loop);
	return NULL;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct synic_config config;

	current = *state = fixture;
	sem_init(&fixture->kicked, 0, 0);
	fixture->vm = (struct vm){ .cpus = 2, .hyperv = true };
	fixture->loop = loop_create(64, NULL, NULL);
	fixture->mem = guestmem_create(MEMORY_BYTES);
	config = (struct synic_config){ .vm = &fixture->vm,
					.mem = fixture->mem,
					.loop = fixture->loop };
	fixture->synic = synic_create(&config);
	assert_non_null(fixture->synic);
	assert_int_equal(synic_attach(fixture->synic, kick, fixture), 0);
	return pthread_create(&fixture->loop_thread, NULL, run_loop, fixture);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	loop_stop(fixture->loop);
	pthread_join(fixture->loop_thread, NULL);
	synic_detach(fixture->synic);
	synic_destroy(fixture->synic);
	loop_destroy(fixture->loop);
	guestmem_destroy(fixture->mem);
	sem_destroy(&fixture->kicked);
	free(fixture);
	return 0;
}

/* What the guest did to its MSRs; both pages enabled. */
static void enable(struct fixture *fixture, uint64_t simp, uint64_t siefp)
{
	struct synic_msrs msrs = {
		.control = TLFS_MSR_ENABLE,
		.event_page = siefp | TLFS_MSR_ENABLE,
		.message_page = simp | TLFS_MSR_ENABLE,
	};

	synic_write(fixture->synic, 0, TLFS_MSR_SIMP, &msrs);
	synic_write(fixture->synic, 0, TLFS_MSR_SIEFP, &msrs);
}

static struct tlfs_message *slot_at(struct fixture *fixture, uint64_t simp)
{
	struct tlfs_message_page *page = guestmem_ptr(fixture->mem, gpa(simp), sizeof(*page));

	return &page->slot[SINT];
}

static __u64 *flags_at(struct fixture *fixture)
{
	struct tlfs_event_page *page = guestmem_ptr(fixture->mem, gpa(SIEFP_GPA), sizeof(*page));

	return page->flags[SINT];
}

static bool interrupted(struct fixture *fixture)
{
	uint64_t count;

	return read(fixture->raise_fd[0], &count, sizeof(count)) == sizeof(count);
}

static void acknowledge(struct fixture *fixture)
{
	uint64_t one = 1;

	assert_int_equal(write(fixture->ack_fd[0], &one, sizeof(one)), sizeof(one));
}

static void post(struct fixture *fixture, uint32_t number)
{
	assert_int_equal(synic_post(fixture->synic, 0, SINT, &number, sizeof(number)), 0);
}

/* The guest's message handler. Return: true if there was a message. */
static bool take_message(struct fixture *fixture, uint64_t simp, uint32_t *number)
{
	struct tlfs_message *slot = slot_at(fixture, simp);

	if (__atomic_load_n(&slot->message_type, __ATOMIC_ACQUIRE) == TLFS_MESSAGE_TYPE_NONE)
		return false;
	assert_int_equal(slot->message_type, TLFS_MESSAGE_TYPE_VMBUS);
	assert_int_equal(slot->payload_size, sizeof(*number));
	memcpy(number, slot->payload, sizeof(*number));
	__atomic_store_n(&slot->message_type, TLFS_MESSAGE_TYPE_NONE, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&slot->flags, __ATOMIC_SEQ_CST) & TLFS_MESSAGE_FLAG_PENDING)
		acknowledge(fixture);
	return true;
}

static void pages_are_cleared_on_enabling(void **state)
{
	struct fixture *fixture = *state;
	static const uint8_t zeros[TLFS_PAGE_SIZE];

	memset(guestmem_ptr(fixture->mem, gpa(SIMP_GPA), 2 * TLFS_PAGE_SIZE), 0xFF,
	       2 * TLFS_PAGE_SIZE);
	enable(fixture, SIMP_GPA, SIEFP_GPA);
	assert_memory_equal(guestmem_ptr(fixture->mem, gpa(SIMP_GPA), TLFS_PAGE_SIZE), zeros,
			    TLFS_PAGE_SIZE);
	assert_memory_equal(guestmem_ptr(fixture->mem, gpa(SIEFP_GPA), TLFS_PAGE_SIZE), zeros,
			    TLFS_PAGE_SIZE);
}

static void message_is_delivered(void **state)
{
	struct fixture *fixture = *state;
	uint32_t number = 0;

	enable(fixture, SIMP_GPA, SIEFP_GPA);
	post(fixture, 7);
	assert_int_equal(atomic_load(&fixture->kicks), 1);
	assert_false(interrupted(fixture));
	synic_deliver(fixture->synic, 0);
	assert_true(interrupted(fixture));
	assert_int_equal(slot_at(fixture, SIMP_GPA)->flags, 0);
	assert_true(take_message(fixture, SIMP_GPA, &number));
	assert_int_equal(number, 7);
	synic_deliver(fixture->synic, 0);
	assert_false(interrupted(fixture));
}

static void full_slot_is_marked_and_waited_for(void **state)
{
	struct fixture *fixture = *state;
	uint32_t number = 0;

	enable(fixture, SIMP_GPA, SIEFP_GPA);
	post(fixture, 1);
	synic_deliver(fixture->synic, 0);
	assert_true(interrupted(fixture));
	post(fixture, 2);
	synic_deliver(fixture->synic, 0);
	assert_false(interrupted(fixture));
	assert_int_equal(slot_at(fixture, SIMP_GPA)->flags, TLFS_MESSAGE_FLAG_PENDING);
	for (int i = 0; i < 2; i++)
		sem_wait(&fixture->kicked);

	assert_true(take_message(fixture, SIMP_GPA, &number));
	assert_int_equal(number, 1);
	sem_wait(&fixture->kicked); /* the acknowledgement, by way of the loop */
	synic_deliver(fixture->synic, 0);
	assert_true(interrupted(fixture));
	assert_true(take_message(fixture, SIMP_GPA, &number));
	assert_int_equal(number, 2);
}

static void stray_acknowledgement_is_tolerated(void **state)
{
	struct fixture *fixture = *state;
	uint32_t number = 0;

	enable(fixture, SIMP_GPA, SIEFP_GPA);
	post(fixture, 1);
	post(fixture, 2);
	synic_deliver(fixture->synic, 0);
	for (int i = 0; i < 2; i++)
		sem_wait(&fixture->kicked);
	for (int i = 0; i < 5; i++) {
		acknowledge(fixture); /* an EOI of the vector; the slot is still full */
		sem_wait(&fixture->kicked);
		synic_deliver(fixture->synic, 0);
	}
	assert_true(take_message(fixture, SIMP_GPA, &number));
	sem_wait(&fixture->kicked);
	synic_deliver(fixture->synic, 0);
	assert_true(take_message(fixture, SIMP_GPA, &number));
	assert_int_equal(number, 2);
}

static void run_nothing(struct loop_work *work)
{
	sem_post((sem_t *)(work + 1));
}

/* Returns after the loop has done all that came before. */
static void wait_for_loop(struct fixture *fixture)
{
	struct {
		struct loop_work work;
		sem_t done;
	} barrier = { .work.run = run_nothing };

	sem_init(&barrier.done, 0, 0);
	loop_call(fixture->loop, &barrier.work);
	sem_wait(&barrier.done);
	sem_destroy(&barrier.done);
}

static void channel_interrupts_wake_nobody(void **state)
{
	struct fixture *fixture = *state;

	enable(fixture, SIMP_GPA, SIEFP_GPA);
	for (int i = 0; i < 100; i++)
		acknowledge(fixture);
	wait_for_loop(fixture);
	wait_for_loop(fixture);
	assert_int_equal(atomic_load(&fixture->kicks), 0);
}

/* A module reload or kexec: the old owner of the slot never acknowledges. */
static void new_page_ends_the_wait(void **state)
{
	struct fixture *fixture = *state;
	uint32_t number = 0;

	enable(fixture, SIMP_GPA, SIEFP_GPA);
	post(fixture, 1);
	post(fixture, 2);
	synic_deliver(fixture->synic, 0);
	enable(fixture, SIMP_GPA + 0x4000, SIEFP_GPA);
	synic_deliver(fixture->synic, 0);
	assert_true(take_message(fixture, SIMP_GPA + 0x4000, &number));
	assert_int_equal(number, 2);
}

static void flush_forgets(void **state)
{
	struct fixture *fixture = *state;
	uint32_t number = 0;

	enable(fixture, SIMP_GPA, SIEFP_GPA);
	post(fixture, 1);
	post(fixture, 2);
	synic_flush(fixture->synic);
	synic_deliver(fixture->synic, 0);
	assert_false(take_message(fixture, SIMP_GPA, &number));
	post(fixture, 3);
	synic_deliver(fixture->synic, 0);
	assert_true(take_message(fixture, SIMP_GPA, &number));
	assert_int_equal(number, 3);
}

static void messages_for_a_disabled_synic_are_dropped(void **state)
{
	struct fixture *fixture = *state;
	struct synic_counters counters;

	post(fixture, 1);
	synic_deliver(fixture->synic, 0);
	synic_query(fixture->synic, &counters);
	assert_int_equal(counters.dropped, 1);
	assert_int_equal(counters.messages, 0);
	assert_false(interrupted(fixture));
}

static void page_outside_memory_is_a_disabled_one(void **state)
{
	struct fixture *fixture = *state;
	struct synic_counters counters;

	enable(fixture, MEMORY_BYTES, MEMORY_BYTES + TLFS_PAGE_SIZE);
	enable(fixture, 0xFFFFFFFFFFFFF000ull, 0x7FFFFFFFFFFFF000ull);
	post(fixture, 1);
	synic_deliver(fixture->synic, 0);
	assert_false(synic_signal(fixture->synic, 0, SINT, 1));
	synic_query(fixture->synic, &counters);
	assert_int_equal(counters.dropped, 2);
	assert_int_equal(counters.interrupts, 0);
}

static void wrong_destinations(void **state)
{
	struct fixture *fixture = *state;
	uint8_t payload[TLFS_MESSAGE_PAYLOAD_MAX + 1] = { 0 };

	assert_int_equal(synic_post(fixture->synic, 2, SINT, payload, 8), -EINVAL);
	assert_int_equal(synic_post(fixture->synic, 0, SINT + 1, payload, 8), -EINVAL);
	assert_int_equal(synic_post(fixture->synic, 0, 16, payload, 8), -EINVAL);
	assert_int_equal(synic_post(fixture->synic, 0, SINT, payload, sizeof(payload)), -EINVAL);
	assert_false(synic_signal(fixture->synic, 2, SINT, 0));
	assert_false(synic_signal(fixture->synic, 0, 16, 0));
	assert_false(synic_signal(fixture->synic, 0, SINT, TLFS_EVENT_FLAGS));
	for (unsigned int i = 0; i < SYNIC_QUEUE_MAX; i++)
		assert_int_equal(
			synic_post(fixture->synic, 1, SINT, payload, TLFS_MESSAGE_PAYLOAD_MAX), 0);
	assert_int_equal(synic_post(fixture->synic, 1, SINT, payload, 1), -ENOBUFS);
}

static void flags_interrupt_once_until_cleared(void **state)
{
	struct fixture *fixture = *state;

	assert_false(synic_signal(fixture->synic, 0, SINT, 5));
	enable(fixture, SIMP_GPA, SIEFP_GPA);
	assert_true(synic_signal(fixture->synic, 0, SINT, 5));
	assert_false(synic_signal(fixture->synic, 0, SINT, 5));
	assert_true(synic_signal(fixture->synic, 0, SINT, TLFS_EVENT_FLAGS - 1));
	assert_true(flags_at(fixture)[0] == 1 << 5);
	assert_true(flags_at(fixture)[TLFS_EVENT_FLAGS / 64 - 1] == 1ull << 63);
	flags_at(fixture)[0] = 0;
	assert_true(synic_signal(fixture->synic, 0, SINT, 5));
}

static void scontrol_turns_everything_off(void **state)
{
	struct fixture *fixture = *state;
	struct synic_msrs msrs = {
		.control = 0,
		.event_page = SIEFP_GPA | TLFS_MSR_ENABLE,
		.message_page = SIMP_GPA | TLFS_MSR_ENABLE,
	};
	uint32_t number;

	enable(fixture, SIMP_GPA, SIEFP_GPA);
	synic_write(fixture->synic, 0, TLFS_MSR_SCONTROL, &msrs);
	assert_false(synic_signal(fixture->synic, 0, SINT, 5));
	post(fixture, 1);
	synic_deliver(fixture->synic, 0);
	assert_false(take_message(fixture, SIMP_GPA, &number));
}

/*
 * The VP's thread, as vcpu.c runs it, with a guest that takes its time and sends stray
 * acknowledgements.
 */
static void *run_vp(void *context)
{
	struct fixture *fixture = context;
	uint32_t expected = 0, number, random = 1;

	while (expected < BURST_TOTAL) {
		synic_deliver(fixture->synic, 0);
		random = random * 1664525 + 1013904223;
		if (random >> 28 == 0)
			acknowledge(fixture);
		if (random >> 30 && take_message(fixture, SIMP_GPA, &number)) {
			assert_int_equal(number, expected);
			expected++;
		} else if (slot_at(fixture, SIMP_GPA)->message_type == TLFS_MESSAGE_TYPE_NONE) {
			/* A guest with nothing to do sleeps: a lost kick hangs here. */
			sem_wait(&fixture->kicked);
		}
	}
	return NULL;
}

static void bursts_arrive_complete_and_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct synic_counters counters;
	pthread_t vp;

	enable(fixture, SIMP_GPA, SIEFP_GPA);
	assert_int_equal(pthread_create(&vp, NULL, run_vp, fixture), 0);
	for (uint32_t i = 0; i < BURST_TOTAL; i++) {
		while (synic_post(fixture->synic, 0, SINT, &i, sizeof(i)) == -ENOBUFS)
			usleep(100);
		if (i % 1000 == 0)
			usleep(1000); /* let it run dry */
	}
	pthread_join(vp, NULL);
	synic_query(fixture->synic, &counters);
	assert_int_equal(counters.messages, BURST_TOTAL);
	assert_int_equal(counters.interrupts, BURST_TOTAL);
	assert_true(counters.message_waits > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_are_cleared_on_enabling),
		TEST(message_is_delivered),
		TEST(full_slot_is_marked_and_waited_for),
		TEST(stray_acknowledgement_is_tolerated),
		TEST(channel_interrupts_wake_nobody),
		TEST(new_page_ends_the_wait),
		TEST(flush_forgets),
		TEST(messages_for_a_disabled_synic_are_dropped),
		TEST(page_outside_memory_is_a_disabled_one),
		TEST(wrong_destinations),
		TEST(flags_interrupt_once_until_cleared),
		TEST(scontrol_turns_everything_off),
		TEST(bursts_arrive_complete_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
