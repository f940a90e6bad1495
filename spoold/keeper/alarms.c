/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/alarms.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"

static void
take_out(struct alarms *a, size_t i)
{
	a->n--;
	memmove(&a->row[i], &a->row[i + 1], (a->n - i) * sizeof(a->row[0]));
}

/* Conditions stay, so the oldest of what happened goes. */
static void
make_room(struct alarms *a)
{
	size_t i = 0;

	if (a->n < ALARMS_MAX)
		return;
	while (i < a->n && a->row[i].stands)
		i++;
	take_out(a, i < a->n ? i : 0);
}

static struct alarms_row *
append(struct alarms *a, const char *code, const char *about, const char *text,
    int64_t now_ns)
{
	struct alarms_row *r;

	make_room(a);
	r = &a->row[a->n++];
	*r = (struct alarms_row){.from_ns = now_ns, .to_ns = now_ns};
	snprintf(r->code, sizeof(r->code), "%s", code);
	snprintf(r->about, sizeof(r->about), "%s", about);
	snprintf(r->text, sizeof(r->text), "%s", text);
	return r;
}

static size_t
find_condition(const struct alarms *a, const char *code, const char *about)
{
	size_t i = 0;

	while (i < a->n &&
	    (!a->row[i].stands || strcmp(a->row[i].code, code) ||
		strcmp(a->row[i].about, about)))
		i++;
	return i;
}

bool
alarms_happened(
    struct alarms *a, const char *code, const char *text, int64_t now_ns)
{
	bool news = true;
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!a->row[i].stands && !strcmp(a->row[i].code, code) &&
		    !strncmp(a->row[i].text, text, ALARMS_TEXT - 1)) {
			take_out(a, i);
			news = false;
			break;
		}
	append(a, code, "", text, now_ns);
	return news;
}

bool
alarms_stands(struct alarms *a, const char *code, const char *about,
    const char *text, int64_t now_ns)
{
	size_t i = find_condition(a, code, about);

	if (i < a->n) {
		bool same = !strncmp(a->row[i].text, text, ALARMS_TEXT - 1);

		snprintf(a->row[i].text, sizeof(a->row[i].text), "%s", text);
		return !same;
	}
	append(a, code, about, text, now_ns)->stands = true;
	return true;
}

bool
alarms_ended(
    struct alarms *a, const char *code, const char *about, int64_t now_ns)
{
	size_t i = find_condition(a, code, about), j;

	if (i == a->n)
		return false;
	/* Of several times only the last one is listed. */
	for (j = 0; j < a->n; j++)
		if (!a->row[j].stands && !strcmp(a->row[j].code, code) &&
		    !strcmp(a->row[j].about, about)) {
			take_out(a, j);
			i -= j < i;
			break;
		}
	a->row[i].stands = false;
	a->row[i].to_ns = now_ns;
	return true;
}

const char *
alarms_line(const struct alarms_row *r, char line[static ALARMS_LINE])
{
	char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];

	clock_format(r->from_ns, from);
	clock_format(r->to_ns, to);
	if (r->stands)
		snprintf(line, ALARMS_LINE, "%s: %s (since %s)", r->code,
		    r->text, from);
	else if (r->to_ns != r->from_ns)
		snprintf(line, ALARMS_LINE, "%s: %s (from %s to %s)", r->code,
		    r->text, from, to);
	else
		snprintf(
		    line, ALARMS_LINE, "%s: %s (%s)", r->code, r->text, from);
	return line;
}
