// SPDX-License-Identifier: GPL-2.0
/*
 * Options of "hvis-host run". See options.h. The SPECs of --disk are in options_disk.c.
 * Invariant: after options_parse() every value is in range; nobody checks again.
 */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fault.h"
#include "options_disk.h"
#include "options_hyperv.h"
#include "options_memory.h"
#include "options_nic.h"
#include "options_services.h"
#include "options_trace.h"
#include "vm.h"
#include "wire/chanmsg.h"

struct row {
	const char *name;
	const char *value; /* NULL: takes none */
	const char *help;
	int (*parse)(struct options *options, const struct row *row, const char *value,
		     char *error);
	bool repeats; /* may be given more than once */
	size_t offset; /* of the field, for the general parsers */
	uint64_t min, max;
};

static const uint32_t versions[] = {
	VMBUS_VERSION_WIN8_1,	  VMBUS_VERSION_WIN10,	    VMBUS_VERSION_WIN10_V4_1,
	VMBUS_VERSION_WIN10_V5,	  VMBUS_VERSION_WIN10_V5_1, VMBUS_VERSION_WIN10_V5_2,
	VMBUS_VERSION_WIN10_V5_3,
};

static int fail(char *error, const struct row *row, const char *value, const char *what)
{
	error_set(error, "%s %.80s: %.160s", row->name, value, what);
	return -EINVAL;
}

static bool parse_number(const char *text, uint64_t *number, char **end)
{
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, end, 10);
	return errno == 0;
}

bool options_parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned int shift;
	uint64_t number;
	char *end;

	if (!parse_number(text, &number, &end))
		return false;
	if (!*end) {
		*bytes = number;
		return true;
	}
	unit = strchr(units, toupper((unsigned char)*end));
	if (!unit || end[1])
		return false;
	shift = 10 * (unit - units + 1);
	if (number > UINT64_MAX >> shift)
		return false;
	*bytes = number << shift;
	return true;
}

static int parse_string(struct options *options, const struct row *row, const char *value,
			char *error)
{
	const char **field = (const char **)((char *)options + row->offset);

	if (!*value && row->min)
		return fail(error, row, "''", "must not be empty");
	*field = value;
	return 0;
}

static int parse_count(struct options *options, const struct row *row, const char *value,
		       char *error)
{
	unsigned int *field = (unsigned int *)((char *)options + row->offset);
	uint64_t number;
	char what[80];
	char *end;

	if (!parse_number(value, &number, &end) || *end || number < row->min || number > row->max) {
		snprintf(what, sizeof(what), "must be a number from %llu to %llu",
			 (unsigned long long)row->min, (unsigned long long)row->max);
		return fail(error, row, value, what);
	}
	*field = number;
	return 0;
}

static int parse_memory(struct options *options, const struct row *row, const char *value,
			char *error)
{
	char what[160];

	if (option_memory_parse(&options->memory, value, what, sizeof(what)))
		return fail(error, row, value, what);
	return 0;
}

static int parse_hyperv(struct options *options, const struct row *row, const char *value, char *error)
{
	char what[160];

	return option_hyperv_parse(options, value, what, sizeof(what)) ? fail(error, row, value, what) : 0;
}

static int parse_host_cpus(struct options *options, const struct row *row, const char *value, char *error)
{
	char what[160];

	return option_host_cpus_parse(options, value, what, sizeof(what)) ? fail(error, row, value, what) : 0;
}

static int parse_services(struct options *options, const struct row *row, const char *value, char *error)
{
	char what[160];

	return option_services_parse(&options->services, value, what, sizeof(what)) ? fail(error, row, value, what) : 0;
}

static int parse_disk(struct options *options, const struct row *row, const char *value,
		      char *error)
{
	struct option_disk *disk = &options->disks[options->disk_count];
	char what[160];

	if (options->disk_count >= OPTIONS_DISKS_MAX)
		return fail(error, row, value, "too many disks");
	options->disk_count++;
	if (option_disk_parse(disk, value, what, sizeof(what)))
		return fail(error, row, value, what);
	return 0;
}

static int parse_controller(struct options *options, const struct row *row, const char *value,
			    char *error)
{
	char what[160];

	if (option_controller_parse(options->controllers, value, what, sizeof(what)))
		return fail(error, row, value, what);
	return 0;
}

