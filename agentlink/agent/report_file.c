/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agent/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/notify.h"

#define ANYWAY_MS 60000u
#define TEXT_MAX (1u << 20)
#define PATH_SIZE 4200

struct report_file {
	char path[PATH_SIZE], new_path[PATH_SIZE + 8];
	struct buf told; /* the last one, without its time */
	uint64_t told_ms;
	int told_errno; /* of a write that failed, said once */
};

int
report_file_new(const char *state_dir, struct report_file **out)
{
	struct report_file *f = calloc(1, sizeof(*f));
	if (!f)
		return ERR_NOMEM;
	snprintf(f->path, sizeof(f->path), "%s/status.json", state_dir);
	snprintf(f->new_path, sizeof(f->new_path), "%s.new", f->path);
	buf_init(&f->told, TEXT_MAX);
	*out = f;
	return 0;
}

void
report_file_free(struct report_file *f)
{
	if (!f)
		return;
	buf_fini(&f->told);
	free(f);
}

static void
replace(struct report_file *f, struct bytes text)
{
	int fd =
	    open(f->new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int rc = 0;
	errno = 0;
	if (fd < 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len ||
	    rename(f->new_path, f->path))
		rc = errno ? errno : ENOSPC;
	if (rc && rc != f->told_errno)
		log_warn("%s: %s", f->path, strerror(rc));
	f->told_errno = rc;
	if (fd >= 0)
		close(fd);
}

/* Is there anything new to be told?  Remembers it. */
static bool
is_news(struct report_file *f, const struct report *report)
{
	uint64_t now_ms = clock_now().mono_us / 1000;
	struct buf b;
	buf_init(&b, TEXT_MAX);
	report_json(&b, report);
	if (b.err ||
	    (bytes_equal(buf_bytes(&b), buf_bytes(&f->told)) &&
		now_ms - f->told_ms < ANYWAY_MS)) {
		buf_fini(&b);
		return false;
	}
	buf_fini(&f->told);
	f->told = b;
	f->told_ms = now_ms;
	return true;
}

void
report_file_write(struct report_file *f, struct report *report)
{
	struct buf b;
	report->at_ns = 0;
	if (!is_news(f, report))
		return;
	report->at_ns = clock_now().wall_ns;
	buf_init(&b, TEXT_MAX);
	report_json(&b, report);
	if (!b.err)
		replace(f, buf_bytes(&b));
	buf_clear(&b);
	report_line(&b, report);
	buf_add_u8(&b, '\0');
	if (!b.err)
		notify_status("%s", (const char *)buf_ptr(&b));
	buf_fini(&b);
}
