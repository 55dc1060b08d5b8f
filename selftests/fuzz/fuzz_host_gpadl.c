// SPDX-License-Identifier: GPL-2.0
// links: host/gpadl.c host/guestmem.c host/pagemap.c
/*
 * The host's GPADL assembly: headers and bodies in any order and of any shape, pins and teardowns.
 * Properties: a complete GPADL is word for word what was sent, and a second reading of the same words, kept
 * simple here, agrees that it is well formed; the budget is the sum of what lives; torn and pinned ones
 * stay, all others go.
 */
#include <errno.h>

#include "gpadl.h"
#include "tape.h"

#define PAGES	 32u
#define HANDLES	 4u
#define SENT_MAX (65536 / 8)

/* What was sent under a handle since it came to life. */
struct sent {
	uint64_t words[SENT_MAX];
	uint32_t count;
	uint32_t pins;
	bool torn;
};

static struct sent sent[HANDLES];
static struct guestmem *memory;

/* Words beyond count mean nothing. */
static void revive(struct sent *list)
{
	list->count = 0;
	list->pins = 0;
	list->torn = false;
}

/* The other opinion. */
static bool well_formed(const struct sent *list, uint32_t ranges)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < ranges; i++) {
		uint64_t head, pages;

		if (at >= list->count)
			return false;
		head = list->words[at++];
		if (!(uint32_t)head || head >> 32 > 4095)
			return false;
		pages = ((uint32_t)head + (head >> 32) + 4095) >> 12;
		while (pages--)
			if (at >= list->count || list->words[at++] >= PAGES)
				return false;
	}
	return at == list->count;
}

static void check_budget(const struct gpadl_table *table)
{
	uint32_t count = 0, pages = 0;

	for (const struct gpadl *gpadl = table->first; gpadl; gpadl = gpadl->next) {
		count++;
		pages += gpadl->words - gpadl->ranges;
	}
	MUST(count == table->count && count <= GPADL_COUNT_MAX);
	MUST(pages == table->pages && pages <= GPADL_PAGES_MAX);
}

/* After a message for @number that was taken (@result >= 0) or not. */
static void check_gpadl(const struct gpadl_table *table, uint32_t number, int result)
{
	const struct gpadl *gpadl = gpadl_find(table, number);
	struct gpadl_range range;

	MUST(result < 0 ? !gpadl : !!gpadl);
	if (!gpadl)
		return;
	MUST(gpadl->filled == sent[number].count && gpadl->filled <= gpadl->words);
	MUST(gpadl->complete == (gpadl->filled == gpadl->words) && result == gpadl->complete);
	MUST(!memcmp(gpadl->list, sent[number].words, gpadl->filled * 8));
	if (!gpadl->complete)
		return;
	MUST(well_formed(&sent[number], gpadl->ranges));
	MUST(gpadl_single_range(gpadl, &range) == (gpadl->ranges == 1));
}

static uint32_t put_words(struct tape *tape, uint8_t *to, uint32_t room, uint32_t count)
{
	uint64_t word = tape_below(tape, PAGES);
	uint32_t bytes = 0;

	for (; count-- && bytes + 8 <= room; bytes += 8) {
		memcpy(to + bytes, &word, 8);
		word = (word + 1) % PAGES;
	}
	if (tape_u8(tape) == 1 && bytes)
		tape_take(tape, to + bytes - 8, 8);
	return bytes;
}

static void note(uint32_t number, const uint8_t *bytes, uint32_t length)
{
	struct sent *list = &sent[number];

	MUST(length % 8 == 0 && list->count + length / 8 <= SENT_MAX);
	memcpy(&list->words[list->count], bytes, length);
	list->count += length / 8;
}

/* Exactly as long as said, so that ASAN sees one byte too many. */
static void *exactly(const void *message, uint32_t bytes)
{
	void *copy = malloc(bytes);

	memcpy(copy, message, bytes);
	return copy;
}

static void begin(struct tape *tape, struct gpadl_table *table)
{
	uint8_t raw[CHANMSG_SIZE_MAX] = { 0 }, *list;
	struct chanmsg_gpadl_header *header = (void *)raw;
	uint32_t number = tape_below(tape, HANDLES), ranges = 1 + tape_below(tape, 3);
	uint32_t pages = ranges + tape_below(tape, 70), bytes = sizeof(*header), words = 0;
	bool known = gpadl_find(table, number);
	const char *why = NULL;
	int result;

	header->relid = tape_below(tape, 2);
	header->gpadl = number;
	header->rangecount = tape_lie(tape, ranges);
	list = raw + bytes;
	for (uint32_t i = 0; i < ranges; i++) {
		uint32_t count = i ? 1 : pages - ranges + 1;
		struct gpa_range range = { tape_lie(tape, count * 4096), tape_lie(tape, 0) };

		/* As many as such a range would have, were it allowed. */
		count = ((uint64_t)range.byte_offset + range.byte_count + 4095) / 4096;
		words += 1 + count;
		if (bytes + 8 > sizeof(raw))
			break;
		memcpy(raw + bytes, &range, 8);
		bytes += 8;
		bytes += put_words(tape, raw + bytes, sizeof(raw) - bytes, count);
	}
	header->range_buflen = tape_lie(tape, words * 8);
	bytes = tape_lie(tape, bytes);
	if (bytes < sizeof(*header) || bytes > sizeof(raw))
		bytes = sizeof(*header);
	header = exactly(raw, bytes);
	result = gpadl_begin(table, header, bytes, &why);
	free(header);
	MUST((result < 0) == !!why);
	if (known) {
		MUST(result == -EEXIST);
		return;
	}
	revive(&sent[number]);
	if (result >= 0)
		note(number, list, bytes - sizeof(*header));
	check_gpadl(table, number, result);
}

