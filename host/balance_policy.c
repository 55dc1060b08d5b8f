// SPDX-License-Identifier: GPL-2.0
/* See balance_policy.h. */
#include "balance_policy.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t clamp(const struct balance_vm *vm, uint64_t value)
{
	return most(vm->min, least(value, vm->max));
}

/* What a VM may have at any moment until it has confirmed something else. */
static uint64_t held(const struct balance_vm *vm)
{
	return most(vm->assigned, vm->target);
}

static uint64_t part_of(uint64_t left, unsigned int weight, uint64_t weights)
{
	return (uint64_t)((__uint128_t)left * weight / weights);
}

/* Weights of those that are below @upto. */
static uint64_t hungry(const struct balance_vm *vms, unsigned int count, const uint64_t *shares, const uint64_t *upto)
{
	uint64_t weights = 0;

	for (unsigned int i = 0; i < count; i++)
		weights += shares[i] < upto[i] ? vms[i].weight : 0;
	return weights;
}

/* Those that a fair part of what is left satisfies get what they lack. Return: whether there was any. */
static bool satisfy(const struct balance_vm *vms, unsigned int count, uint64_t *left, uint64_t *shares, const uint64_t *upto)
{
	uint64_t weights = hungry(vms, count, shares, upto), before = *left;
	bool any = false;

	for (unsigned int i = 0; i < count; i++) {
		if (shares[i] >= upto[i] || upto[i] - shares[i] > part_of(before, vms[i].weight, weights))
			continue;
		*left -= upto[i] - shares[i];
		shares[i] = upto[i];
		any = true;
	}
	return any;
}

/* Raise @shares to @upto, with @left; by weight where that is not enough. */
static void fill(const struct balance_vm *vms, unsigned int count, uint64_t *left, uint64_t *shares, const uint64_t *upto)
{
	uint64_t weights, before;

	while (satisfy(vms, count, left, shares, upto))
		;
	weights = hungry(vms, count, shares, upto);
	before = *left;
	for (unsigned int i = 0; i < count; i++) {
		uint64_t part;

		if (shares[i] >= upto[i])
			continue;
		part = part_of(before, vms[i].weight, weights);
		shares[i] += part;
		*left -= part;
	}
}

/* Return: what is left, or false: not enough. */
static bool begin(const struct balance_vm *vms, unsigned int count, uint64_t *left, uint64_t *shares)
{
	bool enough = true;

	for (unsigned int i = 0; i < count; i++) {
		shares[i] = vms[i].known ? vms[i].min : held(&vms[i]);
		enough &= shares[i] <= *left;
		*left -= least(shares[i], *left);
	}
	return enough;
}

static void round_down(const struct balance_vm *vms, unsigned int count, uint64_t *shares)
{
	for (unsigned int i = 0; i < count; i++)
		if (vms[i].known && shares[i] != vms[i].max && shares[i] != vms[i].assigned)
			shares[i] = most(vms[i].min, shares[i] / BALANCE_UNIT * BALANCE_UNIT);
}

bool balance_share(const struct balance_vm *vms, unsigned int count, uint64_t total, uint64_t *wanted)
{
	uint64_t upto[BALANCE_VMS_MAX] = { 0 }, left = total;

	if (!begin(vms, count, &left, wanted))
		return false;
	for (unsigned int i = 0; i < count; i++)
		upto[i] = vms[i].known ? clamp(&vms[i], vms[i].demand) : wanted[i];
	fill(vms, count, &left, wanted, upto);
	for (unsigned int i = 0; i < count; i++)
		upto[i] = vms[i].known ? clamp(&vms[i], vms[i].assigned) : wanted[i];
	fill(vms, count, &left, wanted, upto);
	round_down(vms, count, wanted);
	return true;
}

static bool near(uint64_t target, uint64_t wanted)
{
	uint64_t distance = target > wanted ? target - wanted : wanted - target;

	return distance <= most(BALANCE_DEADBAND, wanted / BALANCE_DEADBAND_PART);
}

/* Shrinking costs no budget; so does letting go of a target that is too high. What VMs hold then. */
static uint64_t shrink(const struct balance_vm *vms, unsigned int count, const uint64_t *wanted, uint64_t *targets, bool tight)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < count; i++) {
		targets[i] = vms[i].target;
		if (vms[i].known && wanted[i] < vms[i].target && (tight || !near(vms[i].target, wanted[i])))
			targets[i] = wanted[i];
		sum += most(vms[i].assigned, targets[i]);
	}
	return sum;
}

/* Growing back to what it has takes nothing from anybody. Return: how much of @left it takes. */
static uint64_t grow(const struct balance_vm *vm, uint64_t wanted, uint64_t left, uint64_t *target)
{
	uint64_t base = most(vm->assigned, *target), more = wanted > base ? wanted - base : 0;

	if (more > left)
		more = left / BALANCE_UNIT * BALANCE_UNIT;
	*target = least(wanted, base + more);
	return more;
}

void balance_step(const struct balance_vm *vms, unsigned int count, uint64_t total, const uint64_t *wanted, uint64_t *targets)
{
	uint64_t sum = 0, left;

	for (unsigned int i = 0; i < count; i++)
		sum += held(&vms[i]);
	sum = shrink(vms, count, wanted, targets, sum > total);
	left = total > sum ? total - sum : 0;
	for (unsigned int i = 0; i < count; i++)
		if (vms[i].known && wanted[i] > targets[i] && !near(targets[i], wanted[i]))
			left -= grow(&vms[i], wanted[i], left, &targets[i]);
}
