/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/escape.h"
#include "tests/helpers/records_json.h"

#define RECORD_LIMIT (64u << 20) /* more is a broken length */
#define ID_CHARS 32

/* One file being read. */
struct reading {
	FILE *from;
	records_fn *fn;
	void *arg;
	struct buf scratch;
	struct records_place *where;
};

static const struct bytes no_id;

static int
give(struct reading *r, struct bytes id, struct bytes record)
{
	return r->fn(r->arg, id, record);
}

/* "ID TAB RECORD" */
static int
give_target_line(struct reading *r, struct bytes line)
{
	int rc;

	if (line.len <= ID_CHARS || line.ptr[ID_CHARS] != '\t')
		return ERR_FORMAT;
	buf_clear(&r->scratch);
	rc = escape_decode(
	    bytes_of(line.ptr + ID_CHARS + 1, line.len - ID_CHARS - 1),
	    &r->scratch);
	if (rc)
		return rc;
	return give(r, bytes_of(line.ptr, ID_CHARS), buf_bytes(&r->scratch));
}

static int
give_peek_line(struct reading *r, struct bytes line)
{
	char id[ID_CHARS + 1];
	int rc;

	buf_clear(&r->scratch);
	rc = records_json_line(line, id, &r->scratch);
	if (rc)
		return rc;
	return give(r, bytes_of_str(id), buf_bytes(&r->scratch));
}

static int
give_line(struct reading *r, enum records_framing framing, struct bytes line)
{
	if (framing == RECORDS_TARGET)
		return give_target_line(r, line);
	if (framing == RECORDS_PEEK)
		return give_peek_line(r, line);
	return give(r, no_id, line);
}

/* A target and peek write whole lines; a source may end without LF. */
static int
read_lines(struct reading *r, enum records_framing framing)
{
	int end = framing == RECORDS_NUL ? 0 : '\n', rc = 0;
	bool strict = framing == RECORDS_TARGET || framing == RECORDS_PEEK;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while (rc == 0 && (n = getdelim(&line, &cap, end, r->from)) > 0) {
		size_t len = (size_t)n;

		r->where->record++;
		if (line[len - 1] == end)
			len--;
		else if (strict)
			rc = ERR_FORMAT;
		if (rc == 0)
			rc = give_line(r, framing, bytes_of(line, len));
	}
	free(line);
	return rc;
}

static int
read_exactly(struct reading *r, size_t len)
{
	uint8_t *p;

	buf_clear(&r->scratch);
	if (len == 0)
		return 0;
	p = buf_reserve(&r->scratch, len);
	if (!p)
		return ERR_FORMAT;
	if (fread(p, 1, len, r->from) != len)
		return ERR_FORMAT;
	buf_claim(&r->scratch, len);
	return 0;
}

/* The next length; ERR_CLOSED at the end of the file. */
static int
read_length(struct reading *r, size_t *len)
{
	uint8_t raw[4];
	size_t n = fread(raw, 1, sizeof(raw), r->from);

	if (n == 0)
		return ERR_CLOSED;
	*len = endian_get_le32(raw);
	return n == sizeof(raw) ? 0 : ERR_FORMAT;
}

static int
read_octet_count(struct reading *r, size_t *len)
{
	size_t x = 0;
	int digits = 0, c;

	while ((c = getc(r->from)) >= '0' && c <= '9' && digits++ < 10)
		x = x * 10 + (size_t)(c - '0');
	if (c == EOF && digits == 0)
		return ERR_CLOSED;
	*len = x;
	return c == ' ' && digits > 0 ? 0 : ERR_FORMAT;
}

static int
read_counted(struct reading *r, enum records_framing framing)
{
	for (;;) {
		size_t len;
		int rc = framing == RECORDS_LENGTH ? read_length(r, &len)
						   : read_octet_count(r, &len);

		if (rc == ERR_CLOSED)
			return 0;
		r->where->record++;
		if (rc == 0)
			rc = read_exactly(r, len);
		if (rc == 0)
			rc = give(r, no_id, buf_bytes(&r->scratch));
		if (rc)
			return rc;
	}
}

int
records_framing_parse(const char *word, enum records_framing *framing)
{
	static const char *const words[] = {
	    "lf", "nul", "length", "octets", "target", "peek"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(word, words[i])) {
			*framing = (enum records_framing)i;
			return 0;
		}
	}
	return ERR_INVAL;
}

/* Run zstd -dc on a file; its output is read from *from. */
static int
open_zstd(const char *path, FILE **from, pid_t *child)
{
	int ends[2];

	if (access(path, R_OK))
		return ERR_NOENT;
	if (pipe(ends))
		return ERR_SYS;
	*child = fork();
	if (*child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execlp("zstd", "zstd", "-dcq", "--", path, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*from = *child > 0 ? fdopen(ends[0], "rb") : NULL;
	if (!*from)
		close(ends[0]);
	return *from ? 0 : ERR_SYS;
}

static int
open_source(const char *path, FILE **from, pid_t *child)
{
	size_t len = strlen(path);

	if (len > 4 && !strcmp(path + len - 4, ".zst"))
		return open_zstd(path, from, child);
	*from = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	return *from ? 0 : ERR_NOENT;
}

/* A decompressor that fails has met a damaged file. */
static int
close_source(FILE *from, pid_t child, int rc)
{
	int status = 0;

	if (rc == 0 && ferror(from))
		rc = ERR_IO;
	if (from != stdin)
		fclose(from);
	if (child > 0 && waitpid(child, &status, 0) == child && rc == 0 &&
	    status != 0)
		rc = ERR_FORMAT;
	return rc;
}

int
records_file(const char *path, enum records_framing framing, records_fn *fn,
    void *arg, struct records_place *where)
{
	struct reading r = {.fn = fn, .arg = arg, .where = where};
	pid_t child = -1;
	int rc;

	snprintf(where->path, sizeof(where->path), "%s", path);
	where->record = 0;
	rc = open_source(path, &r.from, &child);
	if (rc)
		return rc;
	buf_init(&r.scratch, RECORD_LIMIT);
	if (framing == RECORDS_LENGTH || framing == RECORDS_OCTETS)
		rc = read_counted(&r, framing);
	else
		rc = read_lines(&r, framing);
	buf_fini(&r.scratch);
	return close_source(r.from, child, rc);
}
