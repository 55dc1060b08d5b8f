# SPDX-License-Identifier: GPL-2.0
# What a kernel and the one that it starts in its place both do: load all drivers, read what was written.

others()
{
	case "$HVIS_DRIVER" in
	kernel) echo hv_utils hv_balloon ;;
	*) echo hvis_util hvis_balloon hvis_enlighten ;;
	esac
}

load()
{
	load_drivers || die "the drivers did not bring up the disks"
	# Our timers come before TSC deadline, which is chosen otherwise, so that they are on when the next kernel is started.
	[ "$HVIS_DRIVER" = kernel ] || modprobe hvis_timesync stimer_rating=200 || die hvis_timesync
	for module in $(others); do modprobe "$module" || die "$module"; done
	say "timer $(cat /sys/devices/system/clockevents/clockevent0/current_device), clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
}

digest()
{
	dd if="$(disk_of_lun 0)" bs=1M count=8 iflag=direct 2>/dev/null | sha256sum | cut -d' ' -f1
}
