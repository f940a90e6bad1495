/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/bench/gen_impl.h"

#include "lib/base/err.h"

#define NS_PER_S INT64_C(1000000000)
#define JST_S (9 * 3600) /* every form but ISO is Japan's time */
#define SEQ_BASE UINT64_C(1000000000) /* so that none begins with 0 */

struct civil {
	unsigned year, month, day, hour, minute, second, micros;
};

/* Days since 1970 to a date (after Hinnant's civil_from_days). */
static void
date_of(int64_t days, struct civil *c)
{
	uint32_t z = (uint32_t)(days + 719468);
	uint32_t era = z / 146097;
	uint32_t doe = z - era * 146097;
	uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint32_t mp = (5 * doy + 2) / 153;

	c->day = doy - (153 * mp + 2) / 5 + 1;
	c->month = mp < 10 ? mp + 3 : mp - 9;
	c->year = yoe + era * 400 + (c->month <= 2);
}

static struct civil
civil_of(int64_t ns, int64_t offset_s)
{
	struct civil c;
	int64_t s = ns / NS_PER_S + offset_s;
	unsigned in_day = (unsigned)(s % 86400);

	date_of(s / 86400, &c);
	c.hour = in_day / 3600;
	c.minute = in_day / 60 % 60;
	c.second = in_day % 60;
	c.micros = (unsigned)(ns % NS_PER_S / 1000);
	return c;
}

static uint8_t *
put2(uint8_t *p, unsigned x, char after)
{
	p[0] = (uint8_t)('0' + x / 10 % 10);
	p[1] = (uint8_t)('0' + x % 10);
	p[2] = (uint8_t)after;
	return p + (after ? 3 : 2);
}

static uint8_t *
put3(uint8_t *p, unsigned x, char after)
{
	*p++ = (uint8_t)('0' + x / 100 % 10);
	return put2(p, x % 100, after);
}

static uint8_t *
put_date(uint8_t *p, const struct civil *c, char between, char after)
{
	p = put2(p, c->year / 100, 0);
	p = put2(p, c->year % 100, between);
	p = put2(p, c->month, between);
	return put2(p, c->day, after);
}

static uint8_t *
put_clock(uint8_t *p, const struct civil *c, char after)
{
	p = put2(p, c->hour, ':');
	p = put2(p, c->minute, ':');
	return put2(p, c->second, after);
}

/* "Mmm dd "; BSD syslog and IOS pad the day with a space, ASA with 0. */
static uint8_t *
put_month(uint8_t *p, const struct civil *c, char pad)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	p = gen_put_mem(p, names + (c->month - 1) * 3, 3);
	*p++ = ' ';
	p = put2(p, c->day, ' ');
	if (c->day < 10)
		p[-3] = (uint8_t)pad;
	return p;
}

static uint8_t *
put_itm2(uint8_t *p, const struct civil *c)
{
	p = put2(p, c->month, '/');
	p = put2(p, c->day, '/');
	p = put2(p, c->year / 100, 0);
	p = put2(p, c->year % 100, ' ');
	p = put_clock(p, c, '.');
	p = put3(p, c->micros / 1000, ' ');
	return gen_put_mem(p, "+0900", 5);
}

static uint8_t *
put_iso(uint8_t *p, const struct civil *c)
{
	p = put_date(p, c, '-', 'T');
	p = put_clock(p, c, '.');
	return put3(p, c->micros / 1000, 'Z');
}

static uint8_t *
put_rfc5424(uint8_t *p, const struct civil *c)
{
	p = put_date(p, c, '-', 'T');
	p = put_clock(p, c, '.');
	p = put3(p, c->micros / 1000, 0);
	p = put3(p, c->micros % 1000, '+');
	return gen_put_mem(p, "09:00", 5);
}

static uint8_t *
put_forti(uint8_t *p, const struct civil *c)
{
	p = gen_put_mem(p, "date=", 5);
	p = put_date(p, c, '-', ' ');
	p = gen_put_mem(p, "time=", 5);
	return put_clock(p, c, 0);
}

uint8_t *
gen_patch_time(uint8_t *p, enum gen_form form, int64_t ns)
{
	struct civil c = civil_of(ns, form == GEN_FORM_ISO ? 0 : JST_S);

	switch (form) {
	case GEN_FORM_ITM2:
		return put_itm2(p, &c);
	case GEN_FORM_ISO:
		return put_iso(p, &c);
	case GEN_FORM_RFC5424:
		return put_rfc5424(p, &c);
	case GEN_FORM_FORTI:
		return put_forti(p, &c);
	case GEN_FORM_RFC3164:
		return put_clock(put_month(p, &c, ' '), &c, 0);
	case GEN_FORM_ASA:
		p = put_month(p, &c, '0');
		p = put2(p, c.year / 100, 0);
		p = put2(p, c.year % 100, ' ');
		return put_clock(p, &c, 0);
	case GEN_FORM_IOS:
		p = put_clock(put_month(p, &c, ' '), &c, '.');
		return put3(p, c.micros / 1000, 0);
	}
	return p;
}

