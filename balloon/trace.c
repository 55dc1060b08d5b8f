// SPDX-License-Identifier: GPL-2.0
/* The tracepoints of trace.h are made here; who hits them includes trace.h. */
#define CREATE_TRACE_POINTS
#include "trace.h"
