// SPDX-License-Identifier: GPL-2.0
// links: host/options.c host/options_memory.c host/options_disk.c host/options_trace.c host/loop.c host/options_nic.c host/options_spec.c host/error.c
// links: host/options_hyperv.c host/options_services.c host/hyperv_leaves.c
// links: host/fault.c host/fault_parse.c host/fault_edit.c host/fault_hold.c
// links: host/fault_names.c
/*
 * The command line of "hvis-host run": every option with good and bad values, and that each refusal
 * is one line which names the argument.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "options.h"
#include "options_nic.h"
#include "wire/chanmsg.h"

#define GIB (1ull << 30)
#define ARGUMENTS_MAX 600

static struct options options;
static char error[ERROR_BYTES];

/* Splits at blanks, as a shell would. The words live as long as the options. */
static int parse(const char *line)
{
	static char copy[16384];
	static char *words[ARGUMENTS_MAX];
	int count = 0;

	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	for (char *word = strtok(copy, " "); word && count < ARGUMENTS_MAX;
	     word = strtok(NULL, " "))
		words[count++] = word;
	memset(error, 0, sizeof(error));
	return options_parse(&options, count, words, error);
}

static int teardown(void **state)
{
	(void)state;
	options_free(&options);
	return 0;
}

static void take(const char *line)
{
	options_free(&options);
	assert_int_equal(parse(line), 0);
	assert_string_equal(error, "");
}

static void refuse(const char *line, const char *message)
{
	options_free(&options);
	assert_int_equal(parse(line), -EINVAL);
	assert_string_equal(error, message);
	assert_null(strchr(error, '\n'));
}

static void defaults(void **state)
{
	(void)state;
	take("--kernel k");
	assert_string_equal(options.kernel, "k");
	assert_null(options.initrd);
	assert_null(options.append);
	assert_int_equal(options.cpus, 1);
	assert_int_equal(options.memory.startup, GIB);
	assert_int_equal(options.disk_count, 0);
	assert_int_equal(options.serial_count, 1);
	assert_string_equal(options.serials[0], "stdio");
	assert_int_equal(options.vmbus_version, 0);
	assert_int_equal(options.time_limit, 0);
	assert_true(options.hyperv);
	assert_false(options.verbose);
}

static void everything(void **state)
{
	(void)state;
	take("--kernel=k --initrd i --append=a=b,c --cpus 4 --memory 512M --disk null=1G"
	     " --serial null --serial file=/s --control /c --stats /t --vmbus-version 4.1"
	     " --time-limit 30 --verbose --hyperv off");
	assert_string_equal(options.kernel, "k");
	assert_string_equal(options.initrd, "i");
	assert_string_equal(options.append, "a=b,c");
	assert_int_equal(options.cpus, 4);
	assert_int_equal(options.memory.startup, GIB / 2);
	assert_int_equal(options.disk_count, 1);
	assert_int_equal(options.serial_count, 2);
	assert_string_equal(options.serials[1], "file=/s");
	assert_string_equal(options.control, "/c");
	assert_string_equal(options.stats, "/t");
	assert_int_equal(options.vmbus_version, VMBUS_VERSION_WIN10_V4_1);
	assert_int_equal(options.time_limit, 30);
	assert_true(options.verbose);
	assert_false(options.hyperv);
}

static void unknown_and_incomplete(void **state)
{
	(void)state;
	refuse("--kernel k --flux", "--flux: unknown option (try hvis-host --help)");
	refuse("--kernel k --kern=x", "--kern=x: unknown option (try hvis-host --help)");
	refuse("--kernel k stray", "stray: unknown argument (try hvis-host --help)");
	refuse("--kernel", "--kernel: needs a value (FILE)");
	refuse("--kernel k --memory", "--memory: needs a value (SPEC)");
	refuse("--kernel k --verbose=1", "--verbose 1: takes no value");
	refuse("--cpus 2", "--kernel: is required");
	refuse("", "--kernel: is required");
	refuse("--kernel=", "--kernel '': must not be empty");
}

