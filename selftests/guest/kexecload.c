// SPDX-License-Identifier: GPL-2.0
/*
 * kexecload load|crash KERNEL INITRD CMDLINE	the kernel that is started next, or when this one crashes (kexec_file_load(2))
 * kexecload start				starts it; what runs is not asked
 * Debian's kexec wants libraries of Xen.
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int load(const char *kernel, const char *initrd, const char *cmdline, unsigned long flags)
{
	int kernel_fd = open(kernel, O_RDONLY), initrd_fd = open(initrd, O_RDONLY);

	if (kernel_fd < 0 || initrd_fd < 0 || syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(cmdline) + 1, cmdline, flags)) {
		perror("kexecload");
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "start")) {
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
		perror("kexecload");
		return 1;
	}
	if (argc == 5 && (!strcmp(argv[1], "load") || !strcmp(argv[1], "crash")))
		return load(argv[2], argv[3], argv[4], strcmp(argv[1], "crash") ? 0 : KEXEC_FILE_ON_CRASH);
	fprintf(stderr, "kexecload load|crash KERNEL INITRD CMDLINE | start\n");
	return 2;
}
