/* SPDX-License-Identifier: GPL-2.0 */
/* Log lines are kept for the test to look at; shim.c has them. */
#ifndef SHIM_LINUX_PRINTK_H
#define SHIM_LINUX_PRINTK_H

#ifndef pr_fmt
#define pr_fmt(format) format
#endif

extern unsigned int shim_log_lines; /* since shim_log_clear() */
extern char shim_log_last[256]; /* the last one, with its newline */

void shim_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
void shim_log_clear(void);

#define pr_err(format, ...)		 shim_log(pr_fmt(format), ##__VA_ARGS__)
#define pr_warn(format, ...)		 shim_log(pr_fmt(format), ##__VA_ARGS__)
#define pr_notice(format, ...)		 shim_log(pr_fmt(format), ##__VA_ARGS__)
#define pr_info(format, ...)		 shim_log(pr_fmt(format), ##__VA_ARGS__)
#define pr_debug(format, ...)		 shim_log(pr_fmt(format), ##__VA_ARGS__)
#define pr_err_ratelimited(format, ...)	 pr_err(format, ##__VA_ARGS__)
#define pr_warn_ratelimited(format, ...) pr_warn(format, ##__VA_ARGS__)

#endif
