/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate - write what is made from the table of commands to standard output:
 * the manual page and the completions.  Not installed; `make update-admin`
 * runs it.
 */
#include <stdio.h>
#include <string.h>

#include "admin/completion.h"
#include "admin/manual.h"

#define TEXT_MAX ((size_t)1 << 20)

int
main(int argc, char **argv)
{
	struct buf b;
	int rc = 0;

	buf_init(&b, TEXT_MAX);
	if (argc == 2 && !strcmp(argv[1], "spoolctl.1"))
		manual_print(&b);
	else if (argc != 2 || !completion_print(argv[1], &b))
		rc = 2;
	if (rc)
		fprintf(stderr, "usage: generate spoolctl.1|bash|zsh|fish\n");
	else
		rc = b.err || fwrite(buf_ptr(&b), 1, b.len, stdout) != b.len;
	buf_fini(&b);
	return rc ? rc : fflush(stdout) != 0;
}
