# SPDX-License-Identifier: GPL-2.0
# Shell functions for guests whose memory changes: whose driver, and programs that want memory.

case "$HVIS_DRIVER" in
kernel) bus=hv_vmbus balloon=hv_balloon parameters=pressure_report_delay=1 ;;
*) bus=hvis_vmbus balloon=hvis_balloon parameters= ;;
esac

# load_balloon [PARAMETER...]: of the driver. Ours brings added memory online itself; the kernel's leaves that to others.
load_balloon()
{
	[ "$HVIS_DRIVER" != kernel ] || echo online >/sys/devices/system/memory/auto_online_blocks
	modprobe "$bus" && modprobe "$balloon" $parameters "$@" && await 10 "/sys/bus/vmbus/drivers/$balloon/*-*-*-*-*"
}

# use MIB: writes to so much memory, reads it back and lets it go.
use()
{
	usemem "$1" && echo "balloon: ok use-$1"
}

# pressing MIB: takes so much memory, in pages and in files, and lets it go, again and again until there is /tmp/enough.
pressing()
{
	: >/tmp/pressed
	until [ -e /tmp/enough ]; do
		usemem "$(($1 / 2))" && dd if=/dev/zero of=/tmp/filled bs=1M count="$(($1 / 2))" 2>/dev/null || return
		rm /tmp/filled
		echo once >>/tmp/pressed
	done
}
