/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the SPECs of options have in common: parts between commas, each a key with or without a value.
 */
#ifndef HVIS_HOST_OPTIONS_SPEC_H
#define HVIS_HOST_OPTIONS_SPEC_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct spec_key - one key of a SPEC
 * @set: takes the value, NULL where none was given, over into @target. Return: NULL, or what is wrong
 */
struct spec_key {
	const char *name;
	const char *(*set)(void *target, const char *value);
};

/**
 * spec_cut_part() - end the first part of a SPEC at its comma, making one comma of two
 * Return: the rest, or NULL.
 */
char *spec_cut_part(char *part);

/**
 * spec_parse() - parse a SPEC of keys, each given once at most
 * @keys: @count of them, 32 at most
 * @text: is cut into its parts, which @target may keep
 * @what: on failure, what is wrong with it
 *
 * Return: 0 or -EINVAL.
 */
int spec_parse(const struct spec_key *keys, size_t count, void *target, char *text, char *what, size_t room);

/** spec_number() - digits only. Return: false: not a number from @min to @max. */
bool spec_number(const char *value, unsigned int min, unsigned int max, unsigned int *number);
/** spec_switch() - "on" or "off". Return: false: neither. */
bool spec_switch(const char *value, bool *flag);

#endif
