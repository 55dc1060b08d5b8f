// SPDX-License-Identifier: GPL-2.0
/*
 * CMOS clock: answers with this machine's time in UTC, BCD, 24-hour form. Writes change nothing but
 * the index.
 * Register layout: Motorola MC146818.
 * Invariant: no update is ever in progress (register A bit 7 is clear), so a reader never waits; it
 * notices a change of second between two reads itself.
 */
#include "rtc.h"

#include <string.h>
#include <time.h>

#define RTC_PORT     0x70
#define INDEX_OFFSET 0
#define NMI_DISABLE  0x80 /* shares the index port with the clock */

enum {
	RTC_SECONDS = 0x00,
	RTC_MINUTES = 0x02,
	RTC_HOURS = 0x04,
	RTC_WEEKDAY = 0x06,
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_D = 0x0d,
};

#define RTC_A_DIVIDER 0x26 /* 32.768 kHz, the usual rate */
#define RTC_B_24H     0x02
#define RTC_D_VALID   0x80

static uint8_t bcd(int value)
{
	return (uint8_t)((value / 10 % 10) << 4 | value % 10);
}

static uint8_t read_register(const struct rtc *rtc)
{
	time_t now = time(NULL) + atomic_load(&rtc->offset);
	struct tm utc;

	gmtime_r(&now, &utc);
	switch (atomic_load(&rtc->index)) {
	case RTC_SECONDS:
		return bcd(utc.tm_sec);
	case RTC_MINUTES:
		return bcd(utc.tm_min);
	case RTC_HOURS:
		return bcd(utc.tm_hour);
	case RTC_WEEKDAY:
		return bcd(utc.tm_wday + 1);
	case RTC_DAY:
		return bcd(utc.tm_mday);
	case RTC_MONTH:
		return bcd(utc.tm_mon + 1);
	case RTC_YEAR:
		return bcd(utc.tm_year % 100);
	case RTC_A:
		return RTC_A_DIVIDER;
	case RTC_B:
		return RTC_B_24H;
	case RTC_D:
		return RTC_D_VALID;
	default:
		return 0;
	}
}

static void rtc_in(void *context, uint16_t offset, uint8_t *data, unsigned int size)
{
	struct rtc *rtc = context;

	memset(data, 0xff, size);
	if (offset != INDEX_OFFSET && size == 1)
		data[0] = read_register(rtc);
}

static void rtc_out(void *context, uint16_t offset, const uint8_t *data, unsigned int size)
{
	struct rtc *rtc = context;

	(void)size;
	if (offset == INDEX_OFFSET)
		atomic_store(&rtc->index, data[0] & (uint8_t)~NMI_DISABLE);
}

struct pio_device rtc_pio(struct rtc *rtc)
{
	return (struct pio_device){
		.port = RTC_PORT,
		.count = 2,
		.context = rtc,
		.in = rtc_in,
		.out = rtc_out,
	};
}
