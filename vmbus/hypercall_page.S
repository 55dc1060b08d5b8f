/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hypercall page of a kernel whose own Hyper-V code is off: one whole page of this module's text, which the
 * hypervisor fills in when hypercall.c gives it the page's address. Until then it traps.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>

	.text
	.balign 4096
SYM_CODE_START(hvis_hypercall_page)
	ANNOTATE_NOENDBR
	.rept 4096
	int3
	.endr
SYM_CODE_END(hvis_hypercall_page)
