/* SPDX-License-Identifier: GPL-2.0 */
/* A module without a loader. */
#ifndef SHIM_LINUX_MODULE_H
#define SHIM_LINUX_MODULE_H

#include <linux/export.h>

struct module;

#define THIS_MODULE		 ((struct module *)NULL)
#define MODULE_LICENSE(text)	 _Static_assert(sizeof(text), "license")
#define MODULE_DESCRIPTION(text) _Static_assert(sizeof(text), "description")
#define MODULE_AUTHOR(text)	 _Static_assert(sizeof(text), "author")

#endif
