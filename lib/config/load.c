/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/config/bind.h"
#include "lib/config/tree.h"

#define READ_STEP ((size_t)16 << 10)
#define PHRASE_MAX ((size_t)512)

/*
 * Pipes and devices could block or never end.  Room is made at once: growing
 * would leave copies of a private key in memory that was given back.
 */
static int
check_regular(int fd, struct buf *b)
{
	struct stat st;

	if (fstat(fd, &st))
		return ERR_IO;
	if (S_ISREG(st.st_mode)) {
		if ((size_t)st.st_size <= b->limit - b->len)
			buf_reserve(b, (size_t)st.st_size);
		return b->err;
	}
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return ERR_IO;
}

static int
read_all(int fd, struct buf *b)
{
	uint8_t step[READ_STEP];
	ssize_t n;

	while ((n = read(fd, step, sizeof(step))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		buf_add(b, step, (size_t)n);
		if (b->err)
			break;
	}
	explicit_bzero(step, sizeof(step));
	return b->err ? b->err : n < 0 ? ERR_IO : 0;
}

int
load_file(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc, saved;

	if (fd < 0)
		return ERR_IO;
	rc = check_regular(fd, b);
	if (!rc)
		rc = read_all(fd, b);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

/* The file cannot be read: the only line there is. */
static void
complain_file(struct problem_list *problems, int errnum)
{
	struct buf b;

	buf_init(&b, PHRASE_MAX);
	buf_add_fmt(&b, "cannot be read: %s",
	    errnum == EINVAL ? "not a regular file" : strerror(errnum));
	buf_add_u8(&b, '\0');
	if (b.err)
		problems->err = ERR_NOMEM;
	else
		problem_add(problems, (struct schema_place){1, 1}, "(file)",
		    (const char *)buf_ptr(&b), "a file that can be read", NULL);
	buf_fini(&b);
}

/* The text to parse; *is_read says whether there is one. */
static int
read_input(const struct load_input *input, struct problem_list *problems,
    struct buf *b, bool *is_read)
{
	int rc = load_file(input->name, b);

	if (rc == ERR_NOMEM)
		return rc;
	if (rc == ERR_LIMIT)
		problem_add(problems, (struct schema_place){1, 1}, "(file)",
		    "longer than 1MiB", "at most 1MiB", NULL);
	else if (rc)
		complain_file(problems, errno);
	*is_read = rc == 0;
	return 0;
}

int
load_schema(const struct schema *schema, const struct load_input *input,
    int (*check)(void *top, struct problem_list *problems), void *top,
    char **why)
{
	struct problem_list problems;
	struct bytes text = input->text;
	bool is_read = true;
	struct buf b;
	int rc;

	buf_init(&b, TREE_BYTES_MAX);
	problem_init(&problems, input->name);
	rc = schema_item_init(schema->top, top);
	if (!rc && input->is_file) {
		rc = read_input(input, &problems, &b, &is_read);
		text = buf_bytes(&b);
	}
	if (!rc && is_read)
		rc = bind_text(schema, text, top, &problems);
	if (!rc && is_read)
		rc = check(top, &problems);
	if (!rc)
		rc = problem_lines(&problems, why);
	buf_fini(&b);
	problem_fini(&problems);
	return rc ? rc : **why ? ERR_INVAL : 0;
}
