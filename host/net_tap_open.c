// SPDX-License-Identifier: GPL-2.0
/*
 * Opening a tap interface that somebody made for us: finds it, attaches one file per queue, and says in one line what
 * is wrong and which command mends it. Frames are net_tap.c's.
 * Invariant: no interface is created here, also where we had the right to.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "error.h"
#include "net_tap.h"

#define TAP_DEVICE "/dev/net/tun"
#define MAKE_TAP "ip tuntap add dev %s mode tap%s user NAME"

static const char *multi_queue_word(const struct net_tap *tap)
{
	return tap->queues > 1 ? " multi_queue" : "";
}

static struct ifreq request_for(const struct net_tap *tap)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, tap->net.name, strnlen(tap->net.name, IFNAMSIZ - 1));
	return request;
}

/* Of all interfaces only those of the tun driver can be opened, and of those only the taps have Ethernet frames. */
static bool is_tap(const struct net_tap *tap, int inquirer)
{
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = request_for(tap);

	request.ifr_data = (char *)&driver;
	return !ioctl(inquirer, SIOCETHTOOL, &request) && !strcmp(driver.driver, "tun") &&
	       !strcmp(driver.bus_info, "tap");
}

static int examine_with(struct net_tap *tap, int inquirer, char *error)
{
	struct ifreq request = request_for(tap);
	const char *name = tap->net.name;

	if (ioctl(inquirer, SIOCGIFFLAGS, &request) < 0)
		return error_set(error, "there is no interface %s: " MAKE_TAP " && ip link set %s up", name, name, multi_queue_word(tap), name);
	if (!is_tap(tap, inquirer))
		return error_set(error, "the interface %s is not a tap: make one with " MAKE_TAP, name, "TAP", multi_queue_word(tap));
	if (!(request.ifr_flags & IFF_UP))
		log_warn("the interface %s is down: nothing gets through before ip link set %s up", name, name);
	if (ioctl(inquirer, SIOCGIFMTU, &request) < 0)
		return error_set(error, "cannot read the MTU of %s: %s", name, strerror(errno));
	tap->net.mtu_max = (unsigned int)request.ifr_mtu < NET_MTU_MAX ? (unsigned int)request.ifr_mtu : NET_MTU_MAX;
	return 0;
}

static int examine(struct net_tap *tap, char *error)
{
	int inquirer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result;

	if (inquirer < 0)
		return error_set(error, "cannot ask for interfaces: %s", strerror(errno));
	result = examine_with(tap, inquirer, error);
	close(inquirer);
	return result;
}

static int open_device(char *error)
{
	int fd = open(TAP_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return error_set(error, "taps need the kernel's tun driver, which is not loaded: modprobe tun");
	if (errno == EACCES || errno == EPERM)
		return error_set(error, "no permission for " TAP_DEVICE ": chmod 666 it, as distributions do");
	return error_set(error, "cannot open " TAP_DEVICE ": %s", strerror(errno));
}

static int attach(const struct net_tap *tap, int fd, bool multi_queue)
{
	struct ifreq request = request_for(tap);

	request.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multi_queue ? IFF_MULTI_QUEUE : 0));
	return ioctl(fd, TUNSETIFF, &request) < 0 ? -errno : 0;
}

/* The two kinds of tap must be opened as what they are; one queue is also served by the kind for several. */
static int attach_first(struct net_tap *tap, int fd)
{
	int result = attach(tap, fd, tap->queues > 1);

	tap->multi_queue = tap->queues > 1;
	if (result != -EINVAL)
		return result;
	tap->multi_queue = !tap->multi_queue;
	result = attach(tap, fd, tap->multi_queue);
	return !result && tap->queues > 1 ? -EMEDIUMTYPE : result;
}

static int explain(const struct net_tap *tap, int problem, char *error)
{
	const char *name = tap->net.name;

	switch (-problem) {
	case EMEDIUMTYPE:
		return error_set(error, "%s has one queue, not %u: make it with " MAKE_TAP ", or ask for queues=1", name, tap->queues, name,
				 " multi_queue");
	case EPERM:
		return error_set(error, "%s belongs to another user: make it with " MAKE_TAP, name, name, multi_queue_word(tap));
	case EBUSY:
		return error_set(error, "%s is in use by another process: one tap serves one NIC", name);
	case E2BIG:
		return error_set(error, "%s has no room for %u more queues: is another process using it?", name, tap->queues);
	default:
		return error_set(error, "cannot use %s: %s", name, strerror(-problem));
	}
}

/* What whoever had the interface before has left behind does not hold for us. */
static int prepare(const struct net_tap *tap, int fd, char *error)
{
	struct ifreq request = { .ifr_flags = IFF_DETACH_QUEUE };
	int header_bytes = sizeof(struct virtio_net_hdr);

	if (ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) < 0 || ioctl(fd, TUNSETOFFLOAD, 0ul) < 0 ||
	    (tap->multi_queue && ioctl(fd, TUNSETQUEUE, &request) < 0))
		return error_set(error, "cannot set up %s: %s", tap->net.name, strerror(errno));
	return 0;
}

static int open_queue(struct net_tap *tap, unsigned int index, char *error)
{
	int fd = open_device(error);
	int result;

	if (fd < 0)
		return -1;
	tap->fds[index] = fd;
	result = index ? attach(tap, fd, tap->multi_queue) : attach_first(tap, fd);
	return result ? explain(tap, result, error) : prepare(tap, fd, error);
}

static int open_queues(struct net_tap *tap, char *error)
{
	for (unsigned int i = 0; i < tap->queues; i++)
		if (open_queue(tap, i, error))
			return -1;
	return 0;
}

struct net *net_tap_open(const struct net_options *options, char *error)
{
	unsigned int queues = options->queues ? options->queues : 1;
	struct net_tap *tap = calloc(1, sizeof(*tap) + queues * sizeof(tap->fds[0]));

	if (!tap) {
		error_set(error, "no memory for a tap");
		return NULL;
	}
	tap->queues = queues;
	for (unsigned int i = 0; i < queues; i++)
		tap->fds[i] = -1;
	tap->net.ops = &net_tap_ops;
	tap->net.queues_max = queues;
	tap->net.channels_max = UINT_MAX;
	tap->net.can_csum = true;
	tap->net.can_gso = true;
	if (!options->tap[0] || strlen(options->tap) >= IFNAMSIZ) {
		error_set(error, "'%.40s' is no name of an interface: 1 to %d characters", options->tap, IFNAMSIZ - 1);
		goto destroy;
	}
	snprintf(tap->net.name, sizeof(tap->net.name), "%s", options->tap);
	if (examine(tap, error) || open_queues(tap, error))
		goto destroy;
	return &tap->net;

destroy:
	net_close(&tap->net);
	return NULL;
}
