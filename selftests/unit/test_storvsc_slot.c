// SPDX-License-Identifier: GPL-2.0
// links: storvsc/map.c
// shim: one_thread
/*
 * Who owns a command: an answer that comes twice, late, or for a tag that has another command now ends nothing, and of
 * several who would end a command one does. The guest's real source, included here.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <one_thread_scsi.h>

#include "storvsc/slot.c"

#define QUEUES 2u
#define TAGS   16384u
#define BYTES  4096u
#define ROUNDS 400u

static struct storvsc_host host;
static struct Scsi_Host shost;
static struct storvsc_queue queues[QUEUES];
static struct storvsc_slot slots[QUEUES][TAGS];
static struct scsi_device disk, other_disk;
static struct scsi_cmnd cmds[QUEUES][TAGS];
static unsigned int ended[QUEUES][TAGS];

bool world_turn(void)
{
	return false;
}

void scsi_done(struct scsi_cmnd *cmd)
{
	__atomic_add_fetch(&ended[0][0] + (cmd - &cmds[0][0]), 1, __ATOMIC_RELAXED);
}

static int setup(void **state)
{
	u32 i;

	(void)state;
	memset(slots, 0, sizeof(slots));
	memset(cmds, 0, sizeof(cmds));
	memset(ended, 0, sizeof(ended));
	disk = (struct scsi_device){ .host = &shost };
	other_disk = (struct scsi_device){ .host = &shost, .id = 1, .lun = 5 };
	host.shost = &shost;
	host.queues = queues;
	host.queue_count = QUEUES;
	host.limits.can_queue = TAGS;
	for (i = 0; i < QUEUES * TAGS; i++) {
		queues[i / TAGS].slots = slots[i / TAGS];
		cmds[i / TAGS][i % TAGS] = (struct scsi_cmnd){ .request.tag = i % TAGS, .device = &disk, .bytes = BYTES };
	}
	return 0;
}

/* Return: the id that it is lent with. */
static u64 lend(u32 queue, u32 tag, u32 link)
{
	struct storvsc_slot *slot = &slots[queue][tag];
	u64 id = storvsc_slot_prepare(slot, &cmds[queue][tag], queue, link);

	storvsc_slot_lend(slot, id);
	return id;
}

static void an_answer_counts_once(void **state)
{
	u64 id = lend(1, 2, 0);

	(void)state;
	assert_false(storvsc_slot_is_free(&slots[1][2]));
	assert_ptr_equal(storvsc_slot_claim(&slots[1][2], id), &cmds[1][2]);
	assert_true(storvsc_slot_is_free(&slots[1][2]));
	assert_null(storvsc_slot_claim(&slots[1][2], id));
}

static void only_the_very_id_claims(void **state)
{
	u64 id = lend(0, 1, 0);
	unsigned int bit;

	(void)state;
	for (bit = 0; bit < 64; bit++)
		assert_null(storvsc_slot_claim(&slots[0][1], id ^ 1ULL << bit));
	assert_null(storvsc_slot_claim(&slots[0][1], 0));
	assert_null(storvsc_slot_claim(&slots[0][0], id));
	assert_null(storvsc_slot_claim(&slots[0][0], 0));
	assert_ptr_equal(storvsc_slot_claim(&slots[0][1], id), &cmds[0][1]);
}

/* A host that guesses ids cannot end what it was not sent. */
static void nothing_is_claimed_before_it_is_lent(void **state)
{
	u64 id = storvsc_slot_prepare(&slots[0][0], &cmds[0][0], 0, 0);

	(void)state;
	assert_true(storvsc_slot_is_free(&slots[0][0]));
	assert_null(storvsc_slot_claim(&slots[0][0], id));
	storvsc_slot_lend(&slots[0][0], id);
	assert_ptr_equal(storvsc_slot_claim(&slots[0][0], id), &cmds[0][0]);
}

static void a_late_answer_does_not_hit_the_next_command(void **state)
{
	u64 late = lend(0, 0, 0), id;

	(void)state;
	assert_non_null(storvsc_slot_claim(&slots[0][0], late));
	id = lend(0, 0, 0);
	assert_int_not_equal(id, late);
	assert_null(storvsc_slot_claim(&slots[0][0], late));
	assert_ptr_equal(storvsc_slot_claim(&slots[0][0], id), &cmds[0][0]);
}

/* Generations start over after 2^31 - 1 without one that the ids cannot have. */
static void generations_wrap(void **state)
{
	u64 last = 0, id;
	u32 queue, tag, i;

	(void)state;
	slots[1][1].generation = 0x7FFFFFFF - 4;
	for (i = 0; i < 10; i++, last = id) {
		id = lend(1, 1, 0);
		assert_int_not_equal(id >> 32, last >> 32);
		assert_int_not_equal(id >> 32, 0);
		assert_false(id & STORVSC_ID_CONTROL);
		assert_true(storvsc_id_parse(id, QUEUES, TAGS, &queue, &tag));
		assert_true(queue == 1 && tag == 1);
		assert_non_null(storvsc_slot_claim(&slots[1][1], id));
	}
	assert_true(slots[1][1].generation < 10);
}

