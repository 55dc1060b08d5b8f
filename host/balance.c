// SPDX-License-Identifier: GPL-2.0
/*
 * The memory balancer: in each round all VMs are asked, then shares are made (balance_policy.h), then who shall have more or less is told.
 * What VMs say is balance_vm.c's, what people see balance_table.c's.
 * Invariant: a round takes no longer than its interval, whatever a VM does.
 */
#include "balance.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "balance_table.h"
#include "options.h"

#define INTERVAL_MIN 0.1
#define INTERVAL_MAX 3600
#define INTERVAL_DEFAULT 0.5 /* guests report each second: so nothing they say waits long */

struct balance {
	struct balance_table table;
	double interval; /* seconds */
	unsigned long rounds; /* 0: for ever */
	bool short_told;
};

static atomic_bool ended; /* a signal says so */

static void end(int signal_number)
{
	(void)signal_number;
	atomic_store(&ended, true);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Hear answers until none is due, or until then. */
static void listen_until(struct balance_table *table, double until)
{
	struct pollfd fds[BALANCE_VMS_MAX];

	while (!ended) {
		double left = until - now();
		bool due = false;

		for (unsigned int i = 0; i < table->count; i++) {
			fds[i] = balance_vm_poll(&table->vms[i]);
			due |= fds[i].fd >= 0;
		}
		if (!due || left <= 0 || poll(fds, table->count, (int)(left * 1000) + 1) <= 0)
			return;
		for (unsigned int i = 0; i < table->count; i++)
			if (fds[i].revents)
				balance_vm_read(&table->vms[i]);
	}
}

/* Those that are there; one that did not answer in time keeps what it has. */
static unsigned int gather(const struct balance_table *table, struct balance_vm *vms, unsigned int *members)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < table->count; i++) {
		const struct balance_member *vm = &table->vms[i];

		if (!vm->seen)
			continue;
		vms[count] = vm->numbers;
		vms[count].known &= vm->link == BALANCE_IDLE;
		members[count++] = i;
	}
	return count;
}

static void share(struct balance *balance)
{
	struct balance_table *table = &balance->table;
	uint64_t wanted[BALANCE_VMS_MAX] = { 0 }, targets[BALANCE_VMS_MAX] = { 0 };
	unsigned int members[BALANCE_VMS_MAX], count;
	struct balance_vm vms[BALANCE_VMS_MAX] = { { 0 } };
	bool enough;

	count = gather(table, vms, members);
	enough = balance_share(vms, count, table->total, wanted);
	if (!enough && !balance->short_told)
		fprintf(stderr, "hvis-host: balance: --total %lluM: is less than what the VMs must have at least\n",
			(unsigned long long)table->total >> 20);
	balance->short_told = !enough;
	balance_step(vms, count, table->total, wanted, targets);
	for (unsigned int i = 0; i < count; i++) {
		table->wanted[members[i]] = wanted[i];
		if (targets[i] != vms[i].target)
			balance_vm_set(&table->vms[members[i]], targets[i]);
	}
}

static void run_round(struct balance *balance)
{
	struct balance_table *table = &balance->table;
	double start = now(), until = start + balance->interval;

	for (unsigned int i = 0; i < table->count; i++)
		balance_vm_ask(&table->vms[i]);
	listen_until(table, start + balance->interval / 2);
	share(balance);
	listen_until(table, until);
	balance_table_print(table);
}

static void rest(double until)
{
	double left = until - now();

	if (left > 0 && !ended)
		usleep((useconds_t)(left * 1e6));
}

static void run(struct balance *balance)
{
	struct sigaction action = { .sa_handler = end };
	double next = now();

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (unsigned long round = 0; !ended && (!balance->rounds || round < balance->rounds); round++) {
		run_round(balance);
		next += balance->interval;
		if (next < now())
			next = now();
		rest(next);
	}
	balance_table_end(&balance->table);
}

static int complain(const char *argument, const char *what)
{
	fprintf(stderr, "hvis-host: balance: %s%s%s\n", argument ? argument : "", argument ? ": " : "", what);
	return 2;
}

static bool parse_number(const char *value, unsigned long max, unsigned long *number)
{
	char *stop;

	*number = strtoul(value, &stop, 10);
	return *value >= '0' && *value <= '9' && !*stop && *number && *number <= max;
}

/* Return: exit status, 0: go on. */
static int parse_option(struct balance *balance, const char *name, const char *value)
{
	char *stop;

	if (!strcmp(name, "--total"))
		return options_parse_size(value, &balance->table.total) && balance->table.total ? 0 : complain(name, "needs a size, for example 4G");
	if (!strcmp(name, "--interval")) {
		balance->interval = strtod(value, &stop);
		if (*value >= '0' && *value <= '9' && !*stop && balance->interval >= INTERVAL_MIN && balance->interval <= INTERVAL_MAX)
			return 0;
		return complain(name, "needs a number of seconds from 0.1 to 3600");
	}
	if (strcmp(name, "--rounds"))
		return complain(name, "unknown option (--total SIZE, --interval SECONDS, --rounds N, --json)");
	return parse_number(value, 1000000000, &balance->rounds) ? 0 : complain(name, "needs a number");
}

static int add_vm(struct balance_table *table, const char *path)
{
	if (table->count == BALANCE_VMS_MAX)
		return complain(path, "too many VMs");
	for (unsigned int i = 0; i < table->count; i++)
		if (!strcmp(table->vms[i].path, path))
			return complain(path, "is given twice");
	balance_vm_init(&table->vms[table->count++], path);
	return 0;
}

static int parse(struct balance *balance, int count, char *const *arguments)
{
	int status = 0;

	for (int i = 0; i < count && !status; i++) {
		if (!strcmp(arguments[i], "--json"))
			balance->table.json = true;
		else if (strncmp(arguments[i], "--", 2))
			status = add_vm(&balance->table, arguments[i]);
		else if (++i == count)
			status = complain(arguments[i - 1], "needs a value");
		else
			status = parse_option(balance, arguments[i - 1], arguments[i]);
	}
	if (!status && !balance->table.total)
		status = complain(NULL, "needs --total SIZE, the memory that all VMs share");
	if (!status && !balance->table.count)
		status = complain(NULL, "needs the control sockets of VMs (run --control PATH)");
	return status;
}

int balance_main(int count, char *const *arguments)
{
	static struct balance balance = { .interval = INTERVAL_DEFAULT }; /* large */
	int status = parse(&balance, count, arguments);

	if (!status) {
		signal(SIGPIPE, SIG_IGN);
		balance.table.terminal = isatty(STDOUT_FILENO);
		run(&balance);
		status = ferror(stdout) ? 1 : 0;
	}
	for (unsigned int i = 0; i < balance.table.count; i++)
		balance_vm_free(&balance.table.vms[i]);
	return status;
}
