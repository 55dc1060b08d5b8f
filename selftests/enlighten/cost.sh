#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a contended lock, a remote flush and an interrupt cost with the enlightenment off and on, in turn. The host's counters are taken at
# the marks KIND.SIDE.ROUND.begin and .end; KIND.SIDE.ROUND.count and .ns are figures. "none" is what the same number of busy CPUs costs by time.
. /kselftest/guest.sh
ours_only
[ "$HVIS_MODE" != hv ] || skip "the kernel does it itself"

parameters=/sys/module/hvis_enlighten/parameters
lockload=/sys/module/lockload/parameters
rounds=${HVIS_ROUNDS:-3}
seconds=${HVIS_SECONDS:-2}

# side KIND off|on
side()
{
	[ "$1" = none ] && return
	case $2 in on) echo 1 ;; *) echo 0 ;; esac >$parameters/"$1"
}

# remote KIND SIDE ROUND
remote()
{
	side "$1" "$2" && mark "$1.$2.$3.begin" && remoteload "$1" "$seconds" >/tmp/load.out && mark "$1.$2.$3.end" || return 1
	read -r kind count ns </tmp/load.out
	figure "$1.$2.$3.count" "$count" 1
	figure "$1.$2.$3.ns" "$ns" ns
	cat /tmp/load.out
}

# lock SIDE ROUND
lock()
{
	side spin "$1" && mark "spin.$1.$2.begin" && echo $((seconds * 1000)) >$lockload/run && mark "spin.$1.$2.end" || return 1
	figure "spin.$1.$2.count" "$(cat $lockload/ops)" 1
	figure "spin.$1.$2.alone" "$(cat $lockload/alone_ns)" ps
	figure "spin.$1.$2.told" "$(awk '$1 == "spin_notified" { print $2 }' /sys/kernel/debug/hvis_enlighten/counters)" 1
	figure "spin.$1.$2.longest" "$(cat $lockload/longest_us)" us
	[ "$(cat $lockload/lost)" = N ]
}

# in_turn COMMAND...: off and on, as often as there are rounds.
in_turn()
{
	round=0
	while [ $round -lt "$rounds" ]; do
		round=$((round + 1))
		"$@" off $round && "$@" on $round || return 1
	done
}

plan 4
check nothing in_turn remote none
check locks in_turn lock
check flushes in_turn remote tlb
check interrupts in_turn remote ipi
finish
