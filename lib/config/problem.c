/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/problem.h"

#include <stdlib.h>

#include "lib/base/err.h"

#define LINE_MAX_BYTES ((size_t)8192)
#define SHOWN_MAX 64 /* bytes of the file in one phrase */

void
problem_init(struct problem_list *list, const char *file)
{
	*list = (struct problem_list){.file = file};
}

void
problem_fini(struct problem_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->problems[i].text);
	free(list->problems);
	*list = (struct problem_list){0};
}

void
problem_show(struct bytes text, struct buf *b)
{
	size_t len = text.len > SHOWN_MAX ? SHOWN_MAX : text.len;

	/* Do not cut a UTF-8 sequence. */
	while (len < text.len && len > 0 && (text.ptr[len] & 0xc0) == 0x80)
		len--;
	for (size_t i = 0; i < len; i++) {
		if (text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			buf_add_fmt(b, "\\x%02x", text.ptr[i]);
		else
			buf_add_u8(b, text.ptr[i]);
	}
	if (len < text.len)
		buf_add_str(b, "...");
}

void
problem_quote(struct bytes text, struct buf *b)
{
	buf_add_u8(b, '"');
	problem_show(text, b);
	buf_add_u8(b, '"');
}

static int
keep(struct problem_list *list, struct schema_place at, struct bytes text)
{
	struct problem *grown;
	char *copy;

	if (list->count % 64 == 0) {
		grown = reallocarray(
		    list->problems, list->count + 64, sizeof(*grown));
		if (!grown)
			return ERR_NOMEM;
		list->problems = grown;
	}
	copy = strndup((const char *)text.ptr, text.len);
	if (!copy)
		return ERR_NOMEM;
	list->problems[list->count++] = (struct problem){at, copy};
	return 0;
}

void
problem_add(struct problem_list *list, struct schema_place at, const char *key,
    const char *wrong, const char *allowed, const char *meant)
{
	struct buf b;

	if (list->count == PROBLEM_MAX) {
		list->dropped++;
		list->last = at;
		return;
	}
	buf_init(&b, LINE_MAX_BYTES);
	buf_add_fmt(&b, "%s: %s", key, wrong);
	if (allowed)
		buf_add_fmt(&b, "; allowed: %s", allowed);
	if (meant)
		buf_add_fmt(&b, " (did you mean %s?)", meant);
	if (b.err || keep(list, at, buf_bytes(&b)))
		list->err = ERR_NOMEM;
	buf_fini(&b);
}

static int
compare(const void *x, const void *y)
{
	const struct problem *a = x, *b = y;

	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	return strcmp(a->text, b->text);
}

int
problem_lines(struct problem_list *list, char **out)
{
	struct buf b;
	char *text = NULL;

	if (list->err)
		return list->err;
	buf_init(&b, (PROBLEM_MAX + 1) * 2 * LINE_MAX_BYTES);
	if (list->count)
		qsort(list->problems, list->count, sizeof(list->problems[0]),
		    compare);
	for (size_t i = 0; i < list->count; i++) {
		const struct problem *p = &list->problems[i];

		buf_add_fmt(&b, "%s:%u:%u: %s\n", list->file, p->at.line,
		    p->at.column, p->text);
	}
	if (list->dropped)
		buf_add_fmt(&b, "%s:%u:%u: (file): %zu errors more\n",
		    list->file, list->last.line, list->last.column,
		    list->dropped);
	buf_add_u8(&b, '\0');
	if (!b.err)
		text = strdup((const char *)buf_ptr(&b));
	buf_fini(&b);
	if (!text)
		return ERR_NOMEM;
	*out = text;
	return 0;
}
