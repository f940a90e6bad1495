/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/judge.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "tests/crash/spool.h"

#define CHILD_SECONDS 60 /* until a child is given up */
#define WRITES 3 /* transactions that go on after a start */

static bool
is_lane_good(const struct promise *p, const struct spool *s,
    const struct spool_sum *sum, const struct judge_past *past, unsigned lane,
    char why[JUDGE_WHY])
{
	uint64_t last = sum->last[lane], said = s->replayed[lane];
	uint64_t wanted = p->ack[lane], most = p->sent[lane];
	const char *what = NULL;

	if (past->last[lane] > wanted)
		wanted = past->last[lane];
	if (most < wanted)
		most = wanted;
	if (last < wanted && (last || wanted > p->gone[lane]))
		what = "acknowledged records are lost at the end";
	else if (sum->first[lane] > p->gone[lane] + 1)
		what = "acknowledged records are lost at the beginning";
	else if (last > most)
		what = "records that were never sent";
	else if (last ? said != last : said < wanted)
		what = "the replay says another end";
	if (!what)
		return true;
	snprintf(why, JUDGE_WHY,
	    "lane %u: %s: there [%" PRIu64 ", %" PRIu64 "], replayed %" PRIu64
	    ", acknowledged %" PRIu64 ", sent %" PRIu64 ", gone %" PRIu64
	    "; %s",
	    lane, what, sum->first[lane], last, said, wanted, most,
	    p->gone[lane], s->event);
	return false;
}

static bool
is_sum_good(const struct promise *p, const struct spool *s,
    const struct spool_sum *sum, const struct judge_past *past,
    char why[JUDGE_WHY])
{
	if (s->senseless) {
		snprintf(why, JUDGE_WHY,
		    "the replay cannot make sense of %" PRIu64 " batches",
		    s->senseless);
		return false;
	}
	/*
	 * Half a sector makes the store set the segment aside, and leave a
	 * hole of numbers behind it; nothing that was sent lies in the hole.
	 */
	if (sum->holes || sum->gaps || (sum->damages && !p->shorts)) {
		snprintf(why, JUDGE_WHY,
		    "%" PRIu64 " damages, %" PRIu64 " holes, %" PRIu64
		    " gaps; %s",
		    sum->damages, sum->holes, sum->gaps, s->event);
		return false;
	}
	if (sum->meta < p->meta_ack || sum->meta > p->meta_sent) {
		snprintf(why, JUDGE_WHY,
		    "meta holds %" PRIu64 ", not %" PRIu64 " to %" PRIu64
		    "; %s",
		    sum->meta, p->meta_ack, p->meta_sent, s->event);
		return false;
	}
	if (sum->next_number < past->next_number ||
	    sum->next_rec < past->next_rec) {
		snprintf(why, JUDGE_WHY,
		    "numbers go back: batch %" PRIu64 " < %" PRIu64
		    ", record %" PRIu64 " < %" PRIu64,
		    sum->next_number, past->next_number, sum->next_rec,
		    past->next_rec);
		return false;
	}
	for (unsigned lane = 0; lane < KNOWN_LANES; lane++)
		if (!is_lane_good(p, s, sum, past, lane, why))
			return false;
	return true;
}

static bool
writes_on(struct spool *s, struct judge_past *past, char why[JUDGE_WHY])
{
	uint64_t last = past->last[0] ? past->last[0] : s->replayed[0];
	uint64_t number;

	for (int i = 0; i < WRITES; i++) {
		int rc = spool_write(s, 0, last, 2, 20, &number);

		if (rc) {
			snprintf(
			    why, JUDGE_WHY, "writing on: %s", err_name(rc));
			return false;
		}
		last += 20;
		past->next_number = number;
	}
	past->last[0] = last;
	past->next_rec += WRITES * 20;
	return true;
}

bool
judge_dir(const char *dir, const struct promise *p, struct judge_past *past,
    bool go_on, char why[JUDGE_WHY])
{
	struct spool s;
	struct spool_sum sum;
	bool ok;

	*why = '\0';
	if (spool_open(dir, p->segment_bytes, p->encrypt, &s, why) ||
	    spool_read(&s, &sum, why) || !is_sum_good(p, &s, &sum, past, why))
		return false;
	memcpy(past->last, sum.last, sizeof(past->last));
	past->next_number = sum.next_number;
	past->next_rec = sum.next_rec;
	ok = !go_on || p->by_keeper || writes_on(&s, past, why);
	/* A first start ends as if it were killed. */
	if (!go_on)
		spool_close(&s);
	return ok;
}

bool
judge_child(const char *dir, const struct promise *p, struct judge_past *past,
    bool go_on, char why[JUDGE_WHY])
{
	int fd[2], status;
	ssize_t got;
	pid_t pid;
	struct {
		struct judge_past past;
		char why[JUDGE_WHY];
	} answer = {0};

	if (pipe(fd))
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		alarm(CHILD_SECONDS);
		answer.past = *past;
		answer.past.ok =
		    judge_dir(dir, p, &answer.past, go_on, answer.why);
		_exit(write(fd[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	close(fd[1]);
	got = read(fd[0], &answer, sizeof(answer));
	close(fd[0]);
	if (waitpid(pid, &status, 0) != pid)
		abort();
	if (got != sizeof(answer)) {
		snprintf(why, JUDGE_WHY, "the store died: status %#x%s",
		    (unsigned)status,
		    WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
			? " (it did not end)"
			: "");
		return false;
	}
	*past = answer.past;
	memcpy(why, answer.why, JUDGE_WHY);
	return past->ok;
}
