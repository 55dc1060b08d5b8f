// SPDX-License-Identifier: GPL-2.0
/*
 * The KVM virtual machine: capability check, memory slots, irqchip, PIT, interrupt routes. See
 * vm.h. The irqchip is KVM's full one: a split one refuses resampling irqfds, our only notice that
 * a message was taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"
#include "vm.h"
#include "wire/tlfs.h"

/* Four pages below the BIOS area, in the hole that guestmem.h keeps free of RAM. */
#define TSS_ADDRESS 0xFFFBD000ul
#define IDENTITY_MAP_ADDRESS 0xFFFBC000ull

/* clang-format off */
#define CAPABILITY(name, required) { #name, name, required }
/* clang-format on */

const struct vm_capability vm_capabilities[] = {
	CAPABILITY(KVM_CAP_USER_MEMORY, true),
	CAPABILITY(KVM_CAP_IRQCHIP, true),
	CAPABILITY(KVM_CAP_IRQ_ROUTING, true),
	CAPABILITY(KVM_CAP_IRQFD, true),
	CAPABILITY(KVM_CAP_PIT2, true),
	CAPABILITY(KVM_CAP_EXT_CPUID, true),
	CAPABILITY(KVM_CAP_IMMEDIATE_EXIT, true),
	CAPABILITY(KVM_CAP_IRQFD_RESAMPLE, false),
	CAPABILITY(KVM_CAP_HYPERV_SYNIC2, false),
	CAPABILITY(KVM_CAP_HYPERV_VP_INDEX, false),
	CAPABILITY(KVM_CAP_HYPERV_EVENTFD, false),
	CAPABILITY(KVM_CAP_SYS_HYPERV_CPUID, false),
	CAPABILITY(KVM_CAP_HYPERV_ENFORCE_CPUID, false),
};
const unsigned int vm_capability_count = sizeof(vm_capabilities) / sizeof(vm_capabilities[0]);

static int check_capabilities(int kvm, bool hyperv, char *error)
{
	int version = ioctl(kvm, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION) {
		error_set(error, "/dev/kvm: API version %d, need %d", version, KVM_API_VERSION);
		return -ENOTSUP;
	}
	for (unsigned int i = 0; i < vm_capability_count; i++) {
		const struct vm_capability *capability = &vm_capabilities[i];

		if (!capability->required && !hyperv)
			continue;
		if (ioctl(kvm, KVM_CHECK_EXTENSION, capability->number) > 0)
			continue;
		error_set(error, "/dev/kvm: this KVM has no %s%s", capability->name, capability->required ? "" : ", which Hyper-V needs");
		return -ENOTSUP;
	}
	return 0;
}

int vm_open_kvm(bool hyperv, char *error)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int ret;

	if (kvm < 0) {
		ret = -errno;
		error_set(error, "/dev/kvm: %s", strerror(-ret));
		return ret;
	}
	ret = check_capabilities(kvm, hyperv, error);
	if (ret) {
		close(kvm);
		return ret;
	}
	return kvm;
}

static int create_irqchip(int fd)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity_map = IDENTITY_MAP_ADDRESS;

	if (ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) ||
	    ioctl(fd, KVM_SET_TSS_ADDR, TSS_ADDRESS) || ioctl(fd, KVM_CREATE_IRQCHIP, 0) ||
	    ioctl(fd, KVM_CREATE_PIT2, &pit))
		return -errno;
	return 0;
}

static int set_slot(int fd, unsigned int slot, uint64_t gpa, uint64_t bytes, void *host)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)host,
	};

	return ioctl(fd, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

static int add_memory(int fd, const struct guestmem *mem)
{
	const struct guestmem_region *regions;
	unsigned int count = guestmem_regions(mem, &regions);
	int ret = 0;

	for (unsigned int i = 0; i < count && !ret; i++)
		ret = set_slot(fd, i, regions[i].gpa, regions[i].bytes, regions[i].host);
	return ret;
}

int vm_set_memory(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t bytes, void *host)
{
	return set_slot(vm->fd, VM_SLOT_FIRST + slot, gpa, bytes, host);
}

static int set_up(struct vm *vm, const struct vm_config *config, char *error)
{
	int most, ret;

	vm->kvm = vm_open_kvm(config->hyperv, error);
	if (vm->kvm < 0)
		return vm->kvm;
	most = ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	if (most > 0 && vm->cpus > (unsigned int)most) {
		error_set(error, "--cpus %u: this KVM allows %d", vm->cpus, most);
		return -EINVAL;
	}
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0) {
		ret = -errno;
		error_set(error, "/dev/kvm: cannot create a VM: %s", strerror(-ret));
		return ret;
	}
	ret = create_irqchip(vm->fd);
	if (ret) {
		error_set(error, "/dev/kvm: cannot create interrupt controllers: %s", strerror(-ret));
		return ret;
	}
	ret = add_memory(vm->fd, config->mem);
	if (ret)
		error_set(error, "/dev/kvm: cannot map guest memory: %s", strerror(-ret));
	return ret;
}