uint8_t *
gen_patch_seq(uint8_t *p, uint64_t seq)
{
	uint64_t x = seq + SEQ_BASE;

	for (size_t i = GEN_SEQ_DIGITS; i-- > 0; x /= 10)
		p[i] = (uint8_t)('0' + x % 10);
	return p + GEN_SEQ_DIGITS;
}

void
gen_patch(uint8_t *record, const struct gen_fields *at, uint64_t seq,
    int64_t event_ns)
{
	uint8_t text[48];
	uint8_t *end = gen_patch_time(text, (enum gen_form)at->form, event_ns);

	memcpy(record + at->time_at, text, (size_t)(end - text));
	gen_patch_seq(record + at->seq_at, seq);
}

/*
 * What tells a record's shape: the mark right before its sequence, and the
 * nearest mark before that (or, for IOS, the next after it) that its time
 * follows.
 */
static const struct shape {
	const char *seq_mark;
	const char *time_mark;
	enum gen_form form;
} shapes[] = {
    {" type=ITM2 sn=", NULL, GEN_FORM_ITM2},
    {"\"winlog\":{\"record_id\":", "{\"@timestamp\":\"", GEN_FORM_ISO},
    {"[meta sequenceId=\"", ">1 ", GEN_FORM_RFC5424},
    {" nginx: conn=", ">", GEN_FORM_RFC3164},
    {" kernel: [", ">", GEN_FORM_RFC3164},
    {",any,0,", ">", GEN_FORM_RFC3164},
    {" sessionid=", ">", GEN_FORM_FORTI},
    {" connection ", ">", GEN_FORM_ASA},
    {">", ": ", GEN_FORM_IOS},
};

/* Bytes of a time by form. */
static const uint8_t time_length[] = {
    [GEN_FORM_ITM2] = 29,
    [GEN_FORM_ISO] = 24,
    [GEN_FORM_RFC5424] = 32,
    [GEN_FORM_RFC3164] = 15,
    [GEN_FORM_ASA] = 20,
    [GEN_FORM_IOS] = 19,
    [GEN_FORM_FORTI] = 29,
};

static bool
is_seq(struct bytes record, size_t at)
{
	if (at + GEN_SEQ_DIGITS > record.len || record.ptr[at] == '0')
		return false;
	for (size_t i = at; i < at + GEN_SEQ_DIGITS; i++) {
		if (record.ptr[i] < '0' || record.ptr[i] > '9')
			return false;
	}
	return at + GEN_SEQ_DIGITS == record.len ||
	    record.ptr[at + GEN_SEQ_DIGITS] < '0' ||
	    record.ptr[at + GEN_SEQ_DIGITS] > '9';
}

/* Where the last mark that ends at or before `end` ends; 0 if none. */
static size_t
after_last(struct bytes record, size_t end, const char *mark)
{
	size_t len = strlen(mark);

	for (; end >= len; end--) {
		if (!memcmp(record.ptr + end - len, mark, len))
			return end;
	}
	return 0;
}

/* Where the first mark from there on ends; 0 if none. */
static size_t
after_next(struct bytes record, size_t from, const char *mark)
{
	const uint8_t *hit = from > record.len
	    ? NULL
	    : memmem(record.ptr + from, record.len - from, mark, strlen(mark));

	return hit ? (size_t)(hit - record.ptr) + strlen(mark) : 0;
}

static bool
fits(struct bytes record, const struct shape *s, size_t seq_at,
    struct gen_fields *at)
{
	size_t mark_at = seq_at - strlen(s->seq_mark), time_at;

	if (!is_seq(record, seq_at))
		return false;
	if (!s->time_mark) {
		if (mark_at < time_length[s->form])
			return false;
		time_at = mark_at - time_length[s->form];
	} else if (s->form == GEN_FORM_IOS) {
		time_at = after_next(
		    record, seq_at + GEN_SEQ_DIGITS + 2, s->time_mark);
	} else {
		time_at = after_last(record, mark_at, s->time_mark);
	}
	if ((time_at == 0 && s->time_mark) ||
	    time_at + time_length[s->form] > record.len)
		return false;
	*at = (struct gen_fields){
	    (uint16_t)seq_at, (uint16_t)time_at, (uint8_t)s->form};
	return true;
}

int
gen_locate(struct bytes record, struct gen_fields *at)
{
	struct bytes head = {record.ptr, record.len < 4096 ? record.len : 4096};

	/* the fields of every shape are near its beginning */
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const char *mark = shapes[i].seq_mark;
		size_t seq_at = after_next(head, 0, mark);

		for (; seq_at > 0; seq_at = after_next(head, seq_at, mark)) {
			if (fits(head, &shapes[i], seq_at, at))
				return 0;
		}
	}
	return ERR_FORMAT;
}

int
gen_sequence_of(struct bytes record, uint64_t *seq)
{
	struct gen_fields at;
	uint64_t x = 0;

	if (gen_locate(record, &at))
		return ERR_FORMAT;
	for (size_t i = 0; i < GEN_SEQ_DIGITS; i++)
		x = x * 10 + record.ptr[at.seq_at + i] - '0';
	*seq = x - SEQ_BASE;
	return 0;
}
