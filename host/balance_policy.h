/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One budget of memory for several VMs: who should have how much, and what may be asked of them next. Pure: no state, no clock. Bytes.
 */
#ifndef HVIS_HOST_BALANCE_POLICY_H
#define HVIS_HOST_BALANCE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define BALANCE_VMS_MAX 64u /* at a time */
#define BALANCE_UNIT (2ull << 20) /* shares are multiples of this, but where a VM's min or max is none */
#define BALANCE_DEADBAND (16ull << 20) /* a target that is so near stays; */
#define BALANCE_DEADBAND_PART 64u /* as does one within this part of it */

/**
 * struct balance_vm - what is known of a VM
 * @assigned: what it has; @target: what it is on its way to
 * @demand: what it needs, its buffer included
 * @known: it answers, has a driver and has said what it needs; else it keeps what it has
 * @weight: 1..; where there is not enough for all
 */
struct balance_vm {
	uint64_t min, max, assigned, target, demand;
	unsigned int weight;
	bool known;
};

/**
 * balance_share() - who should have how much of @total
 * @wanted: filled in, one of @count each
 *
 * Each has its min. What is left goes to what they need, in proportion to their weights where it is not enough; and what is left then lets
 * them keep what they have, so that nobody is shrunk for nothing. Return: false: not even min of all fits; then each shall have that.
 */
bool balance_share(const struct balance_vm *vms, unsigned int count, uint64_t total, uint64_t *wanted);

/**
 * balance_step() - the targets to be set now
 * @targets: filled in; a VM's own target: nothing is to be asked of it
 *
 * Who shrinks is asked at once; who grows gets only what nobody has or is on its way to. So the sum of what they have never grows past @total.
 */
void balance_step(const struct balance_vm *vms, unsigned int count, uint64_t total, const uint64_t *wanted, uint64_t *targets);

#endif
