// SPDX-License-Identifier: GPL-2.0
/*
 * hvis-host info. See info.h. Whether KVM has a master clock shows only after a VP ran, so a guest
 * of one instruction is run for that.
 */
#include <errno.h>
#include <jansson.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "hyperv_leaves.h"
#include "info.h"
#include "vm.h"

#define PAGE_BYTES 4096

/* out %al, $0x10: comes back at once. */
static const uint8_t guest_code[] = { 0xE6, 0x10 };

static int add_page(int vm, void *page)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = PAGE_BYTES,
		.userspace_addr = (uintptr_t)page,
	};

	memcpy(page, guest_code, sizeof(guest_code));
	return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot);
}

/* In real mode from address 0. Return: whether the VP executed it. */
static bool run_guest(int vcpu)
{
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return false;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return !ioctl(vcpu, KVM_SET_SREGS, &sregs) && !ioctl(vcpu, KVM_SET_REGS, &regs) &&
	       !ioctl(vcpu, KVM_RUN, 0);
}

static const char *ask_clock(int vm, bool ran)
{
	struct kvm_clock_data clock = { 0 };

	if (!ran || ioctl(vm, KVM_GET_CLOCK, &clock))
		return "unknown";
	return clock.flags & KVM_CLOCK_TSC_STABLE ? "yes" : "no";
}

static void add_clock(json_t *result, int kvm)
{
	void *page =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	int vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	int khz = vcpu < 0 ? -1 : ioctl(vcpu, KVM_GET_TSC_KHZ, 0);
	bool ran = vcpu >= 0 && page != MAP_FAILED && !add_page(vm, page) && run_guest(vcpu);

	json_object_set_new(result, "vm", json_boolean(ran));
	json_object_set_new(result, "tsc_khz", khz > 0 ? json_integer(khz) : json_null());
	json_object_set_new(result, "master_clock", json_string(ask_clock(vm, ran)));
	if (vcpu >= 0)
		close(vcpu);
	if (vm >= 0)
		close(vm);
	if (page != MAP_FAILED)
		munmap(page, PAGE_BYTES);
}

static void add_capabilities(json_t *result, int kvm)
{
	json_t *capabilities = json_object();

	for (unsigned int i = 0; i < vm_capability_count; i++) {
		int value = ioctl(kvm, KVM_CHECK_EXTENSION, vm_capabilities[i].number);

		json_object_set_new(capabilities, vm_capabilities[i].name, json_integer(value));
	}
	json_object_set_new(result, "capabilities", capabilities);
	json_object_set_new(result, "max_cpus",
			    json_integer(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS)));
}

static void add_hyperv(json_t *result, int kvm)
{
	const struct hyperv_features all = { 0 };
	struct kvm_cpuid_entry2 leaves[HYPERV_LEAVES];
	json_t *list = json_object();

	if (hyperv_leaves(kvm, 1, &all, leaves))
		memset(leaves, 0, sizeof(leaves));
	for (unsigned int i = 0; i < HYPERV_LEAVES && leaves[i].function; i++) {
		char name[16];

		snprintf(name, sizeof(name), "0x%08x", leaves[i].function);
		json_object_set_new(list, name,
				    json_sprintf("%08x %08x %08x %08x", leaves[i].eax,
						 leaves[i].ebx, leaves[i].ecx, leaves[i].edx));
	}
	json_object_set_new(result, "hyperv_leaves", list);
	json_object_set_new(result, "apicv", json_boolean(hyperv_kvm_has_apicv(HYPERV_MODULES)));
}

int info_main(void)
{
	char error[ERROR_BYTES];
	int kvm = vm_open_kvm(true, error);
	json_t *result;
	bool usable, written;

	if (kvm < 0) {
		fprintf(stderr, "hvis-host: %s\n", error);
		return 1;
	}
	result = json_object();
	add_capabilities(result, kvm);
	add_hyperv(result, kvm);
	add_clock(result, kvm);
	usable = json_is_true(json_object_get(result, "vm"));
	written = !json_dumpf(result, stdout, JSON_INDENT(2)) && putchar('\n') != EOF &&
		  !fflush(stdout);
	json_decref(result);
	close(kvm);
	if (!written) {
		fprintf(stderr, "hvis-host: cannot write to standard output\n");
		return 1;
	}
	if (!usable)
		fprintf(stderr, "hvis-host: /dev/kvm: cannot run a guest\n");
	return usable ? 0 : 1;
}
