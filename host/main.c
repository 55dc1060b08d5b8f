// SPDX-License-Identifier: GPL-2.0
/*
 * hvis-host: one process, one VM. This file puts the parts of machine.h together and takes them
 * apart in reverse.
 * Order: what can fail because of the user's files comes before KVM is touched, so that a wrong
 * path is reported as such on a machine without KVM, too.
 * Invariant: threads are joined before the memory they use goes: VPs first, then the bus with its
 * channel workers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "acpi.h"
#include "balance.h"
#include "boot.h"
#include "control.h"
#include "crash.h"
#include "ctl.h"
#include "error.h"
#include "hang.h"
#include "info.h"
#include "legacy/legacy.h"
#include "log.h"
#include "machine.h"
#include "network.h"
#include "ram.h"
#include "services.h"
#include "storage.h"
#include "watch.h"

#define STATUS_USAGE 2
#define LOOP_ENTRIES 256

/* The one line that says why we cannot go on. Return: -1, for the caller to pass on. */
__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("hvis-host: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	return -1;
}

/* Better now than after an hour of measuring. Nor shall an old file be taken for this run's. */
static int check_stats_file(const struct machine *machine)
{
	const char *path = machine->options->stats;
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return complain("--stats %s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int create_trace(struct machine *machine)
{
	const struct trace_options *options = &machine->options->trace;
	char error[ERROR_BYTES];

	machine->trace = trace_create();
	if (!machine->trace)
		return complain("out of memory");
	if (options->path && trace_start(machine->trace, options, error))
		return complain("--trace %s: %s", options->path, error);
	return 0;
}

/* Nothing is recorded any more; whoever asked for the trace hears if it is not complete. */
static int end_trace(struct machine *machine)
{
	char error[ERROR_BYTES];
	int ret = trace_stop(machine->trace, error);

	if (!ret || ret == -ENOENT)
		return 0;
	return complain("trace: %s", error);
}

static int with_error(struct machine *machine, int (*act)(struct machine *machine, char *error))
{
	char error[ERROR_BYTES];

	return act(machine, error) ? complain("%s", error) : 0;
}

static int load_guest(struct machine *machine)
{
	const struct options *options = machine->options;
	struct boot_config config = {
		.kernel = options->kernel,
		.initrd = options->initrd,
		.append = options->append,
		.rsdp = acpi_build(machine->mem, options->cpus, legacy_ssdt(machine)),
	};
	char error[ERROR_BYTES];

	if (!config.rsdp)
		return complain("--memory %lluM: does not fit this machine's address map",
				(unsigned long long)options->memory.startup >> 20);
	return boot_load(machine->mem, &config, &machine->entry, error) ? complain("%s", error) : 0;
}

static int create_vm(struct machine *machine)
{
	struct vm_config config = {
		.loop = machine->loop,
		.mem = machine->mem,
		.cpus = machine->options->cpus,
		.hyperv = machine->options->hyperv,
	};
	char error[ERROR_BYTES];

	machine->vm = vm_create(&config, error);
	return machine->vm ? 0 : complain("%s", error);
}

static void guest_powers_off(void *context)
{
	vm_stop(context, VM_POWERED_OFF);
}

static void guest_resets(void *context)
{
	vm_stop(context, VM_RESET);
}

/*
 * A port that was not asked for is there all the same: kernels probe both, and find an answer
 * faster than none.
 */
static int add_serial(struct machine *machine, unsigned int index)
{
	const char *spec = index < machine->options->serial_count ? machine->options->serials[index]
								  : "null";
	struct pio_device device;
	char error[ERROR_BYTES];
	int irq = vm_irqfd_create(machine->vm, serial_irq(index));

	if (irq < 0)
		return complain("--serial %s: cannot create its interrupt: %s", spec,
				strerror(-irq));
	machine->serial_irqs[index] = irq;
	machine->serials[index] = serial_create(spec, index, machine->loop, irq, error);
	if (!machine->serials[index])
		return complain("%s", error);
	device = serial_pio(machine->serials[index]);
	return pio_add(machine->pio, &device) ? complain("two devices want the same ports") : 0;
}

static int add_devices(struct machine *machine)
{
	machine->pio = pio_create();
	machine->pm = pm_create(guest_powers_off, guest_resets, machine->vm);
	if (!machine->pio || !machine->pm)
		return complain("out of memory");
	if (pm_attach(machine->pm, machine->pio))
		return complain("two devices want the same ports");
	for (unsigned int i = 0; i < OPTIONS_SERIALS_MAX; i++)
		if (add_serial(machine, i))
			return -1;
	return with_error(machine, legacy_attach);
}

static void remove_devices(struct machine *machine)
{
	legacy_stop(machine);
	for (unsigned int i = 0; i < OPTIONS_SERIALS_MAX; i++) {
		serial_destroy(machine->serials[i]);
		if (machine->serial_irqs[i] > 0)
			close(machine->serial_irqs[i]);
	}
	if (machine->pm)
		pm_destroy(machine->pm);
	if (machine->pio)
		pio_destroy(machine->pio);
}

static int create_synic(struct machine *machine)
{
	struct synic_config config = { .vm = machine->vm,
				       .mem = machine->mem,
				       .loop = machine->loop };

	machine->synic = synic_create(&config);
	return machine->synic ? 0 : complain("cannot create the SynIC: %s", strerror(errno));
}

/* The rules have been checked. */
static int create_faults(struct machine *machine)
{
	const struct options *options = machine->options;
	char error[ERROR_BYTES];

	machine->fault = fault_create();
	if (!machine->fault)
		return complain("out of memory");
	for (unsigned int i = 0; i < options->fault_count; i++)
		if (fault_add(machine->fault, options->faults[i], error) < 0)
			return complain("--fault %s: %s", options->faults[i], error);
	return 0;
}

static int create_bus(struct machine *machine)
{
	struct vmbus_config config = {
		.loop = machine->loop,
		.synic = machine->synic,
		.mem = machine->mem,
		.trace = machine->trace,
		.version_max = machine->options->vmbus_version,
		.fault = machine->fault,
	};

	machine->vmbus = vmbus_create(&config);
	if (!machine->vmbus)
		return complain("cannot create the VMBus: %s", strerror(errno));
	machine->hyperv = (struct hyperv){
		.synic = machine->synic,
		.vmbus = machine->vmbus,
		.mem = machine->mem,
		.fault = machine->fault,
	};
	return 0;
}

static int create_vcpus(struct machine *machine)
{
	const struct options *options = machine->options;
	struct vcpus_config config = { .vm = machine->vm,
				       .pio = machine->pio,
				       .hyperv = &machine->hyperv,
				       .features = &options->hyperv_features,
				       .host_cpus = options->host_cpus,
				       .host_cpu_count = options->host_cpu_count };
	char error[ERROR_BYTES];

	machine->vcpus = vcpus_create(&config, &machine->entry, error);
	machine->clock = (struct clock){ .vm = machine->vm, .vcpus = machine->vcpus };
	machine->tsc_page.mem = machine->mem;
	if (machine->vcpus && options->hyperv && !hyperv_feature_off(&options->hyperv_features, "crash"))
		crash_watch(machine->vm->fd); /* without it, a report says less */
	return machine->vcpus ? 0 : complain("%s", error);
}

static int connect_interrupts(struct machine *machine)
{
	int ret = vm_route_interrupts(machine->vm);

	if (!ret)
		ret = synic_attach(machine->synic, vcpus_kick, machine->vcpus);
	return ret ? complain("cannot connect the guest's interrupts: %s", strerror(-ret)) : 0;
}

static int create_stats(struct machine *machine)
{
	machine->stats = stats_create(machine->vm->fd, machine->vcpus);
	return machine->stats ? 0 : complain("out of memory");
}

static int create_control(struct machine *machine)
{
	char error[ERROR_BYTES];

	if (!machine->options->control)
		return 0;
	machine->control = control_create(machine, machine->options->control, error);
	return machine->control ? 0 : complain("%s", error);
}

/* Clocks cost a guest a hundred times more without one, and it would not say so itself. */
static void say_clock(struct machine *machine)
{
	int master = clock_prepare(&machine->clock);

	if (master > 0)
		log_info("KVM has a master clock: the guest's reference TSC page is valid");
	else
		log_warn("KVM has no master clock: the guest's TSC page is not valid (is this machine's clocksource the TSC?)");
}

/*
 * The life of the guest. Signals are ours only while the loop runs that looks at them: before and after, they
 * end the process as they would any other.
 */
static int run_guest(struct machine *machine)
{
	struct watch *watch = watch_create(machine->vm, machine->options->time_limit);
	int ret;

	if (!watch)
		return complain("cannot watch for signals: %s", strerror(errno));
	if (machine->options->hyperv)
		say_clock(machine);
	ret = vcpus_start(machine->vcpus);
	if (!ret)
		ret = loop_run(machine->loop);
	if (ret)
		complain("cannot run: %s", strerror(-ret));
	vm_stop(machine->vm, VM_FAILED); /* changes nothing if the guest has ended */
	watch_destroy(watch);
	return 0;
}

/* Return: exit status. */
static int end_guest(struct machine *machine)
{
	const char *stats = machine->options->stats;
	int ret;

	vcpus_stop(machine->vcpus);
	if (atomic_load(&machine->vm->end) == VM_TIMED_OUT)
		hang_report(machine->vcpus, machine->mem);

	ret = stats ? stats_write(machine, stats) : 0;
	if (ret)
		complain("--stats %s: %s", stats, strerror(-ret));
	if (end_trace(machine))
		ret = VM_FAILED;
	return ret ? VM_FAILED : atomic_load(&machine->vm->end);
}

/* A file may lie on a server that is gone. What it may still write to cannot be taken away: the process ends as it is, with all that it had to say. */
__attribute__((noreturn)) static void give_up(struct machine *machine, int status)
{
	for (unsigned int i = 0; i < OPTIONS_SERIALS_MAX; i++)
		serial_destroy(machine->serials[i]);
	_exit(status);
}

static int run_machine(struct machine *machine)
{
	int status = VM_FAILED;

	clock_gettime(CLOCK_MONOTONIC, &machine->started);
	machine->loop = loop_create(LOOP_ENTRIES, NULL, NULL);
	if (!machine->loop)
		return complain("cannot create the main loop: %s", strerror(errno)), VM_FAILED;
	if (check_stats_file(machine) || create_faults(machine) || create_trace(machine))
		goto destroy_trace;
	if (with_error(machine, ram_create))
		goto close_disks;
	if (with_error(machine, storage_open) || with_error(machine, legacy_open) || with_error(machine, network_open) ||
	    load_guest(machine) || create_vm(machine))
		goto close_disks;
	if (add_devices(machine) || create_synic(machine))
		goto remove_devices;
	if (create_bus(machine))
		goto destroy_synic;
	if (with_error(machine, storage_offer) || with_error(machine, network_offer) || with_error(machine, ram_offer) ||
	    with_error(machine, services_offer) || create_vcpus(machine))
		goto destroy_bus;
	if (connect_interrupts(machine) || create_stats(machine))
		goto destroy_vcpus;
	if (create_control(machine))
		goto destroy_stats;
	if (!run_guest(machine))
		status = end_guest(machine);

	control_destroy(machine->control);
	if (!vmbus_stop(machine->vmbus, MACHINE_STOP_LIMIT_MS))
		give_up(machine, status);
destroy_stats:
	stats_destroy(machine->stats);
destroy_vcpus:
	synic_detach(machine->synic);
	vcpus_destroy(machine->vcpus);
destroy_bus:
	vmbus_destroy(machine->vmbus);
destroy_synic:
	synic_destroy(machine->synic);
remove_devices:
	remove_devices(machine);
	vm_destroy(machine->vm);
close_disks:
	services_close(machine);
	network_close(machine);
	legacy_close(machine);
	storage_close(machine);
	ram_close(machine);
	ram_destroy(machine);
destroy_trace:
	trace_destroy(machine->trace);
	loop_destroy(machine->loop);
	fault_destroy(machine->fault);
	return status;
}

static void print_help(void)
{
	printf("Usage: hvis-host run [OPTION]...\n"
	       "       hvis-host ctl SOCKET COMMAND [KEY=VALUE]...\n"
	       "       hvis-host balance --total SIZE [--interval SECONDS] [--json] SOCKET...\n"
	       "       hvis-host info\n\n"
	       "Boots a Linux guest on KVM and plays Hyper-V for it. Options of run:\n");
	options_help(stdout);
	printf("\n"
	       "ctl talks to a running guest's --control socket. Commands: query-status,\n"
	       "query-stats, query-vmbus, query-disks, query-nics, quit,\n"
	       "  stats [SECONDS]                a table that goes on, what happens per second\n"
	       "  disk-add SPEC                  as --disk, while the guest runs\n"
	       "  disk-remove controller=N lun=N\n"
	       "  disk-resize controller=N lun=N size=SIZE [shrink=true]\n"
	       "  controller-add SPEC            as --controller\n"
	       "  controller-remove controller=N\n"
	       "  nic-add SPEC                   as --nic\n"
	       "  nic-remove nic=N\n"
	       "  nic-link nic=N link=up|down\n"
	       "  query-memory                   what the guest has, shall have and needs\n"
	       "  set-memory SIZE|auto [--wait[=SECONDS]]\n"
	       "  query-services, heartbeat      time, heartbeat and shutdown: what the guest answers\n"
	       "  time-offset +-N[us|ms|s|m|h]   the guest's wall clock is this machine's, plus that\n"
	       "  shutdown | reboot [--force] [--reason TEXT]   ask the guest to\n"
	       "  pause, resume                  the guest and its clocks stand still, and go on\n"
	       "  tsc-page invalid|valid         spoil the guest's reference TSC page, for tests\n"
	       "  trace-start SPEC               as --trace\n"
	       "  trace-stop                     answers when the file is complete\n"
	       "and fault add RULE | list | remove ID | clear (docs/fault.md).\n"
	       "balance shares one budget of memory among running guests with dynamic memory.\n"
	       "info prints as JSON what KVM on this machine can do.\n\n"
	       "Exit status of run: 0 the guest powered off, or quit was asked for; 1 it could\n"
	       "not be run; 2 wrong usage; 3 the guest reset itself; 4 the guest crashed (crash\n"
	       "report, triple fault, KVM internal error); 5 the time limit ran out; 128+N ended\n"
	       "by signal N.\n");
}

static int run_main(int count, char *const *arguments)
{
	static struct options options; /* too large for the stack */
	static struct machine machine;
	char error[ERROR_BYTES];
	int status;

	if (options_parse(&options, count, arguments, error)) {
		options_free(&options);
		complain("%s", error);
		return STATUS_USAGE;
	}
	if (options.help) {
		print_help();
		return 0;
	}
	log_set_level(options.verbose ? LOG_DEBUG : LOG_WARN);
	signal(SIGPIPE, SIG_IGN);
	machine.options = &options;
	status = run_machine(&machine);
	options_free(&options);
	return status;
}

/*
 * A standard descriptor that is closed would be given to the next file we open, and that file would
 * get the guest's console or our messages. What takes the place fails to read or write, as a closed
 * one does.
 */
static void fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			_exit(VM_FAILED);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	fill_standard_descriptors();
	if (!strcmp(command, "run"))
		return run_main(argc - 2, argv + 2);
	if (!strcmp(command, "ctl"))
		return ctl_main(argc - 2, argv + 2);
	if (!strcmp(command, "balance"))
		return balance_main(argc - 2, argv + 2);
	if (!strcmp(command, "info") && argc == 2)
		return info_main();
	if (!strcmp(command, "--help") || !strcmp(command, "-h") || !strcmp(command, "help")) {
		print_help();
		return 0;
	}
	if (*command)
		complain("%s: unknown command or too many arguments (try hvis-host --help)",
			 command);
	else
		complain("needs a command: run, ctl, balance or info (try hvis-host --help)");
	return STATUS_USAGE;
}
