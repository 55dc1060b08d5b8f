// SPDX-License-Identifier: GPL-2.0
// links: vmbus/message_rules.c vmbus/chanmsg.c vmbus/offer.c vmbus/channel.c vmbus/pages.c vmbus/ring_memory.c vmbus/gpadl.c vmbus/ring.c vmbus/connect.c vmbus/xact.c selftests/fuzz/shim/one_thread.c
/*
 * The guest's whole control conversation: the tape is what the host says, at whatever moment the guest waits or works, and
 * what drivers do with the channels they get. Hypercalls, SynIC and the event path are fakes.
 * Properties: every wait ends; RELID_RELEASED is said at most as often as RESCIND was heard; one device per instance;
 * rescinded() at most once per opening; no page is freed that the host may still use; pages and channels all go, but for
 * those that the log says are leaked; no lock is taken twice; nothing is left waiting in a list.
 */
#include <one_thread.h>

#include "vmbus/channel.h"

#include "tape.h"

#define POSTED_MAX   64u
#define CHANNELS_MAX 48u
#define RELIDS	     8u
#define LENT_MAX     64u
#define PFNS_MAX     96u

struct bus hvis_bus;

/* What the guest has posted and the honest part of the host has not answered. */
struct posted {
	u32 bytes;
	union {
		struct chanmsg_header header;
		struct chanmsg_initiate_contact contact;
		struct chanmsg_open open;
		struct chanmsg_gpadl_header gpadl;
		struct chanmsg_gpadl_body body;
		struct chanmsg_gpadl_teardown teardown;
		struct chanmsg_relid relid;
		u8 raw[CHANMSG_SIZE_MAX];
	};
};

/* What the host was told of: pages that it may use until it says, or takes, what ends that. */
struct lent {
	u32 handle, relid, count;
	u64 pfns[PFNS_MAX];
};

/* A driver's side of a device. */
struct driver {
	struct vmbus_device device;
	struct vmbus_channel *sub;
	bool open[2], told[2]; /* of primary and sub */
};

static struct world {
	struct tape tape;
	struct posted posted[POSTED_MAX];
	unsigned int first, count;
	struct lent lent[LENT_MAX]; /* handle 0: free */
	u32 last_key; /* handle or id that was posted last */
	unsigned int rescinds[TLFS_EVENT_FLAGS], releases[TLFS_EVENT_FLAGS];
	struct driver *drivers[CHANNELS_MAX];
	bool honest; /* when the tape is over: a time-out is not the only end */
	bool busy; /* a driver is at work, for which the removal of its device would wait */
} world;

/* The fakes. */

static struct lent *lent_as(u32 handle)
{
	for (unsigned int i = 0; i < LENT_MAX; i++)
		if (world.lent[i].handle == handle)
			return &world.lent[i];
	return NULL;
}

static void lend(struct lent *lent, const u8 *pfns, u32 bytes)
{
	if (!lent || lent->count + bytes / 8 > PFNS_MAX)
		return;
	memcpy(&lent->pfns[lent->count], pfns, bytes);
	lent->count += bytes / 8;
}

static void note_gpadl(const struct posted *message)
{
	const u32 head = sizeof(message->gpadl) + sizeof(struct gpa_range), next = sizeof(message->body);
	struct lent *lent;

	if (message->header.type == CHANMSG_GPADL_BODY) {
		lend(lent_as(message->body.gpadl), message->raw + next, message->bytes - next);
		return;
	}
	lent = lent_as(0);
	if (!lent)
		return;
	*lent = (struct lent){ .handle = message->gpadl.gpadl, .relid = message->gpadl.relid };
	lend(lent, message->raw + head, message->bytes - head);
}

/* Called when the page is about to be anybody's. */
static void page_freed(const struct page *page)
{
	for (unsigned int i = 0; i < LENT_MAX; i++)
		for (u32 n = 0; world.lent[i].handle && n < world.lent[i].count; n++)
			MUST(world.lent[i].pfns[n] != page_to_pfn(page));
}

static bool ends_loan(const struct posted *said, u32 length, const struct lent *lent)
{
	const struct chanmsg_gpadl_created *created = (const void *)said->raw;

	switch (said->header.type) {
	case CHANMSG_GPADL_CREATED:
		return length >= sizeof(*created) && created->gpadl == lent->handle && created->status;
	case CHANMSG_GPADL_TORNDOWN: /* the handle is where others have the relid */
		return length >= sizeof(struct chanmsg_gpadl_torndown) && said->relid.relid == lent->handle;
	case CHANMSG_RESCIND:
		return length >= sizeof(said->relid) && said->relid.relid == lent->relid;
	default:
		return said->header.type == CHANMSG_UNLOAD_RESPONSE;
	}
}

