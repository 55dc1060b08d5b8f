// SPDX-License-Identifier: GPL-2.0
// links: host/net_tap.c host/net_tap_open.c host/loop.c host/log.c host/error.c
/*
 * The tap backend against the kernel's own tap, in a network namespace of its own. The other end of the wire is a
 * packet socket on the interface, which also shows and takes struct virtio_net_hdr.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "error.h"
#include "net.h"

#define TAP "tap-test"
#define MSS 1000u
#define ETHER 14u
#define HEADERS (ETHER + 20u + 20u)
#define OTHER_UID 12345

static char no_namespace[128]; /* why there is none */

struct end {
	struct loop *loop;
	struct net *net;
	struct net_queue *queue;
	unsigned int told;
	int wire; /* the packet socket */
};

static void with_interface(const char *name, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(request->ifr_name, IFNAMSIZ, "%s", name);
	assert_return_code(ioctl(fd, what, request), errno);
	close(fd);
}

static void set_up(const char *name, bool up)
{
	struct ifreq request = { .ifr_flags = up ? IFF_UP : 0 };

	with_interface(name, SIOCSIFFLAGS, &request);
}

/* The kernel's own IPv6 frames would only disturb. */
static void silence(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return;
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
}

/* Return: the file whose close takes the interface away, unless it was made persistent. */
static int make(const char *name, short flags)
{
	struct ifreq request = { .ifr_flags = flags };
	int fd = open("/dev/net/tun", O_RDWR);

	assert_return_code(fd, errno);
	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	assert_return_code(ioctl(fd, TUNSETIFF, &request), errno);
	silence(name);
	return fd;
}

static void make_tap(short flags)
{
	int fd = make(TAP, (short)(IFF_TAP | IFF_NO_PI | flags));

	assert_return_code(ioctl(fd, TUNSETPERSIST, 1), errno);
	close(fd);
	set_up(TAP, true);
}

static void delete_tap(short flags)
{
	int fd = make(TAP, (short)(IFF_TAP | IFF_NO_PI | flags));

	assert_return_code(ioctl(fd, TUNSETPERSIST, 0), errno);
	close(fd);
}

/* As "ip link delete" does; a program started here would have no rights in a user namespace without a map. */
static void delete_by_name(void)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} request = { { sizeof(request), RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, 0, 0 }, { 0 } };
	struct {
		struct nlmsghdr head;
		struct nlmsgerr result;
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	request.link.ifi_index = (int)if_nametoindex(TAP);
	assert_int_equal(send(fd, &request, sizeof(request), 0), sizeof(request));
	assert_int_equal(recv(fd, &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(answer.result.error, 0);
	close(fd);
}

static int open_wire(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int on = 1;

	assert_return_code(fd, errno);
	address.sll_ifindex = (int)if_nametoindex(TAP);
	assert_return_code(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), errno);
	assert_return_code(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), errno);
	assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof(address)), errno);
	return fd;
}

static void ready(void *context)
{
	struct end *end = context;

	end->told++;
	loop_stop(end->loop);
}

static struct net *open_net(unsigned int queues, char *error)
{
	const struct net_options options = { .tap = TAP, .queues = queues };

	return net_tap_open(&options, error);
}

static void skip_without_namespace(void)
{
	if (!*no_namespace)
		return;
	print_message("# %s\n", no_namespace);
	skip();
}

/*
 * The carrier comes with the first queue, and the kernel drops what the wire sends until one of its workers has seen that. An interface that is
 * set up with a carrier sends at once.
 */
static void set_up_with_carrier(void)
{
	set_up(TAP, false);
	set_up(TAP, true);
}

static void begin(struct end *end, short flags)
{
	char error[ERROR_BYTES];

	skip_without_namespace();
	make_tap(flags);
	*end = (struct end){ .loop = loop_create(16, NULL, NULL), .net = open_net(1, error) };
	assert_non_null(end->loop);
	assert_non_null(end->net);
	end->queue = end->net->ops->open(end->net, 0, end->loop, ready, end);
	assert_non_null(end->queue);
	set_up_with_carrier();
	end->wire = open_wire();
}

static void closed(void *context)
{
	struct end *end = context;

	end->queue = NULL;
	loop_stop(end->loop);
}

static void close_queue(struct end *end, struct net_queue *queue)
{
	end->net->ops->close(queue, closed, end);
	assert_return_code(loop_run(end->loop), 0);
	assert_null(end->queue);
}

static void end_all(struct end *end)
{
	close_queue(end, end->queue);
	net_close(end->net);
	close(end->wire);
	loop_destroy(end->loop);
}

