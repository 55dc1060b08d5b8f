# SPDX-License-Identifier: GPL-2.0
# Shell functions for tests after which nothing may be left: tasks that hang, memory.

sleepers()
{
	for stat in /proc/[0-9]*/stat; do
		read -r line <"$stat" 2>/dev/null || continue
		line=${line##*) }
		[ "${line%% *}" != D ] || { cat "${stat%stat}comm" "${stat%stat}stack"; } 2>/dev/null
	done
}

# What is still at work is no hang: half a minute for it to end. No event tells of a task that wakes.
nobody_hangs()
{
	tries=0
	while [ -n "$(sleepers)" ]; do
		tries=$((tries + 1))
		[ $tries -lt 30 ] || { sleepers; return 1; }
		sleep 1
	done
}

slab_kib()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(Slab|Percpu|PageTables|KernelStack)/ { kib += $2 } END { print kib }' /proc/meminfo
}

free_kib()
{
	awk '/^MemFree/ { print $2 }' /proc/meminfo
}

# Rings that the host never gave back are leaked on purpose, each with a line in the log.
leaked_kib()
{
	dmesg | awk '/leaked on purpose/ { for (i = 1; i < NF; i++) if ($(i + 1) == "ring") kib += 4 * $i } END { print kib + 0 }'
}

# take_memory: before; memory_is_back FIGURE: afterwards. Free pages are inexact by some MiB, as in reload.sh.
take_memory()
{
	slab_before=$(slab_kib)
	free_before=$(free_kib)
}

memory_is_back()
{
	slab=$(($(slab_kib) - slab_before))
	free=$((free_before - $(free_kib)))
	leaked=$(leaked_kib)
	echo "slab $slab KiB more, $free KiB less free, of them leaked on purpose $leaked KiB"
	echo "@figure $1.slab_growth $slab KiB" >/dev/ttyS1
	echo "@figure $1.leaked_on_purpose $leaked KiB" >/dev/ttyS1
	[ $slab -lt 3072 ] && [ $((free - leaked)) -lt 12288 ]
}
