/* SPDX-License-Identifier: GPL-2.0 */
#include <one_thread.h>