/* A TCP/IPv4 frame of @payload bytes, every byte of which can be told from the others. */
static size_t tcp_frame(uint8_t *frame, size_t payload)
{
	static const uint8_t head[HEADERS] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 9, 0, 1,
		10, 9, 0, 2, 0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x10, 0xFF, 0xFF,
	};
	uint16_t bytes = htons((uint16_t)(payload + 40));

	memcpy(frame, head, HEADERS);
	memcpy(frame + 16, &bytes, 2);
	for (size_t i = 0; i < payload; i++)
		frame[HEADERS + i] = (uint8_t)(i * 7 + (i >> 8));
	return HEADERS + payload;
}

static void wire_send(const struct end *end, const struct virtio_net_hdr *header, const void *frame, size_t bytes)
{
	static const struct virtio_net_hdr none;
	const struct iovec pieces[] = { { (void *)(header ? header : &none), sizeof(none) }, { (void *)frame, bytes } };

	assert_int_equal(writev(end->wire, pieces, 2), sizeof(none) + bytes);
}

/* Wait until the queue says ready, then take one frame. */
static ssize_t take(struct end *end, struct net_meta *meta, void *frame, size_t room)
{
	const struct iovec piece = { frame, room };
	ssize_t got = end->net->ops->receive(end->queue, meta, &piece, 1);

	if (got != -EAGAIN)
		return got;
	assert_return_code(loop_run(end->loop), 0);
	return end->net->ops->receive(end->queue, meta, &piece, 1);
}

static void frames_go_both_ways_in_any_number_of_pieces(void **state)
{
	const struct net_meta plain = { 0 };
	struct net_meta meta;
	struct end end;
	uint8_t frame[1514], got[1600];

	(void)state;
	begin(&end, 0);
	for (size_t payload = 0; payload <= 1460; payload += 73) {
		size_t bytes = tcp_frame(frame, payload);
		const struct iovec out[] = { { frame, 1 }, { frame + 1, 40 }, { frame + 41, bytes - 41 } };
		const struct iovec in[] = { { got, 17 }, { got + 17, 30 }, { got + 47, sizeof(got) - 47 } };

		assert_int_equal(end.net->ops->send(end.queue, &plain, out, 3, bytes), 0);
		assert_int_equal(recv(end.wire, got, sizeof(got), 0), bytes + sizeof(struct virtio_net_hdr));
		assert_memory_equal(got + sizeof(struct virtio_net_hdr), frame, bytes);
		wire_send(&end, NULL, frame, bytes);
		assert_int_equal(take(&end, &meta, got, 0), -EMSGSIZE); /* there is one, and it is lost */
		wire_send(&end, NULL, frame, bytes);
		assert_int_equal(end.net->ops->receive(end.queue, &meta, in, 3), bytes);
		assert_memory_equal(got, frame, bytes);
		assert_int_equal(meta.flags, 0);
		assert_int_equal(meta.gso, NET_GSO_NONE);
		assert_int_equal(end.net->ops->receive(end.queue, &meta, in, 3), -EAGAIN);
	}
	end_all(&end);
	delete_tap(0);
}

/* What fits to the byte is no loss, one more is. */
static void a_frame_that_does_not_fit_is_told(void **state)
{
	struct net_meta meta;
	struct end end;
	uint8_t frame[200], got[200];
	size_t bytes;

	(void)state;
	begin(&end, 0);
	bytes = tcp_frame(frame, 100);
	wire_send(&end, NULL, frame, bytes);
	wire_send(&end, NULL, frame, bytes);
	assert_int_equal(take(&end, &meta, got, bytes), bytes);
	assert_int_equal(take(&end, &meta, got, bytes - 1), -EMSGSIZE);
	end_all(&end);
	delete_tap(0);
}

static void one_ready_for_many_frames(void **state)
{
	struct net_meta meta;
	struct end end;
	uint8_t frame[100], got[100];
	size_t bytes = tcp_frame(frame, 20);

	(void)state;
	begin(&end, 0);
	for (unsigned int round = 1; round <= 3; round++) {
		for (unsigned int i = 0; i < 50; i++)
			wire_send(&end, NULL, frame, bytes);
		assert_return_code(loop_run(end.loop), 0);
		for (unsigned int i = 0; i < 50; i++)
			assert_int_equal(take(&end, &meta, got, sizeof(got)), bytes);
		assert_int_equal(end.told, round);
		assert_int_equal(end.net->ops->receive(end.queue, &meta, &(struct iovec){ got, sizeof(got) }, 1),
				 -EAGAIN);
	}
	end_all(&end);
	delete_tap(0);
}

