/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "lib/base/err.h"
#include "tests/bench/load.h"

static void
troubles(const struct load *l, uint64_t *failures, uint64_t *repeats)
{
	*failures = *repeats = 0;
	for (unsigned i = 0; i < l->options.connections; i++) {
		uint64_t f, r;

		load_conn_troubles(l->conn[i], &f, &r);
		*failures += f;
		*repeats += r;
	}
}

void
load_report_print(const struct load *l, FILE *to)
{
	const struct load_window *w = &l->window;
	double seconds = (double)(w->end_us - w->begin_us) / 1e6;
	uint64_t failures, repeats;

	troubles(l, &failures, &repeats);
	fprintf(to,
	    "{\"event\":\"result\",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64
	    ",\"batches\":%" PRIu64 ",\"seconds\":%.6f,\"rate\":%.1f",
	    w->records, w->bytes, w->batches, seconds,
	    seconds > 0 ? (double)w->records / seconds : 0.0);
	fprintf(to,
	    ",\"latency_ms\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,"
	    "\"max\":%.3f}",
	    (double)latency_at(&w->latency, 0.5) / 1e3,
	    (double)latency_at(&w->latency, 0.9) / 1e3,
	    (double)latency_at(&w->latency, 0.99) / 1e3,
	    (double)latency_at(&w->latency, 1.0) / 1e3);
	fprintf(to,
	    ",\"acked\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"failures\":%" PRIu64
	    ",\"repeats\":%" PRIu64 ",\"feed_ended\":%s}\n",
	    l->acked, l->sent, failures, repeats,
	    l->feed_ended_us ? "true" : "false");
	fflush(to);
}

int
load_report_acked(const struct load *l, const char *path)
{
	FILE *f = fopen(path, "we");
	char epoch[UUID_TEXT_SIZE];

	if (!f)
		return err_of_errno(errno);
	for (unsigned i = 0; i < l->options.connections; i++)
		fprintf(f, "%u %s %" PRIu64 "\n", load_conn_lane(l->conn[i]),
		    uuid_format(load_conn_epoch(l->conn[i]), epoch),
		    load_conn_acked(l->conn[i]));
	return fclose(f) ? ERR_IO : 0;
}

void
load_report_event(const char *name)
{
	printf("{\"event\":\"%s\"}\n", name);
	fflush(stdout);
}