struct vm *vm_create(const struct vm_config *config, char *error)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm) {
		error_set(error, "out of memory");
		return NULL;
	}
	vm->kvm = -1;
	vm->fd = -1;
	vm->loop = config->loop;
	vm->cpus = config->cpus;
	vm->hyperv = config->hyperv;
	atomic_init(&vm->end, VM_RUNNING);
	if (set_up(vm, config, error)) {
		vm_destroy(vm);
		return NULL;
	}
	return vm;
}

void vm_destroy(struct vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	free(vm);
}

static void add_route(struct kvm_irq_routing *table, const struct kvm_irq_routing_entry *entry)
{
	table->entries[table->nr++] = *entry;
}

static void add_pin(struct kvm_irq_routing *table, unsigned int gsi, unsigned int chip,
		    unsigned int pin)
{
	add_route(table, &(struct kvm_irq_routing_entry){
				 .gsi = gsi,
				 .type = KVM_IRQ_ROUTING_IRQCHIP,
				 .u.irqchip = { .irqchip = chip, .pin = pin },
			 });
}

/*
 * The timer is at pin 2 of the IOAPIC, as the MADT's override says; the cascade has no line of its
 * own there.
 */
static void add_pc_routes(struct kvm_irq_routing *table)
{
	for (unsigned int gsi = 0; gsi < 16; gsi++)
		if (gsi != 2)
			add_pin(table, gsi,
				gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8);
	for (unsigned int gsi = 0; gsi < VM_GSI_IOAPIC_PINS; gsi++)
		if (gsi != 2)
			add_pin(table, gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? 2 : gsi);
}

int vm_route_interrupts(struct vm *vm)
{
	struct kvm_irq_routing *table;
	unsigned int room = 16 + VM_GSI_IOAPIC_PINS + vm->cpus;
	int ret = 0;

	table = calloc(1, sizeof(*table) + room * sizeof(table->entries[0]));
	if (!table)
		return -ENOMEM;
	add_pc_routes(table);
	for (unsigned int vp = 0; vm->hyperv && vp < vm->cpus; vp++)
		add_route(table, &(struct kvm_irq_routing_entry){
					 .gsi = VM_GSI_SINT(vp),
					 .type = KVM_IRQ_ROUTING_HV_SINT,
					 .u.hv_sint = { .vcpu = vp, .sint = TLFS_SINT_VMBUS },
				 });
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, table))
		ret = -errno;
	free(table);
	return ret;
}

int vm_irqfd_create(struct vm *vm, unsigned int gsi)
{
	struct kvm_irqfd irqfd = { .gsi = gsi };
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	irqfd.fd = fd;
	if (ioctl(vm->fd, KVM_IRQFD, &irqfd)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/* It can fail only for lines that do not exist. */
void vm_set_irq(struct vm *vm, unsigned int gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

int vm_irqfd_resample(struct vm *vm, unsigned int gsi, int fd, int resample_fd)
{
	struct kvm_irqfd irqfd = {
		.fd = fd,
		.gsi = gsi,
		.flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = resample_fd,
	};

	return ioctl(vm->fd, KVM_IRQFD, &irqfd) ? -errno : 0;
}

void vm_stop(struct vm *vm, int end)
{
	int running = VM_RUNNING;

	if (atomic_compare_exchange_strong(&vm->end, &running, end))
		loop_stop(vm->loop);
}

int vm_master_clock(struct vm *vm)
{
	struct kvm_clock_data clock = { 0 };

	if (ioctl(vm->fd, KVM_GET_CLOCK, &clock))
		return -errno;
	return !!(clock.flags & KVM_CLOCK_TSC_STABLE);
}
