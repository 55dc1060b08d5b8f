/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics as a table that goes on, for people: one line per interval, like vmstat's. The numbers
 * are query-stats'; here is only which of them, and per second.
 */
#ifndef HVIS_HOST_CTL_STATS_H
#define HVIS_HOST_CTL_STATS_H

#include <jansson.h>
#include <stdio.h>

/** ctl_stats_head() - the two lines above the table. */
void ctl_stats_head(FILE *out);
/**
 * ctl_stats_line() - what happened between two answers of query-stats, per second
 *
 * What an answer does not have counts as 0.
 */
void ctl_stats_line(FILE *out, const json_t *before, const json_t *after);

#endif
