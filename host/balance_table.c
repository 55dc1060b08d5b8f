// SPDX-License-Identifier: GPL-2.0
/* See balance_table.h. On a terminal the table stays where it is; elsewhere each round is a table of its own. */
#include "balance_table.h"

#include <stdio.h>
#include <time.h>

#define MIB(bytes) ((unsigned long long)(bytes) >> 20)

/* What VMs may use by now: nothing of one that is gone. */
static uint64_t sum_of(const struct balance_table *table)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < table->count; i++)
		sum += table->vms[i].seen ? table->vms[i].numbers.assigned : 0;
	return sum;
}

static json_t *vm_json(const struct balance_member *vm, uint64_t wanted)
{
	const struct balance_vm *numbers = &vm->numbers;
	json_t *object = json_pack("{s:s, s:s}", "name", vm->name, "state", balance_vm_state(vm));

	if (!vm->seen)
		return object;
	json_object_set_new(object, "min", json_integer((json_int_t)numbers->min));
	json_object_set_new(object, "max", json_integer((json_int_t)numbers->max));
	json_object_set_new(object, "weight", json_integer(numbers->weight));
	json_object_set_new(object, "demand", numbers->known ? json_integer((json_int_t)numbers->demand) : json_null());
	json_object_set_new(object, "assigned", json_integer((json_int_t)numbers->assigned));
	json_object_set_new(object, "target", json_integer((json_int_t)numbers->target));
	json_object_set_new(object, "share", json_integer((json_int_t)wanted));
	json_object_set_new(object, "rss", json_integer(vm->rss));
	return object;
}

static void print_json(const struct balance_table *table)
{
	struct timespec time;
	json_t *vms = json_array(), *all;

	clock_gettime(CLOCK_REALTIME, &time);
	for (unsigned int i = 0; i < table->count; i++)
		json_array_append_new(vms, vm_json(&table->vms[i], table->wanted[i]));
	all = json_pack("{s:f, s:I, s:I, s:o}", "time", (double)time.tv_sec + (double)time.tv_nsec / 1e9, "total", (json_int_t)table->total,
			"assigned", (json_int_t)sum_of(table), "vms", vms);
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
}

static void print_vm(const struct balance_member *vm, uint64_t wanted)
{
	char demand[24] = "?";

	if (!vm->seen) {
		printf("%-20.20s %8s %8s %8s %8s %8s %8s  %s", vm->name, "-", "-", "-", "-", "-", "-", balance_vm_state(vm));
		return;
	}
	if (vm->numbers.known)
		snprintf(demand, sizeof(demand), "%llu", MIB(vm->numbers.demand));
	printf("%-20.20s %8llu %8llu %8s %8llu %8llu %8llu  %s", vm->name, MIB(vm->numbers.min), MIB(vm->numbers.max), demand, MIB(wanted),
	       MIB(vm->numbers.assigned), MIB((uint64_t)vm->rss), balance_vm_state(vm));
}

/* To the end of the line nothing of the last time is left. */
static void end_line(struct balance_table *table)
{
	printf("%s\n", table->terminal ? "\033[K" : "");
	table->lines++;
}

static void print_table(struct balance_table *table)
{
	if (table->terminal && table->lines)
		printf("\033[%uA", table->lines);
	table->lines = 0;
	printf("%-20s %8s %8s %8s %8s %8s %8s  MiB", "vm", "min", "max", "demand", "share", "assigned", "rss");
	end_line(table);
	for (unsigned int i = 0; i < table->count; i++) {
		print_vm(&table->vms[i], table->wanted[i]);
		end_line(table);
	}
	printf("%-20s %44llu of %llu", "all", MIB(sum_of(table)), MIB(table->total));
	end_line(table);
}

void balance_table_print(struct balance_table *table)
{
	if (table->json)
		print_json(table);
	else
		print_table(table);
	fflush(stdout);
}

void balance_table_end(struct balance_table *table)
{
	table->lines = 0;
	fflush(stdout);
}
