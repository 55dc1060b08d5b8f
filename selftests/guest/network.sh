# SPDX-License-Identifier: GPL-2.0
# Shell functions for guests with a NIC on a user network, whose other end is selftests/lib/net_user.py.

link_up()
{
	ip link set lo up && await 20 /sys/class/net/eth0 && ip link set eth0 up && await 20 /sys/class/net/eth0/carrier=1
}

# fetch_file ADDRESS: 64 MiB by TCP into /tmp/file.
fetch_file()
{
	nc "$1" "$HVIS_DOWN" </dev/null >/tmp/file
}

file_is_right()
{
	[ "$(sha256sum </tmp/file | cut -d' ' -f1)" = "$HVIS_SHA" ]
}

# send_file ADDRESS: and back.
send_file()
{
	nc "$1" "$HVIS_UP" </tmp/file
}