static void help_wins(void **state)
{
	(void)state;
	take("--help");
	assert_true(options.help);
	take("--cpus 3 --help --nonsense");
	assert_true(options.help);
}

static void sizes(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	assert_true(options_parse_size("0", &bytes) && bytes == 0);
	assert_true(options_parse_size("4096", &bytes) && bytes == 4096);
	assert_true(options_parse_size("3k", &bytes) && bytes == 3072);
	assert_true(options_parse_size("2T", &bytes) && bytes == 2ull << 40);
	assert_true(options_parse_size("18446744073709551615", &bytes) && bytes == UINT64_MAX);
	assert_false(options_parse_size("", &bytes));
	assert_false(options_parse_size("G", &bytes));
	assert_false(options_parse_size("-1", &bytes));
	assert_false(options_parse_size(" 1", &bytes));
	assert_false(options_parse_size("1GB", &bytes));
	assert_false(options_parse_size("1.5G", &bytes));
	assert_false(options_parse_size("0x10", &bytes));
	assert_false(options_parse_size("18446744073709551616", &bytes));
	assert_false(options_parse_size("16777216T", &bytes));
}

static void memory(void **state)
{
	(void)state;
	take("--kernel k --memory 1M");
	take("--kernel k --memory 128G");
	refuse("--kernel k --memory lots", "--memory lots: must be a size, for example 512M or 2G, or startup=SIZE,min=SIZE,max=SIZE");
	refuse("--kernel k --memory 0", "--memory 0: must be from 1M to 128G");
	refuse("--kernel k --memory 129G", "--memory 129G: must be from 1M to 128G");
	refuse("--kernel k --memory 16777216T",
	       "--memory 16777216T: must be a size, for example 512M or 2G, or startup=SIZE,min=SIZE,max=SIZE");
	refuse("--kernel k --memory 1048577", "--memory 1048577: must be a multiple of 4K");
}

static void numbers(void **state)
{
	(void)state;
	take("--kernel k --cpus 64");
	refuse("--kernel k --cpus 0", "--cpus 0: must be a number from 1 to 64");
	refuse("--kernel k --cpus 65", "--cpus 65: must be a number from 1 to 64");
	refuse("--kernel k --cpus 2x", "--cpus 2x: must be a number from 1 to 64");
	refuse("--kernel k --cpus -1", "--cpus -1: must be a number from 1 to 64");
	refuse("--kernel k --cpus 4294967297", "--cpus 4294967297: must be a number from 1 to 64");
	refuse("--kernel k --time-limit 0", "--time-limit 0: must be a number from 1 to 1000000");
	refuse("--kernel k --hyperv maybe", "--hyperv maybe: must be on or off, or begin with a minus sign: what is left out (hvis-host --help)");
}

static void hyperv_features(void **state)
{
	(void)state;
	take("--kernel k --hyperv -tlbflush,-spin");
	assert_true(options.hyperv);
	assert_true(hyperv_feature_off(&options.hyperv_features, "tlbflush"));
	assert_true(hyperv_feature_off(&options.hyperv_features, "spin"));
	assert_false(hyperv_feature_off(&options.hyperv_features, "ipi"));
	assert_false(hyperv_feature_off(&options.hyperv_features, "crash"));
	take("--kernel k --hyperv spin=0x200,-crash");
	assert_true(options.hyperv_features.spin_given);
	assert_int_equal(options.hyperv_features.spin, 0x200);
	assert_true(hyperv_feature_off(&options.hyperv_features, "crash"));
	refuse("--kernel k --hyperv -tlbflus",
	       "--hyperv -tlbflus: '-tlbflus': must be -refcount -reftsc -freq -stimer -stimer-direct -apic -crash -relaxed -apic-advice -aeoi "
	       "-tlbflush -ipi -ex -spin");
	refuse("--kernel k --hyperv -ipi,", "--hyperv -ipi,: must be on or off, or begin with a minus sign: what is left out "
					    "(hvis-host --help)");
	assert_int_equal(options.hyperv_features.apicv, HYPERV_APICV_ASK_KVM);
	take("--kernel k --hyperv apicv=off,-aeoi");
	assert_int_equal(options.hyperv_features.apicv, HYPERV_APICV_OFF);
	assert_true(hyperv_feature_off(&options.hyperv_features, "aeoi"));
	take("--kernel k --hyperv apicv=on");
	assert_int_equal(options.hyperv_features.apicv, HYPERV_APICV_ON);
	refuse("--kernel k --hyperv apicv=auto", "--hyperv apicv=auto: apicv= must be on or off: whether advice is for processors that do APICs");
	refuse("--kernel k --hyperv spin=", "--hyperv spin=: spin= needs a number up to 0xffffffff, which is never");
	refuse("--kernel k --hyperv spin=0x100000000", "--hyperv spin=0x100000000: spin= needs a number up to 0xffffffff, which is never");
	refuse("--kernel k --hyperv spin=-1", "--hyperv spin=-1: spin= needs a number up to 0xffffffff, which is never");
}