static void segments_and_checksums_are_left_to_the_other_side(void **state)
{
	struct net_meta meta = { .flags = NET_CSUM_WANTED, .gso = NET_GSO_TCP4, .header_bytes = HEADERS, .mss = MSS,
				 .csum_start = ETHER + 20, .csum_offset = 16 };
	struct virtio_net_hdr header;
	struct end end;
	static uint8_t frame[HEADERS + 60000], got[sizeof(frame) + 100];
	size_t bytes = tcp_frame(frame, 60000);

	(void)state;
	begin(&end, 0);
	assert_true(end.net->can_csum && end.net->can_gso);
	assert_int_equal(end.net->ops->send(end.queue, &meta, &(struct iovec){ frame, bytes }, 1, bytes), 0);
	assert_int_equal(recv(end.wire, got, sizeof(got), 0), sizeof(header) + bytes);
	memcpy(&header, got, sizeof(header));
	assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(header.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(header.gso_size, MSS);
	assert_int_equal(header.csum_start, ETHER + 20);
	assert_int_equal(header.csum_offset, 16);
	end_all(&end);
	delete_tap(0);
}

static void set_offloads(struct end *end, bool csum, bool gso)
{
	const struct net_offloads wanted = { csum, gso, gso };
	struct net_offloads so = end->net->ops->set_offloads(end->net, &wanted);

	assert_int_equal(so.rx_csum, csum);
	assert_int_equal(so.rx_gso4, csum && gso);
	assert_int_equal(so.rx_gso6, csum && gso);
}

static void received_segments_are_what_was_agreed(void **state)
{
	const struct virtio_net_hdr header = { VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4, HEADERS, MSS,
					       ETHER + 20, 16 };
	struct net_meta meta;
	struct end end;
	static uint8_t frame[HEADERS + 3 * MSS], got[sizeof(frame) + 100];
	size_t bytes = tcp_frame(frame, 3 * MSS);

	(void)state;
	begin(&end, 0);
	set_offloads(&end, true, true);
	wire_send(&end, &header, frame, bytes);
	assert_int_equal(take(&end, &meta, got, sizeof(got)), bytes);
	assert_int_equal(meta.flags, NET_CSUM_WANTED);
	assert_int_equal(meta.gso, NET_GSO_TCP4);
	assert_int_equal(meta.mss, MSS);
	assert_int_equal(meta.header_bytes, HEADERS);
	assert_int_equal(meta.csum_start, ETHER + 20);
	assert_int_equal(meta.csum_offset, 16);
	set_offloads(&end, true, false);
	wire_send(&end, &header, frame, bytes);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(take(&end, &meta, got, sizeof(got)), HEADERS + MSS);
		assert_int_equal(meta.gso, NET_GSO_NONE);
		assert_memory_equal(got + HEADERS, frame + HEADERS + i * MSS, MSS);
	}
	set_offloads(&end, false, true);
	wire_send(&end, &header, frame, bytes);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(take(&end, &meta, got, sizeof(got)), HEADERS + MSS);
		assert_int_equal(meta.flags, 0);
		assert_int_equal(meta.gso, NET_GSO_NONE);
	}
	end_all(&end);
	delete_tap(0);
}

/* The kernel keeps 1000 frames for a reader that does not come, and drops the rest. */
static void a_full_queue_drops_and_goes_on(void **state)
{
	struct net_meta meta;
	struct end end;
	uint8_t frame[100], got[100];
	size_t bytes = tcp_frame(frame, 20);
	unsigned int taken = 0;

	(void)state;
	begin(&end, 0);
	for (unsigned int i = 0; i < 1500; i++) {
		frame[HEADERS] = (uint8_t)i;
		frame[HEADERS + 1] = (uint8_t)(i >> 8);
		wire_send(&end, NULL, frame, bytes);
	}
	while (end.net->ops->receive(end.queue, &meta, &(struct iovec){ got, sizeof(got) }, 1) > 0) {
		assert_int_equal(got[HEADERS] | got[HEADERS + 1] << 8, taken);
		taken++;
	}
	assert_in_range(taken, 500, 1499);
	wire_send(&end, NULL, frame, bytes);
	assert_int_equal(take(&end, &meta, got, sizeof(got)), bytes);
	assert_memory_equal(got, frame, bytes);
	end_all(&end);
	delete_tap(0);
}

