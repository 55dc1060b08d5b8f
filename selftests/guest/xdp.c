// SPDX-License-Identifier: GPL-2.0
/*
 * xdp INTERFACE pass|drop|tx [frags]: attaches a program of one verdict in native mode, says "attached" and holds it until it is ended.
 * With "frags" the program says that it takes frames in pieces.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static long load(int verdict, int frags)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.expected_attach_type = BPF_XDP;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = sizeof(program) / sizeof(program[0]);
	attr.license = (uintptr_t)"GPL";
	attr.prog_flags = frags ? BPF_F_XDP_HAS_FRAGS : 0;
	return bpf(BPF_PROG_LOAD, &attr);
}

static long attach(long program, const char *interface)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = (uint32_t)program;
	attr.link_create.target_ifindex = if_nametoindex(interface);
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = XDP_FLAGS_DRV_MODE;
	return bpf(BPF_LINK_CREATE, &attr);
}

int main(int argc, char **argv)
{
	int verdict;
	long program;

	if (argc < 3)
		return 2;
	verdict = !strcmp(argv[2], "pass") ? XDP_PASS : !strcmp(argv[2], "drop") ? XDP_DROP : XDP_TX;
	program = load(verdict, argc > 3);
	if (program < 0 || attach(program, argv[1]) < 0) {
		fprintf(stderr, "xdp: %s\n", strerror(errno));
		return 1;
	}
	puts("attached");
	fflush(stdout);
	for (;;)
		pause();
}
