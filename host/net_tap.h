/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two files of the tap backend share: net_tap_open.c finds the interface and says what is wrong with it,
 * net_tap.c moves frames.
 */
#ifndef HVIS_HOST_NET_TAP_H
#define HVIS_HOST_NET_TAP_H

#include <stdatomic.h>

#include "net.h"

/*
 * One file descriptor per queue. Where the interface has several (@multi_queue) the kernel deals flows to all that are
 * attached, so those without a channel are detached. @gone: the interface was deleted; whoever finds out first logs it.
 */
struct net_tap {
	struct net net;
	bool multi_queue;
	atomic_bool gone;
	unsigned int queues;
	int fds[];
};

extern const struct net_ops net_tap_ops;

#endif
