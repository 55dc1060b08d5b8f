# SPDX-License-Identifier: GPL-2.0
# Shell functions for tests in a guest: whose drivers, which disk, one KTAP line per check.

# Whose bus and network driver.
case "${HVIS_DRIVER:-}" in
kernel) bus=hv_vmbus nic=hv_netvsc ;;
*) bus=hvis_vmbus nic=hvis_netvsc ;;
esac

modules_of_driver()
{
	case "$HVIS_DRIVER" in
	kernel) echo "hv_vmbus hv_storvsc" ;;
	*) echo "hvis_vmbus hvis_storvsc" ;;
	esac
}

# load_drivers [PARAMETER...]: the parameters go to the bus module; HVIS_STORVSC has those of our disk driver.
load_drivers()
{
	set -- $(modules_of_driver) "$@"
	bus=$1 disk=$2
	shift 2
	modprobe sd_mod && modprobe sg && modprobe "$bus" "$@" && modprobe "$disk" $HVIS_STORVSC || return 1
	await_disks
}

# The kernel's bus stays: unloading hv_vmbus stops direct-mode timers without giving the CPU another one, and the guest
# hangs in its next sleep (hv_stimer_global_cleanup(), seen on 6.1).
# A disk is still held for a moment after it appeared: the block layer reads its partition table.
unload_drivers()
{
	for module in $(modules_of_driver); do disk=$module; done
	await 10 "/sys/module/$disk/refcnt=0" || return 1
	case "$HVIS_DRIVER" in
	kernel) rmmod hv_storvsc ;;
	*) rmmod hvis_storvsc && rmmod hvis_vmbus ;;
	esac
}

# Waits until every LUN in HVIS_LUNS ("0,1,2") has its block device.
await_disks()
{
	await 30 $(echo "$HVIS_LUNS" | tr , '\n' | sed 's|.*|/sys/class/scsi_disk/*:&/device/block/*|')
}

# disk_of_lun LUN: prints its block device.
disk_of_lun()
{
	for block in /sys/class/scsi_disk/*:"$1"/device/block/*; do
		[ -e "$block" ] && [ -b "/dev/${block##*/}" ] && echo "/dev/${block##*/}" && return 0
	done
	return 1
}

sg_of_lun()
{
	for sg in /sys/class/scsi_disk/*:"$1"/device/scsi_generic/*; do
		[ -e "$sg" ] && echo "/dev/${sg##*/}" && return 0
	done
	return 1
}

# host_of_lun LUN: prints its controller's folder in sysfs.
host_of_lun()
{
	for disk in /sys/class/scsi_disk/*:"$1"; do
		[ -e "$disk" ] || return 1
		number=${disk##*/}
		echo "/sys/class/scsi_host/host${number%%:*}"
	done
}

# channel_cpus: the file of each channel that says which CPU it interrupts; of devices that have a driver.
channel_cpus()
{
	for device in /sys/bus/vmbus/devices/*; do
		[ ! -e "$device/driver" ] || echo "$device"/channels/*/cpu
	done
}

# mark NAME: the host side takes its counters now, and answers when it has. Sets answer: ok, or what else it has to say.
mark()
{
	echo "@mark $1" >/dev/ttyS1
	read -r answer </dev/ttyS1
}

# figure NAME VALUE UNIT: a measured number for the results.
figure()
{
	echo "@figure $1 $2 $3" >/dev/ttyS1
}

# say WHAT: how far this is, for whoever watches.
say()
{
	echo "@progress $*"
}

# die WHY: what goes on from here makes no sense.
die()
{
	say "FAILED: $*"
	exit 1
}

# skip WHY: there is nothing to test here.
skip()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $1"
	exit 4
}

# ours_only [WHY]: a test that makes no sense with the kernel's own drivers.
ours_only()
{
	[ "$HVIS_DRIVER" != kernel ] || skip "${1:-of our modules}"
}

checks=0
failures=0

plan()
{
	echo "TAP version 13"
	echo "1..$1"
}

# check NAME COMMAND...: runs it; its output is a comment of the report.
check()
{
	name=$1
	shift
	checks=$((checks + 1))
	began=$(cut -d. -f1 /proc/uptime)
	if "$@" >/tmp/check.out 2>&1; then
		echo "# $name: $(($(cut -d. -f1 /proc/uptime) - began)) s"
		echo "ok $checks $name"
	else
		echo "# $name: exit status $?: $*"
		sed 's/^/# /' /tmp/check.out
		echo "not ok $checks $name"
		failures=$((failures + 1))
	fi
}

finish()
{
	[ $failures -eq 0 ]
	exit
}

# nic_up ADDRESS [SECONDS]: waits for the NIC, gives it the address and waits for its link.
nic_up()
{
	await "${2:-20}" /sys/class/net/eth0 && ip link set eth0 up && ip addr add "$1/24" dev eth0 &&
		await "${2:-20}" /sys/class/net/eth0/carrier=1
}

# pings BYTES COUNT: to $there, each answered with the same bytes.
pings()
{
	pingsizes $there 65535 $(yes "$1" | head -n "$2")
}

# interrupts: how many have come, by the lines of /proc/interrupts that have HVIS_IRQ in them; all CPUs.
interrupts()
{
	awk -v word="$HVIS_IRQ" 'index($0, word) { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i } END { print sum + 0 }' /proc/interrupts
}

# received_mbps FILE: how much the receiver says has come, in what iperf3 -f k printed; of several streams the sum, which comes last.
received_mbps()
{
	awk '/receiver/ { for (i = 2; i <= NF; i++) if ($i == "Kbits/sec") rate = $(i - 1) / 1000 } END { print rate }' "$1"
}

# flooding ADDRESS: pings one behind the other until the flood ends. ping itself ends when the interface goes for a moment.
flooding()
{
	until [ -e /tmp/flooded ]; do
		ping -q -A -w 1 "$1" 2>/dev/null
	done | awk '/ received/ { sum += $4 } END { print sum + 0 }' >"/tmp/flood.$1"
}

# begin_flood [ADDRESSES]: each is pinged all the time, four if not said otherwise.
begin_flood()
{
	rm -f /tmp/flooded /tmp/flood.*
	floods=
	for last in $(seq 2 $((1 + ${1:-4}))); do
		flooding 10.9.0.$last &
		floods="$floods $!"
	done
}

# end_flood: sets answered to how many were.
end_flood()
{
	echo yes >/tmp/flooded
	wait $floods
	answered=$(cat /tmp/flood.* | awk '{ sum += $1 } END { print sum + 0 }')
}

# What the host said and was not believed: a host that plays by the rules never sees it move.
nothing_refused()
{
	ethtool -S eth0 | grep ' refused_' && ! ethtool -S eth0 | grep ' refused_' | grep -qv ': 0$'
}

# await_listener PORT: until somebody listens there. No event tells.
await_listener()
{
	until grep -qi "$(printf ':%04x 0*:0000 0A' "$1")" /proc/net/tcp*; do
		usleep 20000
	done
}

# expect NAME COMMAND...: one line for the report of a network's test (selftests/lib/net.py).
expect()
{
	name=$1
	shift
	if "$@" >/tmp/expect.out 2>&1; then
		echo "net: ok $name"
	else
		echo "net: not ok $name: $*"
		sed 's/^/# /' /tmp/expect.out
		dmesg | tail -5 | sed 's/^/# /'
	fi
}
