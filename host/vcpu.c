// SPDX-License-Identifier: GPL-2.0
/*
 * VP threads and exits. See vcpu.h.
 *
 * A kick is: note what there is to do, set immediate_exit, send the signal. The VP clears
 * immediate_exit before it looks what there is to do. So either it sees the work, or immediate_exit
 * (or the signal) brings it back from KVM_RUN.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "log.h"
#include "synic_internal.h"
#include "vcpu_internal.h"
#include "vcpu_state.h"

#define KICK_SIGNAL SIGUSR1

static const char *const exit_names[VCPU_EXIT_COUNT] = {
	[VCPU_EXIT_IO] = "io",
	[VCPU_EXIT_MMIO] = "mmio",
	[VCPU_EXIT_SYNIC] = "synic",
	[VCPU_EXIT_HYPERCALL] = "hypercall",
	[VCPU_EXIT_SIGNAL] = "signal_event",
	[VCPU_EXIT_KICK] = "kick",
	[VCPU_EXIT_OTHER] = "other",
};

const char *vcpu_exit_name(enum vcpu_exit reason)
{
	return exit_names[reason];
}

static enum vcpu_exit run_once(struct vcpu *vcpu)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0) == 0)
		return vcpu_handle_exit(vcpu);
	if (errno == EINTR || errno == EAGAIN)
		return VCPU_EXIT_KICK;
	log_error("VP %u: KVM_RUN: %s", vcpu->index, strerror(errno));
	vm_stop(vcpu->all->vm, VM_FAILED);
	return VCPU_EXIT_OTHER;
}

static void make_call(struct vcpu *vcpu)
{
	if (!atomic_load_explicit(&vcpu->called, memory_order_relaxed))
		return;
	pthread_mutex_lock(&vcpu->lock);
	if (vcpu->call)
		vcpu->call->function(vcpu->fd, vcpu->call->argument);
	vcpu->call = NULL;
	atomic_store(&vcpu->called, false);
	pthread_cond_broadcast(&vcpu->changed);
	pthread_mutex_unlock(&vcpu->lock);
}

static void set_running(struct vcpu *vcpu, bool running)
{
	pthread_mutex_lock(&vcpu->lock);
	vcpu->running = running;
	pthread_cond_broadcast(&vcpu->changed);
	pthread_mutex_unlock(&vcpu->lock);
}

/* Who started the process may have left it blocked; then no kick would reach a running guest. */
static void unblock_kicks(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Until the VM goes on, or ends, or there is a call to be made. */
static void park(struct vcpu *vcpu)
{
	struct vcpus *all = vcpu->all;

	pthread_mutex_lock(&vcpu->lock);
	vcpu->parked = true;
	pthread_cond_broadcast(&vcpu->changed);
	while (atomic_load(&all->paused) && !vcpu->call && !vm_stopped(all->vm))
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	vcpu->parked = false;
	pthread_mutex_unlock(&vcpu->lock);
}

/* A processor that has gone since it was asked for is no reason not to run. */
static void pin(const struct vcpu *vcpu)
{
	const struct vcpus *all = vcpu->all;
	cpu_set_t set;

	if (!all->host_cpu_count)
		return;
	CPU_ZERO(&set);
	CPU_SET(all->host_cpus[vcpu->index % all->host_cpu_count], &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		log_warn("--host-cpus: VP %u cannot be kept on processor %u: %s", vcpu->index,
			 all->host_cpus[vcpu->index % all->host_cpu_count], strerror(errno));
}

static void *run_thread(void *context)
{
	struct vcpu *vcpu = context;
	struct vcpus *all = vcpu->all;

	pin(vcpu);
	unblock_kicks();
	while (!vm_stopped(all->vm)) {
		enum vcpu_exit reason;

		__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		make_call(vcpu);
		if (atomic_load(&all->paused)) {
			park(vcpu);
			continue;
		}
		if (all->vm->hyperv)
			synic_deliver(all->hyperv->synic, vcpu->index);
		if (vm_stopped(all->vm))
			break;
		reason = run_once(vcpu);
		atomic_fetch_add_explicit(&vcpu->exits[reason], 1, memory_order_relaxed);
	}
	make_call(vcpu);
	set_running(vcpu, false);
	return NULL;
}

void vcpus_kick(void *context, unsigned int index)
{
	struct vcpus *vcpus = context;
	struct vcpu *vcpu = &vcpus->vcpu[index];

	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (vcpu->started && !pthread_equal(vcpu->thread, pthread_self()))
		pthread_kill(vcpu->thread, KICK_SIGNAL);
}

void vcpus_call(struct vcpus *vcpus, unsigned int index, void (*function)(int fd, void *argument),
		void *argument)
{
	struct vcpu *vcpu = &vcpus->vcpu[index];
	struct call call = { .function = function, .argument = argument };

	pthread_mutex_lock(&vcpu->lock);
	vcpu->call = &call;
	atomic_store(&vcpu->called, true);
	if (vcpu->running)
		vcpus_kick(vcpus, index);
	pthread_cond_broadcast(&vcpu->changed);
	while (vcpu->running && vcpu->call)
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	if (vcpu->call) { /* no thread that could make it (any more) */
		vcpu->call = NULL;
		function(vcpu->fd, argument);
	}
	pthread_mutex_unlock(&vcpu->lock);
}

static void wake(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	pthread_cond_broadcast(&vcpu->changed);
	pthread_mutex_unlock(&vcpu->lock);
}

static void wait_parked(struct vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	while (vcpu->running && !vcpu->parked)
		pthread_cond_wait(&vcpu->changed, &vcpu->lock);
	pthread_mutex_unlock(&vcpu->lock);
}

void vcpus_pause(struct vcpus *vcpus)
{
	atomic_store(&vcpus->paused, true);
	for (unsigned int i = 0; i < vcpus->count; i++)
		vcpus_kick(vcpus, i);
	for (unsigned int i = 0; i < vcpus->count; i++)
		wait_parked(&vcpus->vcpu[i]);
}

void vcpus_resume(struct vcpus *vcpus)
{
	atomic_store(&vcpus->paused, false);
	for (unsigned int i = 0; i < vcpus->count; i++)
		wake(&vcpus->vcpu[i]);
}

static int create_vcpu(struct vcpus *vcpus, unsigned int index)
{
	struct vcpu *vcpu = &vcpus->vcpu[index];

	vcpu->fd = ioctl(vcpus->vm->fd, KVM_CREATE_VCPU, index);
	if (vcpu->fd < 0)
		return -errno;
	vcpu->run = mmap(NULL, vcpus->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	return vcpu->run == MAP_FAILED ? -errno : 0;
}

static int share_tsc(struct vcpus *vcpus)
{
	uint64_t offset;
	int ret = vcpu_state_tsc_offset(vcpus->vcpu[0].fd, &offset);

	for (unsigned int i = 0; !ret && i < vcpus->count; i++)
		ret = vcpu_state_share_tsc(vcpus->vcpu[i].fd, offset);
	/*
	 * KVM before 5.16 has no such attribute; what it makes of the TSCs then is in the
	 * statistics.
	 */
	return ret == -ENXIO ? 0 : ret;
}

/*
 * All VPs are created before the first gets its state: KVM numbers them for Hyper-V in that order.
 */
static int create_all(struct vcpus *vcpus, const struct hyperv_features *features, const struct boot_entry *entry)
{
	struct vm *vm = vcpus->vm;
	struct cpuid_table *base;
	int ret = 0;

	base = malloc(sizeof(*base));
	if (!base)
		return -ENOMEM;
	for (unsigned int i = 0; !ret && i < vcpus->count; i++)
		ret = create_vcpu(vcpus, i);
	if (!ret)
		ret = cpuid_base(vm->kvm, vcpus->count, vm->hyperv ? features : NULL, base);
	for (unsigned int i = 0; !ret && i < vcpus->count; i++)
		ret = vcpu_state_init(vcpus->vcpu[i].fd, i, vm->hyperv, base);
	if (!ret)
		ret = share_tsc(vcpus);
	if (!ret)
		ret = vcpu_state_boot(vcpus->vcpu[0].fd, entry);
	free(base);
	return ret;
}

struct vcpus *vcpus_create(const struct vcpus_config *config, const struct boot_entry *entry,
			   char *error)
{
	unsigned int cpus = config->vm->cpus;
	struct vcpus *vcpus = calloc(1, sizeof(*vcpus) + cpus * sizeof(vcpus->vcpu[0]));
	int ret;

	if (!vcpus) {
		error_set(error, "out of memory");
		return NULL;
	}
	vcpus->vm = config->vm;
	vcpus->pio = config->pio;
	vcpus->hyperv = config->hyperv;
	vcpus->host_cpus = config->host_cpus;
	vcpus->host_cpu_count = config->host_cpu_count;
	vcpus->run_bytes = ioctl(config->vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vcpus->count = cpus;
	for (unsigned int i = 0; i < cpus; i++) {
		struct vcpu *vcpu = &vcpus->vcpu[i];

		vcpu->all = vcpus;
		vcpu->index = i;
		vcpu->fd = -1;
		vcpu->run = MAP_FAILED;
		pthread_mutex_init(&vcpu->lock, NULL);
		pthread_cond_init(&vcpu->changed, NULL);
	}
	ret = create_all(vcpus, config->features, entry);
	if (ret) {
		error_set(error, "/dev/kvm: cannot create %u VPs: %s", cpus, strerror(-ret));
		vcpus_destroy(vcpus);
		return NULL;
	}
	return vcpus;
}

void vcpus_destroy(struct vcpus *vcpus)
{
	for (unsigned int i = 0; i < vcpus->count; i++) {
		struct vcpu *vcpu = &vcpus->vcpu[i];

		if (vcpu->run != MAP_FAILED)
			munmap(vcpu->run, vcpus->run_bytes);
		if (vcpu->fd >= 0)
			close(vcpu->fd);
		pthread_cond_destroy(&vcpu->changed);
		pthread_mutex_destroy(&vcpu->lock);
	}
	free(vcpus);
}

/* Only has to interrupt KVM_RUN. */
static void ignore_signal(int number)
{
	(void)number;
}

static int start_thread(struct vcpu *vcpu)
{
	char name[16];
	int ret;

	set_running(vcpu, true);
	ret = pthread_create(&vcpu->thread, NULL, run_thread, vcpu);
	if (ret) {
		set_running(vcpu, false);
		return -ret;
	}
	vcpu->started = true;
	snprintf(name, sizeof(name), "vp%u", vcpu->index);
	pthread_setname_np(vcpu->thread, name);
	return 0;
}

int vcpus_start(struct vcpus *vcpus)
{
	struct sigaction action = { .sa_handler = ignore_signal };

	if (sigaction(KICK_SIGNAL, &action, NULL))
		return -errno;
	for (unsigned int i = 0; i < vcpus->count; i++) {
		int ret = start_thread(&vcpus->vcpu[i]);

		if (ret)
			return ret;
	}
	return 0;
}

void vcpus_stop(struct vcpus *vcpus)
{
	for (unsigned int i = 0; i < vcpus->count; i++) {
		vcpus_kick(vcpus, i);
		wake(&vcpus->vcpu[i]);
	}
	for (unsigned int i = 0; i < vcpus->count; i++) {
		struct vcpu *vcpu = &vcpus->vcpu[i];

		if (vcpu->started)
			pthread_join(vcpu->thread, NULL);
		vcpu->started = false;
	}
}

unsigned int vcpus_count(const struct vcpus *vcpus)
{
	return vcpus->count;
}

int vcpus_fd(const struct vcpus *vcpus, unsigned int index)
{
	return vcpus->vcpu[index].fd;
}

uint64_t vcpus_exits(const struct vcpus *vcpus, unsigned int index, enum vcpu_exit reason)
{
	return atomic_load_explicit(&vcpus->vcpu[index].exits[reason], memory_order_relaxed);
}
