// SPDX-License-Identifier: GPL-2.0
// links: vmbus/offer.c vmbus/offer_cpu.c vmbus/synic_place.c
/*
 * Offers, sub-channels and rescinds in every order; numbers given back exactly once; which CPU is chosen, and which
 * channels are asked when one goes. The layers above and below are fakes here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Fakes take what the real ones take. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#include <linux/err.h>
#include <linux/printk.h>
#include <linux/sysfs.h>

#include "vmbus/channel.h"

#define CPUS 4

struct bus hvis_bus;
unsigned int nr_cpu_ids = CPUS;

static unsigned int released[TLFS_EVENT_FLAGS]; /* RELID_RELEASED sent, per number */
static unsigned int alive; /* channels not freed */
static struct vmbus_device *device; /* of the primary that arrived last */
static char story[256]; /* what was told upwards, in order */
static bool up;
static int visit_error;
static void (*during_probe)(void); /* what the host says while a channel arrives: a driver's probe takes time */

/* Fakes. */

bool connect_is_up(void)
{
	return up;
}

int chanmsg_post(const void *message, u32 bytes)
{
	const struct chanmsg_relid *relid = message;

	assert_int_equal(relid->header.type, CHANMSG_RELID_RELEASED);
	released[relid->relid]++;
	return 0;
}

struct vmbus_channel *channel_create(const struct chanmsg_offer *offer, struct vmbus_channel *primary)
{
	struct vmbus_channel *channel = calloc(1, sizeof(*channel));

	kref_init(&channel->ref);
	memcpy(&channel->type, &offer->if_type, sizeof(channel->type));
	memcpy(&channel->instance, &offer->if_instance, sizeof(channel->instance));
	channel->relid = offer->relid;
	channel->index = offer->sub_channel_index;
	channel->primary = primary;
	if (primary)
		kref_get(&primary->ref);
	alive++;
	return channel;
}

static void channel_free(struct kref *ref)
{
	struct vmbus_channel *channel = container_of(ref, struct vmbus_channel, ref);

	if (channel->primary)
		channel_put(channel->primary);
	free(channel);
	alive--;
}

void channel_put(struct vmbus_channel *channel)
{
	kref_put(&channel->ref, channel_free);
}

bool channel_rescind(struct vmbus_channel *channel)
{
	bool first = !channel->rescinded;

	channel->rescinded = true;
	return first;
}

void channel_abandon(struct vmbus_channel *channel)
{
}

bool hvis_channel_rescinded(const struct vmbus_channel *channel)
{
	return channel->rescinded;
}

unsigned int hvis_channel_cpu(const struct vmbus_channel *channel)
{
	return channel->cpu;
}

static int visit(struct vmbus_channel *channel, char what)
{
	size_t length = strlen(story);

	snprintf(story + length, sizeof(story) - length, "%c%u ", what, channel->relid);
	return visit_error;
}

int channel_leave_cpu(struct vmbus_channel *channel, unsigned int cpu)
{
	return visit(channel, 'L');
}

int channel_come_home(struct vmbus_channel *channel, unsigned int cpu)
{
	return visit(channel, 'H');
}

static void arrived(struct vmbus_channel *channel)
{
	visit(channel, '+');
	if (during_probe)
		during_probe();
	if (channel->primary)
		return;
	device = calloc(1, sizeof(*device));
	device->channel = channel;
	channel->device = device;
}

static void left(struct vmbus_channel *channel)
{
	visit(channel, '-');
	free(channel->device);
	if (channel->device == device)
		device = NULL;
	channel->device = NULL;
}

static const struct offer_callbacks callbacks = { .arrived = arrived, .left = left };

static int setup(void **state)
{
	memset(released, 0, sizeof(released));
	memset(&hvis_bus, 0, sizeof(hvis_bus));
	story[0] = 0;
	visit_error = 0;
	up = true;
	shim_log_clear();
	return offer_init(&callbacks);
}