static void what_came_before_the_queue_was_open_is_gone(void **state)
{
	struct net_meta meta;
	struct end end;
	uint8_t frame[100], got[100];
	size_t bytes = tcp_frame(frame, 20);

	(void)state;
	begin(&end, 0);
	close_queue(&end, end.queue);
	for (unsigned int i = 0; i < 10; i++)
		wire_send(&end, NULL, frame, bytes);
	end.queue = end.net->ops->open(end.net, 0, end.loop, ready, &end);
	frame[HEADERS] ^= 0xFF;
	wire_send(&end, NULL, frame, bytes);
	assert_int_equal(take(&end, &meta, got, sizeof(got)), bytes);
	assert_memory_equal(got, frame, bytes);
	end_all(&end);
	delete_tap(0);
}

static void the_interface_may_be_deleted_meanwhile(void **state)
{
	const struct net_meta plain = { 0 };
	struct net_meta meta;
	struct end end;
	uint8_t frame[100], got[100];
	size_t bytes = tcp_frame(frame, 20);

	(void)state;
	begin(&end, 0);
	delete_by_name();
	assert_return_code(loop_run(end.loop), 0);
	assert_int_equal(end.told, 1);
	assert_int_equal(take(&end, &meta, got, sizeof(got)), -EBADFD);
	assert_int_equal(end.net->ops->send(end.queue, &plain, &(struct iovec){ frame, bytes }, 1, bytes), -EBADFD);
	set_offloads(&end, false, false);
	end_all(&end);
}

/* A channel more than the tap has queues: it sends on the same file, and what is received stays the first one's. */
static void a_queue_that_only_sends(void **state)
{
	const struct net_meta plain = { 0 };
	struct net_queue *first, *second;
	struct net_meta meta;
	struct end end;
	uint8_t frame[100], got[200];
	size_t bytes = tcp_frame(frame, 20);

	(void)state;
	begin(&end, 0);
	assert_int_equal(end.net->queues_max, 1);
	assert_true(end.net->channels_max > 1);
	first = end.queue;
	second = end.net->ops->open(end.net, 1, end.loop, NULL, NULL); /* a call of ready() would be the end */
	assert_non_null(second);
	for (unsigned int round = 0; round < 2; round++) {
		assert_int_equal(end.net->ops->send(second, &plain, &(struct iovec){ frame, bytes }, 1, bytes), 0);
		assert_int_equal(recv(end.wire, got, sizeof(got), 0), bytes + sizeof(struct virtio_net_hdr));
		assert_memory_equal(got + sizeof(struct virtio_net_hdr), frame, bytes);
		wire_send(&end, NULL, frame, bytes);
		assert_int_equal(take(&end, &meta, got, sizeof(got)), bytes);
	}
	close_queue(&end, second);
	end.queue = first;
	wire_send(&end, NULL, frame, bytes);
	assert_int_equal(take(&end, &meta, got, sizeof(got)), bytes);
	end_all(&end);
	delete_tap(0);
}

/* Queue 1 has no channel: the kernel must not deal flows to it. Then it has one, and both get some. */
static void only_open_queues_get_flows(void **state)
{
	struct net_queue *queues[3];
	struct net_meta meta;
	unsigned int got[2] = { 0 };
	struct end end = { 0 };
	char error[ERROR_BYTES];
	uint8_t frame[100], in[100];
	size_t bytes = tcp_frame(frame, 20);

	(void)state;
	skip_without_namespace();
	make_tap(IFF_MULTI_QUEUE);
	end.loop = loop_create(16, NULL, NULL);
	end.net = open_net(2, error);
	assert_non_null(end.net);
	assert_int_equal(end.net->queues_max, 2);
	for (unsigned int open = 1; open <= 2; open++) {
		queues[open - 1] = end.net->ops->open(end.net, open - 1, end.loop, ready, &end);
		assert_non_null(queues[open - 1]);
		if (open == 1) {
			set_up_with_carrier();
			end.wire = open_wire();
		}
		memset(got, 0, sizeof(got));
		for (unsigned int flow = 0; flow < 64; flow++) {
			frame[ETHER + 20] = (uint8_t)flow; /* source port */
			wire_send(&end, NULL, frame, bytes);
		}
		for (unsigned int q = 0; q < open; q++)
			while (end.net->ops->receive(queues[q], &meta, &(struct iovec){ in, sizeof(in) }, 1) > 0)
				got[q]++;
		assert_int_equal(got[0] + got[1], 64);
	}
	assert_true(got[0] && got[1]);
	queues[2] = end.net->ops->open(end.net, 2, end.loop, ready, &end); /* no flow is dealt to it */
	for (unsigned int q = 0; q < 3; q++) {
		end.queue = queues[q];
		close_queue(&end, queues[q]);
	}
	net_close(end.net);
	close(end.wire);
	loop_destroy(end.loop);
	delete_tap(IFF_MULTI_QUEUE);
}