static int parse_nic(struct options *options, const struct row *row, const char *value, char *error)
{
	struct option_nic *nic = &options->nics[options->nic_count];
	char what[160];

	if (options->nic_count >= OPTIONS_NICS_MAX)
		return fail(error, row, value, "too many NICs");
	options->nic_count++;
	if (option_nic_parse(nic, value, what, sizeof(what)))
		return fail(error, row, value, what);
	return 0;
}

static int parse_trace(struct options *options, const struct row *row, const char *value,
		       char *error)
{
	char what[160];

	if (option_trace_parse(&options->trace, value, &options->trace_copy, what, sizeof(what)))
		return fail(error, row, value, what);
	return 0;
}

static bool is_serial_spec(const char *value)
{
	return !strcmp(value, "stdio") || !strcmp(value, "null") ||
	       (!strncmp(value, "file=", 5) && value[5]) ||
	       (!strncmp(value, "socket=", 7) && value[7]);
}

static int parse_serial(struct options *options, const struct row *row, const char *value,
			char *error)
{
	if (options->serial_count >= OPTIONS_SERIALS_MAX)
		return fail(error, row, value, "there are only two serial ports");
	if (!is_serial_spec(value))
		return fail(error, row, value, "must be stdio, null, file=PATH or socket=PATH");
	if (options->serial_count && strcmp(value, "null") && !strcmp(value, options->serials[0]))
		return fail(error, row, value, "is the first port's already");
	options->serials[options->serial_count++] = value;
	return 0;
}

static int parse_fault(struct options *options, const struct row *row, const char *value,
		       char *error)
{
	char what[ERROR_BYTES];

	if (options->fault_count >= OPTIONS_FAULTS_MAX)
		return fail(error, row, value, "too many rules");
	if (fault_check(value, what))
		return fail(error, row, value, what);
	options->faults[options->fault_count++] = value;
	return 0;
}

static int parse_version(struct options *options, const struct row *row, const char *value,
			 char *error)
{
	for (unsigned int i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u.%u", versions[i] >> 16, versions[i] & 0xFFFF);
		if (strcmp(name, value))
			continue;
		options->vmbus_version = versions[i];
		return 0;
	}
	return fail(error, row, value, "must be 3.0, 4.0, 4.1, 5.0, 5.1, 5.2 or 5.3");
}

static int parse_switch(struct options *options, const struct row *row, const char *value,
			char *error)
{
	bool *field = (bool *)((char *)options + row->offset);

	if (value && strcmp(value, "on") && strcmp(value, "off"))
		return fail(error, row, value, "must be on or off");
	*field = !value || !strcmp(value, "on");
	return 0;
}

#define FIELD(field) .offset = offsetof(struct options, field)
#define NO_FIELD .offset = 0