/* The host has said something: what may it not use any more? */
static void note_said(const void *bytes, u32 length)
{
	struct posted said = { .bytes = length };

	memcpy(said.raw, bytes, length);
	for (unsigned int i = 0; i < LENT_MAX; i++)
		if (ends_loan(&said, length, &world.lent[i]))
			world.lent[i].handle = 0;
}

static void note_posted(const struct posted *message)
{
	const u32 relid = message->relid.relid;

	switch (message->header.type) {
	case CHANMSG_RELID_RELEASED:
		MUST(message->bytes == sizeof(message->relid) && relid < TLFS_EVENT_FLAGS);
		world.releases[relid]++;
		MUST(world.releases[relid] <= world.rescinds[relid]);
		break;
	case CHANMSG_GPADL_HEADER:
		world.last_key = message->gpadl.gpadl;
		note_gpadl(message);
		break;
	case CHANMSG_GPADL_BODY:
		note_gpadl(message);
		break;
	case CHANMSG_OPEN:
		world.last_key = message->open.open_id;
		break;
	default:
		break;
	}
}

u16 hypercall_post_message(u32 connection_id, const void *payload, u32 bytes)
{
	static const u16 statuses[] = { TLFS_STATUS_INSUFFICIENT_BUFFERS, TLFS_STATUS_INVALID_CONNECTION_ID,
					TLFS_STATUS_INVALID_PARAMETER };
	struct posted *posted;
	u8 fate = tape_u8(&world.tape);

	MUST(bytes >= sizeof(struct chanmsg_header) && bytes <= CHANMSG_SIZE_MAX);
	if (fate >= 253)
		return statuses[fate - 253];
	posted = &world.posted[(world.first + world.count) % POSTED_MAX];
	if (world.count < POSTED_MAX)
		world.count++;
	else
		world.first = (world.first + 1) % POSTED_MAX;
	posted->bytes = bytes;
	memset(posted->raw, 0, sizeof(posted->raw));
	memcpy(posted->raw, payload, bytes);
	note_posted(posted);
	return TLFS_STATUS_SUCCESS;
}

void hypercall_disable(void)
{
}

void synic_resume(void)
{
}

void synic_crash(void)
{
}

void synic_disable_this_cpu(void)
{
}

bool synic_poll_crashed(bool (*wanted)(const struct tlfs_message *message))
{
	return false;
}

u32 synic_vp_index(unsigned int cpu)
{
	return cpu;
}

unsigned int synic_pin(void)
{
	return 0;
}

void synic_unpin(unsigned int cpu)
{
}

unsigned int synic_take(unsigned int wish)
{
	return 0;
}

void synic_give(unsigned int cpu)
{
}

void channel_io_init(struct vmbus_channel *channel)
{
	spin_lock_init(&channel->out_lock);
}

void channel_io_start(struct vmbus_channel *channel)
{
	MUST(!hvis_bus.active[channel->relid]);
	hvis_bus.active[channel->relid] = channel;
}

void channel_io_stop(struct vmbus_channel *channel)
{
	MUST(hvis_bus.active[channel->relid] == channel);
	hvis_bus.active[channel->relid] = NULL;
}

void channel_look_from_task(struct vmbus_channel *channel)
{
}

void channel_move_init(struct vmbus_channel *channel)
{
}

void channel_move_stop(struct vmbus_channel *channel)
{
}

/* The host. */

/* @bytes of a message, of which the host says @length: what is beyond it is zero. */
static void say(const void *what, u32 bytes, u32 length)
{
	struct tlfs_message message = { .message_type = TLFS_MESSAGE_TYPE_VMBUS, .payload_size = length };
	const struct chanmsg_relid *relid = what;

	memcpy(message.payload, what, bytes < length ? bytes : length);
	if (!chanmsg_receive(&message))
		return;
	note_said((const void *)message.payload, length);
	if (length >= sizeof(*relid) && relid->header.type == CHANMSG_RESCIND && relid->relid < TLFS_EVENT_FLAGS)
		world.rescinds[relid->relid]++;
}

static u32 lie(u32 truth)
{
	return tape_lie(&world.tape, truth);
}

static u32 length_of(u32 bytes)
{
	u32 length = lie(bytes);

	return length > CHANMSG_SIZE_MAX ? CHANMSG_SIZE_MAX : length;
}

static void say_offer(void)
{
	u8 what = tape_u8(&world.tape);
	struct chanmsg_offer offer = { .header.type = CHANMSG_OFFER };

	offer.if_type.b[0] = lie(1);
	offer.if_instance.b[0] = what % 3;
	offer.relid = lie(1 + (what >> 2) % RELIDS);
	offer.sub_channel_index = what & 128 ? lie(1) : 0;
	offer.connection_id = 0x2000 | offer.relid;
	offer.dedicated_interrupt = 1;
	say(&offer, sizeof(offer), length_of(sizeof(offer)));
}

