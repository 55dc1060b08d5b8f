# SPDX-License-Identifier: GPL-2.0
# Shell functions of the hostile tests with a NIC, on a network that answers ARP and ping (--nic sink).
. /kselftest/hostile/lib.sh

RECOVER=net_recover
# Kernels differ in what a new device starts with.
mtu=1500

load_bus()
{
	[ "$HVIS_DRIVER" = kernel ] && { modprobe $bus; return; }
	modprobe $bus timeout_ms=2000
}

# Ours gets shorter time limits than its own, so that silence is told from slowness sooner.
load_nic()
{
	[ "$HVIS_DRIVER" = kernel ] && { modprobe $nic; return; }
	modprobe $nic probe_ms=4000 connect_ms=2500 recv_bytes=524288 send_bytes=131072
}

# A network device without its module is gone when the module is.
reload_nic()
{
	[ ! -e /sys/module/$nic ] || rmmod $nic || return
	load_nic
}

net_up()
{
	await 10 /sys/class/net/eth0 && ip link set eth0 up || return
	ip addr add 10.9.0.1/24 dev eth0 2>/dev/null
	await 10 /sys/class/net/eth0/carrier=1
}

# some_pings COUNT [ADDRESSES]: each of so many addresses (1) answers at least once; several use all queues.
some_pings()
{
	pings_jobs=
	for last in $(seq 2 $((1 + ${2:-1}))); do
		ping -q -i 0.05 -c "$1" -W 1 10.9.0.$last >/tmp/ping.$last &
		pings_jobs="$pings_jobs $!"
	done
	for job in $pings_jobs; do wait "$job"; done
	for last in $(seq 2 $((1 + ${2:-1}))); do
		grep -q ' [1-9][0-9]* packets received' /tmp/ping.$last || { cat /tmp/ping.$last; return 1; }
	done
}

# The key of the published examples: with it 10.9.0.2 to .7 are half on the first of two channels, half on the other. With
# a kernel's own, drawn at each boot, all six share one in one boot of eight.
KEY=6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb:ae:7b:30:b4:77:cb:2d:a3:80:30:f2:0c:6a:42:b7:3b:be:ac:01:fa

# net_works [ADDRESSES]
net_works()
{
	net_up || return
	[ "${1:-1}" = 1 ] || ethtool -X eth0 hkey $KEY || return
	some_pings 4 "$1"
}

# flood COMMAND...: under traffic.
flood()
{
	begin_flood
	"$@"
	flood_status=$?
	end_flood
	echo "answers to the flood: $answered"
	return $flood_status
}

# works_again SECONDS: lost frames are no failure, so it is tried again. With all queues, where one of them was broken.
spread=1
works_again()
{
	again=$(($(uptime_cs) + $1 * 100))
	until net_works "$spread"; do
		[ "$(uptime_cs)" -lt $again ] || return
	done
}

# Sets back (lib.sh). The kernel's driver does not start over by itself; where its device was taken away it gets no other.
net_recover()
{
	back=now
	bounded 40 works_again 30 && return
	back=never
	if [ "$HVIS_DRIVER" = kernel ]; then
		[ -e /sys/class/net/eth0 ] || back=unknown
		return
	fi
	back=offer
	mark reoffer
	bounded 40 works_again 30 && return
	back=reload
	bounded 60 reload_nic && bounded 40 works_again 30 && return
	back=never
}

# stat NAME: the sum of a figure over all queues.
stat()
{
	ethtool -S eth0 | sed -n "s/^ *\(q[0-9]*_\)\{0,1\}$1: //p" | awk '{ sum += $1 } END { print sum + 0 }'
}

# counted NAME COMMAND...: it ends well, and our driver has counted what it refused.
counted()
{
	[ "$HVIS_DRIVER" != kernel ] || { shift; "$@"; return; }
	counted_name=$1
	before=$(stat "$1")
	shift
	"$@" || return
	limit=$(($(uptime_cs) + 500))
	while after=$(stat "$counted_name"); [ "$after" -le "$before" ] && [ "$(uptime_cs)" -lt $limit ]; do :; done
	echo "$counted_name $before to $after"
	[ "$after" -gt "$before" ]
}

# A new connection with the host, and whether that went well: the MTU changes, and changes back at the next.
new_connection()
{
	[ "$(cat /sys/class/net/eth0/mtu)" = 1500 ] && mtu=1400 || mtu=1500
	ip link set eth0 mtu $mtu
}

# others_go_on SECONDS COMMAND...: while it runs, what others want of the network's configuration is done within SECONDS.
others_go_on()
{
	others_bound=$1
	shift
	"$@" &
	others_job=$!
	slowest=0
	while kill -0 $others_job 2>/dev/null; do
		began=$(uptime_cs)
		ip link set lo up
		took=$(($(uptime_cs) - began))
		[ $took -le $slowest ] || slowest=$took
	done
	wait $others_job
	others_status=$?
	echo "others waited $slowest cs at most"
	[ $slowest -le $((others_bound * 100)) ] && return $others_status
	return 99
}
