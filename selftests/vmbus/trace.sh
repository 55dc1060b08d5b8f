#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The bus's tracepoints show what happened, decoded; and cost nothing that can be seen here when they are off.
. /kselftest/guest.sh
ours_only

tracing=/sys/kernel/tracing
mountpoint -q $tracing || mount -t tracefs tracefs $tracing || skip "no tracefs"
driver=/sys/bus/vmbus/drivers/hvis_storvsc
for instance in "$driver"/*-*; do
	instance=${instance##*/}
done
id=$(cat "$driver/$instance/id")

rebind()
{
	await 10 /sys/module/hvis_storvsc/refcnt=0 && echo "$instance" >$driver/unbind && echo "$instance" >$driver/bind &&
		await_disks
}

traced()
{
	echo >$tracing/trace
	echo 1 >$tracing/events/hvis_vmbus/enable
	rebind
	status=$?
	dd if="$(disk_of_lun 0)" of=/dev/null bs=4k count=2 iflag=direct
	echo 0 >$tracing/events/hvis_vmbus/enable
	cp $tracing/trace /tmp/trace
	return $status
}

shows()
{
	grep "hvis_vmbus\|$1" /tmp/trace | tail -n 3
	grep -Eq "$1" /tmp/trace
}

# Both rings, each with its header page.
ring_can_be_read()
{
	set -- $(sed -n "s/.*channel_open: relid=$id .*send=\([0-9]*\) recv=\([0-9]*\) .*/\1 \2/p" /tmp/trace)
	bytes=$(wc -c <"$driver/$instance/channels/$id/ring")
	echo "$bytes bytes, send $1 recv $2"
	[ "$bytes" -eq $(($1 + $2 + 8192)) ]
}

silent()
{
	echo >$tracing/trace
	dd if="$(disk_of_lun 0)" of=/dev/null bs=4k count=2 iflag=direct
	! grep -v '^#' $tracing/trace
}

plan 11
check device_bound_anew traced
check closed shows "channel_close: relid=$id leaked=0"
check opened shows "channel_open: relid=$id index=0 cpu=[0-9]+ send=[0-9]+ recv=[0-9]+ polled=0 error=0"
check gpadl_asked_for shows "control_out: GPADL_HEADER relid=$id handle=0x[0-9a-f]+ .* status=0"
check gpadl_answered shows "control_in: GPADL_CREATED relid=$id handle=0x[0-9a-f]+ value=0x0 bytes=20"
check open_answered shows "control_in: OPEN_RESULT relid=$id handle=0x[0-9a-f]+ value=0x0 bytes=20"
check gpadl_torn_down shows "control_in: GPADL_TORNDOWN relid=0 handle=0x[0-9a-f]+ "
check doorbells shows "channel_doorbell: relid=$id connection_id=0x[0-9a-f]+ status=0"
check events shows "channel_event: relid=$id cpu=[0-9]+"
check ring_can_be_read ring_can_be_read
check silent_when_off silent
finish