static void go_on(struct tape *tape, struct gpadl_table *table)
{
	struct chanmsg_gpadl_body *body = (void *)(uint8_t[CHANMSG_SIZE_MAX]){ 0 };
	uint32_t number = tape_below(tape, HANDLES), bytes = sizeof(*body);
	struct gpadl *gpadl = gpadl_find(table, number);
	const char *why = NULL;
	bool complete;
	uint8_t *copy;
	int result;

	if (!gpadl)
		return;
	complete = gpadl->complete;
	bytes += put_words(tape, (uint8_t *)(body + 1), CHANMSG_SIZE_MAX - bytes,
			   tape_lie(tape, gpadl->words - gpadl->filled));
	bytes = tape_lie(tape, bytes);
	if (bytes < sizeof(*body) || bytes > CHANMSG_SIZE_MAX)
		bytes = sizeof(*body);
	copy = exactly(body, bytes);
	result = gpadl_continue(table, gpadl, (void *)copy, bytes, &why);
	MUST((result < 0) == !!why);
	if (complete) {
		MUST(result == -EEXIST && gpadl_find(table, number) == gpadl);
	} else {
		if (result >= 0)
			note(number, copy + sizeof(*body), bytes - sizeof(*body));
		check_gpadl(table, number, result);
	}
	free(copy);
}

static void use(struct tape *tape, struct gpadl_table *table, unsigned int what)
{
	uint32_t number = tape_below(tape, HANDLES);
	struct gpadl *gpadl = gpadl_find(table, number);
	struct sent *list = &sent[number];

	if (!gpadl)
		return;
	if (what == 0 && gpadl->complete && !gpadl->torn) {
		gpadl_pin(table, gpadl);
		list->pins++;
	} else if (what == 1 && list->pins) {
		MUST(gpadl_unpin(table, gpadl) == (!--list->pins && list->torn));
	} else if (what == 2 && !list->torn) {
		list->torn = true;
		MUST(gpadl_teardown(table, gpadl) == !list->pins);
	}
	gpadl = gpadl_find(table, number);
	MUST(!!gpadl == !(list->torn && !list->pins));
	MUST(!gpadl || gpadl->pins == list->pins);
}

/* A channel goes with what it has; only if nothing of it is pinned. */
static void forget(struct tape *tape, struct gpadl_table *table)
{
	uint32_t relid = tape_below(tape, 2);

	for (const struct gpadl *gpadl = table->first; gpadl; gpadl = gpadl->next)
		if (gpadl->relid == relid && gpadl->pins)
			return;
	gpadl_forget(table, relid);
	for (const struct gpadl *gpadl = table->first; gpadl; gpadl = gpadl->next)
		MUST(gpadl->relid != relid);
}

/* Large ones that are never completed, up to the limit on pages. */
static void flood(struct tape *tape, struct gpadl_table *table)
{
	struct chanmsg_gpadl_header header = { .relid = 7, .rangecount = 1, .range_buflen = 65528 };
	uint32_t count = tape_below(tape, 64);
	const char *why;

	for (uint32_t i = 0; i < count; i++) {
		header.gpadl = 1000 + i;
		if (gpadl_begin(table, &header, sizeof(header), &why) == -ENOSPC)
			break;
	}
	check_budget(table);
	gpadl_forget(table, 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct tape tape = { data, bytes };
	struct gpadl_table table = { 0 };
	bool flooded = false;

	if (!memory)
		memory = guestmem_create(PAGES * 4096);
	table.mem = memory;
	for (uint32_t i = 0; i < HANDLES; i++)
		revive(&sent[i]);
	while (tape_more(&tape)) {
		uint8_t what = tape_u8(&tape);

		if (what == 255 && tape_u16(&tape) == 0xF100 && !flooded) {
			flood(&tape, &table);
			flooded = true;
		}
		if (what % 8 < 2)
			begin(&tape, &table);
		else if (what % 8 < 4)
			go_on(&tape, &table);
		else if (what % 8 < 7)
			use(&tape, &table, what % 8 - 4);
		else
			forget(&tape, &table);
		check_budget(&table);
	}
	for (struct gpadl *gpadl = table.first; gpadl; gpadl = gpadl->next)
		gpadl->pins = 0;
	gpadl_forget_all(&table);
	MUST(!table.count && !table.pages);
	return 0;
}
