/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample - write records of the generator to standard output or to files.
 *
 * One file for each host and kind with --per-host-dir: HOST.itm2.log and so
 * on.  Files (and output) of ITM2 alone end with 0x1A, as its logs do.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "tests/bench/gen.h"

#define KINDS 3
#define FLUSH_BYTES (64u << 10)
#define BUF_LIMIT (4u << 20)
#define EXIT_USAGE 2

struct options {
	enum gen_corpus corpus;
	uint64_t seed, records;
	struct gen_opts gen;
	const char *dir; /* NULL: standard output */
	bool length; /* framing by length, else LF */
};

struct sample {
	const struct options *opt;
	struct gen *gen;
	struct buf *out; /* one per (host, kind), or one */
	bool *begun; /* that file has been opened before */
};

static void
usage(FILE *to)
{
	fputs("usage: sample [--corpus mix-1|mix-dup|itm2|winlog|syslog] "
	      "[--seed N]\n"
	      "       [--records N] [--hosts N] [--users N] "
	      "[--per-host-dir DIR]\n"
	      "       [--framing lf|length]\n",
	    to);
}

static int
parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;
	unsigned long long x;

	errno = 0;
	x = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || x > max)
		return ERR_INVAL;
	*number = x;
	return 0;
}

static int
parse_framing(const char *text, bool *length)
{
	*length = !strcmp(text, "length");
	return *length || !strcmp(text, "lf") ? 0 : ERR_INVAL;
}

static int
parse_option(int letter, struct options *opt)
{
	uint64_t x = 0;
	int rc;

	switch (letter) {
	case 'c':
		return gen_corpus_parse(optarg, &opt->corpus);
	case 's':
		return parse_number(optarg, UINT64_MAX, &opt->seed);
	case 'n':
		return parse_number(optarg, UINT64_MAX, &opt->records);
	case 'h':
		rc = parse_number(optarg, 65536, &x);
		opt->gen.hosts = (uint32_t)x;
		return rc;
	case 'u':
		rc = parse_number(optarg, 65536, &x);
		opt->gen.users = (uint32_t)x;
		return rc;
	case 'd':
		opt->dir = optarg;
		return 0;
	case 'f':
		return parse_framing(optarg, &opt->length);
	default:
		return ERR_INVAL;
	}
}

static int
parse(int argc, char **argv, struct options *opt)
{
	static const struct option options[] = {
	    {"corpus", required_argument, NULL, 'c'},
	    {"seed", required_argument, NULL, 's'},
	    {"records", required_argument, NULL, 'n'},
	    {"hosts", required_argument, NULL, 'h'},
	    {"users", required_argument, NULL, 'u'},
	    {"per-host-dir", required_argument, NULL, 'd'},
	    {"framing", required_argument, NULL, 'f'},
	    {"help", no_argument, NULL, 'H'},
	    {NULL, 0, NULL, 0},
	};
	int letter;

	*opt = (struct options){.seed = 1, .records = 1000};
	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == 'H') {
			usage(stdout);
			exit(0);
		}
		if (parse_option(letter, opt))
			return ERR_INVAL;
	}
	return optind == argc ? 0 : ERR_INVAL;
}

static int
write_all(int fd, struct bytes x)
{
	while (x.len > 0) {
		ssize_t n = write(fd, x.ptr, x.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_of_errno(errno);
		x.ptr += n;
		x.len -= (size_t)n;
	}
	return 0;
}

/* Thousands of hosts: a file is open only while a piece is written. */
static int
write_piece(struct sample *s, size_t stream)
{
	char path[4096];
	int rc, fd;
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC |
	    (s->begun[stream] ? O_APPEND : O_TRUNC);

	snprintf(path, sizeof(path), "%s/%s.%s.log", s->opt->dir,
	    gen_host_name(s->gen, (uint32_t)(stream / KINDS)),
	    gen_kind_name((enum gen_kind)(stream % KINDS)));
	fd = open(path, flags, 0666);
	if (fd < 0)
		return err_of_errno(errno);
	s->begun[stream] = true;
	rc = write_all(fd, buf_bytes(&s->out[stream]));
	if (close(fd) && rc == 0)
		rc = err_of_errno(errno);
	return rc;
}

static int
flush(struct sample *s, size_t stream)
{
	int rc = s->out[stream].err;

	if (rc == 0 && s->opt->dir)
		rc = write_piece(s, stream);
	else if (rc == 0)
		rc = write_all(STDOUT_FILENO, buf_bytes(&s->out[stream]));
	buf_release(&s->out[stream]);
	return rc;
}

static void
add(const struct sample *s, struct buf *out, struct bytes record)
{
	uint8_t length[4];

	if (s->opt->length) {
		endian_put_le32(length, (uint32_t)record.len);
		buf_add(out, length, sizeof(length));
	}
	buf_add_bytes(out, record);
	if (!s->opt->length)
		buf_add_u8(out, '\n');
}

static int
make_records(struct sample *s)
{
	struct gen_record rec;

	for (uint64_t i = 0; i < s->opt->records; i++) {
		gen_next(s->gen, &rec);
		size_t stream = s->opt->dir ? rec.host * KINDS + rec.kind : 0;

		add(s, &s->out[stream], rec.bytes);
		if (s->out[stream].len >= FLUSH_BYTES) {
			int rc = flush(s, stream);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* The last pieces, and the 0x1A that closes a log of ITM2. */
static int
finish(struct sample *s, size_t streams)
{
	for (size_t i = 0; i < streams; i++) {
		bool used = s->out[i].len > 0 || s->begun[i];
		bool itm2 = s->opt->dir ? i % KINDS == GEN_KIND_ITM2
					: s->opt->corpus == GEN_ITM2;
		int rc;

		if (!used && s->opt->dir)
			continue;
		if (itm2 && s->opt->length)
			add(s, &s->out[i], bytes_of("\x1a", 1));
		else if (itm2)
			buf_add_u8(&s->out[i], 0x1a);
		rc = flush(s, i);
		if (rc)
			return rc;
	}
	return 0;
}

static int
run(const struct options *opt)
{
	struct sample s = {.opt = opt};
	size_t streams = 1;
	int rc = gen_new(opt->corpus, opt->seed, &opt->gen, &s.gen);

	if (rc)
		goto out;
	if (opt->dir)
		streams = (size_t)gen_hosts(s.gen) * KINDS;
	s.out = calloc(streams, sizeof(*s.out));
	s.begun = calloc(streams, sizeof(*s.begun));
	rc = ERR_NOMEM;
	if (!s.out || !s.begun)
		goto out;
	for (size_t i = 0; i < streams; i++)
		buf_init(&s.out[i], BUF_LIMIT);
	rc = make_records(&s);
	if (rc == 0)
		rc = finish(&s, streams);
	for (size_t i = 0; i < streams; i++)
		buf_fini(&s.out[i]);
out:
	free(s.out);
	free(s.begun);
	gen_free(s.gen);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options opt;
	int rc;

	if (parse(argc, argv, &opt)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	rc = run(&opt);
	if (rc)
		fprintf(stderr, "sample: %s\n", err_text(rc));
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