static int teardown(void **state)
{
	up = false;
	offer_exit();
	return alive ? -1 : 0;
}

/* What the host says. */

static void offer_type(u32 relid, u8 instance, u16 index, u8 type)
{
	struct chanmsg_offer offer = {
		.header.type = CHANMSG_OFFER, .relid = relid, .sub_channel_index = index,
		.if_type.b = { type }, .if_instance.b = { instance },
	};

	offer_handle(&offer);
}

static void offer(u32 relid, u8 instance, u16 index)
{
	offer_type(relid, instance, index, 1);
}

static void rescind(u32 relid)
{
	const struct chanmsg_relid message = { .header.type = CHANMSG_RESCIND, .relid = relid };

	offer_handle_rescind(&message);
}

static void told(const char *expected)
{
	offer_settle();
	assert_string_equal(story, expected);
	story[0] = 0;
}

/* Tests. */

static void sub_channels_in_any_order(void **state)
{
	struct vmbus_channel *channel;

	offer(1, 7, 0);
	offer(5, 7, 3);
	offer(9, 7, 1);
	told("+1 +5 +9 ");
	channel = hvis_sub_channel_get(device, 3, 0);
	assert_int_equal(channel->relid, 5);
	assert_int_equal(PTR_ERR(hvis_sub_channel_get(device, 2, 0)), -ETIMEDOUT);
	assert_int_equal(PTR_ERR(hvis_sub_channel_get(device, 0, 0)), -EINVAL);
	hvis_sub_channel_put(channel);
	assert_int_equal(released[5], 0);
	assert_int_equal(shim_log_lines, 0);
}

static void refused(u32 relid, u8 instance, u16 index, u8 type, const char *why)
{
	shim_log_clear();
	offer_type(relid, instance, index, type);
	told("");
	assert_non_null(strstr(shim_log_last, why));
	assert_int_equal(released[relid % TLFS_EVENT_FLAGS], 0);
}

static void wrong_offers_are_refused(void **state)
{
	offer(1, 7, 0);
	offer(2, 7, 1);
	told("+1 +2 ");
	refused(3, 7, 1, 1, "that sub-channel");
	refused(3, 7, 0, 1, "its instance");
	refused(2, 7, 2, 1, "its number is in use");
	refused(3, 8, 1, 1, "its primary channel is not there");
	refused(3, 7, 2, 2, "another type");
	refused(0, 9, 0, 1, "out of range");
	refused(TLFS_EVENT_FLAGS, 9, 0, 1, "out of range");
	/* The host takes it back, and learns that nobody uses the number. */
	rescind(3);
	told("");
	assert_int_equal(released[3], 1);
}

static void number_is_released_after_the_last_user(void **state)
{
	struct vmbus_channel *channel;

	offer(1, 7, 0);
	offer(2, 7, 1);
	told("+1 +2 ");
	channel = hvis_sub_channel_get(device, 1, 0);
	rescind(2);
	told("-2 ");
	assert_int_equal(released[2], 0);
	refused(2, 9, 0, 1, "in use");
	assert_int_equal(PTR_ERR(hvis_sub_channel_get(device, 1, 0)), -ETIMEDOUT);
	/* The same index again under another number, while the driver still has the old one. */
	offer(3, 7, 1);
	told("+3 ");
	hvis_sub_channel_put(channel);
	assert_int_equal(released[2], 1);
	channel = hvis_sub_channel_get(device, 1, 0);
	assert_int_equal(channel->relid, 3);
	hvis_sub_channel_put(channel);
	rescind(3);
	told("-3 ");
	assert_int_equal(released[3], 1);
	rescind(2);
	told("");
	assert_int_equal(released[2], 2); /* not in use, and said so again */
}

