# SPDX-License-Identifier: GPL-2.0
# Shell functions of the hostile tests. The host side (selftests/lib/hostile.py) starts to lie at the mark "lie NAME",
# stops at "truth NAME", and takes the line "@verdict NAME ok|failed DETAIL".
# HVIS_BOUND takes the place of their bounds: the time limits of the kernel's drivers are constants, so they need longer.
. /kselftest/guest.sh

uptime_cs()
{
	read -r up rest </proc/uptime
	echo "${up%.*}${up#*.}"
}

# With our driver there is one CPU until a script calls this: where KVM is emulated, two take more than twice the time.
second_cpu()
{
	echo 1 >/sys/devices/system/cpu/cpu1/online
}

# bounded SECONDS COMMAND...: its exit status, or 124 if it is still running then (it is left alone). Its files have a folder
# of their own, so that nothing else that is written wakes who waits for them.
runs=0
mkdir -p /tmp/bounded
bounded()
{
	runs=$((runs + 1))
	bounded_limit=$1 bounded_file=/tmp/bounded/$runs
	shift
	(
		"$@" >$bounded_file.out 2>&1
		echo $? >$bounded_file.status
		echo yes >$bounded_file.done
	) &
	await "$bounded_limit" $bounded_file.done=yes 2>/dev/null || return 124
	return "$(cat $bounded_file.status)"
}

# What the disks have on them, as pattern() of selftests/lib/hostile.py wrote it: the first 2 MiB.
remember()
{
	for lun in 0 2; do
		awk -v name="hostile-$lun" 'BEGIN {
			pad = sprintf("%4096s", "")
			gsub(/ /, "x", pad)
			for (block = 0; block < 512; block++) {
				head = sprintf("%s %8d\n", name, block)
				printf "%s%s", head, substr(pad, 1, 4096 - length(head))
			}
		}' >/tmp/good.$lun || return 1
	done
}

# same LUN OFFSET COUNT: reads blocks of 16 KiB; 1: an error, 2: wrong data, which nothing excuses.
same()
{
	same_file=$(mktemp /tmp/same.XXXXXX)
	dd if="$(disk_of_lun $1)" of=$same_file bs=16k skip=$2 count=$3 iflag=direct 2>/dev/null || { rm $same_file; return 1; }
	dd if=/tmp/good.$1 bs=16k skip=$2 count=$3 2>/dev/null | cmp -s - $same_file && { rm $same_file; return 0; }
	echo WRONG-DATA
	return 2
}

# reads [COUNT]
reads()
{
	same 0 0 "${1:-32}" && same 2 0 "${1:-32}"
}

# Readers side by side, verified. Return: 0 if none saw an error.
load()
{
	rm -f /tmp/reader.*
	for reader in 0 1 2 3; do
		(
			round=0
			while [ $round -lt "${1:-4}" ]; do
				round=$((round + 1))
				same 0 $((reader * 32)) 32 || exit 1
			done
			echo yes >/tmp/reader.$reader
		) &
	done
	wait
	for reader in 0 1 2 3; do
		[ -e /tmp/reader.$reader ] || return 1
	done
}

# recover: the host is honest again. Sets back: now, offer (it had to offer the controller anew), reload, or never.
# The kernel's own bus warns of an offer before it has let go of the old one, so it gets none: unknown.
recover()
{
	back=now
	bounded 20 reads && return
	back=unknown
	[ "$HVIS_DRIVER" != kernel ] || return
	back=offer
	mark reoffer
	bounded 20 offered_again && return
	back=reload
	bounded 60 reload && bounded 20 reads && return
	back=never
}

offered_again()
{
	for attempt in 1 2 3; do
		await_disks >/dev/null 2>&1 && short_timeouts && reads && return
	done
	return 1
}

reload()
{
	unload_drivers
	load_drivers && short_timeouts
}

# Commands of disks time out soon.
short_timeouts()
{
	for timeout in /sys/class/scsi_disk/*/device/timeout; do
		[ ! -e "$timeout" ] || echo 2 >"$timeout"
	done
	return 0
}

# Who is late, and where in the kernel.
still_running()
{
	dmesg | tail -n 5 | sed 's/^/# /'
	for task in /proc/[0-9]*; do
		read -r task_line 2>/dev/null <$task/stat || continue
		case "$task_line" in
		*" (dd) "* | *"load) "* | *" (sg_reset) "* | *" (rmmod) "* | *" (modprobe) "* | *" (ip) "* | *" (ethtool) "*)
			echo "# $task_line" && sed 's/^/#    /' $task/stack
			;;
		esac
	done
}

# rank WORD: how far recovery had to go.
rank()
{
	case "$1" in
	now | unknown) echo 0 ;;
	offer) echo 1 ;;
	reload) echo 2 ;;
	*) echo 3 ;;
	esac
}

# try NAME SECONDS ok|error|any BACK COMMAND...: while the host lies COMMAND must end within SECONDS, in that way, and
# afterwards things must work again, with no more help than BACK. Nothing is done where the host side skips this one.
try()
{
	name=$1 bound=${HVIS_BOUND:-$2} want=$3 worst=$4
	shift 4
	mark "lie $name"
	[ "$answer" != skip ] || return 0
	echo "hvis-hostile: $name" >/dev/kmsg
	problem=
	began=$(uptime_cs)
	bounded "$bound" "$@"
	status=$?
	output=$bounded_file.out
	took=$(($(uptime_cs) - began))
	[ $status != 124 ] || still_running
	mark "truth $name"
	case "$want$status" in
	*124) problem="still running after $bound s" ;;
	ok0 | any*) ;;
	error0) problem="no error" ;;
	error*) ;;
	*) problem="exit status $status" ;;
	esac
	grep -q WRONG-DATA $output && problem="$problem, wrong data"
	${RECOVER:-recover}
	[ "$(rank $back)" -le "$(rank $worst)" ] || problem="$problem, back by $back"
	detail="$took cs, status $status, back $back"
	if [ -z "$problem" ]; then
		echo "@verdict $name ok $detail"
	else
		dmesg | tail -n 6 | sed 's/^/# /'
		echo "@verdict $name failed $problem ($detail): $(tail -n 3 $output | tr '\n' ' ')"
	fi
}