static const struct row rows[] = {
	{ "--kernel", "FILE", "Linux bzImage or vmlinux to boot (required)", parse_string, FIELD(kernel),
	  .min = 1 },
	{ "--initrd", "FILE", "initial ramdisk", parse_string, FIELD(initrd), .min = 1 },
	{ "--append", "STRING", "kernel command line", parse_string, FIELD(append) },
	{ "--cpus", "N", "virtual processors, default 1", parse_count, FIELD(cpus), 1,
	  VM_CPUS_MAX },
	{ "--host-cpus", "LIST", "processors of this machine on which virtual ones run, one after the other and again: 0,2-3",
	  parse_host_cpus, NO_FIELD },
	{ "--memory", "SPEC",
	  "SIZE (suffix K, M or G), default 1G: memory that stays as it is. Or startup=SIZE, then any of\n"
	  ",min=SIZE ,max=SIZE ,buffer=PERCENT% (beyond what the guest has committed) ,weight=1..10000\n"
	  ",auto (this machine's memory pressure decides): dynamic memory (docs/balloon-host.md);\n"
	  "for tests ,dm=0.3|1.0|2.0 (newest version) ,without=balloon+hot-add+hot-remove",
	  parse_memory, NO_FIELD },
	{ "--generation", "1|2",
	  "1: disks are on the IDE controller and NICs have model=tulip unless controller= or model= says otherwise;\n"
	  "2 (default): they are synthetic",
	  parse_count, FIELD(generation), 1, 2 },
	{ "--disk", "SPEC",
	  "a synthetic SCSI disk, may be repeated: file=PATH or null=SIZE, then any of\n"
	  ",lun=N ,controller=N ,ro ,block=512|4096 ,serial=STRING ,direct=on|off ,unmap=on|off\n"
	  "(lun defaults to the next free one; two commas stand for one in a PATH). controller=ide: an emulated\n"
	  "IDE disk instead, lun= 0 primary master, 1 primary slave, 2 secondary master, 3 secondary slave",
	  parse_disk, .repeats = true },
	{ "--controller", "N[,channels=TOTAL]",
	  "controller N is there even without a disk, with up to TOTAL (1 to 64) channels;\n"
	  "default twice as many as virtual processors",
	  parse_controller, .repeats = true },
	{ "--nic", "SPEC",
	  "a synthetic NIC, may be repeated: user, tap=NAME or sink (answers ARP and ping), then any of\n"
	  ",mac=ADDRESS ,mtu=68..9000 ,queues=N (of the network) ,channels=N (of the guest; default one per\n"
	  "virtual processor) ,link=up|down ,nvsp=1|2|4|5|6|6.1 (newest version);\n"
	  "user, too: ,hostfwd=RULE ,dns=ADDRESS ,net=NETWORK. model=tulip: an emulated DEC 21140A instead, which\n"
	  "takes mac= and link= of these",
	  parse_nic, .repeats = true },
	{ "--serial", "SPEC",
	  "first ttyS0, then ttyS1: stdio, null, file=PATH or socket=PATH;\n"
	  "default: ttyS0 is stdio, ttyS1 is null",
	  parse_serial, .repeats = true },
	{ "--control", "PATH", "listen on this Unix socket for \"hvis-host ctl\"", parse_string,
	  FIELD(control), .min = 1 },
	{ "--stats", "FILE", "write statistics as JSON at exit", parse_string, FIELD(stats),
	  .min = 1 },
	{ "--trace", "FILE",
	  "record control messages and ring packets for Wireshark (pcapng), then\n"
	  ",signals=on (doorbells and interrupts, too) ,data=BYTES (of each transfer) ,buffer=SIZE",
	  parse_trace, NO_FIELD },
	{ "--vmbus-version", "X.Y", "newest VMBus version to agree to", parse_version, NO_FIELD },
	{ "--fault", "RULE",
	  "misbehave on purpose, may be repeated; RULE is WHEN:WHAT, for example\n"
	  "packet,to=guest,nth=3:drop (docs/fault.md)",
	  parse_fault, .repeats = true },
	{ "--time-limit", "SECONDS", "stop the guest after that time", parse_count,
	  FIELD(time_limit), 1, 1000000 },
	{ "--hyperv", "SPEC",
	  "on (default), off: an ordinary PC without Hyper-V's interfaces, or what is left out of them, any of\n"
	  "-refcount -reftsc (clocks) -freq (frequencies) -stimer -stimer-direct (timers; only their direct mode)\n"
	  "-apic (MSRs) -crash (report) -relaxed -apic-advice -aeoi (advice on timing, for APIC MSRs, against AutoEOI)\n"
	  "-tlbflush -ipi -ex (hypercalls, their Ex form) -spin, and spin=N: tries for a spinlock before the hypervisor\n"
	  "is told, apicv=on|off: advice as if the processor did APICs, or not (default: what KVM says); with commas between",
	  parse_hyperv, NO_FIELD },
	{ "--services", "LIST",
	  "integration services to offer: off, or any of timesync,heartbeat,shutdown, each with =VERSION, the newest to\n"
	  "agree to (docs/services.md); default all",
	  parse_services, NO_FIELD },
	{ "--verbose", NULL, "say more on stderr", parse_switch, FIELD(verbose) },
	{ "--help", NULL, "this text", parse_switch, FIELD(help) },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROWS <= 64, "one bit each in options.seen");

static const struct row *find_row(const char *argument, size_t length)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strlen(rows[i].name) == length && !strncmp(rows[i].name, argument, length))
			return &rows[i];
	return NULL;
}