static void host_cpus(void **state)
{
	(void)state;
	take("--kernel k");
	assert_int_equal(options.host_cpu_count, 0);
	take("--kernel k --host-cpus 0,0-0");
	assert_int_equal(options.host_cpu_count, 2);
	assert_int_equal(options.host_cpus[1], 0);
	refuse("--kernel k --host-cpus 1000", "--host-cpus 1000: processor 1000 is not one that this process may run on");
	refuse("--kernel k --host-cpus 0,", "--host-cpus 0,: must be processors of this machine, for example 0 or 0,2-3");
	refuse("--kernel k --host-cpus 3-0", "--host-cpus 3-0: must be processors of this machine, for example 0 or 0,2-3");
	refuse("--kernel k --host-cpus -1", "--host-cpus -1: must be processors of this machine, for example 0 or 0,2-3");
	refuse("--kernel k --host-cpus 99999999999", "--host-cpus 99999999999: must be processors of this machine, for example 0 or 0,2-3");
}

static void services(void **state)
{
	(void)state;
	take("--kernel k");
	assert_true(options.services.timesync.on && options.services.heartbeat.on && options.services.shutdown.on);
	assert_int_equal(options.services.timesync.version_max.major, 0);
	take("--kernel k --services off");
	assert_false(options.services.timesync.on || options.services.heartbeat.on || options.services.shutdown.on);
	take("--kernel k --services shutdown=3.1,timesync=1.0");
	assert_true(options.services.timesync.on && options.services.shutdown.on);
	assert_false(options.services.heartbeat.on);
	assert_int_equal(options.services.shutdown.version_max.minor, 1);
	assert_int_equal(options.services.timesync.version_max.major, 1);
	refuse("--kernel k --services timesync=3", "--services timesync=3: timesync= must be 1.0, 3.0 or 4.0 (off, or any of timesync, heartbeat, "
						   "shutdown)");
	refuse("--kernel k --services timesync=0 3", "--services timesync=0: timesync= must be 1.0, 3.0 or 4.0 (off, or any of timesync, heartbeat, "
						     "shutdown)");
	refuse("--kernel k --services kvp", "--services kvp: unknown part 'kvp' (off, or any of timesync, heartbeat, shutdown)");
	refuse("--kernel k --services off,off", "--services off,off: unknown part 'off' (off, or any of timesync, heartbeat, shutdown)");
}

static void vmbus_versions(void **state)
{
	(void)state;
	take("--kernel k --vmbus-version 3.0");
	assert_int_equal(options.vmbus_version, VMBUS_VERSION_WIN8_1);
	take("--kernel k --vmbus-version 5.3");
	assert_int_equal(options.vmbus_version, VMBUS_VERSION_WIN10_V5_3);
	refuse("--kernel k --vmbus-version 5.4",
	       "--vmbus-version 5.4: must be 3.0, 4.0, 4.1, 5.0, 5.1, 5.2 or 5.3");
	refuse("--kernel k --vmbus-version 5",
	       "--vmbus-version 5: must be 3.0, 4.0, 4.1, 5.0, 5.1, 5.2 or 5.3");
}

