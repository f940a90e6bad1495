/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a file's bytes go through pack_reader if it is packed,
 * then through decode, and each record to the output.  What can go wrong: the
 * file is absent, damaged, or ends within a record; what came before is out.
 */
#include "admin/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/ask.h"
#include "admin/base64.h"
#include "admin/decode.h"
#include "admin/json.h"
#include "admin/safe.h"
#include "admin/view.h"
#include "lib/base/buf.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/pack/pack_reader.h"

#define READ_SIZE 65536
#define UNPACKED_SIZE ((size_t)1 << 20)
#define ZSTD_MAGIC 0xfd2fb528u

struct decoding {
	struct command_context *cx;
	struct writer *writer; /* NULL: raw bytes */
	struct decode *decode;
	struct pack_reader *reader; /* NULL: the file is not packed */
	struct buf unpacked;
	bool has_begun;
};

static int
write_raw(struct command_context *cx, struct bytes record)
{
	const char *framing = cx->args->text[ARGS_FRAMING];
	uint8_t len[4];

	if (!framing)
		framing = "lf";
	if (cx->is_terminal) {
		safe_write(record, cx->out);
		fputc('\n', cx->out);
		return ferror(cx->out) ? ERR_IO : 0;
	}
	endian_put_le32(len, (uint32_t)record.len);
	if (!strcmp(framing, "length"))
		fwrite(len, 1, sizeof(len), cx->out);
	fwrite(record.ptr, 1, record.len, cx->out);
	if (!strcmp(framing, "lf"))
		fputc('\n', cx->out);
	else if (!strcmp(framing, "nul"))
		fputc('\0', cx->out);
	return ferror(cx->out) ? ERR_IO : 0;
}

static int
write_row(struct decoding *x, struct bytes id, struct bytes record)
{
	json_t *text = record.len
	    ? json_stringn((const char *)record.ptr, record.len)
	    : json_string("");
	const char *key = text ? "text" : "base64";
	json_t *row = json_pack("{s:o,s:I,s:o}", "id",
	    id.len ? json_text(id) : json_null(), "bytes",
	    (json_int_t)record.len, key, text ? text : base64_json(record));

	if (!row)
		return ERR_NOMEM;
	view_object(x->writer, row);
	json_decref(row);
	return 0;
}

static int
on_record(struct bytes id, struct bytes record, void *arg)
{
	struct decoding *x = arg;

	return x->writer ? write_row(x, id, record) : write_raw(x->cx, record);
}

static int
feed_packed(struct decoding *x, struct bytes in)
{
	bool was_full = true;
	int rc = 0;

	while (!rc && (in.len || was_full)) {
		rc = pack_reader_add(x->reader, &in, &x->unpacked);
		was_full = x->unpacked.len == UNPACKED_SIZE;
		if (!rc)
			rc = decode_feed(x->decode, buf_bytes(&x->unpacked));
		buf_clear(&x->unpacked);
	}
	return rc;
}

static int
feed(struct decoding *x, struct bytes in)
{
	int rc = 0;

	if (!x->has_begun && in.len >= 4 &&
	    endian_get_le32(in.ptr) == ZSTD_MAGIC)
		rc = pack_reader_new(&x->reader);
	x->has_begun = true;
	if (rc)
		return rc;
	return x->reader ? feed_packed(x, in) : decode_feed(x->decode, in);
}

static int
end(struct decoding *x)
{
	int rc = decode_end(x->decode);

	if (!rc && x->reader && pack_reader_is_open(x->reader))
		rc = ERR_PARTIAL;
	return rc;
}

static int
read_file(struct decoding *x, FILE *f)
{
	uint8_t piece[READ_SIZE];
	size_t n;
	int rc = 0;

	while (!rc && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		rc = feed(x, bytes_of(piece, n));
	if (!rc && ferror(f))
		rc = ERR_IO;
	return rc ? rc : end(x);
}

static int
cannot_open(struct fault *f, const char *path, int errnum)
{
	bool is_absent = errnum == ENOENT || errnum == ENOTDIR;

	fault_set(f,
	    is_absent		   ? FAULT_NOT_FOUND
		: errnum == EACCES ? FAULT_DENIED
				   : FAULT_FAILED,
	    is_absent ? "FILE_UNKNOWN" : "FILE_UNREADABLE",
	    "cannot read %.300s", path);
	fault_cause(f, "%s", strerror(errnum));
	return (int)f->exit;
}

static int
cannot_decode(struct decoding *x, const char *path, int rc, struct fault *f)
{
	uint64_t after = decode_records(x->decode);

	if (rc == ERR_PARTIAL)
		fault_set(f, FAULT_PARTIAL, "FILE_CUT",
		    "%.300s ends within a record", path);
	else if (rc == ERR_FORMAT || rc == ERR_LIMIT)
		fault_set(f, FAULT_INVALID, "FILE_DAMAGED",
		    "%.300s is not what a file target writes", path);
	else
		return fault_of_err(f, rc, "cannot decode");
	fault_cause(f, "after %" PRIu64 " whole records", after);
	return (int)f->exit;
}

static int
decode_file(struct decoding *x, const char *path)
{
	struct fault *fault = &x->cx->fault;
	bool is_stdin = !strcmp(path, "-");
	FILE *f = is_stdin ? x->cx->in : fopen(path, "rbe");
	int rc;

	if (!f)
		return cannot_open(fault, path, errno);
	if (decode_new(on_record, x, &x->decode)) {
		rc = fault_of_err(fault, ERR_NOMEM, "cannot decode");
	} else {
		rc = read_file(x, f);
		if (rc)
			rc = cannot_decode(x, path, rc, fault);
	}
	decode_free(x->decode);
	pack_reader_free(x->reader);
	x->decode = NULL;
	x->reader = NULL;
	x->has_begun = false;
	if (!is_stdin)
		fclose(f);
	return rc;
}

int
commands_decode(struct command_context *cx)
{
	struct decoding x = {.cx = cx};
	int rc = FAULT_OK, closed = FAULT_OK;

	if (cx->args->given[ARGS_FRAMING] && cx->args->form > WRITER_WIDE)
		return fault_set(&cx->fault, FAULT_USAGE, "FRAMING_NOT_HERE",
		    "--framing is for raw output, not with --output");
	if (cx->args->form > WRITER_WIDE)
		rc = ask_open(cx, &x.writer);
	buf_init(&x.unpacked, UNPACKED_SIZE);
	for (size_t i = 0; i < cx->args->word_count && !rc; i++)
		rc = decode_file(&x, cx->args->words[i]);
	buf_fini(&x.unpacked);
	if (x.writer)
		closed = ask_close(cx, x.writer);
	else if (fflush(cx->out) && !rc)
		closed = fault_of_err(&cx->fault, ERR_IO, "cannot print");
	return rc ? rc : closed;
}