/* "--name value" and "--name=value". Return: arguments used, or negative errno. */
static int parse_one(struct options *options, int count, char *const *arguments, char *error)
{
	size_t length = strcspn(arguments[0], "=");
	const struct row *row = find_row(arguments[0], length);
	const char *value = NULL;
	int used = 1;
	int ret;

	if (!row) {
		error_set(error, "%.120s: unknown %s (try hvis-host --help)", arguments[0], arguments[0][0] == '-' ? "option" : "argument");
		return -EINVAL;
	}
	if (arguments[0][length] == '=')
		value = arguments[0] + length + 1;
	if (!row->value && value)
		return fail(error, row, value, "takes no value");
	if (row->value && !value) {
		if (count < 2) {
			error_set(error, "%s: needs a value (%s)", row->name, row->value);
			return -EINVAL;
		}
		value = arguments[1];
		used = 2;
	}
	/* The last one would win in silence, whichever was meant. */
	if (row->value && !row->repeats && options->seen & 1ull << (row - rows))
		return fail(error, row, value, "is given twice");
	options->seen |= 1ull << (row - rows);
	ret = row->parse(options, row, value, error);
	return ret ? ret : used;
}

static int refuse_place(const struct option_disk *disk, char *error)
{
	const char *why = disk->lun_given ? "this LUN is taken twice" : "no LUN is free";

	if (disk->controller == OPTIONS_CONTROLLER_IDE)
		error_set(error, "--disk %.120s: %s on the IDE controller, which takes four disks", disk->argument, why);
	else
		error_set(error, "--disk %.120s: %s on controller %u", disk->argument, why, disk->controller);
	return -EINVAL;
}

static int refuse_generation(const char *option, const char *argument, const char *wrong, char *error)
{
	error_set(error, "%s %.100s: %s (as --generation 1 has it)", option, argument, wrong);
	return -EINVAL;
}

/* The generation may be given behind the devices. */
static int settle(struct options *options, char *error)
{
	const char *wrong;

	for (unsigned int i = 0; i < options->disk_count; i++) {
		wrong = option_disk_settle(&options->disks[i], options->generation);
		if (wrong)
			return refuse_generation("--disk", options->disks[i].argument, wrong, error);
	}
	for (unsigned int i = 0; i < options->nic_count; i++) {
		wrong = option_nic_settle(&options->nics[i], options->generation);
		if (wrong)
			return refuse_generation("--nic", options->nics[i].argument, wrong, error);
	}
	return 0;
}

static int finish(struct options *options, char *error)
{
	const struct option_disk *clash;

	if (!options->kernel) {
		error_set(error, "--kernel: is required");
		return -EINVAL;
	}
	if (settle(options, error))
		return -EINVAL;
	if (!options->serial_count)
		options->serials[options->serial_count++] = "stdio";
	clash = option_disk_assign_luns(options->disks, options->disk_count);
	return clash ? refuse_place(clash, error) : 0;
}

int options_parse(struct options *options, int count, char *const *arguments, char *error)
{
	memset(options, 0, sizeof(*options));
	options->cpus = 1;
	options->generation = 2;
	options->memory = (struct option_memory){ .startup = 1ull << 30, .min = 1ull << 30, .max = 1ull << 30 };
	options->hyperv = true;
	option_services_default(&options->services);
	while (count > 0) {
		int used = parse_one(options, count, arguments, error);

		if (used < 0)
			return used;
		if (options->help)
			return 0;
		count -= used;
		arguments += used;
	}
	return finish(options, error);
}

void options_free(struct options *options)
{
	for (unsigned int i = 0; i < options->disk_count; i++)
		free(options->disks[i].copy);
	options->disk_count = 0;
	for (unsigned int i = 0; i < options->nic_count; i++)
		free(options->nics[i].copy);
	options->nic_count = 0;
	free(options->trace_copy);
	options->trace_copy = NULL;
}

void options_help(FILE *file)
{
	for (size_t i = 0; i < ROWS; i++) {
		const char *line = rows[i].help;
		char left[40];

		snprintf(left, sizeof(left), "%s %s", rows[i].name,
			 rows[i].value ? rows[i].value : "");
		while (line) {
			size_t length = strcspn(line, "\n");

			fprintf(file, "  %-22s %.*s\n", left, (int)length, line);
			line = line[length] ? line + length + 1 : NULL;
			left[0] = 0;
		}
	}
}
