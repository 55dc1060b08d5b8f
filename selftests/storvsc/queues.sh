#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A hardware queue for each CPU, and a request leaves and completes on the CPU that asked: seen by the driver's
# tracepoints, whose lines name the CPU. The latency histograms count every one of those requests.
. /kselftest/guest.sh
ours_only

disk=$(disk_of_lun 0)
cpus=$(grep -c ^processor /proc/cpuinfo)
host=$(host_of_lun 0)
trace=/sys/kernel/debug/tracing

one_queue_per_cpu()
{
	echo "queues $(cat "$host/queues"), polled $(cat "$host/poll_queues"), channels $(cat "$host/channels"), CPUs $cpus"
	[ "$(cat "$host/queues")" = "$cpus" ] &&
		[ "$(cat "$host/nr_hw_queues")" = $((cpus + $(cat "$host/poll_queues"))) ] &&
		[ "$(cat "$host/channels")" = "$(cat "$host/nr_hw_queues")" ]
}

# trace_on CPU COMMAND...: runs it on that CPU; what the driver traced is in /tmp/trace.
trace_on()
{
	cpu=$1
	shift
	echo >$trace/trace
	echo 1 >$trace/events/hvis_storvsc/enable
	taskset -c "$cpu" "$@" 2>/dev/null
	echo 0 >$trace/events/hvis_storvsc/enable
	grep storvsc_io $trace/trace >/tmp/trace
}

# Every read of 4 KiB that CPU $1 asked for is sent and completed there. (awk: the CPU is in brackets.)
stays_on()
{
	trace_on "$1" dd if="$disk" of=/dev/null bs=4k count=32 iflag=direct
	awk -v cpu="$1" '
		{ match($0, /\[[0-9]+\]/); on = substr($0, RSTART + 1, RLENGTH - 2) + 0 }
		{ match($0, /queue=[0-9]+ tag=[0-9]+/); tag = substr($0, RSTART, RLENGTH) }
		/storvsc_io_queued/ && /bytes=4096/ && on == cpu { mine[tag] = 1; queued++ }
		/storvsc_io_sent/ && tag in mine { if (on == cpu) sent++; else stray++ }
		/storvsc_io_completed/ && tag in mine { if (on == cpu) completed++; else stray++; delete mine[tag] }
		END {
			printf "CPU %d: %d queued, %d sent, %d completed there, %d elsewhere\n", cpu, queued, sent, completed, stray
			exit !(queued >= 32 && sent == queued && completed == queued && !stray)
		}' /tmp/trace
}

all_stay()
{
	cpu=0
	while [ $cpu -lt "$cpus" ]; do
		stays_on $cpu || { tail -40 /tmp/trace; return 1; }
		cpu=$((cpu + 1))
	done
}

# counted PHASE: how many commands the histograms of all queues have in that phase.
counted()
{
	awk -v phase="$1" '$2 == phase { for (i = 3; i <= NF; i++) { split($i, pair, ":"); sum += pair[2] } } END { print sum + 0 }' \
		/sys/kernel/debug/hvis_storvsc/*/latency
}

histograms_count()
{
	for file in /sys/kernel/debug/hvis_storvsc/*/latency; do echo 0 >"$file"; done
	echo "$1" >/sys/module/hvis_storvsc/parameters/latency
	dd if="$disk" of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null
	echo N >/sys/module/hvis_storvsc/parameters/latency
	cat /sys/kernel/debug/hvis_storvsc/*/latency
	for phase in ring_wait host completion; do
		[ "$(counted $phase)" -ge "$2" ] && [ "$(counted $phase)" -le "$3" ] || return 1
	done
}

plan 4
check one_queue_per_cpu one_queue_per_cpu
check requests_stay_on_their_cpu all_stay
check latency_counts_every_request histograms_count Y 64 80
check latency_off_counts_none histograms_count N 0 0
finish
