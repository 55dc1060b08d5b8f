/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of one VM, put together by main.c and looked at by control.c and stats.c. Nothing below
 * them sees this. All of it belongs to the main thread.
 */
#ifndef HVIS_HOST_MACHINE_H
#define HVIS_HOST_MACHINE_H

#include <signal.h>
#include <time.h>

#include "balloon.h"
#include "clock.h"
#include "hyperv.h"
#include "loop.h"
#include "options.h"
#include "pio.h"
#include "pm.h"
#include "serial.h"
#include "stats.h"
#include "storvsp.h"
#include "synic_internal.h"
#include "trace.h"
#include "tsc_page.h"
#include "vcpu.h"
#include "vm.h"

#define HVIS_HOST_VERSION "0.1.0"
/* At the end, for requests in flight, of each kind of disk: one that works has answered long before. */
#define MACHINE_STOP_LIMIT_MS 10000u

struct control;
struct legacy;

struct machine {
	const struct options *options;
	struct loop *loop;
	struct guestmem *mem;
	struct memory *memory; /* NULL, as the next two, where the guest's is not dynamic */
	struct balloon *balloon;
	struct pressure *pressure;
	struct boot_entry entry;
	struct storvsp *storvsps[OPTIONS_CONTROLLERS_MAX]; /* NULL where no controller is */
	struct storage_leave *leaving; /* storage.c's */
	struct legacy *legacy; /* NULL where no legacy device is */
	struct netvsp *nics[OPTIONS_NICS_MAX]; /* NULL where no NIC is */
	unsigned int nics_plugged; /* so far, while the guest ran */
	struct network_leave *nics_leaving; /* network.c's */
	struct vm *vm;
	struct pio *pio;
	struct pm *pm;
	int serial_irqs[OPTIONS_SERIALS_MAX];
	struct serial *serials[OPTIONS_SERIALS_MAX];
	struct synic *synic;
	struct fault *fault;
	struct vmbus *vmbus;
	struct hyperv hyperv;
	struct vcpus *vcpus;
	struct stats *stats;
	struct clock clock;
	struct timesync *timesync; /* NULL, as the next two, where options leave it out */
	struct heartbeat *heartbeat;
	struct shutdown *shutdown;
	struct loop_op wall; /* services.c's: tells that this machine's clock was set */
	int wall_fd;
	bool paused;
	struct tsc_page tsc_page;
	struct trace *trace;
	struct control *control;
	struct timespec started; /* CLOCK_MONOTONIC */
};

#endif