static void debts_are_by_link_and_lun(void **state)
{
	u64 id;

	(void)state;
	assert_false(storvsc_slots_outstanding(&host, STORVSC_LINK_ANY, STORVSC_ADDRESS_ANY));
	cmds[1][0].device = &other_disk;
	id = lend(1, 0, 1);
	assert_true(storvsc_slots_outstanding(&host, STORVSC_LINK_ANY, STORVSC_ADDRESS_ANY));
	assert_true(storvsc_slots_outstanding(&host, 1, storvsc_address(&other_disk)));
	assert_false(storvsc_slots_outstanding(&host, 0, STORVSC_ADDRESS_ANY));
	assert_false(storvsc_slots_outstanding(&host, STORVSC_LINK_ANY, storvsc_address(&disk)));
	assert_non_null(storvsc_slot_claim(&slots[1][0], id));
	assert_false(storvsc_slots_outstanding(&host, STORVSC_LINK_ANY, STORVSC_ADDRESS_ANY));
}

static void failing_a_link_ends_its_commands_only(void **state)
{
	u64 stays = lend(0, 1, 0), late = lend(0, 0, 1);

	(void)state;
	lend(1, 2, 1);
	storvsc_slots_fail(&host, 1, DID_SOFT_ERROR);
	assert_true(ended[0][0] == 1 && ended[1][2] == 1 && ended[0][1] == 0);
	assert_int_equal(cmds[0][0].result, DID_SOFT_ERROR << 16);
	assert_int_equal(cmds[0][0].resid, BYTES);
	assert_null(storvsc_slot_claim(&slots[0][0], late));
	storvsc_slots_fail(&host, 1, DID_SOFT_ERROR);
	assert_int_equal(ended[0][0], 1);
	assert_ptr_equal(storvsc_slot_claim(&slots[0][1], stays), &cmds[0][1]);
}

/* What has timed out is the error handler's, which ends it itself; its own commands it waits for. */
static void what_timed_out_is_not_given_back(void **state)
{
	struct scsi_cmnd *cmd = &cmds[0][0];

	(void)state;
	set_bit(SCMD_STATE_COMPLETE, &cmd->state);
	lend(0, 0, 0);
	storvsc_slots_fail(&host, STORVSC_LINK_ANY, DID_RESET);
	assert_true(storvsc_slot_is_free(&slots[0][0]));
	assert_int_equal(ended[0][0], 0);
	cmd->submitter = SUBMITTED_BY_SCSI_ERROR_HANDLER;
	lend(0, 0, 0);
	storvsc_slots_fail(&host, STORVSC_LINK_ANY, DID_RESET);
	assert_int_equal(ended[0][0], 1);
}

/*
 * Two go through the answers of all commands and one fails all. Who comes last catches up with the others, because there is
 * less to do for it; from then on they are at each command together.
 */
static struct race {
	pthread_barrier_t begin, end;
	u64 ids[QUEUES * TAGS];
} race;

static void *answers(void *unused)
{
	u32 round, i;

	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&race.begin);
		for (i = 0; i < QUEUES * TAGS; i++) {
			struct scsi_cmnd *cmd = storvsc_slot_claim(&slots[i / TAGS][i % TAGS], race.ids[i]);

			if (cmd)
				storvsc_command_end(cmd, 0, BYTES);
		}
		pthread_barrier_wait(&race.end);
	}
	return unused;
}

/* Return: the number of commands that did not end once. */
static u32 run_round(u32 round)
{
	u32 i, wrong = 0;

	for (i = 0; i < QUEUES * TAGS; i++)
		race.ids[i] = lend(i / TAGS, i % TAGS, 0);
	pthread_barrier_wait(&race.begin);
	storvsc_slots_fail(&host, STORVSC_LINK_ANY, DID_RESET);
	pthread_barrier_wait(&race.end);
	for (i = 0; i < QUEUES * TAGS; i++)
		wrong += ended[i / TAGS][i % TAGS] != round + 1;
	return wrong;
}

static void one_of_several_ends_it(void **state)
{
	pthread_t threads[2];
	u32 round, i, wrong = 0;

	(void)state;
	pthread_barrier_init(&race.begin, NULL, 3);
	pthread_barrier_init(&race.end, NULL, 3);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, answers, NULL), 0);
	for (round = 0; round < ROUNDS; round++)
		wrong += run_round(round);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_answer_counts_once, setup),
		cmocka_unit_test_setup(only_the_very_id_claims, setup),
		cmocka_unit_test_setup(nothing_is_claimed_before_it_is_lent, setup),
		cmocka_unit_test_setup(a_late_answer_does_not_hit_the_next_command, setup),
		cmocka_unit_test_setup(generations_wrap, setup),
		cmocka_unit_test_setup(debts_are_by_link_and_lun, setup),
		cmocka_unit_test_setup(failing_a_link_ends_its_commands_only, setup),
		cmocka_unit_test_setup(what_timed_out_is_not_given_back, setup),
		cmocka_unit_test_setup(one_of_several_ends_it, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