static void primary_may_be_rescinded_first(void **state)
{
	struct vmbus_channel *old;

	offer(1, 7, 0);
	offer(2, 7, 1);
	told("+1 +2 ");
	old = hvis_sub_channel_get(device, 1, 0);
	rescind(1);
	assert_int_equal(PTR_ERR(hvis_sub_channel_get(device, 1, 1000)), -ENODEV);
	/* The instance comes again at once; the old sub-channel does not belong to it. */
	offer(4, 7, 0);
	told("-1 +4 ");
	assert_int_equal(released[1], 1);
	assert_int_equal(PTR_ERR(hvis_sub_channel_get(device, 1, 0)), -ETIMEDOUT);
	offer(5, 7, 1);
	told("+5 ");
	rescind(2);
	told("-2 ");
	assert_int_equal(released[2], 0);
	assert_int_equal(old->primary->relid, 1);
	hvis_sub_channel_put(old);
	assert_int_equal(released[2], 1);
}

static void rescind_before_it_arrived(void **state)
{
	offer(1, 7, 0);
	rescind(1);
	offer(2, 7, 0);
	told("-1 +2 ");
	assert_int_equal(released[1], 1);
	shim_log_clear();
	rescind(2);
	rescind(2);
	assert_non_null(strstr(shim_log_last, "twice"));
	told("-2 ");
	assert_int_equal(released[2], 1);
}

static void comes_and_goes(void)
{
	during_probe = NULL;
	offer(9, 8, 0);
	rescind(1);
	offer(2, 7, 0);
	rescind(2);
	offer(3, 7, 0);
	offer(4, 7, 1);
}

/* 2 never had a device, so it need not wait for 1; 3 has to. Another instance waits for nobody. */
static void instances_do_not_wait_for_each_other(void **state)
{
	offer(1, 7, 0);
	during_probe = comes_and_goes;
	told("+1 -1 +9 -2 +3 +4 ");
	assert_int_equal(released[1] + released[2], 2);
	offer(5, 8, 0);
	assert_non_null(strstr(shim_log_last, "is offered already"));
	rescind(3);
	rescind(4);
	told("-3 -4 ");
}

static bool offered_meanwhile(void)
{
	offer(2, 7, 1);
	return true;
}

static bool rescinded_meanwhile(void)
{
	rescind(1);
	return true;
}

static void get_waits_for_the_offer(void **state)
{
	struct vmbus_channel *channel;

	offer(1, 7, 0);
	told("+1 ");
	hvis_bus.offers.changed.meanwhile = offered_meanwhile;
	channel = hvis_sub_channel_get(device, 1, 1000);
	assert_int_equal(channel->relid, 2);
	hvis_sub_channel_put(channel);
	hvis_bus.offers.changed.meanwhile = rescinded_meanwhile;
	assert_int_equal(PTR_ERR(hvis_sub_channel_get(device, 2, 1000)), -ENODEV);
}

static void exit_ends_sub_channels_first(void **state)
{
	offer(1, 7, 0);
	offer(2, 7, 1);
	offer(3, 7, 2);
	told("+1 +2 +3 ");
	up = false;
	offer_exit();
	assert_string_equal(story, "-3 -2 -1 ");
	assert_int_equal(released[1] + released[2] + released[3], 0);
	setup(state);
}

static void every_channel_is_asked_when_a_cpu_goes(void **state)
{
	char text[SHIM_PAGE];

	offer(3, 7, 0);
	offer(9, 7, 2);
	offer(1, 7, 1);
	told("+3 +9 +1 ");
	assert_int_equal(offer_cpu_leaves(1), 0);
	told("L1 L3 L9 ");
	visit_error = -ETIMEDOUT;
	assert_int_equal(offer_cpu_leaves(1), -EBUSY);
	told("L1 ");
	visit_error = 0;
	offer_cpu_came(1);
	told("H1 H3 H9 ");
	offer_show_cpus(device->channel, text);
	assert_string_equal(text, "3:0\n9:0\n1:0\n");
	up = false;
	assert_int_equal(offer_cpu_leaves(1), 0);
	told("");
	up = true;
}

