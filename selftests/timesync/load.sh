#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The module loads, for the tests that come after.
. /kselftest/guest.sh
. /kselftest/timesync/time.sh

# With its own rating ours is not chosen where TSC deadline is.
chosen_if_better()
{
	modprobe hvis_timesync || return 1
	echo "CPU 0: $(timer_of 0)"
	case "$(timer_of 0)" in
	hvis_stimer) ! grep -q tsc_deadline_timer /proc/cpuinfo ;;
	*) grep -q tsc_deadline_timer /proc/cpuinfo ;;
	esac && unload_time
}

plan 4
check timers_are_chosen_if_better chosen_if_better
check loads load_time
check page_is_chosen is_current hvis_tsc_page
check no_system_call clockload quiet
finish
