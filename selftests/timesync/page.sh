#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The page becomes invalid and valid again at our mark: the register tells meanwhile, programs ask the kernel, and no time is behind an earlier
# one. The page stays mapped when the module is gone, so a program that was stopped in the middle of reading the clock goes on.
. /kselftest/guest.sh
. /kselftest/timesync/time.sh

fallbacks()
{
	told clock fallbacks
}

invalid()
{
	mark page-invalid
	had=$(fallbacks)
	! clockload quiet && echo "fallbacks: $had, then $(fallbacks)" && [ "$(fallbacks)" -gt "$had" ]
}

valid()
{
	mark page-valid
	# One read by the kernel notices.
	cat $debug/clock
	clockload quiet && had=$(fallbacks) && cat $debug/clock >/dev/null && [ "$(fallbacks)" -eq "$had" ]
}

race()
{
	clockload monotone "$cpus" 100000000 12 >/tmp/race &
	pid=$!
	changed=$(told clock changes)
	round=0
	while [ $round -lt 10 ]; do
		round=$((round + 1))
		mark page-invalid
		mark page-valid
	done
	wait $pid
	status=$?
	cat /tmp/race $debug/clock
	[ $status -eq 0 ] && [ "$(told clock changes)" -gt $((changed + 10)) ]
}

# A pause of the whole machine in the middle.
paused()
{
	clockload monotone "$cpus" 100000000 8 >/tmp/race &
	pid=$!
	mark pause-2
	wait $pid
	status=$?
	cat /tmp/race
	return $status
}

stays_mapped()
{
	loaded=$(clockload vvar)
	unload_time || return 1
	echo "pages of vvar that can be read: $loaded while loaded, $(clockload vvar) after"
	[ "$(clockload vvar)" -eq "$loaded" ] && load_time
}

plan 6
check page_is_used is_current hvis_tsc_page
check invalid_page_is_left invalid
check valid_page_is_taken_again valid
check no_step_back_while_the_page_changes race
check no_step_back_over_a_pause paused
check page_stays_mapped_after_unload stays_mapped
finish