static void refused(const char *name, unsigned int queues, const char *wanted)
{
	const struct net_options options = { .tap = name, .queues = queues };
	char error[ERROR_BYTES] = "";

	assert_null(net_tap_open(&options, error));
	if (!strstr(error, wanted) || strchr(error, '\n'))
		fail_msg("'%s' does not say '%s' in one line", error, wanted);
}

/* Run refused() without the right to administer networks. */
static void refused_unprivileged(const char *wanted)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct had[2], less[2];

	assert_return_code(syscall(SYS_capget, &head, had), errno);
	memcpy(less, had, sizeof(had));
	less[0].effective &= ~(1u << CAP_NET_ADMIN);
	assert_return_code(syscall(SYS_capset, &head, less), errno);
	refused(TAP, 1, wanted);
	assert_return_code(syscall(SYS_capset, &head, had), errno);
}

static void refusals_say_what_to_do(void **state)
{
	char error[ERROR_BYTES];
	bool has_other_users;
	struct net *net;
	int fd;

	(void)state;
	skip_without_namespace();
	refused("", 1, "1 to 15 characters");
	refused("a-name-that-is-too-long", 1, "1 to 15 characters");
	refused(TAP, 1, "there is no interface " TAP ": ip tuntap add dev " TAP " mode tap user");
	refused(TAP, 2, "mode tap multi_queue user");
	refused("lo", 1, "not a tap");
	fd = make("tun-test", IFF_TUN | IFF_NO_PI);
	refused("tun-test", 1, "not a tap");
	close(fd);
	make_tap(0);
	refused(TAP, 2, "one queue, not 2: make it with ip tuntap add dev " TAP " mode tap multi_queue");
	net = open_net(1, error);
	refused(TAP, 1, "in use by another process");
	net_close(net);
	fd = make(TAP, IFF_TAP | IFF_NO_PI);
	has_other_users = !ioctl(fd, TUNSETOWNER, (unsigned long)OTHER_UID);
	close(fd);
	if (has_other_users)
		refused_unprivileged("belongs to another user");
	else
		print_message("# no other user's tap was tried: a user namespace without a map has no users\n");
	delete_tap(0);
	make_tap(IFF_MULTI_QUEUE);
	net = open_net(1, error); /* the other way round it is no problem */
	assert_non_null(net);
	net_close(net);
	delete_tap(IFF_MULTI_QUEUE);
}

static void the_mtu_is_the_interfaces(void **state)
{
	struct ifreq request = { .ifr_mtu = 4000 };
	char error[ERROR_BYTES];
	struct net *net;

	(void)state;
	skip_without_namespace();
	make_tap(0);
	with_interface(TAP, SIOCSIFMTU, &request);
	net = open_net(1, error);
	assert_int_equal(net->mtu_max, 4000);
	net_close(net);
	request.ifr_mtu = 20000;
	with_interface(TAP, SIOCSIFMTU, &request);
	net = open_net(1, error);
	assert_int_equal(net->mtu_max, NET_MTU_MAX);
	net_close(net);
	delete_tap(0);
}

/* As root a network namespace is enough, and a chroot forbids the other kind. */
static int enter_namespace(void **state)
{
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		snprintf(no_namespace, sizeof(no_namespace), "no network namespace: %s", strerror(errno));
		return 0;
	}
	fd = open("/dev/net/tun", O_RDWR);
	if (fd < 0)
		snprintf(no_namespace, sizeof(no_namespace), "no /dev/net/tun: %s", strerror(errno));
	else
		close(fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_both_ways_in_any_number_of_pieces),
		cmocka_unit_test(a_frame_that_does_not_fit_is_told),
		cmocka_unit_test(one_ready_for_many_frames),
		cmocka_unit_test(segments_and_checksums_are_left_to_the_other_side),
		cmocka_unit_test(received_segments_are_what_was_agreed),
		cmocka_unit_test(a_full_queue_drops_and_goes_on),
		cmocka_unit_test(what_came_before_the_queue_was_open_is_gone),
		cmocka_unit_test(the_interface_may_be_deleted_meanwhile),
		cmocka_unit_test(a_queue_that_only_sends),
		cmocka_unit_test(only_open_queues_get_flows),
		cmocka_unit_test(refusals_say_what_to_do),
		cmocka_unit_test(the_mtu_is_the_interfaces),
	};

	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