static void least_loaded_usable_cpu_is_chosen(void **state)
{
	struct synic_cpu cpus[CPUS] = {};
	unsigned int cpu;

	hvis_bus.synic.cpus = cpus;
	mutex_init(&hvis_bus.synic.lock);
	for (cpu = 0; cpu < 3; cpu++)
		synic_set_usable(cpu);
	assert_int_equal(synic_take(HVIS_CPU_ANY), 0);
	assert_int_equal(synic_take(HVIS_CPU_ANY), 1);
	assert_int_equal(synic_take(1), 1);
	assert_int_equal(synic_take(HVIS_CPU_ANY), 2);
	assert_int_equal(synic_take(3), 0); /* not there: as if any */
	assert_true(synic_try_take(2));
	assert_false(synic_try_take(3));
	assert_int_equal(synic_pin(), 0);
	assert_false(synic_start_leaving(0));
	assert_true(synic_start_leaving(1));
	assert_false(synic_try_take(1));
	assert_int_not_equal(synic_take(1), 1);
	synic_set_usable(1);
	synic_give(1);
	synic_give(1);
	assert_int_equal(synic_take(HVIS_CPU_ANY), 1);
	synic_unpin(0);
	assert_true(synic_start_leaving(0));
	assert_int_equal(synic_pin(), 1);
}

/* A host and a driver that do anything in any order; the model knows which numbers are out. */
static void any_order(void **state)
{
	enum { NUMBERS = 12, HELD = 4 };
	struct vmbus_channel *held[HELD] = {};
	unsigned int wanted[NUMBERS + 1] = {}; /* releases owed so far */
	bool rescinded[NUMBERS + 1] = {}, out[NUMBERS + 1] = {};
	unsigned int step, relid, slot, i;

	srand(1);
	for (step = 0; step < 20000; step++) {
		relid = 1 + rand() % NUMBERS;
		slot = rand() % HELD;
		switch (rand() % 5) {
		case 0:
			if (!out[relid]) {
				offer(relid, rand() % 2, rand() % 3);
				out[relid] = true;
			}
			break;
		case 1:
			if (out[relid] && !rescinded[relid]) {
				rescind(relid);
				rescinded[relid] = true;
				wanted[relid]++;
			}
			break;
		case 2:
			offer_settle();
			break;
		case 3:
			if (!held[slot] && device) {
				held[slot] = hvis_sub_channel_get(device, 1 + rand() % 2, 0);
				held[slot] = IS_ERR(held[slot]) ? NULL : held[slot];
			}
			break;
		default:
			if (held[slot])
				hvis_sub_channel_put(held[slot]);
			held[slot] = NULL;
		}
		story[0] = 0;
		for (i = 1; i <= NUMBERS; i++) {
			assert_true(released[i] <= wanted[i]);
			if (rescinded[i] && released[i] == wanted[i])
				rescinded[i] = out[i] = false;
		}
	}
	for (slot = 0; slot < HELD; slot++)
		if (held[slot])
			hvis_sub_channel_put(held[slot]);
	offer_settle();
	for (i = 1; i <= NUMBERS; i++)
		assert_int_equal(released[i], wanted[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sub_channels_in_any_order),
		TEST(wrong_offers_are_refused),
		TEST(number_is_released_after_the_last_user),
		TEST(primary_may_be_rescinded_first),
		TEST(rescind_before_it_arrived),
		TEST(instances_do_not_wait_for_each_other),
		TEST(get_waits_for_the_offer),
		TEST(exit_ends_sub_channels_first),
		TEST(every_channel_is_asked_when_a_cpu_goes),
		TEST(least_loaded_usable_cpu_is_chosen),
		TEST(any_order),
	};

	return cmocka_run_group_tests_name("offer", tests, NULL, NULL);
}