static void say_rescind(void)
{
	struct chanmsg_relid rescind = { .header.type = CHANMSG_RESCIND };

	rescind.relid = lie(1 + tape_below(&world.tape, RELIDS));
	say(&rescind, sizeof(rescind), length_of(sizeof(rescind)));
}

static bool complete_gpadl(const struct posted *posted)
{
	u32 words = posted->gpadl.range_buflen / 8, here = (posted->bytes - sizeof(posted->gpadl)) / 8;

	return here >= words;
}

/* What an honest host answers to the oldest message of the guest; with luck there is none. */
static void answer(void)
{
	struct posted *posted = &world.posted[world.first];

	if (!world.count)
		return;
	world.first = (world.first + 1) % POSTED_MAX;
	world.count--;
	switch (posted->header.type) {
	case CHANMSG_INITIATE_CONTACT: {
		struct chanmsg_version_response response = { .header.type = CHANMSG_VERSION_RESPONSE };

		response.supported = lie(1);
		response.msg_connection_id = 4;
		return say(&response, sizeof(response), length_of(sizeof(response)));
	}
	case CHANMSG_REQUEST_OFFERS: {
		const struct chanmsg_header end = { .type = CHANMSG_ALL_OFFERS_DELIVERED };

		return say(&end, sizeof(end), length_of(sizeof(end)));
	}
	case CHANMSG_UNLOAD: {
		const struct chanmsg_header end = { .type = CHANMSG_UNLOAD_RESPONSE };

		return say(&end, sizeof(end), length_of(sizeof(end)));
	}
	case CHANMSG_GPADL_HEADER:
	case CHANMSG_GPADL_BODY: {
		struct chanmsg_gpadl_created created = { .header.type = CHANMSG_GPADL_CREATED };

		if (posted->header.type == CHANMSG_GPADL_HEADER && !complete_gpadl(posted))
			return;
		created.relid = lie(posted->gpadl.relid);
		created.gpadl = lie(world.last_key);
		created.status = lie(0);
		return say(&created, sizeof(created), length_of(sizeof(created)));
	}
	case CHANMSG_OPEN: {
		struct chanmsg_open_result result = { .header.type = CHANMSG_OPEN_RESULT };

		result.relid = lie(posted->open.relid);
		result.open_id = lie(posted->open.open_id);
		result.status = lie(0);
		return say(&result, sizeof(result), length_of(sizeof(result)));
	}
	case CHANMSG_GPADL_TEARDOWN: {
		struct chanmsg_gpadl_torndown torndown = { .header.type = CHANMSG_GPADL_TORNDOWN };

		torndown.gpadl = lie(posted->teardown.gpadl);
		return say(&torndown, sizeof(torndown), length_of(sizeof(torndown)));
	}
	default:
		return;
	}
}

/* Any message, its key perhaps the one that is waited for. */
static void say_anything(void)
{
	u8 raw[CHANMSG_SIZE_MAX] = { 0 };
	u32 length = tape_below(&world.tape, 33), type = tape_below(&world.tape, CHANMSG_TYPE_COUNT + 1);

	tape_take(&world.tape, raw, length);
	memcpy(raw, &type, sizeof(type));
	if (length >= 16 && tape_u8(&world.tape) & 1)
		memcpy(raw + 12, &world.last_key, 4);
	say(raw, sizeof(raw), length);
}

static void run_control(void)
{
	while (shim_run_one(hvis_bus.chanmsg.wq))
		;
}

/*
 * One thing the host says, then whatever work that woke; the work on offers only sometimes, since it waits for the host
 * itself.
 */
bool world_turn(void)
{
	u8 what = tape_u8(&world.tape);

	if (!tape_more(&world.tape) && (!world.honest || !world.count))
		return false;
	if (what < 128)
		answer();
	else if (what < 168)
		say_offer();
	else if (what < 200)
		say_rescind();
	else if (what < 216)
		say_anything();
	else if (what < 220)
		return false; /* silence: whoever waits, waits in vain */
	if (what != 250) /* it may also come before the work has had its turn */
		run_control();
	if (what >= 224 && !world.busy)
		shim_run_one(hvis_bus.offers.wq);
	return true;
}

/* The drivers. */

static enum hvis_event_result event(struct vmbus_channel *channel, void *context)
{
	return HVIS_EVENT_DRAINED;
}

static void rescinded(struct vmbus_channel *channel, void *context)
{
	struct driver *driver = context;
	unsigned int which = channel == driver->sub;

	MUST(hvis_channel_rescinded(channel));
	MUST(!driver->told[which]);
	driver->told[which] = true;
}