static void serials(void **state)
{
	(void)state;
	take("--kernel k --serial null --serial stdio");
	take("--kernel k --serial socket=/x --serial file=y");
	take("--kernel k --fault packet,to=guest,nth=3:drop --fault message,type=open:delay,ms=5");
	assert_int_equal(options.fault_count, 2);
	refuse("--kernel k --fault packet:dorp",
	       "--fault packet:dorp: 'dorp' is nothing that could be done");
	refuse("--kernel k --fault now:silent",
	       "--fault now:silent: 'now' is only for a guest that runs (ctl)");
	refuse("--kernel k --serial tty",
	       "--serial tty: must be stdio, null, file=PATH or socket=PATH");
	refuse("--kernel k --serial file=",
	       "--serial file=: must be stdio, null, file=PATH or socket=PATH");
	refuse("--kernel k --serial stdio --serial stdio",
	       "--serial stdio: is the first port's already");
	refuse("--kernel k --serial null --serial null --serial null",
	       "--serial null: there are only two serial ports");
}

static void trace(void **state)
{
	(void)state;
	take("--kernel k");
	assert_null(options.trace.path);
	take("--kernel k --trace t.pcapng");
	assert_string_equal(options.trace.path, "t.pcapng");
	assert_false(options.trace.signals);
	assert_int_equal(options.trace.data, 0);
	take("--kernel k --trace=a,,b,signals=on,data=4K,buffer=1M");
	assert_string_equal(options.trace.path, "a,b");
	assert_true(options.trace.signals);
	assert_int_equal(options.trace.data, 4096);
	assert_int_equal(options.trace.buffer, 1 << 20);
	refuse("--kernel k --trace ,data=1", "--trace ,data=1: needs a file first");
	refuse("--kernel k --trace f,data=65K", "--trace f,data=65K: data= needs a size up to 64K");
	refuse("--kernel k --trace f,signals", "--trace f,signals: signals= must be on or off");
	refuse("--kernel k --trace f,buffer=1K",
	       "--trace f,buffer=1K: buffer= needs a size from 64K to 1G");
	refuse("--kernel k --trace f,colour=red",
	       "--trace f,colour=red: after the file come signals=on|off, data=BYTES, buffer=BYTES");
	refuse("--kernel k --trace f --trace g", "--trace g: is given twice");
}

static void disk_parts(void **state)
{
	const struct option_disk *disk = &options.disks[0];

	(void)state;
	take("--kernel k --disk file=/a,,b=c,lun=5,controller=2,ro,block=4096,serial=S-1"
	     ",direct=off,unmap=off");
	assert_int_equal(options.disk_count, 1);
	assert_string_equal(disk->disk.path, "/a,b=c");
	assert_string_equal(disk->disk.serial, "S-1");
	assert_int_equal(disk->lun, 5);
	assert_int_equal(disk->controller, 2);
	assert_int_equal(disk->disk.block_bytes, 4096);
	assert_true(disk->disk.read_only);
	assert_false(disk->disk.direct);
	assert_false(disk->disk.unmap);

	take("--kernel k --disk null=10G");
	assert_null(disk->disk.path);
	assert_null(disk->disk.serial);
	assert_int_equal(disk->disk.null_bytes, 10 * GIB);
	assert_int_equal(disk->disk.block_bytes, 512);
	assert_false(disk->disk.read_only);
	assert_true(disk->disk.direct);
	assert_true(disk->disk.unmap);
}

