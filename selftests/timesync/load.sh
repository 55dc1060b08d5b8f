#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The module loads, for the tests that come after.
. /kselftest/guest.sh
. /kselftest/timesync/time.sh

plan 3
check loads load_time
check page_is_chosen is_current hvis_tsc_page
check no_system_call clockload quiet
finish
