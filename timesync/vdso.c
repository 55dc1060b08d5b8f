// SPDX-License-Identifier: GPL-2.0
/*
 * That programs may read the reference TSC page by themselves. The vDSO of every kernel has the code (VDSO_CLOCKMODE_HVCLOCK), and the kernel
 * maps its own page, hv_get_tsc_page(), on the first touch, but only if it believes that its own clocksource has been used: variables that
 * nobody has told if it was booted with nopv. A program whose clock is in that mode would die of SIGBUS. So the kernel is told:
 *
 *  - the bit in vclocks_used, by the kernel's own function for that, the enable callback of its clocksource;
 *  - from 6.2 on, the page frame number in tsc_pfn, which the exported hv_get_tsc_pfn() returns: where it lies is in that function's only
 *    load. What was written is read back through the function.
 *
 * Both stay, also after unload, and that is the point: a program may have been stopped between reading the mode and touching the page, for as
 * long as it likes, and will find the page whenever it goes on. The page lies in vmlinux, so it is there; its sequence says invalid then, and
 * the vDSO asks the kernel. A hook on vvar_fault() could never be taken back safely. Nothing of this module is left in the kernel.
 * Invariant: the clocksource says HVCLOCK only after vdso_allow() returned 0.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/clocksource.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <asm/ibt.h>
#include <clocksource/hyperv_timer.h>

#include "internal.h"

#define ENABLE_SYMBOL "hv_cs_enable"
#define PFN_SYMBOL "hv_get_tsc_pfn"

/* endbr64, the tracer's call, then mov disp32(%rip),%rax. */
#define FENTRY_BYTES 5
#define LOAD_BYTES 7

/* Where a function of the kernel begins. Kprobes know by name what is not exported; the probe is gone before it was ever hit. */
static void *find_function(const char *name)
{
	struct kprobe probe = { .symbol_name = name };
	char *address;

	if (register_kprobe(&probe))
		return NULL;
	address = (char *)probe.addr;
	unregister_kprobe(&probe);
	/* They begin behind the landing pad, an indirect call must begin on it. */
	if (is_endbr(*(u32 *)(address - ENDBR_INSN_SIZE)))
		address -= ENDBR_INSN_SIZE;
	return address;
}

static int mark_used(void)
{
	int (*enable)(struct clocksource *cs) = find_function(ENABLE_SYMBOL);

	return enable ? enable(NULL) : -ENOENT;
}

/* The variable that the function returns, or NULL if it does not look as expected. */
static unsigned long *returned_variable(const u8 *code)
{
	s32 distance;

	if (is_endbr(*(const u32 *)code))
		code += ENDBR_INSN_SIZE;
	code += FENTRY_BYTES;
	if (code[0] != 0x48 || code[1] != 0x8b || code[2] != 0x05)
		return NULL;
	memcpy(&distance, code + 3, sizeof(distance));
	return (unsigned long *)(code + LOAD_BYTES + distance);
}

static int write_pfn(unsigned long (*get)(void), unsigned long pfn)
{
	unsigned long *variable = returned_variable((const u8 *)get);

	if (get() == pfn)
		return 0;
	if (!variable || READ_ONCE(*variable) != get())
		return -ENOENT;
	WRITE_ONCE(*variable, pfn);
	return get() == pfn ? 0 : -EIO;
}

static int tell_pfn(void)
{
	unsigned long (*get)(void) = (void *)__symbol_get(PFN_SYMBOL);
	int error;

	/* Before 6.2 the kernel computes it. */
	if (!get)
		return 0;
	error = write_pfn(get, virt_to_phys(hv_get_tsc_page()) >> PAGE_SHIFT);
	__symbol_put(PFN_SYMBOL);
	return error;
}

/**
 * vdso_allow() - the kernel maps the page into programs that touch it, from now on and for good
 *
 * May sleep. Return: 0; negative errno: this kernel is not as expected, and nothing has been changed that matters.
 */
int vdso_allow(void)
{
	int error = tell_pfn();

	return error ? error : mark_used();
}