static void bad_disk_parts(void **state)
{
	static const struct {
		const char *spec, *what;
	} bad[] = {
		{ "lun=1", "needs either file=PATH or null=SIZE" },
		{ "file=a,null=1G", "needs either file=PATH or null=SIZE" },
		{ "/some/path", "unknown part '/some/path'" },
		{ "file=", "file= needs a path" },
		{ "file=a,", "unknown part ''" },
		{ "file=a,cache=none", "unknown part 'cache'" },
		{ "null=0", "null= needs a size, for example null=10G" },
		{ "null=big", "null= needs a size, for example null=10G" },
		{ "null=8388608T", "null= needs a size, for example null=10G" },
		{ "null=1000", "null= must be a multiple of the block size, 512" },
		{ "null=512,block=4096", "null= must be a multiple of the block size, 4096" },
		{ "file=a,lun=64", "lun= needs a number from 0 to 63" },
		{ "file=a,lun=1K", "lun= needs a number from 0 to 63" },
		{ "file=a,lun", "lun= needs a number from 0 to 63" },
		{ "file=a,controller=4", "controller= needs a number from 0 to 3, or ide" },
		{ "file=a,lun=4,controller=ide", "lun= needs a number from 0 to 3 with controller=ide" },
		{ "file=a,controller=ide,block=4096", "block= must be 512 with controller=ide" },
		{ "file=a,ro=yes", "ro takes no value" },
		{ "file=a,block=1024", "block= must be 512 or 4096" },
		{ "file=a,serial=", "serial= needs 1 to 31 characters" },
		{ "file=a,serial=12345678901234567890123456789012",
		  "serial= needs 1 to 31 characters" },
		{ "file=a,serial=\x01", "serial= needs printable characters without blanks" },
		{ "file=a,direct=auto", "direct= must be on or off" },
		{ "file=a,unmap", "unmap= must be on or off" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[256], message[ERROR_BYTES];

		snprintf(line, sizeof(line), "--kernel k --disk %s", bad[i].spec);
		snprintf(message, sizeof(message), "--disk %s: %s", bad[i].spec, bad[i].what);
		refuse(line, message);
	}
}

static void luns(void **state)
{
	(void)state;
	take("--kernel k --disk null=1G --disk null=1G,lun=0 --disk null=1G,lun=2 --disk null=1G"
	     " --disk null=1G,controller=1 --disk null=1G");
	assert_int_equal(options.disks[0].lun, 1);
	assert_int_equal(options.disks[1].lun, 0);
	assert_int_equal(options.disks[2].lun, 2);
	assert_int_equal(options.disks[3].lun, 3);
	assert_int_equal(options.disks[4].lun, 0);
	assert_int_equal(options.disks[5].lun, 4);
	take("--kernel k --disk null=1G,lun=7 --disk null=1G,lun=7,controller=1");
	refuse("--kernel k --disk null=1G,lun=7 --disk null=2G,lun=7",
	       "--disk null=2G,lun=7: this LUN is taken twice on controller 0");
}

static void ide_disks_have_four_places(void **state)
{
	(void)state;
	take("--kernel k --disk null=1G,controller=ide --disk null=1G,controller=ide,lun=0 --disk null=1G"
	     " --disk null=1G,controller=ide");
	assert_int_equal(options.disks[0].controller, OPTIONS_CONTROLLER_IDE);
	assert_int_equal(options.disks[0].lun, 1);
	assert_int_equal(options.disks[1].lun, 0);
	assert_int_equal(options.disks[2].controller, 0);
	assert_int_equal(options.disks[2].lun, 0);
	assert_int_equal(options.disks[3].lun, 2);
	refuse("--kernel k --disk null=1G,controller=ide --disk null=1G,controller=ide --disk null=1G,controller=ide"
	       " --disk null=1G,controller=ide --disk null=5G,controller=ide",
	       "--disk null=5G,controller=ide: no LUN is free on the IDE controller, which takes four disks");
	refuse("--kernel k --disk null=1G,controller=ide,lun=3 --disk null=2G,controller=ide,lun=3",
	       "--disk null=2G,controller=ide,lun=3: this LUN is taken twice on the IDE controller, which takes four disks");
}

static void too_many_disks(void **state)
{
	char line[16384] = "--kernel k";
	size_t used = strlen(line);

	(void)state;
	for (unsigned int i = 0; i < 64; i++)
		used += sprintf(line + used, " --disk null=1G");
	take(line);
	assert_int_equal(options.disks[63].lun, 63);
	sprintf(line + used, " --disk null=2G");
	refuse(line, "--disk null=2G: no LUN is free on controller 0");
	for (unsigned int i = 64; i < OPTIONS_DISKS_MAX; i++)
		used += sprintf(line + used, " --disk null=1G,controller=%u", i / 64);
	take(line);
	assert_int_equal(options.disks[255].lun, 63);
	sprintf(line + used, " --disk null=2G");
	refuse(line, "--disk null=2G: too many disks");
}

static void nothing_is_overruled_in_silence(void **state)
{
	(void)state;
	refuse("--memory 1G --memory 2G", "--memory 2G: is given twice");
	refuse("--kernel a --kernel a", "--kernel a: is given twice");
	refuse("--cpus=1 --cpus 2", "--cpus 2: is given twice");
	refuse("--disk null=1M,lun=1,lun=2", "--disk null=1M,lun=1,lun=2: lun is given twice");
	refuse("--disk file=a,file=b", "--disk file=a,file=b: file is given twice");
	take("--kernel k --verbose --verbose --disk null=1M --disk null=1M");
}

static void controllers(void **state)
{
	(void)state;
	take("--kernel k");
	assert_false(options.controllers[0].given);
	take("--kernel k --controller 0 --controller 3,channels=64 --controller 1,channels=1");
	assert_true(options.controllers[0].given);
	assert_int_equal(options.controllers[0].channels, 0);
	assert_int_equal(options.controllers[1].channels, 1);
	assert_false(options.controllers[2].given);
	assert_int_equal(options.controllers[3].channels, 64);
	refuse("--controller 4", "--controller 4: needs a number from 0 to 3 first");
	refuse("--controller channels=2",
	       "--controller channels=2: needs a number from 0 to 3 first");
	refuse("--controller -1", "--controller -1: needs a number from 0 to 3 first");
	refuse("--controller 1,channels=0", "--controller 1,channels=0: after the number "
					    "comes channels= with a number from 1 to 64");
	refuse("--controller 1,channels=65", "--controller 1,channels=65: after the number "
					     "comes channels= with a number from 1 to 64");
	refuse("--controller 1,ro",
	       "--controller 1,ro: after the number comes channels= with a number from 1 to 64");
	refuse("--controller 1 --controller 1", "--controller 1: this controller is given twice");
}

static void long_values_stay_one_line(void **state)
{
	char line[2048];

	(void)state;
	snprintf(line, sizeof(line), "--kernel k --memory %01500d", 0);
	options_free(&options);
	assert_int_equal(parse(line), -EINVAL);
	assert_true(strlen(error) < ERROR_BYTES - 1);
	assert_non_null(strstr(error, ": must be"));
}

/* VMs that know nothing of each other must not get the same address on one switch. */
static void nics_on_taps_have_addresses_of_their_own(void **state)
{
	const uint8_t given[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
	uint8_t mac[5][6];

	(void)state;
	take("--kernel k --nic tap=vm1 --nic tap=vm2 --nic sink --nic sink --nic tap=vm1,mac=52:54:00:12:34:56");
	for (unsigned int i = 0; i < 5; i++)
		option_nic_mac(&options.nics[i], i, mac[i]);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(mac[i][0] & 3, 2);
		for (unsigned int j = 0; j < i; j++)
			assert_memory_not_equal(mac[i], mac[j], 6);
	}
	assert_memory_equal(mac[4], given, 6);
	take("--kernel k --nic tap=vm2");
	option_nic_mac(&options.nics[0], 0, mac[0]);
	assert_memory_equal(mac[0], mac[1], 6);
}

static void adapters_take_what_they_have(void **state)
{
	(void)state;
	take("--kernel k --nic user,model=tulip,mac=52:54:00:12:34:56,link=down,queues=1,channels=1,mtu=1500 --nic sink,model=synthetic");
	assert_true(options.nics[0].tulip && options.nics[0].link_down);
	assert_false(options.nics[1].tulip);
	refuse("--kernel k --nic sink,model=e1000", "--nic sink,model=e1000: model= must be synthetic or tulip");
	refuse("--kernel k --nic sink,model=tulip,queues=2", "--nic sink,model=tulip,queues=2: model=tulip has one queue");
	refuse("--kernel k --nic sink,model=tulip,channels=2", "--nic sink,model=tulip,channels=2: model=tulip has one channel");
	refuse("--kernel k --nic sink,mtu=9000,model=tulip", "--nic sink,mtu=9000,model=tulip: model=tulip has an MTU of 1500");
	refuse("--kernel k --nic sink,nvsp=5,model=tulip", "--nic sink,nvsp=5,model=tulip: model=tulip knows no NVSP: leave nvsp= out");
}

static void generation_1_has_emulated_devices(void **state)
{
	(void)state;
	take("--kernel k --disk null=1G --nic sink");
	assert_int_equal(options.generation, 2);
	assert_int_equal(options.disks[0].controller, 0);
	assert_false(options.nics[0].tulip);
	take("--kernel k --disk null=1G --nic sink --generation 1 --disk null=1G,controller=2 --disk null=1G,controller=ide --nic sink,model=synthetic,mtu=9000");
	assert_int_equal(options.disks[0].controller, OPTIONS_CONTROLLER_IDE);
	assert_int_equal(options.disks[0].lun, 0);
	assert_int_equal(options.disks[1].controller, 2);
	assert_int_equal(options.disks[2].lun, 1);
	assert_true(options.nics[0].tulip);
	assert_false(options.nics[1].tulip);
	take("--kernel k --generation 2 --disk null=1G --disk null=1G,controller=ide --nic sink,model=tulip");
	assert_int_equal(options.disks[0].controller, 0);
	assert_int_equal(options.disks[1].controller, OPTIONS_CONTROLLER_IDE);
	assert_true(options.nics[0].tulip);
	take("--kernel k --generation 1 --disk null=1G,lun=3");
	assert_int_equal(options.disks[0].lun, 3);
}

static void generation_1_takes_what_its_devices_have(void **state)
{
	(void)state;
	refuse("--kernel k --generation 0", "--generation 0: must be a number from 1 to 2");
	refuse("--kernel k --generation 3", "--generation 3: must be a number from 1 to 2");
	refuse("--kernel k --generation gen1", "--generation gen1: must be a number from 1 to 2");
	refuse("--kernel k --generation 1 --generation 2", "--generation 2: is given twice");
	refuse("--kernel k --disk null=1G,block=4096 --generation 1",
	       "--disk null=1G,block=4096: block= must be 512 with controller=ide (as --generation 1 has it)");
	refuse("--kernel k --generation 1 --disk null=1G,lun=4",
	       "--disk null=1G,lun=4: lun= needs a number from 0 to 3 with controller=ide (as --generation 1 has it)");
	refuse("--kernel k --generation 1 --nic sink,mtu=9000", "--nic sink,mtu=9000: model=tulip has an MTU of 1500 (as --generation 1 has it)");
	refuse("--kernel k --generation 1 --disk null=1G --disk null=1G --disk null=1G --disk null=1G --disk null=2G",
	       "--disk null=2G: no LUN is free on the IDE controller, which takes four disks");
}

static void dynamic_memory(void **state)
{
	(void)state;
	take("--kernel k --memory startup=512M,min=256M,max=2G,buffer=30%,weight=7,auto,dm=1.0,without=hot-add+hot-remove");
	assert_true(options.memory.dynamic && options.memory.automatic);
	assert_int_equal(options.memory.startup, GIB / 2);
	assert_int_equal(options.memory.min, GIB / 4);
	assert_int_equal(options.memory.max, 2 * GIB);
	assert_int_equal(options.memory.buffer, 30);
	assert_int_equal(options.memory.weight, 7);
	assert_int_equal(options.memory.version_max, 0x10000);
	assert_int_equal(options.memory.caps_off, 1 << 1 | 1 << 6);
	take("--kernel k --memory startup=512M");
	assert_true(options.memory.dynamic && !options.memory.automatic);
	assert_int_equal(options.memory.min, GIB / 2);
	assert_int_equal(options.memory.max, GIB / 2);
	assert_int_equal(options.memory.buffer, 20);
	assert_int_equal(options.memory.weight, 100);
	take("--kernel k --memory 512M");
	assert_false(options.memory.dynamic);
	assert_int_equal(options.memory.max, GIB / 2);
}

static void bad_dynamic_memory(void **state)
{
	static const struct {
		const char *spec, *what;
	} lines[] = {
		{ "min=1G", "needs startup=SIZE, what the guest has when it starts" },
		{ "startup=0", "startup= needs a size, for example 512M" },
		{ "startup=1G,min=2G", "min= must not be above startup=" },
		{ "startup=1G,max=512M", "max= must not be below startup=" },
		{ "startup=1G,min=4K", "must be from 1M to 128G" },
		{ "startup=1G,max=1T", "must be from 1M to 128G" },
		{ "startup=1G,max=1073741825", "must be a multiple of 4K" },
		{ "startup=1G,startup=1G", "startup is given twice" },
		{ "startup=1G,buffer=20", "buffer= needs a percentage from 0% to 400%" },
		{ "startup=1G,buffer=%", "buffer= needs a percentage from 0% to 400%" },
		{ "startup=1G,buffer=401%", "buffer= needs a percentage from 0% to 400%" },
		{ "startup=1G,weight=0", "weight= needs a number from 1 to 10000" },
		{ "startup=1G,dm=3.0", "dm= must be 0.3, 1.0 or 2.0" },
		{ "startup=1G,auto=on", "auto takes no value" },
		{ "startup=1G,without=balloon+", "without= needs balloon, hot-add or hot-remove, with a plus sign between" },
		{ "startup=1G,without", "without= needs balloon, hot-add or hot-remove, with a plus sign between" },
		{ "startup=1G,maximum=2G", "unknown part 'maximum'" },
		{ "512M,max=1G", "unknown part '512M'" },
	};
	char line[128], message[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(line, sizeof(line), "--kernel k --memory %s", lines[i].spec);
		snprintf(message, sizeof(message), "--memory %s: %s", lines[i].spec, lines[i].what);
		refuse(line, message);
	}
}

static void help_names_every_option(void **state)
{
	static const char *const names[] = { "--kernel",	"--initrd",	"--append",
					     "--cpus",		"--memory",	"--disk",
					     "--serial",	"--control",	"--stats",
					     "--trace",		"--vmbus-version", "--time-limit",
					     "--hyperv",	"--verbose",	"--services", "--host-cpus", "--generation" };
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);

	(void)state;
	options_help(file);
	fclose(file);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(strstr(text, names[i]));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(defaults, teardown),
		cmocka_unit_test_teardown(everything, teardown),
		cmocka_unit_test_teardown(unknown_and_incomplete, teardown),
		cmocka_unit_test_teardown(help_wins, teardown),
		cmocka_unit_test_teardown(sizes, teardown),
		cmocka_unit_test_teardown(memory, teardown),
		cmocka_unit_test_teardown(dynamic_memory, teardown),
		cmocka_unit_test_teardown(bad_dynamic_memory, teardown),
		cmocka_unit_test_teardown(numbers, teardown),
		cmocka_unit_test_teardown(hyperv_features, teardown),
		cmocka_unit_test_teardown(host_cpus, teardown),
		cmocka_unit_test_teardown(services, teardown),
		cmocka_unit_test_teardown(vmbus_versions, teardown),
		cmocka_unit_test_teardown(serials, teardown),
		cmocka_unit_test_teardown(trace, teardown),
		cmocka_unit_test_teardown(disk_parts, teardown),
		cmocka_unit_test_teardown(bad_disk_parts, teardown),
		cmocka_unit_test_teardown(luns, teardown),
		cmocka_unit_test_teardown(ide_disks_have_four_places, teardown),
		cmocka_unit_test_teardown(too_many_disks, teardown),
		cmocka_unit_test_teardown(nothing_is_overruled_in_silence, teardown),
		cmocka_unit_test_teardown(controllers, teardown),
		cmocka_unit_test_teardown(long_values_stay_one_line, teardown),
		cmocka_unit_test_teardown(nics_on_taps_have_addresses_of_their_own, teardown),
		cmocka_unit_test_teardown(adapters_take_what_they_have, teardown),
		cmocka_unit_test_teardown(generation_1_has_emulated_devices, teardown),
		cmocka_unit_test_teardown(generation_1_takes_what_its_devices_have, teardown),
		cmocka_unit_test_teardown(help_names_every_option, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