static void open_channel(struct driver *driver, struct vmbus_channel *channel)
{
	unsigned int pages = 1 + tape_below(&world.tape, 32), which = channel == driver->sub;
	const struct hvis_channel_config config = {
		.send_bytes = pages * PAGE_SIZE, .recv_bytes = pages * PAGE_SIZE, .packet_max = 256, .cpu = HVIS_CPU_ANY,
		.event = event, .rescinded = rescinded, .context = driver,
	};
	int error = hvis_channel_open(channel, &config);

	driver->told[which] = false;
	driver->open[which] = !error;
	MUST(error <= 0);
	if (!error)
		MUST(hvis_channel_open(channel, &config) != 0);
}

static void close_channel(struct driver *driver, struct vmbus_channel *channel)
{
	hvis_channel_close(channel);
	driver->open[channel == driver->sub] = false;
}

static void get_sub(struct driver *driver)
{
	struct vmbus_channel *sub = hvis_sub_channel_get(&driver->device, 1, 50);

	if (IS_ERR(sub))
		return;
	driver->sub = sub;
	open_channel(driver, sub);
}

static void put_sub(struct driver *driver)
{
	struct vmbus_channel *sub = driver->sub;

	if (!sub)
		return;
	close_channel(driver, sub);
	driver->sub = NULL;
	hvis_sub_channel_put(sub);
}

static void arrived(struct vmbus_channel *channel)
{
	struct driver **place = NULL, *driver;

	if (channel->primary)
		return;
	for (unsigned int i = 0; i < CHANNELS_MAX; i++) {
		driver = world.drivers[i];
		MUST(!driver || memcmp(&driver->device.instance, &channel->instance, sizeof(channel->instance)));
		if (!driver && !place)
			place = &world.drivers[i];
	}
	MUST(place);
	*place = driver = calloc(1, sizeof(*driver));
	driver->device.channel = channel;
	driver->device.instance = channel->instance;
	channel_device_set(channel, &driver->device);
	if (tape_u8(&world.tape) % 8 == 7)
		return; /* no driver for it */
	open_channel(driver, channel);
	if (driver->open[0] && tape_u8(&world.tape) & 1)
		get_sub(driver);
}

static void left(struct vmbus_channel *channel)
{
	for (unsigned int i = 0; i < CHANNELS_MAX; i++) {
		struct driver *driver = world.drivers[i];

		if (!driver || driver->device.channel != channel)
			continue;
		world.drivers[i] = NULL;
		put_sub(driver);
		close_channel(driver, channel);
		channel_device_set(channel, NULL);
		free(driver);
	}
}

static const struct offer_callbacks callbacks = { .arrived = arrived, .left = left };

/* A driver does something by itself: closes and opens again, gives a sub-channel back, gets one. */
static void driver_turn(void)
{
	u8 what = tape_u8(&world.tape);
	struct driver *driver = world.drivers[what % 4];

	/* Not while its device arrives or leaves: the driver model keeps these apart. */
	if (!driver || hvis_bus.offers.wq->running)
		return;
	world.busy = true;
	if (what < 96 && driver->open[0]) {
		close_channel(driver, driver->device.channel);
		open_channel(driver, driver->device.channel);
	} else if (what < 160) {
		put_sub(driver);
	} else if (!driver->sub) {
		get_sub(driver);
	}
	world.busy = false;
}

/* What modprobe, a life and rmmod do. */
static void live(void)
{
	int error;

	world.honest = tape_u8(&world.tape) & 1;
	error = connect_start(VMBUS_VERSION_WIN10_V5_3);
	if (error) {
		shim_pages_leaked += error == -ETIMEDOUT ? 3 : 0;
		return;
	}
	if (!connect_request_offers())
		offer_settle();
	while (tape_more(&world.tape)) {
		if (tape_u8(&world.tape) % 4 == 3)
			driver_turn();
		else
			world_turn();
		shim_run_one(hvis_bus.offers.wq);
	}
	connect_stop();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	memset(&world, 0, sizeof(world));
	memset(&hvis_bus, 0, sizeof(hvis_bus));
	world.tape = (struct tape){ data, bytes };
	shim_log_clear();
	shim_page_freed = page_freed;
	MUST(!chanmsg_init(message_rules, 10000));
	MUST(!offer_init(&callbacks));
	live();
	run_control();
	offer_exit();
	MUST(list_empty(&hvis_bus.chanmsg.calls) && list_empty(&hvis_bus.offers.channels));
	for (unsigned int i = 0; i < TLFS_EVENT_FLAGS; i++)
		MUST(!hvis_bus.active[i]);
	chanmsg_exit();
	MUST(shim_pages == shim_pages_leaked);
	shim_page_freed = NULL;
	shim_pages_forget();
	return 0;
}
